"""What the benches feed, and to whom.

Texts are made anew for every round, so no round profits from what the last one left behind in a string (its
UTF-8 form, its hash). ``interleaved`` times the contenders of a comparison in turns, round by round, so that
whatever else the machine does hits all of them alike; ratios are ratios of the medians of one such run.

privaite 0.7.3 joins in where it is installed, LiteLLM objects where LiteLLM is.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import random
import statistics
import warnings
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Protocol

from benches.clock import once

from holdback import BACKEND, DeanonymizationConfig, _pure
from holdback.handler import StreamingHandler
from holdback.restorers.wire import WireRestorer

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # its import asks the network otherwise

FULL = os.environ.get("HOLDBACK_BENCH") == "full"
"""All key counts and more rounds (minutes), or the quick selection (seconds)."""

CHUNK_SIZES = (1, 4, 16, 64, 4096)  # code points per feed
KEY_SETS = [(kind, count) for kind in ("placeholders", "invented") for count in (10, 100, 1_000, 10_000)]
QUICK_KEY_SETS = [("placeholders", 100), ("invented", 1_000)]
EVERY = {"never": 0, "rare": 200, "common": 20}  # code points from one match to the next
DEEP_KEY = {"a" * 2000 + "b": "x"}  # a text of "a" is one near-match without an end

Pairs = Mapping[str, str]


def optional(name: str) -> Any:
    """A module that need not be installed; None if it is not."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and name.split(".", maxsplit=1)[0] == error.name.split(".")[0]:
            return None
        raise


native: Any = optional("holdback._native") if BACKEND == "native" else None
privaite_buffer = optional("privaite.streaming.buffer")


# ---------------------------------------------------------------- keys and texts


@cache
def pairs_of(kind: str, count: int) -> dict[str, str]:
    """``<PERSON_17>``, or invented names and e-mail addresses in turns."""
    if kind == "placeholders":
        return {f"<PERSON_{n}>": f"Original {n}" for n in range(count)}
    rng = random.Random(count)
    pairs: dict[str, str] = {}
    while len(pairs) < count:
        first, last = _invented_word(rng), _invented_word(rng)
        fake = f"{first}.{last}@example.com" if len(pairs) % 2 else f"{first.title()} {last.title()}"
        pairs[fake] = f"Original {len(pairs)}"
    return pairs


def _invented_word(rng: random.Random) -> str:
    return "".join(rng.choice(letters) for letters in ("bdfgjklmnprstvwz", "aeiou") * rng.randint(2, 3))


ENGLISH = (
    "the quick brown fox jumps over a lazy dog and then writes some code with plain lists to check it. "
    "The answer depends on what you mean by fast: in most cases a cache helps, but not always (see below)."
)
MANY_SCRIPTS = "naïve café – größer наука и жизнь 東京 の 天気 は 晴れ 😀 это просто текст"


def prose(length: int, keys: Sequence[str], every: int, seed: int, vocabulary: str = ENGLISH) -> str:
    """Ordinary words, and about ``every`` code points one of the keys; 0: none."""
    rng, words = random.Random(seed), vocabulary.split()
    pieces: list[str] = []
    size, since = 0, 0
    while size < length:
        word = rng.choice(words)
        if every and since >= every:
            word, since = rng.choice(keys), 0
        pieces.append(word + " ")
        size += len(word) + 1
        since += len(word) + 1
    return "".join(pieces)[:length]


def cut(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


# ---------------------------------------------------------------- buffers


class Stream(Protocol):
    def feed(self, text: str) -> str: ...
    def flush(self) -> str: ...


def _open_privaite(pairs: Pairs) -> Callable[[], Stream]:
    mapping = privaite_mapping(pairs)
    return lambda: privaite_buffer.StreamingDeAnonymizer(mapping)


def privaite_mapping(pairs: Pairs) -> Any:
    mapping = importlib.import_module("privaite.pii.mapping").PIIMapping()
    for fake, original in pairs.items():
        mapping.add(original, fake, "PERSON")
    return mapping


OPENERS: dict[str, Callable[[Pairs], Callable[[], Stream]]] = {
    **({"native": lambda pairs: native.TrieMatcher(pairs).stream} if native else {}),
    "pure": lambda pairs: _pure.TrieMatcher(pairs).stream,
    **({"privaite": _open_privaite} if privaite_buffer else {}),
}
"""Each contender: a mapping, compiled once, gives streams."""


@cache
def opened(contender: str, kind: str, count: int) -> Callable[[], Stream]:
    return OPENERS[contender](pairs_of(kind, count))


def feed_all(stream: Stream, pieces: Sequence[str]) -> None:
    deque(map(stream.feed, pieces), maxlen=0)  # a loop in Python costs as much as a native feed
    stream.flush()


# ---------------------------------------------------------------- handlers


def dict_chunks(texts: Sequence[str]) -> list[Any]:
    return [_chat_chunk({"role": "assistant", "content": ""})] + [
        _chat_chunk({"content": text}) for text in texts
    ]


def _chat_chunk(delta: dict[str, Any]) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}
    return {
        "id": "chatcmpl-123",
        "object": "chat.completion.chunk",
        "created": 1790000000,
        "model": "example-large-2",
        "system_fingerprint": "fp_44709d6fcb",
        "choices": [choice],
    }


def object_chunks(texts: Sequence[str]) -> list[Any]:
    types = optional("litellm.types.utils")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its classes are completed, with warnings, when first used
        return [
            types.ModelResponseStream(
                id="chatcmpl-123",
                created=1790000000,
                model="example-large-2",
                choices=[types.StreamingChoices(index=0, delta=types.Delta(content=text))],
            )
            for text in texts
        ]


