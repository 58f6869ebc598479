"""maskflow: the SDK's `StreamingUnmasker` for text, the LiteLLM guardrail's `unmask_stream` for chat streams."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from benches.peers.adapter import OBJECTS, Adapter, Chat, Feed, Pairs, from_objects, pushing, to_objects
from maskflow.streaming import StreamingUnmasker
from maskflow_core.entities import PIIType
from maskflow_core.mapping import Mapping, MappingEntry
from maskflow_core.strategies import Strategy
from maskflow_litellm._streaming import unmask_stream


class Peer(Adapter):
    def __init__(self) -> None:
        super().__init__()

        def handle(vault: Any, source: Any) -> Any:
            return unmask_stream(SimpleNamespace(mapping=vault), source)  # of a session it reads the mapping

        self.chats = {OBJECTS: Chat(handle, to_objects, from_objects)}

    def vault(self, pairs: Pairs) -> Any:
        kind = PIIType("PERSON_NAME")
        return Mapping(
            {
                token: MappingEntry(token, kind, Strategy.REPLACE, reversible=True, original=original)
                for token, original in pairs.items()
            }
        )

    def stream(self, vault: Any) -> Feed:
        unmasker = StreamingUnmasker(vault)
        return pushing(unmasker.feed, unmasker.flush)
