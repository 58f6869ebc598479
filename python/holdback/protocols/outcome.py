"""What reading a chunk comes to.

A protocol answers with an ``Outcome``, or with None for the ordinary case that nothing changes. While it
reads it keeps a ``Draft``: the *slots*, places in this chunk where text of a channel stands or may stand.
A tail that leaves with the chunk goes behind the text of its channel's last slot, so that it is one value
with the text of the same chunk, in the right order.
"""

from __future__ import annotations

import contextlib
from json import dumps, loads
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple
from typing import Protocol as Interface

from holdback.chunks import Edit, Path, members

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from holdback.channels import Channels, Key
    from holdback.protocols.shapes import Shape


class Outcome(NamedTuple):
    """What becomes of a chunk.

    Of a suppressed one only the chunks before it leave; where it cannot be left out, it leaves with the edits.
    ``alone`` is the channel whose text is all that was read, if reading another text in its place would go the same
    way: feed the channel, and no more.
    """

    before: Sequence[dict[str, Any]]
    edits: Sequence[Edit]
    suppressed: bool = False
    alone: Key | None = None

    def __repr__(self) -> str:
        return f"Outcome(before={len(self.before)}, edits={len(self.edits)}, suppressed={self.suppressed})"


class Protocol(Interface):
    """One stream of one wire format.

    ``reasoning`` asks for text that the provider signed or wants back unmodified to be restored as well.
    """

    NAMED_EVENTS: ClassVar[bool]
    """Whether an event says its ``type``, also in an ``event:`` line on the wire."""

    LINES: ClassVar[bool]
    """Whether the wire has a chunk per line (NDJSON) instead of server-sent events."""

    JSON_FIELD: ClassVar[str]
    """Stands in the bytes of every chunk that feeds a channel of JSON source, whose state must not miss one; empty if
    the format has no such channel."""

    ANSWER: ClassVar[Shape]
    """Where text stands in a whole answer."""

    @property
    def is_dressed(self) -> bool:
        """Whether it has seen all that its synthetic chunks say of the stream."""

    def __init__(self, *, reasoning: bool = False) -> None: ...

    @staticmethod
    def recognises(event: Mapping[str, Any]) -> bool:
        """Whether a stream that begins with ``event`` is of this format. At most one format says so."""

    @staticmethod
    def recognises_answer(answer: Mapping[str, Any]) -> bool:
        """Whether a whole answer is of this format. At most one format says so."""

    def read(self, chunk: Any, channels: Channels) -> Outcome | None:
        """Feed the text of a chunk to its channels; None if it leaves as it is."""

    def drain(self, channels: Channels) -> list[dict[str, Any]]:
        """End every channel; the chunks that carry what they held back."""

    def says_only_text(self, chunk: Any) -> bool:
        """Whether a chunk is left out while all of its text is withheld, because it says nothing else."""


class Format:
    """What most formats have in common."""

    __slots__ = ("_reasoning",)

    NAMED_EVENTS: ClassVar[bool] = False
    LINES: ClassVar[bool] = False
    JSON_FIELD: ClassVar[str] = ""
    ANSWER: ClassVar[Shape]

    def __init__(self, *, reasoning: bool = False) -> None:
        self._reasoning = reasoning

    @property
    def is_dressed(self) -> bool:
        return True

    def says_only_text(self, chunk: Any) -> bool:  # noqa: ARG002 - no event of most formats is ever dropped
        return False


