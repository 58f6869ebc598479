"""What real providers send: a named table of the kinds of faults R1 to R19, over formats, channels and cuts.

A ``Case`` is a stream of events and what a client must have read in the end. Its text is cut in three ways: whole, a
character an event, and at random. R13, content that is JSON, has tables of its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import oracle
from json_oracle import JsonOracle
from speakers import (
    ARGUMENTS,
    CHAT,
    CHATS,
    CHOICE,
    NAMED,
    PAIRS,
    PARTS,
    SOURCE,
    SPEAKERS,
    TEXT,
    Case,
    Event,
    Pieces,
    Speaker,
    base,
    call,
    chunk,
    found,
    line,
    part,
    spoken,
)


def _at_random(text: str) -> list[str]:
    rng = Random(text)
    marks = sorted(rng.sample(range(1, len(text)), 7))
    return [text[a:b] for a, b in zip([0, *marks], [*marks, len(text)], strict=True)]


CUTS: dict[str, Callable[[str], list[str]]] = {
    "whole": lambda text: [text],
    "units": list,
    "random": _at_random,
}


# ---------------------------------------------------------------- the kinds


Make = Callable[[Pieces], Case]
KINDS: dict[str, dict[str, tuple[str, Make]]] = {}
"""By kind and name: the text that is cut, and what makes a case of its pieces."""


def of_kind(kind: str, name: str, text: str, make: Make) -> None:
    KINDS.setdefault(kind, {})[name] = text, make


def of_speakers(
    kind: str, speakers: Sequence[Speaker], events: Callable[[Speaker, Pieces], list[Any]], **more: Any
) -> None:
    for speaker in speakers:
        of_kind(kind, speaker.name, speaker.text, lambda pieces, s=speaker: s.case(events(s, pieces), **more))  # type: ignore[misc]


FOREIGN = {
    "a tool's progress": {"tool": "terminal <PERSON_1>"},
    "a warning": {"warning": "<PERSON_1>"},
    "a ping": {"type": "ping"},
}
of_speakers("R1", SPEAKERS, lambda s, pieces: [*FOREIGN.values(), *base(s, pieces)])

for _speaker, _field in ((NAMED["chat arguments"], "function"), (NAMED["chat custom input"], "custom")):

    def _renamed(
        pieces: Pieces, s: Speaker = _speaker, kind: str = _field, *, finishes: bool = False
    ) -> Case:
        events = [call(piece, kind, id=f"call_{at}") for at, piece in enumerate(pieces)]
        events[0]["choices"][0]["delta"]["tool_calls"][0][kind]["name"] = "f"
        for one in events if finishes else ():
            one["choices"][0]["finish_reason"] = "stop"
        return s.case(list(events))

    of_kind("R2", f"{_speaker.name}, an id with each event", _speaker.text, _renamed)
    of_kind(
        "R2",
        f"{_speaker.name}, and a finish on each",
        _speaker.text,
        lambda pieces, make=_renamed: make([*pieces[0][:1], pieces[0][1:], *pieces[1:]], finishes=True),  # type: ignore[misc]
    )

for _name in ("responses text", "responses arguments", "responses custom input"):
    of_speakers(
        "R3",
        [NAMED[_name]],
        lambda s, pieces: [{**s.say(piece), "item_id": f"i{at}"} for at, piece in enumerate(pieces)],
    )


def _objects(protocol: str, path: str, put: Callable[[Any], Event]) -> None:
    def make(pieces: Pieces) -> Case:
        return Case(
            protocol,
            [put({"to": ["".join(pieces)], "n": 1.5})],
            lambda events: [one for event in events for one in found(event, path.split())],
            [oracle.restore(PAIRS, TEXT)],
        )

    of_kind("R4", f"{protocol}, arguments as an object", TEXT, make)


_objects(CHAT, f"{ARGUMENTS} to *", call)
_objects(
    "ollama",
    "message tool_calls * function arguments to *",
    lambda value: line(tool_calls=[{"function": {"name": "f", "arguments": value}}]),
)
_objects(
    "gemini",
    "candidates * content parts * functionCall args to *",
    lambda value: part(functionCall={"name": "f", "args": value}),
)

for _name in (
    "apply_patch_call_operation_diff",
    "code_interpreter_call_code",
    "refusal",
    "custom_tool_call_input",
    "shell_call_command",
):
    _kind = Speaker(_name, "openai-responses", lambda text, name=_name: spoken(name, text), ("delta",))  # type: ignore[misc]
    of_speakers("R5", [_kind], base)

SHAPES: dict[str, tuple[Callable[[str], Any], str]] = {
    "as a list": (lambda text: [{"text": text}], "* text"),
    "as an object": (lambda text: {"text": text}, "text"),
    "as text": (lambda text: text, ""),
}
for _field in ("reasoning_content", "reasoning", "reasoning_text"):
    for _name, (_shape, _path) in SHAPES.items():
        _kind = Speaker(
            f"{_field} {_name}",
            CHAT,
            lambda text, field=_field, shape=_shape: chunk({field: shape(text)}),  # type: ignore[misc]
            tuple(f"{CHOICE} {_field} {path}".strip() for path in {_path, ""}),
            signed=_name == "as an object",
        )
        of_speakers("R6", [_kind], base)


def _thinking(text: str) -> Event:
    return chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": text}]}]})


def _detail(kind: str, field: str) -> Callable[[str], Event]:
    return lambda text: chunk(
        {"reasoning_details": [{"type": kind, field: text, "format": "unknown", "index": 0}]}
    )


DETAILS = f"{CHOICE} reasoning_details *"
of_speakers(
    "R6",
    [
        Speaker("parts of thinking", CHAT, _thinking, (f"{CHOICE} content * thinking * text",)),
        Speaker("reasoning.summary", CHAT, _detail("reasoning.summary", "summary"), (f"{DETAILS} summary",)),
        Speaker("reasoning.text", CHAT, _detail("reasoning.text", "text"), (f"{DETAILS} text",), signed=True),
    ],
    base,
)


def _both(pieces: Pieces) -> Case:
    """A plain text and its details repeat one text each: two channels."""
    details = _detail("reasoning.summary", "summary")
    events = [chunk({**details(one)["choices"][0]["delta"], "reasoning": one}) for one in pieces]

    def read(out: list[Event]) -> list[str]:
        paths = (f"{CHOICE} reasoning", f"{DETAILS} summary")
        return ["".join(one for event in out for one in found(event, path.split())) for path in paths]

    return Case(CHAT, events, read, [oracle.restore(PAIRS, TEXT)] * 2)


of_kind("R6", "a text beside its details", TEXT, _both)


def _signed_stays(field: str) -> Make:
    """What the provider may sign stays unless it is asked for."""

    def make(pieces: Pieces) -> Case:
        shape: Callable[[str], Event] = _detail("reasoning.text", "text")
        path = f"{DETAILS} text"
        if field == "reasoning_content":
            shape, path = (lambda text: chunk({field: {"text": text}})), f"{CHOICE} {field} text"
        events = [
            *map(shape, pieces),
            chunk({field: [{"signature": "s"}] if field == "reasoning_details" else {"signature": "s"}}),
        ]
        return Case(
            CHAT,
            events,
            lambda out: "".join(one for event in out for one in found(event, path.split())),
            TEXT,
        )

    return make


for _field in ("reasoning_details", "reasoning_content"):
    of_kind("R6", f"{_field}, which may be signed, not asked for", TEXT, _signed_stays(_field))


def _finishing(speaker: Speaker, pieces: Pieces) -> list[Any]:
    """The first finish may cut a placeholder; so it comes before the first."""
    events = [speaker.say(piece) for piece in (pieces[0][:1], pieces[0][1:], *pieces[1:])]
    for event in events:
        if "choices" in event:
            event["choices"][0]["finish_reason"] = "stop"
        else:
            event["candidates"][0]["finishReason"] = "STOP"
    return events


FINISHING = [*CHATS, NAMED["text"], NAMED["gemini text"], NAMED["gemini thought"]]
of_speakers("R7", FINISHING, _finishing)


def _valid(speaker: Speaker) -> Make:
    """What is added or emptied is valid: no empty part, and a number in each event."""

    def read(out: list[Event]) -> Any:
        parts = [one for event in out for one in found(event, PARTS.split())]
        return (
            speaker.read(out),
            "" in parts,
            [event["sequence_number"] for event in out if "type" in event][-1:],
        )

    last = [7] if speaker.protocol == "openai-responses" else []
    return lambda pieces: speaker.case(base(speaker, pieces))._replace(
        read=read, says=(speaker.says, False, last)
    )


for _name in (
    "gemini text",
    "gemini thought",
    "responses text",
    "responses arguments",
    "responses custom input",
):
    of_kind("R8", _name, NAMED[_name].text, _valid(NAMED[_name]))

of_speakers(
    "R9",
    SPEAKERS,
    lambda s, pieces: [
        one for event in base(s, pieces) for one in (b": ping\n\n", event, b": OPENROUTER PROCESSING\n")
    ],
    framings=("events",),
    of_bytes=True,
)
of_speakers("R10", SPEAKERS, base, of_bytes=True)
of_speakers("R11", SPEAKERS, lambda s, pieces: [b"\n", b"\n", *base(s, pieces)], of_bytes=True)
LARGE = {"type": "image", "object": "image", "b64_json": "<PERSON_1>" + "x" * 4000}
of_speakers(
    "R12",
    SPEAKERS,
    lambda s, pieces: [s.say(pieces[0]), LARGE, *map(s.say, pieces[1:])],
    limit=2000,
    of_bytes=True,
)


def _doubled(speaker: Speaker) -> Make:
    """Two documents in one event."""

    def make(pieces: Pieces) -> Case:
        events = [json.dumps(speaker.say(piece), ensure_ascii=False) for piece in ("", *pieces)]
        data = [f"data: {one}\n" + "\n" * (at % 2) for at, one in enumerate(events)]
        return speaker.case([], raw="".join([*data, "\n"]).encode(), framings=("events",), of_bytes=True)

    return make


for _speaker in SPEAKERS:
    of_kind("R14", _speaker.name, _speaker.text, _doubled(_speaker))


def _message(field: str, path: str, text: str) -> Make:
    """The last chunk has a whole message where a delta should be."""
    says = JsonOracle(PAIRS).restore(text) if text is SOURCE else oracle.restore(PAIRS, text)

    def make(pieces: Pieces) -> Case:
        whole: Any = "".join(pieces)
        message: Any = (
            {"tool_calls": [{"id": "a", "function": {"name": "f", "arguments": whole}}]}
            if field == "tool_calls"
            else {field: whole}
        )
        last = {
            "object": "chat.completion.chunk",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        }
        first = [chunk({"role": "assistant", "content": ""})]
        return Case(
            CHAT,
            [*first, last],
            lambda out: [one for event in out for one in found(event, path.split())],
            [says],
        )

    return make


for _name, _path, _text in (
    ("content", "choices * message content", TEXT),
    ("reasoning_content", "choices * message reasoning_content", TEXT),
    ("tool_calls", "choices * message tool_calls * function arguments", SOURCE),
):
    of_kind("R15", _name, _text, _message(_name, _path, _text))


def _interleaved(indexes: Sequence[Any], *, calls: bool) -> Make:
    """Two channels in turns, told apart by whatever their index is."""

    def make(pieces: Pieces) -> Case:
        events: list[Any] = [
            call(piece, index=index) if calls else chunk({"content": piece}, index=index)
            for piece in pieces
            for index in indexes
        ]

        def read(out: list[Event]) -> list[str]:
            texts = dict.fromkeys(map(str, indexes), "")
            for event in out:
                for choice in event["choices"]:
                    for one in choice["delta"].get("tool_calls", ()) if calls else [choice]:
                        piece = one["function"]["arguments"] if calls else one["delta"].get("content", "")
                        texts[str(one["index"])] += piece
            return list(texts.values())

        says = JsonOracle(PAIRS).restore(SOURCE) if calls else oracle.restore(PAIRS, TEXT)
        return Case(CHAT, events, read, [says] * len(indexes))

    return make


for _name, _indexes in (
    ("strings", ("a", "b")),
    ("fractions", (0.5, 1.5)),
    ("large and negative", (10**20, -1)),
):
    of_kind("R16", f"calls, {_name}", SOURCE, _interleaved(_indexes, calls=True))
    of_kind("R16", f"choices, {_name}", TEXT, _interleaved(_indexes, calls=False))

of_speakers("R17", SPEAKERS, base, framings=("array",), of_bytes=True)
of_speakers("R18", SPEAKERS, base, of_bytes=True)


def _sources(name: str) -> Make:
    """Both spellings of a citation."""

    def make(pieces: Pieces) -> Case:
        event = part(text="x")
        event["candidates"][0]["citationMetadata"] = {
            name: [{"uri": "https://a/" + "".join(pieces), "title": "by <PERSON_2>"}]
        }
        paths = [f"candidates * citationMetadata {name} * {field}" for field in ("uri", "title")]
        says = ["https://a/" + oracle.restore(PAIRS, TEXT), "by Bo"]
        return Case(
            "gemini",
            [event],
            lambda out: [one for path in paths for event in out for one in found(event, path.split())],
            says,
        )

    return make


for _name in ("citations", "citationSources"):
    of_kind("R19", _name, TEXT, _sources(_name))
