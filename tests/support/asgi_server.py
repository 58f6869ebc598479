"""The middleware driven message by message, as a server drives it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from holdback.integrations.asgi import RestoreMiddleware
from streams import say

Message = dict[str, Any]
Scope = dict[str, Any]
PAIRS = {"<PERSON_1>": 'Ada "Countess" Lovelace'}
EVENTS = b"text/event-stream"
JSON = b"application/json"
EVENT = {text: f"data: {json.dumps(say(text))}\n\n".encode() for text in ("Hi <PER", "SON_1>!", "bye <PER")}
WHOLE = json.dumps({"choices": [{"index": 0, "message": {"content": "<PERSON_1>"}}]}).encode()
RESTORED = json.dumps({"choices": [{"index": 0, "message": {"content": PAIRS["<PERSON_1>"]}}]}).encode()


class Gone(OSError):
    """What a server's ``send`` raises when the client has left."""


class Failed(Exception):
    """What an application raises; it quotes the text."""


class Server:
    """The other side: keeps what is sent, and fails from a message on if told to."""

    def __init__(self, received: list[Message] | None = None, gone_at: int = -1) -> None:
        self.received = received or [{"type": "http.request", "body": b"", "more_body": False}]
        self.sent: list[Message] = []
        self.gone_at = gone_at
        self.asked = 0  # how often it was to send something

    async def receive(self) -> Message:
        return self.received.pop(0) if self.received else {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.asked += 1
        if len(self.sent) == self.gone_at:
            raise Gone
        self.sent.append(message)

    @property
    def body(self) -> bytes:
        return b"".join(message["body"] for message in self.sent if message["type"] == "http.response.body")

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        return list(self.sent[0]["headers"])


def start(kind: bytes, *more: tuple[bytes, bytes], status: int = 200) -> Message:
    return {"type": "http.response.start", "status": status, "headers": [(b"Content-Type", kind), *more]}


def body(data: bytes, *, more: bool = True) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": more}


def saying(*messages: Message | BaseException) -> Any:
    """An application that says this, whatever it is asked."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            if isinstance(message, BaseException):
                raise message
            await send(message)

    return app


def serve(
    app: Any,
    mapping: Any = lambda scope: PAIRS,
    config: Any = None,
    *,
    server: Server | None = None,
    scope: Scope | None = None,
    **options: Any,
) -> Server:
    server = server or Server()
    connection = scope or {"type": "http", "method": "POST", "headers": []}
    asyncio.run(RestoreMiddleware(app, mapping, config, **options)(connection, server.receive, server.send))
    return server


STREAM = b"".join(EVENT.values())
