"""What the cases are made of: the register of what they cover, and wrong arguments, odd chunks and bad upstreams."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from pydantic import BaseModel, ConfigDict

from secrecy.canaries import FAKE, HELD, ORIGINAL, OTHER, PAIRS, Host, Watch
from streams import call, say

Case = Callable[[Watch, Path], None]
CASES: dict[str, Case] = {}
COVERED: dict[str, str] = {}

WRONG_MAPPINGS: list[Any] = [
    ORIGINAL,
    [FAKE],
    {"": ORIGINAL},
    {FAKE: 7},
    {7: ORIGINAL},
    {"\ud83d\ude00" + FAKE: ORIGINAL, "😀" + FAKE: OTHER},
    SimpleNamespace(get_all_fakes=lambda: ORIGINAL),
    SimpleNamespace(get_all_fakes=lambda: {"": ORIGINAL}),
]
WRONG_CONFIGS: list[Any] = [ORIGINAL, {"enabled": FAKE}, object()]
COMPRESSED = b"\x1f\x8b" + ORIGINAL.encode()
ON = SimpleNamespace(enabled=True)


def covers(*names: str) -> Callable[[Case], Case]:
    def register(case: Case) -> Case:
        CASES[case.__name__] = case
        COVERED.update(dict.fromkeys(names, case.__name__))
        return case

    return register


class Surprising(BaseModel):
    """A chunk whose text is not of the type that its class says: pydantic warns, and quotes it."""

    model_config = ConfigDict(extra="allow")
    content: int = 0


class Dumping(Surprising):
    """One with a ``model_dump`` of its own."""

    def model_dump(self, **options: Any) -> Any:
        return super().model_dump(**options)


class Stubborn(Surprising):
    """One whose ``model_dump`` takes nothing."""

    def model_dump(self) -> Any:  # type: ignore[override]
        return {"choices": [{"delta": {"content": HELD}}]}


class Broken(dict[str, Any]):
    """A chunk that cannot be read to its end, with its text in hand."""

    def get(self, name: str, default: Any = None) -> Any:
        if name == "choices":
            raise RuntimeError("broken")
        return super().get(name, default)


def chunks() -> list[Any]:
    """Chunks that are read, and such as cannot be."""
    delta = Surprising.model_construct(content=HELD)
    return [
        say(HELD),
        call('{"a": "' + HELD),
        {"choices": [{"index": 0, "delta": delta}], "half": "\ud800"},
        Dumping.model_construct(choices=[{"index": 0, "delta": {"content": HELD}}]),
        Stubborn(),
        {**say(HELD), "id": object()},
        {**say(HELD), FAKE: {FAKE: {1, 2}}},
        Broken(say(HELD)),
        HELD,
        HELD.encode(),
        SimpleNamespace(content=HELD),
        [HELD],
        None,
    ]


def events(chunk: Any) -> bytes:
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


READS = [events(say(HELD)), HELD.encode() + b"\n\n", b"data: \xff" + ORIGINAL.encode() + b"\n\n", b"data: {"]


class Upstream:
    """An upstream of both kinds that fails, and fails again when it is closed, quoting the text each time."""

    def __init__(self, items: list[Any]) -> None:
        self._items = iter(items)

    def __iter__(self) -> Iterator[Any]:
        yield from self._items
        raise Host

    async def __aiter__(self) -> AsyncIterator[Any]:
        for item in self._items:
            yield item
        raise Host

    def close(self) -> None:
        raise Host

    async def aclose(self) -> None:
        raise Host


async def taken(stream: Any) -> list[Any]:
    return [item async for item in stream]


def shell(
    watch: Watch, open_stream: Callable[..., Any], read: Callable[[Any], Any], items: list[Any]
) -> None:
    """A shell: with good items before the error, with each single item, and with wrong arguments."""
    watch.fails(lambda: read(open_stream(Upstream(items), PAIRS)))
    for item in items:
        watch.run(lambda item=item: read(open_stream(Upstream([item]), PAIRS)))
    for wrong in WRONG_MAPPINGS:
        watch.fails(lambda wrong=wrong: read(open_stream(Upstream(items), wrong)))
    for wrong in WRONG_CONFIGS:
        watch.fails(lambda wrong=wrong: read(open_stream(Upstream(items), PAIRS, wrong)))
    watch.fails(lambda: read(open_stream(7, PAIRS)))


def loop(stream: Any) -> Any:
    return asyncio.run(taken(stream))
