"""A server on loopback that answers every request with the same body, for clients of providers."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Server(http.server.ThreadingHTTPServer):
    """Answers every request with ``body``, piece by piece, as ``kind``."""

    daemon_threads = True
    body: list[bytes]
    kind: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answer(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(200)
        self.send_header("content-type", self.server.kind)
        self.end_headers()
        for piece in self.server.body:
            self.wfile.write(piece)

    def log_message(self, *args: Any) -> None:
        pass


@contextmanager
def answering() -> Iterator[Server]:
    """The server, while it runs."""
    with Server(("127.0.0.1", 0), _Answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
