"""Every way into the library for one stream: what comes out of each, as events.

A way takes the events, or the reads of their bytes, and returns the bytes or events that leave.
"""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from random import Random
from typing import Any, NamedTuple

import pytest

from holdback import ChunkRestorer, DeanonymizationConfig, StreamingHandler, WireRestorer, aio, sync
from holdback.bodies import BodyOptions, BodyRestorer
from holdback.integrations.asgi import RestoreMiddleware
from holdback.sniffing import Claim
from wires import every

TYPES = {"events": "text/event-stream", "lines": "application/x-ndjson", "array": "application/json"}


class Asked(NamedTuple):
    """How a stream is to be restored, and the headers it comes with."""

    pairs: dict[str, str]
    protocol: str
    signed: bool = False
    limit: int | None = None
    oversized: str | None = None
    headers: tuple[tuple[str, str], ...] = (("content-type", "text/event-stream"),)

    @property
    def config(self) -> DeanonymizationConfig:
        return DeanonymizationConfig(reasoning=self.signed)

    @property
    def limits(self) -> dict[str, Any]:
        given = {"max_event_bytes": self.limit, "oversized": self.oversized}
        return {name: value for name, value in given.items() if value is not None}


# ---------------------------------------------------------------- chunks


def by_chunks(events: Sequence[Any], asked: Asked) -> list[Any]:
    restorer = ChunkRestorer(asked.pairs, asked.config, protocol=asked.protocol)
    return [out for event in events for out in restorer.feed(event)] + restorer.flush()


def by_handler(events: Sequence[Any], asked: Asked) -> list[Any]:
    respond = (
        StreamingHandler.stream_response
        if asked.protocol == "openai-chat"
        else StreamingHandler.stream_text_response
    )

    async def run() -> list[str]:
        return [event async for event in respond(_async(events), asked.pairs, asked.config)]

    *sent, last = asyncio.run(run())
    assert last == "data: [DONE]\n\n"
    return [json.loads(event.removeprefix("data: ")) for event in sent]


def by_aio_chunks(events: Sequence[Any], asked: Asked) -> list[Any]:
    async def run() -> list[Any]:
        stream = aio.restore_chunks(_async(events), asked.pairs, asked.config, protocol=asked.protocol)
        return [event async for event in stream]

    return asyncio.run(run())


def by_sync_chunks(events: Sequence[Any], asked: Asked) -> list[Any]:
    return list(sync.restore_chunks(iter(events), asked.pairs, asked.config, protocol=asked.protocol))


def _guardrail(asked: Asked) -> Any:
    ours = importlib.import_module("holdback.integrations.litellm")
    return ours.HoldbackGuardrail(
        guardrail_name="holdback",
        event_hook=["pre_call", "post_call"],
        known_values=asked.pairs,
        reasoning=asked.signed,
        protocol=asked.protocol,
        **asked.limits,
    )


def by_guardrail(items: Sequence[Any], asked: Asked) -> list[Any]:
    async def run() -> list[Any]:
        hook = _guardrail(asked).async_post_call_streaming_iterator_hook(None, _async(items), {})
        return [item async for item in hook]

    return asyncio.run(run())


async def _async(items: Sequence[Any]) -> AsyncIterator[Any]:
    for item in items:
        yield item


# ---------------------------------------------------------------- bytes


def by_wire(reads: Sequence[bytes], asked: Asked) -> bytes:
    restorer = WireRestorer(asked.pairs, asked.config, protocol=asked.protocol, **asked.limits)
    return b"".join(map(restorer.feed, reads)) + restorer.flush()


def by_wire_without_lane(reads: Sequence[bytes], asked: Asked) -> bytes:
    restorer = WireRestorer(asked.pairs, asked.config, protocol=asked.protocol, **asked.limits, _lane=False)
    return b"".join(map(restorer.feed, reads)) + restorer.flush()


def by_body(reads: Sequence[bytes], asked: Asked) -> bytes:
    """The command's."""
    options = BodyOptions(asked.protocol, **asked.limits)
    restorer = BodyRestorer(asked.pairs, asked.config, claim=Claim.EVENTS, options=options)
    return b"".join(map(restorer.feed, reads)) + restorer.flush()


def by_aio_bytes(reads: Sequence[bytes], asked: Asked) -> bytes:
    async def run() -> bytes:
        options = {"protocol": asked.protocol, **asked.limits}
        return b"".join(
            [data async for data in aio.restore_bytes(_async(reads), asked.pairs, asked.config, **options)]
        )

    return asyncio.run(run())


def by_sync_bytes(reads: Sequence[bytes], asked: Asked) -> bytes:
    return b"".join(
        sync.restore_bytes(iter(reads), asked.pairs, asked.config, protocol=asked.protocol, **asked.limits)
    )


