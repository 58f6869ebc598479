r"""Server-sent events as strings, and the JSON inside them.

One JSON writer serves every output: compact, raw UTF-8, except what a reader could stumble over. A lone
surrogate has no UTF-8, and clients that cut lines with ``str.splitlines`` cut at U+0085, U+2028 and U+2029
as well; all of these leave as ``\uXXXX``.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel
from pydantic_core import SchemaSerializer, to_jsonable_python
from pydantic_core import to_json as _to_json

from holdback.chunks import dumped
from holdback.errors import HoldbackError

_ESCAPED = re.compile("[\x85\u2028\u2029\ud800-\udfff]")


def format_sse_event(data: str) -> str:
    r"""One event that carries ``data``, as the WHATWG HTML standard frames it ("Server-sent events").

    ``data`` is written as it is: JSON without line ends, since each line would need a ``data:`` of its own.

    >>> format_sse_event('{"n": 1}')
    'data: {"n": 1}\n\n'
    """
    return f"data: {data}\n\n"


def format_sse_done() -> str:
    r"""The event that ends a stream of the OpenAI formats.

    >>> format_sse_done()
    'data: [DONE]\n\n'
    """
    return "data: [DONE]\n\n"


def create_chunk_dict(
    content: str, model: str = "", finish_reason: str | None = None, index: int = 0
) -> dict[str, Any]:
    """A chat chunk of one choice that says ``content``; of an empty one the delta is empty.

    >>> create_chunk_dict("Hi", model="m", finish_reason="stop")["choices"]
    [{'index': 0, 'delta': {'content': 'Hi'}, 'finish_reason': 'stop'}]
    """
    return create_delta_chunk({"content": content} if content else {}, model, finish_reason, index)


def create_delta_chunk(
    delta: dict[str, Any], model: str = "", finish_reason: str | None = None, index: int = 0
) -> dict[str, Any]:
    """A chat chunk of one choice with this ``delta``, a fresh id and the current time in whole seconds.

    >>> list(create_delta_chunk({"role": "assistant"}, model="m"))
    ['id', 'object', 'created', 'model', 'choices']
    """
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex[:12]}",
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": model,
        "choices": [{"index": index, "delta": delta, "finish_reason": finish_reason}],
    }


def to_json(value: Any) -> str:
    """``value`` as compact JSON. A ``HoldbackError`` that names its type if it has no JSON form."""
    text = json_or_none(value)
    if text is None:
        raise HoldbackError(f"a value of type {type(value).__name__} cannot be written as JSON")
    return text


def to_json_bytes(value: Any) -> bytes:
    """``to_json(value)`` in UTF-8."""
    try:
        data = _to_json(value)
    except ValueError:
        return to_json(value).encode()
    return data if data.isascii() else _escape(data.decode()).encode()


def json_or_none(value: Any) -> str | None:
    """``value`` as compact JSON; None if it has no JSON form."""
    try:
        text = _to_json(value).decode()
    except ValueError:  # a lone surrogate, or what only json can say no to
        return _stdlib_json(value)
    return text if text.isascii() else _escape(text)


def model_json(model: type[BaseModel]) -> Callable[[Any], str | None] | None:
    """A writer of what ``to_json(chunk.model_dump())`` would give, without the dump in between.

    None if ``model_dump`` does something of its own, so that only calling it tells. LiteLLM's does one
    known thing: it leaves out what was not set. NaN and infinities, which JSON does not have, become what the
    model's own JSON makes of them: null, unless it is configured otherwise.
    """
    dump = model.model_dump
    only_set = (dump.__module__, dump.__qualname__) == ("litellm.types.utils", "ModelResponseBase.model_dump")
    serializer = model.__pydantic_serializer__
    if not (only_set or dump is BaseModel.model_dump) or not isinstance(serializer, SchemaSerializer):
        return None
    write, to_python = serializer.to_json, serializer.to_python

    def model_to_json(chunk: Any) -> str | None:
        # No warnings: pydantic's quote the value that surprised it.
        try:
            text = write(chunk, exclude_unset=only_set, warnings=False).decode()
        except ValueError:
            return _stdlib_json(to_python(chunk, exclude_unset=only_set, warnings=False))
        return text if text.isascii() else _escape(text)

    return model_to_json


def _escape(text: str) -> str:
    return _ESCAPED.sub(lambda unit: f"\\u{ord(unit[0]):04x}", text)


def _stdlib_json(value: Any) -> str | None:
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain)
    except (TypeError, ValueError, RecursionError):
        return None
    return _escape(text)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return dumped(value)
    return to_jsonable_python(value)
