"""Real clients of six SDKs read restored recordings from a server on the loopback: `make test-sdk`.

What a client puts together from the restored stream must be what it puts together from the stream as it came,
restored as a whole.
"""

from __future__ import annotations

import copy
import importlib
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import oracle
from answering import Server, answering
from holdback import TrieMatcher, restore_answer, sync
from streams import heard
from wires import Recording, every, recordings

pytestmark = [pytest.mark.sdk, pytest.mark.filterwarnings("default::DeprecationWarning")]

RECORDINGS = {recording.name: recording for recording in recordings()}
SIZES = pytest.mark.parametrize("size", [1, 7, 37, 1 << 20])
ASKED: Any = {"model": "m", "messages": [{"role": "user", "content": "?"}]}

Ask = Callable[[str], Any]
"""Asks the server at an address; returns what the client put together."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with answering() as server:
        yield server


def asked(server: Server, name: str, size: int, ask: Ask) -> tuple[Recording, Any, Any]:
    """The recording, what the client makes of it as it came, and what of it restored."""
    recording = RECORDINGS[name]
    if name.startswith(
        "gemini"
    ):  # placeholders inside base64 are there to stay; the client refuses to read them
        opaque = rb'("(?:thoughtSignature|data|sdkBlob)": *")[^"]*'
        recording = recording._replace(data=re.sub(opaque, rb"\1QUJD", recording.data))
    server.kind = "application/x-ndjson" if recording.lines else "text/event-stream"
    server.body = [recording.data]
    came = ask(server.url)
    server.body = every(b"".join(sync.restore_bytes(every(recording.data, size), recording.pairs)), size)
    restored = ask(server.url)
    assert came != restored
    return recording, came, restored


def check_texts(recording: Recording, came: list[Any], restored: list[Any]) -> None:
    """Channel by channel, the pieces that a client reads are the restored text."""
    matcher = TrieMatcher(recording.pairs)
    assert heard(restored) == {
        key: matcher.replace(text, json=True) if "tool" in key else oracle.restore(recording.pairs, text)
        for key, text in heard(came).items()
    }


# ---------------------------------------------------------------- OpenAI


def openai(url: str) -> Any:
    return importlib.import_module("openai").OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)


# The odd one holds what this client cannot read, with us or without: events without data.
CHAT = [name for name in RECORDINGS if "chat" in name and not RECORDINGS[name].lines and "odd" not in name]


@SIZES
@pytest.mark.parametrize("name", CHAT)
def test_openai_chat(server: Server, name: str, size: int) -> None:
    def ask(url: str) -> list[Any]:
        with openai(url) as client:
            stream = client.chat.completions.create(**ASKED, stream=True)
            return [chunk.model_dump(exclude_unset=True, warnings=False) for chunk in stream]

    check_texts(*asked(server, name, size, ask))


@SIZES
def test_openai_chat_put_together_by_the_sdk(server: Server, size: int) -> None:
    def ask(url: str) -> Any:
        state = importlib.import_module("openai.lib.streaming.chat").ChatCompletionStreamState()
        with openai(url) as client:
            for chunk in client.chat.completions.create(**ASKED, stream=True):
                state.handle_chunk(chunk)
        return state.current_completion_snapshot.model_dump()

    recording, came, restored = asked(server, "openai-chat-tools", size, ask)
    expected = restore_answer(came, recording.pairs, protocol="openai-chat")
    for one, other in zip(restored["choices"], expected["choices"], strict=True):
        for field in ("content", "tool_calls", "refusal"):
            assert one["message"][field] == other["message"][field]


@SIZES
def test_openai_completions(server: Server, size: int) -> None:
    def ask(url: str) -> list[Any]:
        with openai(url) as client:
            stream = client.completions.create(model="m", prompt="?", stream=True)
            return [chunk.model_dump(exclude_unset=True, warnings=False) for chunk in stream]

    check_texts(*asked(server, "openai-text", size, ask))


@SIZES
@pytest.mark.parametrize("name", [name for name in RECORDINGS if name.startswith("openai-responses")])
def test_openai_responses(server: Server, name: str, size: int) -> None:
    """The SDK's own stream helper takes our synthetic deltas, and its snapshot equals every repetition."""
    deltas: dict[Any, str] = {}
    dones: dict[Any, str] = {}

    def ask(url: str) -> Any:
        deltas.clear()
        dones.clear()
        final = None
        with openai(url) as client, client.responses.stream(model="m", input="?") as stream:
            for event in stream:
                key = (getattr(event, "item_id", None), getattr(event, "content_index", None))
                if event.type in ("response.output_text.delta", "response.function_call_arguments.delta"):
                    deltas[key] = deltas.get(key, "") + event.delta
                elif event.type == "response.output_text.done":
                    dones[key] = event.text
                elif event.type == "response.function_call_arguments.done":
                    dones[key] = event.arguments
                elif event.type in ("response.completed", "response.incomplete"):
                    final = event.response.model_dump()
        return final

    recording, came, restored = asked(server, name, size, ask)
    assert deltas
    assert dones or name.endswith("incomplete")
    assert {key: deltas[key] for key in dones} == dones
    expected = restore_answer(came, recording.pairs, protocol="openai-responses")
    assert restored["output"] == expected["output"]


# ---------------------------------------------------------------- Anthropic


@SIZES
@pytest.mark.parametrize(
    "name", [name for name in RECORDINGS if name.startswith("anthropic") and "error" not in name]
)
def test_anthropic(server: Server, name: str, size: int) -> None:
    snapshots: list[str] = []

    def ask(url: str) -> Any:
        client = importlib.import_module("anthropic").Anthropic(base_url=url, api_key="none", max_retries=0)
        with client, client.messages.stream(**ASKED, max_tokens=9) as stream:
            snapshots.extend(event.snapshot for event in stream if event.type == "text")
            return stream.get_final_message().model_dump()

    recording, came, restored = asked(server, name, size, ask)
    assert snapshots
    assert restored == restore_answer(came, recording.pairs, protocol="anthropic")


