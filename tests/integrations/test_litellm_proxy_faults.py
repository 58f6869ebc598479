"""A real LiteLLM proxy on loopback, between the real SDK clients and a provider that repeats what it was told.

Its configuration is the one that ``docs/litellm.md`` shows. So every answer is a round trip: the client says a known
value, the provider sees and repeats its placeholder three characters at a time, the client gets the value.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from provider import Provider, answer
from proxy_host import TEXT, VALUES, Proxy, user

pytestmark = pytest.mark.litellm


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
