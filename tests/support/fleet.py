"""A fleet: gateways that are processes of their own over one Redis, a provider that records every byte, and clients.

Each conversation has values of its own and five turns, each at another gateway. The provider keeps conversations as the
Responses API does, so a gateway gets to see placeholders whose values only the store has. Whoever is cut off in the
middle of a turn asks the next gateway, as a balancer would.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

import provider
from gateways import Gateway

MARK = re.compile(r"<(?:PERSON|EMAIL|ACCOUNT)_[a-z2-7]{10}>")
TOOL = {"type": "function", "name": "mail", "parameters": {"type": "object"}}
CHAT_TOOL = {"type": "function", "function": TOOL}
SETTINGS = """
[patterns]
EMAIL = '[\\w.+-]+@[\\w-]+\\.[\\w.]+\\w'
ACCOUNT = { expression = '\\bDE\\d{20}\\b', check = "iban" }
"""


def iban(number: int) -> str:
    account = f"{370400440000000000 + number:018d}"
    return f"DE{98 - int(account + '131400') % 97:02d}{account}"


@dataclass(slots=True)
class Conversation:
    """One of them: what is its own, and what was said so far."""

    number: int
    turns: int = 0
    retries: int = 0
    wrong: list[tuple[int, str, str]] = field(default_factory=list)

    @property
    def person(self) -> str:
        return f"Quincy Vantongeren-{self.number:04d}"

    @property
    def email(self) -> str:
        return f"q.vantongeren{self.number:04d}@mail{self.number % 7}.example.org"

    @property
    def account(self) -> str:
        return iban(self.number)

    @property
    def values(self) -> tuple[str, str, str]:
        return self.person, self.email, self.account


class Recorder:
    """The provider: repeats all that it was told in a conversation, which it keeps by the id of its last answer."""

    def __init__(self) -> None:
        self.seen: list[bytes] = []
        self._kept: dict[str, list[str]] = {}
        self._ids = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        source = await provider.received(receive)
        self.seen += (repr(scope["headers"]).encode() + scope["raw_path"] + scope["query_string"], source)
        body = json.loads(source)
        if scope["path"].endswith("/responses"):
            self._ids += 1
            name = f"resp_{self._ids}"
            kept = [*self._kept.get(body.get("previous_response_id", ""), []), provider.said(body["input"])]
            self._kept[name] = kept
            events, whole = provider.response(body, " | ".join(kept))
            events = [event.replace(b"resp_1", name.encode()) for event in events]
            whole |= {"id": name}
        else:
            events, whole = provider.chat(body, provider.said(body["messages"]))
        content_type = b"text/event-stream" if body.get("stream") else b"application/json"
        headers = [(b"content-type", content_type)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        data = b"".join(events) if body.get("stream") else json.dumps(whole).encode()
        cut = 700 + self._ids % 97
        for at in range(0, len(data), cut):
            await send({"type": "http.response.body", "body": data[at : at + cut], "more_body": True})
        await send({"type": "http.response.body", "body": b""})


Ask = Callable[[str, dict[str, Any]], Any]


async def converse(talk: Conversation, ask: Ask) -> None:
    """The five turns of a conversation; what is not as it should be is noted."""

    def check(said: str, expected: str) -> None:
        talk.turns += 1
        if said != expected:
            talk.wrong.append((talk.turns, said, expected))

    kept = [f"conversation {talk.number}: I am {talk.person}, {talk.email}."]
    name, said = responses(await ask("/v1/responses", {"model": "m", "input": kept[0], "stream": True}))
    check(said, provider.answer(kept[0]))

    # A tool is called with values that this request does not have.
    kept.append("Mail what you know.")
    body: dict[str, Any] = {"model": "m", "input": kept[-1], "previous_response_id": name, "tools": [TOOL]}
    name, said = responses(await ask("/v1/responses", {**body, "stream": talk.number % 2 == 0}))
    check(json.loads(said)["to"], " | ".join(kept))

    # Its result, a document, brings a new value.
    kept.append(json.dumps({"conversation": talk.number, "account": talk.account}))
    result = {"type": "function_call_output", "call_id": "call_1", "output": kept[-1]}
    body = {"model": "m", "input": [result], "previous_response_id": name, "stream": True}
    name, said = responses(await ask("/v1/responses", body))
    check(said, provider.answer(" | ".join(kept)))

    # Another interface, with the history in the request.
    text = f"conversation {talk.number}: pay {talk.person} on {talk.account}"
    messages = [
        {"role": "user", "content": kept[0]},
        {"role": "assistant", "content": said},
        {"role": "user", "content": text},
    ]
    said = chat(
        await ask(
            "/v1/chat/completions", {"model": "m", "messages": messages, "tools": [CHAT_TOOL], "stream": True}
        )
    )
    check(json.loads(said)["to"], text)

    # A whole answer that speaks of everything.
    kept.append("Say it all.")
    body = {"model": "m", "input": kept[-1], "previous_response_id": name}
    _, said = responses(await ask("/v1/responses", body))
    check(said, provider.answer(" | ".join(kept)))


def events_of(answer: httpx.Response) -> list[Any]:
    return [json.loads(event) for event in re.findall(r"^data: (\{.*\})$", answer.text, re.MULTILINE)]


def responses(answer: httpx.Response) -> tuple[str, str]:
    """The id of an answer, and its text or the arguments of its call."""
    if answer.headers["content-type"] == "application/json":
        whole = answer.json()
        (item,) = whole["output"]
        return whole["id"], item["arguments"] if item["type"] == "function_call" else item["content"][0][
            "text"
        ]
    events = events_of(answer)
    assert events[-1]["type"] == "response.completed"
    deltas = "".join(event["delta"] for event in events if event["type"].endswith(".delta"))
    (done,) = [event for event in events if event["type"].endswith(("text.done", "arguments.done"))]
    assert deltas == done.get("text", done.get("arguments"))
    return events[-1]["response"]["id"], deltas


def chat(answer: httpx.Response) -> str:
    """The arguments of the call of a streamed chat completion."""
    assert answer.text.endswith("data: [DONE]\n\n")
    deltas = [choice["delta"] for event in events_of(answer) for choice in event["choices"]]
    calls = [call for delta in deltas for call in delta.get("tool_calls", ())]
    return "".join(call["function"]["arguments"] for call in calls)


async def play(
    talks: list[Conversation], fleet: list[Gateway], *, midway: Callable[[], None], at_once: int = 100
) -> None:
    """All conversations; ``midway`` is called once, in a thread, when half of the turns are over."""
    half = asyncio.Event()
    room = asyncio.Semaphore(at_once)
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=at_once)
    async with httpx.AsyncClient(trust_env=False, timeout=120, limits=limits) as client:

        async def one(talk: Conversation) -> None:
            headers = {
                "authorization": f"Bearer client-{talk.number % 5}",
                "x-conversation": f"kanarie-{talk.number}",
            }

            async def ask(path: str, body: dict[str, Any]) -> httpx.Response:
                if 2 * sum(other.turns for other in talks) > 5 * len(talks):
                    half.set()
                for number in range(talk.number + talk.turns, talk.number + talk.turns + 9):
                    address = fleet[number % len(fleet)].address + path
                    async with room:
                        try:
                            answer = await client.post(address, json=body, headers=headers)
                        except httpx.TransportError:
                            talk.retries += 1
                            continue
                    assert answer.status_code == 200, answer.text
                    return answer
                raise AssertionError("no gateway answers")

            await converse(talk, ask)

        async def disturb() -> None:
            await half.wait()
            await asyncio.to_thread(midway)

        await asyncio.gather(disturb(), *map(one, talks))
