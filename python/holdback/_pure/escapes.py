"""Escapes of JSON source that comes in pieces, where all that counts is what they mean.

Twin of ``rust/core/src/escapes.rs``. (``open_strings`` reads escapes as well, but keeps how they were spelled.)
"""

from __future__ import annotations

from typing import Final

MEANINGS: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
"""What a backslash makes of the character behind it; every other one means itself."""

HEX: Final = frozenset("0123456789abcdefABCDEF")
_LONGEST: Final = len("\\uxxxx")


class Escape:
    r"""The escape in hand, if there is one.

    >>> escape = Escape()
    >>> escape.begin()
    >>> [escape.read("u003c!", at) for at in range(5)]
    [('', 1), ('', 2), ('', 3), ('', 4), ('<', 5)]
    """

    __slots__ = ("begun",)

    def __init__(self) -> None:
        self.begun = ""
        """What has come of it: a backslash, perhaps ``u`` and up to three digits; empty if there is none."""

    def begin(self) -> None:
        """A backslash came."""
        self.begun = "\\"

    def read(self, source: str, at: int) -> tuple[str, int]:
        """Read one character of it. Returns what it means, empty while it goes on, and where to read on.

        What turns out to be no escape is read as it stands, and the character behind it once more. Half of a pair is a
        character of its own.
        """
        character = source[at]
        begun, self.begun = self.begun, ""
        if begun == "\\" and character != "u":
            return MEANINGS.get(character, character), at + 1
        if len(begun) > 1 and character not in HEX:
            return begun[1:], at
        begun += character
        if len(begun) == _LONGEST:
            return chr(int(begun[-4:], 16)), at + 1
        self.begun = begun
        return "", at + 1

    def copy(self) -> Escape:
        """Another one that has come so far."""
        other = Escape()
        other.begun = self.begun
        return other
