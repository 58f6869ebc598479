"""Masking and restoring together: what goes out holds no value, what comes back is what went in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdback import restore_answer
from holdback.masking import Detector, KnownValues, Masker, Patterns, Placeholders
from strategies import examples

KEY = bytes(range(32))
VALUES = {
    "Ada": "PERSON",
    "Ada Lovelace": "PERSON",
    "élan\n😀": "WORD",
    '"q"': "WORD",
    "42": "ID",
    "<x>": "TAG",
}
MASKER = Masker([KnownValues(VALUES), Patterns({"EMAIL": r"\w+@\w+\.org"}, engine="re")], Placeholders(KEY))

PIECES = st.sampled_from(
    [*VALUES, "ada@x.org", "bo@y.org", " ", "x", "Ad", "<", "{", "[", '"', ":", "é", "\ud800", "1"]
)
TEXTS = st.lists(PIECES, max_size=6).map("".join)
LEAVES = st.one_of(TEXTS, st.integers(-5, 500), st.booleans(), st.none())
DATA = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(TEXTS, inner, max_size=3),
        inner.filter(lambda node: isinstance(node, (dict, list))).map(json.dumps),  # a document in a string
    ),
    max_leaves=8,
)
PLAIN = TEXTS.filter(lambda text: text.strip()[:1] not in ("{", "[", '"'))
SAID = st.recursive(  # without text that begins like a document and is none: restored, it is taken for one
    st.one_of(PLAIN, st.integers(-5, 500), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(PLAIN, inner, max_size=3)).flatmap(
        lambda node: st.sampled_from([node, json.dumps(node)])
    ),
    max_leaves=8,
)
NEW = st.recursive(  # the names in an object of which nothing is known are the provider's, unless one is a known value
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner), st.dictionaries(TEXTS.filter(lambda name: "@" not in name), inner)
    ),
    max_leaves=8,
)
ROLES = st.sampled_from(["user", "assistant", "system"])
MESSAGES = st.one_of(
    st.fixed_dictionaries({"role": ROLES, "content": NEW}, optional={"reasoning_content": TEXTS, "new": NEW}),
    st.fixed_dictionaries({"role": st.just("tool"), "content": DATA.map(json.dumps), "tool_call_id": st.just("42")}),
    st.fixed_dictionaries({
        "role": ROLES,
        "content": st.lists(
            st.one_of(
                st.fixed_dictionaries({"type": st.just("text"), "text": TEXTS}),
                st.fixed_dictionaries({"type": st.just("tool_use"), "id": st.just("42"), "input": DATA}),
                st.fixed_dictionaries({"type": st.just("tool_result"), "content": NEW}),
            ),
            max_size=3,
        ),
    }),
)  # fmt: skip
REQUESTS = st.fixed_dictionaries(
    {"model": st.just("Ada"), "messages": st.lists(MESSAGES, max_size=4)},
    optional={"metadata": DATA, "new": NEW},
)


def texts(node: Any) -> list[str]:
    """Every string of a tree, the names included, and of the documents in it."""
    if isinstance(node, str):
        try:
            inner = json.loads(node) if node.strip()[:1] in ("{", "[", '"') else None
        except ValueError:
            inner = None
        return texts(inner) if inner is not None else [node]
    if isinstance(node, dict):
        return [text for name, value in node.items() for text in (*texts(name), *texts(value))]
    if isinstance(node, list):
        return [text for item in node for text in texts(item)]
    return [str(node)] if type(node) is int else []


def clean(node: Any) -> Any:
    """What of a request is text: without what stays."""
    if isinstance(node, dict):
        return {
            name: clean(value) for name, value in node.items() if name not in ("model", "id", "tool_call_id")
        }
    return [clean(item) for item in node] if isinstance(node, list) else node


@examples(2)
@given(REQUESTS)
def test_no_value_survives(request: dict[str, Any]) -> None:
    masked = MASKER.mask(request, scope="s").request
    assert masked["model"] == "Ada"
    for text in texts(clean({name: value for name, value in masked.items() if name != "model"})):
        for value in ("Ada", "élan\n😀", '"q"', "<x>", "ada@x.org", "bo@y.org"):
            assert value not in text


@examples(2)
@given(REQUESTS, st.sampled_from(["auto", "openai-chat", "anthropic", "ollama"]))
def test_bytes_and_dicts_agree(request: dict[str, Any], protocol: str) -> None:
    for ascii_only in (True, False):
        try:
            source = json.dumps(request, ensure_ascii=ascii_only).encode()
        except UnicodeEncodeError:
            continue
        from_bytes = MASKER.mask(source, scope="s", protocol=protocol)
        from_dict = MASKER.mask(json.loads(source), scope="s", protocol=protocol)
        assert json.loads(from_bytes.request) == from_dict.request
        assert from_bytes.mapping.get_all_fakes() == from_dict.mapping.get_all_fakes()
        assert from_bytes.report == from_dict.report
        assert (from_bytes.request is source) == (json.loads(from_bytes.request) == json.loads(source))


@examples(2)
@given(REQUESTS)
def test_masking_is_idempotent(request: dict[str, Any]) -> None:
    masked = MASKER.mask(request, scope="s")
    fakes = masked.mapping.get_all_fakes()
    # Without what a store knows, the placeholder of a value that is not known in advance is told from text by nothing:
    # a known value inside it, such as 42 in <PERSON_hh3y42e73k>, is masked.
    is_told = not any(value in fake for value in VALUES for fake in fakes if fakes[fake] not in VALUES)
    for known in (None, masked.mapping) if is_told else (masked.mapping,):
        assert MASKER.mask(masked.request, scope="s", known=known).request is masked.request


@pytest.mark.usefixtures("backend")
@examples(2)
@given(TEXTS.filter(lambda text: "\\" not in text), SAID)
def test_what_the_model_repeats_comes_back_as_it_went_in(text: str, data: Any) -> None:
    """Masked, said back by a model word for word, and restored."""
    arguments = json.dumps({"a": data})
    call = {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}
    message = {"role": "assistant", "content": f"It said: {text}", "tool_calls": [call]}
    masked = MASKER.mask({"messages": [message]}, scope="s")
    answer = {
        "object": "chat.completion",
        "choices": [{"index": 0, "message": masked.request["messages"][0]}],
    }
    restored = restore_answer(answer, masked.mapping)["choices"][0]["message"]
    assert restored["content"] == message["content"]
    assert numbers_as_text(json.loads(restored["tool_calls"][0]["function"]["arguments"])) == numbers_as_text(
        json.loads(arguments)
    )


def numbers_as_text(node: Any) -> Any:
    """A number that was masked became a string, which is restored as one."""
    if isinstance(node, dict):
        return {numbers_as_text(name): numbers_as_text(value) for name, value in node.items()}
    if isinstance(node, list):
        return [numbers_as_text(item) for item in node]
    if isinstance(node, str) and node.strip()[:1] in ("{", "[", '"'):
        try:
            return numbers_as_text(json.loads(node))
        except ValueError:
            return node
    return str(node) if type(node) is int else node


# ---------------------------------------------------------------- the same history gives the same bytes


def turns() -> list[list[dict[str, Any]]]:
    """Ten turns of an agent: each request is the one before and what came since."""
    messages: list[dict[str, Any]] = [{"role": "system", "content": "You serve Ada Lovelace."}]
    requests = []
    for turn in range(10):
        person, other = f"Person {turn} Smith", f"user{turn}@x.org"
        messages = [*messages, {"role": "user", "content": f"Mail {person} at {other} about Ada and {turn}."}]
        requests.append(messages)
        arguments = json.dumps({"to": other, "n": turn, "about": [person]})
        messages = [
            *messages,
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": f"c{turn}", "function": {"arguments": arguments}}],
            },
            {"role": "tool", "tool_call_id": f"c{turn}", "content": json.dumps({"sent": other})},
            {"role": "assistant", "content": f"Sent to {person}."},
        ]
    return requests


def test_the_same_history_gives_the_same_bytes() -> None:
    """So that what a provider cached of the last turn is found again, whichever worker masked it."""
    last = b""
    for messages in turns():
        source = json.dumps({"model": "m", "messages": messages}).encode()
        detector: list[Detector] = [
            KnownValues(VALUES),
            Patterns({"EMAIL": r"\w+@\w+\.org", "PERSON": r"Person \d Smith"}, engine="re"),
        ]
        masked = Masker(detector, Placeholders(KEY)).mask(
            source, scope="a conversation"
        )  # a worker of its own
        assert b"Smith" not in masked.request
        assert masked.request.startswith(last)
        assert masked.request.count(b"<PERSON_") > last.count(b"<PERSON_")
        last = masked.request.removesuffix(b"]}")


def test_numbers_are_stable_while_a_history_grows() -> None:
    masker = Masker(Patterns({"PERSON": r"Person \d Smith"}, engine="re"), Placeholders(style="numbered"))
    last = b""
    for messages in turns():
        masked = masker.mask(json.dumps({"model": "m", "messages": messages}).encode(), scope="s")
        assert masked.request.startswith(last)
        last = masked.request.removesuffix(b"]}")
