"""The native twin, and the documentation of both.

``holdback.TrieMatcher`` and ``holdback.StreamBuffer`` are these classes, or the ones of ``holdback._pure`` that
give the same output, the same ``pending`` and the same errors for every input.

Text is a sequence of code points. Two adjacent surrogate halves, in keys, originals and text alike, count as the
one character they spell and are joined into it first; a half alone is an ordinary code point.
"""

from collections.abc import Mapping, Sequence
from types import EllipsisType
from typing import Any, Literal, NoReturn, TypeAlias, final

__all__ = [
    "Forms",
    "Guard",
    "JsonPlaces",
    "Lane",
    "Places",
    "Rules",
    "Shapes",
    "StreamBuffer",
    "TrieMatcher",
    "Values",
    "keyed_placeholders",
]

@final
class TrieMatcher:
    """A compiled mapping of placeholders to originals: immutable, shared by all streams and threads.

    Matching is leftmost-longest over code points, non-overlapping, in one pass: at each position the longest
    placeholder that stands there is replaced, and an original is never scanned again. Time is O(characters) whatever
    the placeholders; compiling is O(their total length).

    :param pairs: ``{placeholder: original}``. Placeholders of any characters and any length, prefixes of one another
        included; an original may be empty.
    :param words: Match whole words: a placeholder that begins with a word character only where none stands before it,
        one that ends with one only where none follows (``Ann`` not in ``Annual``). Word characters are letters, marks,
        digits and ``_`` of scripts that are written with spaces. A whole placeholder then waits for the next character.
    :raises TypeError: ``pairs`` is no mapping, one of its texts no ``str``, or ``words`` no ``bool``.
    :raises MappingError: a placeholder is empty, or two that are equal once surrogate halves are joined have
        different originals. No message names one.

    >>> matcher = TrieMatcher({"<PERSON_1>": "Ada", "<PERSON_10>": "Grace"})
    >>> matcher.replace("Hi <PERSON_10> and <PERSON_1>!")
    'Hi Grace and Ada!'
    >>> matcher
    TrieMatcher(keys=2, longest=11)
    """

    def __new__(cls, pairs: Mapping[str, str], *, words: bool = ...) -> TrieMatcher: ...
    def replace(self, text: str, *, json: bool | Literal["auto"] = ...) -> str:
        r"""Restore a whole text. An unchanged text comes back as the same object. Another type is a ``TypeError``.

        With ``json``, ``text`` is JSON source (RFC 8259), as in tool-call arguments: a placeholder matches in any
        JSON spelling (``\u003cPERSON_1\u003e``), an original is escaped for the place where it lands, and everything
        else keeps its own spelling. Broken JSON raises nothing and loses nothing. Outside strings a placeholder that is
        made of a number's characters matches whole numbers only. One code-fence line may stand before the document.

        With ``"auto"`` the text tells by its beginning whether it is JSON source: behind blanks and at most one
        code-fence line, ``{`` with ``"`` or ``}`` behind it, or ``[`` with ``{``, ``[`` or ``"``.
        """

    def stream(self, *, json: bool | Literal["auto"] = ...) -> StreamBuffer:
        """Start a stream: O(1), whatever the number of placeholders. ``json`` is that of :meth:`replace`."""

    def _guarded(self, guard: Guard, *, json: bool | Literal["auto"]) -> StreamBuffer:
        """A stream that tells a guard what leaves, and asks it at each match."""

    def _pairs(self) -> list[tuple[str, str]]:
        """The keys with their originals, in the order of the keys."""

    @property
    def _words(self) -> bool:
        """Whether some key matches only as a whole word."""

    @property
    def longest(self) -> int:
        """The length of the longest placeholder, in code points; 0 without any."""

    def __len__(self) -> int:
        """How many placeholders there are; those that are equal once surrogate halves are joined count as one."""

    def __reduce__(self) -> NoReturn: ...

