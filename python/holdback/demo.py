"""``holdback demo``: a recorded answer goes through the restorer while you read along.

A recording is the body of a provider's answer as it came over the wire (``recordings/*.sse``), and beside it
the map of its placeholders. Its events go through one by one. One row is one piece of text: at the left what the
provider sent, at the right what the user sees at that moment. Then both answers as wholes, and a line of counts.
The restorer has the usual policy: a placeholder in an address, where fetching it would send the value away, stays.
Everything is lines of text, so it reads the same in a log.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator
from importlib import resources
from typing import Any, NamedTuple, TextIO

from holdback import _backend
from holdback.config import DeanonymizationConfig
from holdback.policy import RestorePolicy
from holdback.restorers.wire import WireRestorer

RECORDINGS = resources.files("holdback") / "recordings"
RECORDING = "chat"

SECONDS_PER_CHARACTER = 0.025  # of what the provider sends: a quick reader's speed
NARROWEST, WIDEST = 48, 120  # columns
LABEL = 13  # columns of the channel's name


class Recording(NamedTuple):
    """The events of an answer, and what its placeholders stand for."""

    events: list[bytes]
    pairs: dict[str, str]

    @property
    def chunks(self) -> list[dict[str, Any]]:
        return _chunks(b"".join(self.events))


def load(name: str = RECORDING) -> Recording:
    """One of the recordings that come with the package."""
    body = (RECORDINGS / f"{name}.sse").read_bytes()
    pairs = json.loads((RECORDINGS / f"{name}.map.json").read_text(encoding="utf-8"))
    return Recording(re.findall(rb".+?\n\n", body, re.DOTALL), pairs)


def _chunks(events: bytes) -> list[dict[str, Any]]:
    return [json.loads(line[len(b"data: ") :]) for line in events.split(b"\n") if line.startswith(b"data: {")]


def play(out: TextIO, speed: float | None = None) -> None:
    """Show the recording on ``out``. ``speed`` None: reading speed on a terminal, else at once."""
    if speed is None:
        speed = 1.0 if out.isatty() else 0.0
    recording = load()
    screen = _Screen(out, recording.pairs)
    restorer = WireRestorer(recording.pairs, DeanonymizationConfig(policy=RestorePolicy()))
    sent, seen = _Transcript(), _Transcript()
    arriving = leaving = 0

    screen.line(f"A recorded answer, badly cut; its map has {len(recording.pairs)} placeholders")
    screen.line(screen.legend())
    screen.header("┬", "provider sent", "user sees")
    for event in recording.events:
        came, leaves = _chunks(event), _chunks(restorer.feed(event))
        arriving += len(came)
        leaving += len(leaves)
        pieces, restored = sent.take(came), seen.take(leaves)
        for label in {**restored, **pieces}:
            screen.row(label, pieces.get(label, ""), restored.get(label, ""))
        if speed:
            out.flush()
            time.sleep(sum(map(len, pieces.values())) * SECONDS_PER_CHARACTER / speed)

    screen.header("┼", "whole, as sent", "whole, as seen")
    for label, text in sent.texts.items():
        screen.passage(label, text, seen.texts.get(label, ""))
    screen.rule("┴")
    report = restorer.report
    replaced = sum(report.restored.values())
    kept = sum(sum(by_type.values()) for by_type in report.kept.values())
    counts = (
        f"{arriving} chunks in, {leaving} out, {replaced} placeholders restored, {kept} kept in an address"
    )
    screen.line(f"{counts} ({_backend.BACKEND})")


class _Transcript:
    """What was said so far, channel by channel."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def take(self, chunks: Iterable[dict[str, Any]]) -> dict[str, str]:
        """Note what some chunks say; returns just that. Only text goes into the whole."""
        pieces: dict[str, str] = {}
        for label, text, is_text in (said for chunk in chunks for said in _said(chunk)):
            pieces[label] = pieces.get(label, "") + text
            if is_text:
                self.texts[label] = self.texts.get(label, "") + text
        return pieces


def _said(chunk: dict[str, Any]) -> Iterator[tuple[str, str, bool]]:
    """What a chat chunk says: the channel's name, the words, whether they are streamed text."""
    for choice in chunk["choices"]:
        index, delta = choice["index"], choice["delta"]
        if role := delta.get("role"):
            yield f"{index} role", role, False
        if text := delta.get("reasoning_content"):
            yield f"{index} reasoning", text, True
        if text := delta.get("content"):
            yield f"{index} content", text, True
        for call in delta.get("tool_calls") or ():
            if name := call["function"].get("name"):
                yield f"{index} tool", name, False
            if text := call["function"].get("arguments"):
                yield f"{index} arguments", text, True
        if reason := choice["finish_reason"]:
            yield f"{index} finish", reason, False
    if usage := chunk.get("usage"):
        yield "usage", f"{usage['total_tokens']} tokens", False


