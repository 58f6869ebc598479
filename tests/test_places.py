"""Places: ``tests/vectors/places/places.json`` on both twins, and the twins against each other on anything.

The Rust core reads the same file (``cargo test``). It is a JSON object in ASCII::

    {"places": [{"name": str, "chunks": [str, ...], "in_address": [bool, ...], "address": [str | null, ...]}, ...],
     "json": [{"name": str, "chunks": [str, ...], "in_address": [bool, ...]}, ...],
     "rules": [{"name": str, "hosts": [str, ...], "text": str, "value": str, "keeps": bool}, ...]}

with one entry of ``in_address`` and ``address`` per chunk: what holds behind it.
"""

from __future__ import annotations

import importlib
import json
import pickle
from pathlib import Path
from typing import Any, TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdback.engine import places as pure
from holdback.engine.addresses import AllowedHost, parse_host
from holdback.engine.json_places import JsonPlaces

FILE: Any = json.loads(
    (Path(__file__).parent / "vectors" / "places" / "places.json").read_text(encoding="ascii")
)


class Place(TypedDict):
    name: str
    chunks: list[str]
    in_address: list[bool]
    address: list[str | None]


class Source(TypedDict):
    name: str
    chunks: list[str]
    in_address: list[bool]


class Rule(TypedDict):
    name: str
    hosts: list[str]
    text: str
    value: str
    keeps: bool


def named(cases: list[Any]) -> list[Any]:
    return [pytest.param(case, id=case["name"]) for case in cases]


every_place = pytest.mark.parametrize("place", named(FILE["places"]))
every_rule = pytest.mark.parametrize("rule", named(FILE["rules"]))


def made(twin: str, hosts: tuple[AllowedHost, ...] = ()) -> pure.Places:
    if twin == "pure":
        return pure.Places(hosts)
    native: Any = importlib.import_module("holdback._native")
    places: pure.Places = native.Places(hosts)
    return places


def allowed(hosts: list[str]) -> tuple[AllowedHost, ...]:
    return tuple(host for host in map(parse_host, hosts) if host is not None)


@every_place
def test_places(backend: str, place: Place) -> None:
    places = made(backend)
    seen = []
    for chunk in place["chunks"]:
        places.feed(chunk)
        seen.append((places.in_address, places.address))
    assert seen == list(zip(place["in_address"], place["address"], strict=True))


@every_place
def test_places_whole_and_one_character_at_a_time(backend: str, place: Place) -> None:
    whole, single = made(backend), made(backend)
    text = "".join(place["chunks"])
    whole.feed(text)
    for character in text:
        single.feed(character)
    expected = (place["in_address"][-1], place["address"][-1])
    assert (whole.in_address, whole.address) == (single.in_address, single.address) == expected


@every_place
def test_places_behind_long_quiet_text(backend: str, place: Place) -> None:
    places = made(backend)
    places.feed("Nothing to see here, nothing at all.\n" * 100 + "\n")
    places.feed("".join(place["chunks"]))
    assert places.in_address == place["in_address"][-1]


@every_rule
def test_rules(backend: str, rule: Rule) -> None:
    hosts = allowed(rule["hosts"])
    assert len(hosts) == len(rule["hosts"])
    places = made(backend, hosts)
    places.feed(rule["text"])
    assert places.keeps(rule["value"]) == rule["keeps"]


every_json = pytest.mark.parametrize("source", named(FILE["json"]))


def made_json(twin: str, hosts: tuple[AllowedHost, ...] = ()) -> JsonPlaces:
    if twin == "pure":
        return JsonPlaces(hosts)
    native: Any = importlib.import_module("holdback._native")
    places: JsonPlaces = native.JsonPlaces(hosts)
    return places


@every_json
def test_json(backend: str, source: Source) -> None:
    places = made_json(backend)
    seen = []
    for chunk in source["chunks"]:
        places.feed(chunk)
        seen.append(places.in_address)
    assert seen == source["in_address"]
    single = made_json(backend)
    for character in "".join(source["chunks"]):
        single.feed(character)
    assert single.in_address == seen[-1]


def test_json_takes_the_same_rules(backend: str) -> None:
    places = made_json(backend, allowed(["example.org"]))
    places.feed('{"a": "https:\\/\\/example.org\\/')
    assert places.in_address
    assert not places.keeps("Ada")
    places.feed('", "b": "https://evil.example/')
    assert places.keeps("Ada")


JSON_PIECES = [
    "http://",
    "\\",
    "\\\\",
    '"',
    '\\"',
    "\\/",
    "\\n",
    "\\u",
    "003a",
    "\\u003c",
    "\\ud800",
    "/",
    "中",
    " ",
    "a",
    "{",
]


@given(st.lists(st.sampled_from(JSON_PIECES), max_size=20))
def test_twins_agree_on_json_in_any_cut(pieces: list[str]) -> None:
    pytest.importorskip("holdback._native")
    first, second = made_json("pure"), made_json("native")
    for piece in pieces:
        first.feed(piece)
        second.feed(piece)
        assert (first.in_address, first.keeps("a@b")) == (second.in_address, second.keeps("a@b"))
    whole = made_json("pure")
    whole.feed("".join(pieces))
    assert whole.in_address == first.in_address


