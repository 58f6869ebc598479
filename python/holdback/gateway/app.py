"""One request: known path, whose conversation, masked, sent on, its answer restored as it comes.

Whatever goes wrong before the provider is asked is a refusal in the client's format. After that the answer itself is
the only thing that is sent.
"""

from __future__ import annotations

import contextlib
import sys
import time
import traceback
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as Path
from starlette.types import Message, Receive, Scope, Send

from holdback.config import with_content
from holdback.errors import EncodedInput, EventTooLarge, MaskingError, StoreError
from holdback.gateway import refusals
from holdback.gateway.forwarding import (
    OURS,
    PER_HOP,
    Forwarding,
    Refused,
    listed,
    provider,
    without,
)
from holdback.gateway.metrics import AccessLog, Account, Metrics
from holdback.gateway.parts import Parts, parts_of
from holdback.gateway.refusals import Refusal, body_of, format_for, headers_of, unreadable
from holdback.gateway.routes import Route, route_of
from holdback.gateway.scopes import Named, credential_of, named
from holdback.gateway.settings import Settings, load_for_worker
from holdback.integrations.asgi import RestoreMiddleware
from holdback.integrations.asgi_requests import ClientLeft, read_body
from holdback.integrations.requests import content_of
from holdback.mapping import PIIMapping
from holdback.masking import Masked, RoundTrip
from holdback.report import Report

_NOTHING = b"{}"
"""What is masked where a request has no body: what comes of it is what the conversation knows."""


