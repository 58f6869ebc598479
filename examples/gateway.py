"""A whole privacy gateway: every path goes to the provider, known values never do, answers come back restored.

    UPSTREAM=https://api.openai.com VALUES=values.json uvicorn gateway:app

``VALUES`` is a JSON file ``{placeholder: value}``. On the way out each value becomes its placeholder, on the way back
each placeholder its value, also when the answer streams. Point your SDK's ``base_url`` at it. It keeps nothing and
logs no body. A detector would find values by itself: give the middleware the mapping it made for the request.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import TypedDict

import httpx
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from holdback import TrieMatcher
from holdback.integrations.asgi import RestoreMiddleware, by_path
from holdback.integrations.masking import mask_request, reversed_matcher

UPSTREAM = httpx.URL(os.environ.get("UPSTREAM", "https://api.openai.com"))
VALUES: dict[str, str] = json.loads(Path(os.environ.get("VALUES", "values.json")).read_text(encoding="utf-8"))
RESTORE, MASK = TrieMatcher(VALUES), reversed_matcher(VALUES)

PER_HOP = {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "proxy-connection"}
"""Headers that are between two neighbours."""
OURS = {"host", "content-length", "accept-encoding", "expect"}
"""Headers of a request that the gateway writes itself. An answer must come uncompressed to be restored."""

Headers = list[tuple[bytes, bytes]]


class State(TypedDict):
    """What lives as long as the gateway."""

    client: httpx.AsyncClient


class Gateway:
    """One request: masked, sent on, and its answer sent back as it comes in."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        client: httpx.AsyncClient = request.state.client
        query = b"?" + scope["query_string"] if scope["query_string"] else b""
        call = client.build_request(
            request.method,
            UPSTREAM.copy_with(raw_path=UPSTREAM.raw_path.rstrip(b"/") + scope["raw_path"] + query),
            headers=[*without(request.headers.raw, PER_HOP | OURS), (b"accept-encoding", b"identity")],
            content=masked(await request.body()),
        )
        try:
            answer = await client.send(call, stream=True)
        except httpx.TransportError as error:
            refusal = {"error": {"type": "upstream_error", "message": type(error).__name__}}
            await JSONResponse(refusal, 502)(scope, receive, send)
            return
        try:
            response = StreamingResponse(answer.aiter_raw(), answer.status_code)
            response.raw_headers = without(answer.headers.raw, PER_HOP)
            await response(scope, receive, send)
        finally:  # however it ends: a client that leaves stops the provider, too
            await answer.aclose()


def masked(body: bytes) -> bytes:
    """The body without known values; the very same one if it has none, or is no JSON."""
    try:
        request = json.loads(body)
    except ValueError:
        return body
    changed = MASK is not None and isinstance(request, dict) and mask_request(request, MASK)
    return json.dumps(request).encode() if changed else body


def without(headers: Iterable[tuple[bytes, bytes]], names: set[str]) -> Headers:
    """The headers that are not named."""
    return [(name, value) for name, value in headers if name.decode("latin-1").lower() not in names]


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[State]:
    """One client for all requests."""
    # An answer may take minutes, and there may be any number of them: only connecting has a limit. Cookies are the
    # clients' own business.
    limits, timeout = httpx.Limits(max_connections=None), httpx.Timeout(None, connect=10)
    no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    async with httpx.AsyncClient(timeout=timeout, limits=limits, cookies=no_cookies) as client:
        yield {"client": client}


app = Starlette(
    routes=[Route("/{path:path}", Gateway())],
    middleware=[Middleware(RestoreMiddleware, mapping=RESTORE, answers=True, protocol=by_path)],
    lifespan=lifespan,
)
