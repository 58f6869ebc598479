"""The Responses API of OpenAI: typed events, and every text up to five times.

A channel is one kind of delta event of one part of one item: ``CHANNELS`` says which ids make it one. Its
text comes once more in its own ``.done`` event, in the part, in the item and in the response: wholes, which
``EVENTS`` finds and which equal the joined deltas.

Channels overlap freely, and none ends another. One ends with its own ``.done``, at the latest with its part
or item; all end with the response, and with an error. The tail then leaves in a delta event of its own just
before, which has the channel's ids and no ``sequence_number``: those of the real events stay as they are.

Each event says what it is. Audio, images, encrypted content and the echo of the request are not read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

from holdback.channels import natural
from holdback.chunks import members
from holdback.protocols.outcome import Draft, Format, Outcome
from holdback.protocols.shapes import JSON, SIGNED, TEXT, ByType, Shape, read_whole, type_of

if TYPE_CHECKING:
    from holdback.channels import Channels, Key


class Channel(NamedTuple):
    """What the delta events of a kind are."""

    ids: tuple[str, ...]  # that tell one channel from another
    done: Shape  # of the event that ends it
    json: bool = False
    signed: bool = False
    streams: tuple[str, ...] = ()  # of an object of texts, in place of a single one

    @property
    def of_item(self) -> tuple[str, ...]:
        """The ids that tell it from the others of its kind in the same item: one, or none."""
        return tuple(field for field in self.ids if field not in OF_ITEM)


OF_ITEM = ("item_id", "output_index")
OF_PART = (*OF_ITEM, "content_index")
OF_SUMMARY = (*OF_ITEM, "summary_index")
OF_COMMAND = ("output_index", "command_index")

OUTPUTS: Shape = [{"stdout": TEXT, "stderr": TEXT}]

CHANNELS = {
    "response.output_text": Channel(OF_PART, {"text": TEXT}),
    "response.refusal": Channel(OF_PART, {"refusal": TEXT}),
    "response.reasoning_text": Channel(OF_PART, {"text": SIGNED}, signed=True),
    "response.reasoning_summary_text": Channel(OF_SUMMARY, {"text": SIGNED}, signed=True),
    "response.function_call_arguments": Channel(OF_ITEM, {"arguments": JSON}, json=True),
    "response.mcp_call_arguments": Channel(OF_ITEM, {"arguments": JSON}, json=True),
    "response.custom_tool_call_input": Channel(OF_ITEM, {"input": TEXT}),
    "response.code_interpreter_call_code": Channel(OF_ITEM, {"code": TEXT}),
    "response.shell_call_command": Channel(OF_COMMAND, {"command": TEXT}),
    "response.shell_call_output_content": Channel(
        ("item_id", *OF_COMMAND), {"output": OUTPUTS}, streams=("stdout", "stderr")
    ),
    "response.audio.transcript": Channel((), {}),  # it has no ids, and its end repeats nothing
}
DELTAS = {f"{name}.delta": name for name in CHANNELS}

ANNOTATION: Shape = {"title": TEXT, "url": TEXT, "filename": TEXT}
PART = ByType(
    output_text={"text": TEXT, "annotations": [ANNOTATION]},
    input_text={"text": TEXT},  # in the output of a tool
    refusal={"refusal": TEXT},
    reasoning_text={"text": SIGNED},
    summary_text={"text": SIGNED},
)
TOOL_OUTPUT: Shape = (TEXT, [PART])
ITEM = ByType(
    message={"content": [PART]},
    reasoning={"summary": [PART], "content": [PART]},
    function_call={"arguments": JSON},
    function_call_output={"output": TOOL_OUTPUT},
    mcp_call={"arguments": JSON, "output": TEXT, "error": (TEXT, {"message": TEXT})},
    mcp_approval_request={"arguments": JSON},
    tool_search_call={"arguments": JSON},
    custom_tool_call={"input": TEXT},
    custom_tool_call_output={"output": TOOL_OUTPUT},
    code_interpreter_call={"code": TEXT, "outputs": [{"logs": TEXT}]},
    local_shell_call={"action": {"command": [TEXT], "env": JSON}},
    local_shell_call_output={"output": TEXT},
    shell_call={"action": {"commands": [TEXT]}},
    shell_call_output={"output": OUTPUTS},
    apply_patch_call={"operation": {"diff": TEXT, "path": TEXT}},
    apply_patch_call_output={"output": TEXT},
    program={"code": TEXT},
    program_output={"result": TEXT},
    web_search_call={"action": {"query": TEXT, "queries": [TEXT], "url": TEXT, "pattern": TEXT}},
    file_search_call={"queries": [TEXT], "results": [{"text": TEXT, "filename": TEXT}]},
    computer_call={"action": {"text": TEXT}, "actions": [{"text": TEXT}]},
)
ANSWER: Shape = {"output": [ITEM]}

STATES = ("created", "in_progress", "queued", "completed", "failed", "incomplete")
EVENTS: dict[str, Shape] = {
    **{f"{name}.done": channel.done for name, channel in CHANNELS.items()},
    **{f"response.{state}": {"response": ANSWER} for state in STATES},
    **{f"response.output_item.{edge}": {"item": ITEM} for edge in ("added", "done")},
    **{f"response.content_part.{edge}": {"part": PART} for edge in ("added", "done")},
    **{f"response.reasoning_summary_part.{edge}": {"part": PART} for edge in ("added", "done")},
    "response.output_text.annotation.added": {"annotation": ANNOTATION},
    "response.shell_call_command.added": {"command": TEXT},
}
"""Where wholes stand in the events that are no deltas."""

ENDS: dict[str, tuple[str, ...]] = {
    **{f"{name}.done": (name,) for name in CHANNELS},
    "response.content_part.done": tuple(name for name in CHANNELS if "content_index" in CHANNELS[name].ids),
    "response.reasoning_summary_part.done": ("response.reasoning_summary_text",),
    "response.output_item.done": tuple(name for name in CHANNELS if "output_index" in CHANNELS[name].ids),
}
"""The kinds of channels that an event ends, those with its ids."""
ENDS_ALL = ("response.completed", "response.failed", "response.incomplete", "response.cancelled", "error")

ID_TYPES = frozenset((str, int, type(None)))


class Responses(Format):
    """One stream of a response.

    The group of a channel is its item, by both its ids, and its name there ``(its kind, its other ids..., its
    stream)``: the channels that an event ends are looked up, however many are open.
    """

    __slots__ = ()

    NAMED_EVENTS = True
    JSON_FIELD = "_call"  # of `function_call_arguments` and `mcp_call_arguments`, in the types of events
    ANSWER = ANSWER

    @staticmethod
    def recognises(event: Mapping[str, Any]) -> bool:
        kind = type_of(event) or ""
        return kind.startswith("response.") or (kind == "error" and "sequence_number" in event)

    @staticmethod
    def recognises_answer(answer: Mapping[str, Any]) -> bool:
        return answer.get("object") == "response"

    def read(self, chunk: Any, channels: Channels) -> Outcome | None:
        node = members(chunk)
        if node is None:
            return None
        kind = type_of(node) or ""
        if (name := DELTAS.get(kind)) is not None:
            return self._read_delta(name, node, channels)
        draft = Draft(channels, [])
        if kind in ENDS_ALL or (not kind and node.get("error")):
            draft.before += self.drain(channels)
        elif kind in ENDS:
            for key in _ended(ENDS[kind], node, channels):
                if tail := channels.end(key):
                    draft.before.append(_tail(key, tail))
        if (shape := EVENTS.get(kind)) is not None:
            read_whole(draft, (), node, shape, reasoning=self._reasoning)
        return draft.outcome()

    def drain(self, channels: Channels) -> list[dict[str, Any]]:
        return [_tail(key, tail) for key, tail in channels.drain()]

    def _read_delta(self, name: str, node: Mapping[str, Any], channels: Channels) -> Outcome | None:
        channel = CHANNELS[name]
        delta, ids = node.get("delta"), tuple(map(node.get, channel.ids))
        if (channel.signed and not self._reasoning) or not ID_TYPES.issuperset(map(type, ids)):
            return None
        draft = Draft(channels, [])
        item = tuple(node.get(field) if field in channel.ids else None for field in OF_ITEM)
        own = (name, *(node.get(field) for field in channel.of_item))
        if channel.streams:
            texts = members(delta) or {}
            for stream in channel.streams:
                if isinstance(text := texts.get(stream), str):
                    draft.text((item, (*own, stream)), ("delta", stream), text)
        elif isinstance(delta, str):
            draft.text((item, own), ("delta",), delta, json=channel.json)
        return draft.outcome(again=True)


def _ended(kinds: Iterable[str], event: Mapping[str, Any], channels: Channels) -> list[Key]:
    """The open channels of these kinds that have no other ids than the event has."""
    item = members(event.get("item")) or {}
    ids = {"item_id": item.get("id"), **event}
    found = [
        (group, name)
        for kind in kinds
        for group in _items(kind, ids, channels)
        for name in _names(kind, ids, channels.streams[group])
    ]
    return sorted(found, key=natural)


def _items(kind: str, ids: Mapping[str, Any], channels: Channels) -> Iterable[Any]:
    """The items with open channels, maybe of this kind, that fit the ids of an event."""
    wanted = [_fitting(field, CHANNELS[kind], ids) for field in OF_ITEM]
    given = [values for values in wanted if values is not None]
    if len(given) == len(wanted):
        return [item for item in product(*given) if item in channels.streams]
    return [  # the event does not say: all must be looked at
        item
        for item in channels.streams
        if all(values is None or one in values for one, values in zip(item, wanted, strict=True))
    ]


def _names(kind: str, ids: Mapping[str, Any], streams: Mapping[Any, Any]) -> Iterable[Any]:
    """The names of an item's open channels of this kind that fit the ids of an event."""
    channel = CHANNELS[kind]
    wanted = [_fitting(field, channel, ids) for field in channel.of_item]
    given = [values for values in wanted if values is not None]
    if len(given) < len(wanted):
        return [name for name in streams if name[0] == kind]
    rest = [channel.streams] if channel.streams else []
    return [name for name in product((kind,), *given, *rest) if name in streams]


def _fitting(field: str, channel: Channel, ids: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """What a channel that an event ends may have in one of its ids; None if that may be anything."""
    if field not in channel.ids:
        return (None,)
    value = ids.get(field)
    if value is None:
        return None
    return (value, None) if isinstance(value, (str, int, float)) else (None,)


def _ids(key: Key) -> dict[str, Any]:
    item, (kind, *own) = key
    pairs = zip(
        (*OF_ITEM, *CHANNELS[kind].of_item), (*item, *own), strict=False
    )  # behind the ids there may be a stream
    return {field: value for field, value in pairs if value is not None}


def _tail(key: Key, tail: str) -> dict[str, Any]:
    _, (kind, *own) = key
    delta = {own[-1]: tail} if CHANNELS[kind].streams else tail
    return {"type": f"{kind}.delta", **_ids(key), "delta": delta}
