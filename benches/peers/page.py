"""`RESULTS.md` and its charts, from the figures of a run. Nothing of it is written by hand."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benches.peers import charts
from benches.peers.charts import Bar, Cell
from benches.peers.roster import NATIVE, OURS, PEERS, PURE

Figures = dict[str, Any]
OUR_NAMES = {peer.name for peer in OURS}
CHARTED = {  # measure: title
    "feed-4-placeholders": "Feeding 4 code points, 100 placeholders",
    "feed-64-placeholders": "Feeding 64 code points, 100 placeholders",
    "feed-4-invented": "Feeding 4 code points, 1,000 invented names",
    "bulk": "One piece of 400,000 code points, 100 placeholders",
    "adversarial": "A near-match that never ends: key a…ab of 2,001 on 16,000 times a",
}

INTRODUCTION = """\
# Side by side

Restorers of streamed placeholders from PyPI and holdback, native and pure, on the same work in one run. Written by
`make bench-peers`, never by hand: the command installs every peer at its version (without its detectors: a peer's
vault is filled directly), runs it in a subprocess of its own through its own class for streams, as its documentation
shows it, and takes what crashes or hangs as a result. `make bench-peers QUICK=1` is a short run that leaves this page
alone. The cases are [tests/exactness.py](../tests/exactness.py), the adapters `benches/peers/adapters`.
"""

EXACT = """\
## Exactness

A case is right if its text comes out right in *every* cutting: whole, cut at every single place, one code point at a
time. What is right says an oracle that shares nothing with us (leftmost, then longest, one pass; JSON by what the
restored document says). Each peer is asked in its own grammar; a dash: the peer offers no such thing, or takes
placeholders of one form only, where the case needs keys of its own. Placeholders that a model rewrote (*mangled*) and
*whole words* ([tests/tolerance.py](../tests/tolerance.py)) are asked of the peers that mean to get them right, each at
its most tolerant, ours with all forms of `spellings`. Where a peer departs on purpose (see its note
above), that counts as a difference here too. The arguments of tools go through a peer's chat handler, where it has one.

![Exactness: right cases by group](charts/exactness.svg)
"""

TIMES = """\
## Times

