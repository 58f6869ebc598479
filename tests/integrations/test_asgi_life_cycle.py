"""The middleware, driven as a server drives it: in which order messages leave, and every way a response can end."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from asgi_server import (
    EVENT,
    EVENTS,
    JSON,
    PAIRS,
    RESTORED,
    STREAM,
    WHOLE,
    Failed,
    Gone,
    Message,
    Server,
    body,
    saying,
    serve,
    start,
)
from holdback import MappingError
from holdback.integrations.asgi import RestoreMiddleware
from holdback.integrations.opening import mapping_for, mapping_given
from holdback.mapping import matcher_of
from holdback.restorers.wire import WireRestorer
from wires import through

# ---------------------------------------------------------------- life cycle


def test_nothing_is_read_ahead_and_each_message_waits_until_it_is_sent() -> None:
    """A chunk leaves in the call in which it can; the application goes on when the server has taken it."""
    steps: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for number, message in enumerate([start(EVENTS), *map(body, EVENT.values()), body(b"", more=False)]):
            steps.append(f"says {number}")
            await send(message)

    class Slow(Server):
        async def send(self, message: Any) -> None:
            for _ in range(3):
                await asyncio.sleep(0)
            await super().send(message)
            steps.append(f"sent {len(self.sent) - 1}")

    serve(app, server=Slow())
    assert steps == [f"{what} {number}" for number in range(5) for what in ("says", "sent")]


def test_a_chunk_that_is_all_withheld_sends_nothing() -> None:
    server = serve(
        saying(start(EVENTS), body(EVENT["Hi <PER"][:20]), body(EVENT["Hi <PER"][20:]), body(b"", more=False))
    )
    assert [len(message["body"]) > 0 for message in server.sent[1:]] == [True, True]


def test_an_error_after_the_first_byte_comes_behind_the_tail() -> None:
    error, server = Failed("<PERSON_1>"), Server()
    with pytest.raises(Failed) as caught:
        serve(saying(start(EVENTS), body(EVENT["Hi <PER"]), error), server=server)
    assert caught.value is error
    assert server.sent[-1]["more_body"]
    assert server.body == through(WireRestorer(PAIRS), [EVENT["Hi <PER"]]).data


def test_half_a_whole_answer_leaves_as_it_came_before_an_error() -> None:
    server = Server()
    with pytest.raises(Failed):
        serve(saying(start(JSON), body(WHOLE[:30]), Failed()), server=server, answers=True)
    assert server.body == WHOLE[:30]


def test_an_error_before_the_first_byte_sends_nothing() -> None:
    server = Server()
    with pytest.raises(Failed):
        serve(saying(Failed()), server=server)
    assert server.sent == []


def test_an_error_after_the_end_sends_nothing() -> None:
    server = Server()
    with pytest.raises(Failed):
        serve(saying(start(EVENTS), body(EVENT["Hi <PER"], more=False), Failed()), server=server)
    assert len(server.sent) == 2


def test_an_application_that_stops_without_an_end_loses_nothing() -> None:
    server = serve(saying(start(EVENTS), body(EVENT["Hi <PER"])))
    assert server.body == through(WireRestorer(PAIRS), [EVENT["Hi <PER"]]).data


@pytest.mark.parametrize("ending", [None, Failed()], ids=["return", "error"])
def test_after_a_disconnect_nothing_more_is_emitted(ending: Exception | None) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(start(EVENTS))
        await send(body(EVENT["Hi <PER"]))
        while (await receive())["type"] != "http.disconnect":
            pass
        if ending is not None:
            raise ending

    server = Server()
    try:
        serve(app, server=server)
    except Failed:
        assert ending is not None
    assert len(server.sent) == 2


def test_what_is_received_is_what_the_server_said() -> None:
    messages: list[Message] = [
        {"type": "http.request", "body": b"<PERSON_1>", "more_body": True},
        {"type": "http.disconnect"},
    ]
    got: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        got.extend([await receive(), await receive()])

    serve(app, server=Server(list(messages)))
    assert all(one is other for one, other in zip(got, messages, strict=True))


def test_once_sending_failed_nothing_more_is_sent() -> None:
    server = Server(gone_at=2)
    with pytest.raises(Gone):
        serve(saying(start(EVENTS), body(EVENT["Hi <PER"]), body(EVENT["bye <PER"])), server=server)
    assert (len(server.sent), server.asked) == (2, 3)


@pytest.mark.parametrize("kind", [EVENTS, b"text/html"])
def test_what_changes_nothing_is_handed_on_as_it_is(kind: bytes, backend: str) -> None:
    quiet = body(EVENT["Hi <PER"].replace(b"<PER", b"you"))
    server = serve(saying(start(kind), quiet, quiet, body(b"", more=False)))
    assert server.sent[2] is quiet  # the first one of a stream is read


@pytest.mark.parametrize("gone_at", [0, 1, 2])
def test_once_any_message_failed_nothing_that_is_held_back_is_sent(gone_at: int, backend: str) -> None:
    """Also where the application does not mind: it goes on, and ends as if nothing was."""
    quiet = body(EVENT["Hi <PER"].replace(b"<PER", b"you"))

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in (start(EVENTS), quiet, quiet):
            with contextlib.suppress(Gone):
                await send(message)
        await send(body(EVENT["Hi <PER"].replace(b"Hi ", b"")))

    server = Server(gone_at=gone_at)
    serve(app, server=server)
    assert server.asked == 3


def test_the_send_of_an_application_is_a_coroutine_function() -> None:
    """Adapters of synchronous applications ask."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert inspect.iscoroutinefunction(send)
        assert inspect.iscoroutinefunction(receive)

    serve(app)


