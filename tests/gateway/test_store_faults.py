"""What a gateway does when its store fails, at every step: no value leaves, and no answer that has begun breaks."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateways import KEY, MIRA, Gateway, needs_gateway, running
from provider import Provider, answer
from redis_server import SERVER, Server

needs_gateway()
for package in ("cryptography", "redis"):
    pytest.importorskip(package)

import httpx  # noqa: E402

from holdback.stores.sealed import Sealer  # noqa: E402

pytestmark = pytest.mark.stores

MARK = re.compile(r"<PERSON_[a-z2-7]{10,}>")
HEADERS = {"authorization": "Bearer k", "x-conversation": "c"}


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Server]:
    if SERVER is None:
        pytest.skip("neither redis-server nor valkey-server is installed")
    server = Server(tmp_path)
    server.start()
    yield server
    server.stop()


def start(provider: Provider, url: str, folder: Path, **given: Any) -> Any:
    environment = {"HOLDBACK_GATEWAY_KEY": given.pop("key", KEY), "HOLDBACK_GATEWAY_STORE": url}
    settings = f"fail = '{given.pop('fail', 'closed')}'\n[timeouts]\nstore = {given.pop('timeout', 20)}\n"
    return running(provider.address, folder, settings=settings, environment=environment, **given)


def ask(gateway: Gateway, text: str, **more: Any) -> httpx.Response:
    body = {"model": "m", "input": text, **more}
    return httpx.post(
        f"{gateway.address}/v1/responses", json=body, headers=HEADERS, trust_env=False, timeout=60
    )


def said(response: httpx.Response) -> str:
    assert response.status_code == 200, response.text
    text: str = response.json()["output"][0]["content"][0]["text"]
    return text


def no_value(provider: Provider) -> None:
    assert not any(MIRA in body for body in provider.seen)


def test_a_server_that_is_gone_comes_back(provider: Provider, redis: Server, tmp_path: Path) -> None:
    with start(provider, redis.url, tmp_path / "g") as gateway:
        assert said(ask(gateway, f"I am {MIRA}")) == answer(f"I am {MIRA}")
        mark = MARK.findall(provider.seen[-1])[0]
        before = len(provider.seen)
        redis.stop()
        refused = ask(gateway, f"I am {MIRA}")
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "holdback_store")
        assert len(provider.seen) == before
        redis.start()  # empty
        assert said(ask(gateway, f"{MIRA}?")) == answer(f"{MIRA}?")
        assert said(ask(gateway, f"who is {mark}?", previous_response_id="r")) == answer(f"who is {MIRA}?")
    no_value(provider)


def test_an_open_gateway_masks_without_the_store(provider: Provider, redis: Server, tmp_path: Path) -> None:
    redis.stop()
    with start(provider, redis.url, tmp_path / "g", fail="open") as gateway:
        assert said(ask(gateway, f"I am {MIRA}")) == answer(f"I am {MIRA}")
    assert gateway.log[-1]["stored"] is False
    assert "masked" not in gateway.log[-1]
    no_value(provider)


def test_a_server_that_is_slow(provider: Provider, redis: Server, tmp_path: Path) -> None:
    with start(provider, redis.url, tmp_path / "g", timeout=0.5) as gateway:
        redis.pause()
        assert ask(gateway, f"I am {MIRA}").status_code == 503
        redis.go_on()
    no_value(provider)


class Between:
    """Stands between a gateway and Redis, and drops the connection when it sees a word: half of that arrives."""

    def __init__(self, port: int, word: bytes) -> None:
        self._port, self._word = port, word
        self.seen = 0
        self.url = ""
        self._is_there = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._is_there.wait(timeout=30)

    async def _serve(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
        self._is_there.set()
        await self._over.wait()
        server.close()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)

        async def back() -> None:
            while data := await far_reader.read(1 << 16):
                writer.write(data)

        backwards = asyncio.create_task(back())
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                if self._word in data.upper():
                    self.seen += 1
                    far_writer.write(data[: len(data) // 2])
                    await far_writer.drain()
                    break
                far_writer.write(data)
        backwards.cancel()
        for end in (writer, far_writer):
            end.close()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(timeout=30)


@pytest.mark.parametrize(("word", "status"), [(b"HGETALL", 503), (b"HSET", 200), (b"PEXPIRE", 200)])
def test_a_connection_that_is_cut_at_a_step(
    provider: Provider, redis: Server, tmp_path: Path, word: bytes, status: int
) -> None:
    """A merge that fails breaks no answer, and nothing of it is half there."""
    between = Between(redis.port, word)
    try:
        with start(provider, between.url, tmp_path / "g") as gateway:
            answers = [ask(gateway, f"I am {MIRA}", stream=streams) for streams in (False, True)]
    finally:
        between.close()
    assert [answered.status_code for answered in answers] == [status, status]
    if status == 200:
        whole, streamed = answers
        assert said(whole) == answer(f"I am {MIRA}")
        assert not MARK.search(streamed.text)
        assert MIRA in streamed.text
        assert [line["stored"] for line in gateway.log] == [False, False]
    assert between.seen
    assert b":0\r\n" in redis.say("DBSIZE")
    no_value(provider)


def test_another_key_and_a_damaged_entry(provider: Provider, redis: Server, tmp_path: Path) -> None:
    with start(provider, redis.url, tmp_path / "g") as gateway:
        assert said(ask(gateway, f"I am {MIRA}")) == answer(f"I am {MIRA}")
    mark = MARK.findall(provider.seen[-1])[0]
    other = "ff" * 32
    with start(provider, redis.url, tmp_path / "h", key=other) as gateway:  # a new conversation, to it
        assert said(ask(gateway, f"who is {mark}?", previous_response_id="r")) == answer(f"who is {mark}?")
        assert said(ask(gateway, f"I am {MIRA}")) == answer(f"I am {MIRA}")
    names = [name for name in redis.say("KEYS", "*").split(b"\r\n") if name.startswith(b"holdback:")]
    for name in names:
        fields = redis.say("HKEYS", name).split(b"\r\n$16\r\n")[1:]
        redis.say("HSET", name, fields[0][:16], b"\x01" + bytes(96))
    with start(provider, redis.url, tmp_path / "i") as gateway:
        assert ask(gateway, f"I am {MIRA}").status_code == 503
    no_value(provider)


def test_a_conversation_of_5000_pairs(provider: Provider, redis: Server, tmp_path: Path) -> None:
    people = [f"Quincy Vantongeren-{number:05d}" for number in range(5000)]
    text = ", ".join(people)
    with start(provider, redis.url, tmp_path / "g", values={"PERSON": people}, secret=people) as gateway:
        assert said(ask(gateway, text)) == answer(text)
        marks = MARK.findall(provider.seen[-1])
        assert len(set(marks)) == 5000
        asked = ask(gateway, f"{marks[17]} {marks[4999]}", previous_response_id="r")
        assert said(asked) == answer(f"{people[17]} {people[4999]}")
    assert "Vantongeren" not in "".join(provider.seen[-2:])
    assert len(Sealer(bytes.fromhex(KEY), store="x", extra="y").names("s")) == 1
    assert b"Vantongeren" not in redis.dump()


def test_a_sqlite_file_that_is_none(provider: Provider, tmp_path: Path) -> None:
    path = tmp_path / "masked.db"
    path.write_bytes(json.dumps({"no": "database"}).encode() * 99)
    with start(provider, f"sqlite:{path}", tmp_path / "g") as gateway:
        assert ask(gateway, f"I am {MIRA}").status_code == 503
    no_value(provider)
