"""A real Redis server on loopback."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

SERVER = shutil.which("redis-server") or shutil.which("valkey-server")


class Server:
    """One server; it keeps nothing on disk unless it is told to."""

    def __init__(self, folder: Path) -> None:
        assert SERVER is not None
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = [
            "--port",
            self.port,
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--dir",
            self.folder,
            "--daemonize",
            "no",
        ]
        self._process = subprocess.Popen(
            [str(SERVER), *map(str, options)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(500):
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                    connection.sendall(b"PING\r\n")
                    if connection.recv(16).startswith(b"+PONG"):
                        return
            except OSError:
                pass
            assert self._process.poll() is None, "the server ended"
            time.sleep(0.02)
        raise AssertionError("the server does not answer")

    def stop(self) -> None:
        """As a crash would."""
        if self._process is not None:
            self.go_on()
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """It keeps its connections and answers nothing."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        if self._process is not None and self._process.poll() is None:
            os.kill(self._process.pid, signal.SIGCONT)

    def say(self, *words: Any) -> bytes:
        """One command, as it is sent; the answer as it comes, up to its end."""
        parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        data = b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(data + b"*1\r\n$4\r\nQUIT\r\n")
            answer = b""
            while more := connection.recv(1 << 16):
                answer += more
        return answer

    def dump(self) -> bytes:
        """All that it would write to disk."""
        self.say("CONFIG", "SET", "rdbcompression", "no")
        assert self.say("SAVE").startswith(b"+OK")
        return (self.folder / "dump.rdb").read_bytes()
