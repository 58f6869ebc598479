"""Measured figures beside their targets, and tables of them, as every bench prints them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Medians = Mapping[str, float]
"""Seconds of each contender."""

figures: list[tuple[str, str, str, str]] = []


def ratio(medians: Medians, slow: str, fast: str) -> float | None:
    """How many times as long ``slow`` takes; None if one of the two is not here."""
    return medians[slow] / medians[fast] if slow in medians and fast in medians else None


def figure(name: str, value: float | None, at_least: float = 0, at_most: float = 0, unit: str = "x") -> None:
    """Note one measured value beside its target."""
    target = f">= {at_least:g}{unit}" if at_least else f"<= {at_most:g}{unit}"
    if value is None:
        figures.append((name, "", target, "-"))
        return
    reached = value >= at_least if at_least else value <= at_most
    figures.append((name, f"{value:.3g}{unit}", target, "ok" if reached else "MISSED"))


def table(title: str, rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns, the first one to the left."""
    print(f"\n{title}")
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print(
            "  "
            + "  ".join(f"{cell:{'<' if n == 0 else '>'}{widths[n]}}" for n, cell in enumerate(row)).rstrip()
        )
