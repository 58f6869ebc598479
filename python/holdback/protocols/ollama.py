"""Ollama: one JSON object per line, for chat and for generate, and one answer per stream.

Its texts are plain fields, each a channel; arguments of tools come as finished objects. The line with
``done`` ends everything: a tail goes into that line's own field. Thinking ends already where the answer or a
tool call begins, on that line. An error is a line with nothing but ``error``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from holdback.chunks import Path, members
from holdback.protocols.outcome import Draft, Format, Outcome
from holdback.protocols.shapes import JSON, TEXT, Shape, read_whole

if TYPE_CHECKING:
    from holdback.channels import Channels

THINKING: tuple[Path, ...] = (("message", "thinking"), ("thinking",))
SAYING: tuple[Path, ...] = (("message", "content"), ("response",))
CALLS: Shape = {"message": {"tool_calls": [{"function": {"arguments": JSON}}]}}
ANSWER: Shape = (CALLS, {"message": {"content": TEXT, "thinking": TEXT}, "response": TEXT, "thinking": TEXT})


class Ollama(Format):
    """One stream of lines. The key of a channel is ``(0, the path of its field)``."""

    __slots__ = ("_seen",)

    LINES = True
    ANSWER = ANSWER

    def __init__(self, *, reasoning: bool = False) -> None:
        super().__init__(reasoning=reasoning)
        self._seen: dict[str, Any] | None = None  # the model and the time, as the first line said

    @property
    def is_dressed(self) -> bool:
        return self._seen is not None

    @staticmethod
    def recognises(event: Mapping[str, Any]) -> bool:
        says = members(event.get("message")) is not None or isinstance(event.get("response"), str)
        return says and isinstance(event.get("done"), bool) and "model" in event

    @staticmethod
    def recognises_answer(answer: Mapping[str, Any]) -> bool:
        return Ollama.recognises(answer)

    def read(self, chunk: Any, channels: Channels) -> Outcome | None:
        node = members(chunk)
        if node is None:
            return None
        if self._seen is None:
            self._seen = {name: node[name] for name in ("model", "created_at") if node.get(name)}
        draft = Draft(channels, self.drain(channels) if node.get("error") else [])
        message = members(node.get("message")) or {}
        self._read_text(draft, THINKING, node, message)
        if message.get("content") or message.get("tool_calls") or node.get("response"):
            for path in THINKING:
                draft.end((0, path), path)
        self._read_text(draft, SAYING, node, message)
        read_whole(draft, (), node, CALLS)
        if node.get("done"):
            for key in channels.keys_of(0):
                draft.end(key, key[1])
        more = node.get("error") or node.get("done") or message.get("tool_calls")
        return draft.outcome(again=not more)

    def drain(self, channels: Channels) -> list[dict[str, Any]]:
        return [self._tail(path, tail) for (_, path), tail in channels.drain()]

    def _read_text(
        self, draft: Draft, paths: tuple[Path, ...], node: Mapping[str, Any], message: Mapping[str, Any]
    ) -> None:
        for path in paths:
            text = (message if len(path) > 1 else node).get(str(path[-1]))
            if isinstance(text, str):
                draft.text((0, path), path, text)

    def _tail(self, path: Path, tail: str) -> dict[str, Any]:
        field = str(path[-1])
        said: dict[str, Any] = {"response": "", field: tail}
        if len(path) > 1:
            said = {"message": {"role": "assistant", "content": "", field: tail}}
        return {**(self._seen or {}), **said, "done": False}
