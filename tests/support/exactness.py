"""The table of cases on which restorers differ: what `benches/peers` asks of everybody, and our own suite of us.

A case is written once for every grammar of placeholders. In its text ``{1}`` is the first placeholder, ``{1::5}`` its
first five characters, ``{1:-1:}`` its last one (slices as in Python), ``{1|u}`` all of it with the signs at both ends
spelled as JSON escapes, ``{1|U}`` the same in capitals. A case with ``keys`` of its own is for restorers that
take any key; there the text is written out.

The expected answer is never written down: it comes from the oracles (`oracle.py`, and for JSON the parsed document),
and every case runs whole, cut at every place, and one code point at a time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from oracle import restore

Placeholder = Callable[[int], str]
Pieces = list[str]
Chunks = list[dict[str, Any]]

ORIGINALS = ("Ada", "Bo Ünlü", "Cy")


class Text(NamedTuple):
    """A text, plain or (``json``) the source of a tool's arguments."""

    group: str
    name: str
    text: str
    originals: tuple[str, ...] = ORIGINALS
    keys: tuple[str, ...] = ()
    json: bool = False


class Says(NamedTuple):
    """One chunk of a chat stream: text for a field of a choice, or a finish, or both."""

    text: str = ""
    field: str = "content"
    choice: int = 0
    tool: int = 0
    finish: str | None = None
    usage: bool = False


class Stream(NamedTuple):
    """A chat stream."""

    group: str
    name: str
    chunks: tuple[Says, ...]
    originals: tuple[str, ...] = ORIGINALS


ARGUMENTS = "arguments"

TEXTS = [
    Text("plain", "in a sentence", "Hi {1}, meet {2} and {3}."),
    Text("plain", "side by side", "{1}{2}{1}"),
    Text("plain", "first and last", "{1} and {1}"),
    Text("plain", "an opener before it", "{1::1}{1} {1::3}{1}"),
    Text("plain", "its beginning, then other text", "{1::-1} {1::4}x {1}"),
    Text("plain", "an unknown one", "{7} {1}"),
    Text("plain", "brackets of the text around it", "[{1}] ({1}) <b>{1}</b> [[{1}], [{2}]]"),
    Text("plain", "a long text of near-misses", "a < b, c > d, [x](y), [ ], << >>, « » {1}"),
    Text("tails", "the beginning of one at the end", "end {1::5}"),
    Text("tails", "all but the last character at the end", "end {1} {1::-1}"),
    Text("tails", "one character at the end", "end {1} {1::1}"),
    Text("prefix keys", "the longer one", "hi Anna Lee", ("Bo", "Cy"), ("Ann", "Anna Lee")),
    Text("prefix keys", "the shorter one", "hi Ann, Anna, Anna Le", ("Bo", "Cy"), ("Ann", "Anna Lee")),
    Text("prefix keys", "back to one inside", "Anna Lex Anna Ann", ("Bo", "Cy", "Di"), ("Ann", "Anna Lee", "Lex")),
    Text("prefix keys", "numbers without an end", "NAME_1 NAME_12 NAME_123", ("Bo", "Cy"), ("NAME_1", "NAME_12")),
    Text("prefix keys", "one in another", "b baaab ba abb", ("1", "2"), ("abb", "b")),
    Text("prefix keys", "overlapping", "abcabcd bcd abab", ("1", "2", "3"), ("abcabcx", "bcab", "abab")),
    Text("prefix keys", "inside a word", "McAnn said Ann", ("Bo",), ("Ann",)),
    Text("cascades", "an original that is a placeholder", "{1} {2}", ("{2}", "Bo")),
    Text("cascades", "an original that holds one", "a {1} b {2}", ("see {2}!", "Bo")),
    Text("cascades", "an original that begins one", "a {1}{2:-1:} b", ("{2::-1}", "Bo")),
    Text("cascades", "an original that ends in one", "{1}", ("x {2}", "Bo")),
    Text("cascades", "around in a ring", "{1} {2}", ("{2}", "{1}")),
    Text("other scripts", "around it", "naïve 東京{1}の天気😀{2}ß", ("Zoë 😀", "東京")),
    Text("JSON arguments", "in a string", '{"to": "{1}", "n": 1}', json=True),
    Text("JSON arguments", "an original with a quote", '{"to": "{1}"}', ('Ada "Countess" L.',), json=True),
    Text("JSON arguments", "an original with a line end", '{"to": "a {1}"}', ("1 Main St\nTown\\x",), json=True),
    Text("JSON arguments", "in a list", '["{1}", "{2}", "x {1}"]', json=True),
    Text("JSON arguments", "a key of an object", '{"{1}": {"b": "{2}"}}', json=True),
    Text("JSON escapes", "lower-case hexadecimal", '{"to": "{1|u}"}', json=True),
    Text("JSON escapes", "upper-case hexadecimal", '{"to": "{1|U} {2}"}', json=True),
    Text("JSON escapes", "a backslash before it", r'{"to": "\\{1} \n{2}"}', json=True),
    Text("JSON escapes", "not an escape", r'{"to": "\\u003c {1}"}', json=True),
]  # fmt: skip

