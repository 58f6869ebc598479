"""Ways to put a stream through a ``WireRestorer``: reads of any size, with the native lane and without."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from random import Random
from typing import Any, NamedTuple

from holdback import DeanonymizationConfig, HoldbackError, WireRestorer, _backend
from thorough import IS_THOROUGH

Lane = Mapping[str, Any]
HAS_LANE = "_lane" in inspect.signature(WireRestorer).parameters
LANES: Sequence[Lane] = ({"_lane": True}, {"_lane": False}) if HAS_LANE else ({},)
"""What a restorer is made with so that the lane runs, and so that it does not."""


def lanes() -> Sequence[Lane]:
    """Those that tell something on the twin that runs.

    Without its lane the native twin does what the pure one does without its own, but for the matcher, whose twins are
    compared by tests of their own: that is asked in a thorough run.
    """
    return LANES if IS_THOROUGH or _backend.BACKEND == "pure" else LANES[:1]


class Result(NamedTuple):
    """What came of a stream."""

    data: bytes
    protocol: str
    error: str = ""


def through(restorer: WireRestorer, reads: Sequence[bytes]) -> Result:
    """Everything that leaves. What is not fed any more, because an error came, follows as it is."""
    out: list[bytes] = []
    for number, data in enumerate(reads):
        try:
            out.append(restorer.feed(data))
        except HoldbackError as error:
            rest = b"".join(reads[number + 1 :])
            words = f"{type(error).__name__}: {error}"
            return Result(b"".join([*out, restorer.flush(), rest]), restorer.protocol, words)
    out.append(restorer.flush())
    assert restorer.flush() == b""
    return Result(b"".join(out), restorer.protocol)


def cuts(data: bytes, rng: Random, *, bytewise: int = 4000) -> Iterator[list[bytes]]:
    """The data whole, in a few random ways, around its CRs, and unless it is long, one byte at a time."""
    yield [data]
    returns = [at for at, byte in enumerate(data) if byte == 0x0D]
    for at in rng.sample(returns, min(3, len(returns))):
        yield [data[:at], data[at : at + 1], data[at + 1 :]]
    for most in (3, 12, 1 + len(data) // 50):
        marks = sorted(rng.randint(0, len(data)) for _ in range(rng.randint(1, most)))
        yield [data[a:b] for a, b in pairwise([0, *marks, len(data)])]
    if len(data) <= bytewise:
        yield [data[at : at + 1] for at in range(len(data))]


def in_every_way(
    make: Callable[[Lane], WireRestorer], data: bytes, rng: Random, *, bytewise: int = 4000
) -> Result:
    """What leaves, which is the same for every cut, with the lane and without."""
    expected = None
    for lane in lanes():
        for reads in cuts(data, rng, bytewise=bytewise):
            got = through(make(lane), reads)
            if expected is None:
                expected = got
            assert got == expected, f"{lane}, {len(reads)} reads"
    assert expected is not None
    return expected


def maker(pairs: Any, **options: Any) -> Callable[[Lane], WireRestorer]:
    return lambda lane: made(pairs, options, lane)


def made(pairs: Any, options: Mapping[str, Any], lane: Lane = LANES[0]) -> WireRestorer:
    """A restorer with these options, of which ``content`` and ``policy`` are of its config."""
    given = dict(options)
    settings = {name: given.pop(name) for name in ("content", "policy") if name in given}
    config = DeanonymizationConfig(**settings) if settings else None
    return WireRestorer(pairs, config, **given, **lane)
