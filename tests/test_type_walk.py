"""The walk over types that tells which strings providers send: what counts as a string, and that samples are values."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import json
from typing import Annotated, Any, Generic, Literal, NotRequired, TypedDict, TypeVar

import pytest
from pydantic import BaseModel, Field
from typing_extensions import TypeAliasType

from left_alone import LEFT, PENDING, all_of, matching
from type_walk import MARK, leaves


class Color(enum.Enum):
    RED = "red"


class Text(BaseModel):
    type: Literal["text"] = "text"
    text: str
    at: int


class Call(BaseModel):
    type: Literal["call"] = "call"
    arguments: dict[str, Any]
    names: list[str] = []


class Chunk(TypedDict):
    delta: dict[str, Text]
    names: NotRequired[list[str]]
    count: int


@dataclasses.dataclass
class Cited:
    title: str
    score: float = 0.0
    inner: Cited | None = None


Item = TypeVar("Item")
Optionally = TypeAliasType("Optionally", Item | None, type_params=(Item,))


class Page(BaseModel, Generic[Item]):
    items: list[Item]


class Event(BaseModel):
    kind: Color
    when: dt.datetime
    raw: bytes
    parts: list[Annotated[Text | Call, Field(discriminator="type")]]
    cited: Cited | None = None
    labels: dict[str, str] = {}
    said: str | list[str] | None = None
    renamed: str = Field("", alias="asOnTheWire")
    anything: object = None
    some: Optionally[str] = None
    page: Page[str] | None = None
    status: Literal["a", "b"] | Any = "a"


PATHS = [
    ".parts[](text).text",
    ".parts[](call).arguments{}",
    ".parts[](call).names[]",
    ".cited.title",
    ".labels{k}",
    ".said",
    ".said[]",
    ".asOnTheWire",
    ".anything{}",
    ".some",
    ".page.items[]",
]


def test_every_place_of_a_string_is_found_once_and_nothing_else() -> None:
    assert [leaf.path for leaf in leaves(Event)] == PATHS


@pytest.mark.parametrize("path", PATHS)
def test_a_sample_is_a_value_of_the_type_with_one_mark(path: str) -> None:
    (sample,) = [leaf.sample for leaf in leaves(Event) if leaf.path == path]
    assert json.dumps(sample).count(MARK) == 1
    assert MARK in str(Event.model_validate(sample))


def test_a_typed_dict_is_an_object_too() -> None:
    text = {"type": "text", "at": 0, "text": MARK}
    assert [(leaf.path, leaf.sample) for leaf in leaves(Chunk)] == [
        (".delta{k}.text", {"delta": {"k": text}, "count": 0}),
        (".names[]", {"delta": {}, "count": 0, "names": [MARK]}),
    ]


def test_a_pattern_is_literal_but_for_stars() -> None:
    assert matching(["a:*[](x).text"], "a:.parts[](x).text")
    assert not matching(["a:*[](x).text"], "a:.parts0(x).text")
    assert not matching(["*.id"], "a:.id.x")


@pytest.mark.parametrize("table", [LEFT, PENDING], ids=["left", "pending"])
def test_no_pattern_is_there_twice(table: dict[str, tuple[str, ...]]) -> None:
    assert len(all_of(table)) == len(set(all_of(table)))
