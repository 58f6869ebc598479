"""Streams under the wrong name, compressed or not, over real sockets: uvicorn sends, httpx reads, as they come."""

from __future__ import annotations

import asyncio
import gzip
import importlib
import json
import zlib
from collections.abc import Iterator
from typing import Any

import pytest

from holdback import WireRestorer
from holdback.integrations.asgi import RestoreMiddleware
from provider import running
from streams import say
from wires import through

PAIRS = {"<PERSON_1>": 'Ada "Countess" Lovelace'}
CHUNKS = [say(text) for text in ("Hi <PER", "SON_1>!", " bye", " <PERS")]
STREAMS = {
    "events": [f"data: {json.dumps(chunk)}\n\n".encode() for chunk in CHUNKS],
    "lines": [f"{json.dumps(chunk)}\n".encode() for chunk in CHUNKS],
    "text": [b"Hi ", b"<PERSON_1>", b"!"],
}
TYPES = {"json": "application/json", "text": "text/plain", "none": "", "events": "text/event-stream"}
CODINGS = ("plain", "gzip", "gzip-unsaid", "deflate")


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Sends the stream that the path names, of a type, in a coding: each event is flushed by itself."""
    _, stream, kind, coding = scope["path"].split("/")
    headers = [(b"content-type", TYPES[kind].encode())] if TYPES[kind] else []
    if coding in ("gzip", "deflate"):
        headers.append((b"content-encoding", coding.encode()))
    encoder = zlib.compressobj(wbits=zlib.MAX_WBITS + (16 if coding.startswith("gzip") else 0))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for data in STREAMS[stream]:
        encoded = data if coding == "plain" else encoder.compress(data) + encoder.flush(zlib.Z_SYNC_FLUSH)
        await send({"type": "http.response.body", "body": encoded, "more_body": True})
        await asyncio.sleep(0)
    rest = b"" if coding == "plain" else encoder.flush()
    await send({"type": "http.response.body", "body": rest})


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    pytest.importorskip("uvicorn")
    with running(app) as address:
        yield address


@pytest.fixture(scope="module")
def restoring() -> Iterator[str]:
    """The same server, with our middleware in it."""
    pytest.importorskip("uvicorn")
    with running(RestoreMiddleware(app, PAIRS)) as address:
        yield address


@pytest.fixture(scope="module", params=["httpx", "httpx2"])
def client(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A client on our transport."""
    host = pytest.importorskip(request.param)
    ours = importlib.import_module(f"holdback.integrations.{request.param}")
    with host.Client(transport=ours.RestoreTransport(PAIRS)) as client:
        yield client


@pytest.fixture(scope="module")
def plain_client() -> Iterator[Any]:
    with pytest.importorskip("httpx").Client() as client:
        yield client


def expected(stream: str) -> bytes:
    data = b"".join(STREAMS[stream])
    return data if stream == "text" else through(WireRestorer(PAIRS), [data]).data


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("coding", CODINGS)
def test_through_a_transport(
    client: Any, address: str, stream: str, kind: str, coding: str, backend: str
) -> None:
    with client.stream("GET", f"{address}/{stream}/{kind}/{coding}") as response:
        body = b"".join(response.iter_bytes())
    untouched = stream == "text" and kind in ("text", "none") and coding == "gzip-unsaid"
    assert (gzip.decompress(body) if untouched else body) == expected(stream)
    assert response.headers.get("content-type", "") == TYPES[kind]


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("coding", CODINGS)
def test_through_the_middleware(
    plain_client: Any, restoring: str, stream: str, kind: str, coding: str, backend: str
) -> None:
    with plain_client.stream("GET", f"{restoring}/{stream}/{kind}/{coding}") as response:
        body = b"".join(response.iter_bytes())
    untouched = stream == "text" and kind != "events"
    if untouched and coding == "gzip-unsaid":
        body = gzip.decompress(body)
    assert body == expected(stream)
    assert ("content-encoding" in response.headers) == (untouched and coding in ("gzip", "deflate"))
