"""WebSockets through the middleware: the Realtime API, with its real client over a loopback server, and by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from holdback.integrations.asgi import RestoreMiddleware
from provider import running
from sockets import ADA, BO, FAKE, ROUND, delta, done, edge, event

# ---------------------------------------------------------------- the real client


class Realtime:
    """The provider's side, as far as a text session needs it; it keeps every byte that it hears."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "websocket":
            return
        await receive()
        await send({"type": "websocket.accept"})
        await self._say(send, json.dumps(event("session.created", session={"type": "realtime", "id": "s"})))
        last, number = "", 0
        while (message := await receive())["type"] == "websocket.receive":
            self.seen.append(message["text"])
            heard = json.loads(message["text"])
            if heard["type"] == "conversation.item.create":
                (part,) = heard["item"]["content"]
                last = part["text"]
            if heard["type"] == "response.create":
                number += 1
                for one in self.answer(f"r{number}", f"You said: {last}"):
                    await self._say(send, one)

    @staticmethod
    async def _say(send: Any, said: str) -> None:
        await send({"type": "websocket.send", "text": said})

    @staticmethod
    def answer(response: str, said: str) -> Iterator[str]:
        yield edge("created", response)
        for at in range(0, len(said), 3):
            yield delta(said[at : at + 3], response)
        yield done(said, response)
        arguments = json.dumps({"to": said}).replace("<", "\\u003c")
        at_call = {"response_id": response, "item_id": f"c{response}", "output_index": 1}
        for at in range(0, len(arguments), 4):
            piece = arguments[at : at + 4]
            yield json.dumps(
                event("response.function_call_arguments.delta", **at_call, call_id="c", delta=piece)
            )
        yield json.dumps(
            event(
                "response.function_call_arguments.done",
                **at_call,
                call_id="c",
                name="mail",
                arguments=arguments,
            )
        )
        yield json.dumps(
            event("response.done", response={"id": response, "object": "realtime.response", "output": []})
        )


@pytest.mark.sdk
async def test_the_openai_client() -> None:
    openai = pytest.importorskip("openai")
    for needed in ("websockets", "uvicorn"):
        pytest.importorskip(needed)
    provider = Realtime()
    with running(RestoreMiddleware(provider, **ROUND)) as address:
        client = openai.AsyncOpenAI(api_key="k", websocket_base_url=f"{address.replace('http', 'ws')}/v1")
        async with client, client.realtime.connect(model="m") as connection:
            for value in (ADA, BO):
                said = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": value}]}
                await connection.conversation.item.create(item=said)
                await connection.response.create()
                text, arguments = "", ""
                async for one in connection:
                    if one.type == "response.output_text.delta":
                        text += one.delta
                    elif one.type == "response.output_text.done":
                        assert one.text == text
                    elif one.type == "response.function_call_arguments.delta":
                        arguments += one.delta
                    elif one.type == "response.function_call_arguments.done":
                        assert one.arguments == arguments
                    elif one.type == "response.done":
                        break
                assert text == f"You said: {value}"
                assert json.loads(arguments) == {"to": text}
    assert len(provider.seen) == 4
    heard = json.dumps([json.loads(one) for one in provider.seen], ensure_ascii=False)
    assert FAKE in heard
    assert not any(json.dumps(value, ensure_ascii=False)[1:-1] in heard for value in (ADA, BO))
