"""Whole servers on loopback, with holdback off and on: `make bench-e2e`.

    python -m benches.e2e [gateway] [litellm]           about two minutes
    HOLDBACK_BENCH=full python -m benches.e2e

Provider, server and client are a process each. What "off" is: for the example gateway the same routes without the
middleware and without values, for LiteLLM the same proxy with a guardrail that defines the hook and does nothing
(any guardrail switches LiteLLM's own work per chunk on). Both servers run at once and are asked in turns.

- *Rate*: the provider sends all it has, an event in each HTTP chunk as providers do, or in blocks as a buffering
  neighbour would, where passing through is nearly free. Tokens per second are those of all streams, from the first
  request to the last byte. Beside it the server's own processor time per token: the clock sees whatever else the
  machine does.
- *Latency*: the provider sends at a pace well below that rate. A token carries the time when it was written, on the
  machine's one monotonic clock, so a latency is that of the way through the server. What is added is the difference of
  a quantile on and off, the median over rounds; beside it by how much the rounds without holdback differ, which is
  what the machine alone does. The streams begin one after another, as people do.

Every answer is checked, off and on: that all streams are complete and correct is a figure too.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import re
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

from benches.report import figure, figures, table
from benches.workloads import FULL, optional, pairs_of, prose, tokens

ROOT = Path(__file__).resolve().parent.parent
PAIRS = pairs_of("placeholders", 100)
SIDES = ("off", "on")
LIMIT = 120  # seconds: no round may hang

NO_OP = """
from litellm.integrations.custom_guardrail import CustomGuardrail


class NoOp(CustomGuardrail):
    async def async_post_call_streaming_iterator_hook(self, user_api_key_dict, response, request_data):
        async for item in response:
            yield item
"""


class Load(NamedTuple):
    """What one round asks for."""

    streams: int  # at the same time
    tokens: int  # of each stream
    pace: int = 0  # milliseconds from one token to the next; 0: as fast as they go
    repeats: int = 1  # one after another
    rounds: int = 3
    block: int = 0  # bytes in an HTTP chunk, if it is not an event in each


MORE = 3 if FULL else 1
RATES = {
    "gateway": [
        # Many short rounds: what else the machine does is longer than a round, and the same for both sides of one.
        Load(1, 2_000, rounds=41 * MORE),
        Load(1, 8_000, rounds=21 * MORE, block=4096),
        Load(50, 80, rounds=11 * MORE),
        Load(50, 160, rounds=11 * MORE, block=4096),
        Load(500, 20, rounds=5 * MORE),
    ],
    "litellm": [Load(1, 600, rounds=5 * MORE), Load(50, 20, rounds=2 * MORE), Load(500, 4, rounds=MORE)],
}
PACES = {
    "gateway": [
        Load(1, 20, 5, repeats=8, rounds=3 * MORE),
        Load(50, 25, 40, rounds=3 * MORE),
        Load(500, 4, 100, rounds=MORE),
    ],
    "litellm": [
        Load(1, 20, 5, repeats=6, rounds=3 * MORE),
        Load(50, 17, 150, rounds=2 * MORE),
        *(
            [Load(500, 30, 1_000)] if FULL else []
        ),  # takes a minute: it answers a few dozen requests per second
    ],
}
STARTS = {"gateway": 200, "litellm": 20}
"""New streams per second while latencies are taken."""
MANY = 500
KEPT = 5  # seconds that httpx keeps an idle connection, unless told otherwise

# ---------------------------------------------------------------- what is said

PLACEHOLDER = re.compile(r"<PERSON_\d+>")
STAMP = re.compile(rb"~(\d{15})~")


def stamp() -> bytes:
    return b"~%015d~" % (time.monotonic_ns() // 1000)


@cache
def said(seed: int, count: int) -> list[str]:
    """The tokens of an answer, a placeholder per 200 code points."""
    return tokens(prose(8 * count + 100, list(PAIRS), 200, seed), seed)[:count]


def restored(text: str) -> str:
    return PLACEHOLDER.sub(lambda found: PAIRS[found[0]], text)


def event(delta: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    envelope = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1790000000,
        "model": "m",
        "choices": [choice],
    }
    return f"data: {json.dumps(envelope)}\n\n".encode()


@cache
def events(seed: int, count: int) -> list[tuple[bytes, bytes]]:
    """Each event of an answer in two parts: a time can be put between, except in the middle of a placeholder."""
    pieces = said(seed, count)
    inside = {
        at for found in PLACEHOLDER.finditer("".join(pieces)) for at in range(found.start() + 1, found.end())
    }
    parts, at = [], 0
    for piece in pieces:
        at += len(piece)
        data = event({"content": piece + "\x00"})
        before, after = data.split(b"\\u0000")
        parts.append((before + after, b"") if at in inside else (before, after))
    return parts


# ---------------------------------------------------------------- the provider, a process

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


async def provide(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the requests of one connection. Their text says what is wanted: ``[seed,tokens,pace,block]``."""

    def send(data: bytes) -> None:
        writer.write(b"%x\r\n%b\r\n" % (len(data), data))

    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
            body = await reader.readexactly(int(length[1]) if length else 0)
            asked = re.search(rb"\[(\d+),(\d+),(\d+),(\d+)\]", body)
            if asked is None:
                break
            seed, count, pace, block = map(int, asked.groups())
            writer.write(HEAD)
            opening = event({"role": "assistant", "content": ""})
            closing = event({}, "stop") + b"data: [DONE]\n\n"
            if pace:
                send(opening)
                for before, after in events(seed, count):
                    send(before + stamp() + after if after else before)
                    await writer.drain()
                    await asyncio.sleep(pace / 1000)
                send(closing)
            else:
                written = [opening, *(before + after for before, after in events(seed, count)), closing]
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


