"""The real PrivAiTe 0.7.3 with our parts in it, beside itself: `make test-privaite`.

Its documented behaviours are the cases: each runs through its own handler and through ours, with its mapping and its
config, and a client must see the same. Where ours is better the case says what comes out.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from privaite_host import OFF, ON, PAIRS, Upstream, mapping_of, streamed, theirs
from streams import ENVELOPE, STOP, call, chat, say, text

pytestmark = [
    pytest.mark.privaite,
    pytest.mark.usefixtures("privaite"),
    pytest.mark.filterwarnings("default::DeprecationWarning"),
]


def same(events: list[Any]) -> list[Any]:
    """Without what a synthetic chunk may have of its own."""
    return [
        event
        if isinstance(event, str)
        else {name: event[name] for name in event if name not in ("id", "created")}
        for event in events
    ]


# ---------------------------------------------------------------- what it documents


TOOL: Any = {"id": "call_1", "type": "function"}


def function(arguments: str) -> dict[str, Any]:
    return chat({"function_call": {"arguments": arguments}})


def audio(transcript: str) -> dict[str, Any]:
    return chat({"audio": {"transcript": transcript}})


USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
DOCUMENTED: dict[str, list[Any]] = {
    "one placeholder": [say("Hi <PERSON_1>!"), STOP],
    "a split placeholder": [say("Hi "), say("<PERS"), say("ON_1>"), say("!"), STOP],
    "role first": [chat({"role": "assistant", "content": ""}), say("<PERSON_1>"), STOP],
    "a finish with text": [say("a <PER"), chat({"content": "SON_2> b <"}, "stop")],
    "the rest on the finish": [say("a <PER"), STOP],
    "no finish": [say("a <PER")],
    "cut by length": [say("a <PER"), chat({}, "length")],
    "two choices": [
        say("<PER", index=0),
        say("<EMA", index=1),
        say("SON_1>", index=0),
        say("IL_1>", index=1),
        chat({}, "stop", 0),
        chat({}, "stop", 1),
    ],
    "both choices in a chunk": [
        {**ENVELOPE, "choices": [say("<PERSON_1>", index=i)["choices"][0] for i in (0, 1)]}
    ],
    "usage at the end": [say("<PERSON_1>"), STOP, {**ENVELOPE, "choices": [], "usage": USAGE}],
    "usage on withheld text": [{**say("<PER"), "usage": USAGE}, say("SON_1>"), STOP],
    "logprobs on withheld text": [chat({"content": "<PER"}, logprobs={"content": []}), say("SON_1>"), STOP],
    "Azure's first": [{"choices": [], "id": "", "prompt_filter_results": []}, say("<PERSON_1>"), STOP],
    "null choices": [{**ENVELOPE, "choices": None}, say("x"), STOP],
    "an unknown placeholder": [say("<PERSON_"), say("3> <PERSON> <"), STOP],
    "a value that is like one": [say("<PERSON_1> <PERSON_2>"), STOP],
    "tool arguments": [call('{"to": "<PER', **TOOL), call('SON_1>"}'), chat({}, "tool_calls")],
    "two tools": [
        call('{"a": "<PER', 0, **TOOL),
        call('{"b": "<EMA', 1, **TOOL),
        call('SON_1>"}', 0),
        call('IL_1>"}', 1),
        chat({}, "tool_calls"),
    ],
    "tool arguments cut by length": [call('{"to": "<PERSON_1> <PER', **TOOL), chat({}, "length")],
    "a finish with function null": [
        say("x"),
        chat({"tool_calls": [{"index": 0, "function": None}]}, "tool_calls"),
    ],
    "function call": [function('{"to": "<PER'), function('SON_1>"}'), chat({}, "function_call")],
    "audio": [audio("Hi "), audio("<PERSON_1>!"), STOP],
    "the rest of audio on the finish": [audio("Hi <PER"), STOP],
    **{
        f"{field} {what}": chunks
        for field in ("reasoning_content", "reasoning", "refusal")
        for what, chunks in (
            ("whole", [say("so <PERSON_1>", field), STOP]),
            ("the rest on the finish", [say("so <PER", field), STOP]),
            ("without a finish", [say("so <PER", field)]),
        )
    },
    "nothing": [],
}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_client_sees_the_same(name: str, backend: str) -> None:
    expected = streamed(DOCUMENTED[name])
    ours = importlib.import_module("holdback.integrations.privaite")
    ours.install()
    try:
        assert same(streamed(DOCUMENTED[name])) == same(expected)
    finally:
        ours.uninstall()


TEXTS: dict[str, list[Any]] = {
    "whole": [text("Hi <PERSON_1>!"), text("", "stop")],
    "split": [text("Hi <PER"), text("SON_1>!"), text(None, "stop")],
    "the rest on the finish": [text("Hi <PER"), text(None, "length")],
    "no finish": [text("Hi <PER")],
    "two choices": [text("<PER"), text("<EMA", index=1), text("SON_1>"), text("IL_1>", index=1)],
}


@pytest.mark.parametrize("name", TEXTS)
def test_completions_are_the_same(name: str, backend: str) -> None:
    expected = streamed(TEXTS[name], method="stream_text_response")
    ours = importlib.import_module("holdback.integrations.privaite")
    ours.install()
    try:
        assert same(streamed(TEXTS[name], method="stream_text_response")) == same(expected)
    finally:
        ours.uninstall()


@pytest.mark.parametrize(
    ("pairs", "config"),
    [(PAIRS, OFF), (PAIRS, None), (None, ON), ({}, ON)],
    ids=["off", "no config", "none", "empty"],
)
@pytest.mark.parametrize("method", ["stream_response", "stream_text_response"])
def test_switched_off_everything_passes(ours: Any, pairs: Any, config: Any, method: str) -> None:
    chunks = [say("<PERSON_1> <PER"), text("<PERSON_1>"), STOP]
    assert streamed(chunks, method=method, pairs=pairs, config=config) == [*chunks, "[DONE]"]


def test_its_own_config_is_one(ours: Any) -> None:
    config = theirs("privaite.config.schema", "PrivAiTeConfig")().pii.deanonymization
    assert streamed([say("<PERSON_2>")], config=config)[0] == say("Bo")


def test_an_empty_placeholder_stands_for_nothing(ours: Any) -> None:
    assert streamed([say("a <PERSON_2>")], pairs={**PAIRS, "": "x"})[0] == say("a Bo")


# ---------------------------------------------------------------- errors and ends


@pytest.mark.parametrize("method", ["stream_response", "stream_text_response"])
@pytest.mark.parametrize("item", [None, 7], ids=["upstream", "item"])
def test_an_error_is_the_safe_one_and_comes_behind_the_tail(
    ours: Any, method: str, item: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing of the text is in it, in what it hangs on, or in the log."""
    say_it = say if method == "stream_response" else text
    chunk = say_it("Hi <PERSON_1> <PER")
    upstream = Upstream([chunk] if item is None else [chunk, item], RuntimeError("Ada <PERSON_1>"))
    sent: list[Any] = []
    safe = theirs("privaite.pii.engine", "PIIProcessingError")
    with caplog.at_level(logging.DEBUG), pytest.raises(safe, match=r"^PII processing failed$") as caught:
        streamed(upstream, method=method, sent=sent)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    assert "<PER" in json.dumps(sent[-1])
    assert sent[-1] != "[DONE]"
    assert not any(secret in caplog.text for secret in ("Ada", "PERSON", "<PER"))
    assert upstream.closed == 1