# ---------------------------------------------------------------- the screen

DIM, GREEN, YELLOW, RESET = "\x1b[2m", "\x1b[1;32m", "\x1b[33m", "\x1b[0m"
GLYPHS = "│┆▶◆┬┼┴─⏎"
PLAIN_GLYPHS = str.maketrans(GLYPHS, "|:>#-+--$")  # for an encoding that has no others


class _Screen:
    """Two columns of text, with colour if somebody looks and wants it."""

    def __init__(self, out: TextIO, pairs: dict[str, str]) -> None:
        self.originals = _any_of(pairs.values())
        self._placeholders = _any_of(pairs)
        self._out = out
        self._colour = out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        width = max(NARROWEST, min(shutil.get_terminal_size().columns, WIDEST))
        self._column = (width - LABEL - 3) // 2
        self._encoding = out.encoding or "utf-8"
        try:
            GLYPHS.encode(self._encoding)
            self._has_glyphs = True
        except UnicodeEncodeError:
            self._has_glyphs = False

    def line(self, text: str) -> None:
        """One line of output, in characters that its encoding has."""
        if not self._has_glyphs:
            text = text.translate(PLAIN_GLYPHS)
        self._out.write(text.encode(self._encoding, "replace").decode(self._encoding) + "\n")

    def legend(self) -> str:
        signs = [
            ("│", "", "as sent"),
            ("┆", YELLOW, "held back"),
            ("▶", GREEN, "restored"),
            ("◆", YELLOW, "kept"),
        ]
        return "   ".join(f"{self._in(colour, sign)} {meaning}" for sign, colour, meaning in signs)

    def rule(self, crossing: str) -> None:
        left = "─" * (LABEL + self._column + 1)
        self.line(self._in(DIM, left + crossing + "─" * (self._column + 1)))

    def header(self, crossing: str, left: str, right: str) -> None:
        """The names of both columns, between rules."""
        self.rule(crossing)
        self.line(f"{'':{LABEL}}{left:{self._column}} {self._in(DIM, '│')} {right}")
        self.rule("┼")

    def row(self, label: str, sent: str, seen: str) -> None:
        """One piece as sent, and what of it is seen."""
        if self.originals.search(seen):
            sign = self._in(GREEN, "▶")
        elif self._placeholders.search(seen):
            sign = self._in(YELLOW, "◆")
        else:
            sign = self._in(DIM, "│") if seen.endswith(sent) else self._in(YELLOW, "┆")
        self._columns(label, sent.replace("\n", "⏎"), sign, seen.replace("\n", "⏎"))

    def passage(self, label: str, sent: str, seen: str) -> None:
        """A whole text as sent and as seen."""
        self._columns(label, sent, self._in(DIM, "│"), seen)

    def _columns(self, label: str, left: str, sign: str, right: str) -> None:
        rows_left = self._cells(left, self._placeholders, YELLOW)
        rows_right = self._cells(right, self.originals, GREEN)
        for number in range(max(len(rows_left), len(rows_right))):
            name = label if number == 0 else ""
            a = rows_left[number] if number < len(rows_left) else " " * self._column
            b = rows_right[number].rstrip() if number < len(rows_right) else ""
            self.line(f"{self._in(DIM, name)}{'':{LABEL - len(name)}}{a} {sign} {b}".rstrip())

    def _cells(self, text: str, marked: re.Pattern[str], colour: str) -> list[str]:
        """The text in lines of one column's width, with what matches ``marked`` in colour."""
        spans = [match.span() for match in marked.finditer(text)] if self._colour else []
        cells = []
        for start, end in _lines(text, self._column):
            cell, at = "", start
            for a, b in ((max(a, start), min(b, end)) for a, b in spans if a < end and b > start):
                cell += text[at:a] + self._in(colour, text[a:b])
                at = b
            cells.append(cell + text[at:end] + " " * (self._column - (end - start)))
        return cells

    def _in(self, colour: str, text: str) -> str:
        return f"{colour}{text}{RESET}" if colour and text and self._colour else text


def _any_of(texts: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, sorted(texts, key=len, reverse=True))))


def _lines(text: str, width: int) -> Iterator[tuple[int, int]]:
    """Where the lines of a text start and end, none longer than ``width``, broken at spaces if possible."""
    start = 0
    while start < len(text):
        newline = text.find("\n", start, start + width + 1)
        if newline >= 0:
            yield start, newline
            start = newline + 1
            continue
        end = start + width
        if end < len(text) and (space := text.rfind(" ", start + 1, end + 1)) > start:
            yield start, space
            start = space + 1
        else:
            yield start, min(end, len(text))
            start = end
