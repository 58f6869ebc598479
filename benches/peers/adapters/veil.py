"""veil-pii: `Restorer` for text, the `ChunkRestorer` of its OpenAI wrapper for chat streams."""

from __future__ import annotations

from typing import Any

from benches.peers.adapter import (
    DICTS,
    OBJECTS,
    Adapter,
    Chat,
    Feed,
    Pairs,
    as_they_are,
    from_objects,
    pushing,
    stepping,
    to_objects,
)
from veil.integrations.openai import ChunkRestorer
from veil.masker import Masker
from veil.restore import Restorer, restore_tolerant
from veil.types import EntityType
from veil.vault import Vault


class Peer(Adapter):
    def __init__(self) -> None:
        super().__init__()

        def handle(vault: Any, source: Any) -> Any:
            restorer = ChunkRestorer(Masker(detectors=[], vault=vault))
            return stepping(source, restorer.feed, restorer.finish)

        self.chats = {
            DICTS: Chat(handle, as_they_are, as_they_are),
            OBJECTS: Chat(handle, to_objects, from_objects),
        }

    def vault(self, pairs: Pairs) -> Any:
        vault = Vault()
        for surrogate, original in pairs.items():
            vault.get_or_create(EntityType.PERSON, original, _Chosen(surrogate))
        return vault

    def stream(self, vault: Any) -> Feed:
        restorer = Restorer(vault)
        return pushing(restorer.feed, restorer.flush)

    def tolerant(self, pairs: Pairs, group: str) -> Feed:
        """Its stream matches exactly; what is tolerant takes a whole text."""
        del group
        vault = self.vault(pairs)
        return lambda pieces: [restore_tolerant("".join(pieces), vault)]


class _Chosen:
    """A generator of surrogates that gives the one it was told."""

    def __init__(self, surrogate: str) -> None:
        self._surrogate = surrogate

    def generate(self, *_: object) -> str:
        return self._surrogate
