"""The round trip of the shells: a request leaves masked, its answer comes back restored, nothing is kept between."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdback import HoldbackError
from holdback.integrations.asgi import RestoreMiddleware
from holdback.masking import Masker, MaskingError
from holdback.stores import MemoryStore, StoreError
from round_trips import (
    ADA,
    FAKES,
    ROUND,
    URL,
    VALUES,
    OverAsgi,
    asking,
    masker,
    text_of,
    told,
)
from wires import every

# ---------------------------------------------------------------- what is sent, what comes back


TEXTS = st.lists(st.sampled_from([*VALUES, "<", '"', "\\", "a", " ", "\u2028"]), max_size=8).map("".join)


@given(text=TEXTS, is_ascii=st.booleans(), size=st.integers(1, 40))
def test_the_provider_gets_what_the_masker_makes_and_the_program_gets_its_values_back(
    way: Any, text: str, is_ascii: bool, size: int
) -> None:
    body = json.dumps({"messages": [{"role": "user", "content": text}]}, ensure_ascii=is_ascii).encode()
    answer = way.ask(iter(every(body, size)) if not getattr(way, "is_async", False) else body, **ROUND)
    assert answer.sent == [masker().mask(body, scope="c").request]
    assert not any(value in text_of(answer.sent[0]) for value in VALUES)
    assert answer.sent == [body] or answer.headers[0]["content-length"] == str(len(answer.sent[0]))
    assert told(answer.body) == text


def test_a_body_that_streams_is_read_and_masked(way: Any) -> None:
    if not getattr(way, "is_async", False):
        pytest.skip("iterators are what the property sends")

    async def pieces() -> AsyncIterator[bytes]:
        for piece in every(asking(ADA), 7):
            yield piece

    answer = way.ask(pieces(), **ROUND)
    assert text_of(answer.sent[0]) == FAKES[ADA]
    assert "transfer-encoding" not in answer.headers[0]
    assert told(answer.body) == ADA


def test_two_turns_need_nothing_in_between(way: Any) -> None:
    """The second turn brings the values that were restored in the first."""
    first = way.ask(asking(f"I am {ADA}."), **ROUND)
    messages = [
        {"role": "assistant", "content": told(first.body)},
        {"role": "user", "content": f"And {ADA}?"},
    ]
    second = way.ask(json.dumps({"messages": messages}).encode(), masker=masker(), scope="c")
    assert ADA not in second.sent[0].decode()
    assert second.sent[0].count(FAKES[ADA].encode()) == 2
    assert told(second.body) == f"And {ADA}?"


def test_nothing_of_the_request_changes_but_its_body_and_what_speaks_of_it(way: Any) -> None:
    headers = {"x-mine": "1", "authorization": "Bearer k", "content-type": "application/json", "digest": "d"}
    masked = way.ask(asking(ADA), headers=headers, **ROUND).headers[0]
    assert {name: masked.get(name) for name in headers} == {**headers, "digest": None}
    untouched = way.ask(asking("Hi"), headers=headers, **ROUND)
    assert (untouched.headers[0]["digest"], untouched.sent) == ("d", [asking("Hi")])


@pytest.mark.parametrize(
    "body", [b"kanarie", b"\xff", b'{"a"', b"[1]", b"\x1f\x8b\x08", b'{"input": [1, 2]}'], ids=range(6)
)
def test_what_cannot_be_masked_is_not_sent(way: Any, body: bytes) -> None:
    if isinstance(way, OverAsgi):
        answer = way.ask(body, **ROUND)
        assert (answer.status, answer.sent) == (400, [])
        message = json.loads(answer.body)["error"]["message"]
        assert "kanarie" not in message
        assert message
    else:
        with pytest.raises(MaskingError) as caught:
            way.ask(body, **ROUND)
        assert "kanarie" not in str(caught.value)


def test_a_callable_says_the_conversation_and_what_may_pass(way: Any) -> None:
    def scope(request: Any) -> str | None:
        if isinstance(way, OverAsgi):
            found = dict(request["headers"]).get(b"x-conversation")
            return None if found is None else found.decode()
        found = request.headers.get("x-conversation")
        return None if found is None else str(found)

    body = asking(ADA)
    one, other = (
        text_of(way.ask(body, headers={"x-conversation": name}, masker=masker(), scope=scope).sent[0])
        for name in ("c", "d")
    )
    assert one == FAKES[ADA] != other
    passed = way.ask(body, masker=masker(), scope=scope)
    assert (passed.sent, told(passed.body)) == ([body], ADA)
    with pytest.raises(TypeError, match="scope must be str"):
        way.ask(body, masker=masker(), scope=lambda _: 7)


def test_whole_answers_are_restored_too(way: Any) -> None:
    whole = {"choices": [{"index": 0, "message": {"role": "assistant", "content": FAKES[ADA]}}]}
    if isinstance(way, OverAsgi):
        out: list[Any] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            kind = [(b"content-type", b"application/json")]
            await send({"type": "http.response.start", "status": 200, "headers": kind})
            await send({"type": "http.response.body", "body": json.dumps(whole).encode()})

        async def receive() -> Any:
            return {"type": "http.request", "body": asking(ADA)}

        async def send(message: Any) -> None:
            out.append(message)

        scope = {"type": "http", "headers": []}
        asyncio.run(RestoreMiddleware(app, masker=masker(), scope="c")(scope, receive, send))
        body = out[-1]["body"]
    else:

        def provider(_: Any) -> Any:
            return way.library.Response(200, json=whole)

        inside = way.library.MockTransport(provider)
        kind = way.ours.AsyncRestoreTransport if way.is_async else way.ours.RestoreTransport
        transport = kind(transport=inside, masker=masker(), scope="c")

        async def ask() -> bytes:
            async with way.library.AsyncClient(transport=transport) as client:
                return bytes((await client.post(URL, content=asking(ADA))).content)

        if way.is_async:
            body = asyncio.run(ask())
        else:
            with way.library.Client(transport=transport) as client:
                body = client.post(URL, content=asking(ADA)).content
    assert json.loads(body)["choices"][0]["message"]["content"] == ADA


# ---------------------------------------------------------------- stores


class Failing(MemoryStore):
    """A store that cannot be asked."""

    __slots__ = ()

    async def load(self, scope: str) -> Any:
        raise StoreError("the store cannot be used")


def test_a_store_knows_what_this_request_does_not_say(way: Any) -> None:
    store = MemoryStore()
    if not way.can_wait:
        with pytest.raises(HoldbackError, match="event loop"):
            way.ask(asking(ADA), store=store, **ROUND)
        return
    way.ask(asking(ADA), store=store, **ROUND)
    blind = Masker(None)
    later = way.ask(asking(FAKES[ADA], previous_response_id="r"), store=store, masker=blind, scope="c")
    assert told(later.body) == ADA
    assert told(way.ask(b"", "GET", store=store, masker=blind, scope="c").body) == ADA


def test_without_a_body_nothing_is_masked(way: Any) -> None:
    answer = way.ask(b"", "GET", **ROUND)
    assert answer.sent == [b""]
    assert told(answer.body) == FAKES[ADA]


def test_a_store_that_cannot_be_asked_lets_nothing_out(way: Any) -> None:
    if not way.can_wait:
        pytest.skip("it takes no store")
    if isinstance(way, OverAsgi):
        answer = way.ask(asking(ADA), store=Failing(), **ROUND)
        assert (answer.status, answer.sent) == (503, [])
    else:
        with pytest.raises(StoreError):
            way.ask(asking(ADA), store=Failing(), **ROUND)
