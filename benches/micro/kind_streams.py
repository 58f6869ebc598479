"""The streams that ``kinds`` times: what opens the channels of each, and its steady part, event by event."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

Event = dict[str, Any]
Parts = tuple[list[Event], list[Event]]
"""What opens the channels, and the steady part."""


class Kind(NamedTuple):
    """A kind of stream. ``every``: code points from one placeholder to the next."""

    protocol: str
    make: Callable[[Iterator[str]], Parts]
    every: int = 200
    limit: float = 1.0  # of the native steady part, one event a read


# ---------------------------------------------------------------- chat


def chat(delta: Event, index: int = 0, **more: Any) -> Event:
    choice: Event = {"index": index, "delta": delta, "logprobs": None, "finish_reason": None}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1790000000,
        "model": "m-1",
        "system_fingerprint": "fp_1",
        "choices": [choice],
    } | more


def call(arguments: str, index: int = 0, **more: Any) -> Event:
    return chat({"tool_calls": [{"index": index, "function": {"arguments": arguments}} | more]})


def chat_opening() -> Event:
    return chat({"role": "assistant", "content": ""})


def chat_prose(said: Iterator[str]) -> Parts:
    return [chat_opening(), chat({"content": next(said)})], [chat({"content": one}) for one in said]


def chat_choices(said: Iterator[str]) -> Parts:
    opening = [chat({"content": next(said)}, index) for index in (0, 1)]
    return opening, [chat({"content": one}, number % 2) for number, one in enumerate(said)]


def chat_reasoning(said: Iterator[str]) -> Parts:
    """Reasoning and content in turns, as some models send them."""
    names = ("reasoning_content", "content")
    opening = [chat({name: next(said)}) for name in names]
    return opening, [chat({names[number % 2]: one}) for number, one in enumerate(said)]


def chat_call(said: Iterator[str], calls: int = 1, *, repeats: bool = False) -> Parts:
    named: Callable[[int], Event] = lambda n: {"id": f"call_{n}", "type": "function"}  # noqa: E731 - a table
    opening = []
    for n in range(calls):
        first = call('{"to": "', n, **named(n))
        first["choices"][0]["delta"]["tool_calls"][0]["function"]["name"] = "send"
        opening.append(first)
    return opening, [
        call(json.dumps(one)[1:-1], number % calls, **(named(number % calls) if repeats else {}))
        for number, one in enumerate(said)
    ]


def chat_differing(said: Iterator[str], differ: Callable[[int], Event]) -> Parts:
    opening, steady = chat_prose(said)
    return opening, [one | differ(number) for number, one in enumerate(steady)]


USAGE = {"prompt_tokens": 10, "completion_tokens": 7, "total_tokens": 17}


def chat_finishing(said: Iterator[str]) -> Parts:
    """A finish and usage on each event."""
    steady = [chat({"content": one}, usage=USAGE) for one in said]
    for one in steady:
        one["choices"][0]["finish_reason"] = "stop"
    return steady[:3], steady[3:]


# ---------------------------------------------------------------- other formats


def text(said: Iterator[str]) -> Parts:
    def event(one: str) -> Event:
        choice = {"index": 0, "text": one, "logprobs": None, "finish_reason": None}
        return {"id": "cmpl-1", "object": "text_completion", "created": 1790000000, "choices": [choice]}

    events = [event(one) for one in said]
    return events[:1], events[1:]


def responses(
    said: Iterator[str], items: int = 1, *, name: str = "output_text", renames: bool = False
) -> Parts:
    opening: list[Event] = [{"type": "response.created", "response": {"id": "resp_1", "output": []}}]
    for n in range(items):
        item: Event = (
            {"type": "message", "id": f"i_{n}", "role": "assistant", "content": []}
            if name == "output_text"
            else {
                "type": "function_call",
                "id": f"i_{n}",
                "call_id": f"c_{n}",
                "name": "send",
                "arguments": "",
            }
        )
        opening.append({"type": "response.output_item.added", "output_index": n, "item": item})
    place = {"content_index": 0, "logprobs": []} if name == "output_text" else {}
    events: list[Event] = []
    for number, one in enumerate(said):
        delta = one if name == "output_text" else json.dumps(one)[1:-1]
        ids = {"item_id": f"n_{number}" if renames else f"i_{number % items}", "output_index": number % items}
        events.append({"type": f"response.{name}.delta", **ids, **place, "delta": delta})
    for number, event in enumerate([*opening, *events]):
        event["sequence_number"] = number
    if name != "output_text":
        for event in events[:items]:
            event["delta"] = '{"to": "'
    return [*opening, *events[: 2 * items]], events[2 * items :]


def anthropic(said: Iterator[str], kinds: tuple[str, ...] = ("text",)) -> Parts:
    opening: list[Event] = [{"type": "message_start", "message": {"id": "msg_1", "content": [], "usage": {}}}]
    for n, kind in enumerate(kinds):
        block = {
            "text": {"type": "text", "text": ""},
            "thinking": {"type": "thinking", "thinking": "", "signature": ""},
            "input_json": {"type": "tool_use", "id": f"t_{n}", "name": "send", "input": {}},
        }[kind]
        opening.append({"type": "content_block_start", "index": n, "content_block": block})
    events: list[Event] = []
    for number, one in enumerate(said):
        n = number % len(kinds)
        name = "partial_json" if kinds[n] == "input_json" else kinds[n]
        value = json.dumps(one)[1:-1] if name == "partial_json" else one
        delta = {"type": f"{kinds[n]}_delta", name: value}
        events.append({"type": "content_block_delta", "index": n, "delta": delta})
    for n, kind in enumerate(kinds):
        if kind == "input_json":
            events[n]["delta"]["partial_json"] = '{"to": "'
    return [*opening, *events[: len(kinds)]], events[len(kinds) :]


def gemini(said: Iterator[str], *, thinks: bool = False, finishes: bool = False) -> Parts:
    def event(number: int, one: str) -> Event:
        part: Event = {"text": one}
        if thinks and number % 2:
            part["thought"] = True
        candidate: Event = {"content": {"parts": [part], "role": "model"}, "index": 0}
        if finishes:
            candidate["finishReason"] = "STOP"
        usage = {"promptTokenCount": 10, "candidatesTokenCount": number, "totalTokenCount": 10 + number}
        return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "m-1", "responseId": "r_1"}

    events = [event(number, one) for number, one in enumerate(said)]
    return events[:4], events[4:]


def ollama(said: Iterator[str], name: str = "content") -> Parts:
    def event(one: str) -> Event:
        message = {"role": "assistant", "content": "", name: one}
        return {"model": "m", "created_at": "2026-01-01T00:00:00.1Z", "message": message, "done": False}

    events = [event(one) for one in said]
    return events[:2], events[2:]


def cohere(said: Iterator[str], name: str = "text") -> Parts:
    def event(one: str) -> Event:
        if name == "arguments":
            function = {"arguments": json.dumps(one)[1:-1]}
            return {
                "type": "tool-call-delta",
                "index": 0,
                "delta": {"message": {"tool_calls": {"function": function}}},
            }
        return {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": one}}}}

    events = [event(one) for one in said]
    return events[:2], events[2:]


def ui_messages(said: Iterator[str], name: str = "text") -> Parts:
    def event(one: str) -> Event:
        if name == "arguments":
            return {
                "type": "tool-input-delta",
                "toolCallId": "call_1",
                "inputTextDelta": json.dumps(one)[1:-1],
            }
        return {"type": "text-delta", "id": "t_1", "delta": one}

    events = [event(one) for one in said]
    return events[:2], events[2:]


def ag_ui(said: Iterator[str], kind: str = "TEXT_MESSAGE_CONTENT") -> Parts:
    def event(one: str) -> Event:
        if kind == "TOOL_CALL_ARGS":
            return {"type": kind, "toolCallId": "call_1", "delta": json.dumps(one)[1:-1]}
        return {"type": kind, "messageId": "m_1", "delta": one}

    events = [event(one) for one in said]
    return events[:2], events[2:]


def realtime(said: Iterator[str], name: str = "output_text") -> Parts:
    def event(number: int, one: str) -> Event:
        place = {"content_index": 0} if name != "function_call_arguments" else {"call_id": "call_1"}
        return {
            "type": f"response.{name}.delta",
            "event_id": f"event_{number}",
            "response_id": "resp_1",
            "item_id": "item_1",
            "output_index": 0,
            **place,
            "delta": one if "content_index" in place else json.dumps(one)[1:-1],
        }

    events = [event(number, one) for number, one in enumerate(said)]
    return events[:2], events[2:]


def bedrock(said: Iterator[str], kind: str = "text") -> Parts:
    def event(one: str) -> Event:
        delta = {"text": one} if kind == "text" else {"toolUse": {"input": json.dumps(one)[1:-1]}}
        return {"contentBlockDelta": {"contentBlockIndex": 0, "delta": delta, "p": "abcdefgh"}}

    events = [event(one) for one in said]
    return events[:2], events[2:]


def in_chunks(said: Iterator[str]) -> Parts:
    """Anthropic's events, as InvokeModelWithResponseStream sends them."""
    opening, steady = anthropic(said)
    return [{"chunk": one} for one in opening], [{"chunk": one} for one in steady]


