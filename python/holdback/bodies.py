"""Bodies told by their bytes: what an HTTP body is, decoded and restored as it streams. Sans-IO, without a host.

The idea. A content type says what a body should be, and providers and proxies say it wrongly: event streams come as
JSON or as text, whole answers where a stream was asked for, gzip without its header. So a body goes through three
steps, each fed with bytes cut anywhere:

- ``BodyDecoder`` takes content codings off: those that a header names, and gzip or zstd told by their first bytes;
- ``BodySniffer`` looks at the first decoded bytes and says which ``BodyKind`` they begin;
- a ``WireRestorer`` restores a stream, ``AnswerRestorer`` a whole answer; every other body passes as it is.

``BodyRestorer`` is the three in a row. Invariants, for every way to cut the body:

- the kind and the output are the same, except for when the output leaves;
- nothing is held that could not be the beginning of an answer. Of a stream nothing is held that the restorer itself
  would not hold, save the first line where only the next one tells whether it was a whole answer;
- the output is never longer delayed than to the end of the body, and nothing is lost.

Cost: O(bytes).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from pydantic_core import from_json

from holdback.answers import restore_answer
from holdback.codings import BodyDecoder
from holdback.errors import EncodedInput, EventTooLarge, HoldbackError
from holdback.mapping import AnyMapping, matcher_for
from holdback.protocols import AUTO
from holdback.wire import WireRestorer

__all__ = ["AnswerRestorer", "BodyKind", "BodyOptions", "BodyRestorer", "BodySniffer", "Claim", "claim_of"]

EVENT_TYPES = frozenset({"text/event-stream"})
LINE_TYPES = frozenset(
    {
        "application/x-ndjson",
        "application/ndjson",
        "application/jsonl",
        "application/x-jsonl",
        "application/jsonlines",
        "application/x-json-stream",
        "application/stream+json",
    }
)
DEFAULT_LIMIT = 64 << 20
"""How large a whole answer may be, unless ``max_event_bytes`` says otherwise."""
WINDOW = 1 << 16
"""How much of a first line is held where whole answers are not restored."""

_BOM = b"\xef\xbb\xbf"
_BLANKS = b" \t\r\n"


class Claim(Enum):
    """What a content type says of a body.

    >>> claim_of("application/json") is Claim.JSON
    True
    """

    EVENTS = auto()  # a stream of events
    LINES = auto()  # a stream of lines
    JSON = auto()  # one document
    NOTHING = auto()  # it says nothing, or that it is text

    @property
    def is_stream(self) -> bool:
        return self in (Claim.EVENTS, Claim.LINES)


def claim_of(content_type: str) -> Claim | None:
    """What a content type says; None if such a body is no answer, whatever its bytes.

    >>> claim_of("text/event-stream; charset=utf-8"), claim_of("text/html")
    (<Claim.EVENTS: 1>, None)
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind in EVENT_TYPES:
        return Claim.EVENTS
    if kind in LINE_TYPES:
        return Claim.LINES
    if kind == "application/json" or kind.endswith("+json"):
        return Claim.JSON
    return Claim.NOTHING if kind in ("", "text/plain") else None


class BodyKind(Enum):
    r"""What a body is.

    >>> BodySniffer(Claim.NOTHING).feed(b'[\n{') is BodyKind.ARRAY
    True
    """

    EVENTS = auto()  # server-sent events
    LINES = auto()  # one JSON object a line
    ARRAY = auto()  # a stream whose events are the elements of one JSON array
    ANSWER = auto()  # one JSON object
    OTHER = auto()  # nothing that is restored


