"""The lane for chunks: with it and without it the same chunks leave, whatever comes."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from holdback import ChunkRestorer, DeanonymizationConfig
from holdback.engine.object_cursor import ObjectEvent
from holdback.restorers import chunks
from strategies import examples
from wire_cases import dumps
from wire_streams import PAIRS, PROTOCOLS, invented

SEEDS = st.integers(0, 2**32)


class Model(BaseModel):
    """An object of an SDK: some members are fields, all others extras."""

    model_config = ConfigDict(extra="allow")
    index: Any = None
    delta: Any = None
    content: Any = None
    choices: Any = None


def modelled(value: Any, rng: Random) -> Any:
    """The same chunk with some of its dicts as models."""
    if isinstance(value, dict):
        inner = {name: modelled(one, rng) for name, one in value.items()}
        return Model.model_construct(**inner) if inner and rng.random() < 0.7 else inner
    return [modelled(one, rng) for one in value] if isinstance(value, list) else value


def plain(value: Any) -> Any:
    """A chunk as what it says, with every type that it has."""
    if isinstance(value, BaseModel):
        fields = {**value.__dict__, **(value.__pydantic_extra__ or {})}
        return type(value).__name__, plain(fields)
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [plain(one) for one in value]
    return type(value).__name__, value


def check(events: list[Any], protocol: str, config: Any = None) -> int:
    """Both ways give the same, chunk by chunk; returns how many chunks the lane took."""
    with_lane, without = (
        ChunkRestorer(PAIRS, config, protocol=protocol, _lane=lane) for lane in (True, False)
    )
    taken = 0
    for event in events:
        before = plain(event)
        lane = with_lane._lane
        misses = None if lane is None else lane._misses
        got, expected = with_lane.feed(event), without.feed(event)
        assert plain(got) == plain(expected)
        assert [one is event for one in got] == [one is event for one in expected]
        assert plain(event) == before, "the caller's chunk was changed"
        taken += lane is not None and lane._misses <= (misses or 0) and with_lane._lane is lane
    assert plain(with_lane.flush()) == plain(without.flush())
    return taken


def odd(rng: Random, event: dict[str, Any]) -> dict[str, Any]:
    """The event with one value that equals another one, or that says nothing, or something else."""
    if not event:
        return event
    event = copy.deepcopy(event)
    nodes: list[Any] = [event]
    for node in nodes:
        nodes += [
            one
            for one in (node.values() if isinstance(node, dict) else node)
            if isinstance(one, (dict, list))
        ]
    node = rng.choice([node for node in nodes if node])
    at = rng.choice(list(node) if isinstance(node, dict) else range(len(node)))
    value = node[at]
    others: list[Any] = [None, "", 0, 1, True, False, 1.0, {}, [], "x", "<PERSON_1>", 7]
    if isinstance(value, list):
        others += [tuple(value)]
    if isinstance(value, int):
        others += [float(value), bool(value), str(value)]
    node[at] = rng.choice(others)
    return event


@pytest.mark.parametrize("protocol", PROTOCOLS)
@examples(0.6)
@given(seed=SEEDS, most=st.integers(0, 40))
def test_with_the_lane_and_without(protocol: str, seed: int, most: int) -> None:
    rng = Random(seed)
    events: list[Any] = invented(rng, protocol, lines=False, most=most).events
    if rng.random() < 0.5:
        again = [rng.choice(events) for _ in range(rng.randint(0, 20))] if events else []
        events += [odd(rng, event) if rng.random() < 0.6 else event for event in again]
    if rng.random() < 0.4:
        events = [modelled(event, rng) for event in events]
    config = DeanonymizationConfig(reasoning=rng.random() < 0.5)
    check(events, protocol, config)


def chat(delta: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "c", "created": 1, "choices": [{"index": 0, "delta": delta}]} | more


def test_a_chunk_that_its_caller_changes_and_sends_again() -> None:
    """Programs that fill in one chunk again and again: what was compared must be a copy."""
    usage: dict[str, Any] = {}
    one = chat({"content": "a"}, usage=usage)
    restorer, slow = (ChunkRestorer(PAIRS, _lane=lane) for lane in (True, False))
    for number, text in enumerate(["a", "b", "<PERS", "ON_1>", "<PERS", "<PERS"]):
        one["choices"][0]["delta"]["content"] = text
        if number > 3:
            usage["total_tokens"] = number
        assert plain(restorer.feed(one)) == plain(slow.feed(one))
    assert plain(restorer.flush()) == plain(slow.flush())


@pytest.mark.parametrize(("one", "other"), [(1, True), (0, False), (1, 1.0), (0, -0.0)])
def test_equal_numbers_of_other_types_are_others(one: Any, other: Any) -> None:
    events = [chat({"content": "<PERS"}) for _ in range(6)]
    for number, event in enumerate(events):
        event["choices"][0]["index"] = other if number > 3 else one
    check(events, "openai-chat")


def test_ordinary_chunks_are_taken() -> None:
    """That it is fast is for the benches; that it happens at all is seen here."""
    said = [
        chat({"role": "assistant", "content": ""}),
        *(chat({"content": f"{n} <PERSON_1>"}) for n in range(20)),
    ]
    assert check(said, "openai-chat") >= 19
    thinks = [chat({("reasoning_content", "content")[n % 2]: "a <PERS"}) for n in range(24)]
    assert check(thinks, "openai-chat") < 24  # content ends the reasoning that waits
    thinks = [chat({("reasoning_content", "content")[n % 2]: f"a {n}"}) for n in range(24)]
    assert check(thinks, "openai-chat") >= 18
    calls = [chat({"tool_calls": [{"index": n % 2, "function": {"arguments": f'"{n}'}}]}) for n in range(20)]
    for n in (0, 1):
        calls[n]["choices"][0]["delta"]["tool_calls"][0] |= {"id": f"c{n}", "type": "function"}
        calls[n]["choices"][0]["delta"]["tool_calls"][0]["function"]["name"] = "send"
    assert check(calls, "openai-chat") >= 14
    numbered = [
        {"type": "response.output_text.delta", "item_id": "i", "output_index": 0, "content_index": 0}
        | {"delta": f"{n}", "sequence_number": n}
        for n in range(1, 20)
    ]
    assert check(numbered, "openai-responses") >= 16
    differing = [chat({"content": f"{n}"}, id=f"gen-{n}", created=n + 1) for n in range(20)]
    assert check(differing, "openai-chat") >= 17


def test_the_walk_is_asked_only_where_something_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    walked = []

    class Counted(ObjectEvent):
        def __init__(self, *given: Any) -> None:
            walked.append(1)
            super().__init__(*given)

    monkeypatch.setattr(chunks, "ObjectEvent", Counted)
    restorer = ChunkRestorer({"<PERSON_1>": "Ada"})
    for _ in range(50):
        restorer.feed(chat({"content": "text"}))
    assert len(walked) == 1


def test_nothing_of_a_chunk_is_in_the_name_of_the_lane() -> None:
    restorer = ChunkRestorer({"<PERSON_1>": "Ada"})
    for _ in range(3):
        restorer.feed(chat({"content": "secret <PERSON_1>"}))
    assert "secret" not in repr(restorer._lane)
    assert "Ada" not in dumps(repr(restorer._lane))
