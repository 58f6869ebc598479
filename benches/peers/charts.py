"""Charts as SVG: bars on a logarithmic scale, and a matrix of counts. Readable on light and on dark pages.

No library: what is drawn is a handful of rectangles and words, and a page shows an SVG only as an image, so its
colours follow the reader's system by themselves. The page around it may be switched to the other scheme: so a chart
brings its own ground.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

WIDTH = 860
ROW = 22
NAMES = 150  # pixels for the names at the left
FONT = "ui-sans-serif, system-ui, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif"
STYLE = f"""<style>
  text {{ font: 12px {FONT}; fill: #1f2328; }}
  .ground {{ fill: #ffffff; stroke: #d1d9e0; }}
  .title {{ font-size: 15px; font-weight: 600; }}
  .quiet {{ fill: #59636e; }}
  .ours-name {{ font-weight: 600; }}
  .bar {{ fill: #9aa4b0; }} .ours {{ fill: #d1681d; }}
  .grid {{ stroke: #d1d9e0; stroke-width: 1; }}
  .all {{ fill: #2f8f5b; }} .most {{ fill: #a7cf8f; }} .few {{ fill: #ecc46a; }} .none {{ fill: #d9705f; }}
  .absent {{ fill: #eaeef2; }}
  .on {{ fill: #ffffff; font-weight: 600; }} .dark {{ fill: #1f2328; font-weight: 600; }}
  @media (prefers-color-scheme: dark) {{
    text {{ fill: #e6edf3; }} .quiet {{ fill: #9198a1; }} .grid {{ stroke: #3d444d; }}
    .ground {{ fill: #15191f; stroke: #3d444d; }}
    .bar {{ fill: #6e7a87; }} .ours {{ fill: #f0883e; }} .absent {{ fill: #2a313c; }}
    .on {{ fill: #ffffff; }} .dark {{ fill: #1f2328; }}
  }}
</style>"""


class Bar(NamedTuple):
    name: str
    value: float
    label: str
    ours: bool


class Cell(NamedTuple):
    """``right`` of ``all``; None: not asked."""

    right: int
    all: int


def bars(title: str, unit: str, rows: Sequence[Bar], failed: Mapping[str, str]) -> str:
    """Shorter is better: one bar a contender, from the decade below the least; last, who gave no time, and why."""
    low = math.floor(math.log10(min(row.value for row in rows)))
    low -= math.log10(min(row.value for row in rows)) - low < 0.15  # even the shortest can be seen
    high = math.ceil(math.log10(max(row.value for row in rows)))
    left, right, top = NAMES, WIDTH - 110, 64
    bottom = top + ROW * (len(rows) + len(failed))

    def x(power: float) -> float:
        return left + (right - left) * (power - low) / (high - low)

    parts = [_heading(title, f"{unit}, less is better; every line is ten times the one before")]
    for power in range(low, high + 1):
        parts += [
            f'<line class="grid" x1="{x(power):.1f}" x2="{x(power):.1f}" y1="{top - 6}" y2="{bottom}"/>',
            _text(x(power), bottom + 16, f"{10.0**power:,g}", "quiet", "middle"),
        ]
    for number, row in enumerate(rows):
        y = top + ROW * number
        end = x(math.log10(row.value))
        parts += [
            _text(left - 8, y + 14, row.name, "ours-name" if row.ours else "", "end"),
            _box(left, y + 3, max(end - left, 1), ROW - 7, "ours" if row.ours else "bar"),
            _text(max(end, left) + 6, y + 14, row.label, "quiet"),
        ]
    for number, (name, why) in enumerate(failed.items(), len(rows)):
        y = top + ROW * number + 14
        parts += [_text(left - 8, y, name, "", "end"), _text(left + 6, y, why, "quiet")]
    return _svg(bottom + 28, title, parts)


def matrix(
    title: str, subtitle: str, columns: Sequence[str], rows: dict[str, list[Cell | None]], ours: set[str]
) -> str:
    """Counts in coloured cells."""
    left, top, gap = NAMES, 88, 3
    width = (WIDTH - left - 10) / len(columns)
    parts = [_heading(title, subtitle)]
    for number, column in enumerate(columns):
        middle = left + width * (number + 0.5)
        lines = column.split(" ", 1)
        parts += [
            _text(middle, top - 8 - 14 * (len(lines) - 1 - n), line, "quiet", "middle")
            for n, line in enumerate(lines)
        ]
    for index, (name, cells) in enumerate(rows.items()):
        y = top + ROW * index
        parts.append(_text(left - 8, y + 15, name, "ours-name" if name in ours else "", "end"))
        for number, cell in enumerate(cells):
            at = left + width * number
            parts.append(_box(at + gap / 2, y + gap / 2, width - gap, ROW - gap, _shade(cell)))
            if cell is not None:
                ink = "on" if _shade(cell) in {"all", "none"} else "dark"
                parts.append(_text(at + width / 2, y + 15, f"{cell.right}/{cell.all}", ink, "middle"))
            else:
                parts.append(_text(at + width / 2, y + 15, "–", "quiet", "middle"))
    return _svg(top + ROW * len(rows) + 14, title, parts)


def _shade(cell: Cell | None) -> str:
    if cell is None:
        return "absent"
    if cell.right == cell.all:
        return "all"
    return "none" if not cell.right else "most" if cell.right * 2 >= cell.all else "few"


def _heading(title: str, subtitle: str) -> str:
    return _text(12, 24, title, "title") + "\n" + _text(12, 43, subtitle, "quiet")


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    chosen = f' class="{kind}"' if kind else ""
    return f'<text{chosen} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _box(x: float, y: float, width: float, height: float, kind: str) -> str:
    size = f'width="{width:.1f}" height="{height:.1f}"'
    return f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" {size} rx="2"/>'


def _svg(height: float, title: str, parts: Sequence[str]) -> str:
    size = f'viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" height="{height:.0f}"'
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{escape(title)}">'
    ground = f'<rect class="ground" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1:.0f}" rx="8"/>'
    return "\n".join([opening, STYLE, ground, *parts, "</svg>\n"])
