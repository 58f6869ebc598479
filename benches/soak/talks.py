"""The clients of the soak: conversations of a few turns, each at another gateway, and whether each answer is right."""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
import traceback
from collections import Counter
from typing import Any, NamedTuple

import httpx
from benches.soak.answers import FORMATS, events, streamed
from benches.soak.upstream import MARK

import fleet
import provider

PEOPLE = [f"Quincy Vantongeren-{number:04d}" for number in range(1000)]
"""The values that the gateways know; a conversation has one of them, and an address and an account of its own."""

KEPT = "\ue000"
"""In what is expected: a placeholder that the policy keeps."""

ASKED_AGAIN = 200
"""How often a turn is asked again where a gateway refuses for the store's sake."""

_BEGUN = re.compile(r"<[A-Z]*(?:_[a-z2-7]*)?\Z")
_IN_ADDRESS = re.compile(f"(?<=[?]who=){MARK.pattern}")
_HALF = re.compile(r"(?<!\\)(?:\\\\)*\\(?:u[0-9a-f]{0,3}|ud83d\\?(?:u[0-9a-f]{0,3})?)?\Z")
"""An escape that is not complete."""

OPENING = '{"to": "'


class Outages:
    """When the store was gone, and whether it came back empty."""

    def __init__(self) -> None:
        self._all: list[tuple[float, float, bool]] = []
        self.grace = 3.0
        """Seconds behind an outage in which a request may still meet what it left."""

    def began(self, *, empties: bool) -> None:
        self._all.append((time.monotonic(), float("inf"), empties))

    def over(self) -> None:
        begin, _, empties = self._all[-1]
        self._all[-1] = (begin, time.monotonic(), empties)

    def touch(self, since: float) -> bool:
        """Whether one of them was in the time from ``since`` to now."""
        return any(end + self.grace > since for _, end, _ in self._all[-9:])

    def __len__(self) -> int:
        return len(self._all)


class Wrong(NamedTuple):
    """An answer that is not right."""

    what: str
    format: str
    number: int
    said: str
    expected: str


class Clients:
    """All conversations of a run: what they came to."""

    def __init__(self, addresses: list[str], seed: int) -> None:
        self.addresses = addresses
        self.outages = Outages()
        self.counts: Counter[str] = Counter()
        self.by_format: Counter[str] = Counter()
        self.wrong: list[Wrong] = []
        self.seconds: list[float] = []
        """How long the last complete answers took."""
        self._random = random.Random(seed)
        self._number = 0
        self._client: Any = None

    async def run(self, at_once: int, until: float) -> None:
        """Conversations, that many at once, until the clock says so."""
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=at_once)
        async with httpx.AsyncClient(trust_env=False, timeout=60, limits=limits) as self._client:
            await asyncio.gather(*(self._talk_until(until) for _ in range(at_once)))

    async def _talk_until(self, until: float) -> None:
        while time.monotonic() < until and len(self.wrong) < 99:
            self._number += 1
            number = self._number
            try:
                await self._converse(number, random.Random(self._random.random()))
            except Exception as error:  # noqa: BLE001 - whatever it is, a client did not get its answer
                self._note(
                    "no answer", type(error).__name__, number, "".join(traceback.format_exception(error)), ""
                )

    # ---------------------------------------------------------------- a conversation

    async def _converse(self, number: int, lots: random.Random) -> None:
        name = lots.choice(list(FORMATS))
        format_ = FORMATS[name]
        began = time.monotonic()
        said: list[str] = []  # by the user and the model in turns
        kept: list[str] = []  # by the user alone, as expected back
        previous = ""
        for turn in range(lots.randint(2, 4)):
            text, back = _text(number, turn, lots)
            fault = lots.choices(["", "leaves", "[dies]", "[fails]"], [12, 2, 1, 1])[0]
            if fault.startswith("["):
                text, back = f"{text} {fault}", f"{back} {fault}"
            is_stream = fault in ("leaves", "[dies]") or lots.random() < 0.7
            body = format_.ask([*said, text])
            if name == "responses" and previous:
                body["previous_response_id"] = previous
            calls = format_.tools is not None and lots.random() < 0.3
            if calls:
                body["tools"] = format_.tools
            if "Content" not in format_.path:
                body["stream"] = is_stream
            expected = " | ".join([*kept, back]) if name == "responses" else back
            if not calls:
                expected = provider.answer(expected)
            status, data = await self._asked(
                format_.streamed_path if is_stream else format_.path, body, number, turn, fault, lots
            )
            whole = status == 200 and fault not in ("leaves", "[dies]")
            self.counts[fault.strip("[]") or "complete"] += 1
            if fault == "[fails]":
                if status != 529:
                    self._note("another status than the provider's", name, number, f"{status}", "529")
                return
            if status != 200:
                self._note("refused", name, number, f"{status}", "200")
                return
            self.by_format[name] += 1
            answer = streamed(format_, data) if is_stream else format_.whole(json.loads(data))
            is_lenient = name == "responses" and self.outages.touch(began)
            self._judge(answer, expected, name, number, whole=whole, calls=calls, lenient=is_lenient)
            if not whole:
                return
            previous = _id_of(data, is_stream=is_stream) if name == "responses" else ""
            kept.append(back)
            said += [text, answer]

    async def _asked(
        self, path: str, body: dict[str, Any], number: int, turn: int, fault: str, lots: random.Random
    ) -> tuple[int, bytes]:
        headers = {
            "authorization": f"Bearer client-{number % 5}",
            "x-conversation": f"talk-{number}",
        }
        for again in range(ASKED_AGAIN):
            address = self.addresses[(number + turn + again) % len(self.addresses)] + path
            began = time.monotonic()
            status, data = await self._read(address, body, headers, fault, lots)
            if status != 503:
                if status == 200 and not fault:
                    self.seconds[:] = [*self.seconds[-9999:], time.monotonic() - began]
                return status, data
            if not self.outages.touch(began):
                break
            self.counts["refused while the store was gone"] += 1
            await asyncio.sleep(0.1)
        return 503, b""

    async def _read(
        self, address: str, body: dict[str, Any], headers: dict[str, str], fault: str, lots: random.Random
    ) -> tuple[int, bytes]:
        data = b""
        leaves = lots.randint(1, 2000) if fault == "leaves" else None
        slow = lots.random() < 0.05
        status = 0
        try:
            async with self._client.stream("POST", address, json=body, headers=headers) as answer:
                status = answer.status_code
                async for piece in answer.aiter_raw():
                    data += piece
                    if leaves is not None and len(data) >= leaves:
                        break
                    if slow:
                        await asyncio.sleep(0.005)
        except httpx.RemoteProtocolError:
            if fault != "[dies]" or not status:
                raise
        return status, data

    # ---------------------------------------------------------------- what is right

    def _judge(
        self, answer: str, expected: str, name: str, number: int, *, whole: bool, calls: bool, lenient: bool
    ) -> None:
        said = argument(answer, whole=whole) if calls else answer
        if said is None:
            self._note("arguments that are no JSON", name, number, answer, expected)
        elif not is_right(said, expected, whole=whole):
            if lenient and is_right(said, expected, whole=whole, lenient=True):
                self.counts["placeholders left after the store was gone"] += 1
            else:
                self._note("another answer", name, number, said, expected)

    def _note(self, what: str, name: str, number: int, said: str, expected: str) -> None:
        self.wrong.append(Wrong(what, name, number, said[-2000:], expected[-2000:]))


