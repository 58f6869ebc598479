r"""The JSON channel: JSON in, JSON out, the values restored, however it was spelled and however it was cut.

Two judges that know nothing of the stream, nor of each other:

- the *tree*: a JSON value is drawn, serialised in some style, restored as source, parsed again; every string
  in it must be what the naive oracle makes of it;
- the *source* (``json_oracle``): any text at all, broken and cut off as it may be; what leaves and what is
  held after every single feed is known.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias, Union

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import strategies
from conftest import BUILT, TWINS
from holdback import _backend
from json_oracle import MUST_ESCAPE, JsonOracle, Result, escape
from oracle import join_halves, restore

# ---------------------------------------------------------------- trees


@dataclass(frozen=True)
class Object:
    """A JSON object: pairs, so that order and repeated names count."""

    pairs: list[tuple[str, Tree]]


@dataclass(frozen=True)
class Held:
    """A JSON document inside a string of another, serialised in its own style."""

    tree: Tree
    style: Style


@dataclass(frozen=True)
class Style:
    """How a serialiser spells: which characters it escapes though it need not, and how."""

    name: str
    escaped: str  # a character class
    digits: str = "04x"
    short: bool = True  # \n and \/ rather than \u000a and \u002f
    space: str = ""

    def string(self, text: str) -> str:
        return '"' + re.sub(f'[{self.escaped}"\\\\\x00-\x1f]', self._one, text) + '"'

    def _one(self, found: re.Match[str]) -> str:
        short = {'"': '\\"', "\\": "\\\\", "/": "\\/", "\n": "\\n", "\t": "\\t"}
        if self.short and found[0] in short:
            return short[found[0]]
        halves = found[0].encode("utf-16-be", "surrogatepass").hex("-", 2).split("-")
        return "".join(f"\\u{int(half, 16):{self.digits}}" for half in halves)


STYLES = [
    Style("raw", ""),
    Style("ascii", "\x7f-\U0010ffff", space=" "),
    Style("html", "<>&'\u2028\u2029"),
    Style("HTML", "<>&'+\x7f-\U0010ffff", digits="04X"),
    Style("solidus", "/"),
    Style("everything", "\x00-\U0010ffff", short=False, space="\n\t "),
]

Tree: TypeAlias = Union[bool, int, float, str, Held, Object, "list[Tree]", None]


def dump(tree: Tree, style: Style) -> str:
    comma, colon = f",{style.space}", f":{style.space}"
    match tree:
        case str():
            return style.string(tree)
        case Held():
            return style.string(dump(tree.tree, tree.style))
        case Object():
            members = (f"{style.string(name)}{colon}{dump(value, style)}" for name, value in tree.pairs)
            return "{" + style.space + comma.join(members) + "}"
        case list():
            return "[" + comma.join(dump(item, style) for item in tree) + style.space + "]"
    return json.dumps(tree)


def parse(source: str) -> Any:
    """Objects come back as :class:`Object`."""
    return json.loads(source, object_pairs_hook=Object)


def restored_as(parsed: Any, tree: Tree, pairs: dict[str, str]) -> None:
    """Assert that ``parsed`` is ``tree`` with every string restored, those of held documents included."""
    match tree:
        case str():
            assert join_halves(parsed) == join_halves(restore(pairs, tree))
        case Held():
            restored_as(parse(parsed), tree.tree, pairs)
        case Object():
            for (found, inside), (name, value) in zip(parsed.pairs, tree.pairs, strict=True):
                restored_as(found, name, pairs)
                restored_as(inside, value, pairs)
        case list():
            for found, item in zip(parsed, tree, strict=True):
                restored_as(found, item, pairs)
        case _:
            assert parsed == tree


PLACEHOLDERS = [
    "<P_1>",
    "<P_10>",
    "[P_1]",
    "{{p}}",
    "Zorp Glax",
    "é<😀>",
    "</P&'+>",
    'J "J" D',
    'a"b\\c',
    "\n<\t>",
]
HOSTILE = '"\\/\n\t\x00\x1f\x7f\x85\u2028\u2029\ud83d\ude00😀é<>P_1{[]}:, '
hostile = st.text(st.sampled_from(HOSTILE), max_size=6)
originals = hostile | st.text(max_size=4) | st.sampled_from(["", "Ada", "<P_1>", '{"a": "', "7", "null"])
mappings = st.dictionaries(st.sampled_from(PLACEHOLDERS), originals, max_size=6)
noise = st.text(st.sampled_from("<>P_1é😀\ud83d\ude00\"\\/[]{} \nuab:,'&"), max_size=4)
scalars = st.sampled_from([None, True, 0, -1.5, 123456789012345678901234567890])


@st.composite
def texts(draw: st.DrawFn, pairs: dict[str, str]) -> str:
    """Text full of placeholders that holds no document: a bracket begins it only as part of a match."""
    pieces = draw(st.lists(noise | st.sampled_from([*pairs, "<P_1", ""]), max_size=4))
    text = "".join(pieces)
    begins_with_match = any(text.startswith(key) for key in pairs)
    return f".{text}" if text.strip()[:1] in {"{", "["} and not begins_with_match else text


Case: TypeAlias = tuple[dict[str, str], Tree, str]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A mapping, a JSON value full of its placeholders, and its source."""
    pairs = draw(mappings)
    text, style = texts(pairs), st.sampled_from(STYLES)

    def documents(inside: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
        arrays: st.SearchStrategy[Tree] = st.lists(inside, max_size=3)
        return arrays | st.lists(st.tuples(text, inside), max_size=3).map(Object)

    def containers(inside: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
        return documents(inside) | st.builds(Held, documents(inside), style)

    tree = draw(documents(st.recursive(text | scalars, containers, max_leaves=6)) | text)
    return pairs, tree, dump(tree, draw(style))


def twins() -> Iterator[Any]:
    """The module of every twin that is built: each sees the same drawn case."""
    return (TWINS[name] for name in BUILT)


def streamed(matcher: Any, pieces: list[str]) -> str:
    stream = matcher.stream(json=True)
    return "".join([*map(stream.feed, pieces), stream.flush()])


@strategies.examples(1.5)
@given(data=st.data(), case=cases())
def test_the_parsed_output_is_the_restored_tree(data: st.DataObject, case: Case) -> None:
    pairs, tree, source = case
    pieces = data.draw(strategies.cuts(source))
    for twin in twins():
        matcher = twin.TrieMatcher(pairs)
        restored = matcher.replace(source, json=True)
        restored_as(parse(restored), tree, pairs)
        assert streamed(matcher, pieces) == restored
        assert streamed(matcher, list(source)) == restored


@strategies.examples(0.75)
@given(case=cases())
def test_the_two_oracles_agree(case: Case) -> None:
    pairs, tree, source = case
    restored_as(parse(JsonOracle(pairs).restore(source)), tree, pairs)


@strategies.examples(0.75)
@given(data=st.data(), case=cases())
def test_an_unchanged_document_comes_back_itself(data: st.DataObject, case: Case) -> None:
    """Nothing matches here, so every byte, every spelling and every object stays as it was."""
    _, _, source = case
    pairs = {"<P_1>~": "x", '"<P~': "y", "\\u00~": "z", " \n~": ""}  # no source here has a tilde
    if source != join_halves(source):  # halves that meet are joined
        source = join_halves(source)
    pieces = data.draw(strategies.cuts(source))
    for twin in twins():
        matcher = twin.TrieMatcher(pairs)
        assert matcher.replace(source, json=True) is source
        stream = matcher.stream(json=True)
        assert stream.feed(source) is source
        assert stream.flush() == ""
        come = left = ""
        for piece in pieces:
            come += piece
            left += stream.feed(piece)
            assert join_halves(left + stream.pending) == join_halves(come)
        assert join_halves(left + stream.flush()) == join_halves(source)


# ---------------------------------------------------------------- any source

words = str.split

BITS = [
    *words('" \\ { [ ] } : , < > u 0 1 a b \' true -1.5e3 10 <P> [P] "<P>" \ud83d \ude00 😀 \ufeff'),
    *words(r"\" \\ \\\" \u003c \u003C \\u003c \u005c \u0022 \u \u00 \u005b \u007b \<"),
    *words(r'\ud83d \ude00 \\ud83d \\ude00 \ud83d\ude00 {"a":" "[\" "{\"a\":\" ["[\"[\\\"'),
    *(" ", "\n", "`", "```"),
]
KEYS = [
    *words(r'<P> <P [P] [ { } < " \ u 00 \u003c \\ a" "a a"b [a" : ,< 1 10 -1.5e3 true'),
    *("😀", "\ud83d", "\ude00", "<😀", "\ufeff", "a\nb", " ", " [", ": "),
    *words("`1 ` `] n"),
    *words("a ab b1 0 01 1e 1e0 e1 -1 1a [1 [10a {1"),
]
VALUES = ["", *words(r'x " \ 7 false <P> {" \u'), 'a"b\n', "\ud83d", "\ude00", "😀", "\x7f\x85\u2028\x00"]


@st.composite
def hostile_cases(draw: st.DrawFn) -> tuple[dict[str, str], list[str]]:
    """Bits of JSON in any order, and keys that are likely to match or nearly match in them."""
    pairs = draw(st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES), max_size=4))
    bits = st.sampled_from(BITS)
    if pairs:
        keys = st.sampled_from(list(pairs))
        bits |= keys | keys.map(escape) | keys.map(lambda key: key[:-1])
    opening = draw(
        st.sampled_from(
            [
                "",
                "",
                "```json\n{",
                "```\n[",
                "{",
                "[",
                '["',
                '{"a":',
                '"[\\"',
                '"{\\"a\\":\\"',
                '["[\\"[\\\\\\"',
            ]
        )
    )
    source = opening + "".join(draw(st.lists(bits, max_size=10)))
    if draw(st.booleans()):  # a key that stands there, in some spelling
        at = draw(st.integers(0, len(source)))
        key = join_halves(source[at : at + draw(st.integers(1, 4))])
        pairs |= {key: draw(st.sampled_from(VALUES))} if key else {}
    return pairs, draw(strategies.cuts(source))


