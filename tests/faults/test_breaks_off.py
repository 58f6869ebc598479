"""A recording that breaks off behind any event: what a client has put together is what the provider had said, restored.

The judges are the oracles, which know nothing of streams.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest

import oracle
import recorded
import streams
from faults.shells import ON
from holdback import ChunkRestorer
from json_oracle import JsonOracle

CALLS = {"tool", "function_call"}
Said = Mapping[tuple[Any, ...], str]


def of_openai(said: Said) -> dict[tuple[Any, ...], str]:
    source = JsonOracle(recorded.MAP)
    return {
        key: source.restore(text) if CALLS & set(key) else oracle.restore(recorded.MAP, text)
        for key, text in said.items()
    }


Judge = tuple[Callable[[Iterable[Any]], Said], Callable[[Said], Said]]
OPENAI: Judge = (streams.heard, of_openai)
OTHERS: Judge = (recorded.heard, recorded.restored)


@pytest.mark.parametrize("name", recorded.names(""))
def test_nothing_is_lost_wherever_it_ends(name: str, backend: str) -> None:
    chunks = recorded.chunks_of(name)
    heard, restored = OPENAI if name.startswith(("openai-chat", "openai-text")) else OTHERS
    restorer = ChunkRestorer(recorded.MAP, ON, protocol="auto")
    out: list[Any] = []
    for count, chunk in enumerate(chunks, 1):
        out += restorer.feed(chunk)
        again = ChunkRestorer(recorded.MAP, ON, protocol="auto")
        cut = [leaving for one in chunks[:count] for leaving in again.feed(one)]
        assert cut == out
        cut += again.flush()
        assert heard(cut) == restored(heard(chunks[:count])), f"after {count} events"
