r"""What a text of JSON source is, and how values are spelled in it.

Twin of ``rust/core/src/json_text.rs``. A text (the outermost source, or the content of a string) is a *document* or
plain text, and its beginning decides, once:

- the content of a string: ``{`` or ``[`` behind blanks makes a document;
- the outermost source: so does ``"``, and one code-fence line may stand before it (```` ```json ````);
- ``auto``: only ``{`` with ``"`` or ``}`` behind it, or ``[`` with ``{``, ``[`` or ``"``, blanks between allowed.

A bracket of a placeholder that matched makes no document, so brackets decide when they are settled. Everything else
decides when it comes. The line of a fence ends like a string does: no match crosses its end. A document that began
behind a fence ends at the next backquote outside its strings: what follows is text.
"""

from __future__ import annotations

import re

from holdback._pure.borders import is_number

TEXT, DOCUMENT, FENCED, INSIDE, SOURCE, AUTO, CURLY, SQUARE, ONE, TWO, FENCE, INFO = range(12)
"""``FENCED`` is a document behind a fence. ``INSIDE`` to ``SQUARE`` wait for the character that decides; the rest is
a fence line so far: one backquote, two, three or more, and what comes behind them."""

BLANK = " \t\r\n"
BLANK_AT_START = BLANK + "\ufeff"
OPENERS = {INSIDE: "{[", SOURCE: "{[", AUTO: "{[", CURLY: "}", SQUARE: "{["}
"""What may open a document, by what the text is so far."""

SCALAR = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null")
_TO_ESCAPE = re.compile('["\\\\\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]')
_SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def escape(text: str) -> str:
    """``text`` as the inside of a JSON string literal; what needs no escape stays raw."""
    return _TO_ESCAPE.sub(lambda found: _SHORT.get(found[0]) or f"\\u{ord(found[0]):04x}", text)


Unit = tuple[str, int, bool]
"""A code point, the length of its raw spelling, and whether some of that has left already, when a tail was settled."""


class Text:
    """The outermost source or an open string: what it is, and what of a string's source waits for more."""

    __slots__ = ("auto", "escape", "fenced", "half", "kind", "last")

    def __init__(self, kind: int) -> None:
        self.kind = kind
        self.auto = kind == AUTO
        self.fenced = False
        self.last = ""  # a document's last non-blank character outside its strings
        self.escape: list[Unit] = []  # an unfinished escape, from its backslash on
        self.half: Unit | None = None  # a high surrogate spelled \uXXXX, before that

    def copy(self) -> Text:
        copy = Text(self.kind)
        copy.auto, copy.fenced, copy.last = self.auto, self.fenced, self.last
        copy.escape, copy.half = [*self.escape], self.half
        return copy

    def is_document(self) -> bool:
        return DOCUMENT <= self.kind <= FENCED

    def is_undecided(self) -> bool:
        """Whether what is settled next may decide, or, behind a fence, end it."""
        return FENCED <= self.kind <= SQUARE

    def waits(self) -> bool:
        """Whether the next character that is not blank decides."""
        return INSIDE <= self.kind <= SQUARE

    def document(self) -> int:
        return FENCED if self.fenced else DOCUMENT

    def opened(self, bracket: str) -> int:
        """What it is behind a bracket that is no part of a match."""
        if self.auto and self.kind in (AUTO, SOURCE):
            return CURLY if bracket == "{" else SQUARE
        return self.document()

    def fence(self, unit: str) -> int:
        """What it is behind ``unit`` of what is a fence line so far."""
        if unit == "`":
            return {SOURCE: ONE, AUTO: ONE, ONE: TWO, TWO: FENCE, FENCE: FENCE}.get(self.kind, TEXT)
        return INFO if self.kind in (FENCE, INFO) else TEXT


def landed(placeholder: str, original: str, text: Text, level: int) -> str:
    """The original as it must be spelled in ``text``, which is ``level`` strings deep."""
    # Outside strings of a document, where a value may stand. In a nested one only a number is surely a value.
    may_be_value = text.is_document() and (not level or is_number(placeholder))
    if may_be_value and text.last and text.last in "{[,:":
        is_scalar = SCALAR.fullmatch(placeholder) and SCALAR.fullmatch(original)
        original = original if is_scalar else f'"{escape(original)}"'
    for _ in range(level):
        original = escape(original)
    return original
