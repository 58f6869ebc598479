"""Spellings: what a model makes of a placeholder is restored, and never to somebody else's value."""

from __future__ import annotations

import copy
import html
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from holdback import (
    ChunkRestorer,
    DeanonymizationConfig,
    PIIMapping,
    StreamingHandler,
    TrieMatcher,
    WireRestorer,
    _backend,
    restore_answer,
    spellings,
)
from holdback.config import matches_words, spellings_of
from holdback.mapping import matcher_for, matcher_of
from holdback.spellings import FORMS, USUAL
from oracle import join_halves
from streams import Upstream, events, restore, say
from tolerance import REWRITES

PAGE = Path(__file__).parent.parent / "docs" / "spellings.md"

# ---------------------------------------------------------------- what is added


@pytest.mark.parametrize(
    ("form", "spelled", "original"),
    [
        ("html", "&lt;PERSON_1&gt;", "A&amp;B &lt;c&gt;"),
        ("html", "&#60;PERSON_1&#62;", "A&amp;B &lt;c&gt;"),
        ("markdown", r"\<PERSON\_1\>", "A&B <c>"),
        ("markdown", r"<PERSON\_1>", "A&B <c>"),
        ("markdown", r"\<PERSON_1\>", "A&B <c>"),
        ("url", "%3CPERSON_1%3E", "A%26B%20%3Cc%3E"),
        ("url", "%3cPERSON_1%3e", "A%26B%20%3Cc%3E"),
        ("case", "<person_1>", "A&B <c>"),
        ("case", "<Person_1>", "A&B <c>"),
        ("space", "< PERSON_1 >", "A&B <c>"),
        ("space", "<PERSON 1>", "A&B <c>"),
        ("space", "<PERSON-1>", "A&B <c>"),
        ("width", "\uff1cPERSON_1\uff1e", "A&B <c>"),
        ("bare", "PERSON_1", "A&B <c>"),
    ],
)
def test_each_form_by_itself(backend: str, form: str, spelled: str, original: str) -> None:
    pairs = spellings({"<PERSON_1>": "A&B <c>", "<PERSON_10>": "other"}, [form])
    assert pairs[spelled] == original
    assert pairs["<PERSON_1>"] == "A&B <c>"
    matcher = _backend.TrieMatcher(pairs, words=form == "bare")
    assert matcher.replace(f"({spelled})") == f"({original})"
    assert all(form in FORMS and pairs[other] in ("A&B <c>", "other", original) for other in pairs)


def test_other_keys_and_forms_of_them() -> None:
    pairs = spellings(
        {"Zorp Glax": "Ada", "[[P_1]]": "Bo", "{{name_2}}": "Cy", "<FIRST_NAME_3>": "Di"}, FORMS
    )
    for spelled, original in {
        "zorp glax": "Ada",
        "ZORP GLAX": "Ada",
        "Zorp%20Glax": "Ada",
        r"\[\[P\_1\]\]": "Bo",
        "[[ P_1 ]]": "Bo",
        "{{NAME_2}}": "Cy",
        "name_2": "Cy",
        "<First_Name_3>": "Di",
        "<First_name_3>": "Di",
        "<FIRST NAME 3>": "Di",
    }.items():
        assert pairs[spelled] == original
    assert "P_1" not in pairs  # too short to mean one


def test_the_usual_forms_are_all_but_the_bare_one() -> None:
    assert {*USUAL} == {*FORMS} - {"bare"}
    pairs = {"<PERSON_1>": "Ada"}
    assert spellings(pairs) == spellings(pairs, USUAL)
    assert "PERSON_1" not in spellings(pairs)
    assert spellings(pairs, []) == pairs


def test_a_bare_form_does_not_match_in_another() -> None:
    pairs = {f"<PERSON_{number}>": f"[{number}]" for number in range(30)}
    matcher = TrieMatcher(spellings(pairs, ["bare"]), words=True)
    assert matcher.replace("PERSON_1, PERSON_10; PERSON_100 MY_PERSON_1 <PERSON_1>") == (
        "[1], [10]; PERSON_100 MY_PERSON_1 [1]"
    )


# ---------------------------------------------------------------- what is not


