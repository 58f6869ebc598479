"""The formats whose every event says its type and whose texts have ids of their own, for the judge: as tables."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

from wire_formats import CONTENT, Event, Heard, Key, Reader, Source, everything, named, wholes
from wire_json import Path


class Said(NamedTuple):
    """Text in an event: where it stands, which kind of channel it is of, and the ids that tell which."""

    path: str
    kind: str
    ids: tuple[str, ...] = ()
    source: Source = False


class Typed(Reader):
    """One of these formats."""

    TEXTS: ClassVar[dict[str, tuple[Said, ...]]] = {}
    WHOLES: ClassVar[dict[str, tuple[str, ...]]] = {}
    ENDS: ClassVar[dict[str, tuple[Said, ...]]] = {}
    ALL: ClassVar[tuple[str, ...]] = ()
    HAS_ERRORS: ClassVar[bool] = False  # of no type

    def read(self, event: Event, heard: Heard) -> None:
        kind = str(event.get("type", ""))
        if kind in self.ALL or (self.HAS_ERRORS and not kind and event.get("error")):
            heard.end(everything)
        for said in self.ENDS.get(kind, ()):
            self.end(said, event, heard)
        for said in self.TEXTS.get(kind, ()):
            *way, last = path = said.path.split()
            node: Any = event
            for name in way:
                node = named(node).get(name)
            if isinstance(named(node).get(last), str):
                self.hear(self.key(said, event), tuple(path), node[last], heard, source=said.source)
        wholes(self, event, self.WHOLES.get(kind, ()), (), heard)

    def key(self, said: Said, event: Event) -> Key:
        ids = (event.get(name) for name in said.ids)
        return (said.kind, *(one if isinstance(one, (str, int)) and one != "" else None for one in ids))

    def tail(self, key: Key, text: str) -> Event:
        """An event that says nothing but a text of that channel."""
        kind, said = next(
            (kind, said)
            for kind, saids in self.TEXTS.items()
            for said in saids
            if said.kind == key[0] and kind not in self.ENDS
        )
        ids = {name: value for name, value in zip(said.ids, key[1:], strict=True) if value is not None}
        inner: Any = text
        for name in reversed(said.path.split()):
            inner = {name: inner}
        return {"type": kind, **ids, **inner}

    def hear(self, key: Key, path: Path, text: str, heard: Heard, *, source: Source) -> None:
        heard.text(key, path, text, source=source)

    def end(self, said: Said, event: Event, heard: Heard) -> None:
        key = self.key(said, event)
        heard.end(lambda other: other == key, closes=True)


AT = ("index",)


class Cohere(Typed):
    """The second version of Cohere's chat."""

    BLOCKS = (
        Said("delta message content text", "text", AT, source=CONTENT),
        Said("delta message content thinking", "thinking", AT),
    )
    CALL = (Said("delta message tool_calls function arguments", "call", AT, source=True),)
    PLAN = (Said("delta message tool_plan", "plan"),)
    TEXTS: ClassVar = {
        "content-start": BLOCKS,
        "content-delta": BLOCKS,
        "tool-plan-delta": PLAN,
        "tool-call-start": CALL,
        "tool-call-delta": CALL,
    }
    ENDS: ClassVar = {
        "content-start": BLOCKS,
        "content-end": BLOCKS,
        "tool-call-start": (*PLAN, *CALL),
        "tool-call-end": CALL,
    }
    WHOLES: ClassVar = {
        "citation-start": (
            "delta message citations text",
            "delta message citations sources * =tool tool_output !",
            "delta message citations sources * =document document !",
        )
    }
    ALL = ("message-end",)
    HAS_ERRORS = True


class UIMessageStream(Typed):
    """What Vercel's AI SDK sends to a front end."""

    TEXT = Said("delta", "text", ("id",), source=CONTENT)
    REASONING = Said("delta", "reasoning", ("id",))
    INPUT = Said("inputTextDelta", "input", ("toolCallId",), source=True)
    TEXTS: ClassVar = {"text-delta": (TEXT,), "reasoning-delta": (REASONING,), "tool-input-delta": (INPUT,)}
    ENDS: ClassVar = {
        "text-start": (TEXT,),
        "text-end": (TEXT,),
        "reasoning-start": (REASONING,),
        "reasoning-end": (REASONING,),
        "tool-input-start": (INPUT,),
        "tool-input-available": (INPUT,),
        "tool-input-error": (INPUT,),
    }
    WHOLES: ClassVar = {
        "tool-input-available": ("input !",),
        "tool-input-error": ("input !", "errorText"),
        "tool-output-available": ("output !",),
        "tool-output-error": ("errorText",),
        "source-url": ("title", "url"),
        "source-document": ("title", "filename"),
        "error": ("errorText",),
    }
    ALL = ("finish-step", "finish", "abort", "error", "reset-step")


MESSAGES = ("content ~", "content * =text text", "toolCalls * function arguments !", "error")


