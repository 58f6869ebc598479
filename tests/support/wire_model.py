"""A restorer of whole streams, slow and plain: it shows that there is an answer which the judge accepts.

It sees everything at once and reads with the judge's own readers, so it is no judge itself. Where the rules leave room,
it does the simplest: a tail leaves in the last place of its channel in the event that ends it, else in an event of its
own before that; parts of Gemini that are emptied are taken out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from json_oracle import SETTLED
from wire_blocks import READERS
from wire_channels import Channels, Instance, Restored
from wire_events import says_more
from wire_formats import Event, Key, Source, everything
from wire_json import BOM, Frame, Node, Path, frames
from wire_typed import Typed


class Model(Channels):
    """One stream: what is told of an event becomes its new texts, and the tails before it."""

    def __init__(self, pairs: Mapping[str, str], protocol: str, content: str = "auto") -> None:
        super().__init__()
        self.restored = Restored(pairs, content)
        self.protocol = protocol
        self.reader = READERS[protocol]()
        self.left: dict[Instance, str] = {}
        self.new: dict[Path, str] = {}
        self.last: dict[Instance, Path] = {}
        self.tails: list[tuple[Key, str]] = []
        self.is_withheld = False
        self.envelope: Event = {}
        self.latest: Event = {}
        self.dropped_usage: Any = None
        self.items: dict[Key, Any] = {}

    def _piece(self, instance: Instance) -> str:
        """What leaves now."""
        was = self.left.get(instance, "")
        out, held = self.restored.left(self.texts[instance], source=self.is_source[instance])
        assert out.startswith(was)
        self.left[instance] = out
        self.is_withheld |= held and out == was
        return out[len(was) :]

    def text(self, key: Key, path: Path, text: str, *, source: Source = False) -> None:
        super().text(key, path, text, source=source)
        instance = self.open.get(key)
        if instance is not None:
            self.new[path] = self._piece(instance) if text else ""
            self.last[instance] = path

    def end(self, which: Callable[[Key], bool], *, closes: bool = False) -> None:
        ending = [instance for key, instance in self.open.items() if which(key)]
        super().end(which, closes=closes)
        for instance in ending:
            if tail := self._piece(instance):
                if instance in self.last:
                    self.new[self.last[instance]] += tail
                else:
                    self.tails.append((instance[0], tail))

    # ---------------------------------------------------------------- events

    def event(self, doc: Node) -> tuple[str, bool]:
        """The source of the event behind its tails, and whether it is left out if it can be."""
        self.begin_event()
        self.new, self.last, self.tails, self.is_withheld = {}, {}, [], False
        event = doc.value
        number = self.latest.get("sequence_number")
        self._note(event)
        self.reader.read(event, self)
        self.latest["before"] = number
        documents = {
            path: self.restored.json.restore(node.raw).replace(SETTLED, "")
            for path, slot in self.slots.items()
            if slot.instance is None and slot.source is True
            if (node := doc.at(path)) is not None and node.kind != "string"
        }
        strings = {
            path: self.restored.whole(node.text, source=slot.source)
            for path, slot in self.slots.items()
            if slot.instance is None and (node := doc.at(path)) is not None and node.kind == "string"
        }
        is_out = self.is_withheld and not any(self.new.values()) and not says_more(self.protocol, event)
        new = {path: json.dumps(text) for path, text in {**self.new, **strings}.items()} | documents
        source = doc.source[: doc.start] + self._written(doc, (), new) + doc.source[doc.end :]
        return source, is_out

    def _note(self, event: Event) -> None:
        for name in ("id", "created", "model", "created_at", "modelVersion", "responseId"):
            if event.get(name) and isinstance(event[name], (str, int, float)):
                self.envelope.setdefault(name, event[name])
        for name in ("sequence_number", "usageMetadata"):
            if name in event:
                self.latest[name] = event[name]
        open_channels: Mapping[Key, list[set[Any]]] = getattr(self.reader, "open", {})
        for there, channels in open_channels.items():
            for ids in channels:
                (number,) = (one[1] for one in ids if isinstance(one, tuple))
                self.items[*there, number] = next(one for one in ids if not isinstance(one, tuple))

    def _written(self, node: Node, path: Path, new: Mapping[Path, str]) -> str:
        if path in new:
            text = new[path]
            return node.raw if node.kind == "string" and json.loads(text) == node.text else text
        if not any(one[: len(path)] == path for one in new) or not node.items:
            return node.raw
        names: list[Any] = list(node.names) if node.kind == "object" else list(range(len(node.items)))
        written = [
            self._written(item, (*path, name), new) if node.kind == "array" or node.is_last(at) else item.raw
            for at, (name, item) in enumerate(zip(names, node.items, strict=True))
        ]
        if self.protocol == "gemini" and path[-1:] == ("parts",):
            kept = [
                text
                for at, (item, text) in enumerate(zip(node.items, written, strict=True))
                if not (
                    set(item.names) <= {"text", "thought"}
                    and new.get((*path, at, "text")) == '""'
                    and item.value["text"]
                )
            ]
            if len(kept) < len(written):
                return f"[{','.join(kept)}]"
        out, at = "", node.start
        for item, text in zip(node.items, written, strict=True):
            out, at = out + node.source[at : item.start] + text, item.end
        return out + node.source[at : node.end]

    def tail(self, key: Key, text: str, number: Any) -> Event:
        """The event that carries the tail of a channel."""
        if isinstance(self.reader, Typed):
            return self.reader.tail(key, text)
        choice, name = key[0], key[1]
        if self.protocol == "anthropic":
            field = {"text_delta": "text", "input_json_delta": "partial_json", "thinking_delta": "thinking"}[
                name
            ]
            return {"type": "content_block_delta", "index": choice, "delta": {"type": name, field: text}}
        if self.protocol == "openai-responses":
            ids = ("output_index", "content_index", "summary_index", "command_index")
            places = {one: place for one, place in zip(ids, key[1:5], strict=True) if place is not None}
            item = self.items.get(key[:6])
            event = {"type": f"response.{choice}.delta", "sequence_number": number, "item_id": item, **places}
            event["delta"] = {key[6]: text} if len(key) > 6 else text
            return {field: value for field, value in event.items() if value is not None}
        if self.protocol == "gemini":
            part: Event = {"text": text, **({"thought": True} if name == "thought" else {})}
            if name == "partial":
                piece = {"jsonPath": key[2], "stringValue": text, "willContinue": True}
                part = {"functionCall": {"partialArgs": [piece], "willContinue": True}}
            usage = {} if self.dropped_usage is None else {"usageMetadata": self.dropped_usage}
            self.dropped_usage = None
            said = {"content": {"parts": [part], "role": "model"}, "index": choice}
            return {"candidates": [said], **usage, **self.envelope}
        if self.protocol == "ollama":
            said = {name[-1]: text}
            if len(name) == 2:
                said = {"message": {"role": "assistant", **said}}
            return {**self.envelope, **said, "done": False}
        if self.protocol == "openai-text":
            choices = {"index": choice, "text": text, "finish_reason": None}
            return {"object": "text_completion", **self.envelope, "choices": [choices]}
        delta: Event = {name: text}
        if name == "call":
            delta = {
                "tool_calls": [
                    {"index": key[2], key[3]: {"arguments" if key[3] == "function" else "input": text}}
                ]
            }
        elif name == "function_call":
            delta = {name: {"arguments": text}}
        elif name == "audio":
            delta = {name: {"transcript": text}}
        said = {"index": choice, "delta": delta, "finish_reason": None}
        return {"object": "chat.completion.chunk", **self.envelope, "choices": [said]}


def restore(
    given: bytes, pairs: Mapping[str, str], protocol: str, *, lines: bool, content: str = "auto"
) -> bytes:
    """What may leave for a stream."""
    model, out = Model(pairs, protocol, content), b""
    found = frames(given, lines=lines)

    def write(number: Any) -> bytes:
        end = b"\n" if lines else b"\n\n"
        events = [json.dumps(model.tail(key, text, number)).encode() for key, text in model.tails]
        return b"".join((b"" if lines else b"data: ") + event + end for event in events)

    def drain() -> bytes:
        model.last, model.tails = {}, []
        model.end(everything)
        return write(model.latest.get("sequence_number"))

    for at, frame in enumerate(found):
        if frame.is_end_mark:
            return out + drain() + b"".join(one.bytes for one in found[at:])
        if not frame.docs:
            out += b"" if frame.is_complete else drain()
            out += frame.bytes
            continue
        sources, is_out = [], True
        for doc in frame.docs:
            source, may_go = model.event(doc)
            out += write(model.latest["before"])
            sources.append(source)
            is_out &= may_go
        if is_out and frame.has_only_data:
            model.dropped_usage = model.latest.get("usageMetadata", model.dropped_usage)
            continue
        if any("usageMetadata" in doc.value for doc in frame.docs):
            model.dropped_usage = None
        first = at == 0 and given.startswith(BOM)
        out += (BOM if first else b"") + _frame(frame, sources, lines=lines)
        if not frame.is_complete and (tails := drain()):
            return out.rstrip(b"\r\n") + (b"\n" if lines else b"\n\n") + tails
    return out + drain()


def _frame(frame: Frame, sources: list[str], *, lines: bool) -> bytes:
    if lines:
        return "".join(sources).encode()
    if frame.others:
        values = iter(sources)
        return b"".join(
            line[: -len(value)] + (value if value in frame.others else next(values).encode()) + end
            if (value := line.partition(b":")[2].removeprefix(b" "))
            else line + end
            for line, end in frame.lines
        )
    data = [line for source in sources for line in source.encode().split(b"\n")]
    out, some = b"", [(line, end) for line, end in frame.lines if line.partition(b":")[0] == b"data"]
    for line, end in frame.lines:
        if line.partition(b":")[0] != b"data":
            out += line + end
        elif data:
            prefix = b"data: " if line.startswith(b"data: ") else b"data:"
            count = 1 if (line, end) != some[-1] else len(data)
            out += b"".join(prefix + one + end for one in data[:count])
            data = data[count:]
    return out
