"""Forms: text of the form of the placeholders that is none of them, found beside a stream.

Twin of ``rust/core/src/forms.rs``. A *form* is what placeholders have in common: an opening, a name, a separator, an
identifier of digits or of base32 characters, and a closing, as ``<``, ``PERSON``, ``_``, ``1`` and ``>``. Where names
are in capitals between brackets, any such name is of the form; else only those of the placeholders are.

A text is read from left to right. Where a form may begin, the longest text of any form is taken. What is not decided
yet is kept, at most ``MOST`` characters beside opening and closing, so that the counts are the same in any cut. JSON
source is read with its escapes undone, as far as it is a document or may become one.

Cost: a search for the first character of a form, and at such a character O(forms + ``MOST``).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final, NamedTuple

from holdback._pure.escapes import Escape

MOST: Final = 64
"""The characters of name, separator and identifier together: what is longer is of no form."""

_DIGITS: Final = frozenset("0123456789")
_BASE32: Final = frozenset("abcdefghijklmnopqrstuvwxyz234567")
_LETTERS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_WORD: Final = _LETTERS | _DIGITS | {"_"}
_FEWEST_OF_BASE32: Final = 10


class Form(NamedTuple):
    """What placeholders have in common."""

    opening: str
    separator: str
    is_base32: bool
    """The identifier is of base32 characters, ten at least; else of digits."""
    closing: str
    takes_any_name: bool
    """Any name in capitals is of the form; else one of the placeholders' own."""


class Forms:
    """The forms of some placeholders. ``names`` are those that placeholders have; it shows nothing of them."""

    __slots__ = ("_body", "_find", "_forms", "_has_bare", "_keys", "_names")

    def __init__(
        self, forms: Iterable[tuple[str, str, bool, str, bool]], names: Iterable[str], keys: Iterable[str]
    ) -> None:
        self._forms = [Form(*form) for form in forms]
        self._names = {name: number for number, name in enumerate(names)}
        self._keys = frozenset(keys)
        self._body = [_WORD | set(form.separator) for form in self._forms]
        self._has_bare = any(not form.opening for form in self._forms)
        firsts = {form.opening[0] for form in self._forms if form.opening}
        if self._has_bare:
            firsts |= {name[0] for name in self._names}
        self._find = re.compile(f"[{re.escape(''.join(sorted(firsts)))}]" if firsts else "(?!)").search

    def is_one(self, text: str) -> bool:
        """Whether all of a text is of a form."""
        return self._token(text, 0, "", is_over=True)[0] == len(text)

    def _token(self, source: str, at: int, before: str, *, is_over: bool) -> tuple[int, int]:
        """The length of the longest text of a form there and the number of its name; a length of -1 is not decided."""
        best = 0, 0
        for form, body in zip(self._forms, self._body, strict=True):
            found = self._of_form(form, body, source, at, before, is_over=is_over)
            if found[0] < 0:
                return found
            if found[0] > best[0]:
                best = found
        return best

    def _of_form(
        self, form: Form, body: frozenset[str], source: str, at: int, before: str, *, is_over: bool
    ) -> tuple[int, int]:
        begin = at + len(form.opening)
        if not source.startswith(form.opening, at):
            return _beginning(form.opening, source, at, is_over=is_over)
        if not form.opening and before in _WORD:
            return 0, 0
        end, size = begin, len(source)
        while end < size and end - begin <= MOST and source[end] in body:
            end += 1
        if end - begin > MOST:
            return 0, 0
        if end == size and not is_over:
            return -1, 0
        while end > begin and (source[end - 1] not in _WORD or source[end - 1] == "_"):
            end -= 1
        name = self._name(form, source[begin:end])
        if name < 0 or (not form.closing and source[end : end + 1] == "_"):
            return 0, 0
        if not source.startswith(form.closing, end):
            return _beginning(form.closing, source, end, is_over=is_over)
        return end + len(form.closing) - at, name

    def _name(self, form: Form, body: str) -> int:
        """The number of the name in a body, one more than there are for another one; -1 if it is no body."""
        identifiers = _BASE32 if form.is_base32 else _DIGITS
        cut = len(body)
        while cut and body[cut - 1] in identifiers:
            cut -= 1
        if len(body) - cut < (_FEWEST_OF_BASE32 if form.is_base32 else 1):
            return -1
        if not body[:cut].endswith(form.separator):
            return -1
        name = body[: cut - len(form.separator)]
        if not name or name[0] not in _LETTERS or name[-1] not in _WORD or name[-1] == "_":
            return -1
        if (number := self._names.get(name)) is not None:
            return number
        is_taken = form.takes_any_name and not any("a" <= character <= "z" for character in name)
        return len(self._names) if is_taken else -1

    def __repr__(self) -> str:
        return f"Forms({len(self._forms)})"


