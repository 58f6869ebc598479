"""What a stream of JSON source holds back: the raw source, and how long the units of the path are in it."""

from __future__ import annotations

from collections import deque


class Held:
    """A queue of text: pieces go in at the back, any number of code points comes out at the front."""

    __slots__ = ("_gone", "_length", "_pieces")

    def __init__(self) -> None:
        self._pieces: deque[str] = deque()
        self._gone = 0  # how much of the first piece has been taken
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def copy(self) -> Held:
        copy = Held()
        copy.append(self.text())
        return copy

    def append(self, piece: str) -> None:
        if piece:
            self._pieces.append(piece)
            self._length += len(piece)

    def take(self, count: int) -> str:
        self._length -= count
        out = []
        while count:
            piece = self._pieces[0]
            taken = piece[self._gone : self._gone + count]
            out.append(taken)
            count -= len(taken)
            self._gone += len(taken)
            if self._gone == len(piece):
                self._pieces.popleft()
                self._gone = 0
        return "".join(out)

    def cut(self, text: str, begin: int, end: int) -> str:
        """The source from ``begin`` to ``end``, from the start of ``text``; what is before that is taken out."""
        if begin >= 0:
            return text[begin:end]
        front = self.take(min(end, 0) - begin)
        return front + text[:end] if end > 0 else front

    def clear(self) -> None:
        self._pieces.clear()
        self._gone = self._length = 0

    def text(self) -> str:
        return "".join(self._pieces)[self._gone :]


class Spans:
    """A queue of the raw lengths of units: runs of units that are spelled alike."""

    __slots__ = ("_runs", "raw")

    def __init__(self) -> None:
        self._runs: deque[tuple[int, int]] = deque()  # how many units, and the raw length of each
        self.raw = 0
        """The raw length of them all."""

    def copy(self) -> Spans:
        copy = Spans()
        copy._runs, copy.raw = self._runs.copy(), self.raw
        return copy

    def append(self, count: int, each: int) -> None:
        self._runs.append((count, each))
        self.raw += count * each

    def take(self, count: int) -> int:
        """Take so many units out at the front; returns their raw length."""
        before = self.raw
        while count:
            units, each = self._runs.popleft()
            if units > count:
                self._runs.appendleft((units - count, each))
                units = count
            count -= units
            self.raw -= units * each
        return before - self.raw

    def clear(self) -> None:
        self._runs.clear()
        self.raw = 0
