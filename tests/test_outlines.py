"""Frames that are an earlier one with other texts in it: what leaves is the same as if each was read."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from holdback import DeanonymizationConfig, RestorePolicy, WireRestorer, _pure
from holdback.engine import bytes_cursor, outlines
from holdback.restorers import settling

MATCHER: Any = _pure.TrieMatcher({"<P1>": 'Ada "A"', "<": "less", "é!": "e"})
MARK = "\ufeff"

CHAT = '{"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{%s}}]}'
RESPONSES = (
    '{"type":"response.output_text.delta","sequence_number":%s,"item_id":"i","output_index":0,'
    '"content_index":0,"delta":"%s"}'
)
TEXTS = [
    "a",
    "a b",
    "é",
    "é!",
    "\ud83d\ude00",
    "<",
    "P1>",
    "<P1>",
    "<P",
    "\\n",
    "\\u003cP1>",
    "",
    "\\",
    "a\\",
]
MANNERS = [
    ("data: ", "\n\n"),
    ("data: ", "\r\n\r\n"),
    ("event: x\ndata: ", "\n\n"),
    ("data:", "\n:c\n\n"),
    ("data: ", "\r\r"),
    ("data: ", "\r\r\n"),
    ("data: ", "\n\n\n"),
    (f"{MARK}data: ", "\n\n"),
]


def chat(text: str, other: str) -> str:
    field = {
        "": '"content":"%s"',
        "r": '"reasoning":"%s"',
        "u": '"content":"%s","usage":1',
        "n": '"content":"%s"',
    }
    event = CHAT % (field[other] % text)
    return event.replace('"index":0', '"index":1') if other == "n" else event


def response(text: str, other: str) -> str:
    return RESPONSES % ({"": "17", "r": "0", "u": "170", "n": "1.5"}[other], text)


texts = st.sampled_from(TEXTS)
others = st.sampled_from(["", "", "", "", "r", "u", "n"])
manners = st.sampled_from([*MANNERS[:1] * 6, *MANNERS])
events = st.lists(st.tuples(texts, others, manners), min_size=1, max_size=14)


def passed_through(stream: bytes, cuts: list[int], protocol: str, *, lane: bool) -> tuple[bytes, str]:
    restorer = WireRestorer(MATCHER, protocol=protocol, _lane=lane)
    places = sorted({0, len(stream), *(cut % len(stream) for cut in cuts)})
    reads = [stream[begin:end] for begin, end in pairwise(places)]
    out = b"".join(map(restorer.feed, reads)) + restorer.flush()
    return out, str(restorer.report)


def same_as_read(stream: bytes, cuts: list[int], protocol: str) -> None:
    read = passed_through(stream, [], protocol, lane=False)
    assert passed_through(stream, [], protocol, lane=True) == read
    assert passed_through(stream, cuts, protocol, lane=True) == read
    assert passed_through(stream, list(range(len(stream))), protocol, lane=True) == read


@settings(deadline=None, max_examples=300)
@given(events, st.lists(st.integers(0, 4000), max_size=6), st.sampled_from(["chat", "responses"]))
@example([("a", "", MANNERS[0])] * 3 + [("<P", "", MANNERS[0]), ("a", "", MANNERS[0])], [], "chat")
@example([("a", "", MANNERS[4])] * 3 + [("<P", "", MANNERS[5])], [], "chat")
@example([("a", "", MANNERS[6])] * 2 + [("a", "", MANNERS[0])], [], "chat")
@example(
    [("a", "r", MANNERS[0]), ("a", "", MANNERS[0])] * 2 + [("<", "r", MANNERS[0]), ("b", "", MANNERS[0])],
    [],
    "chat",
)
@example(
    [
        *[("a", other, MANNERS[0]) for other in ("", "", "n", "", "")],
        ("<P", "n", MANNERS[4]),
        ("a", "", MANNERS[6]),
    ],
    [],
    "chat",
)
def test_events(said: list[tuple[str, str, tuple[str, str]]], cuts: list[int], kind: str) -> None:
    make, protocol = {"chat": (chat, "openai-chat"), "responses": (response, "openai-responses")}[kind]
    frames = [before + make(text, other) + behind for text, other, (before, behind) in said]
    same_as_read("".join(frames).encode(errors="surrogatepass"), cuts, protocol)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.tuples(texts, st.sampled_from(["\n", "\n", "\r\n"])), min_size=1, max_size=12), st.booleans()
)
def test_lines(said: list[tuple[str, str]], is_marked: bool) -> None:
    lines = [f'{{"model":"m","response":"{text}","done":false}}{end}' for text, end in said]
    stream = (MARK if is_marked else "") + "".join(lines)
    same_as_read(stream.encode(errors="surrogatepass"), [5, 60, 61], "ollama")


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The events that are read."""
    seen: list[bytes] = []
    read = bytes_cursor.read

    def reading(shapes: Any, source: bytes, *, natively: bool) -> Any:
        seen.append(source)
        return read(shapes, source, natively=natively)

    monkeypatch.setattr(settling, "read", reading)
    return seen


