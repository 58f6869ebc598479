"""The guardrail's hooks as LiteLLM calls them, with LiteLLM's own objects. The traps are those that we fell into."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import gc
import gzip
import json
import logging
import os
import random
import warnings
import weakref
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from holdback import EventTooLarge, HoldbackError, MappingError, PIIMapping, Report, TrieMatcher
from streams import PAIRS, STOP, TEXT_ENVELOPE, call, chat, heard, say, text

pytestmark = [
    pytest.mark.litellm,
    pytest.mark.usefixtures("backend"),
]
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # it would be fetched
with warnings.catch_warnings():  # LiteLLM's own, when it is imported
    warnings.simplefilter("ignore")
    pytest.importorskip("litellm")
    import litellm
    from litellm.litellm_core_utils.litellm_logging import Logging
    from litellm.proxy._types import UserAPIKeyAuth
    from litellm.proxy.utils import ProxyLogging, _UpstreamStreamBoundary
    from litellm.types.guardrails import GuardrailEventHooks
    from litellm.types.llms import openai as responses
    from litellm.types.utils import ModelResponse, ModelResponseStream, TextCompletionResponse

    from holdback.integrations.litellm import HoldbackGuardrail, attach_mapping

MODES = ["pre_call", "post_call"]
SPOKEN = "Hi <PERSON_1> and <PERSON_2>, <QUOTED_1> <PERS"
HEARD = f"Hi {PAIRS['<PERSON_1>']} and {PAIRS['<PERSON_2>']}, {PAIRS['<QUOTED_1>']} <PERS"


def guardrail(cls: type[HoldbackGuardrail] = HoldbackGuardrail, **settings: Any) -> HoldbackGuardrail:
    return cls(**{"guardrail_name": "holdback", "event_hook": MODES, "default_on": True, **settings})


def request(**fields: Any) -> dict[str, Any]:
    """What LiteLLM hands to hooks; the call's id is the same for all, as a client may choose it to be."""
    logging_obj = Logging(
        model="m",
        messages=[],
        stream=True,
        call_type="acompletion",
        start_time=None,
        litellm_call_id="the-same",
        function_id="f",
    )
    return {"model": "m", "litellm_call_id": "the-same", "litellm_logging_obj": logging_obj, **fields}


class Upstream:
    """An upstream that counts how often it is closed."""

    def __init__(self, items: Iterable[Any], error: BaseException | None = None) -> None:
        self._items, self._error = iter(items), error
        self.asked = self.closed = 0

    def __aiter__(self) -> Upstream:
        return self

    async def __anext__(self) -> Any:
        self.asked += 1
        for item in self._items:
            return item
        raise self._error or StopAsyncIteration

    async def aclose(self) -> None:
        self.closed += 1


def stream(holdback: HoldbackGuardrail, items: Any, data: dict[str, Any]) -> AsyncIterator[Any]:
    upstream = items if hasattr(items, "__aiter__") else Upstream(items)
    return holdback.async_post_call_streaming_iterator_hook(
        user_api_key_dict=None, response=_UpstreamStreamBoundary(upstream), request_data=data
    )


async def served(holdback: HoldbackGuardrail, items: Any, data: dict[str, Any]) -> list[Any]:
    return [item async for item in stream(holdback, items, data)]


async def before(holdback: HoldbackGuardrail, data: dict[str, Any], call_type: str = "acompletion") -> Any:
    return await holdback.async_pre_call_hook(None, None, data, call_type)


def spoken(text: str = SPOKEN, size: int = 3) -> list[Any]:
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    return [ModelResponseStream(**chunk) for chunk in (*map(say, pieces), STOP)]


def said(chunks: Iterable[Any]) -> str:
    return heard(chunk.model_dump() for chunk in chunks)[0, "content"]


# ---------------------------------------------------------------- the traps


