"""``holdback check``: a proxy that is right passes every column; each column finds the proxy that is wrong there."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from check_proxies import BROKEN, PAIRS, Hooks, middleware_proxy, plain_proxy
from command_line import environment
from holdback import cli
from holdback.check.answers import LEFT_OUT, WRITERS
from holdback.check.cases import COLUMNS, cases_for
from holdback.check.client import Target
from holdback.check.known import STATIC, VALUES, asking, case_in, placeholders_in
from holdback.check.provider import Provider, serving
from holdback.check.reading import streamed, whole
from holdback.check.runner import Check, Row
from holdback.check.table import holds, table
from holdback.formats import FORMATS
from processes import free_port
from provider import running


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with serving(0) as provider:
        provider.patience = 0.3
        yield provider


def rows(provider: Provider, url: str, *protocols: str, masks: bool = True) -> list[Row]:
    return list(Check(Target(url), provider, masks=masks).rows(protocols or WRITERS))


def wrong(row: Row) -> set[str]:
    return {column for column, cell in row.cells.items() if cell == "wrong"}


def test_a_proxy_of_the_middleware_passes_in_every_format(provider: Provider) -> None:
    pytest.importorskip("starlette")
    with running(middleware_proxy(provider.address)) as url:
        found = rows(provider, url)
    assert table(found, []).count("WRONG") == 0, table(found, [])
    assert all(row.is_served and row.seconds.keys() == {"proxy", "direct"} for row in found)
    assert holds(found, list(WRITERS), [])
    cells = [(row.protocol, column) for row in found for column, cell in row.cells.items() if cell != "ok"]
    assert cells == [("openai-text", "json")], "text completions have no tools"


@pytest.mark.parametrize("column", COLUMNS)
def test_each_column_finds_the_proxy_that_is_wrong_there(provider: Provider, column: str) -> None:
    with plain_proxy(BROKEN[column](), provider.address) as url:
        (row,) = rows(provider, url, "openai-chat")
    assert column in wrong(row), table([row], [])
    assert not holds([row], [], [])
    assert holds([row], [], sorted(wrong(row)))
    shown = table([row], [])
    assert f"openai-chat, {column}: {COLUMNS[column]}" in shown


def test_a_proxy_that_does_nothing_is_wrong_where_it_must_be(provider: Provider) -> None:
    """Values go out and come back as they are, so only what left the house tells."""

    class Nothing(Hooks):
        def mask(self, body: Any) -> None: ...
        def whole(self, data: bytes) -> bytes:
            return data

        def stream(self, reads: Any) -> Iterator[bytes]:
            yield from reads

    with plain_proxy(Nothing(), provider.address) as url:
        (row,) = rows(provider, url, "openai-chat")
    assert wrong(row) == {"provider", "turn 2"}


def test_a_proxy_that_only_restores_gets_placeholders(provider: Provider) -> None:
    class Restores(Hooks):
        def mask(self, body: Any) -> None: ...

    with plain_proxy(Restores(), provider.address) as url:
        (row,) = rows(provider, url, "openai-chat", masks=False)
    assert (wrong(row), row.cells["provider"]) == (set(), "-")


def test_what_the_check_did_not_say_is_not_shown(provider: Provider) -> None:
    """A proxy may put somebody's value there."""

    class Mixing(Hooks):
        def stream(self, reads: Any) -> Iterator[bytes]:
            yield b"".join(super().stream(reads)).replace(b"Zara", b"Ottokar")

    with plain_proxy(Mixing(), provider.address) as url:
        found = rows(provider, url, "openai-chat")
    shown = table(found, [])
    assert '[7 letters] \\"Zed\\" Quillfeather' in shown
    assert "Ottokar" not in shown


def test_a_format_that_the_proxy_does_not_have_is_no_failure_unless_it_was_named(provider: Provider) -> None:
    pytest.importorskip("starlette")
    from starlette.applications import Starlette

    with running(Starlette()) as url:
        (row,) = rows(provider, url, "ollama")
    assert not row.is_served
    (good,) = rows_of_the_provider(provider, "openai-chat")
    assert holds([row, good], [], list(COLUMNS))
    assert not holds([row, good], ["ollama"], list(COLUMNS))
    assert "ollama       not served" in table([row, good], [])


def rows_of_the_provider(provider: Provider, protocol: str) -> list[Row]:
    """Without a proxy."""
    return rows(provider, provider.address, protocol)


# ---------------------------------------------------------------- the parts


def test_each_format_is_checked_or_left_out_for_a_reason() -> None:
    assert sorted([*WRITERS, *LEFT_OUT]) == sorted(FORMATS)
    assert all(LEFT_OUT.values())
    page = (Path(__file__).parents[1] / "docs" / "check.md").read_text(encoding="utf-8")
    for name, why in LEFT_OUT.items():
        assert f"| `{name}` | {why} |" in page


