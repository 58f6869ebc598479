"""What the HTTP integrations share: which bodies are answers, and what restores them. Sans-IO, without a host.

A body is looked at only if its content type says that it can hold an answer: an event stream, NDJSON, or one JSON
document. Everything else is forwarded unread. A restored body is no longer what some headers say: those in ``STALE``
leave with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from holdback.answers import restore_answer
from holdback.config import is_enabled
from holdback.mapping import AnyMapping, matcher_of
from holdback.wire import WireRestorer

STREAMS = frozenset(
    {
        "text/event-stream",
        "application/x-ndjson",
        "application/ndjson",
        "application/jsonl",
        "application/x-jsonl",
        "application/jsonlines",
        "application/x-json-stream",
    }
)
"""Content types of streams."""

STALE = ("content-length", "content-encoding", "content-md5", "digest", "content-digest", "repr-digest")
"""Headers that speak about the bytes that came, not about those that leave."""

CODINGS = frozenset({"", "identity", "gzip", "deflate", "br", "zstd"})
"""Content codings that a client may be able to decode."""

Request = TypeVar("Request")


class AnswerRestorer:
    """A whole answer as a stream of bytes: ``feed`` collects, ``flush`` returns it restored.

    What is no answer, or only the beginning of one, comes out as it went in.
    """

    __slots__ = ("_config", "_mapping", "_parts")

    def __init__(self, mapping: AnyMapping, config: Any = None) -> None:
        self._mapping = mapping
        self._config = config
        self._parts: list[bytes] = []

    @staticmethod
    def _passes(_: object) -> bool:
        return False

    def feed(self, data: bytes) -> bytes:
        self._parts.append(bytes(data))
        return b""

    def flush(self) -> bytes:
        answer = b"".join(self._parts)
        self._parts.clear()
        restored: bytes = restore_answer(answer, self._mapping, self._config)
        return restored


def restorer_for(
    content_type: str, mapping: AnyMapping | None, config: Any, *, answers: bool
) -> WireRestorer | AnswerRestorer | None:
    """What restores a body of this content type; None if it is to be left alone.

    ``answers`` says whether whole JSON answers are restored too. The mapping is read here.
    """
    kind = content_type.partition(";")[0].strip().lower()
    is_stream = kind in STREAMS
    if not is_stream and not (answers and (kind == "application/json" or kind.endswith("+json"))):
        return None
    if config is not None and not is_enabled(config):
        return None
    matcher = matcher_of(mapping, config)
    if matcher is None:
        return None
    return WireRestorer(matcher, config) if is_stream else AnswerRestorer(matcher, config)


def mapping_for(
    given: AnyMapping | Callable[[Request], AnyMapping | None] | None, request: Request
) -> AnyMapping | None:
    """The mapping itself, or what a callable says for this request."""
    if given is None or isinstance(given, Mapping) or not callable(given):
        return given
    return given(request)
