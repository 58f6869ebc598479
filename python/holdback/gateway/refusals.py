"""Refusals, each in the format that the client reads: OpenAI, Anthropic, Gemini, Cohere or Ollama.

No message repeats anything of the request.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from holdback.formats import AUTO


class Refusal(NamedTuple):
    """Why a request, or its answer, goes no further."""

    status: int
    message: str
    reason: str
    """For the log and for metrics."""


PATH = Refusal(
    403, "the gateway does not know this path and lets nothing through that it cannot mask", "path"
)
CREDENTIAL = Refusal(401, "the gateway serves no client without a credential", "credential")
CONVERSATION = Refusal(403, "the path must begin with the name of the conversation", "path")
TOO_LARGE = Refusal(413, "the request is larger than the gateway reads", "too_large")
STORE = Refusal(503, "the gateway cannot tell what this conversation masked before; try again", "store")
BUSY = Refusal(503, "the gateway serves as many requests as it may; try again", "busy")
UNREACHABLE = Refusal(502, "the provider cannot be reached", "upstream")
TOO_SLOW = Refusal(504, "the provider did not answer in time", "upstream")
UNDECODABLE = Refusal(
    502, "the provider's answer is compressed in a way that the gateway cannot read", "upstream"
)
ANSWER_TOO_LARGE = Refusal(502, "the provider's answer is larger than the gateway takes", "upstream")
INTERNAL = Refusal(500, "the gateway failed", "internal")

_ANTHROPIC = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    413: "request_too_large",
    503: "overloaded_error",
    504: "timeout_error",
}
_GEMINI = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    413: "INVALID_ARGUMENT",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_OPENAI = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    413: "invalid_request_error",
}


def unreadable(message: str) -> Refusal:
    """A body that cannot be masked; the message of a ``MaskingError`` names the place and no value."""
    return Refusal(400, message, "body")


def format_for(protocol: str, path: str, headers: dict[str, str]) -> str:
    """The format that a client reads, where the protocol does not say it."""
    if protocol != AUTO:
        return protocol
    if "anthropic-version" in headers or path.rstrip("/").endswith("/messages"):
        return "anthropic"
    if "x-goog-api-key" in headers or path.startswith("/v1beta/"):
        return "gemini"
    return "ollama" if path.startswith("/api/") else "openai-chat"


def body_of(refusal: Refusal, protocol: str) -> bytes:
    """The error as the clients of a format read it.

    >>> body_of(PATH, "ollama").decode()
    '{"error": "the gateway does not know this path and lets nothing through that it cannot mask"}'
    """
    status, message, reason = refusal
    said: dict[str, object]
    if protocol == "anthropic":
        said = {"type": "error", "error": {"type": _ANTHROPIC.get(status, "api_error"), "message": message}}
    elif protocol == "gemini":
        said = {"error": {"code": status, "message": message, "status": _GEMINI.get(status, "INTERNAL")}}
    elif protocol == "ollama":
        said = {"error": message}
    elif protocol == "cohere":
        said = {"message": message}
    else:
        kind = _OPENAI.get(status, "server_error")
        said = {"error": {"message": message, "type": kind, "param": None, "code": f"holdback_{reason}"}}
    return json.dumps(said).encode()


def headers_of(refusal: Refusal) -> list[tuple[bytes, bytes]]:
    """The headers of the error."""
    headers = [(b"content-type", b"application/json")]
    return [*headers, (b"retry-after", b"1")] if refusal.status == 503 else headers
