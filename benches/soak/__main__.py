"""A soak: gateways under mixed load and faults, for as long as is asked: `make soak SECONDS=3600`.

    python -m benches.soak --seconds 60 [--gateways 3] [--workers 1] [--clients 16] [--seed 1]

Gateways with masking, a policy and one Redis between them, in front of a provider that answers in every format.
Clients hold conversations of a few turns, each turn at another gateway; some leave in the middle, some read slowly. The
provider breaks off, and answers with errors. Redis restarts with what it had, comes back empty, and hangs.

What must hold, else the exit status is 1:

- *Every answer is right*, to the character. One that was cut off is how the right one begins. A gateway refuses only
  while the store is gone. Behind an outage an answer that needs what the store had may show placeholders instead.
- *Nothing of another conversation*: answers are compared whole, and no two conversations share a placeholder.
- *No value* reaches the provider, a log, or what Redis would write to disk.
- *Nothing grows*: of memory, descriptors and threads of each gateway, connections and data of Redis and lines of
  ``/metrics`` the median of the last third, behind a warm-up of a quarter of the run, is at most that of the first
  third and a twentieth of it, and a small allowance. At the end no request runs, and no answer failed in a gateway.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import logging
import re
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from benches.figures import table
from benches.soak.servers import NO_LINE, Gateway, counter, running
from benches.soak.talks import PEOPLE, Clients
from benches.soak.upstream import VALUE, Upstream

import provider
from redis_server import SERVER, Server

TTL = 30
STORE_TIMEOUT = 2
SETTINGS = f"""
ttl = {TTL}
[policy]
addresses = "keep"
[patterns]
EMAIL = '[\\w.+-]+@[\\w-]+\\.[\\w.]+\\w'
ACCOUNT = {{ expression = '\\bDE\\d{{20}}\\b', check = "iban" }}
[timeouts]
store = {STORE_TIMEOUT}
shutdown = 20
"""

ALLOWED = {
    "memory, MB": 6.0,
    "descriptors": 12.0,
    "threads": 8.0,
    "lines of /metrics": 80.0,
    "connections": 12.0,
    "data, MB": 8.0,
}
"""What may be more at the end than a twentieth: what is open at the moment, and counters of what is rare."""

Samples = dict[tuple[str, str], list[float]]
"""By who and what, a value for each moment."""


def sample(gateways: list[Gateway], redis: Server, into: Samples) -> None:
    """Look at everything once."""
    for number, gateway in enumerate(gateways, 1):
        page = gateway.metrics()
        for what, value in (
            ("memory, MB", gateway.memory()),
            ("descriptors", gateway.descriptors()),
            ("threads", gateway.threads()),
            ("lines of /metrics", page.count("\n")),
        ):
            into.setdefault((f"gateway {number}", what), []).append(value)
    said = redis.say("INFO").decode()
    for what, name, unit in (("connections", "connected_clients", 1), ("data, MB", "used_memory", 1 << 20)):
        (value,) = re.findall(rf"^{name}:(\d+)", said, re.MULTILINE)
        into.setdefault(("redis", what), []).append(int(value) / unit)


def disturb(redis: Server, clients: Clients, over: threading.Event, every: float) -> None:
    """Trouble with the store, again and again, until the run is over."""
    for kind in itertools.cycle(("restart", "hang", "empty")):
        if over.wait(every):
            return
        clients.outages.began(empties=kind == "empty")
        clients.counts[f"store: {kind}"] += 1
        if kind == "hang":
            redis.pause()
            over.wait(STORE_TIMEOUT + 0.5)
            redis.go_on()
        else:
            if kind == "restart":
                redis.say("SAVE")
            else:
                (redis.folder / "dump.rdb").unlink(missing_ok=True)
            redis.stop()
            over.wait(0.5)
            redis.start()
        clients.outages.over()


def judged(samples: Samples) -> list[tuple[str, str, float, float, bool]]:
    """Who, what, the medians of the first and the last third behind the warm-up, and whether that is flat."""
    found = []
    for (who, what), values in samples.items():
        warm = values[len(values) // 4 :]
        third = max(1, len(warm) // 3)
        first, last = statistics.median(warm[:third]), statistics.median(warm[-third:])
        flat = last <= 1.05 * first + ALLOWED[what]
        found.append((who, what, first, last, flat))
    return found


def soak(options: argparse.Namespace) -> bool:
    """Run it, print what came of it; whether all is well."""
    upstream = Upstream(options.seed)
    problems: list[str] = []
    samples: Samples = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="soak-")))
        redis = Server(folder)
        redis.start()
        stack.callback(redis.stop)
        address = stack.enter_context(provider.running(upstream))
        gateways = [
            stack.enter_context(
                running(address, folder / f"gateway{number}", SETTINGS, PEOPLE, redis.url, options.workers)
            )
            for number in range(options.gateways)
        ]
        clients = Clients([gateway.address for gateway in gateways], options.seed)
        for gateway in gateways:
            gateway.metrics()  # it is there
        began = time.monotonic()
        over = threading.Event()
        every = max(3.0, min(60.0, options.seconds / 8))
        trouble = threading.Thread(target=disturb, args=(redis, clients, over, every), daemon=True)
        trouble.start()
        asked = threading.Thread(
            target=lambda: asyncio.run(clients.run(options.clients, began + options.seconds)), daemon=True
        )
        asked.start()
        told = began
        while asked.is_alive():
            asked.join(max(0.5, options.seconds / 200))
            if not clients.outages.touch(time.monotonic()):
                with contextlib.suppress(OSError):  # the store has just gone
                    sample(gateways, redis, samples)
            if time.monotonic() - told > 60:
                told = time.monotonic()
                print(
                    f"{told - began:6.0f} s: {sum(clients.by_format.values())} answers, {len(clients.wrong)} wrong"
                )
                sys.stdout.flush()
        over.set()
        trouble.join()
        time.sleep(1)
        pages = [gateway.metrics() for gateway in gateways]
        dump = redis.dump()
        for number, (gateway, page) in enumerate(zip(gateways, pages, strict=True), 1):
            if (left := counter(page, "holdback_gateway_running")) != 0:
                problems.append(f"gateway {number}: {left:g} requests run at the end")
            if (status := gateway.end()) not in (0, -15):
                problems.append(f"gateway {number} ended with {status}: {''.join(gateway.said[-5:])}")
            if gateway.values_logged:
                problems.append(f"gateway {number} logged values in {gateway.values_logged} lines")
            if broken := gateway.log[0, NO_LINE]:
                problems.append(f"gateway {number} wrote {broken} lines that are no JSON")
            if failed := sum(count for (_, ended), count in gateway.log.items() if ended == "failed"):
                problems.append(
                    f"gateway {number}: {failed} requests failed in it: {''.join(gateway.said[-5:])}"
                )
    if upstream.values_seen:
        problems.append(f"the provider saw values in {upstream.values_seen} requests")
    if upstream.shared:
        problems.append(f"{upstream.shared} placeholders came from two conversations")
    if VALUE.search(dump):
        problems.append("Redis' dump holds values")
    problems += [
        f"{wrong.what} ({wrong.format}, conversation {wrong.number})\n    said      {wrong.said!r}"
        f"\n    expected  {wrong.expected!r}"
        for wrong in clients.wrong
    ]
    growth = judged(samples)
    problems += [
        f"{who}: {what} grew from {first:.1f} to {last:.1f}"
        for who, what, first, last, flat in growth
        if not flat
    ]
    show(clients, gateways, growth, time.monotonic() - began)
    for problem in problems[:20]:
        print(f"WRONG: {problem}")
    print(f"{'all is well' if not problems else f'{len(problems)} things are wrong'}")
    return not problems


def show(
    clients: Clients, gateways: list[Gateway], growth: list[tuple[str, str, float, float, bool]], took: float
) -> None:
    answers = sum(clients.by_format.values())
    table(
        f"{took:.0f} s, {answers} answers read, {len(clients.wrong)} wrong",
        [("what", "count"), *((name, f"{count:,}") for name, count in sorted(clients.counts.items()))],
    )
    table("answers by format", [(name, f"{count:,}") for name, count in sorted(clients.by_format.items())])
    log: Counter[tuple[int, str]] = sum((gateway.log for gateway in gateways), Counter())
    table(
        "the gateways' log",
        [
            ("status", "ended", "count"),
            *((str(status), how, f"{n:,}") for (status, how), n in sorted(log.items())),
        ],
    )
    table(
        "medians of the first and the last third, behind a warm-up",
        [("who", "what", "first", "last", "")]
        + [
            (who, what, f"{first:.1f}", f"{last:.1f}", "flat" if flat else "GREW")
            for who, what, first, last, flat in growth
        ],
    )
    if clients.seconds:
        seconds = sorted(clients.seconds)
        print(f"\na turn: {seconds[len(seconds) // 2] * 1e3:.0f} ms (median), ", end="")
        print(f"{seconds[int(0.99 * len(seconds))] * 1e3:.0f} ms (99 %)")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benches.soak", description="A soak of the gateway.")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--gateways", type=int, default=3)
    parser.add_argument("--workers", type=int, default=1, help="processes of each gateway")
    parser.add_argument("--clients", type=int, default=16, help="conversations at once")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if SERVER is None:
        print("-- no redis-server here (apt-get install redis-server): the soak is skipped --")
        return
    logging.getLogger("asyncio").setLevel(
        logging.ERROR
    )  # the provider writes to gateways that have just left
    sys.exit(0 if soak(options) else 1)


if __name__ == "__main__":
    main()
