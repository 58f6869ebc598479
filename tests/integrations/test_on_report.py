"""``on_report`` of every shell and plug-in: a report for each answer that ends, the same that the restorer has.

Of LiteLLM's guardrail it is tested in ``test_litellm_guardrail.py``, of PrivAiTe in ``test_privaite.py``.
"""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from answer_streams import FORMATS, as_bytes
from holdback import DeanonymizationConfig, PIIMapping, Report, RestorePolicy, aio, restore_answer, sync
from holdback.integrations.asgi import RestoreMiddleware
from holdback.integrations.openwebui import RestoreFilter
from holdback.masking import KnownValues, Masker, Placeholders

SCOPE = "chat c"
MASKER = Masker(KnownValues({"Ada Lovelace": "PERSON"}), Placeholders(bytes(range(32))))
FAKE = Placeholders(bytes(range(32))).of("Ada Lovelace", "PERSON", scope=SCOPE)
OTHER = FAKE[:-3] + ("aa>" if FAKE[-3:] != "aa>" else "bb>")
CONFIG = DeanonymizationConfig(policy=RestorePolicy(), unknown=True)
TEXT = f"Hi {FAKE}, see https://evil.example/{FAKE} and {OTHER}."
EXPECTED = Report(restored={"PERSON": 1}, kept={"address": {"PERSON": 1}}, unknown={"PERSON": 1})
CUT = f"{TEXT} {FAKE[:9]}"
EXPECTED_CUT = Report(EXPECTED.restored, EXPECTED.kept, EXPECTED.unknown, {"PERSON": 1})


def mapping() -> PIIMapping:
    pairs = PIIMapping()
    pairs.add("Ada Lovelace", FAKE, "PERSON")
    return pairs


def events(text: str = TEXT) -> list[dict[str, Any]]:
    return FORMATS["openai-chat"]([[text[:5], text[5:30], text[30:]]])


def stream(text: str = TEXT) -> bytes:
    return as_bytes(events(text), "openai-chat") + b"data: [DONE]\n\n"


def whole(text: str = TEXT) -> dict[str, Any]:
    return {"choices": [{"index": 0, "message": {"role": "assistant", "content": text}}]}


def realtime(text: str = TEXT) -> list[str]:
    ids = {"event_id": "e", "response_id": "r", "item_id": "i", "output_index": 0, "content_index": 0}
    return [
        json.dumps({"type": "response.output_text.delta", **ids, "delta": piece})
        for piece in (text[:30], text[30:])
    ]


async def later(items: list[Any]) -> AsyncIterator[Any]:
    for item in items:
        yield item


async def all_of(items: AsyncIterator[Any]) -> list[Any]:
    return [item async for item in items]


@pytest.mark.parametrize(("text", "expected"), [(TEXT, EXPECTED), (CUT, EXPECTED_CUT)])
def test_the_shells(backend: str, text: str, expected: Report) -> None:
    found: list[Report] = []
    given: Any = {"config": CONFIG, "on_report": found.append}
    list(sync.restore_chunks(events(text), mapping(), protocol="openai-chat", **given))
    list(sync.restore_bytes([stream(text)], mapping(), **given))
    list(sync.restore_messages(realtime(text), mapping(), **given))
    asyncio.run(all_of(aio.restore_chunks(later(events(text)), mapping(), protocol="openai-chat", **given)))
    asyncio.run(all_of(aio.restore_bytes(later([stream(text)]), mapping(), **given)))
    asyncio.run(all_of(aio.restore_messages(later(realtime(text)), mapping(), **given)))
    assert found == [expected] * 6


def test_a_whole_answer(backend: str) -> None:
    found: list[Report] = []
    restore_answer(whole(), mapping(), CONFIG, on_report=found.append)
    assert found == [EXPECTED]


@pytest.mark.parametrize("host", ["httpx", "httpx2"])
@pytest.mark.parametrize("is_stream", [True, False])
def test_transports(backend: str, host: str, *, is_stream: bool) -> None:
    library: Any = pytest.importorskip(host)
    ours: Any = importlib.import_module(f"holdback.integrations.{host}")
    found: list[Report] = []
    kind = "text/event-stream" if is_stream else "application/json"
    data = stream() if is_stream else json.dumps(whole()).encode()

    def provider(_: Any) -> Any:
        return library.Response(200, headers={"content-type": kind}, content=data)

    inner = library.MockTransport(provider)
    given: Any = {"config": CONFIG, "transport": inner, "on_report": found.append}
    with library.Client(transport=ours.RestoreTransport(mapping(), **given)) as client:
        assert "Ada Lovelace" in client.post("http://provider.example/v1").text

    async def asking() -> None:
        async with library.AsyncClient(transport=ours.AsyncRestoreTransport(mapping(), **given)) as client:
            assert "Ada Lovelace" in (await client.post("http://provider.example/v1")).text

    asyncio.run(asking())
    assert found == [EXPECTED, EXPECTED]


def through(app: Any, scope: dict[str, Any], says: list[dict[str, Any]]) -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = []

    async def receive() -> Any:
        return says.pop(0)

    async def send(message: Any) -> None:
        out.append(message)

    asyncio.run(app(scope, receive, send))
    return out


