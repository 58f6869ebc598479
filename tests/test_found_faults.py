"""Faults that breaking the first release found, as far as no stream of bytes can show them.

The others are among the vectors of ``tests/vectors/wire``: X1, X3, X8, X9 and the rules that real streams taught.
"""

from __future__ import annotations

import copy
import json
import pickle
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from conftest import TWINS
from holdback import ChunkRestorer, WireRestorer

PAIRS = {"<PERSON_1>": "Ada"}


# ---------------------------------------------------------------- X5: the cost of what is open


def events(count: int) -> list[dict[str, Any]]:
    """So many channels, each left open with a held text, and after each the end of an item that nobody named."""
    out: list[dict[str, Any]] = [{"type": "response.created", "sequence_number": 0, "response": {}}]
    for number in range(count):
        place = {"output_index": number, "content_index": 0}
        out.append(
            {"type": "response.output_text.delta", "item_id": f"m{number}", **place, "delta": "a <PERS"}
        )
        out.append({"type": "response.output_text.done", "item_id": f"unknown{number}", "text": "x"})
    return out


def through_bytes(given: list[dict[str, Any]]) -> None:
    restorer = WireRestorer(PAIRS, protocol="openai-responses")
    for event in given:
        restorer.feed(f"data: {json.dumps(event)}\n\n".encode())


def through_chunks(given: list[dict[str, Any]]) -> None:
    restorer = ChunkRestorer(PAIRS, protocol="openai-responses")
    for event in given:
        restorer.feed(event)


def steps(run: Callable[[], None]) -> int:
    """How many steps of the interpreter it takes: the same at every run, unlike time."""
    count = 0

    def trace(frame: FrameType, what: str, _: object) -> Any:
        nonlocal count
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += what == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        run()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("name", ["X5 bytes", "X5 chunks"])
def test_an_end_costs_the_same_however_much_is_open(backend: str, name: str) -> None:
    run = through_bytes if name == "X5 bytes" else through_chunks
    few, many = (steps(lambda count=count: run(events(count))) for count in (40, 240))  # type: ignore[misc]
    assert many < 7 * few


# ---------------------------------------------------------------- X6: the same words on both twins


class Named(str):
    """A text with a word of its own for people."""

    __slots__ = ()

    def __str__(self) -> str:
        return "another"


def come_of(ask: Callable[[Any], Any]) -> list[Any]:
    """What each twin says: the value and its type, or the error."""
    out: list[Any] = []
    for twin in TWINS.values():
        if twin is None:
            pytest.skip("the extension holdback._native is not built here")
        try:
            value = ask(twin)
        except (TypeError, ValueError) as error:
            value = f"{type(error).__name__}: {error}"
        out.append((type(value), value))
    return out


JSON: dict[str, Callable[[Any], Any]] = {
    "stream": lambda twin: twin.TrieMatcher(PAIRS).stream(json=1),
    "stream, None": lambda twin: twin.TrieMatcher(PAIRS).stream(json=None),
    "replace": lambda twin: twin.TrieMatcher(PAIRS).replace("x", json=1),
    "replace, text": lambda twin: twin.TrieMatcher(PAIRS).replace("x", json="yes"),
}
TEXTS: dict[str, Callable[[Any], Any]] = {
    "feed": lambda twin: twin.TrieMatcher(PAIRS).stream().feed(Named("x <PERSON_1>")),
    "feed, unchanged": lambda twin: twin.TrieMatcher(PAIRS).stream().feed(Named("x")),
    "feed, JSON": lambda twin: twin.TrieMatcher(PAIRS).stream(json=True).feed(Named('{"a":"<PERSON_1>"}')),
    "replace": lambda twin: twin.TrieMatcher(PAIRS).replace(Named("<PERSON_1> x")),
    "replace, unchanged": lambda twin: twin.TrieMatcher(PAIRS).replace(Named("x")),
    "a key": lambda twin: twin.TrieMatcher({Named("x"): "y"}).replace("x another"),
    "an original": lambda twin: twin.TrieMatcher({"x": Named("y")}).replace("x"),
    "an original alone": lambda twin: twin.TrieMatcher({"x": Named("y")}).stream().feed("x"),
}


@pytest.mark.parametrize("name", ["X6 json"])
def test_a_wrong_json_is_refused_in_the_same_words(name: str) -> None:
    for ask in JSON.values():
        native, pure = come_of(ask)
        assert native == pure
        assert pure[1].startswith("TypeError: json must be ")


@pytest.mark.parametrize("name", ["X6 subclass"])
def test_neither_twin_can_be_subclassed(name: str) -> None:
    for kind in ("TrieMatcher", "StreamBuffer"):
        for _, said in come_of(lambda twin, kind=kind: type("Sub", (getattr(twin, kind),), {})):  # type: ignore[misc]
            assert str(said).startswith("TypeError: ")


@pytest.mark.parametrize("ask", TEXTS.values(), ids=TEXTS)
def test_a_text_is_what_it_holds_whatever_it_calls_itself(ask: Callable[[Any], Any]) -> None:
    native, pure = come_of(ask)
    assert native == pure


# ---------------------------------------------------------------- X7: copies


@pytest.mark.parametrize("name", ["X7 WireRestorer", "X7 ChunkRestorer"])
def test_a_restorer_is_not_copied(backend: str, name: str) -> None:
    """A copy would share the buffers, and take the text that they hold."""
    kind: Any = WireRestorer if name == "X7 WireRestorer" else ChunkRestorer
    for copied in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError):
            copied(kind(PAIRS))
