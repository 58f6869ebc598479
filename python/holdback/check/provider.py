"""The fake provider: an HTTP server on loopback, in a thread, that answers with the placeholders that it is sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from holdback.check.answers import WRITERS
from holdback.check.cases import FIRST, Case, cases_for
from holdback.check.known import VALUES, case_in, placeholders_in, texts_of
from holdback.errors import HoldbackError
from holdback.integrations.opening import protocol_of_path

PATIENCE = 3.0
"""How many seconds the provider waits behind the first text for a client that does not get it."""


class Seen(NamedTuple):
    """A request as it arrived."""

    texts: list[str]
    placeholders: dict[int, str]

    @property
    def leaked(self) -> list[int]:
        """Which values are in it."""
        whole = "\n".join(self.texts)
        return [number for number, value in VALUES.items() if value in whole]


class Provider(ThreadingHTTPServer):
    """``address`` is where it listens; ``seen`` what came since ``begin``."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.address = f"http://127.0.0.1:{self.server_address[1]}"
        self.seen: list[Seen] = []
        self.arrived = threading.Event()
        self.patience = PATIENCE
        self.gave_up = False
        """Whether it went on although the client had no text."""

    def begin(self) -> None:
        """Forget what came before."""
        self.seen = []
        self.gave_up = False
        self.arrived.clear()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves is no error of ours."""


class _Handler(BaseHTTPRequestHandler):
    server: Provider
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else a small event waits for the acknowledgement of the one before

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the name is the base's
        """Nothing is logged."""

    def do_GET(self) -> None:
        self._send_whole({"object": "list", "data": []})

    def do_POST(self) -> None:
        try:
            body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
        except ValueError:
            body = {}
        texts = list(texts_of(body))
        seen = Seen(texts, placeholders_in(texts))
        self.server.seen.append(seen)
        path = self.path.partition("?")[0]
        protocol, name = protocol_of_path(path), case_in(texts)
        case = None if name is None else case_named(protocol, name)
        if case is None or seen.placeholders.keys() != VALUES.keys():
            self._send_whole({"error": {"message": "the check does not know this request"}}, status=404)
            return
        writer = WRITERS[protocol]
        model = body.get("model") if isinstance(body.get("model"), str) else "holdback-check"
        pieces = case.pieces(seen.placeholders, seen.placeholders, in_turns=writer.in_turns)
        if not case.streamed:
            self._send_whole(writer.whole(pieces, model))
            return
        self._send_stream(case, writer.stream(pieces, model), writer.content_type)

    def _send_whole(self, answer: Mapping[str, Any], status: int = 200) -> None:
        data = json.dumps(answer, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _send_stream(self, case: Case, events: Iterator[bytes], content_type: str) -> None:
        self.send_response(200)
        self.send_header("content-type", content_type)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        if case.write:
            data = b"".join(events)
            events = iter([data[at : at + case.write] for at in range(0, len(data), case.write)])
        waits = case.waits
        for data in events:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            self.wfile.flush()
            if waits and FIRST.encode() in data:
                self.server.gave_up = not self.server.arrived.wait(self.server.patience)
                waits = False
        self.wfile.write(b"0\r\n\r\n")


def case_named(protocol: str, name: str) -> Case | None:
    """The case of that name in a format."""
    writer = WRITERS.get(protocol)
    if writer is None:
        return None
    cases = cases_for(calls=writer.calls, channels=writer.channels)
    return next((case for case in cases if case.name == name), None)


@contextmanager
def serving(port: int) -> Iterator[Provider]:
    """A provider that runs.

    :raises HoldbackError: the port is taken.
    """
    try:
        provider = Provider(port)
    except OSError as error:
        reason = error.strerror
    else:
        thread = threading.Thread(target=provider.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield provider
        finally:
            provider.shutdown()
            provider.server_close()
        return
    raise HoldbackError(f"the fake provider cannot listen on port {port}: {reason}")
