"""Whole words: exact against ``re`` with a look-behind and a look-ahead per key, whatever the cut, on both twins."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

import strategies
import word_table
from conftest import BUILT, TWINS
from holdback import _backend
from holdback._pure.borders import is_word

ALPHABETS = ["ab ", "a-b", "aé.", "ab\u0301 ", "a请 b", "a은 b", "а_b ", "a\ud83d\U0001f600 b"]


@functools.cache
def ranges() -> list[tuple[int, int]]:
    """Of the tool: it asks every code point for its name, once in all."""
    return word_table.ranges()


@functools.cache
def word_class() -> str:
    return "[" + "".join(f"{chr(a)}-{chr(b)}" for a, b in ranges()) + "]"


def expected(pairs: Mapping[str, str], text: str, start: int = 0) -> str:
    """``text[start:]`` by ``re``: each key with what may not stand before and behind it, the longest first."""
    one = [
        (f"(?<!{word_class()})" if is_word(key[0]) else "")
        + re.escape(key)
        + (f"(?!{word_class()})" if is_word(key[-1]) else "")
        for key in sorted(pairs, key=len, reverse=True)
    ]
    out = ""
    for found in re.compile("|".join(one) or "(?!)").finditer(text, start):
        out += text[start : found.start()] + pairs[found[0]]
        start = found.end()
    return out + text[start:]


@st.composite
def cases(draw: st.DrawFn) -> tuple[dict[str, str], str]:
    alphabet = draw(st.sampled_from(ALPHABETS))
    texts = st.text(st.sampled_from(alphabet), min_size=1, max_size=5)
    pairs = draw(st.dictionaries(texts, st.text(st.sampled_from(alphabet), max_size=2), max_size=6))
    pieces = draw(st.lists(texts | st.sampled_from([*pairs, " "]), max_size=8))
    return pairs, "".join(pieces)


def may_be_held(pairs: Mapping[str, str], pending: str) -> bool:
    """Empty, the beginning of a key, or a whole key that waits for its border; then maybe a high half."""
    if pending and "\ud800" <= pending[-1] <= "\udbff":
        pending = pending[:-1]
    return not pending or any(
        key.startswith(pending) and (key != pending or is_word(key[-1])) for key in pairs
    )


@strategies.examples(2.5)
@given(data=st.data(), case=cases())
def test_any_cutting_gives_what_re_gives(data: st.DataObject, case: tuple[dict[str, str], str]) -> None:
    pairs, text = case
    wanted = expected(pairs, text)
    pieces = data.draw(strategies.cuts(text))
    settled = set()
    for name in BUILT:
        twin = TWINS[name]
        assert twin is not None
        matcher = twin.TrieMatcher(pairs, words=True)
        assert matcher.replace(text) == wanted
        for way in (pieces, list(text)):
            for json in (False, "auto"):
                stream = matcher.stream(json=json)
                left = ""
                for piece in way:
                    left += stream.feed(piece)
                    assert may_be_held(pairs, stream.pending)
                assert left + stream.flush() == wanted
        stream = matcher.stream()
        settled.add("".join(stream.feed(piece) + stream._settle() for piece in pieces))
    assert len(settled) == 1


@given(data=st.data(), case=cases())
def test_a_settled_tail_leaves_the_word_before_it_in_mind(
    data: st.DataObject, case: tuple[dict[str, str], str]
) -> None:
    pairs, text = case
    cut = data.draw(st.integers(0, len(text)))
    front, back = text[:cut], text[cut:]
    for name in BUILT:
        twin = TWINS[name]
        assert twin is not None
        stream = twin.TrieMatcher(pairs, words=True).stream()
        assert stream.feed(front) + stream._settle() == expected(pairs, front)
        assert stream.pending == ""
        assert stream.feed(back) + stream.flush() == expected(pairs, text, cut)


def test_without_the_option_keys_match_anywhere(backend: str) -> None:
    assert _backend.TrieMatcher({"Ann": "Eve"}).replace("Annual") == "Eveual"
    assert _backend.TrieMatcher({"Ann": "Eve"}, words=True).replace("Annual") == "Annual"


def test_many_names_and_long_keys(backend: str) -> None:
    names = {f"Name{number}": str(number) for number in range(3000)}
    matcher = _backend.TrieMatcher(names, words=True)
    assert matcher.replace("Name17 Name170 Name17x xName17 Name2999.") == "17 170 Name17x xName17 2999."
    long = {"a" * length: str(length) for length in range(1, 300)}
    assert _backend.TrieMatcher(long, words=True).replace("a" * 299 + " " + "a" * 300) == "299 " + "a" * 300


def test_an_unchanged_text_is_the_same_object(backend: str) -> None:
    matcher = _backend.TrieMatcher({"Ann": "Eve"}, words=True)
    text = "Annual, Joann and nobody else"
    assert matcher.replace(text) is text
    assert matcher.stream().feed(text) is text


# ---------------------------------------------------------------- the table of word characters


@pytest.mark.skipif(unicodedata.unidata_version != word_table.UNICODE, reason="made with another Unicode")
def test_regenerating_the_table_gives_the_same() -> None:
    for path, text in word_table.files().items():
        assert path.read_text(encoding="ascii") == text, path


@pytest.mark.skipif(unicodedata.unidata_version != word_table.UNICODE, reason="made with another Unicode")
def test_the_table_is_what_it_says() -> None:
    runs = ranges()
    edges = {edge + step for run in runs for edge in run for step in (-1, 0, 1)}
    for code in {*range(0x3000), *edges}:
        assert is_word(chr(code)) == word_table.is_word(code)


@pytest.mark.parametrize(
    "joins", ["a", "Z", "0", "_", "é", "ß", "Ж", "ا", "א", "क", "\u0301", "\u0902", "ª", "Ⅷ"]
)
def test_letters_marks_and_digits_join(backend: str, joins: str) -> None:
    matcher = _backend.TrieMatcher({"Ann": "Eve"}, words=True)
    assert matcher.replace(f"{joins}Ann Ann{joins}") == f"{joins}Ann Ann{joins}"


@pytest.mark.parametrize(
    "apart", [*"请ひカ한ไລခខ々ー", "ｶ", "-", "’", "😀", "\ufe0f", "¹", "\u200d", "\ud83d", '"']
)
def test_signs_and_scripts_without_spaces_do_not(backend: str, apart: str) -> None:
    matcher = _backend.TrieMatcher({"Ann": "Eve"}, words=True)
    assert matcher.replace(f"{apart}Ann{apart}") == f"{apart}Eve{apart}"
