"""The transports on httpx and httpx2, sync and async, under one set of tests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple

from streams import say

PAIRS = {"<PERSON_1>": 'Ada "Countess" Lovelace', "<EMAIL_1>": "ada@example.org"}
URL = "http://provider.invalid/v1/chat/completions"
EVENTS = {"content-type": "text/event-stream; charset=utf-8"}
SAID = "".join(f"data: {json.dumps(say(text))}\n\n" for text in ("Hi <PER", "SON_1>", " <EMA")).encode()


class Host(NamedTuple):
    """A library, and what restores under it, in one of two ways to call."""

    library: Any
    ours: Any
    is_async: bool


class Lost(Exception):
    """What an upstream raises."""


class Body:
    """The body of an answer in pieces, both ways; counts what is asked of it."""

    def __init__(self, pieces: list[bytes], error: Exception | None = None) -> None:
        self.pieces = pieces
        self.error = error
        self.taken = self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.pieces:
            self.taken += 1
            yield piece
        if self.error is not None:
            raise self.error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            await asyncio.sleep(0)
            yield piece

    def close(self) -> None:
        self.closed += 1

    async def aclose(self) -> None:
        self.closed += 1


class Inner:
    """A transport that gives one answer, whatever is asked; keeps the requests."""

    def __init__(self, host: Host, body: Body, headers: Any, status: int = 200) -> None:
        stream = type("Stream", (Body, host.library.SyncByteStream, host.library.AsyncByteStream), {})
        self.body = body
        body.__class__ = stream
        self.host, self.headers, self.status = host, headers, status
        self.requests: list[Any] = []
        self.entered = self.closed = 0

    def handle_request(self, request: Any) -> Any:
        self.requests.append(request)
        extensions = {"http_version": b"HTTP/2", "mine": 1}
        return self.host.library.Response(
            self.status, headers=self.headers, stream=self.body, extensions=extensions
        )

    async def handle_async_request(self, request: Any) -> Any:
        return self.handle_request(request)

    def __enter__(self) -> None:
        self.entered += 1

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> None:
        self.entered += 1

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.closed += 1

    async def aclose(self) -> None:
        self.closed += 1


class Answer(NamedTuple):
    """What a client saw: the response, the pieces of its body, the error that ended it."""

    response: Any
    pieces: list[bytes]
    error: BaseException | None

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)


def ask(
    host: Host,
    inner: Inner,
    mapping: Any,
    config: Any = None,
    *,
    method: str = "POST",
    content: Any = None,
    stop: int = -1,
    **options: Any,
) -> Answer:
    """One request through a client on our transport; it leaves after ``stop`` pieces."""
    pieces: list[bytes] = []
    error: BaseException | None = None

    def sync() -> Any:
        nonlocal error
        transport = host.ours.RestoreTransport(mapping, config, transport=inner, **options)
        with (
            host.library.Client(transport=transport) as client,
            client.stream(method, URL, content=content) as response,
        ):
            try:
                for piece in response.iter_raw():
                    pieces.append(piece)
                    if len(pieces) == stop:
                        break
            except Lost as lost:
                error = lost
        return response

    async def asynchronous() -> Any:
        nonlocal error
        transport = host.ours.AsyncRestoreTransport(mapping, config, transport=inner, **options)
        async with (
            host.library.AsyncClient(transport=transport) as client,
            client.stream(method, URL, content=content) as response,
        ):
            try:
                async for piece in response.aiter_raw():
                    pieces.append(piece)
                    if len(pieces) == stop:
                        break
            except Lost as lost:
                error = lost
        return response

    return Answer(asyncio.run(asynchronous()) if host.is_async else sync(), pieces, error)
