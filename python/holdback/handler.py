"""StreamingHandler: a LiteLLM-style stream of objects in, server-sent events out.

What holds on every way out of a stream:

- text that is held back leaves before whatever ends the stream, be it ``[DONE]`` or the upstream's error,
  and the error then goes on as the same object;
- once the client is gone (cancellation, early close, an error thrown in) nothing more is emitted;
- the upstream is closed exactly once, and an error of its closing hides nothing;
- nothing is read ahead: the next chunk is asked for when the last one has been taken.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Sequence
from typing import Any, Final, NoReturn

from pydantic import BaseModel

from holdback._backend import is_native
from holdback.closing import aclose, check_async_iterable
from holdback.config import is_enabled
from holdback.engine.json_text import json_or_none, model_json, to_json
from holdback.engine.objects import as_chunk, dumped
from holdback.errors import HoldbackError
from holdback.mapping import AnyMapping, prepared_for
from holdback.report import OnReport, Report, hand_over
from holdback.restorers.chunks import ChunkRestorer
from holdback.restorers.wire import WireRestorer
from holdback.sse import format_sse_done, format_sse_event

logger = logging.getLogger("holdback.handler")

Write = Callable[[Any], str | None]
"""Gives the JSON of a chunk; None if it has none."""


class StreamingHandler:
    """Restores the streams of a proxy that talks LiteLLM to its providers.

    Both methods take a stream of chunks (pydantic objects, objects with ``model_dump``, dicts, now and then
    bytes or strings), a mapping and a config, and yield SSE strings, the last one ``data: [DONE]``.
    Restoring is on if mapping and config are given, ``config.enabled`` is true and the mapping is not empty;
    otherwise chunks go through as they are. Each event is written as compact JSON (RFC 8259; a NaN or an
    infinity in a dict as Python's json writes it) in one ``data:`` line. LiteLLM gives every provider's answer in the
    forms of these two methods, so there are no more; ``holdback.aio.restore_chunks`` takes chunks of all formats.

    Bytes and strings behind the first chunk go through unread. A stream that is to be restored and begins with one is
    no stream of chunks, which is a ``HoldbackError``. So is an item that has no JSON form. Both tell the position,
    counted from 1, and the type of the item. An upstream's error is raised behind the text that was held back, as the
    same object; a wrong type of stream, mapping or config is a ``TypeError``. All of it is raised when the stream is
    read.

    >>> import asyncio
    >>> from holdback import DeanonymizationConfig
    >>> async def upstream():
    ...     for text in "Hi <PERS", "ON_1>!":
    ...         yield {"choices": [{"index": 0, "delta": {"content": text}}]}
    >>> async def answer():
    ...     config = DeanonymizationConfig()
    ...     async for event in StreamingHandler.stream_response(upstream(), {"<PERSON_1>": "Ada"}, config):
    ...         print(event.strip())
    >>> asyncio.run(answer())
    data: {"choices":[{"index":0,"delta":{"content":"Hi "}}]}
    data: {"choices":[{"index":0,"delta":{"content":"Ada!"}}]}
    data: [DONE]
    """

    @staticmethod
    def stream_response(
        stream: AsyncIterable[Any],
        mapping: AnyMapping | None,
        config: Any,
        *,
        on_report: OnReport | None = None,
    ) -> AsyncGenerator[str, None]:
        """Restore a stream of chat chunks. A chunk that is nothing but withheld text is not sent."""
        return _events(stream, mapping, config, "openai-chat", on_report)

    @staticmethod
    def stream_text_response(
        stream: AsyncIterable[Any],
        mapping: AnyMapping | None,
        config: Any,
        *,
        on_report: OnReport | None = None,
    ) -> AsyncGenerator[str, None]:
        """Restore a stream of text completions. Every chunk is sent."""
        return _events(stream, mapping, config, "openai-text", on_report)


async def _events(
    stream: AsyncIterable[Any],
    mapping: AnyMapping | None,
    config: Any,
    protocol: str,
    on_report: OnReport | None,
) -> AsyncGenerator[str, None]:
    iterator: Any = None
    restorer: _Restorer = _OFF
    position = 0
    kind: type | None = None
    write: Write = json_or_none
    is_chunk = True  # whether items of this kind are read and written as they are
    is_out = False  # whether an event is with the client: what is raised there is the client's own
    try:
        try:
            check_async_iterable(stream)
            if (
                config is not None
                and is_enabled(config)
                and (prepared := prepared_for(mapping, config)) is not None
            ):
                restorer = _restorer(prepared, config, protocol)
            iterator = aiter(stream)
            async for item in iterator:
                position += 1
                if type(item) is not kind:
                    kind = type(item)
                    is_chunk, write = _way_of(kind)
                chunk = item
                if not is_chunk:
                    if isinstance(item, (str, bytes, bytearray, memoryview)):
                        if position == 1 and restorer is not _OFF:
                            _refuse_text(item)
                        came = item if isinstance(item, str) else bytes(item).decode(errors="replace")
                        is_out = True
                        yield came
                        is_out = False
                        continue
                    chunk = as_chunk(dumped(item) if isinstance(item, BaseModel) else item)
                    if chunk is None:
                        _refuse(position, item)
                events = restorer.feed(chunk, write)
                if events is None:
                    _refuse(position, item)
                for event in events:
                    is_out = True
                    yield event
                    is_out = False
        except Exception as error:
            if is_out:
                raise
            # The type only: an upstream's message may quote the text, and a traceback shows it.
            logger.warning("the stream ends with an error: %s", type(error).__name__)
            for tail in restorer.flush():
                yield tail
            raise
        for tail in restorer.flush():
            yield tail
        yield format_sse_done()
    finally:
        hand_over(on_report, None if restorer is _OFF else restorer)
        await aclose(stream, iterator)


class _Restorer:
    """Chunks in, events out. This one restores nothing."""

    __slots__ = ()

    def feed(self, chunk: Any, write: Write) -> Sequence[str] | None:
        """The events that may leave with a chunk; None if it has no JSON form: nothing of it was taken in then."""
        data = write(chunk)
        return None if data is None else (f"data: {data}\n\n",)

    def flush(self) -> Sequence[str]:
        """The events of what was held back."""
        return ()


_OFF: Final = _Restorer()


class _BytesRestorer(_Restorer):
    """The native way: a chunk is written, as it would be without restoring, and the event is restored as bytes."""

    __slots__ = ("_take", "_wire")

    def __init__(self, prepared: Any, config: Any, protocol: str) -> None:
        self._wire = _Wire(prepared, config, protocol=protocol, max_event_bytes=sys.maxsize)
        self._take = self._wire.take

    def feed(self, chunk: Any, write: Write) -> Sequence[str] | None:
        data = write(chunk)
        if data is None:
            return None
        take = self._take
        if take is not None and (leaves := take(data)) is not None:
            return (f"data: {leaves}\n\n",) if leaves else ()
        events = _events_in(self._wire.feed(f"data: {data}\n\n".encode()))
        self._take = self._wire.take
        return events

    def flush(self) -> Sequence[str]:
        return _events_in(self._wire.flush())

    @property
    def report(self) -> Report:
        return self._wire.report


class _ChunksRestorer(_Restorer):
    """The pure way, where comparing a chunk with the last one costs less than walking its bytes."""

    __slots__ = ("_chunks",)

    def __init__(self, prepared: Any, config: Any, protocol: str) -> None:
        self._chunks = _Chunks(prepared, config, protocol=protocol)

    def feed(self, chunk: Any, write: Write) -> Sequence[str] | None:
        data = write(chunk)
        if data is None:
            return None
        events = []
        for leaving in self._chunks.feed(chunk):
            if leaving is chunk:
                written: str | None = data
            else:
                written = write(leaving) if type(leaving) is type(chunk) else to_json(leaving)
            events.append(f"data: {written}\n\n")
        return events

    def flush(self) -> Sequence[str]:
        return [format_sse_event(to_json(tail)) for tail in self._chunks.flush()]

    @property
    def report(self) -> Report:
        return self._chunks.report


class _Wire(WireRestorer):
    """Whose events need not be framed to be taken by the lane."""

    __slots__ = ()

    @property
    def take(self) -> Callable[[str], str | None] | None:
        """Takes the JSON of an event, as ``Lane.feed_event``; None unless the lane alone is to be asked."""
        return None if self._quick is None else getattr(self._source, "feed_event", None)


class _Chunks(ChunkRestorer):
    """Whose synthetic chunks stay dicts, since they are written at once."""

    __slots__ = ()

    def _as_came(self, chunks: Sequence[dict[str, Any]]) -> list[Any]:
        return list(chunks)


def _restorer(prepared: Any, config: Any, protocol: str) -> _Restorer:
    """What restores a stream fastest."""
    kind = _BytesRestorer if is_native(prepared.matcher) else _ChunksRestorer
    return kind(prepared, config, protocol)


def _events_in(data: bytes) -> Sequence[str]:
    """The events of whole frames, each in one line."""
    if not data:
        return ()
    if data.find(b"\n") == len(data) - 2:  # it is one: there is no line end in compact JSON
        return (data.decode(),)
    return [f"{event}\n\n" for event in data.decode().split("\n\n")[:-1]]


def _refuse(position: int, item: object) -> NoReturn:
    raise HoldbackError(f"stream item {position} cannot be sent: {type(item).__name__} has no JSON form")


def _refuse_text(item: object) -> NoReturn:
    raise HoldbackError(
        f"stream item 1 is {type(item).__name__}: StreamingHandler restores chunk objects, "
        "and WireRestorer what was read from a connection"
    )


def _way_of(kind: type) -> tuple[bool, Write]:
    """Whether items of a class are chunks as they are, or become a dict first; and how they are written."""
    write = (
        model_json(kind) if issubclass(kind, BaseModel) else json_or_none if issubclass(kind, dict) else None
    )
    return (False, json_or_none) if write is None else (True, write)
