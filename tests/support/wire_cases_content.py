"""Made streams for the vectors of the byte layer: content that is JSON, and content that only looks like it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from wire_cases import PAIRS, STOP, Case, chunk, completion, ndjson, say, sse
from wire_cases_typed import (
    CREATED,
    begin,
    block,
    delta,
    done,
    generated,
    item,
    line,
    message,
    numbered,
    parts,
    stop,
    thought,
)

LINES_PAIRS = {**PAIRS, "<PERSON_3>": 'two "lines"\nand \\ one', "[N]": "a note", "{X}": "braces"}

TEXTS: dict[str, tuple[str, ...]] = {
    "an object": ('{"name": "<PERS', 'ON_1>", "cc": ["<PERSON_', '3>", 1.50]', "}"),
    "an array": ("[", '{"to"', ':"<PERSON_1>"},', ' "<PERSON_3>', '"]'),
    "blanks before it": (" \n", "\t{", " \n", '"a":"<PERSON_1>"}'),
    "an empty object first": ("{", " }", ' "<PERSON_1>"'),
    "behind a fence": ("``", "`js", "on", "\n{", '"a":"<PERSON_1>"', "}\n`", "``", "\n<PERSON_1>"),
    "a fence of prose": ("```", "text\nHi <PERS", 'ON_1> "x"', "\n```"),
    "escaped placeholders": ('{"a":"\\u003cPERSON_', '1\\u003E","b":"\\u00', '3cPERSON\\u005f3>"}'),
    "nested": ('{"in":"{\\"to\\":\\"<PERS', 'ON_1>\\",\\"cc\\":\\"\\\\u003cPERSON_3', '>\\"}"}'),
    "without quotes": ('{"a": <PERS', 'ON_1>, "b": [<PERSON_3>', "]}"),
    "broken off": ('{"a":"<PERSON_1> \\u003cPERS',),
    "a note": ("[", "1] see <PERSON_1>", ' "x"'),
    "a template": ("{na", 'me} is "<PERS', 'ON_1>"'),
    "a bracket of a placeholder": ("[", 'N] said "<PERSON_1>"', ' {"a":"<PERSON_1>"}'),
    "a brace of a placeholder": ("{X", '} "<PERSON_1>"'),
    "behind prose": ("Here: ", '{"a":"<PERSON_1>"', "}"),
    "a string": ('"<PERS', 'ON_1>"'),
    "words": ("Hi <PERSON_1>", ' "<PERSON_3>"'),
    "a bracket alone": ("{",),
    "a lone fence": ("```",),
}
"""What a model says, in pieces."""

Events = Callable[[tuple[str, ...]], list[Any]]


def _responses(pieces: tuple[str, ...]) -> list[Any]:
    whole = "".join(pieces)
    end = {"type": "response.completed", "response": {"output": [{"type": "message", **message(whole)}]}}
    said = [CREATED, *map(delta, pieces), done(whole), item("message", "done", **message(whole)), end]
    return numbered(said)


def _anthropic(pieces: tuple[str, ...]) -> list[Any]:
    start = {"type": "message_start", "message": {"type": "message", "role": "assistant", "content": []}}
    first, *rest = pieces
    said = [begin(0, type="text", text=first), *map(block, rest), stop(0)]
    second = [begin(1, type="text", text=""), *(block(piece, 1) for piece in pieces), stop(1)]
    return [start, *said, *second, {"type": "message_stop"}]


def _gemini(pieces: tuple[str, ...]) -> list[Any]:
    return [*(parts({"text": piece}) for piece in pieces), parts(finishReason="STOP")]


def _cohere(pieces: tuple[str, ...]) -> list[Any]:
    first, *rest = ({"message": {"content": {"text": piece}}} for piece in pieces)
    said = [{"type": "content-delta", "index": 0, "delta": one} for one in rest]
    return [{"type": "content-start", "index": 0, "delta": first}, *said, {"type": "content-end", "index": 0}]


def _ui(pieces: tuple[str, ...]) -> list[Any]:
    said = [{"type": "text-delta", "id": "t", "delta": piece} for piece in pieces]
    return [{"type": "text-start", "id": "t"}, *said, {"type": "text-end", "id": "t"}]


def _ag_ui(pieces: tuple[str, ...]) -> list[Any]:
    said = [{"type": "TEXT_MESSAGE_CONTENT", "messageId": "m", "delta": piece} for piece in pieces]
    chunks = [{"type": "TEXT_MESSAGE_CHUNK", "messageId": "n", "delta": piece} for piece in pieces]
    edges = [{"type": f"TEXT_MESSAGE_{edge}", "messageId": "m"} for edge in ("START", "END")]
    return [edges[0], *said, edges[1], *chunks, {"type": "RUN_FINISHED"}]


def _realtime(pieces: tuple[str, ...]) -> list[Any]:
    ids = {"event_id": "e", "response_id": "r", "item_id": "i", "output_index": 0, "content_index": 0}
    said = [{"type": "response.output_text.delta", **ids, "delta": piece} for piece in pieces]
    return [*said, {"type": "response.output_text.done", **ids, "text": "".join(pieces)}]


WAYS: dict[str, tuple[str, Events]] = {
    "chat": ("openai-chat", lambda pieces: [*map(say, pieces), STOP]),
    "chat parts": (
        "openai-chat",
        lambda pieces: [*(chunk({"content": [{"type": "text", "text": piece}]}) for piece in pieces), STOP],
    ),
    "text": ("openai-text", lambda pieces: [*map(completion, pieces), completion("", finish="stop")]),
    "Responses": ("openai-responses", _responses),
    "Anthropic": ("anthropic", _anthropic),
    "Gemini": ("gemini", _gemini),
    "Ollama": ("ollama", lambda pieces: [*map(line, pieces), line("", over=True)]),
    "Cohere": ("cohere", _cohere),
    "UI messages": ("ui-message-stream", _ui),
    "AG-UI": ("ag-ui", _ag_ui),
    "Realtime": ("openai-realtime", _realtime),
    "generate": ("ollama", lambda pieces: [*map(generated, pieces), generated("", over=True)]),
}

DOCUMENT = TEXTS["an object"]
PLAIN: dict[str, tuple[str, list[Any]]] = {
    "reasoning": ("openai-chat", [say(piece, "reasoning") for piece in DOCUMENT]),
    "a refusal": ("openai-chat", [say(piece, "refusal") for piece in DOCUMENT]),
    "a transcript": ("openai-chat", [chunk({"audio": {"transcript": piece}}) for piece in DOCUMENT]),
    "custom input": (
        "openai-responses",
        numbered([CREATED, *(delta(piece, "custom_tool_call_input", "u", 1) for piece in DOCUMENT)]),
    ),
    "a thought": ("gemini", [parts(thought(piece)) for piece in DOCUMENT]),
    "thinking": ("ollama", [line(piece, "thinking") for piece in DOCUMENT]),
}
"""Channels that are text whatever they say."""


def _case(name: str, protocol: str, events: list[Any], **options: Any) -> Case:
    data = ndjson(*events) if protocol == "ollama" else sse(*events)
    return Case("R13", name, protocol, data, LINES_PAIRS, protocol == "ollama", options)


def content_cases() -> Iterator[Case]:
    for way, (protocol, events) in WAYS.items():
        for name, pieces in TEXTS.items():
            if way in ("chat", "Gemini") or name in ("an object", "behind a fence", "a note", "behind prose"):
                yield _case(f"{way}: {name}", protocol, events(pieces))
        for name in ("an object", "behind prose"):
            yield _case(f"{way}, as text: {name}", protocol, events(TEXTS[name]), content="text")
        for name in ("a string", "a note", "nested"):
            yield _case(f"{way}, as JSON: {name}", protocol, events(TEXTS[name]), content="json")
    for name, (protocol, events_) in PLAIN.items():
        yield _case(f"{name} is text", protocol, events_, content="json")
    finished = [say(piece, finish="stop") for piece in TEXTS["behind a fence"]]
    yield _case("a finish on each", "openai-chat", finished)
    turns = [say(piece, index=index) for piece in DOCUMENT for index in (0, 1)]
    yield _case("two choices", "openai-chat", turns)
    called = [
        parts({"text": '{"a":'}),
        parts({"functionCall": {"name": "f"}}),
        parts({"text": '"<PERSON_1>"}'}),
    ]
    yield _case("Gemini: a call in the middle", "gemini", called)
