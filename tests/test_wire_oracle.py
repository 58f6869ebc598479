"""The judge of the byte layer can fail: it rejects what is nearly right."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

import wire_vectors
from thorough import some, thorough
from wire_cases import PAIRS, STOP, call, chunk, say, sse
from wire_cases_typed import CREATED, delta, numbered, parts
from wire_json import Lines, frames
from wire_model import restore
from wire_oracle import Rejected, judge
from wire_streams import PAIRS as KEYS
from wire_streams import PROTOCOLS, invented

FOLDER = Path(__file__).parent / "vectors" / "wire"
VECTORS = [
    vector
    for path in sorted(FOLDER.glob("*.json"))
    if path.name not in ("recordings.json", "json.json")
    for vector in json.loads(path.read_text(encoding="ascii"))
    if not vector["raises"]
]
ADA = PAIRS["<PERSON_1>"]


def judged(vector: dict[str, Any], out: bytes) -> bool:
    """Whether the judge accepts it."""
    try:
        judge(
            "".join(vector["chunks"]).encode("latin-1"),
            out,
            dict(vector["pairs"]),
            vector["format"],
            lines=vector["lines"],
            largest=vector["options"].get("max_event_bytes"),
            content=vector["options"].get("content", "auto"),
        )
    except Rejected:
        return False
    return True


def broken(out: bytes, *, lines: Lines) -> Iterator[tuple[str, bytes]]:
    """Outputs that are nearly the same."""
    found = [frame.bytes for frame in frames(out, lines=lines)]
    for at in {0, len(found) // 2, len(found) - 1}:
        yield f"frame {at} is lost", b"".join(found[:at] + found[at + 1 :])
        yield f"frame {at} comes twice", b"".join(found[: at + 1] + found[at:])
    for at in {len(out) // 3, len(out) // 2}:
        if out[at : at + 1].isalnum():
            yield f"byte {at} is another", out[:at] + b"~" + out[at + 1 :]
    yield "it is cut off", out[:-1]
    yield "it goes on", out + b": x\n"


@thorough
@pytest.mark.parametrize("vector", some(VECTORS, 4), ids=lambda vector: vector["name"])
def test_what_is_nearly_right_is_rejected(vector: dict[str, Any]) -> None:
    out = "".join([*vector["feeds"], vector["flush"]]).encode("latin-1")
    assert judged(vector, out)
    for name, wrong in broken(out, lines=vector["lines"]):
        assert wrong == out or not judged(vector, wrong), name


GIVEN = [say("Hi <PERS"), say("ON_1>, <PE"), say("x"), say("y <PER"), STOP]
RIGHT = [say(f"Hi {ADA}, "), say("<PEx"), say("y "), chunk({"content": "<PER"}, finish="stop")]
RIGHT[0:0] = [say("Hi ")]
RIGHT[1] = say(f"{ADA}, ")


def accepts(given: list[Any], out: list[Any], protocol: str = "openai-chat", **options: Any) -> bool:
    name = protocol in ("openai-responses", "anthropic")
    try:
        judge(sse(*given, name=name), sse(*out, name=name), PAIRS, protocol, **options)
    except Rejected:
        return False
    return True


def test_a_tail_leaves_before_or_in_the_finish() -> None:
    assert accepts(GIVEN, RIGHT)
    assert accepts(GIVEN, [*RIGHT[:-1], say("<PER"), STOP])
    assert not accepts(GIVEN, [*RIGHT[:-1], STOP, say("<PER")])
    assert not accepts(GIVEN, [*RIGHT[:-1], {**say("<PER"), "id": "another"}, STOP])
    assert not accepts(GIVEN, [*RIGHT[:-1], {**say("<PER"), "created": 1}, STOP])
    assert not accepts(GIVEN, [*RIGHT[:-1], say("<PER", finish="stop"), STOP])


def test_text_leaves_when_it_can() -> None:
    late = [say("Hi "), say(ADA), say(", <PEx"), *RIGHT[3:]]
    assert not accepts(GIVEN, late)
    early = [say("Hi "), say(f"{ADA}, <PE"), say("x"), *RIGHT[3:]]
    assert not accepts(GIVEN, early)


def test_an_event_of_nothing_but_withheld_text_is_left_out() -> None:
    given = [say("<PERS"), say("ON_1>"), STOP]
    assert accepts(given, [say(ADA), STOP])
    assert not accepts(given, [say(""), say(ADA), STOP])
    more = [{**say("<PERS"), "x_groq": {"id": 1}}, *given[1:]]
    assert accepts(more, [{**say(""), "x_groq": {"id": 1}}, say(ADA), STOP])
    assert not accepts(more, [say(ADA), STOP])


def test_nothing_leaves_behind_an_error() -> None:
    error = {"error": {"message": "x"}}
    assert accepts([say("a <P"), error], [say("a "), say("<P"), error])
    assert not accepts([say("a <P"), error], [say("a "), error, say("<P")])
    both = {**say("b <P"), **error}
    assert accepts([say("a"), both], [say("a"), both])
    assert not accepts([say("a"), both], [say("a"), {**say("b "), **error}, say("<P")])


def test_a_finish_that_more_text_follows_was_none() -> None:
    given = [say(text, finish="stop") for text in ("a <P", "b <PERS", "ON_1>", "c <P")]
    out = [say(text, finish="stop") for text in ("a <P", "b ", ADA, "c ")]
    assert accepts(given, [*out, say("<P")])
    ended = [say(text, finish="stop") for text in ("a <P", "b <PERS", "ON_1>", "c <P")]
    assert not accepts(given, ended)


def test_a_call_goes_on_while_no_other_has_a_name() -> None:
    given = [call('{"a":"x ', 0, "a", "f"), call("<PERSON_1>", 0, "b"), call('"}', 0, "c")]
    escaped = ADA.replace('"', '\\"')
    assert accepts(given, [given[0], call(escaped, 0, "b"), given[2]])
    assert not accepts(given, [given[0], call(ADA, 0, "b"), given[2]])


def test_a_responses_tail_repeats_the_last_number() -> None:
    end: dict[str, Any] = {"type": "response.completed", "response": {}}
    given = numbered([CREATED, delta("a <P"), end])
    tail = {**delta("<P"), "sequence_number": 4}
    out = [given[0], {**given[1], "delta": "a "}]
    assert accepts(given, [*out, tail, given[2]], "openai-responses")
    for wrong in (delta("<P"), {**tail, "sequence_number": 5}, {**tail, "output_index": 1}):
        assert not accepts(given, [*out, wrong, given[2]], "openai-responses")
    assert not accepts(given, [*out, given[2], tail], "openai-responses")


def test_gemini_has_no_empty_part_and_loses_no_count() -> None:
    given = [parts({"text": "a <P"}, count=1), parts({"text": "ERS"}, count=2)]
    first = parts({"text": "a "}, count=1)
    assert accepts(given, [first, parts({"text": "<PERS"}, count=2)], "gemini")
    assert not accepts(given, [first, parts({"text": ""}, count=2), parts({"text": "<PERS"})], "gemini")
    assert not accepts(given, [first, parts({"text": "<PERS"})], "gemini")
    assert not accepts(given, [first, parts({"text": "<PERS"}, count=1)], "gemini")


def test_a_stream_that_goes_on_keeps_what_it_holds() -> None:
    assert accepts([say("a <P")], [say("a ")], is_ended=False)
    assert not accepts([say("a <P")], [say("a ")])
    assert not accepts([say("a <P")], [say("a <P")], is_ended=False)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_there_is_an_answer_to_every_stream(protocol: str) -> None:
    """A slow model that sees the whole stream finds it: no demand of the judge contradicts another."""
    for seed in range(60):
        rng = Random(seed)
        lines = (protocol == "ollama") != (rng.random() < 0.2)
        stream = invented(rng, protocol, lines=lines, wide=seed % 3 > 0, most=rng.randint(1, 40))
        judge(stream.data, restore(stream.data, KEYS, protocol, lines=lines), KEYS, protocol, lines=lines)


def test_there_is_an_answer_to_every_made_stream() -> None:
    for case in wire_vectors.cases():
        if "max_event_bytes" not in case.options and case.lines != "array" and case.kind != "R18":
            how: Any = {"lines": case.lines, "content": case.options.get("content", "auto")}
            out = restore(case.data, case.pairs, case.protocol, **how)
            judge(case.data, out, case.pairs, case.protocol, **how)
