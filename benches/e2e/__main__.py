"""Whole servers on loopback, with holdback off and on: `make bench-e2e`.

    python -m benches.e2e [gateway] [masking] [litellm]           about five minutes
    HOLDBACK_BENCH=full python -m benches.e2e

Provider, server and client are a process each. What "off" is: for the gateway what forwards in it, without the
middleware and without values, for LiteLLM the same proxy with a guardrail that defines the hook and does nothing
(any guardrail switches LiteLLM's own work per chunk on). Both servers run at once and are asked in turns.

- *Rate*: the provider sends all it has, an event in each HTTP chunk as providers do, or in blocks as a buffering
  neighbour would, where passing through is nearly free. Tokens per second are those of all streams, from the first
  request to the last byte. Beside it the server's own processor time per token, as the median of alternating pairs of
  rounds: the clock sees whatever else the machine does. An answer is text, or two tool calls whose pieces come in
  turns.
- *Latency*: the provider sends at a pace well below that rate. A token carries the time when it was written, on the
  machine's one monotonic clock, so a latency is that of the way through the server. What is added is the difference of
  a quantile on and off, the median over rounds; beside it by how much the rounds without holdback differ, which is
  what the machine alone does. The streams begin one after another, as people do.

Every answer is checked, off and on: that all streams are complete and correct is a figure too.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benches.e2e.client import Round, once
from benches.e2e.load import SIDES, Load
from benches.e2e.masking import Store
from benches.e2e.masking import gateways as masking_gateways
from benches.e2e.masking import measure as measure_masking
from benches.e2e.servers import Server, gateways, proxies, running
from benches.figures import figure, figures, table
from benches.workloads import FULL, optional

import redis_server

MORE = 3 if FULL else 1
RATES = {
    "gateway": [
        # Many short rounds: what else the machine does is longer than a round, and the same for both sides of one.
        Load(1, 2_000, rounds=41 * MORE),
        Load(1, 8_000, rounds=21 * MORE, block=4096),
        Load(50, 80, rounds=11 * MORE),
        Load(50, 160, rounds=11 * MORE, block=4096),
        Load(500, 20, rounds=11 * MORE),
        Load(1, 2_000, rounds=21 * MORE, calls=2),
        Load(50, 80, rounds=11 * MORE, calls=2),
        Load(500, 20, rounds=11 * MORE, calls=2),
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


def interleaved(servers: dict[str, Server], load: Load, starts: float = 0) -> dict[str, list[Round]]:
    """The rounds of both sides, in turns, each side first as often as the other. Ratios are of neighbours."""
    rounds: dict[str, list[Round]] = {side: [] for side in SIDES}
    for number in range(load.rounds):
        if load.streams >= MANY and not load.pace:
            time.sleep(KEPT + 1)  # or the side whose last round is longer ago has nothing to look through
        for side in SIDES[:: -1 if number % 2 else 1]:
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
            "on/off",
            "of rounds",
        ]
    ]
    wrong: dict[int, int] = {}
    for load in RATES[name]:
        rounds = interleaved(servers, load)
        rates = [statistics.median(each.rate for each in rounds[side]) for side in SIDES]
        costs = [statistics.median(each.cpu for each in rounds[side]) * 1e6 for side in SIDES]
        how = ", blocks" if load.block else f", {load.calls} calls in turns" if load.calls else ""
        times = [on.cpu / off.cpu for off, on in zip(rounds["off"], rounds["on"], strict=True)]
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
            + [f"{statistics.median(times):.3f}", f"{min(times):.2f}..{max(times):.2f}"]
        )
        if not load.block:
            figure(
                f"{name}, {load.streams} streams{how}: processor time on against off",
                statistics.median(times),
                at_most=1.10,
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


HOSTS: dict[str, Callable[[str, Path], contextlib.AbstractContextManager[dict[str, Server]]]] = {
    "gateway": gateways,
    "litellm": proxies,
}
NEEDED = {
    "gateway": ["starlette"],
    "masking": ["starlette", "pydantic_settings", "redis", "cryptography"],
    "litellm": ["litellm"],
}


def masking(upstream: str, folder: Path) -> None:
    """The gateway with masking and a store."""
    if redis_server.SERVER is None:
        print("\nmasking: there is no redis-server here")
        return
    store = Store(folder)
    store.start()
    try:
        with masking_gateways(upstream, folder, store) as servers:
            measure_masking(servers, store)
    finally:
        store.stop()


def main() -> None:
    """Measure what is installed, print everything."""
    began = time.monotonic()
    chosen = sys.argv[1:] or list(NEEDED)
    print(
        f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; provider, servers and client share them"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = ["-m", "benches.e2e.provider"]
        with running(command, folder, folder / "provider.log") as process:
            assert process.stdout is not None
            upstream = f"http://127.0.0.1:{int(process.stdout.readline())}"
            for host in chosen:
                missing = [name for name in NEEDED[host] if optional(name) is None]
                if missing:
                    print(f"\n{host}: {missing[0]} is not installed")
                elif host == "masking":
                    masking(upstream, folder)
                else:
                    with HOSTS[host](upstream, folder) as servers:
                        measure(host, servers)
            process.stdout.close()
    table("figures", [("", "measured", "target", ""), *figures])
    print(f"\n{time.monotonic() - began:.0f} s; load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
