"""Reading and copying chunks of any kind."""

from __future__ import annotations

import copy
from collections import OrderedDict
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel, ConfigDict, PrivateAttr, field_validator

from holdback import ChunkRestorer, DeanonymizationConfig
from holdback.engine.objects import as_chunk, dumped, like, members, with_edits
from recorded import STREAMS, chunks_of
from streams import PAIRS, chat, say


class Delta(BaseModel, extra="allow"):
    content: str | None = None
    _hidden: dict[str, Any] = PrivateAttr(default_factory=dict)


class Choice(BaseModel, extra="allow"):
    """Everything of it is extra, as in LiteLLM."""

    if TYPE_CHECKING:
        delta: Any


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")

    id: str = "c"
    created: int = 1
    model: str = "m"
    choices: list[Choice] = []


def model_chunk(**delta: Any) -> Frozen:
    return Frozen(choices=[Choice(index=0, delta=Delta(**delta), finish_reason=None)])  # type: ignore[call-arg]


ESCAPES_ARE_CUT = {
    "anthropic-tools.sse",
    "openai-chat-odd.sse",
    "openai-chat-tools.sse",
    "openai-responses-tools.sse",
    "ag-ui.sse",
    "ui-message-stream.sse",
    "openai-realtime.ndjson",
    "cohere-tools.sse",
    "anthropic-bedrock.eventstream",
    "bedrock-converse.eventstream",
}


@pytest.mark.parametrize("name", sorted({path.name for path in STREAMS.iterdir()} - ESCAPES_ARE_CUT))
def test_a_chunk_without_a_placeholder_leaves_as_itself(name: str) -> None:
    """Whatever is read in it: deltas, whole values, documents."""
    events = chunks_of(name)
    restorer = ChunkRestorer({"\0": "x"}, protocol="auto", config=DeanonymizationConfig(reasoning=True))
    leaving = [leaves for event in events for leaves in restorer.feed(event)]
    assert restorer.flush() == []
    assert len(leaving) == len(events)
    assert all(left is came for left, came in zip(leaving, events, strict=True))


def test_members() -> None:
    node: dict[str, Any] = {"a": 1}
    assert members(node) is node
    assert members(MappingProxyType(node)) == node
    assert members(Delta(content="x")) == {"content": "x"}
    assert members(Delta(content="x", more=1)) == {"content": "x", "more": 1}  # type: ignore[call-arg]
    assert members(Choice(index=0)) == {"index": 0}  # type: ignore[call-arg]
    for other in (None, "text", b"bytes", 7, [1], object()):
        assert members(other) is None


def test_edits_share_what_they_do_not_touch() -> None:
    chunk: dict[str, Any] = {"a": [{"x": {"k": 1}}, {"y": 2}], "b": {"z": 3}}
    before = copy.deepcopy(chunk)
    out = with_edits(chunk, [(("a", 0, "x", "k"), "new"), (("a", 0, "x", "l"), "also"), (("c", "d"), "made")])
    assert out == {"a": [{"x": {"k": "new", "l": "also"}}, {"y": 2}], "b": {"z": 3}, "c": {"d": "made"}}
    assert chunk == before
    assert out["b"] is chunk["b"]
    assert out["a"][1] is chunk["a"][1]


def test_edits_make_what_is_missing() -> None:
    assert with_edits({"delta": None}, [(("delta", "audio", "transcript"), "t")]) == {
        "delta": {"audio": {"transcript": "t"}}
    }
    assert with_edits({"parts": ["a"]}, [(("parts", 1), {"text": "t"})]) == {"parts": ["a", {"text": "t"}]}


def test_edits_make_an_element_that_is_missing_on_the_way() -> None:
    assert with_edits({"parts": []}, [(("parts", 0, "text"), "t")]) == {"parts": [{"text": "t"}]}


def test_edits_below_a_field_of_a_model_that_has_extras_too() -> None:
    chunk = Frozen.model_validate({"choices": [{"index": 0}], "vendor": {"a": 1}})
    out = with_edits(chunk, [(("choices", 0, "index"), 1), (("vendor", "a"), 2)])
    assert (out.choices[0].index, out.vendor) == (1, {"a": 2})


def test_edits_of_a_model_that_allows_no_extras() -> None:
    class Plain(BaseModel):
        text: str

    chunk = Plain(text="old")
    out = with_edits(chunk, [(("text",), "new")])
    assert (type(out), out.text, chunk.text) == (Plain, "new", "old")


def test_a_dump_warns_of_no_value() -> None:
    wrong: Any = 5
    assert dumped(Delta.model_construct(content=wrong)) == {"content": 5}  # a warning would be an error


def test_a_class_whose_validator_breaks_is_not_asked_again() -> None:
    class Broken(BaseModel):
        text: str

        @field_validator("text")
        @classmethod
        def breaks(cls, value: str) -> str:
            raise TypeError

    made = like(Broken, {"text": "t"})
    assert (type(made), made.text) == (Broken, "t")


def test_edits_of_other_containers() -> None:
    out = with_edits(OrderedDict(a=(1, MappingProxyType({"b": 1}))), [(("a", 1, "b"), 2)])
    assert type(out) is OrderedDict
    assert out == {"a": [1, {"b": 2}]}


