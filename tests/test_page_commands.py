"""What the pages say to type: each command is there, takes these options, and finds the files it names.

Commands are taken apart, not run: some install, some never end. What a line writes, a later one of its block may read.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from holdback import cli
from pages import PAGES, ROOT, Block, blocks

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z0-9-]+):", MAKEFILE, re.MULTILINE))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
# Of programs of others: the options that the pages may use.
OPTIONS = {"curl": {"-N", "-d", "-H"}, "cargo": {"-q", "-p", "--example"}}


class Command(NamedTuple):
    """One command of a line."""

    settings: dict[str, str]  # environment variables put before it
    words: list[str]
    output: str  # the file it writes to, or nothing


def commands(source: str) -> Iterator[Command]:
    for line in re.sub(r"\|\n", "| ", source).splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|>&")
        lexer.whitespace_split = True
        words = list(lexer)
        while words:
            end = next((at for at, word in enumerate(words) if word in {"|", "&&"}), len(words))
            command, words = words[:end], words[end + 1 :]
            settings: dict[str, str] = {}
            while re.match(r"[A-Z_]+=", command[0]):
                name, _, settings[name] = command.pop(0).partition("=")
            output = ""
            if ">" in command:
                assert command[-2] == ">"
                command, output = command[:-2], command[-1]
            yield Command(settings, command, output)


def check(source: str) -> None:
    written: set[str] = set()
    for command in commands(source):
        name = command.words[0]
        assert name in CHECKS, name
        CHECKS[name](command, written)
        if command.output:
            written.add(command.output)


def pip(command: Command, _written: set[str]) -> None:
    assert command.words[:2] == ["pip", "install"]
    groups = PROJECT["dependency-groups"]
    of_groups = {re.split(r"[><=]", wanted)[0] for wanted in [*groups["web"], *groups["frameworks"]]}
    for wanted in command.words[2:]:
        name, _, extras = wanted.removesuffix("]").partition("[")
        name = PROJECT["project"]["name"] if name == "." else name  # in a clone
        if name == "litellm":  # its proxy; of the group of that name
            continue
        if name == PROJECT["project"]["name"]:
            extra = {extra for extra in extras.split(",") if extra}
            assert extra <= PROJECT["project"]["optional-dependencies"].keys(), wanted
        else:
            assert name in of_groups, wanted


def make(command: Command, _written: set[str]) -> None:
    for word in command.words[1:]:
        name, is_variable, _ = word.partition("=")
        known = re.search(rf"\b{name}\b", MAKEFILE) if is_variable else word in TARGETS
        assert known, f"make {word}"


def umask(command: Command, _written: set[str]) -> None:
    assert command.words[1:] == ["077"], "what holds real values is its owner's alone"


def echo(command: Command, _written: set[str]) -> None:
    _, text = command.words
    if command.output.endswith(".json"):
        pairs = json.loads(text)
        assert isinstance(pairs, dict)
        kinds = {type(value) for value in pairs.values()}
        assert kinds in ({str}, {list}), "a map, or values by their types"


def uvicorn(command: Command, _written: set[str]) -> None:
    main = pytest.importorskip("uvicorn").main
    options = {option for parameter in main.params for option in parameter.opts}
    assert {word for word in command.words if word.startswith("--")} <= options
    given = main.make_context("uvicorn", command.words[1:]).params
    module, _, name = given["app"].partition(":")
    folder = given["app_dir"] or str(ROOT / "python")
    source = (ROOT / folder / Path(*module.split("."))).with_suffix(".py").read_text(encoding="utf-8")
    defined = {node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}
    assigned = set(re.findall(r"^(\w+) = ", source, re.MULTILINE))
    assert name in (defined if given["factory"] else assigned)
    assert all(setting in source for setting in command.settings)


def litellm(command: Command, _written: set[str]) -> None:
    """Its command is only where it is installed: what is shown is what tests/support/litellm_process.py runs."""
    assert {word for word in command.words if word.startswith("--")} <= {
        "--config",
        "--port",
        "--num_workers",
    }


def curl(command: Command, _written: set[str]) -> None:
    _, *options = command.words
    assert {word for word in options if word.startswith("-")} <= OPTIONS["curl"]
    if "-d" in options:
        assert json.loads(options[options.index("-d") + 1]).keys() >= {"model", "messages"}
    assert any(re.match(r"https?://", word) for word in options) or "…" in options


def cargo(command: Command, written: set[str]) -> None:
    _, run, *rest = command.words
    end = rest.index("--")
    options, files = rest[:end], rest[end + 1 :]
    assert run == "run"
    assert {word for word in options if word.startswith("-")} == OPTIONS["cargo"]
    (crate,) = [
        path.parent
        for path in (ROOT / "rust").glob("*/Cargo.toml")
        if f'name = "{options[options.index("-p") + 1]}"' in path.read_text(encoding="utf-8")
    ]
    assert (crate / "examples" / f"{options[options.index('--example') + 1]}.rs").is_file()
    assert set(files) <= written


def python(command: Command, _written: set[str]) -> None:
    first, *rest = command.words[1:]
    if first == "-c":
        compile(rest[0], "-c", "exec")
    elif first == "-m":
        module = Path(*rest[0].split("."))
        places = [ROOT / module / "__main__.py", (ROOT / "python" / module).with_suffix(".py")]
        assert any(place.is_file() for place in places), rest[0]
    else:
        assert (ROOT / first).exists(), first


def holdback(command: Command, _written: set[str]) -> None:
    """The names of the command and of its options; what they are given is not there."""
    (subcommands,) = [
        action.choices for action in cli._parser()._actions if isinstance(action, argparse._SubParsersAction)
    ]
    _, name, *rest = command.words
    assert name in subcommands
    known = subcommands[name]._option_string_actions
    assert {word for word in rest if word.startswith("--")} <= known.keys()


CHECKS = {
    "pip": pip,
    "make": make,
    "umask": umask,
    "echo": echo,
    "uvicorn": uvicorn,
    "curl": curl,
    "cargo": cargo,
    "python": python,
    "holdback": holdback,
    "litellm": litellm,
}


@pytest.mark.parametrize("block", blocks("sh"), ids=lambda block: block.where)
def test_what_a_block_says_to_type_is_there(block: Block) -> None:
    check(block.source)


IN_PASSING = re.compile(r"`(?:\.venv/bin/)?((?:make|holdback|python|pip install) [^`\n]+)`")
NAMED = sorted({
    (page.relative_to(ROOT).as_posix(), shown)
    for page in PAGES
    for shown in IN_PASSING.findall(page.read_text(encoding="utf-8"))
})  # fmt: skip


@pytest.mark.parametrize(("page", "shown"), NAMED)
def test_what_a_page_names_in_passing_is_there(page: str, shown: str) -> None:
    check(shown)


def test_there_is_something_to_check() -> None:
    assert len(blocks("sh")) >= 9
    assert len(NAMED) >= 20


@pytest.mark.parametrize(
    "wrong",
    [
        "make everything",
        "make fuzz HOURS=3",
        "pip install holdback[nothing]",
        "pip install requests",
        "echo '[1]' > map.json",
        "uvicorn --factory holdback.gateway.app:nothing",
        "UPSTREAMS=x uvicorn --factory holdback.gateway.app:create",
        "uvicorn --nothing x:y",
        "cargo run -q -p holdback-core --example nothing -- map.json",
        "cargo run -q -p holdback-core --example gateway -- map.json",
        "python -m nothing",
        "python tools/nothing.py",
        "holdback nothing",
        "holdback restore --nothing",
        "nothing",
    ],
)
def test_a_wrong_command_is_seen(wrong: str) -> None:
    """Also the right example with a file that no line wrote."""
    with pytest.raises(AssertionError):
        check(wrong)
