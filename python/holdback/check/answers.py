"""The answers of the fake provider, in every wire format that is checked: the events of a stream, or one document."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from holdback.check.cases import Channel, Kind, Piece

Body = dict[str, Any]
CREATED = 1_700_000_000
TOOL = "note"


def event(data: Body, *, named: bool = False) -> bytes:
    """A server-sent event."""
    name = f"event: {data['type']}\n" if named else ""
    return f"{name}data: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def joined(pieces: Iterable[Piece]) -> dict[Channel, str]:
    """The text of each channel."""
    found: dict[Channel, str] = {}
    for channel, text in pieces:
        found[channel] = found.get(channel, "") + text
    return found


class Writer(NamedTuple):
    """How a format writes an answer."""

    stream: Callable[[list[Piece], str], Iterator[bytes]]
    whole: Callable[[list[Piece], str], Body]
    content_type: str = "text/event-stream"
    in_turns: bool = False
    """Whether its channels take turns, as those of choices do; else one ends before the next begins."""
    channels: Kind = "content"
    calls: bool = True


# ---------------------------------------------------------------- OpenAI: chat and text


def _chat_stream(pieces: list[Piece], model: str) -> Iterator[bytes]:
    def chunk(at: int, delta: Body, finish: str | None = None) -> bytes:
        choice = {"index": at, "delta": delta, "finish_reason": finish}
        envelope = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": CREATED}
        return event({**envelope, "model": model, "choices": [choice]})

    choices = sorted({channel.at for channel, _ in pieces if channel.kind != "call"} or {0})
    for at in choices:
        yield chunk(at, {"role": "assistant", "content": ""})
    called: set[int] = set()
    for channel, text in pieces:
        if channel.kind == "call":
            call: Body = {"index": channel.at, "function": {"arguments": text}}
            if channel.at not in called:
                called.add(channel.at)
                call |= {
                    "id": f"call_{channel.at}",
                    "type": "function",
                    "function": {"name": TOOL, "arguments": text},
                }
            yield chunk(0, {"tool_calls": [call]})
        else:
            yield chunk(channel.at, {"content": text})
    for at in choices:
        yield chunk(at, {}, "tool_calls" if called else "stop")
    yield b"data: [DONE]\n\n"


def _chat_whole(pieces: list[Piece], model: str) -> Body:
    message: Body = {"role": "assistant", "content": None}
    for channel, text in joined(pieces).items():
        if channel.kind == "call":
            function = {"name": TOOL, "arguments": text}
            message["tool_calls"] = [{"id": "call_0", "type": "function", "function": function}]
        else:
            message["content"] = text
    finish = "tool_calls" if "tool_calls" in message else "stop"
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": CREATED,
        "model": model,
        "choices": [choice],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }


def _text_chunk(at: int, text: str, model: str, finish: str | None = None) -> Body:
    choice = {"index": at, "text": text, "logprobs": None, "finish_reason": finish}
    return {
        "id": "cmpl-1",
        "object": "text_completion",
        "created": CREATED,
        "model": model,
        "choices": [choice],
    }


def _text_stream(pieces: list[Piece], model: str) -> Iterator[bytes]:
    for channel, text in pieces:
        yield event(_text_chunk(channel.at, text, model))
    for at in sorted({channel.at for channel, _ in pieces}):
        yield event(_text_chunk(at, "", model, "stop"))
    yield b"data: [DONE]\n\n"


def _text_whole(pieces: list[Piece], model: str) -> Body:
    (text,) = joined(pieces).values()
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    return {**_text_chunk(0, text, model, "stop"), "usage": usage}


# ---------------------------------------------------------------- OpenAI: Responses


def _items(pieces: list[Piece]) -> list[Body]:
    items: list[Body] = []
    for channel, text in joined(pieces).items():
        number = len(items)
        if channel.kind == "call":
            call = {"id": f"fc_{number}", "call_id": f"call_{number}", "name": TOOL, "arguments": text}
            items.append({"type": "function_call", "status": "completed", **call})
        else:
            part = {"type": "output_text", "text": text, "annotations": []}
            message = {"id": f"msg_{number}", "role": "assistant", "content": [part]}
            items.append({"type": "message", "status": "completed", **message})
    return items


def _response(model: str, output: list[Body], status: str = "completed") -> Body:
    usage = {
        "input_tokens": 1,
        "output_tokens": 1,
        "total_tokens": 2,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    }
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": CREATED,
        "model": model,
        "status": status,
        "output": output,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": usage,
    }


def _responses_events(pieces: list[Piece], model: str) -> Iterator[Body]:
    items = _items(pieces)
    yield {"type": "response.created", "response": _response(model, [], "in_progress")}
    for number, (channel, item) in enumerate(zip(joined(pieces), items, strict=True)):
        at: Body = {"item_id": item["id"], "output_index": number}
        said = [text for where, text in pieces if where == channel]
        hollow: Body = {"arguments": ""} if channel.kind == "call" else {"content": []}
        added = {**item, "status": "in_progress", **hollow}
        yield {"type": "response.output_item.added", "output_index": number, "item": added}
        if channel.kind == "call":
            name = "response.function_call_arguments"
            for text in said:
                yield {"type": f"{name}.delta", **at, "delta": text}
            yield {"type": f"{name}.done", **at, "name": TOOL, "arguments": item["arguments"]}
        else:
            at["content_index"] = 0
            part = item["content"][0]
            yield {"type": "response.content_part.added", **at, "part": {**part, "text": ""}}
            for text in said:
                yield {"type": "response.output_text.delta", **at, "delta": text, "logprobs": []}
            yield {"type": "response.output_text.done", **at, "text": part["text"], "logprobs": []}
            yield {"type": "response.content_part.done", **at, "part": part}
        yield {"type": "response.output_item.done", "output_index": number, "item": item}
    yield {"type": "response.completed", "response": _response(model, items)}


def _responses_stream(pieces: list[Piece], model: str) -> Iterator[bytes]:
    for number, data in enumerate(_responses_events(pieces, model)):
        yield event({**data, "sequence_number": number}, named=True)


def _responses_whole(pieces: list[Piece], model: str) -> Body:
    return _response(model, _items(pieces))


# ---------------------------------------------------------------- Anthropic


def _message(model: str, content: list[Body], stop: str | None) -> Body:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }


def _anthropic_events(pieces: list[Piece], model: str) -> Iterator[Body]:
    yield {"type": "message_start", "message": _message(model, [], None)}
    stop = "end_turn"
    for number, channel in enumerate(joined(pieces)):
        block: Body = {"type": "text", "text": ""}
        kind, field = "text_delta", "text"
        if channel.kind == "call":
            block = {"type": "tool_use", "id": f"toolu_{number}", "name": TOOL, "input": {}}
            kind, field, stop = "input_json_delta", "partial_json", "tool_use"
        yield {"type": "content_block_start", "index": number, "content_block": block}
        for where, text in pieces:
            if where == channel:
                yield {"type": "content_block_delta", "index": number, "delta": {"type": kind, field: text}}
        yield {"type": "content_block_stop", "index": number}
    delta = {"stop_reason": stop, "stop_sequence": None}
    yield {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 1}}
    yield {"type": "message_stop"}


def _anthropic_stream(pieces: list[Piece], model: str) -> Iterator[bytes]:
    return (event(data, named=True) for data in _anthropic_events(pieces, model))


def _anthropic_whole(pieces: list[Piece], model: str) -> Body:
    content: list[Body] = []
    for channel, text in joined(pieces).items():
        if channel.kind == "call":
            content.append({"type": "tool_use", "id": "toolu_0", "name": TOOL, "input": json.loads(text)})
        else:
            content.append({"type": "text", "text": text})
    return _message(model, content, "tool_use" if content[-1]["type"] == "tool_use" else "end_turn")


# ---------------------------------------------------------------- Gemini, Ollama: arguments are an object


def _candidate(at: int, part: Body, finish: str | None = None) -> Body:
    found: Body = {"content": {"parts": [part], "role": "model"}, "index": at}
    return found if finish is None else {**found, "finishReason": finish}


def _generated(candidates: list[Body], model: str) -> Body:
    usage = {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}
    return {
        "candidates": candidates,
        "usageMetadata": usage,
        "modelVersion": model,
        "responseId": "response-1",
    }


def _gemini_part(channel: Channel, text: str) -> Body:
    return (
        {"functionCall": {"name": TOOL, "args": json.loads(text)}}
        if channel.kind == "call"
        else {"text": text}
    )


def _gemini_stream(pieces: list[Piece], model: str) -> Iterator[bytes]:
    whole = [Piece(channel, text) for channel, text in joined(pieces).items() if channel.kind == "call"]
    for channel, text in [*(piece for piece in pieces if piece.channel.kind != "call"), *whole]:
        yield event(_generated([_candidate(channel.at, _gemini_part(channel, text))], model))
    for at in sorted({channel.at for channel, _ in pieces}):
        yield event(_generated([_candidate(at, {"text": ""}, "STOP")], model))


def _gemini_whole(pieces: list[Piece], model: str) -> Body:
    ((channel, text),) = joined(pieces).items()
    return _generated([_candidate(0, _gemini_part(channel, text), "STOP")], model)


def _ollama_line(message: Body, model: str, *, done: bool = False) -> Body:
    line: Body = {
        "model": model,
        "created_at": "2026-01-01T00:00:00Z",
        "message": {"role": "assistant", **message},
    }
    return {**line, "done": done, **({"done_reason": "stop"} if done else {})}


def _ollama_message(channel: Channel, text: str) -> Body:
    if channel.kind == "call":
        call = {"function": {"name": TOOL, "arguments": json.loads(text)}}
        return {"content": "", "tool_calls": [call]}
    return {"content": "", "thinking": text} if channel.kind == "reasoning" else {"content": text}


def _ollama_stream(pieces: list[Piece], model: str) -> Iterator[bytes]:
    whole = [Piece(channel, text) for channel, text in joined(pieces).items() if channel.kind == "call"]
    for channel, text in [*(piece for piece in pieces if piece.channel.kind != "call"), *whole]:
        line = _ollama_line(_ollama_message(channel, text), model)
        yield json.dumps(line, ensure_ascii=False).encode() + b"\n"
    yield json.dumps(_ollama_line({"content": ""}, model, done=True)).encode() + b"\n"


def _ollama_whole(pieces: list[Piece], model: str) -> Body:
    ((channel, text),) = joined(pieces).items()
    return _ollama_line(_ollama_message(channel, text), model, done=True)


# ---------------------------------------------------------------- Cohere


def _cohere_events(pieces: list[Piece]) -> Iterator[Body]:
    def says(kind: str, number: int, message: Body) -> Body:
        return {"type": kind, "index": number, "delta": {"message": message}}

    start = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
    yield {"id": "chat-1", "type": "message-start", "delta": {"message": start}}
    numbers: dict[Kind, int] = {}
    for channel in joined(pieces):
        number = numbers[channel.kind] = numbers.get(channel.kind, -1) + 1
        said = [text for where, text in pieces if where == channel]
        if channel.kind == "call":
            function = {"name": TOOL, "arguments": ""}
            call = {"id": f"call_{number}", "type": "function", "function": function}
            yield says("tool-call-start", number, {"tool_calls": call})
            for text in said:
                yield says("tool-call-delta", number, {"tool_calls": {"function": {"arguments": text}}})
            yield {"type": "tool-call-end", "index": number}
        else:
            yield says("content-start", number, {"content": {"type": "text", "text": ""}})
            for text in said:
                yield says("content-delta", number, {"content": {"text": text}})
            yield {"type": "content-end", "index": number}
    finish = "TOOL_CALL" if "call" in numbers else "COMPLETE"
    tokens = {"tokens": {"input_tokens": 1, "output_tokens": 1}}
    yield {"type": "message-end", "delta": {"finish_reason": finish, "usage": tokens}}


def _cohere_stream(pieces: list[Piece], model: str) -> Iterator[bytes]:
    del model  # no answer names it
    return (event(data, named=True) for data in _cohere_events(pieces))


def _cohere_whole(pieces: list[Piece], model: str) -> Body:
    del model
    message: Body = {"role": "assistant"}
    for channel, text in joined(pieces).items():
        if channel.kind == "call":
            function = {"name": TOOL, "arguments": text}
            message["tool_calls"] = [{"id": "call_0", "type": "function", "function": function}]
        else:
            message["content"] = [{"type": "text", "text": text}]
    finish = "TOOL_CALL" if "tool_calls" in message else "COMPLETE"
    usage = {"tokens": {"input_tokens": 1, "output_tokens": 1}}
    return {"id": "chat-1", "finish_reason": finish, "message": message, "usage": usage}


WRITERS: dict[str, Writer] = {
    "openai-chat": Writer(_chat_stream, _chat_whole, in_turns=True),
    "openai-text": Writer(_text_stream, _text_whole, in_turns=True, calls=False),
    "openai-responses": Writer(_responses_stream, _responses_whole),
    "anthropic": Writer(_anthropic_stream, _anthropic_whole),
    "gemini": Writer(_gemini_stream, _gemini_whole, in_turns=True),
    "ollama": Writer(_ollama_stream, _ollama_whole, "application/x-ndjson", channels="reasoning"),
    "cohere": Writer(_cohere_stream, _cohere_whole),
}
"""By the name of the format: these are the formats that are checked."""

LEFT_OUT = {
    "ui-message-stream": "spoken between a front end and its server; no provider answers in it",
    "ag-ui": "spoken between a front end and its server; no provider answers in it",
    "openai-realtime": "a WebSocket, where the check asks and answers over HTTP",
    "bedrock": "AWS's clients sign each request for the host it goes to, and the check signs none",
}
"""The formats that are not checked, and why."""
