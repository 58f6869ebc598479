"""The scan: how far bytes can leave unread. It may be too careful, never too bold."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import TWINS
from holdback import _backend, _pure
from holdback._pure.scan import JSON_FIELDS
from holdback.protocols import PROTOCOLS

P = {"<P>": "x", "é": "x", "\t!": "x", "/a": "x"}


def quiet(
    pairs: dict[str, str], data: bytes, start: int = 0, *, lines: bool = False, field: str = "_call"
) -> int:
    return _backend.TrieMatcher(pairs)._scan(lines=lines, field=field).run(data, start)


CASES = {
    "a quiet event": (b"data: a\n\n", 9),
    "two": (b"data: a\n\ndata: b\n\n", 18),
    "and an unfinished one": (b"data: a\n\ndata: b\n", 9),
    "only an unfinished one": (b"data: a\n", 0),
    "before a key": (b"data: a\n\ndata: <\n\n", 9),
    "a key at once": (b"data: <\n\ndata: a\n\n", 0),
    "CRLF": (b"data: a\r\n\r\ndata: <", 11),
    "CR": (b"data: a\r\rdata: <", 9),
    "mixed": (b"data: a\r\n\ndata: b\n\r\ndata: <", 20),
    "empty lines": (b"\n\n\n<", 3),
    "an escape": (rb"data: \u0061" + b"\n\n", 0),
    "a short escape of a first": (rb"data: \t" + b"\n\n", 0),
    "a short escape of no first": (rb"data: \n\"" + b"\n\n", 12),
    "a slash that is escaped": (rb"data: \/" + b"\n\n", 0),
    "beyond ASCII": ("data: é\n\n".encode(), 0),
    "the same first byte": ("data: ã\n\n".encode(), 0),
    "another first byte": ("data: ‑\n\n".encode(), 11),
    "arguments": (b'data: {"type":"response.mcp_call_arguments.delta"}\n\n', 0),
    "tool_calls": (b'data: {"tool_calls":[]}\n\n', 0),
    "function_call": (b'data: {"function_call":{}}\n\n', 0),
    "the end": (b"data: a\n\ndata: [DONE]\n\n", 9),
    "nothing": (b"", 0),
}


@pytest.mark.parametrize("name", CASES)
def test_quiet_run(name: str, backend: str) -> None:
    data, end = CASES[name]
    assert quiet(P, data) == end
    before = b"data: <\n\n"
    assert quiet(P, before + data, len(before)) == end + len(before)


@pytest.mark.parametrize(("field", "end"), [("_json", 0), ("_call", 27), ("", 27), ("json", 27)])
def test_only_the_field_of_the_format_matters(field: str, end: int, backend: str) -> None:
    assert quiet(P, b'data: {"partial_json":""}\n\n', field=field) == end


@pytest.mark.parametrize(
    ("data", "end"), [(b"a\nb\nc", 4), (b"a\nb\n<\n", 4), (b"a\r\r", 0), (b"<\n", 0), (b"", 0)]
)
def test_quiet_lines(data: bytes, end: int, backend: str) -> None:
    assert quiet(P, data, lines=True) == end


PIECES = st.lists(
    st.sampled_from(
        [
            b"\n",
            b"\r",
            b"\r\n",
            b"data: a",
            b"<",
            b"\\u",
            b"\\n",
            b"\xc3",
            b"\xa9",
            b"[DONE]",
            b"_call",
            b"_json",
        ]
    ),
    max_size=12,
).map(b"".join)
FIELDS = st.sampled_from([*JSON_FIELDS, ""])
KEYS = st.lists(st.sampled_from(["<", "é", "\n", "/", "\x08", "\ud83d", "☃", "a"]), max_size=3, unique=True)


@settings(max_examples=300)
@given(
    data=st.one_of(PIECES, st.binary(max_size=20)),
    keys=KEYS,
    start=st.integers(0, 4),
    lines=st.booleans(),
    field=FIELDS,
)
def test_the_twins_agree(data: bytes, keys: list[str], start: int, lines: bool, field: str) -> None:
    native = TWINS["native"]
    if native is None:
        pytest.skip("the extension holdback._native is not built here")
    pairs = dict.fromkeys(keys, "x")
    start = min(start, len(data))
    there = native.TrieMatcher(pairs)._scan(lines=lines, field=field).run(data, start)
    assert there == _pure.TrieMatcher(pairs)._scan(lines=lines, field=field).run(data, start)
    assert start <= there <= len(data)
    assert there == start or data[there - 1 : there] in (b"\n", b"\r")


FIRSTS = [chr(code) for code in range(0x180)] + [
    "\u2028",
    "☃",
    "\ud83d",
    "\udc00",
    "😀",
    "\uffff",
    "\U0010ffff",
]


def test_no_spelling_of_a_first_character_is_missed(backend: str) -> None:
    """Each way that JSON has to write a character stops the run; so a key cannot begin unseen."""
    for first in FIRSTS:
        scan = _backend.TrieMatcher({first + "!": "x"})._scan(lines=False, field="")
        source = first.encode("utf-16-be", "surrogatepass").hex()
        escaped = "".join(f"\\u{source[at : at + 4]}" for at in range(0, len(source), 4))
        spellings = {escaped, escaped.upper().replace("U", "u"), json.dumps(first)[1:-1]}
        if not "\ud800" <= first <= "\udfff":
            spellings.add(json.dumps(first, ensure_ascii=False)[1:-1])
        if first == "/":
            spellings.add("\\/")
        for spelling in spellings:
            assert json.loads(f'"{spelling}"') == first
            data = f'data: {{"x":"{spelling}!"}}\n\n'.encode()
            assert scan.run(data, 0) == 0, (first, spelling)


@given(st.data())
def test_a_read_is_the_run_of_both_and_what_is_left(data: st.DataObject) -> None:
    bits = st.sampled_from([b"a", b"\n", b"\r", b"\r\n", b"<", b"\\u", b"D", b"[DONE]", b"_call"])
    rest, came = (b"".join(data.draw(st.lists(bits, max_size=8))) for _ in range(2))
    lines = data.draw(st.booleans())
    results = set()
    for twin in filter(None, TWINS.values()):
        scan = twin.TrieMatcher(P)._scan(lines=lines, field="_call")
        quiet, left, is_beginning = scan.read(rest, came)
        end = scan.run(rest + came, 0)
        assert (quiet, left) == ((rest + came)[:end], (rest + came)[end:])
        if is_beginning:  # nothing in it ends an event
            assert (b"\n" not in left) if lines else not re.search(rb"\A[\r\n]|[\r\n][\r\n]", left)
        results.add((quiet, left, is_beginning))
    assert len(results) == 1


def test_the_names_of_json_channels_are_those_of_the_formats() -> None:
    """Fragments of JSON source are never skipped: `test_wire.py` feeds them; here, that the scan knows the names."""
    names = {protocol.JSON_FIELD for protocol in PROTOCOLS.values()}
    assert names - {""} == set(JSON_FIELDS)
    assert not any(re.search("[^a-z_]", name) for name in names), "an escape in a name is a `\\u`"
