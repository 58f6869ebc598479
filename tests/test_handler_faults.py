"""StreamingHandler when the upstream dies, the client leaves, or closing fails: what is its own.

What holds of every shell, at every step, is in ``faults/``.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

import oracle
from holdback import HoldbackError, StreamingHandler
from streams import PAIRS, STOP, Upstream, call, heard, say, text

ON = SimpleNamespace(enabled=True)
OFF = SimpleNamespace(enabled=False)
SECRET = "Ada Lovelace"
PIECES = ["Hi <PERS", "ON_1", "> and", " <PERSON_10", ">! Ann", " Lee", " <PERS"]


class Lost(Exception):
    """An upstream's error that quotes the text, as they do."""


def open_stream(upstream: Any, config: Any = ON, mapping: Any = PAIRS) -> Any:
    return StreamingHandler.stream_response(upstream, mapping, config)


def chunks_in(sent: list[str]) -> list[Any]:
    return [json.loads(event[6:]) for event in sent if event != "data: [DONE]\n\n"]


async def until_error(stream: Any) -> tuple[list[str], BaseException]:
    sent: list[str] = []
    try:
        async for event in stream:
            sent.append(event)  # noqa: PERF401 - what came before the error counts
    except Exception as error:  # noqa: BLE001 - whatever comes is looked at
        return sent, error
    raise AssertionError("no error came")


# ---- the upstream dies


@pytest.mark.parametrize("survived", range(len(PIECES) + 1))
async def test_the_upstream_dies_at_any_chunk(
    survived: int, backend: str, caplog: pytest.LogCaptureFixture
) -> None:
    error = Lost(f"while sending {SECRET} <PERSON_1>")
    upstream = Upstream([say(piece) for piece in PIECES[:survived]], error)
    with caplog.at_level(logging.DEBUG):
        sent, caught = await until_error(open_stream(upstream))
    assert caught is error
    assert caught.__cause__ is None
    assert caught.__context__ is None
    assert not hasattr(caught, "__notes__")
    restored = oracle.restore(PAIRS, "".join(PIECES[:survived]))
    assert heard(chunks_in(sent)) == ({(0, "content"): restored} if restored else {})
    assert "data: [DONE]\n\n" not in sent
    assert upstream.closed == 1
    assert caplog.text.count("Lost") == 1
    assert SECRET not in caplog.text
    assert "PERSON" not in caplog.text
    assert "Traceback" not in caplog.text


async def test_every_channel_leaves_before_the_error(backend: str) -> None:
    chunks = [say("<PE"), say("<PER", index=1), say("<P", "reasoning"), call('{"a": "<PERS')]
    sent, _ = await until_error(open_stream(Upstream(chunks, Lost())))
    assert heard(chunks_in(sent)) == heard(chunks)


@pytest.mark.parametrize("member", ["id", "created", "model"])
@pytest.mark.parametrize("config", [ON, OFF], ids=["on", "off"])
async def test_a_chunk_that_cannot_be_written_is_refused_before_its_text_is_taken(
    member: str, config: Any, backend: str
) -> None:
    chunks = [say("a <P"), {**say("ERS"), member: object()}]
    sent, caught = await until_error(open_stream(Upstream(chunks, Lost()), config))
    assert type(caught) is HoldbackError
    assert "item 2" in str(caught)
    assert heard(chunks_in(sent)) == {(0, "content"): "a <P"}


async def test_a_text_completion_dies(backend: str) -> None:
    error = Lost()
    stream = StreamingHandler.stream_text_response(Upstream([text("a <PE")], error), PAIRS, ON)
    sent, caught = await until_error(stream)
    assert caught is error
    assert heard(chunks_in(sent)) == {(0, "text"): "a <PE"}


async def test_switched_off_the_error_passes_too() -> None:
    error = Lost()
    upstream = Upstream([say("<PERS")], error)
    sent, caught = await until_error(open_stream(upstream, OFF))
    assert caught is error
    assert chunks_in(sent) == [say("<PERS")]
    assert upstream.closed == 1


async def test_an_error_of_a_chunk_itself_passes(backend: str) -> None:
    class Broken:
        def model_dump(self) -> Any:
            raise Lost

    upstream = Upstream([say("a <PE"), Broken()])
    sent, caught = await until_error(open_stream(upstream))
    assert type(caught) is Lost
    assert heard(chunks_in(sent)) == {(0, "content"): "a <PE"}
    assert upstream.closed == 1


# ---- the client leaves


@pytest.mark.parametrize("taken", range(5))
async def test_an_early_close(taken: int, backend: str) -> None:
    upstream = Upstream([say("a"), say("b <P"), say("c <PE"), say("d <PERS"), say("e"), STOP])
    stream = open_stream(upstream)
    for _ in range(taken):
        await anext(stream)
    await stream.aclose()
    assert upstream.closed == (1 if taken else 0)  # a generator that was never started took nothing in hand
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_a_close_after_the_end_closes_once(backend: str) -> None:
    upstream = Upstream([say("a"), STOP])
    stream = open_stream(upstream)
    assert [event async for event in stream][-1] == "data: [DONE]\n\n"
    await stream.aclose()
    assert upstream.closed == 1


