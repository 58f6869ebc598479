"""What docs/gateway.md and docs/fleet.md show: it runs as it is shown, with a provider on loopback."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from gateways import ROOT, needs_gateway
from pages import blocks, hosted
from provider import Provider, answer

UPSTREAM = "https://api.openai.com"


@pytest.fixture(scope="module")
def port(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The gateway, started by the lines of its page, but for the one that installs; its port."""
    folder = tmp_path_factory.mktemp("page")
    source = next(block.source for block in blocks("sh") if block.page == "docs/gateway.md")
    install, *lines, start = source.splitlines()
    assert install == "pip install 'holdback[gateway]'"
    assert UPSTREAM in start
    start = start.replace(UPSTREAM, provider.address)
    (folder / "bin").mkdir()
    command = folder / "bin" / "holdback"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m holdback "$@"\n', encoding="utf-8")
    command.chmod(0o700)
    environment = os.environ | {
        "PATH": os.pathsep.join([str(folder / "bin"), os.environ["PATH"]]),
        "PYTHONPATH": str(ROOT / "python"),
    }
    # The socket listens before the process is there: nobody has to wait for it.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = subprocess.Popen(
            ["sh", "-c", "\n".join([*lines, f"{start} --fd {listener.fileno()}"])],
            cwd=folder,
            env=environment,
            pass_fds=[listener.fileno()],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        )
        port = str(listener.getsockname()[1])
    try:
        yield port
        assert process.poll() is None
        assert stat.S_IMODE((folder / "values.json").stat().st_mode) == 0o600
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=20)


def test_the_gateway_answers_as_its_page_says(port: str, provider: Provider, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    _, asks = [block.source for block in blocks("sh") if block.page == "docs/gateway.md"]
    assert ":8000/" in asks
    said = subprocess.run(
        ["sh", "-c", asks.replace(":8000/", f":{port}/")],
        env={**os.environ, "OPENAI_API_KEY": "k", "no_proxy": "127.0.0.1"},
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout
    joined = "".join(re.findall(r'"content": ?"([^"]*)"', said))
    assert joined == answer("Repeat: Mira Okafor, mira@example.org")
    assert re.search(r"Repeat: <PERSON_[a-z2-7]{10}>, <EMAIL_[a-z2-7]{10}>", provider.seen[-1])


@pytest.mark.sdk
def test_a_client_of_the_gateway(port: str, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openai")
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    (source,) = hosted("docs/gateway.md", "py")
    assert ":8000/" in source
    names: dict[str, Any] = {}
    printed = StringIO()
    with redirect_stdout(printed):
        exec(compile(source.replace(":8000/", f":{port}/"), "docs/gateway.md", "exec"), names)
    names["client"].close()
    assert printed.getvalue() == answer("Write to Mira Okafor.")
    assert "Mira Okafor" not in provider.seen[-1]


def test_the_settings_that_are_shown_are_all_and_hold_by_default(tmp_path: Path) -> None:
    needs_gateway()
    from holdback.gateway.settings import Limits, ScopeSettings, Settings, Timeouts, load

    (source,) = hosted("docs/gateway.md", "toml")
    path = tmp_path / "gateway.toml"
    path.write_text(source, encoding="utf-8")
    shown = load(path)
    least = load(upstream=UPSTREAM, values="x")
    said_in_prose = {"insecure_upstream", "key", "state", "presidio"}
    assert set(Settings.model_fields) - shown.model_fields_set == said_in_prose
    for table in ("scope", "limits", "timeouts"):
        assert getattr(shown, table) == getattr(least, table)
    assert shown.limits.model_fields_set == set(Limits.model_fields)
    assert shown.timeouts.model_fields_set == set(Timeouts.model_fields)
    assert shown.scope.model_fields_set == set(ScopeSettings.model_fields) - {"anonymous"}
    others = {"upstream", "values", "key_file", "store", "patterns", "policy"}
    for name in shown.model_fields_set - others:
        assert getattr(shown, name) == getattr(least, name), name
    page = (ROOT / "docs" / "gateway.md").read_text(encoding="utf-8")
    assert all(name in page for name in [*said_in_prose, "scope.anonymous"])


@pytest.mark.stores
def test_the_fleet_that_is_shown_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The recipe is read, its settings are settings, and its command is one of ours."""
    needs_gateway()
    yaml = pytest.importorskip("yaml")
    from holdback import cli
    from holdback.gateway.settings import load

    (source,) = hosted("docs/fleet.md", "yaml")
    recipe = yaml.safe_load(source)
    services = recipe["services"]
    gateway = services["gateway"]
    *_, command = re.findall(r"exec holdback (.*)\"", gateway["command"])
    given = cli._parser().parse_args(command.split())
    for name, value in gateway["environment"].items():
        monkeypatch.setenv(name, value)
    settings = load(upstream=given.upstream, values=given.values, host=given.host, workers=given.workers)
    assert settings.store_address == f"redis://{gateway['depends_on'][0]}:6379/0"
    assert not settings.allows_anonymous
    for path in (settings.values, settings.key_file):
        assert path is not None
        assert path.parent == Path("/run/secrets")
        assert path.name in gateway["secrets"]
    assert set(gateway["secrets"]) == set(recipe["secrets"])
    assert int(gateway["stop_grace_period"].rstrip("s")) > settings.timeouts.shutdown
    assert gateway["deploy"]["replicas"] >= 3
    balancer = recipe["configs"][services["balancer"]["configs"][0]["source"]]["content"]
    assert f"http://gateway:{settings.port};" in balancer
    assert "proxy_buffering off;" in balancer
    assert int(re.findall(r"client_max_body_size (\d+)m", balancer)[0]) << 20 == settings.limits.request_bytes
    assert float(re.findall(r"proxy_read_timeout (\d+)s", balancer)[0]) == settings.timeouts.read
    extras = re.findall(r"holdback\[([a-z,]+)\]", gateway["command"])[0].split(",")
    assert set(extras) == {"gateway", "redis", "prometheus"}
