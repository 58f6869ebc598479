"""Agent loops on the SDKs of OpenAI and Anthropic: a stream, a tool run with what the model asked, the next turn."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

SCHEMA = {"type": "object", "properties": {"to": {"type": "string"}}, "required": ["to"]}
ABOUT = "Mails, to mira@example.org too."
TOOL: Any = {"type": "function", "function": {"name": "mail", "description": ABOUT, "parameters": SCHEMA}}


def openai_turns(client: Any, mail: Callable[..., str], texts: Sequence[str]) -> list[str]:
    """What the program is told in each turn."""
    history: list[Any] = []
    told = []
    for text in texts:
        history.append({"role": "user", "content": text})
        asked: Any = {"model": "m", "tools": [TOOL]}
        with client.chat.completions.stream(messages=history, **asked) as stream:
            stream.until_done()
            called = stream.get_final_completion().choices[0].message
        (call,) = called.tool_calls
        history.append(called.model_dump(exclude_none=True, exclude={"parsed"}))
        result = mail(**json.loads(call.function.arguments))
        history.append({"role": "tool", "tool_call_id": call.id, "content": result})
        with client.chat.completions.stream(messages=history, **asked) as stream:
            said = "".join([event.delta for event in stream if event.type == "content.delta"])
        history.append({"role": "assistant", "content": said})
        told.append(said)
    return told


def anthropic_turns(client: Any, mail: Callable[..., str], texts: Sequence[str]) -> list[str]:
    history: list[Any] = []
    told = []
    tool = {"name": "mail", "description": ABOUT, "input_schema": SCHEMA}
    asked: Any = {"model": "m", "max_tokens": 9, "tools": [tool]}
    for text in texts:
        history.append({"role": "user", "content": text})
        with client.messages.stream(messages=history, **asked) as stream:
            called = stream.get_final_message()
        (call,) = called.content
        history.append({"role": "assistant", "content": called.content})
        result = {"type": "tool_result", "tool_use_id": call.id, "content": mail(**call.input)}
        history.append({"role": "user", "content": [result]})
        with client.messages.stream(messages=history, **asked) as stream:
            told.append("".join(stream.text_stream))
        history.append({"role": "assistant", "content": told[-1]})
    return told