# ---------------------------------------------------------------- the servers, processes


class Server(NamedTuple):
    port: int
    pid: int
    key: str = "none"
    restores: bool = True

    def cpu(self) -> float:
        """Seconds of processor time it has had; 0 where that cannot be asked."""
        threads = Path(f"/proc/{self.pid}/task").glob("*/schedstat")
        return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@contextlib.contextmanager
def running(
    command: Sequence[str], folder: Path, log: Path, **environment: str
) -> Iterator[subprocess.Popen[bytes]]:
    path = os.pathsep.join(map(str, (ROOT, ROOT / "python", ROOT / "examples")))
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": path} | environment,
            stdout=subprocess.PIPE if "provider" in command else output,
            stderr=output,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=10)


def wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 100
    while True:
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5):
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit("a server did not start:\n" + log.read_text(errors="replace")[-2000:])
        time.sleep(0.1)


def plain_gateway() -> Any:
    """The example gateway without its middleware: what passing through costs."""
    import gateway  # type: ignore[import-not-found,unused-ignore]
    from starlette.applications import Starlette
    from starlette.responses import Response
    from starlette.routing import Route

    alive = Route("/alive", lambda _: Response())
    return Starlette(routes=[alive, *gateway.app.routes], lifespan=gateway.lifespan)


def restoring_gateway() -> Any:
    """The example gateway itself, with a path that says that it is there."""
    import gateway
    from starlette.responses import Response
    from starlette.routing import Route

    gateway.app.router.routes.insert(0, Route("/alive", lambda _: Response()))
    return gateway.app


@contextlib.contextmanager
def gateways(upstream: str, folder: Path) -> Iterator[dict[str, Server]]:
    """One of each side."""
    with contextlib.ExitStack() as stack:
        servers = {}
        for side, factory, values in zip(
            SIDES, ("plain_gateway", "restoring_gateway"), ({}, PAIRS), strict=True
        ):
            (folder / f"{side}.json").write_text(json.dumps(values), encoding="utf-8")
            port, log = free_port(), folder / f"{side}.log"
            command = ["-m", "uvicorn", "--factory", f"benches.e2e:{factory}", "--port", str(port)]
            command += ["--no-access-log", "--log-level", "warning", "--backlog", "2048"]
            knobs = {"UPSTREAM": upstream, "VALUES": str(folder / f"{side}.json")}
            process = stack.enter_context(running(command, folder, log, **knobs))
            wait_for(f"http://127.0.0.1:{port}/alive", process, log)
            servers[side] = Server(port, process.pid, restores=side == "on")
        yield servers


