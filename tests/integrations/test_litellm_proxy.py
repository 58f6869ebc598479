"""A real LiteLLM proxy on loopback, between the real SDK clients and a provider that repeats what it was told.

Its configuration is the one that ``docs/litellm.md`` shows. So every answer is a round trip: the client says a known
value, the provider sees and repeats its placeholder three characters at a time, the client gets the value.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import urllib.request
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from litellm_process import launched
from pages import hosted
from provider import Provider, answer, serving

pytestmark = pytest.mark.litellm

ROOT = Path(__file__).resolve().parents[2]

VALUES = {
    "<STAFF_1>": 'Ada "Countess" Lovelace',
    "<STAFF_2>": "Łukasz 😀",
    "<MAIL_1>": "ada@example.org",
}
TEXT = 'Ada "Countess" Lovelace <ada@example.org> met Łukasz 😀 <STAF'
MASKED = "<STAFF_1> <<MAIL_1>> met <STAFF_2> <STAF"
TOOL = {"type": "object", "properties": {"to": {"type": "string"}}}


class Proxy(NamedTuple):
    address: str
    key: str
    log: Path
    provider: Provider

    @property
    def sent(self) -> str:
        """The last request that the provider got."""
        return self.provider.seen[-1]


def configuration(provider: str) -> dict[str, Any]:
    """The page's blocks joined, with models that live at the provider."""
    yaml = pytest.importorskip("yaml")
    nothing, known, presidio, callbacks = map(yaml.safe_load, hosted("docs/litellm.md", "yaml"))
    presidio["guardrails"][0]["litellm_params"] |= {
        "default_on": False,  # asked for by its tests
        "presidio_analyzer_api_base": provider,
        "presidio_anonymizer_api_base": provider,
    }
    models = {
        "chat": ("openai/m", "/v1"),
        "text": ("text-completion-openai/m", "/v1"),
        "claude": ("anthropic/claude-x", ""),
        "gemini": ("gemini/gemini-x", ""),
    }
    (shown,) = nothing["model_list"]
    shown["litellm_params"] |= {"api_base": f"{provider}/v1", "api_key": "provider-key"}
    return {
        **nothing,
        **callbacks,
        "guardrails": [presidio["guardrails"][0], *known["guardrails"]],
        "model_list": [
            shown,
            *(
                {
                    "model_name": name,
                    "litellm_params": {
                        "model": model,
                        "api_base": provider + path,
                        "api_key": "provider-key",
                    },
                }
                for name, (model, path) in models.items()
            ),
        ],
        "router_settings": {"num_retries": 0, "disable_cooldowns": True},
    }


@contextlib.contextmanager
def started(folder: Path, provider: Provider) -> Iterator[Proxy]:
    """A proxy with what the page says."""
    (folder / "config.yaml").write_text(json.dumps(configuration(provider.address)), encoding="utf-8")
    (known,) = hosted("docs/litellm.md", "json")
    (folder / "known.json").write_text(known, encoding="utf-8")
    (detector,) = hosted("docs/litellm.md", "py")
    (folder / "my_detector.py").write_text(detector, encoding="utf-8")
    with launched(folder) as (address, key, log):
        yield Proxy(address, key, log, provider)


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    pytest.importorskip("litellm")
    with serving() as provider, started(tmp_path_factory.mktemp("proxy"), provider) as proxy:
        yield proxy
        # Whatever the tests did: no value went to the provider, and none is in the log.
        for value in VALUES.values():
            assert all(value not in body and json.dumps(value)[1:-1] not in body for body in provider.seen)
            assert value not in proxy.log.read_text(errors="replace")


@pytest.fixture
def openai(proxy: Proxy) -> Iterator[Any]:
    sdk = pytest.importorskip("openai")
    with sdk.OpenAI(api_key=proxy.key, base_url=f"{proxy.address}/v1", max_retries=0, timeout=60) as client:
        yield client


@pytest.fixture
def anthropic(proxy: Proxy) -> Iterator[Any]:
    sdk = pytest.importorskip("anthropic")
    with sdk.Anthropic(api_key=proxy.key, base_url=proxy.address, max_retries=0, timeout=60) as client:
        yield client


