"""Upstreams for the shells, which note what was done to them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from holdback import aio, sync
from streams import PAIRS, heard, say

SECRET = "Ada Lovelace"


class Lost(Exception):
    """An upstream's error that quotes the text, as they do."""


class Source:
    """A source of both kinds that counts what is asked of it, fails if told to, and can be closed."""

    def __init__(
        self, items: Any, error: BaseException | None = None, closing_error: Exception | None = None
    ) -> None:
        self.items = list(items)
        self.error = error
        self.closing_error = closing_error
        self.taken = self.closed = 0

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if self.taken < len(self.items):
            self.taken += 1
            return self.items[self.taken - 1]
        if self.error is not None:
            raise self.error
        raise StopIteration

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        try:
            return next(self)
        except StopIteration:
            raise StopAsyncIteration from None

    def close(self) -> None:
        self.closed += 1
        if self.closing_error is not None:
            raise self.closing_error


class Stream:
    """Either shell, driven the same way."""

    def __init__(self, kind: str, name: str, source: Any, mapping: Any = PAIRS, **options: Any) -> None:
        self.out: list[Any] = []
        self._aio = kind == "aio"
        self._stream = getattr(aio if self._aio else sync, name)(source, mapping, **options)

    def next(self) -> Any:
        return self._run(self._stream.__anext__) if self._aio else next(self._stream)

    def all(self) -> list[Any]:
        stop = StopAsyncIteration if self._aio else StopIteration
        try:
            while True:
                self.out.append(self.next())
        except stop:
            return self.out

    def close(self) -> None:
        if self._aio:
            self._run(self._stream.aclose)
        else:
            self._stream.close()

    @staticmethod
    def _run(begin: Callable[[], Any]) -> Any:
        """What waits for nothing needs no loop, which would end the generator with itself."""
        try:
            begin().send(None)
        except StopIteration as done:
            return done.value
        raise AssertionError("it waits")


KIND = pytest.mark.parametrize("kind", ["aio", "sync"])
NAME = pytest.mark.parametrize("name", ["restore_bytes", "restore_chunks"])


def as_bytes(chunk: Any) -> bytes:
    return f"data: {json.dumps(chunk)}\n\n".encode()


def items(name: str, *texts: str) -> list[Any]:
    chunks = [say(text) for text in texts]
    return chunks if name == "restore_chunks" else [as_bytes(chunk) for chunk in chunks]


def options(name: str) -> dict[str, str]:
    return {"protocol": "openai-chat"} if name == "restore_chunks" else {}


def text_of(out: list[Any]) -> str:
    chunks = [
        json.loads(event[6:]) if isinstance(item, bytes) else event
        for item in out
        for event in (item.decode().split("\n\n")[:-1] if isinstance(item, bytes) else [item])
    ]
    return heard(chunks).get((0, "content"), "")
