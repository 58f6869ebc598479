"""The matcher and the stream buffer: exact, chunk-invariant, minimal hold, the same on both twins."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Mapping
from enum import Enum
from functools import partial
from typing import Any

import chunk_invariance
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracle
import strategies
from conftest import BUILT, TWINS
from holdback import _backend
from holdback.errors import MappingError

pytestmark = pytest.mark.usefixtures("backend")


def streamed(stream: _backend.StreamBuffer, pieces: list[str]) -> str:
    return "".join([*map(stream.feed, pieces), stream.flush()])


def all_pieces(text: str, at_most: int) -> list[list[str]]:
    """Every way to cut ``text`` into at most that many pieces."""
    if at_most == 1:
        return [[text]]
    return [[text[:at], *rest] for at in range(len(text) + 1) for rest in all_pieces(text[at:], at_most - 1)]


# ---------------------------------------------------------------- properties


@given(data=st.data(), case=strategies.pairs_and_text())
def test_every_cutting_gives_what_the_oracle_gives_and_holds_the_minimum(
    data: st.DataObject, case: tuple[dict[str, str], str]
) -> None:
    pairs, text = case
    expected = oracle.restore(pairs, text)
    pieces = data.draw(strategies.cuts(text))
    for name in BUILT:  # both twins see the same case: the fixture alone would draw two
        twin = TWINS[name]
        assert twin is not None
        matcher = twin.TrieMatcher(pairs)
        assert matcher.replace(text) == expected
        assert streamed(matcher.stream(), list(text)) == expected
        stream = matcher.stream()
        left = ""
        for piece in pieces:
            left += stream.feed(piece)
            assert oracle.can_become_a_key(pairs, stream.pending)
        left += stream.flush()
        assert left == expected
        assert stream.pending == ""


@given(data=st.data(), case=strategies.pairs_and_text())
def test_the_twins_agree_after_every_feed(data: st.DataObject, case: tuple[dict[str, str], str]) -> None:
    pairs, text = case
    streams = [twin.TrieMatcher(pairs).stream() for twin in TWINS.values() if twin]
    for piece in data.draw(strategies.cuts(text)):
        assert len({stream.feed(piece) for stream in streams}) == 1
        assert len({stream.pending for stream in streams}) == 1
    assert len({stream.flush() for stream in streams}) == 1


@given(case=strategies.pairs_and_text())
def test_without_a_match_nothing_is_lost_on_the_way(case: tuple[dict[str, str], str]) -> None:
    pairs, text = case
    pairs = {key + "\0": original for key, original in pairs.items()}
    text = oracle.join_halves(text)
    stream = _backend.TrieMatcher(pairs).stream()
    left = ""
    for at, unit in enumerate(text):
        left += stream.feed(unit)
        assert left + stream.pending == text[: at + 1]


@pytest.mark.parametrize(
    ("pairs", "text"),
    [
        ({"Ann": "A", "Anna Lee": "B"}, "hi Anna Lee"),
        ({"Ann": "A", "Anna Lee": "B", "a Lo": "C"}, "An Anna Lo An"),
        ({"<A_1>": "x", "<A_10>": "y"}, "<A_1<A_10>0><"),
        ({"abab": "1", "bab": "2", "b": "3"}, "ababbaabab"),
    ],
)
def test_an_independent_judge_finds_it_chunk_invariant(pairs: dict[str, str], text: str) -> None:
    matcher = _backend.TrieMatcher(pairs)
    restorer = chunk_invariance.per_chunk(
        lambda piece, stream: stream.feed(piece), state=matcher.stream, flush=lambda stream: stream.flush()
    )
    splits: Any = "all" if len(text) <= 12 else 3
    chunk_invariance.assert_chunk_invariant(
        restorer, lambda whole: oracle.restore(pairs, whole), text, splits=splits
    )


# ---------------------------------------------------------------- what is held, and when it leaves


@pytest.mark.parametrize(
    ("pairs", "piece", "leaves", "held"),
    [
        ({"<A>": "x"}, "a < b", "a < b", ""),
        ({"<A>": "x"}, "a <A", "a ", "<A"),
        ({"<A>": "x"}, "a <A>", "a x", ""),
        ({"Ann": "x", "Anna": "y"}, "Ann", "", "Ann"),
        ({"Ann": "x", "Anna": "y"}, "Anna", "y", ""),
        ({"Ann": "x", "Anna": "y"}, "Ann ", "x ", ""),
        ({"aab": "x"}, "aaaa", "aa", "aa"),
        ({"<A>": "x"}, "\ud83d", "", "\ud83d"),
        ({"<A>": "x"}, "<A\ud83d", "", "<A\ud83d"),
        ({"<A>": "x"}, "\ude00\ud83d\ude00!", "\ude00\U0001f600!", ""),
        ({"[[P]]": "x"}, "see [link](url) [[", "see [link](url) ", "[["),
    ],
)
def test_only_what_could_become_a_key_is_held(
    pairs: dict[str, str], piece: str, leaves: str, held: str
) -> None:
    stream = _backend.TrieMatcher(pairs).stream()
    assert (stream.feed(piece), stream.pending) == (leaves, held)


def test_an_original_is_never_read_again() -> None:
    pairs = {"<1>": "<2", "<2>": "no", ">": "never"}
    for pieces in all_pieces("<1>>", 4):
        assert streamed(_backend.TrieMatcher(pairs).stream(), pieces) == "<2never"


def test_surrogate_halves_join_across_a_border_and_alone_are_ordinary() -> None:
    matcher = _backend.TrieMatcher({"\U0001f600": "smile", "\ud83d": "high", "x\ude00": "low"})
    stream = matcher.stream()
    assert [stream.feed(half) for half in ("\ud83d", "\ude00", "\ud83d", "x\ude00")] == [
        "",
        "smile",
        "",
        "highlow",
    ]
    assert matcher.replace("\ud83d") == "high"
    assert matcher.replace("\ud83d\ude00") == "smile"


def test_after_flush_the_buffer_starts_over() -> None:
    stream = _backend.TrieMatcher({"<A>": "x"}).stream()
    assert stream.feed("<A") + stream.flush() == "<A"
    assert stream.flush() == ""
    assert stream.feed(">") + stream.feed("<A>") == ">x"


def test_an_unchanged_text_is_the_same_object() -> None:
    matcher = _backend.TrieMatcher({"<A>": "x"})
    text = "nothing to restore, not even a < b, é or 😀"
    assert matcher.replace(text) is text
    assert matcher.replace(unended := "ends with <"[:]) is unended
    stream = matcher.stream()
    assert stream.feed(text) is text
    stream.feed("<")
    assert stream.feed("A>") == "x"
    assert stream.feed(text) is text


# ---------------------------------------------------------------- sizes


def test_long_keys_many_keys_and_keys_inside_keys() -> None:
    long = "ab" * 50_000
    nested = {"n" * length: str(length) for length in range(1, 400)}
    numbered = {f"<PERSON_{number}>": f"original {number}" for number in range(100_000)}
    assert streamed(_backend.TrieMatcher({long: "x"}).stream(), [long[:70_001], long[70_001:], "ab"]) == "xab"
    assert _backend.TrieMatcher({"\U0001f600" * 100_000: "x"}).longest == 100_000
    assert _backend.TrieMatcher(nested).replace("n" * 1000) == "399399202"
    matcher = _backend.TrieMatcher(numbered)
    assert len(matcher) == 100_000
    assert (
        matcher.replace("<PERSON_99999><PERSON_100000><PERSON_7>")
        == "original 99999<PERSON_100000>original 7"
    )


def test_pops_with_many_keys_settle_in_order() -> None:
    # One long path whose failure settles thousands of keys at once, left to right.
    pairs = {"ab" * 5000 + "!": "never", "ab": "-"}
    assert (
        streamed(_backend.TrieMatcher(pairs).stream(), ["ab" * 2500, "ab" * 2499 + "?"]) == "-" * 4999 + "?"
    )


# ---------------------------------------------------------------- errors, secrecy


class _Text(str):
    """A str subclass that would lie about itself if anyone asked it."""

    __slots__ = ()

    def encode(self, *_: object) -> bytes:
        raise AssertionError("nobody asks")


def test_a_str_subclass_is_read_as_the_text_it_is() -> None:
    matcher = _backend.TrieMatcher({_Text("<\ud83d>"): _Text("x")})
    assert matcher.replace(_Text("a<\ud83d>")) == "ax"


class _Liar(str):
    """A str subclass whose own methods say something else."""

    __slots__ = ()

    def __str__(self) -> str:
        return "lie"

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0

    def __len__(self) -> int:
        return 99

    def isascii(self) -> bool:
        return False

    def startswith(self, *_: Any) -> bool:
        return True


@pytest.mark.parametrize("json", [False, True, "auto"])
def test_a_str_subclass_is_not_asked_what_it_is(json: Any) -> None:
    matcher = _backend.TrieMatcher({_Liar("<P>"): _Liar("Ada")})
    stream = matcher.stream(json=json)
    for text, restored in (
        ("Hi <P>", "Hi Ada"),
        ("Hi", "Hi"),
        ("", ""),
        ("<", "<"),
        ("\ud83d\ude00", "\U0001f600"),
    ):
        given = _Liar(text)
        for found in (matcher.replace(given, json=json), stream.feed(given) + stream.flush()):
            assert "".join(map(chr, map(ord, str.__str__(found)))) == restored
        if str.__str__(given) == restored and restored != "<":
            assert matcher.replace(given, json=json) is given
            assert stream.feed(given) is given
    assert matcher.stream(json=_Liar("auto")).feed("x") == "x"  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["TrieMatcher", "StreamBuffer"])
def test_no_subclass_of_them(name: str) -> None:
    with pytest.raises(TypeError, match=f"^type 'holdback.{name}' is not an acceptable base type$"):
        type("Own", (getattr(_backend, name),), {})


class _Name(str, Enum):  # noqa: UP042 - not StrEnum: `str` of a member is its name here
    KEY = "<P_1>"
    ORIGINAL = "Ada"


def test_a_member_of_an_enumeration_is_read_as_its_value() -> None:
    matcher = _backend.TrieMatcher({_Name.KEY: _Name.ORIGINAL})
    assert matcher.replace("<P_1>") == "Ada"


@pytest.mark.parametrize("flag", [1, None, "yes", []])
def test_a_flag_is_true_or_false(flag: Any) -> None:
    matcher = _backend.TrieMatcher({"<A>": "x"})
    for call in (matcher.stream, partial(matcher.replace, "<A>")):
        given = "another str" if isinstance(flag, str) else type(flag).__name__
        with pytest.raises(TypeError, match=f'^json must be bool or "auto", not {given}$'):
            call(json=flag)
    with pytest.raises(TypeError, match=f"^words must be bool, not {type(flag).__name__}$"):
        _backend.TrieMatcher({"<A>": "x"}, words=flag)


@pytest.mark.parametrize(
    ("pairs", "error", "message"),
    [
        (7, TypeError, "TrieMatcher() takes a mapping of placeholder to original, not int"),
        ([("a", "b")], TypeError, "TrieMatcher() takes a mapping of placeholder to original, not list"),
        ({b"a": "b"}, TypeError, "a placeholder must be str, not bytes"),
        ({"": "b", "a": None}, TypeError, "an original must be str, not NoneType"),
        ({"a": b"secret"}, TypeError, "an original must be str, not bytes"),
        ({"": "b"}, MappingError, "a placeholder must not be empty"),
        ({"\ud83d\ude00": "a", "\U0001f600": "b"}, MappingError, "a placeholder has two originals"),
    ],
)
def test_a_bad_mapping_is_told_where_and_never_what(pairs: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        _backend.TrieMatcher(pairs)
    assert str(caught.value) == message
    assert type(caught.value) is error
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_a_text_is_no_json_source_unless_it_is_said_to_be() -> None:
    matcher = _backend.TrieMatcher({"<A>": '"'})
    for text, json in (('"""', False), (r'"\""', True)):
        assert matcher.replace('"<A>"', json=json) == text
        assert streamed(matcher.stream(json=json), ['"<A>"']) == text
    assert matcher.replace('"<A>"') == streamed(matcher.stream(), ['"<A>"']) == '"""'