@contextlib.contextmanager
def proxies(upstream: str, folder: Path) -> Iterator[dict[str, Server]]:
    """LiteLLM with a guardrail that does nothing, and with ours."""
    (folder / "noop.py").write_text(NO_OP, encoding="utf-8")
    (folder / "known.json").write_text(json.dumps(PAIRS), encoding="utf-8")
    key = f"sk-{secrets.token_hex(16)}"
    local = (
        "MODEL_COST_MAP",
        "ANTHROPIC_BETA_HEADERS",
        "BLOG_POSTS",
        "POLICY_TEMPLATES",
        "AUTOROUTER_PRESETS",
    )
    environment = {
        **{f"LITELLM_LOCAL_{name}": "True" for name in local},
        "LITELLM_MASTER_KEY": key,
        "LITELLM_MODE": "PRODUCTION",
        "LITELLM_LOG": "ERROR",
        "DISABLE_ADMIN_UI": "True",
        "NO_DOCS": "True",
    }
    ours = {"guardrail": "holdback.integrations.litellm.HoldbackGuardrail", "known_values": "known.json"}
    guardrails = {"off": {"guardrail": "noop.NoOp"}, "on": ours}
    target = {"model": "openai/m", "api_base": f"{upstream}/v1", "api_key": "k"}
    with contextlib.ExitStack() as stack:
        waiting = []
        for side, guardrail in guardrails.items():
            parameters = {**guardrail, "mode": ["pre_call", "post_call"], "default_on": True}
            config = {
                "guardrails": [{"guardrail_name": side, "litellm_params": parameters}],
                "model_list": [{"model_name": "m", "litellm_params": target}],
                "general_settings": {"master_key": "os.environ/LITELLM_MASTER_KEY"},
                "router_settings": {"num_retries": 0, "disable_cooldowns": True},
            }
            (folder / f"{side}.yaml").write_text(json.dumps(config), encoding="utf-8")
            port, log = free_port(), folder / f"proxy-{side}.log"
            command = [str(Path(sys.executable).with_name("litellm")), "--config", f"{side}.yaml"]
            command += ["--host", "127.0.0.1", "--port", str(port)]
            process = stack.enter_context(running(command, folder, log, **environment))
            waiting.append((side, port, process, log))
        servers = {}
        for side, port, process, log in waiting:
            wait_for(f"http://127.0.0.1:{port}/health/liveliness", process, log)
            servers[side] = Server(port, process.pid, key, restores=side == "on")
        yield servers


# ---------------------------------------------------------------- the client


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
        text = "".join(choice["delta"].get("content") or "" for choice in choices)
        expected = "".join(said(self.seed, load.tokens))
        right = STAMP.sub(b"", text.encode()).decode() == (
            restored(expected) if server.restores else expected
        )
        return right and lines[-1:] == [b"[DONE]"] and choices[-1]["finish_reason"] == "stop"

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
    message = {"role": "user", "content": f"[{seed},{load.tokens},{load.pace},{load.block}]"}
    body = json.dumps({"model": "m", "stream": True, "messages": [message]}).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:{server.port}\r\nauthorization: Bearer {server.key}"
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


# ---------------------------------------------------------------- the report


def interleaved(servers: dict[str, Server], load: Load, starts: float = 0) -> dict[str, list[Round]]:
    """The rounds of both sides, in turns, each side first as often as the other. Ratios are of neighbours."""
    rounds: dict[str, list[Round]] = {side: [] for side in SIDES}
    for number in range(load.rounds):
        for side in SIDES[:: -1 if number % 2 else 1]:
            if load.streams >= MANY and not load.pace:
                time.sleep(KEPT + 1)  # or the side whose last round is longer ago has nothing to look through
            rounds[side].append(once(servers[side], load, starts))
    return rounds


def quantile(values: Sequence[float], share: float) -> float:
    """In milliseconds."""
    found = sorted(value for value in values if value == value)  # noqa: PLR0124 - not a number: never came
    return found[min(len(found) - 1, int(share * len(found)))] * 1e3 if found else float("nan")


def warm_up(servers: dict[str, Server]) -> None:
    """The first answers import and compile; they close connections that have expired."""
    for server in servers.values():
        once(server, Load(4, 50))
        once(server, Load(4, 10, 5))


