"""Transports that restore answers, for httpx and for httpx2, its fork, which share no class: ``host`` is either.

``holdback.integrations.httpx`` and ``holdback.integrations.httpx2`` bind these to their library and document them.

Restored are event streams, NDJSON and whole JSON answers; the wire format is told from the answer itself. Requests
for which there is a mapping ask for an uncompressed answer, and one that comes compressed nevertheless is decoded.
Every other response, and every response to a request without a mapping, is the wrapped transport's own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from types import ModuleType, TracebackType
from typing import Any, ClassVar, Self

from holdback import aio, sync
from holdback.aio import not_empty
from holdback.closing import aclose, close
from holdback.integrations.bodies import CODINGS, STALE, AnswerRestorer, mapping_for, restorer_for
from holdback.mapping import AnyMapping
from holdback.restorers.wire import WireRestorer

MappingOrCallable = AnyMapping | Callable[[Any], AnyMapping | None] | None
"""A mapping for every request, or what finds the one of a request; it is called before the request is sent."""


class Body:
    """The decoded bytes of a response, restored as they are read."""

    def __init__(self, response: Any, restorer: WireRestorer | AnswerRestorer) -> None:
        self._response = response
        self._restorer = restorer

    def __iter__(self) -> Iterator[bytes]:
        return sync.restored(self._response.iter_bytes(), lambda: self._restorer, not_empty)

    def close(self) -> None:
        self._response.close()


class AsyncBody:
    """``Body``, asynchronous."""

    def __init__(self, response: Any, restorer: WireRestorer | AnswerRestorer) -> None:
        self._response = response
        self._restorer = restorer

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aio.restored(self._response.aiter_bytes(), lambda: self._restorer, not_empty)

    async def aclose(self) -> None:
        await self._response.aclose()


class _Restoring:
    """What both transports know: which requests and responses are theirs."""

    host: ClassVar[ModuleType]
    body: ClassVar[Any]

    _mapping: MappingOrCallable
    _config: Any

    def _mapping_of(self, request: Any) -> AnyMapping | None:
        mapping = mapping_for(self._mapping, request)
        if mapping is not None:
            request.headers["accept-encoding"] = "identity"
        return mapping

    def _restored_response(self, request: Any, response: Any, mapping: AnyMapping | None) -> Any:
        """The response with its body restored; as it is, if it is left alone or its coding is one nobody knows."""
        codings = response.headers.get("content-encoding", "").lower().split(",")
        if request.method == "HEAD" or not all(coding.strip() in CODINGS for coding in codings):
            return response
        content_type = response.headers.get("content-type", "")
        restorer = restorer_for(content_type, mapping, self._config, answers=True)
        if restorer is None:
            return response
        headers = response.headers.copy()
        for name in STALE:
            headers.pop(name, None)
        body = self.body(response, restorer)
        return self.host.Response(
            response.status_code, headers=headers, stream=body, extensions=response.extensions
        )


class Transport(_Restoring):
    """A synchronous transport around ``transport``, or around the host's own with its defaults."""

    def __init__(self, mapping: MappingOrCallable, config: Any = None, *, transport: Any = None) -> None:
        self._mapping = mapping
        self._config = config
        self._transport = self.host.HTTPTransport() if transport is None else transport

    def handle_request(self, request: Any) -> Any:
        mapping = self._mapping_of(request)
        response = self._transport.handle_request(request)
        try:
            return self._restored_response(request, response, mapping)
        except BaseException:
            close(response, None)
            raise

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


class AsyncTransport(_Restoring):
    """``Transport``, asynchronous."""

    def __init__(self, mapping: MappingOrCallable, config: Any = None, *, transport: Any = None) -> None:
        self._mapping = mapping
        self._config = config
        self._transport = self.host.AsyncHTTPTransport() if transport is None else transport

    async def handle_async_request(self, request: Any) -> Any:
        mapping = self._mapping_of(request)
        response = await self._transport.handle_async_request(request)
        try:
            return self._restored_response(request, response, mapping)
        except BaseException:
            await aclose(response, None)
            raise

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
