"""Streams that a provider could send, for properties and the fuzzer: any format, any framing, channels in turns.

``invented`` draws from a ``random.Random``. A stream is a few channels, each with a text that is cut anywhere (inside
placeholders, escapes and pairs), told in turns, among finishes, errors, foreign events and frames that are no events.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple

import wire_typed_streams
from wire_spelling import as_events, as_lines
from wire_texts import Channel, Event, Say, content, cut, source, text

PAIRS = {
    "<P_1>": 'Ada "Q" Núñez\n\u2028',
    "<P_10>": "B\\",
    "<P_2>": "",
    "né": "ne",
    "Zo": "<P_1",
    "Zo G": "Z😀",
    "a/b": "slash",
}
"""Keys that begin alike, with what is often spelled as an escape, and originals that begin keys or are empty."""

PROTOCOLS = (
    "openai-chat",
    "openai-text",
    "openai-responses",
    "anthropic",
    "gemini",
    "ollama",
    *wire_typed_streams.FORMATS,
)
TYPED = ("openai-responses", "anthropic", "cohere")


class Stream(NamedTuple):
    """A body, and what it is."""

    data: bytes
    protocol: str
    lines: bool
    events: list[Any]


def begun(pieces: list[str]) -> list[str]:
    """Pieces of a call, of which only the first, with its id and name, may be empty."""
    return [pieces[0], *filter(None, pieces[1:])]


# ---------------------------------------------------------------- formats


def chat(rng: Random, *, wide: bool) -> tuple[list[Channel], list[Event], list[Event]]:
    base: Event = {"id": "c1", "object": "chat.completion.chunk", "created": 1790000000, "model": "m"}
    style = rng.choice(
        ({}, {"usage": None}, {"system_fingerprint": "f"}, {"obfuscation": "aB"}, {"x_vendor": {"a": 1.0}})
    )
    if not wide and "x_vendor" in style:
        style = {}
    indexes = rng.choice(((0,), (0, 1), (1, 0))) if not wide or rng.random() < 0.8 else ("a", "b")

    def event(index: Any, delta: Any, finish: Any = None) -> Event:
        choice = {"index": index, "delta": delta, "finish_reason": finish}
        return {**base, "choices": [choice], **style}

    def field(index: Any, name: str) -> Say:
        return lambda rng, piece, _: event(index, {name: piece})

    def parts(index: Any) -> Say:
        return lambda rng, piece, _: event(index, {"content": [{"type": "text", "text": piece or " "}]})

    def call(index: Any, number: int, kind: str, *, again: bool) -> Say:
        argument = "arguments" if kind == "function" else "input"

        def say(rng: Random, piece: str, first: bool) -> Event:
            whole: Event = {"index": number, kind: {argument: piece}}
            if first or again:
                whole |= {"id": f"k{number}", "type": kind, kind: {"name": "f", argument: piece}}
            elif wide and rng.random() < 0.3:
                whole["id"] = rng.choice("xyz")
            return event(index, {"tool_calls": [whole]})

        return say

    channels, besides = [], []
    for index in indexes:
        names = rng.sample(("content", "content", "reasoning", "reasoning_content", "refusal"), 2)
        channels += [
            Channel(field(index, name), cut(rng, (content if name == "content" else text)(rng)))
            for name in names
        ]
        if rng.random() < 0.15:
            channels.append(Channel(parts(index), cut(rng, content(rng))))
        for number in range(rng.choice((0, 0, 1, 2))):
            again = rng.random() < 0.2
            pieces = begun(cut(rng, source(rng)))
            channels.append(Channel(call(index, number, "function", again=again), pieces))
        if rng.random() < 0.1:
            channels.append(Channel(call(index, 5, "custom", again=False), begun(cut(rng, text(rng)))))
        if rng.random() < 0.1:
            say = lambda rng, piece, _, index=index: event(index, {"function_call": {"arguments": piece}})  # noqa: E731
            channels.append(Channel(say, ["{", *filter(None, cut(rng, source(rng)[1:]))]))
        besides.append(event(index, rng.choice(({"role": "assistant", "content": ""}, {}, None))))
    ends = [
        event(index, rng.choice(({}, {"content": ""})), rng.choice(("stop", "length"))) for index in indexes
    ]
    ends.append({**base, "choices": [], "usage": {"total_tokens": 3}})
    if wide:
        error = {"error": {"message": "<P_1>"}}
        besides += [
            {**base, **error, "choices": [{"index": indexes[0], "delta": {"content": "<P_1"}}]},
            error,
        ]
        arguments = {
            "tool_calls": [{"index": 7, "function": {"name": "f", "arguments": {"to": ["<P_1>", 1.5]}}}]
        }
        besides += [{"tool": "terminal"}, event(indexes[0], arguments), ends[0]]
    return channels, besides, ends


def completion(rng: Random, *, wide: bool) -> tuple[list[Channel], list[Event], list[Event]]:
    base: Event = {"id": "t1", "object": "text_completion", "created": 1790000000, "model": "m"}

    def event(index: int, said: Any, finish: Any = None) -> Event:
        return {
            **base,
            "choices": [{"text": said, "index": index, "logprobs": None, "finish_reason": finish}],
        }

    channels = [
        Channel(lambda rng, piece, _, index=index: event(index, piece), cut(rng, content(rng)))  # type: ignore[misc]
        for index in range(rng.randint(1, 3))
    ]
    ends = [event(index, rng.choice(("", None)), "stop") for index in range(len(channels))]
    besides = [{**base, "choices": []}, event(0, None)]
    if wide:
        besides += [{**event(0, "<P_1"), "error": {"message": "x"}}, ends[0], {"error": {"message": "x"}}]
    return channels, besides, ends


def responses(rng: Random, *, wide: bool) -> tuple[list[Channel], list[Event], list[Event]]:
    count = iter(range(1000))
    told: dict[Any, str] = {}
    moving = wide and rng.random() < 0.3

    def part(name: str, item: str, output: int, **ids: int) -> Say:
        def say(rng: Random, piece: str, first: bool) -> Event:
            told[name, item] = told.get((name, item), "") + piece
            own = f"{item}-{len(told[name, item])}-{next(count)}" if moving else item
            mine = {"item_id": own, "output_index": output, **ids}
            return {"type": f"response.{name}.delta", "sequence_number": next(count), **mine, "delta": piece}

        return say

    place = {"content_index": 0}
    channels = [
        Channel(part("output_text", "m0", 0, **place), cut(rng, content(rng))),
        Channel(part("function_call_arguments", "f1", 1), cut(rng, source(rng))),
        Channel(part("refusal", "m2", 2, **place), cut(rng, text(rng))),
        Channel(part("custom_tool_call_input", "u3", 3), cut(rng, text(rng))),
        Channel(part("reasoning_summary_text", "r4", 4, summary_index=0), cut(rng, text(rng))),
    ]
    channels = rng.sample(channels, rng.randint(1, 4))
    done = {"item_id": "m0", "output_index": 0, **place, "sequence_number": 500}
    item = {"id": "f1", "type": "function_call", "arguments": source(rng), "name": "f", "call_id": "k"}
    message = {"id": "m0", "type": "message", "content": [{"type": "output_text", "text": content(rng)}]}
    besides: list[Event] = [
        {"type": "response.in_progress", "sequence_number": 502, "response": {"output": [], "user": "<P_1>"}},
        {"type": "response.unknown.delta", "sequence_number": 503, "delta": "<P_1>"},
    ]
    if not moving:
        end = {"type": "response.output_item.done", "sequence_number": 504}
        besides.append({"type": "response.output_text.done", **done, "text": content(rng)})
        besides += [{**end, "output_index": 1, "item": item}, {**end, "output_index": 0, "item": message}]
    ends: list[Event] = [
        {"type": "response.completed", "sequence_number": 999, "response": {"output": [message, item]}}
    ]
    if rng.random() < 0.3:
        ends = [{"type": "error", "sequence_number": 998, "message": "<P_1>"}]
    return channels, besides, ends


def anthropic(rng: Random, *, wide: bool) -> tuple[list[Channel], list[Event], list[Event]]:
    def block(index: int, kind: str, field: str) -> Say:
        return lambda rng, piece, _: {
            "type": "content_block_delta", "index": index, "delta": {"type": kind, field: piece},
        }  # fmt: skip

    kinds = (("text_delta", "text"), ("input_json_delta", "partial_json"), ("thinking_delta", "thinking"))
    channels, besides = [], []
    for index in range(rng.randint(1, 3)):
        kind, field = rng.choice(kinds)
        whole = {"partial_json": source, "text": content}.get(field, text)(rng)
        channels.append(Channel(block(index, kind, field), cut(rng, whole)))
        start = rng.choice(
            (
                {"type": "text", "text": content(rng)},
                {"type": "tool_use", "id": "<P_1>", "input": {"né": [text(rng), 1.5]}},
            )
        )
        besides += [
            {"type": "content_block_stop", "index": index},
            {"type": "content_block_start", "index": index, "content_block": start},
        ]
    citation = {"type": "char_location", "cited_text": text(rng), "encrypted_index": "<P_1>"}
    besides += [
        {"type": "ping"},
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "citations_delta", "citation": citation},
        },
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "signature_delta", "signature": "<P_1>"},
        },
    ]
    ends: list[Event] = [
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": rng.choice((None, "<P_1>"))},
        },
        {"type": "message_stop"},
    ]
    if rng.random() < 0.3:
        ends = [{"type": "error", "error": {"type": "overloaded_error", "message": "<P_1>"}}]
    return channels, besides, ends


def gemini(rng: Random, *, wide: bool) -> tuple[list[Channel], list[Event], list[Event]]:
    usage = iter(range(1, 1000))

    def event(index: int, *parts: Event, **more: Any) -> Event:
        said = {"content": {"parts": list(parts), "role": "model"}, "index": index, **more}
        counted = {"usageMetadata": {"totalTokenCount": next(usage)}} if rng.random() < 0.6 else {}
        return {"candidates": [said], **counted, "modelVersion": "g", "responseId": "r1"}

    def said(index: int, **more: Any) -> Say:
        return lambda rng, piece, _: event(index, {"text": piece or " ", **more})

    channels, besides, ends = [], [], []
    for index in range(rng.choice((1, 1, 2))):
        channels += [
            Channel(say, cut(rng, made(rng)))
            for say, made in rng.sample(
                ((said(index), content), (said(index, thought=True), text)), rng.randint(1, 2)
            )
        ]
        call = {"functionCall": {"name": "f", "args": {"né": [text(rng), {"a": text(rng)}], "n": 1.5}}}
        besides += [
            event(index, call),
            event(index, {"text": "a <P"}, {"text": "_1>"}),
            event(index, {"executableCode": {"code": text(rng)}}),
            event(index, {"text": "", "thoughtSignature": "<P_1>"}),
            event(index, {"text": "<P", "thoughtSignature": "x"}),
        ]
        ends.append(event(index, *rng.choice(((), ({"text": text(rng) or "-"},))), finishReason="STOP"))
    if wide:
        besides += [ends[0], {"error": {"code": 500}}, {**event(0, {"text": "<P_1"}), "error": {"code": 500}}]
    return channels, besides, ends


def ollama(rng: Random, *, wide: bool) -> tuple[list[Channel], list[Event], list[Event]]:
    def event(message: Event, *, done: bool = False) -> Event:
        return {"model": "m", "created_at": "t", "message": {"role": "assistant", **message}, "done": done}

    saying: Say = lambda rng, piece, _: event({"content": piece})  # noqa: E731
    thinking: Say = lambda rng, piece, _: event({"content": "", "thinking": piece})  # noqa: E731
    channels = [
        Channel(say, cut(rng, made(rng)))
        for say, made in rng.sample(((saying, content), (thinking, text)), rng.randint(1, 2))
    ]
    call = {"function": {"name": "f", "arguments": {"né": [text(rng)], "n": 1.5}}}
    besides: list[Event] = [event({"content": text(rng), "tool_calls": [call]}), event({"content": None})]
    ends = [event({"content": rng.choice(("", text(rng)))}, done=True)]
    if wide:
        besides += [{"error": "<P_1>"}, {**event({"content": "<P_1"}), "error": "x"}, ends[0]]
    return channels, besides, ends


FORMATS = {
    "openai-chat": chat,
    "openai-text": completion,
    "openai-responses": responses,
    "anthropic": anthropic,
    "gemini": gemini,
    "ollama": ollama,
    **wire_typed_streams.FORMATS,
}


# ---------------------------------------------------------------- streams


def invented(rng: Random, protocol: str, *, lines: bool, wide: bool = True, most: int = 99) -> Stream:
    """A stream of at most so many events.

    Without ``wide`` it is a quiet one: no finish before text, no odd ids, no error with text.
    """
    channels, besides, ends = FORMATS[protocol](rng, wide=wide)
    events = list(_in_turns(rng, channels, besides))
    events += ends[: rng.randint(0, len(ends))]
    if wide and rng.random() < 0.3:
        events.insert(rng.randint(0, len(events)), rng.choice(ends))
    first = _opening(protocol)
    if first is not None:
        events.insert(0, first)
    events = events[:most]
    data = as_lines(rng, events) if lines else as_events(rng, events, wide=wide, named=protocol in TYPED)
    return Stream(data, protocol, lines, events)


def _opening(protocol: str) -> Event | None:
    """The event that such a stream begins with, where a stream can be told by that alone."""
    if protocol in wire_typed_streams.OPENINGS:
        return wire_typed_streams.OPENINGS[protocol]
    if protocol == "anthropic":
        return {"type": "message_start", "message": {"role": "assistant", "content": []}}
    if protocol == "openai-responses":
        return {"type": "response.created", "sequence_number": 0, "response": {"output": []}}
    return None


def _in_turns(rng: Random, channels: list[Channel], besides: list[Event]) -> Iterator[Event]:
    left = [(channel, list(channel.pieces)) for channel in channels]
    now = None
    while left:
        if now not in left or rng.random() < 0.4:
            now = rng.choice(left)
        assert now is not None
        channel, pieces = now
        yield channel.say(rng, pieces.pop(0), len(pieces) + 1 == len(channel.pieces))
        if not pieces:
            left.remove(now)
        if besides and rng.random() < 0.12:
            yield rng.choice(besides)
