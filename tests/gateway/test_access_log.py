"""The access log as several workers write it to one file."""

from __future__ import annotations

import io
import json

from gateways import needs_gateway

needs_gateway()

from holdback.gateway.metrics import AccessLog, Account  # noqa: E402


class Writes(io.StringIO):
    """A file without a buffer, as standard output is under ``PYTHONUNBUFFERED``: each write is one of the system's."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []

    def write(self, text: str) -> int:
        self.pieces.append(text)
        return len(text)


def test_a_line_is_one_write() -> None:
    """Else the lines of several workers run into each other."""
    file = Writes()
    log = AccessLog(file)
    for status in (200, 503):
        log.write(Account(method="POST", status=status))
    assert [json.loads(piece)["status"] for piece in file.pieces] == [200, 503]
    assert all(piece.endswith("\n") for piece in file.pieces)
