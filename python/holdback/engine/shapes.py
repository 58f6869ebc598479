"""Shapes: where text and what matters for its life stand in the events of a wire format, as data.

A shape looks like the value that it describes and names the *slots* in it; what it does not name is not read.

- ``{name: shape}`` are members of an object; ``OTHER`` as a name stands for all members without a shape of their own.
- ``[shape]`` is every element of an array.
- ``ByType`` chooses the shape of an object by the value of one of its members.
- ``(shape, ...)`` says that several hold at once: content is a string, or a list of parts.
- a ``Slot`` is a value that means something. ``Kind`` lists what there is.

The cursors (``bytes_cursor``, ``object_cursor`` and their native twin) walk an event by a shape and give *marks*: a
slot, the positions in the arrays on the way, the value, and where it stands. Beside the marks they give *addresses*,
which together say what a mark belongs to.

A shape is compiled once into a table of small integers. The native walk is given that table, so it knows no
provider's field.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import EllipsisType


class Kind(StrEnum):
    """What a slot is, and which values it takes."""

    ADDRESS = "address"
    """A string or a number that tells which channel a mark belongs to. It gives no mark of its own."""

    TEXT = "text"
    """Text of a channel: a string, or null where only a tail could come."""

    SOURCE = "source"
    """JSON source of a channel: likewise."""

    WHOLE = "whole"
    """A string that is complete."""

    WHOLE_SOURCE = "whole_source"
    """A string that is a complete JSON document."""

    DOCUMENT = "document"
    """A JSON value that is no string, with text anywhere in it."""

    EVENT = "event"
    """A value that says something: not null, false, zero or empty."""

    ONCE = "once"
    """Likewise, but it says something the first time only, for each of its addresses."""

    KEEPS = "keeps"
    """A value because of which an event leaves although all its text is withheld: not null and not empty."""

    LATEST = "latest"
    """A value of which the last one is remembered: not null."""

    PLACE = "place"
    """An object or array, or null in its stead, where a tail may be put."""


class Emptied(StrEnum):
    """What a slot leaves whose text is withheld."""

    TEXT = "text"
    """An empty string."""

    ELEMENT = "element"
    """Nothing: its element of the array is taken out, and an event that says nothing else does not leave."""

    EVENT = "event"
    """An empty string; but an event that says nothing else does not leave."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A value that means something.

    ``addresses`` are the names of the slots that say what it belongs to. A ``positional`` address that is absent is the
    position in its array. ``content`` is what the model says to the user, which may be a JSON document where text of
    other slots is not. ``number`` and ``depth`` (how many arrays are on the way) are known once the shape is compiled.
    """

    name: str
    kind: Kind
    addresses: tuple[str, ...] = ()
    positional: bool = False
    emptied: Emptied = Emptied.TEXT
    channel: str = "content"
    """What a policy calls its text."""
    joins: bool = False
    """Whether a complete text goes on where the one before it in the event stopped, as the parts of content do."""
    content: bool = False
    part_of: str = ""
    """What complete text it is a part of: all that stand in one array, ``arrays`` further out, are one text."""
    arrays: int = 1
    number: int = -1
    depth: int = 0
    places: tuple[tuple[str, int, bool], ...] = ()
    """Of the addresses: name, depth, whether positional."""
    is_text: bool = field(init=False, repr=False, compare=False)
    """Whether it carries text of a channel."""
    is_whole: bool = field(init=False, repr=False, compare=False)
    """Whether it carries a complete value."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_text", self.kind in (Kind.TEXT, Kind.SOURCE))
        object.__setattr__(self, "is_whole", self.kind in (Kind.WHOLE, Kind.WHOLE_SOURCE, Kind.DOCUMENT))


class ByType(dict[Any, Any]):
    """Shapes of an object by the value of its member ``name``: a string, or ``"true"``.

    ``""`` is for an object that has no such value, OTHER for all that are not named.
    """

    def __init__(self, shapes: Mapping[Any, Shape], *, name: str = "type") -> None:
        super().__init__(shapes)
        self.name = name


OTHER: EllipsisType = ...
"""Stands for the members, or the types, that a shape does not name."""

Shape = Slot | ByType | dict[Any, Any] | list[Any] | tuple[Any, ...]


def address(name: str, *, positional: bool = False) -> Slot:
    """An address of that name."""
    return Slot(name, Kind.ADDRESS, positional=positional)


def text(
    name: str,
    *addresses: str,
    emptied: Emptied = Emptied.TEXT,
    channel: str = "content",
    content: bool = False,
) -> Slot:
    """Text of a channel."""
    return Slot(name, Kind.TEXT, addresses, emptied=emptied, channel=channel, content=content)


def source(name: str, *addresses: str, emptied: Emptied = Emptied.TEXT) -> Slot:
    """JSON source of a channel."""
    return Slot(name, Kind.SOURCE, addresses, emptied=emptied, channel="arguments")


