"""Detectors: known values against an oracle, patterns on both engines, lists of them."""

from __future__ import annotations

import importlib.util
import json
import re
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdback.masking import Detector, Detectors, KnownValues, MaskingError, Pattern, Patterns, Span
from holdback.masking.patterns import iban, luhn, phone
from holdback.masking.spans import settled, spans_of

ENGINES = ["re", *(["re2"] if importlib.util.find_spec("re2") else [])]
S = "\U0010fffd"

# ---------------------------------------------------------------- known values

TEXTS = st.text(st.sampled_from(["a", "b", "A", " ", "é", "😀", "\ud800", S, "1"]), max_size=12)


@given(st.dictionaries(TEXTS.filter(str.strip), st.sampled_from(["P", "Q"]), min_size=1, max_size=5), TEXTS)
def test_known_values_are_those_of_the_oracle(values: dict[str, str], text: str) -> None:
    found = re.compile("|".join(re.escape(value) for value in sorted(values, key=len, reverse=True)))
    expected = [(*match.span(), values[match[0]]) for match in found.finditer(text)]
    assert KnownValues(values)(text) == expected


@pytest.mark.usefixtures("backend")
def test_a_value_that_is_spelled_like_its_own_mark_is_found() -> None:
    values = {f"{S}0{S}": "P", f"{S}1{S}": "Q", f"{S}01{S}": "R"}
    known = KnownValues(values)
    for value, kind in values.items():
        assert known(f"a {value}") == [(2, 2 + len(value), kind)]


@pytest.mark.usefixtures("backend")
def test_known_values_are_found_as_json_spells_them() -> None:
    value = 'José "Pep" <o/l>\n'
    known = KnownValues({value: "PERSON", "Bo": "PERSON"})
    for ascii_only in (True, False):
        once = json.dumps({"n": value}, ensure_ascii=ascii_only)
        spellings = [once, json.dumps(once), once.replace("<", "\\u003c").replace(">", "\\u003e")]
        spellings += [once.replace("/", "\\/")]
        for text in spellings:
            (span,) = known(f"it said {text}, Bo")[:1]
            assert known.value_of(f"it said {text}"[span.start : span.end]) == value
        assert KnownValues({value: "PERSON"}, spelled=False)(text) == []
    assert known.value_of("Bo") == "Bo"
    assert list(known.values()) == [(value, "PERSON"), ("Bo", "PERSON")]
    assert len(known) == 2


def test_a_value_that_is_another_s_spelling_is_itself() -> None:
    values = {'a"b': "P", 'a\\"b': "Q"}
    for order in (list(values), list(values)[::-1]):
        known = KnownValues({value: values[value] for value in order})
        assert [(kind, known.value_of(value)) for value in values for _, _, kind in known(value)] == [
            ("P", 'a"b'),
            ("Q", 'a\\"b'),
        ]


@pytest.mark.parametrize("wrong", [["Ada"], {"Ada": 1}, {1: "P"}, "Ada"])
def test_wrong_values(wrong: Any) -> None:
    with pytest.raises(TypeError):
        KnownValues(wrong)


@pytest.mark.parametrize("value", ["", " ", "\n\t"])
def test_a_blank_value_would_be_everywhere(value: str) -> None:
    with pytest.raises(MaskingError, match="empty or blank"):
        KnownValues({value: "P"})


# ---------------------------------------------------------------- patterns


@pytest.mark.parametrize("engine", ENGINES)
def test_patterns(engine: Any) -> None:
    patterns = Patterns(
        {
            "EMAIL": r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+",
            "CARD": Pattern(r"\b(?:\d[ -]?){12,18}\d\b", "luhn"),
            "IBAN": Pattern(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{1,4}){3,8}\b", "iban"),
            "PHONE": Pattern(r"\+\d[\d ()-]{4,20}\d", "phone"),
            "TOKEN": r"token=(?P<value>\w+)",
            "ODD": Pattern(r"\b\d{3}\b", lambda text: int(text) % 2 == 1),
        },
        engine=engine,
    )
    assert patterns.engine == engine
    text = (
        "é ada@example.org; 4111 1111 1111 1111, 4111 1111 1111 1112; DE89370400440532013000; +49 30 901820; "
        "+1 23 45; token=abc; 123 124"
    )
    assert [(text[start:end], kind) for start, end, kind in patterns(text)] == [
        ("ada@example.org", "EMAIL"),
        ("4111 1111 1111 1111", "CARD"),
        ("DE89370400440532013000", "IBAN"),
        ("+49 30 901820", "PHONE"),
        ("abc", "TOKEN"),
        ("123", "ODD"),
    ]


