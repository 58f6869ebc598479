"""Every recording of ``examples`` through every entry point: each gives what the restorer itself gives.

What that gives is judged elsewhere: the oracle of the byte layer reads the recordings as vectors, AWS messages have
tests of their own.
"""

from __future__ import annotations

import functools
import json
from typing import Any
from zlib import crc32

import pytest

from entry_points import BYTE_WAYS, CHUNK_WAYS, Asked, marked, reads_of
from holdback import ChunkRestorer, DeanonymizationConfig, WireRestorer
from recorded import MAP, STREAMS, chunks_of
from thorough import some, thorough
from wires import ROOT

TYPES = {
    ".sse": "text/event-stream",
    ".ndjson": "application/x-ndjson",
    ".eventstream": "application/vnd.amazon.eventstream",
}
FILES = sorted([*STREAMS.iterdir(), *(ROOT / "examples" / "recordings").glob("*.sse")])
EVERY = pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)


def pairs_of(path: Any) -> dict[str, str]:
    own = path.with_name(f"{path.stem}.map.json")
    return dict(json.loads(own.read_text(encoding="utf-8"))) if own.exists() else MAP


@functools.cache
def restored(path: Any, backend: str, *, signed: bool) -> tuple[bytes, str]:
    """The whole stream in one read, and its format, on this twin, which is the one that runs."""
    restorer = WireRestorer(pairs_of(path), DeanonymizationConfig(reasoning=signed))
    return restorer.feed(path.read_bytes()) + restorer.flush(), restorer.protocol


def test_every_shape_of_the_issue_is_recorded() -> None:
    names = {path.name for path in FILES}
    assert names >= {
        f"openai-chat-{name}.sse"
        for name in ("openrouter", "mistral", "copilot", "vllm", "llamacpp", "azure")
    }
    assert "gemini-finishes.sse" in names
    page = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    assert [name for name in sorted(names) if name not in page and name.removesuffix(".sse") != "chat"] == []


@thorough
@pytest.mark.parametrize("way", marked([*BYTE_WAYS]))
@EVERY
def test_bytes(path: Any, way: str, backend: str) -> None:
    for signed in (False, True):
        out, protocol = restored(path, backend, signed=signed)
        assert protocol not in ("auto", "unknown")
        headers = (("content-type", TYPES[path.suffix]),)
        for named in some(("auto", protocol), 2, first=signed + crc32(way.encode())):
            asked = Asked(pairs_of(path), named, signed, headers=headers)
            assert BYTE_WAYS[way](reads_of(path.read_bytes(), "random"), asked) == out


@pytest.mark.parametrize("way", marked([*CHUNK_WAYS]))
@EVERY
def test_chunks(path: Any, way: str, backend: str) -> None:
    protocol = restored(path, backend, signed=False)[1]
    if way == "StreamingHandler" and protocol not in ("openai-chat", "openai-text"):
        pytest.skip("the handler has chat and text completions")
    chunks = chunks_of(str(path))
    for signed in (False, True):
        asked = Asked(pairs_of(path), protocol, signed)
        restorer = ChunkRestorer(asked.pairs, asked.config, protocol=protocol)
        expected = [one for chunk in chunks for one in restorer.feed(chunk)] + restorer.flush()
        assert CHUNK_WAYS[way](chunks, asked) == expected
