"""stream-replace: `Replacer`, one rule per placeholder."""

from __future__ import annotations

from typing import Any

from benches.peers.adapter import Adapter, Feed, Pairs, pushing
from stream_replace import Replacer


class Peer(Adapter):
    def vault(self, pairs: Pairs) -> Any:
        return list(pairs.items())

    def stream(self, vault: Any) -> Feed:
        replacer = Replacer(vault)
        return pushing(replacer.feed, replacer.flush)
