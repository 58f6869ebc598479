"""The gateway in front of the real SDKs, with a provider behind it."""

from __future__ import annotations

import asyncio
import importlib
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from gateways import ADA, CITY, MAIL, VALUES, Gateway, needs_gateway, running
from provider import Provider

pytestmark = pytest.mark.sdk

TEXT = f"Write to {ADA} ({MAIL}) in {CITY}. [cut:7]"
SAID = f"You said: {TEXT}"
CHAT: Any = {"model": "m", "messages": [{"role": "user", "content": TEXT}]}
TOOL: Any = {"type": "function", "function": {"name": "mail", "parameters": {"type": "object"}}}


@pytest.fixture(scope="module")
def gateway(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    needs_gateway()
    with running(provider.address, tmp_path_factory.mktemp("gateway")) as gateway:
        yield gateway
    assert provider.seen
    assert not any(value in body for body in provider.seen for values in VALUES.values() for value in values)


@pytest.fixture
def openai(gateway: Gateway) -> Iterator[Any]:
    client = pytest.importorskip("openai").OpenAI(
        api_key="k", base_url=f"{gateway.address}/v1", max_retries=0
    )
    with client:
        yield client


@pytest.fixture
def anthropic(gateway: Gateway) -> Iterator[Any]:
    client = pytest.importorskip("anthropic").Anthropic(api_key="k", base_url=gateway.address, max_retries=0)
    with client:
        yield client


def text_of(chunks: Any) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


# ---------------------------------------------------------------- round trips


def test_chat(openai: Any, provider: Provider) -> None:
    assert openai.chat.completions.create(**CHAT).choices[0].message.content == SAID
    assert text_of(openai.chat.completions.create(**CHAT, stream=True)) == SAID
    marks = [rf"<{kind}_[a-z2-7]{{10}}>" for kind in ("PERSON", "EMAIL", "CITY")]
    assert re.search(r"Write to {} \({}\) in {}\.".format(*marks), provider.seen[-1])


def test_chat_calls_tools_with_the_real_values(openai: Any) -> None:
    whole = openai.chat.completions.create(**CHAT, tools=[TOOL])
    with openai.chat.completions.stream(**CHAT, tools=[TOOL]) as stream:
        streamed = stream.get_final_completion()
    for answer in (whole, streamed):
        assert json.loads(answer.choices[0].message.tool_calls[0].function.arguments) == {"to": TEXT}


def test_chat_with_two_choices_and_usage(openai: Any) -> None:
    said = {0: "", 1: ""}
    usage: Any = None
    for chunk in openai.chat.completions.create(
        **CHAT, n=2, stream=True, stream_options={"include_usage": True}
    ):
        usage = chunk.usage or usage
        for choice in chunk.choices:
            said[choice.index] += choice.delta.content or ""
    assert said == {0: SAID, 1: SAID}
    assert usage.total_tokens == 8


def test_completions(openai: Any) -> None:
    assert openai.completions.create(model="m", prompt=TEXT).choices[0].text == SAID
    chunks = openai.completions.create(model="m", prompt=TEXT, stream=True)
    assert "".join(chunk.choices[0].text for chunk in chunks) == SAID


def test_responses(openai: Any) -> None:
    assert openai.responses.create(model="m", input=TEXT).output_text == SAID
    with openai.responses.stream(model="m", input=TEXT) as stream:
        deltas = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        assert (deltas, stream.get_final_response().output_text) == (SAID, SAID)


def test_messages(anthropic: Any) -> None:
    assert anthropic.messages.create(**CHAT, max_tokens=9).content[0].text == SAID
    with anthropic.messages.stream(**CHAT, max_tokens=9) as stream:
        assert "".join(stream.text_stream) == SAID
    tool: Any = {"name": "mail", "input_schema": {"type": "object"}}
    with anthropic.messages.stream(**CHAT, max_tokens=9, tools=[tool]) as stream:
        assert stream.get_final_message().content[0].input == {"to": TEXT}


def test_gemini(gateway: Gateway) -> None:
    genai = pytest.importorskip("google.genai")
    client = genai.Client(api_key="k", http_options={"base_url": gateway.address})
    assert client.models.generate_content(model="m", contents=TEXT).text == SAID
    chunks = client.models.generate_content_stream(model="m", contents=TEXT)
    assert "".join(chunk.text or "" for chunk in chunks) == SAID


def test_many_at_once(gateway: Gateway) -> None:
    async def all_of_them() -> list[str]:
        client = importlib.import_module("openai").AsyncOpenAI(
            api_key="k", base_url=gateway.address, max_retries=0, timeout=100
        )

        async def one(number: int) -> str:
            content = f"{number}: {TEXT}"
            messages: Any = [{"role": "user", "content": content}]
            stream = await client.chat.completions.create(model="m", messages=messages, stream=True)
            return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

        async with client:
            return await asyncio.gather(*(one(number) for number in range(40)))

    pytest.importorskip("openai")
    assert asyncio.run(all_of_them()) == [f"You said: {number}: {TEXT}" for number in range(40)]
