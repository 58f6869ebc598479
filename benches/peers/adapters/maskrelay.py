"""maskrelay: `StreamingDetokenizer`."""

from __future__ import annotations

import re
from typing import Any

from benches.peers.adapter import Adapter, Feed, Pairs, pushing
from maskrelay.detok.streaming import StreamingDetokenizer
from maskrelay.placeholders import PlaceholderCodec


class Peer(Adapter):
    def vault(self, pairs: Pairs) -> Any:
        numbered: dict[tuple[str, int], str] = {}
        for placeholder, original in pairs.items():
            kind, number = re.fullmatch(r"\[([A-Z_]+)_(\d+)\]", placeholder).groups()  # type: ignore[union-attr]
            numbered[kind, int(number)] = original
        return PlaceholderCodec(), lambda kind, number: numbered.get((kind, number))

    def stream(self, vault: Any) -> Feed:
        codec, resolver = vault
        stream = StreamingDetokenizer(resolver, codec)
        return pushing(stream.feed, stream.flush)
