"""Byte streams for tests and the fuzzer: recordings, an independent reader, and ways to put them through."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from holdback.errors import EncodedInput, EventTooLarge
from holdback.restorers.wire import WireRestorer

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = tuple(
    ROOT / folder for folder in ("examples/recordings", "examples/streams", "python/holdback/recordings")
)
BOM = b"\xef\xbb\xbf"


class SlowWire(WireRestorer):
    """Restores without the native lane, with which it must agree."""

    __slots__ = ()

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options, _lane=False)


# ---------------------------------------------------------------- through a restorer


def pieces(data: bytes, marks: Iterable[int]) -> list[bytes]:
    return [data[a:b] for a, b in itertools.pairwise([0, *sorted(marks), len(data)])]


def every(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def marks(rng: Random, data: bytes) -> Iterator[list[int]]:
    """Where to cut: every byte, and a few places at random, twice."""
    yield list(range(1, len(data)))
    for _ in range(2):
        yield [rng.randint(0, len(data)) for _ in range(rng.randint(1, 6))]


class Result(NamedTuple):
    """What came of a stream: the bytes, the protocol, the type of the error, if any, and its words."""

    data: bytes
    protocol: str
    error: type[Exception] | None = None
    words: str = ""


def through(restorer: WireRestorer, reads: Sequence[bytes]) -> Result:
    """Everything that leaves. Behind an error what it was not asked to read follows as it is."""
    out: list[bytes] = []
    for number, data in enumerate(reads):
        try:
            out.append(restorer.feed(data))
        except (EncodedInput, EventTooLarge) as error:
            rest = b"".join(reads[number + 1 :])
            return Result(
                b"".join([*out, restorer.flush(), rest]), restorer.protocol, type(error), str(error)
            )
    out.append(restorer.flush())
    assert restorer.flush() == b""
    return Result(b"".join(out), restorer.protocol)


# ---------------------------------------------------------------- recordings


class Recording(NamedTuple):
    """The body of an answer and the map of its placeholders."""

    name: str
    data: bytes
    pairs: dict[str, str]
    lines: bool


def recordings() -> list[Recording]:
    """Every recording there is, once."""
    found = {
        path.name: path
        for folder in FOLDERS
        for path in sorted(folder.glob("*"))
        if path.suffix in (".sse", ".ndjson")
    }
    return [
        Recording(
            path.stem,
            path.read_bytes(),
            json.loads(_map_of(path).read_text(encoding="utf-8")),
            path.suffix == ".ndjson",
        )
        for path in found.values()
    ]


def _map_of(path: Path) -> Path:
    """A recording's own map, or the one of the folder's parent."""
    own = path.with_name(f"{path.stem}.map.json")
    return own if own.exists() else path.parent.with_name("map.json")


# ---------------------------------------------------------------- an independent reader


def frames(data: bytes, *, lines: bool) -> list[bytes]:
    """The frames of a whole stream, each with its end; byte by byte, as the standard says it."""
    if lines:
        return re.findall(rb"[^\n]*\n|[^\n]+$", data)
    found: list[bytes] = []
    frame, line = b"", b""
    for end in re.finditer(rb"[^\r\n]*(?:\r\n|\r|\n|$)", data):
        frame += end[0]
        line = end[0].rstrip(b"\r\n")
        if (not line and frame) or (end[0] == frame and line.startswith(b":")):
            found.append(frame)
            frame = b""
    return [*found, frame] if frame else found


def data_of(frame: bytes, *, lines: bool) -> str | None:
    """The data of one frame; None if it has none."""
    text = frame.decode()
    if lines:
        return text.strip() or None
    values = [
        line[5:].removeprefix(" ") if line[4:] else ""
        for line in re.split("\r\n|\r|\n", text)
        if line.startswith("data:") or line == "data"
    ]
    return "\n".join(values) if values else None


END = object()
"""What ``chunk_of`` says of the end mark."""


def chunk_of(frame: bytes, *, lines: bool) -> Any:
    """The JSON object that a client reads in a frame; None if there is none."""
    source = data_of(frame, lines=lines)
    if source is not None and source.startswith("[DONE]"):
        return END
    try:
        node = json.loads(source or "null")
    except ValueError:
        return None
    return node if isinstance(node, dict) else None


def chunks(data: bytes, *, lines: bool) -> list[dict[str, Any]]:
    """The JSON objects that a client reads, up to the end mark."""
    found = (chunk_of(frame, lines=lines) for frame in frames(data.removeprefix(BOM), lines=lines))
    return [
        chunk for chunk in itertools.takewhile(lambda chunk: chunk is not END, found) if chunk is not None
    ]
