"""What a response says is counted once, in whatever events it comes: deltas, `.done`, its part, item or response."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from answer_streams import FORMATS, Events, as_bytes
from holdback import ChunkRestorer, DeanonymizationConfig, Report, RestorePolicy, WireRestorer

KEY = "<PERSON_1>"
CONFIG = DeanonymizationConfig(unknown=True, policy=RestorePolicy())
LEVELS = ("delta", "text.done", "content_part.done", "output_item.done", "completed")
TEXT = f"{KEY} https://evil.example/{KEY} <PERSON_2>"
ONCE = Report(restored={"other": 1}, kept={"address": {"other": 1}}, unknown={"other": 1})


def reports(events: Events, config: Any = CONFIG) -> list[Report]:
    data, found = as_bytes(events, ""), []
    for lane in (True, False):
        for size in (7, len(data)):
            wire = WireRestorer({KEY: "Ada"}, config, protocol="openai-responses", _lane=lane)
            for at in range(0, len(data), size):
                wire.feed(data[at : at + size])
            wire.flush()
            found.append(wire.report)
        chunks = ChunkRestorer({KEY: "Ada"}, config, protocol="openai-responses", _lane=lane)
        for event in events:
            chunks.feed(event)
        chunks.flush()
        found.append(chunks.report)
    return found


def without(events: Events, levels: set[str]) -> Events:
    return [event for event in events if not event["type"].endswith(tuple(levels))]


@pytest.mark.parametrize("mask", range(1, 1 << len(LEVELS)))
def test_in_whatever_events_a_text_comes(backend: str, mask: int) -> None:
    left_out = {level for place, level in enumerate(LEVELS) if not mask & 1 << place}
    whole = FORMATS["openai-responses"]([[TEXT[:9], TEXT[9:]], [TEXT]])
    twice = ONCE + ONCE
    for report in reports(without(whole, left_out)):
        assert report == twice
    for report in reports(without(whole, left_out), DeanonymizationConfig()):
        assert report == Report(restored={"other": 4})


def test_some_outputs_in_deltas_and_others_not(backend: str) -> None:
    whole = FORMATS["openai-responses"]([[TEXT], [TEXT], [TEXT]])
    for seed in range(20):
        rng = random.Random(seed)
        events = [
            event
            for event in whole
            if event["type"] == "response.completed" or rng.random() < 0.5 or event["type"].endswith("added")
        ]
        for report in reports(events):
            assert report == ONCE + ONCE + ONCE


def call(kind: str, /, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "id": "i", **fields}


SOURCE = json.dumps({"to": KEY, "url": f"https://evil.example/{KEY}", "cc": "<PERSON_2>"})
ITEMS = [
    (call("function_call", name="f", arguments=SOURCE), "function_call_arguments", {"arguments": SOURCE}),
    (call("custom_tool_call", name="f", input=TEXT), "custom_tool_call_input", {"input": TEXT}),
    (call("code_interpreter_call", code=TEXT), "code_interpreter_call_code", {"code": TEXT}),
    (call("message", content=[{"type": "refusal", "refusal": TEXT}]), "refusal", {"refusal": TEXT}),
]


@pytest.mark.parametrize(("item", "kind", "done"), ITEMS, ids=[kind for _, kind, _ in ITEMS])
def test_calls_and_refusals(backend: str, item: dict[str, Any], kind: str, done: dict[str, Any]) -> None:
    ids = {"item_id": "i", "output_index": 0, **({"content_index": 0} if kind == "refusal" else {})}
    events: Events = [
        {"type": f"response.{kind}.delta", **ids, "delta": next(iter(done.values()))},
        {"type": f"response.{kind}.done", **ids, **done},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": {"object": "response", "output": [item]}},
    ]
    for mask in range(1, 16):
        chosen = [event for place, event in enumerate(events) if mask & 1 << place]
        for report in reports(chosen):
            assert report == ONCE


def test_annotations_and_several_texts_of_one_event(backend: str) -> None:
    notes = [
        {"type": "url_citation", "title": KEY, "url": "u"},
        {"type": "url_citation", "title": f"{KEY} b"},
    ]
    part = {"type": "output_text", "text": TEXT, "annotations": notes}
    item = {"type": "message", "id": "i", "content": [part]}
    ids = {"item_id": "i", "output_index": 0, "content_index": 0}
    added = [
        {
            "type": "response.output_text.annotation.added",
            **ids,
            "annotation_index": place,
            "annotation": note,
        }
        for place, note in enumerate(notes)
    ]
    events: Events = [
        *added,
        {"type": "response.content_part.done", **ids, "part": part},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": {"object": "response", "output": [item]}},
    ]
    for first in range(5):
        for report in reports(events[first:]):
            assert report == ONCE + Report(restored={"other": 2})


def test_events_that_do_not_say_where_count_once(backend: str) -> None:
    item = {"type": "message", "id": "i", "content": [{"type": "output_text", "text": TEXT}]}
    events: Events = [
        {"type": "response.output_text.delta", "delta": TEXT},
        {"type": "response.output_text.done", "text": TEXT},
        {"type": "response.output_item.done", "item": item},
        {"type": "response.completed", "response": {"object": "response", "output": [item]}},
    ]
    for first in (0, 1, 3):
        for report in reports(events[first:]):
            assert report == ONCE


def test_what_is_added_empty_is_not_said_yet(backend: str) -> None:
    item = {"type": "function_call", "id": "i", "name": "f", "arguments": ""}
    events: Events = [
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": "response.output_item.done", "output_index": 0, "item": {**item, "arguments": SOURCE}},
    ]
    for report in reports(events):
        assert report == ONCE
