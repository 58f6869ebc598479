"""How invented events are written: spellings of JSON, lines, server-sent events, and accidents."""

from __future__ import annotations

import json
from random import Random
from typing import Any


def spelled(value: Any, rng: Random, gaps: tuple[str, ...] = ("", "", "", " ")) -> str:
    """The JSON of a value in some spelling."""

    def gap() -> str:
        return rng.choice(gaps)

    def string(chars: str) -> str:
        if rng.random() < 0.8:
            return json.dumps(chars, ensure_ascii=rng.random() < 0.4)
        return '"' + "".join(map(character, chars)) + '"'

    def character(char: str) -> str:
        code = ord(char)
        if code < 0x10000 and rng.random() < 0.3:
            return f"\\u{code:04x}" if rng.random() < 0.5 else f"\\u{code:04X}"
        return "\\/" if char == "/" else json.dumps(char, ensure_ascii=False)[1:-1]

    if isinstance(value, dict):
        members = [
            f"{gap()}{string(name)}{gap()}:{spelled(inner, rng, gaps)}" for name, inner in value.items()
        ]
        return "{" + ",".join(members) + gap() + "}"
    if isinstance(value, list):
        return "[" + ",".join(gap() + spelled(inner, rng, gaps) for inner in value) + "]"
    return gap() + (string(value) if isinstance(value, str) else json.dumps(value))


def as_lines(rng: Random, events: list[Any]) -> bytes:
    """One event a line."""
    end = rng.choice(("\n", "\n", "\r\n"))
    out = [spelled(event, rng) + end + (end if rng.random() < 0.03 else "") for event in events]
    return "".join(out).encode("utf-8", "surrogatepass")[: None if rng.random() < 0.8 else -len(end)]


JUNK = (
    "data: junk{",
    "data",
    "data: 5",
    "event: x",
    "data:{}",
    "data: []",
    "id: 7",
    'data: {"a":1} {}',
    "retry: 3",
)


def as_events(rng: Random, events: list[Any], *, wide: bool, named: bool) -> bytes:
    """Server-sent events, framed in some way."""
    newline = rng.choice(("\n", "\n", "\n", "\r\n", "\r"))
    space = rng.choice((" ", " ", ""))
    gaps = ("", "", "", " ", newline + "data:" + space) if rng.random() < 0.15 else ("", "", "", " ")
    out = ["\ufeff"] if rng.random() < 0.05 else []
    for event in events:
        if rng.random() < 0.05:
            comment = f": ping <P_1>{newline}"
            out.append(comment if wide and rng.random() < 0.5 else comment + newline)
        if rng.random() < 0.03:
            out.append(rng.choice(JUNK) + newline * 2)
        if named and "type" in event:
            out.append(f"event: {event['type']}{newline}")
        out.append(f"data:{space}{spelled(event, rng, gaps)}{newline}")
        out.append(f"id: 3{newline}" * (rng.random() < 0.05) + newline)
    if rng.random() < 0.5:
        out.append(f"data: [DONE]{newline}{newline}" + rng.choice(("", "", "data: {<P_1>", newline)))
    data = "".join(out).encode("utf-8", "surrogatepass")
    return data[: -rng.randint(1, 9)] if rng.random() < 0.1 else data


def hostile(rng: Random, data: bytes) -> bytes:
    """The bytes after an accident or two."""
    marks = (
        b"\n\n",
        b"\r\n\r\n",
        b"\r",
        b"data: [DONE]\n\n",
        b"data\n\n",
        b": x\n",
        b"\xed\xa0",
        b'{"a":1}\n',
        b"[",
    )
    for _ in range(rng.randint(1, 3)):
        at, to = sorted((rng.randint(0, len(data)), rng.randint(0, len(data))))
        kind = rng.randrange(7)
        if kind == 0:
            data = data[:at]
        elif kind == 1:
            data = data[:at] + data[min(to, at + 9) :]
        elif kind == 2:
            data = (
                data[:at] + bytes(rng.choices(b'\r\n:d\xff"{}\\\x1f\x00<[', k=rng.randint(1, 3))) + data[at:]
            )
        elif kind == 3:
            data = data[:to] + data[at:]
        elif kind == 4:
            data = data[:at] + rng.choice(marks) + data[at:]
        elif kind == 5:
            data = data.replace(
                *rng.choice(((b'":"', b'":'), (b"null", b"[]"), (b":0", b":1.0"), (b"<", b"\\u003c"))), 3
            )
        else:
            data = data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :]
    return data
