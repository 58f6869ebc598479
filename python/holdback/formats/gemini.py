"""Gemini: every event a ``GenerateContentResponse`` with the next parts of each candidate.

Parts have no numbers. The channels of a candidate are its text, its thoughts and its transcript; thoughts end where
text begins, and all of them at a part that is no text, such as a call: what was said before it stays before it. All
end with the candidate's finish. The tail leaves behind the channel's last text in the same event, else in an event
of its own just before; never in a part that is there for its signature alone.

A part that is nothing but withheld text is taken out, and an event that says nothing else does not leave: Google's
SDK takes a part without text, and an event without parts, for a fault. The usage of such an event goes along with
the tail.

A call's arguments are a finished object, or come in pieces: strings, each a channel by its path, that end when no
piece is to follow.

The wire says ``functionCall``, Python's SDK ``function_call``: both are read, and a tail is spelled like its
stream. Not read are signatures and inline data.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from holdback.engine.answer import Answer, addresses_of
from holdback.engine.marks import Event, Mark
from holdback.engine.objects import members
from holdback.engine.shapes import (
    INPUT,
    JSON,
    KEEPS,
    OTHER,
    PART_OF_CONTENT,
    PROVIDER_TOOL,
    RESULT,
    SAID,
    TEXT,
    TOOL,
    ByType,
    Emptied,
    Kind,
    Shape,
    Slot,
    address,
    event,
    latest,
    once,
    part_of_thought,
    place,
    text,
)
from holdback.engine.steps import Drain, End, Feed, Finish, Key, Named, Step, Whole
from holdback.formats.base import Format

_EVENT, _ONCE = Kind.EVENT, Kind.ONCE  # asked of each mark


@cache
def snake(name: str) -> str:
    """The name as Python's SDK spells it."""
    return re.sub("[A-Z]", lambda capital: "_" + capital[0].lower(), name)


def in_both_spellings(shape: Shape) -> Shape:
    """A shape whose names are found on the wire and in the SDK."""
    if isinstance(shape, Slot):
        return shape
    if isinstance(shape, tuple):
        return tuple(in_both_spellings(part) for part in shape)
    if isinstance(shape, list):
        return [in_both_spellings(shape[0])]
    inner = {name: in_both_spellings(value) for name, value in shape.items()}
    if isinstance(shape, ByType):
        return ByType(inner, name=shape.name)
    return inner | {snake(name): value for name, value in inner.items() if name is not OTHER}


PLAIN = ("text", "thought", "audioTranscription")
"""The channels of a candidate besides those of arguments."""

BOUNDARIES: dict[str, Shape] = {
    "functionCall": {"name": TOOL, "args": JSON},
    "functionResponse": {"response": RESULT},
    "toolCall": {"toolType": PROVIDER_TOOL, "args": JSON},
    "toolResponse": {"response": RESULT},
    "executableCode": {"language": PROVIDER_TOOL, "code": INPUT},
    "codeExecutionResult": {"output": TEXT},
    "inlineData": (),
    "fileData": (),
}
"""What a part is that is no text, and what comes complete in it."""

REVIEWS: Shape = [{"title": TEXT, "review": TEXT}]
RETRIEVED: Shape = {
    "title": TEXT,
    "text": TEXT,
    "uri": TEXT,
    "ragChunk": {"text": TEXT},
    "customMetadata": [{"stringValue": TEXT, "stringListValue": {"values": [TEXT]}}],
}
BESIDES: dict[str, Shape] = {
    "finishMessage": TEXT,
    "citationMetadata": {
        "citations": [{"title": TEXT, "uri": TEXT}],
        "citationSources": [{"title": TEXT, "uri": TEXT}],
    },
    "groundingMetadata": {
        "webSearchQueries": [TEXT],
        "imageSearchQueries": [TEXT],
        "retrievalQueries": [TEXT],
        "groundingChunks": [
            {
                "web": {"title": TEXT},
                "image": {"title": TEXT},
                "maps": {
                    "title": TEXT,
                    "text": TEXT,
                    "placeAnswerSources": {"reviewSnippets": REVIEWS, "reviewSnippet": REVIEWS},
                },
                "retrievedContext": RETRIEVED,
            }
        ],
        "groundingSupports": [{"segment": {"text": TEXT}}],
        "searchEntryPoint": {"renderedContent": TEXT},
    },
}
"""What comes complete beside a candidate's content."""

