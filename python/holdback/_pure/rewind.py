"""Going back: the state of a JSON channel as it was before its tail was settled, for another try."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from holdback._pure.json_source import JsonStreamBuffer


def snapshot(stream: JsonStreamBuffer) -> tuple[Any, ...]:
    """The state, what was counted and what the guard knows."""
    texts = [string.copy() for string in stream._strings], stream._source.copy()
    guard = None if stream._guard is None else stream._guard.snapshot()
    return (
        (stream._node, stream._keys, stream._is_opening, stream._before),
        (stream._spans.copy(), stream._held.copy(), texts),
        (len(stream._hits), guard),
    )


def restore(stream: JsonStreamBuffer, before: tuple[Any, ...]) -> None:
    """Be as then."""
    state, (stream._spans, stream._held, texts), (hits, guard) = before
    stream._node, stream._keys, stream._is_opening, stream._before = state
    stream._strings, stream._source = texts
    stream._top = stream._strings[-1] if stream._strings else stream._source
    del stream._hits[hits:]
    if stream._guard is not None:
        stream._guard.restore(guard)
    if stream._unknown is not None:
        stream._unknown.go_back()
    stream._out = []
    stream._start("")
