"""Which paths are known, and what is done on each. What is not in the table is refused: 403.

A path is compared as it is decoded; what is in front of it (``/v1``, ``/openai/deployments/NAME``) does not matter.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from holdback.formats import AUTO

_ID = r"[\w.:@-]+"


class Route(NamedTuple):
    """What is done with a request."""

    name: str
    """For the log and for metrics: the path as the table has it."""

    protocol: str = AUTO
    """The format of request, answer and errors."""

    answers: bool = True
    """Whether what comes back can hold placeholders."""

    reads_any: bool = False
    """Whether a body that is no JSON passes unread."""


_TABLE: tuple[tuple[str, str, Route], ...] = (
    # methods, expression for the end of the path, what is done
    ("POST", "/chat/completions", Route("/chat/completions", "openai-chat")),
    (
        "GET POST DELETE",
        f"/chat/completions/{_ID}(?:/messages)?",
        Route("/chat/completions/ID", "openai-chat"),
    ),
    ("POST", "/completions", Route("/completions", "openai-text")),
    ("POST", "/responses(?:/input_tokens|/compact)?", Route("/responses", "openai-responses")),
    ("GET DELETE", f"/responses/{_ID}(?:/input_items)?", Route("/responses/ID", "openai-responses")),
    ("POST", f"/responses/{_ID}/cancel", Route("/responses/ID", "openai-responses")),
    ("POST", "/messages(?:/count_tokens)?", Route("/messages", "anthropic")),
    (
        "POST",
        f"/models/{_ID}:(?:generateContent|streamGenerateContent|countTokens)",
        Route("/models", "gemini"),
    ),
    ("POST", "/v2/chat", Route("/v2/chat", "cohere")),
    ("POST", "/api/chat", Route("/api/chat", "ollama")),
    ("POST", "/api/generate", Route("/api/generate", "ollama")),
    ("POST", "/embeddings|/api/embed|/api/embeddings", Route("/embeddings", answers=False)),
    ("GET", f"/models(?:/{_ID}(?:/{_ID})?)?", Route("/models", answers=False)),
    ("GET", "/api/(?:tags|version|ps)", Route("/api/tags", "ollama", answers=False)),
    ("POST", "/api/show", Route("/api/show", "ollama", answers=False)),
)
_ROOT = Route("/", answers=False)  # Ollama's clients ask whether it is there
_KNOWN = tuple(
    (frozenset(methods.split()), re.compile(f"(?:/[^/]+)*(?:{ends})/?"), route)
    for methods, ends, route in _TABLE
)


def route_of(method: str, path: str, allowed: Sequence[str] = ()) -> Route | None:
    """What is done at a path; None if it is to be refused.

    >>> route_of("POST", "/v1/chat/completions").protocol
    'openai-chat'
    >>> route_of("POST", "/v1/files")
    >>> route_of("POST", "/v1/files", ["/v1/files*"]).reads_any
    True
    """
    asked = "GET" if method == "HEAD" else method
    if asked == "GET" and path == "/":
        return _ROOT
    if not {".", ".."} & set(path.split("/")):  # a server may resolve them to another path
        for methods, ends, route in _KNOWN:
            if asked in methods and ends.fullmatch(path):
                return route
        for pattern in allowed:
            if fnmatchcase(path, pattern):
                return Route(pattern, reads_any=True)
    return None
