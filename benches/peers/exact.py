"""Exactness: every case of `tests/exactness.py` through every peer, in its own grammar, against the oracle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from benches.peers.adapter import FORMS
from benches.peers.link import Failed, Link

import tolerance
from exactness import (
    ARGUMENTS,
    STREAMS,
    TEXTS,
    Chunks,
    Says,
    Stream,
    Text,
    channels_of,
    cuttings_of_stream,
    cuttings_of_text,
    pairs_of,
    right_stream,
    right_text,
    spell,
    spelled_stream,
)
from tolerance import CASES as TOLERANCES
from tolerance import Tolerance, right_of, strangers, text_of

CASES: list[Text | Stream | Tolerance] = [*TEXTS, *STREAMS, *TOLERANCES]
GROUPS = list(dict.fromkeys(case.group for case in CASES))


class Found(NamedTuple):
    """How many cuttings of a case came out right, and the first that did not: what went in, what came out."""

    right: int
    all: int
    went_in: str = ""
    came_out: str = ""
    strangers: int = 0
    """In how many cuttings somebody was put in who is not meant."""


def ask(link: Link, case: Text | Stream | Tolerance, abilities: dict[str, Any]) -> Found | None:
    """One case of one peer; None if the case asks what the peer does not offer."""
    if isinstance(case, Tolerance):
        return _tolerance(link, case) if abilities["text"] else None
    if isinstance(case, Stream):
        return _stream(link, case, _forms(abilities))
    if case.keys and not link.peer.any_key:
        return None
    if not case.json:
        return _text(link, case) if abilities["text"] else _as_stream(link, case, abilities, "content")
    if abilities["json"]:
        return _text(link, case)
    return _as_stream(link, case, abilities, ARGUMENTS)


def _forms(abilities: dict[str, Any]) -> list[str]:
    return [form for form in FORMS if form in abilities["chats"]]


def _as_stream(link: Link, case: Text, abilities: dict[str, Any], field: str) -> Found | None:
    """A peer without a class for it shows in its handler what it does with such a text."""
    said = (Says(case.text, field), Says(finish="stop"))
    stream = Stream(case.group, case.name, said, case.originals)
    return _stream(link, stream, _forms(abilities), pairs_of(case, link.peer.placeholder))


def _text(link: Link, case: Text) -> Found:
    pairs, text = pairs_of(case, link.peer.placeholder), spell(case.text, link.peer.placeholder)
    cuttings = cuttings_of_text(text)

    def shown(pieces: list[str]) -> str:
        return repr(pieces)

    def right(pieces: list[str], out: str) -> bool:
        del pieces
        return right_text(case, pairs, text, out)

    return _judge(link, {"do": "texts", "pairs": pairs, "json": case.json}, cuttings, right, shown, repr)


def _tolerance(link: Link, case: Tolerance) -> Found | None:
    """Of the peers that mean to get it right."""
    peer = link.peer
    if case.group not in peer.tolerates or (case.keys and not peer.any_key):
        return None
    expected = right_of(case, peer.placeholder)
    task = {"do": "tolerances", "pairs": tolerance.pairs_of(case, peer.placeholder), "group": case.group}
    wrong = 0

    def right(pieces: list[str], out: str) -> bool:
        nonlocal wrong
        del pieces
        wrong += strangers(case, expected, out) > 0
        return out == expected

    cuttings = cuttings_of_text(text_of(case, peer.placeholder))
    return _judge(link, task, cuttings, right, repr, repr)._replace(strangers=wrong)


def _stream(link: Link, case: Stream, forms: list[str], pairs: dict[str, str] | None = None) -> Found | None:
    """In the first form that the peer has: its others are the same handler."""
    if not forms:
        return None
    pairs = pairs or pairs_of(case, link.peer.placeholder)
    cuttings = cuttings_of_stream(spelled_stream(case, link.peer.placeholder))
    task = {"do": "chats", "pairs": pairs, "form": forms[0]}

    def right(chunks: Chunks, out: Chunks) -> bool:
        return right_stream(pairs, channels_of(chunks), channels_of(out))

    def said(out: Chunks) -> str:
        return _speech(channels_of(out))

    return _judge(link, task, cuttings, right, lambda chunks: " ".join(map(_chunk, chunks)), said)


def _judge(
    link: Link,
    task: dict[str, Any],
    cuttings: list[Any],
    right: Callable[[Any, Any], bool],
    shown: Callable[[Any], str],
    said: Callable[[Any], str],
) -> Found:
    task = dict(task)
    try:
        outcomes = link.ask(task.pop("do"), cuttings=cuttings, **task)["outcomes"]
    except Failed as failed:
        return Found(0, len(cuttings), shown(cuttings[0]), str(failed))
    if any(outcome.get("error") == "ModuleNotFoundError" for outcome in outcomes):
        raise SystemExit(f"{link.peer.name} lacks a package: the environment is broken, not the peer")
    verdicts = [
        "out" in outcome and right(cutting, outcome["out"])
        for cutting, outcome in zip(cuttings, outcomes, strict=True)
    ]
    if all(verdicts):
        return Found(len(cuttings), len(cuttings))
    first = verdicts.index(False)
    outcome = outcomes[first]
    return Found(
        sum(verdicts),
        len(cuttings),
        shown(cuttings[first]),
        said(outcome["out"]) if "out" in outcome else f"raises {outcome['error']}",
    )


def _speech(channels: dict[str, str]) -> str:
    return ", ".join(f"{channel}: {text!r}" for channel, text in channels.items()) or "nothing"


def _chunk(whole: dict[str, Any]) -> str:
    if not whole["choices"]:
        return "[usage]"
    [choice] = whole["choices"]
    says = _speech(channels_of([whole])) if channels_of([whole]) else ""
    finish = f"finish {choice['finish_reason']}" if choice["finish_reason"] else ""
    return f"[{', '.join(filter(None, (says, finish)))}]"
