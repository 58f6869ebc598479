"""The provider, a process: ``python -m benches.e2e.provider`` says its port and serves until it is killed."""

from __future__ import annotations

import asyncio
import contextlib
import re

from benches.e2e.load import MARK, call_events, event, events, stamp

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


async def provide(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the requests of one connection. Their text says what is wanted: ``[seed,tokens,pace,block,calls]``."""

    def send(data: bytes) -> None:
        writer.write(b"%x\r\n%b\r\n" % (len(data), data))

    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
            body = await reader.readexactly(int(length[1]) if length else 0)
            asked = re.search(rb"\[(\d+),(\d+),(\d+),(\d+),(\d+)\]", body)
            if asked is None:
                break
            seed, count, pace, block, calls = map(int, asked.groups())
            if calls:
                pieces = [(data, b"") for data in call_events(seed, count, calls)]
            else:
                pieces = events(seed, count, tuple(mark.decode() for mark in MARK.findall(body)))
            writer.write(HEAD)
            opening = event({"role": "assistant", "content": None if calls else ""})
            closing = event({}, "tool_calls" if calls else "stop") + b"data: [DONE]\n\n"
            if pace:
                send(opening)
                for before, after in pieces:
                    send(before + stamp() + after if after else before)
                    await writer.drain()
                    await asyncio.sleep(pace / 1000)
                send(closing)
            else:
                written = [opening, *(before + after for before, after in pieces), closing]
                if block:
                    data = b"".join(written)
                    written = [data[at : at + block] for at in range(0, len(data), block)]
                for data in written:
                    send(data)
                    await writer.drain()
            writer.write(b"0\r\n\r\n")
            await writer.drain()
    writer.close()


async def provider() -> None:
    """Say where, and serve until killed."""
    server = await asyncio.start_server(provide, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(provider())
