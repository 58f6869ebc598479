"""Which paths are known, whose conversation a request is, and the format of a refusal."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateways import needs_gateway

needs_gateway()

from holdback.gateway.refusals import (  # noqa: E402
    BUSY,
    CREDENTIAL,
    PATH,
    STORE,
    TOO_LARGE,
    TOO_SLOW,
    UNREACHABLE,
    body_of,
    format_for,
    headers_of,
    unreadable,
)
from holdback.gateway.routes import route_of  # noqa: E402
from holdback.gateway.scopes import credential_of, named  # noqa: E402
from holdback.gateway.settings import ScopeSettings  # noqa: E402


@pytest.mark.parametrize(
    ("method", "path", "protocol"),
    [
        ("POST", "/v1/chat/completions", "openai-chat"),
        ("POST", "/openai/deployments/gpt/chat/completions", "openai-chat"),
        ("POST", "/v1/completions", "openai-text"),
        ("POST", "/v1/responses/", "openai-responses"),
        ("GET", "/v1/responses/resp_1", "openai-responses"),
        ("DELETE", "/v1/responses/resp_1", "openai-responses"),
        ("POST", "/v1/responses/resp_1/cancel", "openai-responses"),
        ("POST", "/v1/messages", "anthropic"),
        ("POST", "/v1/messages/count_tokens", "anthropic"),
        ("POST", "/v1beta/models/gemini-2.5:streamGenerateContent", "gemini"),
        ("POST", "/v1/projects/p/locations/l/publishers/google/models/g:generateContent", "gemini"),
        ("POST", "/v2/chat", "cohere"),
        ("POST", "/api/chat", "ollama"),
        ("POST", "/api/generate", "ollama"),
        ("POST", "/v1/embeddings", "auto"),
        ("GET", "/v1/models", "auto"),
        ("HEAD", "/v1/models/m", "auto"),
        ("GET", "/api/tags", "ollama"),
        ("HEAD", "/", "auto"),
    ],
)
def test_a_path_that_is_known(method: str, path: str, protocol: str) -> None:
    route = route_of(method, path)
    assert route is not None
    assert route.protocol == protocol
    assert not route.reads_any


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/chat/completions"),
        ("POST", "/v1/files"),
        ("POST", "/v1/chat/completions/../../files"),
        ("POST", "/v1/./files/../chat/completions"),
        ("POST", "/chat/completionsx"),
        ("POST", "//"),
        ("POST", "/"),
        ("GET", "/anything"),
        ("GET", "/v1/realtime"),
        ("POST", "/v1/audio/speech"),
        ("PUT", "/v1/responses/resp_1"),
        ("POST", ""),
        ("POST", "/v1/models/m:predict"),
        ("POST", "/v1/chat/completions\n"),
    ],
)
def test_a_path_that_is_not(method: str, path: str) -> None:
    assert route_of(method, path) is None


def test_what_the_operator_allows() -> None:
    allowed = ["/v1/files", "/v1/files/*"]
    for path in allowed[0], "/v1/files/f/content":
        route = route_of("POST", path, allowed)
        assert route is not None
        assert route.reads_any
        assert route.name in allowed
    assert route_of("POST", "/v1/files/../x", allowed) is None
    assert route_of("POST", "/v1/filesx", allowed) is None


def scope_of(
    headers: dict[str, str], path: str = "/v1/messages", query: bytes = b"", **settings: Any
) -> tuple[str, str, bool] | None:
    credential = credential_of(headers, query) or b""
    found = named(ScopeSettings(**settings), credential, headers, path.encode(), path)
    return found and (found.scope, found.path, found.is_named)


def test_a_conversation_is_bound_to_its_credential() -> None:
    def scope(token: str, name: str = "", **more: Any) -> str:
        found = scope_of({"authorization": token, "x-conversation": name}, **more)
        assert found is not None
        return found[0]

    assert scope("a", "c") == scope("a", "c")
    different = [scope("a", "c"), scope("b", "c"), scope("a", "d"), scope("a"), scope("b"), scope("ac")]
    different += [scope("a", "c", by="credential"), scope("a", "c", query=b"key=a")]
    assert len(set(different)) == len(different)
    assert scope("a", "c", by="credential") == scope("a", "d", by="credential")
    for headers in ({"x-api-key": "a"}, {"api-key": "a"}, {"x-goog-api-key": "a"}):
        assert credential_of(headers, b"") not in (None, credential_of({"authorization": "a"}, b""))
    assert credential_of({}, b"x=1&key=a%20b") == credential_of({}, b"key=a+b&x=1")
    assert credential_of({"cookie": "a"}, b"x=1") is None


def test_a_conversation_in_the_path() -> None:
    first = scope_of({"authorization": "a"}, "/c1/v1/messages", by="path")
    second = scope_of({"authorization": "a"}, "/c2/v1/messages", by="path")
    assert first is not None
    assert second is not None
    assert first[1:] == second[1:] == ("/v1/messages", True)
    assert first[0] != second[0]
    odd = scope_of({"authorization": "a"}, "/c%2Fd/v1/messages", by="path")
    assert odd is not None
    assert odd[1] == "/v1/messages"
    assert scope_of({"authorization": "a"}, "/", by="path") is None
    assert scope_of({"authorization": "a"}, "//v1/messages", by="path") is None


def test_refusals_in_every_format() -> None:
    refusals = [PATH, CREDENTIAL, TOO_LARGE, STORE, BUSY, UNREACHABLE, TOO_SLOW, unreadable("it is no JSON")]
    for refusal in refusals:
        bodies = {
            name: json.loads(body_of(refusal, name))
            for name in ("openai-chat", "anthropic", "gemini", "ollama", "cohere")
        }
        message = refusal.message
        assert bodies["openai-chat"]["error"]["message"] == message
        assert set(bodies["openai-chat"]["error"]) == {"message", "type", "param", "code"}
        assert bodies["anthropic"]["type"] == "error"
        assert bodies["anthropic"]["error"]["message"] == message
        assert bodies["gemini"]["error"]["code"] == refusal.status
        assert bodies["gemini"]["error"]["status"].isupper()
        assert bodies["ollama"] == {"error": message}
        assert bodies["cohere"] == {"message": message}
        assert ((b"retry-after", b"1") in headers_of(refusal)) == (refusal.status == 503)


@pytest.mark.parametrize(
    ("path", "headers", "expected"),
    [
        ("/v1/unknown", {}, "openai-chat"),
        ("/v1/unknown", {"anthropic-version": "2023-06-01"}, "anthropic"),
        ("/v1/messages/", {}, "anthropic"),
        ("/v1/x", {"x-goog-api-key": "k"}, "gemini"),
        ("/v1beta/x", {}, "gemini"),
        ("/api/x", {}, "ollama"),
    ],
)
def test_the_format_of_a_path_that_is_not_known(path: str, headers: dict[str, str], expected: str) -> None:
    assert format_for("auto", path, headers) == expected
    assert format_for("gemini", path, headers) == "gemini"