Medians of rounds in turns, each with a fresh text; in brackets the quartiles. A ratio is a ratio of medians of this
run: *against native* 2.0 means twice the time of holdback native. Processor time of one thread, where the clock is
fine enough. Every peer is measured in its own grammar; that a scanner for one form of placeholder has less to do
than one for any keys is part of the picture. Texts are English prose with a match about every 200 code points.
"""


class Row(NamedTuple):
    """A contender in a measure."""

    name: str
    median: float
    low: float
    high: float
    note: str


def write(figures: Figures, folder: Path) -> None:
    """The page and its charts into ``folder``."""
    (folder / "charts").mkdir(parents=True, exist_ok=True)
    for name, svg in drawn(figures).items():
        (folder / "charts" / f"{name}.svg").write_text(svg, encoding="utf-8")
    (folder / "RESULTS.md").write_text("\n".join(page(figures)), encoding="utf-8")


def page(figures: Figures) -> Iterator[str]:
    yield INTRODUCTION
    yield from _machine(figures)
    yield from _winners(figures)
    yield from _contenders(figures)
    yield EXACT
    yield from _exactness(figures)
    yield TIMES
    for measure in figures["measures"]:
        yield from _measure(measure)
    yield from _wrong(figures)


def drawn(figures: Figures) -> dict[str, str]:
    """Every chart by name."""
    groups = list(dict.fromkeys(group for group, _ in figures["cases"]))
    asked = "cases right in every cutting, of those asked"
    shown = {"exactness": charts.matrix("Exactness", asked, groups, _cells(figures), OUR_NAMES)}
    for measure in figures["measures"]:
        rows = rows_of(measure)
        if measure["name"] in CHARTED and rows:
            unit = {"us a feed": "microseconds a feed", "ms": "milliseconds"}[measure["unit"]]
            drawn_rows = [
                Bar(row.name, row.median, figure(row.median), row.name in OUR_NAMES) for row in rows
            ]
            shown[measure["name"]] = charts.bars(
                CHARTED[measure["name"]], unit, drawn_rows, measure["failed"]
            )
    return shown


# ---------------------------------------------------------------- the parts of the page


def _machine(figures: Figures) -> Iterator[str]:
    machine = figures["machine"]
    yield "| | |\n|---|---|"
    yield f"| run | {machine['date']}{', a quick one' if figures['quick'] else ''} |"
    yield f"| holdback | {machine['holdback']} |"
    yield f"| Python | {machine['python']} |"
    place = f"{machine['processor']}, {machine['cores']} cores, {machine['system']}"
    yield f"| machine | {place}; load average {machine['load']} |"
    yield ""


def _winners(figures: Figures) -> Iterator[str]:
    yield "## Where a peer is faster\n"
    found = False
    for measure in figures["measures"]:
        rows = {row.name: row for row in rows_of(measure)}
        for ours in (NATIVE, PURE):
            if ours not in rows:
                continue
            mine = rows[ours].median
            faster = [row for row in rows.values() if row.name not in OUR_NAMES and row.median < mine]
            if faster:
                found = True
                names = ", ".join(f"{row.name} ({mine / row.median:.1f}x)" for row in faster)
                yield f"- {measure['title']}, than {ours}: {names}"
    if not found:
        yield "Nowhere in this run."
    yield ""


def _contenders(figures: Figures) -> Iterator[str]:
    yield "## Who\n"
    yield "| | version | keys | |\n|---|---|---|---|"
    yield f"| holdback native, holdback pure | {figures['machine']['holdback'].split()[0]} | any | |"
    for peer in PEERS:
        if peer.name not in figures["exactness"] and peer.name not in figures["missing"]:
            continue
        keys = "any" if peer.any_key else f"`{peer.placeholder(1)}`"
        note = (
            f"could not be run here: {figures['missing'][peer.name]}"
            if peer.name in figures["missing"]
            else peer.note
        )
        yield f"| {peer.name} | {peer.version} | {keys} | {note} |"
    yield ""


def _cells(figures: Figures) -> dict[str, list[Cell | None]]:
    groups = list(dict.fromkeys(group for group, _ in figures["cases"]))
    cells: dict[str, list[Cell | None]] = {}
    for name, results in figures["exactness"].items():
        asked: dict[str, list[bool]] = {group: [] for group in groups}
        for (group, _), result in zip(figures["cases"], results, strict=True):
            if result is not None:
                asked[group].append(result[0] == result[1])
        cells[name] = [
            Cell(sum(asked[group]), len(asked[group])) if asked[group] else None for group in groups
        ]
    return cells


def _exactness(figures: Figures) -> Iterator[str]:
    groups = list(dict.fromkeys(group for group, _ in figures["cases"]))
    yield f"| | {' | '.join(groups)} |"
    yield "|---" * (len(groups) + 1) + "|"
    for name, cells in _cells(figures).items():
        shown = ["–" if cell is None else f"{cell.right}/{cell.all}" for cell in cells]
        yield f"| {name} | {' | '.join(shown)} |"
    yield "\nWhat each wrong case gave is at the [end of the page](#what-came-out-wrong).\n"
    yield from _strangers(figures)


def _strangers(figures: Figures) -> Iterator[str]:
    yield "A placeholder that stays is a blemish, a wrong person a fault. Mangled and whole words: the cases in which"
    yield "somebody was put in who is not meant.\n"
    found = False
    for name, results in figures["exactness"].items():
        wrong = [
            f"{group}, {case}"
            for (group, case), result in zip(figures["cases"], results, strict=True)
            if result is not None and result[4]
        ]
        if wrong:
            found = True
            yield f"- {name}: {len(wrong)} ({'; '.join(wrong)})"
    if not found:
        yield "None in this run."
    yield ""


def _measure(measure: Figures) -> Iterator[str]:
    rows = rows_of(measure)
    medians = {row.name: row.median for row in rows}
    yield f"### {measure['title']}\n"
    if measure["name"] in CHARTED:
        yield f"![{measure['title']}](charts/{measure['name']}.svg)\n"
    yield f"| | {measure['unit']} | | against native | against pure | |\n|---|---:|---:|---:|---:|---|"
    for row in rows:
        ratios = [figure(row.median / medians[ours]) if ours in medians else "–" for ours in (NATIVE, PURE)]
        spread = f"({figure(row.low)} to {figure(row.high)})"
        yield f"| {_ours(row.name)} | {figure(row.median)} | {spread} | {' | '.join(ratios)} | {row.note} |"
    for name, why in measure["failed"].items():
        yield f"| {name} | – | | – | – | {why} |"
    yield ""


def _wrong(figures: Figures) -> Iterator[str]:
    yield "## What came out wrong\n"
    yield "The first cutting of each case that came out otherwise than the oracle says: what went in, what came out.\n"
    for name, results in figures["exactness"].items():
        wrong = [
            (case, result)
            for case, result in zip(figures["cases"], results, strict=True)
            if result is not None and result[0] < result[1]
        ]
        if not wrong:
            yield f"**{name}**: nothing.\n"
            continue
        yield f"<details><summary><b>{name}</b>: {len(wrong)} cases</summary>\n"
        for (group, case), (right, total, went_in, came_out, _) in wrong:
            yield f"- {group}, {case}: right in {right} of {total} cuttings\n  {_code(went_in)}\n  → {_code(came_out)}"
        yield "\n</details>\n"


# ---------------------------------------------------------------- figures as words


def rows_of(measure: Figures) -> list[Row]:
    """The fastest first."""
    rows = []
    for name, times in measure["times"].items():
        low, median, high = quartiles(times)
        rows.append(Row(name, median, low, high, measure["notes"].get(name, "")))
    return sorted(rows, key=lambda row: row.median)


def quartiles(times: Sequence[float]) -> tuple[float, float, float]:
    if len(times) < 2:
        return times[0], times[0], times[0]
    low, median, high = statistics.quantiles(times, n=4, method="inclusive")
    return low, median, high


def figure(value: float) -> str:
    """Three digits that count."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value >= 0.001 else f"{value:.1e}"


def _ours(name: str) -> str:
    return f"**{name}**" if name in OUR_NAMES else name


def _code(text: str) -> str:
    """As code, whatever backquotes it holds."""
    text = text.replace("\n", "\\n")
    fence = "`" * (max(map(len, re.findall(r"`+", text)), default=0) + 1)
    if text.startswith("`") or text.endswith("`"):
        text = f" {text} "
    return f"{fence}{text}{fence}"