@given(st.lists(st.text(st.sampled_from("<a=\"http:/ \\\n中'>"), max_size=12), max_size=4), st.booleans())
def test_json_reads_each_string_as_if_it_were_alone(backend: str, texts: list[str], ascii_only: bool) -> None:
    source = json.dumps(texts, ensure_ascii=ascii_only)
    places, at = made_json(backend), 0
    for text in texts:
        end = source.index('"', at) + 1 + len(json.dumps(text, ensure_ascii=ascii_only)) - 2
        places.feed(source[at:end])
        alone = made(backend)
        alone.feed(text)
        assert places.in_address == alone.in_address
        at = end + 1
        places.feed('"')


def test_not_pickled(backend: str) -> None:
    for places in (made(backend), made_json(backend)):
        with pytest.raises(TypeError, match="holds text and is not pickled"):
            pickle.dumps(places)


PIECES = [
    *" \n\r\t\v\f<>/=\"'()[]:!?#.\\-*^&;%@1aA_é中ſ\ud800\udc00",
    *("http://", "https://ok.org/", "a.w.org", "p.org/wiki/", "www.", "x.yz", "mailto:", "tel:", "data:"),
    *("<a href=", '<img src="', "<script>", "</script>", "<style>", "<!--", "-->", "](", "](<", "url("),
    *("[x]: ", "[^1]: ", "\n\n", "..", "%2e", "1.2.3.4", "a" * 70, "中" * 63),
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=25)
VALUES = ["Ada", "ada@ok.org", "+44 20", "https://ok.org/x", "../x", "a\tb", "\ud800"]
HOSTS = allowed(["ok.org", "*.w.org", "p.org/wiki/"])
Seen = tuple[bool, str | None, list[bool]]


def seen(places: pure.Places) -> Seen:
    return places.in_address, places.address, [places.keeps(value) for value in VALUES]


@given(TEXTS)
def test_twins_agree_after_every_piece(pieces: list[str]) -> None:
    pytest.importorskip("holdback._native")
    first, second = made("pure", HOSTS), made("native", HOSTS)
    for piece in pieces:
        first.feed(piece)
        second.feed(piece)
        assert seen(first) == seen(second)


@given(TEXTS, st.data())
def test_the_same_in_any_cut(backend: str, pieces: list[str], data: st.DataObject) -> None:
    text = "".join(pieces)
    whole, cut = made(backend, HOSTS), made(backend, HOSTS)
    whole.feed(text)
    borders = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    for start, end in zip([0, *borders], [*borders, len(text)], strict=True):
        cut.feed(text[start:end])
    assert seen(cut) == seen(whole)


@given(TEXTS, TEXTS)
def test_a_copy_goes_on_by_itself(backend: str, before: list[str], behind: list[str]) -> None:
    first, expected = made(backend, HOSTS), made(backend, HOSTS)
    first.feed("".join(before))
    stood = seen(first)
    second = first.copy()
    second.feed("".join(behind))
    expected.feed("".join(before + behind))
    assert seen(second) == seen(expected)
    assert seen(first) == stood


@given(TEXTS, TEXTS)
def test_reset_begins_anew_with_the_same_hosts(backend: str, before: list[str], behind: list[str]) -> None:
    places, expected = made(backend, HOSTS), made(backend, HOSTS)
    places.feed("".join(before))
    places.reset()
    places.feed("".join(behind))
    expected.feed("".join(behind))
    assert seen(places) == seen(expected)


@pytest.mark.parametrize(
    "text", ["a", "[a](a", '<a b="', "[aaa", "http://a", "<script>", "((((", "](](", "\\"]
)
def test_memory_is_bounded(text: str) -> None:
    places = made("pure")
    places.feed(text * 5000)
    held = [getattr(places, name) for name in pure.Places.__slots__]
    assert max(len(value) for value in held if isinstance(value, str)) <= max(pure.TAIL, pure.LONGEST)


def test_no_value_in_a_repr(backend: str) -> None:
    places = made(backend)
    places.feed("[a](Zorblatt")
    assert "Zorblatt" not in repr(places)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("example.org", ("example.org", False, "")),
        ("Example.ORG", ("example.org", False, "")),
        ("*.example.org", ("example.org", True, "")),
        ("example.com/Wiki/", ("example.com", False, "/Wiki/")),
        ("localhost", ("localhost", False, "")),
        ("10.0.0.1", ("10.0.0.1", False, "")),
        ("", None),
        ("*", None),
        ("*.", None),
        ("a.*.org", None),
        (".org", None),
        ("a..org", None),
        ("a_b.org", None),
        ("-a.org", None),
        ("https://example.org", None),
        ("user@example.org", None),
        ("example.org:443", None),
        ("example.org?q", None),
        ("example.org/a b", None),
        ("example.org/%2e/", None),
        ("example.org/../", None),
        ("example.org\\", None),
        ("b\u00fccher.example", None),
        ("\u212aelvin.example", None),
        ("example.org\n", None),
    ],
)
def test_what_is_a_host(text: str, expected: tuple[str, bool, str] | None) -> None:
    assert parse_host(text) == expected
