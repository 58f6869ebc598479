"""Into every ASGI application: middleware that restores answers as they leave.

    app.add_middleware(RestoreMiddleware, mapping=lambda scope: scope["state"].get("pii"))

Restored are event streams and NDJSON, and whole JSON answers on request. What holds for every response:

- the mapping is asked for when the response begins, so that the endpoint can provide it;
- a message of the application is one message of ours, or none while all of it is held back; the application waits
  until it has been sent (no read-ahead, the server's back-pressure reaches the application);
- an error of the application comes after the text that was held back, as the same object;
- once the client is gone nothing that was held back is sent any more;
- what is compressed is forwarded untouched: a middleware that compresses belongs outside of this one.

It needs no host: ASGI is a calling convention.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from holdback.integrations.bodies import STALE, AnswerRestorer, mapping_for, restorer_for
from holdback.mapping import AnyMapping
from holdback.restorers.wire import WireRestorer

__all__ = ["RestoreMiddleware"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_STALE = frozenset(name.encode() for name in STALE)


class RestoreMiddleware:
    r"""Restores the answers that an application sends.

    :param app: the application.
    :param mapping: a callable ``scope -> mapping or None``, or a mapping for all requests. None leaves the
        response alone.
    :param config: None means on.
    :param answers: whether whole ``application/json`` answers are restored too. They are collected for that.

    >>> import asyncio
    >>> async def app(scope, receive, send):
    ...     start = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]}
    ...     await send(start)
    ...     said = b'data: {"choices":[{"index":0,"delta":{"content":"Hi <PERSON_1>!"}}]}\n\n'
    ...     await send({"type": "http.response.body", "body": said})
    >>> async def send(message):
    ...     print(message.get("body", b"").decode().strip())
    >>> restored = RestoreMiddleware(app, {"<PERSON_1>": "Ada"})
    >>> asyncio.run(restored({"type": "http"}, None, send))
    <BLANKLINE>
    data: {"choices":[{"index":0,"delta":{"content":"Hi Ada!"}}]}
    """

    def __init__(
        self,
        app: App,
        mapping: AnyMapping | Callable[[Scope], AnyMapping | None] | None,
        config: Any = None,
        *,
        answers: bool = False,
    ) -> None:
        self.app = app
        self._mapping = mapping
        self._config = config
        self._answers = answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection. Those that are not HTTP are the application's alone."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        def begin(content_type: str) -> WireRestorer | AnswerRestorer | None:
            mapping = mapping_for(self._mapping, scope)
            return restorer_for(content_type, mapping, self._config, answers=self._answers)

        response = _Response(begin, receive, send)
        try:
            await self.app(scope, response.receive, response.send)
        except Exception:
            # The application's error is the one to tell; that the rest found no client any more is none.
            with contextlib.suppress(Exception):
                await response.drain()
            raise
        await response.drain()


class _Response:
    """One response on its way out: stands between the application and the server."""

    __slots__ = ("_begin", "_is_gone", "_receive", "_restorer", "_send")

    def __init__(
        self, begin: Callable[[str], WireRestorer | AnswerRestorer | None], receive: Receive, send: Send
    ) -> None:
        self._begin = begin
        self._restorer: WireRestorer | AnswerRestorer | None = None  # None: nothing to restore, or no longer
        self._receive = receive
        self._send = send
        self._is_gone = False  # whether the client left

    async def receive(self) -> Message:
        """What the server says, unchanged."""
        message = await self._receive()
        self._is_gone = self._is_gone or message["type"] == "http.disconnect"
        return message

    async def send(self, message: Message) -> None:
        """What the application says, restored. Returns when the server has taken it."""
        restorer = self._restorer
        if restorer is not None and message["type"] == "http.response.body":
            body, goes_on = message.get("body", b""), message.get("more_body", False)
            if not (goes_on and restorer._passes(body)):  # as most messages of most streams do
                data = restorer.feed(body)
                if not goes_on:
                    data += restorer.flush()
                    self._restorer = None
                elif not data:
                    return
                if data is not body:
                    message = {**message, "body": data}
        elif message["type"] == "http.response.start":
            message = self._started(message)
        # Whatever else there is, trailers or the path of a file, goes through.
        try:
            await self._send(message)
        except Exception:
            self._is_gone = True
            raise

    async def drain(self) -> None:
        """The application is through. What it left behind, if it did not end the body, leaves now."""
        restorer, self._restorer = self._restorer, None
        if restorer is not None and not self._is_gone and (data := restorer.flush()):
            await self._send({"type": "http.response.body", "body": data, "more_body": True})

    def _started(self, message: Message) -> Message:
        headers = [(bytes(name), bytes(value)) for name, value in message.get("headers", ())]
        named = {name.lower(): value for name, value in headers}
        if named.get(b"content-encoding", b"").strip().lower() not in (b"", b"identity"):
            return message
        self._restorer = self._begin(named.get(b"content-type", b"").decode("latin-1"))
        if self._restorer is None:
            return message
        return {**message, "headers": [header for header in headers if header[0].lower() not in _STALE]}