def event(name: str, *addresses: str) -> Slot:
    """A value that says something."""
    return Slot(name, Kind.EVENT, addresses)


def once(name: str, *addresses: str) -> Slot:
    """A value that says something the first time."""
    return Slot(name, Kind.ONCE, addresses)


def latest(name: str) -> Slot:
    """A value of which the last one is remembered."""
    return Slot(name, Kind.LATEST)


def place(name: str) -> Slot:
    """Where a tail may be put."""
    return Slot(name, Kind.PLACE)


KEEPS = Slot("keeps", Kind.KEEPS)
TEXT = Slot("text", Kind.WHOLE)
CONTENT = Slot("text", Kind.WHOLE, content=True, joins=True)
PART_OF_CONTENT = Slot("text", Kind.WHOLE, content=True, joins=True, part_of="content")
SAID = Slot("text", Kind.WHOLE, joins=True)
"""Text of the answer itself."""
THOUGHT = Slot("text", Kind.WHOLE, channel="reasoning", joins=True)


def part_of_thought(of: str, *, arrays: int = 1) -> Slot:
    """Text of a part of what a model thinks."""
    return replace(THOUGHT, part_of=of, arrays=arrays)


REFUSED = Slot("text", Kind.WHOLE, channel="refusal", joins=True)
SIGNED = Slot("text", Kind.WHOLE, channel="signed", joins=True)
INPUT = Slot("text", Kind.WHOLE, channel="arguments")
"""Arguments of a call that are plain text."""
JSON = (
    Slot("document", Kind.WHOLE_SOURCE, channel="arguments"),
    Slot("document", Kind.DOCUMENT, channel="arguments"),
)
"""Arguments: a string of JSON source, or the value itself."""
RESULT = (Slot("document", Kind.WHOLE_SOURCE), Slot("document", Kind.DOCUMENT))
"""Likewise what a tool gave."""
TOOL = address("tool")
"""The name of the tool of a call that is complete."""
PROVIDER_TOOL = address("provider_tool")
"""Likewise of one that the provider runs."""


_QUIET = frozenset((Kind.KEEPS, Kind.EVENT, Kind.ONCE))
_OF_NO_STRING = frozenset((Kind.ADDRESS, Kind.DOCUMENT, Kind.PLACE))
_OF_NULL = frozenset((Kind.TEXT, Kind.SOURCE, Kind.PLACE))
_ALWAYS = frozenset((Kind.DOCUMENT, Kind.LATEST))
_AROUND = _ALWAYS | {Kind.EVENT, Kind.ONCE}


@dataclass(slots=True)
class Node:
    """What may stand at one place: the slots that a value there has, and the shapes of an object or array."""

    slots: list[Slot]
    object: Members | None = None
    array: Node | None = None
    number: int = -1
    means: bool = False
    """Whether anything is read of a value there."""
    places: tuple[Slot, ...] = ()
    """The places that a container is into which the walk descends; their marks stand before those inside."""
    around: tuple[tuple[Slot, bool], ...] = ()
    """The other slots that have such a container, and whether an empty one is a mark as well."""
    named: tuple[Slot, ...] = ()
    """The slots that are addresses."""
    of_text: tuple[tuple[Slot, bool], ...] = ()
    """The slots of which a string that is not empty is a mark, and whether the mark has its text."""
    of_empty: tuple[tuple[Slot, bool], ...] = ()
    """The same for an empty string."""
    of_null: tuple[Slot, ...] = ()
    """The slots of which null is a mark."""


@dataclass(slots=True)
class Members:
    """The shape of an object. One that goes by ``which`` has no members of its own."""

    members: dict[str, Node]
    other: Node | None = None
    which: str | None = None
    variants: dict[str, Members] | None = None
    default: Members | None = None
    quoted: dict[bytes, Node] | None = None
    """The members by their names as JSON spells them."""
    number: int = -1


