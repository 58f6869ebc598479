"""sether: `create_restore_stream` for text, `create_sse_restore_stream` for server-sent events."""

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
    to_event_text,
)
from sether.stream.restore import create_restore_stream
from sether.stream.sse import create_sse_restore_stream
from sether.vault.memory import MemoryVault


class Peer(Adapter):
    def __init__(self) -> None:
        super().__init__()

        def handle(vault: Any, source: Any) -> Any:
            stream = create_sse_restore_stream(vault)
            return stepping(source, lambda text: [stream.feed(text)], lambda: [stream.finish()])

        self.chats = {EVENTS: Chat(handle, to_event_text, from_events)}

    def vault(self, pairs: Pairs) -> Any:
        vault = MemoryVault()
        for token, original in pairs.items():
            vault.set(token, original)
        return vault

    def stream(self, vault: Any) -> Feed:
        stream = create_restore_stream(vault)
        return pushing(stream.feed, stream.finish)
