"""The Responses API: channels that overlap, and texts that come up to five times."""

from __future__ import annotations

from enum import Enum
from typing import Any

import pytest

from holdback import ChunkRestorer
from recorded import (
    CUTS,
    MAP,
    chunks_of,
    client_of,
    heard,
    recut,
    restored,
    through,
)
from responses_events import IDS, PROTOCOL, RECORDINGS, TEXT, delta, run

# ---------------------------------------------------------------- odd shapes, and objects


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"type": None},
        {"type": ["response.output_text.delta"]},
        {"type": f"{TEXT}.delta"},
        {"type": f"{TEXT}.delta", "delta": None, **IDS},
        {"type": f"{TEXT}.delta", "delta": {"stdout": "<PERSON_1>"}, **IDS},
        {"type": f"{TEXT}.done", **IDS, "text": None},
        {"type": "response.shell_call_output_content.delta", "delta": "<PERSON_1>"},
        {"type": "response.output_item.done", "item": None},
        {
            "type": "response.output_item.done",
            "item": {"type": "message", "content": [None, "<PERSON_1>", {}]},
        },
        {"type": "response.output_item.added", "item": {"type": "function_call", "arguments": None}},
        {"type": "response.content_part.done", "part": {"type": None}},
        {"type": "response.completed", "response": None},
        {"type": "response.completed", "response": {"output": None}},
        {
            "type": "response.completed",
            "response": {"output": [None, 7, {"type": "message", "content": "<PERSON_1>"}]},
        },
    ],
    ids=str,
)
def test_an_odd_shape_passes_as_the_same_object(event: dict[str, Any]) -> None:
    assert run(event)[0] is event


def test_ids_that_are_missing_stay_missing() -> None:
    bare = {"type": f"{TEXT}.delta", "delta": "<PERS"}
    assert run(bare) == [bare | {"delta": ""}, bare]


def test_a_type_may_be_an_enum() -> None:
    """As LiteLLM's is."""

    class Kind(str, Enum):  # noqa: UP042 - a StrEnum is another thing
        DELTA = "response.output_text.delta"

    class Plain(Enum):
        DELTA = "response.output_text.delta"

    for kind in (Kind.DELTA, Plain.DELTA):
        assert run({**delta("<PERSON_10>"), "type": kind}) == [{**delta("Grace"), "type": kind}]


@pytest.mark.sdk
@pytest.mark.parametrize("name", RECORDINGS)
def test_objects_of_the_openai_sdk(name: str) -> None:
    responses = pytest.importorskip("openai.types.responses")
    construct_type = pytest.importorskip("openai._models").construct_type
    events = [construct_type(type_=responses.ResponseStreamEvent, value=event) for event in chunks_of(name)]
    restorer = ChunkRestorer(MAP, protocol=PROTOCOL)
    out = [leaving for event in events for leaving in restorer.feed(event)] + restorer.flush()
    expected = through(PROTOCOL, [event.to_dict(mode="python") for event in events])
    assert [event.to_dict(mode="python") for event in out] == expected
    kinds = {event.type: type(event) for event in events}
    assert [type(event) for event in out] == [kinds[event.type] for event in out]


@pytest.mark.sdk
@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("name", ["openai-responses-text.sse", "openai-responses-tools.sse"])
def test_the_stream_helper_of_the_openai_sdk(name: str, cut: str) -> None:
    """It follows every event and asserts what it expects; tails of ours, without a number, are fine."""
    openai = pytest.importorskip("openai")
    events = recut(chunks_of(name), CUTS[cut])
    followed: dict[str, str] = {}
    client = client_of(openai, "OpenAI", run(*events))
    with client.responses.stream(model="m", input="-") as stream:
        for event in stream:
            if event.type in {"response.output_text.delta", "response.function_call_arguments.delta"}:
                followed[event.type] = event.snapshot
        answer = stream.get_final_response()
    said = {key[0]: text for key, text in restored(heard(events)).items()}
    assert followed == {kind: said[kind] for kind in followed} != {}
    assert answer.output_text == said["response.output_text.delta"]


@pytest.mark.litellm
def test_objects_of_litellm() -> None:
    """Their type is a member of an enum, and items are dicts or objects."""
    openai = pytest.importorskip("litellm.types.llms.openai")
    kinds = openai.ResponsesAPIStreamEvents
    text = openai.OutputTextDeltaEvent(type=kinds.OUTPUT_TEXT_DELTA, **IDS, delta="Hi <PERS", logprobs=None)
    done = openai.OutputTextDoneEvent(
        type=kinds.OUTPUT_TEXT_DONE, **IDS, text="Hi <PERSON_10> <", logprobs=None
    )
    more = text.model_copy(update={"delta": "ON_10> <"})
    restorer = ChunkRestorer(MAP, protocol=PROTOCOL)
    out = [leaving for event in (text, more, done) for leaving in restorer.feed(event)]
    assert [type(event) for event in out] == [type(text)] * 3 + [type(done)]
    assert [event.delta for event in out[:3]] == ["Hi ", "Grace ", "<"]
    assert out[3].text == "Hi Grace <"
    assert out[0].type is kinds.OUTPUT_TEXT_DELTA
    assert text.delta == "Hi <PERS", "the caller's event was changed"
