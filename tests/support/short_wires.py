"""Short streams of bytes, restored."""

from __future__ import annotations

import json
from typing import Any

from holdback.restorers.wire import WireRestorer
from streams import ENVELOPE
from wires import every, through

P = {"<PERSON_1>": "Ada", "<PERSON_2>": "Bo"}


def event(text: str, newline: str = "\n", **more: Any) -> bytes:
    chunk = {**ENVELOPE, "choices": [{"index": 0, "delta": {"content": text}}], **more}
    return f"data: {json.dumps(chunk, ensure_ascii=False)}{newline}{newline}".encode()


def restored(data: bytes, pairs: Any = P, size: int = 0, **options: Any) -> bytes:
    return through(WireRestorer(pairs, **options), every(data, size or max(1, len(data)))).data
