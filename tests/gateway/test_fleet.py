"""Three gateways over one Redis, 300 conversations at once, and one gateway that is killed in the middle."""

from __future__ import annotations

import re
import signal
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from gateways import KEY, Gateway, needs_gateway, running
from redis_server import SERVER, Server

needs_gateway()
for package in ("cryptography", "redis", "re2"):
    pytest.importorskip(package)

import fleet  # noqa: E402
import provider  # noqa: E402

pytestmark = pytest.mark.stores

MANY = 300


async def test_a_fleet_is_one_gateway(tmp_path: Path) -> None:
    if SERVER is None:
        pytest.skip("neither redis-server nor valkey-server is installed")
    talks = [fleet.Conversation(number) for number in range(MANY)]
    values = {"PERSON": [talk.person for talk in talks]}
    secret = [value for talk in talks for value in talk.values]
    recorder = fleet.Recorder()
    redis = Server(tmp_path)
    redis.start()
    environment = {"HOLDBACK_GATEWAY_KEY": KEY, "HOLDBACK_GATEWAY_STORE": redis.url}
    with ExitStack() as stack:
        stack.callback(redis.stop)
        upstream = stack.enter_context(provider.running(recorder))
        sockets = [
            stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=1024)) for _ in range(3)
        ]

        def started(number: int, name: str) -> Gateway:
            return stack.enter_context(
                running(
                    upstream,
                    tmp_path / name,
                    settings=fleet.SETTINGS + "[timeouts]\nstore = 60\n",
                    environment=environment,
                    values=values,
                    listener=sockets[number],
                    secret=secret,
                )
            )

        gateways = [started(number, f"gateway{number}") for number in range(3)]

        def killed_and_restarted() -> None:
            gateways[1].end(signal.SIGKILL)
            started(1, "again")

        await fleet.play(talks, gateways, midway=killed_and_restarted)
        dump = redis.dump()
        stats = redis.say("INFO", "commandstats").decode()

    assert [talk.wrong for talk in talks if talk.wrong] == []
    assert all(talk.turns == 5 for talk in talks)
    seen = b"".join(recorder.seen)
    for value in secret:
        assert value.encode() not in seen
        assert value.encode() not in dump
    assert b"Vantongeren" not in seen + dump
    assert not fleet.MARK.search(dump.decode("latin-1"))
    assert b"kanarie-" not in seen + dump  # the names of conversations
    assert b"client-" not in dump

    owners: dict[str, set[str]] = {}
    for body in recorder.seen:
        for number in re.findall(rb'conversation\\?"?:? ?(\d+)', body):
            for mark in fleet.MARK.findall(body.decode()):
                owners.setdefault(mark, set()).add(number.decode())
    assert len(owners) == 3 * MANY
    assert all(len(numbers) == 1 for numbers in owners.values())

    asked = len(recorder.seen) // 2
    loads = int(re.findall(r"cmdstat_hgetall:calls=(\d+)", stats)[0])
    merges = int(re.findall(r"cmdstat_pexpire:calls=(\d+)", stats)[0])
    assert asked >= 5 * MANY
    for calls in (loads, merges):  # one of each for a turn; turns that were cut off may have done less
        assert 5 * MANY <= calls <= asked + sum(talk.retries for talk in talks)
