"""Where a request holds text, as data: the kinds of places, and the shapes made of them.

Restoring goes by an allow-list: what no shape names is not read, since a miss shows a placeholder. Here a miss shows a
value to the provider, so it is the other way about: what no shape names is masked. A shape says what is *not* text
(ids, names of tools, base64), and what text is read in a way of its own.

- A ``Kind`` says how a string is read, or what is below it.
- ``{name: shape}`` are the members of an object. A member that is not named is ``TEXT``, and so is its name, unless
  ``"*"`` says what the others are. A string where an object should be is ``TEXT``.
- ``[shape]``: a list of it, or one alone. A list where none is named is a list of what is named.
- ``Either(kind, shape)``: a string of that kind, or an object of that shape. ``Either(SIGNED, shape)``: stays as it
  came if it is signed, else it is of that shape.
- ``By(member, {value: shape}, other)``: goes by a member of the object.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple


class Kind(Enum):
    """How a place is read. The value says it for people."""

    TEXT = "text"
    """Text. If it is a JSON document as a whole, as tool results are, it is read as ``DATA`` on its own source. An
    object here is nothing known: all strings and names in it are masked."""

    DATA = "a document"
    """A JSON document, as a value or as its source: strings, names and numbers are masked."""

    NAME = "a name"
    """The name of a person who speaks: masked by the bare form, since providers allow letters only."""

    SIGNED = "signed"
    """Text that the provider signed or encrypted along, if the object has a ``signature`` or ``encrypted_content``: it
    must go back as it came. Without one it is masked like anything else."""

    ENCODED = "encoded"
    """Base64, or a ``data:`` address of it, which stays. Anything else here is ``TEXT``."""

    KEPT = "kept"
    """No text: an id, a name of a tool or model, a constant. An object here is nothing known, and is masked."""

    EARLIER = "kept, and names what the provider keeps"
    """An id of a conversation or response that the provider keeps: numbered placeholders are refused beside it."""


TEXT, DATA, NAME, SIGNED, ENCODED, KEPT, EARLIER = Kind


class By(NamedTuple):
    """A shape that goes by the string in a member of the object; ``other`` if it has no such string."""

    member: str
    shapes: Mapping[str, Shape]
    other: Shape

    def __repr__(self) -> str:  # shapes hold themselves
        return f"By({self.member!r})"


class Either(NamedTuple):
    """A shape of what may be a string or an object."""

    kind: Kind
    shape: Shape

    def __repr__(self) -> str:
        return f"Either({self.kind})"


Shape = Kind | By | Either | Mapping[str, "Shape"] | list["Shape"]

OTHERS = "*"
"""The members of an object that are not named."""
