"""The client: the streams of a round, when what of them came, and whether it is right."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import time
from functools import partial
from typing import Any, NamedTuple

from benches.e2e.load import CUT, STAMP, Load, argued, as_masked, restored, said, values
from benches.e2e.servers import Server

LIMIT = 120  # seconds: no round may hang


class Answer(asyncio.Protocol):
    """One stream: what arrived and when. It is looked at when the round is over."""

    __slots__ = ("arrivals", "asked", "ended", "seed")

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.arrivals: list[tuple[float, bytes]] = []
        self.asked = 0.0
        self.ended = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        self.arrivals.append((time.monotonic(), data))

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(error)

    def is_right(self, load: Load, server: Server) -> bool:
        """Whether the answer is whole, and says what it should."""
        head, _, body = b"".join(data for _, data in self.arrivals).partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200 ") or not body.endswith(b"0\r\n\r\n"):
            return False
        lines = [line[6:] for line in dechunked(body).split(b"\n") if line.startswith(b"data: ")]
        choices = [
            choice for line in lines if line != b"[DONE]" for choice in json.loads(line).get("choices", ())
        ]
        if lines[-1:] != [b"[DONE]"]:
            return False
        if load.calls:
            return choices[-1]["finish_reason"] == "tool_calls" and self._argues(load, server, choices)
        text = "".join(choice["delta"].get("content") or "" for choice in choices)
        text = STAMP.sub(b"", text.encode()).decode()
        if server.masks and server.restores:
            right = CUT.sub("", text) == CUT.sub("", as_masked(self.seed, load.tokens))
        else:
            expected = "".join(said(self.seed, load.tokens))
            right = text == (restored(expected) if server.restores else expected)
        return right and bool(choices[-1]["finish_reason"] == "stop")

    def _argues(self, load: Load, server: Server, choices: list[dict[str, Any]]) -> bool:
        """Whether the arguments of each call are what they should be."""
        expected, came = ([""] * load.calls for _ in range(2))
        for call, piece in argued(self.seed, load.tokens, load.calls):
            expected[call] += piece
        for choice in choices:
            for call in choice["delta"].get("tool_calls") or ():
                came[call["index"]] += call["function"]["arguments"]
        said = [json.loads(source)["text"] for source in expected]
        if server.restores:
            said = [restored(text) for text in said]
        return [json.loads(source)["text"] for source in came] == said

    def latencies(self) -> list[float]:
        """Seconds from the provider's hand to ours, of every token that says when it was sent."""
        data, at, found = bytearray(), 0, []
        for arrived, more in self.arrivals:
            data += more
            for match in STAMP.finditer(data, at):
                found.append(arrived - int(match[1]) / 1e6)
                at = match.end()
        return found

    def first_token(self) -> float:
        """Seconds from the request to the first token."""
        data = bytearray()
        for arrived, more in self.arrivals:
            data += more
            if STAMP.search(data):
                return arrived - self.asked
        return float("nan")


def dechunked(body: bytes) -> bytes:
    """A chunked HTTP body without its frames."""
    parts, at = [], 0
    while size := int(body[at : (line := body.index(b"\r\n", at))].split(b";")[0], 16):
        parts.append(body[line + 2 : line + 2 + size])
        at = line + size + 4
    return b"".join(parts)


def request(server: Server, load: Load, seed: int) -> bytes:
    text = f"[{seed},{load.tokens},{load.pace},{load.block},{load.calls}]"
    if server.masks:
        text += f" {', '.join(values())}."
    messages = [{"role": "user", "content": text}]
    body = json.dumps({"model": "m", "stream": True, "messages": messages}).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:{server.port}\r\nauthorization: Bearer {server.key}"
        f"\r\nx-conversation: bench"
        f"\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body


class Round(NamedTuple):
    """What one round of one side came to."""

    rate: float  # tokens per second, all streams together
    cpu: float  # the server's seconds per token
    latencies: list[float]
    firsts: list[float]
    wrong: int


async def ask(server: Server, load: Load, starts: float) -> tuple[list[Answer], float]:
    """All streams of a round, and how long they took."""
    loop = asyncio.get_running_loop()
    answers: list[Answer] = []

    async def stream(number: int) -> None:
        for repeat in range(load.repeats):
            seed = 1 + (number + repeat) % 8
            transport, answer = await loop.create_connection(partial(Answer, seed), "127.0.0.1", server.port)
            answers.append(answer)
            if repeat == 0:
                if len(answers) == load.streams:
                    connected.set()
                await ready.wait()
                if starts:
                    await asyncio.sleep(number / starts)
            answer.asked = time.monotonic()
            transport.write(request(server, load, seed))
            await answer.ended

    connected, ready = asyncio.Event(), asyncio.Event()
    streams = [asyncio.create_task(stream(number)) for number in range(load.streams)]
    await connected.wait()
    began = time.monotonic()
    ready.set()
    _, late = await asyncio.wait(streams, timeout=LIMIT)
    for task in late:
        task.cancel()
    for task in streams:
        with contextlib.suppress(asyncio.CancelledError, OSError):
            await task
    return answers, time.monotonic() - began


def once(server: Server, load: Load, starts: float = 0) -> Round:
    gc.collect()
    spent = server.cpu()
    answers, took = asyncio.run(ask(server, load, starts))
    sent = load.streams * load.repeats * load.tokens
    return Round(
        sent / took,
        (server.cpu() - spent) / sent,
        [latency for answer in answers for latency in answer.latencies()] if load.pace else [],
        [answer.first_token() for answer in answers] if load.pace else [],
        load.streams * load.repeats - sum(answer.is_right(load, server) for answer in answers),
    )
