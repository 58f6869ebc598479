"""The command ``holdback``: its map, and what it says when it cannot go on."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import holdback
from cli_cases import PAIRS, MapFile
from command_line import Backend, environment, run, start
from holdback import cli
from holdback.cli import CANNOT, INTERRUPTED, OK, PlainText

SECRETS = ("<SECRET_KEY>", "secret original", "SECRET", "secret")


# ---------------------------------------------------------------- the map


BAD_MAPS = {
    "not JSON": (b'{"<SECRET_KEY>": "secret original",\n oops}', "is not JSON: line 2, column 2"),
    "an escape JSON does not know": (rb'{"<SECRET_KEY>": "secret\q"}', "is not JSON: line 1, column"),
    "not UTF-8": (b'{"SECRET": "\xff"}', "is not UTF-8: byte 13"),
    "empty": (b"", "is not JSON: line 1, column 1"),
    "a list": (b'["SECRET"]', "must be a JSON object"),
    "a list of pairs": (b'[["SECRET", "secret"]]', "must be a JSON object"),
    "a number": (b'{"a": "b", "SECRET": 12345}', "entry 2 of the map"),
    "null": (b'{"SECRET": null}', "entry 1 of the map"),
    "an object": (b'{"SECRET": {"secret": "secret"}}', "entry 1 of the map"),
    "an empty placeholder": (b'{"a": "b", "": "secret"}', "entry 2 of the map"),
    "two originals": (b'{"SECRET": "secret", "a": "b", "SECRET": "secret 2"}', "entry 3 of the map"),
    "two spellings, two originals": (
        rb'{"SECRET\ud83d\ude00": "secret", "SECRET' + "😀".encode() + b'": "secret 2"}',
        "entry 2 of the map",
    ),
    "half a pair": (rb'{"SECRET\ud83d": "secret"}', "half a surrogate pair"),
    "too deep": (b"[" * 200_000, "is not JSON that can be read"),
    "too many digits": (b'{"SECRET": ' + b"1" * 5000 + b"}", "is not JSON that can be read"),
}


@pytest.mark.parametrize("case", BAD_MAPS)
def test_a_bad_map_is_one_clear_line_without_a_value(
    case: str, map_file: MapFile, capfd: pytest.CaptureFixture[str]
) -> None:
    content, words = BAD_MAPS[case]
    assert cli.main(["restore", "--protocol", "plain", "--map", str(map_file(content))]) == CANNOT
    out, err = capfd.readouterr()
    assert out == ""
    assert re.fullmatch(r"holdback: .*\n", err)
    assert words in err
    assert not any(secret in err for secret in (*SECRETS, "12345"))


def test_the_same_pair_twice_is_no_error(map_file: MapFile) -> None:
    assert cli.read_map(str(map_file(b'\xef\xbb\xbf{"a": "b", "c": "", "a": "b"}'))) == {"a": "b", "c": ""}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing.json", "No such file"),
        (".", "Is a directory"),
        ("nul\0byte", "not a path"),
    ],
)
def test_a_map_that_cannot_be_read(
    name: str, words: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["restore", "--map", str(tmp_path / name)]) == CANNOT
    err = capfd.readouterr().err
    assert err.startswith("holdback: cannot read the map")
    assert words in err
    assert err.count("\n") == 1


@pytest.mark.skipif(os.name != "posix", reason="file modes")
@pytest.mark.parametrize(
    ("mode", "warned"),
    [
        (0o600, False),
        (0o700, False),
        (0o644, True),
        (0o640, True),
        (0o604, True),
        (0o622, False),
    ],
)
def test_a_map_that_others_can_read_is_warned_about(
    mode: int, warned: bool, map_file: MapFile, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = map_file(PAIRS)
    path.chmod(mode)
    (tmp_path / "text").write_text("Zorp!")
    assert cli.main(["restore", "--protocol", "plain", "--map", str(path), str(tmp_path / "text")]) == OK
    out, err = capfd.readouterr()
    assert out == "Lee!"
    assert ("warning" in err) == warned
    assert err.count("\n") == warned
    assert f"{mode:03o}" in err or not warned


# ---------------------------------------------------------------- ends and errors


def test_a_text_that_cannot_be_opened(map_file: MapFile) -> None:
    code, out, err = run("restore", "--protocol", "plain", "--map", map_file(PAIRS), "nowhere.txt")
    assert (code, out) == (CANNOT, b"")
    assert err == "holdback: cannot open nowhere.txt: No such file or directory\n"


def test_what_is_held_leaves_even_if_reading_fails() -> None:
    class Broken:
        unread = True

        def read(self, size: int) -> bytes:
            if not self.unread:
                raise OSError(5, "Input/output error")
            self.unread = False
            return b"a <PERS"

    class Sink:
        written = b""

        def write(self, data: bytes) -> int:
            self.written += bytes(data[:1])  # as a full pipe does it: little by little
            return 1

    sink = Sink()
    with pytest.raises(holdback.HoldbackError, match="cannot read the input: Input/output error"):
        cli._pump(Broken(), PlainText(PAIRS), sink)  # type: ignore[arg-type]
    assert sink.written == b"a <PERS"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full device")
def test_a_full_disk_is_one_line(map_file: MapFile) -> None:
    with (
        Path("/dev/full").open("wb") as full,
        start("restore", "--protocol", "plain", "--map", map_file(PAIRS), stdout=full) as command,
    ):
        _, err = command.communicate(b"text", timeout=60)
    assert command.returncode == CANNOT
    assert err == b"holdback: cannot write the output: No space left on device\n"


@pytest.mark.parametrize(
    "arguments", [["demo"], ["info"], ["bench", "--rounds", "1"], ["restore", "--map", "MAP"]]
)
def test_a_reader_that_left_is_no_reason_to_complain(arguments: list[str], map_file: MapFile) -> None:
    path = str(map_file(PAIRS))
    reading, writing = os.pipe()
    os.close(reading)
    with (
        os.fdopen(writing, "wb") as pipe,
        start(*[path if a == "MAP" else a for a in arguments], stdout=pipe) as command,
    ):
        _, err = command.communicate(b"text", timeout=60)
    assert (command.returncode, err) == (CANNOT, b"")


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A job that a shell put into the background ignores interrupts, and so would what it starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_is_quiet(map_file: MapFile) -> None:
    with start("restore", "--protocol", "plain", "--map", map_file(PAIRS)) as command:
        assert command.stdin is not None
        assert command.stdout is not None
        command.stdin.write(b"a <PERS")
        command.stdin.flush()
        assert os.read(command.stdout.fileno(), 10) == b"a "
        time.sleep(0.05)  # let it get back into its read
        command.send_signal(signal.SIGINT)
        assert command.wait(60) == INTERRUPTED
        assert command.stderr is not None
        assert (command.stdout.read(), command.stderr.read()) == (b"", b"")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["restore"],
        ["restore", "--map", "m", "--protocol", "nope"],
        ["demo", "--speed", "-1"],
        ["demo", "--speed", "nan"],
        ["demo", "--speed", "fast"],
        ["bench", "--rounds", "0"],
        ["bench", "--rounds", "many"],
    ],
)
def test_a_wrong_command_line(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == CANNOT
    assert "usage: holdback" in capfd.readouterr().err


@pytest.mark.skipif(os.name != "posix", reason="descriptors are closed by a POSIX shell")
@pytest.mark.parametrize(
    ("command", "code", "out", "err"),
    [
        ("restore --map MAP --protocol plain 2>&-", OK, b"Hi Ada", ""),
        ("restore --map NONE --protocol plain 2>&-", CANNOT, b"", ""),
        ("restore --map MAP >&-", CANNOT, b"", "cannot write the output: it is closed"),
        ("info >&-", CANNOT, b"", "cannot write the output: it is closed"),
        ("info >/dev/full", CANNOT, b"", "cannot write the output: No space left on device"),
        ("demo --speed 0 >/dev/full", CANNOT, b"", "cannot write the output: No space left on device"),
    ],
)
def test_outputs_that_cannot_be_written(
    command: str, code: int, out: bytes, err: str, tmp_path: Path
) -> None:
    """What is said about the data never gets into the data."""
    if "/dev/full" in command and not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    known = tmp_path / "map.json"
    known.write_text('{"<PERSON_1>": "Ada"}', encoding="utf-8")
    known.chmod(0o644)  # which is warned of
    line = command.replace("MAP", shlex.quote(str(known))).replace(
        "NONE", shlex.quote(str(tmp_path / "none"))
    )
    done = subprocess.run(
        f"{shlex.quote(sys.executable)} -m holdback {line}",
        shell=True,
        input=b"Hi <PERSON_1>",
        capture_output=True,
        env=environment(),
        check=False,
    )
    assert (done.returncode, done.stdout) == (code, out)
    said = done.stderr.decode().splitlines()
    assert said[-1:] == ([f"holdback: {err}"] if err else [])
    assert "Traceback" not in done.stderr.decode()


def test_info_tells_version_and_backend(backend: Backend, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["info"]) == OK
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [f"holdback {holdback.__version__}", f"backend  {backend}"]
    assert [line.split()[0] for line in lines] == ["holdback", "backend", "python", "platform"]
