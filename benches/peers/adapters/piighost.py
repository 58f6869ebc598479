"""piighost: the decoder of `LabelCounterPlaceholderFactory`, which is its default."""

from __future__ import annotations

from typing import Any

from benches.peers.adapter import Adapter, Feed, Pairs, pushing
from piighost.components.placeholder import PlaceholderStreamDecoder


class Peer(Adapter):
    def vault(self, pairs: Pairs) -> Any:
        return dict(pairs)

    def stream(self, vault: Any) -> Feed:
        decoder = PlaceholderStreamDecoder(lambda token: vault.get(token, token))
        return pushing(decoder.feed, decoder.flush)
