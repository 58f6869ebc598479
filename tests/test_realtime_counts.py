"""What a session of the Realtime API says is counted once, in whatever events of a response it comes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from holdback import ChunkRestorer, DeanonymizationConfig, Report, RestorePolicy, WireRestorer

KEY = "<PERSON_1>"
CONFIG = DeanonymizationConfig(unknown=True, policy=RestorePolicy())
LEVELS = ("delta", "text.done", "content_part.done", "response.output_item.done", "response.done")
TEXT = f"{KEY} https://evil.example/{KEY} <PERSON_2>"
ONCE = Report(restored={"other": 1}, kept={"address": {"other": 1}}, unknown={"other": 1})
SOURCE = json.dumps({"to": KEY, "url": f"https://evil.example/{KEY}", "cc": "<PERSON_2>"})

Events = list[dict[str, Any]]


def message(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}


def response(number: int, texts: list[str], calls: list[str]) -> Events:
    """A response that says texts, and calls a tool, in all events in which each of them comes."""
    own, events, items = f"r_{number}", [], []
    outputs = [("m", text) for text in texts] + [("c", source) for source in calls]
    for output, (kind, said) in enumerate(outputs):
        ids = {"response_id": own, "item_id": f"{own}_{output}", "output_index": output}
        part = {**ids, "content_index": 0}
        if kind == "m":
            item = message(said)
            events += [
                {"type": "response.output_text.delta", **part, "delta": said[:9]},
                {"type": "response.output_text.delta", **part, "delta": said[9:]},
                {"type": "response.output_text.done", **part, "text": said},
                {"type": "response.content_part.done", **part, "part": {"type": "text", "text": said}},
            ]
        else:
            item = {"type": "function_call", "name": "f", "arguments": said}
            events += [
                {"type": "response.function_call_arguments.delta", **ids, "delta": said[:9]},
                {"type": "response.function_call_arguments.delta", **ids, "delta": said[9:]},
                {"type": "response.function_call_arguments.done", **ids, "arguments": said},
            ]
        item = {**item, "id": ids["item_id"]}
        items.append(item)
        said_once = {"response_id": own, "output_index": output, "item": item}
        events += [
            {"type": "conversation.item.done", "item": item},
            {"type": "response.output_item.done", **said_once},
        ]
    events.append({"type": "response.done", "response": {"id": own, "output": items}})
    return [{**event, "event_id": f"e_{place}"} for place, event in enumerate(events)]


def reports(events: Events, config: Any = CONFIG) -> list[Report]:
    found = []
    for lane in (True, False):
        wire = WireRestorer({KEY: "Ada"}, config, protocol="openai-realtime", _lane=lane)
        for event in events:
            wire.feed(b"data: " + json.dumps(event).encode() + b"\n\n")
        wire.flush()
        chunks = ChunkRestorer({KEY: "Ada"}, config, protocol="openai-realtime", _lane=lane)
        for event in events:
            chunks.feed(event)
        chunks.flush()
        found += [wire.report, chunks.report]
    return found


@pytest.mark.parametrize("mask", range(1, 1 << len(LEVELS)))
def test_in_whatever_events_a_text_comes(backend: str, mask: int) -> None:
    left_out = tuple(level for place, level in enumerate(LEVELS) if not mask & 1 << place)
    events = [*response(1, [TEXT, TEXT], []), *response(2, [TEXT], [])]
    left = [event for event in events if not left_out or not event["type"].endswith(left_out)]
    for report in reports(left):
        assert report == ONCE + ONCE + ONCE
    for report in reports(left, DeanonymizationConfig()):
        assert report == Report(restored={"other": 6})


@pytest.mark.parametrize(
    "levels", [("delta",), ("arguments.done",), ("output_item.done",), ("response.done",), ("e",)]
)
def test_calls(backend: str, levels: tuple[str, ...]) -> None:
    events = response(1, [TEXT], [SOURCE])
    left = [event for event in events if event["type"].endswith(levels) or "text" in event["type"]]
    for report in reports(left):
        assert report == ONCE + ONCE


def test_an_item_of_the_conversation_counts_for_nothing(backend: str) -> None:
    said = {"type": "conversation.item.done", "event_id": "e", "item": message(TEXT)}
    for report in reports([said, said]):
        assert report == Report()


def test_sessions_of_many_responses(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdback.formats.realtime.MOST_RESPONSES", 2)
    events = [event for number in range(5) for event in response(number, [TEXT], [])[:-1]]
    for report in reports(events):
        assert report == ONCE + ONCE + ONCE + ONCE + ONCE
