"""shadow-vault: `ShadowVault.stream()`, over its store in memory."""

from __future__ import annotations

from typing import Any

from benches.peers.adapter import Adapter, Feed, Pairs, pushing
from shadow_vault import ShadowVault


class Peer(Adapter):
    def vault(self, pairs: Pairs) -> Any:
        vault = ShadowVault()
        for token, original in pairs.items():
            vault.store.get_or_create("default", "PERSON", original, lambda *_, token=token: token)
        return vault

    def stream(self, vault: Any) -> Feed:
        hydrator = vault.stream()
        return pushing(hydrator.process_chunk, hydrator.flush)
