"""What was found, for people and for machines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from holdback.check.cases import COLUMNS
from holdback.check.runner import NONE, OK, WRONG, Finding, Row

MARKS = {OK: "ok", WRONG: "WRONG", NONE: "-"}
MOST = 240
"""Characters of a text that is shown."""


def table(rows: Sequence[Row], allowed: Sequence[str]) -> str:
    """The table, and below it what is wrong."""
    heads = ["format", *COLUMNS]
    lines = [heads]
    for row in rows:
        if row.is_served:
            lines.append([row.protocol, *(_cell(row, column) for column in COLUMNS)])
        else:
            lines.append([row.protocol, "not served"])
    widths = [
        max(len(line[at]) for line in lines if len(line) > at and len(line) != 2) for at in range(len(heads))
    ]
    widths[0] = max(len(line[0]) for line in lines)
    text = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=False)).rstrip()
        for line in lines
    ]
    for row in rows:
        for column, findings in row.findings.items():
            note = " (allowed)" if column in allowed else ""
            text += ["", f"{row.protocol}, {column}{note}: {COLUMNS[column]}"]
            for finding in findings:
                text += _lines(finding)
    return "\n".join(text)


def _cell(row: Row, column: str) -> str:
    mark = MARKS[row.cells[column]]
    if column == "first text" and row.seconds:
        return f"{mark} {row.seconds['proxy'] * 1000:.1f} ms (direct {row.seconds['direct'] * 1000:.1f})"
    return mark


def _lines(finding: Finding) -> list[str]:
    lines = [f"  {finding.case}: {finding.what}"]
    if finding.came or finding.right:
        lines += [f"    came:  {_short(finding.came)}", f"    right: {_short(finding.right)}"]
    return lines


def _short(text: str) -> str:
    shown = json.dumps(text, ensure_ascii=False)
    return shown if len(shown) <= MOST else f"{shown[:MOST]}..."


def as_json(rows: Sequence[Row], url: str, allowed: Sequence[str]) -> str:
    """The same for machines: times in seconds."""
    formats: list[dict[str, Any]] = [
        {
            "format": row.protocol,
            "served": row.is_served,
            "columns": row.cells,
            "findings": [
                {"column": column, **finding._asdict()}
                for column, findings in row.findings.items()
                for finding in findings
            ],
            "first_text": row.seconds,
        }
        for row in rows
    ]
    found = {"url": url, "holds": holds(rows, (), allowed), "allowed": list(allowed), "formats": formats}
    return json.dumps(found, indent=2, ensure_ascii=False)


def holds(rows: Sequence[Row], named: Sequence[str], allowed: Sequence[str]) -> bool:
    """Whether every column holds in each format that is served; one that was named must be served."""
    return any(row.is_served for row in rows) and all(
        (row.is_served or row.protocol not in named) and not row.findings.keys() - set(allowed)
        for row in rows
    )
