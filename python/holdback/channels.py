"""The sans-IO engine: chunks in, chunks out.

A channel is one independent text inside an answer. ``Channels`` keeps their buffers, each made when the
first text of its channel arrives; all share one immutable matcher. ``ChunkRestorer`` puts them together
with a protocol. No loop, clock, socket or thread.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from holdback import _backend
from holdback.chunks import as_chunk, like, members, with_edits
from holdback.config import is_enabled, restores_reasoning
from holdback.mapping import AnyMapping, matcher_of
from holdback.protocols import AUTO, Protocol, protocol_named, protocol_of
from holdback.protocols.outcome import Outcome
from holdback.protocols.shapes import type_of

Key = tuple[Any, Any]
"""What a channel goes by: its group, such as the choice, and its name there."""


FEW = 8


def _natural(key: Key) -> str:
    """Sorts keys of any kind, numbers by their value."""
    return re.sub(r"\d+", lambda number: number[0].zfill(12), repr(key))


class Channels:
    """The open text streams of one answer, by group and name."""

    __slots__ = ("_sources", "matcher", "streams")

    def __init__(self, matcher: _backend.TrieMatcher) -> None:
        self.matcher = matcher
        self._sources: set[Key] = set()  # the channels of JSON source
        self.streams: dict[Any, dict[Any, _backend.StreamBuffer]] = {}

    def feed(self, key: Key, text: str, *, json: bool = False) -> str:
        """Feed a channel, opening it if need be; ``json`` says that its text is JSON source."""
        group, name = key
        streams = self.streams.setdefault(group, {})
        stream = streams.get(name)
        if stream is None:
            stream = streams[name] = self.matcher.stream(json=json)
            if json:
                self._sources.add(key)
        return stream.feed(text)

    def holds(self, key: Key) -> bool:
        """Whether a channel holds text back."""
        group, name = key
        stream = self.streams.get(group, {}).get(name)
        return stream is not None and bool(stream.pending)

    def end(self, key: Key) -> str:
        """Close a channel, if it is open; returns its tail."""
        group, name = key
        stream = self.streams.get(group, {}).pop(name, None)
        self._sources.discard(key)
        return "" if stream is None else stream.flush()

    def at_rest(self) -> bool:
        """Whether text without the beginning of a placeholder would pass through every channel unchanged.

        May say no without need: it looks at a few channels only, so that it costs the same for any number.
        """
        if self._sources or len(self.streams) > FEW:
            return False
        for group in self.streams.values():
            if len(group) > FEW:
                return False
            for stream in group.values():
                if stream.pending:
                    return False
        return True

    def keys_of(self, group: Any) -> list[Key]:
        """The open channels of a group, in an order that does not depend on when they opened."""
        return sorted(((group, name) for name in self.streams.get(group, ())), key=_natural)

    def drain(self) -> list[tuple[Key, str]]:
        """Close every channel; returns the tails that are not empty, each with its key, in the same order."""
        keys = sorted(
            ((group, name) for group, streams in self.streams.items() for name in streams), key=_natural
        )
        tails = [(key, self.end(key)) for key in keys]
        self.streams.clear()
        return [(key, tail) for key, tail in tails if tail]

    def replace(self, text: str, *, json: bool = False) -> str:
        """Restore a whole value that belongs to no channel; ``json`` says that it is JSON source."""
        return self.matcher.replace(text, json=json)


class ChunkRestorer:
    """Restores a stream of chunks: dicts, or pydantic objects such as those of the OpenAI SDK and LiteLLM.

    ``feed`` takes a chunk and returns the chunks that may leave: none if all its text is held back, more
    than one if a tail leaves before it. ``flush`` ends the stream and returns the chunks that carry what was
    still held back; then it may be fed again. An unchanged chunk is returned as the same object, a changed
    one is a new object of the same kind that shares its unchanged parts; the caller's are never mutated.
    Bytes, strings and other items are returned unread.

    ``config`` None means on. A protocol that is not known is an error that lists those that are; with
    ``"auto"`` the first chunk that one of them knows decides.

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
        matcher = matcher_of(mapping) if config is None or is_enabled(config) else None
        self._channels = None if matcher is None else Channels(matcher)

    def feed(self, chunk: Any) -> list[Any]:
        """Take the next chunk in; returns the chunks that may leave."""
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
