"""Asks a proxy every case in every format, and judges what comes back."""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from holdback.check import reading
from holdback.check.answers import WRITERS
from holdback.check.cases import COLUMNS, FIRST, Case, cases_for
from holdback.check.client import Reply, Target, ask, request_in
from holdback.check.known import MODEL, STATIC, VALUES, asking
from holdback.check.provider import Provider, Seen

OK, WRONG, NONE = "ok", "wrong", "-"
NOT_SERVED = {403, 404, 405, 501}
"""What proxies answer at a path that they do not have."""
ROUNDS = 5
"""How often the time to the first text is taken."""


class Finding(NamedTuple):
    """What is wrong: where, what came out and what is right."""

    case: str
    what: str
    came: str = ""
    right: str = ""


class Row(NamedTuple):
    """A format."""

    protocol: str
    is_served: bool
    cells: dict[str, str]
    findings: dict[str, list[Finding]]
    seconds: dict[str, float]
    """To the first text, through the proxy and direct; medians."""


class Check(NamedTuple):
    """A proxy, and the provider that stands behind it."""

    proxy: Target
    provider: Provider
    masks: bool = True
    say: Callable[[str], None] = lambda _: None

    def rows(self, protocols: Iterable[str]) -> Iterator[Row]:
        """A row for each format.

        :raises HoldbackError: nobody answers at the proxy's address.
        """
        for protocol in protocols:
            yield _Format(self, protocol).row()