class Shapes:
    """A compiled shape. Text of the channels that ``unread`` names is no part of it.

    >>> from holdback.engine.shapes import Shapes, address, text
    >>> shapes = Shapes({"choices": [{"index": address("choice", positional=True), "text": text("said", "choice")}]})
    >>> [(slot.name, slot.depth) for slot in shapes.slots]
    [('choice', 1), ('said', 1)]
    """

    def __init__(self, shape: Shape, unread: Collection[str] = ()) -> None:
        self._unread = unread
        self._known: dict[Slot, Slot] = {}
        self.slots: list[Slot] = []
        self.nodes: list[Node] = []
        self.objects: list[Members] = []
        self.root = self._node(shape, 0)
        self._resolve()

    def table(self) -> tuple[list[Any], list[Any], list[Any], int]:
        """The compiled form in integers, as the native walk takes it."""
        slots = [
            (
                slot.name if slot.kind is Kind.ADDRESS else slot,
                slot.kind.value,
                slot.depth,
                [self._by_name[name, depth].number for name, depth, _ in slot.places],
                slot.positional,
                slot.emptied.value,
            )
            for slot in self.slots
        ]
        nodes = [
            (
                [slot.number for slot in node.slots],
                None if node.object is None else node.object.number,
                None if node.array is None else node.array.number,
            )
            for node in self.nodes
        ]
        objects = [
            (
                [(name, node.number) for name, node in entry.members.items()],
                None if entry.other is None else entry.other.number,
                None
                if entry.which is None
                else (
                    entry.which,
                    [(value, inner.number) for value, inner in (entry.variants or {}).items()],
                    None if entry.default is None else entry.default.number,
                ),
            )
            for entry in self.objects
        ]
        return slots, nodes, objects, self.root.number

    @cached_property
    def alone(self) -> frozenset[int]:
        """The slots whose value means nothing else, wherever they stand, and has nothing in it that is named."""
        shared = {
            slot.number
            for node in self.nodes
            for slot in node.slots
            if len(node.slots) > 1 or node.object is not None or node.array is not None
        }
        return frozenset(slot.number for slot in self.slots if slot.number not in shared)

    @cached_property
    def latest(self) -> Slot:
        """The slot of which the last value is remembered. A shape has one at most."""
        return next(slot for slot in self.slots if slot.kind is Kind.LATEST)

    @cached_property
    def native(self) -> Any:
        """The same for the native walk, where there is one."""
        from holdback import _backend  # noqa: PLC0415 - the engine stands below the backend's choice

        return _backend.Shapes(*self.table())

    def _node(self, shape: Shape, depth: int) -> Node:
        node = Node([], number=len(self.nodes))
        self.nodes.append(node)
        for part in _parts(shape):
            if isinstance(part, Slot):
                if part.kind is Kind.ADDRESS or part.channel not in self._unread:
                    node.slots.append(self._slot(part, depth))
            elif isinstance(part, list):
                node.array = self._node(part[0], depth + 1)
            else:
                node.object = self._members(part, depth)
        node.means = bool(node.slots or node.object or node.array)
        marks = [slot for slot in node.slots if slot.kind not in _OF_NO_STRING]
        node.named = tuple(slot for slot in node.slots if slot.kind is Kind.ADDRESS)
        node.of_text = tuple((slot, slot.kind is not Kind.KEEPS) for slot in marks)
        node.of_empty = tuple((slot, True) for slot in marks if slot.kind not in _QUIET)
        node.of_null = tuple(slot for slot in node.slots if slot.kind in _OF_NULL)
        node.places = tuple(slot for slot in node.slots if slot.kind is Kind.PLACE)
        node.around = tuple((slot, slot.kind in _ALWAYS) for slot in node.slots if slot.kind in _AROUND)
        return node

    def _slot(self, slot: Slot, depth: int) -> Slot:
        placed = replace(slot, depth=depth)
        known = self._known.get(placed)
        if known is None:
            known = self._known[placed] = replace(placed, number=len(self.slots))
            self.slots.append(known)
        return known

    def _members(self, shape: Any, depth: int) -> Members:
        entry = Members({}, number=len(self.objects))
        self.objects.append(entry)
        if isinstance(shape, ByType):
            entry.which = shape.name
            entry.variants = {
                value: self._members(inner, depth) for value, inner in shape.items() if value is not OTHER
            }
            if OTHER in shape:
                entry.default = self._members(shape[OTHER], depth)
            return entry
        for name, inner in shape.items():
            if name is OTHER:
                entry.other = self._node(inner, depth)
            else:
                entry.members[name] = self._node(inner, depth)
        entry.quoted = {b'"%b"' % name.encode(): node for name, node in entry.members.items()}
        return entry

    def _resolve(self) -> None:
        """Tell each slot where its addresses are, now that all are known."""
        self._by_name = {(slot.name, slot.depth): slot for slot in self.slots if slot.kind is Kind.ADDRESS}
        for slot in self.slots:
            if slot.addresses:
                places = tuple(self._place_of(name, slot.depth) for name in slot.addresses)
                object.__setattr__(slot, "places", places)  # it is not shared before this is done

    def _place_of(self, name: str, depth: int) -> tuple[str, int, bool]:
        """The address of that name nearest above a depth."""
        for above in range(depth, -1, -1):
            if (found := self._by_name.get((name, above))) is not None:
                return name, above, found.positional
        raise ValueError(f"no address named {name!r} stands above the slot")


def _parts(shape: Shape) -> list[Any]:
    """What a shape says at once."""
    return [part for inner in shape for part in _parts(inner)] if isinstance(shape, tuple) else [shape]
