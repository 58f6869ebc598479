"""Attacks and harmless texts, restored with their places minded, and judged by what renderers make of them.

The lists are data: ``attacks.json``, ``harmless.json`` and ``over_keeping.json``, in which ``§`` stands for a
placeholder and ``¦`` for the border between two content blocks. ``docs/policy.md`` lists what is kept without need.
"""

from __future__ import annotations

import importlib
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from holdback.engine import json_places
from holdback.engine import places as pure
from naive_places import AnyPlaces, CopiedPlaces, Restored, restore_blocks, restore_json

pytestmark = pytest.mark.renderers

FOLDER = Path(__file__).parent
PAGE = (FOLDER.parent.parent / "docs" / "policy.md").read_text(encoding="utf-8")
KEYS = ["<PERSON_1>", "[PERSON_1]", "PERSON_1"]
VALUE = "zorblatt7q"
MAIL = "zorblatt7q@mail.example"
BORDER = "¦"
QUIET = "It was a quiet day, and nothing at all happened.\n" * 300 + "\n"


def listed(name: str) -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = json.loads((FOLDER / f"{name}.json").read_text(encoding="ascii"))
    return cases


def every(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in listed(name)])


def made(twin: str) -> CopiedPlaces:
    module: Any = pure if twin == "pure" else importlib.import_module("holdback._native")
    places: CopiedPlaces = module.Places()
    return places


def made_json(twin: str) -> AnyPlaces:
    module: Any = json_places if twin == "pure" else importlib.import_module("holdback._native")
    places: AnyPlaces = module.JsonPlaces()
    return places


def who_sees(text: str, value: str) -> list[str]:
    pytest.importorskip("markdown_it")
    from places.renderers import who_sees as who  # what it imports is in an environment of its own

    return who(text, value)


def restored(twin: str, text: str, key: str, value: str = VALUE, seed: int | None = None) -> Restored:
    cuts = None if seed is None else random.Random(seed)
    return restore_blocks(text.replace("§", key), BORDER, {key: value}, made(twin), cuts=cuts)


def test_the_lists_are_long_and_without_repetitions() -> None:
    for name, least in (("attacks", 80), ("harmless", 60)):
        texts = [case["text"] for case in listed(name)]
        assert len(set(texts)) == len(texts) >= least
        assert all("§" in text for text in texts)
        assert f"{len(texts)} {name.removesuffix('s')}" in PAGE


@every("attacks")
def test_the_attack_is_one(case: dict[str, Any]) -> None:
    blind = case["text"].replace(BORDER, "").replace("§", VALUE)
    assert bool(who_sees(blind, VALUE)) == case["is_real"]


@pytest.mark.parametrize("value", [VALUE, MAIL])
@pytest.mark.parametrize("key", KEYS)
@every("attacks")
def test_no_attack_gets_a_value_out(backend: str, case: dict[str, Any], key: str, value: str) -> None:
    result = restored(backend, case["text"], key, value)
    assert result.kept or (value == MAIL and case.get("mail_is_fine"))
    assert who_sees(result.text, value) == []


@pytest.mark.parametrize("value", [VALUE, MAIL])
@pytest.mark.parametrize("key", KEYS)
@every("harmless")
def test_nothing_harmless_is_kept(backend: str, case: dict[str, Any], key: str, value: str) -> None:
    result = restored(backend, case["text"], key, value)
    assert result.kept == 0
    assert who_sees(result.text, value) == []


@every("over_keeping")
def test_what_is_kept_without_need_is_on_the_page(backend: str, case: dict[str, Any]) -> None:
    assert f"- {case['name']}" in PAGE.replace("\n  ", " ")
    for text in case["texts"]:
        for key in KEYS:
            assert restored(backend, text, key).kept


@pytest.mark.parametrize("name", ["attacks", "harmless", "over_keeping"])
def test_the_same_in_random_cuts_and_behind_long_quiet_text(backend: str, name: str) -> None:
    for number, case in enumerate(listed(name)):
        for text in case.get("texts", [case.get("text")]):
            for key in KEYS:
                whole = restored(backend, text, key)
                assert restored(backend, text, key, seed=number) == whole
                behind = restored(backend, QUIET + text, key, seed=number)
                assert (behind.text, behind.kept) == (QUIET + whole.text, whole.kept)


@every("json")
def test_json_as_it_is_and_each_of_its_strings(backend: str, case: dict[str, Any]) -> None:
    for key in KEYS:
        for seed in range(3):
            source = case["text"].replace("§", key)
            cuts = random.Random(seed)
            result = restore_json(source, {key: VALUE}, made(backend), made_json(backend), cuts=cuts)
            assert bool(result.kept) == case["is_kept"]
            shown = [result.text, *strings(json.loads(result.text))]
            assert [who for text in shown for who in who_sees(text, VALUE)] == []


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


def test_what_no_place_can_see() -> None:
    """What stands behind a value. The page says so; when a renderer links no such text any more, it can go."""
    for text in ("§.com", "<§:x>", "§@evil.example"):
        result = restored("pure", text, KEYS[0])
        assert result.kept == 0
        assert who_sees(result.text, VALUE)


PIECES = [
    *["§"] * 6,
    *" \n<>/=\"'()[]:!?#\\-*_`~&;|",
    *("x", "\n\n", "evil.com/", "http://", "https://e.com/", "www.", "//", "&sol;", "\\\\", "<a ", "<img "),
    *("<p>", "</p>", "<div ", "<pre>", "src=", 'href="', "src='", 'alt="', "title='", 'style="x:url('),
    *("<script>", "</script>", "<style>", "</style>", "<!--", "-->", "](", "[a](", "![a](", "[r]: ", "[r]"),
    *("[^1]: ", "[^1]", "> ", "- ", "1. ", "    ", "url(", "javascript:", "```\n", "**", '">', "'>"),
    *("<iframe ", "<svg>", "<textarea>", "<title>", "<![CDATA[", "]]>", "<?", "<!x ", "/>", "~~", "\t"),
]


@pytest.mark.parametrize("seed", range(20))
def test_random_texts_out_of_both(backend: str, seed: int) -> None:
    """Pieces of attacks and of harmless texts in any order. Behind a placeholder comes a blank: see above."""
    choices = random.Random(seed)
    for _ in range(60):
        text = "".join(choices.choices(PIECES, k=choices.randint(3, 18))).replace("§", "§ ")
        key = choices.choice(KEYS)
        result = restored(backend, text, key, seed=choices.randrange(1 << 30))
        if VALUE in result.text:
            assert who_sees(result.text, VALUE) == [], text
