"""The Responses API of OpenAI: typed events, and every text up to five times.

A channel is one kind of delta event of one part of one item: ``CHANNELS`` says which ids make it one. Its text
comes once more in its own ``.done`` event, in the part, in the item and in the response: wholes, which equal the
joined deltas.

Channels overlap freely, and none ends another. One ends with its own ``.done``, at the latest with its part or
item; all end with the response, and with an error. The tail then leaves in a delta event of its own just before,
which has the channel's ids and repeats the last ``sequence_number`` seen: those of the real events stay as they
are.

Some providers give each event another ``item_id``. So an id that no event named before means the one open channel
of that kind at that place (output, content, summary or command index), if there is just one; ``output_item.added``
names an id, and begins something new at its place. Only ``output_item.done`` closes.

Each event says what it is. Audio, images, encrypted content and the echo of the request are not read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from holdback.engine.answer import MOST_CHANNELS, Answer, addresses_of
from holdback.engine.marks import Event, Mark
from holdback.engine.shapes import (
    CONTENT,
    INPUT,
    JSON,
    OTHER,
    REFUSED,
    SIGNED,
    ByType,
    Shape,
    Slot,
    address,
    event,
    latest,
    source,
    text,
)
from holdback.engine.steps import ANY, Drain, End, Feed, Key, Step, Whole
from holdback.formats.base import Format, begun, type_of
from holdback.formats.response_items import ANNOTATION, ANSWER, ITEM, OUTPUTS, PART
from holdback.formats.response_wholes import Said, ids_in


@dataclass(frozen=True)
class Channel:
    """What the delta events of a kind are."""

    ids: tuple[str, ...]  # that tell one channel from another
    done: Shape  # of the event that ends it
    json: bool = False
    channel: str = "content"
    content: bool = False
    streams: tuple[str, ...] = ()  # of an object of texts, in place of a single one

    @cached_property
    def at(self) -> str | None:
        """The index that tells it from the others of its kind in the same item, if there is one."""
        return next((name for name in self.ids if name not in OF_ITEM), None)


OF_ITEM = ("item_id", "output_index")
OF_PART = (*OF_ITEM, "content_index")
OF_SUMMARY = (*OF_ITEM, "summary_index")
OF_COMMAND = ("output_index", "command_index")

CHANNELS = {
    "response.output_text": Channel(OF_PART, {"text": CONTENT}, content=True),
    "response.refusal": Channel(OF_PART, {"refusal": REFUSED}, channel="refusal"),
    "response.reasoning_text": Channel(OF_PART, {"text": SIGNED}, channel="signed"),
    "response.reasoning_summary_text": Channel(OF_SUMMARY, {"text": SIGNED}, channel="signed"),
    "response.function_call_arguments": Channel(OF_ITEM, {"arguments": JSON}, json=True),
    "response.mcp_call_arguments": Channel(OF_ITEM, {"arguments": JSON}, json=True),
    "response.custom_tool_call_input": Channel(OF_ITEM, {"input": INPUT}, channel="arguments"),
    "response.code_interpreter_call_code": Channel(OF_ITEM, {"code": INPUT}, channel="arguments"),
    "response.apply_patch_call_operation_diff": Channel(OF_ITEM, {"diff": INPUT}, channel="arguments"),
    "response.shell_call_command": Channel(OF_COMMAND, {"command": INPUT}, channel="arguments"),
    "response.shell_call_output_content": Channel(
        ("item_id", *OF_COMMAND), {"output": OUTPUTS}, streams=("stdout", "stderr")
    ),
    "response.audio.transcript": Channel((), {}),  # it has no ids, and its end repeats nothing
}

SEQUENCE = latest("sequence_number")
IDS = {name: address(name) for name in (*OF_ITEM, "content_index", "summary_index", "command_index")}
KIND = event("kind")
STATE = event("state")
"""The kind of an event that ends and names nothing. The lane takes all but the first."""


def _delta(name: str, channel: Channel) -> dict[str, Any]:
    """The shape of the delta events of a kind."""
    ids = channel.ids
    said: Any
    if channel.streams:
        said = {stream: text(f"{name}:{stream}", *ids) for stream in channel.streams}
    else:
        said = (
            source(name, *ids)
            if channel.json
            else text(name, *ids, channel=channel.channel, content=channel.content)
        )
    return {**{field: IDS[field] for field in ids}, "delta": said, "sequence_number": SEQUENCE}


def _other(shape: dict[str, Any], kind: Slot) -> Shape:
    """The shape of an event that is no delta."""
    return {"type": kind, **IDS, "sequence_number": SEQUENCE, **shape}


GOES_ON = ("response.created", "response.in_progress", "response.queued")
STATES = ("created", "in_progress", "queued", "completed", "failed", "incomplete", "cancelled")
ITEM_WITH_ID = ByType(
    {
        **{kind: {**shape, "id": address("own_id")} for kind, shape in ITEM.items()},
        OTHER: {"id": address("own_id")},
    }
)
EVENTS: dict[str, Any] = {
    **{f"{name}.done": channel.done for name, channel in CHANNELS.items()},
    **{f"response.{state}": {"response": ANSWER} for state in STATES},
    **{f"response.output_item.{edge}": {"item": ITEM_WITH_ID} for edge in ("added", "done")},
    **{f"response.content_part.{edge}": {"part": PART} for edge in ("added", "done")},
    **{f"response.reasoning_summary_part.{edge}": {"part": PART} for edge in ("added", "done")},
    "response.output_text.annotation.added": {
        "annotation_index": address("annotation_index"),
        "annotation": ANNOTATION,
    },
    "response.shell_call_command.added": {"command": INPUT},
    "error": {},
}
"""Where wholes stand in the events that are no deltas."""

ENDS_ALL = ("response.completed", "response.failed", "response.incomplete", "response.cancelled", "error")
ENDS: dict[str, tuple[str, ...]] = {
    **{f"{name}.done": (name,) for name in CHANNELS},
    "response.content_part.done": tuple(name for name in CHANNELS if CHANNELS[name].at == "content_index"),
    "response.reasoning_summary_part.done": ("response.reasoning_summary_text",),
}
"""The kinds of channels that an event ends, those with its ids."""


class Responses(Format):
    """One stream of a response.

    The key of a channel is ``(its item, its kind, (output index, index in the item))``; the item goes by the id that
    named it first.
    """

    __slots__ = ("_at_output", "_at_place", "_closed", "_fed", "_known", "_opened", "_said", "_varied")

    NAMED_EVENTS = True
    IS_ONE = True
    ANSWER = ANSWER
    SHAPE = ByType(
        {
            **{f"{name}.delta": _delta(name, channel) for name, channel in CHANNELS.items()},
            **{kind: _other(shape, STATE if kind in GOES_ON else KIND) for kind, shape in EVENTS.items()},
            "": {"error": event("error"), "sequence_number": SEQUENCE},
            OTHER: {"sequence_number": SEQUENCE},
        }
    )

    def __init__(self) -> None:
        self._known: dict[Any, Any] = {}  # item ids that were named -> what the item goes by
        self._opened: dict[
            Any, dict[tuple[str, Any], dict[str, Any]]
        ] = {}  # item -> its channels -> their ids
        self._closed: list[Any] = []  # items that the last event closed
        self._at_place: dict[
            Any, dict[Any, None]
        ] = {}  # (kind, (output index, index)) -> items with such a channel
        self._at_output: dict[Any, dict[Any, None]] = {}  # output index -> items with channels
        self._varied: dict[Any, set[Any]] = {}  # output index -> items whose id changes
        self._said = Said()
        self._fed: dict[str, dict[Key, None]] = {}  # kind -> its channels that had text since they ended

    @staticmethod
    def recognises(event: Mapping[str, Any]) -> bool:
        is_realtime = "event_id" in event and "sequence_number" not in event
        return (type_of(event) or "").startswith("response.") and not is_realtime

    @staticmethod
    def recognises_answer(answer: Mapping[str, Any]) -> bool:
        return answer.get("object") == "response"

    def steps(self, event: Event, answer: Answer) -> list[Step]:
        for item in self._closed:
            self._forget(item)
        self._closed.clear()
        ends: list[Step] = []
        steps: list[Step] = []
        wholes: list[Whole] = []
        kind = ""
        ids: dict[str, Any] = {}
        for mark in event.marks:
            slot = mark[0]
            if slot.is_text:
                steps.append(self._feed(mark, event, answer))
            elif slot.is_whole:
                wholes.append(Whole(mark))
                steps.append(wholes[-1])
            elif slot.name == "kind":
                kind = kind or mark[2]
                ids = ids or ids_in(event)
                ends += self._ends(mark[2], event, ids, answer)
            elif slot.name == "state":
                kind = mark[2]
                answer.is_new(mark, ())
            elif slot.name == "error":
                ends.append(Drain())
        if wholes:
            ids = ids or ids_in(event)
            begins = [(end.group, end.kinds, end.own) for end in ends if type(end) is End]
            for whole in wholes:
                whole.begins = begins
                whole.repeats = self._said.repeats(kind, whole.mark, ids)
            self._said.settle()
        return ends + steps

    def tool_of(self, key: Key) -> Any:
        output = key[2][0] if key[2] else None
        return ("item", key[0]) if output is None else ("output", output)

    def tail(self, key: Key, tail: str, answer: Answer) -> dict[str, Any]:
        item, name, own = key
        kind, _, stream = name.partition(":")
        ids = self._opened.get(item, {}).get((name, own), {})
        chunk = {"type": f"{kind}.delta", **ids, "delta": {stream: tail} if stream else tail}
        found = answer.latest(self.shapes().latest)
        return chunk if found is None else {**chunk, "sequence_number": found[0]}

    def _feed(self, mark: Mark, event: Event, answer: Answer) -> Step:
        """The step of a text: which channel it belongs to."""
        slot, _, value, _ = mark
        kind = slot.name
        channel = CHANNELS[kind.partition(":")[0]]
        addresses = addresses_of(mark, event)
        ids = dict(zip(channel.ids, addresses, strict=True))
        own = ids.get("output_index"), ids.get(channel.at or "")
        item, varies = self._item_of(kind, ids, own)
        if item is None:
            item = ids.get("item_id")
            if item is None:
                item = ("", ids.get("output_index"))
            elif value:
                self._name(item)
        key = (item, kind, own)
        if not value:  # the lane takes such an event, so it must not change what is known
            return Feed(key, mark, None)
        self._open(key, ids)
        if channel.ids:
            self._said.fed(slot.channel, ids, has_index=channel.at is not None)
        if varies:
            self._varied.setdefault(ids.get("output_index"), set()).add(item)
            addresses = tuple(ANY if name == "item_id" else ids[name] for name in channel.ids)
        return Feed(key, mark, addresses)

    def _item_of(self, kind: str, ids: Mapping[str, Any], own: Any) -> tuple[Any, bool]:
        """What the item of an event goes by, None if it is a new one; and whether its id is not to be relied on."""
        item_id = ids.get("item_id")
        if item_id is not None and item_id in self._known:
            return self._known[item_id], False
        items = self._at_place.get((kind, own), ())
        return (next(iter(items)), item_id is not None) if len(items) == 1 else (None, False)

    def _name(self, item_id: Any) -> None:
        if len(self._known) < MOST_CHANNELS:
            self._known[item_id] = item_id

    def _open(self, key: Key, ids: dict[str, Any]) -> None:
        """Remember a channel that has text."""
        item, kind, own = key
        self._fed.setdefault(kind, {})[key] = None
        opened = self._opened.setdefault(item, {})
        if (kind, own) not in opened:
            opened[kind, own] = {name: value for name, value in ids.items() if value is not None}
            output = ids.get("output_index")
            self._at_place.setdefault((kind, own), {})[item] = None
            self._at_output.setdefault(output, {})[item] = None

    def _ends(self, kind: str, event: Event, ids: Mapping[str, Any], answer: Answer) -> list[Step]:
        """The steps that the kind of an event says."""
        if kind in ENDS_ALL:
            return [Drain()]
        item_id, output = ids["item_id"], ids.get("output_index")
        if kind == "response.output_item.added":
            for item in self._varied.pop(output, ()):
                answer.forget(item)  # what comes here next may be something else
            if item_id is not None:
                self._name(item_id)
            return begun(("item", item_id) if output is None else ("output", output), event)
        if kind == "response.output_item.done":
            return self._closing(item_id, output)
        steps: list[Step] = []
        for name in ENDS.get(kind, ()):
            channel = CHANNELS[name]
            for one in [f"{name}:{stream}" for stream in channel.streams] or [name]:
                steps += self._ending(one, channel, ids, answer)
        return steps

    def _ending(self, kind: str, channel: Channel, ids: Mapping[str, Any], answer: Answer) -> Iterable[Step]:
        """The ends of the channels of a kind that an event means. What has ended must be seen when it goes on."""
        own = ids.get("output_index"), ids.get(channel.at or "")
        fed = self._fed.setdefault(kind, {})
        keys: list[Key]
        said = [name for name in channel.ids if ids.get(name) is not None]
        if not said:  # all that had text
            keys = list(fed)
            fed.clear()
        else:
            item, _ = self._item_of(kind, ids, own)
            keys = [(item, kind, index) for index in self._meant(item, kind, own, channel)]
            for key in keys:
                fed.pop(key, None)
        for item, _, index in keys:
            answer.forget(item)
            yield End(item, (kind,), (index,))

    def _meant(self, item: Any, kind: str, own: tuple[Any, Any], channel: Channel) -> list[Any]:
        """The indices of the channels of a kind in an item that an event means: all that fit what it says."""
        opened = self._opened.get(item, {})
        if (kind, own) in opened or (own[0] is not None and (own[1] is not None or channel.at is None)):
            return [own]
        return [
            index
            for one, index in opened
            if one == kind and all(a is None or a == b for a, b in zip(own, index, strict=True))
        ]

    def _closing(self, item_id: Any, output: Any) -> list[Step]:
        """An item is complete."""
        items = self._at_output.get(output, {})
        item = self._known.pop(item_id, None)
        if item not in items and len(items) == 1:
            item = next(iter(items))
        self._closed.append(item)
        return [End(item, closes=True)]

    def _forget(self, item: Any) -> None:
        """Forget an item that was closed."""
        for (kind, own), ids in self._opened.pop(item, {}).items():
            self._at_place.get((kind, own), {}).pop(item, None)
            self._at_output.get(ids.get("output_index"), {}).pop(item, None)
            self._fed.get(kind, {}).pop((item, kind, own), None)