STREAMS = [
    Stream("chat: ends", "a beginning, then the finish", (Says("a {1} {1::5}"), Says(finish="stop"))),
    Stream("chat: ends", "the finish says something", (Says("a "), Says("x {1} {1::5}", finish="length"))),
    Stream("chat: ends", "usage after the finish", (Says("a {1::5}"), Says(finish="stop"), Says(usage=True))),
    Stream("chat: ends", "usage and no finish", (Says("a {1} {1::5}"), Says(usage=True))),
    Stream("chat: ends", "no finish", (Says("a {1} {1::5}"),)),
    Stream("chat: ends", "text after the finish", (Says("a", finish="stop"), Says(" b {1} {1::5}"))),
    Stream(
        "chat: ends",
        "unfinished arguments",
        (Says('{"n": "{1} {1::5}', ARGUMENTS), Says(finish="length")),
    ),
    Stream(
        "chat: ends",
        "two tools, both unfinished",
        (Says('{"a": "{1::5}', ARGUMENTS), Says('{"b": "{2::5}', ARGUMENTS, tool=1), Says(finish="length")),
    ),
    Stream(
        "chat: n = 2",
        "in turns",
        (
            Says("a {1::4}"),
            Says("b {2::4}", choice=1),
            Says("{1:4:} c"),
            Says("{2:4:} d", choice=1),
            Says(finish="stop"),
            Says(finish="stop", choice=1),
        ),
    ),
    Stream(
        "chat: n = 2",
        "one ends first",
        (
            Says("a {1::4}"),
            Says("b {2}", choice=1),
            Says(finish="stop", choice=1),
            Says("{1:4:} c"),
            Says(finish="stop"),
        ),
    ),
    Stream(
        "chat: tools",
        "two calls in turns",
        (
            Says('{"a": "{1::4}', ARGUMENTS),
            Says('{"b": "{2::4}', ARGUMENTS, tool=1),
            Says('{1:4:}"}', ARGUMENTS),
            Says('{2:4:}"}', ARGUMENTS, tool=1),
            Says(finish="tool_calls"),
        ),
    ),
    Stream(
        "chat: tools",
        "beside content",
        (Says("I ask {1}"), Says('{"to": "{1}"}', ARGUMENTS), Says(finish="tool_calls")),
    ),
    Stream(
        "chat: fields", "reasoning", (Says("Is it {1}?", "reasoning_content"), Says("{2}"), Says(finish="stop"))
    ),
    Stream("chat: fields", "refusal", (Says("Not {1}.", "refusal"), Says(finish="stop"))),
]  # fmt: skip


def ours(number: int) -> str:
    return f"<PERSON_{number}>"


# ---------------------------------------------------------------- from a case to what is fed

SPELLED = re.compile(r"\{(\d+)(?::(-?\d*):(-?\d*)|\|([uU]))?\}")


def spell(template: str, placeholder: Placeholder) -> str:
    """The text of a template in one grammar."""

    def spelled(found: re.Match[str]) -> str:
        number, start, stop, escape = found.groups()
        whole = placeholder(int(number))
        if escape:
            return _escaped(whole[0], escape) + whole[1:-1] + _escaped(whole[-1], escape)
        if start is None:
            return whole
        return whole[int(start) if start else None : int(stop) if stop else None]

    return SPELLED.sub(spelled, template)


