"""What docs/front-ends.md shows: the gateway as it is configured there, and the SDKs that front ends sit on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agent_loops import anthropic_turns, openai_turns
from agent_provider import AgentProvider, serving_agents
from gateways import MAIL, needs_gateway, running
from pages import hosted
from provider import answer

pytestmark = pytest.mark.sdk

NAME = 'Mira "Mo" Ok\u00e1for \\ \U0001f600'
SENT = f"Sent to {NAME}, {MAIL}."
TURNS = (f"Write to {NAME}.", f"And once more to {NAME} ({MAIL})?")
VALUES = {"PERSON": [NAME], "EMAIL": [MAIL, "mira@example.org"]}


@pytest.fixture(scope="module")
def provider() -> Iterator[AgentProvider]:
    with serving_agents() as provider:
        yield provider


@pytest.fixture(scope="module")
def clients(provider: AgentProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The clients of the page; its two gateways are one here, since this provider speaks both formats."""
    needs_gateway()
    for sdk in ("openai", "anthropic"):
        pytest.importorskip(sdk)
    (settings,) = hosted("docs/front-ends.md", "toml")
    (source,) = hosted("docs/front-ends.md", "py")
    folder: Path = tmp_path_factory.mktemp("front-ends")
    with (
        running(
            provider.address, folder, settings=settings, values=VALUES, secret=[NAME, *VALUES["EMAIL"]]
        ) as gateway,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name in ("OPENAI", "ANTHROPIC"):
            patch.setenv(f"{name}_API_KEY", "k")
        for port in ("8000", "8001"):
            assert f":{port}/" in source
            source = source.replace(f":{port}/", f":{gateway.port}/")
        names: dict[str, Any] = {}
        exec(compile(source, "docs/front-ends.md", "exec"), names)
        with closing(names["openai"]), closing(names["anthropic"]):
            yield names


@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_streams_tools_and_the_next_turn(provider: AgentProvider, clients: dict[str, Any], name: str) -> None:
    provider.seen.clear()
    calls = []

    def mail(to: str) -> str:
        calls.append(to)
        return SENT

    turns = openai_turns if name == "openai" else anthropic_turns
    assert turns(clients[name], mail, TURNS) == [answer(SENT)] * 2
    assert calls == list(TURNS)
    assert len(provider.requests) == 4
    assert provider.shows([NAME, *VALUES["EMAIL"]]) == []
    assert all(b"team-a" not in seen for seen in provider.seen)  # the conversation is taken out of the path


def test_two_conversations_share_no_placeholder(provider: AgentProvider, clients: dict[str, Any]) -> None:
    provider.seen.clear()
    asked: Any = {"model": "m", "messages": [{"role": "user", "content": NAME}]}
    client = clients["openai"]
    other = client.with_options(base_url=str(client.base_url).replace("team-a", "team-b"))
    for each in (client, other):
        assert each.chat.completions.create(**asked).choices[0].message.content == answer(NAME)
    one, two = (request["messages"][0]["content"] for request in provider.requests)
    assert one != two