def test_a_mapping_that_cannot_be_used_is_the_safe_error_too(ours: Any) -> None:
    safe = theirs("privaite.pii.engine", "PIIProcessingError")
    with pytest.raises(safe):
        streamed([say("x")], pairs={"\ud83d\ude00": "a", "😀": "b"})


def test_a_client_that_leaves_closes_the_provider_s_stream(ours: Any) -> None:
    upstream = Upstream([say("a"), say("b")])

    async def leave() -> None:
        handler = theirs("privaite.streaming.handler", "StreamingHandler")
        events = handler.stream_response(upstream, mapping_of(PAIRS), ON)
        await anext(events)
        await events.aclose()
        assert upstream.closed == 1

    asyncio.run(leave())


# ---------------------------------------------------------------- what is better


@pytest.mark.parametrize(
    ("pairs", "chunks", "heard"),
    [
        ({"Ann": "Cy", "Ann Lee": "Dee"}, [say("hi Ann"), say(" Lee!"), STOP], "hi Dee!"),
        (PAIRS, [chat({}, "stop"), say("late <PERSON_2> <PER")], "late Bo <PER"),
    ],
    ids=["a longer placeholder", "text after a finish"],
)
def test_what_it_gets_wrong_comes_out_right(ours: Any, pairs: Any, chunks: list[Any], heard: str) -> None:
    events = [event for event in streamed(chunks, pairs=pairs) if event != "[DONE]"]
    assert "".join(event["choices"][0]["delta"].get("content") or "" for event in events) == heard


def test_an_escaped_placeholder_in_arguments_is_one(ours: Any) -> None:
    events = streamed([call('{"to": "\\u003cPER', **TOOL), call('SON_1\\u003e"}'), chat({}, "tool_calls")])
    source = "".join(
        tool["function"]["arguments"]
        for event in events[:-1]
        for tool in event["choices"][0]["delta"].get("tool_calls", ())
    )
    assert json.loads(source) == {"to": PAIRS["<PERSON_1>"]}


# ---------------------------------------------------------------- its parts on their own


def test_the_buffer_is_the_one_it_knows(ours: Any) -> None:
    buffer = theirs("privaite.streaming.buffer", "StreamingDeAnonymizer")(mapping_of(PAIRS))
    assert (buffer.feed("Hi <PERS"), buffer.buffer, buffer.feed("ON_2>"), buffer.flush()) == (
        "Hi ",
        "<PERS",
        "Bo",
        "",
    )
    assert theirs("privaite.streaming.buffer", "StreamingDeAnonymizer")(mapping_of({})).feed("<PER") == "<PER"


