"""Transports that restore answers, for httpx and for httpx2, its fork, which share no class.

``holdback.integrations.httpx`` and ``holdback.integrations.httpx2`` derive from these, each with its library as
``host``.

Restored are event streams, lines, JSON arrays of events and whole JSON answers, told by the content type and by the
first bytes; the wire format is told from the answer itself. Requests for which there is a mapping ask for an
uncompressed answer, and one that comes compressed nevertheless is decoded. Every other response, and every response
to a request without a mapping, is the wrapped transport's own.

With a masker the request is masked before it is sent, and the mapping is what results from that.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from types import ModuleType, TracebackType
from typing import Any, ClassVar, Self

from holdback import aio, sync
from holdback.aio import not_empty
from holdback.bodies import BodyOptions, BodyProbe, BodyRestorer
from holdback.closing import aclose, close
from holdback.config import with_content
from holdback.errors import HoldbackError
from holdback.formats import AUTO
from holdback.integrations import way_out
from holdback.integrations.libraries import check_request, check_transport
from holdback.integrations.opening import STALE, Opening, mapping_for, mapping_given, opening, options_for
from holdback.integrations.requests import content_of
from holdback.integrations.way_out import ScopeOrCallable
from holdback.mapping import AnyMapping
from holdback.masking import Masker
from holdback.masking.masker import Masked
from holdback.report import OnReport
from holdback.stores.base import Store

MappingOrCallable = AnyMapping | Callable[[Any], AnyMapping | None] | None
"""A mapping for every request, or what finds the one of a request; it is called before the request is sent."""

ProtocolOrCallable = str | Callable[[Any], str | None]
"""A wire format for every answer, or what says the one of the answer to a request; None is ``"auto"``."""


# ---------------------------------------------------------------- bodies


class _Body:
    """The bytes of a response, restored as they are read; as they are without ``begin``."""

    _on_report: OnReport | None = None

    def __init__(
        self, response: Any, reads: Any, begin: Callable[[], BodyRestorer] | None, peeked: _Peeked | None
    ) -> None:
        self._response = response
        self._reads = reads
        self._begin = begin
        self._peeked = peeked


class Body(_Body):
    """A body for the synchronous transport."""

    def __iter__(self) -> Iterator[bytes]:
        reads = self._reads if self._peeked is None else _again(self._peeked, self._reads)
        return reads if self._begin is None else sync.restored(reads, self._begin, not_empty, self._on_report)

    def close(self) -> None:
        close(self._response, self._reads)


class AsyncBody(_Body):
    """A body for the asynchronous transport."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        reads = self._reads if self._peeked is None else _aagain(self._peeked, self._reads)
        return reads if self._begin is None else aio.restored(reads, self._begin, not_empty, self._on_report)

    async def aclose(self) -> None:
        await aclose(self._response, self._reads)


class _Peeked:
    """The first reads of a body, and what they say of it."""

    def __init__(self, probe: BodyProbe) -> None:
        self._probe = probe
        self._touches: bool | None = None
        self.reads: list[bytes] = []
        self.error: Exception | None = None  # what ended the body

    @property
    def touches(self) -> bool:
        return bool(self._touches)

    def take(self, data: bytes) -> bool:
        """Take a read in; returns whether it is known now what becomes of the body."""
        self.reads.append(data)
        self._touches = self._probe.feed(data)
        return self._touches is not None

    def end(self) -> None:
        """There are no more reads, or no more are needed."""
        if self._touches is None:
            self._touches = self._probe.flush()


def _reads_of(response: Any) -> Iterator[bytes]:
    """The body as it came."""
    for data in response.stream:  # noqa: UP028 - closing this one must not close the stream: the response does
        yield data
    response.close()  # as soon as all is read, as the host does


async def _async_reads_of(response: Any) -> AsyncIterator[bytes]:
    async for data in response.stream:
        yield data
    await response.aclose()


def _peek(reads: Iterator[bytes], probe: BodyProbe) -> _Peeked:
    peeked = _Peeked(probe)
    try:
        for data in reads:
            if peeked.take(data):
                break
    except Exception as error:  # noqa: BLE001 - it is raised where the body is read
        peeked.error = error
    peeked.end()
    return peeked


async def _apeek(reads: AsyncIterator[bytes], probe: BodyProbe) -> _Peeked:
    peeked = _Peeked(probe)
    try:
        async for data in reads:
            if peeked.take(data):
                break
    except Exception as error:  # noqa: BLE001 - as above
        peeked.error = error
    peeked.end()
    return peeked


