"""The gateway itself, with masking and a store on a Redis server: what a turn costs beside passing through.

Both sides are asked the same: a conversation that mentions ten values, whose answer has their placeholders. "Off" is
what forwards in the gateway, alone; there the answer says the values as they are. Redis itself counts what it is sent.
"""

from __future__ import annotations

import contextlib
import json
import re
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benches.e2e.client import Round, once
from benches.e2e.load import PAIRS, SIDES, Load
from benches.e2e.servers import Server, running, wait_for
from benches.figures import figure, table
from benches.workloads import FULL

import redis_server
from processes import free_port

MORE = 3 if FULL else 1
LOADS = [Load(1, 2_000, rounds=21 * MORE), Load(1, 200, repeats=10, rounds=11 * MORE)]
PACE = Load(1, 20, 5, repeats=10, rounds=5 * MORE)
TURNS = Load(1, 5, repeats=50)
_COMMAND = re.compile(r"^cmdstat_(\w+):calls=(\d+)", re.MULTILINE)
_OURS = {"info", "quit", "config|resetstat"}


class Store(redis_server.Server):
    """A Redis server that says what it was sent."""

    def counted(self) -> tuple[dict[str, int], int]:
        """How often each command was called, and how often something was read from a connection."""
        said = self.say("INFO", "everything").decode()
        commands = {name: int(calls) for name, calls in _COMMAND.findall(said) if name not in _OURS}
        (reads,) = re.findall(r"^total_reads_processed:(\d+)", said, re.MULTILINE)
        return commands, int(reads)


@contextlib.contextmanager
def gateways(upstream: str, folder: Path, store: Store) -> Iterator[dict[str, Server]]:
    """What passes through, and the command ``holdback gateway``."""
    (folder / "known.json").write_text(json.dumps({"PERSON": list(PAIRS.values())}), encoding="utf-8")
    (folder / "known.json").chmod(0o600)
    environment = {
        "UPSTREAM": upstream,
        "VALUES": str(folder / "known.json"),
        "HOLDBACK_GATEWAY_KEY": bytes(range(32)).hex(),
        "HOLDBACK_GATEWAY_STORE": store.url,
    }
    commands = {
        "off": ["-m", "uvicorn", "--factory", "benches.e2e.servers:plain_gateway", "--no-access-log"],
        "on": ["-m", "holdback", "gateway", "--upstream", upstream, "--values", str(folder / "known.json")],
    }
    with contextlib.ExitStack() as stack:
        servers = {}
        for side, page in zip(SIDES, ("alive", "healthz"), strict=True):
            port, log = free_port(), folder / f"masking-{side}.log"
            command = [*commands[side], "--port", str(port)]
            given = (
                environment if side == "on" else {name: environment[name] for name in ("UPSTREAM", "VALUES")}
            )
            process = stack.enter_context(running(command, folder, log, **given))
            wait_for(f"http://127.0.0.1:{port}/{page}", process, log)
            servers[side] = Server(port, process.pid, restores=side == "on", masks=True)
        yield servers


def interleaved(servers: dict[str, Server], load: Load) -> dict[str, list[Round]]:
    """The rounds of both sides, in turns."""
    rounds: dict[str, list[Round]] = {side: [] for side in SIDES}
    for number in range(load.rounds):
        for side in SIDES[:: -1 if number % 2 else 1]:
            rounds[side].append(once(servers[side], load))
    return rounds


def measure(servers: dict[str, Server], store: Store) -> None:
    """The table, and the figures."""
    for server in servers.values():
        once(server, Load(1, 50, repeats=3))
    wrong = 0
    rows = [
        [
            "one stream, tokens",
            "off, us/token",
            "on, us/token",
            "on/off",
            "of rounds",
            "off, ms/turn",
            "on, ms/turn",
        ]
    ]
    for load in LOADS:
        rounds = interleaved(servers, load)
        ratios = [on.cpu / off.cpu for off, on in zip(rounds["off"], rounds["on"], strict=True)]
        ratio = statistics.median(ratios)
        costs = [statistics.median(each.cpu for each in rounds[side]) for side in SIDES]
        rows.append(
            [
                f"{load.tokens:,}",
                *(f"{cost * 1e6:.1f}" for cost in costs),
                f"{ratio:.3f}",
                f"{min(ratios):.2f}..{max(ratios):.2f}",
                *(f"{cost * load.tokens * 1e3:.1f}" for cost in costs),
            ]
        )
        figure(
            f"masking gateway, one stream of {load.tokens:,}: processor time on against off",
            ratio,
            at_most=1.25,
        )
        wrong += sum(each.wrong for side in SIDES for each in rounds[side])
    table("gateway with masking and store: processor time", rows)
    sys.stdout.flush()

    rounds = interleaved(servers, PACE)
    firsts = {side: [statistics.median(each.firsts) * 1e3 for each in rounds[side]] for side in SIDES}
    later = statistics.median(on - off for off, on in zip(firsts["off"], firsts["on"], strict=True))
    noise = f"off differs by {max(firsts['off']) - min(firsts['off']):.2g} ms"
    figure(f"masking gateway: first token later, median ({noise})", later, at_most=3, unit=" ms")
    wrong += sum(each.wrong for side in SIDES for each in rounds[side])

    once(servers["on"], TURNS)
    time.sleep(0.2)
    before, reads = store.counted()
    wrong += once(servers["on"], TURNS).wrong
    time.sleep(0.2)
    after, reads_after = store.counted()
    turns = TURNS.repeats
    calls = {
        name: count - before.get(name, 0) for name, count in after.items() if count > before.get(name, 0)
    }
    trips = (reads_after - reads - 2) / turns  # two of them are the question itself: asked, and the end of it
    table(
        "what Redis was sent in a turn",
        [["command", "times"], *([name, f"{count / turns:.2f}"] for name, count in sorted(calls.items()))],
    )
    figure("masking gateway: round trips to Redis in a turn", trips, at_most=2, unit="")
    figure("masking gateway: answers not whole or not right", wrong, at_most=0, unit="")
