"""After a stream, however it ended, memory is what it was before.

Each run moves half a megabyte, so one item, one restorer or one exception that is still held shows at once: the
tolerance is a fifth of one run, over four runs.
"""

from __future__ import annotations

import pytest

from faults.memory import kept, kept_resident
from faults.plan import Lost, Plan
from faults.shells import EVERY_SHELL, Content, Shell, invented
from faults.test_every_step import interrupt
from holdback import TrieMatcher, WireRestorer, _backend
from streams import PAIRS, say, text

pytestmark = [pytest.mark.usefixtures("hosted"), pytest.mark.faults]

KIB, MIB = 1 << 10, 1 << 20
TEXTS = [f"{number} <PERSON_1> " + "x" * (50 * KIB) + " <PERS" for number in range(10)]
CHAT = invented([say(piece, index=number % 3) for number, piece in enumerate(TEXTS)], PAIRS)
TEXT = invented([text(piece, index=number % 3) for number, piece in enumerate(TEXTS)], PAIRS, "openai-text")
WAYS = ["ends", "fails", "is cancelled", "is left", "cannot be closed"]


def once(shell: Shell, content: Content, way: str, trace: list[str]) -> None:
    """One run, in the middle of which something may happen; what comes of it is dropped."""
    at = len(trace) // 2
    if way == "ends":
        shell.run(content, Plan())
    elif way == "is left":
        shell.run(content, Plan(), stop=5)
    elif way == "cannot be closed":
        shell.run(content, Plan({trace.index("close"): Lost()}))
    else:
        shell.run(content, Plan({at: Lost() if way == "fails" else interrupt(shell)}))


@pytest.mark.parametrize("way", WAYS)
@EVERY_SHELL
def test_a_stream_leaves_nothing_behind(shell: Shell, way: str) -> None:
    content = CHAT if shell.fits(CHAT) else TEXT
    trace = shell.run(content, Plan()).trace
    assert kept(lambda: once(shell, content, way, trace), times=4) < 100 * KIB


@pytest.mark.parametrize("json", [False, True])
def test_an_open_stream_holds_no_more_for_what_it_has_restored(json: bool, backend: str) -> None:
    stream = _backend.TrieMatcher(PAIRS).stream(json=json)
    piece = '["<PERSON_1>"]' * 1000
    stream.feed(piece)

    def work() -> None:
        for _ in range(10):
            stream.feed(piece)

    assert kept(work, times=4) < 20 * KIB
    assert sum(stream._take_counts().values()) == sum(piece.count(key) for key in PAIRS) * (1 + 10 * (2 + 4))


def test_the_native_side_leaves_nothing_behind(backend: str) -> None:
    """What Python does not count. A matcher of 20,000 keys has some 3 MB, and each run makes one: kept, 40 of them
    would have 120 MB; 40 MB is allowed."""
    pairs = {f"<PERSON_{number}>": f"name {number}" for number in range(20_000)}
    data = CHAT.data

    def work() -> None:
        restorer = WireRestorer(pairs)
        restorer.feed(data)
        TrieMatcher(pairs).stream(json=True).feed('{"a": "<PERS')

    times = 20 if backend == "native" else 2
    assert kept_resident(work, times) < 40 * MIB