def _again(peeked: _Peeked, reads: Any) -> Iterator[bytes]:
    """The body from its beginning."""
    yield from peeked.reads
    if peeked.error is not None:
        raise peeked.error
    yield from reads


async def _aagain(peeked: _Peeked, reads: Any) -> AsyncIterator[bytes]:
    for data in peeked.reads:
        yield data
    if peeked.error is not None:
        raise peeked.error
    async for data in reads:
        yield data


# ---------------------------------------------------------------- transports


class _Restoring:
    """What both transports know: which requests and responses are theirs."""

    host: ClassVar[ModuleType]
    body: ClassVar[Any]
    default: ClassVar[str]  # the host's own transport
    can_wait: ClassVar[bool]  # whether it can ask a store
    calls: ClassVar[str]  # its method that sends a request

    def __init__(
        self,
        mapping: MappingOrCallable = None,
        config: Any = None,
        *,
        masker: Masker | None = None,
        scope: ScopeOrCallable = None,
        store: Store | None = None,
        ttl: float | None = None,
        transport: Any = None,
        protocol: ProtocolOrCallable = AUTO,
        max_event_bytes: int | None = None,
        oversized: str | None = None,
        undecodable: str = "raise",
        on_report: OnReport | None = None,
    ) -> None:
        if store is not None and not self.can_wait:
            raise HoldbackError("a store is asked in an event loop: use the asynchronous transport")
        self._mapping = mapping_given(mapping, config)
        self._way_out = way_out.way_out(masker, scope, store, ttl, mapping=mapping, config=config)
        self._config = config
        self._on_report = on_report
        self._protocol = protocol
        static = AUTO if callable(protocol) else protocol
        self._options = BodyOptions(static, max_event_bytes, oversized, undecodable)
        if transport is not None:
            check_transport(self.host, transport, self.calls)
        self._transport = getattr(self.host, self.default)() if transport is None else transport

    def _asking(self, request: Any, masked: Masked[bytes] | None) -> tuple[Any, AnyMapping | None]:
        """The request to send, and the mapping for its answer. The caller's request keeps its values."""
        if masked is None:
            mapping = mapping_for(self._mapping, request)
        else:
            mapping = way_out.mapping_to_restore(masked)
            if masked.request != request.content:
                headers = request.headers.copy()
                for name in way_out.STALE:
                    headers.pop(name, None)
                request = self.host.Request(
                    request.method,
                    request.url,
                    headers=headers,
                    content=masked.request,
                    extensions=request.extensions,
                )
        if mapping is not None:
            request.headers["accept-encoding"] = "identity"
        return request, mapping

    def _opening(self, request: Any, response: Any, mapping: AnyMapping | None) -> Opening | None:
        if request.method == "HEAD":
            return None
        content_type, codings = (
            response.headers.get(name, "") for name in ("content-type", "content-encoding")
        )
        options = options_for(self._options, self._protocol, request)
        config = self._config if mapping is None else with_content(self._config, self._content_of(request))
        return opening(content_type, codings, mapping, config, answers=True, options=options)

    def _content_of(self, request: Any) -> Any:
        """What a request asks for, if its body is there; one that is streamed has gone by."""
        is_read = isinstance(request.stream, self.host.ByteStream)
        return content_of(request.content) if is_read else "auto"

    def _response(self, response: Any, reads: Any, found: Opening, peeked: _Peeked | None = None) -> Any:
        """The response with its body restored; as it came, if the first reads say that it is no answer."""
        touches = peeked is None or peeked.touches
        headers = response.headers.copy()
        for name in STALE if touches else ():
            headers.pop(name, None)
        body = self.body(response, reads, found.begin if touches else None, peeked)
        body._on_report = self._on_report
        return self.host.Response(
            response.status_code, headers=headers, stream=body, extensions=response.extensions
        )