async def test_a_close_while_the_tail_of_an_error_is_out(backend: str) -> None:
    upstream = Upstream([say("<PE"), say("<PE", index=1)], Lost())
    stream = open_stream(upstream)
    assert "<PE" in await anext(stream)
    await stream.aclose()
    assert upstream.closed == 1


class Slow:
    """Waits before every item and when it is closed, so that it can be cancelled anywhere."""

    def __init__(self, items: list[Any], ticks: int = 3) -> None:
        self.items = items
        self.ticks = ticks
        self.closed = 0

    async def __aiter__(self) -> AsyncIterator[Any]:
        for item in self.items:
            for _ in range(self.ticks):
                await asyncio.sleep(0)
            yield item

    async def aclose(self) -> None:
        self.closed += 1


async def test_a_cancelled_upstream_is_not_an_upstream_error(
    backend: str, caplog: pytest.LogCaptureFixture
) -> None:
    upstream = Upstream([say("<PERS")], asyncio.CancelledError())
    sent = []
    with pytest.raises(asyncio.CancelledError):  # noqa: PT012 - what came before the error counts
        async for event in open_stream(upstream):
            sent.append(event)  # noqa: PERF401
    assert (sent, upstream.closed, caplog.text) == ([], 1, "")


# ---- closing


class Closing(Upstream):
    def __init__(self, closing_error: BaseException, error: BaseException | None = None) -> None:
        super().__init__([say("a <PE")], error)
        self.closing_error = closing_error

    async def aclose(self) -> None:
        await super().aclose()
        raise self.closing_error


async def test_an_error_of_closing_does_not_replace_the_answer(
    backend: str, caplog: pytest.LogCaptureFixture
) -> None:
    upstream = Closing(Lost(SECRET))
    sent = [event async for event in open_stream(upstream)]
    assert sent[-1] == "data: [DONE]\n\n"
    assert upstream.closed == 1
    assert "Lost" in caplog.text
    assert SECRET not in caplog.text


async def test_an_error_of_closing_does_not_replace_the_first_error(backend: str) -> None:
    first = Lost("first")
    _, caught = await until_error(open_stream(Closing(KeyError(SECRET), first)))
    assert caught is first
    assert SECRET not in repr(caught.__context__)


async def test_an_upstream_with_close_only(backend: str) -> None:
    class CloseOnly(Slow):
        aclose = None  # type: ignore[assignment]

        async def close(self) -> None:
            self.closed += 1

    upstream = CloseOnly([say("a")])
    assert len([event async for event in open_stream(upstream)]) == 2
    assert upstream.closed == 1


async def test_aclose_comes_before_close(backend: str) -> None:
    class Both(Slow):
        async def close(self) -> None:
            raise AssertionError("close() was called beside aclose()")

    upstream = Both([say("a")])
    assert len([event async for event in open_stream(upstream)]) == 2
    assert upstream.closed == 1


async def test_an_iterator_apart_from_its_source_is_closed_too(backend: str) -> None:
    ended = []

    class Source:
        async def __aiter__(self) -> AsyncIterator[Any]:
            try:
                while True:
                    yield say("a")
            finally:
                ended.append("iterator")

        async def aclose(self) -> None:
            ended.append("source")

    stream = open_stream(Source())
    await anext(stream)
    await stream.aclose()
    assert ended == ["iterator", "source"]


async def test_a_source_that_cannot_be_closed(backend: str) -> None:
    class Bare:
        def __aiter__(self) -> Bare:
            return self

        async def __anext__(self) -> Any:
            raise StopAsyncIteration

    assert [event async for event in open_stream(Bare())] == ["data: [DONE]\n\n"]


# ---- wrong arguments


@pytest.mark.parametrize("source", [None, 7, [say("a")], iter([])], ids=lambda source: type(source).__name__)
async def test_a_source_that_is_not_async(source: Any) -> None:
    with pytest.raises(
        TypeError, match=rf"^the stream must be an async iterable, not {type(source).__name__}$"
    ):
        await anext(open_stream(source))


@pytest.mark.parametrize(
    ("mapping", "config"),
    [("text", ON), (PAIRS, {"enabled": True}), ({"": SECRET}, ON), ({"<P>": 7}, ON)],
    ids=str,
)
async def test_a_wrong_mapping_or_config_closes_the_upstream(mapping: Any, config: Any, backend: str) -> None:
    upstream = Upstream([say("a")])
    with pytest.raises((TypeError, ValueError)) as caught:
        await anext(open_stream(upstream, config, mapping))
    assert SECRET not in repr(caught.value)
    assert (upstream.taken, upstream.closed) == (0, 1)


# ---- many at once


async def test_streams_at_the_same_time_do_not_meet(backend: str) -> None:
    async def one(number: int) -> str:
        pairs = {"<PERSON_1>": f"name {number}"}
        upstream = Slow([say(piece) for piece in "<PERSON_1>"], ticks=number % 3)
        sent = [event async for event in open_stream(upstream, ON, pairs)]
        return heard(chunks_in(sent))[0, "content"]

    assert await asyncio.gather(*map(one, range(50))) == [f"name {number}" for number in range(50)]
