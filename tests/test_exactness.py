"""The cases that all restorers are compared on (`exactness.py`, and `benches/peers` for the others), asked of us."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

import pytest

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
    chunk,
    cuttings_of_stream,
    cuttings_of_text,
    ours,
    pairs_of,
    right_json,
    right_stream,
    right_text,
    spell,
    spelled_stream,
)
from holdback import ChunkRestorer, WireRestorer, _backend, spellings
from holdback.spellings import FORMS

# Grammars of other restorers: to us, any string is a placeholder.
GRAMMARS: dict[str, Callable[[int], str]] = {
    "angle": ours,
    "double": "<<PERSON:{}>>".format,
    "bare": "PERSON_{:04X}".format,
}
every_grammar = pytest.mark.parametrize("placeholder", GRAMMARS.values(), ids=list(GRAMMARS))


def named(case: Text | Stream) -> str:
    return f"{case.group}, {case.name}"


@every_grammar
@pytest.mark.parametrize("case", TEXTS, ids=named)
def test_a_text_cut_anywhere(backend: str, case: Text, placeholder: Callable[[int], str]) -> None:
    pairs, text = pairs_of(case, placeholder), spell(case.text, placeholder)
    matcher = _backend.TrieMatcher(pairs)
    assert right_text(case, pairs, text, matcher.replace(text, json=case.json))
    for pieces in cuttings_of_text(text):
        stream = matcher.stream(json=case.json)
        assert right_text(case, pairs, text, "".join(map(stream.feed, pieces)) + stream.flush())


def of_chunks(pairs: dict[str, str], chunks: Chunks) -> Chunks:
    restorer = ChunkRestorer(pairs, protocol="openai-chat")
    return [out for one in chunks for out in restorer.feed(one)] + restorer.flush()


def of_bytes(pairs: dict[str, str], chunks: Chunks) -> Chunks:
    restorer = WireRestorer(pairs, protocol="openai-chat")
    out = (
        b"".join(restorer.feed(f"data: {json.dumps(one)}\n\n".encode()) for one in chunks) + restorer.flush()
    )
    return [json.loads(line[6:]) for line in out.decode().split("\n") if line.startswith("data: ")]


@every_grammar
@pytest.mark.parametrize("through", [of_chunks, of_bytes])
@pytest.mark.parametrize("case", STREAMS, ids=named)
def test_a_chat_stream_cut_anywhere(
    backend: str,
    case: Stream,
    placeholder: Callable[[int], str],
    through: Callable[[dict[str, str], Chunks], Chunks],
) -> None:
    pairs = pairs_of(case, placeholder)
    for chunks in cuttings_of_stream(spelled_stream(case, placeholder)):
        assert right_stream(pairs, channels_of(chunks), channels_of(through(pairs, chunks)))


# ---------------------------------------------------------------- what was rewritten, and what stands in words


def tolerant(case: tolerance.Tolerance, pairs: dict[str, str]) -> _backend.TrieMatcher:
    """As tolerant as we go."""
    return _backend.TrieMatcher(
        spellings(pairs, FORMS) if case.group == tolerance.MANGLED else pairs, words=True
    )


@every_grammar
@pytest.mark.parametrize("case", tolerance.CASES, ids=lambda case: f"{case.group}, {case.name}")
def test_a_tolerance_cut_anywhere(
    backend: str, case: tolerance.Tolerance, placeholder: Callable[[int], str]
) -> None:
    text, right = tolerance.text_of(case, placeholder), tolerance.right_of(case, placeholder)
    matcher = tolerant(case, tolerance.pairs_of(case, placeholder))
    for pieces in cuttings_of_text(text):
        stream = matcher.stream()
        assert "".join(map(stream.feed, pieces)) + stream.flush() == right


def test_a_stranger_is_counted() -> None:
    case = tolerance.Tolerance(tolerance.MANGLED, "x", "{1} {7}")
    right = tolerance.right_of(case, ours)
    assert right == "Ada <PERSON_7>"
    assert tolerance.strangers(case, right, "Ada <PERSON_7>") == 0
    assert tolerance.strangers(case, right, "<PERSON_1> <PERSON_7>") == 0
    assert tolerance.strangers(case, right, "Ada Boris") == 1
    assert tolerance.strangers(case, right, "Boris Cyra") == 2


# ---------------------------------------------------------------- the table itself


def test_templates_are_spelled() -> None:
    assert spell("a {1} {2::4} {1:-1:} {1::-1} {1|u}", ours) == (
        r"a <PERSON_1> <PER > <PERSON_1 \u003cPERSON_1\u003e"
    )
    assert spell('{"a": {1|U}} {x}', ours) == r'{"a": \u003CPERSON_1\u003E} {x}'


def test_a_text_is_cut_everywhere() -> None:
    assert cuttings_of_text("abc") == [["abc"], ["a", "bc"], ["ab", "c"], ["a", "b", "c"]]


def test_a_stream_is_cut_everywhere_and_says_the_same() -> None:
    said = [Says("ab"), Says("cd", ARGUMENTS), Says("e", finish="stop")]
    cuttings = cuttings_of_stream(said)
    assert list(map(len, cuttings)) == [3, 4, 4, 5]
    assert {tuple(channels_of(chunks).items()) for chunks in cuttings} == {
        (("0 content", "abe"), ("0 arguments 0", "cd"))
    }
    assert all(chunks[-1]["choices"][0]["finish_reason"] == "stop" for chunks in cuttings)


def test_a_wrong_answer_is_noticed() -> None:
    pairs = {"<1>": 'a"b'}
    right = partial(right_json, pairs, '{"x": "<1>"}')
    assert right('{"x":"a\\u0022b"}')
    assert not right('{"x": "a"b"}')
    assert not right('{"x": "<1>"}')
    assert right_json(pairs, '{"x": "<1>', '{"x": "a"b')  # no document: as it is
    [plain] = [case for case in TEXTS if case.name == "in a sentence"]
    assert not right_text(plain, {"a": "b"}, "aa", "ba")
    given = channels_of([chunk(Says("<1>"))])
    assert right_stream(pairs, given, {"0 content": 'a"b'})
    assert not right_stream(pairs, given, {"0 content": "<1>"})
    assert not right_stream(pairs, given, {"0 content": 'a"b', "1 content": ""})
    assert not right_stream(pairs, given, {})