@strategies.examples(2.5)
@given(case=hostile_cases())
@example(case=({"<P>": "x"}, ['{"a":"[\\"{\\\\\\"\\u005c']))  # released at the end, it starts an inner escape
@example(case=({'J "J"': "x"}, ['{"a":"J \\"', 'J\\""}']))  # text from its first letter on
@example(case=({"<P>": "x"}, ['["\\ud83d\\u', '0"']))  # the half no longer waits
@example(case=({"u": "x"}, ['["[\\"\\\\u00', '", <']))  # the outer quote cuts off the inner escape
@example(case=({"<P>": "x"}, ["\ufeff", '{"a": 1, <P>: 2}']))  # a document, though a BOM comes first
@example(case=({"1": "x", "[10a": "y"}, ["[", "10", ",1]"]))  # a number behind a bracket that was held
@example(case=({"[1": "x", "42": "y", "[142z": "w"}, ["[142", " 142"]))  # a match makes text of the rest
@example(case=({"<P": ""}, ['["<P\\u']))  # a whole word that waits, and an escape that the end cuts off
def test_any_source_leaves_as_the_oracle_says_feed_by_feed(case: tuple[dict[str, str], list[str]]) -> None:
    """Hence also: chunk-invariant, minimal hold, and the twins agree after every feed."""
    pairs, pieces = case
    source = "".join(pieces)
    for whole_words in (False, True):
        oracle = JsonOracle(pairs, words=whole_words)
        for way in (pieces, list(source)):
            fed, flushed = oracle.predict(way)
            for twin in twins():
                stream = twin.TrieMatcher(pairs, words=whole_words).stream(json=True)
                assert [Result(stream.feed(piece), stream.pending) for piece in way] == fed
                assert stream.flush() == flushed
                assert stream.pending == ""
        for twin in twins():
            matcher = twin.TrieMatcher(pairs, words=whole_words)
            assert matcher.replace(source, json=True) == oracle.restore(source)


