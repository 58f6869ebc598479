"""WebSockets through the middleware: the Realtime API, with its real client over a loopback server, and by hand."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdback import PIIMapping, Report, aio, sync
from holdback.integrations.asgi import RestoreMiddleware
from holdback.integrations.asgi_sockets import MOST_OPEN
from holdback.integrations.way_out import way_out
from holdback.masking import KnownValues, Masker, MaskingError, Placeholders
from holdback.restorers.messages import MessageRestorer
from holdback.stores import MemoryStore, StoreError
from sockets import ADA, BO, FAKE, FAKE_BO, MASKER, ROUND, delta, done, edge, event, text

PAIRS = {FAKE: ADA}
AUDIO = "QWRh" * 9


def item(text: str) -> str:
    content = [{"type": "input_text", "text": text}]
    said = {"type": "message", "role": "user", "content": content}
    return json.dumps({"type": "conversation.item.create", "item": said})


def told(messages: list[Any], response: str | None = None) -> str:
    events = [json.loads(message) for message in messages]
    return "".join(
        one["delta"]
        for one in events
        if one["type"].endswith("text.delta") and response in (None, one["response_id"])
    )


# ---------------------------------------------------------------- messages


TEXT = st.lists(st.sampled_from([FAKE, "<", FAKE[:5], "a", "\n"]), max_size=6).map("".join)


@given(text=TEXT, size=st.integers(1, 9), as_bytes=st.booleans())
def test_a_session_in_any_cut(backend: str, text: str, size: int, *, as_bytes: bool) -> None:
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    messages: list[Any] = [edge("created"), *map(delta, pieces), done(text), edge("done")]
    if as_bytes:
        messages = [message.encode() for message in messages]
    restorer = MessageRestorer(PAIRS)
    out = [left for message in messages for left in restorer.feed(message)] + restorer.flush()
    assert told(out) == text.replace(FAKE, ADA)
    (whole,) = [json.loads(one)["text"] for one in out if "text" in json.loads(one)]
    assert whole == text.replace(FAKE, ADA)
    assert all(type(one) is type(messages[0]) for one in out)


OTHERS: list[Any] = [
    "hello",
    b"\x00\x01",
    "",
    "[1]",
    "{broken",
    '{"type": "session.created", "event_id": "e", "session": {"instructions": "' + FAKE + '"}}',
    json.dumps(event("response.output_audio.delta", delta=AUDIO)),
    json.dumps(event("rate_limits.updated"), indent=2),
    None,
    7,
]


@pytest.mark.parametrize("message", OTHERS, ids=range(len(OTHERS)))
def test_what_says_nothing_is_the_same_message(backend: str, message: Any) -> None:
    restorer = MessageRestorer(PAIRS)
    assert restorer.feed(message)[0] is message
    assert told(restorer.feed(delta(FAKE))) == ADA
    assert restorer.feed(message)[0] is message


def test_ends_of_lines_between_tokens_are_no_ends_of_messages(backend: str) -> None:
    message = json.dumps(json.loads(delta(FAKE)), indent=1).replace("\n", "\r\n")
    (out,) = MessageRestorer(PAIRS).feed(message)
    assert told([out]) == ADA
    assert "\n" not in out


@pytest.mark.parametrize("kind", ["aio", "sync"])
def test_the_shells(backend: str, kind: str) -> None:
    messages = [delta(FAKE[:4]), delta(FAKE[4:]), delta("<PERS")]

    async def source() -> AsyncIterator[str]:
        for message in messages:
            yield message

    async def collected() -> list[Any]:
        return [message async for message in aio.restore_messages(source(), PAIRS)]

    out = asyncio.run(collected()) if kind == "aio" else list(sync.restore_messages(messages, PAIRS))
    assert told(out) == f"{ADA}<PERS"


# ---------------------------------------------------------------- by hand


class Client:
    """A connection through the middleware: what it is to say, and what it was told."""

    def __init__(self, says: list[Any], middleware: Any, *, leaves: bool = False) -> None:
        self.says: list[Any] = [
            {"type": "websocket.connect"},
            *says,
            {"type": "websocket.disconnect", "code": 1000},
        ]
        self.out: list[Any] = []
        self.leaves = leaves
        asyncio.run(middleware({"type": "websocket", "path": "/v1/realtime"}, self.receive, self.send))

    async def receive(self) -> Any:
        return self.says.pop(0)

    async def send(self, message: Any) -> None:
        if self.leaves and message["type"] == "websocket.send":
            raise ConnectionResetError
        self.out.append(message)

    @property
    def messages(self) -> list[Any]:
        return [
            message["text"] if message.get("text") is not None else message["bytes"]
            for message in self.out
            if message["type"] == "websocket.send"
        ]


def playing(steps: list[Any], heard: list[Any]) -> Any:
    """An application that sends the strings, and receives at each None; it closes at its end."""

    async def app(_: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        for step in steps:
            if step is None:
                heard.append(await receive())
            elif isinstance(step, Exception):
                raise step
            else:
                await send({"type": "websocket.send", "text" if isinstance(step, str) else "bytes": step})
        await send({"type": "websocket.close", "code": 1000})

    return app


def test_events_of_the_client_are_masked_and_those_of_the_application_restored() -> None:
    heard: list[Any] = []
    audio = json.dumps({"type": "input_audio_buffer.append", "audio": AUDIO})
    session = json.dumps({"type": "session.update", "session": {"instructions": f"You serve {ADA}."}})
    steps = [None, None, None, edge("created"), delta(f"Hi {FAKE[:6]}"), delta(FAKE[6:]), edge("done")]
    app = playing(steps, heard)
    client = Client([text(session), text(audio), text(item(ADA))], RestoreMiddleware(app, **ROUND))
    assert json.loads(heard[0]["text"])["session"]["instructions"] == f"You serve {FAKE}."
    assert heard[1]["text"] == audio
    assert json.loads(heard[2]["text"]) == json.loads(item(ADA).replace(json.dumps(ADA)[1:-1], FAKE))
    assert told(client.messages) == f"Hi {ADA}"
    assert client.out[0]["type"] == "websocket.accept"


def test_bytes_are_masked_and_restored_as_bytes() -> None:
    heard: list[Any] = []
    app = playing([None, delta(FAKE).encode()], heard)
    says = [{"type": "websocket.receive", "bytes": item(ADA).encode()}]
    client = Client(says, RestoreMiddleware(app, **ROUND))
    assert FAKE.encode() in heard[0]["bytes"]
    assert isinstance(client.messages[0], bytes)
    assert told(client.messages) == ADA


def test_a_value_that_comes_later_is_restored_and_a_response_in_progress_is_not_disturbed() -> None:
    heard: list[Any] = []
    steps = [
        *(None, edge("created"), delta(f"Hi {FAKE[:6]}")),
        *(
            None,
            edge("created", "s"),
            delta(FAKE_BO[:3], "s"),
            delta(FAKE[6:]),
            delta(FAKE_BO[3:] + FAKE[:4], "s"),
        ),
        *(edge("done"), delta(FAKE[4:], "s"), edge("done", "s"), delta(FAKE_BO, "t")),
    ]
    client = Client([text(item(ADA)), text(item(BO))], RestoreMiddleware(playing(steps, heard), **ROUND))
    assert told(client.messages, "r") == f"Hi {ADA}"
    assert told(client.messages, "s") == BO + ADA
    assert told(client.messages, "t") == BO


@pytest.mark.parametrize("fails", [False, True])
def test_the_report_of_a_session_counts_over_all_its_mappings(*, fails: bool) -> None:
    reports: list[Report] = []
    steps: list[Any] = [
        *(None, edge("created"), delta(FAKE), None, edge("created", "s"), delta(FAKE_BO, "s")),
        *(delta("<PERSON_", "s"), done(FAKE), edge("done"), edge("done", "s"), delta(FAKE[:5], "t")),
    ]
    app = playing([*steps, *([RuntimeError()] if fails else [])], [])
    says = [text(item(ADA)), text(item(BO))]
    middleware = RestoreMiddleware(app, **ROUND, on_report=reports.append)
    with contextlib.suppress(RuntimeError):
        Client(says, middleware)
    (report,) = reports
    assert report.restored == {"PERSON": 2}  # what `.done` repeats is not counted
    assert report.cut == {"PERSON": 2}


def test_a_session_in_which_nothing_was_sent_has_no_report() -> None:
    reports: list[Report] = []
    Client([], RestoreMiddleware(playing([], []), {FAKE: ADA}, on_report=reports.append))
    assert reports == []


def test_nothing_is_lost_of_a_response_that_nobody_announced() -> None:
    steps = [None, delta("Hi <PERS"), None, delta("ON_9>")]
    client = Client([text(item(ADA)), text(item(BO))], RestoreMiddleware(playing(steps, []), **ROUND))
    assert told(client.messages) == "Hi <PERSON_9>"


def test_responses_that_never_end_take_no_more_and_no_more_memory() -> None:
    steps = [
        None,
        *(edge("created", f"r{number}") for number in range(2 * MOST_OPEN)),
        None,
        delta(FAKE_BO, "r0"),
    ]
    client = Client([text(item(ADA)), text(item(BO))], RestoreMiddleware(playing(steps, []), **ROUND))
    assert told(client.messages) == BO


@pytest.mark.parametrize("closes", [True, False])
def test_what_is_held_back_leaves_before_the_end(*, closes: bool) -> None:
    steps: list[Any] = [delta("Hi <PERS")]
    if not closes:
        steps.append(LookupError("the application's own"))
    pairs = {"<PERSON_1>": "Ada"}
    if closes:
        client = Client([], RestoreMiddleware(playing(steps, []), pairs))
        assert [message["type"] for message in client.out][-1] == "websocket.close"
        assert told(client.messages) == "Hi <PERS"
    else:
        with pytest.raises(LookupError):
            Client([], RestoreMiddleware(playing(steps, []), pairs))


def test_once_the_client_is_gone_nothing_more_is_sent() -> None:
    with pytest.raises(ConnectionResetError):
        Client([], RestoreMiddleware(playing([delta("Hi <PERS")], []), PAIRS), leaves=True)


@pytest.mark.parametrize("said", ["hello", "[1]", "{", b"\xff", b"\x00\x01", ""], ids=range(6))
def test_what_cannot_be_masked_does_not_reach_the_application(said: Any) -> None:
    heard: list[Any] = []
    wrong = text(said) if isinstance(said, str) else {"type": "websocket.receive", "bytes": said}
    client = Client([wrong, text(item(ADA))], RestoreMiddleware(playing([None], heard), **ROUND))
    assert [FAKE in message["text"] for message in heard] == [True]
    (error,) = [json.loads(message) for message in client.messages]
    assert error["type"] == "error"
    assert "hello" not in error["error"]["message"]


class Failing(MemoryStore):
    """A store that cannot be asked."""

    __slots__ = ()

    async def load(self, scope: str) -> PIIMapping:
        raise StoreError("the store cannot be used")


def test_a_store_knows_earlier_sessions_and_a_failing_one_lets_nothing_out() -> None:
    heard: list[Any] = []
    store = MemoryStore()
    Client([text(item(ADA))], RestoreMiddleware(playing([None], []), store=store, **ROUND))
    app = playing([None, delta(FAKE)], heard)
    blind = RestoreMiddleware(app, masker=Masker(None), scope="c", store=store)
    assert told(Client([text(item(f"{ADA}?"))], blind).messages) == ADA
    assert f"{FAKE}?" in heard[0]["text"]
    heard.clear()
    failing = RestoreMiddleware(playing([None], heard), store=Failing(), **ROUND)
    client = Client([text(item(ADA))], failing)
    assert [message["type"] for message in heard] == ["websocket.disconnect"]
    assert json.loads(client.messages[0])["error"]["type"] == "server_error"


class Forgetful(MemoryStore):
    """A store that cannot be told anything the first time."""

    __slots__ = ("failures",)

    def __init__(self) -> None:
        super().__init__()
        self.failures = 1

    async def merge(self, scope: str, mapping: PIIMapping, ttl: float | None = None) -> None:
        if self.failures:
            self.failures -= 1
            raise StoreError("the store cannot be used")
        await super().merge(scope, mapping, ttl)


def test_what_a_store_could_not_be_told_it_is_told_with_the_next_event() -> None:
    store = Forgetful()
    Client(
        [text(item(ADA)), text(item(BO))], RestoreMiddleware(playing([None, None], []), store=store, **ROUND)
    )
    assert asyncio.run(store.load("c")).get_all_fakes() == {FAKE: ADA, FAKE_BO: BO}


class Stuck(Forgetful):
    """A store that does not answer the first time."""

    __slots__ = ("asked",)

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()

    async def merge(self, scope: str, mapping: PIIMapping, ttl: float | None = None) -> None:
        if self.failures:
            self.failures -= 1
            self.asked.set()
            await asyncio.Event().wait()
        await super().merge(scope, mapping, ttl)


def test_what_a_store_was_told_when_the_application_gave_up_it_is_told_again() -> None:
    """An application may wait for a message for so long and no longer, and go on with the next."""
    store = Stuck()

    async def play() -> None:
        ways = way_out(MASKER, "c", store, None, mapping=None, config=None)
        assert ways is not None
        session = ways.session("c")
        given_up = asyncio.ensure_future(session.mask(item(ADA).encode(), "openai-realtime"))
        await store.asked.wait()
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        await session.mask(item(BO).encode(), "openai-realtime")
        assert (await store.load("c")).get_all_fakes() == {FAKE: ADA, FAKE_BO: BO}

    asyncio.run(play())


def test_a_scope_of_none_lets_a_connection_pass() -> None:
    heard: list[Any] = []
    app = playing([None, delta(FAKE)], heard)
    client = Client([text(item(ADA))], RestoreMiddleware(app, masker=MASKER, scope=lambda _: None))
    assert heard[0]["text"] == item(ADA)
    assert client.messages == [delta(FAKE)]


def test_numbered_placeholders_are_no_placeholders_of_a_session() -> None:
    numbered = Masker(KnownValues({ADA: "PERSON"}), Placeholders(style="numbered"))
    with pytest.raises(MaskingError, match="session"):
        Client([], RestoreMiddleware(playing([], []), masker=numbered, scope="c"))
