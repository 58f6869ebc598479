"""The recordings in ``examples/streams`` as chunks, cut anew, and clients that put the answers together.

Nothing here shares code with the protocols: a client knows only how its format says what is to be joined.
"""

from __future__ import annotations

import copy
import importlib
import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import aws_messages
import oracle
from holdback import ChunkRestorer
from json_oracle import JsonOracle

STREAMS = Path(__file__).resolve().parents[2] / "examples" / "streams"
MAP: dict[str, str] = json.loads((STREAMS.parent / "map.json").read_text(encoding="utf-8"))

Chunk = dict[str, Any]


def names(protocol: str) -> list[str]:
    return sorted(path.name for path in STREAMS.iterdir() if path.name.startswith(protocol))


def chunks_of(name: str) -> list[Chunk]:
    """The chunks of a recording, without frames that carry none."""
    if name.endswith(".eventstream"):
        return aws_messages.inner(aws_messages.read((STREAMS / name).read_bytes()))
    body = (STREAMS / name).read_text(encoding="utf-8")
    if name.endswith(".ndjson"):
        return [json.loads(line) for line in body.split("\n") if line]
    out = []
    for event in body.replace("\r\n", "\n").split("\n\n"):
        data = "\n".join(line[5:] for line in event.split("\n") if line.startswith("data:"))
        if data.strip().startswith("{"):
            out.append(json.loads(data))
    return out


class Text(dict[tuple[Any, ...], str]):
    """Joined text by channel."""

    def hear(self, key: tuple[Any, ...], piece: Any) -> None:
        if isinstance(piece, str):
            self[key] = self.get(key, "") + piece


def client_of(sdk: Any, name: str, events: Iterable[Chunk]) -> Any:
    """A client of the OpenAI or the Anthropic SDK whose provider streams ``events`` whatever it is asked."""
    body = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events).encode()
    base = next(kind for kind in sdk.DefaultHttpxClient.__mro__ if kind.__name__ == "Client")
    httpx = importlib.import_module(
        base.__module__.partition(".")[0]
    )  # the SDKs changed to another of that name
    headers = {"content-type": "text/event-stream"}
    transport = httpx.MockTransport(lambda _: httpx.Response(200, headers=headers, content=body))
    return getattr(sdk, name)(api_key="-", base_url="http://x", http_client=httpx.Client(transport=transport))


# ---------------------------------------------------------------- where pieces of text stand


UNREAD = (
    "response.audio.delta",
    "response.output_audio.delta",
    "conversation.item.input_audio_transcription.delta",  # what the user said is not the model's
)


def pieces(chunk: Chunk) -> Iterator[tuple[tuple[Any, ...], dict[str, Any], str]]:
    """Every piece of streamed text in a chunk of any format: its channel, its node and its name there."""
    kind = chunk.get("type", "")
    if kind == "content_block_delta":
        delta = chunk["delta"]
        for field in ("text", "partial_json", "thinking"):
            if field in delta:
                yield (chunk["index"], field), delta, field
    elif kind.endswith(".delta") and kind not in UNREAD:
        ids = tuple(chunk.get(f"{part}_index") for part in ("output", "content", "summary", "command"))
        if isinstance(chunk["delta"], dict):
            for stream in chunk["delta"]:
                yield (kind, ids, stream), chunk["delta"], stream
        else:
            yield (kind, ids), chunk, "delta"
    for candidate in chunk.get("candidates", ()):
        for part in candidate["content"].get("parts", ()):
            if "text" in part:
                yield (candidate["index"], "thought" if part.get("thought") else "text"), part, "text"
            for piece in part.get("functionCall", {}).get("partialArgs", ()):
                if "stringValue" in piece:
                    yield (candidate["index"], piece["jsonPath"]), piece, "stringValue"
    if "done" in chunk:
        message = chunk.get("message", {})
        for node, field in ((message, "content"), (message, "thinking"), (chunk, "response")):
            if field in node:
                yield (field,), node, field


def heard(chunks: Iterable[Chunk]) -> Text:
    """The joined text of every channel that was ever fed, empty ones left out."""
    out = Text()
    for chunk in chunks:
        for key, node, field in pieces(chunk):
            if node[field]:
                out.hear(key, node[field])
    return out


SOURCES = ("partial_json", "response.function_call_arguments.delta", "response.mcp_call_arguments.delta")
"""The channels that carry JSON source, by a part of their key."""


def restored(
    said: Mapping[tuple[Any, ...], str], pairs: Mapping[str, str] = MAP
) -> dict[tuple[Any, ...], str]:
    """What the oracles make of the channels' texts."""
    source = JsonOracle(pairs)
    return {
        key: source.restore(text) if set(SOURCES) & set(key) else oracle.restore(pairs, text)
        for key, text in said.items()
    }


def through(protocol: str, chunks: list[Any], config: Any = None, pairs: Any = MAP) -> list[Any]:
    """What leaves for ``chunks``, which must stay as they are."""
    before = copy.deepcopy(chunks)
    restorer = ChunkRestorer(pairs, config, protocol=protocol)
    out = [leaving for chunk in chunks for leaving in restorer.feed(chunk)] + restorer.flush()
    assert chunks == before, "the caller's chunks were changed"
    assert restorer.flush() == []
    return out


def pairs_of(protocol: str, chunks: list[Any], config: Any = None) -> Iterator[tuple[Any, Any]]:
    """Each chunk that leaves, and what it became: the last that leaves for it, behind the tails."""
    restorer = ChunkRestorer(MAP, config, protocol=protocol)
    for chunk in chunks:
        if leaving := restorer.feed(chunk):
            yield chunk, leaving[-1]


def changes(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """The places where two values differ, such as ``candidates.content.parts.text``; positions left out."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in before | after:
            yield from changes(before.get(name), after.get(name), f"{path}.{name}" if path else name)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for left, right in zip(before, after, strict=True):
            yield from changes(left, right, path)
    elif before != after or type(before) is not type(after):
        yield path


# ---------------------------------------------------------------- cutting anew


def recut(chunks: Iterable[Chunk], cut: Callable[[str], list[str]]) -> list[Chunk]:
    """The same stream with every chunk that carries one piece of text sent as several."""
    out = []
    for chunk in chunks:
        found = [(node[field], field) for _, node, field in pieces(chunk) if node[field]]
        if len(found) != 1 or chunk.get("done") or _has_more(chunk):
            out.append(chunk)
            continue
        for piece in cut(found[0][0]):
            copy = json.loads(json.dumps(chunk))
            for _, node, field in pieces(copy):
                if node[field]:
                    node[field] = piece
            out.append(copy)
    return out


def _has_more(chunk: Chunk) -> bool:
    """Whether something in the chunk must not be said twice."""
    candidates = chunk.get("candidates", ())
    calls = any("functionCall" in part for one in candidates for part in one["content"].get("parts", ()))
    return (
        calls
        or any("finishReason" in one for one in candidates)
        or bool(chunk.get("message", {}).get("tool_calls"))
    )


def units(text: str) -> list[str]:
    return list(text)


def at_random(seed: int) -> Callable[[str], list[str]]:
    rng = random.Random(seed)

    def cut(text: str) -> list[str]:
        marks = sorted(rng.randrange(len(text) + 1) for _ in range(rng.randrange(3)))
        return [text[a:b] for a, b in zip([0, *marks], [*marks, len(text)], strict=True)]

    return cut


CUTS: dict[str, Callable[[str], list[str]]] = {"whole": lambda text: [text], "units": units} | {
    f"random {seed}": at_random(seed) for seed in range(3)
}
