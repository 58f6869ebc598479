"""Template: an event as the bytes around its text, to recognise the next one of its kind without parsing it.

The events of a stream are mostly alike: what differs is the one text they carry. Once an event was read, and was
nothing but text of one channel, the bytes before and behind that text's literal are known, and any event that has
the same ones would be read the same way. So its literal is decoded, fed to the channel and put back, and nothing else
is looked at. Some formats also count their events or fill them up; those values are not read, so they are holes as
well.

It is an optimisation only: what a template does with an event is what reading it would have done. Hence

- a hole takes what is certainly one valid JSON value of the kind that stood there, and ASCII, and an empty string is
  of no kind, since it may say nothing where another does; the text, decoded by itself, is refused where JSON would be;
- it holds only until another event is read: that may end the channel, or change what the format knows.

The native backend has a quicker way of its own for the same (``quick``, in ``rust/core/src/event.rs``), which also
takes the runs of quiet events between. What is written here is what it must do, and does for the pure backend.

Cost: O(size of the event), a comparison of bytes and a search for the end of the literal.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from pydantic_core import from_json

from holdback.frames import BOM
from holdback.splice import LITERAL
from holdback.sse import to_json_bytes

if TYPE_CHECKING:
    from holdback import _backend
    from holdback.splice import Replacement

LONGEST = 1 << 10  # of the bytes that are remembered

_NUMBER = re.compile(rb"(?:0|[1-9][0-9]{0,17})(?![0-9.eE])")
_STRING = re.compile(rb'"[ !#-\[\]-~]+"')
_UNREAD = re.compile(rb'"(?:sequence_number|obfuscation|created_at)": ?')
"""Fields that differ from event to event, and that no format reads in an event that is nothing but text."""

Hole = Callable[[bytes, int], re.Match[bytes] | None]
_HOLES: dict[str, Hole] = {"text": LITERAL.match, "number": _NUMBER.match, "filling": _STRING.match}
"""What holes take, by name."""


class Template:
    """What events of one kind look like, and the channel that their text belongs to.

    :param is_droppable: whether such an event is left out while its text is withheld.
    :param others_rest: whether every other channel is at rest: so it stays for as long as the template holds.
    """

    __slots__ = ("_has_fitted", "_is_droppable", "_others_rest", "_parts", "_tail", "quick", "stream")

    def __init__(
        self,
        parts: list[tuple[bytes, str]],
        tail: bytes,
        stream: _backend.StreamBuffer,
        *,
        is_droppable: bool,
        others_rest: bool,
    ) -> None:
        self._parts = parts  # what is before each hole, and the hole's name
        self._tail = tail
        self.stream = stream
        self._is_droppable = is_droppable
        self._others_rest = others_rest
        self._has_fitted = False
        # The same, natively: what the scan is given to restore such events by. None without the native twin.
        self.quick = stream._text_event(parts, tail, is_droppable=is_droppable, others_rest=others_rest)

    @property
    def is_calm(self) -> bool:
        """Whether events without the beginning of a placeholder may pass now."""
        return self._others_rest and not self.stream.pending

    @property
    def has_fitted(self) -> bool:
        """Whether any event was restored by it."""
        return self._has_fitted or (self.quick is not None and self.quick.has_fitted)

    @classmethod
    def of(
        cls,
        frame: bytes,
        change: Replacement,
        stream: _backend.StreamBuffer,
        *,
        is_droppable: bool,
        others_rest: bool,
    ) -> Template | None:
        """The template of a whole event of which ``change`` replaced the text; None if it has none."""
        begin, end, _ = change
        if len(frame) - (end - begin) > LONGEST or not frame.endswith(b"\n"):
            return None  # too much to remember, or the end may have a LF that is still to come
        if frame.startswith(BOM):
            return None  # only the first event may begin so
        if LITERAL.fullmatch(frame, begin, end) is None:
            return None
        before, head = _with_holes(frame[:begin])
        after, tail = _with_holes(frame[end:])
        return cls(
            [*before, (head, "text"), *after],
            tail,
            stream,
            is_droppable=is_droppable,
            others_rest=others_rest,
        )

    def restore(self, data: bytes, start: int, longest: int) -> tuple[bytes, int] | None:
        """What becomes of the event that begins at ``start``, and where it ends.

        None if it is of another kind, has not come whole yet, or is longer than ``longest``: nothing was fed then.
        """
        at, begin, end = start, 0, 0
        for fixed, hole in self._parts:
            if not data.startswith(fixed, at):
                return None
            at += len(fixed)
            found = _HOLES[hole](data, at)
            if found is None:
                return None
            if hole == "text":
                begin, end = at, found.end()
            at = found.end()
        if not data.startswith(self._tail, at):
            return None
        at += len(self._tail)
        if at - start > longest:
            return None
        try:
            text = from_json(data[begin:end])
        except ValueError:  # no JSON, or a lone surrogate
            return None
        self._has_fitted = True
        leaves = self.stream.feed(text)
        if leaves == text:
            return data[start:at], at
        if self._is_droppable and not leaves and self.stream.pending:
            return b"", at
        return b"".join((data[start:begin], to_json_bytes(leaves), data[end:at])), at


def _with_holes(data: bytes) -> tuple[list[tuple[bytes, str]], bytes]:
    """What is before each hole in some bytes, with the hole's name, and what is behind the last."""
    parts: list[tuple[bytes, str]] = []
    done = 0
    for field in _UNREAD.finditer(data):
        for hole in ("number", "filling"):
            if found := _HOLES[hole](data, field.end()):
                parts.append((data[done : field.end()], hole))
                done = found.end()
    return parts, data[done:]
