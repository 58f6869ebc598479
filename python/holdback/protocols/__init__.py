"""Where text lives: one module per wire format.

A protocol object belongs to one stream. It says of a chunk which channels carry text in it and which end
with it, and feeds them; it never copies and never changes a chunk, so one reading serves dicts, pydantic
objects and raw JSON alike. What a module does not name is forwarded unread.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holdback.errors import HoldbackError
from holdback.protocols.anthropic import Anthropic
from holdback.protocols.chat import Chat
from holdback.protocols.gemini import Gemini
from holdback.protocols.ollama import Ollama
from holdback.protocols.outcome import Protocol
from holdback.protocols.responses import Responses
from holdback.protocols.text import Text

__all__ = [
    "AUTO",
    "PROTOCOLS",
    "Chat",
    "Protocol",
    "Text",
    "UnknownProtocol",
    "protocol_named",
    "protocol_of",
    "protocol_of_answer",
]

PROTOCOLS: dict[str, type[Protocol]] = {
    "openai-chat": Chat,
    "openai-text": Text,
    "openai-responses": Responses,
    "anthropic": Anthropic,
    "gemini": Gemini,
    "ollama": Ollama,
}
"""The wire formats by name."""

AUTO = "auto"
"""Whichever of them it turns out to be."""


class UnknownProtocol(HoldbackError, ValueError):
    """There is no protocol of that name."""


def protocol_named(name: object) -> type[Protocol]:
    """The protocol class of that name."""
    protocol = PROTOCOLS.get(name) if isinstance(name, str) else None
    if protocol is None:
        raise UnknownProtocol(f"unknown protocol; known are: {', '.join(sorted((AUTO, *PROTOCOLS)))}")
    return protocol


def protocol_of(event: Mapping[str, Any]) -> type[Protocol] | None:
    """The protocol of a stream that begins with ``event``; None if it is none of ours."""
    return next((protocol for protocol in PROTOCOLS.values() if protocol.recognises(event)), None)


def protocol_of_answer(answer: Mapping[str, Any]) -> type[Protocol] | None:
    """The protocol of a whole answer; None if it is none of ours."""
    return next((protocol for protocol in PROTOCOLS.values() if protocol.recognises_answer(answer)), None)
