"""Bodies: decoded, told by their bytes, and restored as they stream. Sans-IO, without a host.

A body goes through three steps, each fed with bytes cut anywhere:

- ``BodyDecoder`` takes content codings off: those that a header names, and gzip or zstd told by their first bytes;
- ``BodySniffer`` looks at the first decoded bytes and says what they begin;
- a ``WireRestorer`` restores a stream, ``AnswerRestorer`` a whole answer; every other body passes as it is.

``BodyRestorer`` is the three in a row, ``BodyProbe`` tells beforehand whether it would touch a body at all. For every
way to cut the body the output is the same, except for when it leaves, and nothing is lost. Cost: O(bytes).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from holdback.codings import BodyDecoder
from holdback.errors import EncodedInput, EventTooLarge, HoldbackError
from holdback.formats import AUTO
from holdback.mapping import AnyMapping, prepared_for
from holdback.report import Report
from holdback.restorers.answers import restore_answer
from holdback.restorers.wire import WireRestorer
from holdback.sniffing import BOM, BodyKind, BodySniffer, Claim, may_be_answer

__all__ = ["AnswerRestorer", "BodyOptions", "BodyProbe", "BodyRestorer"]

DEFAULT_LIMIT = 64 << 20
"""How large a whole answer may be, unless ``max_event_bytes`` says otherwise."""


@dataclass(frozen=True, slots=True, repr=False)  # what is given by mistake must not show
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
        _check(self.protocol, self.max_event_bytes)

    def of_messages(self) -> dict[str, Any]:
        """The options of a ``MessageRestorer``; only what was given."""
        given: dict[str, Any] = {"max_event_bytes": self.max_event_bytes, "oversized": self.oversized}
        return {name: value for name, value in given.items() if value is not None}

    def wire(self, mapping: AnyMapping | None, config: Any = None) -> WireRestorer:
        """A restorer of streams with these options; only what was given is passed on."""
        return WireRestorer(mapping, config, protocol=self.protocol, **self.of_messages())

    @property
    def limit(self) -> int:
        """How large a whole answer may be."""
        return DEFAULT_LIMIT if self.max_event_bytes is None else self.max_event_bytes


@lru_cache(typed=True)
def _check(protocol: str, max_event_bytes: int | None) -> None:
    """Raise what a restorer would; options are made for each request, and few of them differ."""
    limit: dict[str, Any] = {} if max_event_bytes is None else {"max_event_bytes": max_event_bytes}
    WireRestorer(None, protocol=protocol, **limit)


def decoder_of(codings: str, options: BodyOptions) -> BodyDecoder:
    """What decodes a body with these codings.

    :raises EncodedInput: they cannot be decoded here, and ``options`` do not let it pass.
    """
    return BodyDecoder(codings, lenient=options.undecodable == "pass")


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

    __slots__ = (
        "_config",
        "_mapping",
        "_options",
        "_parts",
        "_passes",
        "_size",
        "_understood",
        "_unsure",
        "report",
    )

    def __init__(
        self, mapping: AnyMapping | None, config: Any = None, options: BodyOptions | None = None
    ) -> None:
        self._mapping = mapping
        self._config = config
        self._options = options or BodyOptions()
        self._parts: list[bytes] = []
        self._size = 0
        self.report = Report()
        """What happened to the answer, once that was flushed."""
        self._understood = False
        self._unsure = b""  # an answer that came out as it was, of which nobody has asked what it is
        self._passes = False

    @property
    def understood(self) -> bool:
        """Whether it was of the wire format, or of one at all where none was named; known once it was flushed."""
        answer, self._unsure = self._unsure, b""
        if answer:
            self._understood = self._as_stream(answer)[1].understood
        return self._understood

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
        reports: list[Report] = []
        restored: bytes = restore_answer(
            answer, self._mapping, self._config, protocol=self._options.protocol, on_report=reports.append
        )
        self.report = reports[0]
        self._understood = restored != answer
        if self._understood:
            return restored
        if may_be_answer(answer.removeprefix(BOM)):
            self._unsure = answer
            return restored
        streamed, wire = self._as_stream(answer)
        self._understood, self.report = wire.understood, wire.report
        return streamed

    def _as_stream(self, answer: bytes) -> tuple[bytes, WireRestorer]:
        """The body restored as a stream, and by what."""
        wire = self._options.wire(self._mapping, self._config)
        return wire.feed(answer) + wire.flush(), wire

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
        self._mapping = prepared_for(mapping, config)
        self._config = config
        self._claim = claim
        self._options = options = options or BodyOptions()
        self._sniffer = BodySniffer(claim, answers=answers, limit=options.limit)
        self._answers = answers
        self._kind: BodyKind | None = None
        self._restorer: WireRestorer | AnswerRestorer | None = None
        self._lead = b""  # what stands before the first event, until that was read
        self._decoder: BodyDecoder | None = decoder_of(codings, options)
        self.undecoded = self._decoder.undecoded
        """Whether the body passes because it could not be decoded."""

    @property
    def kind(self) -> BodyKind | None:
        """What the body is; None until that is known."""
        return self._kind

    @property
    def protocol(self) -> str:
        """The wire format of a stream; ``"auto"`` until it is decided."""
        return self._restorer.protocol if isinstance(self._restorer, WireRestorer) else self._options.protocol

    @property
    def understood(self) -> bool:
        """Whether anything that came was of the wire format, or of one at all where none was named.

        It is known at the end of the body. Without a mapping nothing is looked at, and this is true.
        """
        return self._mapping is None or (self._restorer is not None and self._restorer.understood)

    @property
    def report(self) -> Report:
        """What happened so far; counts only."""
        return Report() if self._restorer is None else self._restorer.report

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


class BodyProbe:
    r"""Tells whether a body is one that ``BodyRestorer`` changes, before anything of it is sent on.

    It takes what ``BodyRestorer`` takes, and is fed the same bytes: ``feed`` returns whether the body is touched, None
    while that is open, and ``flush`` returns it at the end of the body. A stream is touched; a whole answer only if
    something in it is restored, which shows at its end. What cannot be decoded, or is too large, is not touched.

    >>> probe = BodyProbe({"<PERSON_1>": "Ada"}, claim=Claim.NOTHING)
    >>> probe.feed(b"\nda"), probe.feed(b"ta: {}")
    (None, True)
    """

    __slots__ = ("_answer", "_decoder", "_restorer", "_sniffer", "undecoded")

    def __init__(
        self,
        mapping: AnyMapping | None,
        config: Any = None,
        *,
        claim: Claim,
        codings: str = "",
        answers: bool = True,
        options: BodyOptions | None = None,
    ) -> None:
        options = options or BodyOptions()
        self._decoder = BodyDecoder(codings, lenient=True)
        self._sniffer = BodySniffer(claim, answers=answers, limit=options.limit)
        self._restorer = AnswerRestorer(
            mapping, config, replace(options, oversized=options.oversized and "pass")
        )
        self._answer: list[bytes] | None = None  # a whole answer as it came
        self.undecoded = self._decoder.undecoded
        """Whether it is known from its headers that the body cannot be decoded."""

    def feed(self, data: bytes) -> bool | None:
        return self._looked_at(self._decoder.feed(data))

    def flush(self) -> bool:
        rest = self._decoder.flush()
        touches = None if self._decoder.failed else self._looked_at(rest)
        if touches is None and self._answer is None:
            touches = self._told(self._sniffer.flush())
        if touches is None and self._answer is not None:
            touches = self._restorer.flush() != b"".join(self._answer)
        return bool(touches)

    def _looked_at(self, data: bytes) -> bool | None:
        if self._answer is None:
            kind = self._sniffer.feed(data)
            return None if kind is None else self._told(kind)
        return self._collected(data)

    def _told(self, kind: BodyKind) -> bool | None:
        if kind is not BodyKind.ANSWER:
            return kind is not BodyKind.OTHER
        self._answer = []
        return self._collected(bytes(self._sniffer.held))

    def _collected(self, data: bytes) -> bool | None:
        """Take in more of a whole answer; one that is too large passes."""
        if self._answer is not None:
            self._answer.append(data)
        return False if self._restorer.feed(data) else None