@pytest.mark.filterwarnings("ignore")  # the whole proxy is imported in there
@pytest.mark.parametrize("depth", [0, 1, 2])
async def test_trap_1_hooks_are_in_the_leaf_class(depth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """LiteLLM itself runs the stream: it never calls a hook that is inherited."""
    cls: type[Any] = HoldbackGuardrail
    for _ in range(depth):
        cls = type("Derived", (cls,), {})
    monkeypatch.setattr(litellm, "callbacks", [guardrail(cls, known_values=PAIRS)])
    proxy = ProxyLogging(user_api_key_cache=None)
    chunks = proxy.async_post_call_streaming_iterator_hook(Upstream(spoken()), UserAPIKeyAuth(), request())
    assert said([chunk async for chunk in chunks]) == HEARD
    assert "async_pre_call_hook" in vars(cls)


def test_trap_1_a_derived_hook_of_ones_own_stays() -> None:
    class Derived(HoldbackGuardrail):
        async def async_pre_call_hook(self, *_: Any, **__: Any) -> Any:
            return None

    assert Derived.__dict__["async_pre_call_hook"] is not HoldbackGuardrail.__dict__["async_pre_call_hook"]


@pytest.mark.parametrize("mode", ["pre_call", "post_call", ["pre_call"], ["post_call"]])
def test_trap_2_a_mode_that_would_do_half_is_refused(mode: Any) -> None:
    with pytest.raises(ValueError, match="mode"):
        guardrail(known_values=PAIRS, event_hook=mode)


def test_trap_2_modes_and_the_native_hooks() -> None:
    for mode in ("post_call", MODES, None):
        guardrail(event_hook=mode)
    with pytest.raises(ValueError, match="during_call"):
        guardrail(event_hook=["during_call", "post_call"])
    holdback = guardrail(known_values=PAIRS)
    for hook in (GuardrailEventHooks.pre_call, GuardrailEventHooks.post_call):
        assert holdback.should_run_guardrail({"metadata": {"disable_global_guardrails": True}}, hook)
    assert "apply_guardrail" not in vars(HoldbackGuardrail), "it would go through the unified guardrail"


async def test_trap_3_the_request_gets_no_new_field() -> None:
    holdback = guardrail(known_values=PAIRS)
    data = request(messages=[{"role": "user", "content": "I am Bo"}], stream=True)
    fields = list(data)
    attach_mapping(data, {"<X_1>": "secret"})
    assert await before(holdback, data) is data
    await served(holdback, spoken(), data)
    await holdback.async_post_call_success_hook(data, None, ModelResponse(**whole()))
    assert list(data) == fields
    assert "secret" not in str({name: value for name, value in data.items() if name != "litellm_logging_obj"})
    assert "secret" not in str(vars(data["litellm_logging_obj"]))


@pytest.mark.parametrize("bucket", ["metadata", "litellm_metadata"])
async def test_trap_4_tokens_leave_the_metadata_where_loggers_see_them(bucket: str) -> None:
    holdback = guardrail()
    data = request(**{bucket: {"pii_tokens": dict(PAIRS), "user": "u"}})
    await before(holdback, data)
    assert data[bucket] == {"user": "u"}
    assert said(await served(holdback, spoken(), data)) == HEARD
    answer = await holdback.async_post_call_success_hook(data, None, ModelResponse(**whole()))
    assert answer.choices[0].message.content == HEARD


async def test_trap_4_no_metadata_is_added() -> None:
    data = request(input="I am Bo")
    await before(guardrail(known_values=PAIRS), data, "aresponses")
    assert "metadata" not in data
    assert "litellm_metadata" not in data


async def test_trap_5_a_mapping_goes_with_its_request() -> None:
    holdback = guardrail()
    mapping = PIIMapping()
    mapping.add("Ada", "<PERSON_1>", "PERSON")
    data = request(metadata={"pii_tokens": {"<PERSON_2>": "Bo"}})
    attach_mapping(data, mapping)
    await before(holdback, data)
    await served(holdback, spoken(), data)
    gone = weakref.ref(mapping)
    del data, mapping
    gc.collect()
    assert gone() is None


async def test_trap_6_the_call_id_is_the_client_s_choice() -> None:
    holdback = guardrail()
    requests = [request() for _ in range(2)]
    assert requests[0]["litellm_call_id"] == requests[1]["litellm_call_id"]
    for data, name in zip(requests, ("Ada", "Bo"), strict=True):
        attach_mapping(data, {"<PERSON_1>": name})
    for data, name in zip(requests, ("Ada", "Bo"), strict=True):
        assert said(await served(holdback, spoken("<PERSON_1>"), data)) == name


async def test_trap_7_what_litellm_put_together_is_not_changed() -> None:
    """What was served is in LiteLLM's logs whatever we do; what the upstream said must not become that by accident."""
    chunks = spoken()
    came = [chunk.model_dump() for chunk in chunks]
    answer = ModelResponse(**whole())
    dump = answer.model_dump()
    holdback = guardrail(known_values=PAIRS)
    out = await served(holdback, chunks, request())
    restored = await holdback.async_post_call_success_hook(request(), None, answer)
    assert said(out) == restored.choices[0].message.content == HEARD
    assert [chunk.model_dump() for chunk in chunks] == came
    assert answer.model_dump() == dump


async def test_bedrocks_pass_through() -> None:
    """LiteLLM buffers that stream and hands its text to the hook as an answer of Converse."""
    content = [{"text": "Hi <PERSON_1>"}, {"toolUse": {"toolUseId": "t", "input": {"to": "<PERSON_1>"}}}]
    answer = {"output": {"message": {"role": "assistant", "content": content}}, "stopReason": "end_turn"}
    holdback = guardrail(known_values=PAIRS)
    restored = await holdback.async_post_call_success_hook(request(), None, answer)
    said, call = restored["output"]["message"]["content"]
    assert said == {"text": f"Hi {PAIRS['<PERSON_1>']}"}
    assert call["toolUse"]["input"] == {"to": PAIRS["<PERSON_1>"]}
    assert content[0] == {"text": "Hi <PERSON_1>"}


def test_trap_8_settings_that_are_not_ours_are_passed_on(tmp_path: Path) -> None:
    from litellm.types.guardrails import LitellmParams

    path = tmp_path / "known.json"
    path.write_text(json.dumps(PAIRS), encoding="utf-8")
    own = {"known_values": str(path), "reasoning": True, "my_option": "hello", "on_violation": "warn"}
    params = LitellmParams(guardrail="x", mode=MODES, default_on=True, **own).model_dump()
    ours = {name: value for name, value in params.items() if name not in {"guardrail", "mode", "default_on"}}
    assert len(ours) > 30
    holdback = guardrail(**ours)
    assert holdback.guardrail_name == "holdback"
    assert holdback.on_violation == "warn"


async def test_trap_9_the_upstream_dies() -> None:
    """The tail, then the very same error."""
    error = RuntimeError("gone")
    upstream = Upstream(spoken("Hi <PERSON_1> <PERS")[:-1], error)
    out: list[Any] = []
    with pytest.raises(RuntimeError) as caught:  # noqa: PT012
        async for chunk in stream(guardrail(known_values=PAIRS), upstream, request()):
            out.append(chunk)  # noqa: PERF401 - what came before the error counts
    assert caught.value is error
    assert said(out) == f"Hi {PAIRS['<PERSON_1>']} <PERS"
    assert upstream.closed == 1


@pytest.mark.parametrize("how", ["closes", "cancels"])
async def test_trap_9_the_client_leaves(how: str) -> None:
    """Nothing more is said, and the upstream is closed once."""
    upstream = Upstream(spoken("Hi <PERS"), asyncio.CancelledError() if how == "cancels" else None)
    out: list[Any] = []
    chunks = stream(guardrail(known_values=PAIRS), upstream, request())
    if how == "cancels":
        upstream = Upstream(spoken("Hi <PERS")[:-1], asyncio.CancelledError())
        chunks = stream(guardrail(known_values=PAIRS), upstream, request())
        with pytest.raises(asyncio.CancelledError):  # noqa: PT012
            async for chunk in chunks:
                out.append(chunk)  # noqa: PERF401
    else:
        out.append(await anext(chunks))
        asked = upstream.asked
        await chunks.aclose()  # type: ignore[attr-defined]
        assert upstream.asked == asked
    assert said(out) == "Hi "
    assert upstream.closed == 1


async def test_trap_10_what_we_add_is_like_what_came_and_never_a_string() -> None:
    chunks = await served(guardrail(known_values=PAIRS), spoken("Hi <PERS")[:-1], request())
    assert {type(chunk) for chunk in chunks} == {ModelResponseStream}
    assert chunks[-1].choices[0].delta.content == "<PERS"
    assert chunks[-1].choices[0].finish_reason is None
    assert chunks[-1].id == "chatcmpl-1"


async def test_trap_11_litellm_s_own_work_per_chunk_goes_on() -> None:
    chunks = await served(guardrail(known_values=PAIRS), spoken("Hi <PERS")[:-1], request())
    assert "".join(map(litellm.get_response_string, chunks)) == "Hi <PERS"


@pytest.mark.filterwarnings("ignore")  # the whole proxy is imported in there
@pytest.mark.parametrize("first", [True, False])
async def test_trap_12_guardrails_wrap_one_another(first: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Presidio's own restoring, which holds the whole answer, rests once its tokens are ours."""
    from litellm.proxy.guardrails.guardrail_hooks.presidio import _OPTIONAL_PresidioPIIMasking

    presidio = _OPTIONAL_PresidioPIIMasking(
        mock_testing=True,
        guardrail_name="presidio",
        event_hook="post_call",
        default_on=True,
        output_parse_pii=True,
    )
    callbacks = [presidio, guardrail()]
    monkeypatch.setattr(litellm, "callbacks", callbacks if first else callbacks[::-1])
    data = request(metadata={"pii_tokens": dict(PAIRS)})
    await before(guardrail(), data)
    proxy = ProxyLogging(user_api_key_cache=None)
    chunks = [
        chunk
        async for chunk in proxy.async_post_call_streaming_iterator_hook(
            Upstream(spoken()), UserAPIKeyAuth(), data
        )
    ]
    assert said(chunks) == HEARD
    assert len(chunks) > 5


# ---------------------------------------------------------------- every kind of answer


def whole(content: Any = SPOKEN) -> dict[str, Any]:
    message = {"role": "assistant", "content": content}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
    }


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


# ---------------------------------------------------------------- where the mapping comes from


async def test_the_order_of_the_sources() -> None:
    holdback = guardrail(known_values={"<1>": "known 1", "<2>": "known 2", "<3>": "known 3"})
    data = request(metadata={"pii_tokens": {"<1>": "token 1", "<2>": "token 2"}})
    attach_mapping(data, {"<1>": "attached 1"})
    assert said(await served(holdback, spoken("<1>, <2>, <3>"), data)) == "attached 1, token 2, known 3"
    assert said(await served(holdback, spoken("<1>, <2>, <3>"), request())) == "known 1, known 2, known 3"


class Fakes:
    def get_all_fakes(self) -> dict[str, str]:
        return {"<1>": "Ada"}


@pytest.mark.parametrize("kind", [dict, PIIMapping, TrieMatcher, Fakes])
async def test_every_kind_of_mapping_can_be_attached(kind: Any) -> None:
    mapping: Any = kind() if kind in {Fakes, PIIMapping} else kind({"<1>": "Ada"})
    if kind is PIIMapping:
        mapping.add("Ada", "<1>", "PERSON")
    data = request()
    attach_mapping(data, mapping)
    assert said(await served(guardrail(), spoken("<1>"), data)) == "Ada"


@pytest.mark.parametrize("mapping", [None, "text", 5, ["<1>"], PIIMapping, Fakes])
def test_what_is_no_mapping_is_refused_when_it_is_attached(mapping: Any) -> None:
    with pytest.raises(TypeError):
        attach_mapping(request(), mapping)


def test_a_mapping_needs_the_request_that_hooks_get() -> None:
    with pytest.raises(HoldbackError, match="litellm_logging_obj"):
        attach_mapping({"model": "m"}, {"<1>": "Ada"})


@pytest.mark.parametrize("tokens", [5, "text", ["<1>"], {"": "a"}, {"<1>": 5}, {5: "a"}, {"a": None}])
async def test_tokens_that_a_client_made_up(tokens: Any) -> None:
    data = request(metadata={"pii_tokens": tokens})
    await before(guardrail(known_values=PAIRS), data)
    assert said(await served(guardrail(known_values=PAIRS), spoken(), data)) == HEARD


async def test_a_placeholder_that_is_taken_is_not_used_for_another_value() -> None:
    holdback = guardrail(known_values={"<1>": "Bo"})
    data = request(
        messages=[{"role": "user", "content": "<1> met Bo"}], metadata={"pii_tokens": {"<1>": "Ada"}}
    )
    with pytest.raises(MappingError) as caught:
        await before(holdback, data)
    assert "Bo" not in str(caught.value)
    data["messages"][0]["content"] = "<1> met nobody"
    await before(holdback, data)
    assert said(await served(holdback, spoken("<1>"), data)) == "Ada"


async def test_hundreds_in_flight_never_mix() -> None:
    """The same placeholder, another original in each, and their chunks interleave at random."""
    rng = random.Random(5)
    holdback = guardrail()

    async def one(number: int) -> None:
        data = request()
        attach_mapping(data, {"<PERSON_1>": f"Nobody-{number}", "<PERSON_10>": f"Other-{number}"})

        async def upstream() -> AsyncIterator[Any]:
            for chunk in spoken("Hi <PERSON_1> and <PERSON_10>! <PERS", rng.randint(1, 5)):
                for _ in range(rng.randint(0, 2)):
                    await asyncio.sleep(0)
                yield chunk

        assert (
            said(await served(holdback, upstream(), data)) == f"Hi Nobody-{number} and Other-{number}! <PERS"
        )

    await asyncio.gather(*map(one, range(300)))


# ---------------------------------------------------------------- known values


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        "5",
        "no json: <PERSON_1>",
        '["<PERSON_1>"]',
        '{"<PERSON_1>": 5}',
        '{"<PERSON_1>": {"a": "Ada"}}',
        '{"<PERSON_1>": "Ada", "<PERSON_1>": "Bo"}',
        '{"": "Ada"}',
        "\xff",
    ],
)
def test_an_error_in_the_file_quotes_nothing(content: str, tmp_path: Path) -> None:
    path = tmp_path / "known.json"
    path.write_text(content, encoding="latin-1")
    with pytest.raises(MappingError) as caught:
        guardrail(known_values=str(path))
    error: BaseException | None = caught.value
    while error is not None:
        assert not any(word in repr(error) + str(vars(error)) for word in ("PERSON", "Ada", "Bo"))
        error = error.__cause__ or error.__context__


