"""``holdback.aio`` and ``holdback.sync``: the same streams through both, and the ways out of them.

A fault at every step, which holds of every shell, is in ``faults/``.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections.abc import Iterator

import pytest

from holdback import aio, sync
from shell_sources import KIND, NAME, SECRET, Lost, Source, Stream, as_bytes, items, options, text_of
from streams import ENVELOPE, PAIRS, Upstream, say

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