@final
class StreamBuffer:
    """One text stream, restored as it is pushed in; made by :meth:`TrieMatcher.stream`.

    For every cutting of a text, what ``feed`` returns for the pieces and then ``flush``, joined, equals ``replace``
    of the whole. Held back is only what could still become a placeholder. A buffer that two threads use at a time
    serves them one after the other.

    >>> stream = TrieMatcher({"<PERSON_1>": "Ada"}).stream()
    >>> [stream.feed(piece) for piece in ("Hi <PERS", "ON_1", ">, 1 <", " 2")]
    ['Hi ', '', 'Ada, 1 ', '< 2']
    >>> stream.flush()
    ''
    """

    def __new__(cls, *_args: object, **_kwargs: object) -> StreamBuffer: ...
    def feed(self, text: str) -> str:
        """Take ``text`` in, return what may leave; the same object if that is exactly ``text``.

        :raises TypeError: ``text`` is no ``str``; nothing was taken in.
        """

    def flush(self) -> str:
        """End the text: return what was held back, as it came but for whole placeholders in it, and start over.

        The buffer may be fed again.
        """

    def _take_counts(self) -> dict[int, int]:
        """How often which key was replaced since this was asked last, by the places of the keys in their order."""

    def _look_for(self, forms: Forms) -> None:
        """Count from here on what has one of these forms and is no key. See ``_pure/forms.py``."""

    def _take_unknown(self) -> dict[int, int]:
        """How often such text came since this was asked last, by the number of its name."""

    def _settle(self) -> str:
        """Return what was held back, as ``flush`` does, and stay where the text is: a JSON document goes on."""

    @property
    def pending(self) -> str:
        """What is held back: empty or a proper prefix of some placeholder, as it came.

        Or a whole one that waits for the next character: with ``words``, and a number outside the strings of JSON
        source. Behind it may stand a trailing high surrogate that waits for its mate and, in a JSON stream, unfinished
        escapes.
        """

    def __reduce__(self) -> NoReturn: ...

@final
class Shapes:
    """For the byte layer: the table of a format, and the native twin of ``engine/bytes_cursor.py``'s walk by it.

    ``slots``: what stands for the slot in readings, its kind and how many arrays are above it, the numbers of its
    addresses, whether it is positional, and what it leaves when it is emptied. ``nodes``: slots, object and element of
    an array, by number. ``objects``: members by name, all others, and the choice by one member (its name, the objects
    by its values, the one for other values).

    :raises ValueError: the table does not fit together; the number of the part is named.
    """

    def __new__(
        cls,
        slots: list[tuple[Any, str, int, list[int], bool, str]],
        nodes: list[tuple[list[int], int | None, int | None]],
        objects: list[
            tuple[list[tuple[str, int]], int | None, tuple[str, list[tuple[str, int]], int | None] | None]
        ],
        root: int,
    ) -> Shapes: ...
    def walk(self, source: bytes, /) -> _Reading | None:
        """The marks and the addresses of one event; None if ``source`` is no JSON object.

        A mark: slot, positions, value, and the span of its literal. Another type is a ``TypeError``.
        """
    def plain(self, source: bytes, /) -> tuple[list[str], list[tuple[int, int]], list[str]] | None:
        """The texts of a source that is text and nothing else, their literals' spans, and names that no shape has.

        None if ``source`` is no JSON object, or not plain: text is what a slot of the kind ``"whole"`` holds, slots of
        the kinds ``"text"`` and ``"latest"`` together are a member of which nothing is known (a string has its name
        twice), and where any other slot has a value, or a named member comes twice, it is not. Native only.
        """

    def values(self, source: bytes, matcher: TrieMatcher, /) -> Values | None:
        """The matcher's keys in the texts of a plain source, found as ``replace`` finds them in each. None if the
        source is not plain, a text may be a JSON document, or a key stands in a name that no shape has.
        """

