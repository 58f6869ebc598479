"""How answers of a gateway end: at shutdown, when a client leaves, when the provider dies, when nobody reads."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import socket
import threading
import time
from pathlib import Path

import pytest

from gateway_client import CHAT, MARK, TEXT, client, content_of, said_in
from gateways import ADA, CITY, MIRA, Gateway, needs_gateway, running
from provider import Provider, answer

needs_gateway()
httpx = pytest.importorskip("httpx")


def test_shutdown_lets_a_stream_end(provider: Provider, tmp_path: Path) -> None:
    text = f"{MIRA} and on" + "[slow]"
    body = {"model": "m", "messages": [{"role": "user", "content": text}], "stream": True}
    with running(provider.address, tmp_path) as gateway:
        with client(gateway) as asks, asks.stream("POST", "/v1/chat/completions", json=body) as stream:
            data = b""
            for piece in stream.iter_bytes():
                if not data:
                    gateway.process.send_signal(signal.SIGTERM)
                data += piece
        gateway.process.wait(timeout=30)
        with pytest.raises(httpx.ConnectError), client(gateway) as asks:
            asks.get("/healthz")
    assert data.endswith(b"data: [DONE]\n\n")
    assert said_in(data) == answer(text)
    assert gateway.log[-1]["ended"] == "complete"


@pytest.mark.parametrize("waits", ["for the first byte", "in the middle"])
def test_the_client_leaves_and_the_provider_is_let_go(provider: Provider, tmp_path: Path, waits: str) -> None:
    if waits == "in the middle":
        text = CITY + " and on" * 50 + "[slow]"
        asked = {"model": "m", "messages": [{"role": "user", "content": text}], "stream": True}
        provider.closed.clear()
        with running(provider.address, tmp_path) as gateway:
            with client(gateway) as asks, asks.stream("POST", "/v1/chat/completions", json=asked) as stream:
                next(stream.iter_bytes())
            assert provider.closed.wait(timeout=30)
    else:
        gone = threading.Event()
        with socket.create_server(("127.0.0.1", 0)) as silent:

            def listen() -> None:
                connection, _ = silent.accept()
                with connection:
                    connection.recv(1 << 16)
                    connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                    has_come.set()
                    while connection.recv(1 << 16):
                        pass
                gone.set()

            has_come = threading.Event()
            listener = threading.Thread(target=listen)
            listener.start()
            address = f"http://127.0.0.1:{silent.getsockname()[1]}"
            with running(address, tmp_path) as gateway:
                connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)
                connection.request("POST", "/v1/messages", json.dumps(CHAT))
                assert has_come.wait(timeout=30)
                connection.close()
                assert gone.wait(timeout=30)
            listener.join()
    assert gateway.log[-1]["ended"] == "client left"


@pytest.mark.parametrize("oversized", ["pass", "raise"])
@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
def test_an_answer_that_is_too_large(
    provider: Provider, tmp_path: Path, oversized: str, streams: bool
) -> None:
    limits = f'[limits]\nanswer_bytes = 60\noversized = "{oversized}"\n'
    with running(provider.address, tmp_path, settings=limits) as gateway, client(gateway) as asks:
        body = {**CHAT, "stream": streams}
        if oversized == "pass":
            answered = asks.post("/v1/chat/completions", json=body)
            assert MARK.search(content_of(answered))
            return
        with pytest.raises(
            httpx.RemoteProtocolError
        ):  # it has begun, so its missing end is all that can be said
            asks.post("/v1/chat/completions", json=body)
    assert gateway.log[-1]["refused"] == "upstream"


def test_the_provider_dies_in_the_middle_of_a_placeholder(provider: Provider, tmp_path: Path) -> None:
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": f"{ADA} [die:6]"}]}
    provider.may_die.clear()
    data = b""

    def read(gateway: Gateway) -> None:
        nonlocal data
        with client(gateway) as asks, asks.stream("POST", "/v1/chat/completions", json=body) as stream:
            for piece in stream.iter_bytes():
                data += piece
                if said_in(data) == "You said: ":
                    provider.may_die.set()

    with running(provider.address, tmp_path) as gateway, pytest.raises(httpx.RemoteProtocolError):
        read(gateway)
    assert said_in(data) == "You said: <PERS"


def test_a_client_that_reads_slowly_slows_the_provider_down(tmp_path: Path) -> None:
    """Nothing is read ahead: what is on its way is what the buffers of sockets hold."""
    sent = 0
    most = 64 << 20
    event = b'data: {"choices":[{"index":0,"delta":{"content":"%s"}}]}\n\n' % (b"x" * 60_000)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            nonlocal sent
            connection, _ = server.accept()
            with connection, contextlib.suppress(OSError):  # the test leaves in the middle
                connection.recv(1 << 16)
                connection.sendall(
                    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
                )
                while sent < most:
                    sent += connection.send(event)

        thread = threading.Thread(target=serve)
        thread.start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        with (
            running(address, tmp_path) as gateway,
            client(gateway) as asks,
            asks.stream("POST", "/v1/chat/completions", json={**CHAT, "stream": True}) as stream,
        ):
            next(stream.iter_raw())
            before = -1
            while sent != before:
                before = sent
                time.sleep(0.5)
        thread.join()
    assert sent < most // 2


@pytest.mark.stores
def test_several_workers_share_key_and_state(provider: Provider, tmp_path: Path) -> None:
    pytest.importorskip("cryptography")
    options = ("--state", "state", "--workers", "2")
    marks = set()
    for _ in range(2):
        with running(provider.address, tmp_path, *options) as gateway:
            for _ in range(8):
                with client(gateway, authorization="k", x_conversation="c") as asks:
                    assert content_of(asks.post("/v1/chat/completions", json=CHAT)) == answer(TEXT)
                marks.add(tuple(MARK.findall(provider.seen[-1])))
        assert gateway.process.returncode == 0
    assert len(marks) == 1
