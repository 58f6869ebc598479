"""Messages of LangChain: masked on their way to a model, restored on their way back. Sans-IO.

What a message says is the same wherever it stands twice: arguments that a provider's adapter repeats in the content's
blocks are restored with those of ``tool_call_chunks``, from one channel. Ids, names, ``usage_metadata`` and
``response_metadata`` are left alone.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from copy import deepcopy
from typing import Any, Literal, NamedTuple

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolMessage
from langchain_core.messages.tool import tool_call_chunk

from holdback.integrations.pieces import Kind, Pieces

ROLES = {"human": "user", "ai": "assistant", "AIMessageChunk": "assistant", "tool": "tool"}
ARGUMENTS = {
    "tool_call_chunk": "args",
    "server_tool_call_chunk": "args",
    "tool_call": "args",
    "server_tool_call": "args",
    "function_call": "arguments",
    "mcp_call": "arguments",
    "input_json_delta": "partial_json",
    "tool_use": "input",
    "server_tool_use": "input",
}
"""Where blocks of the content have arguments, by their type; in pieces they are strings, whole they are objects."""

TEXTS: dict[str, tuple[str, Kind]] = {
    "text": ("text", "text"),
    "thinking": ("thinking", "signed"),
    "reasoning": ("reasoning", "signed"),
}
ASIDE: dict[str, Kind] = {"reasoning_content": "text", "refusal": "text"}
"""Members of ``additional_kwargs`` that are text."""


# ---------------------------------------------------------------- the way out


def request_of(messages: Sequence[BaseMessage], settings: dict[str, Any]) -> dict[str, Any]:
    """The messages, and what else goes to the model, as a request that a masker reads. ``masked_of`` undoes it."""
    said: list[dict[str, Any]] = []
    for message in messages:
        role = ROLES.get(message.type, message.type)
        spoken: dict[str, Any] = {"role": role, "content": _without_data(message.content)}
        if message.name:
            spoken["name"] = message.name
        if calls := _calls(message):
            spoken["tool_calls"] = [
                {"function": {"name": call["name"], "arguments": call["args"]}} for call in calls
            ]
        said += [spoken, {"role": role, **message.additional_kwargs}]
    plain = {
        name: value
        for name, value in settings.items()
        if isinstance(value, (str, list, dict)) and not name.startswith("ls_")
    }
    return {**plain, "messages": said}


def masked_of(
    messages: Sequence[BaseMessage], settings: dict[str, Any], request: dict[str, Any]
) -> tuple[list[BaseMessage], dict[str, Any]]:
    """The messages and settings with what a masker made of their request; none of the caller's is changed."""
    said = request["messages"]
    masked = [_masked(message, said[2 * at], said[2 * at + 1]) for at, message in enumerate(messages)]
    return masked, {**settings, **{name: request[name] for name in settings if name in request}}


def _masked(message: BaseMessage, spoken: dict[str, Any], aside: dict[str, Any]) -> BaseMessage:
    changes: dict[str, Any] = {"content": _with_data(spoken["content"], message.content)}
    if message.name:
        changes["name"] = spoken["name"]
    if message.additional_kwargs:
        changes["additional_kwargs"] = {name: value for name, value in aside.items() if name != "role"}
        if "role" in message.additional_kwargs:
            changes["additional_kwargs"]["role"] = aside["role"]
    if "tool_calls" in spoken and isinstance(message, AIMessage):
        arguments = [call["function"]["arguments"] for call in spoken["tool_calls"]]
        whole = len(message.tool_calls)
        changes["tool_calls"] = [
            {**call, "args": args} for call, args in zip(message.tool_calls, arguments[:whole], strict=True)
        ]
        changes["invalid_tool_calls"] = [
            {**call, "args": args}
            for call, args in zip(message.invalid_tool_calls, arguments[whole:], strict=True)
        ]
    if isinstance(message, AIMessageChunk):  # its calls are made anew from these
        changes["tool_call_chunks"] = []
    if isinstance(message, ToolMessage):
        changes["artifact"] = None  # is for the program alone
    return message.model_copy(update=changes)


def _calls(message: BaseMessage) -> list[Any]:
    return [*message.tool_calls, *message.invalid_tool_calls] if isinstance(message, AIMessage) else []