def test_a_model_is_copied_along_the_path() -> None:
    chunk = model_chunk(content="old", vendor=1)
    hidden = chunk.choices[0].delta._hidden
    hidden["h"] = 1
    out = with_edits(
        chunk, [(("choices", 0, "delta", "content"), "new"), (("choices", 0, "delta", "reasoning"), "r")]
    )
    assert type(out) is Frozen
    assert type(out.choices[0]) is Choice
    assert type(out.choices[0].delta) is Delta
    assert out.model_dump()["choices"][0]["delta"] == {"content": "new", "vendor": 1, "reasoning": "r"}
    assert out.choices[0].delta.model_fields_set == {"content", "vendor", "reasoning"}
    assert out.choices[0].delta._hidden == {"h": 1}
    assert chunk.model_dump()["choices"][0]["delta"] == {"content": "old", "vendor": 1}
    assert out == with_edits(
        chunk, [(("choices", 0, "delta", "content"), "new"), (("choices", 0, "delta", "reasoning"), "r")]
    )


def test_an_unchanged_model_is_the_same_object_and_a_changed_one_the_same_kind(backend: str) -> None:
    restorer = ChunkRestorer(PAIRS)
    chunk = model_chunk(content="hello")
    (out,) = restorer.feed(chunk)
    assert out is chunk
    (out,) = restorer.feed(model_chunk(content="<PERSON_2> <PERS"))
    assert type(out) is Frozen
    assert out.choices[0].delta.content == "Bo "
    (tail,) = restorer.flush()
    assert type(tail) is Frozen
    assert (tail.id, tail.choices[0].delta["content"]) == ("c", "<PERS")


def test_text_in_fields_and_in_extras_of_one_model(backend: str) -> None:
    """LiteLLM's delta declares reasoning_content, while content is an extra."""

    class Thinking(BaseModel, extra="allow"):
        reasoning_content: str | None = None

    restorer = ChunkRestorer(PAIRS)
    restorer.feed(model_chunk(content="x"))
    delta = Thinking.model_validate({"content": "<PERSON_2>", "reasoning_content": "<PERSON_1>"})
    chunk = Frozen(choices=[Choice.model_validate({"index": 0, "delta": delta})])
    (out,) = restorer.feed(chunk)
    assert out.choices[0].delta.model_dump() == {"content": "Bo", "reasoning_content": "Ada Lovelace"}


def test_a_synthetic_chunk_that_does_not_validate_still_comes(backend: str) -> None:
    class Strict(BaseModel, extra="forbid"):
        choices: list[Any]

    restorer = ChunkRestorer(PAIRS)
    restorer.feed(Strict(choices=[{"index": 0, "delta": {"content": "<PERS"}}]))
    (tail,) = restorer.flush()
    assert type(tail) is Strict
    assert tail.choices[0]["delta"] == {"content": "<PERS"}


@pytest.mark.parametrize(
    ("mapping", "config"), [(PAIRS, DeanonymizationConfig(enabled=False)), (None, None)], ids=["off", "none"]
)
def test_with_nothing_to_restore_a_chunk_is_itself(mapping: Any, config: Any, backend: str) -> None:
    restorer = ChunkRestorer(mapping, config)
    for text in ("<PERSON_1>", "<PERS"):
        chunk = model_chunk(content=text)
        (out,) = restorer.feed(chunk)
        assert out is chunk
    assert restorer.flush() == []


def test_what_a_chat_chunk_says_of_its_type_changes_nothing(backend: str) -> None:
    restorer = ChunkRestorer(PAIRS)
    restorer.feed(Frozen.model_validate({**model_chunk(content="<PERS").model_dump(), "type": "vendor"}))
    (tail,) = restorer.flush()
    assert type(tail) is Frozen


def test_a_tail_is_of_the_class_of_its_own_kind_of_event(backend: str) -> None:
    class Event(BaseModel, extra="allow"):
        type: str
        index: int = 0

    class Said(Event):
        delta: dict[str, Any]

    restorer = ChunkRestorer(PAIRS, protocol="anthropic")
    restorer.feed(Event(type="message_start"))
    restorer.feed(Said(type="content_block_delta", delta={"type": "text_delta", "text": "a <PERS"}))
    tail, stop = restorer.feed(Event(type="content_block_stop"))
    assert (type(tail), tail.delta["text"]) == (Said, "<PERS")
    assert type(stop) is Event


class Dumps:
    """Not pydantic, but it has a dump."""

    def __init__(self, dumped: Any) -> None:
        self.dumped = dumped

    def model_dump(self) -> Any:
        return self.dumped


def test_the_dump_of_another_object_is_its_chunk(backend: str) -> None:
    restorer = ChunkRestorer(PAIRS)
    plain = Dumps(say("hello"))
    assert restorer.feed(plain) == [plain]
    assert restorer.feed(Dumps(say("<PERSON_2>"))) == [say("Bo")]
    assert restorer.feed(MappingProxyType(say("<PERSON_2>"))) == [say("Bo")]
    assert restorer.feed(OrderedDict(say("<PERSON_2>"))) == [say("Bo")]


@pytest.mark.parametrize("item", [b"bytes", "x", None, 7, object(), Dumps(7), Dumps(None), Delta, Dumps])
def test_what_cannot_be_read(item: Any) -> None:
    assert as_chunk(item) is None


def test_models_inside_dicts_and_dicts_inside_models(backend: str) -> None:
    mixed = {**chat({}), "choices": [Choice(index=0, delta={"content": "<PERSON_2>"})]}  # type: ignore[call-arg]
    (out,) = ChunkRestorer(PAIRS).feed(mixed)
    assert out["choices"][0].delta == {"content": "Bo"}