def test_no_guess() -> None:
    pairs = {
        "<A_1>": "Ada",
        "<a_1>": "Bo",
        "<PERSON>": "Cy",
        "<B_1>": "x",
        "<c 1>": "Di",
        "<c-1>": "Ed",
        "<c_1>": "Fa",
    }
    spelled = spellings(pairs, FORMS)
    assert {key: spelled[key] for key in pairs} == pairs
    assert "PERSON" not in spelled  # an ordinary word
    assert "B_1" not in spelled  # too short
    assert spelled["<C_1>"] == "Fa"
    assert spellings.left_out(pairs, ["bare"]) == {"bare": 7}
    assert spellings.left_out({"<A_1>": "Ada", "<b_1>": "Bo"}) == {}
    assert set(spellings.left_out(pairs, FORMS)) <= set(FORMS)


def test_what_two_originals_would_share_is_left_out() -> None:
    pairs = {"<Ab_1>": "Ada", "<aB_1>": "Bo"}
    spelled = spellings(pairs, ["case"])
    assert "<ab_1>" not in spelled
    assert "<AB_1>" not in spelled
    assert spelled == pairs
    assert spellings.left_out(pairs, ["case"]) == {
        "case": 5
    }  # two in small, two in large, one that is a placeholder
    same = {"<Ab_1>": "Ada", "<aB_1>": "Ada"}
    assert spellings(same, ["case"])["<ab_1>"] == "Ada"
    assert spellings.left_out(same, ["case"]) == {}


KEYS = st.text(st.sampled_from("<>[]aAbB_ -12\\%&\ue000é"), min_size=1, max_size=6)


@given(
    pairs=st.dictionaries(KEYS, st.sampled_from(["Ada", "Bo", "a<b>"]), max_size=5),
    forms=st.sets(st.sampled_from([*FORMS])),
)
def test_nothing_is_restored_to_somebody_else(pairs: dict[str, str], forms: set[str]) -> None:
    spelled = spellings(pairs, forms)
    assert {key: spelled[key] for key in pairs} == pairs
    owners: dict[str, set[str]] = {}
    for key, original in pairs.items():  # each key by itself, where nothing collides
        for one in spellings({key: original}, forms):
            owners.setdefault(one, set()).add(original)
    for one, original in spelled.items():
        values = {original, html.unescape(original), unquote(original)}
        assert one in pairs or (len(owners[one]) == 1 and owners[one] <= values)
    for one, originals in owners.items():
        assert (one in spelled) == (one in pairs or len(originals) == 1)
    assert len(TrieMatcher(spelled)) == len({join_halves(one) for one in spelled})


