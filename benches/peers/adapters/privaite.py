"""privaite: `streaming.buffer` for text, `streaming.handler` for chat streams."""

from __future__ import annotations

from typing import Any

from benches.peers.adapter import (
    DICTS_TO_SSE,
    OBJECTS_TO_SSE,
    Adapter,
    Chat,
    Feed,
    Pairs,
    as_they_are,
    from_events,
    pushing,
    to_objects,
)
from privaite.config.schema import DeanonymizationConfig
from privaite.pii.mapping import PIIMapping
from privaite.streaming.buffer import StreamingDeAnonymizer
from privaite.streaming.handler import StreamingHandler


class Peer(Adapter):
    def __init__(self) -> None:
        super().__init__()
        config = DeanonymizationConfig()

        def handle(vault: Any, source: Any) -> Any:
            return StreamingHandler.stream_response(source, vault, config)

        self.chats = {
            DICTS_TO_SSE: Chat(handle, as_they_are, from_events),
            OBJECTS_TO_SSE: Chat(handle, to_objects, from_events),
        }

    def vault(self, pairs: Pairs) -> Any:
        mapping = PIIMapping()
        for fake, original in pairs.items():
            mapping.add(original, fake, "PERSON")
        return mapping

    def stream(self, vault: Any) -> Feed:
        buffer = StreamingDeAnonymizer(vault)
        return pushing(buffer.feed, buffer.flush)