@pytest.mark.parametrize("json", [False, True])
def test_a_wrong_argument_is_a_type_error_and_changes_nothing(json: bool) -> None:
    matcher = _backend.TrieMatcher({"<A>": "x"})
    stream = matcher.stream(json=json)
    stream.feed("<A")
    for wrong in (b"secret", None, 7):
        for held in (stream, matcher.stream(json=json)):
            with pytest.raises(TypeError, match=rf"^feed\(\) takes str, not {type(wrong).__name__}$"):
                held.feed(wrong)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match=rf"^replace\(\) takes str, not {type(wrong).__name__}$"):
            matcher.replace(wrong, json=json)  # type: ignore[arg-type]
    assert stream.feed(">") == "x"


def test_repr_shows_counts_and_pickling_is_refused() -> None:
    matcher = _backend.TrieMatcher({"<A>": "secret", "<B\U0001f600>": "secret"})
    stream = matcher.stream()
    stream.feed("<B\U0001f600")
    assert repr(matcher) == "TrieMatcher(keys=2, longest=4)"
    assert repr(stream) == "StreamBuffer(pending=3)"
    for value, message in (
        (matcher, "a TrieMatcher holds originals and is not pickled"),
        (stream, "a StreamBuffer holds text and is not pickled"),
    ):
        for refuse in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match=f"^{message}$"):
                refuse(value)
    with pytest.raises(TypeError, match=r"^a StreamBuffer is made by TrieMatcher.stream\(\)$"):
        _backend.StreamBuffer()


def test_any_mapping_will_do() -> None:
    class Lines(Mapping[str, str]):
        def __getitem__(self, key: str) -> str:
            return {"<A>": "x"}[key]

        def __iter__(self) -> Any:
            return iter(["<A>"])

        def __len__(self) -> int:
            return 1

    assert _backend.TrieMatcher(Lines()).replace("<A>") == "x"
    assert len(_backend.TrieMatcher({})) == _backend.TrieMatcher({}).longest == 0
    assert _backend.TrieMatcher({}).replace("<A>") == "<A>"
