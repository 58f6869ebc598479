"""StreamingDeAnonymizer: one text stream over any kind of mapping."""

from __future__ import annotations

from holdback.config import DeanonymizationConfig
from holdback.mapping import AnyMapping
from holdback.report import Report
from holdback.restorers.material import material


class StreamingDeAnonymizer:
    """Restores one text that arrives in pieces.

    ``feed`` returns what may go out now, ``flush`` ends the text and returns the rest (it may then be fed
    again), ``buffer`` is what is held back. Joined, what they return is the text with every placeholder replaced,
    however it was cut. The mapping is read once, here; ``None`` or an empty one passes everything.

    :raises TypeError: ``mapping`` is not a mapping of ``str`` to ``str``.
    :raises MappingError: a placeholder is empty, or has two originals.

    >>> restorer = StreamingDeAnonymizer({"<PERSON_1>": "Ada"})
    >>> restorer.feed("Hi <PERS"), restorer.buffer, restorer.feed("ON_1>!"), restorer.flush()
    ('Hi ', '<PERS', 'Ada!', '')
    """

    __slots__ = ("_account", "_stream", "mapping")

    def __init__(self, mapping: AnyMapping | None, *, _asks_unknown: bool = False) -> None:
        self.mapping = mapping
        config = DeanonymizationConfig(unknown=True) if _asks_unknown else None
        matcher, self._account = material(mapping, config)
        self._stream = None if matcher is None else self._account.watch(matcher.stream())

    def feed(self, text: str) -> str:
        """Take the next piece in; returns the text that may leave.

        :raises TypeError: ``text`` is no ``str``; nothing was taken in.
        """
        if self._stream is not None:
            return self._stream.feed(text)
        if not isinstance(text, str):
            raise TypeError(f"feed() takes str, not {type(text).__name__}")
        return text

    def flush(self) -> str:
        """End the text; returns what was still held back, as it came."""
        if self._stream is None:
            return ""
        return self._account.tail(self._stream, self._stream.flush)

    @property
    def report(self) -> Report:
        """What happened so far, also in the texts before the last ``flush``; counts only."""
        if self._stream is not None:
            self._account.take(self._stream)
        return self._account.report()

    @property
    def buffer(self) -> str:
        """What is held back, as it came: empty, or the beginning of a placeholder."""
        return "" if self._stream is None else self._stream.pending

    def __repr__(self) -> str:
        return f"StreamingDeAnonymizer(buffer={len(self.buffer)})"
