"""What a request says of the answer: whether the model's content is to be JSON. Sans-IO, without a host.

A request that asks for JSON gets a document as content, one that asks for text gets text. One that says neither may
still be answered with a document, because a prompt asked for it; then the content tells by its beginning, as it does
where the request cannot be read. So text that only begins like a document has a restored quote escaped; the other
way round a quote in a value would break a document that a program parses, which is worse and was reported more often.

The body of a request is looked at and never changed, and one larger than ``MOST_BYTES`` is not read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from holdback.engine import json_text
from holdback.engine.objects import members

__all__ = ["MOST_BYTES", "BodyBegun", "content_of"]

Content = Literal["auto", "text", "json"]

MOST_BYTES = 4 << 20
"""The size of a body that is read, in bytes."""

FORMATS = (
    ("response_format",),  # chat
    ("text", "format"),  # Responses
    ("output_config", "format"),  # Anthropic
    ("output_format",),
)
"""Where a request has an object with a ``type``: ``json_object``, ``json_schema`` or ``text``."""

GEMINI = ("generationConfig", "generation_config", "config")
SCHEMAS = ("responseSchema", "response_schema", "responseJsonSchema", "response_json_schema")
MEDIA_TYPES = ("responseMimeType", "response_mime_type")

_HINT = re.compile(rb"ormat|ime_?[tT]ype|chema")
"""Part of each of these names. A body without one says nothing, so it is not parsed."""


def content_of(request: Any) -> Content:
    """What a request asks the content of its answer to be: ``"json"``, ``"text"``, or ``"auto"`` if it does not say.

    :param request: the request of any format, as a dict or as the bytes of its JSON; anything else says nothing.

    >>> content_of({"messages": [], "response_format": {"type": "json_object"}})
    'json'
    >>> content_of(b'{"contents":[],"generationConfig":{"responseMimeType":"text/plain"}}')
    'text'
    >>> content_of({"messages": []})
    'auto'
    """
    if isinstance(request, (bytes, bytearray, memoryview)):
        source = bytes(request) if len(request) <= MOST_BYTES else b""
        request = json_text.loads(source) if _HINT.search(source) else None
    if not isinstance(request, Mapping):
        return "auto"
    said = [_of_format(_at(request, path)) for path in FORMATS]
    said += [_of_gemini(members(request.get(name)) or {}) for name in GEMINI]
    said.append(_of_ollama(request.get("format")))
    return "json" if "json" in said else "text" if "text" in said else "auto"


class BodyBegun:
    """The body of a request while it goes by: ``add`` takes a piece, ``content`` says what the whole asks for.

    >>> body = BodyBegun()
    >>> body.add(b'{"format":'), body.add(b'"json"}'), body.content()
    (None, None, 'json')
    """

    __slots__ = ("_pieces", "_size")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def add(self, piece: bytes) -> None:
        """Take a piece in. Of a body that turns out too large nothing is kept."""
        self._size += len(piece)
        if self._size > MOST_BYTES:
            self._pieces.clear()
        else:
            self._pieces.append(piece)

    def content(self) -> Content:
        """What ``content_of`` says of the body; nothing of it is kept then."""
        body = b"".join(self._pieces)
        self._pieces.clear()
        return content_of(body)


def _at(request: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    node: Any = request
    for name in path:
        node = (members(node) or {}).get(name)
    return node


def _of_format(asked: Any) -> Content:
    if isinstance(asked, type):  # a class of pydantic's, whose schema an SDK sends
        return "json"
    kind = (members(asked) or {}).get("type")
    if isinstance(kind, str) and kind.startswith("json"):
        return "json"
    return "text" if kind == "text" else "auto"


def _of_gemini(asked: Mapping[str, Any]) -> Content:
    if any(asked.get(name) is not None for name in SCHEMAS):
        return "json"
    kinds = [kind for name in MEDIA_TYPES if isinstance(kind := asked.get(name), str) and kind]
    if any(kind.partition(";")[0].strip().lower() == "application/json" for kind in kinds):
        return "json"
    return "text" if kinds else "auto"


def _of_ollama(asked: Any) -> Content:
    is_schema = isinstance(asked, type) or bool(members(asked))
    return "json" if is_schema or asked == "json" else "auto"
