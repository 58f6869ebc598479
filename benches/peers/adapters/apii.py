"""apii: `CarryStream` for text, `StreamDeanonymizer` in the loop of its proxy for chat streams."""

from __future__ import annotations

from typing import Any

from apii.anonymizer import Anonymizer, EntityRecord
from apii.streaming import CarryStream, StreamDeanonymizer
from apii.types import EntityKind
from benches.peers.adapter import (
    EVENTS,
    Adapter,
    Chat,
    Feed,
    Pairs,
    from_events,
    pushing,
    stepping,
    to_event_text,
)


class Peer(Adapter):
    def __init__(self) -> None:
        super().__init__()
        self.chats = {EVENTS: Chat(_handle, to_event_text, from_events)}

    def vault(self, pairs: Pairs) -> Any:
        records = [EntityRecord(EntityKind.PERSON, token, value, value) for token, value in pairs.items()]
        return Anonymizer.from_records("secret", "tenant", records, pipeline=object())

    def stream(self, vault: Any) -> Feed:
        stream = CarryStream()
        return pushing(lambda text: stream.push(text, vault), lambda: stream.flush(vault))


def _handle(vault: Any, source: Any) -> Any:
    stream, rest = StreamDeanonymizer(vault), ""

    def step(text: str) -> list[str]:
        nonlocal rest
        *blocks, rest = (rest + text).split("\n\n")
        out = []
        for block in blocks:
            if stream.is_terminator(block):
                out.append(stream.flush_synthetic())
            out.append(stream.rewrite_block(block) + "\n\n")
        return [piece for piece in out if piece]

    def end() -> list[str]:
        last = [stream.rewrite_block(rest)] if rest else []
        return [*last, stream.flush_synthetic()]

    return stepping(source, step, end)
