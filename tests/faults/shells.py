"""The shells around the engine, each opened and read in the same way; and what must come out of them.

A shell is every part of holdback that waits for somebody else: its upstream, its client, or both. What it must
send is said without it, by the engine it is put around: ``Content.sent`` has the pieces that leave for each item,
and the rest.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterable, Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from faults.plan import Plan, Source, drive
from holdback import (
    ChunkRestorer,
    DeanonymizationConfig,
    PIIMapping,
    StreamingHandler,
    WireRestorer,
    _backend,
    aio,
    format_sse_done,
    format_sse_event,
    sync,
)
from holdback.engine.json_text import to_json
from holdback.integrations.asgi import RestoreMiddleware
from wires import chunks as chunks_in
from wires import every, recordings

ON = DeanonymizationConfig(reasoning=True)


class Content(NamedTuple):
    """A stream as chunks and as reads of bytes, and its map."""

    name: str
    protocol: str
    chunks: list[Any]
    data: bytes
    pairs: dict[str, str]
    lines: bool

    @property
    def mapping(self) -> PIIMapping:
        mapping = PIIMapping()
        for fake, original in self.pairs.items():
            mapping.add(original, fake, "")
        return mapping

    @property
    def reads(self) -> list[bytes]:
        """About 24 reads, cut without regard for the events."""
        return every(self.data, max(37, len(self.data) // 24))


def invented(chunks: list[Any], pairs: dict[str, str], protocol: str = "openai-chat") -> Content:
    """Content made of chunks."""
    data = b"".join(f"data: {json.dumps(chunk)}\n\n".encode() for chunk in chunks)
    return Content("invented", protocol, chunks, data, pairs, lines=False)


def recorded() -> list[Content]:
    """Every recording there is."""
    found = []
    for name, data, pairs, lines in recordings():
        restorer = WireRestorer(pairs)
        restorer.feed(data)
        found.append(Content(name, restorer.protocol, chunks_in(data, lines=lines), data, pairs, lines))
    return found


class Sent(NamedTuple):
    """The pieces that leave for each item, those that leave when the stream breaks off behind it, and its end."""

    pieces: list[list[Any]]
    tails: list[list[Any]]
    end: list[Any]


def _sent(begin: Callable[[], Any], items: Sequence[Any], listed: Callable[[Any], list[Any]]) -> Sent:
    pieces, tails = [], []
    for count in range(len(items) + 1):
        restorer = begin()
        out = [listed(restorer.feed(item)) for item in items[:count]]
        pieces = out
        tails.append(listed(restorer.flush()))
    return Sent(pieces, tails, [])


def _bytes_sent(content: Content, items: Sequence[Any]) -> Sent:
    return _sent(lambda: WireRestorer(content.pairs, ON), items, lambda data: [data] if data else [])


def _chunks_sent(content: Content, items: Sequence[Any]) -> Sent:
    return _sent(lambda: ChunkRestorer(content.pairs, ON, protocol=content.protocol), items, list)


def _events_sent(content: Content, items: Sequence[Any]) -> Sent:
    """As the handler does it: natively a chunk is written and then restored, else it is restored and then written."""

    def listed(chunks: Iterable[Any]) -> list[Any]:
        return [format_sse_event(to_json(chunk)) for chunk in chunks]

    def cut(data: bytes) -> list[Any]:
        return [f"{event}\n\n" for event in data.decode().split("\n\n")[:-1]]

    if _backend.is_native(_backend.TrieMatcher({})):
        written = [format_sse_event(to_json(item)).encode() for item in items]
        sent = _sent(lambda: WireRestorer(content.pairs, protocol=content.protocol), written, cut)
    else:
        sent = _sent(lambda: ChunkRestorer(content.pairs, protocol=content.protocol), items, listed)
    return sent._replace(end=[format_sse_done()])


class Run(NamedTuple):
    """What came of a run: what left, the error it ended with, its upstream, and the steps that were taken."""

    out: list[Any]
    error: BaseException | None
    source: Source
    trace: list[str]


class Shell(NamedTuple):
    """A shell, and how it differs from the others."""

    name: str
    is_async: bool
    open: Callable[[Any, Content], Any]
    sent: Callable[[Content, Sequence[Any]], Sent]
    of_bytes: bool = False
    protocols: tuple[str, ...] = ()  # none: all
    closes_early: bool = False  # the host closes at the end of the body, and its error is the body's
    wraps_errors: bool = False  # an error of the stream is one of the host's own
    pushes: bool = False  # an application sends, which closes its own upstream
    is_typed: bool = True  # whether that has a content type

    def items(self, content: Content) -> list[Any]:
        return content.reads if self.of_bytes else content.chunks

    def fits(self, content: Content) -> bool:
        return not self.protocols or content.protocol in self.protocols

    def run(self, content: Content, plan: Plan, kind: type[Source] = Source, stop: int = -1) -> Run:
        """Read the stream to its end, or stop after some pieces; a client closes what it reads, as it should."""
        source = kind(self.items(content), plan)
        out: list[Any] = []
        error: BaseException | None = None
        try:
            if self.is_async:
                read = _pushed if self.pushes else _read_async
                drive(read(self, source, content, plan, out, stop))
            else:
                _read(self, source, content, plan, out, stop)
        except BaseException as caught:  # noqa: BLE001 - whatever comes is looked at
            error = caught
        return Run(out, error, source, plan.trace)


def _read(shell: Shell, source: Source, content: Content, plan: Plan, out: list[Any], stop: int) -> None:
    stream = shell.open(source, content)
    try:
        for item in stream:
            plan.step("client")
            out.append(item)
            if len(out) == stop:
                break
    finally:
        stream.close()


async def _read_async(
    shell: Shell, source: Source, content: Content, plan: Plan, out: list[Any], stop: int
) -> None:
    stream = shell.open(source, content)
    try:
        async for item in stream:
            await plan.pause("client")
            out.append(item)
            if len(out) == stop:
                break
    finally:
        await stream.aclose()


async def _pushed(
    shell: Shell, source: Source, content: Content, plan: Plan, out: list[Any], stop: int
) -> None:
    """An ASGI application that sends on what it reads, in the middleware, on a server that is slow."""
    kind = b"application/x-ndjson" if content.lines else b"text/event-stream"
    headers = [(b"content-type", kind)] if shell.is_typed else []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "headers": headers})
        try:
            async for data in source:
                await send({"type": "http.response.body", "body": data, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            await source.aclose()

    async def send(message: Any) -> None:
        if message.get("body"):
            await plan.pause("client")
            out.append(message["body"])

    await shell.open(app, content)({"type": "http"}, None, send)


# ---------------------------------------------------------------- the shells


def _chunks(module: Any) -> Callable[[Any, Content], Any]:
    return lambda source, content: module.restore_chunks(source, content.pairs, ON, protocol=content.protocol)


def _handler(name: str) -> Callable[[Any, Content], Any]:
    return lambda source, content: getattr(StreamingHandler, name)(
        source, content.pairs, SimpleNamespace(enabled=True)
    )


class _Exchange:
    """A response body read through our transport around one that answers with ``source``; untyped, so that our
    transport looks at the first read before it hands the response on.
    """

    def __init__(self, library: str, source: Source, content: Content, *, is_typed: bool) -> None:
        host = importlib.import_module(library)
        ours = importlib.import_module(f"holdback.integrations.{library}")
        kinds = (host.SyncByteStream, host.AsyncByteStream)
        stream = type("Stream", kinds, {name: _of(source, name) for name in _STREAM})()
        kind = "application/x-ndjson" if content.lines else "text/event-stream"
        headers = {"content-type": kind} if is_typed else {}
        self._inner = host.Response(200, headers=headers, stream=stream)
        self._request = host.Request("POST", "http://host")
        self._transport = ours.RestoreTransport(content.pairs, ON, transport=self)
        self._async_transport = ours.AsyncRestoreTransport(content.pairs, ON, transport=self)
        self._response: Any = None
        self._reader: Any = None

    def handle_request(self, request: Any) -> Any:
        return self._inner

    async def handle_async_request(self, request: Any) -> Any:
        return self._inner

    def __iter__(self) -> Any:
        self._response = self._transport.handle_request(self._request)
        self._reader = self._response.iter_raw()
        return self._reader

    def close(self) -> None:
        if self._response is None:  # it broke off while it was looked at
            return
        try:
            self._reader.close()
        finally:
            self._response.close()

    async def __aiter__(self) -> Any:
        self._response = await self._async_transport.handle_async_request(self._request)
        self._reader = self._response.aiter_raw()
        async for data in self._reader:
            yield data

    async def aclose(self) -> None:
        if self._response is None:
            return
        try:
            await self._reader.aclose()
        finally:
            await self._response.aclose()


_STREAM = ("__iter__", "__aiter__", "close", "aclose")


def _of(source: Source, name: str) -> Callable[[Any], Any]:
    return lambda stream: getattr(source, name)()


def _guardrail(source: Any, content: Content) -> Any:
    guardrail = importlib.import_module("holdback.integrations.litellm").HoldbackGuardrail(
        guardrail_name="holdback",
        event_hook=["pre_call", "post_call"],
        known_values=content.pairs,
        reasoning=True,
    )
    return guardrail.async_post_call_streaming_iterator_hook(None, source, {})


def _privaite(source: Any, content: Content) -> Any:
    ours = importlib.import_module("holdback.integrations.privaite").StreamingHandler
    return ours.stream_response(source, content.mapping, SimpleNamespace(enabled=True))


CHAT, TEXT = ("openai-chat",), ("openai-text",)
SHELLS = [
    Shell("aio.restore_chunks", True, _chunks(aio), _chunks_sent),
    Shell("sync.restore_chunks", False, _chunks(sync), _chunks_sent),
    Shell(
        "aio.restore_bytes", True, lambda s, c: aio.restore_bytes(s, c.pairs, ON), _bytes_sent, of_bytes=True
    ),
    Shell(
        "sync.restore_bytes",
        False,
        lambda s, c: sync.restore_bytes(s, c.pairs, ON),
        _bytes_sent,
        of_bytes=True,
    ),
    Shell("stream_response", True, _handler("stream_response"), _events_sent, protocols=CHAT),
    Shell("stream_text_response", True, _handler("stream_text_response"), _events_sent, protocols=TEXT),
    *(
        Shell(
            "asgi" if is_typed else "asgi untyped",
            True,
            lambda app, c: RestoreMiddleware(app, c.pairs, ON),
            _bytes_sent,
            of_bytes=True,
            pushes=True,
            is_typed=is_typed,
        )
        for is_typed in (True, False)
    ),
    *(
        Shell(
            f"{library} {kind}{'' if is_typed else ' untyped'}",
            kind == "async",
            lambda s, c, library=library, is_typed=is_typed: _Exchange(  # type: ignore[misc]
                library, s, c, is_typed=is_typed
            ),
            _bytes_sent,
            of_bytes=True,
            closes_early=True,
        )
        for library in ("httpx", "httpx2")
        for kind in ("async", "sync")
        for is_typed in (True, False)
    ),
]
HOSTED = [
    Shell("litellm chunks", True, _guardrail, _chunks_sent),
    Shell("litellm bytes", True, _guardrail, _bytes_sent, of_bytes=True),
    Shell("privaite", True, _privaite, _events_sent, protocols=CHAT, wraps_errors=True),
]

EVERY_SHELL = pytest.mark.parametrize(
    "shell",
    [
        *(pytest.param(shell, id=shell.name) for shell in SHELLS),
        *(
            pytest.param(shell, id=shell.name, marks=getattr(pytest.mark, shell.name.partition(" ")[0]))
            for shell in HOSTED
        ),
    ],
)
