"""Chat completions: ``chat.completion.chunk``, as OpenAI defined it and many providers bend it.

Channels, each of its own: content, refusal, both names of reasoning and the audio transcript per choice;
the arguments of each tool call, and of the old function call, which are JSON source. Content is a string or
a list of parts; either way it is one channel. A choice or a call without an index goes by its position.

When they end: all of a choice's with its finish; its reasoning also where its content or a tool call begins;
a call also where its index comes with another id. The tail then leaves in the field's own place on that
chunk, else in a synthetic chunk just before it. Text after a finish opens the channel again.

Almost every chunk is one choice with a piece of content and nothing else: ``read`` settles that one first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from holdback.chunks import Path, members
from holdback.protocols.outcome import Draft, Envelope, Outcome, first_choice
from holdback.protocols.shapes import JSON, TEXT, ByType, Shape

if TYPE_CHECKING:
    from holdback.channels import Channels, Key

REASONING = ("reasoning_content", "reasoning")
PLAIN = (*REASONING, "refusal")  # a delta's fields that are simply text
TEXT_PARTS = ("text", "output_text")  # types of a content part whose `text` is text; no type will do as well
CALL_TEXT = {"function": "arguments", "custom": "input"}  # where a tool call carries text
JSON_SOURCE = ("function", "function_call")

TEXT_PART: Shape = {"text": TEXT}
MESSAGE: dict[str, Shape] = {
    **dict.fromkeys(PLAIN, TEXT),
    "content": (TEXT, [TEXT], [ByType(dict.fromkeys(("", *TEXT_PARTS), TEXT_PART))]),
    "tool_calls": [{"function": {"arguments": JSON}, "custom": {"input": TEXT}}],
    "function_call": {"arguments": JSON},
    "audio": {"transcript": TEXT},
    "annotations": [{"url_citation": {"title": TEXT}}],
}
ANSWER: Shape = {"choices": [{"message": MESSAGE}]}

OTHER_TEXT = frozenset((*PLAIN, "audio", "tool_calls", "function_call", "annotations"))  # all but content
ABSENT: tuple[Any, ...] = (None, "", [], {})
CONTENT_PATH: Path = ("choices", 0, "delta", "content")
WITHHELD = Outcome((), ((CONTENT_PATH, ""),), suppressed=True)


class Chat(Envelope):
    """One stream of chat completions.

    The key of a channel is ``(choice, field)``; the field of a call is ``("tool_calls", call, kind)``.
    """

    __slots__ = ("_call_at", "_call_ids", "_thinking")

    KIND = "chat.completion.chunk"
    JSON_FIELD = "_call"  # of `tool_calls` and `function_call`
    ANSWER = ANSWER

    def __init__(self, *, reasoning: bool = False) -> None:
        super().__init__(reasoning=reasoning)
        self._thinking: set[int] = set()  # choices with an open reasoning channel
        self._call_at: dict[tuple[int, int], int | str] = {}  # (choice, position) -> the call last seen there
        self._call_ids: dict[tuple[int, int | str], str] = {}  # (choice, call) -> its id

    @staticmethod
    def recognises(event: Mapping[str, Any]) -> bool:
        if event.get("object") == Chat.KIND:
            return True
        choice, choices = first_choice(event), event.get("choices", "")
        is_text = event.get("object") == "text_completion" or ("text" in choice and "delta" not in choice)
        return not is_text and (choices is None or isinstance(choices, (list, tuple)))

    @staticmethod
    def recognises_answer(answer: Mapping[str, Any]) -> bool:
        return answer.get("object") == "chat.completion" or "message" in first_choice(answer)

    def read(self, chunk: Any, channels: Channels) -> Outcome | None:
        node: Any = chunk if type(chunk) is dict else members(chunk)
        # The ordinary chunk, by subscripts: in this one place the price of a call counts.
        try:
            (item,) = node["choices"]
            choice: Any = item if type(item) is dict else members(item)
            stream = channels.streams[choice["index"]]["content"]
            delta = choice["delta"]
            text = delta["content"] if type(delta) is dict and len(delta) == 1 else _only_content(delta)
            if (
                type(text) is not str
                or ("finish_reason" in choice and choice["finish_reason"])  # noqa: RUF019 - get() costs twice as much
                or ("error" in node and node["error"])  # noqa: RUF019
                or self._thinking
            ):
                return self._read(node, channels)
        except (AttributeError, KeyError, TypeError, ValueError):
            return None if node is None else self._read(node, channels)
        leaves = stream.feed(text)
        if not self._dressed:
            self._remember(node)
        if leaves == text:
            return None
        if not leaves and stream.pending and not _says_more(node):
            return WITHHELD
        return Outcome((), ((CONTENT_PATH, leaves),), alone=(choice["index"], "content"))

    def drain(self, channels: Channels) -> list[dict[str, Any]]:
        self._thinking.clear()
        return [self._tail(key, tail) for key, tail in channels.drain()]

    def says_only_text(self, chunk: Any) -> bool:
        return not _says_more(members(chunk) or {})

    def _read(self, node: Mapping[str, Any], channels: Channels) -> Outcome | None:
        self._remember(node)
        choices = node.get("choices")
        again = not node.get("error")
        draft = Draft(channels, [] if again else self.drain(channels))
        if isinstance(choices, (list, tuple)):
            for position, item in enumerate(choices):
                choice = members(item)
                if choice is not None:
                    self._read_choice(draft, position, choice, channels)
                    again = again and not choice.get("finish_reason")
        suppressed = draft.withheld and not draft.says_something and not _says_more(node)
        return draft.outcome(suppressed=suppressed, again=again)

    def _read_choice(
        self, draft: Draft, position: int, choice: Mapping[str, Any], channels: Channels
    ) -> None:
        index, item = choice.get("index"), choice.get("delta")
        number = index if isinstance(index, int) else position
        path: Path = ("choices", position, "delta")
        delta = members({} if item is None else item)
        if delta is not None:
            self._read_delta(draft, number, path, delta)
        if choice.get("finish_reason"):
            self._thinking.discard(number)
            for key in channels.keys_of(number):
                self._end(draft, key, path, delta)

    def _read_delta(self, draft: Draft, choice: int, path: Path, delta: Mapping[str, Any]) -> None:
        for field in PLAIN:
            text = delta.get(field)
            if text and isinstance(text, str):
                draft.text((choice, field), (*path, field), text)
                if field in REASONING:
                    self._thinking.add(choice)
        content, calls, call = delta.get("content"), delta.get("tool_calls"), delta.get("function_call")
        if choice in self._thinking and (content or calls or call):
            self._thinking.remove(choice)
            for field in REASONING:
                self._end(draft, (choice, field), path, delta)
        _read_content(draft, (choice, "content"), (*path, "content"), content)
        if isinstance(calls, (list, tuple)):
            for position, item in enumerate(calls):
                if (tool_call := members(item)) is not None:
                    self._read_call(draft, choice, path, position, tool_call)
        if (function := members(call)) is not None:
            key = (choice, "function_call")
            _read_member(draft, key, (*path, "function_call"), "arguments", function, json=True)
        if (audio := members(delta.get("audio"))) is not None:
            _read_member(draft, (choice, "audio"), (*path, "audio"), "transcript", audio)
        if isinstance(annotations := delta.get("annotations"), (list, tuple)):
            for position, item in enumerate(annotations):
                citation = members((members(item) or {}).get("url_citation")) or {}
                if isinstance(title := citation.get("title"), str):
                    draft.whole((*path, "annotations", position, "url_citation", "title"), title)

    def _read_call(
        self, draft: Draft, choice: int, path: Path, position: int, call: Mapping[str, Any]
    ) -> None:
        name = self._name_of_call(draft, choice, position, call)
        for kind, field in CALL_TEXT.items():
            inner = members(call.get(kind))
            if inner is None and (kind == "custom" or "custom" in call or call.get(kind) is not None):
                continue  # while a missing or null function is still a place for a tail
            key = (choice, ("tool_calls", name, kind))
            at = (*path, "tool_calls", position, kind)
            _read_member(draft, key, at, field, inner or {}, json=kind in JSON_SOURCE)

    def _name_of_call(self, draft: Draft, choice: int, position: int, call: Mapping[str, Any]) -> int | str:
        """What a call goes by: its index, its id, or that of the call last seen at its position."""
        index, call_id = call.get("index"), call.get("id")
        if not isinstance(call_id, str):
            call_id = ""
        if not isinstance(index, int):
            if not call_id:
                return self._call_at.get((choice, position), position)
            self._call_at[choice, position] = call_id
            return call_id
        self._call_at[choice, position] = index
        if call_id:
            known = self._call_ids.setdefault((choice, index), call_id)
            if known != call_id:  # another call begins under the same index
                self._call_ids[choice, index] = call_id
                for kind in CALL_TEXT:
                    key = (choice, ("tool_calls", index, kind))
                    if tail := draft.end(key):
                        draft.before.append(self._tail(key, tail))
        return index

    def _end(self, draft: Draft, key: Key, path: Path, delta: Mapping[str, Any] | None) -> None:
        """End a channel with this chunk; its ``delta``, if there is one, can take the tail in."""
        place = None if delta is None else _place_for(key[1], path, delta)
        tail = draft.end(key, place)
        if not tail:
            return
        parts = None if delta is None or key[1] != "content" else delta.get("content")
        if isinstance(parts, (list, tuple)):
            draft.place((*path, "content", len(parts)), {"type": "text", "text": tail})
        else:
            draft.before.append(self._tail(key, tail))

    def _tail(self, key: Key, tail: str) -> dict[str, Any]:
        """The chunk that carries nothing but the tail of a channel."""
        choice, field = key
        delta: dict[str, Any]
        if isinstance(field, tuple):
            _, name, kind = field
            call = {"id" if isinstance(name, str) else "index": name, kind: {CALL_TEXT[kind]: tail}}
            delta = {"tool_calls": [call]}
        elif field == "function_call":
            delta = {"function_call": {"arguments": tail}}
        elif field == "audio":
            delta = {"audio": {"transcript": tail}}
        else:
            delta = {field: tail}
        return self._synthetic({"index": choice, "delta": delta, "finish_reason": None})


def _only_content(delta: Any) -> Any:
    """The content of a delta in which no other field carries text, else None."""
    if type(delta) is dict:
        fields = delta
    else:
        fields, more = delta.__dict__, delta.__pydantic_extra__
        if more:
            for name, value in fields.items():
                if value and (name in OTHER_TEXT or name == "content"):
                    return None
            fields = more
    for name, value in fields.items():
        if value and name in OTHER_TEXT:
            return None
    return fields["content"]


def _read_content(draft: Draft, key: Key, path: Path, content: Any) -> None:
    if isinstance(content, str):
        draft.text(key, path, content)
    elif isinstance(content, (list, tuple)):
        for position, item in enumerate(content):
            if isinstance(item, str):
                draft.text(key, (*path, position), item)
            elif (part := members(item)) is not None and (part.get("type") or "text") in TEXT_PARTS:
                _read_member(draft, key, (*path, position), "text", part)


def _read_member(
    draft: Draft, key: Key, path: Path, name: str, node: Mapping[str, Any], *, json: bool = False
) -> None:
    """Text of a channel, or a place for its tail, is the member ``name`` of the node at ``path``."""
    text = node.get(name)
    if text is None or isinstance(text, str):
        draft.text(key, (*path, name), text, json=json)


def _place_for(field: Any, path: Path, delta: Mapping[str, Any]) -> Path | None:
    """Where on a delta the tail of a field can stand if no text of the field came with it."""
    if field == "audio":
        audio = delta.get("audio")
        return (*path, "audio", "transcript") if audio is None or members(audio) is not None else None
    if field != "content" and field not in PLAIN:
        return None
    value = delta.get(field)
    return (*path, field) if value is None or isinstance(value, str) else None


def _says_more(node: Mapping[str, Any]) -> bool:
    """Whether a chunk says anything besides the text of its channels."""
    if node.get("usage") is not None:
        return True
    for choice in node.get("choices") or ():
        named = members(choice)
        if named is None:
            if choice not in ABSENT:
                return True
            continue
        for name, value in named.items():
            if value is None or name == "index":
                continue
            if name != "delta":
                if value not in ABSENT:
                    return True
                continue
            delta = members(value)
            if delta is None:
                if value not in ABSENT:
                    return True
                continue
            for field, inner in delta.items():
                if inner is not None and _field_says_more(field, inner):
                    return True
    return False


def _field_says_more(field: str, value: Any) -> bool:
    """Whether a delta's field says anything besides text, which the slots speak for."""
    if type(value) is str and (field == "content" or field in PLAIN):
        return False
    if value in ABSENT:
        return False
    if field == "content" and isinstance(value, (list, tuple)):
        return any(not isinstance(part, str) and _more(part, "type", "index", "text") for part in value)
    if field == "audio":
        return _more(value, "transcript")
    if field == "function_call":
        return _more(value, "arguments")
    if field == "tool_calls" and isinstance(value, (list, tuple)):
        return any(_call_says_more(call) for call in value)
    return True


def _call_says_more(call: Any) -> bool:
    named = members(call) or {}
    return _more(call, "index", *CALL_TEXT) or any(
        _more(named.get(kind), text) for kind, text in CALL_TEXT.items()
    )


def _more(node: Any, *but: str) -> bool:
    """Whether a node has any member that is not absent, besides these."""
    named = members(node)
    if named is None:
        return node not in ABSENT
    return any(name not in but and value not in ABSENT for name, value in named.items())
