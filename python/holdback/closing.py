"""Letting go of an upstream: closed exactly once, on every way out, and an error of closing hides nothing.

A source and the iterator it gave may be two things, such as a response and the generator over its body; then both
are closed, the iterator first. One that was never asked for an item has nothing in hand and is left alone, save by
its source.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from typing import Any

logger = logging.getLogger("holdback.closing")


def check_async_iterable(stream: object) -> None:
    """``TypeError`` if it is none."""
    if not hasattr(type(stream), "__aiter__"):
        raise TypeError(f"the stream must be an async iterable, not {type(stream).__name__}")


def check_iterable(stream: object) -> None:
    """``TypeError`` if it is none."""
    if not hasattr(type(stream), "__iter__"):
        raise TypeError(f"the stream must be an iterable, not {type(stream).__name__}")


async def aclose(stream: Any, iterator: Any) -> None:
    """Close an async source, and its iterator if there is one of its own."""
    try:
        if iterator is not None and iterator is not stream:
            await _aclose(iterator)
    finally:  # cancelled in the middle, the other one is still to be closed
        await _aclose(stream)


def close(stream: Any, iterator: Any) -> None:
    """Close a source, and its iterator if there is one of its own."""
    try:
        if iterator is not None and iterator is not stream:
            _close(iterator)
    finally:
        _close(stream)


async def _aclose(upstream: Any) -> None:
    close = getattr(upstream, "aclose", None) or getattr(upstream, "close", None)
    if close is None:
        return
    try:
        closing = close()
        if inspect.isawaitable(closing):
            await closing
    except Exception as error:  # noqa: BLE001 - whatever it is, the answer or the first error comes first
        _failed(error)


def _close(upstream: Any) -> None:
    do_close: Callable[[], object] | None = getattr(upstream, "close", None)
    if do_close is None:
        return
    try:
        do_close()
    except Exception as error:  # noqa: BLE001 - as above
        _failed(error)


def _failed(error: Exception) -> None:
    # The type only: a message may quote the text.
    logger.warning("closing the upstream failed: %s", type(error).__name__)