def by_transport(library: str, *, is_async: bool) -> Callable[[Sequence[bytes], Asked], bytes]:
    def run(reads: Sequence[bytes], asked: Asked) -> bytes:
        host = pytest.importorskip(library)
        ours = importlib.import_module(f"holdback.integrations.{library}")
        options: dict[str, Any] = {"protocol": asked.protocol, **asked.limits}

        def provider(request: Any) -> Any:
            body = _async(reads) if is_async else _plain(reads)
            return host.Response(200, headers=list(asked.headers), content=body)

        async def asynchronous() -> bytes:
            transport = ours.AsyncRestoreTransport(
                asked.pairs, asked.config, transport=host.MockTransport(provider), **options
            )
            async with host.AsyncClient(transport=transport) as client:
                return bytes((await client.post("http://provider.invalid/v1/x", content=b"{}")).content)

        if is_async:
            return asyncio.run(asynchronous())
        transport = ours.RestoreTransport(
            asked.pairs, asked.config, transport=host.MockTransport(provider), **options
        )
        with host.Client(transport=transport) as client:
            return bytes(client.post("http://provider.invalid/v1/x", content=b"{}").content)

    return run


def _plain(reads: Sequence[bytes]) -> Iterator[bytes]:
    yield from reads


def by_asgi(reads: Sequence[bytes], asked: Asked) -> bytes:
    out: list[bytes] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = [(name.encode(), value.encode()) for name, value in asked.headers]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for data in reads:
            await send({"type": "http.response.body", "body": data, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def send(message: Any) -> None:
        out.append(message.get("body", b""))

    restoring = RestoreMiddleware(app, asked.pairs, asked.config, protocol=asked.protocol, **asked.limits)
    asyncio.run(restoring({"type": "http", "path": "/", "headers": []}, None, send))  # type: ignore[arg-type]
    return b"".join(out)


def by_guardrail_bytes(reads: Sequence[bytes], asked: Asked) -> bytes:
    return b"".join(by_guardrail(reads, asked))


CHUNK_WAYS: dict[str, Callable[[Sequence[Any], Asked], list[Any]]] = {
    "ChunkRestorer": by_chunks,
    "StreamingHandler": by_handler,
    "aio.restore_chunks": by_aio_chunks,
    "sync.restore_chunks": by_sync_chunks,
    "litellm chunks": by_guardrail,
}
BYTE_WAYS: dict[str, Callable[[Sequence[bytes], Asked], bytes]] = {
    "WireRestorer": by_wire,
    "WireRestorer without lane": by_wire_without_lane,
    "BodyRestorer": by_body,
    "aio.restore_bytes": by_aio_bytes,
    "sync.restore_bytes": by_sync_bytes,
    "httpx": by_transport("httpx", is_async=False),
    "httpx async": by_transport("httpx", is_async=True),
    "httpx2": by_transport("httpx2", is_async=False),
    "asgi": by_asgi,
    "litellm bytes": by_guardrail_bytes,
}
HTTP_WAYS = ("httpx", "httpx async", "httpx2", "asgi")


def marked(names: Sequence[str]) -> list[Any]:
    """The ways as parameters of a test; those of LiteLLM need it."""
    return [
        pytest.param(name, marks=[pytest.mark.litellm] if name.startswith("litellm") else [], id=name)
        for name in names
    ]


# ---------------------------------------------------------------- events as bytes, and back


def encoded(events: Sequence[Any], framing: str) -> bytes:
    """Events in a framing. Bytes among them are frames of their own; in an array they have no place."""
    docs = [
        event if isinstance(event, bytes) else json.dumps(event, ensure_ascii=False).encode()
        for event in events
    ]
    if framing == "array":
        return b"[" + b",\r\n".join(doc for doc in docs if doc[:1] == b"{") + b"]"
    if framing == "lines":
        return b"".join(doc if doc[:1] != b"{" else doc + b"\n" for doc in docs)
    return b"".join(doc if doc[:1] != b"{" else _event(doc) for doc in docs)


def _event(doc: bytes) -> bytes:
    return b"data: " + doc + b"\n\n"


def decoded(data: bytes, framing: str) -> list[Any]:
    """The events in some bytes, as a client reads them."""
    text = data.decode()
    if framing == "array":
        return list(json.loads(text))
    if framing == "lines":
        return [json.loads(line) for line in text.split("\n") if line.strip()]
    return [json.loads(line[5:]) for line in text.split("\n") if line.startswith("data:")]


def reads_of(data: bytes, cut: str) -> list[bytes]:
    """The reads of a stream: long texts come whole, so they are cut byte by byte, and the other way round."""
    if cut == "whole":
        return every(data, 1)
    if cut == "units":
        return [data]
    rng, found, at = Random(len(data)), [], 0
    while at < len(data):
        size = rng.choice((rng.randint(1, 9), rng.randint(10, 400)))
        found.append(data[at : at + size])
        at += size
    return found
