"""gheim: `StreamDeanonymizer` for text, the guardrail for LiteLLM for chat streams."""

from __future__ import annotations

import time
from typing import Any

from benches.peers.adapter import OBJECTS, Adapter, Chat, Feed, Pairs, from_objects, pushing, to_objects
from gheim.core.session import Session
from gheim.core.stream import StreamDeanonymizer
from gheim.litellm._guardrail import _CALL_KEY, GheimGuardrail


class _Finds:
    """A detector that finds nothing."""

    def detect(self, text: str) -> list[Any]:
        del text
        return []


class Peer(Adapter):
    def __init__(self) -> None:
        super().__init__()
        guardrail = GheimGuardrail(guardrail_name="gheim", detector=_Finds())

        def handle(vault: Any, source: Any) -> Any:
            session = Session(mapping=vault)
            guardrail._sessions["call"] = (session, time.monotonic())  # as its pre-call hook leaves it
            data = {"metadata": {_CALL_KEY: "call"}}
            return guardrail.async_post_call_streaming_iterator_hook(None, source, data)

        self.chats = {OBJECTS: Chat(handle, to_objects, from_objects)}

    def vault(self, pairs: Pairs) -> Any:
        return dict(pairs)

    def stream(self, vault: Any) -> Feed:
        stream = StreamDeanonymizer(vault)
        return pushing(stream.feed, stream.flush)
