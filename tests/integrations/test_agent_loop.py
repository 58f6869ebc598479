"""A real agent loop: an SDK's own streaming helper puts the arguments together, calls, answers, goes on.

The SDKs talk HTTP to a loopback server. It plays the model, which knows placeholders only and whose arguments
arrive in pieces of any size, and the proxy, which restores them on the way. What reaches the tools must be
the real values, so the JSON must have stayed JSON. Anthropic's SDK parses what has come at *every* delta.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from holdback import DeanonymizationConfig, StreamingHandler, _backend
from streams import STOP, call, chat, say

pytestmark = [pytest.mark.sdk, pytest.mark.usefixtures("backend")]

PAIRS = {
    "<PERSON_1>": 'Ada "Countess" Lovelace',
    "<EMAIL_1>": "ada@example.org",
    "<NOTE_1>": 'line\nbreak \\ "end" 😀\u2028',
    "<PHONE_1>": "+44 20",
}
MAIL = (
    r'{"to": "\u003cPERSON_1\u003E \ud83d\ude00 <EMAIL_1>", "cc": ["<PERSON_1>", "<PERSON_2>"], '
    r'"body": "{\"note\": \"<NOTE_1>\", \"n\": [1, 2]}", "phone": <PHONE_1>, "<NOTE_1>": "a\\\"b <"}'
)
TO = f"{PAIRS['<PERSON_1>']} 😀 {PAIRS['<EMAIL_1>']}"
MAIL_CALLED = {
    "to": TO,
    "cc": [PAIRS["<PERSON_1>"], "<PERSON_2>"],
    "body": '{"note": ' + json.dumps(PAIRS["<NOTE_1>"]).replace("\\ud83d\\ude00", "😀") + ', "n": [1, 2]}',
    "phone": "+44 20",
    PAIRS["<NOTE_1>"]: 'a\\"b <',
}
FIND = '["<PERSON_1>"]'
FIND_CALLED = [PAIRS["<PERSON_1>"]]

Answer = Callable[[dict[str, Any]], Iterator[str]]
"""What the server says to a request: the server-sent events of an answer."""


@contextmanager
def serving(answer: Answer) -> Iterator[str]:
    """A loopback server that gives ``answer`` to every POST; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            for event in answer(request):
                self.wfile.write(event.encode())
                self.wfile.flush()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def pieces(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


every_size = pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 1000])


# ---------------------------------------------------------------- OpenAI


def two_calls(size: int) -> Iterator[dict[str, Any]]:
    """The model calls two tools at once; their fragments interleave."""
    yield chat({"role": "assistant", "content": None})
    for index, (name, source) in enumerate([("send_mail", MAIL), ("find", FIND)]):
        function = {"name": name, "arguments": ""}
        yield chat(
            {"tool_calls": [{"index": index, "id": f"call_{name}", "type": "function", "function": function}]}
        )
        yield call(source[:2], index)
    mail, find = pieces(MAIL[2:], size), pieces(FIND[2:], size)
    for at in range(max(len(mail), len(find))):
        yield from (call(cut[at], index) for index, cut in enumerate((mail, find)) if at < len(cut))
    yield chat({}, "tool_calls")


def chat_answer(size: int) -> Answer:
    def answer(request: dict[str, Any]) -> Iterator[str]:
        done = any(message["role"] == "tool" for message in request["messages"])
        model = [*map(say, pieces("Sent to <PERSON_1>.", size)), STOP] if done else list(two_calls(size))

        async def upstream() -> AsyncIterator[Any]:
            for chunk in model:
                yield chunk

        async def collected() -> list[str]:
            events = StreamingHandler.stream_response(upstream(), PAIRS, DeanonymizationConfig())
            return [event async for event in events]

        yield from asyncio.run(collected())

    return answer


