"""The guardrail restores every kind of answer, in LiteLLM's own objects and in bytes."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import os
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from holdback import EventTooLarge, HoldbackError, Report
from streams import PAIRS, STOP, TEXT_ENVELOPE, call, chat, heard, say, text

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # it would be fetched
with warnings.catch_warnings():  # LiteLLM's own, when it is imported
    warnings.simplefilter("ignore")
    pytest.importorskip("litellm")
    from litellm.types.llms import openai as responses
    from litellm.types.utils import ModelResponse, ModelResponseStream, TextCompletionResponse

    from holdback.integrations.litellm import attach_mapping

from guardrail_host import HEARD, SPOKEN, before, guardrail, request, said, served, spoken, whole

pytestmark = [
    pytest.mark.litellm,
    pytest.mark.usefixtures("backend"),
]


# ---------------------------------------------------------------- every kind of answer


KINDS = responses.ResponsesAPIStreamEvents


def output_text(delta: str, item: str = "i", number: int = 0) -> Any:
    return responses.OutputTextDeltaEvent(
        type=KINDS.OUTPUT_TEXT_DELTA,
        item_id=item,
        output_index=0,
        content_index=0,
        delta=delta,
        sequence_number=number,
    )


def output_text_done(value: str, item: str = "i") -> Any:
    return responses.OutputTextDoneEvent(
        type=KINDS.OUTPUT_TEXT_DONE, item_id=item, output_index=0, content_index=0, text=value
    )


def tool_arguments(delta: str) -> Any:
    return responses.FunctionCallArgumentsDeltaEvent(
        type=KINDS.FUNCTION_CALL_ARGUMENTS_DELTA, item_id="f", output_index=1, delta=delta
    )


async def test_responses_events_whose_channels_overlap() -> None:
    source = json.dumps({"to": SPOKEN})
    events = [
        *(output_text(SPOKEN[at : at + 4]) for at in range(0, len(SPOKEN), 4)),
        *(tool_arguments(source[at : at + 4]) for at in range(0, len(source), 4)),
        responses.FunctionCallArgumentsDoneEvent(
            type=KINDS.FUNCTION_CALL_ARGUMENTS_DONE, item_id="f", output_index=1, arguments=source
        ),
        output_text_done(SPOKEN),
    ]
    out = await served(guardrail(known_values=PAIRS), events, request())
    deltas = [event.delta for event in out if event.type == "response.output_text.delta"]
    assert "".join(deltas) == HEARD == out[-1].text
    spelled = "".join(event.delta for event in out if event.type == "response.function_call_arguments.delta")
    (done,) = [event.arguments for event in out if event.type == "response.function_call_arguments.done"]
    assert json.loads(spelled) == {"to": HEARD} == json.loads(done)
    assert all(type(event).__module__ == "litellm.types.llms.openai" for event in out)
    assert all(json.loads(event.model_dump_json(exclude_none=True, exclude_unset=True)) for event in out)


async def test_an_event_that_litellm_does_not_know() -> None:
    event = responses.GenericEvent(
        type="response.custom_tool_call_input.delta", item_id="i", delta="<PERSON_2>"
    )
    (out,) = await served(guardrail(known_values=PAIRS), [event], request())
    assert out.delta == "Bo"


@pytest.mark.parametrize(
    ("asked", "setting", "is_json"),
    [
        ({"response_format": {"type": "json_object"}}, "auto", True),
        ({"response_format": {"type": "text"}}, "auto", False),
        ({"response_format": {"type": "text"}}, "json", True),
        ({}, "text", False),
        ({}, "auto", True),
    ],
)
async def test_content_is_what_the_request_asks_for(asked: Any, setting: Any, is_json: bool) -> None:
    holdback, data = guardrail(content=setting), request(**asked)
    attach_mapping(data, PAIRS)
    quoted = PAIRS["<QUOTED_1>"]
    expected = json.dumps([quoted], ensure_ascii=False) if is_json else f'["{quoted}"]'
    assert said(await served(holdback, spoken('["<QUOTED_1>"]'), data)) == expected
    answer = ModelResponse(
        choices=[{"index": 0, "message": {"role": "assistant", "content": '["<QUOTED_1>"]'}}]
    )
    whole = await holdback.async_post_call_success_hook(data, None, answer)
    assert whole.choices[0].message.content == expected


def test_a_content_that_is_not_known_is_refused() -> None:
    with pytest.raises(HoldbackError, match=r'^content must be "auto", "text" or "json"$'):
        guardrail(content="yaml")


async def test_text_completions() -> None:
    chunks = [TextCompletionResponse(**text(SPOKEN[at : at + 3])) for at in range(0, len(SPOKEN), 3)]
    chunks.append(
        TextCompletionResponse(**TEXT_ENVELOPE, choices=[{"index": 0, "finish_reason": "stop", "text": ""}])
    )
    out = await served(guardrail(known_values=PAIRS), chunks, request())
    assert {type(chunk) for chunk in out} == {TextCompletionResponse}
    assert "".join(chunk.choices[0].text or "" for chunk in out) == HEARD


def anthropic_events(spoken: str) -> bytes:
    def event(kind: str, **members: Any) -> str:
        return f"event: {kind}\ndata: {json.dumps({'type': kind, **members}, ensure_ascii=False)}\n\n"

    out = event("message_start", message={"type": "message", "id": "m", "content": [], "model": "é"})
    out += event("content_block_start", index=0, content_block={"type": "text", "text": ""})
    for at in range(0, len(spoken), 3):
        delta = {"type": "text_delta", "text": spoken[at : at + 3]}
        out += event("content_block_delta", index=0, delta=delta)
    out += event("content_block_stop", index=0)
    return (out + event("message_stop")).encode()


def gemini_events(spoken: str) -> bytes:
    parts = [[{"text": spoken[at : at + 3]}] for at in range(0, len(spoken), 3)]
    candidates: list[dict[str, Any]] = [{"content": {"parts": part, "role": "model"}} for part in parts]
    candidates.append({"content": {"parts": [{"text": ""}]}, "finishReason": "STOP"})
    return b"".join(
        f"data: {json.dumps({'candidates': [candidate]}, ensure_ascii=False)}\r\n\r\n".encode()
        for candidate in candidates
    )


def joined(wire: bytes) -> str:
    data = [json.loads(line[6:]) for line in wire.decode().splitlines() if line.startswith("data: ")]
    said = [event.get("delta", {}).get("text", "") for event in data]
    for event in data:
        for candidate in event.get("candidates", ()):
            said += [part["text"] for part in candidate["content"]["parts"]]
    return "".join(said)


@pytest.mark.parametrize("events", [anthropic_events, gemini_events])
@pytest.mark.parametrize("size", [1, 7, 37, 100_000])
async def test_bytes_cut_anywhere(events: Callable[[str], bytes], size: int) -> None:
    wire = events("é😀 " + SPOKEN)
    cut = [wire[at : at + size] for at in range(0, len(wire), size)]
    out = await served(guardrail(known_values=PAIRS), cut, request())
    assert {type(item) for item in out} == {bytes}
    assert joined(b"".join(out)) == "é😀 " + HEARD
    assert b"".join(await served(guardrail(), cut, request())) == wire


async def test_bytes_between_objects_flush_nothing() -> None:
    chunks = spoken("<PERSON_2>!", 4)
    mixed = [item for chunk in chunks for item in (chunk, b": ping\n\n")]
    out = await served(guardrail(known_values=PAIRS), mixed, request())
    assert [item for item in out if isinstance(item, bytes)] == [b": ping\n\n"] * len(chunks)
    assert said(item for item in out if not isinstance(item, bytes)) == "Bo!"


async def test_a_string_is_litellm_s_own_matter() -> None:
    """On most routes one that begins with ``data:`` is an error message."""
    out = await served(guardrail(known_values=PAIRS), [*spoken("<P")[:-1], "data: {}"], request())
    assert "data: {}" in out


async def test_tool_calls_reasoning_choices_and_usage() -> None:
    from litellm.types.utils import Usage

    source = r'{"a": "\u003cQUOTED_1\u003e"}'
    chunks = [
        chat({"role": "assistant", "content": ""}),
        *(say(piece, "reasoning_content") for piece in ("<PERS", "ON_2>")),
        *(say(piece, index=index) for piece in ("<PERS", "ON_2>") for index in (0, 1)),
        *(call(source[at : at + 5]) for at in range(0, len(source), 5)),
        chat({}, "tool_calls"),
        chat({}, "stop", 1),
    ]
    end = ModelResponseStream(id="chatcmpl-1", choices=[], usage=Usage(prompt_tokens=1, completion_tokens=2))
    out = await served(
        guardrail(known_values=PAIRS), [*(ModelResponseStream(**chunk) for chunk in chunks), end], request()
    )
    said = heard(chunk.model_dump() for chunk in out)
    assert json.loads(said.pop((0, "tool", 0))) == {"a": PAIRS["<QUOTED_1>"]}
    assert said == {(0, "content"): "Bo", (1, "content"): "Bo", (0, "reasoning_content"): "Bo"}
    assert out[-1] is end


async def test_whole_answers() -> None:
    from litellm.types.llms.openai import ResponsesAPIResponse

    holdback = guardrail(known_values=PAIRS)

    async def restored(answer: Any) -> Any:
        return await holdback.async_post_call_success_hook(request(), None, answer)

    assert (await restored(ModelResponse(**whole()))).choices[0].message.content == HEARD
    completion = TextCompletionResponse(**TEXT_ENVELOPE, choices=[{"index": 0, "text": SPOKEN}])
    assert (await restored(completion)).choices[0].text == HEARD
    part = {"type": "output_text", "text": SPOKEN, "annotations": []}
    item = {"type": "message", "id": "i", "role": "assistant", "status": "completed", "content": [part]}
    answer = ResponsesAPIResponse(id="r", created_at=1, object="response", output=[item], model="m")
    (out,) = (await restored(answer)).model_dump()["output"]
    assert out["content"][0]["text"] == HEARD
    message = {"type": "message", "role": "assistant", "content": [{"type": "text", "text": SPOKEN}]}
    assert (await restored(message))["content"][0]["text"] == HEARD
    for other in (None, "text", 5, {"data": [{"embedding": [0.5]}]}):
        assert await restored(other) is other


@pytest.mark.parametrize("reasoning", [True, False])
async def test_thinking_is_restored_on_demand(reasoning: bool) -> None:
    wire = (
        anthropic_events(SPOKEN).replace(b"text_delta", b"thinking_delta").replace(b'"text":', b'"thinking":')
    )
    out = b"".join(await served(guardrail(known_values=PAIRS, reasoning=reasoning), [wire], request()))
    assert (out != wire) is reasoning


# ---------------------------------------------------------------- the wire format, and bytes


FOREIGN = {"type": "ping"}
"""What the format would be told from, if it were told from the answer alone."""


@pytest.mark.parametrize("call_type", ["acompletion", "completion"])
async def test_the_format_goes_by_the_kind_of_call(call_type: str) -> None:
    holdback, data = guardrail(known_values=PAIRS), request()
    await before(holdback, data, call_type)
    out = await served(holdback, [FOREIGN, *spoken()], data)
    assert out[0] is FOREIGN
    assert said(out[1:]) == HEARD


@pytest.mark.parametrize("call_type", ["anthropic_messages", "aanthropic_messages"])
async def test_the_format_of_bytes_too(call_type: str) -> None:
    holdback, data = guardrail(known_values=PAIRS), request()
    await before(holdback, data, call_type)
    wire = b'data: {"warning": 1}\n\n' + anthropic_events(SPOKEN)
    out = b"".join(await served(holdback, [wire[at : at + 11] for at in range(0, len(wire), 11)], data))
    assert joined(out) == HEARD


@pytest.mark.parametrize(
    "call_type", ["agenerate_content_stream", "pass_through_endpoint", "new_in_2027", None]
)
async def test_a_call_of_another_kind_is_told_from_its_answer(call_type: Any) -> None:
    holdback, data = guardrail(known_values=PAIRS), request()
    await before(holdback, data, call_type)
    assert joined(b"".join(await served(holdback, [gemini_events(SPOKEN)], data))) == HEARD
    if call_type != "agenerate_content_stream":
        assert said(await served(holdback, spoken(), data)) == HEARD


async def test_a_protocol_that_is_named_wins() -> None:
    holdback, data = guardrail(known_values=PAIRS, protocol="openai-text"), request()
    await before(holdback, data)
    assert said(await served(holdback, spoken(), data)) == SPOKEN
    answer = ModelResponse(choices=[{"index": 0, "message": {"role": "assistant", "content": "<PERSON_1>"}}])
    assert (await holdback.async_post_call_success_hook(data, None, answer)) is answer


@pytest.mark.parametrize("wrong", [{"protocol": "smtp"}, {"oversized": "drop"}, {"undecodable": "drop"}])
async def test_a_setting_that_is_not_known(wrong: dict[str, Any]) -> None:
    with pytest.raises(HoldbackError):
        guardrail(**wrong)


async def test_compressed_bytes_are_decoded_and_an_event_has_a_limit() -> None:
    wire = anthropic_events(SPOKEN)
    packed = gzip.compress(wire)
    out = await served(guardrail(known_values=PAIRS), [packed[:9], packed[9:]], request())
    assert joined(b"".join(out)) == HEARD
    small = guardrail(known_values=PAIRS, max_event_bytes=4)
    with contextlib.suppress(EventTooLarge):
        assert b"".join(await served(small, [wire], request())) == wire


def test_the_report_is_in_what_litellm_logs_and_goes_to_on_report() -> None:
    reports: list[Report] = []
    holdback = guardrail(
        known_values=PAIRS, policy={"addresses": "keep"}, unknown=True, on_report=reports.append
    )
    data = request(metadata={})
    said = "Hi <PERSON_1>, https://evil.example/<PERSON_1> <PERSON_77>"
    sent = asyncio.run(served(holdback, [say(said), STOP], data))
    assert (
        heard(sent)[0, "content"] == f"Hi {PAIRS['<PERSON_1>']}, https://evil.example/<PERSON_1> <PERSON_77>"
    )
    logged = data["metadata"]["standard_logging_guardrail_information"][-1]
    assert logged["guardrail_provider"] == "holdback"
    assert logged["guardrail_response"] == reports[0].as_dict()
    assert reports == [Report(restored={"other": 1}, kept={"address": {"other": 1}}, unknown={"other": 1})]
    assert not any(original in repr(logged) for original in PAIRS.values())
