"""LiteLLM's guardrail hooks, called as LiteLLM calls them."""

from __future__ import annotations

import os
import warnings
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest

from streams import PAIRS, STOP, heard, say

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # it would be fetched
with warnings.catch_warnings():  # LiteLLM's own, when it is imported
    warnings.simplefilter("ignore")
    pytest.importorskip("litellm")
    from litellm.litellm_core_utils.litellm_logging import Logging
    from litellm.proxy.utils import _UpstreamStreamBoundary
    from litellm.types.utils import ModelResponseStream

    from holdback.integrations.litellm import HoldbackGuardrail


MODES = ["pre_call", "post_call"]
SPOKEN = "Hi <PERSON_1> and <PERSON_2>, <QUOTED_1> <PERS"
HEARD = f"Hi {PAIRS['<PERSON_1>']} and {PAIRS['<PERSON_2>']}, {PAIRS['<QUOTED_1>']} <PERS"


def guardrail(cls: type[HoldbackGuardrail] = HoldbackGuardrail, **settings: Any) -> HoldbackGuardrail:
    return cls(**{"guardrail_name": "holdback", "event_hook": MODES, "default_on": True, **settings})


def request(**fields: Any) -> dict[str, Any]:
    """What LiteLLM hands to hooks; the call's id is the same for all, as a client may choose it to be."""
    logging_obj = Logging(
        model="m",
        messages=[],
        stream=True,
        call_type="acompletion",
        start_time=None,
        litellm_call_id="the-same",
        function_id="f",
    )
    return {"model": "m", "litellm_call_id": "the-same", "litellm_logging_obj": logging_obj, **fields}


class Upstream:
    """An upstream that counts how often it is closed."""

    def __init__(self, items: Iterable[Any], error: BaseException | None = None) -> None:
        self._items, self._error = iter(items), error
        self.asked = self.closed = 0

    def __aiter__(self) -> Upstream:
        return self

    async def __anext__(self) -> Any:
        self.asked += 1
        for item in self._items:
            return item
        raise self._error or StopAsyncIteration

    async def aclose(self) -> None:
        self.closed += 1


def stream(holdback: HoldbackGuardrail, items: Any, data: dict[str, Any]) -> AsyncIterator[Any]:
    upstream = items if hasattr(items, "__aiter__") else Upstream(items)
    return holdback.async_post_call_streaming_iterator_hook(
        user_api_key_dict=None, response=_UpstreamStreamBoundary(upstream), request_data=data
    )


async def served(holdback: HoldbackGuardrail, items: Any, data: dict[str, Any]) -> list[Any]:
    return [item async for item in stream(holdback, items, data)]


async def before(holdback: HoldbackGuardrail, data: dict[str, Any], call_type: str = "acompletion") -> Any:
    return await holdback.async_pre_call_hook(None, None, data, call_type)


def spoken(text: str = SPOKEN, size: int = 3) -> list[Any]:
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    return [ModelResponseStream(**chunk) for chunk in (*map(say, pieces), STOP)]


def said(chunks: Iterable[Any]) -> str:
    return heard(chunk.model_dump() for chunk in chunks)[0, "content"]


def whole(content: Any = SPOKEN) -> dict[str, Any]:
    message = {"role": "assistant", "content": content}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
    }
