"""What docs/asgi.md and docs/httpx.md show that needs a server: it runs as it is shown, against a provider on loopback.

The commands start the example gateway; without an SDK httpx is its client.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

import pytest

from pages import ROOT, blocks, hosted
from provider import Provider, answer


@pytest.fixture(scope="module")
def port(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The gateway, started by the lines of its page, but for what installs; its port."""
    for needed in ("starlette", "httpx"):
        pytest.importorskip(needed)
    folder = tmp_path_factory.mktemp("page")
    (source,) = [block.source for block in blocks("sh") if block.page == "docs/asgi.md"]
    install, *lines, start = source.splitlines()
    assert install.startswith("pip install ")
    assert "https://api.openai.com" in start
    start = start.replace("https://api.openai.com", provider.address)
    (folder / "examples").symlink_to(ROOT / "examples")
    (folder / "bin").mkdir()
    uvicorn = folder / "bin" / "uvicorn"
    uvicorn.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m uvicorn "$@"\n', encoding="utf-8")
    uvicorn.chmod(0o700)
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
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        )
        port = str(listener.getsockname()[1])
    try:
        yield port
        assert process.poll() is None
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=20)


def test_the_gateway_is_started_as_its_page_says(port: str, provider: Provider) -> None:
    httpx = pytest.importorskip("httpx")
    body = {
        "model": "m",
        "messages": [{"role": "user", "content": "Write to Mira Okafor."}],
        "stream": True,
    }
    with httpx.Client(base_url=f"http://127.0.0.1:{port}/v1", trust_env=False) as client:
        response = client.post("/chat/completions", json=body)
    assert "<PERSON_1>" in provider.seen[-1]
    assert "Mira Okafor" not in provider.seen[-1]
    said = re.findall(r'"content": ?"([^"]*)"', response.text)
    assert "".join(said) == answer("Write to Mira Okafor.")


@pytest.mark.sdk
def test_a_client_of_the_gateway(port: str, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openai")
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    (source,) = hosted("docs/asgi.md", "py")
    assert ":8000/" in source
    names: dict[str, Any] = {}
    printed = StringIO()
    with redirect_stdout(printed):
        exec(compile(source.replace(":8000/", f":{port}/"), "docs/asgi.md", "exec"), names)
    names["client"].close()
    assert printed.getvalue() == answer("Write to Mira Okafor.")
    assert "Mira Okafor" not in provider.seen[-1]


@pytest.mark.sdk
def test_the_clients_of_its_one_line(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    for sdk in ("openai", "anthropic", "httpx2"):
        pytest.importorskip(sdk)
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.setenv("OPENAI_BASE_URL", f"{provider.address}/v1")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", provider.address)
    (source,) = hosted("docs/httpx.md", "py")
    names: dict[str, Any] = {}
    exec(compile(source, "docs/httpx.md", "exec"), names)
    asked: Any = {"model": "m", "messages": [{"role": "user", "content": "Hi <PERSON_1>!"}]}
    with names["openai"] as openai:
        assert openai.chat.completions.create(**asked).choices[0].message.content == answer("Hi Mira Okafor!")
        chunks = openai.chat.completions.create(**asked, stream=True)
        said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        assert said == answer("Hi Mira Okafor!")
    with names["anthropic"] as anthropic:
        with anthropic.messages.stream(**asked, max_tokens=9) as stream:
            assert "".join(stream.text_stream) == answer("Hi Mira Okafor!")
        assert "<PERSON_1>" in provider.seen[-1]
