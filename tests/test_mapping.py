"""PIIMapping, and every other kind of mapping."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any

import pytest

from holdback import ChunkRestorer, PIIMapping, StreamingDeAnonymizer, StreamingHandler, TrieMatcher, _backend
from holdback.errors import MappingError
from holdback.mapping import matcher_of
from streams import Upstream, chat, heard, restore, say

SECRET = "Zorp-Glax-original"
FAKE = "<SECRETFAKE_1>"


class Foreign:
    """A mapping of another project."""

    def __init__(self, pairs: Any) -> None:
        self.pairs = pairs
        self.asked = 0

    def get_all_fakes(self) -> Any:
        self.asked += 1
        return self.pairs


def filled(*pairs: tuple[str, str]) -> PIIMapping:
    mapping = PIIMapping()
    for original, fake in pairs:
        mapping.add(original, fake, "PERSON")
    return mapping


def test_it_answers_both_ways() -> None:
    mapping = filled(("Ada", "<P_1>"), ("Bo", "<P_2>"))
    mapping.add("a@b.c", "<E_1>", "EMAIL")
    assert (mapping.get_fake("Bo"), mapping.get_original("<E_1>")) == ("<P_2>", "a@b.c")
    assert mapping.get_all_fakes() == {"<P_1>": "Ada", "<P_2>": "Bo", "<E_1>": "a@b.c"}
    assert (mapping.get_entity_type("a@b.c"), mapping.get_entity_type("?")) == ("EMAIL", None)
    assert (mapping.get_fake("?"), mapping.get_original("?")) == (None, None)
    assert (mapping.count, mapping.is_empty) == (3, False)


def test_empty() -> None:
    mapping = PIIMapping()
    assert (mapping.count, mapping.is_empty, mapping.get_all_fakes()) == (0, True, {})
    assert matcher_of(mapping) is None


def test_all_fakes_are_a_copy() -> None:
    mapping = filled(("Ada", "<P_1>"))
    mapping.get_all_fakes()["<P_1>"] = "Bo"
    assert mapping.get_original("<P_1>") == "Ada"


def test_the_same_pair_again_changes_nothing() -> None:
    mapping = filled(("Ada", "<P_1>"), ("Ada", "<P_2>"))
    matcher = mapping.matcher()
    mapping.add("Ada", "<P_1>", "OTHER")
    assert (mapping.get_fake("Ada"), mapping.get_entity_type("Ada"), mapping.count) == ("<P_2>", "PERSON", 1)
    assert mapping.matcher() is matcher


def test_an_original_may_have_several_fakes() -> None:
    mapping = filled(("Ada", "<P_1>"), ("Ada", "<P_2>"))
    assert mapping.get_fake("Ada") == "<P_2>"
    assert mapping.matcher().replace("<P_1> <P_2>") == "Ada Ada"


def test_an_empty_original_is_legal(backend: str) -> None:
    assert restore([say("a<P_1>b")], filled(("", "<P_1>"))) == [say("ab")]


@pytest.mark.parametrize(
    ("original", "fake"),
    [(SECRET, ""), (SECRET, "<P_1>"), ("Other", FAKE)],
    ids=["empty", "taken", "taken secret"],
)
def test_a_bad_pair_is_an_error_that_names_neither(original: str, fake: str) -> None:
    mapping = filled(("Ada", "<P_1>"), ("Bo", FAKE))
    before = mapping.get_all_fakes()
    with pytest.raises(MappingError) as caught:
        mapping.add(original, fake, "PERSON")
    assert isinstance(caught.value, ValueError)
    for word in (SECRET, FAKE, "<P_1>", "Other"):
        assert word not in repr(caught.value)
    assert mapping.get_all_fakes() == before


@pytest.mark.parametrize("position", [0, 1, 2])
def test_a_wrong_type_is_an_error_that_names_the_argument(position: int) -> None:
    arguments: list[Any] = [SECRET, FAKE, "PERSON"]
    arguments[position] = [SECRET]
    with pytest.raises(TypeError, match=r"^(original|fake|entity_type) must be str, not list$"):
        PIIMapping().add(*arguments)


@pytest.mark.parametrize("asked", [5, None, [], b"x"])
def test_a_wrong_question_is_a_type_error_too(asked: Any) -> None:
    mapping = filled(("Ada", "<P_1>"))
    for ask in (mapping.get_fake, mapping.get_original, mapping.get_entity_type):
        with pytest.raises(TypeError, match=r"^(original|fake) must be str, not "):
            ask(asked)


def test_members_of_an_enumeration_are_their_values(backend: str) -> None:
    class Name(str, Enum):  # noqa: UP042 - not StrEnum: `str` of a member is its name here
        ORIGINAL = "Ada"
        FAKE = "<P_1>"

    mapping = filled((Name.ORIGINAL, Name.FAKE))
    assert mapping.get_all_fakes() == {"<P_1>": "Ada"}
    assert mapping.get_original(Name.FAKE) == mapping.matcher().replace("<P_1>") == "Ada"


def test_surrogate_halves_are_the_character_they_spell(backend: str) -> None:
    mapping = filled(("Ada", "\ud83d\ude00"))
    with pytest.raises(MappingError):
        mapping.add("Bo", "😀", "PERSON")
    mapping.add("Ada", "😀", "PERSON")  # the same pair
    assert mapping.get_all_fakes() == {"😀": "Ada"}
    assert mapping.get_original("😀") == mapping.get_original("\ud83d\ude00") == "Ada"
    assert mapping.matcher().replace("\ud83d\ude00") == "Ada"


def test_repr_and_str_show_a_count_only() -> None:
    mapping = filled((SECRET, FAKE))
    assert repr(mapping) == str(mapping) == "PIIMapping(count=1)"


def test_it_is_not_pickled() -> None:
    with pytest.raises(TypeError, match="personal data") as caught:
        pickle.dumps(filled((SECRET, FAKE)))
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copy_goes_its_own_way(copied: Any) -> None:
    mapping = filled(("Ada", "<P_1>"))
    matcher = mapping.matcher()
    other = copied(mapping)
    assert other.matcher() is matcher
    other.add("Bo", "<P_2>", "PERSON")
    assert (mapping.count, other.count, mapping.get_fake("Bo")) == (1, 2, None)
    assert mapping.matcher() is matcher


def test_it_compiles_once_until_it_changes(backend: str) -> None:
    mapping = filled(("Ada", "<P_1>"))
    first = matcher_of(mapping)
    assert matcher_of(mapping) is first
    mapping.add("Bo", "<P_2>", "PERSON")
    second = matcher_of(mapping)
    assert second is not first
    assert matcher_of(mapping) is second


def test_a_running_stream_keeps_its_matcher(backend: str) -> None:
    mapping = filled(("Ada", "<P_1>"))
    restorer = ChunkRestorer(mapping)
    restorer.feed(say("<P_"))
    mapping.add("Bo", "<P_2>", "PERSON")
    assert restorer.feed(say("1> <P_2>")) == [say("Ada <P_2>")]


KINDS: dict[str, Any] = {
    "PIIMapping": lambda pairs: filled(*((original, fake) for fake, original in pairs.items())),
    "matcher": lambda pairs: _backend.TrieMatcher(pairs),  # noqa: PLW0108 - looked up when it is called
    "foreign": Foreign,
    "foreign with a mapping of its own": lambda pairs: Foreign(MappingProxyType(pairs)),
    "dict": dict,
    "mapping": MappingProxyType,
}


@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_of_mapping_works_everywhere(kind: str, backend: str) -> None:
    mapping = KINDS[kind]({"<P_1>": "Ada"})
    assert heard(restore([say("<P_"), say("1>!")], mapping)) == {(0, "content"): "Ada!"}
    assert StreamingDeAnonymizer(mapping).feed("<P_1>") == "Ada"
    config = type("Config", (), {"enabled": True})()
    sent = [
        event async for event in StreamingHandler.stream_response(Upstream([say("<P_1>")]), mapping, config)
    ]
    assert "Ada" in sent[0]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_empty_mapping_passes_everything(kind: str, backend: str) -> None:
    chunk = say("<P_1>")
    assert restore([chunk], KINDS[kind]({}))[0] is chunk
    assert restore([chunk], None)[0] is chunk


def test_a_matcher_of_the_other_twin_is_a_matcher_too(backend: str) -> None:
    assert restore([say("<P_1>")], TrieMatcher({"<P_1>": "Ada"})) == [say("Ada")]


@pytest.mark.parametrize("kind", ["foreign", "dict"])
def test_a_stream_with_all_its_channels_compiles_once(
    kind: str, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = []
    compiling = _backend.TrieMatcher

    def count(pairs: Mapping[str, str], *, words: bool) -> TrieMatcher:
        compiled.append(len(pairs))
        return compiling(pairs, words=words)

    monkeypatch.setattr(_backend, "TrieMatcher", count)
    mapping = KINDS[kind]({f"<P_{n}>": f"name {n}" for n in range(1000)})
    restorer = ChunkRestorer(mapping)
    for index in range(3):
        for field in ("content", "refusal", "reasoning"):
            restorer.feed(say("<P_1>", field, index))
        restorer.feed(chat({"function_call": {"arguments": "{"}, "audio": {"transcript": "a"}}, index=index))
    restorer.flush()
    restorer.feed(say("<P_1>"))
    assert compiled == [1000]
    assert not isinstance(mapping, Foreign) or mapping.asked == 1


@pytest.mark.parametrize("kind", ["foreign", "dict"])
def test_a_stream_takes_a_snapshot(kind: str, backend: str) -> None:
    pairs = {"<P_1>": "Ada"}
    restorer = ChunkRestorer(Foreign(pairs) if kind == "foreign" else pairs)
    pairs["<P_1>"] = "Bo"
    assert restorer.feed(say("<P_1>")) == [say("Ada")]


@pytest.mark.parametrize("wrong", [SECRET, [SECRET], 7, Foreign, object()], ids=lambda x: type(x).__name__)
def test_what_is_no_mapping_is_a_type_error_that_shows_no_value(wrong: Any) -> None:
    with pytest.raises(TypeError, match=rf"not {type(wrong).__name__}$") as caught:
        matcher_of(wrong)
    assert "PIIMapping" in str(caught.value)
    assert "get_all_fakes()" in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_foreign_mapping_that_returns_no_mapping() -> None:
    with pytest.raises(TypeError, match=r"^get_all_fakes\(\) must return a mapping, not list$"):
        matcher_of(Foreign([(FAKE, SECRET)]))


@pytest.mark.parametrize("pairs", [{"": SECRET}, {SECRET: 7}, {7: SECRET}])
def test_a_bad_foreign_pair_shows_no_value(pairs: Any, backend: str) -> None:
    with pytest.raises((MappingError, TypeError)) as caught:
        ChunkRestorer(pairs)
    assert SECRET not in repr(caught.value)


def test_the_deanonymizer_holds_back_and_lets_go(backend: str) -> None:
    restorer = StreamingDeAnonymizer(filled(("Ada", "<P_1>")))
    assert (restorer.feed("a<P"), restorer.buffer, restorer.feed("_1>b<P_"), restorer.buffer) == (
        "a",
        "<P",
        "Adab",
        "<P_",
    )
    assert repr(restorer) == "StreamingDeAnonymizer(buffer=3)"
    assert (restorer.flush(), restorer.buffer, restorer.flush()) == ("<P_", "", "")
    assert restorer.feed("1><P_1>") == "1>Ada"


@pytest.mark.parametrize("mapping", [None, {}, PIIMapping()])
def test_a_deanonymizer_of_nothing_passes_everything(mapping: Any) -> None:
    restorer = StreamingDeAnonymizer(mapping)
    assert (restorer.feed("<P_"), restorer.buffer, restorer.flush()) == ("<P_", "", "")
    with pytest.raises(TypeError, match="takes str, not int"):
        restorer.feed(7)  # type: ignore[arg-type]