def test_a_file_that_is_not_there_is_one_line() -> None:
    with pytest.raises(
        MappingError, match=r"^the file of known_values /nowhere/known.json cannot be read: No such"
    ):
        guardrail(known_values="/nowhere/known.json")


ADA = PAIRS["<PERSON_1>"]
QUOTED = PAIRS["<QUOTED_1>"]


async def masked(call_type: str = "acompletion", **fields: Any) -> dict[str, Any]:
    """The fields as the provider gets them; the client's own objects stay as they are."""
    untouched = copy.deepcopy(fields)
    data = request(**fields)
    await before(guardrail(known_values=PAIRS), data, call_type)
    assert fields == untouched
    return {name: data[name] for name in fields}


async def test_masking_chat() -> None:
    function = {"name": "Bo", "arguments": json.dumps({"Bo": [QUOTED, 5]})}
    messages = [
        {"role": "system", "content": f"You serve {ADA}."},
        {
            "role": "user",
            "name": "Bo",
            "content": [{"type": "text", "text": f"{ADA}, Bo"}, {"type": "new", "new": ADA}],
        },
        {
            "role": "user",
            "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AnnBo"}}],
        },
        {"role": "assistant", "content": None, "reasoning_content": ADA, "refusal": ADA},
        {"role": "assistant", "tool_calls": [{"id": "Bo", "type": "function", "function": function}]},
        {"role": "tool", "tool_call_id": "Bo", "content": json.dumps({"n": QUOTED})},
        {"role": "tool", "tool_call_id": "Bo", "content": f"found {json.dumps({'n': QUOTED})}"},
        {"role": "tool", "tool_call_id": "Bo", "content": [{"type": "text", "text": "Bo"}]},
    ]
    schema = {
        "type": "object",
        "properties": {"name": {"description": "as Bo", "enum": ["Bo"]}},
        "required": ["Bo"],
    }
    tools = [
        {"type": "function", "function": {"name": "Bo", "description": "calls Bo", "parameters": schema}}
    ]
    sent = await masked(messages=messages, tools=tools, user="Bo", model="Bo")
    got = sent["messages"]
    assert got[0]["content"] == "You serve <PERSON_1>."
    assert got[1]["name"] == "Bo"
    assert got[1]["content"] == [
        {"type": "text", "text": "<PERSON_1>, <PERSON_2>"},
        {"type": "new", "new": "<PERSON_1>"},
    ]
    assert got[2] is messages[2]
    assert got[3]["reasoning_content"] == got[3]["refusal"] == "<PERSON_1>"
    assert got[4]["tool_calls"][0]["function"]["name"] == "Bo"
    assert json.loads(got[4]["tool_calls"][0]["function"]["arguments"]) == {"<PERSON_2>": ["<QUOTED_1>", 5]}
    assert json.loads(got[5]["content"]) == {"n": "<QUOTED_1>"}
    assert got[6]["content"] == 'found {"n": "<QUOTED_1>"}'
    assert got[7] == {
        "role": "tool",
        "tool_call_id": "Bo",
        "content": [{"type": "text", "text": "<PERSON_2>"}],
    }
    function = sent["tools"][0]["function"]
    assert (function["name"], function["description"]) == ("Bo", "calls <PERSON_2>")
    assert function["parameters"]["properties"] == {
        "name": {"description": "as <PERSON_2>", "enum": ["<PERSON_2>"]}
    }
    assert function["parameters"]["required"] == ["Bo"]
    assert (sent["user"], sent["model"]) == ("Bo", "Bo")