BEGINS_LIKE_A_DOCUMENT = re.compile(
    r"""[\ufeff\ \t\r\n]* (?: ```+ (?!`) [^`\r\n]* [\r\n] [\ufeff\ \t\r\n]* )?
    (?: \{ [\ \t\r\n]* ["}] | \[ [\ \t\r\n]* ["{\[] )""",
    re.VERBOSE,
)
BEGINNINGS = [
    "`",
    "```",
    "```json",
    "``",
    "\n",
    "\r",
    " ",
    "{",
    "[",
    "}",
    '"',
    "<P>",
    "1",
    "a",
    "\ufeff",
    '"<P>"',
]


@strategies.examples(1.5)
@given(
    data=st.data(),
    bits=st.lists(st.sampled_from(BEGINNINGS), max_size=10),
    tail=st.sampled_from(["", '"<P>"}']),
)
def test_a_text_tells_by_its_beginning_what_it_is(data: st.DataObject, bits: list[str], tail: str) -> None:
    pairs = {"<P>": 'a"b', "1": "x"}  # keys that are part of a beginning have vectors
    source = "".join(bits) + tail
    is_document = BEGINS_LIKE_A_DOCUMENT.match(source) is not None
    pieces = data.draw(strategies.cuts(source))
    for twin in twins():
        matcher = twin.TrieMatcher(pairs)
        expected = matcher.replace(source, json=is_document)
        assert matcher.replace(source, json="auto") == expected
        for way in (pieces, list(source)):
            stream = matcher.stream(json="auto")
            assert "".join(map(stream.feed, way)) + stream.flush() == expected
            assert stream.feed("[") + stream.pending == "["  # flush starts over
    assert len({twin.TrieMatcher(pairs).replace(source, json="auto") for twin in twins()}) == 1