@pytest.mark.parametrize(
    ("forms", "error", "message"),
    [
        ("html", TypeError, "forms are the names of forms, not one str"),
        (["fuzzy"], ValueError, "there is no such form of spelling: the forms are html, markdown"),
    ],
)
def test_a_wrong_form_is_told(forms: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^{message}"):
        spellings({"<P_1>": "secret"}, forms)


def test_a_wrong_type_is_told_and_never_what() -> None:
    with pytest.raises(TypeError, match=r"^a placeholder and its original must be str, not bytes$"):
        spellings({"<P_1>": b"secret"})  # type: ignore[dict-item]


# ---------------------------------------------------------------- in a config


def test_a_config_asks_for_them(backend: str) -> None:
    pairs = {"<PERSON_1>": "Ada"}
    asking: list[Any] = [
        DeanonymizationConfig(spellings=True),
        DeanonymizationConfig(spellings=("case",)),
        DeanonymizationConfig.model_validate({"spellings": ["case", "html"]}),
        SimpleNamespace(enabled=True, spellings=["case"]),
    ]
    answer = {"object": "chat.completion", "choices": [{"index": 0, "message": {"content": "<person_1>"}}]}
    for config in asking:
        assert restore([say("hi <person_1>")], pairs, config) == [say("hi Ada")]
        assert restore_answer(answer, pairs, config)["choices"][0]["message"]["content"] == "Ada"
    silent: list[Any] = [
        None,
        DeanonymizationConfig(),
        SimpleNamespace(enabled=True),
        SimpleNamespace(enabled=True, spellings=None),
    ]
    for config in silent:
        assert restore([say("hi <person_1>")], pairs, config) == [say("hi <person_1>")]


def test_the_bare_form_turns_whole_words_on(backend: str) -> None:
    assert matches_words(DeanonymizationConfig(spellings=("bare",)))
    assert not matches_words(DeanonymizationConfig(spellings=True))
    assert matches_words(SimpleNamespace(enabled=True, words=True))
    restorer = ChunkRestorer({"<PERSON_1>": "Ada"}, DeanonymizationConfig(spellings=("bare",)))
    out = [chunk for text in ("PERSON_1", "0 PERSON_1", ".") for chunk in restorer.feed(say(text))]
    assert "".join(chunk["choices"][0]["delta"]["content"] for chunk in out) == "PERSON_10 Ada."


def test_whole_words_by_the_config(backend: str) -> None:
    config = DeanonymizationConfig(words=True)
    out = restore([say("Annual Ann"), say("!")], {"Ann": "Eve"}, config)
    assert "".join(chunk["choices"][0]["delta"]["content"] for chunk in out) == "Annual Eve!"
    wire = WireRestorer({"<A_1>": "Eve"}, DeanonymizationConfig(spellings=True))
    event = b'data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"&lt;A_1&gt;"}}]}\n\n'
    assert wire.feed(event) + wire.flush() == event.replace(b"&lt;A_1&gt;", b"Eve")


def test_compiled_once_per_mapping_and_options(backend: str) -> None:
    mapping = PIIMapping()
    mapping.add("Ada", "<PERSON_1>", "PERSON")
    plain, cased = mapping.matcher(), mapping.matcher(DeanonymizationConfig(spellings=("case",)))
    assert (
        matcher_of(mapping)
        is matcher_for(mapping, None)
        is matcher_for(mapping, DeanonymizationConfig())
        is plain
    )
    assert matcher_for(mapping, SimpleNamespace(enabled=True, spellings=["case"])) is cased
    assert mapping.matcher(DeanonymizationConfig(words=True)) is not plain
    assert copy.copy(mapping).matcher() is plain
    assert (plain.replace("<person_1>"), cased.replace("<person_1>")) == ("<person_1>", "Ada")
    mapping.add("Bo", "<PERSON_2>", "PERSON")
    assert mapping.matcher(DeanonymizationConfig(spellings=("case",))).replace("<person_2>") == "Bo"
    assert matcher_of(plain, DeanonymizationConfig(spellings=True)) is plain  # a matcher is used as it is


@pytest.mark.parametrize(
    "wrong",
    [
        {"spellings": ("fuzzy",)},
        {"spellings": "case"},
        {"spellings": 7},
        {"content": "xml"},
        {"words": "maybe"},
    ],
)
def test_a_setting_that_means_nothing_is_an_error(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        DeanonymizationConfig(**wrong)


def test_a_foreign_config_with_unknown_forms_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"^there is no such form of spelling"):
        spellings_of(SimpleNamespace(spellings=["fuzzy"]))


# ---------------------------------------------------------------- the page


def table() -> str:
    """The documentation's table, from the table of forms."""
    rows = ["| form | `<PERSON_1>` is written | the original is put in | seen in |", "|---|---|---|---|"]
    for name, form in FORMS.items():
        examples = ", ".join(f"`{example}`" for example in form.examples)
        rows.append(f"| `{name}` | {examples} | {form.original} | {form.seen} |")
    return "\n".join(rows)


def test_the_page_has_the_table_of_forms() -> None:
    assert table() in PAGE.read_text(encoding="utf-8")


WAYS = {name: rewrite for name, rewrite in REWRITES.items() if name != "other"}


def survivors(style: str) -> str:
    """A row of the page: in how many of the ways that a model rewrites this one it is restored."""
    pairs, counts = {style: "Ada"}, []
    for forms, words in (((), False), (USUAL, False), (FORMS, True)):
        matcher = _backend.TrieMatcher(spellings(pairs, forms), words=words)
        counts.append(sum(matcher.replace(f"a {rewrite(style)} b") == "a Ada b" for rewrite in WAYS.values()))
    return f"| `{style}` | {' | '.join(map(str, counts))} |"


@pytest.mark.parametrize("style", ["<PERSON_1>", "[PERSON_1]", "{PERSON_1}", "PERSON_1", "Zorp Glax"])
def test_the_page_says_which_style_survives(backend: str, style: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert survivors(style) in page
    assert len(WAYS) == 13
    assert "in thirteen ways" in page


@pytest.mark.parametrize("name", FORMS)
def test_every_example_of_the_table_is_made(name: str) -> None:
    pairs = spellings({"<PERSON_1>": "Ada"}, [name])
    assert {*FORMS[name].examples} <= pairs.keys()


async def test_the_handler_takes_the_config_too(backend: str) -> None:
    upstream = Upstream([say("hi <person_1>")])
    config = DeanonymizationConfig(spellings=True)
    stream = StreamingHandler.stream_response(upstream, {"<PERSON_1>": "Ada"}, config)
    assert events([event async for event in stream]) == [say("hi Ada")]
