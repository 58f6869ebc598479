"""The texts of invented streams: prose and documents full of keys and halves of keys, and how they are cut."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

from wire_spelling import spelled

WORDS = (
    "<P_1>", "<P_1>", "<P_10>", "<P_2>", "Zo G", "Zo", "né", "a/b", "<P", "<P_1", "<", "n", "a/", " and ", "x",
    "😀", "\u2028", '"', "\\", "\\u003c", "é ", ". ",
)  # fmt: skip

Event = dict[str, Any]
Say = Callable[[Random, str, bool], Event]
"""An event that carries a piece of text; whether it is the first of its channel."""


class Channel(NamedTuple):
    """A text to be told."""

    say: Say
    pieces: list[str]


def text(rng: Random) -> str:
    """Prose that no reader takes for a document."""
    return "".join(rng.choice(WORDS) for _ in range(rng.randint(0, 6)))


def content(rng: Random) -> str:
    """What a model says to the user: prose, what begins nearly like a document, or a document, fenced or not."""
    kind = rng.random()
    if kind < 0.6:
        return text(rng)
    begin = rng.choice(("", "", "", "\n ", "```json\n", "```\r\n ", "`` `", "```x", "\ufeff"))
    if kind < 0.75:
        return begin + rng.choice(NEARLY) + text(rng)
    end = rng.choice(("", "", "\n```", "\n```\n<P_1>", " <P_1>", "`"))
    return begin + spelled({"to": text(rng), text(rng): [text(rng), {"n": 1.5}]}, rng) + end


NEARLY = ("{", "[", "{ ", "[1] ", "{né} ", "[Zo] ", "[ 1", '{"', '["', "[{", '"', "{}", "[[<P_1>", "```")


def source(rng: Random) -> str:
    """The source of a document, spelled in some way, or of none."""

    def value(depth: int) -> Any:
        kind = rng.random()
        if kind < 0.5 or depth > 2:
            return text(rng)
        if kind < 0.65:
            return json.dumps(value(depth + 1), ensure_ascii=rng.random() < 0.5)
        if kind < 0.8:
            return {text(rng): value(depth + 1) for _ in range(rng.randint(0, 2))}
        return rng.choice(([value(depth + 1), 1.5], None, True, -0.0, "<P_1>"))

    if rng.random() < 0.1:
        return text(rng)
    whole = spelled(value(0) if rng.random() < 0.1 else {"to": value(0), text(rng): value(1)}, rng)
    return whole if rng.random() < 0.9 else whole[: rng.randint(0, len(whole))]


def cut(rng: Random, whole: str) -> list[str]:
    """The text in pieces, some of them empty."""
    marks = sorted(rng.randint(0, len(whole)) for _ in range(rng.randint(0, 4)))
    return [whole[a:b] for a, b in zip([0, *marks], [*marks, len(whole)], strict=True)]
