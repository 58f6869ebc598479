"""Chat requests for the tests of masking, and what stands for their values."""

from __future__ import annotations

from typing import Any

from holdback.masking import Placeholders

KEY = bytes(range(32))
ADA, BO = "Ada Lovelace", "Bo"


def fake(value: str, entity_type: str = "PERSON", scope: str = "s") -> str:
    return Placeholders(KEY).of(value, entity_type, scope=scope)


def chat(content: Any, **fields: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": content}], **fields}


def content(request: dict[str, Any]) -> Any:
    return request["messages"][0]["content"]
