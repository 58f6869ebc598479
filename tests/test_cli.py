"""The command ``holdback``: what goes through it, and when."""

from __future__ import annotations

import gzip
import itertools
import json
import os
import random
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cli_cases import PAIRS, MapFile
from command_line import Backend, Called, caller, run, start
from holdback.cli import CANNOT, OK, PlainText
from holdback.errors import MappingError
from holdback.restorers.wire import WireRestorer
from wires import Recording, recordings, through


@pytest.fixture
def call(capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path) -> Callable[..., Called]:
    return caller(capfdbinary, tmp_path)


def cuts(data: bytes, marks: list[int]) -> Iterator[bytes]:
    edges = [0, *sorted(marks), len(data)]
    return (data[a:b] for a, b in itertools.pairwise(edges))


# ---------------------------------------------------------------- plain text


def test_a_text_goes_through_the_pipe_and_comes_back_restored(backend: Backend, map_file: MapFile) -> None:
    text = "Hi <PERSON_1>, <PERSON_10> of Zorp Glax (Zorp!) <ß> <PERSON_"
    code, out, err = run(
        "restore", "--protocol", "plain", "--map", map_file(PAIRS), data=text.encode(), backend=backend
    )
    assert out.decode() == "Hi Ada Ünlü, Bo 😀 of Lee & Co (Lee!) ok <PERSON_"
    assert (code, err) == (OK, "")


def test_a_file_is_restored_like_standard_input(map_file: MapFile, tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_bytes(b"a <PERSON_1> b\r\n")
    assert run("restore", "--protocol", "plain", "--map", map_file(PAIRS), text) == (
        OK,
        "a Ada Ünlü b\r\n".encode(),
        "",
    )


def test_text_appears_as_it_comes_and_only_a_possible_placeholder_is_held(map_file: MapFile) -> None:
    with start("restore", "--protocol", "plain", "--map", map_file(PAIRS)) as command:
        assert command.stdin is not None
        assert command.stdout is not None

        def after(data: bytes) -> bytes:
            assert command.stdin is not None
            assert command.stdout is not None
            command.stdin.write(data)
            command.stdin.flush()
            return os.read(command.stdout.fileno(), 1000)  # blocks, and fails by timeout, if nothing leaves

        assert after(b"Hi <PERS") == b"Hi "
        assert after(b"ON_1>, \xf0\x9f") == "Ada Ünlü, ".encode()
        assert after(b"\x98\x80") == "😀".encode()
        assert after(b"\nZo") == b"\n"
        command.stdin.close()
        assert command.stdout.read() == b"Zo"
        assert command.wait(60) == OK


@pytest.mark.parametrize(
    "data",
    [
        "Hi <PERSON_1>, <PERSON_10> & Zorp Glax, Zorp! <ß> €😀 <PERSO".encode(),
        b"\xff<PERSON_1>\xc3<\xc3\x9f>\xe2\x82<PERSON_10>\xf0\x9f\x98",
        b"\xef\xbb\xbfZorp\xed\xa0\xbd\xed\xb8\x80Zorp\x00\r\n\xc3",
    ],
)
def test_every_cut_of_the_bytes_gives_the_same(backend: Backend, data: bytes) -> None:
    expected = data
    for key in sorted(PAIRS, key=len, reverse=True):
        expected = expected.replace(key.encode(), PAIRS[key].encode())

    def restored(pieces: Iterator[bytes]) -> bytes:
        restorer = PlainText(PAIRS)
        return b"".join(map(restorer.feed, pieces)) + restorer.flush()

    assert restored(cuts(data, [])) == expected
    assert restored(cuts(data, list(range(len(data))))) == expected
    for mark in range(len(data)):
        assert restored(cuts(data, [mark])) == expected


def test_bytes_without_a_placeholder_pass_whatever_they_are(backend: Backend) -> None:
    rng = random.Random(7)
    for _ in range(300):
        data = bytes(rng.choice(b"<PERSON_1\xc3\x9f\xe2\x82\xac\xf0\x9f\xed\xa0\xff\n") for _ in range(30))
        data = data.replace(b"<\xc3\x9f>", b"")
        restorer = PlainText(PAIRS)
        marks = [rng.randrange(31) for _ in range(4)]
        assert b"".join(map(restorer.feed, cuts(data, marks))) + restorer.flush() == data


@pytest.mark.parametrize("pairs", [{"<A>": "\ud83d"}, {"\udcff": "x"}])
def test_half_a_surrogate_pair_has_no_plain_text(pairs: dict[str, str]) -> None:
    with pytest.raises(MappingError, match="half a surrogate pair") as caught:
        PlainText(pairs)
    assert not any("\ud800" <= char <= "\udfff" for char in str(caught.value))


def test_an_empty_map_passes_everything(map_file: MapFile, call: Callable[..., Called]) -> None:
    assert call("restore", "--protocol", "plain", "--map", map_file({}), data=b"<PERSON_1>\xff") == (
        OK,
        b"<PERSON_1>\xff",
        "",
    )


# ---------------------------------------------------------------- what providers send


RECORDINGS = recordings()


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda recording: recording.name)
def test_a_recording_is_restored(
    recording: Recording, map_file: MapFile, backend: Backend, call: Callable[..., Called]
) -> None:
    expected = through(WireRestorer(recording.pairs), [recording.data])
    path = map_file(recording.pairs)
    for protocol in ("auto", expected.protocol):
        called = call("restore", "--map", path, "--protocol", protocol, data=recording.data)
        assert called == (OK, expected.data, "")