def test_behind_the_end_nothing_is_restored(backend: str) -> None:
    """It is for the server to say that this is wrong."""
    quiet = body(EVENT["Hi <PER"].replace(b"<PER", b"you"), more=False)
    server = serve(saying(start(EVENTS), quiet, body(EVENT["Hi <PER"])))
    assert server.sent[-1] == body(EVENT["Hi <PER"])


def test_a_cancelled_application_sends_nothing_more() -> None:
    server = Server()

    async def cancel() -> None:
        said = asyncio.Event()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await send(start(EVENTS))
            await send(body(EVENT["Hi <PER"]))
            said.set()
            await asyncio.Event().wait()

        middleware = RestoreMiddleware(app, PAIRS)
        task = asyncio.ensure_future(middleware({"type": "http"}, server.receive, server.send))
        await said.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert len(server.sent) == 2


def test_a_mapping_that_cannot_be_used_is_an_error_before_the_response() -> None:
    server = Server()
    with pytest.raises(MappingError):
        serve(saying(start(EVENTS)), lambda _: {"": "x"}, server=server)
    assert server.sent == []


@pytest.mark.parametrize(
    ("wrong", "error"), [({"": "x"}, MappingError), ({"<P>": 1}, TypeError), ([], TypeError)]
)
def test_a_mapping_that_cannot_be_used_is_an_error_when_the_middleware_is_made(
    wrong: Any, error: type[Exception]
) -> None:
    with pytest.raises(error):
        RestoreMiddleware(saying(), wrong)


def test_a_static_mapping_is_compiled_once_and_again_after_a_change() -> None:
    pairs = {"<PERSON_1>": "Ada"}
    kept: Any = mapping_given(pairs)
    first, second = (matcher_of(mapping_for(kept, None)) for _ in range(2))
    assert first is second is not None
    pairs["<PERSON_1>"] = "Mira"
    third = matcher_of(mapping_for(kept, None))
    assert third is not first
    assert third is not None
    assert third.replace("<PERSON_1>") == "Mira"


def test_an_async_callable_is_an_error_that_says_what_to_do() -> None:
    class Finder:
        async def __call__(self, scope: Any) -> Any:
            return PAIRS

    async def find(scope: Any) -> Any:
        return PAIRS

    for wrong in (find, Finder()):
        with pytest.raises(TypeError, match="await the mapping before"):
            RestoreMiddleware(saying(), wrong)  # type: ignore[arg-type]
    server = Server()
    with pytest.raises(TypeError, match="await the mapping before"):
        serve(saying(start(EVENTS)), lambda scope: [find(scope)].pop(), server=server)
    assert server.sent == []


def test_the_state_of_a_scope_is_there_under_every_server() -> None:
    """ASGI leaves it out where there is no lifespan."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["state"]["pii"] = PAIRS
        await saying(start(EVENTS), body(STREAM, more=False))(scope, receive, send)

    out = serve(app, lambda scope: scope["state"].get("pii"), scope={"type": "http", "path": "/"}).body
    assert out != STREAM
    other = serve(
        saying(start(EVENTS), body(STREAM, more=False)), lambda scope: scope["state"].get("pii")
    ).body
    assert other == STREAM


def test_concurrent_responses_do_not_mix() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(start(EVENTS))
        for data in (EVENT["Hi <PER"], EVENT["SON_1>!"]):
            await asyncio.sleep(0)
            await send(body(data))
        await send(body(b"", more=False))

    async def all_at_once() -> list[Server]:
        middleware = RestoreMiddleware(app, lambda scope: {"<PERSON_1>": scope["name"]})
        servers = [Server() for _ in range(200)]
        calls: list[Awaitable[None]] = [
            middleware({"type": "http", "name": f"Name {number}."}, server.receive, server.send)
            for number, server in enumerate(servers)
        ]
        await asyncio.gather(*calls)
        return servers

    for number, server in enumerate(asyncio.run(all_at_once())):
        assert f"Name {number}.!".encode() in server.body


def test_under_starlette() -> None:
    """The real thing: middleware of an application, an endpoint that sets the mapping, a client."""
    pytest.importorskip("starlette")
    pytest.importorskip("httpx")
    from httpx import ASGITransport, AsyncClient
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.gzip import GZipMiddleware
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response, StreamingResponse
    from starlette.routing import Route

    async def chat(request: Request) -> Response:
        request.state.pii = PAIRS
        if "whole" in request.query_params:
            return JSONResponse(json.loads(WHOLE))
        return StreamingResponse(iter(EVENT.values()), media_type="text/event-stream")

    find: Callable[[Any], Any] = lambda scope: scope.get("state", {}).get("pii")  # noqa: E731
    app = Starlette(
        routes=[Route("/chat", chat, methods=["GET", "POST"])],
        middleware=[
            Middleware(GZipMiddleware, minimum_size=1),
            Middleware(RestoreMiddleware, find, answers=True),
        ],
    )

    async def ask() -> None:
        async with AsyncClient(transport=ASGITransport(app), base_url="http://app") as client:
            assert (await client.post("/chat")).content == through(
                WireRestorer(PAIRS), list(EVENT.values())
            ).data
            whole = await client.post("/chat?whole")
            assert whole.json() == json.loads(RESTORED)
            assert whole.headers["content-encoding"] == "gzip"
            assert (await client.head("/chat?whole")).status_code == 200

    asyncio.run(ask())
