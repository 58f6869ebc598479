"""``holdback bench``: what restoring costs on this machine, native beside pure Python.

The twins do the same work in turns, a fresh text every round, so that whatever else the machine does hits both
alike. What is shown are medians; ``--json`` has the quartiles too. How holdback compares with others is measured in
the repository, by `make bench-peers`.
"""

from __future__ import annotations

import json
import platform
import random
import shutil
import statistics
import time
import timeit
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Self, TextIO

from holdback import __version__, _backend
from holdback.restorers.wire import WireRestorer

ROUNDS = 25  # some seconds in all
PAIRS = {f"<PERSON_{number}>": f"Original {number}" for number in range(100)}
MANY = {f"<PERSON_{number}>": f"Original {number}" for number in range(1_000)}
EVERY = 200  # code points from one placeholder to the next, about
FED = 40_000  # code points of a text that comes in pieces
BULK = 1_000_000
EVENTS = 1_000
READ = 4_096  # bytes of a transport's read
SAID = "the answer depends on what you mean by fast: in most cases a cache helps, but not always (see below)"

# On a machine that others use too, the time this process had says more than the clock.
CLOCK = time.process_time if time.get_clock_info("process_time").resolution < 1e-6 else time.perf_counter

Work = Callable[[], object]


class Measure(NamedTuple):
    """One kind of work. ``prepare`` makes a round of it for a matcher: what is timed, and how often it does it."""

    name: str
    prepare: Callable[[Any, random.Random], tuple[Work, float]]


class Spread(NamedTuple):
    """Seconds: the median and the quartiles."""

    low: float
    median: float
    high: float


class Result(NamedTuple):
    """What a measure gave on each twin that is here."""

    name: str
    twins: dict[str, Spread]

    @property
    def ratio(self) -> float | None:
        """How many times as fast native is; None where there is but one twin."""
        if len(self.twins) < 2:
            return None
        return self.twins["pure"].median / self.twins["native"].median


# ---------------------------------------------------------------- the work


def text_of(length: int, rng: random.Random) -> str:
    """Ordinary words, and now and then a placeholder."""
    words: list[str] = []
    size, since, said, keys = 0, 0, SAID.split(), list(PAIRS)
    while size < length:
        word = rng.choice(said) if since < EVERY else rng.choice(keys)
        since = 0 if since >= EVERY else since + len(word) + 1
        words.append(word)
        size += len(word) + 1
    return " ".join(words)[:length]


def _set_up(matcher: Any, rng: random.Random) -> tuple[Work, float]:
    del rng
    pairs = dict(MANY)
    return lambda: type(matcher)(pairs).stream(), 1


def _feeding(size: int) -> Callable[[Any, random.Random], tuple[Work, float]]:
    def prepare(matcher: Any, rng: random.Random) -> tuple[Work, float]:
        return _fed(matcher.stream(), text_of(FED, rng), size)

    return prepare


