"""Report and Counts: only types of the mapping are named, a report is frozen, and reports add up."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdback.policy import REASONS
from holdback.report import OTHER, Counts, Report

TYPES = ["PERSON", "EMAIL"]
ASKED = st.sampled_from([*TYPES, "Zorblatt", "", None])
STEPS = st.one_of(
    st.tuples(st.sampled_from(["restored", "unknown", "cut"]), ASKED),
    st.tuples(st.just("kept"), st.sampled_from(REASONS), ASKED),
    st.tuples(st.sampled_from(["oversized", "not_understood"])),
)


def counted(steps: list[Any]) -> Report:
    counts = Counts(TYPES)
    for name, *arguments in steps:
        getattr(counts, name)(*arguments)
    return counts.report()


def total(report: Report) -> int:
    tables = [report.restored, report.unknown, report.cut, *report.kept.values()]
    return sum(sum(table.values()) for table in tables) + report.oversized + report.not_understood


@given(st.lists(STEPS))
def test_everything_is_counted_once_and_nothing_foreign_is_named(steps: list[Any]) -> None:
    report = counted(steps)
    assert total(report) == len(steps)
    assert report.is_empty == (not steps)
    named = {
        name
        for table in (report.restored, report.unknown, report.cut, *report.kept.values())
        for name in table
    }
    assert named <= {*TYPES, OTHER}
    for shown in (repr(report), str(report), report.as_json()):
        assert "Zorblatt" not in shown


@given(st.lists(STEPS), st.lists(STEPS))
def test_reports_add_up(one: list[Any], other: list[Any]) -> None:
    together = counted(one + other)
    assert counted(one) + counted(other) == together
    assert Report.merged([counted(one), counted(other)]) == together
    assert together.as_json() == (counted(one) + counted(other)).as_json()


@given(st.lists(STEPS))
def test_json_holds_all_of_it(steps: list[Any]) -> None:
    report = counted(steps)
    assert Report(**json.loads(report.as_json())) == report


def test_a_report_does_not_change() -> None:
    counts = Counts(TYPES)
    counts.kept("address", "EMAIL", 2)
    report = counts.report()
    counts.kept("address", "EMAIL")
    counts.restored("PERSON")
    assert report == Report(kept={"address": {"EMAIL": 2}})
    with pytest.raises(dataclasses.FrozenInstanceError):
        report.oversized = 1  # type: ignore[misc]


def test_none_at_all() -> None:
    assert Report.merged([]) == Counts().report() == Report()
    assert str(Report()) == "no placeholder came"


def test_the_table() -> None:
    report = Report(
        restored={"PERSON": 12, "EMAIL": 3},
        kept={"address": {"EMAIL": 1}, "tool": {OTHER: 2}},
        unknown={"PERSON": 1},
        cut={OTHER: 1},
        oversized=1,
        not_understood=2,
    )
    assert (
        str(report)
        == """\
restored        EMAIL    3
restored        PERSON  12
kept (address)  EMAIL    1
kept (tool)     other    2
unknown         PERSON   1
cut             other    1
oversized       events   1
not understood  events   2"""
    )


def test_no_sum_with_anything_else() -> None:
    with pytest.raises(TypeError):
        Report() + 1
