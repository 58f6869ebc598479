"""The native short cuts through a plain request: whatever they do not decline comes out as the walk has it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from holdback import PIIMapping, _backend
from holdback.errors import MaskingError
from holdback.masking import KnownValues, Masked, Masker, Patterns, Placeholders, masker
from holdback.masking.plain import plain
from holdback.masking.requests import REQUESTS
from holdback.masking.shapes import By, Either
from holdback.masking.values import standing

pytestmark = pytest.mark.skipif(
    _backend.BACKEND != "native", reason="the native twin alone has the short cut"
)

KEY = bytes(range(32))
VALUES = {
    "Ada": "PERSON",
    "Ada Lovelace": "PERSON",
    "é\n😀": "WORD",
    '"q"': "WORD",
    "stream": "ID",
    "7": "ID",
    " x ": "X",
}
STRIPPED = {value: kind for value, kind in VALUES.items() if value == value.strip()}
KNOWN = Masker(KnownValues(VALUES), Placeholders(KEY))
CERTAIN = Masker(KnownValues(STRIPPED), Placeholders(KEY))
BOTH = Masker([KnownValues(VALUES), Patterns({"EMAIL": r"\w+@\w+\.org"}, engine="re")], Placeholders(KEY))
UNSPELLED = Masker(KnownValues(VALUES, spelled=False), Placeholders(KEY))
NUMBERED = Masker(KnownValues(VALUES), Placeholders(style="numbered"))
MARK = Placeholders(KEY).of("Ada", "PERSON", scope="s")


def names_of(shape: Any, seen: set[int]) -> Iterator[str]:
    if id(shape) in seen:
        return
    seen.add(id(shape))
    if isinstance(shape, By):
        yield from (shape.member, *shape.shapes)
        for inner in (*shape.shapes.values(), shape.other):
            yield from names_of(inner, seen)
    elif isinstance(shape, Either):
        yield from names_of(shape.shape, seen)
    elif isinstance(shape, list):
        yield from names_of(shape[0], seen)
    elif isinstance(shape, dict):
        yield from shape
        for inner in shape.values():
            yield from names_of(inner, seen)


NAMES = {protocol: sorted(set(names_of(shape, set()))) for protocol, shape in REQUESTS.items()}
PIECES = st.sampled_from(
    [*VALUES, MARK, "bo@y.org", " ", "Ad", *"<{[}]é\\", "user", "tool", "text", "base64"]
)
TEXTS = st.lists(PIECES, max_size=4).map("".join)
LITERALS = st.one_of(
    TEXTS.map(json.dumps),
    TEXTS.map(lambda text: json.dumps(text, ensure_ascii=False)),
    TEXTS.map(
        lambda text: '"' + "".join(f"\\u{ord(letter):04x}" for letter in text if ord(letter) < 65536) + '"'
    ),
    st.sampled_from(
        [
            "0",
            "7",
            "-1.50",
            "1e3",
            "NaN",
            "true",
            "false",
            "null",
            '""',
            "{}",
            "[]",
            '"\\ud800"',
            '"\x01"',
            "7.",
        ]
    ),
)
BLANKS = st.sampled_from(["", "", "", " ", "\n\t"])


@st.composite
def values(draw: Any, protocol: str, deep: int = 4) -> Any:
    """The source of a value, mostly of names that the format knows, with all that JSON allows and a little more."""
    kind = draw(st.sampled_from("sssoooaad")) if deep else "s"
    if kind == "d":
        return json.dumps(draw(values(protocol, deep - 1)))
    if kind == "s":
        return str(draw(LITERALS))
    blank = draw(BLANKS)
    if kind == "a":
        items = draw(st.lists(values(protocol, deep - 1), max_size=3))
        return f"[{blank}{f'{blank},'.join(items)}{blank}]"
    names = st.one_of(
        st.sampled_from(NAMES[protocol]), st.sampled_from(["role", "content", "stream", "new"]), TEXTS
    )
    pairs = draw(st.lists(st.tuples(names.map(json.dumps), values(protocol, deep - 1)), max_size=4))
    members = f"{blank},".join(f"{name}{blank}:{blank}{value}" for name, value in pairs)
    return "{" + blank + members + "}"


@st.composite
def requests(draw: Any) -> tuple[str, bytes]:
    protocol = draw(st.sampled_from(sorted(REQUESTS)))
    members = st.tuples(
        st.sampled_from([*NAMES[protocol], "stream", "messages", "input", "prompt"]), values(protocol)
    )
    pairs = draw(st.lists(members, max_size=4))
    return protocol, ("{" + ",".join(f"{json.dumps(name)}: {value}" for name, value in pairs) + "}").encode()


def came_of(work: Masker, source: bytes, protocol: str, known: PIIMapping | None) -> tuple[Any, ...]:
    try:
        masked: Masked[bytes] = work.mask(source, scope="s", protocol=protocol, known=known)
    except MaskingError as error:
        return (str(error),)
    fakes = masked.mapping.get_all_fakes()
    types = [masked.mapping.get_entity_type(value) for value in fakes.values()]
    return (
        masked.request,
        masked.request is source,
        list(fakes.items()),
        types,
        masked.report,
        masked.added.count,
    )


KNOWN_BEFORE = [
    [],
    [("user", "Zorp", "ROLE"), ("Ada", "<PERSON_1>", "PERSON")],
    [("Ada", MARK, "PERSON"), ("7", "<OTHER_2222222222>", ""), ("7", "<ID_7777777777>", "NUMBER")],
    [("Ada", "<PERSON_aaaaaaaaaa>", "PERSON"), ("Grace", "<PERSON_bbbbbbbbbb>", "PERSON")],
]


@given(requests(), st.sampled_from(KNOWN_BEFORE))
def test_what_is_not_declined_is_what_the_walk_has(
    request: tuple[str, bytes], entries: list[tuple[str, str, str]]
) -> None:
    protocol, source = request
    known = PIIMapping() if entries else None
    for entry in entries:
        assert known is not None
        known.add(*entry)
    event(f"plain: {plain(source, protocol) is not None}")
    event(f"certain: {standing(source, protocol, KnownValues(STRIPPED), {}) is not None}")
    for work in (KNOWN, CERTAIN, UNSPELLED, BOTH, *((NUMBERED,) if known is None else ())):
        quick = came_of(work, source, protocol, known)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(masker, "standing", lambda *_: None)
            assert came_of(work, source, protocol, known) == quick
            patch.setattr(masker, "plain_request", lambda *_: None)
            assert came_of(work, source, protocol, known) == quick


@pytest.mark.parametrize(
    ("source", "is_plain"),
    [
        (
            b'{"messages": [{"role": "user", "content": "I am Ada."}], "stream": true, "temperature": 0.7}',
            True,
        ),
        (b'{"messages": [{"role": "user", "content": [{"type": "text", "text": "Ada \\u00e9"}]}]}', True),
        (b'{"messages": [{"role": "assistant", "content": null}], "new": {"a": [1, {"b": "Ada"}]}}', True),
        (b'{"messages": [{"role": "tool", "content": "\\n {\\"a\\": 1}", "tool_call_id": "c"}]}', True),
        (b'{"messages": [{"role": "user", "content": "' + b"[" * 60 + b"]" * 60 + b'"}]}', False),
        (b'{"messages": [{"role": "assistant", "tool_calls": [{"function": {"arguments": "{}"}}]}]}', True),
        (b'{"messages": [{"role": "assistant", "tool_calls": [{"function": {"arguments": {}}}]}]}', False),
        (b'{"messages": [{"role": "assistant", "tool_calls": [{"function": {"arguments": 0}}]}]}', False),
        (b'{"messages": [{"role": "user", "content": "Ada", "content": "Bo"}]}', False),
        (b'{"messages": [{"role": "user", "c\\u006fntent": "Ada"}]}', False),
        (b'{"messages": [{"role": "user", "name": "Ada", "content": "x"}]}', False),
        (b'{"n\\u0065w": 1}', False),
        (b'{"prompt": [[1, 2]]}', False),
        (b'{"prompt": [0]}', False),
        (b'{"messages": [], "user": "\xff"}', False),
        (b'\xef\xbb\xbf{"messages": []}', False),
        (b'{"messages": []} x', False),
        (b'["messages"]', False),
        (b"", False),
    ],
)
def test_what_is_plain(source: bytes, is_plain: bool) -> None:
    assert (plain(source, "openai-chat") is not None) is is_plain


@pytest.mark.parametrize("protocol", REQUESTS)
def test_every_format_has_a_table(protocol: str) -> None:
    assert plain(b"{}", protocol) is not None


@pytest.mark.parametrize(
    ("content", "is_certain"),
    [
        ("I am Ada.", True),
        ("no value", True),
        ("\n 1 < 2 is said by Ada", True),
        ('"Ada" is a name', True),
        ("[1] is said by Ada", True),
        ("{Ada}, once more", True),
        ('[Ada says "so"', True),
        ("{ 1]", True),
        (" [1]", False),
        ("[1] Ada [2]\n", False),
        ('{"a": "Ada"}', False),
        ('\t"Ada"\n', False),
        (f"{MARK} and Ada", False),
        ("a private \U0010fffd", False),
    ],
)
def test_where_values_are_certain(content: str, is_certain: bool) -> None:
    source = json.dumps({"messages": [{"role": "user", "content": content}]}).encode()
    assert (standing(source, "openai-chat", KnownValues(STRIPPED), {}) is not None) is is_certain
    assert standing(source, "openai-chat", KnownValues(VALUES), {}) is None
    assert standing(source, "openai-chat", KnownValues(STRIPPED, spelled=False), {}) is None
    assert (
        standing(source.replace(b'"role"', b'"Ada": 1, "role"'), "openai-chat", KnownValues(STRIPPED), {})
        is None
    )


def test_a_spelling_of_two_values_is_not_certain() -> None:
    source = b'{"messages": []}'
    assert standing(source, "openai-chat", KnownValues({"é": "A", "/": "B"}), {}) is not None
    assert standing(source, "openai-chat", KnownValues({"é": "A", "\\u00e9": "B"}), {}) is None


@pytest.mark.parametrize(
    "said", ["Ada", "Ada é", "Ada\x7f", "Ada é\x7f", "Ada\n\x7f", "\n\ud800 Ada \U0001f600 Ada"]
)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_literals_are_written_as_the_walk_writes_them(said: str, ascii_only: bool) -> None:
    source = json.dumps({"messages": [{"role": "user", "content": said}]}, ensure_ascii=ascii_only)
    if not said.isascii() and not ascii_only:
        source = source.replace("\ud800", "\\ud800")
    assert standing(source.encode(), "openai-chat", KnownValues(STRIPPED), {}) is not None
    quick = came_of(CERTAIN, source.encode(), "openai-chat", None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(masker, "standing", lambda *_: None)
        patch.setattr(masker, "plain_request", lambda *_: None)
        assert came_of(CERTAIN, source.encode(), "openai-chat", None) == quick


@pytest.mark.parametrize("entries", KNOWN_BEFORE)
@pytest.mark.parametrize(
    "said",
    ["Ada and 7", "7", "no value", 'Ada\n"q"', "Grace, Ada", "Zorp user", MARK, "<OTHER_2222222222> Ada"],
)
def test_what_was_known_before_keeps_its_placeholder(entries: list[tuple[str, str, str]], said: str) -> None:
    source = json.dumps({"messages": [{"role": "user", "content": said}]}).encode()
    known = PIIMapping()
    for entry in entries:
        known.add(*entry)
    is_certain = not {value for value, _, _ in entries} & {"user", "Grace"} and not said.startswith("<")
    found = standing(source, "openai-chat", KnownValues(STRIPPED), known.get_all_fakes())
    assert (found is not None) is is_certain
    quick = came_of(CERTAIN, source, "openai-chat", known)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(masker, "standing", lambda *_: None)
        assert came_of(CERTAIN, source, "openai-chat", known) == quick
        patch.setattr(masker, "plain_request", lambda *_: None)
        assert came_of(CERTAIN, source, "openai-chat", known) == quick


def test_only_literals_of_what_changed_are_written() -> None:
    said = '{"content":"Ada \\u00e9","role":"user"},{"role":"user","content":"é \\/"}'
    source = f'{{ "messages":[ {said}] , "n": 1.50}}'.encode()
    masked = KNOWN.mask(source, scope="s", protocol="openai-chat")
    assert masked.request == source.replace(b'"Ada \\u00e9"', f'"{MARK} é"'.encode())
    again = KNOWN.mask(masked.request, scope="s", protocol="openai-chat")
    assert again.request is masked.request
