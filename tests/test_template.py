"""Templates: what they recognise, what they refuse, and that they change nothing but the time that it takes."""

from __future__ import annotations

import itertools
import json
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import strategies
import wires
from holdback import _backend, _pure
from holdback.template import LONGEST, Template
from holdback.wire import _VAIN, WireRestorer
from wires import PAIRS, RARE, SlowWire, pieces, through

FRAME = b'data: {"sequence_number":7,"delta":"<P>!","obfuscation":"aB3"}\n\n'
MORE: dict[str, Any] = {"is_droppable": True, "others_rest": True}


def template(frame: bytes = FRAME, literal: bytes = b'"<P>!"', **more: Any) -> Template | None:
    begin = frame.index(literal)
    stream = _backend.TrieMatcher({"<P>": 'Ada "A"'}).stream()
    return Template.of(frame, (begin, begin + len(literal), b""), stream, **{**MORE, **more})


def restore(data: bytes, start: int = 0, longest: int = 999, **more: Any) -> tuple[bytes, int] | None:
    """By the template; where there is the native twin's own event, that one must agree."""
    found = template(**more)
    assert found is not None
    restored = found.restore(data, start, longest)
    quickly = quick(template(**{**more, "others_rest": False}), data, start)
    if quickly is not None and longest == 999:
        assert quickly == (restored or (b"", start))
    return restored


def quick(found: Template | None, data: bytes, start: int = 0) -> tuple[bytes, int] | None:
    """What the native twin's own event makes of it; None if there is none."""
    assert found is not None
    if found.quick is None:
        return None
    scan = _backend.TrieMatcher({"<P>": 'Ada "A"'})._scan(lines=False, field="")
    out, end = scan.run(data, start, found.quick)
    assert found.has_fitted == (end > start)
    return out, end


def like(text: str, number: str = "8", fill: str = '"zz"') -> bytes:
    return f'data: {{"sequence_number":{number},"delta":{text},"obfuscation":{fill}}}\n\n'.encode()


@pytest.mark.parametrize(
    ("text", "leaves"),
    [
        ('"hi"', '"hi"'),
        ('"<P>"', r'"Ada \"A\""'),
        (r'"\u003cP\u003E\/"', r'"Ada \"A\"/"'),
        (r'"\/ not touched"', r'"\/ not touched"'),
        ('""', '""'),
        (r'"<P>\"\\\/\b\f\n\r\t\u00e9\uD83D\ude00"', r'"Ada \"A\"\"\\/\b\f\n\r\té😀"'),
        ('"<P>\x7f\x85\u2028\u2029é😀"', r'"Ada \"A\"' + "\x7f" + r'\u0085\u2028\u2029é😀"'),
        ('"\x7f\x85\u2028"', '"\x7f\x85\u2028"'),
    ],
)
def test_an_event_of_the_same_kind_is_restored(text: str, leaves: str, backend: str) -> None:
    data = like(text)
    assert restore(b"..." + data + b"...", 3) == (like(leaves), 3 + len(data))


def test_withheld_text_is_left_out_or_empty(backend: str) -> None:
    data = like('"<"')
    assert restore(data) == (b"", len(data))
    assert restore(data, is_droppable=False) == (like('""'), len(data))


