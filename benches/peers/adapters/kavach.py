"""kavach-pii: `MaskingSession.stream()`."""

from __future__ import annotations

from typing import Any

from benches.peers.adapter import Adapter, Feed, Pairs, pushing
from kavach.masking import MaskingSession


class Peer(Adapter):
    def vault(self, pairs: Pairs) -> Any:
        session = MaskingSession(engine=None)  # it finds; here is nothing to find
        session._placeholder_to_value.update(pairs)
        return session

    def stream(self, vault: Any) -> Feed:
        stream = vault.stream()
        return pushing(stream.feed, stream.flush)
