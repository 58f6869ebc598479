"""Makes ``tests/vectors/wire/*.json``: streams, reads, and the exact bytes that leave.

``python tools/wire_vectors.py`` writes them anew, ``--check`` only says whether they are what it would write. The
streams are the recordings of ``examples`` and the made ones of ``tests/support/wire_cases*.py``; what leaves is what
``WireRestorer`` says, and the judge (``tests/support/wire_oracle.py``, which shares no code with it) must accept it: a
vector that the judge rejects is not written.

A file is a JSON array of objects in ASCII::

    {"name": str, "format": str, "lines": bool | "array", "options": {"protocol": str, ...},
     "pairs": [[key, original], ...], "chunks": [str, ...], "feeds": [str, ...],
     "raises": str | null, "flush": str, "protocol": str}

``chunks``, ``feeds`` and ``flush`` are bytes, a character for each (latin-1). ``format`` is what the judge read the
stream as; ``options`` are those of the restorer, of which ``content`` is of its config; ``protocol`` is what it says
the stream is in the end. If ``raises`` names an error, the chunk behind the last feed raises it and no further one is
fed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / folder) for folder in ("python", "tests", "tests/support")]

from holdback import HoldbackError  # noqa: E402
from wire_cases import Case, chat_cases, reads, text_cases  # noqa: E402
from wire_cases_bytes import bytes_cases  # noqa: E402
from wire_cases_content import content_cases  # noqa: E402
from wire_cases_typed import typed_cases  # noqa: E402
from wire_oracle import Rejected, judge  # noqa: E402
from wire_typed import READERS  # noqa: E402
from wire_ways import made as restorer_made  # noqa: E402

FOLDER = ROOT / "tests" / "vectors" / "wire"
STREAMS = ROOT / "examples" / "streams"
RECORDINGS = ROOT / "examples" / "recordings"

Vector = dict[str, Any]


def recorded() -> Iterator[Case]:
    """The recordings, each in reads that end anywhere."""
    for path in sorted([*RECORDINGS.glob("*.sse"), *STREAMS.glob("*.sse"), *STREAMS.glob("*.ndjson")]):
        own = path.with_name(f"{path.stem}.map.json")
        pairs = json.loads((own if own.exists() else STREAMS.parent / "map.json").read_text(encoding="utf-8"))
        name = "openai-chat" if path.parent == RECORDINGS else path.stem
        protocol = next(one for one in FORMATS if name.startswith(one))
        yield Case(
            "recordings", path.name, protocol, path.read_bytes(), pairs, path.suffix == ".ndjson", cut=-1
        )


FORMATS = ("openai-chat", "openai-text", "openai-responses", "anthropic", "gemini", "ollama", *READERS)


def cases() -> Iterator[Case]:
    """Every stream."""
    yield from recorded()
    yield from chat_cases()
    yield from text_cases()
    yield from content_cases()
    yield from typed_cases()
    yield from bytes_cases()


def chunks_of(case: Case) -> list[bytes]:
    """The reads of a case; those of a recording end anywhere, always in the same places."""
    if case.cut >= 0:
        return reads(case)
    rng, found, at = Random(case.name), [], 0  # noqa: S311
    while at < len(case.data):
        size = rng.choice((rng.randint(1, 40), rng.randint(100, 1500)))
        found.append(case.data[at : at + size])
        at += size
    return found


def made(case: Case) -> Vector:
    """The vector of a case.

    :raises Rejected: what leaves is wrong.
    """
    chunks = chunks_of(case)
    options = {"protocol": "auto", **case.options}
    try:
        restorer = restorer_made(case.pairs, options)
    except TypeError as error:
        raise Rejected(str(error)) from None
    feeds: list[bytes] = []
    raises = None
    for chunk in chunks:
        try:
            feeds.append(restorer.feed(chunk))
        except HoldbackError as error:
            raises = type(error).__name__
            break
    flush = restorer.flush()
    if restorer.flush():
        raise Rejected("something left behind the end")
    if (raises is not None) != (options.get("oversized") == "raise" or case.kind == "R18"):
        raise Rejected(f"it raised {raises}")
    taken = b"".join(chunks[: len(feeds) + (raises is not None)])
    judge(
        taken,
        b"".join(feeds) + flush,
        case.pairs,
        case.protocol,
        lines=case.lines,
        largest=options.get("max_event_bytes"),
        content=options.get("content", "auto"),
        stops_at_oversized=raises is not None,
    )
    if not case.cut and raises is None:  # a frame a read: what can leave has left behind each
        for count in range(1, len(chunks)):
            judge(
                b"".join(chunks[:count]),
                b"".join(feeds[:count]),
                case.pairs,
                case.protocol,
                lines=case.lines,
                largest=options.get("max_event_bytes"),
                content=options.get("content", "auto"),
                is_ended=False,
            )
    return {
        "name": case.name,
        "format": case.protocol,
        "lines": case.lines,
        "options": options,
        "pairs": list(map(list, case.pairs.items())),
        "chunks": [chunk.decode("latin-1") for chunk in chunks],
        "feeds": [feed.decode("latin-1") for feed in feeds],
        "raises": raises,
        "flush": flush.decode("latin-1"),
        "protocol": restorer.protocol,
    }


def files() -> tuple[dict[str, str], dict[str, str]]:
    """The files by name, and why the judge rejected what it rejected."""
    vectors: dict[str, list[Vector]] = {}
    rejected: dict[str, str] = {}
    for case in cases():
        try:
            vectors.setdefault(case.kind, []).append(made(case))
        except Rejected as why:
            rejected[f"{case.kind}/{case.name}"] = str(why)
    return {
        f"{kind}.json": json.dumps(some, indent=1, ensure_ascii=True) + "\n"
        for kind, some in vectors.items()
        if some
    }, rejected


def main() -> int:
    """Write the files, or compare them; 1 if something is not as it should be."""
    parser = argparse.ArgumentParser(
        prog="python tools/wire_vectors.py", description="make tests/vectors/wire/*.json"
    )
    parser.add_argument(
        "--check", action="store_true", help="only compare the files with what would be written"
    )
    parser.add_argument("--why", action="store_true", help="say why the judge rejected a vector")
    options = parser.parse_args()
    contents, rejected = files()
    there = {path.name: path.read_text(encoding="ascii") for path in FOLDER.glob("*.json")}
    if options.check:
        changed = sorted(name for name in contents | there if contents.get(name) != there.get(name))
        print(*(f"{name} is not what this tool makes" for name in changed), sep="\n")
    else:
        changed = []
        FOLDER.mkdir(parents=True, exist_ok=True)
        for name in there.keys() - contents.keys():
            (FOLDER / name).unlink()
        for name, content in contents.items():
            (FOLDER / name).write_text(content, encoding="ascii", newline="\n")
    for name in sorted(rejected):
        print(f"rejected: {name}{': ' + rejected[name] if options.why else ''}")
    count = sum(len(json.loads(content)) for content in contents.values())
    print(f"{count} vectors, {len(rejected)} rejected")
    return int(bool(changed or rejected))


if __name__ == "__main__":
    sys.exit(main())
