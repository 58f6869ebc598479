r"""Expressions of the operator, with checks that a shape alone cannot make.

RE2 runs them where the package ``google-re2`` is installed: its time is linear in the text, whatever the expression.
Python's ``re`` is not: an expression such as ``(a+)+b`` makes it hang for a text that a client chooses. With ``re`` the
classes ``\w``, ``\d``, ``\s`` and ``\b`` mean ASCII, as they do in RE2, so that what is found does not depend on what
is installed.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

from holdback.errors import MaskingError
from holdback.masking.spans import Span

Check = Callable[[str], bool]
"""Says of a piece that has the shape whether it is one."""

Engine = Literal["auto", "re2", "re"]

_HALF = re.compile("[\ud800-\udfff]")
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")


def luhn(text: str) -> bool:
    """Whether the last of its digits is right by Luhn's rule, as on payment cards; at least eight digits.

    >>> luhn("4111 1111 1111 1111"), luhn("4111 1111 1111 1112")
    (True, False)
    """
    digits = [int(character) for character in text if "0" <= character <= "9"]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return len(digits) >= 8 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def iban(text: str) -> bool:
    """Whether it is an account number whose check digits are right (ISO 13616, modulo 97).

    >>> iban("DE89 3704 0044 0532 0130 00"), iban("DE88 3704 0044 0532 0130 00")
    (True, False)
    """
    compact = re.sub(r"[\s-]", "", text).upper()
    if not _IBAN.fullmatch(compact):
        return False
    return int("".join(str(int(character, 36)) for character in compact[4:] + compact[:4])) % 97 == 1


def phone(text: str) -> bool:
    """Whether it has as many digits as a telephone number, seven to fifteen (ITU-T E.164).

    >>> phone("+49 30 901820"), phone("12-34")
    (True, False)
    """
    return 7 <= sum("0" <= character <= "9" for character in text) <= 15


CHECKS: dict[str, Check] = {"luhn": luhn, "iban": iban, "phone": phone}
"""Checks by name."""


class Pattern(NamedTuple):
    r"""An expression and its check: one of ``luhn``, ``iban`` and ``phone``, or a callable that says yes or no.

    >>> Patterns({"EVEN": Pattern(r"\d+", lambda text: int(text) % 2 == 0)})("21 22")
    [Span(start=3, end=5, entity_type='EVEN')]
    """

    expression: str
    check: str | Check | None = None

    def __repr__(self) -> str:  # an expression may spell out what it is for
        return "Pattern()"


class Patterns:
    r"""A detector of what has a shape: ``{entity type: expression}``, or a ``Pattern`` with a check.

    Where an expression has a group called ``value``, that group is the span; else it is the whole match. Empty matches
    are none. ``engine``: ``"auto"`` is RE2 where it is installed, else ``re``; ``"re2"`` demands it, as whoever masks
    texts of strangers should; ``"re"`` takes Python's.

    :raises MaskingError: an expression cannot be compiled, a check has no such name, or RE2 is demanded and not there.

    >>> cards = Patterns({"CARD": Pattern(r"\b(?:\d[ -]?){12,18}\d\b", check="luhn")})
    >>> cards("4111 1111 1111 1111 or 4111 1111 1111 1112")
    [Span(start=0, end=19, entity_type='CARD')]
    """

    __slots__ = ("_patterns", "engine")

    def __init__(self, patterns: Mapping[str, str | Pattern], *, engine: Engine = "auto") -> None:
        if not isinstance(patterns, Mapping):
            raise TypeError(
                f"Patterns() takes a mapping of type to expression, not {type(patterns).__name__}"
            )
        if engine not in ("auto", "re2", "re"):
            raise MaskingError("unknown engine; known are: auto, re2, re")
        re2 = None if engine == "re" else _re2()
        if re2 is None and engine == "re2":
            raise MaskingError("the engine re2 needs google-re2: pip install google-re2")
        self.engine: Literal["re2", "re"] = "re" if re2 is None else "re2"
        """Which engine runs the expressions."""
        self._patterns: list[tuple[str, Any, Check | None, int]] = []
        for entity_type, given in patterns.items():
            if not isinstance(entity_type, str):
                raise TypeError(f"an entity type must be str, not {type(entity_type).__name__}")
            expression, check = Pattern(given) if isinstance(given, str) else Pattern(*given)
            if isinstance(check, str):
                if check not in CHECKS:
                    raise MaskingError(
                        f"unknown check of {entity_type}; known are: {', '.join(sorted(CHECKS))}"
                    )
                check = CHECKS[check]
            compiled = _compiled(re2, expression)
            if compiled is None:
                raise MaskingError(f"the expression of {entity_type} cannot be compiled by {self.engine}")
            self._patterns.append((entity_type, compiled, check, compiled.groupindex.get("value", 0)))

    def __call__(self, text: str, /) -> list[Span]:
        """The spans of all expressions; those of different ones may overlap."""
        searched = text if text.isascii() else _HALF.sub("\ufffd", text)  # RE2 reads UTF-8
        spans: list[Span] = []
        for entity_type, compiled, check, group in self._patterns:
            for match in compiled.finditer(searched):
                start, end = match.span(group)
                if 0 <= start < end and (check is None or check(text[start:end])):
                    spans.append(Span(start, end, entity_type))
        return spans

    def __repr__(self) -> str:
        return f"Patterns({len(self._patterns)}, engine={self.engine!r})"


def _re2() -> Any:
    """The module of google-re2; None where it is not installed."""
    try:
        return importlib.import_module("re2")
    except ModuleNotFoundError as error:
        if error.name != "re2":
            raise
    return None


def _compiled(re2: Any, expression: str) -> Any:
    """The compiled expression; None if it is none. What the engines say of it is not repeated: it quotes it."""
    if re2 is None:
        try:
            return re.compile(expression, re.ASCII)
        except (re.error, RecursionError, OverflowError, TypeError):
            return None
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(expression, options)
    except (re2.error, TypeError):
        return None
