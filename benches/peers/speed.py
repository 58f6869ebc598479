"""Times: the same work in turns, fresh texts every round, each contender in its own grammar.

Small pieces of the same words: 100 placeholders, and 1,000 invented names and addresses where a peer takes any key.
A contender that fails in a round (an error, a crash, the time limit) is out of that measure, and the page says why.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from benches.peers.adapter import FORMS
from benches.peers.link import Failed, Link
from benches.workloads import DEEP_KEY, cut, dict_chunks, pairs_of, prose, seeds, tokens, turns

from exactness import channels_of

FED = 20_000  # code points of a text that is fed in small pieces
SHORTEST = 500  # for a peer that would take long over that
LONGEST_ROUND = 0.2  # seconds
BULK = 400_000
ADVERSARIAL = 16_000
ANSWER = 14_000  # code points of a chat stream: 2,000 events
SEEDS = seeds()


class Measure(NamedTuple):
    """One comparison: seconds per unit of work of each contender, round by round."""

    name: str
    title: str
    unit: str
    times: dict[str, list[float]]
    failed: dict[str, str]
    notes: dict[str, str]


class Work(NamedTuple):
    """What one contender does in one round; ``right`` judges the answer, if it is shown."""

    do: str
    task: dict[str, Any]
    units: float
    right: Callable[[dict[str, Any]], bool] | None = None


Prepare = Callable[[Link], Work]
Progress = Callable[[str], None]


def measures(
    links: Sequence[Link], abilities: dict[str, dict[str, Any]], *, quick: bool, say: Progress
) -> Iterator[Measure]:
    """All of them, one after the other."""
    rounds, few = (3, 1) if quick else (11, 5)
    texts = [link for link in links if abilities[link.peer.name]["text"]]
    free = [link for link in texts if link.peer.any_key]
    for kind, count, who in (("placeholders", 100, texts), ("invented", 1_000, free)):
        name = f"{count:,} {'placeholders' if kind == 'placeholders' else 'invented names'}"
        for size in (4, 64):
            say(f"feed {size}, {name}")
            feed = Feeding(who, kind, count, size)
            title = f"Feeding {size} code points, {name}"
            yield in_turns(f"feed-{size}-{kind}", title, "us a feed", who, feed.work, rounds, feed.notes)
    say("bulk")
    feed = Feeding(texts, "placeholders", 100, BULK, BULK)
    yield in_turns(
        "bulk", "One piece of 400,000 code points, 100 placeholders", "ms", texts, feed.work, few, {}
    )
    say("adversarial")
    yield in_turns(
        "adversarial", "The key a…ab of 2,001 on 16,000 times a, in 64s", "ms", free, adversarial, few, {}
    )
    for kind, who in (("placeholders", texts), ("invented", free)):
        name = "placeholders" if kind == "placeholders" else "invented names"
        say(f"set-up, {name}")
        yield from set_up(who, kind, name, rounds)
    for form in FORMS:
        who = [link for link in links if form in abilities[link.peer.name]["chats"]]
        say(f"chat streams, {form}")
        yield chat(who, form, rounds)


def in_turns(
    name: str,
    title: str,
    unit: str,
    who: Sequence[Link],
    prepare: Prepare,
    rounds: int,
    notes: dict[str, str],
) -> Measure:
    measure = Measure(name, title, unit, {}, {}, dict(notes))
    by_name = {link.peer.name: link for link in who}
    for number, contender in turns(list(by_name), rounds):
        if contender in measure.failed:
            continue
        work = prepare(by_name[contender])
        show = number < 0 and work.right is not None
        try:
            answer = by_name[contender].ask(work.do, show=show, **work.task)
        except Failed as failed:
            measure.failed[contender] = str(failed)
            measure.times.pop(contender, None)
            continue
        if show and work.right is not None and not work.right(answer):
            _note(measure.notes, contender, "text wrong")
        if "read" in answer:
            _note(
                measure.notes, contender, f"read {answer['read']:,} of {answer['in']:,} before its first text"
            )
        if number >= 0:
            measure.times.setdefault(contender, []).append(answer["seconds"] / work.units)
    return measure


def _note(notes: dict[str, str], name: str, note: str) -> None:
    notes[name] = f"{notes[name]}; {note}" if name in notes else note


# ---------------------------------------------------------------- the work


def pairs_for(link: Link, kind: str, count: int) -> dict[str, str]:
    """The same originals behind the placeholders of the contender's grammar, or behind invented names."""
    if kind == "invented":
        return pairs_of(kind, count)
    return {link.peer.placeholder(n): f"Original {n}" for n in range(1, count + 1)}


