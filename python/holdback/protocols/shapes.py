"""Whole values: where text stands in a message, an item or a block that comes complete.

A *shape* looks like the value that it describes and names the text in it; what it does not name is not read.

- ``TEXT`` is a string. ``SIGNED`` is text that the provider wants back as it came: restored on demand only.
- ``JSON`` is a JSON document: a string of its source, or the value itself with text anywhere in it.
- ``{name: shape}`` are members of a node, ``[shape]`` every element of a list; ``ByType`` goes by a node's
  own ``type``. ``(shape, shape)``: one or the other, as content is a string or a list of parts.

A value restored here equals the joined deltas of the channel that spelled it out.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from holdback.chunks import Path, members

if TYPE_CHECKING:
    from holdback.protocols.outcome import Draft


class Leaf(Enum):
    """What kind of text it is."""

    TEXT = auto()
    SIGNED = auto()
    JSON = auto()


TEXT, SIGNED, JSON = Leaf


class ByType(dict[str, "Shape"]):
    """Shapes by the ``type`` of the node; another type has no text."""


Shape = Leaf | ByType | dict[str, "Shape"] | list["Shape"] | tuple["Shape", ...]


def type_of(node: Any) -> str | None:
    """The ``type`` of a node's members, be it a string or a member of an enum."""
    kind = node.get("type")
    kind = getattr(kind, "value", kind)
    return kind if isinstance(kind, str) else None


def read_whole(draft: Draft, path: Path, value: Any, shape: Shape, *, reasoning: bool = False) -> None:
    """Restore the text that ``shape`` names in the value at ``path``; signed text if ``reasoning`` is."""
    if isinstance(shape, Leaf):
        if isinstance(value, str):
            if shape is not SIGNED or reasoning:
                draft.whole(path, value, json=shape is JSON)
        elif shape is JSON:
            draft.document(path, value)
    elif isinstance(shape, tuple):
        for one in shape:
            read_whole(draft, path, value, one, reasoning=reasoning)
    elif isinstance(shape, list):
        if isinstance(value, (list, tuple)):
            for position, item in enumerate(value):
                read_whole(draft, (*path, position), item, shape[0], reasoning=reasoning)
    elif (node := members(value)) is not None:
        if isinstance(shape, ByType):
            if inner := shape.get(type_of(node) or ""):
                read_whole(draft, path, node, inner, reasoning=reasoning)
            return
        for name, inner in shape.items():
            if (member := node.get(name)) is not None:
                read_whole(draft, (*path, name), member, inner, reasoning=reasoning)
