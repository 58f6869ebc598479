"""The command ``holdback``: ``restore`` a stream in a pipe, serve a ``gateway``, ``check`` a proxy, watch a ``demo``,
take times with ``bench``, print ``info``.

``restore`` is a filter over bytes. A restorer takes what one read gave (``feed``) and returns what may be
written now, and at the end of the input the rest (``flush``): ``BodyRestorer`` for what a provider sends,
``PlainText`` for text. Nothing is buffered on the way, so text appears as it comes.

An input of which nothing was understood passes as it came, and one line on stderr says so: a wrong ``--protocol`` would
go unnoticed else.

Exit codes: 0 done; 1 checked, and something does not hold; 2 cannot be done, with one line on stderr that says why
(none if the reader of our output is gone); 130 interrupted. That line names files, positions and types, never a value
of the map.
"""

from __future__ import annotations

import argparse
import codecs
import contextlib
import os
import platform
import stat
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from holdback import __version__, _backend, bench, demo
from holdback.bodies import BodyOptions, BodyRestorer
from holdback.check import command as check
from holdback.config import DeanonymizationConfig
from holdback.errors import HoldbackError, MappingError, PolicyError
from holdback.formats import AUTO, FORMATS
from holdback.pairs import pairs_in
from holdback.policy import RestorePolicy
from holdback.report import Report
from holdback.restorers.text import StreamingDeAnonymizer

PLAIN = "plain"
READ_SIZE = 64 * 1024  # the most one read takes; a read returns as soon as there is anything

OK, CANNOT, INTERRUPTED = 0, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(arguments)
    code: int | None
    try:
        _check_stdout()
        code = options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_stdout()
        return CANNOT
    except KeyboardInterrupt:
        return INTERRUPTED
    except HoldbackError as error:
        _say(str(error))
        return CANNOT
    except OSError as error:
        _say(f"cannot write the output: {error.strerror}")
        _discard_stdout()
        return CANNOT
    return OK if code is None else code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="holdback", description="Put the real values back into a streaming LLM answer."
    )
    parser.add_argument("--version", action="version", version=f"holdback {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    restore = commands.add_parser("restore", help="restore an answer that comes in through a pipe")
    restore.add_argument("--map", required=True, metavar="MAP", help="JSON file: {placeholder: original}")
    restore.add_argument("--protocol", choices=[AUTO, PLAIN, *FORMATS], default=AUTO, help="default: auto")
    restore.add_argument(
        "--max-event-bytes",
        type=_bytes,
        metavar="N",
        help="the most bytes of one event, or of a whole answer",
    )
    restore.add_argument(
        "--oversized", choices=["pass", "raise"], help="what is larger passes unread, or is an error"
    )
    restore.add_argument(
        "--undecodable",
        choices=["pass", "raise"],
        default="raise",
        help="compressed input that cannot be decoded passes, or is an error (default: raise)",
    )
    restore.add_argument("--policy", metavar="POLICY", help="TOML file: where values may go")
    restore.add_argument(
        "--report",
        nargs="?",
        const="table",
        choices=["table", "json"],
        help="say on standard error what was restored, kept and cut off (default: table)",
    )
    restore.add_argument("file", nargs="?", default="-", metavar="FILE", help="default: standard input")
    restore.set_defaults(run=_restore)

    watch = commands.add_parser("demo", help="watch a recorded answer being restored")
    watch.add_argument(
        "--speed", type=_speed, metavar="N", help="times reading speed, 0: at once (default: 1 on a terminal)"
    )
    watch.set_defaults(run=lambda options: demo.play(sys.stdout, options.speed))

    measure = commands.add_parser("bench", help="take times on this machine, native beside pure Python")
    measure.add_argument("--json", action="store_true", help="for machines, with the quartiles")
    measure.add_argument(
        "--rounds",
        type=_rounds,
        default=bench.ROUNDS,
        metavar="N",
        help=f"default: {bench.ROUNDS}, some seconds",
    )
    measure.set_defaults(
        run=lambda options: bench.run(sys.stdout, sys.stderr, rounds=options.rounds, as_json=options.json)
    )

    ask = commands.add_parser(
        "check", help="ask a proxy that restores whether it does, by a fake provider behind it"
    )
    check.add_to(ask)
    ask.set_defaults(run=lambda options: check.run(options, sys.stdout, sys.stderr))

    _add_gateway(commands)
    info = commands.add_parser("info", help="print version, backend and platform")
    info.set_defaults(run=_info)
    return parser


# ---------------------------------------------------------------- gateway


def _add_gateway(commands: Any) -> None:
    gateway = commands.add_parser(
        "gateway", help="serve a privacy gateway: requests leave masked, answers come back restored"
    )
    add = gateway.add_argument
    add("--upstream", metavar="URL", help="the provider, such as https://api.openai.com")
    add("--values", metavar="FILE", help="JSON file of what must not leave: {entity type: [value, ...]}")
    add("--config", metavar="FILE", help="TOML file of settings; the other options go before it")
    add("--host", help="default: 127.0.0.1")
    add("--port", type=int, help="default: 8000")
    add("--fd", type=int, metavar="N", help="a socket that listens already, instead of host and port")
    add("--workers", type=int, metavar="N", help="processes; default: 1")
    add("--state", metavar="DIR", help="a folder that keeps key and conversations (default: in memory)")
    add("--store", metavar="STORE", help="none, memory:, sqlite:PATH or redis://...")
    add(
        "--fail",
        choices=["closed", "open"],
        help="what becomes of a request that cannot be masked: refused, or sent",
    )
    gateway.set_defaults(run=_gateway)


def _gateway(options: argparse.Namespace) -> None:
    try:
        run = import_module("holdback.gateway.command").run
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0].replace("_", "-")
        if missing not in ("httpx", "pydantic-settings", "starlette", "uvicorn"):
            raise
        raise HoldbackError(f"the gateway needs {missing}: pip install 'holdback[gateway]'") from None
    run(options)


