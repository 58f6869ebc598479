"""Into every ASGI application: middleware that restores answers as they leave.

    app.add_middleware(RestoreMiddleware, mapping=lambda scope: scope["state"].get("pii"))

With a masker it masks the requests as well, before the application sees them: an application that sends them on to a
provider is then a gateway.

Restored are event streams, lines and JSON arrays of events, and whole JSON answers on request; the content type says
which, and where it says nothing, only that it is text, or that it is JSON, the first bytes. What holds for every
response:

- the mapping is asked for when the response begins, so that the endpoint can provide it;
- a message of the application is one message of ours, or none while all of it is held back; the application waits
  until it has been sent (no read-ahead, the server's back-pressure reaches the application);
- an error of the application comes after the text that was held back, as the same object;
- once the client is gone nothing that was held back is sent any more;
- where only the bytes tell whether a response is restored, its start waits for the first of them. One that is not
  goes on as the same messages;
- the body of the request is looked at as the application reads it: where that asks for JSON or for text, so does a
  config whose ``content`` is ``"auto"``;
- what is compressed is decoded, and goes on decoded: a middleware that compresses belongs outside of this one.

It needs no host: ASGI is a calling convention.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from holdback.bodies import BodyOptions, BodyProbe, BodyRestorer
from holdback.config import with_content
from holdback.formats import AUTO
from holdback.integrations.asgi_requests import masked_request
from holdback.integrations.asgi_sockets import Socket
from holdback.integrations.opening import (
    STALE,
    Opening,
    mapping_for,
    mapping_given,
    opening,
    options_for,
    protocol_of_path,
)
from holdback.integrations.requests import BodyBegun
from holdback.integrations.way_out import ScopeOrCallable, way_out
from holdback.mapping import AnyMapping
from holdback.masking import Masker
from holdback.report import OnReport, hand_over
from holdback.restorers.messages import MessageRestorer
from holdback.stores.base import Store

__all__ = ["RestoreMiddleware", "by_path"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_STALE = frozenset(name.encode() for name in STALE)


def by_path(scope: Scope) -> str:
    """The wire format by the path of a request, for an application that has a provider's paths; else ``"auto"``.

    >>> by_path({"type": "http", "path": "/v1/messages"})
    'anthropic'
    """
    return protocol_of_path(scope["path"])


class RestoreMiddleware:
    r"""Restores the answers that an application sends.

    :param app: the application.
    :param mapping: a callable ``scope -> mapping or None``, or a mapping for all requests. None leaves the
        response alone.
    :param config: None means on.
    :param masker: instead of a mapping: masks every request, and its answer is restored by what was masked. The
        application gets the masked request. One that cannot be masked does not reach it: the client is answered 400,
        503 if the store fails, or 413 if the body has more than ``max_event_bytes``.
    :param scope: with a masker, and needed there: the conversation, or a callable ``ASGI scope -> conversation or
        None``. None lets the request pass unmasked, and its answer as it is.
    :param store: with a masker: what keeps the mappings of conversations. It is not closed here.
    :param ttl: with a store: after how many seconds without a turn a conversation is forgotten; None takes the store's
        own.
    :param answers: whether whole JSON answers are restored too. They are collected for that. None means: with a
        masker. One that comes under a stream's content type is restored anyway.
    :param protocol: the wire format, or ``"auto"``: told from the answer; or a callable ``scope -> one of these``, such
        as ``by_path``.
    :param max_event_bytes: the most bytes of one event, or of a whole answer; None is the default of ``WireRestorer``.
    :param oversized: ``"pass"`` lets what is larger pass unread, ``"raise"`` makes it an ``EventTooLarge``; None is the
        default of ``WireRestorer``.
    :param undecodable: ``"raise"`` makes an answer that cannot be decoded an ``EncodedInput`` before its first byte,
        ``"pass"`` lets it pass as it is.
    :param on_report: is given a ``Report`` at the end of each response that was restored, and of each WebSocket
        over which something was sent.
    :raises HoldbackError: the protocol, ``oversized`` or ``undecodable`` is not known.
    :raises MaskingError: with the masker, the config restores signed text, or the store cannot keep its placeholders.
    :raises TypeError: there are a mapping and a masker, or a masker without a scope.
    :raises TypeError: the mapping is none, or an async callable.
    :raises MappingError: the mapping cannot be compiled.

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
        mapping: AnyMapping | Callable[[Scope], AnyMapping | None] | None = None,
        config: Any = None,
        *,
        masker: Masker | None = None,
        scope: ScopeOrCallable = None,
        store: Store | None = None,
        ttl: float | None = None,
        answers: bool | None = None,
        protocol: str | Callable[[Scope], str | None] = AUTO,
        max_event_bytes: int | None = None,
        oversized: str | None = None,
        undecodable: str = "raise",
        on_report: OnReport | None = None,
    ) -> None:
        self.app = app
        self._mapping = mapping_given(mapping, config)
        self._way_out = way_out(masker, scope, store, ttl, mapping=mapping, config=config)
        self._config = config
        self._on_report = on_report
        self._answers = masker is not None if answers is None else answers
        self._protocol = protocol
        static = AUTO if callable(protocol) else protocol
        self._options = BodyOptions(static, max_event_bytes, oversized, undecodable)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection. Those that are neither HTTP nor a WebSocket are the application's alone."""
        if scope["type"] == "websocket" and not (self._mapping is None and self._way_out is None):
            await self._socket(scope, receive, send)
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope.setdefault("state", {})  # not every server makes it, and the mapping may be left there

        mapping: AnyMapping | Callable[[Scope], AnyMapping | None] | None = self._mapping
        if self._way_out is not None and (conversation := self._way_out.scope_of(scope)) is not None:
            most = self._options.limit
            masked = await masked_request(self._way_out, conversation, scope, receive, send, most=most)
            if masked is None:
                return
            scope, receive, mapping = masked.scope, masked.receive, masked.mapping

        def found(content_type: str, codings: str) -> Opening | None:
            options = options_for(self._options, self._protocol, scope)
            own, content = mapping_for(mapping, scope), asked.content()
            config = self._config if own is None else with_content(self._config, content)
            return opening(content_type, codings, own, config, answers=self._answers, options=options)

        asked = BodyBegun()
        response = _Response(found, asked, receive, send)
        try:
            await self.app(scope, response.receive, response.send)
        except Exception:
            # The application's error is the one to tell; that the rest found no client any more is none.
            with contextlib.suppress(Exception):
                await response.drain()
            raise
        else:
            await response.drain()
        finally:
            hand_over(self._on_report, response.restored_by)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One WebSocket."""
        conversation = None if self._way_out is None else self._way_out.scope_of(scope)
        session = (
            None if self._way_out is None or conversation is None else self._way_out.session(conversation)
        )
        options = self._options.of_messages()
        socket = Socket(
            receive,
            send,
            lambda mapping: MessageRestorer(mapping, self._config, **options),
            mapping=lambda: mapping_for(self._mapping, scope),
            session=session,
        )
        try:
            await self.app(scope, socket.receive, socket.send)
        except Exception:
            with contextlib.suppress(Exception):
                await socket.drain()
            raise
        else:
            await socket.drain()
        finally:
            hand_over(self._on_report, socket if socket.has_begun else None)


class _Response:
    """One response on its way out: stands between the application and the server."""

    __slots__ = (
        "_asked",
        "_find",
        "_held",
        "_is_gone",
        "_opening",
        "_probe",
        "_receive",
        "_restorer",
        "_send",
        "restored_by",
    )

    def __init__(
        self, find: Callable[[str, str], Opening | None], asked: BodyBegun, receive: Receive, send: Send
    ) -> None:
        self._find: Callable[[str, str], Opening | None] | None = find  # until it is decided
        self._asked = asked
        self._restorer: BodyRestorer | None = None  # None: nothing to restore, or no longer
        self.restored_by: BodyRestorer | None = None  # also when that is over
        self._probe: BodyProbe | None = None  # only while it is open whether the response is touched
        self._opening: Opening | None = None
        self._held: list[Message] = []  # what waits for the answer to that
        self._receive = receive
        self._send = send
        self._is_gone = False  # whether the client left

    async def receive(self) -> Message:
        """What the server says, unchanged."""
        message = await self._receive()
        self._is_gone = self._is_gone or message["type"] == "http.disconnect"
        if message["type"] == "http.request":
            self._asked.add(message.get("body", b""))
        return message

    async def send(self, message: Message) -> None:
        """What the application says, restored. Returns when the server has taken it, or when it is held back."""
        if self._probe is not None:
            await self._look_at(message, self._probe)
            return
        restorer = self._restorer
        if restorer is not None and message["type"] == "http.response.body":
            body, goes_on = message.get("body", b""), message.get("more_body", False)
            data = restorer.feed(body)
            if not goes_on:
                data += restorer.flush()
                self._restorer = None
            elif not data:
                return
            if data is not body:
                message = {**message, "body": data}
        elif message["type"] == "http.response.start" and self._find is not None:
            headers = [(bytes(name), bytes(value)) for name, value in message.get("headers", ())]
            named = {name.lower(): value.decode("latin-1") for name, value in headers}
            found = self._find(named.get(b"content-type", ""), named.get(b"content-encoding", ""))
            if found is not None and not found.is_certain:
                self._opening, self._probe = found, found.probe()
                self._held.append(message)
                return
            if found is not None:
                message = self._begun(message, found)
        # Whatever else there is, trailers or the path of a file, goes through.
        try:
            await self._send(message)
        except Exception:
            self._is_gone = True
            raise

    async def drain(self) -> None:
        """The application is through. What it left behind, if it did not end the body, leaves now."""
        if self._probe is not None:
            await self._let_go(touches=self._probe.flush())
        restorer, self._restorer = self._restorer, None
        if restorer is not None and not self._is_gone and (data := restorer.flush()):
            await self._send({"type": "http.response.body", "body": data, "more_body": True})

    def _begun(self, message: Message, found: Opening) -> Message:
        """The start of a response that is restored."""
        self._restorer = self.restored_by = found.begin()
        headers = [(bytes(name), bytes(value)) for name, value in message.get("headers", ())]
        return {**message, "headers": [header for header in headers if header[0].lower() not in _STALE]}

    # ------------------------------------------------------------ while it is open whether there is an answer

    async def _look_at(self, message: Message, probe: BodyProbe) -> None:
        """Look at a message behind a start that waits, until what there is tells."""
        self._held.append(message)
        touches: bool | None = None
        if message["type"] == "http.response.body":
            touches = probe.feed(message.get("body", b""))
            if touches is None and message.get("more_body", False):
                return
        await self._let_go(touches=probe.flush() if touches is None else touches)

    async def _let_go(self, *, touches: bool) -> None:
        """Let the messages go that wait: as they came, or through the restorer."""
        self._probe = self._find = None
        (start, *bodies), self._held = self._held, []
        if touches and self._opening is not None:
            start = self._begun(start, self._opening)
        if self._is_gone:
            return
        for message in (start, *bodies):
            await self.send(message)
