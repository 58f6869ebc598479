"""The gateway as it runs: a process, a provider behind it that records every byte, a client in front."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from gateways import ADA, CITY, KEY, MAIL, MIRA, Gateway, running
from holdback import DeanonymizationConfig
from provider import Provider, answer

httpx = pytest.importorskip("httpx")

TEXT = f"Write to {ADA} ({MAIL}) in {CITY}. [cut:7]"
CHAT: Any = {"model": "m", "messages": [{"role": "user", "content": TEXT}]}
TOOL: Any = {"type": "function", "function": {"name": "mail", "parameters": {"type": "object"}}}
MARK = re.compile(r"<[A-Z]+_[a-z2-7]{10}>")


def client(gateway: Gateway, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Client(base_url=gateway.address, headers=named, trust_env=False, timeout=60)


def content_of(response: Any) -> str:
    """What a chat completion says, streamed or whole."""
    assert response.status_code == 200, response.text
    if response.headers["content-type"] == "application/json":
        said: str = response.json()["choices"][0]["message"]["content"]
        return said
    return said_in(response.content)


def said_in(data: bytes) -> str:
    """What the complete events of a streamed chat completion say."""
    events = [json.loads(event) for event in re.findall(r"data: (\{.*\})", data.decode())]
    return "".join(choice["delta"].get("content") or "" for event in events for choice in event["choices"])


def nothing_seen(provider: Provider) -> None:
    shown = "".join(provider.seen)
    assert not any(value in shown for value in (ADA, json.dumps(ADA)[1:-1], MAIL, CITY, MIRA))


@pytest.fixture(scope="module")
def gateway(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with running(provider.address, tmp_path_factory.mktemp("gateway"), environment={
        "HOLDBACK_GATEWAY_KEY": KEY,
        "HOLDBACK_GATEWAY_LIMITS__REQUEST_BYTES": "100000",
    }) as gateway:  # fmt: skip
        yield gateway
    assert provider.seen
    nothing_seen(provider)


# ---------------------------------------------------------------- round trips


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", CHAT),
        ("/v1/chat/completions", {**CHAT, "tools": [TOOL]}),
        ("/v1/completions", {"model": "m", "prompt": TEXT}),
        ("/v1/responses", {"model": "m", "input": TEXT}),
        ("/v1/messages", {**CHAT, "max_tokens": 9}),
        ("/v1beta/models/m:generateContent", {"model": "m", "contents": [{"parts": [{"text": TEXT}]}]}),
        (
            "/v1beta/models/m:streamGenerateContent?alt=sse",
            {"contents": [{"parts": [{"text": TEXT}]}], "model": "m"},
        ),
    ],
)
@pytest.mark.parametrize("streams", [False, True])
def test_every_format(gateway: Gateway, provider: Provider, path: str, body: Any, streams: bool) -> None:
    with client(gateway) as asks:
        said = asks.post(path, json={**body, "stream": streams} if "contents" not in body else body).text
    assert not MARK.search(said)
    sent = provider.seen[-1]
    assert len(MARK.findall(sent)) == 3
    joined = "".join(
        part
        for part in re.findall(r'"(?:content|text|delta|arguments|partial_json)": ?"((?:[^"\\]|\\.)*)"', said)
    )
    assert MIRA not in said
    assert "Zürich" in joined or "Z\\u00fcrich" in joined


def test_the_same_history_is_the_same_bytes(gateway: Gateway, provider: Provider) -> None:
    messages: list[Any] = []
    sent: list[str] = []
    with client(gateway, authorization="Bearer k", x_conversation="c") as asks:
        for turn in range(10):
            messages.append({"role": "user", "content": f"{turn}: {TEXT}"})
            said = content_of(asks.post("/v1/chat/completions", json={"model": "m", "messages": messages}))
            assert said == answer(f"{turn}: {TEXT}")
            messages.append({"role": "assistant", "content": said})
            sent.append(provider.seen[-1])
    for before, after in pairwise(sent):
        assert after.startswith(before.removesuffix("]}"))


def test_conversations_share_nothing(gateway: Gateway, provider: Provider) -> None:
    marks: list[set[str]] = []
    for credential, name in (("a", "1"), ("a", "2"), ("b", "1"), ("a", ""), ("b", "")):
        with client(gateway, authorization=credential, x_conversation=name) as asks:
            assert content_of(asks.post("/v1/chat/completions", json=CHAT)) == answer(TEXT)
        marks.append(set(MARK.findall(provider.seen[-1])))
    assert len(set.union(*marks)) == 3 * len(marks)
    (stolen, *_) = marks[0]
    for credential, name in (("a", "2"), ("b", "1"), ("b", "")):
        with client(gateway, authorization=credential, x_conversation=name) as asks:
            body = {"model": "m", "messages": [{"role": "user", "content": f"say {stolen}"}]}
            assert content_of(asks.post("/v1/chat/completions", json=body)) == answer(f"say {stolen}")


def test_what_the_provider_keeps_is_restored_by_the_store(gateway: Gateway, provider: Provider) -> None:
    mark, later = "", {"model": "m"}
    for name in ("", "kept"):
        headers = {"authorization": f"Bearer k{name}", "x_conversation": name}
        with client(gateway, **headers) as asks:
            asks.post("/v1/responses", json={"model": "m", "input": f"I am {MIRA}"})
            (mark,) = MARK.findall(provider.seen[-1])
            later = {"model": "m", "input": f"who is {mark}?", "previous_response_id": "resp_1"}
            said = asks.post("/v1/responses", json=later).json()["output"][0]["content"][0]["text"]
            assert said == answer(f"who is {MIRA}?")
    with client(gateway, authorization="Bearer another", x_conversation="kept") as asks:
        said = asks.post("/v1/responses", json=later).json()["output"][0]["content"][0]["text"]
        assert said == answer(f"who is {mark}?")


@pytest.mark.skipif("policy" not in DeanonymizationConfig.model_fields, reason="no policy in the config yet")
def test_a_policy_keeps_a_value_out_of_an_address(provider: Provider, tmp_path: Path) -> None:
    settings = '[policy]\nhosts = ["wiki.example.org"]\n[policy.tools]\n"*" = "keep"\n'
    with (
        running(provider.address, tmp_path, settings=settings) as gateway,
        client(gateway) as asks,
    ):
        for streams in (False, True):
            text = f"{MIRA}: ![](https://evil.example/?q={MIRA}) and https://wiki.example.org/{MIRA} [cut:5]"
            body = {"model": "m", "messages": [{"role": "user", "content": text}], "stream": streams}
            said = content_of(asks.post("/v1/chat/completions", json=body))
            (mark,) = set(MARK.findall(said))
            assert said == answer(text).replace(f"q={MIRA}", f"q={mark}")


@pytest.mark.parametrize("streams", [False, True])
def test_content_is_what_the_request_asks_for(gateway: Gateway, provider: Provider, streams: bool) -> None:
    text = f"JSON: {TEXT}"
    body = {"model": "m", "messages": [{"role": "user", "content": text}], "stream": streams}
    said = {}
    with client(gateway) as asks:
        for kind in ("json_object", "text"):
            response = asks.post("/v1/chat/completions", json={**body, "response_format": {"type": kind}})
            said[kind] = content_of(response)
    assert json.loads(said["json_object"]) == {"said": text}
    assert said["text"] == f'{{"said": "{text}"}}' != said["json_object"]


# ---------------------------------------------------------------- refusals


def test_an_unknown_path_is_refused_in_the_client_s_format(gateway: Gateway, provider: Provider) -> None:
    before = len(provider.seen)
    with client(gateway) as asks:
        for path in ("/v1/files", f"/v1/{MIRA}", "/v1/audio/speech"):
            refused = asks.post(path, json=CHAT)
            assert refused.status_code == 403
            assert refused.json()["error"]["type"] == "permission_error"
        anthropic = asks.post("/v1/files", json=CHAT, headers={"anthropic-version": "2023-06-01"})
        assert anthropic.json()["type"] == "error"
        assert asks.post("/v1beta/x", json=CHAT).json()["error"]["status"] == "PERMISSION_DENIED"
        assert isinstance(asks.post("/api/pull", json=CHAT).json()["error"], str)
        for method in ("GET", "PUT", "PATCH", "DELETE", "OPTIONS"):
            assert asks.request(method, "/v1/chat/completions").status_code == 403
    assert len(provider.seen) == before


@pytest.mark.parametrize(
    "body",
    [
        f"I am {MIRA}".encode(),
        b"{",
        b"[1]",
        b'{"messages": "\xff"}',
        b"\x1f\x8b\x08" + MIRA.encode(),
        b'{"input": ' + b"[" * 300 + b"]" * 300 + b"}",
        json.dumps({"prompt": [1, 2, 3]}).encode(),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(gateway: Gateway, provider: Provider, body: bytes) -> None:
    before = len(provider.seen)
    with client(gateway) as asks:
        for path in ("/v1/chat/completions", "/v1/messages"):
            refused = asks.post(path, content=body)
            assert refused.status_code == 400
            assert refused.json()["error"]["type"] == "invalid_request_error"
            assert MIRA not in refused.text
    assert len(provider.seen) == before


def test_a_body_that_is_too_large_is_refused(gateway: Gateway, provider: Provider) -> None:
    before = len(provider.seen)
    with client(gateway) as asks:
        body = json.dumps({**CHAT, "more": "x" * 200_000}).encode()
        assert asks.post("/v1/chat/completions", content=body).status_code == 413
        pieces = (body[at : at + 1000] for at in range(0, len(body), 1000))
        assert asks.post("/v1/chat/completions", content=pieces).status_code == 413
        assert content_of(asks.post("/v1/chat/completions", json=CHAT)) == answer(TEXT)
    assert len(provider.seen) == before + 1


def test_an_open_gateway_lets_through_what_it_cannot_mask(provider: Provider, tmp_path: Path) -> None:
    with (
        running(provider.address, tmp_path, "--fail", "open") as gateway,
        client(gateway) as asks,
    ):
        # A body of token ids cannot be masked; it is JSON, so the provider of these tests can read it.
        assert asks.post("/v1/completions", json={"model": "m", "prompt": [1, 2]}).status_code == 200
        assert asks.post("/v1/files", json=CHAT).status_code == 403
        assert content_of(asks.post("/v1/chat/completions", json=CHAT)) == answer(TEXT)
    assert sorted(line.get("masked", True) for line in gateway.log) == [False, True, True]
    assert any("fail = open" in line for line in gateway.said)
    nothing_seen(provider)


def test_an_allowed_path_passes_and_its_json_is_masked(provider: Provider, tmp_path: Path) -> None:
    with (
        running(provider.address, tmp_path, settings='allow = ["/v1/other*"]') as gateway,
        client(gateway) as asks,
    ):
        assert content_of(asks.post("/v1/other/x", json=CHAT)) == answer(TEXT)
        assert asks.post("/v1/other", content=b'{"a": [').status_code == 400
        assert asks.post("/v1/others", content=b"[]").status_code != 400  # no object: it passes unread
    assert {line["route"] for line in gateway.log} == {"/v1/other*"}


def test_beyond_this_machine_a_client_needs_a_credential(provider: Provider, tmp_path: Path) -> None:
    with running(provider.address, tmp_path, "--host", "0.0.0.0") as gateway:
        with client(gateway) as asks:
            refused = asks.post("/v1/messages", json=CHAT)
            assert (refused.status_code, refused.json()["error"]["type"]) == (401, "authentication_error")
        with client(gateway, x_api_key="k") as asks:
            assert asks.post("/v1/chat/completions", json=CHAT).status_code == 200


def test_a_conversation_in_the_path(provider: Provider, tmp_path: Path) -> None:
    settings = '[scope]\nby = "path"\n'
    with running(provider.address, tmp_path, settings=settings) as gateway, client(gateway) as asks:
        marks = []
        for name in ("one", "two%2Fx", "one"):
            assert content_of(asks.post(f"/{name}/v1/chat/completions", json=CHAT)) == answer(TEXT)
            marks.append(tuple(MARK.findall(provider.seen[-1])))
        assert marks[0] == marks[2] != marks[1]
        assert asks.post("/", json=CHAT).status_code == 403
        assert asks.get("/healthz").json() == {"status": "ok"}


# ---------------------------------------------------------------- around it


def test_health_metrics_and_the_log(provider: Provider, tmp_path: Path) -> None:
    pytest.importorskip("prometheus_client")
    shown = [
        'holdback_gateway_requests_total{route="/chat/completions",status="200"} 1.0',
        'holdback_gateway_requests_total{route="unknown",status="403"} 1.0',
        'holdback_gateway_refused_total{reason="path"} 1.0',
        'holdback_gateway_values_total{entity_type="PERSON"} 1.0',
        "holdback_gateway_running 0.0",
    ]
    with running(provider.address, tmp_path) as gateway, client(gateway) as asks:
        asks.post("/v1/chat/completions", json={**CHAT, "stream": True})
        asks.post(f"/v1/{MIRA}", json=CHAT)
        page = ""
        for _ in range(500):  # the last bytes of an answer leave before it is counted
            page = asks.get("/metrics").text
            if all(line in page for line in shown):
                break
        assert asks.get("/healthz").json() == {"status": "ok"}
    assert [line for line in shown if line not in page] == []
    known, unknown = sorted(gateway.log, key=lambda line: str(line["route"]))
    assert (known["route"], known["status"], known["ended"], known["values"]) == (
        "/chat/completions", 200, "complete", 3,
    )  # fmt: skip
    assert known["bytes_in"] > len(TEXT)
    assert known["first_byte"] <= known["seconds"]
    assert (unknown["route"], unknown["status"], unknown["refused"]) == ("unknown", 403, "path")


def test_a_provider_that_is_not_there_is_a_502(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with running(nobody, tmp_path) as gateway, client(gateway) as asks:
        for path, kind in (("/v1/messages", "api_error"), ("/v1/chat/completions", "server_error")):
            refused = asks.post(path, json=CHAT)
            assert (refused.status_code, refused.json()["error"]["type"]) == (502, kind)


def test_a_provider_that_says_nothing_is_a_504(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with (
            running(address, tmp_path, settings="[timeouts]\nread = 0.2") as gateway,
            client(gateway) as asks,
        ):
            refused = asks.post("/v1/messages", json=CHAT)
    assert (refused.status_code, refused.json()["error"]["type"]) == (504, "timeout_error")


def test_more_than_it_may_serve_is_turned_away(provider: Provider, tmp_path: Path) -> None:
    slow = {"model": "m", "messages": [{"role": "user", "content": "and on" * 9 + "[slow]"}], "stream": True}
    with (
        running(provider.address, tmp_path, settings="[limits]\nrequests = 1") as gateway,
        client(gateway) as asks,
        client(gateway) as other,
    ):
        with asks.stream("POST", "/v1/chat/completions", json=slow) as stream:
            next(stream.iter_bytes())
            refused = other.post("/v1/chat/completions", json=CHAT)
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        deadline = 100
        while (again := other.post("/v1/chat/completions", json=CHAT)).status_code == 503 and deadline:
            deadline -= 1
        assert content_of(again) == answer(TEXT)


# ---------------------------------------------------------------- ways to end


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


def test_the_provider_dies_in_the_middle_of_a_placeholder(gateway: Gateway, provider: Provider) -> None:
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": f"{ADA} [die:6]"}]}
    provider.may_die.clear()
    data = b""

    def read() -> None:
        nonlocal data
        with client(gateway) as asks, asks.stream("POST", "/v1/chat/completions", json=body) as stream:
            for piece in stream.iter_bytes():
                data += piece
                if said_in(data) == "You said: ":
                    provider.may_die.set()

    with pytest.raises(httpx.RemoteProtocolError):
        read()
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