@pytest.mark.skipif("re2" not in ENGINES, reason="google-re2 is not installed")
@given(st.text(st.sampled_from(["a", "1", "é", "😀", "\ud800", "\udc00", " ", "_", "٣", "@"]), max_size=20))
def test_both_engines_find_the_same(text: str) -> None:
    expressions = {"A": r"\b\w+\b", "B": r"\d+", "C": r"\S+@", "D": "é|😀.", "E": r"(?i)A\s*1"}
    assert Patterns(expressions, engine="re2")(text) == Patterns(expressions, engine="re")(text)


@pytest.mark.skipif("re2" not in ENGINES, reason="google-re2 is not installed")
def test_re2_does_not_hang_and_says_what_it_cannot() -> None:
    assert Patterns({"A": "(a+)+b"})("a" * 20_000) == []
    with pytest.raises(MaskingError, match="of A cannot be compiled by re2"):
        Patterns({"A": r"(?<=secret)\w+"})
    assert Patterns({"A": r"(?<=k:)\w+"}, engine="re")("k:v") == [Span(2, 3, "A")]


def test_re2_can_be_demanded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdback.masking.patterns._re2", lambda: None)
    assert Patterns({"A": "a"}).engine == "re"
    with pytest.raises(MaskingError, match="google-re2"):
        Patterns({"A": "a"}, engine="re2")


@pytest.mark.parametrize("engine", ENGINES)
def test_wrong_patterns(engine: Any) -> None:
    with pytest.raises(MaskingError, match="expression of A cannot"):
        Patterns({"A": "(kanarie"}, engine=engine)
    with pytest.raises(MaskingError, match="known are: iban, luhn, phone"):
        Patterns({"A": Pattern("a", "kanarie")}, engine=engine)
    with pytest.raises(MaskingError, match="unknown engine"):
        Patterns({}, engine="pcre")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Patterns(["a"])  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Patterns({1: "a"})  # type: ignore[dict-item]


def test_luhn() -> None:
    for number in ("4111111111111111", "378282246310005", "5555-5555-5555-4444", "6011 1111 1111 1117"):
        assert luhn(number)
        for digit in "0123456789":  # any other last digit is wrong
            assert luhn(number[:-1] + digit) == (digit == number[-1])
    assert not luhn("0000000")


def test_iban() -> None:
    for number in ("GB82 WEST 1234 5698 7654 32", "de89-3704-0044-0532-0130-00", "NO9386011117947"):
        assert iban(number)
        assert not iban(number[:-1] + ("1" if number[-1] != "1" else "2"))
    assert not iban("GB82")
    assert not iban("GB82 WEST 1234 5698 7654 3é")


def test_phone() -> None:
    assert [phone("1" * digits) for digits in (6, 7, 15, 16)] == [False, True, True, False]


# ---------------------------------------------------------------- lists, and what detectors do wrong


@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(0, 9)).map(lambda ends: Span(min(ends), max(ends) + 1, "P"))
    )
)
def test_what_overlaps_is_settled(spans: list[Span]) -> None:
    out = settled(spans)
    assert all(one.end <= two.start for one, two in pairwise(out))
    covered = {at for span in spans for at in range(span.start, span.end)}
    assert {at for span in out for at in range(span.start, span.end)} == covered


def test_the_longest_that_begins_first_wins() -> None:
    assert settled([Span(4, 9, "HOST"), Span(0, 9, "EMAIL"), Span(0, 3, "PERSON")]) == [Span(0, 9, "EMAIL")]
    assert settled([Span(0, 5, "A"), Span(3, 9, "B"), Span(9, 10, "C")]) == [
        Span(0, 9, "A"),
        Span(9, 10, "C"),
    ]


def test_a_list_is_a_detector() -> None:
    both = Detectors([KnownValues({"Ada": "PERSON"}), lambda text: [Span(0, len(text), "ALL")]])
    assert both("to Ada") == [Span(0, 6, "ALL")]
    assert isinstance(both, Detector)
    assert len(Detectors([both, both])) == 4
    with pytest.raises(TypeError, match="callable"):
        Detectors(["Ada"])  # type: ignore[list-item]


def test_spans_are_trimmed() -> None:
    assert spans_of(lambda _: [(0, 6, "P"), (1, 2, "P"), (0, 0, "P")], "  Ada ") == [Span(2, 5, "P")]


@pytest.mark.parametrize(
    "spans", [[(0, 9, "P")], [(-1, 1, "P")], [(2, 1, "P")], [("0", 1, "P")], [(0, 1, 7)], [(0, 1)], 7]
)
def test_wrong_spans(spans: Any) -> None:
    with pytest.raises(MaskingError, match="a detector failed"):
        spans_of(lambda _: spans, "Ada")


def test_an_error_of_a_detector_says_its_type_alone() -> None:
    def broken(text: str) -> list[Span]:
        raise ValueError(text)

    with pytest.raises(MaskingError, match=r"^a detector failed: broken raised ValueError$") as caught:
        spans_of(broken, "kanarie")
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
