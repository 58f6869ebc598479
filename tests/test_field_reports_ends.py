"""What went wrong elsewhere, each report a case.

The names say where a case comes from: ``row N`` and ``S N`` are reports from the field on streaming restorers
(rows about byte framing and other wire formats are tested with those), a project's name is a bug found in it.
"""

from __future__ import annotations

import asyncio
import logging

import pytest

from field_reports import ON, P, through
from holdback import ChunkRestorer, PIIMapping, StreamingDeAnonymizer, StreamingHandler
from streams import STOP, Upstream, call, chat, events, heard, restore, say, text

# ---- SSE and Unicode


async def test_row_39_line_separators_leave_escaped(backend: str) -> None:
    out = [
        event
        async for event in StreamingHandler.stream_response(Upstream([say("a\u2028b\u2029c\x85d")]), P, ON)
    ]
    assert events(out) == [say("a\u2028b\u2029c\x85d")]


def test_row_48_an_escape_cut_in_two(backend: str) -> None:
    """PrivAiTe, veil-pii: escaped placeholders were not matched at all."""
    for source in (r'{"n":"\u003cPERSON_1\u003e"}', r'{"n":"\u003CPERSON_1>"}'):
        assert heard(restore([call(piece) for piece in source], P)) == {(0, "tool", 0): '{"n":"Ada"}'}


async def test_row_49_a_lone_half_crashes_no_writer(backend: str) -> None:
    assert heard(await through([say("a\ud83d b")])) == {(0, "content"): "a\ud83d b"}


# ---- errors, end of stream, resources


async def test_row_50_a_providers_error_event_passes_after_what_was_held(backend: str) -> None:
    error = {"error": {"message": "overloaded", "code": 529}}
    assert await through([say("a <PERS"), error]) == [say("a "), {**say("<PERS")}, error]


async def test_rows_51_and_52_a_failure_is_not_an_empty_answer(backend: str) -> None:
    error = PermissionError("policy")
    with pytest.raises(PermissionError) as caught:
        _ = [e async for e in StreamingHandler.stream_response(Upstream([say("a")], error), P, ON)]
    assert caught.value is error


async def test_row_53_the_client_is_gone(backend: str) -> None:
    """PrivAiTe: an early close did not reach the upstream."""
    upstream = Upstream([say("a"), say("b")])
    stream = StreamingHandler.stream_response(upstream, P, ON)
    await anext(stream)
    await stream.aclose()
    assert upstream.closed == 1
    assert upstream.taken == 1


async def test_row_54_one_done_and_a_closed_source(backend: str) -> None:
    upstream = Upstream([STOP, say("late <PERSON_1> <PER")])
    sent = [event async for event in StreamingHandler.stream_response(upstream, P, ON)]
    assert sent.count("data: [DONE]\n\n") == 1
    assert upstream.closed == 1
    assert heard(events(sent)) == {(0, "content"): "late Ada <PER"}


def test_row_55_and_s_11_what_is_held_is_bounded_by_the_longest_key(backend: str) -> None:
    restorer = StreamingDeAnonymizer({"<" * 20 + "x": "y"})
    for _ in range(200):
        restorer.feed("<" * 50)
        assert len(restorer.buffer) <= 20


# ---- handlers of others


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content", "refusal"])
def test_a_field_that_others_forget(field: str, backend: str) -> None:
    assert heard(restore([say("<PERS", field), say("ON_1>", field)], P)) == {(0, field): "Ada"}


def test_privaite_0_2_11_a_withheld_chunk_with_a_payload_is_sent(backend: str) -> None:
    payload = {"content": [{"token": "<PERS"}]}
    out = restore([chat({"content": "<PERS"}, logprobs=payload), say("ON_1>")], P)
    assert out == [chat({"content": ""}, logprobs=payload), say("Ada")]


async def test_privaite_0_2_10_a_text_completion_stays_one(backend: str) -> None:
    stream = StreamingHandler.stream_text_response(Upstream([text("<PERS"), text(None, "stop")]), P, ON)
    assert events([event async for event in stream]) == [text(""), text("<PERS", "stop")]


def test_privaite_0_4_1_a_schema_with_a_property_named_type(backend: str) -> None:
    source = '{"type": {"name": "<PERSON_1>"}}'
    assert heard(restore([call(source, type={"not": "a string"})], P)) == {
        (0, "tool", 0): source.replace("<PERSON_1>", "Ada")
    }


def test_privaite_text_after_the_finish_loses_nothing(backend: str) -> None:
    assert heard(restore([chat({"content": "a"}, "stop"), say(" b <PERSON_1> <PER")], P)) == {
        (0, "content"): "a b Ada <PER"
    }


@pytest.mark.parametrize("project", ["gheim", "llm-redact-proxy"])
def test_text_of_the_finish_chunk_is_not_reordered(project: str, backend: str) -> None:
    del project
    assert heard(restore([say("a "), chat({"content": "x <PER"}, "length")], P)) == {
        (0, "content"): "a x <PER"
    }


def test_gheim_two_parallel_calls_with_tails(backend: str) -> None:
    chunks = [call('"<PERS', 0), call('"<PER', 1), chat({}, "tool_calls")]
    assert heard(restore(chunks, P)) == {(0, "tool", 0): '"<PERS', (0, "tool", 1): '"<PER'}


# ---- security


def test_s_3_nothing_crosses_streams(backend: str) -> None:
    mapping = PIIMapping()
    mapping.add("Ada", "<PERSON_1>", "PERSON")
    one, two = ChunkRestorer(mapping), ChunkRestorer(P | {"<PERSON_1>": "Cy"})
    assert (one.feed(say("<PERS")), two.feed(say("<PERS"))) == ([], [])
    assert (one.feed(say("ON_1>")), two.feed(say("ON_1>"))) == ([say("Ada")], [say("Cy")])


async def test_s_4_no_value_in_logs_errors_or_reprs(backend: str, caplog: pytest.LogCaptureFixture) -> None:
    mapping = PIIMapping()
    mapping.add("Zorp-Glax", "<SECRET_1>", "PERSON")
    deanonymizer, restorer = StreamingDeAnonymizer(mapping), ChunkRestorer(mapping)
    deanonymizer.feed("<SECRET_")
    restorer.feed(say("<SECRET_"))
    shown = [
        repr(mapping),
        repr(deanonymizer),
        repr(restorer),
        repr(mapping.matcher()),
        repr(mapping.matcher().stream()),
    ]
    with caplog.at_level(logging.DEBUG), pytest.raises(Exception, match="item 2") as caught:
        _ = [
            e
            async for e in StreamingHandler.stream_response(
                Upstream([say("<SECRET_"), object()]), mapping, ON
            )
        ]
    shown += [caplog.text, repr(caught.value), *getattr(caught.value, "__notes__", [])]
    assert not [text for text in shown if "SECRET" in text or "Zorp" in text]


async def test_s_10_a_miss_never_breaks_the_stream(backend: str) -> None:
    odd = [
        {"choices": [{"index": [], "delta": {"content": {"x": 1}, "tool_calls": "x"}}]},
        {"choices": 7},
        {},
    ]
    assert await through(odd) == odd


async def test_s_11_many_streams_of_openers(backend: str) -> None:
    async def one() -> int:
        return len(heard(await through([say("<" * 500)] * 20))[0, "content"])

    assert await asyncio.gather(*(one() for _ in range(10))) == [10_000] * 10
