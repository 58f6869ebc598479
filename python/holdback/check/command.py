"""The command: its options, its progress, and its exit code."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from typing import TextIO
from urllib.parse import urlsplit

from holdback.check.answers import LEFT_OUT, WRITERS
from holdback.check.cases import COLUMNS
from holdback.check.client import Target
from holdback.check.known import MODEL, PORT, setup
from holdback.check.provider import serving
from holdback.check.runner import Check
from holdback.check.table import as_json, holds, table
from holdback.errors import HoldbackError

HOLDS, DOES_NOT = 0, 1


def add_to(parser: argparse.ArgumentParser) -> None:
    """Give the command its options."""
    parser.add_argument(
        "url", nargs="?", metavar="URL", help="the address of the proxy, such as http://127.0.0.1:8000"
    )
    parser.add_argument("--print-setup", action="store_true", help="say what the proxy must be told, and end")
    parser.add_argument(
        "--format", action="append", choices=list(WRITERS), metavar="NAME",
        help=f"a format to check, again for more (default: all that are served): {', '.join(WRITERS)}",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.add_argument(
        "--allow", action="append", choices=list(COLUMNS), default=[], metavar="COLUMN",
        help=f"a column that need not hold: {', '.join(COLUMNS)}",
    )  # fmt: skip
    parser.add_argument(
        "--model",
        action="append",
        default=[],
        metavar="[FORMAT=]NAME",
        help=f"the model to ask for (default: {MODEL})",
    )
    parser.add_argument(
        "--key-env", metavar="NAME", help="the environment variable that holds the proxy's key"
    )
    parser.add_argument("--provider-port", type=_port, default=PORT, metavar="N", help=f"default: {PORT}")
    parser.add_argument("--timeout", type=_seconds, default=60.0, metavar="SECONDS", help="default: 60")
    parser.add_argument(
        "--restores-only", action="store_true", help="the proxy masks nothing: requests have the placeholders"
    )


def run(options: argparse.Namespace, out: TextIO, progress: TextIO | None) -> int:
    """Check; returns 0 if everything holds and 1 if something does not.

    :raises HoldbackError: it cannot be checked.
    """
    models = _models(options.model)
    if options.print_setup:
        print(
            setup(options.provider_port, ", ".join(sorted(set(models.values()))) or MODEL), file=out, end=""
        )
        return HOLDS
    if not options.url:
        raise HoldbackError("check needs the URL of a proxy, or --print-setup")
    key = "check"
    if options.key_env:
        key = os.environ.get(options.key_env, "")
        if not key:
            raise HoldbackError(f"the environment variable {options.key_env} is not set")
    named = options.format or []
    with serving(options.provider_port) as provider:
        target = Target(options.url, key, options.timeout, models)
        check = Check(target, provider, masks=not options.restores_only, say=_progress(progress))
        rows = list(check.rows(named or WRITERS))
    if progress is not None and progress.isatty():
        print("\r\033[K", end="", file=progress, flush=True)
    if not any(row.is_served for row in rows):
        raise HoldbackError("the proxy serves none of the formats at the paths of the providers")
    print(
        as_json(rows, _plain(options.url), options.allow) if options.json else table(rows, options.allow),
        file=out,
    )
    return HOLDS if holds(rows, named, options.allow) else DOES_NOT


def _plain(url: str) -> str:
    """The address without credentials."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _progress(stream: TextIO | None) -> Callable[[str], None]:
    """One line that is written over on a terminal; elsewhere a line for each format."""
    if stream is None:
        return lambda _: None
    if stream.isatty():
        return lambda text: print(f"\r\033[K{text}", end="", file=stream, flush=True)
    said: set[str] = set()

    def say(text: str) -> None:
        name = text.partition(":")[0]
        if name not in said:
            said.add(name)
            print(f"holdback: checking {name}", file=stream, flush=True)

    return say


def _models(given: list[str]) -> dict[str, str]:
    """By format; the one for all others under the empty name."""
    models: dict[str, str] = {}
    for text in given:
        name, has_format, model = text.partition("=")
        if has_format and name not in WRITERS:
            if name in LEFT_OUT:
                raise HoldbackError(f"--model: {name} is not checked: {LEFT_OUT[name]}")
            raise HoldbackError(f"--model: unknown format; known are: {', '.join(WRITERS)}")
        models[name if has_format else ""] = model if has_format else text
    return models


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) < 65536:
        return int(text)
    raise argparse.ArgumentTypeError("must be a port, 0 to 65535")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if 0 < seconds < float("inf"):
        return seconds
    raise argparse.ArgumentTypeError("must be a number of seconds, more than 0")