@pytest.mark.parametrize("protocol", WRITERS)
def test_what_a_format_writes_is_read_back(protocol: str) -> None:
    """Else a column could be right for a reason of our own."""
    writer = WRITERS[protocol]
    for case in cases_for(calls=writer.calls, channels=writer.channels):
        texts = case.script(STATIC, STATIC)
        pieces = case.pieces(STATIC, STATIC, in_turns=writer.in_turns)
        if case.streamed:
            found = streamed(protocol, b"".join(writer.stream(pieces, "m")))
        else:
            found = whole(protocol, json.dumps(writer.whole(pieces, "m")).encode())
        said = [found[name] for name in found if "repetition" not in name]
        is_call = case.name.endswith("arguments")
        load = json.loads if is_call else str
        assert sorted(map(repr, map(load, said))) == sorted(map(repr, map(load, texts.values()))), case.name


def test_every_cut_of_a_placeholder_is_asked() -> None:
    case = cases_for(calls=True, channels="content")[0]
    pieces = [text for _, text in case.pieces(STATIC, STATIC, in_turns=False)]
    assert {len(text) for text in pieces} == {1}


def test_the_last_case_and_the_last_marks_of_a_request_count() -> None:
    texts = [asking("one", {1: "a", 2: "b"}), "between", asking("two", {1: "c", 2: "d\ne"})]
    assert (case_in(texts), placeholders_in(texts)) == ("two", {1: "c", 2: "d\ne"})
    assert (case_in(["nothing"]), placeholders_in(["(1) x"])) == (None, {})


# ---------------------------------------------------------------- the command


def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "holdback", "check", *arguments],
        env={**environment(), **more},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def test_the_command_says_what_holds() -> None:
    port = free_port()
    with plain_proxy(Hooks(), f"http://127.0.0.1:{port}") as url:
        options = (url, "--provider-port", str(port), "--format", "openai-chat")
        shown, machine = run(*options), run(*options, "--json", "--model", "m")
    assert (shown.returncode, machine.returncode) == (0, 0), shown.stdout + machine.stdout
    assert shown.stderr == "holdback: checking openai-chat\n"
    assert re.match(
        r"format +exact +json .*\nopenai-chat +(ok +){8}ok [\d.]+ ms \(direct [\d.]+\)\n$", shown.stdout
    )
    found = json.loads(machine.stdout)
    assert (found["holds"], found["url"]) == (True, url)
    assert set(found["formats"][0]["columns"].values()) == {"ok"}


def test_the_command_says_what_does_not_hold() -> None:
    port = free_port()
    with plain_proxy(BROKEN["whole"](), f"http://127.0.0.1:{port}") as url:
        options = (url, "--provider-port", str(port), "--format", "openai-chat")
        shown, allowed = run(*options), run(*options, "--allow", "whole")
    assert (shown.returncode, allowed.returncode) == (1, 0)
    assert (
        "openai-chat, whole: answers that are not streamed\n  whole: content 0: other text\n    came:"
        in shown.stdout
    )
    assert "openai-chat, whole (allowed)" in allowed.stdout


def test_the_setup_is_what_the_check_uses() -> None:
    out = run("--print-setup", "--provider-port", "4321")
    assert out.returncode == 0
    assert "http://127.0.0.1:4321/v1" in out.stdout
    first, second = [json.loads(line) for line in out.stdout.splitlines() if line.startswith("{")]
    assert [value for values in first.values() for value in values] == list(VALUES.values())
    assert second == PAIRS


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "check needs the URL of a proxy"),
        (["ftp://x"], "must begin with http"),
        (["http://127.0.0.1:1", "--key-env", "NOT_THERE"], "NOT_THERE is not set"),
        (["http://127.0.0.1:1", "--model", "x=y"], "unknown format"),
        (["http://127.0.0.1:1", "--model", "bedrock=y"], "bedrock is not checked: AWS"),
        (["http://127.0.0.1:{port}"], "nobody listens at"),
    ],
)
def test_what_cannot_be_checked_is_one_line(options: list[str], says: str) -> None:
    port = str(free_port())
    out = run(*(option.format(port=port) for option in options), "--provider-port", "0")
    assert (out.returncode, out.stdout) == (2, "")
    lines = [line for line in out.stderr.splitlines() if "checking" not in line]
    assert len(lines) == 1
    assert says in lines[0]


def test_a_port_that_is_taken_is_one_line(provider: Provider) -> None:
    port = provider.address.rpartition(":")[2]
    out = run("http://127.0.0.1:1", "--provider-port", port)
    assert (out.returncode, out.stdout) == (2, "")
    assert f"cannot listen on port {port}" in out.stderr


def test_on_a_terminal_one_line_is_written_over(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    from holdback.check import command

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(command, "serving", lambda _: _Given(provider))
    with plain_proxy(Hooks(), provider.address) as url:
        options = cli._parser().parse_args(["check", url, "--format", "openai-text", "--allow", "whole"])
        out, progress = io.StringIO(), Terminal()
        assert command.run(options, out, progress) == 0
    assert progress.getvalue().count("\r\033[K") > 5
    assert "\n" not in progress.getvalue()


class _Given:
    """A provider that runs already."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def __enter__(self) -> Provider:
        return self._provider

    def __exit__(self, *_: object) -> None: ...
