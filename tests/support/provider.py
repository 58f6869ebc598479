"""A provider on loopback: every wire format, whole and streamed, and it says what it was told.

The answer repeats the last text of the request, so one call shows both ways: what the provider got, and what the
client gets back. Words in that text are the knobs, so that concurrent requests do not share any:

- ``[cut:7]`` writes the bytes of the stream in sevens, whatever they are in the middle of;
- ``[die:5]`` drops the connection after five events, when ``may_die`` is set: a client that sees the end of the
  connection may forget what it has not read yet;
- ``[slow]`` takes its time between events, and ``closed`` tells when the reader has left.

With tools in the request it calls one, its arguments in the spelling of serializers that escape ``<``. It stands in
for Presidio's analyzer too: to that every ``Mr Somebody`` is a person.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

Body = dict[str, Any]
SIZE = 3
"""How much text an event carries: less than any placeholder has."""


def pieces(text: str) -> list[str]:
    return [text[at : at + SIZE] for at in range(0, len(text), SIZE)]


def said(node: Any) -> str:
    """The last text of a request's messages, input, prompt or contents."""
    if isinstance(node, list):
        return said(node[-1]) if node else ""
    if isinstance(node, dict):
        for name in ("content", "parts", "text", "output"):
            if name in node:
                return said(node[name])
        return ""
    return str(node)


def answer(text: str) -> str:
    return json.dumps({"said": text}, ensure_ascii=False) if text.startswith("JSON") else f"You said: {text}"


def arguments(text: str) -> str:
    return json.dumps({"to": text}).replace("<", "\\u003c").replace(">", "\\u003e")


def event(data: Body, *, named: bool = False, newline: str = "\n") -> bytes:
    name = f"event: {data['type']}{newline}" if named else ""
    return f"{name}data: {json.dumps(data, ensure_ascii=False)}{newline}{newline}".encode()


# ---------------------------------------------------------------- formats: the events, and the whole answer


def chat(body: Body, text: str) -> tuple[list[bytes], Body]:
    envelope = {"id": "chatcmpl-1", "created": 1700000000, "model": body["model"]}
    usage = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}
    indices = range(body.get("n") or 1)

    def chunk(delta: Body, index: int, finish: str | None = None, **more: Any) -> bytes:
        choice = {"index": index, "delta": delta, "finish_reason": finish, **more}
        return event({**envelope, "object": "chat.completion.chunk", "choices": [choice]})

    def logprobs(piece: str) -> Body:
        if not body.get("logprobs"):
            return {}
        return {
            "logprobs": {"content": [{"token": piece, "logprob": -0.5, "bytes": None, "top_logprobs": []}]}
        }

    events = [chunk({"role": "assistant", "content": ""}, index) for index in indices]
    if "[think]" in text:
        events += [chunk({"reasoning_content": piece}, 0) for piece in pieces(answer(text))]
    message: Body = {"role": "assistant", "content": answer(text)}
    if body.get("tools"):
        function = {"name": "mail", "arguments": arguments(text)}
        call = {"id": "call_1", "type": "function"}
        events.append(
            chunk({"tool_calls": [{"index": 0, **call, "function": {**function, "arguments": ""}}]}, 0)
        )
        events += [
            chunk({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}, 0)
            for piece in pieces(function["arguments"])
        ]
        message = {"role": "assistant", "content": None, "tool_calls": [{**call, "function": function}]}
    else:
        for piece in pieces(answer(text)):  # the choices take turns
            events += [chunk({"content": piece}, index, **logprobs(piece)) for index in indices]
    finish = "tool_calls" if body.get("tools") else "stop"
    events += [chunk({}, index, finish) for index in indices]
    if (body.get("stream_options") or {}).get("include_usage"):
        events.append(event({**envelope, "object": "chat.completion.chunk", "choices": [], "usage": usage}))
    choices = [{"index": index, "message": message, "finish_reason": finish} for index in indices]
    return [*events, b"data: [DONE]\n\n"], {
        **envelope,
        "object": "chat.completion",
        "choices": choices,
        "usage": usage,
    }


