"""What the judge of the byte layer reads with: a strict JSON reader that knows where each value stands, and frames.

Nothing here is shared with the product. JSON is RFC 8259, and ``NaN``, ``Infinity``, ``-Infinity`` and lone
surrogates; numbers go by their grammar, whatever their length; at most 200 containers may be open at once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Literal

Path = tuple[str | int, ...]
Lines = bool | Literal["array"]
"""Whether frames are lines; ``"array"``: they are the elements of one JSON array."""

DEEPEST = 200
BOM = b"\xef\xbb\xbf"

BLANKS = re.compile(r"[ \t\n\r]*")
STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
SCALAR = re.compile(r"true|false|null|NaN|-?Infinity|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
LEAD = re.compile(rb"[ \t\r\n]*,?[ \t\r\n]*")
WORDS = {"true": True, "false": False, "null": None}


class NotJson(ValueError):
    """The text is no JSON as it is defined here."""


class Node:
    """A value, and where it stands in its source."""

    __slots__ = ("end", "items", "kind", "names", "source", "start", "text")

    def __init__(self, kind: str, source: str, start: int) -> None:
        self.kind = kind  # "object", "array", "string" or "scalar"
        self.source = source
        self.start = self.end = start
        self.items: list[Node] = []
        self.names: list[str] = []  # of the items of an object
        self.text = ""  # of a string

    @property
    def raw(self) -> str:
        return self.source[self.start : self.end]

    def is_last(self, number: int) -> bool:
        """Whether no later member has the same name."""
        return self.names[number] not in self.names[number + 1 :]

    def member(self, name: str | int) -> Node | None:
        if isinstance(name, int):
            return self.items[name] if self.kind == "array" and name < len(self.items) else None
        if self.kind != "object" or name not in self.names:
            return None
        return self.items[len(self.names) - 1 - self.names[::-1].index(name)]

    def at(self, path: Path) -> Node | None:
        node: Node | None = self
        for name in path:
            node = None if node is None else node.member(name)
        return node

    @property
    def value(self) -> Any:
        """The value as Python has it; of duplicate members the last."""
        if self.kind == "object":
            return {name: item.value for name, item in zip(self.names, self.items, strict=True)}
        if self.kind == "array":
            return [item.value for item in self.items]
        if self.kind == "string":
            return self.text
        raw = self.raw
        if raw in WORDS:
            return WORDS[raw]
        if raw.lstrip("-").isdigit() and len(raw) < 4000:
            return int(raw)
        return float(raw)


def parse(source: str) -> Node:
    """The value that a whole text is."""
    node, at = _value(source, _skip(source, 0), 0)
    if _skip(source, at) != len(source):
        raise NotJson
    return node


def _skip(source: str, at: int) -> int:
    found = BLANKS.match(source, at)
    assert found is not None
    return found.end()


def _value(source: str, at: int, depth: int) -> tuple[Node, int]:
    char = source[at : at + 1]
    if char == '"':
        return _string(source, at)
    if char in ("{", "["):
        return _container(source, at, depth + 1)
    found = SCALAR.match(source, at)
    if not found:
        raise NotJson
    node = Node("scalar", source, at)
    node.end = found.end()
    return node, node.end


def _string(source: str, at: int) -> tuple[Node, int]:
    found = STRING.match(source, at)
    if not found:
        raise NotJson
    node = Node("string", source, at)
    node.end = found.end()
    node.text = json.loads(found[0])
    return node, node.end


def _container(source: str, at: int, depth: int) -> tuple[Node, int]:
    if depth > DEEPEST:
        raise NotJson
    is_object = source[at] == "{"
    node = Node("object" if is_object else "array", source, at)
    close = "}" if is_object else "]"
    at = _skip(source, at + 1)
    if source[at : at + 1] == close:
        node.end = at + 1
        return node, node.end
    while True:
        if is_object:
            name, at = _string(source, at)
            node.names.append(name.text)
            at = _skip(source, at)
            if source[at : at + 1] != ":":
                raise NotJson
            at = _skip(source, at + 1)
        item, at = _value(source, at, depth)
        node.items.append(item)
        at = _skip(source, at)
        if source[at : at + 1] == close:
            node.end = at + 1
            return node, node.end
        if source[at : at + 1] != ",":
            raise NotJson
        at = _skip(source, at + 1)


def event_of(source: str) -> Node | None:
    """The event that a text is: a JSON object; None if it is none, so that it passes unread."""
    try:
        node = parse(source)
    except NotJson:
        return None
    return node if node.kind == "object" else None


# ---------------------------------------------------------------- frames

LINE = re.compile(rb"([^\r\n]*)(\r\n|\r|\n|$)")


class Frame:
    """A server-sent event, a comment line, an empty line, or a line of NDJSON, with its end."""

    __slots__ = (
        "behind_comment", "bytes", "closes", "data", "docs", "is_complete", "is_oversized", "lead", "lines", "others",
    )  # fmt: skip

    def __init__(self, data: bytes, lines: list[tuple[bytes, bytes]], *, is_complete: bool) -> None:
        self.bytes = data
        self.lines = lines  # each with its end
        self.is_complete = is_complete
        self.behind_comment = False
        self.lead = b""  # blanks and the comma before an element
        self.closes = False  # it is the closing bracket of the array
        self.is_oversized = False
        self.data: bytes | None = None
        self.docs: list[Node] = []
        self.others: list[bytes] = []  # the data lines beside them that are no events

    @property
    def is_end_mark(self) -> bool:
        return self.closes or (self.data is not None and self.data.startswith(b"[DONE]"))

    @property
    def has_only_data(self) -> bool:
        return all(not line or _is_data(line) for line, _ in self.lines)

    def understand(self, values: list[bytes]) -> None:
        """Read the values of the ``data`` lines: as one event, else those lines that are events on their own."""
        if not values:
            return
        self.data = b"\n".join(values)
        for sources in [[self.data], values]:
            docs = [_event_in(source) for source in sources]
            self.docs = [doc for doc in docs if doc is not None]
            self.others = [source for source, doc in zip(sources, docs, strict=True) if doc is None]
            if self.docs:
                return


def _event_in(source: bytes) -> Node | None:
    try:
        return event_of(source.decode())
    except UnicodeDecodeError:
        return None


def _is_data(line: bytes) -> bool:
    return line.partition(b":")[0] == b"data"


def frames(data: bytes, *, lines: Lines, largest: int | None = None) -> list[Frame]:
    """The frames of a whole stream; one of more than ``largest`` bytes is not understood."""
    found = list(_elements(data) if lines == "array" else _lines(data) if lines else _events(data))
    for frame in found:
        frame.is_oversized = largest is not None and len(frame.bytes.rstrip(b"\r\n")) > largest
        if frame.is_oversized:
            continue
        if lines:
            frame.understand([frame.bytes.removeprefix(BOM) if frame is found[0] else frame.bytes])
        else:
            frame.understand([line[5:].removeprefix(b" ") for line, _ in frame.lines if _is_data(line)])
    return found


def _lines(data: bytes) -> Iterator[Frame]:
    for line in re.findall(rb"[^\n]*\n|[^\n]+$", data):
        end = line[len(line.rstrip(b"\r\n")) :]
        yield Frame(line, [(b"data", end)], is_complete=line.endswith(b"\n"))


def _elements(data: bytes) -> Iterator[Frame]:
    """The brackets and the elements of an array; what is behind it, or is cut off, is one frame."""
    at, is_open = 0, False
    while at < len(data):
        lead = LEAD.match(data, at)
        assert lead is not None
        begin, is_complete = lead.end(), True
        if data[begin : begin + 1] == (b"]" if is_open else b"["):
            end = begin + 1
        else:
            try:
                end = begin + len(_first_value(data[begin:].decode()).encode())
            except ValueError:
                end, is_complete = len(data), False
        frame = Frame(data[begin:end], [(b"data", b"")], is_complete=is_complete)
        frame.lead, frame.closes = lead[0], is_open and frame.bytes == b"]"
        is_open = True
        yield frame
        at = end
        if frame.closes:
            yield Frame(data[at:], [(b"data", b"")], is_complete=True)
            return


def _first_value(text: str) -> str:
    return text[: json.JSONDecoder().raw_decode(text)[1]]


def _events(data: bytes) -> Iterator[Frame]:
    """Lines up to an empty one; a comment line where an event would begin is a frame of its own."""
    lines: list[tuple[bytes, bytes]] = []
    start, behind_comment = 0, False
    for found in LINE.finditer(data):
        line, end = found.groups()
        if not found[0]:
            continue
        named = line.removeprefix(BOM) if found.start() == 0 else line
        lines.append((named, end))
        is_comment = len(lines) == 1 and named.startswith(b":") and bool(end)
        if is_comment or (not line and end):
            frame = Frame(data[start : found.end()], lines, is_complete=True)
            frame.behind_comment = behind_comment
            behind_comment = is_comment
            yield frame
            lines, start = [], found.end()
    if lines:
        frame = Frame(data[start:], lines, is_complete=False)
        frame.behind_comment = behind_comment
        yield frame