class BodySniffer:
    r"""Tells from its first bytes what a body is.

    ``feed`` takes bytes cut anywhere and returns the kind, None while that is open; ``flush`` returns it at the end of
    the body. Nothing is fed behind a kind. ``held`` has every byte that was fed, ``at`` is where the body begins in it,
    behind a byte order mark and blanks.

    :param claim: what the content type says.
    :param answers: whether whole answers count. If not, they are OTHER, and told by their first 64 KiB.
    :param limit: how many bytes of an object are held until it is told by its beginning alone.

    >>> sniffer = BodySniffer(Claim.JSON)
    >>> sniffer.feed(b"\n\nda"), sniffer.feed(b"ta: {")
    (None, <BodyKind.EVENTS: 1>)
    """

    __slots__ = ("_answers", "_claim", "_end", "_has_begun", "_limit", "_line", "_seen", "at", "held")

    def __init__(self, claim: Claim, *, answers: bool = True, limit: int = DEFAULT_LIMIT) -> None:
        self._claim = claim
        self._answers = answers
        self._limit = limit if answers or claim.is_stream else min(limit, WINDOW)
        self.held = bytearray()
        self.at = 0
        self._has_begun = False  # whether it is known if there is a byte order mark
        self._line = 0  # where the line begins that is looked at, of events that nobody announced
        self._seen = 0  # up to where no end of the object's line was found
        self._end = 0  # where a whole object ends that could be an answer; 0: that is not known

    @property
    def is_object(self) -> bool:
        """Whether the body begins as an object does, so that it is restored unless it turns out to be none of ours."""
        return self.held[self.at : self.at + 1] == b"{"

    def feed(self, data: bytes) -> BodyKind | None:
        self.held += data
        held = self.held
        if not self._has_begun:
            if _BOM.startswith(held[: len(_BOM)]) and len(held) < len(_BOM):
                return None
            self._has_begun = True
            self.at = len(_BOM) if held.startswith(_BOM) else 0
            self._line = self.at
        self.at = _past_blanks(held, self.at)
        if self.at == len(held):
            return None
        first = held[self.at]
        if first == 0x7B:  # {
            return self._object()
        if first == 0x5B:  # [
            inside = _past_blanks(held, self.at + 1)
            if inside == len(held):
                return None
            if held[inside] == 0x7B:
                return BodyKind.ARRAY
        return BodyKind.EVENTS if self._claim.is_stream else self._lines_of_events()

    def flush(self) -> BodyKind:
        """The body has ended. One object may also be the only line of a stream: ``AnswerRestorer`` sees to that."""
        if self._claim.is_stream:
            return BodyKind.ANSWER if self.is_object else BodyKind.EVENTS
        return BodyKind.ANSWER if self.is_object and self._answers else BodyKind.OTHER

    def _object(self) -> BodyKind | None:
        """An object: the first line of some, or an answer. A line that is whole and no answer is one of some."""
        held, whole = self.held, BodyKind.ANSWER if self._answers else BodyKind.OTHER
        if not self._end:
            end = held.find(b"\n", max(self.at, self._seen))
            if end < 0:
                self._seen = len(held)
                if len(held) - self.at <= self._limit:
                    return None
                return BodyKind.LINES if self._claim.is_stream else whole
            line = bytes(held[self.at : end])
            node = _object_in(line)
            if node is None:
                is_lines = self._claim is Claim.LINES and line.strip() != b"{"
                return BodyKind.LINES if is_lines else whole
            if not _is_answer(node, is_stream=self._claim.is_stream):
                return BodyKind.LINES
            self._end = end + 1
        behind = _past_blanks(held, self._end)
        if behind == len(held):
            return None
        return BodyKind.LINES if held[behind] == 0x7B else whole

    def _lines_of_events(self) -> BodyKind | None:
        """Whether what was not announced as events is some: other fields may stand before the first ``data``."""
        held = self.held
        self._line = max(self._line, self.at)
        while True:
            self._line = _past_blanks(held, self._line)
            field = bytes(held[self._line : self._line + len(b"event:")])
            if any(field.startswith(name) for name in (b"data:", b":", b"event:", b"id:", b"retry:")):
                if field.startswith(b"data:") or self._claim is Claim.JSON:
                    return BodyKind.EVENTS
            elif any(name.startswith(field) for name in (b"data:", b"event:", b"id:", b"retry:")):
                return None
            else:
                return BodyKind.OTHER
            ends = [end for end in (held.find(b"\n", self._line), held.find(b"\r", self._line)) if end >= 0]
            if not ends:
                return None if len(held) - self._line <= WINDOW else BodyKind.OTHER
            self._line = min(ends) + 1


def _past_blanks(data: bytearray, at: int) -> int:
    while at < len(data) and data[at] in _BLANKS:
        at += 1
    return at


def _object_in(source: bytes) -> dict[str, Any] | None:
    """The JSON object that some bytes are; None if they are none."""
    try:
        node = from_json(source)
    except ValueError:  # a lone surrogate, or indeed no JSON
        try:
            node = json.loads(source.decode())
        except (ValueError, RecursionError):
            return None
    return node if isinstance(node, dict) else None


def _is_answer(node: dict[str, Any], *, is_stream: bool) -> bool:
    """Whether an object may be a whole answer. Where a stream was announced, only if it can be nothing else."""
    choices = node.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if (
        node.get("object") in ("chat.completion", "response")
        or (node.get("type") == "message" and isinstance(node.get("content"), list))
        or (isinstance(choice, dict) and "message" in choice and "delta" not in choice)
    ):
        return True
    return not is_stream and (
        "candidates" in node or node.get("done") is True or node.get("object") == "text_completion"
    )