class Transport(_Restoring):
    """A synchronous transport.

    :param mapping: any kind of mapping, or a callable ``HOST.Request -> mapping or None``.
    :param config: None means on.
    :param masker: instead of a mapping: masks every request, and its answer is restored by what was masked. A request
        that it cannot mask is a ``MaskingError`` and is not sent.
    :param scope: with a masker, and needed there: the conversation, or a callable ``HOST.Request -> conversation or
        None``. None lets the request pass unmasked, and its answer as it is.
    :param store: with a masker: what keeps the mappings of conversations. Asking it takes an event loop, so only the
        asynchronous transport takes one. It is not closed here.
    :param ttl: with a store: after how many seconds without a turn a conversation is forgotten; None takes the store's
        own.
    :param transport: what does the work; an ``HOST.HTTPTransport`` of the defaults if there is none. It is entered
        and closed with this one.
    :param protocol: the wire format, or ``"auto"``: told from the answer; or a callable ``HOST.Request -> one of
        these``.
    :param max_event_bytes: the most bytes of one event, or of a whole answer; None is the default of ``WireRestorer``.
    :param oversized: ``"pass"`` lets what is larger pass unread, ``"raise"`` makes it an ``EventTooLarge``; None is the
        default of ``WireRestorer``.
    :param undecodable: ``"raise"`` makes an answer that cannot be decoded an ``EncodedInput`` before its first byte,
        ``"pass"`` lets it pass as it is.
    :param on_report: is given a ``Report`` at the end of each body that was restored.
    :raises HoldbackError: the protocol, ``oversized`` or ``undecodable`` is not known.
    :raises HoldbackError: a synchronous transport is given a store.
    :raises MaskingError: with the masker, the config restores signed text, or the store cannot keep its placeholders.
    :raises TypeError: there are a mapping and a masker, or a masker without a scope.
    :raises TypeError: the mapping is none, or an async callable; the transport is one of another library, or of the
        other way to call.
    :raises MappingError: the mapping cannot be compiled.

    A mapping is read when the response begins. Errors of the wrapped transport, in a stream too, are raised as the
    same objects, in a stream behind the text that was held back.
    """

    default = "HTTPTransport"
    can_wait = False
    calls = "handle_request"

    def __init_subclass__(cls, *, host: ModuleType | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if host is not None:
            _bind(cls, Transport, host, type("Body", (Body, host.SyncByteStream), {}))

    def handle_request(self, request: Any) -> Any:
        check_request(self.host, request)
        request, mapping = self._asking(request, self._masked(request))
        response = self._transport.handle_request(request)
        try:
            found = self._opening(request, response, mapping)
            if found is None:
                return response
            reads = _reads_of(response)
            if found.is_certain:
                return self._response(response, reads, found)
            return self._response(response, reads, found, _peek(reads, found.probe()))
        except BaseException:
            close(response, None)
            raise

    def _masked(self, request: Any) -> Masked[bytes] | None:
        scope = None if self._way_out is None else self._way_out.scope_of(request)
        return (
            None if self._way_out is None or scope is None else self._way_out.mask_now(request.read(), scope)
        )

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
    """An asynchronous transport.

    Parameters and errors are those of ``RestoreTransport``, with an ``HOST.AsyncHTTPTransport`` inside by default.
    """

    default = "AsyncHTTPTransport"
    can_wait = True
    calls = "handle_async_request"

    def __init_subclass__(cls, *, host: ModuleType | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if host is not None:
            _bind(cls, AsyncTransport, host, type("AsyncBody", (AsyncBody, host.AsyncByteStream), {}))

    async def handle_async_request(self, request: Any) -> Any:
        check_request(self.host, request)
        request, mapping = self._asking(request, await self._masked(request))
        response = await self._transport.handle_async_request(request)
        try:
            found = self._opening(request, response, mapping)
            if found is None:
                return response
            reads = _async_reads_of(response)
            if found.is_certain:
                return self._response(response, reads, found)
            return self._response(response, reads, found, await _apeek(reads, found.probe()))
        except BaseException:
            await aclose(response, None)
            raise

    async def _masked(self, request: Any) -> Masked[bytes] | None:
        scope = None if self._way_out is None else self._way_out.scope_of(request)
        if self._way_out is None or scope is None:
            return None
        return await self._way_out.mask(await request.aread(), scope)

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


def _bind(cls: type[_Restoring], base: type[_Restoring], host: ModuleType, body: type) -> None:
    """Give a transport its library, and what is said of all of its kind, in the names of that library."""
    cls.host, cls.body = host, body
    _, _, said = inspect.cleandoc(base.__doc__ or "").partition("\n\n")
    summary, _, example = inspect.cleandoc(cls.__doc__ or "").partition("\n\n")
    cls.__doc__ = "\n\n".join([summary, said.replace("HOST", host.__name__), example]) + "\n"
