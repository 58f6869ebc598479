"""anonproxy: `StreamRestorer`, with `escape_originals` for the arguments of tools."""

from __future__ import annotations

from typing import Any

from anonproxy.restorer import StreamRestorer
from benches.peers.adapter import Adapter, Feed, Pairs, pushing


class Peer(Adapter):
    def __init__(self) -> None:
        super().__init__()
        self.json_stream = lambda vault: _opened(vault, escape_originals=True)

    def vault(self, pairs: Pairs) -> Any:
        return sorted(pairs.items(), key=lambda pair: len(pair[0]), reverse=True)  # longest first, as it asks

    def stream(self, vault: Any) -> Feed:
        return _opened(vault, escape_originals=False)


def _opened(vault: Any, *, escape_originals: bool) -> Feed:
    restorer = StreamRestorer(vault, escape_originals=escape_originals)
    return pushing(restorer.push, restorer.flush)
