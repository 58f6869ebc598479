"""What real providers send: a named table of the kinds of faults R1 to R19, over formats, channels and cuts.

A ``Case`` is a stream of events and what a client must have read in the end. Its text is cut in three ways: whole, a
character an event, and at random. R13, content that is JSON, has tables of its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any, NamedTuple

import oracle
from json_oracle import JsonOracle

PAIRS = {"<PERSON_1>": 'Ada "Q" Núñez', "<PERSON_2>": "Bo"}
TEXT = "Hi <PERSON_1>, <PERSON_2>! a<b <PERS"
SOURCE = '{"to":"Hi <PERSON_1>","cc":["<PERSON_2> <PERS"],"n":1420}'
ALL = ("events", "lines", "array")

Event = dict[str, Any]
Pieces = Sequence[str]


class Case(NamedTuple):
    """A stream, and what a client reads in it: ``read`` of what leaves gives ``says``."""

    protocol: str
    events: list[Any]
    read: Callable[[list[Event]], Any]
    says: Any
    signed: bool = False
    framings: tuple[str, ...] = ALL
    limit: int | None = None  # of an event's bytes
    raw: bytes = b""  # the stream itself, where events do not say it
    of_bytes: bool = False  # chunks do not show it


class Speaker(NamedTuple):
    """How a format says a piece of text of one channel, and where a client finds it."""

    name: str
    protocol: str
    say: Callable[[str], Event]
    paths: tuple[str, ...]
    source: bool = False
    signed: bool = False

    @property
    def text(self) -> str:
        return SOURCE if self.source else TEXT

    @property
    def says(self) -> str:
        return JsonOracle(PAIRS).restore(SOURCE) if self.source else oracle.restore(PAIRS, TEXT)

    def read(self, events: list[Event]) -> str:
        return "".join(one for event in events for path in self.paths for one in found(event, path.split()))

    def case(self, events: list[Any], **more: Any) -> Case:
        return Case(self.protocol, events, self.read, self.says, self.signed, **more)


def found(node: Any, path: Sequence[str]) -> Iterator[str]:
    """The strings at a path; ``*`` is every element of an array."""
    if not path:
        if isinstance(node, str):
            yield node
    elif path[0] == "*":
        for one in node if isinstance(node, list) else ():
            yield from found(one, path[1:])
    elif isinstance(node, dict):
        yield from found(node.get(path[0]), path[1:])


CUTS: dict[str, Callable[[str], list[str]]] = {
    "whole": lambda text: [text],
    "units": list,
    "random": lambda text: _at_random(text),
}


def _at_random(text: str) -> list[str]:
    rng = Random(text)  # noqa: S311
    marks = sorted(rng.sample(range(1, len(text)), 7))
    return [text[a:b] for a, b in zip([0, *marks], [*marks, len(text)], strict=True)]


# ---------------------------------------------------------------- how the formats say it


def chunk(delta: Any, finish: Any = None, index: Any = 0, **more: Any) -> Event:
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    return {
        "id": "c1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [choice],
        **more,
    }


def call(arguments: Any, kind: str = "function", index: Any = 0, **more: Any) -> Event:
    inner = {"function": "arguments", "custom": "input"}[kind]
    return chunk({"tool_calls": [{"index": index, **more, kind: {inner: arguments}}]})


def spoken(name: str, text: Any, **ids: Any) -> Event:
    """An event of Responses."""
    return {
        "type": f"response.{name}.delta",
        "sequence_number": 7,
        "item_id": "i",
        "output_index": 0,
        **ids,
        "delta": text,
    }


def block(kind: str, field: str) -> Callable[[str], Event]:
    return lambda text: {"type": "content_block_delta", "index": 0, "delta": {"type": kind, field: text}}


def part(finish: Any = None, **one: Any) -> Event:
    ended = {"finishReason": finish} if finish else {}
    return {
        "candidates": [{"index": 0, "content": {"role": "model", "parts": [one]}, **ended}],
        "modelVersion": "g",
    }


def line(**message: Any) -> Event:
    return {"model": "m", "created_at": "t", "message": {"role": "assistant", **message}, "done": False}


CHOICE = "choices * delta"
ARGUMENTS = f"{CHOICE} tool_calls * function arguments"
INPUT = f"{CHOICE} tool_calls * custom input"
PARTS = "candidates * content parts * text"
CHAT = "openai-chat"
SPEAKERS = [
    Speaker("chat content", CHAT, lambda text: chunk({"content": text}), (f"{CHOICE} content",)),
    Speaker("chat reasoning", CHAT, lambda text: chunk({"reasoning_content": text}), (f"{CHOICE} reasoning_content",)),
    Speaker("chat arguments", CHAT, call, (ARGUMENTS,), source=True),
    Speaker("chat custom input", CHAT, lambda text: call(text, "custom"), (INPUT,)),
    Speaker("text", "openai-text", lambda text: {"object": "text_completion", "choices": [{"index": 0, "text": text}]}, ("choices * text",)),
    Speaker("responses text", "openai-responses", lambda text: spoken("output_text", text, content_index=0), ("delta",)),
    Speaker("responses reasoning", "openai-responses", lambda text: spoken("reasoning_text", text, content_index=0), ("delta",), signed=True),
    Speaker("responses arguments", "openai-responses", lambda text: spoken("function_call_arguments", text), ("delta",), source=True),
    Speaker("responses custom input", "openai-responses", lambda text: spoken("custom_tool_call_input", text), ("delta",)),
    Speaker("anthropic text", "anthropic", block("text_delta", "text"), ("delta text",)),
    Speaker("anthropic thinking", "anthropic", block("thinking_delta", "thinking"), ("delta thinking",), signed=True),
    Speaker("anthropic arguments", "anthropic", block("input_json_delta", "partial_json"), ("delta partial_json",), source=True),
    Speaker("gemini text", "gemini", lambda text: part(text=text), (PARTS,)),
    Speaker("gemini thought", "gemini", lambda text: part(text=text, thought=True), (PARTS,)),
    Speaker("ollama content", "ollama", lambda text: line(content=text), ("message content",)),
    Speaker("ollama thinking", "ollama", lambda text: line(content="", thinking=text), ("message thinking",)),
    Speaker("cohere text", "cohere", lambda text: {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": text}}}}, ("delta message content text",)),
    Speaker("UI text", "ui-message-stream", lambda text: {"type": "text-delta", "id": "1", "delta": text}, ("delta",)),
    Speaker("AG-UI text", "ag-ui", lambda text: {"type": "TEXT_MESSAGE_CONTENT", "messageId": "1", "delta": text}, ("delta",)),
]  # fmt: skip
NAMED = {speaker.name: speaker for speaker in SPEAKERS}
CHATS = [speaker for speaker in SPEAKERS if speaker.protocol == CHAT]


def base(speaker: Speaker, pieces: Pieces) -> list[Any]:
    return [speaker.say(piece) for piece in pieces]


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
        for one in events[1 if finishes else len(events) :]:
            one["choices"][0]["finish_reason"] = "stop"
        return s.case([call("", kind, id="call_first")] * 0 + events)

    of_kind("R2", f"{_speaker.name}, an id with each event", _speaker.text, _renamed)
    of_kind(
        "R2",
        f"{_speaker.name}, and a finish on each",
        _speaker.text,
        lambda pieces, make=_renamed: make([*pieces[0][:1], pieces[0][1:], *pieces[1:]], finishes=True),  # type: ignore[misc]
    )

for _name in ("responses text", "responses arguments", "responses custom input"):
    of_speakers("R3", [NAMED[_name]], lambda s, pieces: [
        {**s.say(piece), "item_id": f"i{at}"} for at, piece in enumerate(pieces)
    ])  # fmt: skip


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
_objects("ollama", "message tool_calls * function arguments to *", lambda value: line(tool_calls=[{"function": {"name": "f", "arguments": value}}]))  # fmt: skip
_objects("gemini", "candidates * content parts * functionCall args to *", lambda value: part(functionCall={"name": "f", "args": value}))  # fmt: skip

for _name in ("apply_patch_call_operation_diff", "code_interpreter_call_code", "refusal", "custom_tool_call_input", "shell_call_command"):  # fmt: skip
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
of_speakers("R6", [
    Speaker("parts of thinking", CHAT, _thinking, (f"{CHOICE} content * thinking * text",)),
    Speaker("reasoning.summary", CHAT, _detail("reasoning.summary", "summary"), (f"{DETAILS} summary",)),
    Speaker("reasoning.text", CHAT, _detail("reasoning.text", "text"), (f"{DETAILS} text",), signed=True),
], base)  # fmt: skip


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

of_speakers("R9", SPEAKERS, lambda s, pieces: [
    one for event in base(s, pieces) for one in (b": ping\n\n", event, b": OPENROUTER PROCESSING\n")
], framings=("events",), of_bytes=True)  # fmt: skip
of_speakers("R10", SPEAKERS, lambda s, pieces: base(s, pieces), of_bytes=True)
of_speakers("R11", SPEAKERS, lambda s, pieces: [b"\n", b"\n", *base(s, pieces)], of_bytes=True)
LARGE = {"type": "image", "object": "image", "b64_json": "<PERSON_1>" + "x" * 4000}
of_speakers("R12", SPEAKERS, lambda s, pieces: [
    s.say(pieces[0]), LARGE, *map(s.say, pieces[1:])
], limit=2000, of_bytes=True)  # fmt: skip


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
    of_kind("R16", f"calls, {_name}", SOURCE, _interleaved(_indexes, calls=True))  # type: ignore[arg-type]
    of_kind("R16", f"choices, {_name}", TEXT, _interleaved(_indexes, calls=False))  # type: ignore[arg-type]

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


# ---------------------------------------------------------------- whole answers


_SAID = {
    "role": "assistant",
    "content": TEXT,
    "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": SOURCE}}],
}
_ITEM = {"type": "message", "content": [{"type": "output_text", "text": TEXT}]}
ANSWERS: dict[str, tuple[str, Event, str]] = {
    "chat": (CHAT, {"object": "chat.completion", "choices": [{"index": 0, "message": _SAID, "finish_reason": "stop"}]}, "choices * message content"),
    "text": ("openai-text", {"object": "text_completion", "choices": [{"index": 0, "text": TEXT, "finish_reason": "stop"}]}, "choices * text"),
    "responses": ("openai-responses", {"id": "r", "object": "response", "output": [_ITEM]}, "output * content * text"),
    "anthropic": ("anthropic", {"id": "m", "type": "message", "content": [{"type": "text", "text": TEXT}]}, "content * text"),
    "gemini": ("gemini", {**part("STOP", text=TEXT), "usageMetadata": {"totalTokenCount": 3}}, PARTS),
    "ollama": ("ollama", {**line(content=TEXT), "done": True}, "message content"),
    "cohere": ("cohere", {"id": "x", "finish_reason": "COMPLETE", "message": {"content": [{"type": "text", "text": TEXT}]}}, "message content * text"),
    "bedrock": ("bedrock", {"output": {"message": {"content": [{"text": TEXT}]}}, "stopReason": "end_turn"}, "output message content * text"),
}  # fmt: skip
"""By name: the protocol, a whole answer, and where its text stands."""
