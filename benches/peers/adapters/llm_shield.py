"""llm-shield-proxy: `SSERehydrationBuffer` for text, `rehydrate_sse_stream` for chat streams."""

from __future__ import annotations

from typing import Any

from benches.peers.adapter import EVENTS, Adapter, Chat, Feed, Pairs, from_events, pushing, to_events
from llm_shield_proxy.engines.vault import Vault
from llm_shield_proxy.streaming.streaming import SSERehydrationBuffer, rehydrate_sse_stream


class Peer(Adapter):
    def __init__(self) -> None:
        super().__init__()

        def handle(vault: Any, source: Any) -> Any:
            return rehydrate_sse_stream(source, vault)

        self.chats = {EVENTS: Chat(handle, to_events, from_events)}

    def vault(self, pairs: Pairs) -> Any:
        vault = Vault()
        for token, original in pairs.items():
            vault.original_to_token[original] = token
            vault.token_to_original[token] = original
        vault.max_token_length = max(map(len, pairs))
        return vault

    def stream(self, vault: Any) -> Feed:
        buffer = SSERehydrationBuffer(vault)
        return pushing(buffer.process_delta_text, lambda: buffer.process_delta_text("", is_final=True))
