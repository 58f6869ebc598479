"""The transports under the real SDKs that sit on them, over real sockets."""

from __future__ import annotations

import importlib
import json
from typing import Any

import pytest

from provider import Provider
from transport_hosts import PAIRS, Body, Host, Inner
from wires import every

# ---------------------------------------------------------------- real clients, real sockets


TEXT = "Hi <PERSON_1>, <EMAIL_1>? [cut:7]"
RESTORED = f"You said: Hi {PAIRS['<PERSON_1>']}, {PAIRS['<EMAIL_1>']}? [cut:7]"
CHAT: Any = {"model": "m", "messages": [{"role": "user", "content": TEXT}]}
TOOL: Any = {"type": "function", "function": {"name": "mail", "parameters": {"type": "object"}}}


@pytest.mark.sdk
@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_openai(provider: Provider, library: str) -> None:
    openai, host = pytest.importorskip("openai"), pytest.importorskip(library)
    transport = importlib.import_module(f"holdback.integrations.{library}").RestoreTransport(PAIRS)
    with (
        host.Client(transport=transport) as http_client,
        openai.OpenAI(api_key="k", base_url=provider.address + "/v1", http_client=http_client) as client,
    ):
        assert client.chat.completions.create(**CHAT).choices[0].message.content == RESTORED
        chunks = list(client.chat.completions.create(**CHAT, stream=True))
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == RESTORED
        with client.chat.completions.stream(**CHAT, tools=[TOOL]) as stream:
            call = stream.get_final_completion().choices[0].message.tool_calls[0]
        assert json.loads(call.function.arguments) == {"to": RESTORED.removeprefix("You said: ")}
        with client.responses.stream(model="m", input=TEXT) as stream:
            assert stream.get_final_response().output_text == RESTORED
        assert (
            "".join(
                chunk.choices[0].text
                for chunk in client.completions.create(model="m", prompt=TEXT, stream=True)
            )
            == RESTORED
        )


@pytest.mark.sdk
async def test_openai_async(provider: Provider) -> None:
    openai, host = pytest.importorskip("openai"), pytest.importorskip("httpx2")
    transport = importlib.import_module("holdback.integrations.httpx2").AsyncRestoreTransport(PAIRS)
    async with (
        host.AsyncClient(transport=transport) as http_client,
        openai.AsyncOpenAI(api_key="k", base_url=provider.address + "/v1", http_client=http_client) as client,
    ):
        stream = await client.chat.completions.create(**CHAT, stream=True)
        assert "".join([chunk.choices[0].delta.content or "" async for chunk in stream]) == RESTORED


@pytest.mark.sdk
def test_each_request_has_its_own_mapping(provider: Provider) -> None:
    openai, host = pytest.importorskip("openai"), pytest.importorskip("httpx2")
    ours = importlib.import_module("holdback.integrations.httpx2")
    tenants = {"a": {"<PERSON_1>": "Ada"}, "b": {"<PERSON_1>": "Bob"}}
    transport = ours.RestoreTransport(lambda request: tenants.get(request.headers["x-tenant"]))
    with (
        host.Client(transport=transport) as http_client,
        openai.OpenAI(api_key="k", base_url=provider.address, http_client=http_client) as client,
    ):
        said = {
            tenant: client.chat.completions.create(**CHAT, extra_headers={"x-tenant": tenant})
            for tenant in ("a", "b", "c")
        }
    heard = {tenant: answer.choices[0].message.content[10:21] for tenant, answer in said.items()}
    assert heard == {"a": "Hi Ada, <EM", "b": "Hi Bob, <EM", "c": "Hi <PERSON_"}


@pytest.mark.sdk
def test_anthropic(provider: Provider) -> None:
    anthropic = pytest.importorskip("anthropic")
    ours = importlib.import_module("holdback.integrations.httpx2")
    http_client = anthropic.DefaultHttpxClient(transport=ours.RestoreTransport(PAIRS))
    with anthropic.Anthropic(api_key="k", base_url=provider.address, http_client=http_client) as client:
        assert client.messages.create(**CHAT, max_tokens=9).content[0].text == RESTORED
        with client.messages.stream(**CHAT, max_tokens=9) as stream:
            assert "".join(stream.text_stream) == RESTORED
        tool: Any = {"name": "mail", "input_schema": {"type": "object"}}
        with client.messages.stream(**CHAT, max_tokens=9, tools=[tool]) as stream:
            (block,) = stream.get_final_message().content
        assert block.input == {"to": RESTORED.removeprefix("You said: ")}


@pytest.mark.sdk
@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_google_genai(provider: Provider, library: str) -> None:
    genai, host = pytest.importorskip("google.genai"), pytest.importorskip(library)
    ours = importlib.import_module(f"holdback.integrations.{library}")
    with host.Client(transport=ours.RestoreTransport(PAIRS)) as http_client:
        options = {"base_url": provider.address, "httpx_client": http_client}
        client = genai.Client(api_key="k", http_options=options)
        assert client.models.generate_content(model="m", contents=TEXT).text == RESTORED
        chunks = client.models.generate_content_stream(model="m", contents=TEXT)
        assert "".join(chunk.text or "" for chunk in chunks) == RESTORED


@pytest.mark.sdk
def test_ollama() -> None:
    ollama = pytest.importorskip("ollama")
    ours = importlib.import_module("holdback.integrations.httpx")
    host = Host(pytest.importorskip("httpx"), ours, is_async=False)
    says = [
        {"model": "m", "message": {"role": "assistant", "content": text}, "done": not text}
        for text in ("Hi <PER", "SON_1>!", "")
    ]
    body = "".join(json.dumps(line) + "\n" for line in says).encode()
    inner = Inner(host, Body(every(body, 7)), {"content-type": "application/x-ndjson"})
    client = ollama.Client(transport=ours.RestoreTransport(PAIRS, transport=inner))
    told = "".join(part["message"]["content"] for part in client.chat("m", stream=True))
    assert told == f"Hi {PAIRS['<PERSON_1>']}!"
