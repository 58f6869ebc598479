"""SSE strings and the JSON in them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from holdback import create_chunk_dict, create_delta_chunk, format_sse_done, format_sse_event
from holdback.engine.json_text import model_json, to_json
from holdback.errors import HoldbackError

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec=None)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(codec=None), max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)

FINITE = VALUES.filter(
    lambda value: "Infinity" not in json.dumps(value)
)  # pydantic writes null, json Infinity


def test_events() -> None:
    assert format_sse_event("{}") == "data: {}\n\n"
    assert format_sse_done() == "data: [DONE]\n\n"


def test_a_chunk_dict() -> None:
    chunk = create_chunk_dict("hi", "m", "stop", 2)
    assert re.fullmatch("chatcmpl-[0-9a-f]{12}", chunk.pop("id"))
    assert isinstance(chunk.pop("created"), int)
    assert chunk == {
        "object": "chat.completion.chunk",
        "model": "m",
        "choices": [{"index": 2, "delta": {"content": "hi"}, "finish_reason": "stop"}],
    }
    assert create_chunk_dict(content="")["choices"] == [{"index": 0, "delta": {}, "finish_reason": None}]
    for made in (create_chunk_dict("a"), create_delta_chunk({"content": "a"})):
        assert (made["model"], made["choices"]) == (
            "", [{"index": 0, "delta": {"content": "a"}, "finish_reason": None}],
        )  # fmt: skip
    assert create_delta_chunk({"refusal": "no"}, index=1)["choices"][0] == {
        "index": 1, "delta": {"refusal": "no"}, "finish_reason": None,
    }  # fmt: skip
    assert create_chunk_dict("a")["id"] != create_chunk_dict("a")["id"]


def joined(value: Any) -> Any:
    """The value as JSON's reader sees it: escaped halves that stand together are one character."""
    return json.loads(json.dumps(value))


@given(VALUES)
def test_any_value_is_written_and_reads_back(value: Any) -> None:
    written = to_json(value)
    written.encode()
    assert len(written.splitlines()) <= 1
    assert json.loads(written) == joined(value)


def test_it_is_compact_raw_utf_8_but_for_what_breaks_readers() -> None:
    assert (
        to_json({"a": "é😀\x7f", "b": [1.0, 10**30]})
        == '{"a":"é😀\\u007f","b":[1.0,1000000000000000000000000000000]}'
    )
    assert to_json("\u2028\u2029\x85") == r'"\u2028\u2029\u0085"'
    assert to_json("a\ud83d") == r'"a\ud83d"'
    assert to_json({"\ude00": "é\u2028"}) == '{"\\ude00":"é\\u2028"}'


def test_what_has_no_json_form_is_an_error_that_shows_no_value() -> None:
    class Secret:
        def __repr__(self) -> str:
            return "SECRET"

    for value in ({"key": Secret()}, {"key": "\ud83d", "other": Secret()}):
        with pytest.raises(
            HoldbackError, match=r"^a value of type dict cannot be written as JSON$"
        ) as caught:
            to_json(value)
        assert caught.value.__context__ is None
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(HoldbackError, match="type list"):
        to_json(circle)


class Inner(BaseModel, extra="allow"):
    n: int = 1


class Model(BaseModel, extra="allow"):
    text: str | None = None
    inner: Inner | None = None


class OwnDump(Model):
    def model_dump(self, **_: Any) -> dict[str, Any]:
        return {"own": True}


@given(FINITE, FINITE)
def test_a_model_is_written_as_its_dump(a: Any, b: Any) -> None:
    model = Model.model_construct(text="é", inner=Inner.model_construct(a=a), b=b)
    write = model_json(Model)
    assert write is not None
    written = write(model)
    assert written is not None
    assert json.loads(written) == joined(model.model_dump())


def test_a_model_with_a_dump_of_its_own_has_no_writer() -> None:
    assert model_json(OwnDump) is None


def test_a_value_that_surprises_pydantic_is_not_quoted_in_a_warning() -> None:
    """pytest makes warnings errors here; pydantic's would hold the value."""
    model = Model.model_construct(text=["SECRET"])
    write = model_json(Model)
    assert write is not None
    assert write(model) == '{"text":["SECRET"],"inner":null}'


def test_a_model_among_dicts_with_a_lone_half() -> None:
    assert to_json({"a": "\ud83d", "m": Model(text="x")}) == '{"a":"\\ud83d","m":{"text":"x","inner":null}}'


class Unset(Model):
    """As LiteLLM's: what was not set is left out."""

    def model_dump(self, **options: Any) -> dict[str, Any]:
        return super().model_dump(exclude_unset=True, **options)


Unset.model_dump.__module__, Unset.model_dump.__qualname__ = (
    "litellm.types.utils",
    "ModelResponseBase.model_dump",
)


@pytest.mark.parametrize("text", ["x", "\u2028", "\ud83d"], ids=["ASCII", "a separator", "half a pair"])
def test_what_is_left_out_of_a_dump_is_not_written(text: str) -> None:
    write, plain = model_json(Unset), model_json(Model)
    assert write is not None
    assert plain is not None
    spelled = to_json(text)
    assert write(Unset(text=text)) == f'{{"text":{spelled}}}'
    assert plain(Model(text=text)) == f'{{"text":{spelled},"inner":null}}'


def test_a_surprise_beside_a_lone_half_is_not_quoted_in_a_warning() -> None:
    write = model_json(Model)
    assert write is not None
    model = Model.model_construct(text=["SECRET"], more="\ud83d")
    assert write(model) == '{"text":["SECRET"],"inner":null,"more":"\\ud83d"}'
