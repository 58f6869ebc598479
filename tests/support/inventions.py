"""Invented byte streams: what a provider could send, in any protocol, any spelling of its JSON, any framing.

They draw from a ``random.Random``, so that Hypothesis, the fuzzer and a plain loop can all drive them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from random import Random
from typing import Any

from wires import BOM

PAIRS = {
    "<P_1>": 'Ada "x"\n\u2028é',
    "<P_10>": "B",
    "<P_2>": "",
    "/Q": "slash\\",
    "né": "ne",
    "Zo": "<P_1",
    "Zo G": "Z",
}
RARE = {"<P_1>": 'Ada "x"\n\u2028é', "<P_10>": "B", "☃": "S", "\t\t": "|"}
"""Keys whose beginnings most events do not contain: the fast path is taken."""
TEXTS = ("<P", "_1", ">", "0>", "hello ", "/", "Q", "n", "é", "<", "\\u", '"q"', "😀", "Zo", " G", "")
SOURCES = (*TEXTS, "{", "}", '"', "\\", '{"a":"', '"}', "\\u003c", "\\u00", "3cP_1>", "[1.0,")
NUMBERS = ("1.0", "1e5", "-0", "123456789012345678901234567890", "0.10", "7")


class Raw(str):
    """Source that is to be written as it is."""

    __slots__ = ()


def stream(rng: Random) -> tuple[bytes, str]:
    """A stream and the name of its protocol."""
    protocol = rng.choice(list(INVENTORS))
    if protocol in ALIKE and rng.random() < 0.4:
        return alike(rng, protocol), protocol
    invent = INVENTORS[protocol]
    count = rng.randint(1, 7)
    events = [invent(rng, number) for number in range(count)]
    return (_as_lines if protocol == "ollama" else _as_events)(rng, events), protocol


def hostile(rng: Random, data: bytes) -> bytes:
    """The stream after an accident or two."""
    for _ in range(rng.randint(1, 3)):
        at, to = sorted((rng.randint(0, len(data)), rng.randint(0, len(data))))
        what = rng.randrange(6)
        if what == 0:
            data = data[:at]
        elif what == 1:
            data = data[:at] + data[min(to, at + 9) :]
        elif what == 2:
            data = (
                data[:at] + bytes(rng.choices(b'\r\n:d\xff"{}\\\x1f\x00<[', k=rng.randint(1, 3))) + data[at:]
            )
        elif what == 3:
            data = data[:to] + data[at:]
        elif what == 4:
            data = (
                data[:at]
                + rng.choice((b"\n\n", b"\r\n\r\n", b"data: [DONE]\n\n", b"data\n\n", b"\xed\xa0"))
                + data[at:]
            )
        else:
            data = data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :]
    return data


def spelled(value: Any, rng: Random, *, lines: bool = False) -> str:
    """The JSON of a value, spelled as badly as is legal."""
    blank = rng.choice(("", "", "", " ", "  ", "\t", "" if lines else "\n"))

    def gap() -> str:
        return blank if rng.random() < 0.3 else ""

    def string(text: str) -> str:
        if rng.random() < 0.7:
            return json.dumps(text, ensure_ascii=rng.random() < 0.3)
        return '"' + "".join(map(character, text)) + '"'

    def character(char: str) -> str:
        if rng.random() < 0.2:
            escaped = json.dumps(char)[1:-1]
            if len(escaped) == 1:
                code = f"{ord(char):04x}"
                escaped = "\\u" + (code.upper() if rng.random() < 0.5 else code)
            return escaped
        if char == "/" and rng.random() < 0.5:
            return "\\/"
        return json.dumps(char, ensure_ascii=False)[1:-1]

    def write(node: Any) -> str:
        if isinstance(node, Raw):
            return str(node)
        if isinstance(node, str):
            return string(node)
        if isinstance(node, dict):
            members = [(name, write(inner)) for name, inner in node.items()]
            if members and rng.random() < 0.03:
                members.insert(0, (members[-1][0], rng.choice(('"<P_1>"', "1.0", "{}", "[[]]"))))
            inside = ",".join(
                f"{gap()}{string(name)}{gap()}:{gap()}{inner}{gap()}" for name, inner in members
            )
            return "{" + (inside or gap()) + "}"
        if isinstance(node, list):
            return "[" + ",".join(gap() + write(inner) + gap() for inner in node) + "]"
        return json.dumps(node)

    return write(value)


def _as_lines(rng: Random, events: list[Any]) -> bytes:
    end = rng.choice(("\n", "\n", "\r\n"))
    text = "".join(
        ("\n" if rng.random() < 0.05 else "") + spelled(event, rng, lines=True) + end for event in events
    )
    return (BOM if rng.random() < 0.05 else b"") + _encoded(text[: -len(end)] if rng.random() < 0.2 else text)


def _as_events(rng: Random, events: list[Any]) -> bytes:
    out = [BOM.decode()] if rng.random() < 0.1 else []
    newline = rng.choice(("\n", "\n", "\r\n", "\r"))
    for event in events:
        if rng.random() < 0.1:
            newline = rng.choice(("\n", "\r\n", "\r"))
        if rng.random() < 0.1:
            out.append(rng.choice((f": ping <P_1>{newline}", newline, f"id: 7{newline}retry:3{newline}")))
        if isinstance(event, dict) and "type" in event and rng.random() < 0.8:
            out.append(f"event: {event['type']}{newline}")
        space = rng.choice((" ", " ", " ", ""))
        out += [f"data:{space}{line}{newline}" for line in spelled(event, rng).split("\n")]
        out.append(newline if rng.random() < 0.95 else rng.choice(("\n", "\r\n", "\r")))
        if rng.random() < 0.04:
            junk = (
                "data: junk{",
                "data",
                "data: 5",
                "data: [DONE]",
                "data: [DO",
                "event: x",
                "data:{}",
                "data: []",
            )
            out.append(rng.choice(junk) + newline * 2)
    for _ in range(rng.choice((0, 1, 1, 2))):
        out.append(f"data: [DONE]{newline}{newline}")
    data = _encoded("".join(out))
    return data[: -rng.randint(1, 4)] if rng.random() < 0.15 else data


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _text(rng: Random, among: Sequence[str] = TEXTS) -> str:
    return "".join(rng.choices(among, k=rng.randint(0, 3)))


def _chat(rng: Random, number: int) -> Any:
    kind = rng.random()
    delta: Any
    if kind < 0.55:
        delta = {"content": _text(rng)}
    elif kind < 0.65:
        delta = {rng.choice(("reasoning_content", "reasoning", "refusal")): _text(rng)}
    elif kind < 0.8:
        call = {"index": rng.randint(0, 1), "function": {"arguments": _text(rng, SOURCES)}}
        delta = {"tool_calls": [call]}
    elif kind < 0.85:
        delta = {"content": [{"type": "text", "text": _text(rng)}, _text(rng)]}
    else:
        delta = rng.choice(
            (None, {}, {"content": None}, {"role": "assistant", "content": ""}, {"x": Raw("1.0")})
        )
    choice: dict[str, Any] = {"index": rng.randint(0, 1), "delta": delta}
    if rng.random() < 0.15:
        choice["finish_reason"] = "stop"
    elif rng.random() < 0.5:
        choice["finish_reason"] = None
    event: dict[str, Any] = {
        "id": "x",
        "object": "chat.completion.chunk",
        "created": Raw("1.5e3"),
        "model": "m",
        "n": Raw(rng.choice(NUMBERS)),
    }
    if rng.random() < 0.2:
        del event[rng.choice(("id", "created", "model"))]
    kind = rng.random()
    if kind < 0.05:
        return {**event, "choices": [], "usage": {"n": Raw("1.0")}}
    if kind < 0.08:
        return {**event, "error": {"message": "<P_1>"}}
    return {**event, "choices": [choice]}


def _completion(rng: Random, number: int) -> Any:
    choice = {"index": rng.randint(0, 1), "text": rng.choice((_text(rng), _text(rng), None))}
    if rng.random() < 0.2:
        choice["finish_reason"] = "stop"
    return {"id": "c", "object": "text_completion", "created": 1, "model": "m", "choices": [choice]}


def _anthropic(rng: Random, number: int) -> Any:
    if number == 0:
        return {"type": "message_start", "message": {"role": "assistant", "content": []}}
    index = rng.randint(0, 1)
    kinds = {
        "text_delta": ("text", TEXTS),
        "thinking_delta": ("thinking", TEXTS),
        "input_json_delta": ("partial_json", SOURCES),
    }
    kind = rng.choice(list(kinds))
    field, among = kinds[kind]
    delta = {"type": "content_block_delta", "index": index, "delta": {"type": kind, field: _text(rng, among)}}
    start = {
        "type": "content_block_start",
        "index": index,
        "content_block": {"type": "text", "text": _text(rng)},
    }
    tool = {"type": "tool_use", "id": "<P_1>", "name": "f", "input": {"né": [_text(rng), Raw("1.0")]}}
    others = (
        start,
        {**start, "content_block": tool},
        {"type": "content_block_stop", "index": index},
        {"type": "ping"},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"n": Raw("1e5")}},
        {"type": "error", "error": {"message": "x"}},
    )
    return delta if rng.random() < 0.65 else rng.choice(others)


def _responses(rng: Random, number: int) -> Any:
    item = f"i{rng.randint(0, 1)}"
    ids = {"item_id": item, "output_index": 0, "content_index": 0, "sequence_number": number}
    text = {"type": "response.output_text", **ids}
    arguments = {"type": "response.function_call_arguments", "item_id": item, "output_index": 1}
    part = {"type": "output_text", "text": _text(rng), "annotations": []}
    message = {"type": "message", "id": item, "content": [part]}
    events: tuple[dict[str, Any], ...] = (
        {**text, "type": "response.output_text.delta", "delta": _text(rng), "logprobs": []},
        {**text, "type": "response.output_text.done", "text": _text(rng)},
        {**arguments, "type": "response.function_call_arguments.delta", "delta": _text(rng, SOURCES)},
        {**arguments, "type": "response.function_call_arguments.done", "arguments": '{"a": "<P_1>"}'},
        {"type": "response.output_item.done", "output_index": 0, "item": message},
        {"type": "response.completed", "response": {"n": Raw("1.0"), "output": [message]}},
    )
    return rng.choice((*events[:1], *events[:1], *events[2:3], *events))


def _gemini(rng: Random, number: int) -> Any:
    call = {"name": "f", "args": {"né": [_text(rng), {"a": _text(rng)}], "n": Raw(rng.choice(NUMBERS))}}
    parts = (
        {"text": _text(rng)},
        {"text": _text(rng), "thought": True},
        {"text": _text(rng), "thoughtSignature": "PFA="},
        {"functionCall": call},
    )
    said = {"content": {"parts": rng.choices(parts, k=rng.randint(0, 2)), "role": "model"}, "index": 0}
    if rng.random() < 0.15:
        said["finishReason"] = "STOP"
    return {"candidates": [said], "modelVersion": "g", "responseId": "r"}


def _ollama(rng: Random, number: int) -> Any:
    message: dict[str, Any] = {"role": "assistant", "content": _text(rng)}
    if rng.random() < 0.2:
        message = {"role": "assistant", "content": "", "thinking": _text(rng)}
    if rng.random() < 0.1:
        message["tool_calls"] = [{"function": {"name": "f", "arguments": {"a": _text(rng), "n": Raw("1.0")}}}]
    if rng.random() < 0.05:
        return {"error": "x"}
    return {"model": "m", "created_at": "t", "message": message, "done": rng.random() < 0.15}


INVENTORS = {
    "openai-chat": _chat,
    "openai-text": _completion,
    "anthropic": _anthropic,
    "openai-responses": _responses,
    "gemini": _gemini,
    "ollama": _ollama,
}


_CHUNK = '{"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":%s,"delta":%s}]%s}'
_CALL = '{"tool_calls":[{"index":0,"function":{"arguments":SOURCE}}]}'
_BLOCK = '{"type":"content_block_delta","index":%s,"delta":%s}'
_IDS = '"item_id":"i","output_index":0,"content_index":0'
_PART = '{"type":"response.%s.delta","sequence_number":COUNT,' + _IDS + ',"delta":%s}'
_COMPLETION = (
    '{"id":"c","created":1,"model":"m","object":"text_completion","choices":[{"index":0,"text":TEXT%s}]}'
)
_LINE = '{"model":"m","created_at":FILL,%s,"done":%s}'
ALIKE = {
    "openai-chat": (
        _CHUNK % (0, '{"content":TEXT}', ""),
        _CHUNK % (0, '{"content":TEXT}', ',"obfuscation":FILL'),
        _CHUNK % (1, '{"content":TEXT}', ""),
        _CHUNK % (0, '{"content":TEXT},"finish_reason":"stop"', ""),
        _CHUNK % (0, '{"reasoning":TEXT}', ""),
        _CHUNK % (0, '{"content":null,"refusal":TEXT}', ""),
        _CHUNK % (0, _CALL, ""),
        _CHUNK % (0, '{"content":TEXT,"refusal":TEXT}', ""),
        _CHUNK % (0, '{"content":TEXT}', ',"error":{"message":"x"}'),
        _CHUNK % (0, '{"content":TEXT}', ',"usage":{"n":COUNT}'),
        _CHUNK
        % (0, '{"content":TEXT},"obfuscation":FILL', ""),  # says more than its text, unless it is empty
        _CHUNK % (0, '{"created_at":FILL,"content":TEXT}', ""),
    ),
    "openai-text": (
        _COMPLETION % "",
        _COMPLETION % ',"finish_reason":"stop"',
    ),
    "anthropic": (
        _BLOCK % (0, '{"type":"text_delta","text":TEXT}'),
        _BLOCK % (0, '{"type":"thinking_delta","thinking":TEXT}'),
        _BLOCK % (1, '{"type":"input_json_delta","partial_json":SOURCE}'),
        _BLOCK % (0, '{"type":"citations_delta","citation":{"title":TEXT}}'),
        '{"type":"content_block_stop","index":0}',
        '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":TEXT}}',
    ),
    "openai-responses": (
        _PART % ("output_text", "TEXT"),
        _PART % ("output_text", 'TEXT,"obfuscation":FILL'),
        _PART % ("function_call_arguments", "SOURCE"),
        '{"type":"response.output_text.done","sequence_number":COUNT,"item_id":"i","output_index":0,"text":TEXT}',
    ),
    "ollama": (
        _LINE % ('"message":{"role":"assistant","content":TEXT}', "false"),
        _LINE % ('"message":{"role":"assistant","content":"","thinking":TEXT}', "false"),
        _LINE % ('"message":{"role":"assistant","content":TEXT,"thinking":TEXT}', "false"),
        _LINE
        % (
            '"message":{"content":TEXT,"tool_calls":[{"function":{"arguments":{"created_at":FILL}}}]}',
            "false",
        ),
        _LINE % ('"response":TEXT', "false"),
        _LINE % ('"message":{"role":"assistant","content":TEXT}', "true"),
    ),
}
"""Events of one kind or another, to be told again and again with other texts."""
_COUNTS = ("7", "8", "0", "007", "1.0", "-1", "1e5", "null", '"7"', '"<P_1>"')
_FILLS = ('""', '"aB3"', '"aB3xyz"', '"\\""', '"é"', '"<P_1>"', "7", '"\u0001"', '"\x7f"')


def alike(rng: Random, protocol: str) -> bytes:
    """A stream of events that are spelled alike, most of them of one kind."""
    newline = rng.choice(("\n", "\n", "\n", "\r\n", "\r"))
    usual = rng.choice(ALIKE[protocol])
    wrong = rng.random() < 0.3
    out = []
    for _ in range(rng.randint(2, 9)):
        source = usual if rng.random() < 0.8 else rng.choice(ALIKE[protocol])
        text, fragment = (
            json.dumps(_text(rng), ensure_ascii=rng.random() < 0.5),
            json.dumps(_text(rng, SOURCES)),
        )
        if wrong and rng.random() < 0.2:
            text = rng.choice(
                ('"\\ud83d"', '"\\x"', '"\u0001"', "null", '"<P_1>', '""', '"\\u003cP_1\\u003e"')
            )
        count, fill = (rng.choice(some[: None if wrong else 2]) for some in (_COUNTS, _FILLS))
        for hole, value in (("TEXT", text), ("SOURCE", fragment), ("COUNT", count), ("FILL", fill)):
            source = source.replace(hole, value)
        if protocol == "ollama":
            out.append(source + newline.replace("\r", "\n")[-1:])
            continue
        name = f"event: {json.loads(_TYPE.findall(source)[0])}{newline}" if protocol == "anthropic" else ""
        out.append(f"{name}data: {source}{newline}{newline}")
        if rng.random() < 0.1:
            out.append(f": ping{newline}{newline}")
    return _encoded("".join(out))


_TYPE = re.compile('"type":("[^"]*")')