# ---------------------------------------------------------------- restoring


@dataclass(frozen=True, slots=True)
class BodyOptions:
    """How bodies are restored: what every shell takes and passes on.

    :param protocol: the wire format, or ``"auto"``.
    :param max_event_bytes: the most bytes of one event, or of a whole answer; None is the restorer's default.
    :param oversized: ``"pass"`` lets what is larger pass unread, ``"raise"`` makes it an ``EventTooLarge``; None is the
        restorer's default.
    :param undecodable: ``"raise"`` makes a body that cannot be decoded an ``EncodedInput`` before its first byte,
        ``"pass"`` lets it pass as it is.
    :raises HoldbackError: a setting is not one of these.
    :raises TypeError: ``max_event_bytes`` is no ``int``.

    >>> BodyOptions(oversized="drop")
    Traceback (most recent call last):
    holdback.errors.HoldbackError: oversized must be "pass" or "raise"
    """

    protocol: str = AUTO
    max_event_bytes: int | None = None
    oversized: str | None = None
    undecodable: str = "raise"

    def __post_init__(self) -> None:
        if self.oversized not in (None, "pass", "raise"):
            raise HoldbackError('oversized must be "pass" or "raise"')
        if self.undecodable not in ("pass", "raise"):
            raise HoldbackError('undecodable must be "pass" or "raise"')
        self.wire(None)

    def wire(self, mapping: AnyMapping | None, config: Any = None) -> WireRestorer:
        """A restorer of streams with these options; only what was given is passed on."""
        given: dict[str, Any] = {"max_event_bytes": self.max_event_bytes, "oversized": self.oversized}
        options = {name: value for name, value in given.items() if value is not None}
        return WireRestorer(mapping, config, protocol=self.protocol, **options)

    @property
    def limit(self) -> int:
        """How large a whole answer may be."""
        return DEFAULT_LIMIT if self.max_event_bytes is None else self.max_event_bytes