def _beginning(literal: str, source: str, at: int, *, is_over: bool) -> tuple[int, int]:
    """What a literal is that does not stand there: not decided if the source ends within it."""
    is_open = not is_over and len(source) - at < len(literal) and literal.startswith(source[at:])
    return (-1, 0) if is_open else (0, 0)


class Unknown:
    """One text, in which texts of the forms are counted that are no keys, by the numbers of their names."""

    __slots__ = ("_before", "_begins_as_json", "_counts", "_escape", "_forms", "_held", "_is_json", "_turns")

    def __init__(self, forms: Forms, *, json: bool) -> None:
        self._forms = forms
        self._begins_as_json = self._is_json = json
        self._turns: list[tuple[int, bool]] = []  # from where on the text that comes next is JSON, or is not
        self._held = ""  # what may become a text of a form
        self._before = ""  # the character before that
        self._escape = Escape()
        self._counts: Counter[int] = Counter()

    def passes(self, text: str) -> bool:
        """Whether a text without a backslash changes nothing."""
        forms = self._forms
        return not (self._held or self._escape.begun or forms._has_bare) and forms._find(text) is None

    def turned(self, *, is_json: bool, at: int) -> None:
        """The text that comes next is a JSON document from ``at`` on, or is none."""
        self._turns.append((at, is_json))

    def go_back(self) -> None:
        """Forget what was said of the text that comes next."""
        self._turns.clear()

    def feed(self, text: str) -> None:
        """Move over text that came."""
        if self._turns:
            turns, self._turns, done = self._turns, [], 0
            for at, is_json in turns:
                self._read(text[done:at])
                self._is_json, self._escape.begun, done = is_json, "", at
            text = text[done:]
        self._read(text)

    def _read(self, text: str) -> None:
        if self._is_json and (self._escape.begun or "\\" in text):
            text = self._decoded(text)
        self._scan(text, is_over=False)

    def end(self) -> None:
        """The text is over; another one may begin."""
        self._scan("", is_over=True)
        self._held = self._before = self._escape.begun = ""
        self._is_json = self._begins_as_json

    def take_counts(self) -> dict[int, int]:
        """What was counted since this was asked last."""
        counts, self._counts = self._counts, Counter()
        return dict(counts)

    def _scan(self, text: str, *, is_over: bool) -> None:
        forms, source, at = self._forms, self._held + text, 0
        while (found := forms._find(source, at)) is not None:
            at = found.start()
            before = source[at - 1] if at else self._before
            length, name = forms._token(source, at, before, is_over=is_over)
            if length < 0:
                break
            if length and source[at : at + length] not in forms._keys:
                self._counts[name] += 1
            at += length or 1
        else:
            at = len(source)
        if at:
            self._before = source[at - 1]
        self._held = source[at:]

    def _decoded(self, source: str) -> str:
        escape, at = self._escape, 0
        out: list[str] = []
        while at < len(source):
            if escape.begun:
                said, at = escape.read(source, at)
                out.append(said)
                continue
            found = source.find("\\", at)
            if found < 0:
                out.append(source[at:])
                break
            out.append(source[at:found])
            escape.begin()
            at = found + 1
        return "".join(out)

    def __repr__(self) -> str:
        return "Unknown()"