def completion(body: Body, text: str) -> tuple[list[bytes], Body]:
    envelope = {"id": "cmpl-1", "object": "text_completion", "created": 1700000000, "model": body["model"]}

    def chunk(piece: str, finish: str | None = None) -> Body:
        return {
            **envelope,
            "choices": [{"index": 0, "text": piece, "finish_reason": finish, "logprobs": None}],
        }

    events = [event(chunk(piece)) for piece in pieces(answer(text))]
    usage = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}
    whole = {**chunk(answer(text), "stop"), "usage": usage}
    return [*events, event(chunk("", "stop")), b"data: [DONE]\n\n"], whole


def response(body: Body, text: str) -> tuple[list[bytes], Body]:
    usage = {
        "input_tokens": 3,
        "output_tokens": 5,
        "total_tokens": 8,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    }
    whole = {
        "id": "resp_1",
        "object": "response",
        "created_at": 1700000000,
        "model": body["model"],
        "status": "completed",
        "output": [],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": usage,
    }
    part: Body = {"type": "output_text", "text": answer(text), "annotations": []}
    item: Body = {
        "type": "message",
        "id": "msg_1",
        "status": "completed",
        "role": "assistant",
        "content": [part],
    }
    empty = {**item, "content": []}
    if body.get("tools"):
        item = {
            "type": "function_call",
            "id": "fc_1",
            "call_id": "call_1",
            "name": "mail",
            "arguments": arguments(text),
            "status": "completed",
        }
        empty = {**item, "arguments": ""}
    at = {"item_id": item["id"], "output_index": 0}
    events: list[Body] = [{"type": "response.created", "response": {**whole, "status": "in_progress"}}]
    events.append({"type": "response.output_item.added", "output_index": 0, "item": empty})
    if body.get("tools"):
        name = "response.function_call_arguments"
        events += [{"type": f"{name}.delta", **at, "delta": piece} for piece in pieces(item["arguments"])]
        events.append({"type": f"{name}.done", **at, "arguments": item["arguments"], "name": "mail"})
    else:
        at["content_index"] = 0
        events.append({"type": "response.content_part.added", **at, "part": {**part, "text": ""}})
        for piece in pieces(part["text"]):
            events.append({"type": "response.output_text.delta", **at, "delta": piece, "logprobs": []})
        events.append({"type": "response.output_text.done", **at, "text": part["text"], "logprobs": []})
        events.append({"type": "response.content_part.done", **at, "part": part})
    events.append({"type": "response.output_item.done", "output_index": 0, "item": item})
    events.append({"type": "response.completed", "response": {**whole, "output": [item]}})
    numbered = [event({**data, "sequence_number": at}, named=True) for at, data in enumerate(events)]
    return numbered, {**whole, "output": [item]}


def message(body: Body, text: str) -> tuple[list[bytes], Body]:
    usage = {"input_tokens": 3, "output_tokens": 5}
    whole: Body = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": [{"type": "text", "text": answer(text)}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": usage,
    }
    start, delta, source = {"type": "text", "text": ""}, {"type": "text_delta"}, answer(text)
    field = "text"
    if body.get("tools"):
        tool = {"type": "tool_use", "id": "toolu_1", "name": "mail", "input": {"to": text}}
        whole |= {"content": [tool], "stop_reason": "tool_use"}
        start, delta, source = {**tool, "input": {}}, {"type": "input_json_delta"}, arguments(text)  # type: ignore[dict-item]
        field = "partial_json"
    opening = {**whole, "content": [], "stop_reason": None}
    events: list[Body] = [
        {"type": "message_start", "message": opening},
        {"type": "content_block_start", "index": 0, "content_block": start},
        {"type": "ping"},
    ]
    events += [
        {"type": "content_block_delta", "index": 0, "delta": {**delta, field: piece}}
        for piece in pieces(source)
    ]
    events.append({"type": "content_block_stop", "index": 0})
    stop = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    events.append({"type": "message_delta", "delta": stop, "usage": usage})
    events.append({"type": "message_stop"})
    return [event(data, named=True) for data in events], whole