def _escaped(char: str, case: str) -> str:
    if char.isalnum():  # no writer of JSON escapes a letter
        return char
    return f"\\u{ord(char):04x}" if case == "u" else f"\\u{ord(char):04X}"


def pairs_of(case: Text | Stream, placeholder: Placeholder) -> dict[str, str]:
    keys = (isinstance(case, Text) and case.keys) or [placeholder(n + 1) for n in range(len(case.originals))]
    originals = [spell(original, placeholder) for original in case.originals]
    return dict(zip(keys, originals, strict=True))


def cuttings_of_text(text: str) -> list[Pieces]:
    """Whole, cut at every single place, and one code point at a time."""
    return [[text], *([text[:at], text[at:]] for at in range(1, len(text))), list(text)]


def spelled_stream(case: Stream, placeholder: Placeholder) -> list[Says]:
    return [said._replace(text=spell(said.text, placeholder)) for said in case.chunks]


def cuttings_of_stream(said: list[Says]) -> list[Chunks]:
    """The chunks as they are, with one of them cut at every single place, and one code point at a time."""
    cut = [[*said[:at], *two, *said[at + 1 :]] for at in range(len(said)) for two in _twos(said[at])]
    each = [unit for one in said for unit in (_units(one) if one.text else [one])]
    return [[chunk(one) for one in cutting] for cutting in (said, *cut, each)]


def _twos(said: Says) -> Iterator[list[Says]]:
    for at in range(1, len(said.text)):
        yield [said._replace(text=said.text[:at], finish=None), said._replace(text=said.text[at:])]


def _units(said: Says) -> list[Says]:
    last = len(said.text) - 1
    return [
        said._replace(text=char, finish=said.finish if at == last else None)
        for at, char in enumerate(said.text)
    ]


def chunk(said: Says) -> dict[str, Any]:
    """A chat chunk, as OpenAI sends it."""
    delta: dict[str, Any] = {}
    if said.field == ARGUMENTS:
        call = {"index": said.tool, "id": f"call_{said.tool}", "type": "function"}
        delta["tool_calls"] = [{**call, "function": {"name": "f", "arguments": said.text}}]
    elif said.text:
        delta[said.field] = said.text
    choice = {"index": said.choice, "delta": delta, "finish_reason": said.finish}
    whole: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [] if said.usage else [choice],
    }
    if said.usage:
        whole["usage"] = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    return whole


# ---------------------------------------------------------------- what must come out

Channels = dict[str, str]


def channels_of(chunks: Chunks) -> Channels:
    """What a chat stream says, joined by choice and field."""
    said: Channels = {}
    for whole in chunks:
        for choice in whole.get("choices") or []:
            delta, index = choice.get("delta") or {}, choice.get("index") or 0
            texts = {field: delta.get(field) for field in ("content", "reasoning_content", "refusal")}
            for call in delta.get("tool_calls") or []:
                texts[f"{ARGUMENTS} {call.get('index')}"] = (call.get("function") or {}).get("arguments")
            for field, text in texts.items():
                if text:
                    said[f"{index} {field}"] = said.get(f"{index} {field}", "") + text
    return said


def right_text(case: Text, pairs: Mapping[str, str], text: str, out: str) -> bool:
    return right_json(pairs, text, out) if case.json else out == restore(pairs, text)


def right_json(pairs: Mapping[str, str], source: str, out: str) -> bool:
    """Whether the restored source says what the restored document says; if it is no document, whether it is it."""
    try:
        document = json.loads(source)
    except ValueError:
        return out == restore(pairs, source)
    try:
        return bool(json.loads(out) == _restored(pairs, document))
    except ValueError:
        return False


def _restored(pairs: Mapping[str, str], value: Any) -> Any:
    if isinstance(value, str):
        return restore(pairs, value)
    if isinstance(value, list):
        return [_restored(pairs, item) for item in value]
    if isinstance(value, dict):
        return {restore(pairs, key): _restored(pairs, item) for key, item in value.items()}
    return value


def right_stream(pairs: Mapping[str, str], given: Channels, out: Channels) -> bool:
    if given.keys() != out.keys():
        return False
    return all(
        right_json(pairs, text, out[channel])
        if ARGUMENTS in channel
        else out[channel] == restore(pairs, text)
        for channel, text in given.items()
    )
