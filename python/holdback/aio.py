"""Streams as async iterables: what comes from an upstream goes through a restorer and on.

What holds on every way out of a stream is what holds for ``StreamingHandler``: an upstream's error comes after the
text that was held back, as the same object; once the client is gone, or throws an error of its own in, nothing more
is emitted; the upstream is closed exactly once; nothing is read ahead. ``holdback.sync`` is the same for ordinary
iterables.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable
from typing import Any, Protocol

from holdback.bodies import BodyOptions, BodyRestorer
from holdback.closing import aclose, check_async_iterable
from holdback.formats import AUTO
from holdback.mapping import AnyMapping
from holdback.report import OnReport, hand_over
from holdback.restorers.chunks import ChunkRestorer
from holdback.restorers.messages import REALTIME, MessageRestorer

__all__ = ["restore_bytes", "restore_chunks", "restore_messages"]


def restore_bytes(
    source: AsyncIterable[bytes],
    mapping: AnyMapping | None,
    config: Any = None,
    *,
    protocol: str = AUTO,
    max_event_bytes: int | None = None,
    oversized: str | None = None,
    undecodable: str = "raise",
    codings: str = "",
    on_report: OnReport | None = None,
) -> AsyncGenerator[bytes, None]:
    r"""Restore the raw bytes of an answer, streamed or whole. Takes what ``WireRestorer`` takes, and raises what it
    raises, when it is read.

    Yields bytes to send on, none of them empty: at most one piece for each read, and one for the end. Bytes that are
    gzip or zstd are decoded, and so are those of the content codings that ``codings``, the value of the header
    ``content-encoding``, names: ``br`` and ``zstd`` need their packages. What cannot be decoded is an ``EncodedInput``
    before the first byte, or passes as it is with ``undecodable="pass"``. ``max_event_bytes`` and ``oversized`` hold of
    whole answers as well; None is the default of ``WireRestorer``. ``on_report`` is given a :class:`Report` at the end.

    >>> import asyncio
    >>> async def upstream():
    ...     yield b'data: {"choices":[{"index":0,"delta":{"content":"<PERSON_1>"'
    ...     yield b'}}]}\n\ndata: [DONE]\n\n'
    >>> async def answer():
    ...     return [data async for data in restore_bytes(upstream(), {"<PERSON_1>": "Ada"})]
    >>> asyncio.run(answer())
    [b'data: {"choices":[{"index":0,"delta":{"content":"Ada"}}]}\n\ndata: [DONE]\n\n']
    """
    settings = protocol, max_event_bytes, oversized, undecodable
    return restored(source, body_restorer(mapping, config, codings, settings), not_empty, on_report)


def restore_chunks(
    source: AsyncIterable[Any],
    mapping: AnyMapping | None,
    config: Any = None,
    *,
    protocol: str,
    on_report: OnReport | None = None,
) -> AsyncGenerator[Any, None]:
    """Restore the chunks of an answer, dicts or an SDK's objects. Takes and raises what ``ChunkRestorer`` does.

    Yields chunks of the kind that came; ``protocol`` has no default here. ``on_report`` is given a
    :class:`Report` at the end.

    >>> import asyncio
    >>> async def upstream():
    ...     for text in "<PERS", "ON_1>!":
    ...         yield {"choices": [{"index": 0, "delta": {"content": text}}]}
    >>> async def answer():
    ...     chunks = restore_chunks(upstream(), {"<PERSON_1>": "Ada"}, protocol="openai-chat")
    ...     return [chunk async for chunk in chunks]
    >>> asyncio.run(answer())
    [{'choices': [{'index': 0, 'delta': {'content': 'Ada!'}}]}]
    """
    return restored(source, lambda: ChunkRestorer(mapping, config, protocol=protocol), iter, on_report)


def restore_messages(
    source: AsyncIterable[Any],
    mapping: AnyMapping | None,
    config: Any = None,
    *,
    protocol: str = REALTIME,
    on_report: OnReport | None = None,
) -> AsyncGenerator[Any, None]:
    """Restore the messages of a WebSocket, ``str`` or ``bytes`` of JSON, each an event: those of the Realtime API.

    Yields messages of the kind that came; one whose text did not change is the same object, and what is no JSON object
    passes unread. Raises what ``WireRestorer`` raises. ``on_report`` is given a :class:`Report` at the end.

    >>> import asyncio
    >>> ids = '"event_id":"e","response_id":"r","item_id":"i","output_index":0,"content_index":0'
    >>> async def socket():
    ...     for text in "<PERS", "ON_1>!":
    ...         yield f'{{"type":"response.output_text.delta",{ids},"delta":"{text}"}}'
    >>> async def said():
    ...     return [message async for message in restore_messages(socket(), {"<PERSON_1>": "Ada"})]
    >>> [message.partition('"delta":')[2] for message in asyncio.run(said())]
    ['""}', '"Ada!"}']
    """
    return restored(source, lambda: MessageRestorer(mapping, config, protocol=protocol), iter, on_report)


class Restorer(Protocol):
    """What a stream goes through."""

    def feed(self, item: Any, /) -> Any: ...
    def flush(self) -> Any: ...


def body_restorer(
    mapping: AnyMapping | None,
    config: Any,
    codings: str,
    settings: tuple[str, int | None, str | None, str],
) -> Callable[[], BodyRestorer]:
    """What makes the restorer of a body, with the settings of ``BodyOptions``; they are checked when it is called."""
    return lambda: BodyRestorer(mapping, config, codings=codings, options=BodyOptions(*settings))


def not_empty(data: bytes) -> Iterable[bytes]:
    """The data, if there is any."""
    return (data,) if data else ()


async def restored(
    source: AsyncIterable[Any],
    begin: Callable[[], Restorer],
    pieces: Callable[[Any], Iterable[Any]],
    on_report: OnReport | None = None,
) -> AsyncGenerator[Any, None]:
    iterator: Any = None
    restorer: Any = None
    is_out = False  # whether a piece is with the client: what is raised there is the client's own
    try:
        check_async_iterable(source)
        restorer = begin()
        iterator = aiter(source)
        try:
            async for item in iterator:
                for piece in pieces(restorer.feed(item)):
                    is_out = True
                    yield piece
                    is_out = False
        except Exception:
            if not is_out:
                for piece in pieces(restorer.flush()):
                    yield piece
            raise
        for piece in pieces(restorer.flush()):
            yield piece
    finally:
        hand_over(on_report, restorer)
        await aclose(source, iterator)
