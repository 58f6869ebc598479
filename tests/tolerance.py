"""Cases on which tolerant restorers differ: placeholders that a model rewrote, and placeholders inside words.

As in `exactness.py` a case is written once for every grammar. In its text ``{1}`` is the first placeholder and
``{1~lower}`` the same as a model rewrites it: ``REWRITES`` lists the ways, which share nothing with ours. The right
answer has an original for each of them; where something else is right, because nothing may be guessed, ``right`` says
it, with ``{1!}`` for the first original.

A restorer that puts in somebody who is not meant does worse than one that leaves a placeholder: ``strangers`` counts.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import NamedTuple

Placeholder = Callable[[int], str]

ORIGINALS = ("Ada", "Boris", "Cyra")
MANGLED, WORDS = "mangled", "whole words"


class Tolerance(NamedTuple):
    """A text. One with keys of its own is for restorers that take any key."""

    group: str
    name: str
    text: str
    right: str = ""
    keys: tuple[str, ...] = ()
    originals: tuple[str, ...] = ORIGINALS


def _inside(placeholder: str, change: Callable[[str], str]) -> str:
    """The placeholder with what stands between its signs changed."""
    found = re.fullmatch(r"(\W*)(.*?)(\W*)", placeholder, re.DOTALL)
    assert found is not None
    return found[1] + change(found[2]) + found[3]


def _bracketed(placeholder: str, change: Callable[[str], str]) -> str:
    """The same, if there are signs at its ends: without them nobody writes it so."""
    is_bare = placeholder[0].isalnum() or placeholder[-1].isalnum()
    return placeholder if is_bare else _inside(placeholder, change)


def _other(placeholder: str) -> str:
    """Another placeholder, nobody's: its last letter or digit is one further."""
    at = max(number for number, char in enumerate(placeholder) if char.isalnum())
    char = placeholder[at]
    return f"{placeholder[:at]}{'8' if char.isdigit() and char != '8' else '9'}{placeholder[at + 1 :]}"


REWRITES: dict[str, Callable[[str], str]] = {
    "lower": str.lower,
    "upper": str.upper,
    "capital": lambda one: _inside(one, str.capitalize),
    "html": html.escape,
    "decimal": lambda one: "".join(f"&#{ord(char)};" if char in "<>&\"'" else char for char in one),
    "markdown": lambda one: re.sub(r"([\\`*_{}\[\]()<>#+\-.!|~])", r"\\\1", one),
    "underscore": lambda one: one.replace("_", "\\_"),
    "percent": lambda one: "".join(
        char if char.isalnum() or char in "_.-~" else "".join(f"%{byte:02X}" for byte in char.encode())
        for char in one
    ),
    "padded": lambda one: _bracketed(one, lambda inner: f" {inner} "),
    "blank": lambda one: _bracketed(one, lambda inner: inner.replace("_", " ")),
    "hyphen": lambda one: _bracketed(one, lambda inner: inner.replace("_", "-")),
    "wide": lambda one: one.translate({ord(char): ord(char) + 0xFEE0 for char in "<>[]{}()"}),
    "bare": lambda one: one.strip("<>[]{}()«»"),
    "other": _other,
}

