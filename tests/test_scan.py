"""The scan: how far bytes can leave unread. It may be too careful, never too bold."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TypedDict

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import strategies
from conftest import TWINS
from holdback import _backend, _pure
from holdback._pure.scan import JSON_FIELDS
from holdback.protocols import PROTOCOLS

P = {"<P>": "x", "é": "x", "\t!": "x", "/a": "x"}


def quiet(
    pairs: dict[str, str], data: bytes, start: int = 0, *, lines: bool = False, field: str = "_call"
) -> int:
    return _backend.TrieMatcher(pairs)._scan(lines=lines, field=field).run(data, start, None)[1]


class Vector(TypedDict):
    name: str
    keys: list[str]
    field: str
    lines: bool
    data: str
    end: int
    beginning: bool


VECTORS: list[Vector] = json.loads(
    (Path(__file__).parent / "vectors/bytes/scan.json").read_text(encoding="ascii")
)
"""How far bytes go out unread, and whether what is left is known to be one beginning; `cargo test` reads them too."""


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_run_and_read(vector: Vector, backend: str) -> None:
    matcher = _backend.TrieMatcher(dict.fromkeys(vector["keys"], "x"))
    scan = matcher._scan(lines=vector["lines"], field=vector["field"])
    data, end = vector["data"].encode(), vector["end"]
    assert scan.run(data, 0, None)[1] == end
    before = b"data: <\\u003c\n\n"
    assert scan.run(before + data, len(before), None)[1] == end + len(before)
    for cut in range(len(data) + 1):
        assert scan.read(data[:cut], data[cut:], None) == (data[:end], data[end:], vector["beginning"])


@pytest.mark.parametrize(("field", "end"), [("_json", 0), ("_call", 27), ("", 27), ("json", 27)])
def test_only_the_field_of_the_format_matters(field: str, end: int, backend: str) -> None:
    assert quiet(P, b'data: {"partial_json":""}\n\n', field=field) == end


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


@strategies.examples(3)
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
    there = native.TrieMatcher(pairs)._scan(lines=lines, field=field).run(data, start, None)[1]
    assert there == _pure.TrieMatcher(pairs)._scan(lines=lines, field=field).run(data, start, None)[1]
    assert start <= there <= len(data)
    assert there == start or data[there - 1 : there] in (b"\n", b"\r")


def quiet_by_definition(keys: list[str], data: bytes, start: int, *, lines: bool, field: str) -> int:
    """The end of the last line feed, or blank line, before the first mark; too simple to be wrong."""
    marks = [key[0].encode("utf-8", "surrogatepass")[:1] for key in keys]
    marks += [json.dumps(key[0])[1:-1].encode() for key in keys if key[0] in "\b\f\n\r\t"]
    marks += [b"\\/" for key in keys if key[0] == "/"]
    marks += [b"\\u", b"[DONE]", *([field.encode()] if field else [])]
    found = [data.find(mark, start) for mark in marks]
    quiet = data[start : min((at for at in found if at >= 0), default=len(data))]
    if lines:
        return start + quiet.rfind(b"\n") + 1
    ends = [(line.start(), line.end()) for line in re.finditer(rb"\r\n|\r|\n", quiet)]
    begins = [0, *(end for _, end in ends)]
    return start + max(
        (end for begin, (at, end) in zip(begins, ends, strict=False) if begin == at), default=0
    )


@strategies.examples(3)
@given(data=PIECES, before=PIECES, keys=KEYS, lines=st.booleans(), field=FIELDS)
@example(data=b"\nb", before=b"a\r", keys=[], lines=False, field="")  # begins between CR and LF
def test_the_run_ends_where_the_definition_says(
    data: bytes, before: bytes, keys: list[str], lines: bool, field: str
) -> None:
    expected = quiet_by_definition(keys, before + data, len(before), lines=lines, field=field)
    for twin in filter(None, TWINS.values()):
        scan = twin.TrieMatcher(dict.fromkeys(keys, "x"))._scan(lines=lines, field=field)
        assert scan.run(before + data, len(before), None)[1] == expected


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
            assert scan.run(data, 0, None)[1] == 0, (first, spelling)


@given(st.data())
def test_a_read_is_the_run_of_both_and_what_is_left(data: st.DataObject) -> None:
    bits = st.sampled_from([b"a", b"\n", b"\r", b"\r\n", b"<", b"\\u", b"D", b"[DONE]", b"_call"])
    rest, came = (b"".join(data.draw(st.lists(bits, max_size=8))) for _ in range(2))
    lines = data.draw(st.booleans())
    results = set()
    for twin in filter(None, TWINS.values()):
        scan = twin.TrieMatcher(P)._scan(lines=lines, field="_call")
        quiet, left, is_beginning = scan.read(rest, came, None)
        end = scan.run(rest + came, 0, None)[1]
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
