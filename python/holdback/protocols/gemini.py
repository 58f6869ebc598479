"""Gemini: every event a ``GenerateContentResponse`` with the next parts of each candidate.

Parts have no numbers. The channels of a candidate are its text, its thoughts and its transcript; thoughts
end where text begins, and all of them at a part that is no text, such as a call: what was said before it
stays before it. All end with the candidate's finish. The tail leaves behind the channel's last text in the
same event, else in an event of its own just before; never in a part that is there for its signature alone.

A call's arguments are a finished object, or come in pieces: strings, each a channel by its path, that end
when no piece is to follow.

The wire says ``functionCall``, Python's SDK ``function_call``: both are read, and a tail is spelled like its stream.
Not read are signatures and inline data.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from holdback.chunks import Path, members
from holdback.protocols.outcome import Draft, Format, Outcome
from holdback.protocols.shapes import JSON, TEXT, Shape, read_whole

if TYPE_CHECKING:
    from holdback.channels import Channels, Key


@cache
def snake(name: str) -> str:
    """The name as Python's SDK spells it."""
    return re.sub("[A-Z]", lambda capital: "_" + capital[0].lower(), name)


def in_both_spellings(shape: Shape) -> Shape:
    """A shape whose names are found on the wire and in the SDK."""
    if isinstance(shape, list):
        return [in_both_spellings(shape[0])]
    if isinstance(shape, dict):
        inner = {name: in_both_spellings(value) for name, value in shape.items()}
        return inner | {snake(name): value for name, value in inner.items()}
    return shape


PLAIN = ("text", "thought", "audioTranscription")
"""The channels of a candidate besides those of arguments."""

BOUNDARIES: dict[str, Shape] = {
    "functionCall": {"args": JSON},
    "functionResponse": {"response": JSON},
    "toolCall": {"args": JSON},
    "toolResponse": {"response": JSON},
    "executableCode": {"code": TEXT},
    "codeExecutionResult": {"output": TEXT},
    "inlineData": {},
    "fileData": {},
}
"""What a part is that is no text, and what comes complete in it."""

BESIDES: dict[str, Shape] = {
    "finishMessage": TEXT,
    "citationMetadata": {"citations": [{"title": TEXT, "uri": TEXT}]},
    "groundingMetadata": {
        "webSearchQueries": [TEXT],
        "groundingChunks": [{"web": {"title": TEXT}}],
        "groundingSupports": [{"segment": {"text": TEXT}}],
        "searchEntryPoint": {"renderedContent": TEXT},
    },
}
"""What comes complete beside a candidate's content."""

FEEDBACK: dict[str, Shape] = {"promptFeedback": {"blockReasonMessage": TEXT}}

PART_WHOLES, CANDIDATE_WHOLES, WHOLES = map(in_both_spellings, (BOUNDARIES, BESIDES, FEEDBACK))

SAID: dict[str, Shape] = {
    **BOUNDARIES,
    "text": TEXT,
    "audioTranscription": {"text": TEXT},
    "functionCall": {"args": JSON, "partialArgs": [{"stringValue": TEXT}]},
}
CANDIDATE: dict[str, Shape] = {**BESIDES, "content": {"parts": [SAID]}}
ANSWER = in_both_spellings({**FEEDBACK, "candidates": [CANDIDATE]})