def restored(pairs: dict[str, str], text: str) -> str:
    """What must come out: `re` is not ours, and quick enough here."""
    keys = sorted(pairs, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, keys)), lambda found: pairs[found[0]], text)


class Feeding:
    """Feed a text in pieces of one size; a match per 200 code points."""

    def __init__(self, who: Sequence[Link], kind: str, count: int, size: int, length: int = FED) -> None:
        self._size = size
        self._vault = f"{kind} {count}"
        self._pairs = {link.peer.name: pairs_for(link, kind, count) for link in who}
        self._lengths: dict[str, int] = {}
        self.notes: dict[str, str] = {}
        for link in who:
            link.vault(self._vault, self._pairs[link.peer.name])
            self._lengths[link.peer.name] = length if length != FED else self._affordable(link)

    def work(self, link: Link) -> Work:
        return self._of(link, self._lengths[link.peer.name])

    def _of(self, link: Link, length: int) -> Work:
        pairs = self._pairs[link.peer.name]
        text = prose(length, list(pairs), 200, next(SEEDS))
        pieces = cut(text, self._size)
        units = 1e-3 if self._size == length else len(pieces) * 1e-6
        return Work(
            "feed",
            {"vault": self._vault, "pieces": pieces},
            units,
            lambda answer: bool(answer["out"] == restored(pairs, text)),
        )

    def _affordable(self, link: Link) -> int:
        """How long a text may be, so that a slow contender does not take all day."""
        work = self._of(link, SHORTEST)
        try:
            seconds = link.ask(work.do, show=False, **work.task)["seconds"]
        except Failed:
            return SHORTEST
        length = max(SHORTEST, min(FED, int(LONGEST_ROUND / (seconds / SHORTEST))))
        if length < FED:
            self.notes[link.peer.name] = f"on a text of {length:,}"
        return length


def adversarial(link: Link) -> Work:
    link.vault("deep", DEEP_KEY)
    text = "a" * ADVERSARIAL
    return Work(
        "feed", {"vault": "deep", "pieces": cut(text, 64)}, 1e-3, lambda answer: bool(answer["out"] == text)
    )


def set_up(who: Sequence[Link], kind: str, name: str, rounds: int) -> Iterator[Measure]:
    """From 1,000 pairs to a first stream, and to another on the same mapping."""
    first = Measure(f"set-up-{kind}", f"Set-up: from 1,000 {name} to a first stream", "us", {}, {}, {})
    again = Measure(f"start-{kind}", f"Another stream on the same 1,000 {name}", "us", {}, {}, {})
    by_name = {link.peer.name: link for link in who}
    for number, contender in turns(list(by_name), rounds):
        pairs = pairs_for(by_name[contender], kind, 1_000)
        try:
            answer = by_name[contender].ask("set_up", pairs=pairs)
        except Failed as failed:
            first.failed[contender] = again.failed[contender] = str(failed)
            continue
        if number >= 0:
            first.times.setdefault(contender, []).append(answer["seconds"] * 1e6)
            again.times.setdefault(contender, []).append(answer["again"] * 1e6)
    return iter((first, again))


def chat(who: Sequence[Link], form: str, rounds: int) -> Measure:
    """A whole chat stream of content, token by token."""
    pairs = {link.peer.name: pairs_for(link, "placeholders", 100) for link in who}
    for link in who:
        link.vault("chat", pairs[link.peer.name])

    def prepare(link: Link) -> Work:
        seed = next(SEEDS)
        mine = pairs[link.peer.name]
        chunks = dict_chunks(tokens(prose(ANSWER, list(mine), 200, seed), seed))
        said = channels_of(chunks)["0 content"]

        def right(answer: dict[str, Any]) -> bool:
            return channels_of(answer["chunks"]) == {"0 content": restored(mine, said)}

        return Work("handle", {"vault": "chat", "form": form, "chunks": chunks}, len(chunks) * 1e-6, right)

    return in_turns(
        f"chat-{FORMS.index(form)}", f"Chat stream: {form}", "us a chunk", who, prepare, rounds, {}
    )
