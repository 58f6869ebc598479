"""A real LiteLLM proxy on loopback, between the real SDK clients and a provider that repeats what it was told.

Its configuration is the one that ``docs/litellm.md`` shows. So every answer is a round trip: the client says a known
value, the provider sees and repeats its placeholder three characters at a time, the client gets the value.
"""

from __future__ import annotations

import json
import re
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from provider import answer
from proxy_host import TEXT, VALUES, Proxy, user

pytestmark = pytest.mark.litellm
ROOT = Path(__file__).resolve().parents[2]
MASKED = "<STAFF_1> <<MAIL_1>> met <STAFF_2> <STAF"
TOOL = {"type": "object", "properties": {"to": {"type": "string"}}}
CHAT_TOOLS = [{"type": "function", "function": {"name": "mail", "parameters": TOOL}}]


# ---------------------------------------------------------------- chat completions


@pytest.mark.parametrize("model", ["chat", "claude", "gpt"])
def test_chat(proxy: Proxy, openai: Any, model: str) -> None:
    whole = openai.chat.completions.create(model=model, messages=user(TEXT))
    assert whole.choices[0].message.content == answer(TEXT)
    stream = openai.chat.completions.create(
        model=model, messages=user(TEXT), stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    said = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(said) == answer(TEXT)
    assert len([piece for piece in said if piece]) > 5, "it was not streamed"
    assert chunks[-1].usage.total_tokens == 8
    assert MASKED in proxy.sent


@pytest.mark.parametrize("streams", [False, True])
def test_a_detector_masks_what_nobody_listed(proxy: Proxy, openai: Any, streams: bool) -> None:
    asked = {"guardrails": ["holdback-detector"], "litellm_session_id": "s"}
    text = f"{TEXT} and zoe@example.org"
    answered = openai.chat.completions.create(
        model="chat", messages=user(text), stream=streams, extra_body=asked
    )
    if streams:
        said = "".join(chunk.choices[0].delta.content or "" for chunk in answered if chunk.choices)
    else:
        said = answered.choices[0].message.content
    assert said == answer(text)
    assert "zoe@" not in proxy.sent
    assert re.search(r"and <EMAIL_[a-z2-7]{10}>", proxy.sent)
    assert MASKED in proxy.sent


def test_chat_with_every_kind_of_text_in_the_request(proxy: Proxy, openai: Any) -> None:
    call = {
        "id": "c",
        "type": "function",
        "function": {"name": "f", "arguments": json.dumps({"a": VALUES["<STAFF_1>"]})},
    }
    messages = [
        {"role": "system", "content": TEXT},
        {"role": "user", "content": [{"type": "text", "text": TEXT}]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": json.dumps({"found": [VALUES["<STAFF_2>"]]})},
        *user(TEXT),
    ]
    whole = openai.chat.completions.create(model="chat", messages=messages)
    assert whole.choices[0].message.content == answer(TEXT)
    sent = json.loads(proxy.sent)["messages"]
    assert sent[0]["content"] == sent[1]["content"][0]["text"] == sent[4]["content"] == MASKED
    assert json.loads(sent[2]["tool_calls"][0]["function"]["arguments"]) == {"a": "<STAFF_1>"}
    assert json.loads(sent[3]["content"]) == {"found": ["<STAFF_2>"]}


@pytest.mark.parametrize("model", ["chat", "claude"])
def test_chat_calls_tools_with_the_real_values(proxy: Proxy, openai: Any, model: str) -> None:
    asked: dict[str, Any] = {"model": model, "messages": user(TEXT), "tools": CHAT_TOOLS}
    (call,) = openai.chat.completions.create(**asked).choices[0].message.tool_calls
    assert json.loads(call.function.arguments) == {"to": TEXT}
    with openai.chat.completions.stream(**asked) as stream:
        (call,) = stream.get_final_completion().choices[0].message.tool_calls
    assert json.loads(call.function.arguments) == {"to": TEXT}
    assert call.function.name == "mail"


def test_chat_with_two_choices_log_probabilities_and_reasoning(proxy: Proxy, openai: Any) -> None:
    text = f"{TEXT} [think]"
    stream = openai.chat.completions.create(
        model="chat",
        messages=user(text),
        stream=True,
        n=2,
        logprobs=True,
        stream_options={"include_usage": True},
    )
    said, thought, probable, finished, usage = {0: "", 1: ""}, "", 0, [], None
    for chunk in stream:
        usage = chunk.usage or usage
        for choice in chunk.choices:
            said[choice.index] += choice.delta.content or ""
            thought += getattr(choice.delta, "reasoning_content", None) or ""
            probable += choice.logprobs is not None
            finished += [choice.index] if choice.finish_reason else []
    assert said == {0: answer(text), 1: answer(text)}
    assert thought == answer(text)
    assert probable
    assert usage is not None
    assert usage.total_tokens == 8
    assert finished


# ---------------------------------------------------------------- the other endpoints


@pytest.mark.parametrize("model", ["text", "chat"])
def test_completions(proxy: Proxy, openai: Any, model: str) -> None:
    assert openai.completions.create(model=model, prompt=TEXT).choices[0].text == answer(TEXT)
    chunks = openai.completions.create(model=model, prompt=TEXT, stream=True)
    assert "".join(chunk.choices[0].text or "" for chunk in chunks if chunk.choices) == answer(TEXT)
    assert MASKED in json.loads(proxy.sent)["prompt"]


@pytest.mark.parametrize("model", ["chat", "claude"])
def test_responses(proxy: Proxy, openai: Any, model: str) -> None:
    whole = openai.responses.create(model=model, input=TEXT, instructions=TEXT)
    assert whole.output_text == answer(TEXT)
    events = list(openai.responses.create(model=model, input=user(TEXT), stream=True))
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    (done,) = [event.text for event in events if event.type == "response.output_text.done"]
    assert "".join(deltas) == done == events[-1].response.output_text == answer(TEXT)
    assert sum(map(bool, deltas)) > 5, "it was not streamed"


@pytest.mark.parametrize("model", ["chat", "claude"])
def test_responses_call_tools_with_the_real_values(proxy: Proxy, openai: Any, model: str) -> None:
    tools = [{"type": "function", "name": "mail", "parameters": TOOL}]
    whole = openai.responses.create(model=model, input=TEXT, tools=tools)
    (call,) = [item for item in whole.output if item.type == "function_call"]
    assert json.loads(call.arguments) == {"to": TEXT}
    events = list(openai.responses.create(model=model, input=TEXT, tools=tools, stream=True))
    kind = "response.function_call_arguments"
    deltas = "".join(event.delta for event in events if event.type == f"{kind}.delta")
    (done,) = [event.arguments for event in events if event.type == f"{kind}.done"]
    (call,) = [item for item in events[-1].response.output if item.type == "function_call"]
    assert json.loads(deltas) == json.loads(done) == json.loads(call.arguments) == {"to": TEXT}


@pytest.mark.parametrize("model", ["claude", "chat"])
@pytest.mark.parametrize("cut", ["", "[cut:1]", "[cut:7]", "[cut:37]", "[cut:4096]"])
def test_messages(proxy: Proxy, anthropic: Any, model: str, cut: str) -> None:
    text = TEXT + cut
    asked: dict[str, Any] = {"model": model, "max_tokens": 99, "messages": user(text), "system": TEXT}
    with anthropic.messages.stream(**asked) as stream:
        assert "".join(stream.text_stream) == answer(text)
        assert stream.get_final_message().content[0].text == answer(text)
    if not cut:
        assert anthropic.messages.create(**asked).content[0].text == answer(text)
    assert VALUES["<MAIL_1>"] not in proxy.sent


@pytest.mark.parametrize("model", ["claude", "chat"])
@pytest.mark.parametrize("cut", ["", "[cut:5]"])
def test_messages_call_tools_with_the_real_values(proxy: Proxy, anthropic: Any, model: str, cut: str) -> None:
    text = TEXT + cut
    tools = [{"name": "mail", "input_schema": TOOL}]
    asked: dict[str, Any] = {"model": model, "max_tokens": 99, "messages": user(text), "tools": tools}
    with anthropic.messages.stream(**asked) as stream:
        message = stream.get_final_message()
    for whole in (message, anthropic.messages.create(**asked)):
        (call,) = [block for block in whole.content if block.type == "tool_use"]
        assert call.input == {"to": text}


def post(proxy: Proxy, path: str, body: Any) -> bytes:
    headers = {"Authorization": f"Bearer {proxy.key}", "Content-Type": "application/json"}
    request = urllib.request.Request(proxy.address + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as response:
        data: bytes = response.read()
        return data


def test_gemini(proxy: Proxy) -> None:
    body = {
        "contents": [{"role": "user", "parts": [{"text": TEXT}]}],
        "systemInstruction": {"parts": [{"text": TEXT}]},
    }
    path = "/v1beta/models/gemini:"
    whole = json.loads(post(proxy, f"{path}generateContent", body))
    assert whole["candidates"][0]["content"]["parts"][0]["text"] == answer(TEXT)
    stream = post(proxy, f"{path}streamGenerateContent?alt=sse", body).decode()
    events = [json.loads(line[6:]) for line in stream.splitlines() if line.startswith("data: {")]
    said = [part.get("text", "") for event in events for part in event["candidates"][0]["content"]["parts"]]
    assert "".join(said) == answer(TEXT)
    assert len(events) > 5
    assert VALUES["<MAIL_1>"] not in proxy.sent
