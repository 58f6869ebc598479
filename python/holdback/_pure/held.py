"""Held: the raw source that a stream holds back."""

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