FEEDBACK: dict[str, Shape] = {"promptFeedback": {"blockReasonMessage": TEXT}}

OTHER_PART: dict[Any, Any] = {
    **BOUNDARIES,
    "audioTranscription": {"text": SAID, "words": [{"word": TEXT}]},
    "functionCall": {"name": TOOL, "args": JSON, "partialArgs": [{"stringValue": INPUT}]},
}
OTHER_PART |= {kind: (event("boundary"), OTHER_PART[kind]) for kind in BOUNDARIES}
WHOLE_PART = ByType(
    {
        "true": {"text": part_of_thought("thought"), **OTHER_PART},
        OTHER: {"text": PART_OF_CONTENT, **OTHER_PART},
    },
    name="thought",
)

PIECE: dict[Any, Any] = {
    "jsonPath": address("path"),
    "stringValue": text("args", "candidate", "path", channel="arguments"),
    "willContinue": event("piece_goes_on"),
}
CALL: dict[Any, Any] = {
    "name": TOOL,
    "args": JSON,
    "partialArgs": [(place("piece"), PIECE)],
    "willContinue": event("call_goes_on"),
}


def _part(name: str) -> dict[Any, Any]:
    """A part whose text is of that channel."""
    channel = "reasoning" if name == "thought" else "content"
    is_content = name == "text"
    said = text(name, "candidate", emptied=Emptied.ELEMENT, channel=channel, content=is_content)
    return {
        "text": said,
        "thought": (),
        "audioTranscription": {
            "text": text("audioTranscription", "candidate", emptied=Emptied.ELEMENT),
            "words": (KEEPS, [{"word": TEXT}]),
            OTHER: KEEPS,
        },
        **{kind: (event("boundary", "candidate"), KEEPS, shape) for kind, shape in BOUNDARIES.items()},
        "functionCall": (event("boundary", "candidate"), Slot("call", Kind.DOCUMENT), KEEPS, CALL),
        OTHER: KEEPS,
    }


def _kept(shapes: dict[str, Shape]) -> dict[str, Shape]:
    """Shapes of members because of which an event leaves."""
    return {name: (event("besides"), KEEPS, shape) for name, shape in shapes.items()}


CANDIDATE: dict[Any, Any] = {
    "index": address("candidate", positional=True),
    "content": (
        {
            "parts": [
                (place("element"), ByType({"true": _part("thought"), OTHER: _part("text")}, name="thought"))
            ],
            "role": (),
        },
        KEEPS,
    ),
    "finishReason": (event("finish", "candidate"), KEEPS),
    **_kept(BESIDES),
    OTHER: KEEPS,
}
NAMES = ("modelVersion", "responseId")


