"""llm-redact-proxy: `StreamingRehydrator` for text, its OpenAI adapter between its own parser and writer for events."""

from __future__ import annotations

from typing import Any

from benches.peers.adapter import (
    EVENTS,
    Adapter,
    Chat,
    Feed,
    Pairs,
    from_events,
    pushing,
    stepping,
    to_events,
)
from llm_redact.providers.openai import OpenAIAdapter
from llm_redact.rehydrate import RehydratorPool, StreamingRehydrator
from llm_redact.sse import SSEParser, serialize
from llm_redact.vault import InMemoryVault

FUZZY = True  # as it is configured unless one says otherwise


class Peer(Adapter):
    def __init__(self) -> None:
        super().__init__()
        openai = OpenAIAdapter()

        def handle(vault: Any, source: Any) -> Any:
            parser, pool = SSEParser(), RehydratorPool(vault, fuzzy=FUZZY)

            def written(events: Any) -> list[bytes]:
                return [serialize(out) for event in events for out in openai.rehydrate_event(event, pool)]

            return stepping(source, lambda data: written(parser.feed(data)), lambda: written(parser.close()))

        self.chats = {EVENTS: Chat(handle, to_events, from_events)}

    def vault(self, pairs: Pairs) -> Any:
        vault = InMemoryVault()
        vault._reverse.update(pairs)
        return vault

    def stream(self, vault: Any) -> Feed:
        rehydrator = StreamingRehydrator(vault, fuzzy=FUZZY)
        return pushing(rehydrator.feed, rehydrator.flush)
