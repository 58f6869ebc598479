"""CONTRIBUTING, "Adding a wire format": a module with a class and its name in ``FORMATS`` are all that it takes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import pytest

import oracle
from holdback import ChunkRestorer, WireRestorer, restore_answer
from holdback.engine.answer import Answer, addresses_of
from holdback.engine.marks import Event
from holdback.engine.shapes import TEXT, Shape, address, event, text
from holdback.engine.steps import Drain, Feed, Finish, Key, Step
from holdback.formats import FORMATS, Format
from wire_ways import in_every_way, maker

PAIRS = {"<PERSON_1>": "Ada", "<PERSON_2>": 'Bo "B"'}
SAID = ["Hi <PERS", "ON_1>", "", ", <PERSON_2>", " and <PERS"]


class Toy(Format):
    """Events such as ``{"toy": 1, "voice": "a", "says": "Hi"}``, and ``{"toy": 1, "voice": "a", "over": true}``."""

    __slots__ = ()

    SHAPE: ClassVar[Shape] = {
        "voice": address("voice"),
        "says": text("says", "voice"),
        "over": event("over", "voice"),
        "error": event("error"),
    }
    ANSWER: ClassVar[Shape] = {"said": [TEXT]}

    @staticmethod
    def recognises(event: Mapping[str, Any]) -> bool:
        return event.get("toy") == 1

    @staticmethod
    def recognises_answer(answer: Mapping[str, Any]) -> bool:
        return "said" in answer

    def steps(self, event: Event, answer: Answer) -> list[Step]:
        steps: list[Step] = []
        for mark in event.marks:
            addresses = addresses_of(mark, event)
            if mark[0].name == "says":
                steps.append(Feed((addresses[0], "says", None), mark, addresses))
            elif mark[0].name == "over":
                steps.append(Finish(addresses[0], mark, addresses))
            else:
                steps.append(Drain())
        return steps

    def tail(self, key: Key, tail: str, answer: Answer) -> dict[str, Any]:
        return {"toy": 1, "voice": key[0], "says": tail}


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FORMATS, "toy", Toy)


def events() -> list[dict[str, Any]]:
    """Two voices in turns; one says that it is over."""
    turns = [
        {"toy": 1, "voice": voice, "says": said[:: 1 if voice == "a" else -1]}
        for said in SAID
        for voice in ("a", "b")
    ]
    return [*turns, {"toy": 1, "voice": "a", "over": True}]


def texts(events: list[Any]) -> dict[str, str]:
    said: dict[str, str] = {}
    for one in events:
        said[one["voice"]] = said.get(one["voice"], "") + one.get("says", "")
    return said


def expected() -> dict[str, str]:
    return {voice: oracle.restore(PAIRS, text) for voice, text in texts(events()).items()}


@pytest.mark.parametrize("protocol", ["auto", "toy"])
@pytest.mark.parametrize("lines", [False, True], ids=["events", "lines"])
def test_its_bytes_are_restored(backend: str, protocol: str, *, lines: bool) -> None:
    form = "{}\n" if lines else "data: {}\n\n"
    data = "".join(form.format(json.dumps(one)) for one in events()).encode()
    result = in_every_way(maker(PAIRS, protocol=protocol), data, Random(1))
    assert (result.protocol, result.error) == ("toy", "")
    left = [json.loads(line.removeprefix("data: ")) for line in result.data.decode().splitlines() if line]
    assert texts(left) == expected()
    over = next(number for number, one in enumerate(left) if one.get("over"))
    assert left[over - 1] == {"toy": 1, "voice": "a", "says": "<PERS"}  # its tail leaves before its end


def test_its_chunks_and_answers_are_restored(backend: str) -> None:
    restorer = ChunkRestorer(PAIRS, protocol="toy")
    left = [out for one in events() for out in restorer.feed(one)] + restorer.flush()
    assert texts(left) == expected()
    assert restore_answer({"said": ["<PERSON_1>!"]}, PAIRS) == {"said": ["Ada!"]}


def test_the_lane_takes_its_events(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settled: list[Event] = []
    settle = Answer.settle

    def counted(answer: Answer, event: Event) -> tuple[list[dict[str, Any]], bool]:
        settled.append(event)
        return settle(answer, event)

    monkeypatch.setattr(Answer, "settle", counted)
    restorer = WireRestorer(PAIRS)
    for one in [events()[0]] * 50:
        restorer.feed(f"data: {json.dumps(one)}\n\n".encode())
    assert len(settled) == 1


def test_the_page_asks_for_no_more_than_four_files() -> None:
    page = (Path(__file__).resolve().parent.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    part = page.partition("## Adding a wire format")[2].partition("\n## ")[0]
    assert len(re.findall(r"^\d\. ", part, re.MULTILINE)) == 4