def test_the_escaped_mapping_is_still_one_for_everybody_else(ours: Any) -> None:
    escaped = theirs("privaite.streaming.buffer", "json_escaped_mapping")(mapping_of(PAIRS))
    assert escaped.get_all_fakes()["<PERSON_1>"] == 'Ada \\"Countess\\" Lovelace'
    buffer = theirs("privaite.streaming.buffer", "StreamingDeAnonymizer")(escaped)
    assert buffer.feed('{"a": "\\u003cPERSON_1>"}') == '{"a": "Ada \\"Countess\\" Lovelace"}'


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("format_sse_event", ("{}",)),
        ("format_sse_done", ()),
        ("create_chunk_dict", ("x", "m", "stop", 1)),
        ("create_chunk_dict", ("",)),
        ("create_delta_chunk", ({"a": 1}, "m", None, 2)),
    ],
)
def test_the_helpers_return_what_theirs_return(name: str, arguments: tuple[Any, ...]) -> None:
    ours = importlib.import_module("holdback.integrations.privaite")
    expected = theirs("privaite.streaming.sse", name)(*arguments)
    got = getattr(ours, name)(*arguments)
    assert (same([got]) if isinstance(got, dict) else got) == (
        same([expected]) if isinstance(expected, dict) else expected
    )


@pytest.mark.parametrize("is_ours", [False, True], ids=["theirs", "ours"])
def test_its_gateway_restores_with_our_buffer(*, is_ours: bool) -> None:
    """Its own restorer of Anthropic streams, which takes its buffers from what we swap."""
    ours = importlib.import_module("holdback.integrations.privaite")
    restore = importlib.import_module("privaite.gateway.restore")
    spec = theirs("privaite.gateway.protocols", "ANTHROPIC_MESSAGES")
    engine = SimpleNamespace(restore_document=lambda value, mapping: value)
    if is_ours:
        ours.install()
    try:
        restorer = restore._SSERestorer(engine, mapping_of(PAIRS), spec)
        said = ""
        for piece in ('{"to": "<PER', "SON_1> ", '\\u003cPERSON_2\\u003e"}'):
            delta = {"type": "input_json_delta", "partial_json": piece}
            data = json.dumps({"type": "content_block_delta", "index": 0, "delta": delta})
            for block in restorer.process_event(["event: content_block_delta", f"data: {data}"]):
                said += json.loads(block.split("data: ")[1])["delta"]["partial_json"]
    finally:
        ours.uninstall()
    assert json.loads(said) == {"to": f"{PAIRS['<PERSON_1>']} {'Bo' if is_ours else '<PERSON_2>'}"}


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions"])
def test_its_endpoints_stream_through_ours(ours: Any, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its application, its routes and its pipeline; what masks and what answers are played."""
    fastapi, httpx = pytest.importorskip("fastapi"), pytest.importorskip("httpx")
    is_chat = "chat" in path
    upstream = Upstream([(say if is_chat else text)(piece) for piece in ("Hi <PER", "SON_1>", "! <")])

    async def answer(**_: Any) -> Upstream:
        return upstream

    litellm = sys.modules["litellm"]
    monkeypatch.setattr(theirs("privaite.providers.router", "litellm"), "acompletion", answer, raising=False)
    monkeypatch.setattr(
        theirs("privaite.providers.router", "litellm"), "atext_completion", answer, raising=False
    )
    assert litellm is not None

    async def process_request(messages: Any, _: Any) -> Any:
        return messages, mapping_of(PAIRS)

    schema = importlib.import_module("privaite.config.schema")
    provider = {"model_name": "m", "litellm_params": {"model": "openai/m"}}
    config = schema.PrivAiTeConfig(providers=[provider])
    app = fastapi.FastAPI()
    app.include_router(theirs("privaite.api.chat", "router"))
    app.include_router(theirs("privaite.api.completions", "router"))
    app.state.config = config
    app.state.provider_router = theirs("privaite.providers.router", "ProviderRouter")(config.providers)
    app.state.pii_engine = SimpleNamespace(process_request=process_request)

    async def ask() -> Any:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app") as client:
            body = {"model": "m", "messages": [], "prompt": "x", "stream": True}
            del body["prompt" if is_chat else "messages"]
            return await client.post(path, json=body)

    response = asyncio.run(ask())
    assert response.headers["content-type"].startswith("text/event-stream")
    events = [json.loads(line[6:]) for line in response.text.splitlines() if line.startswith("data: {")]
    choices = [event["choices"][0] for event in events]
    said = "".join(choice["delta"]["content"] if is_chat else choice["text"] for choice in choices)
    assert said == f"Hi {PAIRS['<PERSON_1>']}! <"
    assert response.text.endswith("data: [DONE]\n\n")
    assert upstream.closed == 1
