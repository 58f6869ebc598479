"""A client that leaves at any step lets the provider go, and no connection to it stays behind."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateways import needs_gateway

needs_gateway()
httpx = pytest.importorskip("httpx")

from holdback.gateway.forwarding import Forwarding  # noqa: E402 - the extra may be missing
from holdback.gateway.metrics import Account  # noqa: E402

PIECE = b"data: x\n\n"
STEPS = 60
"""Of the event loop, more than an answer takes."""


class Answering:
    """A provider that counts its open connections."""

    def __init__(self) -> None:
        self._open = 0
        self._closed = asyncio.Condition()

    async def has_at_most(self, connections: int) -> None:
        """Returns when no more are open."""
        async with asyncio.timeout(30), self._closed:
            await self._closed.wait_for(lambda: self._open <= connections)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
                for _ in range(3):
                    writer.write(b"%x\r\n%s\r\n" % (len(PIECE), PIECE))
                    await writer.drain()
                    await asyncio.sleep(0)
                writer.write(b"0\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the gateway has closed it
        finally:
            writer.close()
            async with self._closed:
                self._open -= 1
                self._closed.notify_all()


async def ask(client: Any, address: str, leaves_at: int | None) -> Account:
    """One answer, which the client leaves at that step; None for never."""

    async def receive() -> dict[str, Any]:
        if leaves_at is None:
            await asyncio.Event().wait()
        for _ in range(leaves_at or 0):
            await asyncio.sleep(0)
        return {"type": "http.disconnect"}

    async def send(_: Any) -> None:
        await asyncio.sleep(0)

    account = Account(method="GET")
    await Forwarding(client, client.build_request("GET", address), account)(None, receive, send)
    return account


@pytest.mark.parametrize("kept_for", [60, 0], ids=["kept", "not kept"])
async def test_a_client_that_leaves_at_any_step(kept_for: int) -> None:
    provider = Answering()
    ends = set()
    async with await asyncio.start_server(provider, "127.0.0.1", 0) as server:
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        limits = httpx.Limits(max_connections=None, keepalive_expiry=kept_for)
        for step in range(STEPS):
            async with httpx.AsyncClient(limits=limits, trust_env=False) as client:
                await asyncio.gather(*(ask(client, address, None) for _ in range(3)))
                ends.add((await ask(client, address, step)).ended)
                # No connection is left out: the three that were made are enough for three further answers.
                await asyncio.gather(*(ask(client, address, None) for _ in range(3)))
                await provider.has_at_most(3 if kept_for else 0)
            await provider.has_at_most(0)
    assert ends == {"client left", "complete"}