class Envelope(Format):
    """The stream's own id, created and model: what a synthetic chunk is dressed in.

    As first seen: once all three are known, no later chunk need be asked.
    """

    __slots__ = ("_created", "_dressed", "_id", "_model")

    KIND: ClassVar[str]

    def __init__(self, *, reasoning: bool = False) -> None:
        super().__init__(reasoning=reasoning)
        self._id: Any = None
        self._created: Any = None
        self._model: Any = None
        self._dressed = False

    @property
    def is_dressed(self) -> bool:
        return self._dressed

    def _remember(self, node: Mapping[str, Any]) -> None:
        if self._dressed:
            return
        self._id = self._id or _scalar(node.get("id"))
        self._created = self._created or _scalar(node.get("created"))
        self._model = self._model or _scalar(node.get("model"))
        self._dressed = bool(self._id and self._created and self._model)

    def _synthetic(self, choice: dict[str, Any]) -> dict[str, Any]:
        chunk = {"id": self._id, "object": self.KIND, "created": self._created, "model": self._model}
        return {name: value for name, value in chunk.items() if value} | {"choices": [choice]}


def _scalar(value: Any) -> Any:
    """What can be written again, whatever it is; else None."""
    return value if isinstance(value, (str, int, float)) else None


def first_choice(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """The members of the first choice; empty if there is none."""
    choices = node.get("choices")
    return (members(choices[0]) if isinstance(choices, (list, tuple)) and choices else None) or {}


class _Slot:
    __slots__ = ("came", "key", "leaves", "path")

    def __init__(self, path: Path, came: Any, leaves: Any, key: Key | None = None) -> None:
        self.path = path
        self.came = came
        self.leaves = leaves
        self.key = key  # of its channel


class Draft:
    """The reading of one chunk so far."""

    __slots__ = ("_channels", "_ended", "_last", "_slots", "before", "withheld")

    def __init__(self, channels: Channels, before: list[dict[str, Any]]) -> None:
        self.before = before
        self.withheld = False  # whether some slot was emptied because a channel holds its text back
        self._channels = channels
        self._slots: list[_Slot] = []
        self._last: dict[Key, _Slot] = {}
        self._ended: list[Key] = []

    def text(self, key: Key, path: Path, came: Any, *, json: bool = False) -> None:
        """Text of a channel stands at ``path``; if it is null or empty, only a tail could come there."""
        leaves = came
        if came:
            leaves = self._channels.feed(key, came, json=json)
            self.withheld |= not leaves and self._channels.holds(key)
        slot = self._last[key] = _Slot(path, came, leaves, key)
        self._slots.append(slot)

    def whole(self, path: Path, came: str, *, json: bool = False) -> None:
        """A whole value, not part of any channel; ``json`` says that it is JSON source."""
        self._slots.append(_Slot(path, came, self._channels.replace(came, json=json)))

    def document(self, path: Path, came: Any) -> None:
        """A whole JSON value: restored as its source would be, keys and strings; unread if it has none."""
        with contextlib.suppress(TypeError, ValueError, RecursionError):
            source = dumps(came)
            leaves = self._channels.replace(source, json=True)
            if leaves != source:
                self._slots.append(_Slot(path, came, loads(leaves)))

    def end(self, key: Key, path: Path | None = None) -> str:
        """End a channel: its tail goes into its slot, else to ``path``; returned if there is neither."""
        self._ended.append(key)
        tail = self._channels.end(key)
        slot = self._last.pop(key, None)
        if not tail:
            return ""
        if slot is not None:
            slot.leaves = (slot.leaves or "") + tail
        elif path is not None:
            self.place(path, tail)
        else:
            return tail
        return ""

    def place(self, path: Path, value: Any) -> None:
        """Put ``value`` where nothing was."""
        self._slots.append(_Slot(path, None, value))

    @property
    def says_something(self) -> bool:
        """Whether any text leaves in the slots of this chunk."""
        return any(slot.leaves for slot in self._slots)

    def outcome(self, *, suppressed: bool = False, again: bool = False) -> Outcome | None:
        """The answer; ``again`` says that reading the same slots once more would change no more than their channels."""
        edits = [(slot.path, slot.leaves) for slot in self._slots if slot.leaves != slot.came]
        if not edits and not self.before:
            return None
        alone = None
        if again and not self.before:
            said = [slot.key for slot in self._slots if slot.came or slot.leaves]
            alone = said[0] if len(said) == 1 and said[0] not in self._ended else None
        return Outcome(self.before, edits, suppressed, alone)
