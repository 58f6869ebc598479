"""The forms in which a request comes, how deep it may be, and what is refused."""

from __future__ import annotations

import copy
import gzip
import json
import pickle
from collections import OrderedDict
from enum import StrEnum
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from holdback import HoldbackError, TrieMatcher
from holdback.masking import KnownValues, Masker, MaskingError, Placeholders
from masked_chat import ADA, BO, KEY, chat, content, fake

MASKER = Masker(KnownValues({ADA: "PERSON", BO: "PERSON"}), Placeholders(KEY))


pytestmark = pytest.mark.usefixtures("backend")

# ---------------------------------------------------------------- forms of a request


class Role(StrEnum):
    USER = "user"


class Message(BaseModel):
    model_config = ConfigDict(extra="allow")
    role: Role
    content: Any


def test_models_mappings_and_tuples() -> None:
    message = Message(role=Role.USER, content=("Bo", OrderedDict(type="text", text="Bo")), name="Bo")  # type: ignore[call-arg]
    request: dict[str, Any] = {"messages": (message, Message(role=Role.USER, content="x"))}
    masked = MASKER.mask(request, scope="s").request
    got, untouched = masked["messages"]
    assert isinstance(got, Message)
    assert got.content == [fake(BO), {"type": "text", "text": fake(BO)}]
    assert got.name == fake(BO)[1:-1]  # type: ignore[attr-defined]
    assert untouched is request["messages"][1]
    odd: dict[str, Any] = {"messages": [Message(role=Role.USER, content="x", **{BO: BO})]}
    assert MASKER.mask(odd, scope="s").request["messages"] == [
        {"role": "user", "content": "x", fake(BO): fake(BO)}
    ]
    assert message.content[0] == "Bo"


def test_the_callers_objects_stay() -> None:
    request = chat([{"type": "text", "text": "Bo"}, {"type": "text", "text": "x"}], tools=[{"name": "f"}])
    before = copy.deepcopy(request)
    masked = MASKER.mask(request, scope="s").request
    assert request == before
    assert content(masked)[1] is content(request)[1]
    assert masked["tools"] is request["tools"]


def test_a_byte_order_mark_stays() -> None:
    masked = MASKER.mask(b"\xef\xbb\xbf" + json.dumps(chat("Bo")).encode(), scope="s").request
    assert masked.startswith(b"\xef\xbb\xbf{")
    assert fake(BO).encode() in masked


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_of_any_kind(kind: Any) -> None:
    assert fake(BO).encode() in MASKER.mask(kind(json.dumps(chat("Bo")).encode()), scope="s").request


def test_lone_surrogates_raise_nothing() -> None:
    for text in ("Bo \ud800", "\udc00Bo", "x\ud800"):
        for scope in ("s", "s\ud800"):
            masked = MASKER.mask(chat(text), scope=scope).request
            assert content(masked) == text.replace("Bo", fake(BO, scope=scope))
            source = json.dumps(chat(text)).encode()
            assert json.loads(MASKER.mask(source, scope=scope).request) == masked
    odd = Masker(KnownValues({"a\ud800": "P"}), Placeholders(KEY)).mask(chat("a\ud800!"), scope="s")
    assert content(odd.request) == fake("a\ud800", "P") + "!"


def nested(levels: int, text: str) -> str:
    return "[" * levels + json.dumps(text) + "]" * levels


def test_depth() -> None:
    # the request, its messages, a message: three levels above the content
    for levels in (197, 198, 5000):
        source = f'{{"messages":[{{"role":"user","content":{nested(levels, BO)}}}]}}'.encode()
        if levels == 197:
            assert b"Bo" not in MASKER.mask(source, scope="s").request
            assert "Bo" not in json.dumps(MASKER.mask(json.loads(source), scope="s").request)
        else:
            with pytest.raises(MaskingError, match="nested deeper than 200"):
                MASKER.mask(source, scope="s")


