"""cloakllm: `StreamDesanitizer`."""

from __future__ import annotations

from typing import Any

from benches.peers.adapter import Adapter, Feed, Pairs, pushing
from cloakllm.stream import StreamDesanitizer
from cloakllm.tokenizer import TokenMap


class Peer(Adapter):
    def vault(self, pairs: Pairs) -> Any:
        return TokenMap(
            forward={original: token for token, original in pairs.items()},
            reverse=dict(pairs),
        )

    def stream(self, vault: Any) -> Feed:
        stream = StreamDesanitizer(vault)
        return pushing(stream.feed, stream.flush)
