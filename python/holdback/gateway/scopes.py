"""Whose conversation a request belongs to: the client's credential, and the name that it gives the conversation.

The scope is HMAC-SHA256 of the name under the credential. So nobody can name the conversation of another client, and
nothing that is kept says what a client called its own. Without a name all requests of a credential are one scope: its
values have the same placeholders in all its conversations.
"""

from __future__ import annotations

import hmac
import re
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote

from holdback._keys import message
from holdback.gateway.settings import ScopeSettings

LABEL = "holdback: scope of the gateway, version 1"
CREDENTIALS = ("authorization", "x-api-key", "api-key", "x-goog-api-key")
"""Where the providers' clients put their credential; Gemini's also ``key`` of the query."""

_FIRST = re.compile("/([^/]+)(/.*)")


class Named(NamedTuple):
    """A request, with the name of its conversation taken out."""

    scope: str
    raw_path: bytes
    path: str
    is_named: bool
    """Whether the client named a conversation, or the operator said that a credential is one."""


def credential_of(headers: dict[str, str], query: bytes) -> bytes | None:
    """All that authenticates the client, as one message; None if there is nothing."""
    found = [headers.get(name, "") for name in CREDENTIALS]
    if b"key=" in query:
        found += [value for name, value in parse_qsl(query.decode("latin-1")) if name == "key"]
    return message(found) if any(found) else None


def named(
    settings: ScopeSettings, credential: bytes, headers: dict[str, str], raw_path: bytes, path: str
) -> Named | None:
    """The scope of a request; None if the path has no room for the name that it must have."""
    name = ""
    if settings.by == "header":
        name = headers.get(settings.header, "")
    elif settings.by == "path":
        parts = _FIRST.fullmatch(raw_path.decode("latin-1"))
        if parts is None:
            return None
        name, raw_path, path = parts[1], parts[2].encode("latin-1"), unquote(parts[2])
    said = message((LABEL, settings.by, name))
    is_named = bool(name) or settings.by == "credential"
    return Named(hmac.digest(credential, said, "sha256").hex(), raw_path, path, is_named)
