"""What docs/httpx.md shows that needs a server: it runs as it is shown, against a provider on loopback."""

from __future__ import annotations

from typing import Any

import pytest

from pages import hosted
from provider import Provider, answer


@pytest.mark.sdk
def test_the_clients_of_its_one_line(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    for sdk in ("openai", "anthropic", "httpx2"):
        pytest.importorskip(sdk)
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.setenv("OPENAI_BASE_URL", f"{provider.address}/v1")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", provider.address)
    (source,) = hosted("docs/httpx.md", "py")
    names: dict[str, Any] = {}
    exec(compile(source, "docs/httpx.md", "exec"), names)
    asked: Any = {"model": "m", "messages": [{"role": "user", "content": "Hi <PERSON_1>!"}]}
    with names["openai"] as openai:
        assert openai.chat.completions.create(**asked).choices[0].message.content == answer("Hi Mira Okafor!")
        chunks = openai.chat.completions.create(**asked, stream=True)
        said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        assert said == answer("Hi Mira Okafor!")
    with names["anthropic"] as anthropic:
        with anthropic.messages.stream(**asked, max_tokens=9) as stream:
            assert "".join(stream.text_stream) == answer("Hi Mira Okafor!")
        assert "<PERSON_1>" in provider.seen[-1]