def _data_of(block: Any) -> dict[str, Any]:
    """What of a block is encoded and no text."""
    if not isinstance(block, dict):
        return {}
    names = ["base64"]
    if block.get("source_type") == "base64" or block.get("type") == "media":
        names.append("data")
    return {name: block[name] for name in names if isinstance(block.get(name), str)}


def _without_data(content: Any) -> Any:
    if not isinstance(content, list):
        return content
    return [
        {name: value for name, value in block.items() if name not in data} if data else block
        for block, data in ((block, _data_of(block)) for block in content)
    ]


def _with_data(masked: Any, content: Any) -> Any:
    if not isinstance(content, list):
        return masked
    pairs = zip(masked, map(_data_of, content), strict=True)
    return [{**block, **data} if data else block for block, data in pairs]


# ---------------------------------------------------------------- the way back


class _Spot(NamedTuple):
    """A text of a message: its channel, where it stands, and what identifies its place in a chunk of ours."""

    channel: Hashable
    kind: Kind
    owner: Any
    member: Any
    place: Literal["content", "item", "block", "call", "aside"]
    name: str = ""

    @property
    def text(self) -> str:
        return str(self.owner[self.member])


class _Once:
    """The channel of arguments that come whole."""

    __slots__ = ()


class ChunkStream:
    """Restores the chunks of one streamed answer: one verb pair, ``feed`` and ``flush``.

    A channel may stand in a chunk twice. Of arguments that is a copy, which is restored once and written to both;
    texts are joined in the first place.
    """

    __slots__ = ("_metadata", "_pieces", "_places")

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces
        self._places: dict[Hashable, dict[str, tuple[Any, dict[str, Any]]]] = {}  # where a tail may stand
        self._metadata: dict[str, Any] = {}

    def feed(self, chunk: AIMessageChunk) -> list[AIMessageChunk]:
        """The chunk restored, behind what must come before it."""
        message = _Copy(chunk)
        spots = [spot for spot in message.spots() if spot.text]
        for name in ("model_provider", "output_version"):
            if name in chunk.response_metadata:
                self._metadata[name] = chunk.response_metadata[name]
        said: set[Hashable] = set()
        for spot in spots:
            if spot.kind != "arguments" or spot.channel not in said:
                self._pieces.feed(spot.channel, spot.kind, spot.text, spot.name)
            said.add(spot.channel)
            if isinstance(spot.channel, _Once):
                self._pieces.end(spot.channel)
            elif spot.place not in (places := self._places.setdefault(spot.channel, {})):
                is_text = spot.place in {"content", "item", "aside"}
                kept = () if is_text else ("type", "index")
                places[spot.place] = (
                    spot.member,
                    {name: spot.owner.get(name) for name in kept if name in spot.owner},
                )
        message.restore_values(self._pieces)
        if chunk.chunk_position == "last":
            self._pieces.end_all()
        left = self._pieces.taken()
        for spot in spots:
            is_copy = spot.kind == "arguments"
            spot.owner[spot.member] = left.get(spot.channel, "") if is_copy else left.pop(spot.channel, "")
        before = {channel: text for channel, text in left.items() if channel not in said}
        return [*self._tails(before), message.made_anew()]

    def flush(self) -> list[AIMessageChunk]:
        """The answer has ended; what was held back."""
        self._pieces.end_all()
        return self._tails(self._pieces.taken())

    def _tails(self, left: dict[Hashable, str]) -> list[AIMessageChunk]:
        """A chunk for each text that no chunk of the model can carry any more."""
        tails = []
        for channel, text in left.items():
            changed: dict[str, Any] = {"content": "", "response_metadata": dict(self._metadata)}
            for place, (member, template) in self._places[channel].items():
                if place == "content":
                    changed["content"] = text
                elif place == "item":
                    changed["content"] = [text]
                elif place == "aside":
                    changed["additional_kwargs"] = {member: text}
                elif place == "block":
                    changed["content"] = [{**template, member: text}]
                else:
                    index = template.get("index")
                    changed["tool_call_chunks"] = [
                        tool_call_chunk(name=None, args=text, id=None, index=index)
                    ]
            tails.append(AIMessageChunk(**changed))
        return tails


