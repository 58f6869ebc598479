"""code-airlock: `StreamRehydrator`."""

from __future__ import annotations

from typing import Any

from benches.peers.adapter import Adapter, Feed, Pairs, pushing
from sanitizer import StreamRehydrator


class Peer(Adapter):
    def vault(self, pairs: Pairs) -> Any:
        return dict(pairs)

    def stream(self, vault: Any) -> Feed:
        stream = StreamRehydrator(vault)
        return pushing(stream.process_chunk, stream.flush)
