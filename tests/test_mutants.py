"""What ``make mutants`` is told to change and to run is there."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TOOL = ROOT / "tools" / "mutants" / "__main__.py"


def groups() -> list[tuple[list[str], list[str]]]:
    """The modules and tests of each group; mutmut, which the tool imports, need not be installed."""
    tree = ast.parse(TOOL.read_text(encoding="utf-8"))
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Group"
    ]
    return [tuple(ast.literal_eval(part) for part in call.args) for call in calls]


GROUPS = groups()


def test_there_are_groups() -> None:
    assert len(GROUPS) >= 3


@pytest.mark.parametrize("pattern", [pattern for modules, _ in GROUPS for pattern in modules])
def test_a_pattern_names_modules(pattern: str) -> None:
    assert list((ROOT / "python" / "holdback").glob(pattern))


@pytest.mark.parametrize("name", [name for _, tests in GROUPS for name in tests])
def test_a_test_is_there(name: str) -> None:
    assert (ROOT / "tests" / name).is_file()


def test_deselected_tests_are_there() -> None:
    tree = ast.parse(TOOL.read_text(encoding="utf-8"))
    skipped = [
        node.value.removeprefix("--deselect=")
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.startswith("--deselect=")
    ]
    assert skipped
    for name in skipped:
        path, _, test = name.partition("::")
        assert f"def {test}(" in (ROOT / path).read_text(encoding="utf-8")