class _Copy:
    """A copy of a message whose texts may be changed."""

    def __init__(self, message: AIMessage) -> None:
        self._message = message
        self._fields: dict[str, Any] = {
            "content": deepcopy(message.content),
            "additional_kwargs": deepcopy(message.additional_kwargs),
        }
        if isinstance(message, AIMessageChunk):
            self._fields["tool_call_chunks"] = deepcopy(message.tool_call_chunks)
        else:
            self._fields["tool_calls"] = deepcopy(message.tool_calls)
            self._fields["invalid_tool_calls"] = deepcopy(message.invalid_tool_calls)

    def spots(self) -> Iterator[_Spot]:
        """The texts, in the order in which they are said."""
        aside, content = self._fields["additional_kwargs"], self._fields["content"]
        for name, kind in ASIDE.items():
            if isinstance(aside.get(name), str):
                yield _Spot(name, kind, aside, name, "aside")
        if isinstance(content, str):
            yield _Spot("content", "text", self._fields, "content", "content")
        for at, block in enumerate(self._blocks()):
            if isinstance(block, str):
                yield _Spot("content", "text", content, at, "item")
            elif isinstance(block, dict) and str(block.get("type")) in TEXTS:
                member, kind = TEXTS[block["type"]]
                if isinstance(block.get(member), str):
                    yield _Spot((block["type"], block.get("index")), kind, block, member, "block")
        yield from self._sources()

    def restore_values(self, pieces: Pieces) -> None:
        """Restore what comes whole: arguments that are values."""
        for call in self._fields.get("tool_calls", ()):
            call["args"] = pieces.value(call["args"], call["name"])
        for block in self._blocks():
            if isinstance(block, dict):
                member = ARGUMENTS.get(str(block.get("type")), "")
                if block.get(member) and isinstance(block[member], dict):
                    block[member] = pieces.value(block[member], block.get("name") or "")

    def made_anew(self) -> Any:
        """The message with its texts; the calls of a chunk are parsed from the pieces of their arguments."""
        message = self._message
        if not isinstance(message, AIMessageChunk):
            return message.model_copy(update=self._fields)
        fields = {
            name: getattr(message, name)
            for name in (*type(message).model_fields, *(message.model_extra or ()))
        }
        return type(message)(**{**fields, **self._fields, "tool_calls": [], "invalid_tool_calls": []})

    def _blocks(self) -> list[Any]:
        content = self._fields["content"]
        return content if isinstance(content, list) else []

    def _sources(self) -> Iterator[_Spot]:
        """Arguments in pieces, or as the source of a document, with their copies."""
        spots: list[_Spot] = []
        for call in (*self._fields.get("tool_call_chunks", ()), *self._fields.get("invalid_tool_calls", ())):
            if isinstance(call.get("args"), str):
                index = call.get("index")
                channel: Hashable = _Once() if index is None else ("call", index)
                spots.append(_Spot(channel, "arguments", call, "args", "call", call.get("name") or ""))
        yield from spots
        aside = self._fields["additional_kwargs"]
        calls = [call.get("function") for call in aside.get("tool_calls") or () if isinstance(call, dict)]
        for block in (*self._blocks(), *calls, aside.get("function_call")):
            if isinstance(block, dict):
                member = ARGUMENTS.get(str(block.get("type", "function_call")), "")
                if isinstance(block.get(member), str):
                    twin = next((spot for spot in spots if spot.text == block[member]), None)
                    if twin is not None:
                        spots.remove(twin)
                    is_block = "type" in block and block.get("index") is not None
                    own: Hashable = (block["type"], block["index"]) if is_block else _Once()
                    channel = own if twin is None else twin.channel
                    yield _Spot(channel, "arguments", block, member, "block", block.get("name") or "")


def restored_message(message: AIMessage, pieces: Pieces) -> AIMessage:
    """A whole answer, restored."""
    copy = _Copy(message)
    copy.restore_values(pieces)
    for spot in copy.spots():
        spot.owner[spot.member] = pieces.whole(spot.kind, spot.text, spot.name)
    restored: AIMessage = copy.made_anew()
    return restored
