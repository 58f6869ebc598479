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
import tomllib
from contextlib import redirect_stdout
from pathlib import Path

import pytest

import holdback
import holdback.masking
import holdback.stores
from command_line import environment
from holdback import _backend
from pages import HOSTED, PAGES, ROOT, Block, blocks, every_block

EXAMPLES = [block for block in blocks("python") if not block.source.startswith(">>> ")]
SESSIONS = [block for block in blocks("python") if block.source.startswith(">>> ")]
ANYWHERE = {"python", "console", "sh", "toml"}
"""Languages whose blocks are tested wherever they stand: here, and by ``test_page_commands.py``."""
LAYERS = "docs/design.md"
"""The one page with a drawing in letters."""


@pytest.mark.parametrize("block", every_block(), ids=lambda block: f"{block.where} {block.language}")
def test_every_block_is_tested(block: Block) -> None:
    if block.language == "text":
        outputs = [other.shown for other in every_block() if other.page == block.page]
        assert block.source in outputs or block.page == LAYERS, "output of nothing"
    elif block.language.startswith("{"):
        assert block.page.startswith("docs/"), "a directive, which only `make docs` reads"
    elif block.language not in ANYWHERE or (block.page, block.language) in HOSTED:
        host = HOSTED[block.page, block.language]
        test = (ROOT / host.test).read_text(encoding="utf-8")
        taken = f'hosted("{block.page}", "{block.language}")', f'include_str!("../{Path(block.page).name}")'
        assert any(way in test for way in taken), "no test runs it"
        assert len([b for b in blocks(block.language) if b.page == block.page]) == host.blocks


def test_a_block_that_is_to_be_run_is_there() -> None:
    assert {(block.page, block.language) for block in every_block()} >= set(HOSTED)


@pytest.mark.parametrize("block", EXAMPLES, ids=lambda block: block.where)
def test_an_example_prints_what_is_shown(block: Block, backend: str) -> None:
    assert block.shown, "an example shows what it prints"
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(compile(rebound(block.source), block.where, "exec"), {"__name__": "example"})
    assert printed.getvalue() == block.shown


@pytest.mark.parametrize("page", sorted({block.page for block in SESSIONS}))
def test_a_page_s_sessions_hold(page: str, backend: str) -> None:
    """All sessions of a page are one: a later one may use what an earlier one defined."""
    source = "\n".join(block.source for block in SESSIONS if block.page == page)
    session = doctest.DocTestParser().get_doctest(rebound(source), {}, page, page, 0)
    assert session.examples
    complaints = io.StringIO()
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.REPORT_NDIFF)
    assert runner.run(session, out=complaints.write).failed == 0, complaints.getvalue()


DOCUMENTED = sorted(
    {*(ROOT / "python" / "holdback").rglob("*.py"), ROOT / "python" / "holdback" / "_native.pyi"}
)
DOCUMENTED = [source for source in DOCUMENTED if "    >>> " in source.read_text(encoding="utf-8")]
HOSTS = {
    "langchain.py": [pytest.mark.frameworks],
    "litellm.py": [pytest.mark.litellm],
    "privaite.py": [pytest.mark.privaite],
    "redis.py": [pytest.mark.stores],
    "sqlite.py": [pytest.mark.stores],
}
WITHOUT_EXAMPLE = {"create_app"}
"""It needs a configuration of its host: tests/integrations/test_privaite.py makes one."""


def public_docstrings() -> dict[str, str]:
    """Of every public class and function, read and not imported: a host may not be there."""
    found = {}
    for source in (
        *(ROOT / "python" / "holdback").glob("*.py*"),
        *(ROOT / "python").rglob("integrations/*.py"),
        *(ROOT / "python").rglob("restorers/*.py"),
        *(ROOT / "python").rglob("masking/*.py"),
        *(ROOT / "python").rglob("stores/*.py"),
    ):
        tree = ast.parse(source.read_text(encoding="utf-8"))
        names = {
            name
            for node in tree.body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
            for name in ast.literal_eval(node.value)
        }
        if source.parent.name in ("masking", "stores"):
            names = set(holdback.masking.__all__) | set(holdback.stores.__all__)
        if source.parent.name in {"holdback", "restorers"}:
            names = (names | set(holdback.__all__)) - {
                "Forms",
                "Guard",
                "JsonPlaces",
                "Lane",
                "Places",
                "Rules",
                "Shapes",
                "Values",
                "is_native",
                "keyed_placeholders",
            }  # for the byte layer and for masking
        for node in tree.body:
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name in names:
                found[f"{source.name}:{node.name}"] = ast.get_docstring(node) or ""
    return found