class Gemini(Format):
    """One stream. The key of a channel is ``(candidate, name)``; arguments go by ``(candidate, (path,))``."""

    __slots__ = ("_in_snake", "_seen")

    ANSWER = ANSWER

    def __init__(self, *, reasoning: bool = False) -> None:
        super().__init__(reasoning=reasoning)
        self._seen: dict[str, Any] | None = None  # whose answer it is, as the first event said
        self._in_snake = False  # whether the first event had names in the SDK's spelling

    @property
    def is_dressed(self) -> bool:
        return self._seen is not None

    @staticmethod
    def recognises(event: Mapping[str, Any]) -> bool:
        if "choices" in event or "type" in event:
            return False
        feedback = "promptFeedback" in event or "prompt_feedback" in event
        usage = "usageMetadata" in event and "modelVersion" in event
        return isinstance(event.get("candidates"), list) or feedback or usage

    @staticmethod
    def recognises_answer(answer: Mapping[str, Any]) -> bool:
        return Gemini.recognises(answer)

    def read(self, chunk: Any, channels: Channels) -> Outcome | None:
        node = members(chunk)
        if node is None:
            return None
        if self._seen is None:
            self._in_snake = _is_in_snake(node)
            self._seen = {name: own for name in ("modelVersion", "responseId") if (own := _get(node, name))}
        draft = Draft(channels, self.drain(channels) if node.get("error") else [])
        candidates = node.get("candidates")
        for position, item in enumerate(candidates if isinstance(candidates, (list, tuple)) else ()):
            if (candidate := members(item)) is not None:
                index = candidate.get("index")
                number = index if isinstance(index, int) else position
                parts = (members(candidate.get("content")) or {}).get("parts")
                for at, part in enumerate(parts if isinstance(parts, (list, tuple)) else ()):
                    path = ("candidates", position, "content", "parts", at)
                    self._read_part(draft, number, path, members(part) or {}, channels)
                if _get(candidate, "finishReason"):
                    self._end(draft, channels.keys_of(number))
                read_whole(draft, ("candidates", position), candidate, CANDIDATE_WHOLES)
        read_whole(draft, (), node, WHOLES)
        return draft.outcome()

    def drain(self, channels: Channels) -> list[dict[str, Any]]:
        return [self._tail(key, tail) for key, tail in channels.drain()]

    def _read_part(
        self, draft: Draft, candidate: int, path: Path, part: Mapping[str, Any], channels: Channels
    ) -> None:
        text, transcript = part.get("text"), members(_get(part, "audioTranscription"))
        if isinstance(text, str):
            name = "thought" if part.get("thought") else "text"
            if text and name == "text":
                self._end(draft, [(candidate, "thought")])
            if text or not _get(part, "thoughtSignature"):
                draft.text((candidate, name), (*path, "text"), text)
        elif transcript is not None and isinstance(said := transcript.get("text"), str):
            place = (*path, _spelled(part, "audioTranscription"), "text")
            draft.text((candidate, "audioTranscription"), place, said)
        elif any(_get(part, name) is not None for name in BOUNDARIES):
            self._end(draft, [(candidate, name) for name in PLAIN])
            read_whole(draft, path, part, PART_WHOLES)
            name = _spelled(part, "functionCall")
            if (call := members(part.get(name))) is not None:
                self._read_call(draft, candidate, (*path, name), call, channels)

    def _read_call(
        self, draft: Draft, candidate: int, path: Path, call: Mapping[str, Any], channels: Channels
    ) -> None:
        name = _spelled(call, "partialArgs")
        pieces = call.get(name)
        for position, item in enumerate(pieces if isinstance(pieces, (list, tuple)) else ()):
            piece = members(item) or {}
            where, field = _get(piece, "jsonPath"), _spelled(piece, "stringValue")
            if isinstance(where, str):
                key = (candidate, (where,))
                if isinstance(text := piece.get(field), str):
                    draft.text(key, (*path, name, position, field), text)
                if not _get(piece, "willContinue"):
                    self._end(draft, [key])
        if not _get(call, "willContinue"):
            self._end(draft, [key for key in channels.keys_of(candidate) if key[1] not in PLAIN])

    def _end(self, draft: Draft, keys: list[Key]) -> None:
        for key in keys:
            if tail := draft.end(key):
                draft.before.append(self._tail(key, tail))

    def _tail(self, key: Key, tail: str) -> dict[str, Any]:
        candidate, name = key
        part: dict[str, Any] = {"text": tail}
        if name == "thought":
            part["thought"] = True
        elif name == "audioTranscription":
            part = {name: {"text": tail}}
        elif name not in PLAIN:
            piece = {"jsonPath": name[0], "stringValue": tail, "willContinue": True}
            part = {"functionCall": {"partialArgs": [piece], "willContinue": True}}
        said = {"content": {"parts": [part], "role": "model"}, "index": candidate}
        chunk = {"candidates": [said], **(self._seen or {})}
        return _renamed(chunk) if self._in_snake else chunk


def _spelled(node: Mapping[str, Any], name: str) -> str:
    """The name as this node spells it."""
    return name if name in node or (other := snake(name)) not in node else other


def _get(node: Mapping[str, Any], name: str) -> Any:
    return node.get(_spelled(node, name))


def _is_in_snake(node: Any, depth: int = 8) -> bool:
    """Whether a name is spelled as in Python's SDK, here or where such an event has names: so deep at most."""
    if isinstance(node, (list, tuple)):
        return depth > 0 and any(_is_in_snake(item, depth - 1) for item in node)
    named: Mapping[Any, Any] = members(node) or {}  # a dict may have names of any kind
    return any(
        "_" in name or (depth > 0 and name not in {"args", "response"} and _is_in_snake(inner, depth - 1))
        for name, inner in named.items()
        if isinstance(name, str)
    )


def _renamed(node: Any) -> Any:
    """A tail in the SDK's spelling."""
    if isinstance(node, list):
        return [_renamed(item) for item in node]
    return {snake(name): _renamed(value) for name, value in node.items()} if isinstance(node, dict) else node
