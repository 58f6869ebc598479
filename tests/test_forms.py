"""What has the form of the placeholders and is none: the same counts on both twins and in any cut."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdback import _backend, _pure
from holdback.engine import forms as known
from holdback.engine.forms import MOST_FORMS, form_of, forms_of

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "vectors" / "forms" / "forms.json").read_text("ascii")
)
BODY = "A-Za-z0-9_"


def cuts(text: str, rng: random.Random) -> Iterator[list[str]]:
    yield [text]
    yield list(text)
    for _ in range(5):
        borders = sorted(rng.randrange(len(text) + 1) for _ in range(rng.randrange(1, 6)))
        yield [text[a:b] for a, b in zip([0, *borders], [*borders, len(text)], strict=True)]


def compiled(twin: str, forms: Any, names: Any, keys: Any) -> Any:
    """Of a matcher that has these keys, which it puts into its order."""
    kind = _backend.Forms if twin == "native" else _pure.Forms
    in_order = [key for key, _ in _backend.TWINS[twin](dict.fromkeys(keys, "Ada"))._pairs()]
    return kind(list(map(tuple, forms)), names, in_order)


def counted(twin: str, forms: Any, pieces: list[str], *, is_json: Any, keys: Any = ()) -> dict[int, int]:
    pairs = dict.fromkeys(keys, "Ada") or {"<": "Ada"}
    buffer = _backend.TWINS[twin](pairs).stream(json=is_json)
    buffer._look_for(forms)
    for piece in pieces:
        buffer.feed(piece)
    buffer.flush()
    return buffer._take_unknown()


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: case["name"])
def test_each_vector_in_any_cut(case: dict[str, Any], backend: str) -> None:
    expected = {int(number): count for number, count in case["counts"].items()}
    firsts = {form[0][:1] or name[:1] for form in case["forms"] for name in case["names"]}
    keys = {*case["keys"], *firsts} - {""}  # any form begins like a key
    forms = compiled(backend, case["forms"], case["names"], keys)
    for pieces in cuts(case["text"], random.Random(case["name"])):
        assert counted(backend, forms, pieces, is_json=case["json"], keys=keys) == expected, pieces


def naive(forms: list[Any], names: list[str], keys: set[str], text: str) -> dict[int, int]:
    """Too simple to be wrong: at each place every form as an expression, the longest first."""
    counts: Counter[int] = Counter()
    at = 0
    while at < len(text):
        best, number = 0, 0
        for opening, separator, is_base32, closing, takes_any in forms:
            run = BODY + re.escape(separator)
            identifier = "[a-z2-7]{10,}" if is_base32 else "[0-9]+"
            other = "[^a-z2-7]" if is_base32 else "[^0-9]"
            found = re.compile(
                rf"{re.escape(opening)}{'' if opening else f'(?<![{BODY}])'}(?=(?P<run>[{run}]+))"
                rf"(?P<name>[A-Za-z](?:[{run}]*[A-Za-z0-9])?)(?P<sep>{re.escape(separator)})(?<={other})"
                rf"{identifier}(?![{run}]*[A-Za-z0-9]){re.escape(closing)}{'' if closing else '(?!_)'}"
            ).match(text, at)
            if found is None or len(found["run"]) > 64:
                continue
            name = found["name"]
            if name not in names and not (takes_any and name.upper() == name):
                continue
            if len(found[0]) > best:
                best = len(found[0])
                number = names.index(name) if name in names else len(names)
        if best and text[at : at + best] not in keys:
            counts[number] += 1
        at += best or 1
    return dict(counts)


FORMS = st.lists(
    st.tuples(
        st.sampled_from(["<", "<<", "[", "", "<_"]),
        st.sampled_from(["_", "-", " "]),
        st.booleans(),
        st.sampled_from([">", ">>", "]", "", " >"]),
        st.booleans(),
    ),
    max_size=3,
    unique=True,
)
TEXTS = st.lists(
    st.sampled_from(
        [
            "<",
            ">",
            "[",
            "]",
            "_",
            "-",
            " ",
            "A",
            "AB",
            "b",
            "1",
            "23",
            "A_1",
            "<A_1>",
            "<AB_2>",
            "abcdefghij",
            "é",
        ]
    ),
    max_size=24,
).map("".join)


@given(FORMS, TEXTS, st.randoms(use_true_random=False))
def test_twins_and_cuts_agree_with_a_naive_reading(forms: Any, text: str, rng: random.Random) -> None:
    names, keys = ["A", "b"], ["<A_1>", "A-1", "<", "[", "A", "b"]
    expected = naive(forms, names, set(keys), text)
    for twin in _backend.TWINS:
        made = compiled(twin, forms, names, keys)
        for is_json in (False, True):
            for pieces in cuts(text, rng):
                assert counted(twin, made, pieces, is_json=is_json, keys=keys) == expected


@given(
    st.sampled_from([True, "auto"]),
    st.sampled_from(['{"a":"', "", "```\n{", "[", '[{"a":"']),
    st.lists(
        st.sampled_from(
            ["<", "\\u003c", "A_", "\\u0041", "1", ">", "\\", '"', "\\n", "u", "\\ud83d", "`", "{", "<A_2>"]
        ),
        max_size=16,
    ),
    st.randoms(use_true_random=False),
)
def test_twins_and_cuts_agree_on_json_source(
    is_json: Any, begin: str, pieces: list[str], rng: random.Random
) -> None:
    text, keys = begin + "".join(pieces), ["<A_2>", "A_1", "{{A_1"]
    forms = [("<", "_", False, ">", True), ("", "_", False, "", False)]
    found = [
        counted(twin, compiled(twin, forms, ["A"], keys), cut, is_json=is_json, keys=keys)
        for twin in _backend.TWINS
        for cut in cuts(text, rng)
    ]
    assert all(one == found[0] for one in found)


@pytest.mark.parametrize(
    ("key", "form"),
    [
        ("<PERSON_1>", ("PERSON", ("<", "_", False, ">", True))),
        ("[PERSON_1]", ("PERSON", ("[", "_", False, "]", True))),
        ("{{NAME_3}}", ("NAME", ("{{", "_", False, "}}", True))),
        ("<US_SSN_12>", ("US_SSN", ("<", "_", False, ">", True))),
        ("<PERSON_7k2qm4xc3t>", ("PERSON", ("<", "_", True, ">", True))),
        ("<person_1>", ("person", ("<", "_", False, ">", False))),
        ("&lt;PERSON_1&gt;", ("PERSON", ("&lt;", "_", False, "&gt;", True))),
        ("%3CPERSON_1%3E", ("PERSON", ("%3C", "_", False, "%3E", True))),
        (r"\<PERSON\_1\>", ("PERSON", ("\\<", "\\_", False, "\\>", True))),
        ("<PERSON_1:3fa9c2>", ("PERSON", ("<", "_", False, ":3fa9c2>", True))),
        ("PERSON_1", ("PERSON", ("", "_", False, "", False))),
        ("[Person 1]", ("Person", ("[", " ", False, "]", False))),
        ("Zorp Glax", None),
        ("zorp2@mail.example", None),
        ("+49 30 1234", None),
        ("<PERSON>", None),
        ("user1", None),
        ("1", None),
        (" A_1", None),
        ("A" * 500 + "_1", None),
    ],
)
def test_the_form_of_a_key(key: str, form: Any) -> None:
    assert form_of(key) == form


@given(st.text(st.sampled_from("<>[_A1b :#\\&lt;%3C-é"), min_size=1, max_size=14))
def test_a_key_is_of_its_own_form(key: str) -> None:
    if (found := form_of(key)) is not None:
        name, form = found
        for twin in _backend.TWINS:
            assert counted(twin, compiled(twin, [form], [name], []), [key], is_json=False, keys=[key]) == {
                0: 1
            }
            assert (
                counted(twin, compiled(twin, [form], [name], [key]), [key], is_json=False, keys=[key]) == {}
            )


@pytest.mark.parametrize("others", ["bcde", "bcdefghij"])
@pytest.mark.parametrize("is_json", [False, True, "auto"])
@pytest.mark.parametrize(
    "text", ["hi <IBAN_1> ho", "h\u00e9 <IBAN_1>", '{"a": "h\u00e9 <IBAN_1>"}', "<A_2> <IBAN_1>"]
)
def test_a_name_that_begins_like_no_key(backend: str, others: str, is_json: Any, text: str) -> None:
    """Keys that begin with many characters are looked for by more than the first."""
    matcher = _backend.TWINS[backend](dict.fromkeys(["<A_1>", *(other * 2 for other in others)], "Ada"))
    buffer = matcher.stream(json=is_json)
    buffer._look_for(forms_of(matcher).compiled)
    for _ in range(3):
        buffer.feed(text)
    assert buffer._take_unknown()[1] == 3


def test_forms_are_derived_once_for_a_matcher_and_go_with_it(backend: str) -> None:
    matcher = _backend.TrieMatcher({"<PERSON_1>": "Ada"})
    assert forms_of(matcher) is forms_of(matcher)
    before = len(known._KNOWN)
    del matcher
    assert len(known._KNOWN) == before - 1


def test_as_many_forms_as_are_looked_for(backend: str) -> None:
    pairs = {f"<A_1:{number:03}>": "Ada" for number in range(3 * MOST_FORMS)}
    matcher = _backend.TrieMatcher(pairs)
    buffer = matcher.stream()
    buffer._look_for(forms_of(matcher).compiled)
    buffer.feed("".join(f"<A_2:{number:03}>" for number in range(3 * MOST_FORMS)))
    assert buffer._take_unknown() == {0: MOST_FORMS}
