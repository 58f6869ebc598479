"""One event against another, for the judge: images, tails, and what an event says besides text."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

import wire_typed
from oracle import join_halves
from wire_channels import Slot
from wire_formats import Chat, Event, listed, named
from wire_json import Frame, Node, NotJson, Path, parse


class Wrong(Exception):
    """Why one is not what it should be."""


# ---------------------------------------------------------------- images


def is_image(
    frame: Frame, image: Frame, docs: list[dict[Path, Slot]], protocol: str, *, ends_may_differ: bool
) -> None:
    """Raise unless ``image`` is ``frame`` with its slots filled anew, emptied parts taken out, tails put in."""
    rest = list(image.docs)
    is_alike = len(frame.docs) == len(image.docs)
    for doc, slots in zip(frame.docs, docs, strict=True):
        try:
            if not rest:
                raise Wrong("an event is missing")
            is_alike &= _Comparison(slots, protocol, ends_may_differ=ends_may_differ).same(doc, rest[0])
        except Wrong:
            if len(frame.docs) == 1 or says_more(protocol, doc.value):
                raise
            is_alike = False
        else:
            rest.pop(0)
    if rest or frame.others != image.others:
        raise Wrong("an event too many, or a line that is none was changed")
    ours, theirs = (list(_besides(one, ends=not ends_may_differ)) for one in (frame, image))
    if not is_alike:  # with what was taken out lines may have gone
        ours, theirs = ([line for line in some if not line[0]] for some in (ours, theirs))
    if ours != theirs or not (ends_may_differ or frame.lines[-1][1] == image.lines[-1][1]):
        raise Wrong("the lines around the data differ")


def _besides(frame: Frame, *, ends: bool) -> Iterator[tuple[bool, bytes]]:
    """The lines of a frame: of its data how it begins, of others all."""
    for line, end in frame.lines:
        is_data = line.partition(b":")[0] == b"data"
        kept = line[: 6 if line.startswith(b"data: ") else 5] if is_data else line
        if kept or ends:
            yield is_data, kept + (end if ends else b"")


class _Comparison:
    """Of one event with its image."""

    def __init__(self, slots: dict[Path, Slot], protocol: str, *, ends_may_differ: bool) -> None:
        self.ends_may_differ = ends_may_differ
        self.slots = slots
        self.protocol = protocol
        self.shape = True  # nothing was taken out or put in
        self.on_the_way = {path[:depth] for path in slots for depth in range(len(path))}

    def same(self, one: Node, other: Node) -> bool:
        """Raise unless the events are the same but for the slots; whether nothing was taken out or put in."""
        self.node(one, other, ())
        if self.shape and self._masked(one) != self._masked(other):
            raise Wrong("the blanks differ")
        return self.shape

    def _masked(self, root: Node) -> str:
        spans = sorted((node.start, node.end) for path in self.slots if (node := root.at(path)) is not None)
        out, at = "", 0
        for start, end in spans:
            out, at = out + root.source[at:start] + "\0", end
        out += root.source[at:]
        return out.rstrip("\r\n") if self.ends_may_differ else out

    def node(self, one: Node, other: Node, path: Path) -> None:
        slot = self.slots.get(path)
        if slot is not None:
            self._slot(slot, one, other, path)
        elif one.raw == other.raw and path not in self.on_the_way:
            return
        elif one.kind == other.kind == "object":
            self._members(one, other, path)
        elif one.kind == other.kind == "array":
            self._items(one, other, path)
        elif one.raw == "null" and _is_place(path[-1]) and other.kind != "scalar":
            self.shape = False  # a tail; how much text it brings is counted elsewhere
        elif one.raw != other.raw:
            raise Wrong(f"{path} differs, which is not restored")

    def _slot(self, slot: Slot, one: Node, other: Node, path: Path) -> None:
        if one.kind == "string" and other.kind == "string":
            if slot.instance is None and join_halves(other.text) != join_halves(slot.text):
                raise Wrong(f"{path} is not the restored whole")
            if other.text == one.text and other.raw != one.raw:
                raise Wrong(f"{path} is spelled anew")
        elif slot.instance is None:
            self._document(slot.text, other, path)
        else:
            raise Wrong(f"{path} is no string any more")

    def _document(self, source: str, other: Node, path: Path) -> None:
        try:
            expected = parse(source)
        except NotJson:
            expected = None
        if expected is None or not _equal(expected, other):
            raise Wrong(f"{path} is not the restored document")

    def _members(self, one: Node, other: Node, path: Path) -> None:
        at = 0
        for number, (name, item) in enumerate(zip(other.names, other.items, strict=True)):
            if at < len(one.names) and one.names[at] == name:
                here = (*path, name)
                if one.is_last(at):
                    self.node(one.items[at], item, here)
                elif one.items[at].raw != item.raw:
                    raise Wrong(f"the first of two {here} differs")
                at += 1
            elif name in one.names or not other.is_last(number):
                raise Wrong(f"the members of {path} have changed places")
            else:
                self.shape = False  # a tail; how much text it brings is counted elsewhere
                if not _is_place(name):
                    raise Wrong(f"{path} has a new member")
        if at < len(one.names):
            raise Wrong(f"a member of {path} is lost")

    def _items(self, one: Node, other: Node, path: Path) -> None:
        rest = list(enumerate(one.items))
        for item in other.items:
            while rest:
                position, mine = rest.pop(0)
                try:
                    self.node(mine, item, (*path, position))
                    self._is_no_empty_part(mine, item, (*path, position))
                except Wrong:
                    if not self._may_go(mine, (*path, position)):
                        raise
                    self.shape = False
                else:
                    break
            else:
                self.shape = False
                if path[-1] != "content" or set(item.names) != {"type", "text"}:
                    raise Wrong(f"an element of {path} is new")
        for position, mine in rest:
            self.shape = False
            if not self._may_go(mine, (*path, position)):
                raise Wrong(f"an element of {path} is lost")

    def _may_go(self, part: Node, path: Path) -> bool:
        """Whether an emptied part of Gemini is taken out."""
        is_text = path[-2:-1] == ("parts",) and (*path, "text") in self.slots
        return is_text and not set(part.names) - {"text", "thought"} and bool(part.value["text"])

    def _is_no_empty_part(self, part: Node, image: Node, path: Path) -> None:
        if self._may_go(part, path) and not image.value.get("text"):
            slot = self.slots[(*path, "text")]
            if self.protocol == "gemini" and slot.is_held:
                raise Wrong(f"{path} is an empty part")


def _is_place(name: str | int) -> bool:
    """Whether text can stand in a member of that name: a tail may bring it along."""
    return name in {
        "content", "reasoning_content", "reasoning", "reasoning_text", "refusal", "audio", "transcript",
        "function_call",
        "tool_calls", "function", "arguments", "custom", "input", "text", "thinking", "response", "delta",
        "index",
    }  # fmt: skip


def _equal(one: Node, other: Node) -> bool:
    """Whether documents are the same: numbers as they are spelled, members in order."""
    if one.kind != other.kind:
        return False
    if one.kind == "string":
        return join_halves(one.text) == join_halves(other.text)
    if one.kind == "scalar":
        return one.raw == other.raw
    names = [[join_halves(name) for name in node.names] for node in (one, other)]
    return (
        names[0] == names[1]
        and len(one.items) == len(other.items)
        and all(map(_equal, one.items, other.items))
    )


# ---------------------------------------------------------------- what an event says besides text

ABSENT: tuple[Any, ...] = (None, "", [], {})
ENVELOPE = (
    "id",
    "object",
    "created",
    "model",
    "system_fingerprint",
    "service_tier",
    "provider",
    "obfuscation",
)
GEMINI_ENVELOPE = ("modelVersion", "responseId", "createTime", "usageMetadata")


def _is_absent(value: Any) -> bool:
    return value is None or value in ("", [], {})


def _others(node: Event, *but: str) -> bool:
    return any(name not in but and not _is_absent(value) for name, value in node.items())


def says_more(protocol: str, event: Event) -> bool:
    """Whether an event must leave although all its text is withheld."""
    if protocol == "openai-chat":
        return _others(event, *ENVELOPE, "choices") or any(
            map(_choice_says_more, listed(event.get("choices")))
        )
    if protocol == "gemini":
        return _others(event, *GEMINI_ENVELOPE, "candidates") or any(
            map(_candidate_says_more, listed(event.get("candidates")))
        )
    return True


def has_empty_part(event: Event) -> bool:
    """Whether a provider sent an empty part itself: then an event may leave with that alone, or be left out."""
    return any(
        named(part).get("text") == ""
        for candidate in listed(event.get("candidates"))
        for part in listed(named(named(candidate).get("content")).get("parts"))
    )


def _choice_says_more(choice: Any) -> bool:
    delta = named(choice).get("delta")
    if not isinstance(choice, dict):
        return not _is_absent(choice)
    if _others(choice, "index", "delta") or not (isinstance(delta, dict) or _is_absent(delta)):
        return True
    return any(
        not _is_absent(value) and _field_says_more(name, value) for name, value in named(delta).items()
    )


def _field_says_more(name: str, value: Any) -> bool:
    if name in (*Chat.REASONING, "refusal", "content") and isinstance(value, str):
        return False
    if name == "content" and isinstance(value, list):
        return any(not isinstance(part, str) and _part_says_more(named(part)) for part in value)
    if name == "reasoning_details":
        return any(_others(named(one), "type", "index", "format", "text", "summary") for one in listed(value))
    if name == "audio":
        return _others(named(value), "transcript")
    if name == "function_call":
        return _others(named(value), "arguments") or not isinstance(named(value).get("arguments"), str)
    if name == "tool_calls":
        return any(_call_says_more(named(call)) for call in listed(value))
    return True


def _part_says_more(part: Event) -> bool:
    if part.get("type") != "thinking":
        return _others(part, "type", "index", "text")
    return _others(part, "type", "thinking") or any(
        _others(named(one), "type", "text") for one in listed(part.get("thinking"))
    )


def _call_says_more(call: Event) -> bool:
    function, custom = named(call.get("function")), named(call.get("custom"))
    return (
        _others(call, "index", "function", "custom")
        or _others(function, "arguments")
        or _others(custom, "input")
        or isinstance(function.get("arguments"), dict)
    )


def _candidate_says_more(candidate: Any) -> bool:
    content = named(candidate).get("content")
    if _others(named(candidate), "index", "content") or _others(named(content), "role", "parts"):
        return True
    return any(
        _others(named(part), "text", "thought") or not isinstance(named(part).get("text"), str)
        for part in listed(named(content).get("parts"))
    )


# ---------------------------------------------------------------- tails


def tail_of(
    frame: Frame, docs: list[dict[Path, Slot]], before: dict[str, Node], seen: dict[str, Node], protocol: str
) -> None:
    """Raise unless a frame is an event that carries nothing but a tail, and is dressed like the stream.

    It must say what was said ``before`` it, and may say what the event that it leaves before has ``seen``.
    """
    if len(frame.docs) != 1 or not frame.is_complete:
        raise Wrong("it has not one event")
    _needs(len({end for _, end in frame.lines}) == 1, "its line ends")
    (doc,), (slots,) = frame.docs, docs
    if not any(slot.text for slot in slots.values()) or any(slot.instance is None for slot in slots.values()):
        raise Wrong("it carries no text")
    event = doc.value
    if protocol in ("openai-chat", "openai-text"):
        kind = "chat.completion.chunk" if protocol == "openai-chat" else "text_completion"
        _needs(
            event.get("object") == kind and len(listed(event.get("choices"))) == 1, "its object or choices"
        )
        _needs(not event["choices"][0].get("finish_reason"), "it finishes")
        _needs(set(event) <= {*ENVELOPE, "choices"}, "its members")
        _dressed(doc, before, seen, "id", "created", "model")
    elif protocol == "gemini":
        _needs(set(event) <= {*GEMINI_ENVELOPE, "candidates"}, "its members")
        content = named(event["candidates"][0]).get("content")
        _needs(not _others(named(event["candidates"][0]), "index", "content"), "its candidate")
        _needs(
            named(content).get("role") == "model" and len(listed(named(content).get("parts"))) == 1,
            "its content",
        )
        _dressed(doc, before, seen, "modelVersion", "responseId")
        usage = doc.member("usageMetadata")
        counts = [one["usageMetadata"] for one in (before, seen) if "usageMetadata" in one]
        _needs(usage is None or any(_equal_values(usage, one) for one in counts), "its usageMetadata")
    elif protocol == "ollama":
        _needs(event.get("done") is False, "its done")
        _needs("message" not in event or named(event["message"]).get("role") == "assistant", "its role")
        _dressed(doc, before, seen, "model", "created_at")
    else:
        _typed_tail(frame, event, protocol)
        # The number of the event that is to come would let a client that resumes behind it miss that event.
        _dressed(doc, before, before, *(("sequence_number",) if protocol == "openai-responses" else ()))


def _typed_tail(frame: Frame, event: Event, protocol: str) -> None:
    kind = str(event.get("type"))
    if protocol in wire_typed.READERS:
        _needs(
            any(
                set(event) <= {"type", "event_id", said.path.split()[0], *said.ids}
                for said in wire_typed.READERS[protocol].TEXTS.get(kind, ())
            ),
            "its members",
        )
    elif protocol == "anthropic":
        _needs(kind == "content_block_delta" and set(event) <= {"type", "index", "delta"}, "its members")
    else:
        ids = {"item_id", "output_index", "content_index", "summary_index", "command_index"}
        _needs(
            kind.endswith(".delta") and set(event) <= {"type", "delta", "sequence_number", *ids},
            "its members",
        )
    names = [line for line, _ in frame.lines if line.startswith(b"event:")]
    _needs(names in ([], [b"event: " + kind.encode()]), "its name")


def _needs(is_right: bool, what: str) -> None:
    if not is_right:
        raise Wrong(f"{what} is wrong")


def _dressed(doc: Node, before: dict[str, Node], seen: dict[str, Node], *names: str) -> None:
    for name in names:
        mine = doc.member(name)
        if mine is None and name in before:
            raise Wrong(f"it has no {name}")
        if mine is not None and (name not in seen or not _equal_values(mine, seen[name])):
            raise Wrong(f"its {name} is not the stream's")


def _equal_values(one: Node, other: Node) -> bool:
    if one.kind == other.kind == "scalar":
        try:
            return Decimal(one.raw) == Decimal(other.raw)
        except InvalidOperation:
            return one.raw == other.raw
    return bool(one.value == other.value)


__all__ = ["Wrong", "has_empty_part", "is_image", "says_more", "tail_of"]
