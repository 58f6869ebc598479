"""ChunkRestorer: the sans-IO engine, chunks in, chunks out.

A protocol reads each chunk and says what becomes of it; the channels restore its text. No loop, clock, socket or
thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from holdback.channels import Channels
from holdback.chunks import as_chunk, like, members, with_edits
from holdback.config import restores_reasoning
from holdback.mapping import AnyMapping, matcher_for
from holdback.protocols import AUTO, Protocol, protocol_named, protocol_of
from holdback.protocols.outcome import Outcome
from holdback.protocols.shapes import type_of


class ChunkRestorer:
    """Restores a stream of chunks: dicts, or pydantic objects such as those of the OpenAI SDK and LiteLLM.

    ``feed`` takes a chunk and returns the chunks that may leave: none if all its text is held back, more
    than one if a tail leaves before it. ``flush`` ends the stream and returns the chunks that carry what was
    still held back; then it may be fed again. An unchanged chunk is returned as the same object, a changed
    one is a new object of the same kind that shares its unchanged parts; the caller's are never mutated.
    Bytes, strings and other items are returned unread.

    :param mapping: any kind of mapping, read here; None or an empty one passes everything.
    :param config: None means on.
    :param protocol: the wire format of the chunks, or ``"auto"``: the first chunk that one of them knows decides.
    :raises HoldbackError: the protocol is not known; the message lists those that are.
    :raises MappingError: a placeholder is empty, or has two originals.
    :raises TypeError: ``mapping`` is not a mapping, or ``config`` not a config.

    >>> restorer = ChunkRestorer({"<PERSON_1>": "Ada"})
    >>> restorer.feed({"choices": [{"index": 0, "delta": {"content": "<PERS"}}]})
    []
    >>> restorer.feed({"choices": [{"index": 0, "delta": {"content": "ON_1>!"}}]})
    [{'choices': [{'index': 0, 'delta': {'content': 'Ada!'}}]}]
    """

    __slots__ = ("_channels", "_kind", "_models", "_protocol", "_reasoning")

    def __init__(
        self, mapping: AnyMapping | None, config: Any = None, *, protocol: str = "openai-chat"
    ) -> None:
        self._kind = None if protocol == AUTO else protocol_named(protocol)
        self._reasoning = restores_reasoning(config)
        self._protocol: Protocol | None = None
        # The classes of the stream's chunks by what they are, so that a tail can be one like them.
        self._models: dict[str | None, type[BaseModel] | None] = {}
        matcher = matcher_for(mapping, config)
        self._channels = None if matcher is None else Channels(matcher)

    def feed(self, chunk: Any) -> list[Any]:
        """Take the next chunk in; returns the chunks that may leave, in their order. Odd shapes raise nothing."""
        outcome: Outcome | None = None
        if self._channels is not None and (readable := as_chunk(chunk)) is not None:
            protocol = self._protocol or self._begin(readable)
            if protocol is not None:
                kind = type_of(members(readable)) if protocol.NAMED_EVENTS else None
                self._models[kind] = type(readable) if isinstance(readable, BaseModel) else None
                outcome = protocol.read(readable, self._channels)
        if outcome is None:
            return [chunk]
        leaving = self._as_came(outcome.before)
        if not outcome.suppressed:
            leaving.append(with_edits(readable, outcome.edits) if outcome.edits else chunk)
        return leaving

    def flush(self) -> list[Any]:
        """End the stream; returns the chunks that carry what was still held back."""
        if self._channels is None or self._protocol is None:
            return []
        tails = self._as_came(self._protocol.drain(self._channels))
        self._protocol = None
        self._models.clear()
        return tails

    def _begin(self, chunk: Any) -> Protocol | None:
        """Begin a stream; None if what it is must be found out and ``chunk`` does not tell."""
        kind = self._kind or protocol_of(members(chunk) or {})
        if kind is not None:
            self._protocol = kind(reasoning=self._reasoning)
        return self._protocol

    def _as_came(self, chunks: Sequence[dict[str, Any]]) -> list[Any]:
        leaving: list[Any] = []
        for chunk in chunks:
            model = self._models.get(chunk.get("type"))
            leaving.append(chunk if model is None else like(model, chunk))
        return leaving
