"""``holdback check`` of whole proxies: the gateway in a process of its own, and LiteLLM with the guardrail."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import gateways
from check_proxies import PAIRS
from holdback.check.answers import WRITERS
from holdback.check.client import Target
from holdback.check.known import TYPES, VALUES
from holdback.check.provider import serving
from holdback.check.runner import Check
from holdback.check.table import holds, table
from litellm_process import launched

MODELS = {
    "check": ("openai/m", "/v1"),
    "text": ("text-completion-openai/m", "/v1"),
    "claude": ("anthropic/claude-x", ""),
    "gemini": ("gemini/gemini-x", ""),
}
ASKED = {"": "check", "openai-text": "text", "anthropic": "claude", "gemini": "gemini"}


def test_the_gateway_passes_in_every_format(tmp_path: Path) -> None:
    gateways.needs_gateway()
    values = {TYPES[number]: [value] for number, value in VALUES.items()}
    own = list(VALUES.values())
    with (
        serving(0) as provider,
        gateways.running(provider.address, tmp_path, values=values, secret=own) as gateway,
    ):
        rows = list(Check(Target(gateway.address), provider).rows(WRITERS))
    assert all(row.is_served for row in rows)
    assert holds(rows, list(WRITERS), []), table(rows, [])


def configuration(provider: str) -> dict[str, object]:
    """LiteLLM with the guardrail, and nothing else."""
    settings = {
        "guardrail": "holdback.integrations.litellm.HoldbackGuardrail",
        "mode": ["pre_call", "post_call"],
        "default_on": True,
        "known_values": "known.json",
    }
    return {
        "model_list": [
            {
                "model_name": name,
                "litellm_params": {"model": model, "api_base": provider + path, "api_key": "check"},
            }
            for name, (model, path) in MODELS.items()
        ],
        "guardrails": [{"guardrail_name": "holdback", "litellm_params": settings}],
        "general_settings": {"master_key": "os.environ/LITELLM_MASTER_KEY"},
        "router_settings": {"num_retries": 0, "disable_cooldowns": True},
    }


@pytest.mark.litellm
def test_litellm_with_the_guardrail_is_right_but_for_what_litellm_does_itself(tmp_path: Path) -> None:
    """It writes every event anew, and gives both choices of a text completion the same number."""
    pytest.importorskip("litellm")
    with serving(0) as provider:
        (tmp_path / "config.yaml").write_text(json.dumps(configuration(provider.address)), encoding="utf-8")
        (tmp_path / "known.json").write_text(json.dumps(PAIRS), encoding="utf-8")
        with launched(tmp_path) as (address, key, _):
            rows = list(Check(Target(address, key, models=ASKED), provider).rows(WRITERS))
    wrong = {
        row.protocol: {column for column, cell in row.cells.items() if cell == "wrong"}
        for row in rows
        if row.is_served
    }
    assert wrong.keys() == WRITERS.keys() - {"ollama", "cohere"}
    found = {name: columns - {"bytes"} for name, columns in wrong.items()}
    assert found.pop("openai-text") <= {"channels"}, table(rows, [])
    assert not any(found.values()), table(rows, [])
