"""The round trip of the shells: a request leaves masked, its answer comes back restored, nothing is kept between."""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdback import DeanonymizationConfig, HoldbackError
from holdback.integrations.asgi import RestoreMiddleware
from holdback.masking import KnownValues, Masker, MaskingError, Placeholders
from holdback.stores import MemoryStore, StoreError
from streams import say
from wires import every

KEY = bytes(range(32))
ADA = 'Ada "Countess" Lovelace'
VALUES = {ADA: "PERSON", "ada@example.org": "EMAIL", "ß\U0001f600": "CODE"}
FAKES = {value: Placeholders(KEY).of(value, kind, scope="c") for value, kind in VALUES.items()}
URL = "http://provider.invalid/v1/chat/completions"


def masker(values: dict[str, str] = VALUES, style: Any = "keyed") -> Masker:
    return Masker(KnownValues(values), Placeholders(KEY, style))


def asking(text: str, **more: Any) -> bytes:
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": text}], **more}).encode()


def text_of(body: bytes) -> str:
    return str(json.loads(body)["messages"][-1]["content"])


def streamed(text: str, size: int = 3) -> bytes:
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    return "".join(f"data: {json.dumps(say(piece))}\n\n" for piece in pieces).encode()


def told(stream: bytes) -> str:
    events = [json.loads(event[6:]) for event in stream.decode().split("\n\n") if event]
    return "".join(event["choices"][0]["delta"]["content"] for event in events)


class Answer(NamedTuple):
    """What a client got, and the bodies and headers that the provider got."""

    status: int
    body: bytes
    sent: list[bytes]
    headers: list[dict[str, str]]


# ---------------------------------------------------------------- the ways


class OverTransport:
    """A client on a transport of ours; the provider is a transport inside."""

    def __init__(self, library: str, *, is_async: bool) -> None:
        self.library = pytest.importorskip(library)
        self.ours = importlib.import_module(f"holdback.integrations.{library}")
        self.is_async = is_async
        self.can_wait = is_async

    def ask(self, body: Any, method: str = "POST", headers: Any = None, **options: Any) -> Answer:
        sent: list[bytes] = []
        seen: list[dict[str, str]] = []

        def provider(request: Any) -> Any:
            sent.append(request.content)
            seen.append(dict(request.headers))
            said = text_of(request.content) if request.content else FAKES[ADA]
            return self.library.Response(
                200, headers={"content-type": "text/event-stream"}, content=streamed(said)
            )

        async def asynchronous() -> tuple[int, bytes]:
            inside = self.library.MockTransport(provider)
            transport = self.ours.AsyncRestoreTransport(transport=inside, **options)
            async with self.library.AsyncClient(transport=transport) as client:
                response = await client.request(method, URL, content=body, headers=headers)
                return response.status_code, response.content

        if self.is_async:
            return Answer(*asyncio.run(asynchronous()), sent, seen)
        transport = self.ours.RestoreTransport(transport=self.library.MockTransport(provider), **options)
        with self.library.Client(transport=transport) as client:
            response = client.request(method, URL, content=body, headers=headers)
        return Answer(response.status_code, response.content, sent, seen)


class OverAsgi:
    """Middleware around an application that plays the provider."""

    can_wait = True

    def ask(self, body: Any, method: str = "POST", headers: Any = None, **options: Any) -> Answer:
        sent: list[bytes] = []
        seen: list[dict[str, str]] = []
        out: list[Any] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            data, more = b"", True
            while more:
                message = await receive()
                data, more = data + message["body"], message["more_body"]
            sent.append(data)
            seen.append({name.decode(): value.decode() for name, value in scope["headers"]})
            said = text_of(data) if data else FAKES[ADA]
            kind = [(b"content-type", b"text/event-stream")]
            await send({"type": "http.response.start", "status": 200, "headers": kind})
            for piece in every(streamed(said), 11):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})

        pieces = [body] if isinstance(body, bytes) else list(body)
        messages: list[Any] = [
            {"type": "http.request", "body": piece, "more_body": at < len(pieces) - 1}
            for at, piece in enumerate(pieces)
        ]

        async def receive() -> Any:
            return messages.pop(0) if messages else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            out.append(message)

        given_ = {"content-length": str(sum(map(len, pieces))), **(headers or {})}
        scope = {
            "type": "http",
            "method": method,
            "path": "/v1/chat/completions",
            "headers": [(name.encode(), value.encode()) for name, value in given_.items()],
        }
        asyncio.run(RestoreMiddleware(app, **options)(scope, receive, send))
        status = out[0]["status"] if out else 0
        return Answer(status, b"".join(message.get("body", b"") for message in out), sent, seen)


