"""ChunkRestorer: the sans-IO engine for chunks, dicts or objects in, the same out. No loop, clock, socket or thread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from pydantic import BaseModel

from holdback._backend import is_native
from holdback.config import content_of
from holdback.engine import json_text
from holdback.engine.answer import Answer
from holdback.engine.bytes_cursor import apply, read
from holdback.engine.chunk_lane import ChunkLane
from holdback.engine.object_cursor import ObjectEvent
from holdback.engine.objects import as_chunk, like, members
from holdback.engine.open_channels import Fed
from holdback.formats import AUTO, Bedrock, Format, format_named, format_of
from holdback.formats.base import type_of
from holdback.formats.bedrock import event_in, with_event
from holdback.mapping import AnyMapping
from holdback.report import Report
from holdback.restorers.material import material


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

    __slots__ = (
        "_account",
        "_answer",
        "_content",
        "_format",
        "_is_in_bytes",
        "_kind",
        "_lane",
        "_matcher",
        "_models",
        "_uses_lane",
    )

    def __init__(
        self,
        mapping: AnyMapping | None,
        config: Any = None,
        *,
        protocol: str = "openai-chat",
        _lane: bool = True,
    ) -> None:
        self._matcher, self._account = material(mapping, config)
        self._uses_lane = _lane and self._account.policy is None
        self._lane: ChunkLane | None = None
        self._kind = None if protocol == AUTO else format_named(protocol)
        self._content = content_of(config)
        self._format: Format | None = None  # of this stream, once it is decided
        self._answer: Answer | None = None
        # The classes of the stream's chunks by what they are, so that a tail can be one like them.
        self._models: dict[str | None, type[BaseModel] | None] = {}
        self._is_in_bytes = False  # the events are Bedrock's chunks, with another provider's event inside

    def feed(self, chunk: Any) -> list[Any]:
        """Take the next chunk in; returns the chunks that may leave, in their order. Odd shapes raise nothing."""
        lane = self._lane
        if lane is not None and (fed := lane.feed(chunk)) is not None:
            return self._written(chunk, fed) if fed else [chunk]
        if self._matcher is None or (readable := as_chunk(chunk)) is None:
            return [chunk]
        if type(readable) is dict and "chunk" in readable and (source := event_in(readable)) is not None:
            return self._fed_in_bytes(readable, source)
        answer = self._answer or self._begin(readable)
        if answer is None or self._format is None:
            self._account.tally.not_understood += 1
            return [chunk]
        kind = type_of(members(readable)) if self._format.NAMED_EVENTS else None
        model = type(readable) if isinstance(readable, BaseModel) else None
        if self._models.get(kind) is not model:
            self._models[kind] = model
            if lane is not None:  # what it takes must not be of another class than the last one
                lane.unlearn()
        event = ObjectEvent(readable, self._format.shapes(self._account.unread))
        before, leaves = answer.settle(event)
        leaving = self._as_came(before)
        if leaves:
            written = event.written()
            leaving.append(chunk if written is readable else written)
        if self._lane is not None and readable is chunk:
            self._lane.learn(event, chunk)
        return leaving

    def flush(self) -> list[Any]:
        """End the stream; returns the chunks that carry what was still held back."""
        if self._answer is None:
            return []
        tails = self._as_came(self._answer.drain())
        self._format = self._answer = self._lane = None
        self._is_in_bytes = False
        self._models.clear()
        return tails

    @property
    def report(self) -> Report:
        """What happened so far, also in the streams before the last ``flush``; counts only."""
        if self._answer is not None:
            self._answer.count()
        return self._account.report()

    def __copy__(self) -> NoReturn:
        raise TypeError("a ChunkRestorer holds text and is not copied")

    def __reduce__(self) -> NoReturn:
        raise TypeError("a ChunkRestorer holds text and is not pickled")

    def _begin(self, chunk: Any) -> Answer | None:
        """Begin a stream; None if what it is must be found out and ``chunk`` does not tell."""
        kind = None if self._is_in_bytes and self._kind is Bedrock else self._kind
        kind = kind or format_of(members(chunk) or {})
        if kind is not None and self._matcher is not None:
            self._format = kind()
            self._answer = Answer(self._matcher, self._format, self._account, content=self._content)
            if self._uses_lane and not self._is_in_bytes:
                self._lane = ChunkLane(self._format.shapes(self._account.unread))
                self._answer.use(self._lane)
        return self._answer

    def _fed_in_bytes(self, chunk: dict[str, Any], source: bytes) -> list[Any]:
        """The same for an event that stands as bytes in a chunk of Bedrock's."""
        node = json_text.loads(source)
        if node is None or self._matcher is None:
            return [chunk]
        if self._answer is None:
            self._is_in_bytes = True
        answer = self._answer or self._begin(node)
        if answer is None or self._format is None:
            return [chunk]
        shapes = self._format.shapes(self._account.unread)
        event = read(shapes, source, natively=is_native(self._matcher))
        if event is None:
            return [chunk]
        before, leaves = answer.settle(event)
        leaving = self._as_came(before)
        if leaves:
            changes = event.changes()
            leaving.append(with_event(chunk, apply(source, changes)) if changes else chunk)
        return leaving

    def _written(self, chunk: Any, fed: Fed) -> list[Any]:
        """What leaves of a chunk whose texts the lane has fed."""
        if self._answer is None or self._format is None:
            return [chunk]
        event = ObjectEvent(chunk, self._format.shapes(self._account.unread))
        return [event.written()] if self._answer.write(event, fed) else []

    def _as_came(self, chunks: Sequence[dict[str, Any]]) -> list[Any]:
        leaving: list[Any] = []
        if self._is_in_bytes:
            return [{"chunk": {"bytes": json_text.to_json_bytes(chunk)}} for chunk in chunks]
        for chunk in chunks:
            model = self._models.get(chunk.get("type"))
            leaving.append(chunk if model is None else like(model, chunk))
        return leaving