@pytest.mark.parametrize("levels", [10, 196, 197, 198, 300, 5000])
def test_a_document_may_be_as_deep_as_a_client_likes(levels: int) -> None:
    text = nested(levels, BO).replace("B", "\\u0042")
    masked = content(MASKER.mask(chat(text), scope="s").request)
    assert masked.count(fake(BO)) == 1
    assert "\\u0042" not in masked


def test_what_follows_a_deep_document_is_no_deeper() -> None:
    request = chat(nested(300, BO))
    request["messages"] += [
        {"role": "user", "content": nested(190, BO)},
        {"role": "user", "content": [[["Bo"]]]},
    ]
    masked = json.dumps(MASKER.mask(request, scope="s").request)
    assert masked.count(fake(BO)) == 3
    assert "Bo" not in masked


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON: it cannot be read beyond character 1"),
        (b'{"a": 1} x', "no JSON"),
        (b'{"a": "\n"}', "no JSON"),
        (b"[]", "no JSON object"),
        (b'"Bo"', "no JSON object"),
        (b'{"a": "\xff"}', "no UTF-8: byte 7"),
        ('{"a": "Bo"}'.encode("utf-16"), "no UTF-8"),
        (gzip.compress(b"{}", mtime=0), "compressed"),
    ],
)
def test_a_body_that_cannot_be_read(body: bytes, message: str) -> None:
    with pytest.raises(MaskingError, match=message) as caught:
        MASKER.mask(body, scope="s")
    assert caught.value.__context__ is None


@pytest.mark.parametrize("node", [object(), b"Bo", {1, 2}, SimpleNamespace(text="Bo")])
def test_what_json_does_not_have(node: Any) -> None:
    with pytest.raises(MaskingError, match=r"^messages\[\]\.content\[\]\.source is of type "):
        MASKER.mask(chat([{"type": "image", "source": node}]), scope="s")
    with pytest.raises(MaskingError, match=r"^… is of type "):
        MASKER.mask({"Bo": node}, scope="s")


def test_wrong_arguments() -> None:
    for wrong in (None, "{}", [chat("x")]):
        with pytest.raises(TypeError, match="a request is a dict or bytes"):
            MASKER.mask(wrong, scope="s")  # type: ignore[type-var]
    with pytest.raises(TypeError, match="scope must be str"):
        MASKER.mask({}, scope=b"s")  # type: ignore[arg-type]
    with pytest.raises(MaskingError, match="scope must not be empty"):
        MASKER.mask({}, scope="")
    with pytest.raises(HoldbackError, match="unknown protocol; known are: anthropic, auto"):
        MASKER.mask({}, scope="s", protocol="smtp")
    with pytest.raises(TypeError, match="known must be"):
        MASKER.mask({}, scope="s", known=TrieMatcher({"a": "b"}))  # type: ignore[arg-type]
    with pytest.raises(MaskingError, match="needs placeholders"):
        Masker(KnownValues({}))
    with pytest.raises(TypeError, match="placeholders must be"):
        Masker(None, KEY)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="a detector is a callable"):
        Masker("Bo", Placeholders(KEY))  # type: ignore[arg-type]


def test_two_names_that_become_one_are_refused() -> None:
    masker = Masker(KnownValues({'"q"': "P"}), Placeholders(KEY))
    request = {
        "messages": [
            {"role": "assistant", "tool_calls": [{"function": {"arguments": {'"q"': 1, '\\"q\\"': 2}}}]}
        ]
    }
    with pytest.raises(MaskingError, match="two names"):
        masker.mask(request, scope="s")


def test_a_config_that_restores_signed_text_is_refused() -> None:
    Masker.check_config(None)
    Masker.check_config(SimpleNamespace(enabled=True))
    with pytest.raises(MaskingError, match="signed text"):
        Masker.check_config(SimpleNamespace(enabled=True, reasoning=True))


def test_reprs_and_pickles_are_silent() -> None:
    masked = MASKER.mask(chat(BO), scope="s")
    assert repr(masked) == "Masked(values=1, texts=1, masked=1)"
    assert "Bo" not in repr((MASKER, masked, masked.report))
    for thing in (masked, masked.mapping):
        with pytest.raises(TypeError):
            pickle.dumps(thing)
