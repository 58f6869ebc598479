"""The comparison of `make bench-check`, on made-up counts."""

from __future__ import annotations

from typing import Any

import pytest
from benches.counted.instructions import Machine, compare, rerecorded

TOOLS = {"rustc": "1.95.0", "valgrind": "3.19.0", "python": "3.11.7", "pydantic_core": "2.46.0"}
HERE = Machine("Linux x86_64", TOOLS)


def failing(now: int, name: str = "feed", **tools: str) -> bool:
    recorded = {"tools": TOOLS, "counts": {name: {"instructions": 10_000}}}
    return compare(recorded, Machine("Linux x86_64", TOOLS | tools), {name: now})[0].fails


def test_the_same_compiler_is_held_to_two_percent() -> None:
    assert not failing(10_200)
    assert failing(10_201)


def test_fewer_instructions_pass() -> None:
    assert not failing(5_000)


def test_another_compiler_is_held_to_fifteen_percent() -> None:
    assert not failing(11_400, rustc="1.96.0")
    assert failing(11_600, rustc="1.96.0")


def test_the_core_does_not_depend_on_python() -> None:
    assert failing(10_300, python="3.12.0")
    assert failing(10_300, pydantic_core="3.0.0")


def test_a_work_in_python_is_left_out_under_another_minor_version_only() -> None:
    assert not failing(90_000, "Python: feed", python="3.12.0")
    assert failing(90_000, "Python: feed", python="3.11.8")


@pytest.mark.parametrize(
    ("recorded", "counts"), [({}, {"feed": 1}), ({"feed": {"instructions": 1}}, {})], ids=["new", "gone"]
)
def test_what_is_on_one_side_only_fails(recorded: dict[str, Any], counts: dict[str, int]) -> None:
    assert compare({"tools": TOOLS, "counts": recorded}, HERE, counts)[0].fails


def test_a_rise_is_not_recorded_without_a_reason() -> None:
    old = rerecorded(None, HERE, {"feed": 10_000}, "")
    with pytest.raises(SystemExit, match="feed rose"):
        rerecorded(old, HERE, {"feed": 10_200}, "")


def test_reasons_are_kept() -> None:
    record = rerecorded(None, HERE, {"feed": 10_000}, "")
    record = rerecorded(record, HERE, {"feed": 11_000}, "exact at the end")
    record = rerecorded(record, HERE, {"feed": 9_000}, "")
    assert record["counts"]["feed"] == {
        "instructions": 9_000,
        "rose": [{"from": 10_000, "to": 11_000, "why": "exact at the end"}],
    }