CASES = [
    Tolerance(MANGLED, "in small letters", "Hi {1~lower}, meet {2~lower}."),
    Tolerance(MANGLED, "in capitals", "Hi {1~upper}, meet {2}."),
    Tolerance(MANGLED, "capitalised", "Hi {1~capital}, meet {2~capital}."),
    Tolerance(MANGLED, "HTML, named", "<p>Hi {1~html}</p> {2~html}"),
    Tolerance(MANGLED, "HTML, numbered", "Hi {1~decimal} {2}."),
    Tolerance(MANGLED, "Markdown, every sign", "Hi {1~markdown}, meet {2}."),
    Tolerance(MANGLED, "Markdown, the underscore", "**{1~underscore}** and {2~underscore}"),
    Tolerance(MANGLED, "in an address", "https://example.org/?q={1~percent}&r={2~percent}"),
    Tolerance(MANGLED, "padded", "Hi {1~padded}, meet {2~padded}."),
    Tolerance(MANGLED, "a blank in it", "Hi {1~blank}, meet {2}."),
    Tolerance(MANGLED, "a hyphen in it", "Hi {1~hyphen}, meet {2}."),
    Tolerance(MANGLED, "wide brackets", "您好 {1~wide},{2}。"),
    Tolerance(MANGLED, "without brackets", "Hi {1~bare}, meet {2~bare}."),
    Tolerance(MANGLED, "as it is", "Hi {1}, meet {2} and {3}."),
    Tolerance(MANGLED, "nobody's", "Hi {1~other}, meet {2}.", "Hi {1~other}, meet {2!}."),
    Tolerance(MANGLED, "nobody's, in small letters", "Hi {7~lower}, meet {2}.", "Hi {7~lower}, meet {2!}."),
    Tolerance(MANGLED, "without brackets, a digit behind it", "see {1~bare}0 {2}", "see {1~bare}0 {2!}"),
    Tolerance(
        MANGLED,
        "one spelling, two people",
        "see <ab_1>, <AB_1> and <Ab_1>",
        "see <ab_1>, <AB_1> and {1!}",
        keys=("<Ab_1>", "<aB_1>"),
        originals=ORIGINALS[:2],
    ),
    Tolerance(WORDS, "in a longer word", "Annual, Joann, Annie", "Annual, Joann, Annie", ("Ann",), ("Ada",)),
    Tolerance(WORDS, "beside signs", "(Ann), Ann's Ann-like", "({1!}), {1!}'s {1!}-like", ("Ann",), ("Ada",)),
    Tolerance(WORDS, "digits and underscores", "Ann_1 Ann2 _Ann Ann", "Ann_1 Ann2 _Ann {1!}", ("Ann",), ("Ada",)),
    Tolerance(WORDS, "accents", "Änn Annä Ann", "Änn Annä {1!}", ("Ann",), ("Ada",)),
    Tolerance(WORDS, "scripts without spaces", "请联系Ann先生", "请联系{1!}先生", ("Ann",), ("Ada",)),
    Tolerance(WORDS, "a longer name", "Ann Lee, Ann Leeds", "{2!}, {1!} Leeds", ("Ann", "Ann Lee"), ORIGINALS[:2]),
    Tolerance(WORDS, "at the ends", "Ann and Ann", "{1!} and {1!}", ("Ann",), ("Ada",)),
]  # fmt: skip

_SPELLED = re.compile(r"\{(\d+)(?:~(\w+)|(!))?\}")


def keys_of(case: Tolerance, placeholder: Placeholder) -> list[str]:
    return list(case.keys) or [placeholder(number + 1) for number in range(len(case.originals))]


def pairs_of(case: Tolerance, placeholder: Placeholder) -> dict[str, str]:
    return dict(zip(keys_of(case, placeholder), case.originals, strict=True))


def text_of(case: Tolerance, placeholder: Placeholder) -> str:
    return _SPELLED.sub(lambda found: _rewritten(found, placeholder), case.text)


def right_of(case: Tolerance, placeholder: Placeholder) -> str:
    def said(found: re.Match[str]) -> str:
        is_original = found[3] if case.right else int(found[1]) <= len(case.originals)
        return case.originals[int(found[1]) - 1] if is_original else _rewritten(found, placeholder)

    return _SPELLED.sub(said, case.right or case.text)


def _rewritten(found: re.Match[str], placeholder: Placeholder) -> str:
    whole = placeholder(int(found[1]))
    return REWRITES[found[2]](whole) if found[2] else whole


def strangers(case: Tolerance, right: str, out: str) -> int:
    """How many originals were put in where somebody else, or nobody, is right."""
    return sum(max(0, out.count(original) - right.count(original)) for original in case.originals)