KINDS = {
    "chat, prose": Kind("openai-chat", chat_prose, limit=0.3),
    "chat, dense placeholders": Kind("openai-chat", chat_prose, every=20),
    "chat, two choices in turns": Kind("openai-chat", chat_choices),
    "chat, reasoning and content in turns": Kind("openai-chat", chat_reasoning),
    "chat, arguments": Kind("openai-chat", chat_call),
    "chat, arguments without placeholders": Kind("openai-chat", chat_call, every=0),
    "chat, two calls in turns": Kind("openai-chat", lambda said: chat_call(said, 2)),
    "chat, id and type of the call repeated": Kind("openai-chat", lambda said: chat_call(said, repeats=True)),
    "chat, usage on each event": Kind(
        "openai-chat",
        lambda said: chat_differing(said, lambda n: {"usage": USAGE | {"completion_tokens": n}}),
    ),
    "chat, created differs": Kind(
        "openai-chat", lambda said: chat_differing(said, lambda n: {"created": 1790000000 + n})
    ),
    "chat, id differs": Kind("openai-chat", lambda said: chat_differing(said, lambda n: {"id": f"gen-{n}"})),
    "chat, finish and usage on each event": Kind("openai-chat", chat_finishing),
    "text": Kind("openai-text", text),
    "Responses": Kind("openai-responses", responses),
    "Responses, two items in turns": Kind("openai-responses", lambda said: responses(said, 2)),
    "Responses, another item id in each": Kind(
        "openai-responses", lambda said: responses(said, renames=True)
    ),
    "Responses, arguments": Kind(
        "openai-responses", lambda said: responses(said, name="function_call_arguments")
    ),
    "Responses, two calls in turns": Kind(
        "openai-responses", lambda said: responses(said, 2, name="function_call_arguments")
    ),
    "Anthropic": Kind("anthropic", anthropic),
    "Anthropic, arguments": Kind("anthropic", lambda said: anthropic(said, ("input_json",))),
    "Anthropic, blocks in turns": Kind("anthropic", lambda said: anthropic(said, ("text", "input_json"))),
    "Gemini": Kind("gemini", gemini),
    "Gemini, thoughts and text in turns": Kind("gemini", lambda said: gemini(said, thinks=True)),
    "Gemini, a finish on each event": Kind("gemini", lambda said: gemini(said, finishes=True)),
    "Ollama": Kind("ollama", ollama),
    "Cohere": Kind("cohere", cohere),
    "Cohere, arguments": Kind("cohere", lambda said: cohere(said, "arguments")),
    "UI message stream": Kind("ui-message-stream", ui_messages),
    "UI message stream, input of a tool": Kind(
        "ui-message-stream", lambda said: ui_messages(said, "arguments")
    ),
    "AG-UI": Kind("ag-ui", ag_ui),
    "AG-UI, arguments": Kind("ag-ui", lambda said: ag_ui(said, "TOOL_CALL_ARGS")),
    "AG-UI, chunks": Kind("ag-ui", lambda said: ag_ui(said, "TEXT_MESSAGE_CHUNK")),
    "Realtime": Kind("openai-realtime", realtime),
    "Realtime, a transcript": Kind("openai-realtime", lambda said: realtime(said, "output_audio_transcript")),
    "Realtime, arguments": Kind("openai-realtime", lambda said: realtime(said, "function_call_arguments")),
    "Bedrock": Kind("bedrock", bedrock, limit=1.5),
    "Bedrock, arguments": Kind("bedrock", lambda said: bedrock(said, "toolUse"), limit=1.5),
    "Bedrock, Anthropic's events": Kind("bedrock", in_chunks, limit=1.5),
    "Ollama, thinking": Kind("ollama", lambda said: ollama(said, "thinking")),
}