REFUSED = {
    "another field": like('"x"').replace(b"delta", b"gamma"),
    "not whole": like('"x"')[:-1],
    "the text not whole": like('"x"')[:35],
    "another end": like('"x"').replace(b"\n\n", b"\r\n\r\n"),
    "more fields": like('"x"').replace(b"}", b',"a":1}'),
    "no string": like("null"),
    "an escape that JSON does not know": like(r'"\x"'),
    "a control character": like('"\x01"'),
    "half a pair": like(r'"\ud83d"'),
    "half a pair before a character": like(r'"\ud83dx\ude00"'),
    "half a pair before another": like(r'"\ud83d\ud83d"'),
    "the second half of a pair": like(r'"\ude00"'),
    "an escape of three digits": like(r'"\u123"'),
    "an escape that is none": like(r'"\u12g4"'),
    "an escape that is cut": like('"x')[:-30] + b"\\",
    "no UTF-8 behind an escape": like(r'"\n"').replace(rb"\n", b"\\n\xff"),
    "a control character behind an escape": like('"\\n\x01"'),
    "a number of nineteen digits": like('"x"', "1" * 19),
    "two zeros": like('"x"', "00"),
    "no number": like('"x"', ""),
    "a power of ten": like('"x"', "1E2"),
    "a filler with a control character": like('"x"', fill='"\t"'),
    "a filler that does not end": like('"x"', fill='"zz'),
    "no UTF-8": like('"x"').replace(b'"x"', b'"\xff"'),
    "a number that JSON does not know": like('"x"', "08"),
    "another kind of number": like('"x"', "8.0"),
    "a power": like('"x"', "8e1"),
    "a negative number": like('"x"', "-8"),
    "a string for a number": like('"x"', '"8"'),
    "an empty filler": like('"x"', fill='""'),
    "a filler with an escape": like('"x"', fill=r'"\""'),
    "a filler beyond ASCII": like('"x"', fill='"é"'),
    "nothing": b"",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_it_is_not_sure_of_is_refused_and_not_fed(name: str, backend: str) -> None:
    found = template()
    assert found is not None
    found.stream.feed("<")
    assert found.restore(REFUSED[name], 0, 999) is None
    assert quick(found, REFUSED[name]) in (None, (b"", 0))
    assert found.stream.pending == "<"


def test_the_native_event_is_used_for_all_that_are_alike(
    backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole or cut, in one read or many: only the pure twin restores by the template's own way."""
    slowly = []
    restore = Template.restore

    def counted(self: Template, *args: Any) -> tuple[bytes, int] | None:
        restored = restore(self, *args)
        if restored is not None:
            slowly.append(restored)
        return restored

    monkeypatch.setattr(Template, "restore", counted)
    data = events("openai-responses", 0, "<P_10>", *["a <P", '_10>\n"é', "<P_10>"] * 50)
    whole = through(WireRestorer(RARE, protocol="openai-responses"), [data])
    for size in (len(data), 4096, 300):
        slowly.clear()
        assert through(WireRestorer(RARE, protocol="openai-responses"), wires.every(data, size)) == whole
        assert bool(slowly) == (backend == "pure")


def test_an_event_that_may_be_too_large_is_refused(backend: str) -> None:
    data = like('"x"')
    assert restore(data, longest=len(data)) == (data, len(data))
    assert restore(b"..." + data, 3, longest=len(data)) == (data, 3 + len(data))
    assert restore(data, longest=len(data) - 1) is None


@pytest.mark.parametrize(
    ("frame", "literal"),
    [
        (FRAME.replace(b"\n\n", b"\r\r"), b'"<P>!"'),  # a LF may come that belongs to it
        (FRAME, b'"<P>!'),  # not a literal
        (FRAME, b""),  # where nothing was
        (FRAME.replace(b"aB3", b"x" * LONGEST), b'"<P>!"'),
    ],
)
def test_not_every_event_makes_a_template(frame: bytes, literal: bytes, backend: str) -> None:
    assert template(frame, literal) is None


@pytest.mark.parametrize("longer", [0, 1])
def test_what_is_remembered_is_limited_and_the_text_does_not_count(longer: int, backend: str) -> None:
    literal = b'"<P>' + b"x" * 5000 + b'"'
    around = len(FRAME) - len(b'"<P>!"') - len(b"aB3")
    frame = FRAME.replace(b'"<P>!"', literal).replace(b"aB3", b"y" * (LONGEST - around + longer))
    assert (template(frame, literal) is None) == bool(longer)


# ---------------------------------------------------------------- in a stream


def events(protocol: str, number: int, *texts: str) -> bytes:
    source = wires.ALIKE[protocol][number]
    told = []
    for count, text in enumerate(texts):
        event = source
        for hole, value in (("TEXT", text), ("SOURCE", text), ("COUNT", count), ("FILL", "x" * (count + 1))):
            event = event.replace(hole, json.dumps(value))
        told.append(f"{event}\n" if protocol == "ollama" else f"data: {event}\n\n")
    return "".join(told).encode()


def frames_read(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The frames that were read from now on."""
    read = []

    def counted(self: WireRestorer, frame: bytes) -> None:
        read.append(frame)
        take_frame(self, frame)

    take_frame = WireRestorer._take_frame
    monkeypatch.setattr(WireRestorer, "_take_frame", counted)
    return read


@pytest.mark.parametrize(
    ("protocol", "number"),
    [
        ("openai-chat", 0),
        ("openai-chat", 1),  # with a filler
        ("openai-chat", 4),  # reasoning
        ("openai-chat", 6),  # a tool call
        ("openai-text", 0),
        ("anthropic", 0),
        ("anthropic", 2),  # a tool's input
        ("openai-responses", 0),
        ("openai-responses", 2),  # a call's arguments
        ("ollama", 0),
        ("ollama", 1),  # thinking
    ],
)
def test_the_events_of_a_channel_are_read_once(
    protocol: str, number: int, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = frames_read(monkeypatch)
    data = events(protocol, number, "<P_10>", *["a <P", "_10> ", "<P_10>"] * 5)
    for size in (len(data), 7):
        out = through(WireRestorer(RARE, protocol=protocol), wires.every(data, size)).data
        assert out.count(b"B") == 11
        assert len(read) == 1
        read.clear()


def test_templates_are_made_until_so_many_in_a_row_were_in_vain(
    backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[bytes] = []
    make = Template.of

    def counted(frame: bytes, *args: Any, **more: Any) -> Template | None:
        made.append(frame)
        return make(frame, *args, **more)

    monkeypatch.setattr(Template, "of", counted)
    (plain,) = wires.frames(events("openai-chat", 0, "<P_10>"), lines=False)
    unlike = [plain.replace(b'"id"', b'"id%d"' % number) for number in range(3 * _VAIN)]
    through(WireRestorer(RARE, protocol="openai-chat"), unlike)
    assert len(made) == _VAIN
    made.clear()
    fitting = unlike[_VAIN - 2]
    through(WireRestorer(RARE, protocol="openai-chat"), [*unlike[: _VAIN - 1], fitting, *unlike[_VAIN:]])
    assert len(made) == _VAIN - 1 + _VAIN


@strategies.examples(1.5)
@given(
    rng=st.randoms(use_true_random=False),
    pairs=st.sampled_from([PAIRS, RARE]),
    protocol=st.sampled_from(list(wires.ALIKE)),
)
def test_events_that_are_alike_are_restored_as_if_each_were_read(
    rng: Random, pairs: dict[str, str], protocol: str, backend: str
) -> None:
    data = wires.alike(rng, protocol)
    expected = through(SlowWire(_pure.TrieMatcher(pairs), protocol=protocol), [data])  # type: ignore[arg-type]
    for marks in ([], *wires.marks(rng, data)):
        matcher = _backend.TrieMatcher(pairs)
        assert through(WireRestorer(matcher, protocol=protocol), pieces(data, marks)) == expected


@pytest.mark.parametrize("protocol", wires.ALIKE)
def test_an_event_between_two_that_are_alike(protocol: str, backend: str) -> None:
    """It may end the channel or change what the format knows: the template is no longer sure."""
    count = len(wires.ALIKE[protocol])
    for usual, between in itertools.product(range(count), repeat=2):
        for first, middle, last in itertools.product(
            ("<P_10>", "<P"), ("", "x", "<P_10>"), ("_10> <P", "<P_10>")
        ):
            data = b"".join(
                events(protocol, number, text)
                for number, text in ((usual, "<P_10>"), (usual, first), (between, middle), (usual, last))
            )
            expected = through(SlowWire(RARE, protocol=protocol), [data])
            assert through(WireRestorer(RARE, protocol=protocol), [data]) == expected, data


@pytest.mark.parametrize("fills", [("", "", "abc", "abc"), ("abc", "abc", "", "")])
def test_a_filling_that_is_empty_is_not_like_one_that_is_not(fills: tuple[str, ...], backend: str) -> None:
    """With the one the event says nothing else and is left out while its text is withheld."""
    told = zip(("<P", "_1>", "<P", "_1>"), fills, strict=True)
    choice = '{"choices":[{"index":0,"obfuscation":"%s","delta":{"content":"%s"}}]}'
    data = "".join(f"data: {choice % (fill, text)}\r\n\r\n" for text, fill in told).encode()
    expected = through(SlowWire(PAIRS, protocol="openai-chat"), [data])
    for reads in ([data], wires.every(data, 1)):
        assert through(WireRestorer(PAIRS, protocol="openai-chat"), reads) == expected


def test_a_stream_that_changes_its_id_is_the_same_in_any_cut(backend: str) -> None:
    """What a tail is dressed in must not depend on which events were read."""
    data = b"".join(
        f'data: {{"id":"{name}","object":"chat.completion.chunk","created":1,"model":"m","choices":['
        f'{{"index":{index},"delta":{{"{field}":"{text}"}}}}]}}\n\n'.encode()
        for name, index, field, text in (
            ("a", 0, "content", "<P_10>"),
            ("b", 0, "content", "hi"),
            ("c", 1, "refusal", "ho"),
            ("d", 0, "content", "<P"),
        )
    )
    expected = through(SlowWire(RARE), [data])
    for mark in range(len(data)):
        assert through(WireRestorer(RARE), pieces(data, [mark])) == expected


@pytest.mark.parametrize("first", ["<P_10>", "a <P"])
def test_behind_a_template_quiet_events_are_not_read(
    first: str, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = frames_read(monkeypatch)
    quiet = events("openai-chat", 4, "thinking") + events("openai-chat", 2, "the other choice")
    data = events("openai-chat", 0, first, "_<P", "_10>") + quiet
    assert through(WireRestorer(RARE, protocol="openai-chat"), [data]).data.endswith(quiet)
    assert len(read) == 1


def test_text_that_restores_to_itself_is_not_spelled_anew(backend: str) -> None:
    data = events("openai-chat", 0, "a", "<P>", "<P>", "<P>").replace(b"<P>", rb"\u003cP>")
    assert through(WireRestorer({"<P>": "<P>"}), [data]).data == data
