"""What a client reads in an answer: its texts by channel, from the events of a stream or from one document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

Texts = dict[str, str]
"""By channel; texts that repeat a channel at its end have a name of their own."""

AGAIN = " in its repetition"


def events_of(data: bytes) -> list[Any]:
    """The JSON of each event.

    :raises ValueError: one is no JSON.
    """
    lines = data.decode("utf-8").replace("\r\n", "\n").split("\n")
    if any(line.startswith("data:") for line in lines):
        lines = [line.removeprefix("data:").strip() for line in lines if line.startswith("data:")]
    return [json.loads(line) for line in lines if line.strip() and line.strip() != "[DONE]"]


def streamed(protocol: str, data: bytes) -> Texts:
    """The texts of a stream.

    :raises ValueError: it cannot be read.
    """
    texts: Texts = {}
    for event in events_of(data):
        if not isinstance(event, dict):
            continue
        for channel, text in _texts(protocol, event, whole=False):
            if channel.endswith(AGAIN):
                texts[channel] = text
            else:
                texts[channel] = texts.get(channel, "") + text
    return {channel: text for channel, text in texts.items() if text}


def whole(protocol: str, data: bytes) -> Texts:
    """The texts of a document.

    :raises ValueError: it cannot be read.
    """
    answer = json.loads(data)
    return {
        channel: text
        for channel, text in _texts(protocol, answer if isinstance(answer, dict) else {}, whole=True)
        if text
    }


def _texts(protocol: str, event: dict[str, Any], *, whole: bool) -> Iterator[tuple[str, str]]:
    read = {
        "openai-chat": _chat,
        "openai-text": _text,
        "openai-responses": _responses,
        "anthropic": _anthropic,
        "gemini": _gemini,
        "ollama": _ollama,
        "cohere": _cohere,
    }[protocol]
    yield from read(event, whole=whole)


def _list(node: Any, name: str) -> list[Any]:
    found = node.get(name) if isinstance(node, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _object(node: Any, name: str) -> dict[str, Any]:
    found = node.get(name) if isinstance(node, dict) else None
    return found if isinstance(found, dict) else {}


def _str(node: dict[str, Any], name: str) -> str:
    found = node.get(name)
    return found if isinstance(found, str) else ""


def _chat(event: dict[str, Any], *, whole: bool) -> Iterator[tuple[str, str]]:
    for choice in _list(event, "choices"):
        delta = _object(choice, "message" if whole else "delta")
        yield f"content {choice.get('index', 0)}", _str(delta, "content")
        for at, call in enumerate(_list(delta, "tool_calls")):
            yield f"call {call.get('index', at)}", _str(_object(call, "function"), "arguments")


def _text(event: dict[str, Any], *, whole: bool) -> Iterator[tuple[str, str]]:
    del whole
    for choice in _list(event, "choices"):
        yield f"content {choice.get('index', 0)}", _str(choice, "text")


def _responses(event: dict[str, Any], *, whole: bool) -> Iterator[tuple[str, str]]:
    if whole:
        yield from _output(event, "")
        return
    kind, at = _str(event, "type"), event.get("output_index", 0)
    if kind == "response.output_text.delta":
        yield f"content {at}", _str(event, "delta")
    elif kind == "response.output_text.done":
        yield f"content {at}{AGAIN}", _str(event, "text")
    elif kind == "response.function_call_arguments.delta":
        yield f"call {at}", _str(event, "delta")
    elif kind == "response.function_call_arguments.done":
        yield f"call {at}{AGAIN}", _str(event, "arguments")
    elif kind == "response.completed":
        yield from _output(_object(event, "response"), AGAIN)


def _output(response: dict[str, Any], again: str) -> Iterator[tuple[str, str]]:
    for at, item in enumerate(_list(response, "output")):
        yield f"call {at}{again}", _str(item, "arguments")
        yield f"content {at}{again}", "".join(_str(part, "text") for part in _list(item, "content"))


def _anthropic(event: dict[str, Any], *, whole: bool) -> Iterator[tuple[str, str]]:
    if whole:
        for at, block in enumerate(_list(event, "content")):
            yield f"content {at}", _str(block, "text")
            if "input" in block:
                yield f"call {at}", json.dumps(block["input"])
        return
    at, delta = event.get("index", 0), _object(event, "delta")
    yield f"content {at}", _str(delta, "text")
    yield f"call {at}", _str(delta, "partial_json")


def _gemini(event: dict[str, Any], *, whole: bool) -> Iterator[tuple[str, str]]:
    del whole
    for candidate in _list(event, "candidates"):
        at = candidate.get("index", 0)
        for part in _list(_object(candidate, "content"), "parts"):
            yield f"content {at}", _str(part, "text")
            if call := _object(part, "functionCall"):
                yield f"call {at}", json.dumps(call.get("args"))


def _ollama(event: dict[str, Any], *, whole: bool) -> Iterator[tuple[str, str]]:
    del whole
    message = _object(event, "message")
    yield "reasoning 0", _str(message, "thinking")
    yield "content 0", _str(message, "content")
    for at, call in enumerate(_list(message, "tool_calls")):
        yield f"call {at}", json.dumps(_object(call, "function").get("arguments"))


def _cohere(event: dict[str, Any], *, whole: bool) -> Iterator[tuple[str, str]]:
    if whole:
        message = _object(event, "message")
        for at, block in enumerate(_list(message, "content")):
            yield f"content {at}", _str(block, "text")
        for at, call in enumerate(_list(message, "tool_calls")):
            yield f"call {at}", _str(_object(call, "function"), "arguments")
        return
    at, message = event.get("index", 0), _object(_object(event, "delta"), "message")
    yield f"content {at}", _str(_object(message, "content"), "text")
    yield f"call {at}", _str(_object(_object(message, "tool_calls"), "function"), "arguments")
