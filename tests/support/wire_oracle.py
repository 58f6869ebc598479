"""The judge of the byte layer: whether some output is right for some input. It shares no code with the product.

It sees both streams whole. Every event of both is read with the judge's own reader (``wire_json``), what each says
is collected by channel (``wire_formats``, ``wire_blocks``), and the oracles restore every channel as a whole. Then
the frames of the output are laid against those of the input. The output is right if there is a way to do so where

- every frame of the input has its image, in order, except those that must be left out: chat and Gemini events that
  are nothing but withheld text; the image of what has nothing to restore is the same bytes; in any other only the
  restored literals differ, or emptied parts are taken out, or a tail was put into its place;
- what stands between the images are valid events that carry nothing but tails, dressed like the stream;
- at every image exactly that text has left which must have left by then: no more, since the rest can still become a
  placeholder, and no less, since what ended before or in that event leaves before it or in it;
- a whole value is the restored whole.

``[DONE]`` ends the reading; the bytes from there on must be the same.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from wire_blocks import READERS
from wire_channels import Channels, Instance, Restored, Slot, size
from wire_events import Wrong, has_empty_part, is_image, says_more, tail_of
from wire_formats import everything
from wire_json import BOM, Frame, Lines, Node, Path, frames


class Rejected(AssertionError):
    """The output is wrong."""


class Read(NamedTuple):
    """A frame of the input, and what must be true at its image."""

    frame: Frame
    docs: list[dict[Path, Slot]]  # the slots of each of its events
    left: dict[Instance, int]  # how much of each channel must have left
    may_stay: bool
    may_go: bool
    seen: dict[str, Node]  # what synthetic events must say: by what was read up to here


class Said(NamedTuple):
    """A frame of the output, and what had left when it has."""

    frame: Frame
    docs: list[dict[Path, Slot]]
    left: dict[Instance, int]
    texts: set[Instance]  # that its events carry


def judge(
    given: bytes,
    out: bytes,
    pairs: Mapping[str, str],
    protocol: str,
    *,
    lines: Lines = False,
    signed: bool = False,
    largest: int | None = None,
    content: str = "auto",
    is_ended: bool = True,
    stops_at_oversized: bool = False,
) -> None:
    """Raise ``Rejected`` unless ``out`` is right.

    ``lines`` is the framing, ``signed`` whether signed text is restored, ``largest`` the size from which an event is
    not read, ``content`` what content is. Without ``is_ended`` the stream goes on, and ``given`` ends with a frame.
    With ``stops_at_oversized`` reading ended at the first event that is too large.
    """
    restored = Restored(pairs, content)
    read, rest = _frames_to_read(given, lines=lines, largest=largest, stops=stops_at_oversized)
    if rest:
        if not out.endswith(rest):
            raise Rejected("the bytes from where reading ended are not the same")
        out = out[: -len(rest)]
    heard = Channels()
    ins = _read_all(read, protocol, restored, heard, signed=signed)
    if is_ended or rest:
        heard.end(everything)
    said = Channels()
    found = _after_bom(given, out, lines=lines)
    unread = {frame.bytes.rstrip(b"\r\n") for frame in read if frame.is_oversized}
    for frame in found:
        if frame.bytes.rstrip(b"\r\n") in unread:  # what a restorer does not read, its judge does not either
            frame.docs = []
    outs = _said_all(found, protocol, said, signed=signed)
    if is_ended:
        _texts_agree(heard, said, restored)
        _arrays_agree(given, out + rest, lines=lines)
    final = _final(heard, restored, is_ended=is_ended or bool(rest))
    _lay(ins, outs, protocol, final)
    if protocol == "gemini" and ins and _nothing(ins[-1].left) != _nothing(final):
        _usage_agrees(ins, outs)


def texts(data: bytes, protocol: str, *, lines: Lines = False, signed: bool = False) -> dict[Instance, str]:
    """What a stream says, by channel."""
    heard = Channels()
    _said_all(frames(data, lines=lines), protocol, heard, signed=signed)
    return _that_say_something(heard.said())


def texts_of_chunks(chunks: Sequence[Any], protocol: str, *, signed: bool = False) -> dict[Instance, str]:
    """The same for events that are values."""
    heard, reader = Channels(), READERS[protocol](signed=signed)
    for chunk in chunks:
        reader.read(chunk, heard)
    return _that_say_something(heard.said())


def restored_texts(
    data: bytes,
    pairs: Mapping[str, str],
    protocol: str,
    *,
    lines: Lines = False,
    signed: bool = False,
    content: str = "auto",
) -> dict[Instance, str]:
    """What the stream must say once it is restored."""
    restored, heard = Restored(pairs, content), Channels()
    read, _ = _frames_to_read(data, lines=lines, largest=None, stops=False)
    _read_all(read, protocol, restored, heard, signed=signed)
    heard.end(everything)
    whole = {key: restored.whole(text, source=heard.is_source[key]) for key, text in heard.texts.items()}
    return _that_say_something(whole)


def _that_say_something(texts: Mapping[Instance, str]) -> dict[Instance, str]:
    """Those with text, numbered anew: of one that is restored to nothing it cannot be told that it was there."""
    counts: Counter[Any] = Counter()
    said = {}
    for (name, _), text in texts.items():
        if text:
            said[name, counts[name]] = text
            counts[name] += 1
    return said


# ---------------------------------------------------------------- the input


def _frames_to_read(
    given: bytes, *, lines: Lines, largest: int | None, stops: bool
) -> tuple[list[Frame], bytes]:
    """The frames up to where reading ends, and the bytes from there on."""
    found = frames(given, lines=lines, largest=largest)
    for number, frame in enumerate(found):
        if frame.is_end_mark or (stops and frame.is_oversized):
            return found[:number], b"".join(one.lead + one.bytes for one in found[number:])
    return found, b""


def _read_all(
    read: list[Frame], protocol: str, restored: Restored, heard: Channels, *, signed: bool
) -> list[Read]:
    reader = READERS[protocol](signed=signed)
    left: dict[Instance, int] = {}
    seen: dict[str, Node] = {}
    may_vanish = "" in restored.pairs.values()
    out = []
    for frame in read:
        docs, says, withheld, empties, has_tail = [], False, False, False, False
        for doc in frame.docs:
            heard.begin_event()
            reader.read(doc.value, heard)
            docs.append(_completed(heard.slots, doc, restored))
            for instance in heard.touched:
                was = left.get(instance, 0)
                left[instance], held = restored.so_far(
                    heard.texts[instance], source=heard.is_source[instance]
                )
                is_here = any(slot.instance == instance and slot.text for slot in docs[-1].values())
                says |= is_here and left[instance] > was
                withheld |= is_here and held
                empties |= is_here and protocol == "gemini"
                docs[-1] = {
                    path: slot._replace(is_held=held or not may_vanish) if slot.instance == instance else slot
                    for path, slot in docs[-1].items()
                }
                has_tail |= not is_here and left[instance] > was
            for name in ("id", "created", "model", "created_at", "modelVersion", "responseId"):
                node = doc.member(name)
                if name not in seen and node is not None and node.kind in ("string", "scalar") and node.value:
                    seen[name] = node
            for name in ("sequence_number", "usageMetadata"):
                node = doc.member(name)
                if node is not None:
                    seen[name] = node
        droppable = (
            bool(docs)
            and (withheld or empties)
            and not says
            and frame.has_only_data
            and not any(says_more(protocol, doc.value) for doc in frame.docs)
        )
        # Either is as good: another channel's tail may leave in it, or a text came to nothing beside one withheld.
        may_stay = (
            not droppable
            or len(docs) > 1
            or not withheld  # its text came to nothing
            or frame.behind_comment
            or (has_tail and protocol == "openai-chat")
            or any(has_empty_part(doc.value) for doc in frame.docs)
            or _is_mixed(docs, heard, restored)
        )
        out.append(Read(frame, docs, dict(left), may_stay, droppable, dict(seen)))
    return out


def _is_mixed(docs: list[dict[Path, Slot]], heard: Channels, restored: Restored) -> bool:
    instances = {slot.instance for doc in docs for slot in doc.values() if slot.instance and slot.text}
    return not all(restored.so_far(heard.texts[one], source=heard.is_source[one])[1] for one in instances)


def _completed(slots: dict[Path, Slot], doc: Node, restored: Restored) -> dict[Path, Slot]:
    """The slots with what must stand in those of whole values: the restored string, or the restored source."""
    out = {}
    for path, slot in slots.items():
        node = doc.at(path)
        if slot.instance is None and node is not None:
            if node.kind == "string":
                out[path] = slot._replace(text=restored.whole(node.text, source=slot.source))
            elif slot.source is True:
                out[path] = slot._replace(text=restored.json.restore(node.raw))
        else:
            out[path] = slot
    return out


def _final(heard: Channels, restored: Restored, *, is_ended: bool) -> dict[Instance, int]:
    if is_ended:
        return {
            one: size(restored.whole(text, source=heard.is_source[one])) for one, text in heard.texts.items()
        }
    return {one: restored.so_far(text, source=heard.is_source[one])[0] for one, text in heard.texts.items()}


# ---------------------------------------------------------------- the output


def _after_bom(given: bytes, out: bytes, *, lines: Lines) -> list[Frame]:
    if out.startswith(BOM) and not given.startswith(BOM):
        raise Rejected("a byte order mark begins the output and not the input")
    return frames(out, lines=lines)


def _said_all(found: list[Frame], protocol: str, said: Channels, *, signed: bool) -> list[Said]:
    reader = READERS[protocol](signed=signed)
    out = []
    for frame in found:
        docs: list[dict[Path, Slot]] = []
        carried: set[Instance] = set()
        for doc in frame.docs:
            said.begin_event()
            reader.read(doc.value, said)
            docs.append(said.slots)
            carried |= {slot.instance for slot in said.slots.values() if slot.instance and slot.text}
        left = {one: size(text) for one, text in said.said().items()}
        out.append(Said(frame, docs, left, carried))
    return out


def _texts_agree(heard: Channels, said: Channels, restored: Restored) -> None:
    expected = {one: restored.whole(text, source=heard.is_source[one]) for one, text in heard.texts.items()}
    got = said.said()
    for instance in expected | got:
        if expected.get(instance, "") != got.get(instance, ""):
            raise Rejected(
                f"the channel {instance} says {got.get(instance, '')!r}, not {expected.get(instance, '')!r}"
            )


def _arrays_agree(given: bytes, out: bytes, *, lines: Lines) -> None:
    """What was an array is one: no comma is missing, and none is too many."""
    if lines != "array":
        return
    try:
        json.loads(given)
    except ValueError:
        return
    try:
        json.loads(out)
    except ValueError:
        raise Rejected("it is no array any more") from None


def _usage_agrees(ins: list[Read], outs: list[Said]) -> None:
    """Where a tail leaves at the end, the last count of a Gemini stream reaches the client."""
    last = [
        [doc.member("usageMetadata") for frame in side for doc in frame.frame.docs] for side in (ins, outs)
    ]
    given, out = ([node.value for node in nodes if node is not None] for nodes in last)
    if given and out[-1:] != given[-1:]:
        raise Rejected("the last usageMetadata did not leave")


# ---------------------------------------------------------------- one against the other


def _nothing(left: dict[Instance, int]) -> dict[Instance, int]:
    return {one: count for one, count in left.items() if count}


def _lay(ins: list[Read], outs: list[Said], protocol: str, final: dict[Instance, int]) -> None:
    """Find a way to lay the output against the input: every step takes a frame of one of them, or of both."""
    todo, tried = [(0, 0)], {(0, 0)}
    furthest, why = (0, 0), "nothing fits"

    def left_at(number: int) -> dict[Instance, int]:
        return _nothing(outs[number - 1].left) if number else {}

    while todo:
        at, to = todo.pop()
        if at == len(ins) and to == len(outs):
            if left_at(to) == _nothing(final):
                return
            why = f"at the end has left {left_at(to)}, not {_nothing(final)}"
        steps, reasons = [], []
        if at < len(ins) and ins[at].may_go and left_at(to) == _nothing(ins[at].left):
            steps.append((at + 1, to))
        if to < len(outs):
            try:
                before = ins[at - 1].seen if at else {}
                seen = ins[at].seen if at < len(ins) else before
                tail_of(outs[to].frame, outs[to].docs, before, seen, protocol)
                steps.append((at, to + 1))
            except Wrong as wrong:
                reasons.append(f"no tail, {wrong}")
        if at < len(ins) and to < len(outs) and ins[at].may_stay:
            try:
                _image(ins[at], outs[to], protocol, final, is_last=at == len(ins) - 1)
                steps.append((at + 1, to + 1))
            except Wrong as wrong:
                reasons.append(f"no image, {wrong}")
        elif at < len(ins) and not ins[at].may_stay:
            reasons.append(
                f"the event must be left out once {_nothing(ins[at].left)} has left, {left_at(to)} has"
            )
        if (at, to) >= furthest:
            furthest, why = (at, to), "; ".join(reasons) or why
        for step in steps:
            if step not in tried:
                tried.add(step)
                todo.append(step)
    at, to = furthest
    raise Rejected(
        f"frame {at} of {len(ins)} and {to} of {len(outs)}: {why}"
        f"\n  in:  {ins[at].frame.bytes if at < len(ins) else b'(end)'!r}"
        f"\n  out: {outs[to].frame.bytes if to < len(outs) else b'(end)'!r}"
    )


def _image(one: Read, other: Said, protocol: str, final: dict[Instance, int], *, is_last: bool) -> None:
    """Raise unless the frame of the output is the image of that of the input."""
    missing_end = is_last and not one.frame.is_complete
    left, expected = _nothing(other.left), _nothing(one.left)
    if left != expected and not (missing_end and not one.docs and left == _nothing(final)):
        raise Wrong(f"{left} has left and not {expected}")  # tails may leave before what was cut off
    if one.frame.bytes == other.frame.bytes:
        return
    if missing_end and one.frame.bytes.rstrip(b"\r\n") == other.frame.bytes.rstrip(b"\r\n"):
        return  # it got the line ends that it lacked
    if not one.docs:
        raise Wrong("what is not read was changed")
    is_image(one.frame, other.frame, one.docs, protocol, ends_may_differ=missing_end)