def user(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


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


# ---------------------------------------------------------------- faults


def heard(pieces: Iterable[str], provider: Provider, error: type[Exception]) -> str:
    """What a client hears before the error that ends the stream; the connection drops once it has heard something."""
    provider.may_die.clear()
    text = ""
    try:
        for piece in pieces:
            text += piece
            if text:
                provider.may_die.set()
    except error:
        return text
    raise AssertionError("the stream ended as if nothing had happened")


@pytest.mark.parametrize(
    ("events", "said"),
    [(5, "You said: <S"), (6, "You said: <STAF"), (8, f"You said: {VALUES['<STAFF_1>']} <")],
)
def test_the_upstream_dies_in_a_chat(proxy: Proxy, openai: Any, events: int, said: str) -> None:
    """What came is there, what was held back included; then the error."""
    sdk = pytest.importorskip("openai")
    text = f"{TEXT} [die:{events}]"
    stream = openai.chat.completions.create(model="chat", messages=user(text), stream=True)
    pieces = (chunk.choices[0].delta.content or "" for chunk in stream)
    assert heard(pieces, proxy.provider, sdk.APIError) == said


@pytest.mark.parametrize("cut", ["", "[cut:7]"])
def test_the_upstream_dies_in_a_message(proxy: Proxy, anthropic: Any, cut: str) -> None:
    sdk = pytest.importorskip("anthropic")
    text = f"{TEXT} [die:8] {cut}"
    with anthropic.messages.stream(model="claude", max_tokens=99, messages=user(text)) as stream:
        assert heard(stream.text_stream, proxy.provider, sdk.APIError) == "You said: <STAF"


@pytest.mark.parametrize("endpoint", ["chat", "messages"])
def test_the_client_leaves(proxy: Proxy, openai: Any, anthropic: Any, endpoint: str) -> None:
    proxy.provider.closed.clear()
    asked: dict[str, Any] = {"messages": user(f"{TEXT * 20} [slow]"), "stream": True}
    if endpoint == "chat":
        stream = openai.chat.completions.create(model="chat", **asked)
    else:
        stream = anthropic.messages.create(model="claude", max_tokens=99, **asked)
    next(iter(stream))
    stream.close()
    assert proxy.provider.closed.wait(30), "the upstream was left open"


# ---------------------------------------------------------------- where the mapping comes from


def test_dozens_at_once_with_the_same_placeholder_and_the_same_call_id(proxy: Proxy) -> None:
    """The page's own detector attaches a mapping to each; the call's id is the client's choice."""
    sdk = pytest.importorskip("openai")

    async def ask(client: Any, number: int) -> str:
        stream = await client.chat.completions.create(
            model="chat",
            messages=user(f"Hello, I am Nobody-{number}"),
            stream=True,
            extra_headers={"x-litellm-call-id": "the-same"},
        )
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])

    async def everyone() -> list[str]:
        async with sdk.AsyncOpenAI(
            api_key=proxy.key, base_url=f"{proxy.address}/v1", max_retries=0, timeout=90
        ) as client:
            return await asyncio.gather(*(ask(client, number) for number in range(48)))

    before = len(proxy.provider.seen)
    assert asyncio.run(everyone()) == [answer(f"Hello, I am Nobody-{number}") for number in range(48)]
    assert "Nobody" not in "".join(proxy.provider.seen[before:])
    assert "Nobody" not in proxy.log.read_text(errors="replace")


def test_presidio_s_tokens(proxy: Proxy, openai: Any) -> None:
    text = f"Mr Smith wrote to {VALUES['<STAFF_1>']}"
    asked: dict[str, Any] = {
        "model": "chat",
        "messages": user(text),
        "extra_body": {"guardrails": ["presidio"]},
    }
    whole = openai.chat.completions.create(**asked)
    assert whole.choices[0].message.content == answer(text)
    assert "Smith" not in proxy.sent
    stream = openai.chat.completions.create(**asked, stream=True)
    said = [chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices]
    assert "".join(said) == answer(text)
    assert len([piece for piece in said if piece]) > 5, "Presidio held the answer back"
    assert "Smith" not in proxy.sent