@final
class Values:
    """For masking: which keys of a matcher stand in a plain source, and where. Native only."""

    @property
    def texts(self) -> int:
        """How many texts there are."""
    @property
    def changing(self) -> int:
        """How many of them have a key in them."""
    def of_keys(self, by_key: list[str], /) -> list[str]:
        """What ``by_key`` has at the numbers of the keys that stand in them, in the order of their appearance."""
    @property
    def bracketed(self) -> list[str]:
        """The texts with a ``<`` in them."""
    def replaced(self, others: list[str], /) -> list[bytes | str]:
        """The source with another text for each of ``of_keys``, in pieces: bytes, and texts to be written as literals.

        :raises ValueError: there are fewer of them than keys. None of them may need an escape.
        """
    def __reduce__(self) -> NoReturn: ...

_Reading: TypeAlias = tuple[
    list[tuple[Any, tuple[int, ...], Any, tuple[int, int]]], dict[tuple[Any, tuple[int, ...]], Any]
]
_DeclinedEvent: TypeAlias = tuple[_Reading, bytes, int, bytes, bool, bool]
"""What was found, in which bytes, and where in the frame they begin; how the frame's first line ends, whether it has an
``event`` line, and whether it has nothing but ``data`` lines."""
_Address: TypeAlias = str | int | float | EllipsisType | None

@final
class Rules:
    """For the engine: what a policy says, for one matcher. ``kept_types``: for each key whether its type is kept."""

    def __new__(
        cls,
        hosts: Sequence[tuple[str, bool, str]],
        *,
        looks_at_places: bool,
        kept_types: Sequence[bool],
        enforces: bool,
    ) -> Rules: ...

@final
class Guard:
    """For the engine: the decisions for one text. See ``engine/guard.py``."""

    def __new__(cls, rules: Rules, *, json: bool | Literal["auto"], start: Places | None = ...) -> Guard:
        """``json``: whether the text is JSON source, ``"auto"``: it is judged as both. It begins at ``start``."""

    def keep_channel(self, keeps: bool) -> None:
        """Whether everything in the channel is kept."""

    def keep_tool(self, keeps: bool) -> None:
        """Whether the tool gets no values, as far as its name is known."""

    def follow(self, before: Guard) -> None:
        """Ask this guard as well, as long as its text is open."""

    def close(self) -> None:
        """The text is complete."""

    def take_kept(self) -> dict[tuple[Literal["channel", "tool", "entity_type", "address"], int], int]:
        """How often which key was kept, and why, since this was asked last."""

    def plain_places(self) -> Places | None:
        """A copy of the places of a plain text; None of another, and where no place matters."""

    def __reduce__(self) -> NoReturn: ...

