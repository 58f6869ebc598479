"""holdback itself, on the twin that HOLDBACK_PURE or HOLDBACK_REQUIRE_NATIVE chose."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from benches.peers.adapter import (
    DICTS,
    DICTS_TO_SSE,
    EVENTS,
    OBJECTS,
    OBJECTS_TO_SSE,
    Adapter,
    Chat,
    Feed,
    Pairs,
    as_they_are,
    from_events,
    from_objects,
    pushing,
    to_events,
    to_objects,
)

from holdback import DeanonymizationConfig, StreamingHandler, TrieMatcher, spellings
from holdback.aio import restore_bytes, restore_chunks
from holdback.spellings import FORMS


class Peer(Adapter):
    def __init__(self) -> None:
        super().__init__()
        config = DeanonymizationConfig()

        def events(vault: _Vault, source: Any) -> Any:
            return StreamingHandler.stream_response(source, vault.matcher, config)

        def chunks(vault: _Vault, source: Any) -> Any:
            return restore_chunks(source, vault.matcher, protocol="openai-chat")

        def data(vault: _Vault, source: Any) -> Any:
            return restore_bytes(source, vault.matcher)

        self.chats = {
            DICTS_TO_SSE: Chat(events, as_they_are, from_events),
            OBJECTS_TO_SSE: Chat(events, to_objects, from_events),
            DICTS: Chat(chunks, as_they_are, as_they_are),
            OBJECTS: Chat(chunks, to_objects, from_objects),
            EVENTS: Chat(data, to_events, from_events),
        }

    def vault(self, pairs: Pairs) -> Any:
        return _Vault(pairs)

    def stream(self, vault: Any) -> Feed:
        stream = vault.matcher.stream()
        return pushing(stream.feed, stream.flush)

    def tolerant(self, pairs: Pairs, group: str) -> Feed:
        stream = TrieMatcher(spellings(pairs, FORMS) if group == "mangled" else pairs, words=True).stream()
        return pushing(stream.feed, stream.flush)


class _Vault:
    """The pairs, compiled when first used and kept."""

    def __init__(self, pairs: Pairs) -> None:
        self._pairs = dict(pairs)

    @cached_property
    def matcher(self) -> TrieMatcher:
        return TrieMatcher(self._pairs)