def tokens(text: str, seed: int) -> list[str]:
    """The text in pieces of 4 to 10 code points, as models send it."""
    rng, pieces, start = random.Random(seed), [], 0
    while start < len(text):
        size = rng.randint(4, 10)
        pieces.append(text[start : start + size])
        start += size
    return pieces


Events = Callable[[AsyncIterator[Any]], AsyncIterator[str]]


def handlers(pairs: Pairs) -> dict[str, Events]:
    """The same stream through each: ours with restoring on and off, privaite's, and none at all."""
    config = DeanonymizationConfig()
    matchers = {name: twin.TrieMatcher(pairs) for name, twin in (("native", native), ("pure", _pure)) if twin}
    contenders: dict[str, Events] = {
        name: lambda stream, matcher=matcher: StreamingHandler.stream_response(stream, matcher, config)  # type: ignore[misc]
        for name, matcher in matchers.items()
    }
    contenders["off"] = lambda stream: StreamingHandler.stream_response(stream, None, None)
    if privaite_buffer:
        theirs = importlib.import_module("privaite.streaming.handler").StreamingHandler
        their_config = importlib.import_module("privaite.config.schema").DeanonymizationConfig()
        their_mapping = privaite_mapping(pairs)
        contenders["privaite"] = lambda stream: theirs.stream_response(stream, their_mapping, their_config)
    contenders["pass-through"] = pass_through
    return contenders


async def pass_through(stream: AsyncIterator[Any]) -> AsyncIterator[str]:
    """What a proxy does that restores nothing."""
    dumps = importlib.import_module("json").dumps
    async for chunk in stream:
        yield f"data: {dumps(chunk if isinstance(chunk, dict) else chunk.model_dump())}\n\n"
    yield "data: [DONE]\n\n"


def consume(events: Events, chunks: Sequence[Any], loop: asyncio.AbstractEventLoop) -> int:
    """Run a stream to its end; returns the number of events that came out."""

    async def source() -> AsyncIterator[Any]:
        for chunk in chunks:
            yield chunk

    async def count() -> int:
        seen = 0
        async for _ in events(source()):
            seen += 1
        return seen

    return loop.run_until_complete(count())


# ---------------------------------------------------------------- bytes

EVENT_SIZE = 250  # bytes, about


def wire_reads(text: str, seed: int, size: int = 4096, *, differ: bool = False) -> list[bytes]:
    """Chat events, one per token, as a transport reads them; ``differ``: in more than their text."""
    chunks = dict_chunks(tokens(text, seed))
    for count, chunk in enumerate(chunks if differ else ()):
        chunk["created"] += count
    short = len(f"data: {json.dumps(chunks[0])}\n\n")
    for chunk in chunks:
        chunk["service_tier"] = "d" * max(1, EVENT_SIZE - short - 20)
    data = "".join(f"data: {json.dumps(chunk, separators=(',', ':'))}\n\n" for chunk in chunks).encode()
    return [data[at : at + size] for at in range(0, len(data), size)]


def read_all(feed: Callable[[bytes], bytes], reads: Sequence[bytes]) -> None:
    deque(map(feed, reads), maxlen=0)


def load_and_dump(stream: Stream) -> Callable[[bytes], bytes]:
    """What is written by hand where there is no byte layer: every event loaded, fed and dumped."""
    rest = b""

    def feed(data: bytes) -> bytes:
        nonlocal rest
        *events, rest = (rest + data).split(b"\n\n")
        out = []
        for event in events:
            chunk = json.loads(event[6:])
            delta = chunk["choices"][0]["delta"]
            delta["content"] = stream.feed(delta["content"])
            out.append(b"data: " + json.dumps(chunk).encode() + b"\n\n")
        return b"".join(out)

    return feed


def wires(pairs: Pairs) -> dict[str, Callable[[], Callable[[bytes], bytes]]]:
    """Each contender: gives the ``feed`` of a new stream."""
    contenders: dict[str, Callable[[], Callable[[bytes], bytes]]] = {}
    known = DeanonymizationConfig(content="text")  # and not what it begins like
    for name, twin in (("native", native), ("pure", _pure)):
        if twin is not None:
            matcher = twin.TrieMatcher(pairs)
            contenders[name] = lambda matcher=matcher: WireRestorer(matcher).feed  # type: ignore[misc]
            contenders[f"{name}, text"] = lambda matcher=matcher: WireRestorer(matcher, known).feed  # type: ignore[misc]
            contenders[f"{name} by hand"] = lambda matcher=matcher: load_and_dump(matcher.stream())  # type: ignore[misc]
    return contenders


# ---------------------------------------------------------------- taking times


Prepare = Callable[[int], Callable[[], object]]
"""Given the number of a round, makes a fresh input and returns what is to be timed."""


def turns(names: Sequence[str], rounds: int) -> Iterator[tuple[int, str]]:
    """Who is next, in every round another one first; round -1 warms up."""
    for number in range(-1, rounds):
        turn = number % len(names)
        for name in [*names[turn:], *names[:turn]]:
            yield number, name


def interleaved(contenders: Mapping[str, Prepare], rounds: int) -> dict[str, float]:
    """The median time in seconds of each contender, measured in turns."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for number, name in turns(list(contenders), rounds):
        seconds = once(contenders[name](number))
        if number >= 0:
            times[name].append(seconds)
    return {name: statistics.median(taken) for name, taken in times.items()}


def seeds() -> Iterator[int]:
    """A new one for every text."""
    seed = 0
    while True:
        seed += 1
        yield seed