def test_the_middleware(backend: str) -> None:
    found: list[Report] = []

    async def app(_: Any, __: Any, send: Any) -> None:
        start = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": start})
        await send({"type": "http.response.body", "body": stream(CUT)})

    middleware = RestoreMiddleware(app, mapping(), CONFIG, on_report=found.append)
    through(middleware, {"type": "http", "method": "POST", "path": "/"}, [{"type": "http.request"}])
    assert found == [EXPECTED_CUT]


@pytest.mark.parametrize("breaks", [False, True])
def test_a_websocket_reports_at_its_end(backend: str, *, breaks: bool) -> None:
    found: list[Report] = []

    async def app(_: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        for message in realtime(CUT):
            await send({"type": "websocket.send", "text": message})
        if breaks:
            raise RuntimeError("the application breaks")
        await send({"type": "websocket.close"})

    middleware = RestoreMiddleware(app, mapping(), CONFIG, on_report=found.append)
    says = [{"type": "websocket.connect"}, {"type": "websocket.disconnect"}]
    if breaks:
        with pytest.raises(RuntimeError):
            through(middleware, {"type": "websocket", "path": "/v1/realtime"}, says)
    else:
        out = through(middleware, {"type": "websocket", "path": "/v1/realtime"}, says)
        assert "Ada Lovelace" in json.dumps(out)
    assert found == [EXPECTED_CUT]


def test_a_websocket_whose_mapping_grows_reports_once(backend: str) -> None:
    found: list[Report] = []
    item = {
        "type": "message",
        "role": "user",
        "content": [{"type": "input_text", "text": "I am Ada Lovelace."}],
    }

    async def app(_: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        for message in realtime("<PERSON_"):
            await send({"type": "websocket.send", "text": message})
        await receive()
        for message in realtime(f" {FAKE}"):
            await send({"type": "websocket.send", "text": message})
        await send({"type": "websocket.close"})

    middleware = RestoreMiddleware(app, config=CONFIG, masker=MASKER, scope=SCOPE, on_report=found.append)
    asked = json.dumps({"type": "conversation.item.create", "item": item})
    says = [{"type": "websocket.connect"}, {"type": "websocket.receive", "text": asked}]
    says.append({"type": "websocket.disconnect"})
    through(middleware, {"type": "websocket", "path": "/v1/realtime"}, says)
    assert [report.restored for report in found] == [{"PERSON": 1}]


@pytest.mark.parametrize("streams", [True, False])
def test_open_webui(backend: str, *, streams: bool) -> None:
    found: list[Report] = []
    ours = RestoreFilter(MASKER, CONFIG, scope=lambda *_: SCOPE, on_report=found.append)
    of = {"__metadata__": {"chat_id": "c", "message_id": "m"}}
    body = {"messages": [{"role": "user", "content": "I am Ada Lovelace."}]}
    asyncio.run(ours.request(body, **of))
    if streams:
        for event in events(CUT):
            ours.stream(event, **of)
    said = "" if streams else CUT
    ours.outlet({"id": "m", "messages": [{"role": "assistant", "content": said}]}, **of)
    assert found == [EXPECTED_CUT]
    ours.outlet({"id": "m", "messages": []}, **of)  # of an answer that is over
    assert len(found) == 1


@pytest.mark.frameworks
def test_langchain(backend: str) -> None:
    models: Any = pytest.importorskip("langchain_core.language_models.fake_chat_models")
    agents: Any = pytest.importorskip("langchain.agents")
    ours: Any = importlib.import_module("holdback.integrations.langchain")
    found: list[Report] = []
    inside = models.FakeListChatModel(responses=[CUT])
    given: Any = {"config": CONFIG, "scope": SCOPE, "on_report": found.append}
    model = ours.RestoreChatModel.around(inside, MASKER, **given)
    asked = "I am Ada Lovelace."
    assert "Ada Lovelace" in model.invoke(asked).content
    assert "Ada Lovelace" in "".join(chunk.content for chunk in model.stream(asked))

    async def later_on() -> None:
        await model.ainvoke(asked)
        assert [chunk async for chunk in model.astream(asked)]

    asyncio.run(later_on())
    agent = agents.create_agent(inside, middleware=[ours.HoldbackMiddleware(MASKER, **given)])
    agent.invoke({"messages": [{"role": "user", "content": asked}]})
    assert found == [EXPECTED_CUT] * 5


def test_a_stream_that_breaks_off_reports_what_there_was(backend: str) -> None:
    def breaking() -> Iterator[Any]:
        yield from events()[:-1]
        raise RuntimeError("the provider breaks")

    found: list[Report] = []
    with pytest.raises(RuntimeError):
        list(
            sync.restore_chunks(breaking(), mapping(), CONFIG, protocol="openai-chat", on_report=found.append)
        )
    left = sync.restore_chunks(events(), mapping(), CONFIG, protocol="openai-chat", on_report=found.append)
    next(left)
    left.close()
    assert found == [EXPECTED, Report()]
