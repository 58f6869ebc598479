"""fastguard: `StreamingGuardrail`, which takes an iterable and is a generator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benches.peers.adapter import Adapter, Feed, Pairs
from fastguard.pii.stream import StreamingGuardrail
from fastguard.pii.vault import PIIVault


class Peer(Adapter):
    def vault(self, pairs: Pairs) -> Any:
        vault = PIIVault()
        for placeholder, original in pairs.items():
            vault.forward_map[original] = placeholder
            vault.reverse_map[placeholder] = original
        return vault

    def stream(self, vault: Any) -> Feed:
        guardrail = StreamingGuardrail(vault)

        def run(pieces: Sequence[str]) -> list[str]:
            return list(guardrail.process_stream(pieces))

        return run
