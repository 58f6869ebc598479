"""StreamingHandler on streams that end well."""

from __future__ import annotations

import copy
import json
from collections import OrderedDict
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

import oracle
from holdback import StreamingHandler
from holdback.errors import HoldbackError
from strategies import cuts
from streams import ENVELOPE, PAIRS, STOP, Upstream, call, chat, events, heard, restore, say, text

ON = SimpleNamespace(enabled=True)
OFF = SimpleNamespace(enabled=False)
TEXT = "Hi <PERSON_1>, <PERSON_10>! Ann Lee met Anna; <PERSON_2><EMAIL_1> <PERSON_3> a<b <PERS"
USAGE = {**ENVELOPE, "choices": [], "usage": {"total_tokens": 7}}


async def sent(items: list[Any], config: Any = ON, pairs: Any = PAIRS) -> list[str]:
    return [event async for event in StreamingHandler.stream_response(Upstream(items), pairs, config)]


async def sent_text(items: list[Any], config: Any = ON) -> list[str]:
    return [event async for event in StreamingHandler.stream_text_response(Upstream(items), PAIRS, config)]


class Delta(BaseModel, extra="allow"):
    content: str | None = None


class Choice(BaseModel, extra="allow"):
    index: int = 0
    delta: Delta | None = None
    finish_reason: str | None = None


class Chunk(BaseModel, extra="allow"):
    id: str = "chatcmpl-1"
    created: int = 1700000000
    model: str = "m-1"
    choices: list[Choice] = []


class OwnDump(Chunk):
    """A model whose dump only calling it tells."""

    def model_dump(self, **_: Any) -> dict[str, Any]:
        return {**super().model_dump(), "own": True}


class Dumps:
    def __init__(self, dumped: Any) -> None:
        self.dumped = dumped

    def model_dump(self) -> Any:
        return self.dumped


def as_model(chunk: dict[str, Any]) -> Chunk:
    return Chunk.model_validate(chunk)