def test_what_fits_is_not_read(reads: list[bytes]) -> None:
    restorer = WireRestorer(MATCHER, protocol="openai-chat")
    frames = [
        f"data: {chat(text, '')}\n\n".encode() for text in ("a", "b", "c", "d ü", "x" * 3000, "<P", "1>", "e")
    ]
    left = [restorer.feed(frame) for frame in frames]
    assert left[:5] == frames[:5]
    assert left[2] is frames[2]
    assert left[5:] == [b"", frames[6].replace(b'"1>', b'"Ada \\"A\\"'), frames[7]]
    assert len(reads) == 2  # the first opens the channel, of the second the outline is drawn


def test_what_a_tail_is_numbered_by(reads: list[bytes]) -> None:
    """The last number counts, also of an event that was not read."""
    tails = []
    for lane in (True, False):
        restorer = WireRestorer(MATCHER, protocol="openai-responses", _lane=lane)
        said = [(1, "a"), (1, "b"), (0, "<P"), (1, "c"), (1, "d"), (1, "e")]
        for number, (part, text) in enumerate(said, 16):
            event = (RESPONSES % (number, text)).replace('"content_index":0', f'"content_index":{part}')
            restorer.feed(f"data: {event}\n\n".encode())
        tails.append((len(reads), json.loads(restorer.flush().partition(b"data: ")[2])["sequence_number"]))
        reads.clear()
    assert tails == [(4, 21), (6, 21)]


def test_how_a_tail_is_written(reads: list[bytes]) -> None:
    """Like the last event, also if that was not read; and its number is that of an event whose marks were recalled."""
    lf, crlf = MANNERS[0], MANNERS[1]
    for last, end in (((1, "e", lf), b"\n\n"), ((1, "e", crlf), b"\r\n\r\n"), ((0, "1", lf), b"\n\n")):
        tails = []
        for lane in (True, False):
            restorer = WireRestorer(MATCHER, protocol="openai-responses", _lane=lane)
            said = [
                (1, "a", lf),
                (0, "b", lf),
                (0, "c", lf),
                (1, "b", lf),
                (0, "<P", lf),
                (1, "c", crlf),
                last,
            ]
            for number, (part, text, (before, behind)) in enumerate(said, 16):
                event = (RESPONSES % (number, text)).replace('"content_index":0', f'"content_index":{part}')
                restorer.feed(f"{before}{event}{behind}".encode())
            tails.append(restorer.flush())
        assert tails[0] == tails[1]
        assert tails[0].endswith(end)
    assert len(reads) < 6 * 7


def test_a_line_of_an_event_that_is_too_large_is_no_event() -> None:
    frames = [f"data: {chat(text, '')}\n\n".encode() for text in ("a", "b", "c")]
    large = b"data: " + b"x" * 1000 + b"\n"
    stream = [*frames, large, frames[0], frames[1].replace(b'"b"', '"é!"'.encode())]
    restorer = WireRestorer(MATCHER, protocol="openai-chat", max_event_bytes=500)
    out = b"".join(map(restorer.feed, stream)) + restorer.flush()
    assert out == b"".join(stream).replace("é!".encode(), b"e")


def test_a_larger_event_than_allowed_is_not_taken_for_one_that_fits() -> None:
    frames = [f"data: {chat(text, '')}\n\n".encode() for text in ("a", "b", "c", "x" * 100)]
    restorer = WireRestorer(MATCHER, protocol="openai-chat", max_event_bytes=len(frames[0]) + 50)
    assert b"".join(map(restorer.feed, frames)) == b"".join(frames)
    assert restorer.report.oversized == 1


def test_with_a_policy_every_text_is_looked_at() -> None:
    config = DeanonymizationConfig(policy=RestorePolicy(channels={"content": "restore"}, addresses="keep"))
    restorer = WireRestorer(MATCHER, config, protocol="openai-chat")
    for text in ("a", "b", "see http://", "x/?q=<P1>"):
        left = restorer.feed(f"data: {chat(text, '')}\n\n".encode())
        assert (b"<P1>" in left) is ("<P1>" in text)


def test_text_that_ends_another_leaves_the_outlines_as_they_are(reads: list[bytes]) -> None:
    restorer = WireRestorer(MATCHER, protocol="openai-chat")
    said = [*[("a", "r"), ("b", "")] * 3, ("<P", "r"), ("c", ""), ("d", "r"), ("e", "")]
    for text, other in said:
        restorer.feed(f"data: {chat(text, other)}\n\n".encode())
    assert len(reads) == 4


def test_few_are_drawn_where_none_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Any] = []
    draw = outlines._drawn

    def drawing(*of: Any) -> Any:
        drawn.append(of)
        return draw(*of)

    monkeypatch.setattr(outlines, "_drawn", drawing)
    restorer = WireRestorer(MATCHER, protocol="openai-chat")
    for number in range(300):
        restorer.feed(f"data: {chat('a', '').replace('c', f'c{number}', 1)}\n\n".encode())
    assert len(drawn) < 12
