"""Streams as ordinary iterables; the names and the rules are those of ``holdback.aio``."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import Any

from holdback.aio import Restorer, body_restorer, not_empty
from holdback.closing import check_iterable, close
from holdback.formats import AUTO
from holdback.mapping import AnyMapping
from holdback.report import OnReport, hand_over
from holdback.restorers.chunks import ChunkRestorer
from holdback.restorers.messages import REALTIME, MessageRestorer

__all__ = ["restore_bytes", "restore_chunks", "restore_messages"]


def restore_bytes(
    source: Iterable[bytes],
    mapping: AnyMapping | None,
    config: Any = None,
    *,
    protocol: str = AUTO,
    max_event_bytes: int | None = None,
    oversized: str | None = None,
    undecodable: str = "raise",
    codings: str = "",
    on_report: OnReport | None = None,
) -> Generator[bytes, None, None]:
    r"""``holdback.aio.restore_bytes`` for an ordinary iterable.

    >>> upstream = [b'data: {"choices":[{"index":0,"delta":{"content":"<PERSON_1>"', b'}}]}\n\ndata: [DONE]\n\n']
    >>> list(restore_bytes(upstream, {"<PERSON_1>": "Ada"}))
    [b'data: {"choices":[{"index":0,"delta":{"content":"Ada"}}]}\n\ndata: [DONE]\n\n']
    """
    settings = protocol, max_event_bytes, oversized, undecodable
    return restored(source, body_restorer(mapping, config, codings, settings), not_empty, on_report)


def restore_chunks(
    source: Iterable[Any],
    mapping: AnyMapping | None,
    config: Any = None,
    *,
    protocol: str,
    on_report: OnReport | None = None,
) -> Generator[Any, None, None]:
    """``holdback.aio.restore_chunks`` for an ordinary iterable.

    >>> upstream = [{"choices": [{"index": 0, "delta": {"content": text}}]} for text in ("<PERS", "ON_1>!")]
    >>> list(restore_chunks(upstream, {"<PERSON_1>": "Ada"}, protocol="openai-chat"))
    [{'choices': [{'index': 0, 'delta': {'content': 'Ada!'}}]}]
    """
    return restored(source, lambda: ChunkRestorer(mapping, config, protocol=protocol), iter, on_report)


def restore_messages(
    source: Iterable[Any],
    mapping: AnyMapping | None,
    config: Any = None,
    *,
    protocol: str = REALTIME,
    on_report: OnReport | None = None,
) -> Generator[Any, None, None]:
    """``holdback.aio.restore_messages`` for an ordinary iterable.

    >>> ids = '"event_id":"e","response_id":"r","item_id":"i","output_index":0,"content_index":0'
    >>> def delta(text):
    ...     return f'{{"type":"response.output_text.delta",{ids},"delta":"{text}"}}'
    >>> socket = [delta("<PERS"), delta("ON_1>!")]
    >>> list(restore_messages(socket, {"<PERSON_1>": "Ada"})) == [delta(""), delta("Ada!")]
    True
    """
    return restored(source, lambda: MessageRestorer(mapping, config, protocol=protocol), iter, on_report)


def restored(
    source: Iterable[Any],
    begin: Callable[[], Restorer],
    pieces: Callable[[Any], Iterable[Any]],
    on_report: OnReport | None = None,
) -> Generator[Any, None, None]:
    iterator: Any = None
    restorer: Any = None
    is_out = False  # whether a piece is with the client: what is raised there is the client's own
    try:
        check_iterable(source)
        restorer = begin()
        iterator = iter(source)
        try:
            for item in iterator:
                for piece in pieces(restorer.feed(item)):
                    is_out = True
                    yield piece
                    is_out = False
        except Exception:
            if not is_out:
                yield from pieces(restorer.flush())
            raise
        yield from pieces(restorer.flush())
    finally:
        hand_over(on_report, restorer)
        close(source, iterator)
