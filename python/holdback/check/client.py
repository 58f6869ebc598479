"""The client of the check: requests in each format, and the bytes that come back."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from holdback.check.answers import TOOL
from holdback.errors import HoldbackError

Body = dict[str, Any]
Turns = list[tuple[str, str]]
"""Who said what: ``user`` or ``assistant``, and a text."""

_TOOL: Body = {"type": "object", "properties": {"to": {"type": "string"}}}


class Target(NamedTuple):
    """A proxy, or the provider itself."""

    url: str
    key: str = "check"
    timeout: float = 60.0
    models: Mapping[str, str] = {}


class Reply(NamedTuple):
    """What came back."""

    status: int
    data: bytes
    seconds: float
    """From the request to the first text, where one was waited for; else to the end."""


def request_in(protocol: str, turns: Turns, model: str, *, streamed: bool, calls: bool) -> tuple[str, Body]:
    """The path and the body of a request."""
    messages = [{"role": role, "content": text} for role, text in turns]
    if protocol == "gemini":
        names = {"user": "user", "assistant": "model"}
        contents = [{"role": names[role], "parts": [{"text": text}]} for role, text in turns]
        body: Body = {"contents": contents}
        if calls:
            body["tools"] = [{"functionDeclarations": [{"name": TOOL, "parameters": _TOOL}]}]
        verb = "streamGenerateContent?alt=sse" if streamed else "generateContent"
        return f"/v1beta/models/{model}:{verb}", body
    body = {"model": model, "stream": streamed}
    if protocol == "openai-text":
        return "/v1/completions", {**body, "prompt": "\n".join(text for _, text in turns)}
    if protocol == "openai-responses":
        tools = [{"type": "function", "name": TOOL, "parameters": _TOOL, "strict": False}]
        return "/v1/responses", {**body, "input": messages, **({"tools": tools} if calls else {})}
    function = {"name": TOOL, "parameters": _TOOL}
    if protocol == "anthropic":
        tools = [{"name": TOOL, "input_schema": _TOOL}]
        body |= {"max_tokens": 100, "messages": messages}
        return "/v1/messages", {**body, **({"tools": tools} if calls else {})}
    path = {"ollama": "/api/chat", "cohere": "/v2/chat"}.get(protocol, "/v1/chat/completions")
    tools = [{"type": "function", "function": function}]
    return path, {**body, "messages": messages, **({"tools": tools} if calls else {})}


def ask(target: Target, path: str, body: Body, *, until: Callable[[bytes], bool] | None = None) -> Reply:
    """Send a request, and read the answer to its end. ``until`` sees all that came so far, until it says yes.

    :raises HoldbackError: nobody answers.
    """
    parts = urlsplit(target.url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise HoldbackError("the URL of the proxy must begin with http:// or https://")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=target.timeout)
    headers = {
        "content-type": "application/json",
        "authorization": f"Bearer {target.key}",
        "x-api-key": target.key,
        "x-goog-api-key": target.key,
        "anthropic-version": "2023-06-01",
    }
    begun = time.perf_counter()
    seconds = None
    data = b""
    try:
        connection.request("POST", parts.path.rstrip("/") + path, json.dumps(body).encode(), headers)
        response = connection.getresponse()
        while read := response.read1(65536):
            data += read
            if until is not None and until(data):
                until, seconds = None, time.perf_counter() - begun
        status = response.status
    except ConnectionRefusedError:
        raise HoldbackError(f"nobody listens at {parts.scheme}://{parts.netloc}") from None
    except (OSError, http.client.HTTPException) as error:
        status, data = 0, type(error).__name__.encode()
    finally:
        connection.close()
    return Reply(status, data, time.perf_counter() - begun if seconds is None else seconds)
