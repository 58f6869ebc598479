"""A masked request to the provider, and its answer to the client as it comes.

Nothing is read ahead: the next bytes of the provider are read when the client has taken the last ones. Whichever side
leaves, the other is let go at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy

import anyio
import httpx
from starlette.types import Receive, Send

from holdback.gateway.metrics import Account
from holdback.gateway.refusals import TOO_SLOW, UNREACHABLE, Refusal
from holdback.gateway.settings import Settings

Headers = list[tuple[bytes, bytes]]

PER_HOP = frozenset((
    *("connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"),
    *("proxy-connection", "proxy-authenticate", "proxy-authorization"),
))  # fmt: skip
"""Headers that are between two neighbours."""

OURS = frozenset(
    ("host", "content-length", "accept-encoding", "expect", "content-md5", "digest", "content-digest")
)
"""Headers of a request that the gateway writes itself, or that its masked body makes untrue."""


class Refused(Exception):
    """A request goes no further; nothing of its answer was sent yet."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal


@asynccontextmanager
async def provider(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The client of the provider, one for all requests. Cookies are the clients' own business."""
    seconds = settings.timeouts
    timeout = httpx.Timeout(
        connect=seconds.connect, read=seconds.read, write=seconds.write, pool=seconds.connect
    )
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=settings.limits.requests)
    no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    async with httpx.AsyncClient(
        timeout=timeout, limits=limits, cookies=no_cookies, follow_redirects=False
    ) as client:
        yield client


class Forwarding:
    """Sends one request on, and its answer back; an ASGI application in all but its scope."""

    __slots__ = ("_account", "_client", "_request")

    def __init__(self, client: httpx.AsyncClient, request: httpx.Request, account: Account) -> None:
        self._client = client
        self._request = request
        self._account = account

    async def __call__(self, _: object, receive: Receive, send: Send) -> None:
        """Until the answer has ended, or one of the two has left.

        :raises Refused: the provider gave no answer.
        """
        # It is anyio that cancels: httpx closes its connections under anyio's shield, through which a task's own
        # `cancel()` goes, and a connection whose closing is cut off stays open for good.
        with anyio.CancelScope() as scope:
            watch = asyncio.ensure_future(_leave(receive, scope))
            try:
                await self._pass(send)
            finally:
                watch.cancel()
        if scope.cancelled_caught:
            self._account.ended = "client left"

    async def _pass(self, send: Send) -> None:
        try:
            answer = await self._client.send(self._request, stream=True)
        except httpx.TimeoutException:
            refusal = TOO_SLOW
        except httpx.RequestError:
            refusal = UNREACHABLE
        else:
            try:
                await self._answer(answer, send)
            finally:
                await answer.aclose()
            return
        raise Refused(refusal)

    async def _answer(self, answer: httpx.Response, send: Send) -> None:
        self._account.status = answer.status_code
        headers = without(answer.headers.raw, PER_HOP | listed(answer.headers.get("connection", "")))
        await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
        try:
            async for data in answer.aiter_raw():
                await send({"type": "http.response.body", "body": data, "more_body": True})
        except httpx.RequestError:
            # The body stays without its end: that is how the client learns of it. What was held back leaves first.
            self._account.ended = "provider broke off"
            return
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def without(headers: Iterable[tuple[bytes, bytes]], names: frozenset[str]) -> Headers:
    """The headers that are not named."""
    return [(name, value) for name, value in headers if name.decode("latin-1").lower() not in names]


def listed(connection: str) -> frozenset[str]:
    """The headers that a ``connection`` header says are between two neighbours."""
    return frozenset(name.strip().lower() for name in connection.split(","))


async def _leave(receive: Receive, scope: anyio.CancelScope) -> None:
    """Cancels the scope when the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()
