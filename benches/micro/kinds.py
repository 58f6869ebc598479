"""Every kind of stream, event by event, beside one JSON parse of the same events: `make bench`.

    python -m benches.micro.kinds

A kind is a format, what opens its channels, and a steady part: events that do nothing but go on with open channels.
Only the steady part is timed; ``recordings`` times whole answers, with all that opens and ends them. The floor is
``pydantic_core.from_json`` of each event, in the same run, on the same events, which are new in every round.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from unittest import mock

from benches.figures import figure, figures, table
from benches.micro.kind_streams import KINDS, Event, Kind
from benches.workloads import FULL, Prepare, interleaved, native, pairs_of, prose, seeds, tokens
from pydantic_core import from_json

from holdback import WireRestorer, _pure
from holdback.engine.answer import Answer
from holdback.engine.messages import Message
from holdback.engine.messages import written as message

PAIRS = pairs_of("placeholders", 100)
KEYS = list(PAIRS)
EVENTS = 300
ROUNDS = 15 if FULL else 5
READS = {"an event": 0, "4 KB": 4096, "64 KB": 65_536}
SEEDS = seeds()
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


# ---------------------------------------------------------------- timing


def written(protocol: str, event: Event) -> bytes:
    """An event as its provider sends it."""
    if protocol == "bedrock":
        return message(event.get("chunk", event))
    data = json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()
    if protocol == "ollama":
        return data + b"\n"
    name = f"event: {event['type']}\n".encode() if "type" in event else b""
    return name + b"data: " + data + b"\n\n"


def source(frame: bytes) -> bytes:
    """The JSON of an event."""
    if frame.startswith(b"\0"):
        return Message(frame).source or b""
    return frame.strip().rpartition(b"data: ")[2]


def joined(frames: Iterable[bytes], size: int) -> list[bytes]:
    """The reads: of so many bytes, or of an event each for 0."""
    if not size:
        return list(frames)
    data = b"".join(frames)
    return [data[at : at + size] for at in range(0, len(data), size)]


def parts_of(kind: Kind, seed: int) -> tuple[list[bytes], list[bytes]]:
    text = prose(9 * EVENTS, KEYS, kind.every, seed)
    opening, steady = kind.make(iter(tokens(text, seed)[:EVENTS]))
    as_sent = [[written(kind.protocol, event) for event in events] for events in (opening, steady)]
    return as_sent[0], as_sent[1]


def feed_each(feed: Callable[[bytes], object], reads: Iterable[bytes]) -> None:
    for read in reads:
        feed(read)


def steady(kind: Kind, twin: str, size: int) -> Prepare:
    """Time of the steady part through a restorer, or of its parse for ``floor``."""

    def fresh(_: int) -> Callable[[], object]:
        opening, frames = parts_of(kind, next(SEEDS))
        if twin == "floor":
            sources = [source(frame) for frame in frames]
            return lambda: feed_each(from_json, sources)
        restorer = WireRestorer(MATCHERS[twin], protocol=kind.protocol)
        feed_each(restorer.feed, opening)
        reads = joined(frames, size)
        return lambda: feed_each(restorer.feed, reads)

    return fresh


MATCHERS = {
    name: twin.TrieMatcher(PAIRS) for name, twin in (("native", native), ("pure", _pure)) if twin is not None
}
PURE_LIMITS = {"openai-chat": 15.0}


def kinds() -> None:
    """The steady part of every kind."""
    sizes = {f"{twin}, {what}": (twin, size) for twin in MATCHERS for what, size in READS.items()}
    if not FULL:
        sizes = {name: one for name, one in sizes.items() if one[0] == "native" or not one[1]}
    rows = [["x of one from_json", *sizes, "parse, us"]]
    for name, kind in KINDS.items():
        contenders = {one: steady(kind, *of) for one, of in sizes.items()} | {
            "floor": steady(kind, "floor", 0)
        }
        medians = interleaved(contenders, ROUNDS)
        floor = medians["floor"]
        ratios = {one: medians[one] / floor for one in sizes}
        rows.append([name, *(f"{ratio:.2f}" for ratio in ratios.values()), f"{floor / EVENTS * 1e6:.2f}"])
        if "native" in MATCHERS:
            figure(f"native, {name}, an event a read", ratios["native, an event"], at_most=kind.limit)
            figure(f"native, {name}, 4 KB a read", ratios["native, 4 KB"], at_most=0.8)
        limit = PURE_LIMITS.get(kind.protocol, 25)
        figure(f"pure, {name}, an event a read", ratios["pure, an event"], at_most=limit)
    table("kinds of streams: the steady part, against one parse of the same events", rows)


# ---------------------------------------------------------------- whole recordings


def frames_of(path: Path) -> list[bytes]:
    data = path.read_bytes()
    if path.suffix == ".ndjson":
        return data.splitlines(keepends=True)
    ends = b"\r\n\r\n" if b"\r\n\r\n" in data else b"\n\n"
    return [frame + ends for frame in data.split(ends) if frame.strip()]


def recorded() -> dict[str, list[bytes]]:
    paths = sorted([*EXAMPLES.glob("streams/*"), *EXAMPLES.glob("recordings/*")])
    return {path.name: frames_of(path) for path in paths if path.suffix in {".sse", ".ndjson"}}


def whole(frames: list[bytes], matcher: Any) -> Prepare:
    """An answer from its beginning to its end."""

    def work() -> None:
        restorer = WireRestorer(matcher)
        feed_each(restorer.feed, frames)
        restorer.flush()

    return lambda _: work


def parsed(frames: list[bytes]) -> Prepare:
    sources = [data for data in map(source, frames) if data.startswith((b"{", b"["))]
    readable = [data for data in sources if _is_json(data)]
    return lambda _: lambda: feed_each(from_json, readable)


def _is_json(data: bytes) -> bool:
    try:
        from_json(data)
    except ValueError:
        return False
    return True


def remembered(life: Any) -> list[str]:
    """What a format remembers of its stream: calls, items and ids that were named."""
    names = [name for kind in type(life).__mro__ for name in getattr(kind, "__slots__", ())]
    return [repr(getattr(life, name)) for name in names]


def lane_shares(frames: list[bytes]) -> tuple[float, float]:
    """The share of all frames that the lane takes, and of those that neither open, end nor name anything."""
    settle, is_new = Answer.settle, Answer.is_new
    declined = idle = 0
    is_busy = False

    def looking(answer: Answer, mark: Any, addresses: Any) -> bool:
        nonlocal is_busy
        found = is_new(answer, mark, addresses)
        is_busy |= found
        return found

    def counting(answer: Answer, event: Any) -> Any:
        nonlocal declined, idle, is_busy
        declined, is_busy = declined + 1, False
        channels = answer._count
        steps = type(answer._format).steps

        def taking(life: Any, event: Any, answer: Answer) -> Any:
            nonlocal is_busy
            before = remembered(life)
            found = steps(life, event, answer)
            is_busy |= any(type(step).__name__ != "Feed" for step in found) or remembered(life) != before
            return found

        with mock.patch.object(type(answer._format), "steps", taking):
            done = settle(answer, event)
        idle += not (is_busy or answer._count != channels)
        return done

    with mock.patch.object(Answer, "settle", counting), mock.patch.object(Answer, "is_new", looking):
        restorer = WireRestorer(MATCHERS["native"])
        feed_each(restorer.feed, frames)
        restorer.flush()
    taken = len(frames) - declined
    return taken / len(frames), taken / (taken + idle) if taken + idle else 1.0


def recordings() -> None:
    """Whole answers, set-up and openings included."""
    if "native" not in MATCHERS:
        return
    rows = [["", "native", "pure", "frames", "in the lane", "of the idle"]]
    total: dict[str, float] = {}
    for name, frames in recorded().items():
        contenders = {twin: whole(frames, matcher) for twin, matcher in MATCHERS.items()}
        medians = interleaved(contenders | {"floor": parsed(frames)}, 2 * ROUNDS)
        shares = lane_shares(frames)
        ratios = [f"{medians[twin] / medians['floor']:.2f}" for twin in ("native", "pure")]
        rows.append([name, *ratios, str(len(frames)), *(f"{share:.0%}" for share in shares)])
        figure(f"native, {name}: idle frames in the lane", 100 * shares[1], at_least=85, unit=" %")
        for one, seconds in medians.items():
            total[one] = total.get(one, 0) + seconds
        figure(f"native, {name}, whole", medians["native"] / medians["floor"], at_most=6)
    figure("native, all recordings together", total["native"] / total["floor"], at_most=3)
    table("whole recordings, an event a read, against one parse of the same events", rows)


def main() -> None:
    """Measure everything, print everything."""
    kinds()
    recordings()
    table("figures", [("", "measured", "target", ""), *figures])


if __name__ == "__main__":
    main()