def _text(number: int, turn: int, lots: random.Random) -> tuple[str, str]:
    """What the user says, and how it is to come back."""
    person = PEOPLE[number % len(PEOPLE)]
    mail = f"q.vantongeren{number:06d}@mail{number % 7}.example.org"
    parts = [f"conversation {number}, turn {turn}: I am {person}"]
    if lots.random() < 0.5:
        parts.append(f"write to {mail} soon")
    if lots.random() < 0.5:
        parts.append(f'pay "{person}" on {fleet.iban(number)} \\ 😀 at once')
    parts.append("etaoin shrdlu " * lots.choice([0, 1, 20, 300]))
    text = back = ", ".join(parts)
    if lots.random() < 0.4:
        text += f" see https://shop.example/?who={person} now"
        back += f" see https://shop.example/?who={KEPT} now"
    return text, back


def is_right(answer: str, expected: str, *, whole: bool = True, lenient: bool = False) -> bool:
    """Whether the answer is what is expected, or how that begins; ``lenient``: a placeholder stands for any value."""
    answer = _IN_ADDRESS.sub(KEPT, answer)
    if not whole:
        answer = _BEGUN.sub("", answer)  # what was held back came out as it was
    if not lenient:
        return answer == expected if whole else expected.startswith(answer)
    parts = [re.escape(part) for part in MARK.split(answer)]
    pattern = re.compile(".+?".join(parts), re.DOTALL)
    return (pattern.fullmatch(expected) if whole else pattern.match(expected)) is not None


def argument(source: str, *, whole: bool) -> str | None:
    """The argument of the tool, or as much of it as came; None if its source is no JSON."""
    if not whole:
        if OPENING.startswith(source):
            return ""
        source = _HALF.sub("", source.removesuffix('"}').removesuffix('"')) + '"}'
    try:
        said = json.loads(source)["to"]
    except (ValueError, KeyError, TypeError):
        return None
    return str(said)


def _id_of(data: bytes, *, is_stream: bool) -> str:
    if is_stream:
        return str([event for event in events(data) if "response" in event][-1]["response"]["id"])
    return str(json.loads(data)["id"])
