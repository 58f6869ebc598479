"""What can be called from outside, found in the package itself: a new name is there by itself."""

from __future__ import annotations

import argparse
import ast
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import holdback
from holdback import cli, masking, stores

INTEGRATIONS = Path(holdback.__file__).parent / "integrations"
INSIDE = {
    *("__init__", "asgi_requests", "asgi_sockets", "langchain_messages"),
    *("libraries", "litellm_masking", "opening", "pieces"),
    *("requests", "transports", "way_out"),
}
"""Modules of the integrations that users do not import."""

METHOD = (ast.FunctionDef, ast.AsyncFunctionDef)


def public() -> set[str]:
    """Every public name, with the public methods and attributes of its class, and every command."""
    return {*_of_package(), *_of_modules(), *_of_integrations(), *(f"cli.{name}" for name in _commands())}


def _of_package() -> Iterator[str]:
    for name in holdback.__all__:
        thing = getattr(holdback, name)
        if isinstance(thing, ModuleType):
            yield from (f"{name}.{inner}" for inner in thing.__all__)
        elif not isinstance(thing, str):
            yield name
            if isinstance(thing, type) and not issubclass(thing, Exception):
                yield from (f"{name}.{member}" for member in _members(thing))


def _of_modules() -> Iterator[str]:
    """Of the modules that are imported by their own names."""
    for module in (masking, stores):
        for name in module.__all__:
            thing = getattr(module, name)
            yield f"{module.__name__.rpartition('.')[2]}.{name}"
            if isinstance(thing, type) and not issubclass(thing, Exception):
                yield from (f"{thing.__module__.split('.')[1]}.{name}.{member}" for member in _members(thing))


def _members(kind: type) -> Iterator[str]:
    own = [base for base in kind.__mro__ if base.__module__.partition(".")[0] == "holdback"]
    names = {name for base in own for name in (*vars(base), *vars(base).get("__annotations__", ()))}
    yield from (name for name in names if not name.startswith("_") and name != "model_config")


def _of_integrations() -> Iterator[str]:
    """Read, not imported: a host may not be there."""
    for path in INTEGRATIONS.glob("*.py"):
        if path.stem in INSIDE:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8")).body
        (names,) = [
            ast.literal_eval(node.value)
            for node in tree
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        ]
        yield from (f"{path.stem}.{name}" for name in names)
        for node in tree:
            if isinstance(node, ast.ClassDef) and node.name in names:
                members = [member.name for member in node.body if isinstance(member, METHOD)]
                public = (name for name in members if not name.startswith("_") or name == "__call__")
                yield from (f"{path.stem}.{node.name}.{name}" for name in public)


def _commands() -> Iterator[str]:
    for action in cli._parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices
