"""``holdback.aio`` and ``holdback.sync``: the same streams through both, and the ways out of them.

A fault at every step, which holds of every shell, is in ``faults/``.
"""

from __future__ import annotations

import asyncio
import gzip
import importlib
import json
import logging
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from holdback import aio, sync
from holdback.errors import EncodedInput, EventTooLarge, HoldbackError
from holdback.restorers.wire import WireRestorer
from streams import ENVELOPE, PAIRS, Upstream, heard, say
from wires import every, recordings, through

SECRET = "Ada Lovelace"


class Lost(Exception):
    """An upstream's error that quotes the text, as they do."""


class Source:
    """A source of both kinds that counts what is asked of it, fails if told to, and can be closed."""

    def __init__(
        self, items: Any, error: BaseException | None = None, closing_error: Exception | None = None
    ) -> None:
        self.items = list(items)
        self.error = error
        self.closing_error = closing_error
        self.taken = self.closed = 0

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if self.taken < len(self.items):
            self.taken += 1
            return self.items[self.taken - 1]
        if self.error is not None:
            raise self.error
        raise StopIteration

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        try:
            return next(self)
        except StopIteration:
            raise StopAsyncIteration from None

    def close(self) -> None:
        self.closed += 1
        if self.closing_error is not None:
            raise self.closing_error


class Stream:
    """Either shell, driven the same way."""

    def __init__(self, kind: str, name: str, source: Any, mapping: Any = PAIRS, **options: Any) -> None:
        self.out: list[Any] = []
        self._aio = kind == "aio"
        self._stream = getattr(aio if self._aio else sync, name)(source, mapping, **options)

    def next(self) -> Any:
        return self._run(self._stream.__anext__) if self._aio else next(self._stream)

    def all(self) -> list[Any]:
        stop = StopAsyncIteration if self._aio else StopIteration
        try:
            while True:
                self.out.append(self.next())
        except stop:
            return self.out

    def close(self) -> None:
        if self._aio:
            self._run(self._stream.aclose)
        else:
            self._stream.close()

    @staticmethod
    def _run(begin: Callable[[], Any]) -> Any:
        """What waits for nothing needs no loop, which would end the generator with itself."""
        try:
            begin().send(None)
        except StopIteration as done:
            return done.value
        raise AssertionError("it waits")


KIND = pytest.mark.parametrize("kind", ["aio", "sync"])
NAME = pytest.mark.parametrize("name", ["restore_bytes", "restore_chunks"])


def as_bytes(chunk: Any) -> bytes:
    return f"data: {json.dumps(chunk)}\n\n".encode()


def items(name: str, *texts: str) -> list[Any]:
    chunks = [say(text) for text in texts]
    return chunks if name == "restore_chunks" else [as_bytes(chunk) for chunk in chunks]


def options(name: str) -> dict[str, str]:
    return {"protocol": "openai-chat"} if name == "restore_chunks" else {}


def text_of(out: list[Any]) -> str:
    chunks = [
        json.loads(event[6:]) if isinstance(item, bytes) else event
        for item in out
        for event in (item.decode().split("\n\n")[:-1] if isinstance(item, bytes) else [item])
    ]
    return heard(chunks).get((0, "content"), "")


# ---------------------------------------------------------------- what comes through


@KIND
@pytest.mark.parametrize("recording", recordings(), ids=lambda recording: recording.name)
def test_a_recording(kind: str, recording: Any, backend: str) -> None:
    for size in (37, 4096):
        source = Source(every(recording.data, size))
        out = Stream(kind, "restore_bytes", source, recording.pairs).all()
        assert b"".join(out) == through(WireRestorer(recording.pairs), [recording.data]).data
        assert all(out), "something empty was sent"
        assert source.closed == 1


@KIND
@NAME
def test_nothing_is_read_ahead(kind: str, name: str, backend: str) -> None:
    source = Source(items(name, "a", "b <PE", "x", "c", "d"))
    stream = Stream(kind, name, source, **options(name))
    for taken in (1, 2, 3):
        stream.next()
        assert source.taken == taken
    stream.close()
    assert (source.taken, source.closed) == (3, 1)


@KIND
def test_chunks_keep_their_kind_and_bytes_their_format(kind: str, backend: str) -> None:
    untouched = say("Hi")
    out = Stream(
        kind, "restore_chunks", Source([untouched, b"raw", say("<PERSON_2>")]), protocol="auto"
    ).all()
    assert out[0] is untouched
    assert out[1:] == [b"raw", say("Bo")]
    data = b'{"model":"m","message":{"content":"<PERSON_2>"},"done":true}\n'
    (line,) = Stream(kind, "restore_bytes", Source([data]), protocol="ollama").all()
    assert line == data.replace(b"<PERSON_2>", b"Bo")


@KIND
@NAME
@pytest.mark.parametrize("mapping", [None, {}], ids=["none", "empty"])
def test_no_mapping_passes_everything(kind: str, name: str, mapping: Any) -> None:
    came = items(name, "<PERSON_1>", "<PER")
    assert Stream(kind, name, Source(came), mapping, **options(name)).all() == came


# ---------------------------------------------------------------- errors


@KIND
@NAME
@pytest.mark.parametrize("survived", range(4))
def test_the_upstream_dies_at_any_item(kind: str, name: str, survived: int, backend: str) -> None:
    error = Lost(f"{SECRET} <PERSON_1>")
    came = items(name, "Hi <PERS", "ON_1> and <", "PERS")[:survived]
    source = Source(came, error)
    stream = Stream(kind, name, source, **options(name))
    with pytest.raises(Lost) as caught:
        stream.all()
    assert caught.value is error
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert text_of(stream.out) == ["", "Hi <PERS", f"Hi {SECRET} and <", f"Hi {SECRET} and <PERS"][survived]
    assert source.closed == 1


@KIND
def test_the_upstream_dies_inside_an_event(kind: str, backend: str) -> None:
    held, cut = as_bytes(say("<PERS")), as_bytes(say("ON_1>"))[:-9]
    stream = Stream(kind, "restore_bytes", Source([held, cut], Lost()))
    with pytest.raises(Lost):
        stream.all()
    out = b"".join(stream.out)
    assert text_of([out.removesuffix(cut)]) == "<PERS"
    assert out.endswith(cut)


@KIND
@pytest.mark.parametrize(
    ("codings", "pack"),
    [("", gzip.compress), ("gzip", gzip.compress), ("deflate", zlib.compress), ("", bytes)],
    ids=["gzip-unsaid", "gzip", "deflate", "none"],
)
def test_bytes_are_decoded_as_they_come(
    kind: str, codings: str, pack: Callable[[bytes], bytes], backend: str
) -> None:
    stream = b"".join(items("restore_bytes", "Hi <PER", "SON_1>!"))
    out = Stream(kind, "restore_bytes", Source(every(pack(stream), 9)), codings=codings).all()
    assert text_of(out) == f"Hi {PAIRS['<PERSON_1>']}!"


@KIND
def test_the_options_of_bytes_are_passed_on(kind: str) -> None:
    stream = b"".join(items("restore_bytes", "Hi <PERSON_1>!"))

    def out(data: bytes, **options: Any) -> bytes:
        return b"".join(Stream(kind, "restore_bytes", Source(every(data, 9)), **options).all())

    assert out(stream, protocol="anthropic") == stream
    whole = json.dumps({"choices": [{"message": {"content": "<PERSON_1>"}}]}, indent=1).encode()
    assert out(whole) != whole
    assert out(whole, max_event_bytes=len(whole) - 1) == whole
    assert out(b"\x1f\x8b\x09\x00", undecodable="pass") == b"\x1f\x8b\x09\x00"
    assert out(stream, codings="compress", undecodable="pass")
    with pytest.raises(EncodedInput):
        out(stream, codings="compress")
    for wrong in ({"protocol": "smtp"}, {"oversized": "drop"}, {"undecodable": "drop"}):
        with pytest.raises(HoldbackError):
            out(stream, **wrong)


@KIND
@pytest.mark.parametrize("error", [EncodedInput, EventTooLarge])
def test_what_cannot_be_read_leaves_before_the_error(kind: str, error: type[Exception], backend: str) -> None:
    if error is EncodedInput:
        reads = [b"\x1f", b"\x8b\x08\x00\x00\x00\x00\x00\x00\x03no gzip at all", b"never read"]
        expected = b"".join(reads[:2])
    else:
        ready, large = as_bytes(say("Hi")), b"x" * 4096
        reads = [as_bytes(say("a <PERS")), ready + large, b"never read"]
        expected = large
    source = Source(reads)
    stream = Stream(kind, "restore_bytes", source, max_event_bytes=1024, oversized="raise")
    with pytest.raises(error):
        stream.all()
    out = b"".join(stream.out)
    assert out.endswith(expected)
    if error is EventTooLarge:
        assert text_of([out.removesuffix(expected)]) == "a <PERSHi"
    assert (source.taken, source.closed) == (2, 1)


@KIND
def test_an_item_of_another_kind(kind: str, backend: str) -> None:
    source = Source([as_bytes(say("a <PE")), "text"])
    stream = Stream(kind, "restore_bytes", source)
    with pytest.raises(TypeError, match=r"^feed\(\) takes bytes, not str$"):
        stream.all()
    assert text_of(stream.out) == "a <PE"
    assert source.closed == 1


@KIND
@NAME
@pytest.mark.parametrize("wrong", [None, 7, object()], ids=lambda wrong: type(wrong).__name__)
def test_what_is_no_stream(kind: str, name: str, wrong: Any) -> None:
    words = "an async iterable" if kind == "aio" else "an iterable"
    with pytest.raises(TypeError, match=rf"^the stream must be {words}, not {type(wrong).__name__}$"):
        Stream(kind, name, wrong, **options(name)).next()


@KIND
@NAME
@pytest.mark.parametrize(
    ("mapping", "more"),
    [("text", {}), ({"": SECRET}, {}), ({"<P>": 7}, {}), (PAIRS, {"config": {}}), (PAIRS, {"protocol": "x"})],
    ids=str,
)
def test_wrong_arguments_close_the_upstream(
    kind: str, name: str, mapping: Any, more: Any, backend: str
) -> None:
    source = Source(items(name, "a"))
    with pytest.raises((TypeError, ValueError)) as caught:
        Stream(kind, name, source, mapping, **{**options(name), **more}).next()
    assert SECRET not in repr(caught.value)
    assert (source.taken, source.closed) == (0, 1)


# ---------------------------------------------------------------- the client leaves


@KIND
@NAME
@pytest.mark.parametrize("taken", range(4))
def test_an_early_close(kind: str, name: str, taken: int, backend: str) -> None:
    source = Source(items(name, "a", "b <P", "c <PE", "d"))
    stream = Stream(kind, name, source, **options(name))
    for _ in range(taken):
        stream.next()
    stream.close()
    assert (source.taken, source.closed) == (taken, 1 if taken else 0)
    assert stream.all() == []


@KIND
@NAME
def test_a_close_after_the_end_closes_once(kind: str, name: str, backend: str) -> None:
    source = Source(items(name, "a"))
    stream = Stream(kind, name, source, **options(name))
    stream.all()
    stream.close()
    assert source.closed == 1


@KIND
@NAME
@pytest.mark.parametrize("error", [KeyboardInterrupt, asyncio.CancelledError])
def test_an_interrupt_emits_nothing(kind: str, name: str, error: type[BaseException], backend: str) -> None:
    source = Source(items(name, "<PERS"), error())
    stream = Stream(kind, name, source, **options(name))
    with pytest.raises(error):
        stream.all()
    assert (stream.out, source.closed) == ([], 1)


# ---------------------------------------------------------------- closing


@KIND
@NAME
@pytest.mark.parametrize("error", [None, Lost("first")], ids=["end", "error"])
def test_an_error_of_closing_hides_nothing(
    kind: str, name: str, error: Exception | None, backend: str, caplog: pytest.LogCaptureFixture
) -> None:
    source = Source(items(name, "a <PE"), error, KeyError(SECRET))
    stream = Stream(kind, name, source, **options(name))
    with caplog.at_level(logging.DEBUG, "holdback"):
        if error is None:
            stream.all()
        else:
            with pytest.raises(Lost) as caught:
                stream.all()
            assert caught.value is error
    assert text_of(stream.out) == "a <PE"
    assert source.closed == 1
    assert "KeyError" in caplog.text
    assert SECRET not in caplog.text


async def test_aclose_comes_before_close() -> None:
    class Both(Upstream):
        async def close(self) -> None:
            raise AssertionError("close() was called beside aclose()")

    upstream = Both([say("a")])
    assert [chunk async for chunk in aio.restore_chunks(upstream, PAIRS, protocol="openai-chat")] == [
        say("a")
    ]
    assert upstream.closed == 1


def test_an_iterator_apart_from_its_source_is_closed_too() -> None:
    ended = []

    class Response:
        def __iter__(self) -> Iterator[bytes]:
            try:
                while True:
                    yield as_bytes(say("a"))
            finally:
                ended.append("iterator")

        def close(self) -> None:
            ended.append("source")

    stream = sync.restore_bytes(Response(), PAIRS)
    next(stream)
    stream.close()
    assert ended == ["iterator", "source"]


def test_a_plain_list_will_do() -> None:
    assert list(sync.restore_bytes([as_bytes(say("<PERSON_2>"))], PAIRS)) == [as_bytes(say("Bo"))]


# ---------------------------------------------------------------- objects


@pytest.mark.parametrize(
    ("module", "name"),
    [
        pytest.param("openai.types.chat", "ChatCompletionChunk", marks=pytest.mark.sdk),
        pytest.param("litellm.types.utils", "ModelResponseStream", marks=pytest.mark.litellm),
    ],
)
@KIND
def test_objects_of_an_sdk_stay_of_their_class(kind: str, module: str, name: str, backend: str) -> None:
    model = getattr(importlib.import_module(module), name)
    chunks = [
        model(**{**ENVELOPE, "choices": say(text)["choices"]}) for text in ("Hi <PERS", "ON_2>", "!", "<P")
    ]
    out = Stream(kind, "restore_chunks", Source(chunks), protocol="openai-chat").all()
    assert {type(chunk) for chunk in out} == {model}
    assert "".join(chunk.choices[0].delta.content or "" for chunk in out) == "Hi Bo!<P"
    assert out[2] is chunks[2]
    assert chunks[0].choices[0].delta.content == "Hi <PERS"


@pytest.mark.sdk
@KIND
def test_anthropics_objects_stay_of_their_class(kind: str, backend: str) -> None:
    types = importlib.import_module("anthropic.types")
    events = [
        types.RawContentBlockDeltaEvent(
            type="content_block_delta", index=0, delta=types.TextDelta(type="text_delta", text=text)
        )
        for text in ("Hi <PERS", "ON_2>", "<P")
    ]
    events.append(types.RawContentBlockStopEvent(type="content_block_stop", index=0))
    out = Stream(kind, "restore_chunks", Source(events), protocol="anthropic").all()
    assert [type(event).__name__ for event in out] == [
        *["RawContentBlockDeltaEvent"] * 4,
        "RawContentBlockStopEvent",
    ]
    assert "".join(event.delta.text for event in out[:-1]) == "Hi Bo<P"
