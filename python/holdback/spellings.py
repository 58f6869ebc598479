r"""spellings: the ways in which a model rewrites a placeholder, as further placeholders.

Models do not copy like a machine: they write ``&lt;PERSON_1&gt;``, ``\<PERSON\_1\>`` or ``<person_1>``. Tolerance
is a function that adds keys, not a second matcher, so everything that is promised of keys holds of spellings too. Each
*form* is a rule ``key -> spelled keys``, and says how the original is spelled there.

Never a guess: a spelling that is itself a placeholder, that two originals would share, or that is too plain to mean
one is left out.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple
from urllib.parse import quote

from holdback._pure.pattern import join_surrogates, plain

_WIDE = str.maketrans("<>[]{}()", "\uff1c\uff1e\uff3b\uff3d\uff5b\uff5d\uff08\uff09")
_BRACKETED = re.compile(r"([<\[{(]+)(.*[^>\]})\s])([>\]})]+)", re.DOTALL)
_LETTERS = re.compile(r"[^\W\d_]+")
_NAMED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"}
_HTML = [
    str.maketrans(_NAMED),
    str.maketrans({char: f"&#{ord(char)};" for char in _NAMED}),
]
_MARKDOWN = [
    str.maketrans({char: f"\\{char}" for char in chars})
    for chars in ("\\`*_{}[]()<>#+-.!|~", "_*", "<>[]{}", "_*<>[]{}")
]
SHORTEST_BARE = 4


def _html(key: str) -> Iterator[str]:
    return (key.translate(table) for table in _HTML)


def _markdown(key: str) -> Iterator[str]:
    return (key.translate(table) for table in _MARKDOWN)


def _percent_encoded(text: str) -> str:
    return quote(text, safe="", errors="surrogatepass")


def _url(key: str) -> Iterator[str]:
    yield (spelled := _percent_encoded(key))
    yield re.sub("%..", lambda found: found[0].lower(), spelled)


def _case(key: str) -> Iterator[str]:
    lower = key.lower()
    yield lower
    yield key.upper()
    yield _LETTERS.sub(lambda word: word[0].capitalize(), lower, count=1)
    yield _LETTERS.sub(lambda word: word[0].capitalize(), lower)


def _space(key: str) -> Iterator[str]:
    if found := _BRACKETED.fullmatch(key):
        left, inside, right = found.groups()
        yield f"{left} {inside} {right}"
        yield left + inside.replace("_", " ") + right
        yield left + inside.replace("_", "-") + right


def _width(key: str) -> Iterator[str]:
    yield key.translate(_WIDE)


def _bare(key: str) -> Iterator[str]:
    if found := _BRACKETED.fullmatch(key):
        yield found[2]


class Form(NamedTuple):
    """One way to rewrite a placeholder."""

    rule: Callable[[str], Iterator[str]]
    encode: Callable[[str], str] | None
    """How the original is spelled there; None as it is."""
    examples: tuple[str, ...]
    """What it makes of ``<PERSON_1>``."""
    original: str
    seen: str
    """Where models write it so."""


FORMS: dict[str, Form] = {
    "html": Form(
        _html,
        html.escape,
        ("&lt;PERSON_1&gt;", "&#60;PERSON_1&#62;"),
        "HTML-escaped",
        "HTML, XML and chat markup",
    ),
    "markdown": Form(
        _markdown, None, (r"\<PERSON\_1\>", r"<PERSON\_1>"), "as it is", "Markdown that is escaped with care"
    ),
    "url": Form(_url, _percent_encoded, ("%3CPERSON_1%3E", "%3cPERSON_1%3e"), "percent-encoded", "links"),
    "case": Form(_case, None, ("<person_1>", "<Person_1>"), "as it is", "headings, code, other languages"),
    "space": Form(
        _space, None, ("< PERSON_1 >", "<PERSON 1>", "<PERSON-1>"), "as it is", "prose that is laid out"
    ),
    "width": Form(_width, None, ("\uff1cPERSON_1\uff1e",), "as it is", "Chinese and Japanese text"),
    "bare": Form(_bare, None, ("PERSON_1",), "as it is", "prose, code and file names; as a whole word only"),
}
"""Every form by its name; the documentation's table is made from it."""

USUAL = tuple(name for name in FORMS if name != "bare")
"""The forms that change nothing for other text. ``bare`` is asked for by name: it needs ``words=True``, and that holds
for all placeholders."""


