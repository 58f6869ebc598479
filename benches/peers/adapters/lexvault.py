"""lexvault: `PlaceholderBuffer` for text, the guardrail's `streaming_restore` for chat streams."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from benches.peers.adapter import OBJECTS, Adapter, Chat, Feed, Pairs, from_objects, pushing, to_objects
from lexvault.config import placeholder_namespace_regex
from lexvault.streaming.buffer import PlaceholderBuffer
from lexvault.streaming.restore import streaming_restore
from lexvault.vault import MappingVault

FORMAT = "[LEX-{code}]"
NAMESPACE = placeholder_namespace_regex(FORMAT)
LONGEST = len("[LEX-]") + 8 + len("-9999")  # as its guardrail counts


class Peer(Adapter):
    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self._made = 0

        def handle(vault: Any, source: Any) -> Any:
            return streaming_restore(
                source, vault=vault, placeholder_namespace_re=NAMESPACE, max_placeholder_len=LONGEST
            )

        self.chats = {OBJECTS: Chat(handle, to_objects, from_objects)}

    def vault(self, pairs: Pairs) -> Any:
        self._made += 1
        vault = MappingVault(Path(self._folder.name) / f"{self._made}.sqlite")
        with vault._conn:
            vault._conn.executemany(
                "INSERT INTO mappings(scope, placeholder, original, created_at) VALUES ('s', ?, ?, '')",
                list(pairs.items()),
            )
        return vault

    def stream(self, vault: Any) -> Feed:
        buffer = PlaceholderBuffer(LONGEST, NAMESPACE)
        lookup = vault._lookup_sync

        def feed(text: str) -> str:
            buffer.feed(text)
            ready: str = buffer.drain_restored_with_vault(lookup)
            return ready

        return pushing(feed, lambda: buffer.flush_restored_with_vault(lookup)[0])