@pytest.mark.parametrize("lines", [False, True], ids=["events", "lines"])
def test_a_recording_goes_through_the_pipe(lines: bool, map_file: MapFile) -> None:
    recording = max((one for one in RECORDINGS if one.lines == lines), key=lambda one: len(one.data))
    expected = through(WireRestorer(recording.pairs), [recording.data])
    assert run("restore", "--map", map_file(recording.pairs), data=recording.data) == (OK, expected.data, "")


def test_events_appear_as_they_come(map_file: MapFile) -> None:
    event = b'data: {"choices":[{"index":0,"delta":{"content":"%s"}}]}\n\n'
    with start("restore", "--map", map_file(PAIRS)) as command:
        assert command.stdin is not None
        assert command.stdout is not None
        for came, leaves in ((b"Hi", b"Hi"), (b"Zorp!", b"Lee!")):
            command.stdin.write((event % came)[:-1])
            command.stdin.flush()
            command.stdin.write(b"\n")
            command.stdin.flush()
            assert os.read(command.stdout.fileno(), 1000) == event % leaves
        command.stdin.write(event % b"Zo")
        command.stdin.close()
        assert b'"Zo"' in command.stdout.read()
        assert command.wait(60) == OK


NOTHING = "holdback: warning: nothing in the input was understood; it passed as it came\n"
NO_CHAT = "holdback: warning: nothing in the input was understood as openai-chat; it passed as it came\n"
SAYING = b'data: {"choices":[{"index":0,"delta":{"content":"<PERSON_1>"}}]}\n\n'
STOPPED = b'data: {"type":"message_stop"}\n\n'
FOREIGN = (
    b'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"<PERSON_1>"}}\n\n'
)
WHOLE = b'{"type":"message","content":[{"type":"text","text":"%s"}]}'


@pytest.mark.parametrize(
    ("data", "options", "line"),
    [
        pytest.param(b"Hi <PERSON_1>\n\ndata: 5", (), NOTHING, id="text"),
        pytest.param(b'data: {"warning":"<PERSON_1>"}\n\n' * 2, (), NOTHING, id="foreign events"),
        pytest.param(b'{"warning":"<PERSON_1>"}', (), NOTHING, id="a foreign document"),
        pytest.param(b"<html>", ("--protocol", "openai-chat"), NO_CHAT, id="text, named"),
        pytest.param(FOREIGN, ("--protocol", "openai-chat"), NO_CHAT, id="another format"),
        pytest.param(
            WHOLE % b"<PERSON_1>", ("--protocol", "openai-chat"), NO_CHAT, id="an answer of another format"
        ),
        pytest.param(STOPPED + SAYING.replace(b"<", b""), ("--protocol", "openai-chat"), "", id="comes late"),
        pytest.param(WHOLE % b"x", (), "", id="an answer that has no placeholder"),
        pytest.param(WHOLE % b"x", ("--protocol", "anthropic"), "", id="such an answer, named"),
        pytest.param(STOPPED, ("--protocol", "anthropic"), "", id="nothing but an end"),
        pytest.param(b"", (), "", id="nothing"),
        pytest.param(b"", ("--protocol", "openai-chat"), "", id="nothing, named"),
        pytest.param(b"<PERSO", ("--protocol", "plain"), "", id="plain text"),
    ],
)
def test_what_is_not_understood_passes_and_one_line_says_so(
    data: bytes, options: tuple[str, ...], line: str, map_file: MapFile, call: Callable[..., Called]
) -> None:
    assert call("restore", "--map", map_file(PAIRS), *options, data=data) == (OK, data, line)


