"""What is asked of a proxy: for each column of the table, answers of the provider that a poor restorer gets wrong.

A script makes the text of an answer of two dicts: ``whole`` has what stands for each value, ``part`` the placeholder of
which a piece stands there. The provider gives the placeholders for both. What the client must read has the values for
``whole``; a piece of a placeholder stays what it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

Kind = Literal["content", "reasoning", "call"]
Texts = Mapping[int, str]


class Channel(NamedTuple):
    """A text of an answer that is separate from the others."""

    kind: Kind
    at: int = 0

    def __str__(self) -> str:
        return f"{self.kind} {self.at}"


class Piece(NamedTuple):
    """What one event carries."""

    channel: Channel
    text: str


Script = Callable[[Texts, Texts], dict[Channel, str]]


class Case(NamedTuple):
    """One answer."""

    name: str
    column: str
    script: Script
    cut: int = 1
    """Characters of text in an event."""
    write: int = 0
    """Bytes in a write of the provider; 0 is an event."""
    streamed: bool = True
    turns: int = 1
    waits: bool = False
    """Whether the provider goes on behind the first text only when the client has it."""

    def pieces(self, whole: Texts, part: Texts, *, in_turns: bool) -> list[Piece]:
        """The answer in events: a piece of each channel in turns, or one channel behind the other."""
        texts = self.script(whole, part)
        cut = {
            channel: [text[at : at + self.cut] for at in range(0, len(text), self.cut)]
            for channel, text in texts.items()
        }
        if not in_turns:
            return [Piece(channel, text) for channel, pieces in cut.items() for text in pieces]
        longest = max(map(len, cut.values()))
        return [
            Piece(channel, pieces[at])
            for at in range(longest)
            for channel, pieces in cut.items()
            if at < len(pieces)
        ]


CONTENT = Channel("content")
CALL = Channel("call")
FIRST = "First words"


def _prose(whole: Texts, part: Texts) -> dict[Channel, str]:
    del part
    said = f"Dear {whole[1]}, 1 < 2 and 2 > 1: \U0001f600 {whole[2]}{whole[1]}, again {whole[2]}!"
    return {CONTENT: said}


def _arguments(whole: Texts, part: Texts) -> dict[Channel, str]:
    del part
    inner = json.dumps({"cc": whole[1]})
    source = json.dumps({"to": whole[1], "text": f'say "{whole[2]}"\n', "more": [inner, 1.50]})
    return {CALL: source.replace("<", "\\u003c").replace(">", "\\u003E")}


def _tail(whole: Texts, part: Texts) -> dict[Channel, str]:
    return {CONTENT: f"{whole[2]} and {part[1][:-1]}"}


def _last(whole: Texts, part: Texts) -> dict[Channel, str]:
    del part
    return {CONTENT: f"Yours, {whole[1]}"}


def _beside(kind: Kind) -> Script:
    """Two channels: what one ends with and the other begins with would be a placeholder if they were one."""

    def script(whole: Texts, part: Texts) -> dict[Channel, str]:
        half = len(part[1]) // 2
        first, second = (CONTENT, Channel("content", 1)) if kind == "content" else (Channel(kind), CONTENT)
        return {
            first: f"a {whole[1]} b {part[1][:half]}",
            second: f"{part[1][half:]} c {whole[2]}",
        }

    return script


def _plain(whole: Texts, part: Texts) -> dict[Channel, str]:
    del whole, part
    return {CONTENT: "Nothing to restore here: 1 < 2, caf\u00e9, \U0001f600."}


def _waiting(whole: Texts, part: Texts) -> dict[Channel, str]:
    del part
    return {CONTENT: f"{FIRST} of {whole[1]}, and more"}


COLUMNS = {
    "exact": "every value, in any cut",
    "json": "arguments of tools stay JSON",
    "tails": "what begins like a placeholder is not lost",
    "channels": "texts side by side are kept apart",
    "whole": "answers that are not streamed",
    "turn 2": "what was restored is masked again",
    "provider": "no value reached the provider",
    "bytes": "what has no placeholder stays byte for byte",
    "first text": "text leaves before the answer ends",
}
"""The columns, and what holds where one is right."""


def cases_for(*, calls: bool, channels: Kind) -> list[Case]:
    """The cases of a format: whether it has calls, and which second channel it has."""
    found = [
        Case("exact-letters", "exact", _prose),
        Case("exact-bytes", "exact", _prose, cut=3, write=11),
        Case("arguments", "json", _arguments, cut=2),
        Case("tail", "tails", _tail, cut=2),
        Case("last", "tails", _last, cut=4),
        Case("channels", "channels", _beside(channels), cut=3),
        Case("whole", "whole", _prose, streamed=False),
        Case("whole-arguments", "whole", _arguments, streamed=False),
        Case("second-turn", "turn 2", _prose, cut=3, turns=2),
        Case("unchanged", "bytes", _plain, cut=5),
        Case("first-text", "first text", _waiting, cut=len(FIRST), waits=True),
    ]
    return [case for case in found if calls or not case.name.endswith("arguments")]
