"""Into every client that sits on httpx2: transports that restore the answers on their way in.

    OpenAI(http_client=httpx2.Client(transport=RestoreTransport(mapping)))

Restored are event streams, NDJSON and whole JSON answers; the wire format is told from the answer itself. Requests
for which there is a mapping ask for an uncompressed answer, and one that comes compressed nevertheless is decoded.
Every other response, and every response to a request without a mapping, is the wrapped transport's own.

A client takes only the transports of its own library: for SDKs on httpx, which httpx2 is a fork of, these are those of
``holdback.integrations.httpx``, the same to the letter.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from types import TracebackType
from typing import Any, Self

import httpx2

from holdback.aio import _restored as _restored_async
from holdback.aio import not_empty
from holdback.integrations.bodies import CODINGS, STALE, AnswerRestorer, mapping_for, restorer_for
from holdback.mapping import AnyMapping
from holdback.sync import _restored
from holdback.wire import WireRestorer

__all__ = ["AsyncRestoreTransport", "RestoreTransport"]

MappingOrCallable = AnyMapping | Callable[[httpx2.Request], AnyMapping | None] | None
"""A mapping for every request, or what finds the one of a request; it is called before the request is sent."""


class RestoreTransport(httpx2.BaseTransport):
    """A transport of ``httpx2.Client`` that restores answers.

    :param mapping: any kind of mapping, or a callable ``httpx2.Request -> mapping or None``.
    :param config: None means on.
    :param transport: what does the work; an ``httpx2.HTTPTransport`` of the defaults if there is none. It is entered
        and closed with this one.

    A mapping is read when the response begins. Errors of the wrapped transport, in a stream too, are raised as the
    same objects, in a stream behind the text that was held back.
    """

    def __init__(
        self,
        mapping: MappingOrCallable,
        config: Any = None,
        *,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        self._mapping = mapping
        self._config = config
        self._transport = httpx2.HTTPTransport() if transport is None else transport

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        mapping = _mapping_of(request, self._mapping)
        response = self._transport.handle_request(request)
        try:
            restorer = _restorer_of(request, response, mapping, self._config)
        except BaseException:
            response.close()
            raise
        return response if restorer is None else _with_body(response, _Body(response, restorer))

    def close(self) -> None:
        self._transport.close()

    def __enter__(self) -> Self:
        self._transport.__enter__()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self._transport.__exit__(exc_type, exc_value, traceback)


class AsyncRestoreTransport(httpx2.AsyncBaseTransport):
    """A transport of ``httpx2.AsyncClient`` that restores answers; see ``RestoreTransport``."""

    def __init__(
        self,
        mapping: MappingOrCallable,
        config: Any = None,
        *,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._mapping = mapping
        self._config = config
        self._transport = httpx2.AsyncHTTPTransport() if transport is None else transport

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        mapping = _mapping_of(request, self._mapping)
        response = await self._transport.handle_async_request(request)
        try:
            restorer = _restorer_of(request, response, mapping, self._config)
        except BaseException:
            await response.aclose()
            raise
        return response if restorer is None else _with_body(response, _AsyncBody(response, restorer))

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self._transport.__aexit__(exc_type, exc_value, traceback)


class _Body(httpx2.SyncByteStream):
    """The decoded bytes of a response, restored as they are read."""

    __slots__ = ("_response", "_restorer")

    def __init__(self, response: httpx2.Response, restorer: WireRestorer | AnswerRestorer) -> None:
        self._response = response
        self._restorer = restorer

    def __iter__(self) -> Iterator[bytes]:
        return _restored(self._response.iter_bytes(), lambda: self._restorer, not_empty)

    def close(self) -> None:
        self._response.close()


class _AsyncBody(httpx2.AsyncByteStream):
    """``_Body``, asynchronous."""

    __slots__ = ("_response", "_restorer")

    def __init__(self, response: httpx2.Response, restorer: WireRestorer | AnswerRestorer) -> None:
        self._response = response
        self._restorer = restorer

    def __aiter__(self) -> AsyncIterator[bytes]:
        return _restored_async(self._response.aiter_bytes(), lambda: self._restorer, not_empty)

    async def aclose(self) -> None:
        await self._response.aclose()


def _mapping_of(request: httpx2.Request, given: MappingOrCallable) -> AnyMapping | None:
    mapping = mapping_for(given, request)
    if mapping is not None:
        request.headers["accept-encoding"] = "identity"
    return mapping


def _restorer_of(
    request: httpx2.Request, response: httpx2.Response, mapping: AnyMapping | None, config: Any
) -> WireRestorer | AnswerRestorer | None:
    """What restores the response; None if it is left alone, as is one whose coding nobody knows."""
    headers = response.headers
    codings = headers.get("content-encoding", "").lower().split(",")
    if request.method == "HEAD" or not all(coding.strip() in CODINGS for coding in codings):
        return None
    return restorer_for(headers.get("content-type", ""), mapping, config, answers=True)


def _with_body(response: httpx2.Response, body: _Body | _AsyncBody) -> httpx2.Response:
    headers = response.headers.copy()
    for name in STALE:
        headers.pop(name, None)
    return httpx2.Response(response.status_code, headers=headers, stream=body, extensions=response.extensions)
