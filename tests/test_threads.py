"""Threads: what may be shared is shared by many at once, and says what it says alone.

The interpreter changes threads as often as it can here, and a barrier lets all begin together. Nothing depends on
how quick they are: whatever the order, the outcome is known.
"""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import wires
from holdback import ChunkRestorer, PIIMapping, WireRestorer, _backend
from holdback.errors import MappingError
from wires import Recording

pytestmark = pytest.mark.usefixtures("backend", "restless")

THREADS = 8
ROUNDS = 200
PAIRS = {f"<P_{number}>": f'Ada "{number}"' for number in range(100)}
SOURCE = r'{"to": "<P_1> and <P_19>", "in": "{\"a\":\"\\u003cP_7>\"}", "<P_": "<P_100>"} ' * 10


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads change places every few instructions."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def together(work: Callable[[int], Any]) -> list[Any]:
    """What the work gives in each of the threads, which begin at once."""
    start = threading.Barrier(THREADS)

    def run(number: int) -> Any:
        start.wait()
        return work(number)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


def test_one_matcher_and_a_stream_for_each_thread() -> None:
    matcher = _backend.TrieMatcher(PAIRS)
    expected = {json: matcher.replace(SOURCE, json=json) for json in (False, True)}
    assert expected[False] != expected[True]

    def work(number: int) -> None:
        for json, size in ((False, 1), (True, 1), (False, number + 2), (True, number + 2)):
            stream = matcher.stream(json=json)
            pieces = [SOURCE[at : at + size] for at in range(0, len(SOURCE), size)]
            assert "".join([*map(stream.feed, pieces), stream.flush()]) == expected[json]
            assert matcher.replace(SOURCE, json=json) == expected[json]

    together(work)


@pytest.mark.parametrize("recording", wires.recordings()[:3], ids=lambda recording: recording.name)
def test_one_matcher_and_a_stream_of_bytes_for_each_thread(recording: Recording) -> None:
    matcher = _backend.TrieMatcher(recording.pairs)
    expected = wires.through(WireRestorer(matcher), [recording.data])
    found = together(
        lambda number: wires.through(WireRestorer(matcher), wires.every(recording.data, 37 + 50 * number))
    )
    assert found == [expected] * THREADS


@pytest.mark.parametrize("json", [False, True])
def test_one_buffer_for_all_threads(json: bool) -> None:
    """Whole keys and quiet text go in, so in any order as many originals come out."""
    stream = _backend.TrieMatcher({"<A>": "x", "<AB>": "yy"}).stream(json=json)
    said = together(lambda number: "".join(stream.feed(text) for text in ("<A>", "quiet", "<AB>") * ROUNDS))
    count = THREADS * ROUNDS
    assert Counter("".join(said) + stream.flush()) == {
        "x": count,
        "y": 2 * count,
        **dict.fromkeys("quiet", count),
    }


def test_one_buffer_for_all_threads_loses_nothing() -> None:
    """Pieces of keys meet in any order, one thread looks on and one ends the text; each original is as long as its
    key, so as much comes out as went in.
    """
    stream = _backend.TrieMatcher({"<A>": "123", "<A><": "4567", "é": "8"}).stream()
    pieces = ("<", "A>", "<A", ">", "quiet", "é", "<A><", "A")

    def work(number: int) -> tuple[int, int]:
        came = left = 0
        for round_ in range(ROUNDS):
            piece = pieces[(number + round_) % len(pieces)]
            came += len(piece)
            left += len(stream.feed(piece))
            if number == 0:
                assert stream.pending in ("", "<", "<A", "<A>")
            elif number == 1:
                left += len(stream.flush())
        return came, left

    came, left = map(sum, zip(*together(work), strict=True))
    assert left + len(stream.flush()) == came


def test_one_mapping_is_read_while_it_grows() -> None:
    """A reader sees the mapping before an addition or after it; a stream keeps the matcher it began with."""
    mapping = PIIMapping()
    mapping.add("original 0", "<P_0>", "PERSON")
    size = 150
    added = threading.Event()

    def write() -> None:
        try:
            for number in range(1, size):
                mapping.add(f"original {number}", f"<P_{number}>", "PERSON")
        finally:
            added.set()

    def read() -> None:
        known, is_last = 0, False
        while not is_last:
            is_last = added.is_set()
            pairs = mapping.get_all_fakes()
            assert len(pairs) >= known, "it shrank"
            known = len(pairs)
            last = f"<P_{known - 1}>"
            matcher = mapping.matcher()
            assert len(matcher) >= known
            assert matcher.replace(last) == pairs[last] == mapping.get_original(last)
            assert mapping.get_fake(pairs[last]) == last
            chunk = {"choices": [{"index": 0, "delta": {"content": last}}]}
            (restored,) = ChunkRestorer(mapping).feed(chunk)
            assert restored["choices"][0]["delta"]["content"] == pairs[last]
        assert known == size

    together(lambda number: read() if number else write())
    assert mapping.count == size


def test_one_mapping_that_all_threads_add_to() -> None:
    """Each pair once, though every thread adds all of them; a placeholder keeps the original that was first."""
    mapping = PIIMapping()
    pairs = list(PAIRS.items())

    def work(number: int) -> int:
        refused = 0
        for fake, original in (pairs[number:] + pairs[:number]) * 2:
            mapping.add(original, fake, "PERSON")
            assert mapping.matcher().replace(fake) == original
            try:
                mapping.add(f"of thread {number}", "<SHARED>", "PERSON")
            except MappingError:
                refused += 1
        return refused

    refused = together(work)
    assert Counter(bool(count) for count in refused) == {False: 1, True: THREADS - 1}
    assert {key: mapping.get_original(key) for key in PAIRS} == PAIRS
    assert mapping.count == len(PAIRS) + 1
