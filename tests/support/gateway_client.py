"""A client of a gateway, and what an answer says."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from gateways import ADA, CITY, MAIL, MIRA, Gateway
from provider import Provider

httpx = pytest.importorskip("httpx")

TEXT = f"Write to {ADA} ({MAIL}) in {CITY}. [cut:7]"
CHAT: Any = {"model": "m", "messages": [{"role": "user", "content": TEXT}]}
TOOL: Any = {"type": "function", "function": {"name": "mail", "parameters": {"type": "object"}}}
MARK = re.compile(r"<[A-Z]+_[a-z2-7]{10}>")


def client(gateway: Gateway, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Client(base_url=gateway.address, headers=named, trust_env=False, timeout=60)


def content_of(response: Any) -> str:
    """What a chat completion says, streamed or whole."""
    assert response.status_code == 200, response.text
    if response.headers["content-type"] == "application/json":
        said: str = response.json()["choices"][0]["message"]["content"]
        return said
    return said_in(response.content)


def said_in(data: bytes) -> str:
    """What the complete events of a streamed chat completion say."""
    events = [json.loads(event) for event in re.findall(r"data: (\{.*\})", data.decode())]
    return "".join(choice["delta"].get("content") or "" for event in events for choice in event["choices"])


def nothing_seen(provider: Provider) -> None:
    shown = "".join(provider.seen)
    assert not any(value in shown for value in (ADA, json.dumps(ADA)[1:-1], MAIL, CITY, MIRA))