class Spellings:
    """See ``spellings``."""

    __slots__ = ()

    def __call__(self, pairs: Mapping[str, str], forms: Iterable[str] = USUAL) -> dict[str, str]:
        r"""``pairs`` and, behind them, the spellings of its placeholders: ``{placeholder: original}``.

        :param pairs: what :class:`TrieMatcher` takes.
        :param forms: names from ``html``, ``markdown``, ``url``, ``case``, ``space``, ``width``, ``bare``; by default
            all but ``bare``, which is for ``TrieMatcher(…, words=True)``: ``PERSON_1`` must not match in ``PERSON_10``.
        :raises TypeError: a placeholder or an original is no ``str``, or ``forms`` is one.
        :raises ValueError: there is no such form.

        >>> from holdback import TrieMatcher, spellings
        >>> matcher = TrieMatcher(spellings({"<PERSON_1>": "Ada & Bo"}))
        >>> matcher.replace(r"\<PERSON\_1\>, <person_1>, &lt;PERSON_1&gt;")
        'Ada & Bo, Ada & Bo, Ada &amp; Bo'
        """
        spelled, _ = _spelled(pairs, forms)
        return spelled

    def left_out(self, pairs: Mapping[str, str], forms: Iterable[str] = USUAL) -> dict[str, int]:
        """How many spellings each form leaves out because they could mean something else; counts only, no text.

        >>> from holdback import spellings
        >>> spellings.left_out({"<A_1>": "Ada", "<a_1>": "Bo"})
        {'case': 2}
        """
        _, left_out = _spelled(pairs, forms)
        return left_out


spellings = Spellings()


def checked_forms(forms: Iterable[str]) -> tuple[str, ...]:
    """The names of forms in the order of the table, each once."""
    if isinstance(forms, str):
        raise TypeError("forms are the names of forms, not one str")
    asked = set(forms)
    if not asked.issubset(FORMS):
        raise ValueError(f"there is no such form of spelling: the forms are {', '.join(FORMS)}")
    return tuple(name for name in FORMS if name in asked)


def _spelled(pairs: Mapping[str, str], forms: Iterable[str]) -> tuple[dict[str, str], dict[str, int]]:
    """The pairs with their spellings, and how many were left out, by form."""
    names = checked_forms(forms)
    plans = _Plans()
    keys = {join_surrogates(_text(key)): join_surrogates(_text(original)) for key, original in pairs.items()}
    found: dict[str, tuple[str, str, str]] = {}  # spelling -> original, as it is put there, form
    shared: set[str] = set()
    left_out: Counter[str] = Counter()
    split = [(original, *_split(key)) for key, original in keys.items()]
    for name in names:
        encode = FORMS[name].encode
        for original, outline, numbers in split:
            value = (original, encode(original) if encode else original, name)
            for parts in plans[name, outline, bool(numbers)]:
                spelling = parts[0] + numbers[0] + parts[1] if len(parts) == 2 else _joined(parts, numbers)
                if spelling in keys:
                    if keys[spelling] != original:
                        left_out[name] += 1
                elif name == "bare" and _is_plain(spelling):
                    left_out[name] += 1
                elif (before := found.get(spelling)) is None:
                    found[spelling] = value
                elif before[0] != original:
                    shared.add(spelling)
                    left_out[name] += 1
    for spelling in shared:
        left_out[found.pop(spelling)[2]] += 1
    return (
        {**dict(pairs), **{spelling: encoded for spelling, (_, encoded, _) in found.items()}},
        {name: left_out[name] for name in names if left_out[name]},
    )


_NUMBER = "\ue000"
"""Stands for a number while a rule is applied: no form changes one, so keys that differ in nothing else share it."""
_NUMBERS = re.compile("[0-9]+")
_SPELLED_NUMBER = re.compile("\ue000|%EE%80%80|%ee%80%80")


def _split(key: str) -> tuple[str, list[str]]:
    """``key`` without its numbers, and the numbers."""
    return (key, []) if _NUMBER in key else (_NUMBERS.sub(_NUMBER, key), _NUMBERS.findall(key))


def _joined(parts: list[str], numbers: list[str]) -> str:
    return "".join(map("".join, zip(parts, [*numbers, ""], strict=True)))


class _Plans(dict[tuple[str, str, bool], list[list[str]]]):
    """What a form makes of an outline: each spelling as what stands between its numbers."""

    def __missing__(self, place: tuple[str, str, bool]) -> list[list[str]]:
        name, outline, has_numbers = place
        spellings = dict.fromkeys(FORMS[name].rule(outline))
        plans = [
            _SPELLED_NUMBER.split(spelling) if has_numbers else [spelling]
            for spelling in spellings
            if spelling not in (outline, "")
        ]
        self[place] = plans
        return plans


def _is_plain(bare: str) -> bool:
    """Whether a bare form may well be an ordinary word."""
    return len(bare) < SHORTEST_BARE or all(map(str.isalpha, bare))


def _text(text: str) -> str:
    if not isinstance(text, str):
        raise TypeError(f"a placeholder and its original must be str, not {type(text).__name__}")
    return plain(text)
