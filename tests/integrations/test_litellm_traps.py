"""The guardrail's hooks as LiteLLM calls them, with LiteLLM's own objects: the traps that we fell into."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import warnings
import weakref
from pathlib import Path
from typing import Any

import pytest

from holdback import PIIMapping
from streams import PAIRS

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # it would be fetched
with warnings.catch_warnings():  # LiteLLM's own, when it is imported
    warnings.simplefilter("ignore")
    pytest.importorskip("litellm")
    import litellm
    from litellm.proxy._types import UserAPIKeyAuth
    from litellm.proxy.utils import ProxyLogging
    from litellm.types.guardrails import GuardrailEventHooks
    from litellm.types.utils import ModelResponse, ModelResponseStream

    from holdback.integrations.litellm import HoldbackGuardrail, attach_mapping

from guardrail_host import (
    HEARD,
    MODES,
    Upstream,
    before,
    guardrail,
    request,
    said,
    served,
    spoken,
    stream,
    whole,
)

pytestmark = [
    pytest.mark.litellm,
    pytest.mark.usefixtures("backend"),
]


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