@every_size
def test_the_openai_sdk_calls_the_tools_with_the_real_values(size: int) -> None:
    openai = pytest.importorskip("openai")
    tools = [
        {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}
        for name in ("send_mail", "find")
    ]
    called: dict[str, Any] = {}
    messages: list[Any] = [{"role": "user", "content": "write to <PERSON_1>"}]
    with serving(chat_answer(size)) as address, openai.OpenAI(api_key="k", base_url=address) as client:
        while True:
            deltas: dict[int, str] = {}
            with client.chat.completions.stream(model="m", messages=messages, tools=tools) as stream:
                for event in stream:
                    if event.type == "tool_calls.function.arguments.delta":
                        deltas[event.index] = deltas.get(event.index, "") + event.arguments_delta
                message = stream.get_final_completion().choices[0].message
            if not message.tool_calls:
                break
            messages.append(message.model_dump(exclude_none=True))
            for index, tool in enumerate(message.tool_calls):
                assert tool.function.arguments == deltas[index]
                called[tool.function.name] = json.loads(tool.function.arguments)
                messages.append({"role": "tool", "tool_call_id": tool.id, "content": "ok"})
    assert called == {"send_mail": MAIL_CALLED, "find": FIND_CALLED}
    assert message.content == 'Sent to Ada "Countess" Lovelace.'


# ---------------------------------------------------------------- Anthropic


def event(kind: str, **members: Any) -> str:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **members})}\n\n"


def message_answer(size: int) -> Answer:
    """Messages with their deltas restored by hand: a JSON channel for the tool, a plain one for text."""
    matcher = _backend.TrieMatcher(PAIRS)

    def block(index: int, start: dict[str, Any], delta: str, field: str, text: str) -> Iterator[str]:
        stream = matcher.stream(json=field == "partial_json")
        yield event("content_block_start", index=index, content_block=start)
        for piece in pieces(text, size):
            yield event("content_block_delta", index=index, delta={"type": delta, field: stream.feed(piece)})
        yield event("content_block_delta", index=index, delta={"type": delta, field: stream.flush()})
        yield event("content_block_stop", index=index)

    def answer(request: dict[str, Any]) -> Iterator[str]:
        done = any(isinstance(message["content"], list) for message in request["messages"])
        usage = {"input_tokens": 1, "output_tokens": 1}
        message = {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": []}
        yield event(
            "message_start", message={**message, "stop_reason": None, "stop_sequence": None, "usage": usage}
        )
        text = "Sent to <PERSON_1>." if done else "Writing to <PERSON_1> <"
        yield from block(0, {"type": "text", "text": ""}, "text_delta", "text", text)
        if not done:
            tool = {"type": "tool_use", "id": "t1", "name": "send_mail", "input": {}}
            yield from block(1, tool, "input_json_delta", "partial_json", MAIL)
        reason = "end_turn" if done else "tool_use"
        yield event("message_delta", delta={"stop_reason": reason, "stop_sequence": None}, usage=usage)
        yield event("message_stop")

    return answer


@every_size
def test_the_anthropic_sdk_can_parse_the_arguments_at_every_delta(size: int) -> None:
    anthropic = pytest.importorskip("anthropic")
    tools = [{"name": "send_mail", "input_schema": {"type": "object"}}]
    called: list[Any] = []
    messages: list[Any] = [{"role": "user", "content": "write to <PERSON_1>"}]
    with (
        serving(message_answer(size)) as address,
        anthropic.Anthropic(api_key="k", base_url=address) as client,
    ):
        while True:
            with client.messages.stream(model="m", max_tokens=9, messages=messages, tools=tools) as stream:
                for item in stream:
                    if item.type == "input_json" and "to" in item.snapshot:
                        assert TO.startswith(item.snapshot["to"])
                message = stream.get_final_message()
            if message.stop_reason != "tool_use":
                break
            assert message.content[0].text == 'Writing to Ada "Countess" Lovelace <'
            called.append(message.content[1].input)
            result = {"type": "tool_result", "tool_use_id": message.content[1].id, "content": "ok"}
            messages += [
                {"role": "assistant", "content": message.model_dump(exclude_none=True)["content"]},
                {"role": "user", "content": [result]},
            ]
    assert called == [MAIL_CALLED]
    assert message.content[0].text == 'Sent to Ada "Countess" Lovelace.'
