"""Events of a realtime session, and the masker and placeholders of one."""

from __future__ import annotations

import json
from typing import Any

from holdback.masking import KnownValues, Masker, Placeholders

KEY = bytes(range(32))
ADA, BO = 'Ada "Countess" Lovelace', "Bo\nO'Neill"
MASKER = Masker(KnownValues({ADA: "PERSON", BO: "PERSON"}), Placeholders(KEY))
FAKE, FAKE_BO = (Placeholders(KEY).of(value, "PERSON", scope="c") for value in (ADA, BO))


def event(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "event_id": "e", **more}


def delta(piece: str, response: str = "r", kind: str = "output_text") -> str:
    at = {"response_id": response, "item_id": f"i{response}", "output_index": 0, "content_index": 0}
    return json.dumps(event(f"response.{kind}.delta", **at, delta=piece))


def done(text: str, response: str = "r") -> str:
    at = {"response_id": response, "item_id": f"i{response}", "output_index": 0, "content_index": 0}
    return json.dumps(event("response.output_text.done", **at, text=text))


def edge(kind: str, response: str = "r") -> str:
    return json.dumps(event(f"response.{kind}", response={"id": response, "output": []}))


def text(message: str) -> dict[str, Any]:
    return {"type": "websocket.receive", "text": message}


ROUND: dict[str, Any] = {"masker": MASKER, "scope": "c"}
