"""A provider on loopback for agents: it calls a tool, reads the result, answers; and keeps every byte that it was sent.

With tools in the request, and no result at its end, it calls the tool ``mail`` with the last text; else it answers by
repeating that text. Both come in pieces of three characters, whole where no stream was asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from provider import (
    Body,
    Send,
    answer,
    arguments,
    chat,
    event,
    message,
    pieces,
    received,
    response,
    running,
    said,
)

NAME = 'Mira "Mo" Okáfor \\ 😀'
MAIL = "mira@example.org"
ASKED = f"Write to {NAME}."
SENT = f"Sent to {NAME}, {MAIL}."
AGAIN = f"And once more to {NAME} ({MAIL})?"
"""What the tests of agents say, and with which values."""

RESULTS = ("function_call_output", "tool_result")


def is_result(last: Any) -> bool:
    """Whether a request ends with what a tool returned."""
    if not isinstance(last, dict):
        return False
    parts = [part for part in last.get("content") or () if isinstance(part, dict)]
    parts += last.get("parts") or []
    return (
        last.get("role") == "tool"
        or last.get("type") in RESULTS
        or any(part.get("type") in RESULTS or "functionResponse" in part for part in parts)
    )


def gemini(body: Body, text: str) -> tuple[list[bytes], Body]:
    def content(part: Body, **more: Any) -> Body:
        candidate = {"content": {"parts": [part], "role": "model"}, "index": 0, **more}
        usage = {"promptTokenCount": 3, "candidatesTokenCount": 5, "totalTokenCount": 8}
        return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "m", "responseId": "r"}

    if body.get("tools"):
        whole = content({"functionCall": {"name": "mail", "args": {"to": text}}}, finishReason="STOP")
        return [event(whole, newline="\r\n")], whole
    events = [event(content({"text": piece}), newline="\r\n") for piece in pieces(answer(text))]
    events.append(event(content({"text": ""}, finishReason="STOP"), newline="\r\n"))
    return events, content({"text": answer(text)}, finishReason="STOP")


def mistral(body: Body, text: str) -> tuple[list[bytes], Body]:
    """Chat, but a call comes whole."""
    events, whole = chat(body, text)
    if body.get("tools"):
        (choice,) = whole["choices"]
        (call,) = choice["message"]["tool_calls"]
        delta = {"role": "assistant", "content": "", "tool_calls": [{**call, "index": 0}]}
        chunk = {
            "id": "m",
            "model": "m",
            "choices": [{"index": 0, "delta": delta, "finish_reason": "tool_calls"}],
        }
        events = [event(chunk), b"data: [DONE]\n\n"]
    return events, whole


def ollama(body: Body, text: str) -> tuple[list[bytes], Body]:
    def line(said: Body, **more: Any) -> Body:
        message = {"role": "assistant", "content": "", **said}
        return {
            "model": "m",
            "created_at": "2026-11-01T00:00:00Z",
            "message": message,
            "done": False,
            **more,
        }

    done: Body = {"done": True, "done_reason": "stop", "eval_count": 5}
    if body.get("tools"):
        whole = line({"tool_calls": [{"function": {"name": "mail", "arguments": {"to": text}}}]})
        lines = [whole, line({}, **done)]
    else:
        whole = line({"content": answer(text)})
        lines = [*(line({"content": piece}) for piece in pieces(answer(text))), line({}, **done)]
    return [json.dumps(said).encode() + b"\n" for said in lines], {**whole, **done}


def cohere(body: Body, text: str) -> tuple[list[bytes], Body]:
    """Version 2 of its chat."""
    usage = {"tokens": {"input_tokens": 3, "output_tokens": 5}}
    events: list[Body] = [{"type": "message-start", "id": "m", "delta": {"message": {"role": "assistant"}}}]

    def delta(name: str, said: Body) -> Body:
        return {"type": name, "index": 0, "delta": {"message": said}}

    if body.get("tools"):
        source, plan = arguments(text), f"I mail {text}"
        function = {"name": "mail", "arguments": source}
        call = {"id": "call_1", "type": "function"}
        whole: Body = {"tool_plan": plan, "tool_calls": [{**call, "function": function}]}
        events += [delta("tool-plan-delta", {"tool_plan": piece}) for piece in pieces(plan)]
        begun = {**call, "function": {**function, "arguments": ""}}
        events.append(delta("tool-call-start", {"tool_calls": begun}))
        events += [
            delta("tool-call-delta", {"tool_calls": {"function": {"arguments": piece}}})
            for piece in pieces(source)
        ]
        events.append({"type": "tool-call-end", "index": 0})
        finish = "TOOL_CALL"
    else:
        whole = {"content": [{"type": "text", "text": answer(text)}]}
        events.append(delta("content-start", {"content": {"type": "text", "text": ""}}))
        events += [delta("content-delta", {"content": {"text": piece}}) for piece in pieces(answer(text))]
        events.append({"type": "content-end", "index": 0})
        finish = "COMPLETE"
    events.append({"type": "message-end", "delta": {"finish_reason": finish, "usage": usage}})
    full = {
        "id": "m",
        "finish_reason": finish,
        "message": {"role": "assistant", **whole},
        "usage": usage,
    }
    return [event(data, named=True) for data in events] + [b"data: [DONE]\n\n"], full


PATHS: dict[str, tuple[Any, str]] = {
    "/chat/completions": (chat, "messages"),
    "/responses": (response, "input"),
    "/messages": (message, "messages"),
    "enerateContent": (gemini, "contents"),
    "/api/chat": (ollama, "messages"),
    "/v2/chat": (cohere, "messages"),
}


def strings(node: Any) -> Iterator[str]:
    """Every string of a document, the names of its members and documents inside strings too."""
    if isinstance(node, dict):
        for name, inner in node.items():
            yield name
            yield from strings(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from strings(inner)
    elif isinstance(node, str):
        yield node
        if node[:1] in {"{", "[", '"'}:
            try:
                yield from strings(json.loads(node))
            except ValueError:
                return


class AgentProvider:
    """The application, and all that it was sent."""

    def __init__(self) -> None:
        self.address = ""
        self.seen: list[bytes] = []  # of every request: the path, the headers, the body

    async def __call__(self, scope: Body, receive: Any, send: Send) -> None:
        if scope["type"] != "http":
            return
        source = await received(receive)
        headers = b"".join(name + b": " + value + b"\n" for name, value in scope["headers"])
        self.seen += [scope["raw_path"] + b"?" + scope["query_string"], headers, source]
        path, body = scope["path"], json.loads(source)
        write, field = next(found for name, found in PATHS.items() if name in path)
        asked = body[field]
        if isinstance(asked, list) and is_result(asked[-1]):
            body.pop("tools", None)
        text = said(asked)
        if write is gemini and "functionResponse" in (part := asked[-1]["parts"][-1]):
            text = part["functionResponse"]["response"]["result"]
        if b"mistral" in headers:
            write = mistral
        events, whole = write(body, text)
        if write is ollama:
            is_stream, kind = body.get("stream", True), b"application/x-ndjson"
        else:
            is_stream, kind = body.get("stream") or "stream" in path, b"text/event-stream"
        kinds = [(b"content-type", kind if is_stream else b"application/json"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 200, "headers": kinds})
        ids = b"%s_" + str(len(self.seen)).encode() + b'"'
        for data in events if is_stream else [json.dumps(whole).encode()]:
            named = re.sub(rb'\b(call|toolu|fc|msg|resp)_1"', lambda found: ids % found[1], data)
            await send({"type": "http.response.body", "body": named, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    @property
    def requests(self) -> list[Body]:
        return [json.loads(source) for source in self.seen[2::3]]

    def shows(self, values: list[str]) -> list[str]:
        """Which of the values it was shown, in bytes or in any JSON spelling."""
        texts = [source.decode() for source in self.seen]
        texts += [text for request in self.requests for text in strings(request)]
        return [value for value in values if any(value in text for text in texts)]


@contextmanager
def serving_agents() -> Iterator[AgentProvider]:
    provider = AgentProvider()
    with running(provider) as provider.address:
        yield provider


def send_all_to(provider: AgentProvider, patch: pytest.MonkeyPatch, *libraries: Any) -> None:
    """Whatever host a client of these libraries asks, the provider on loopback answers."""
    for library in libraries:
        target = library.URL(provider.address)

        def to_loopback(request: Any, library: Any = library, target: Any = target) -> Any:
            url = request.url.copy_with(scheme="http", host=target.host, port=target.port)
            return library.Request(
                request.method,
                url,
                headers=request.headers,
                stream=request.stream,
                extensions=request.extensions,
            )

        real, waits = library.HTTPTransport.handle_request, library.AsyncHTTPTransport.handle_async_request

        def asked(self: Any, request: Any, real: Any = real, to: Any = to_loopback) -> Any:
            return real(self, to(request))

        async def asked_async(self: Any, request: Any, waits: Any = waits, to: Any = to_loopback) -> Any:
            return await waits(self, to(request))

        patch.setattr(library.HTTPTransport, "handle_request", asked)
        patch.setattr(library.AsyncHTTPTransport, "handle_async_request", asked_async)
