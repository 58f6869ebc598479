"""Proxies for ``holdback check``: one that is right, made of the middleware, and one that is wrong for each column."""

from __future__ import annotations

import http.client
import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from holdback import TrieMatcher, WireRestorer, restore_answer
from holdback.check.known import STATIC, VALUES
from holdback.integrations.asgi import RestoreMiddleware, by_path
from holdback.integrations.masking import mask_request, reversed_matcher

PAIRS = {STATIC[number]: value for number, value in VALUES.items()}
Reads = Iterable[bytes]


def middleware_proxy(upstream: str) -> Any:
    """A Starlette application that masks and forwards, under ``RestoreMiddleware``."""
    import httpx
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.requests import Request
    from starlette.responses import StreamingResponse
    from starlette.routing import Route

    masks = reversed_matcher(PAIRS)
    assert masks is not None

    async def forward(request: Request) -> StreamingResponse:
        body = await request.json()
        mask_request(body, masks)
        client = httpx.AsyncClient(timeout=30)
        address = httpx.URL(upstream).join(request.url.path)
        sent = client.build_request(
            request.method, address.copy_with(query=request.url.query.encode()), json=body
        )
        response = await client.send(sent, stream=True)

        async def read() -> Any:
            try:
                async for data in response.aiter_raw():
                    yield data
            finally:
                await response.aclose()
                await client.aclose()

        kind = {"content-type": response.headers["content-type"]}
        return StreamingResponse(read(), status_code=response.status_code, headers=kind)

    middleware = Middleware(RestoreMiddleware, mapping=PAIRS, answers=True, protocol=by_path)
    return Starlette(routes=[Route("/{path:path}", forward, methods=["POST"])], middleware=[middleware])


class Hooks:
    """A proxy that is right; each kind below breaks one thing."""

    def mask(self, body: Any) -> None:
        masks = reversed_matcher(PAIRS)
        assert masks is not None
        mask_request(body, masks)

    def whole(self, data: bytes) -> bytes:
        return bytes(restore_answer(data, PAIRS))

    def stream(self, reads: Reads) -> Iterator[bytes]:
        restorer = WireRestorer(PAIRS)
        for data in reads:
            yield restorer.feed(data)
        yield restorer.flush()


class OneByOne(Hooks):
    """Each event on its own."""

    def stream(self, reads: Reads) -> Iterator[bytes]:
        for data in reads:
            restorer = WireRestorer(PAIRS)
            yield restorer.feed(data) + restorer.flush()


class Unescaped(Hooks):
    """Originals as they are, also in the source of JSON."""

    def stream(self, reads: Reads) -> Iterator[bytes]:
        text = b"".join(reads)
        if b"arguments" not in text:
            yield from super().stream([text])
            return
        for event in text.split(b"\n\n"):
            yield event + b"\n\n" if event else b""


class WithoutTails(Hooks):
    """What is held at the end of an answer is dropped."""

    def stream(self, reads: Reads) -> Iterator[bytes]:
        for event in b"".join(super().stream([b"".join(reads)])).split(b"\n\n"):
            if event and not re.search(rb'"content": ?"<C', event):
                yield event + b"\n\n"


class OneBuffer(Hooks):
    """All choices in one buffer."""

    def stream(self, reads: Reads) -> Iterator[bytes]:
        matcher, held, last = TrieMatcher(PAIRS).stream(), b"", ""
        for line in b"".join(reads).split(b"\n\n"):
            text = line.removeprefix(b"data: ").strip()
            if not text or text == b"[DONE]":
                held += line + b"\n\n" if line else b""
                continue
            event = json.loads(text)
            for choice in event["choices"]:
                if choice["delta"].get("content"):
                    choice["delta"]["content"] = matcher.feed(choice["delta"]["content"])
                    last = text.decode()
            yield b"data: " + json.dumps(event).encode() + b"\n\n"
        if last:
            event = json.loads(last)
            event["choices"][0]["delta"]["content"] = matcher.flush()
            yield b"data: " + json.dumps(event).encode() + b"\n\n"
        yield held


class OnlyStreams(Hooks):
    """Whole answers pass."""

    def whole(self, data: bytes) -> bytes:
        return data


class OnlyTheLastTurn(Hooks):
    """What was said before is not masked again."""

    def mask(self, body: Any) -> None:
        messages = body["messages"]
        last = {"messages": messages[-1:]}
        super().mask(last)
        body["messages"] = [*messages[:-1], *last["messages"]]


class Leaking(Hooks):
    """Masks, and tells the provider all the same."""

    def mask(self, body: Any) -> None:
        super().mask(body)
        body["metadata"] = {"note": VALUES[2]}


class Rewriting(Hooks):
    """Every event is parsed and written anew."""

    def stream(self, reads: Reads) -> Iterator[bytes]:
        for data in super().stream(reads):
            yield data.replace(b'": ', b'":')


class Collecting(Hooks):
    """The whole answer first."""

    def stream(self, reads: Reads) -> Iterator[bytes]:
        yield from super().stream([b"".join(reads)])


BROKEN: dict[str, Callable[[], Hooks]] = {
    "exact": OneByOne,
    "json": Unescaped,
    "tails": WithoutTails,
    "channels": OneBuffer,
    "whole": OnlyStreams,
    "turn 2": OnlyTheLastTurn,
    "provider": Leaking,
    "bytes": Rewriting,
    "first text": Collecting,
}
"""By the column that must find it."""


@contextmanager
def plain_proxy(hooks: Hooks, upstream: str) -> Iterator[str]:
    """A proxy of the standard library; its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the name is the base's
            pass

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            hooks.mask(body)
            there = http.client.HTTPConnection(urlsplit(upstream).netloc, timeout=30)
            there.request("POST", self.path, json.dumps(body).encode())
            response = there.getresponse()
            self.send_response(response.status)
            kind = response.headers["content-type"]
            self.send_header("content-type", kind)
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()

            def reads() -> Iterator[bytes]:
                while data := response.read1(65536):
                    yield data

            out = [hooks.whole(response.read())] if kind == "application/json" else hooks.stream(reads())
            for data in out:
                if data:
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                    self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")
            there.close()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