class Gemini(Format):
    """One stream. The key of a channel is ``(candidate, name, None)``; of arguments ``(candidate, "args", path)``."""

    __slots__ = ("_in_snake", "_seen")

    SHAPE = in_both_spellings(
        (
            place("root"),
            {
                "candidates": [(CANDIDATE, KEEPS)],
                **_kept(FEEDBACK),
                **{name: once(name) for name in NAMES},
                "createTime": (),
                "usageMetadata": latest("usageMetadata"),
                "error": (event("error"), KEEPS),
                OTHER: KEEPS,
            },
        )
    )
    ANSWER = in_both_spellings({**FEEDBACK, "candidates": [{**BESIDES, "content": {"parts": [WHOLE_PART]}}]})
    ENDS = {"text": ("thought",)}

    def __init__(self) -> None:
        self._seen: dict[str, Any] = {}  # whose answer it is
        # Whether the first event that says something of an answer had names in the SDK's spelling.
        self._in_snake: bool | None = None

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

    def tool_of(self, key: Key) -> Any:
        return key[0]

    def steps(self, event: Event, answer: Answer) -> list[Step]:
        steps: list[Step] = []
        ending: list[Step] = []  # calls that are complete
        finishing: list[Step] = []
        is_error = False
        for mark in event.marks:
            slot, at, value, where = mark
            name = slot.name
            if slot.is_text:
                candidate = _candidate(event, at)
                if name == "args":
                    said = event.addresses.get(("tool", at[:2]))
                    if isinstance(said, str):
                        steps.append(Named(candidate, said, begins=True))
                    path = event.addresses.get(("path", at))
                    if isinstance(path, str):
                        steps.append(Feed((candidate, name, path), mark, None))
                        steps += _end_of_piece(event, at)
                    continue
                if value and name == "text":
                    steps.append(End(candidate, ("thought",), (None,)))
                if value or not _is_kept(event, at):
                    steps.append(Feed((candidate, name, None), mark, addresses_of(mark, event)))
            elif slot.is_whole:
                if name != "call":  # which is there so that no call passes unseen
                    steps.append(Whole(mark))
                elif not _has(event, "call_goes_on", at):
                    ending.append(End(_candidate(event, at), ("args",), closes=True))
            elif slot.kind is _ONCE:
                if answer.is_new(mark, ()):
                    self._seen.setdefault(name, value)
            elif name == "boundary":
                steps.append(End(_candidate(event, at), PLAIN, (None,)))
            elif name == "piece" and not _has(event, "args", at):
                steps += _end_of_piece(event, at)
            elif name == "finish":
                finishing.append(Finish(_candidate(event, at), mark, addresses_of(mark, event)))
            elif name == "error":
                is_error = True
            elif name == "root" and self._in_snake is None and any(map(_tells, event.marks)):
                self._in_snake = _is_in_snake(event.value(where))
        steps += ending
        return [Drain(), *steps, Drain()] if is_error else steps + finishing

    def tail(self, key: Key, tail: str, answer: Answer) -> dict[str, Any]:
        candidate, name, path = key
        part: dict[str, Any] = {"text": tail}
        if name == "thought":
            part["thought"] = True
        elif name == "audioTranscription":
            part = {name: {"text": tail}}
        elif name == "args":
            piece = {"jsonPath": path, "stringValue": tail, "willContinue": True}
            part = {"functionCall": {"partialArgs": [piece], "willContinue": True}}
        said = {"content": {"parts": [part], "role": "model"}, "index": candidate}
        chunk = {"candidates": [said], **{name: self._seen[name] for name in NAMES if name in self._seen}}
        chunk = _renamed(chunk) if self._in_snake else chunk
        return chunk | self._usage(answer)

    def _usage(self, answer: Answer) -> dict[str, Any]:
        """The usage that an event said which did not leave, unless a later one said it."""
        slot = self.shapes().latest
        value, has_left = answer.latest(slot) or (None, True)
        return {} if has_left else {snake(slot.name) if self._in_snake else slot.name: value}


def _candidate(event: Event, at: tuple[int, ...]) -> Any:
    """What the candidate of a mark goes by."""
    index = event.addresses.get(("candidate", at[:1]))
    return at[0] if index is None or index == "" else index


def _has(event: Event, name: str, at: tuple[int, ...]) -> bool:
    """Whether a slot of that name has these positions."""
    return at in [mark[1] for mark in event.marks if mark[0].name == name]


def _end_of_piece(event: Event, at: tuple[int, ...]) -> list[Step]:
    """The end of an argument, if a piece of it says that none is to follow."""
    if _has(event, "piece_goes_on", at):
        return []
    return [End(_candidate(event, at), ("args",), (event.addresses.get(("path", at)),), closes=True)]


def _is_kept(event: Event, at: tuple[int, ...]) -> bool:
    """Whether a part says something besides its text."""
    return any(mark[0].kind is Kind.KEEPS and mark[1][: len(at)] == at for mark in event.marks)


def _tells(mark: Mark) -> bool:
    """Whether an event with this mark is one of an answer. The lane passes others unseen."""
    slot, _, value, _ = mark
    return slot.kind is _EVENT or slot.kind is _ONCE or (slot.is_text and bool(value))


def _is_in_snake(event: Any) -> bool:
    """Whether a name is spelled as in Python's SDK, where an event has names: nine levels deep at most."""
    level = [event]
    for _ in range(9):
        below: list[Any] = []
        for node in level:
            if isinstance(node, (list, tuple)):
                below += node
                continue
            named: Mapping[Any, Any] = members(node) or {}  # a dict may have names of any kind
            for name, inner in named.items():
                if isinstance(name, str):
                    if "_" in name:
                        return True
                    if name not in {"args", "response"}:
                        below.append(inner)
        level = [node for node in below if node is not None and not isinstance(node, (str, int, float))]
    return False


def _renamed(node: Any) -> Any:
    """A tail in the SDK's spelling."""
    if isinstance(node, list):
        return [_renamed(item) for item in node]
    return {snake(name): _renamed(value) for name, value in node.items()} if isinstance(node, dict) else node
