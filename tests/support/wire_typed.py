"""The formats whose every event says its type and whose texts have ids of their own, for the judge: as tables."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

from wire_formats import Event, Heard, Key, Reader, everything, named, wholes
from wire_json import Path


class Said(NamedTuple):
    """Text in an event: where it stands, which kind of channel it is of, and the ids that tell which."""

    path: str
    kind: str
    ids: tuple[str, ...] = ()
    source: bool = False


class Typed(Reader):
    """One of these formats."""

    TEXTS: ClassVar[dict[str, tuple[Said, ...]]] = {}
    WHOLES: ClassVar[dict[str, tuple[str, ...]]] = {}
    ENDS: ClassVar[dict[str, tuple[Said, ...]]] = {}
    ALL: ClassVar[tuple[str, ...]] = ()

    def read(self, event: Event, heard: Heard) -> None:
        kind = str(event.get("type", ""))
        if kind in self.ALL or (not kind and event.get("error")):
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

    def hear(self, key: Key, path: Path, text: str, heard: Heard, *, source: bool) -> None:
        heard.text(key, path, text, source=source)

    def end(self, said: Said, event: Event, heard: Heard) -> None:
        key = self.key(said, event)
        heard.end(lambda other: other == key, closes=True)


AT = ("index",)


class Cohere(Typed):
    """The second version of Cohere's chat."""

    CONTENT = (
        Said("delta message content text", "text", AT),
        Said("delta message content thinking", "thinking", AT),
    )
    CALL = (Said("delta message tool_calls function arguments", "call", AT, source=True),)
    PLAN = (Said("delta message tool_plan", "plan"),)
    TEXTS: ClassVar = {
        "content-start": CONTENT,
        "content-delta": CONTENT,
        "tool-plan-delta": PLAN,
        "tool-call-start": CALL,
        "tool-call-delta": CALL,
    }
    ENDS: ClassVar = {
        "content-start": CONTENT,
        "content-end": CONTENT,
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


READERS: dict[str, type[Typed]] = {"cohere": Cohere}