class _Format:
    """One format on its way to a row."""

    def __init__(self, check: Check, protocol: str) -> None:
        self.check = check
        self.protocol = protocol
        self.writer = WRITERS[protocol]
        self.found: dict[str, list[Finding]] = {}
        self.tried: set[str] = set()
        self.leaked: list[str] = []

    def row(self) -> Row:
        cases = cases_for(calls=self.writer.calls, channels=self.writer.channels)
        seconds: dict[str, float] = {}
        for number, case in enumerate(cases):
            self.check.say(f"{self.protocol}: {case.name}")
            if not self._try(case) and number == 0:
                return Row(
                    self.protocol,
                    is_served=False,
                    cells=dict.fromkeys(COLUMNS, NONE),
                    findings={},
                    seconds={},
                )
        if "first text" not in self.found:
            seconds = self._times(next(case for case in cases if case.waits))
        if self.check.masks:
            self.tried.add("provider")
            if self.leaked:
                self._wrong("provider", Finding(", ".join(self.leaked), "a value reached the provider"))
        cells = {
            column: (WRONG if column in self.found else OK) if column in self.tried else NONE
            for column in COLUMNS
        }
        return Row(self.protocol, is_served=True, cells=cells, findings=self.found, seconds=seconds)

    def _wrong(self, column: str, finding: Finding) -> None:
        self.found.setdefault(column, []).append(finding)

    def _request(self, case: Case, model: str) -> tuple[str, dict[str, Any]]:
        said = VALUES if self.check.masks else STATIC
        turns = [("user", asking(case.name, said))]
        if case.turns > 1:
            first = case.script(said, said)
            turns = [*turns, ("assistant", "".join(first.values())), turns[0]]
        return request_in(
            self.protocol, turns, model, streamed=case.streamed, calls=case.name.endswith("arguments")
        )

    def _ask(self, case: Case, target: Target) -> Reply:
        path, body = self._request(case, target.models.get(self.protocol, target.models.get("", MODEL)))
        provider = self.check.provider
        provider.begin()

        def has_text(data: bytes) -> bool:
            if FIRST.encode() not in data:
                return False
            provider.arrived.set()
            return True

        return ask(target, path, body, until=has_text if case.waits else None)

    def _try(self, case: Case) -> bool:
        """Ask once and judge; returns whether the format is served at all."""
        reply = self._ask(case, self.check.proxy)
        seen = list(self.check.provider.seen)
        if not seen and reply.status in NOT_SERVED:
            return False
        self.tried.add(case.column)
        if self.check.masks and any(one.leaked for one in seen):
            self.leaked.append(case.name)
            if case.turns > 1:
                self._wrong(
                    case.column, Finding(case.name, "a value of the turn before reached the provider")
                )
        if not seen:
            self._wrong(case.column, Finding(case.name, f"the provider got no request: {_status(reply)}"))
        elif seen[-1].placeholders.keys() != VALUES.keys():
            self._wrong(case.column, Finding(case.name, "the provider did not get the text of the request"))
        elif reply.status != 200:
            self._wrong(case.column, Finding(case.name, f"the client got no answer: {_status(reply)}"))
        else:
            self._judge(case, reply, seen[-1])
        return True

    def _judge(self, case: Case, reply: Reply, seen: Seen) -> None:
        if case.waits and self.check.provider.gave_up:
            self._wrong(case.column, Finding(case.name, "no text came before the provider had ended"))
        if case.column == "bytes":
            self._compare_bytes(case, reply)
        expected = {str(channel): text for channel, text in case.script(VALUES, seen.placeholders).items()}
        if not self.writer.in_turns and self.writer.channels == "content":  # named by their place
            expected = {
                f"{name.partition(' ')[0]} {at}": text for at, (name, text) in enumerate(expected.items())
            }
        sent = case.script(seen.placeholders, seen.placeholders).values()
        corpus = "\n".join(
            [*expected.values(), *seen.placeholders.values(), *VALUES.values(), *seen.texts, *sent]
        )
        try:
            came = (reading.streamed if case.streamed else reading.whole)(self.protocol, reply.data)
        except (ValueError, RecursionError):
            self._wrong(case.column, Finding(case.name, "the answer is no JSON any more"))
            return
        for channel in sorted(came.keys() | expected.keys()):
            name = channel.removesuffix(reading.AGAIN)
            if channel in came and name not in expected and came[channel].strip() in ("", "null"):
                continue
            finding = _compared(channel, came.get(channel), expected.get(name), corpus)
            if finding is not None:
                self._wrong(case.column, finding._replace(case=case.name))

    def _compare_bytes(self, case: Case, reply: Reply) -> None:
        direct = self._ask(case, self._direct()).data
        if reply.data != direct:
            at = next(
                (at for at, (a, b) in enumerate(zip(reply.data, direct, strict=False)) if a != b),
                min(len(reply.data), len(direct)),
            )
            what = f"{len(reply.data)} bytes came, the provider sent {len(direct)}; the first that differs is {at + 1}"
            self._wrong(case.column, Finding(case.name, what))

    def _direct(self) -> Target:
        proxy = self.check.proxy
        return proxy._replace(url=self.check.provider.address, key="check")

    def _times(self, case: Case) -> dict[str, float]:
        """Medians, in turns, so that what else the machine does hits both alike."""
        taken: dict[str, list[float]] = {"proxy": [], "direct": []}
        for number in range(ROUNDS):
            self.check.say(f"{self.protocol}: time to first text, {number + 1} of {ROUNDS}")
            for name, target in (("proxy", self.check.proxy), ("direct", self._direct())):
                taken[name].append(self._ask(case, target).seconds)
        return {name: statistics.median(times) for name, times in taken.items()}


def _compared(channel: str, came: str | None, right: str | None, corpus: str) -> Finding | None:
    if right is None or came is None:
        what = f"{channel}: {'this text was not there' if right is None else 'it did not come'}"
        return Finding("", what, _shown(came or "", corpus), right or "")
    if channel.startswith("call"):
        try:
            is_right = json.loads(came) == json.loads(right)
        except (ValueError, RecursionError):
            return Finding("", f"{channel}: no JSON any more", _shown(came, corpus), right)
    else:
        is_right = came == right
    return None if is_right else Finding("", f"{channel}: other text", _shown(came, corpus), right)


def _shown(text: str, corpus: str) -> str:
    """What came, but words that the check did not send: those could be somebody's values."""
    return re.sub(r"\w+", lambda word: word[0] if word[0] in corpus else f"[{len(word[0])} letters]", text)


def _status(reply: Reply) -> str:
    return f"status {reply.status}" if reply.status else reply.data.decode("ascii", "replace")
