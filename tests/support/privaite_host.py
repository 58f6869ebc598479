"""The real PrivAiTe beside holdback's parts in it."""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

PAIRS = {"<PERSON_1>": 'Ada "Countess" Lovelace', "<PERSON_2>": "Bo", "<EMAIL_1>": "ada@example.org"}
NAMES = {
    "privaite.streaming.buffer": ("StreamingDeAnonymizer", "json_escaped_mapping"),
    "privaite.streaming.handler": (
        "StreamingHandler",
        "StreamingDeAnonymizer",
        "json_escaped_mapping",
        "format_sse_event",
        "format_sse_done",
        "create_chunk_dict",
        "create_delta_chunk",
    ),
    "privaite.streaming.sse": (
        "format_sse_event",
        "format_sse_done",
        "create_chunk_dict",
        "create_delta_chunk",
    ),
    "privaite.gateway.restore": ("StreamingDeAnonymizer", "json_escaped_mapping"),
}
ON, OFF = SimpleNamespace(enabled=True), SimpleNamespace(enabled=False)


def theirs(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)


def mapping_of(pairs: dict[str, str]) -> Any:
    mapping = theirs("privaite.pii.mapping", "PIIMapping")()
    for fake, original in pairs.items():
        mapping.add(original, fake, "PERSON")
    return mapping


class Upstream:
    """A provider's stream."""

    def __init__(self, chunks: list[Any], error: Exception | None = None) -> None:
        self.chunks = chunks
        self.error = error
        self.closed = 0

    async def __aiter__(self) -> AsyncIterator[Any]:
        for chunk in self.chunks:
            yield (
                json.loads(json.dumps(chunk)) if isinstance(chunk, dict) else chunk
            )  # theirs writes into them
        if self.error is not None:
            raise self.error

    async def aclose(self) -> None:
        self.closed += 1


def streamed(
    chunks: Any, *, method: str = "stream_response", pairs: Any = PAIRS, config: Any = ON, sent: Any = None
) -> list[Any]:
    """The events of its handler, read: dicts, and the end mark. ``sent`` takes them up as they come."""
    events: list[Any] = [] if sent is None else sent

    async def read() -> None:
        handler = theirs("privaite.streaming.handler", "StreamingHandler")
        stream = getattr(handler, method)(
            litellm_stream=chunks if isinstance(chunks, Upstream) else Upstream(chunks),
            mapping=mapping_of(pairs) if pairs is not None else None,
            deanonymizer_config=config,
        )
        async for event in stream:
            assert event.startswith("data: ")
            assert event.endswith("\n\n")
            data = event[6:-2]
            events.append(data if data == "[DONE]" else json.loads(data))

    asyncio.run(read())
    return events