class AnswerRestorer:
    """A whole answer as a stream of bytes: ``feed`` collects, ``flush`` returns it restored.

    What is no answer, or only the beginning of one, comes out as it went in. So does, as it comes in, what is larger
    than ``max_event_bytes``, unless ``oversized="raise"`` makes it an ``EventTooLarge``. A single event is restored
    too.

    >>> restorer = AnswerRestorer({"<PERSON_1>": "Ada"})
    >>> restorer.feed(b'{"choices":[{"index":0,"message":{"content":"Hi <PERS'), restorer.feed(b'ON_1>!"}}]}')
    (b'', b'')
    >>> restorer.flush()
    b'{"choices":[{"index":0,"message":{"content":"Hi Ada!"}}]}'
    """

    __slots__ = ("_config", "_mapping", "_options", "_parts", "_passes", "_size")

    def __init__(
        self, mapping: AnyMapping | None, config: Any = None, options: BodyOptions | None = None
    ) -> None:
        self._mapping = mapping
        self._config = config
        self._options = options or BodyOptions()
        self._parts: list[bytes] = []
        self._size = 0
        self._passes = False

    def feed(self, data: bytes) -> bytes:
        if self._passes:
            return data
        self._parts.append(bytes(data))
        self._size += len(data)
        if self._size <= self._options.limit:
            return b""
        self._passes = True
        if self._options.oversized == "raise":
            raise EventTooLarge(f"the answer is larger than max_event_bytes={self._options.limit}")
        return self._taken()

    def flush(self) -> bytes:
        answer = self._taken()
        if self._passes or not answer:
            return answer
        restored: bytes = restore_answer(answer, self._mapping, self._config, protocol=self._options.protocol)
        if restored != answer:
            return restored
        wire = self._options.wire(self._mapping, self._config)
        return wire.feed(answer) + wire.flush()

    def _taken(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


class BodyRestorer:
    r"""Restores one body, whatever it is: ``feed`` takes bytes cut anywhere, ``flush`` ends the body.

    :param mapping: any kind of mapping; None or an empty one passes everything, still decoded.
    :param config: None means on.
    :param claim: what the content type says.
    :param codings: the value of the header ``content-encoding``.
    :param answers: whether whole answers are restored too. They are collected for that.
    :param options: how to restore.
    :raises EncodedInput: the body is of a coding that cannot be decoded here; see ``BodyOptions.undecodable``.

    After an error of ``feed`` ``flush`` returns what was held back, and of a body that could not be decoded at all its
    bytes as they came.

    >>> import gzip
    >>> body = gzip.compress(b'data: {"choices":[{"index":0,"delta":{"content":"Hi <PERSON_1>!"}}]}\n\n')
    >>> restorer = BodyRestorer({"<PERSON_1>": "Ada"})
    >>> restorer.feed(body[:9]) + restorer.feed(body[9:]) + restorer.flush()
    b'data: {"choices":[{"index":0,"delta":{"content":"Hi Ada!"}}]}\n\n'
    """

    __slots__ = (
        "_answers",
        "_claim",
        "_config",
        "_decoder",
        "_kind",
        "_lead",
        "_mapping",
        "_options",
        "_restorer",
        "_sniffer",
        "undecoded",
    )

    def __init__(
        self,
        mapping: AnyMapping | None,
        config: Any = None,
        *,
        claim: Claim = Claim.EVENTS,
        codings: str = "",
        answers: bool = True,
        options: BodyOptions | None = None,
    ) -> None:
        self._mapping = matcher_for(mapping, config)
        self._config = config
        self._claim = claim
        self._options = options = options or BodyOptions()
        self._sniffer = BodySniffer(claim, answers=answers, limit=options.limit)
        self._answers = answers
        self._kind: BodyKind | None = None
        self._restorer: WireRestorer | AnswerRestorer | None = None
        self._lead = b""  # what stands before the first event, until that was read
        self._decoder: BodyDecoder | None = BodyDecoder(codings, lenient=options.undecodable == "pass")
        self.undecoded = self._decoder.undecoded
        """Whether the body passes because it could not be decoded."""

    @property
    def kind(self) -> BodyKind | None:
        """What the body is; None until that is known."""
        return self._kind

    @property
    def touches(self) -> bool | None:
        """Whether the body is one that may be restored; None until that is known."""
        if self._kind is None:
            return True if self._answers and self._sniffer.is_object else None
        return self._kind is not BodyKind.OTHER

    @property
    def protocol(self) -> str:
        """The wire format of a stream; ``"auto"`` until it is decided."""
        return self._restorer.protocol if isinstance(self._restorer, WireRestorer) else self._options.protocol

    def feed(self, data: bytes) -> bytes:
        if self._decoder is None:
            return self._fed(data)
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(f"feed() takes bytes, not {type(data).__name__}")
        data = bytes(data)
        decoded = self._decoder.feed(data)
        self.undecoded = self._decoder.undecoded
        if self._decoder.is_identity:
            self._decoder = None
        return self._fed(decoded)

    def flush(self) -> bytes:
        decoder, self._decoder = self._decoder, None
        data = rest = b""
        if decoder is not None:
            rest = decoder.flush()
            if not decoder.failed:
                data, rest = self._fed(rest), b""
        if self._kind is None:
            data += self._begin(self._sniffer.flush())
        data, self._lead = self._lead + data, b""
        return (data if self._restorer is None else data + self._restorer.flush()) + rest

    def __repr__(self) -> str:
        return f"<BodyRestorer {'undecided' if self._kind is None else self._kind.name}>"

    def _fed(self, data: bytes) -> bytes:
        """Take in decoded bytes."""
        if self._restorer is not None:
            try:
                return self._restorer.feed(data)
            except EncodedInput:
                if self._options.undecodable == "raise":
                    raise
                held, self._restorer = self._restorer.flush(), None
                self.undecoded = True
                return held
        if self._kind is not None:
            return data
        sniffer = self._sniffer
        kind = sniffer.feed(data)
        if kind is not None:
            return self._begin(kind)
        if not self._claim.is_stream or sniffer.at < len(sniffer.held) or not sniffer.at:
            return b""
        blanks = bytes(sniffer.held)  # they keep a connection alive: nobody waits for what follows
        self._sniffer = BodySniffer(self._claim, answers=self._answers, limit=self._options.limit)
        return blanks

    def _begin(self, kind: BodyKind) -> bytes:
        """The body's kind is known: what was held goes its way."""
        self._kind = kind
        held, at = bytes(self._sniffer.held), self._sniffer.at
        self._sniffer = BodySniffer(self._claim)
        if kind is BodyKind.OTHER or self._mapping is None:
            return held
        if kind is BodyKind.ANSWER:
            self._restorer, at = AnswerRestorer(self._mapping, self._config, self._options), 0
        else:
            self._restorer = self._options.wire(self._mapping, self._config)
        self._lead = held[:at]
        data = self._fed(held[at:])
        lead, self._lead = self._lead, b""
        return lead + data
