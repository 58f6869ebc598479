"""The ways on which a request is masked and its answer restored, driven by the same tests."""

from __future__ import annotations

import asyncio
import importlib
import json
from typing import Any, NamedTuple

import pytest

from holdback.integrations.asgi import RestoreMiddleware
from holdback.masking import KnownValues, Masker, Placeholders
from streams import say
from wires import every

KEY = bytes(range(32))
ADA = 'Ada "Countess" Lovelace'
VALUES = {ADA: "PERSON", "ada@example.org": "EMAIL", "ß\U0001f600": "CODE"}
FAKES = {value: Placeholders(KEY).of(value, kind, scope="c") for value, kind in VALUES.items()}
URL = "http://provider.invalid/v1/chat/completions"


def masker(values: dict[str, str] = VALUES, style: Any = "keyed") -> Masker:
    return Masker(KnownValues(values), Placeholders(KEY, style))


def asking(text: str, **more: Any) -> bytes:
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": text}], **more}).encode()


def text_of(body: bytes) -> str:
    return str(json.loads(body)["messages"][-1]["content"])


def streamed(text: str, size: int = 3) -> bytes:
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    return "".join(f"data: {json.dumps(say(piece))}\n\n" for piece in pieces).encode()


def told(stream: bytes) -> str:
    events = [json.loads(event[6:]) for event in stream.decode().split("\n\n") if event]
    return "".join(event["choices"][0]["delta"]["content"] for event in events)


class Answer(NamedTuple):
    """What a client got, and the bodies and headers that the provider got."""

    status: int
    body: bytes
    sent: list[bytes]
    headers: list[dict[str, str]]


class OverTransport:
    """A client on a transport of ours; the provider is a transport inside."""

    def __init__(self, library: str, *, is_async: bool) -> None:
        self.library = pytest.importorskip(library)
        self.ours = importlib.import_module(f"holdback.integrations.{library}")
        self.is_async = is_async
        self.can_wait = is_async

    def ask(self, body: Any, method: str = "POST", headers: Any = None, **options: Any) -> Answer:
        sent: list[bytes] = []
        seen: list[dict[str, str]] = []

        def provider(request: Any) -> Any:
            sent.append(request.content)
            seen.append(dict(request.headers))
            said = text_of(request.content) if request.content else FAKES[ADA]
            return self.library.Response(
                200, headers={"content-type": "text/event-stream"}, content=streamed(said)
            )

        async def asynchronous() -> tuple[int, bytes]:
            inside = self.library.MockTransport(provider)
            transport = self.ours.AsyncRestoreTransport(transport=inside, **options)
            async with self.library.AsyncClient(transport=transport) as client:
                response = await client.request(method, URL, content=body, headers=headers)
                return response.status_code, response.content

        if self.is_async:
            return Answer(*asyncio.run(asynchronous()), sent, seen)
        transport = self.ours.RestoreTransport(transport=self.library.MockTransport(provider), **options)
        with self.library.Client(transport=transport) as client:
            response = client.request(method, URL, content=body, headers=headers)
        return Answer(response.status_code, response.content, sent, seen)


class OverAsgi:
    """Middleware around an application that plays the provider."""

    can_wait = True

    def ask(self, body: Any, method: str = "POST", headers: Any = None, **options: Any) -> Answer:
        sent: list[bytes] = []
        seen: list[dict[str, str]] = []
        out: list[Any] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            data, more = b"", True
            while more:
                message = await receive()
                data, more = data + message["body"], message["more_body"]
            sent.append(data)
            seen.append({name.decode(): value.decode() for name, value in scope["headers"]})
            said = text_of(data) if data else FAKES[ADA]
            kind = [(b"content-type", b"text/event-stream")]
            await send({"type": "http.response.start", "status": 200, "headers": kind})
            for piece in every(streamed(said), 11):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})

        pieces = [body] if isinstance(body, bytes) else list(body)
        messages: list[Any] = [
            {"type": "http.request", "body": piece, "more_body": at < len(pieces) - 1}
            for at, piece in enumerate(pieces)
        ]

        async def receive() -> Any:
            return messages.pop(0) if messages else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            out.append(message)

        given_ = {"content-length": str(sum(map(len, pieces))), **(headers or {})}
        scope = {
            "type": "http",
            "method": method,
            "path": "/v1/chat/completions",
            "headers": [(name.encode(), value.encode()) for name, value in given_.items()],
        }
        asyncio.run(RestoreMiddleware(app, **options)(scope, receive, send))
        status = out[0]["status"] if out else 0
        return Answer(status, b"".join(message.get("body", b"") for message in out), sent, seen)


ROUND: dict[str, Any] = {"masker": masker(), "scope": "c"}
