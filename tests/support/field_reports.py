"""The mapping and the stream of the reports from the field."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from holdback import StreamingHandler
from streams import Upstream, events

ON = SimpleNamespace(enabled=True)
P = {"<PERSON_1>": "Ada", "<PERSON_2>": "Bo"}


async def through(items: list[Any], pairs: Any = P) -> list[Any]:
    return events([event async for event in StreamingHandler.stream_response(Upstream(items), pairs, ON)])