KINDS: dict[str, Any] = {
    "dict": lambda chunk: chunk,
    "model": as_model,
    "own dump": OwnDump.model_validate,
    "object with a dump": Dumps,
    "mapping": MappingProxyType,
    "dict of another class": OrderedDict,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("pieces", [[TEXT], list(TEXT)], ids=["whole", "units"])
async def test_every_kind_of_chunk(pieces: list[str], kind: str, backend: str) -> None:
    chunks = [KINDS[kind](say(piece)) for piece in pieces]
    out = events(await sent([*chunks, KINDS[kind](STOP)]))
    assert heard(out) == {(0, "content"): oracle.restore(PAIRS, TEXT)}
    assert all(chunk["id"] == "chatcmpl-1" and chunk["model"] == "m-1" for chunk in out)


@given(data=st.data())
async def test_the_handler_sends_what_the_restorer_returns(data: st.DataObject) -> None:
    chunks = [chat({"role": "assistant", "content": ""})]
    chunks += [say(piece, index=index) for index in (0, 1) for piece in data.draw(cuts(TEXT))]
    chunks += [call(piece) for piece in data.draw(cuts('{"a": "<QUOTED_1>"}'))] + [STOP, USAGE]
    before = copy.deepcopy(chunks)
    assert events(await sent(chunks)) == restore(chunks)
    assert chunks == before


async def test_a_text_completion(backend: str) -> None:
    out = events(await sent_text([text("<PERS"), text("ON_2> <P"), text(None, "length"), text("<", index=1)]))
    assert out[:3] == [text(""), text("Bo "), text("<P", "length")]
    assert heard(out) == {(0, "text"): "Bo <P", (1, "text"): "<"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("config", [OFF, None], ids=["off", "none"])
async def test_switched_off_every_chunk_goes_through(kind: str, config: Any) -> None:
    chunks = [say("<PERSON_2>"), say("<PERS"), STOP, USAGE]
    for through in (sent, sent_text):
        out = events(await through([KINDS[kind](chunk) for chunk in chunks], config))
        assert [chunk["choices"][:1] for chunk in out] == [
            json.loads(
                json.dumps(
                    KINDS[kind](chunk).model_dump() if hasattr(KINDS[kind](chunk), "model_dump") else chunk
                )
            )["choices"][:1]
            for chunk in chunks
        ]


async def test_chunks_leave_as_they_are(backend: str) -> None:
    chunk = {
        **chat(
            {"role": "assistant", "content": "hi", "vendor": [1]},
            logprobs={"content": []},
            content_filter_results={},
        ),
        "usage": None,
        "system_fingerprint": "fp",
        "n": [1.5, 10**30, True, None],
    }
    assert events(await sent([chunk, USAGE])) == [chunk, USAGE]


async def test_bytes_and_strings_behind_the_first_chunk_are_forwarded_unread(backend: str) -> None:
    items = [
        STOP,
        b": ping\n\n",
        "data: <PERSON_2>\n\n",
        b"\xff<PERSON_2>",
        bytearray(b"x"),
        say("<PERS"),
        b"y",
        say("ON_2>"),
    ]
    out = await sent(items)
    assert out[1:5] == [": ping\n\n", "data: <PERSON_2>\n\n", "\ufffd<PERSON_2>", "x"]
    assert out[5] == "y"
    assert events(out[6:]) == [say("Bo")]


@pytest.mark.parametrize("kind", [str, bytes, bytearray, memoryview])
@pytest.mark.parametrize("is_text", [False, True])
async def test_text_where_the_first_chunk_belongs(kind: Any, is_text: bool, backend: str) -> None:
    """A stream of strings or bytes would pass unrestored, and nobody would notice."""
    data = b'data: {"choices":[{"delta":{"content":"<PERSON_1>"}}]}\n\n'
    item = data.decode() if kind is str else kind(data)
    upstream = Upstream([item, say("a")])
    respond = StreamingHandler.stream_text_response if is_text else StreamingHandler.stream_response
    out: list[str] = []
    with pytest.raises(HoldbackError) as caught:  # noqa: PT012
        async for event in respond(upstream, PAIRS, ON):
            out.append(event)  # noqa: PERF401 - nothing may have left before the error
    assert str(caught.value) == (
        f"stream item 1 is {kind.__name__}: StreamingHandler restores chunk objects, "
        "and WireRestorer what was read from a connection"
    )
    assert out == []
    assert upstream.closed == 1


@pytest.mark.parametrize("item", ["data: <PERSON_1>\n\n", b"data: <PERSON_1>\n\n"], ids=["str", "bytes"])
async def test_text_passes_where_nothing_is_restored(item: Any, backend: str) -> None:
    assert (await sent([item], OFF))[0] == "data: <PERSON_1>\n\n"
    assert (await sent([item], ON, {}))[0] == "data: <PERSON_1>\n\n"


async def test_what_breaks_readers_leaves_escaped(backend: str) -> None:
    pairs = {"<P_1>": "a\u2028b\x85c\ud83dd"}
    (event, _) = await sent([say("é <P_1>")], pairs=pairs)
    assert r"é a\u2028b\u0085c\ud83dd" in event
    (event, _) = await sent([as_model(say("é <P_1>"))], pairs=pairs)
    assert r"é a\u2028b\u0085c\ud83dd" in event
    (event, _) = await sent([as_model(say("é\u2028"))], pairs=pairs)
    assert r"é\u2028" in event


async def test_an_empty_stream_is_done() -> None:
    assert await sent([]) == ["data: [DONE]\n\n"]


async def test_nothing_is_read_ahead(backend: str) -> None:
    upstream = Upstream([say("a"), say("<PERS"), say("ON_2>"), STOP])
    stream = StreamingHandler.stream_response(upstream, PAIRS, ON)
    assert upstream.taken == 0
    await anext(stream)
    assert upstream.taken == 1
    await anext(stream)
    assert upstream.taken == 3
    await stream.aclose()
    assert upstream.taken == 3


@pytest.mark.parametrize("kind", KINDS)
async def test_the_callers_chunks_stay_as_they_were(kind: str, backend: str) -> None:
    chunks = [KINDS[kind](say(piece)) for piece in ("a <PERS", "ON_2>")] + [
        KINDS[kind](chat({"content": "<P"}, "stop"))
    ]
    dumps = [
        copy.deepcopy(chunk.model_dump() if hasattr(chunk, "model_dump") else dict(chunk)) for chunk in chunks
    ]
    await sent(chunks)
    assert [chunk.model_dump() if hasattr(chunk, "model_dump") else dict(chunk) for chunk in chunks] == dumps


@pytest.mark.parametrize(
    "item", [None, 7, object(), [say("x")], Dumps(7), {"a": object()}], ids=lambda item: type(item).__name__
)
@pytest.mark.parametrize("config", [ON, OFF], ids=["on", "off"])
async def test_an_item_that_cannot_be_sent(item: Any, config: Any, backend: str) -> None:
    out: list[str] = []
    with pytest.raises(HoldbackError) as caught:  # noqa: PT012
        async for event in StreamingHandler.stream_response(Upstream([say("a <PERS"), item]), PAIRS, config):
            out.append(event)  # noqa: PERF401 - what came before the error counts
    assert str(caught.value) == f"stream item 2 cannot be sent: {type(item).__name__} has no JSON form"
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert heard(json.loads(event[6:]) for event in out) == {(0, "content"): "a <PERS"}


async def test_an_openai_stream_with_all_its_pieces(backend: str) -> None:
    """Role, reasoning, content, a tool call, two choices, usage: chunk by chunk."""
    chunks = [
        chat({"role": "assistant", "content": ""}),
        say("think of <PERS", "reasoning_content"),
        say("ON_1>", "reasoning_content"),
        chat({"role": "assistant", "content": ""}, index=1),
        say("Dear <PER"),
        say("Ann", index=1),
        say("SON_2>,"),
        say(" Lee", index=1),
        chat({}, "stop", index=1),
        call("", id="c1", type="function"),
        call('{"to": "<EMA'),
        call('IL_1>"}'),
        chat({}, "tool_calls"),
        USAGE,
    ]
    assert events(await sent(chunks)) == [
        chunks[0],
        say("think of ", "reasoning_content"),
        say("Ada Lovelace", "reasoning_content"),
        chunks[3],
        say("Dear "),
        say("Bo,"),
        say("Dee", index=1),
        chunks[8],
        chunks[9],
        call('{"to": "'),
        call('ada@example.org"}'),
        chunks[12],
        USAGE,
    ]
