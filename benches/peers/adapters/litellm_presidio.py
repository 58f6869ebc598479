"""litellm: its presidio guardrail, which restores chat streams only."""

from __future__ import annotations

from typing import Any

from benches.peers.adapter import OBJECTS, Adapter, Chat, Pairs, from_objects, to_objects
from litellm.proxy.guardrails.guardrail_hooks.presidio import _OPTIONAL_PresidioPIIMasking


class Peer(Adapter):
    def __init__(self) -> None:
        super().__init__()
        guardrail = _OPTIONAL_PresidioPIIMasking(mock_testing=True, output_parse_pii=True)

        def handle(vault: Any, source: Any) -> Any:
            data = {"metadata": {"pii_tokens": vault}}  # as its pre-call hook leaves it
            return guardrail.async_post_call_streaming_iterator_hook(None, source, data)

        self.chats = {OBJECTS: Chat(handle, to_objects, from_objects)}

    def vault(self, pairs: Pairs) -> Any:
        return dict(pairs)
