"""Mutation testing of the Python half: ``make mutants``, with ``MODULES="wire _pure.json_source"`` of those modules.

mutmut changes one thing in a function (a `<` to `<=`, an argument to None) and runs the tests that reach the
function; a mutant that no test notices is a *survivor*: a test is missing, or the change makes no difference. Which
of them make none is written in ``survivors.md`` beside this file.

mutmut has one list of tests for everything. Here each group of modules has its own, so that a mutant of the matcher
is not tried on every wire format: for each group a folder below ``build/mutants`` holds mutmut's configuration and its
results, which it keeps for functions that did not change. Only the pure twin runs; the Rust core has `make
mutants-rust`.
"""

from __future__ import annotations

import fnmatch
import os
import resource
import subprocess
import sys
from collections import Counter
from contextlib import chdir
from pathlib import Path
from typing import NamedTuple

from mutmut.configuration import reset_config
from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code
from mutmut.utils.file_utils import walk_mutatable_files

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WORK = ROOT / "build" / "mutants"
MEMORY = 4 << 30  # a mutant that appends for ever must not take the machine with it


class Group(NamedTuple):
    """Modules, as paths below ``python/holdback``, and the tests that know them."""

    modules: list[str]
    tests: list[str]


GROUPS = {
    "matcher": Group(
        ["_pure/*.py"],
        ["test_vectors.py", "test_matcher.py", "test_json_channel.py"],
    ),
    "bytes": Group(
        ["restorers/*.py", "engine/*.py", "sse.py"],
        [
            "test_frames.py",
            "test_sse.py",
            "test_wire.py",
            "test_wire_order.py",
            "test_wire_limits.py",
            "test_wire_vectors.py",
        ],
    ),
    "formats": Group(
        ["formats/*.py"],
        [
            "test_chunks.py",
            "test_chat.py",
            "test_chat_tools.py",
            "test_chat_odd.py",
            "test_text.py",
            "test_responses.py",
            "test_responses_objects.py",
            "test_anthropic.py",
            "test_gemini.py",
            "test_ollama.py",
            "test_auto.py",
            "test_answers.py",
            "test_field_reports.py",
            "test_field_reports_ends.py",
        ],
    ),
}
SKIPPED = ["--deselect=tests/test_matcher.py::test_long_keys_many_keys_and_keys_inside_keys"]
"""Tests about sheer size: minutes, once every call goes through mutmut."""


def lay_out(name: str, group: Group) -> Path:
    """The folder that mutmut works in: the tree through links, and its configuration."""
    folder = WORK / name
    folder.mkdir(parents=True, exist_ok=True)
    links = {name: name for name in ("tests", "examples", "tools", "pyproject.toml")}
    for link, target in {"src": "python", **links}.items():  # mutmut looks for sources below `src`
        if not (folder / link).is_symlink():
            (folder / link).symlink_to(os.path.relpath(ROOT / target, folder))
    lists = {
        "source_paths": ["src"],
        "also_copy": ["examples", "tools"],  # the tests' mapping, and what makes their vectors
        "only_mutate": [f"src/holdback/{module}" for module in group.modules],
        "pytest_add_cli_args_test_selection": [f"tests/{test}" for test in group.tests] + SKIPPED,
        "pytest_add_cli_args": [
            "-p",
            "no:cacheprovider",
            "-p",
            "quickest_first",
            "-o",
            "faulthandler_timeout=60",
        ],
    }
    lines = ["[mutmut]", "timeout_constant = 10", "timeout_multiplier = 2"]
    lines += ["\n    ".join([f"{name} =", *values]) for name, values in lists.items()]
    (folder / "setup.cfg").write_text("\n".join(lines) + "\n")
    return folder


def run(folder: Path, names: list[str]) -> None:
    """Let mutmut work: one mutant at a time, without the native twin, and the same way every time."""
    environment = {
        **os.environ,
        "HOLDBACK_PURE": "1",
        "PYTHONPATH": str(HERE),
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "",
    }
    subprocess.run(
        [sys.executable, "-m", "mutmut", "run", "--max-children", "1", *names],
        cwd=folder,
        env=environment,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)),
        check=True,
    )


def report(folder: Path) -> None:
    """A line for each module; the survivors as diffs go to ``survivors.diff``."""
    diffs = []
    with chdir(folder):
        reset_config()
        for path in sorted(walk_mutatable_files()):
            data = SourceFileMutationData(path=path)
            data.load()
            verdicts = {name: status_by_exit_code[code] for name, code in data.exit_code_by_key.items()}
            counts = Counter(verdicts.values())
            if not counts:
                continue
            told = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items()))
            print(f"{path.relative_to('src/holdback')!s:28} {counts.total():4} mutants: {told}")
            diffs += [
                f"# {name}: {verdict}\n{get_diff_for_mutant(name, path=path)}"
                for name, verdict in verdicts.items()
                if verdict not in {"killed", "timeout", "not checked"}
            ]
    (folder / "survivors.diff").write_text("\n".join(diffs))


def main(wanted: list[str]) -> None:
    """All groups, or only these: names of groups, or of modules below ``holdback``."""
    for name, group in GROUPS.items():
        known = [module.removesuffix(".py").replace("/", ".") for module in group.modules]
        modules = [module for module in wanted if any(fnmatch.fnmatch(module, one) for one in known)]
        if not wanted or name in wanted or modules:
            folder = lay_out(name, group)
            run(folder, [] if name in wanted else [f"holdback.{module}.*" for module in modules])
            report(folder)


if __name__ == "__main__":
    main(sys.argv[1:])