def test_an_empty_map_understands_nothing_and_needs_no_line(
    map_file: MapFile, call: Callable[..., Called]
) -> None:
    assert call("restore", "--map", map_file({}), data=b"data: 5\n\n") == (OK, b"data: 5\n\n", "")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x1f\x8b\x09\x00", "the body cannot be decoded (gzip): invalid within its first 4 bytes"),
        (b"a\n\n" + b"x" * 4096, "the event at offset 3 is larger than max_event_bytes=1024"),
    ],
    ids=["compressed", "too large"],
)
def test_what_cannot_be_restored_is_one_line(
    data: bytes, words: str, map_file: MapFile, call: Callable[..., Called]
) -> None:
    limit = ("--max-event-bytes", 1024, "--oversized", "raise")
    code, out, err = call("restore", "--map", map_file(PAIRS), *limit, data=data)
    assert (code, err) == (CANNOT, f"holdback: {words}\n")
    assert out
    assert data.startswith(out)


OLLAMA = b"".join(
    json.dumps({"model": "m", "message": {"content": text}, "done": not text}).encode() + b"\n"
    for text in ("Hi <PERS", "ON_1>!", "")
)


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress], ids=["gzip", "zlib"])
def test_compressed_input_is_decoded_if_its_first_bytes_say_so(
    pack: Callable[[bytes], bytes], map_file: MapFile, call: Callable[..., Called]
) -> None:
    """Only gzip's and zstd's do; zlib's passes as data that nobody can read."""
    data = pack(OLLAMA)
    code, out, err = call("restore", "--map", map_file(PAIRS), data=data)
    assert (code, err) == (OK, "" if pack is gzip.compress else NOTHING)
    assert ("Ada Ünlü!".encode() in out) == (pack is gzip.compress)
    assert (out == data) == (pack is zlib.compress)


def test_a_whole_answer_is_restored_at_its_end(map_file: MapFile, call: Callable[..., Called]) -> None:
    whole = json.dumps({"choices": [{"message": {"content": "<PERSON_1>"}}]}, indent=1).encode()
    code, out, err = call("restore", "--map", map_file(PAIRS), data=whole)
    assert (code, err) == (OK, "")
    assert json.loads(out)["choices"][0]["message"]["content"] == PAIRS["<PERSON_1>"]


def test_the_limit_of_an_answer_is_an_option(map_file: MapFile, call: Callable[..., Called]) -> None:
    whole = json.dumps({"choices": [{"message": {"content": "<PERSON_1>"}}]}, indent=1).encode()
    limit = ("--max-event-bytes", len(whole) - 1)
    assert call("restore", "--map", map_file(PAIRS), *limit, data=whole) == (OK, whole, NOTHING)


def test_what_cannot_be_decoded_passes_if_an_option_says_so(
    map_file: MapFile, call: Callable[..., Called]
) -> None:
    data = b"\x1f\x8b\x09\x00<PERSON_1>"
    passed = call("restore", "--map", map_file(PAIRS), "--undecodable", "pass", data=data)
    assert passed == (
        OK,
        data,
        "holdback: warning: nothing in the input was understood; it passed as it came\n",
    )


@pytest.mark.parametrize(
    "option", [("--max-event-bytes", "-1"), ("--max-event-bytes", "x"), ("--oversized", "drop")]
)
def test_an_option_that_is_wrong_is_told(option: tuple[str, str], map_file: MapFile) -> None:
    code, out, err = run("restore", "--map", map_file(PAIRS), *option)
    assert (code, out) == (CANNOT, b"")
    assert option[0] in err
