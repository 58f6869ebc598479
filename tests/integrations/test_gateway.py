"""`examples/gateway.py` as people run it: a uvicorn process, a provider behind it, the real SDKs in front."""

from __future__ import annotations

import http.client
import importlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from provider import Provider

pytestmark = pytest.mark.sdk

ROOT = Path(__file__).resolve().parent.parent.parent
VALUES = {"<PERSON_1>": 'Ada "Countess" Lovelace', "<EMAIL_1>": "ada@example.org", "<CITY_1>": "Zürich 😀"}
TEXT = f"Write to {VALUES['<PERSON_1>']} ({VALUES['<EMAIL_1>']}) in {VALUES['<CITY_1>']}. [cut:7]"
SAID = f"You said: {TEXT}"
CHAT: Any = {"model": "m", "messages": [{"role": "user", "content": TEXT}]}
TOOL: Any = {"type": "function", "function": {"name": "mail", "parameters": {"type": "object"}}}


@contextmanager
def running(upstream: str, folder: Path) -> Iterator[str]:
    """The gateway in a process of its own; yields its address."""
    values = folder / "values.json"
    values.write_text(json.dumps(VALUES), encoding="utf-8")
    environment = os.environ | {
        "UPSTREAM": upstream,
        "VALUES": str(values),
        "PYTHONPATH": os.pathsep.join([str(ROOT / "python"), str(ROOT / "examples")]),
    }
    # The socket listens before the process is there: nobody has to wait for it.
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        command = [sys.executable, "-m", "uvicorn", "gateway:app", "--log-level", "warning"]
        process = subprocess.Popen(
            [*command, "--fd", str(listener.fileno())],
            env=environment,
            cwd=folder,
            pass_fds=[listener.fileno()],
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    said: list[str] = []
    assert process.stderr is not None
    reader = threading.Thread(target=lambda: said.extend(process.stderr or ()), daemon=True)
    reader.start()
    try:
        yield address
        assert process.poll() is None
    finally:
        process.terminate()
        process.wait(timeout=20)
        reader.join(timeout=20)
        process.stderr.close()
    log = "".join(said)
    assert not any(value in log for value in (*VALUES, *VALUES.values())), "the gateway logs no value"


@pytest.fixture(scope="module")
def gateway(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    for needed in ("starlette", "httpx"):
        pytest.importorskip(needed)
    with running(provider.address, tmp_path_factory.mktemp("gateway")) as address:
        yield address
    assert provider.seen
    assert not any(value in body for body in provider.seen for value in VALUES.values())


@pytest.fixture
def openai(gateway: str) -> Iterator[Any]:
    client = pytest.importorskip("openai").OpenAI(api_key="k", base_url=gateway + "/v1", max_retries=0)
    with client:
        yield client


@pytest.fixture
def anthropic(gateway: str) -> Iterator[Any]:
    client = pytest.importorskip("anthropic").Anthropic(api_key="k", base_url=gateway, max_retries=0)
    with client:
        yield client


def text_of(chunks: Any) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


# ---------------------------------------------------------------- round trips


def test_chat(openai: Any, provider: Provider) -> None:
    assert openai.chat.completions.create(**CHAT).choices[0].message.content == SAID
    assert text_of(openai.chat.completions.create(**CHAT, stream=True)) == SAID
    assert "Write to <PERSON_1> (<EMAIL_1>) in <CITY_1>." in provider.seen[-1]


def test_chat_calls_tools_with_the_real_values(openai: Any) -> None:
    whole = openai.chat.completions.create(**CHAT, tools=[TOOL])
    with openai.chat.completions.stream(**CHAT, tools=[TOOL]) as stream:
        streamed = stream.get_final_completion()
    for answer in (whole, streamed):
        assert json.loads(answer.choices[0].message.tool_calls[0].function.arguments) == {"to": TEXT}


def test_chat_with_two_choices_and_usage(openai: Any) -> None:
    said = {0: "", 1: ""}
    usage: Any = None
    for chunk in openai.chat.completions.create(
        **CHAT, n=2, stream=True, stream_options={"include_usage": True}
    ):
        usage = chunk.usage or usage
        for choice in chunk.choices:
            said[choice.index] += choice.delta.content or ""
    assert said == {0: SAID, 1: SAID}
    assert usage.total_tokens == 8


def test_completions(openai: Any) -> None:
    assert openai.completions.create(model="m", prompt=TEXT).choices[0].text == SAID
    chunks = openai.completions.create(model="m", prompt=TEXT, stream=True)
    assert "".join(chunk.choices[0].text for chunk in chunks) == SAID


def test_responses(openai: Any) -> None:
    assert openai.responses.create(model="m", input=TEXT).output_text == SAID
    with openai.responses.stream(model="m", input=TEXT) as stream:
        deltas = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        assert (deltas, stream.get_final_response().output_text) == (SAID, SAID)


def test_messages(anthropic: Any) -> None:
    assert anthropic.messages.create(**CHAT, max_tokens=9).content[0].text == SAID
    with anthropic.messages.stream(**CHAT, max_tokens=9) as stream:
        assert "".join(stream.text_stream) == SAID
    tool: Any = {"name": "mail", "input_schema": {"type": "object"}}
    with anthropic.messages.stream(**CHAT, max_tokens=9, tools=[tool]) as stream:
        assert stream.get_final_message().content[0].input == {"to": TEXT}


def test_gemini(gateway: str) -> None:
    genai = pytest.importorskip("google.genai")
    client = genai.Client(api_key="k", http_options={"base_url": gateway})
    assert client.models.generate_content(model="m", contents=TEXT).text == SAID
    chunks = client.models.generate_content_stream(model="m", contents=TEXT)
    assert "".join(chunk.text or "" for chunk in chunks) == SAID


def test_many_at_once(gateway: str) -> None:
    async def all_of_them() -> list[str]:
        import asyncio

        client = importlib.import_module("openai").AsyncOpenAI(
            api_key="k", base_url=gateway, max_retries=0, timeout=100
        )

        async def one(number: int) -> str:
            content = f"{number}: {TEXT}"
            messages: Any = [{"role": "user", "content": content}]
            stream = await client.chat.completions.create(model="m", messages=messages, stream=True)
            return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

        async with client:
            return await asyncio.gather(*(one(number) for number in range(40)))

    import asyncio

    pytest.importorskip("openai")
    assert asyncio.run(all_of_them()) == [f"You said: {number}: {TEXT}" for number in range(40)]


# ---------------------------------------------------------------- ways to end


def test_the_client_leaves_and_the_provider_can_stop(openai: Any, provider: Provider) -> None:
    provider.closed.clear()
    messages: Any = [{"role": "user", "content": VALUES["<CITY_1>"] + " and on" * 50 + "[slow]"}]
    stream = openai.chat.completions.create(model="m", messages=messages, stream=True)
    next(iter(stream))
    stream.close()
    assert provider.closed.wait(timeout=30)


def test_the_provider_dies_in_the_middle_of_a_placeholder(openai: Any, provider: Provider) -> None:
    """What was held back arrives, and then the error."""
    words: Any = [{"role": "user", "content": f"{VALUES['<PERSON_1>']} [die:6]"}]
    said: list[str] = []
    provider.may_die.clear()

    def read() -> None:
        for chunk in openai.chat.completions.create(model="m", messages=words, stream=True):
            said.extend([chunk.choices[0].delta.content or ""])
            if "".join(said) == "You said: ":
                provider.may_die.set()

    with pytest.raises(Exception, match=r"incomplete|peer closed|Connection error") as caught:
        read()
    assert type(caught.value).__module__.startswith(("openai", "httpx", "httpcore"))
    assert "".join(said) == "You said: <PERS"


def test_a_provider_that_is_not_there_is_a_502(tmp_path: Path) -> None:
    for needed in ("uvicorn", "starlette", "httpx"):
        pytest.importorskip(needed)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with running(nobody, tmp_path) as address:
        response = ask(address, "GET", "/v1/models")[0]
        assert response.status == 502


# ---------------------------------------------------------------- passing through


class Echo(BaseHTTPRequestHandler):
    """Says what it was asked, with a cookie, a redirect's status and a length."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        asked = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        said = {"line": f"{self.command} {self.path}", "headers": self.headers.items(), "body": asked}
        data = json.dumps(said).encode()
        self.send_response(307)
        self.send_header("content-type", "text/plain")
        for name, value in (("location", "/elsewhere"), ("set-cookie", "a=1"), ("set-cookie", "b=2")):
            self.send_header(name, value)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_GET = do_POST = do_DELETE = do_PATCH = do_HEAD = do_PUT = do_OPTIONS = answer  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    for needed in ("uvicorn", "starlette", "httpx"):
        pytest.importorskip(needed)
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            upstream = f"http://127.0.0.1:{server.server_port}/base"
            with running(upstream, tmp_path_factory.mktemp("echo")) as address:
                yield address
        finally:
            server.shutdown()
            thread.join()


def ask(
    address: str, method: str, path: str, body: bytes = b"", **headers: str
) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=60)
    try:
        connection.request(
            method, path, body, {name.replace("_", "-"): value for name, value in headers.items()}
        )
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_every_path_and_method_passes(echo: str, method: str) -> None:
    path = "/v1/files/a%2Fb:x?q=1&q=%3CPERSON_1%3E"
    response, data = ask(echo, method, path, b"not <json>", authorization="Bearer k", accept_encoding="br")
    said = json.loads(data)
    headers = {name.lower(): value for name, value in said["headers"]}
    assert (said["line"], said["body"]) == (f"{method} /base{path}", "not <json>")
    assert (headers["authorization"], headers["accept-encoding"]) == ("Bearer k", "identity")
    assert "127.0.0.1" in headers["host"]
    assert (response.status, response.getheader("location")) == (307, "/elsewhere")
    assert response.headers.get_all("set-cookie") == ["a=1", "b=2"]
    assert response.getheader("content-length") == str(len(data))


def test_head_has_headers_and_no_body(echo: str) -> None:
    response, data = ask(echo, "HEAD", "/v1/models")
    assert (response.status, data) == (307, b"")
    assert response.getheader("content-type") == "text/plain"


def test_no_client_gets_another_s_cookies(echo: str) -> None:
    ask(echo, "GET", "/")
    said = json.loads(ask(echo, "GET", "/")[1])
    assert "cookie" not in {name.lower() for name, _ in said["headers"]}


def test_it_is_small() -> None:
    assert len((ROOT / "examples" / "gateway.py").read_text(encoding="utf-8").splitlines()) < 120