@pytest.fixture(scope="module", params=["httpx-sync", "httpx-async", "httpx2-sync", "httpx2-async", "asgi"])
def way(request: pytest.FixtureRequest) -> Any:
    library, _, mode = request.param.partition("-")
    return OverAsgi() if library == "asgi" else OverTransport(library, is_async=mode == "async")


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


ROUND: dict[str, Any] = {"masker": masker(), "scope": "c"}


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


# ---------------------------------------------------------------- arguments


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"masker": masker()}, TypeError),
        ({"masker": masker(), "scope": 7}, TypeError),
        ({"masker": masker(), "scope": "c", "mapping": {"<A_1>": "a"}}, TypeError),
        ({"scope": "c"}, TypeError),
        ({"ttl": 7}, TypeError),
        ({"masker": {"Ada": "PERSON"}, "scope": "c"}, TypeError),
        ({**ROUND, "config": DeanonymizationConfig(reasoning=True)}, MaskingError),
    ],
    ids=["no scope", "scope", "mapping too", "scope alone", "ttl alone", "masker", "signed"],
)
def test_what_does_not_go_together_is_refused(way: Any, options: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        way.ask(asking(ADA), **options)


def test_numbered_placeholders_and_a_store_do_not_go_together(way: Any) -> None:
    if way.can_wait:
        with pytest.raises(MaskingError):
            way.ask(asking(ADA), masker=masker(style="numbered"), scope="c", store=MemoryStore())
    numbered = way.ask(asking(ADA), masker=masker(style="numbered"), scope="c")
    assert text_of(numbered.sent[0]) == "<PERSON_1>"
    assert told(numbered.body) == ADA


# ---------------------------------------------------------------- of the transports alone


def test_the_programs_own_request_keeps_its_values() -> None:
    httpx = pytest.importorskip("httpx")
    from holdback.integrations.httpx import RestoreTransport

    def provider(request: Any) -> Any:
        """Sends the client on once: the request that it makes from its own is masked again."""
        assert ADA not in request.content.decode()
        if request.url.path != "/there":
            return httpx.Response(307, headers={"location": "/there"})
        return httpx.Response(
            200, headers={"content-type": "text/event-stream"}, content=streamed(FAKES[ADA])
        )

    transport = RestoreTransport(transport=httpx.MockTransport(provider), **ROUND)
    with httpx.Client(transport=transport, follow_redirects=True) as client:
        response = client.post(URL, content=asking(ADA))
    assert text_of(response.request.content) == ADA
    assert told(response.content) == ADA


# ---------------------------------------------------------------- of the middleware alone


def test_a_request_that_is_too_large_is_not_read_to_its_end() -> None:
    taken = 0

    def pieces() -> Iterator[bytes]:
        nonlocal taken
        for _ in range(1000):
            taken += 1
            yield b"x" * 100

    async def receive() -> Any:
        return {"type": "http.request", "body": next(source), "more_body": True}

    out: list[Any] = []

    async def send(message: Any) -> None:
        out.append(message)

    async def app(*_: Any) -> None:
        raise AssertionError

    source = pieces()
    middleware = RestoreMiddleware(app, max_event_bytes=1000, **ROUND)
    asyncio.run(middleware({"type": "http", "headers": []}, receive, send))
    assert (out[0]["status"], taken) == (413, 11)


def test_a_client_that_leaves_before_its_request_is_complete_is_not_answered() -> None:
    messages = [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]

    async def receive() -> Any:
        return messages.pop(0)

    async def never(*_: Any) -> None:
        raise AssertionError

    asyncio.run(RestoreMiddleware(never, **ROUND)({"type": "http", "headers": []}, receive, never))
    assert messages == []


def test_the_application_learns_that_the_client_left() -> None:
    messages: list[Any] = [{"type": "http.request", "body": asking(ADA)}, {"type": "http.disconnect"}]
    seen: list[str] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.extend([(await receive())["type"], (await receive())["type"]])

    async def send(_: Any) -> None:
        raise AssertionError

    asyncio.run(RestoreMiddleware(app, **ROUND)({"type": "http", "headers": []}, receive, send))
    assert seen == ["http.request", "http.disconnect"]