@pytest.mark.parametrize(("name", "docstring"), public_docstrings().items())
def test_every_public_name_shows_an_example(name: str, docstring: str) -> None:
    assert ">>> " in docstring or name.partition(":")[2] in WITHOUT_EXAMPLE


def test_no_public_name_is_overlooked() -> None:
    named = {name.partition(":")[2] for name in public_docstrings()}
    modules = {
        "BACKEND",
        "__version__",
        "aio",
        "sync",
        "spellings",
    }  # the last is an object of class Spellings
    assert named > set(holdback.__all__) - modules
    assert named >= {"HoldbackGuardrail", "RestoreMiddleware", "mask_request", "install", "restore_bytes"}


@pytest.mark.usefixtures("hosted")
@pytest.mark.parametrize(
    "source",
    [pytest.param(source, marks=HOSTS.get(source.name, []), id=source.name) for source in DOCUMENTED],
)
def test_what_a_docstring_shows_holds(source: Path, backend: str) -> None:
    """Each docstring is a session of its own, with the names of its module."""
    if source.name == "prometheus.py":
        pytest.importorskip("prometheus_client", reason="prometheus-client is not installed")
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


@pytest.mark.parametrize(
    "block",
    [block for block in blocks("toml") if (block.page, "toml") not in HOSTED],
    ids=lambda block: block.where,
)
def test_a_dependency_is_on_the_crate_as_it_is(block: Block) -> None:
    workspace = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))["workspace"]
    [(name, wanted)] = tomllib.loads(block.source)["dependencies"].items()
    folder = ROOT / Path(wanted["path"]).relative_to("../holdback")
    assert tomllib.loads((folder / "Cargo.toml").read_text(encoding="utf-8"))["package"]["name"] == name
    assert workspace["package"]["version"].startswith(wanted["version"] + ".")


def test_the_drawn_layers_are_those_of_the_code() -> None:
    """Each module imports from its own layer and from those below."""
    drawings = [block.source for block in blocks("text") if block.page == LAYERS]
    (drawing,) = [drawing for drawing in drawings if "integrations" in drawing]
    where = {"TrieMatcher": "_backend", "StreamBuffer": "_backend", "StreamingHandler": "handler"}
    where |= {name: name for name in ("gateway", "integrations", "masking", "aio", "sync", "restorers")}
    where |= {name: name for name in ("formats", "engine")}
    rank = {
        where[name]: number
        for number, line in enumerate(drawing.splitlines())
        for name in re.findall(r"\w+", line)
        if name in where
    }
    assert rank.keys() == set(where.values())
    package = Path(holdback.__file__).parent
    for layer, number in rank.items():
        for source in (package / f"{layer}.py", *(package / layer).rglob("*.py")):
            text = source.read_text(encoding="utf-8") if source.exists() else ""
            imported = re.findall(r"^\s*(?:from|import) holdback\.(\w+)", text, re.MULTILINE)
            imported += re.findall(r"^from holdback import .*\b(aio|sync|handler)\b", text, re.MULTILINE)
            assert all(rank.get(name, number) >= number for name in imported), source.name


def anchors(page: Path) -> list[str]:
    """What the titles of a page can be linked by, as GitHub and the documentation name them."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", title).lower().replace(" ", "-") for title in titles]


MEASURED = [ROOT / "benches" / "RESULTS.md", ROOT / "benches" / "SCALE.md"]


@pytest.mark.parametrize("page", [*PAGES, *MEASURED], ids=lambda page: str(page.relative_to(ROOT)))
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


def test_the_table_is_filled_in() -> None:
    assert not re.search(r"@\w+@", (ROOT / "README.md").read_text(encoding="utf-8"))


def test_there_are_examples_to_run() -> None:
    """Else a change of the fences would pass unseen."""
    assert len(EXAMPLES) >= 3
    assert len(SESSIONS) >= 10
    assert blocks("console")


def test_every_guarantee_has_its_section() -> None:
    text = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (G\d+) ", text, re.MULTILINE) == [f"G{number}" for number in range(1, 13)]
