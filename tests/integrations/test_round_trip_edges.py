"""The round trip of the shells: a request leaves masked, its answer comes back restored, nothing is kept between."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from holdback import DeanonymizationConfig
from holdback.integrations.asgi import RestoreMiddleware
from holdback.masking import MaskingError
from holdback.stores import MemoryStore
from round_trips import (
    ADA,
    FAKES,
    ROUND,
    URL,
    asking,
    masker,
    streamed,
    text_of,
    told,
)

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
