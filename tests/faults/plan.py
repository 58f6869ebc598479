"""Faults by number. Every place where a stream waits is a step; a plan says at which step what goes wrong.

A run without faults counts the steps; then the run is repeated with a fault at each of them. Coroutines are driven
by hand, so no clock and no event loop decides anything: a step of an asynchronous stream really suspends, and the
fault is thrown in where it waits, as a loop throws in a cancellation.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Coroutine, Generator, Mapping
from typing import Any


class Lost(Exception):
    """What an upstream raises."""


class Left(Exception):
    """What a consumer raises, or a server's ``send`` once the client has gone."""


@types.coroutine
def _suspended(fault: BaseException | None) -> Generator[BaseException | None, None, None]:
    yield fault


class Plan:
    """What goes wrong at which step of one run, and the steps as they were taken."""

    def __init__(self, faults: Mapping[int, BaseException] | None = None) -> None:
        self._faults = faults or {}
        self.trace: list[str] = []

    def step(self, name: str) -> None:
        """A place of a synchronous stream."""
        if (fault := self._arrive(name)) is not None:
            raise fault

    async def pause(self, name: str) -> None:
        """A place of an asynchronous stream."""
        await _suspended(self._arrive(name))

    def _arrive(self, name: str) -> BaseException | None:
        self.trace.append(name)
        return self._faults.get(len(self.trace) - 1)


def drive(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine to its end; where it waits it goes on at once, or gets the fault that is planned there."""
    fault: Any = None
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(finalizer=lambda dropped: drive(dropped.aclose()))  # as a loop does
    try:
        while True:
            fault = coroutine.send(None) if fault is None else coroutine.throw(fault)
    except StopIteration as done:
        return done.value
    finally:
        sys.set_asyncgen_hooks(*hooks)


# ---------------------------------------------------------------- upstreams that take part in a plan


class Source:
    """An upstream of both kinds, which is its own iterator; notes what is asked of it and when it is closed."""

    def __init__(self, items: list[Any], plan: Plan) -> None:
        self.items = items
        self.plan = plan
        self.taken = 0
        self.closed: list[str] = []

    def __iter__(self) -> Source:
        return self

    def __aiter__(self) -> Source:
        return self

    def __next__(self) -> Any:
        self.plan.step("next")
        return self._item(StopIteration)

    async def __anext__(self) -> Any:
        await self.plan.pause("next")
        return self._item(StopAsyncIteration)

    def close(self) -> None:
        self.closed.append("source")
        self.plan.step("close")

    async def aclose(self) -> None:
        self.closed.append("source")
        await self.plan.pause("close")

    def _item(self, end: type[Exception]) -> Any:
        if self.taken == len(self.items):
            raise end
        self.taken += 1
        return self.items[self.taken - 1]


class _Iterator(Source):
    """The iterator of a ``Response``, closed by itself."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.items, response.plan)
        self.closed = response.closed

    def close(self) -> None:
        self.closed.append("iterator")
        self.plan.step("close")

    async def aclose(self) -> None:
        self.closed.append("iterator")
        await self.plan.pause("close")


class Response(Source):
    """An upstream whose iterator is another thing, such as a response and the reader of its body."""

    def __iter__(self) -> Source:
        return _Iterator(self)

    def __aiter__(self) -> Source:
        return _Iterator(self)
