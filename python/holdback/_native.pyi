"""The native twin, and the documentation of both.

``holdback.TrieMatcher`` and ``holdback.StreamBuffer`` are these classes, or the ones of ``holdback._pure`` that
give the same output, the same ``pending`` and the same errors for every input.

Text is a sequence of code points. Two adjacent surrogate halves, in keys, originals and text alike, count as the
one character they spell and are joined into it first; a half alone is an ordinary code point.
"""

from collections.abc import Mapping, Sequence
from typing import NoReturn, final

__all__ = ["JsonPlaces", "Places", "Scan", "StreamBuffer", "TextEvent", "TrieMatcher"]

@final
class TrieMatcher:
    """A compiled mapping of placeholders to originals: immutable, shared by all streams and threads.

    Matching is leftmost-longest over code points, non-overlapping, in one pass: at each position the longest
    placeholder that stands there is replaced, and an original is never scanned again. Time is O(characters) whatever
    the placeholders; compiling is O(their total length).

    :param pairs: ``{placeholder: original}``. Placeholders of any characters and any length, prefixes of one another
        included; an original may be empty.
    :raises TypeError: ``pairs`` is no mapping, or one of its texts no ``str``.
    :raises MappingError: a placeholder is empty, or two that are equal once surrogate halves are joined have
        different originals. No message names one.

    >>> matcher = TrieMatcher({"<PERSON_1>": "Ada", "<PERSON_10>": "Grace"})
    >>> matcher.replace("Hi <PERSON_10> and <PERSON_1>!")
    'Hi Grace and Ada!'
    >>> matcher
    TrieMatcher(keys=2, longest=11)
    """

    def __new__(cls, pairs: Mapping[str, str]) -> TrieMatcher: ...
    def replace(self, text: str, *, json: bool = False) -> str:
        r"""Restore a whole text. An unchanged text comes back as the same object. Another type is a ``TypeError``.

        With ``json``, ``text`` is JSON source (RFC 8259), as in tool-call arguments: a placeholder matches in any
        JSON spelling (``\u003cPERSON_1\u003e``), an original is escaped for the place where it lands, and everything
        else keeps its own spelling. Broken JSON raises nothing and loses nothing.
        """

    def stream(self, *, json: bool = False) -> StreamBuffer:
        """Start a stream: O(1), whatever the number of placeholders. With ``json`` its text is JSON source."""

    def _scan(self, *, lines: bool, field: str, longest: int = ...) -> Scan:
        """For the byte layer: a scan of events that end with a blank line, or with each line feed if ``lines``.

        ``field`` is one of ``JSON_FIELDS`` in ``_pure/scan.py``, or empty. ``longest``: how many bytes ``passes`` lets
        pass at once; by default any number.
        """

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

    @property
    def pending(self) -> str:
        """What is held back: empty or a proper prefix of some placeholder, as it came.

        Behind it may stand a trailing high surrogate that waits for its mate and, in a JSON stream, unfinished
        escapes.
        """

    def _text_event(
        self, parts: list[tuple[bytes, str]], tail: bytes, *, is_droppable: bool, others_rest: bool
    ) -> TextEvent | None:
        """For the byte layer: what ``template.py`` knows of an event whose text belongs to this stream.

        ``parts``: the fixed bytes before each hole, and what the hole takes: ``"text"``, ``"number"`` or
        ``"filling"``; ``tail``: those behind the last. The pure twin has none: its way is the template's own.
        """

    def __reduce__(self) -> NoReturn: ...

@final
class Scan:
    """For the byte layer: what of the bytes of one stream can go out unread, from the border of an event on.

    A *run* is whole events without anything that must be read. With a ``TextEvent`` there follow events like that,
    restored, and more runs while it is calm; without one, all must be calm.
    """

    is_open: bool
    """Whether all is calm at the border of an event. ``read`` minds it; otherwise it is for the caller to tell."""

    def passes(self, data: object, /) -> bool:
        """Whether the scan is open and that is ``bytes``, all of them one run, and not too many."""

    @property
    def passed(self) -> int:
        """How many bytes ``passes`` and ``read`` took."""

    def run(self, data: bytes, start: int, event: TextEvent | None, /) -> tuple[bytes, int]:
        """What leaves of ``data[start:]``, and where it ends there."""

    def read(self, rest: bytes, data: bytes, event: TextEvent | None, /) -> tuple[bytes, bytes, bool]:
        """What leaves of ``rest`` and ``data``, what is left, and whether that is the beginning of one event.

        Whether it is may be denied without need.
        """

@final
class TextEvent:
    """For the byte layer: events that differ in nothing but their text. Native only."""

    @property
    def is_calm(self) -> bool:
        """Whether events without the beginning of a placeholder may pass now."""

    @property
    def has_fitted(self) -> bool:
        """Whether any event was restored by it."""

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
    """For the engine: the places of JSON source, in which each string is a text. See ``engine/json_places.py``."""

    def __new__(cls, hosts: Sequence[tuple[str, bool, str]] = ...) -> JsonPlaces:
        """``hosts``: as of ``Places``."""

    def feed(self, source: str) -> None:
        """Move over ``source``, which the client has been sent."""

    def keeps(self, value: str) -> bool:
        """Whether a placeholder of ``value``, as it is without escapes, would have to stay if it came next."""

    @property
    def in_address(self) -> bool:
        """Whether the next character stands inside an address; outside a string none does."""

    def __reduce__(self) -> NoReturn: ...
