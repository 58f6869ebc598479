"""Sizes, events and streams of hostile input."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from holdback import (
    ChunkRestorer,
)
from streams import PAIRS

KIB, MIB = 1 << 10, 1 << 20


def event(chunk: Any) -> bytes:
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def through(protocol: str, chunks: Iterable[Any]) -> list[Any]:
    restorer = ChunkRestorer(PAIRS, protocol=protocol)
    return [leaving for chunk in chunks for leaving in restorer.feed(chunk)] + restorer.flush()