@strategies.examples(1)
@given(text=st.text() | hostile)
def test_an_original_lands_escaped_wherever_it_lands(text: str) -> None:
    text = join_halves(text)
    source = r'{"<P>":"<P>","in":"{\"<P>\":[\"<P>\",\"[\\\"<P>\\\"]\"]}","bare":<P>}'
    for twin in twins():
        restored = twin.TrieMatcher({"<P>": text}).replace(source, json=True)
        assert not MUST_ESCAPE.search(re.sub(r'\\[\\"bfnrtu]|"', "", restored))
        (key, value), (_, inner), (_, bare) = parse(restored).pairs
        assert (key, value, bare) == (text, text, text)
        ((inner_key, (inner_value, innermost)),) = parse(inner).pairs
        assert (inner_key, inner_value, parse(innermost)) == (text, text, [text])


@pytest.mark.parametrize("levels", range(1, 10))
def test_escaping_goes_eight_strings_deep(backend: str, levels: int) -> None:
    """The document in the ninth string is not looked into: what stands there is text of the eighth."""
    source, expected = "<P>", escape('"', min(levels, 8))
    for _ in range(levels):
        source = '["' + escape(source) + '"]'
    assert _backend.TrieMatcher({"<P>": '"'}).replace(source, json=True) == source.replace("<P>", expected)


def test_channels_do_not_share_their_state(backend: str) -> None:
    """Parallel calls interleave; each document is read from its own first fragment on."""
    matcher = _backend.TrieMatcher({"<P>": 'a"b'})
    document, text = matcher.stream(json=True), matcher.stream(json=True)
    assert document.feed('{"a":"<') == '{"a":"'
    assert text.feed('<P> "<') == 'a"b "'
    assert document.feed('P>"}') == 'a\\"b"}'
    assert text.feed('P>"') == 'a"b"'


def test_flush_forgets_the_document(backend: str) -> None:
    stream = _backend.TrieMatcher({"<P>": 'a"b'}).stream(json=True)
    assert stream.feed('{"a":"<P') == '{"a":"'
    assert stream.flush() == "<P"
    assert stream.feed("<P>") + stream.flush() == 'a"b'
    assert stream.feed('["<P>') + stream.flush() == '["a\\"b'


@pytest.mark.parametrize("wrong", [None, 3, b'{"a":1}', ["{}"]])
def test_a_wrong_type_is_a_type_error_in_our_words(backend: str, wrong: Any) -> None:
    matcher = _backend.TrieMatcher({"<P>": "x"})
    with pytest.raises(TypeError, match=r"^replace\(\) takes str, not "):
        matcher.replace(wrong, json=True)
    stream = matcher.stream(json=True)
    assert stream.feed('{"a":"<') == '{"a":"'
    with pytest.raises(TypeError, match=r"^feed\(\) takes str, not "):
        stream.feed(wrong)
    assert stream.feed('P>"}') == 'x"}'  # and the stream goes on
