"""What holds for every file of sources: how long it may be, and that tests share what stands in ``tests/support``."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("python", "rust", "tests", "benches", "fuzz", "tools", "examples")
MADE = {"target", "__pycache__", "build"}
MOST_LINES = 400


def sources(*suffixes: str) -> list[Path]:
    found = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in suffixes]
    return [path for path in found if not MADE & set(path.parts)]


def test_no_file_is_longer_than_one_can_read() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in sources(".py", ".pyi", ".rs")
        if (lines := path.read_text(encoding="utf-8").count("\n")) > MOST_LINES
    }
    assert not long


def test_no_test_imports_another() -> None:
    imports = re.compile(r"^\s*(?:from|import) test_\w+", re.MULTILINE)
    assert not [path.name for path in sources(".py") if imports.search(path.read_text(encoding="utf-8"))]
