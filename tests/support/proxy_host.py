"""A LiteLLM proxy, set up as its page says."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from litellm_process import launched
from pages import hosted
from provider import Provider

VALUES = {
    "<STAFF_1>": 'Ada "Countess" Lovelace',
    "<STAFF_2>": "Łukasz 😀",
    "<MAIL_1>": "ada@example.org",
}
TEXT = 'Ada "Countess" Lovelace <ada@example.org> met Łukasz 😀 <STAF'


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
    nothing, known, detector, presidio, callbacks = map(yaml.safe_load, hosted("docs/litellm.md", "yaml"))
    presidio["guardrails"][0]["litellm_params"] |= {
        "default_on": False,  # asked for by its tests
        "presidio_analyzer_api_base": provider,
        "presidio_anonymizer_api_base": provider,
    }
    detector["guardrails"][0]["litellm_params"] |= {"default_on": False}
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
        "guardrails": [presidio["guardrails"][0], *known["guardrails"], *detector["guardrails"]],
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


def user(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]