@SIZES
def test_anthropic_that_fails(server: Server, size: int) -> None:
    anthropic = importlib.import_module("anthropic")

    def ask(url: str) -> str:
        text = ""
        client = anthropic.Anthropic(base_url=url, api_key="none", max_retries=0)
        with (  # noqa: PT012 - what came before the error counts
            client,
            pytest.raises(anthropic.APIStatusError),
            client.messages.stream(**ASKED, max_tokens=9) as stream,
        ):
            for piece in stream.text_stream:
                text += piece
        return text

    recording, came, restored = asked(server, "anthropic-error", size, ask)
    assert restored == oracle.restore(recording.pairs, came)


# ---------------------------------------------------------------- Google


def said(chunks: list[Any]) -> list[Any]:
    """Per candidate, the parts, with the pieces of one text, or of one argument, joined."""
    candidates: dict[int, list[Any]] = {}
    for chunk in chunks:
        for candidate in chunk.get("candidates") or ():
            parts = candidates.setdefault(candidate.get("index") or 0, [])
            for part in (candidate.get("content") or {}).get("parts") or ():
                if set(part) <= {"text", "thought"} and not part.get("text"):
                    continue
                last = parts[-1] if parts else {}
                pieces, before = arguments_of(part), arguments_of(last)
                if set(part) == set(last) <= {"text", "thought"}:
                    last["text"] += part["text"]
                elif pieces and before and pieces[0].get("json_path") == before[-1].get("json_path"):
                    before[-1]["string_value"] += pieces[0].get("string_value", "")
                else:
                    parts.append(copy.deepcopy(part))
    return sorted(candidates.items())


def arguments_of(part: Any) -> Any:
    return (part.get("function_call") or {}).get("partial_args")


@SIZES
@pytest.mark.parametrize("name", [name for name in RECORDINGS if name.startswith("gemini")])
def test_google_genai(server: Server, name: str, size: int) -> None:
    def ask(url: str) -> list[Any]:
        client = importlib.import_module("google.genai").Client(
            api_key="none", http_options={"base_url": url}
        )
        stream = client.models.generate_content_stream(model="m", contents="?")
        return [chunk.model_dump(exclude_none=True, mode="json") for chunk in stream]

    recording, came, restored = asked(server, name, size, ask)
    whole = {"candidates": [{"index": index, "content": {"parts": parts}} for index, parts in said(came)]}
    expected = restore_answer(whole, recording.pairs, protocol="gemini")
    assert said(restored) == said([expected])


# ---------------------------------------------------------------- Ollama


@SIZES
@pytest.mark.parametrize("name", ["ollama-chat", "ollama-generate"])
def test_ollama(server: Server, name: str, size: int) -> None:
    def ask(url: str) -> dict[str, Any]:
        client = importlib.import_module("ollama").Client(host=url)
        if name == "ollama-chat":
            lines = client.chat(**ASKED, stream=True)
        else:
            lines = client.generate(model="m", prompt="?", stream=True)
        message: dict[str, Any] = {}
        for line in lines:
            node = line.model_dump(exclude_none=True)
            node = node.get("message", {"response": node.get("response")})
            for field in ("content", "thinking", "response"):
                message[field] = message.get(field, "") + (node.get(field) or "")
            message.setdefault("tool_calls", []).extend(node.get("tool_calls") or ())
        if name == "ollama-chat":
            del message["response"]
            return {"message": message}
        return {"response": message["response"]}

    recording, came, restored = asked(server, name, size, ask)
    assert restored == restore_answer(came, recording.pairs, protocol="ollama")


# ---------------------------------------------------------------- Cohere


def cohere_message(events: list[Any]) -> dict[str, Any]:
    """What a client puts together from the events of a stream, as the whole answer would say it."""
    blocks: dict[str, list[Any]] = {"content": [], "tool_calls": [], "citations": []}
    message: dict[str, Any] = {"role": "assistant", "tool_plan": "", **blocks}
    for event in events:
        delta = (event.get("delta") or {}).get("message") or {}
        kind = event["type"]
        if kind == "content-start":
            blocks["content"].append(delta["content"])
        elif kind == "content-delta":
            for field, piece in delta["content"].items():
                blocks["content"][-1][field] += piece
        elif kind == "tool-plan-delta":
            message["tool_plan"] += delta["tool_plan"]
        elif kind == "tool-call-start":
            blocks["tool_calls"].append(delta["tool_calls"])
        elif kind == "tool-call-delta":
            function = blocks["tool_calls"][-1]["function"]
            function["arguments"] += delta["tool_calls"]["function"]["arguments"]
        elif kind == "citation-start":
            blocks["citations"].append(delta["citations"])
    return {"finish_reason": "COMPLETE", "message": message}


@SIZES
def test_cohere(server: Server, size: int) -> None:
    def ask(url: str) -> dict[str, Any]:
        client = importlib.import_module("cohere").ClientV2(base_url=url, api_key="none")
        stream = client.chat_stream(**ASKED)
        return cohere_message([event.model_dump(exclude_none=True) for event in stream])

    recording, came, restored = asked(server, "cohere-tools", size, ask)
    assert restored == restore_answer(came, recording.pairs, protocol="cohere")
    assert len(restored["message"]["content"]) == 3
    assert len(restored["message"]["tool_calls"]) == 2