async def test_masking_the_other_endpoints() -> None:
    assert await masked("atext_completion", prompt=[ADA, "Bo"], suffix=ADA) == {
        "prompt": ["<PERSON_1>", "<PERSON_2>"],
        "suffix": "<PERSON_1>",
    }
    assert (await masked("atext_completion", prompt=[[1, 2], [3]]))["prompt"] == [[1, 2], [3]]
    items = [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": ADA}]},
        {"type": "function_call", "call_id": "Bo", "name": "Bo", "arguments": json.dumps({"a": QUOTED})},
        {"type": "function_call_output", "call_id": "Bo", "output": ADA},
        {"type": "custom_tool_call", "input": ADA},
        {"type": "reasoning", "encrypted_content": "Bo", "summary": [{"type": "summary_text", "text": ADA}]},
    ]
    variables = {"id": "Bo", "variables": {"who": ADA}}
    sent = await masked("aresponses", input=items, instructions=ADA, prompt=variables)
    assert (
        sent["instructions"]
        == sent["input"][0]["content"][0]["text"]
        == sent["input"][2]["output"]
        == "<PERSON_1>"
    )
    assert json.loads(sent["input"][1]["arguments"]) == {"a": "<QUOTED_1>"}
    assert sent["input"][3]["input"] == sent["input"][4]["summary"][0]["text"] == "<PERSON_1>"
    assert (sent["input"][1]["name"], sent["input"][4]["encrypted_content"]) == ("Bo", "Bo")
    assert sent["prompt"] == {"id": "Bo", "variables": {"who": "<PERSON_1>"}}
    blocks = [
        {"type": "tool_use", "id": "Bo", "name": "Bo", "input": {"type": "Bo", "id": {"Bo": [QUOTED]}}},
        {"type": "tool_result", "tool_use_id": "Bo", "content": [{"type": "text", "text": ADA}]},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": ADA}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "Bo"}},
        {"type": "thinking", "thinking": "<PERSON_1>", "signature": "Bo"},
    ]
    sent = await masked(
        "anthropic_messages",
        system=[{"type": "text", "text": ADA}],
        messages=[{"role": "user", "content": blocks}, {"role": "user", "content": ADA}],
    )
    assert sent["system"] == [{"type": "text", "text": "<PERSON_1>"}]
    got = sent["messages"][0]["content"]
    assert got[0]["input"] == {"type": "<PERSON_2>", "id": {"<PERSON_2>": ["<QUOTED_1>"]}}
    assert got[1]["content"] == [{"type": "text", "text": "<PERSON_1>"}]
    assert got[2]["source"]["data"] == "<PERSON_1>"
    assert got[3:] == blocks[3:]
    parts = [
        {"text": ADA, "thoughtSignature": "Bo"},
        {"functionCall": {"name": "Bo", "args": {"a": ADA}}},
        {"functionResponse": {"name": "Bo", "response": {"Bo": QUOTED}}},
        {"inlineData": {"mimeType": "image/png", "data": "Bo"}},
    ]
    sent = await masked(
        "agenerate_content_stream",
        contents=[{"role": "user", "parts": parts}],
        systemInstruction={"parts": [{"text": ADA}]},
    )
    assert sent["systemInstruction"] == {"parts": [{"text": "<PERSON_1>"}]}
    got = sent["contents"][0]["parts"]
    assert got[0] == {"text": "<PERSON_1>", "thoughtSignature": "Bo"}
    assert got[1] == {"functionCall": {"name": "Bo", "args": {"a": "<PERSON_1>"}}}
    assert got[2] == {"functionResponse": {"name": "Bo", "response": {"<PERSON_2>": "<QUOTED_1>"}}}
    assert got[3] is parts[3]