def measure(name: str, servers: dict[str, Server]) -> None:
    """The two tables of a server, and its figures."""
    warm_up(servers)
    rows = [
        [
            "streams x tokens",
            "off, tokens/s",
            "on, tokens/s",
            "on/off",
            "of rounds",
            "off, us/token",
            "on, us/token",
        ]
    ]
    wrong: dict[int, int] = {}
    for load in RATES[name]:
        rounds = interleaved(servers, load)
        rates = [statistics.median(each.rate for each in rounds[side]) for side in SIDES]
        costs = [statistics.median(each.cpu for each in rounds[side]) * 1e6 for side in SIDES]
        how = ", blocks" if load.block else ""
        shares = [100 * on.rate / off.rate for off, on in zip(rounds["off"], rounds["on"], strict=True)]
        share = statistics.median(shares)
        rows.append(
            [
                f"{load.streams} x {load.tokens:,}{how}",
                *(f"{rate:,.0f}" for rate in rates),
                f"{share:.1f} %",
                f"{min(shares):.0f}..{max(shares):.0f} %",
            ]
            + [f"{cost:,.1f}" for cost in costs]
        )
        figure(f"{name}, {load.streams} streams{how}: rate on against off", share, at_least=95, unit=" %")
        wrong[load.streams] = wrong.get(load.streams, 0) + sum(
            each.wrong for side in SIDES for each in rounds[side]
        )
    table(f"{name}: rate, and processor time of the server", rows)
    sys.stdout.flush()

    # Each request to a provider looks at the connections that 500 streams have left, until they have expired: that
    # would be the first token's delay, most of all where these came last.
    time.sleep(KEPT + 1)
    warm_up(servers)
    rows = [
        [
            "ms; streams, tokens/s",
            *(f"{side} {what}" for what in ("p50", "p99", "first p50", "first p99") for side in SIDES),
        ]
    ]
    for load in PACES[name]:
        rounds = interleaved(servers, load, STARTS[name] if load.streams > 1 else 0)
        cells: list[float] = []
        for field, what in (("latencies", "a chunk"), ("firsts", "first token")):
            for share, which in ((0.5, "median"), (0.99, "p99")):
                off, on = ([quantile(getattr(each, field), share) for each in rounds[side]] for side in SIDES)
                cells += [statistics.median(off), statistics.median(on)]
                if load.streams > 50 or (share == 0.99 and len(getattr(rounds["on"][0], field)) < 50):
                    continue  # no target, or too few for such a quantile
                later = statistics.median(after - before for before, after in zip(off, on, strict=True))
                noise = f"off differs by {max(off) - min(off):.2g} ms"
                figure(
                    f"{name}, {load.streams} streams: {what} later, {which} ({noise})",
                    later,
                    at_most=1,
                    unit=" ms",
                )
        rows.append(
            [f"{load.streams}, {load.streams * 1000 // load.pace:,}", *(f"{cell:.2f}" for cell in cells)]
        )
        wrong[load.streams] += sum(each.wrong for side in SIDES for each in rounds[side])
    for streams, count in wrong.items():
        figure(f"{name}, {streams} streams: answers not whole or not right", count, at_most=0, unit="")
    table(f"{name}: latency at a pace", rows)
    sys.stdout.flush()


HOSTS: dict[str, tuple[str, Callable[[str, Path], contextlib.AbstractContextManager[dict[str, Server]]]]] = {
    "gateway": ("starlette", gateways),
    "litellm": ("litellm.proxy.proxy_server", proxies),
}


def main() -> None:
    """Measure what is installed, print everything."""
    began = time.monotonic()
    chosen = sys.argv[1:] or list(HOSTS)
    print(
        f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; provider, servers and client share them"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = ["-c", "import asyncio, benches.e2e as e; asyncio.run(e.provider())", "provider"]
        with running(command, folder, folder / "provider.log") as process:
            assert process.stdout is not None
            upstream = f"http://127.0.0.1:{int(process.stdout.readline())}"
            for host in chosen:
                needed, start = HOSTS[host]
                if optional(needed.split(".", maxsplit=1)[0]) is None:
                    print(f"\n{host}: {needed} is not installed")
                    continue
                with start(upstream, folder) as servers:
                    measure(host, servers)
            process.stdout.close()
    table("figures", [("", "measured", "target", ""), *figures])
    print(f"\n{time.monotonic() - began:.0f} s; load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