def _json(matcher: Any, rng: random.Random) -> tuple[Work, float]:
    arguments = [{"to": rng.choice(list(PAIRS)), "n": n, "text": text_of(60, rng)} for n in range(FED // 100)]
    return _fed(matcher.stream(json=True), json.dumps(arguments), 64)


def _fed(stream: Any, text: str, size: int) -> tuple[Work, float]:
    pieces = [text[at : at + size] for at in range(0, len(text), size)]

    def work() -> None:
        deque(map(stream.feed, pieces), maxlen=0)  # a loop in Python would cost as much as a native feed
        stream.flush()

    return work, len(pieces)


def _bulk(matcher: Any, rng: random.Random) -> tuple[Work, float]:
    text = text_of(BULK, rng)
    return lambda: matcher.stream().feed(text), 1


def _bytes(matcher: Any, rng: random.Random) -> tuple[Work, float]:
    text = text_of(EVENTS * 7, rng)
    chunk: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
    }
    events = [
        json.dumps({**chunk, "choices": [{"index": 0, "delta": {"content": text[at : at + 7]}}]})
        for at in range(0, len(text), 7)
    ]
    data = "".join(f"data: {event}\n\n" for event in events).encode()
    reads = [data[at : at + READ] for at in range(0, len(data), READ)]
    restorer = WireRestorer(matcher, protocol="openai-chat")
    return lambda: deque(map(restorer.feed, reads), maxlen=0), len(events)


MEASURES = (
    Measure("set-up, 1,000 placeholders", _set_up),
    Measure("a feed of 4 code points", _feeding(4)),
    Measure("a feed of 64 code points", _feeding(64)),
    Measure("a feed of a million", _bulk),
    Measure("a feed of 64, JSON arguments", _json),
    Measure("a chat event in raw bytes", _bytes),
)

# ---------------------------------------------------------------- measuring


def measured(rounds: int, progress: Callable[[str, int, int], None]) -> Iterator[Result]:
    """Every measure on every twin that is here. ``progress`` hears what is done, and how far all of it is."""
    rng = random.Random(1)  # noqa: S311  words, not secrets
    matchers = {name: matcher(PAIRS) for name, matcher in _backend.TWINS.items()}
    steps = len(MEASURES) * rounds
    for index, measure in enumerate(MEASURES):
        times: dict[str, list[float]] = {name: [] for name in matchers}
        for number in range(-1, rounds):  # round -1 warms up
            progress(measure.name, index * rounds + max(number, 0), steps)
            for name in list(matchers) if number % 2 else reversed(matchers):
                work, units = measure.prepare(matchers[name], rng)
                seconds = timeit.timeit(work, timer=CLOCK, number=1)
                if number >= 0:
                    times[name].append(seconds / units)
        yield Result(measure.name, {name: _spread(taken) for name, taken in times.items()})


def _spread(taken: Sequence[float]) -> Spread:
    if len(taken) == 1:
        [only] = taken
        return Spread(only, only, only)
    low, median, high = statistics.quantiles(taken, n=4, method="inclusive")
    return Spread(low, median, high)


# ---------------------------------------------------------------- showing it


def run(out: TextIO, screen: TextIO, *, rounds: int = ROUNDS, as_json: bool = False) -> None:
    """Measure, with progress on ``screen`` if it is a terminal, then write a table, or JSON, on ``out``."""
    with _Progress(screen) as progress:
        results = list(measured(rounds, progress.show))
    if as_json:
        out.write(json.dumps(_as_data(results, rounds), indent=1) + "\n")
        return
    width = shutil.get_terminal_size().columns if out.isatty() else 1000
    out.writelines(line + "\n" for line in _page(results, width))


def _page(results: Sequence[Result], width: int) -> Iterator[str]:
    twins = list(_backend.TWINS)
    yield f"holdback {__version__}, {_python()}, {platform.machine()}"
    if len(twins) == 1:
        yield "The native backend is not here (or HOLDBACK_PURE is set): pure Python only."
    yield ""
    rows = [["", *twins]]
    rows += [[result.name, *(_time(spread.median) for spread in result.twins.values())] for result in results]
    if len(twins) > 1:
        ratios = [f"{result.ratio:.1f}x as fast" for result in results]
        rows = [[*row, cell] for row, cell in zip(rows, ["native is", *ratios], strict=True)]
    yield from _table(rows, width)


def _table(rows: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    """Columns, or in a narrow terminal one cell a line."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    if sum(widths) + 2 * len(widths) <= width:
        for row in rows:
            cells = [
                f"{row[0]:{widths[0]}}",
                *(f"{cell:>{size}}" for cell, size in zip(row[1:], widths[1:], strict=True)),
            ]
            yield "  ".join(cells).rstrip()
        return
    head = rows[0]
    for row in rows[1:]:
        yield row[0]
        yield from (f"  {name} {cell}" for name, cell in zip(head[1:], row[1:], strict=True))


def _time(seconds: float) -> str:
    """Three digits, in the unit that suits them."""
    for unit in ("s", "ms", "us"):
        if seconds >= 0.9995:
            return f"{seconds:.3g} {unit}" if seconds < 999.5 else f"{seconds:,.0f} {unit}"
        seconds *= 1e3
    return f"{seconds:.3g} ns"


def _as_data(results: Iterable[Result], rounds: int) -> dict[str, Any]:
    return {
        "holdback": __version__,
        "python": _python(),
        "platform": platform.platform(),
        "twins": list(_backend.TWINS),
        "rounds": rounds,
        "seconds": [
            {
                "name": result.name,
                **{name: spread._asdict() for name, spread in result.twins.items()},
                "native_is_faster": result.ratio,
            }
            for result in results
        ],
    }


def _python() -> str:
    return f"{platform.python_implementation()} {platform.python_version()}"


class _Progress:
    """One line that is written over and over, and gone at the end; nothing where nobody looks."""

    BAR = 24

    def __init__(self, screen: TextIO) -> None:
        self._screen = screen
        self._on = screen.isatty()
        self._last = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._write("")

    def show(self, what: str, done: int, steps: int) -> None:
        full = done * self.BAR // steps
        self._write(f"[{'#' * full}{'.' * (self.BAR - full)}] {what}")

    def _write(self, line: str) -> None:
        if not self._on or line == self._last:
            return
        line = line[: shutil.get_terminal_size().columns - 1]
        self._screen.write(f"\r{line:{len(self._last)}}" + ("" if line else "\r"))
        self._screen.flush()
        self._last = line