@pytest.mark.parametrize("place", ["arguments", "content"])
async def test_masking_finds_a_value_in_any_json_spelling(place: str) -> None:
    source = r'{"a": "\u0041da\u0020Lovelace", "b": "[{\"c\": \"\\u0042o\"}]", "d": 42}'
    message: dict[str, Any] = {"role": "tool", "content": source}
    if place == "arguments":
        message = {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": source}}]}
    data = request(messages=[message])
    await before(guardrail(known_values={**PAIRS, '"4"': "42"}), data)
    (message,) = data["messages"]
    sent = json.loads(
        message["content"] if place == "content" else message["tool_calls"][0]["function"]["arguments"]
    )
    assert sent == {"a": "<PERSON_1>", "b": '[{"c": "<PERSON_2>"}]', "d": '"4"'}


async def test_masking_takes_the_longest_value_first_and_once() -> None:
    known = {"<1>": "Ann", "<2>": "Ann Lee", "<Ann>": "x", "<4>": "", "<5>": "Ann"}
    data = request(prompt="Ann Lee, Ann, x")
    await before(guardrail(known_values=known), data)
    assert data["prompt"] == "<2>, <1>, <Ann>"


async def test_masking_goes_as_deep_as_a_client_likes() -> None:
    deep: Any = "Bo"
    for _ in range(3000):
        deep = [deep]
    data = request(messages=[{"role": "user", "content": deep}])
    await before(guardrail(known_values=PAIRS), data)
    node = data["messages"][0]["content"]
    while isinstance(node, list):
        (node,) = node
    assert node == "<PERSON_2>"


async def test_a_round_trip_without_any_detector() -> None:
    """What a client says comes back to it, through a model that repeats what it was told."""
    holdback = guardrail(known_values=PAIRS)
    text = " and ".join(PAIRS.values())
    data = request(messages=[{"role": "user", "content": text}])
    await before(holdback, data)
    told = data["messages"][0]["content"]
    assert told == " and ".join(PAIRS)
    for size in (1, 3, 100):
        assert said(await served(holdback, spoken(told, size), data)) == text


async def test_our_logs_are_silent(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    holdback = guardrail(known_values=PAIRS)
    data = request(messages=[{"role": "user", "content": ADA}], metadata={"pii_tokens": {"<X_1>": "Zoe"}})
    attach_mapping(data, {"<Y_1>": "Yan"})
    await before(holdback, data)
    with pytest.raises(RuntimeError):
        await served(holdback, Upstream(spoken()[:-1], RuntimeError("gone")), data)
    ours = [record for record in caplog.records if record.name.startswith("holdback")]
    words = (*PAIRS.values(), "Zoe", "Yan")
    assert not any(word in record.getMessage() for record in ours for word in words)
    assert not any(word in repr(vars(holdback)) for word in words if len(word) > 2)


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
