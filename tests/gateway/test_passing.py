"""What goes through a gateway as it came: methods, paths, queries, headers, statuses, cookies."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from gateways import Gateway, needs_gateway, running


class Echo(BaseHTTPRequestHandler):
    """Says what it was asked, with cookies, a redirect's status and a length."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        asked = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        said = {"line": f"{self.command} {self.path}", "headers": self.headers.items(), "body": asked}
        data = json.dumps(said).encode()
        self.send_response(307)
        self.send_header("content-type", "text/plain")
        for name, value in (("location", "/elsewhere"), ("set-cookie", "a=1"), ("set-cookie", "b=2")):
            self.send_header(name, value)
        self.send_header("connection", "x-mine")
        self.send_header("x-mine", "1")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_GET = do_POST = do_DELETE = do_PATCH = do_HEAD = do_PUT = do_OPTIONS = answer  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    needs_gateway()
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            upstream = f"http://127.0.0.1:{server.server_port}/base"
            settings = 'allow = ["/v1/files/*"]'
            with running(upstream, tmp_path_factory.mktemp("echo"), settings=settings) as gateway:
                yield gateway
        finally:
            server.shutdown()
            thread.join()


def ask(
    gateway: Gateway, method: str, path: str, body: bytes = b"", **headers: str
) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=60)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, named)
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_every_method_passes_on_an_allowed_path(echo: Gateway, method: str) -> None:
    path = "/v1/files/a%2Fb:x?q=1&q=%3CPERSON_1%3E"
    headers = {
        "authorization": "Bearer k",
        "accept_encoding": "br",
        "x_conversation": "c",
        "connection": "x-hop",
        "x_hop": "1",
        "proxy_authorization": "p",
    }
    response, data = ask(echo, method, path, b"not <json>", **headers)
    said = json.loads(data)
    seen = {name.lower(): value for name, value in said["headers"]}
    assert (said["line"], said["body"]) == (f"{method} /base{path}", "not <json>")
    assert (seen["authorization"], seen["accept-encoding"]) == ("Bearer k", "identity")
    assert "127.0.0.1" in seen["host"]
    assert not seen.keys() & {"x-conversation", "x-hop", "proxy-authorization"}
    assert (response.status, response.getheader("location")) == (307, "/elsewhere")
    assert response.headers.get_all("set-cookie") == ["a=1", "b=2"]
    assert response.getheader("x-mine") is None
    assert response.getheader("content-length") == str(len(data))


def test_head_has_headers_and_no_body(echo: Gateway) -> None:
    response, data = ask(echo, "HEAD", "/v1/models")
    assert (response.status, data) == (307, b"")
    assert response.getheader("content-type") == "text/plain"


def test_no_client_gets_another_s_cookies(echo: Gateway) -> None:
    ask(echo, "GET", "/v1/models")
    said = json.loads(ask(echo, "GET", "/v1/models")[1])
    assert "cookie" not in {name.lower() for name, _ in said["headers"]}


def test_a_masked_body_has_its_own_length(echo: Gateway) -> None:
    body = json.dumps({"messages": [{"role": "user", "content": "Mira Okafor"}]}).encode()
    said = json.loads(ask(echo, "POST", "/v1/messages", body, content_md5="x", digest="y")[1])
    seen = {name.lower(): value for name, value in said["headers"]}
    assert "Mira" not in said["body"]
    assert int(seen["content-length"]) == len(said["body"])
    assert not seen.keys() & {"content-md5", "digest"}