# ---------------------------------------------------------------- restore


class Restorer(Protocol):
    """Bytes in, bytes out."""

    def feed(self, data: bytes) -> bytes: ...
    def flush(self) -> bytes: ...
    @property
    def report(self) -> Report: ...


class PlainText:
    """UTF-8 text as bytes. Invalid bytes and a character cut off at the end pass as they came."""

    __slots__ = ("_decoder", "_text")

    def __init__(self, pairs: Mapping[str, str], *, asks_unknown: bool = False) -> None:
        # A lone surrogate stands for an invalid byte here: in a map it would match, or make, such bytes.
        if any(not _is_utf8(text) for pair in pairs.items() for text in pair):
            raise MappingError("the map holds half a surrogate pair, which plain text cannot carry")
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._text = StreamingDeAnonymizer(pairs, _asks_unknown=asks_unknown)

    def feed(self, data: bytes) -> bytes:
        return _encode(self._text.feed(self._decoder.decode(data)))

    @property
    def report(self) -> Report:
        return self._text.report

    def flush(self) -> bytes:
        return _encode(self._text.feed(self._decoder.decode(b"", final=True)) + self._text.flush())


def _restore(options: argparse.Namespace) -> None:
    pairs = read_map(options.map)
    policy = None if options.policy is None else read_policy(options.policy)
    asks = options.report is not None
    protocol = options.protocol
    restorer: Restorer
    if protocol == PLAIN:
        if policy is not None:
            raise HoldbackError("--policy needs a protocol: plain text has no channels and no tools")
        restorer = PlainText(pairs, asks_unknown=asks)
    else:
        settings = (options.max_event_bytes, options.oversized, options.undecodable)
        config = DeanonymizationConfig(policy=policy, unknown=asks)
        restorer = BodyRestorer(pairs, config, options=BodyOptions(protocol, *settings))
    named = options.file != "-"
    with (
        _open(options.file if named else 0, "rb", options.file if named else "standard input") as source,
        _open(1, "wb", "standard output") as sink,
    ):
        try:
            came = _pump(source, restorer, sink)
            if came and isinstance(restorer, BodyRestorer) and not restorer.understood:
                what = "" if protocol == AUTO else f" as {protocol}"
                _say(f"warning: nothing in the input was understood{what}; it passed as it came")
        finally:
            if asks and sys.stderr is not None:
                report = restorer.report
                print(report.as_json() if options.report == "json" else report, file=sys.stderr)


