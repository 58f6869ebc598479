"""Where text lives: one module per wire format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holdback.errors import HoldbackError
from holdback.formats.ag_ui import AgUi
from holdback.formats.anthropic import Anthropic
from holdback.formats.base import Format
from holdback.formats.bedrock import Bedrock
from holdback.formats.chat import Chat
from holdback.formats.cohere import Cohere
from holdback.formats.gemini import Gemini
from holdback.formats.ollama import Ollama
from holdback.formats.realtime import Realtime
from holdback.formats.responses import Responses
from holdback.formats.text import Text
from holdback.formats.ui_message_stream import UIMessageStream

__all__ = [
    "AUTO",
    "FORMATS",
    "Bedrock",
    "Chat",
    "Format",
    "Text",
    "UnknownProtocol",
    "format_named",
    "format_of",
    "format_of_answer",
    "name_of",
]

FORMATS: dict[str, type[Format]] = {
    "openai-chat": Chat,
    "openai-text": Text,
    "openai-responses": Responses,
    "anthropic": Anthropic,
    "gemini": Gemini,
    "ollama": Ollama,
    "cohere": Cohere,
    "ui-message-stream": UIMessageStream,
    "ag-ui": AgUi,
    "openai-realtime": Realtime,
    "bedrock": Bedrock,
}
"""The wire formats by name."""

AUTO = "auto"
"""Whichever of them it turns out to be."""


class UnknownProtocol(HoldbackError, ValueError):
    """There is no protocol of that name."""


def format_named(name: object) -> type[Format]:
    """The format of that name."""
    found = FORMATS.get(name) if isinstance(name, str) else None
    if found is None:
        raise UnknownProtocol(f"unknown protocol; known are: {', '.join(sorted((AUTO, *FORMATS)))}")
    return found


def name_of(kind: type[Format]) -> str:
    """The name of a format."""
    return next(name for name, one in FORMATS.items() if one is kind)


def format_of(event: Mapping[str, Any]) -> type[Format] | None:
    """The format of a stream in which ``event`` stands; None if the event does not say."""
    for one in FORMATS.values():
        if one.recognises(event):
            return one
    return None


def format_of_answer(answer: Mapping[str, Any]) -> type[Format] | None:
    """The format of a whole answer; None if it is none of ours."""
    return next((one for one in FORMATS.values() if one.recognises_answer(answer)), None)
