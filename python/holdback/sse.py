"""Server-sent events as strings, and the chunks that a proxy puts into them."""

from __future__ import annotations

import time
import uuid
from typing import Any


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