@final
class Lane:
    """For the byte layer: restores the frames of a stream that feed open channels and do nothing else. Native only.

    At the first frame that does anything else it stops, before anything of that frame was fed, and the bytes behind it
    wait.
    ``max_event_bytes``: the most bytes of a frame without the line ends that end it; ``offset``: how many bytes of the
    stream came before. Slots are numbers in the table of ``shapes``. What is wrong about a channel, a slot or its
    addresses is a ``ValueError``.
    """

    def __new__(
        cls,
        shapes: Shapes,
        *,
        framing: Literal["events", "lines", "messages"],
        max_event_bytes: int,
        skip_oversized: bool,
        offset: int,
    ) -> Lane: ...
    def feed(self, data: bytes, /) -> bytes | tuple[bytes, bytes, _DeclinedEvent | None]:
        """What leaves, if all was taken; the same object if it leaves as it came.

        Else what leaves before a frame that was declined, that frame, and the event in it if it is one; no frame if one
        is larger than allowed. A frame of a single LF is the rest of the last one that was declined. ``feed(b"")`` goes
        on behind it.
        """

    def feed_event(self, event: str, /) -> str | None:
        """What leaves of an event, given by its JSON; the same object if it leaves as it came, ``""`` if it does not.

        None if it is declined, or too large, while bytes wait, and where frames are no server-sent events: nothing
        of it was fed, and its frame is for ``feed``.
        """

    def open(self, buffer: StreamBuffer) -> int:
        """A channel whose text this buffer restores."""

    def register(self, channel: int, slot: int, addresses: tuple[_Address, ...]) -> None:
        """Text of the slot with these addresses is fed to the channel. None is an absent one, ``...`` is any."""

    def link(self, channel: int, ended: int) -> None:
        """Text of a channel ends another one: decline it while the other holds something."""

    def forget(self, channel: int) -> None:
        """Drop what was registered for a channel."""

    def close(self, channel: int) -> None:
        """Close a channel."""

    def know(self, slot: int, addresses: tuple[_Address, ...]) -> None:
        """Decline no frame because of an event of this slot with these addresses."""

    def latest(self, slot: int) -> tuple[bytes, bool] | None:
        """The last literal of a slot, and whether the frame in which it came left."""

    def note(self, slot: int, literal: bytes, left: bool) -> None:
        """This is the last literal of a slot."""

    def take_rest(self) -> bytes:
        """All bytes that were not taken."""

    @property
    def offset(self) -> int:
        """How many bytes of the stream came before the frame in hand."""

    def expect_line_feed(self) -> None:
        """A frame before this lane's first ended with CR: a LF that comes next belongs to it, and is declined."""

    @property
    def is_skipping(self) -> bool:
        """Whether a frame that is larger than allowed is just passing unread."""

    @property
    def is_in_line(self) -> bool:
        """Whether such a frame stopped in the middle of a line."""

    @property
    def manner(self) -> tuple[bytes, bool] | None:
        """How the last event is written that was taken since the frame before was declined; None if none was.

        What ends its first line, and whether it has an ``event`` line.
        """

    @property
    def broken(self) -> int:
        """How many pieces of a stream of messages are none."""

    @property
    def oversized(self) -> int:
        """How many frames were larger than allowed and passed unread."""

    def __reduce__(self) -> NoReturn: ...

@final
class Forms:
    """For the engine: what some placeholders have in common. See ``_pure/forms.py``."""

    def __new__(
        cls, forms: Sequence[tuple[str, str, bool, str, bool]], names: Sequence[str], keys: Sequence[str]
    ) -> Forms: ...
    def __reduce__(self) -> NoReturn: ...

@final
class Places:
    """For the engine: whether the next character of a text stands inside an address. See ``engine/places.py``."""

    def __new__(cls, hosts: Sequence[tuple[str, bool, str]] = ...) -> Places:
        """``hosts``: by entry the host, whether it is a wildcard, and the path prefix (``addresses.AllowedHost``)."""

    def feed(self, text: str) -> None:
        """Move over ``text``, which the client has been sent."""

    def keeps(self, value: str) -> bool:
        """Whether a placeholder of ``value`` that came next would have to stay."""

    def reset(self) -> None:
        """Begin a text of its own."""

    def copy(self) -> Places:
        """Another text that begins where this one stands."""

    @property
    def in_address(self) -> bool:
        """Whether the next character stands inside an address."""

    @property
    def address(self) -> str | None:
        """The address so far; None outside one, and where its beginning is not known."""

    def __reduce__(self) -> NoReturn: ...

@final
class JsonPlaces:
    """For the engine: the places of JSON source, in which each string is a text. ``hosts`` as of ``Places``."""

    def __new__(cls, hosts: Sequence[tuple[str, bool, str]] = ...) -> JsonPlaces: ...
    def feed(self, source: str) -> None:
        """Move over ``source``, which the client has been sent."""

    def keeps(self, value: str) -> bool:
        """Whether a placeholder of ``value``, as it is without escapes, would have to stay if it came next."""

    @property
    def in_address(self) -> bool:
        """Whether the next character stands inside an address."""

    def __reduce__(self) -> NoReturn: ...

def keyed_placeholders(
    key: bytes, start: bytes, label: str, values: Sequence[str], digits: int, /
) -> list[str]:
    """For each value ``<LABEL_digits>``: the twin of ``_pure/keyed.py``, where it is said what the digits are."""