def gemini(body: Body, text: str) -> tuple[list[bytes], Body]:
    def content(piece: str, **more: Any) -> Body:
        parts = {"parts": [{"text": piece}], "role": "model"}
        usage = {"promptTokenCount": 3, "candidatesTokenCount": 5, "totalTokenCount": 8}
        candidate = {"content": parts, "index": 0, **more}
        return {
            "candidates": [candidate],
            "usageMetadata": usage,
            "modelVersion": "gemini-x",
            "responseId": "r",
        }

    events = [event(content(piece), newline="\r\n") for piece in pieces(answer(text))]
    events.append(event(content("", finishReason="STOP"), newline="\r\n"))
    return events, content(answer(text), finishReason="STOP")


FORMATS: dict[str, tuple[Callable[[Body, str], tuple[list[bytes], Body]], str]] = {
    "/chat/completions": (chat, "messages"),
    "/completions": (completion, "prompt"),
    "/responses": (response, "input"),
    "/messages": (message, "messages"),
    "GenerateContent": (gemini, "contents"),
    "generateContent": (gemini, "contents"),
}


def analyzed(text: str) -> list[Body]:
    return [
        {"entity_type": "PERSON", "start": found.start(), "end": found.end(), "score": 0.9}
        for found in re.finditer(r"Mr \w+", text)
    ]


# ---------------------------------------------------------------- the server

Send = Callable[[Body], Awaitable[None]]
Receive = Callable[[], Coroutine[Any, Any, Body]]


async def received(receive: Any) -> bytes:
    """The whole body of an ASGI request."""
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return body


class Provider:
    """The application, an ASGI one, and what it saw."""

    def __init__(self) -> None:
        self.seen: list[str] = []  # the bodies of the requests, as they came
        self.closed = threading.Event()
        self.may_die = threading.Event()
        self.address = ""

    async def __call__(self, scope: Body, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        source, path = await received(receive), scope["path"]
        body: Body = json.loads(source or b"{}")
        if path.endswith("/analyze"):
            await self._whole(send, analyzed(body["text"]))
            return
        if path.endswith("/anonymize"):
            await self._whole(send, {"text": "-", "items": []})
            return
        self.seen.append(json.dumps(body, ensure_ascii=False))
        write, field = next((found for name, found in FORMATS.items() if name in path), (chat, "messages"))
        text = said(body.get(field))
        events, whole = write(body, text)
        if body.get("stream") or "stream" in path:
            await self._stream(receive, send, events, text)
        else:
            await self._whole(send, whole)

    @staticmethod
    async def _begin(send: Send, content_type: bytes) -> None:
        headers = [(b"content-type", content_type)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})

    async def _whole(self, send: Send, answer: Any) -> None:
        await self._begin(send, b"application/json")
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    async def _stream(self, receive: Receive, send: Send, events: list[bytes], text: str) -> None:
        knobs = {name: int(value) for name, value in re.findall(r"\[(cut|die):(\d+)\]", text)}
        dies, slow = knobs.get("die"), "[slow]" in text
        events = events[:dies]
        if size := knobs.get("cut"):
            data = b"".join(events)
            events = [data[at : at + size] for at in range(0, len(data), size)]
        await self._begin(send, b"text/event-stream")
        left = asyncio.create_task(receive())  # the next message of a client that said all is that it left
        try:
            for data in events:
                await send({"type": "http.response.body", "body": data, "more_body": True})
                if slow:
                    await asyncio.wait([left], timeout=0.2)
                if left.done():
                    self.closed.set()
                    return
        finally:
            left.cancel()
        if dies is not None:
            await asyncio.to_thread(self.may_die.wait, 30)
            await asyncio.sleep(0.3)
            raise ConnectionResetError  # uvicorn drops the connection: the chunked body has no end
        await send({"type": "http.response.body", "body": b""})


@contextmanager
def running(app: Any) -> Iterator[str]:
    """An ASGI application on loopback, in a thread; its address."""
    uvicorn = import_module("uvicorn")
    options = {"log_level": "critical", "lifespan": "off", "timeout_keep_alive": 75}
    config = uvicorn.Config(app, host="127.0.0.1", port=0, **options)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)


@contextmanager
def serving() -> Iterator[Provider]:
    """A provider at ``address``, in a thread."""
    provider = Provider()
    with running(provider) as provider.address:
        yield provider
