"""Events of the Responses API, made and read."""

from __future__ import annotations

from typing import Any

from recorded import (
    names,
    through,
)

PROTOCOL = "openai-responses"
RECORDINGS = names(PROTOCOL)
TEXT = "response.output_text"
IDS: dict[str, Any] = {"item_id": "msg_1", "output_index": 0, "content_index": 0}


def delta(text: Any, kind: str = TEXT, **ids: Any) -> dict[str, Any]:
    return {"type": f"{kind}.delta", **(ids or IDS), "delta": text, "sequence_number": 7}


def run(*events: Any, config: Any = None) -> list[Any]:
    return through(PROTOCOL, list(events), config)
