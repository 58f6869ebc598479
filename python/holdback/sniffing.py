"""What an HTTP body is, told by its first bytes. Sans-IO, without a host.

A content type says what a body should be, and providers and proxies say it wrongly: event streams come as JSON or as
text, whole answers where a stream was asked for. So the type is a ``Claim``, and ``BodySniffer`` looks at the first
bytes and says which ``BodyKind`` they begin.

Invariants, for every way to cut the body: the kind is the same; no more is held than it takes to tell; of a stream
nothing is held that its restorer would not hold, save the first line where only the next one tells whether it was a
whole answer. Cost: O(bytes that are held).
"""

from __future__ import annotations

import json
from enum import Enum, auto
from typing import Any

from pydantic_core import from_json

__all__ = ["BOM", "WINDOW", "BodyKind", "BodySniffer", "Claim", "claim_of", "may_be_answer"]

EVENT_TYPES = frozenset({"text/event-stream", "application/vnd.amazon.eventstream"})
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
WINDOW = 1 << 16
"""How much of a first line is held where whole answers are not restored."""

BOM = b"\xef\xbb\xbf"
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
    :param answers: whether whole answers count. If not, they are OTHER, and told by their first 64 KiB; but where a
        stream was announced they always count.
    :param limit: how many bytes of an object are held until it is told by its beginning alone.

    >>> sniffer = BodySniffer(Claim.JSON)
    >>> sniffer.feed(b"\n\nda"), sniffer.feed(b"ta: {")
    (None, <BodyKind.EVENTS: 1>)
    """

    __slots__ = ("_answers", "_claim", "_end", "_has_begun", "_limit", "_line", "_seen", "at", "held")

    def __init__(self, claim: Claim, *, answers: bool = True, limit: int = 64 << 20) -> None:
        self._claim = claim
        self._answers = answers or claim.is_stream
        self._limit = limit if self._answers else min(limit, WINDOW)
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
            if BOM.startswith(held[: len(BOM)]) and len(held) < len(BOM):
                return None
            self._has_begun = True
            self.at = len(BOM) if held.startswith(BOM) else 0
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


def may_be_answer(source: bytes) -> bool:
    """Whether some bytes are an object that may be a whole answer, and not a single event of a stream.

    >>> may_be_answer(b'{"choices": [{"message": {}}]}'), may_be_answer(b'{"choices": [{"delta": {}}]}')
    (True, False)
    """
    node = _object_in(source)
    return node is not None and _is_answer(node, is_stream=False)


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
        "candidates" in node
        or node.get("done") is True
        or node.get("object") in ("text_completion", "realtime.response")
        or ("message" in node and "finish_reason" in node)  # Cohere
        or isinstance(node.get("output"), dict)  # Bedrock
    )