class AgUi(Typed):
    """What an agent sends to a front end."""

    MESSAGE = Said("delta", "message", ("messageId",), source=CONTENT)
    REASONING = Said("delta", "reasoning", ("messageId",))
    CALL = Said("delta", "call", ("toolCallId",), source=True)
    TEXTS: ClassVar = {
        "TEXT_MESSAGE_CONTENT": (MESSAGE,),
        "REASONING_MESSAGE_CONTENT": (REASONING,),
        "TOOL_CALL_ARGS": (CALL,),
        "TEXT_MESSAGE_CHUNK": (Said("delta", "TEXT_MESSAGE_CHUNK", ("messageId",), source=CONTENT),),
        "REASONING_MESSAGE_CHUNK": (Said("delta", "REASONING_MESSAGE_CHUNK", ("messageId",)),),
        "TOOL_CALL_CHUNK": (Said("delta", "TOOL_CALL_CHUNK", ("toolCallId",), source=True),),
    }
    ENDS: ClassVar = {
        **dict.fromkeys(("TEXT_MESSAGE_START", "TEXT_MESSAGE_END"), (MESSAGE,)),
        **dict.fromkeys(("REASONING_MESSAGE_START", "REASONING_MESSAGE_END"), (REASONING,)),
        **dict.fromkeys(("TOOL_CALL_START", "TOOL_CALL_END"), (CALL,)),
    }
    WHOLES: ClassVar = {
        "TOOL_CALL_RESULT": ("content", "content * =text text"),
        "MESSAGES_SNAPSHOT": tuple(f"messages * {rule}" for rule in MESSAGES),
        "RUN_FINISHED": ("result !", "outcome interrupts * message"),
        "RUN_ERROR": ("message",),
        "SUBAGENT_ERROR": ("message",),
    }
    ALL = ("RUN_FINISHED", "RUN_ERROR")

    def __init__(self, *, signed: bool = False) -> None:
        super().__init__(signed=signed)
        self.chunks: dict[str, Any] = {}  # by type, the id of the chunks that were told last

    def read(self, event: Event, heard: Heard) -> None:
        kind = str(event.get("type", ""))
        says = kind in self.TEXTS
        if says and isinstance(event.get("delta"), str) and event["delta"]:
            heard.end(lambda key: str(key[0]).endswith("_CHUNK") and key[0] != kind)
            (said,) = self.TEXTS[kind]
            now = event.get(said.ids[0]) or None
            if kind.endswith("_CHUNK") and now is not None and now != self.chunks.get(kind):
                heard.end(lambda key: key[0] == kind, closes=True)
                self.chunks[kind] = now
        elif not says and kind not in ("RAW", ""):
            heard.end(lambda key: str(key[0]).endswith("_CHUNK"), closes=True)
        super().read(event, heard)

    def key(self, said: Said, event: Event) -> Key:
        if said.kind.endswith("_CHUNK"):
            return said.kind, self.chunks.get(said.kind)
        return super().key(said, event)


OF_ITEM = ("response_id", "item_id", "output_index")
OF_PART = (*OF_ITEM, "content_index")
SPOKEN = {kind: Said("delta", kind, OF_PART) for kind in ("output_audio_transcript", "audio_transcript")}
WRITTEN = {kind: Said("delta", kind, OF_PART, source=CONTENT) for kind in ("output_text", "text")}
CALLS = {
    f"{kind}_arguments": Said("delta", kind, OF_ITEM, source=True) for kind in ("function_call", "mcp_call")
}
SAID = {**SPOKEN, **WRITTEN, **CALLS}
REALTIME_TEXTS: dict[str, tuple[Any, ...]] = {
    f"response.{kind}.delta": (said,) for kind, said in SAID.items()
}
REALTIME_ENDS: dict[str, tuple[Any, ...]] = {
    **{f"response.{kind}.done": (said,) for kind, said in SAID.items()},
    "response.content_part.done": (*SPOKEN.values(), *WRITTEN.values()),
}
PARTS = (
    *(f"={kind} text ~" for kind in ("text", "output_text")),
    "=input_text text",
    *(f"={kind} transcript" for kind in ("audio", "output_audio")),
)
ITEMS = (
    *(f"=message content * {part}" for part in PARTS),
    *(f"={kind} arguments !" for kind in ("function_call", "mcp_call", "mcp_approval_request")),
    *(f"={kind} output" for kind in ("function_call_output", "mcp_call")),
    "=mcp_call error message",
)
REALTIME_WHOLES: dict[str, tuple[Any, ...]] = {
    **{f"response.{kind}.done": ("transcript",) for kind in SPOKEN},
    **{f"response.{kind}.done": ("text ~",) for kind in WRITTEN},
    **{f"response.{kind}.done": ("arguments !",) for kind in CALLS},
    **{f"response.content_part.{edge}": ("part text ~", "part transcript") for edge in ("added", "done")},
    **{f"response.output_item.{edge}": tuple(f"item {one}" for one in ITEMS) for edge in ("added", "done")},
    **{
        f"conversation.item.{edge}": tuple(f"item {one}" for one in ITEMS)
        for edge in ("created", "added", "done", "retrieved")
    },
    "response.created": tuple(f"response output * {one}" for one in ITEMS),
    "response.done": tuple(f"response output * {one}" for one in ITEMS),
}


class Realtime(Typed):
    """OpenAI's Realtime API."""

    TEXTS: ClassVar = REALTIME_TEXTS
    ENDS: ClassVar = REALTIME_ENDS
    WHOLES: ClassVar = REALTIME_WHOLES

    def read(self, event: Event, heard: Heard) -> None:
        kind, response = event.get("type"), event.get("response_id")
        if kind == "response.done":
            done = named(event.get("response")).get("id")
            heard.end(lambda key: key[1] == done, closes=True)
        elif kind == "response.output_item.done":
            item = named(event.get("item")).get("id")
            heard.end(lambda key: key[1:3] == (response, item), closes=True)
        super().read(event, heard)


READERS: dict[str, type[Typed]] = {
    "cohere": Cohere,
    "ui-message-stream": UIMessageStream,
    "ag-ui": AgUi,
    "openai-realtime": Realtime,
}
