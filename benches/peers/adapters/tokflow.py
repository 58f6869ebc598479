"""tokflow: `TokFlow`, one rule per placeholder."""

from __future__ import annotations

from typing import Any

from benches.peers.adapter import Adapter, Feed, Pairs, pushing
from tokflow import TokFlow


class Peer(Adapter):
    def vault(self, pairs: Pairs) -> Any:
        return list(pairs.items())

    def stream(self, vault: Any) -> Feed:
        flow = TokFlow(vault)
        return pushing(flow.put, flow.flush)
