"""The drawing of docs/design.md: a small trie with its failure pops, as the real automaton has them.

    .venv/bin/python tools/failure_pops.py     # draw it anew

Nodes, pops and failure arrows are read off the compiled keys; only the places on the paper are chosen here. The
longest key runs along the top, and the other one stands under the part of it that it shares, so that failure arrows
point straight down.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import NamedTuple

from holdback._pure.automaton import ROOT, Automaton
from holdback._pure.pattern import Patterns

DRAWING = Path(__file__).resolve().parent.parent / "docs" / "failure-pops.svg"
KEYS = ("Ann", "Anna Lee", "a Le")

STEP, LEFT, TOP, BELOW = 108, 56, 104, 236
WIDTH, HEIGHT = 980, 366
RADIUS = 19
STYLE = """
    text { font: 15px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #1d2733 }
    .small { font-size: 12.5px }
    .said { font-family: system-ui, sans-serif; font-size: 13.5px; fill: #44505e }
    .edge { stroke: #8a96a3; stroke-width: 1.6; fill: none }
    .fail { stroke: #c2410c; stroke-width: 1.8; stroke-dasharray: 5 4; fill: none; marker-end: url(#tip) }
    .node { fill: #ffffff; stroke: #5b6876; stroke-width: 1.6 }
    .key { fill: #dcf3e4; stroke: #17803d }
    .ring { fill: none; stroke: #17803d; stroke-width: 1.4 }
    .literal { fill: #eceff3; stroke: #c3cad2 }
    .match { fill: #dcf3e4; stroke: #17803d }
"""


DEFS = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" orient="auto">'
    '<path d="M0,0 L8,4 L0,8 z" fill="#c2410c"/></marker></defs>'
)


class Pop(NamedTuple):
    """A part of what is settled: a key, or a literal character."""

    text: str
    is_key: bool


def pops(automaton: Automaton, node: int) -> Iterator[Pop]:
    """What leaves when the path to ``node`` cannot be extended: the front of the path, with its keys."""
    path, at = automaton.path(node), 0
    settled = automaton.depth[node] - automaton.depth[automaton.fail[node]]
    for offset, key in [*automaton.matches(node), (settled, None)]:
        yield from (Pop(unit, is_key=False) for unit in path[at:offset])
        if key is not None:
            yield Pop(automaton.keys[key], is_key=True)
            at = offset + automaton.lengths[key]


def places(automaton: Automaton) -> dict[int, tuple[int, int]]:
    """Where the nodes stand on the paper."""
    longest = max(KEYS, key=len)
    at = {}
    for node in range(len(automaton.owner)):
        path = automaton.path(node)
        if longest.startswith(path):
            at[node] = (LEFT + STEP * len(path), TOP)
        else:
            shared = longest.find(path[0])
            at[node] = (LEFT + STEP * (shared + len(path)), BELOW)
    return at


def shown(unit: str) -> str:
    """A space as something that can be seen."""
    return escape(unit.replace(" ", "␣"))


def drawing(automaton: Automaton) -> str:
    """The whole picture."""
    at = places(automaton)
    ends = {automaton.keys.index(key): key for key in KEYS}
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        "<title>The trie of three keys, with failure pops</title>",
        f"<desc>{escape(described(automaton))}</desc>",
        f"<style>{STYLE}</style>",
        DEFS,
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="10" fill="#fbfcfd" stroke="#dfe4ea"/>',
    ]
    lines += [_edge(at[_parent(automaton, node)], at[node]) for node in sorted(at) if node != ROOT]
    for node, (x, y) in at.items():
        if (fail := automaton.fail[node]) != ROOT:
            lines.append(f'<path class="fail" d="M{x},{y + RADIUS + 5} L{x},{at[fail][1] - RADIUS - 5}"/>')
    for node, (x, y) in at.items():
        path = automaton.path(node)
        is_key = path in ends.values()
        lines.append(f'<circle class="node{" key" if is_key else ""}" cx="{x}" cy="{y}" r="{RADIUS}"/>')
        if is_key:
            lines.append(f'<circle class="ring" cx="{x}" cy="{y}" r="{RADIUS - 4}"/>')
        if node == ROOT:
            lines.append(f'<text class="said" x="{x}" y="{y + 5}" text-anchor="middle">root</text>')
        else:
            lines.append(f'<text x="{x}" y="{y + 5}" text-anchor="middle">{shown(path[-1])}</text>')
            lines += _chips(list(pops(automaton, node)), x, y - 52 if y == TOP else y + 30)
    lines += _legend()
    return "\n".join([*lines, "</svg>", ""])


def described(automaton: Automaton) -> str:
    """The picture in words."""
    nodes = range(1, len(automaton.owner))
    words = [
        f"“{automaton.path(node)}” pops {' + '.join(pop.text for pop in pops(automaton, node))} "
        f"and fails to “{automaton.path(automaton.fail[node])}”"
        for node in nodes
    ]
    return "; ".join(words).replace("to “”", "to the root") + "."


def _parent(automaton: Automaton, node: int) -> int:
    above = ROOT
    for unit in automaton.path(node)[:-1]:
        above = automaton.child(above, unit)
    return above


def _edge(start: tuple[int, int], end: tuple[int, int]) -> str:
    (x, y), (to, below) = start, end
    if y == below:
        return f'<path class="edge" d="M{x + RADIUS},{y} L{to - RADIUS},{y}"/>'
    return (
        f'<path class="edge" d="M{x},{y + RADIUS} Q{x},{below} {x + STEP},{below} L{to - RADIUS},{below}"/>'
    )


def _chips(parts: list[Pop], x: int, y: int) -> Iterator[str]:
    widths = [8 * len(part.text) + 9 for part in parts]
    left = x - (sum(widths) + 3 * (len(parts) - 1)) / 2
    for part, width in zip(parts, widths, strict=True):
        kind = "match" if part.is_key else "literal"
        yield f'<rect class="{kind}" x="{left:g}" y="{y}" width="{width}" height="21" rx="4"/>'
        yield (
            f'<text class="small" x="{left + width / 2:g}" y="{y + 15}" text-anchor="middle">{shown(part.text)}</text>'
        )
        left += width + 3


def _legend() -> Iterator[str]:
    y = HEIGHT - 40
    yield f'<circle class="node key" cx="48" cy="{y}" r="11"/><circle class="ring" cx="48" cy="{y}" r="8"/>'
    yield f'<text class="said" x="68" y="{y + 5}">a key ends here</text>'
    yield from _chips([Pop("k", is_key=True)], 205, y - 10)
    yield f'<text class="said" x="222" y="{y + 5}">pops: a key</text>'
    yield from _chips([Pop("c", is_key=False)], 328, y - 10)
    yield f'<text class="said" x="345" y="{y + 5}">pops: a character as it came</text>'
    yield f'<path class="fail" d="M560,{y} L606,{y}"/>'
    yield f'<text class="said" x="616" y="{y + 5}">fail; where there is no arrow, the root</text>'


def drawn() -> str:
    """The picture as the file has to hold it."""
    return drawing(Automaton(Patterns(dict.fromkeys(KEYS, ""))))


if __name__ == "__main__":
    DRAWING.write_text(drawn(), encoding="utf-8")