class Gateway:
    """Serves every path that is not the gateway's own."""

    def __init__(self, settings: Settings, parts: Parts) -> None:
        self._settings = settings
        self._trip, self._config, self._store = parts
        self._without_store = RoundTrip(self._trip.masker)
        self._upstream = httpx.URL(settings.upstream)
        self._dropped = PER_HOP | OURS | {settings.scope.header}
        self._log = AccessLog()
        self.metrics = Metrics()
        self._running = 0
        self._client: httpx.AsyncClient | None = None

    @asynccontextmanager
    async def lifespan(self, _: object) -> AsyncIterator[None]:
        """From the first request to the last."""
        async with provider(self._settings) as self._client:
            try:
                yield
            finally:
                if self._store is not None:
                    with contextlib.suppress(StoreError):
                        await self._store.aclose()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, and its line in the log."""
        account = Account(method=scope["method"])
        self._running += 1
        self.metrics.began()
        sender = _Sender(send, account)
        try:
            await self._serve(scope, receive, sender, account)
        except ClientLeft:
            account.ended = "client left"
        except Exception as error:  # noqa: BLE001 - its message may quote the request, so it is not passed on
            account.ended = account.refused = "failed"
            (*_, where) = traceback.extract_tb(error.__traceback__)
            say(f"a request failed: {type(error).__name__} in {where.filename}, line {where.lineno}")
            await sender.refuse(refusals.INTERNAL, format_for("auto", scope["path"], {}))
        except BaseException:
            account.ended = "failed"
            raise
        finally:
            self._running -= 1
            self.metrics.ended(account)
            if self._settings.access_log:
                self._log.write(account)

    async def _serve(self, scope: Scope, receive: Receive, sender: _Sender, account: Account) -> None:
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(scope["headers"])
        }
        protocol = format_for("auto", scope["path"], headers)
        try:
            place, route = self._placed(scope, headers)
            account.route, protocol = route.name, format_for(route.protocol, place.path, headers)
            body = await self._body(receive, headers)
            account.bytes_in = len(body)
            sent, mapping = await self._masked(body, place, route, account)
            request = self._request(scope, place, sent)
            assert self._client is not None  # noqa: S101 - made by the lifespan
            answering = RestoreMiddleware(
                Forwarding(self._client, request, account),
                mapping if route.answers else None,
                with_content(self._config, content_of(sent)),
                answers=True,
                protocol=route.protocol,
                max_event_bytes=self._settings.limits.answer_bytes,
                oversized=self._settings.limits.oversized,
                on_report=partial(self._reported, account),
            )
            await answering(scope, receive, sender.send)
        except Refused as refused:
            refusal = refused.refusal
        except EncodedInput:
            refusal = refusals.UNDECODABLE
        except EventTooLarge:
            refusal = refusals.ANSWER_TOO_LARGE
        else:
            return
        account.refused = refusal.reason
        await sender.refuse(refusal, protocol)

    def _reported(self, account: Account, report: Report) -> None:
        account.restored = sum(report.restored.values())
        account.kept = sum(sum(counts.values()) for counts in report.kept.values())
        self.metrics.reported(report)

    def _placed(self, scope: Scope, headers: dict[str, str]) -> tuple[Named, Route]:
        """Whose conversation it is, and what is done at its path."""
        settings = self._settings
        if self._running > settings.limits.requests:
            raise Refused(refusals.BUSY)
        credential = credential_of(headers, scope["query_string"])
        if credential is None:
            if not settings.allows_anonymous:
                raise Refused(refusals.CREDENTIAL)
            credential = b""
        place = named(settings.scope, credential, headers, scope["raw_path"], scope["path"])
        if place is None:
            raise Refused(refusals.CONVERSATION)
        route = route_of(scope["method"], place.path, settings.allow)
        if route is None:
            raise Refused(refusals.PATH)
        return place, route

    async def _body(self, receive: Receive, headers: dict[str, str]) -> bytes:
        most = self._settings.limits.request_bytes
        length = headers.get("content-length", "")
        body = None if length.isdigit() and int(length) > most else await read_body(receive, most)
        if body is None:
            raise Refused(refusals.TOO_LARGE)
        return body

    async def _masked(
        self, body: bytes, place: Named, route: Route, account: Account
    ) -> tuple[bytes, PIIMapping | None]:
        """The body to send, and what its answer is restored by."""
        if (not body and not route.answers) or (route.reads_any and not _is_object(body)):
            return body, None
        try:
            masked = await self._by_rules(body or _NOTHING, place, route.protocol)
        except MaskingError as error:
            refusal = unreadable(str(error))
        except StoreError:
            refusal = refusals.STORE
        else:
            account.found, account.stored = masked.report.found, masked.report.is_stored
            return (masked.request if body else body), masked.mapping
        if self._settings.fail == "closed":
            raise Refused(refusal)
        account.masked = False
        return body, None

    async def _by_rules(self, body: bytes, place: Named, protocol: str) -> Masked[bytes]:
        """Mask by what the store knows of the conversation; without it if it fails and the operator lets that be.

        Of requests whose conversation has no name the store is asked only where the provider keeps conversations:
        the store of a credential holds all its values, and would grow with each request.
        """
        if not place.is_named and protocol != "openai-responses":
            return await self._without_store.mask(body, place.scope, protocol=protocol)
        try:
            return await self._trip.mask(body, place.scope, protocol=protocol)
        except StoreError:
            if self._settings.fail == "closed":
                raise
        masked = await self._without_store.mask(body, place.scope, protocol=protocol)
        return replace(masked, report=replace(masked.report, is_stored=False))

    def _request(self, scope: Scope, place: Named, body: bytes) -> httpx.Request:
        """The request as the provider gets it."""
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        by_hop = b",".join(value for name, value in headers if name.lower() == b"connection")
        dropped = self._dropped | listed(by_hop.decode("latin-1")) if by_hop else self._dropped
        query = b"?" + scope["query_string"] if scope["query_string"] else b""
        assert self._client is not None  # noqa: S101 - made by the lifespan
        return self._client.build_request(
            scope["method"],
            self._upstream.copy_with(raw_path=self._upstream.raw_path.rstrip(b"/") + place.raw_path + query),
            headers=[*without(headers, dropped), (b"accept-encoding", b"identity")],
            content=body,
        )


class _Sender:
    """What is sent to the client, counted."""

    __slots__ = ("_account", "_has_begun", "_send")

    def __init__(self, send: Send, account: Account) -> None:
        self._send = send
        self._account = account
        self._has_begun = False

    def send(self, message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            self._has_begun = True
            self._account.status = message["status"]
        elif body := message.get("body", b""):
            self._account.first = self._account.first or time.monotonic()
            self._account.bytes_out += len(body)
        return self._send(message)

    async def refuse(self, refusal: Refusal, protocol: str) -> None:
        """An error instead of an answer; if that has begun, its missing end is all that can be said."""
        if self._has_begun:
            return
        start: Message = {
            "type": "http.response.start",
            "status": refusal.status,
            "headers": headers_of(refusal),
        }
        await self.send(start)
        await self.send({"type": "http.response.body", "body": body_of(refusal, protocol)})


def _is_object(body: bytes) -> bool:
    """Whether the body is meant to be a JSON object."""
    return body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{"


def say(line: str) -> None:
    """A line for the operator."""
    if sys.stderr is not None:
        print(f"holdback: {line}", file=sys.stderr, flush=True)


def application(settings: Settings, *, quiet: bool = False) -> Starlette:
    """The gateway with these settings, as an ASGI application.

    :raises HoldbackError: a part of it cannot be made.
    """
    gateway = Gateway(settings, parts_of(settings, (lambda _: None) if quiet else say))

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def metrics(_: Request) -> Response:
        page = gateway.metrics.page()
        if page is None:
            return Response("metrics need prometheus-client: pip install 'holdback[prometheus]'\n", 501)
        return Response(page[0], media_type=page[1])

    routes = [Path("/healthz", healthz), Path("/metrics", metrics), Path("/{path:path}", gateway)]
    return Starlette(routes=routes, lifespan=gateway.lifespan)


def create() -> Starlette:
    """The gateway of a worker, or of a server of your own: ``uvicorn --factory holdback.gateway.app:create``."""
    return application(load_for_worker(), quiet=True)