def _pump(source: BinaryIO, restorer: Restorer, sink: BinaryIO) -> bool:
    """Everything from source to sink, through the restorer. What is held leaves even if reading fails.

    Returns whether anything came.
    """
    came = False
    try:
        while data := _read(source):
            came = True
            _write(sink, restorer.feed(data))
    except HoldbackError:
        with contextlib.suppress(HoldbackError):  # the first error is the one to tell
            _write(sink, restorer.flush())
        raise
    _write(sink, restorer.flush())
    return came


def _read(source: BinaryIO) -> bytes:
    try:
        return source.read(READ_SIZE)
    except OSError as error:
        raise HoldbackError(f"cannot read the input: {error.strerror}") from None


def _write(sink: BinaryIO, data: bytes) -> None:
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[sink.write(rest) or 0 :]
    except BrokenPipeError:
        raise
    except OSError as error:
        raise HoldbackError(f"cannot write the output: {error.strerror}") from None


def _open(file: str | int, mode: str, name: str) -> BinaryIO:
    """Open a path or a descriptor without a buffer."""
    try:
        opened: BinaryIO = open(file, mode, buffering=0, closefd=isinstance(file, str))  # type: ignore[assignment] # noqa: SIM115
    except OSError as error:
        raise HoldbackError(f"cannot open {name}: {error.strerror}") from None
    return opened


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _is_utf8(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text)


# ---------------------------------------------------------------- the map


def read_map(path: str) -> dict[str, str]:
    """Read ``{placeholder: original}`` from a JSON file; says so on stderr if others can read it too.

    A ``MappingError`` tells what is wrong by its place, never by its value.
    """
    try:
        with Path(path).open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            source = file.read()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = error.strerror if isinstance(error, OSError) else "not a path"
        raise MappingError(f"cannot read the map {path}: {reason}") from None
    if os.name == "posix" and stat.S_ISREG(mode) and mode & 0o044:
        _say(f"warning: other users can read the map {path} (mode {stat.S_IMODE(mode):03o}): chmod 600 it")
    return pairs_in(source, f"the map {path}")


def read_policy(path: str) -> RestorePolicy:
    """Read a policy from a TOML file; a ``PolicyError`` tells what is wrong."""
    try:
        return RestorePolicy.from_toml(path)
    except (OSError, ValueError) as error:
        if isinstance(error, HoldbackError):
            raise
        reason = error.strerror if isinstance(error, OSError) else "not a path"
        raise PolicyError(f"cannot read the policy {path}: {reason}") from None


# ---------------------------------------------------------------- the rest


def _info(options: argparse.Namespace) -> None:
    del options
    print(f"holdback {__version__}")
    print(f"backend  {_backend.BACKEND}")
    print(f"python   {platform.python_implementation()} {platform.python_version()}")
    print(f"platform {platform.platform()}")


def _speed(text: str) -> float:
    with contextlib.suppress(ValueError):
        speed = float(text)
        if 0 <= speed < float("inf"):
            return speed
    raise argparse.ArgumentTypeError("must be a number, 0 or more")


def _rounds(text: str) -> int:
    with contextlib.suppress(ValueError):
        rounds = int(text)
        if rounds > 0:
            return rounds
    raise argparse.ArgumentTypeError("must be a whole number, 1 or more")


def _bytes(text: str) -> int:
    with contextlib.suppress(ValueError):
        size = int(text)
        if size >= 0:
            return size
    raise argparse.ArgumentTypeError("must be a whole number, 0 or more")


def _say(line: str) -> None:
    if sys.stderr is not None:  # closed: to print, None would mean standard output
        print(f"holdback: {line}", file=sys.stderr)


def _check_stdout() -> None:
    if sys.stdout is None:
        raise HoldbackError("cannot write the output: it is closed")


def _discard_stdout() -> None:
    """Let the interpreter flush at its exit without a complaint: nobody reads this any more."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
