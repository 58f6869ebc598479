"""What README and docs show: every example runs on both backends, every link leads somewhere."""

from __future__ import annotations

import ast
import doctest
import importlib
import io
import re
import shutil
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import NamedTuple

import pytest

from holdback import _backend
from test_cli import environment

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md"), ROOT / "examples" / "README.md"])
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A fenced block; ``shown`` is the text block right after it, which is its output."""

    where: str
    source: str
    shown: str


def blocks(language: str, *, sessions: bool = False) -> list[Block]:
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        fences = list(FENCE.finditer(text))
        for fence, after in zip(fences, [*fences[1:], None], strict=False):
            if fence[1] != language or fence[2].startswith(">>> ") != sessions:
                continue
            follows = (
                after is not None and after[1] == "text" and not text[fence.end() : after.start()].strip()
            )
            where = f"{page.relative_to(ROOT)}:{text.count(chr(10), 0, fence.start()) + 1}"
            found.append(Block(where, fence[2], after[2] if after is not None and follows else ""))
    return found


@pytest.mark.parametrize("block", blocks("python"), ids=lambda block: block.where)
def test_an_example_prints_what_is_shown(block: Block, backend: str) -> None:
    assert block.shown, "an example shows what it prints"
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(compile(rebound(block.source), block.where, "exec"), {"__name__": "example"})
    assert printed.getvalue() == block.shown


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if "\n>>> " in page.read_text(encoding="utf-8")],
    ids=lambda page: page.name,
)
def test_a_page_s_sessions_hold(page: Path, backend: str) -> None:
    """All sessions of a page are one: a later one may use what an earlier one defined."""
    name = str(page.relative_to(ROOT))
    source = "\n".join(
        block.source for block in blocks("python", sessions=True) if block.where.startswith(name + ":")
    )
    session = doctest.DocTestParser().get_doctest(rebound(source), {}, name, name, 0)
    assert session.examples
    complaints = io.StringIO()
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.REPORT_NDIFF)
    assert runner.run(session, out=complaints.write).failed == 0, complaints.getvalue()


DOCUMENTED = sorted(
    {*(ROOT / "python" / "holdback").rglob("*.py"), ROOT / "python" / "holdback" / "_native.pyi"}
)
DOCUMENTED = [source for source in DOCUMENTED if "    >>> " in source.read_text(encoding="utf-8")]


@pytest.mark.parametrize("source", DOCUMENTED, ids=lambda source: source.name)
def test_what_a_docstring_shows_holds(source: Path, backend: str) -> None:
    """Each docstring is a session of its own, with the names of its module."""
    name = ".".join(source.relative_to(ROOT / "python").with_suffix("").parts).removesuffix(".__init__")
    module = importlib.import_module("holdback" if name == "holdback._native" else name)
    complaints = io.StringIO()
    tried = 0
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            shown = rebound(ast.get_docstring(node) or "")
            names = {**vars(module), **vars(_backend)}
            session = doctest.DocTestParser().get_doctest(shown, names, name, str(source), 0)
            runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.REPORT_NDIFF)
            assert runner.run(session, out=complaints.write).failed == 0, complaints.getvalue()
            tried += len(session.examples)
    assert tried


def rebound(source: str) -> str:
    """Let an example take the matcher of the backend under test, which holdback chose once, at import."""
    return source.replace("from holdback import TrieMatcher\n", "from holdback._backend import TrieMatcher\n")


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs a shell")
@pytest.mark.parametrize("block", blocks("console"), ids=lambda block: block.where)
def test_a_shell_session_prints_what_is_shown(block: Block, tmp_path: Path) -> None:
    lines = block.source.splitlines()
    commands = [line[2:] for line in lines if line.startswith("$ ")]
    prelude = f'set -e; holdback() {{ "{sys.executable}" -m holdback "$@"; }}'
    run = subprocess.run(
        ["bash", "-c", "\n".join([prelude, *commands])],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.splitlines() == [line for line in lines if not line.startswith("$ ")]


def anchors(page: Path) -> list[str]:
    """What the titles of a page can be linked by, as GitHub and the documentation name them."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", title).lower().replace(" ", "-") for title in titles]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_and_every_file_named_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for link in re.findall(
        r"\]\(([^)]+)\)", re.sub(r"```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    ):
        if not link.startswith("https://"):
            name, _, anchor = link.partition("#")
            target = page.parent / name if name else page
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link
    for named in re.findall(r"`(tests/[\w/]+\.py)`", text):
        assert (ROOT / named).is_file(), named


def test_every_make_target_is_there() -> None:
    named = set(re.findall(r"\bmake ([a-z0-9-]+)", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert named >= {"demo", "test", "bench"}
    assert named <= set(
        re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    )


def test_the_table_is_filled_in() -> None:
    assert not re.search(r"@\w+@", (ROOT / "README.md").read_text(encoding="utf-8"))


def test_there_are_examples_to_run() -> None:
    """Else a change of the fences would pass unseen."""
    assert len(blocks("python")) >= 3
    assert len(blocks("python", sessions=True)) >= 10
    assert blocks("console")


def test_every_guarantee_has_its_section() -> None:
    text = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (G\d+) ", text, re.MULTILINE) == [f"G{number}" for number in range(1, 11)]
