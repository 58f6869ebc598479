"""``holdback.aio`` and ``holdback.sync``: the same streams through both, and the ways out of them.

A fault at every step, which holds of every shell, is in ``faults/``.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from holdback.errors import EncodedInput, EventTooLarge, HoldbackError
from holdback.restorers.wire import WireRestorer
from shell_sources import KIND, NAME, SECRET, Lost, Source, Stream, as_bytes, items, options, text_of
from streams import PAIRS, say
from wires import every, recordings, through

# ---------------------------------------------------------------- what comes through


@KIND
@pytest.mark.parametrize("recording", recordings(), ids=lambda recording: recording.name)
def test_a_recording(kind: str, recording: Any, backend: str) -> None:
    for size in (37, 4096):
        source = Source(every(recording.data, size))
        out = Stream(kind, "restore_bytes", source, recording.pairs).all()
        assert b"".join(out) == through(WireRestorer(recording.pairs), [recording.data]).data
        assert all(out), "something empty was sent"
        assert source.closed == 1


@KIND
@NAME
def test_nothing_is_read_ahead(kind: str, name: str, backend: str) -> None:
    source = Source(items(name, "a", "b <PE", "x", "c", "d"))
    stream = Stream(kind, name, source, **options(name))
    for taken in (1, 2, 3):
        stream.next()
        assert source.taken == taken
    stream.close()
    assert (source.taken, source.closed) == (3, 1)


@KIND
def test_chunks_keep_their_kind_and_bytes_their_format(kind: str, backend: str) -> None:
    untouched = say("Hi")
    out = Stream(
        kind, "restore_chunks", Source([untouched, b"raw", say("<PERSON_2>")]), protocol="auto"
    ).all()
    assert out[0] is untouched
    assert out[1:] == [b"raw", say("Bo")]
    data = b'{"model":"m","message":{"content":"<PERSON_2>"},"done":true}\n'
    (line,) = Stream(kind, "restore_bytes", Source([data]), protocol="ollama").all()
    assert line == data.replace(b"<PERSON_2>", b"Bo")


@KIND
@NAME
@pytest.mark.parametrize("mapping", [None, {}], ids=["none", "empty"])
def test_no_mapping_passes_everything(kind: str, name: str, mapping: Any) -> None:
    came = items(name, "<PERSON_1>", "<PER")
    assert Stream(kind, name, Source(came), mapping, **options(name)).all() == came


# ---------------------------------------------------------------- errors


@KIND
@NAME
@pytest.mark.parametrize("survived", range(4))
def test_the_upstream_dies_at_any_item(kind: str, name: str, survived: int, backend: str) -> None:
    error = Lost(f"{SECRET} <PERSON_1>")
    came = items(name, "Hi <PERS", "ON_1> and <", "PERS")[:survived]
    source = Source(came, error)
    stream = Stream(kind, name, source, **options(name))
    with pytest.raises(Lost) as caught:
        stream.all()
    assert caught.value is error
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert text_of(stream.out) == ["", "Hi <PERS", f"Hi {SECRET} and <", f"Hi {SECRET} and <PERS"][survived]
    assert source.closed == 1


@KIND
def test_the_upstream_dies_inside_an_event(kind: str, backend: str) -> None:
    held, cut = as_bytes(say("<PERS")), as_bytes(say("ON_1>"))[:-9]
    stream = Stream(kind, "restore_bytes", Source([held, cut], Lost()))
    with pytest.raises(Lost):
        stream.all()
    out = b"".join(stream.out)
    assert text_of([out.removesuffix(cut)]) == "<PERS"
    assert out.endswith(cut)


@KIND
@pytest.mark.parametrize(
    ("codings", "pack"),
    [("", gzip.compress), ("gzip", gzip.compress), ("deflate", zlib.compress), ("", bytes)],
    ids=["gzip-unsaid", "gzip", "deflate", "none"],
)
def test_bytes_are_decoded_as_they_come(
    kind: str, codings: str, pack: Callable[[bytes], bytes], backend: str
) -> None:
    stream = b"".join(items("restore_bytes", "Hi <PER", "SON_1>!"))
    out = Stream(kind, "restore_bytes", Source(every(pack(stream), 9)), codings=codings).all()
    assert text_of(out) == f"Hi {PAIRS['<PERSON_1>']}!"


@KIND
def test_the_options_of_bytes_are_passed_on(kind: str) -> None:
    stream = b"".join(items("restore_bytes", "Hi <PERSON_1>!"))

    def out(data: bytes, **options: Any) -> bytes:
        return b"".join(Stream(kind, "restore_bytes", Source(every(data, 9)), **options).all())

    assert out(stream, protocol="anthropic") == stream
    whole = json.dumps({"choices": [{"message": {"content": "<PERSON_1>"}}]}, indent=1).encode()
    assert out(whole) != whole
    assert out(whole, max_event_bytes=len(whole) - 1) == whole
    assert out(b"\x1f\x8b\x09\x00", undecodable="pass") == b"\x1f\x8b\x09\x00"
    assert out(stream, codings="compress", undecodable="pass")
    with pytest.raises(EncodedInput):
        out(stream, codings="compress")
    for wrong in ({"protocol": "smtp"}, {"oversized": "drop"}, {"undecodable": "drop"}):
        with pytest.raises(HoldbackError):
            out(stream, **wrong)


@KIND
@pytest.mark.parametrize("error", [EncodedInput, EventTooLarge])
def test_what_cannot_be_read_leaves_before_the_error(kind: str, error: type[Exception], backend: str) -> None:
    if error is EncodedInput:
        reads = [b"\x1f", b"\x8b\x08\x00\x00\x00\x00\x00\x00\x03no gzip at all", b"never read"]
        expected = b"".join(reads[:2])
    else:
        ready, large = as_bytes(say("Hi")), b"x" * 4096
        reads = [as_bytes(say("a <PERS")), ready + large, b"never read"]
        expected = large
    source = Source(reads)
    stream = Stream(kind, "restore_bytes", source, max_event_bytes=1024, oversized="raise")
    with pytest.raises(error):
        stream.all()
    out = b"".join(stream.out)
    assert out.endswith(expected)
    if error is EventTooLarge:
        assert text_of([out.removesuffix(expected)]) == "a <PERSHi"
    assert (source.taken, source.closed) == (2, 1)


@KIND
def test_an_item_of_another_kind(kind: str, backend: str) -> None:
    source = Source([as_bytes(say("a <PE")), "text"])
    stream = Stream(kind, "restore_bytes", source)
    with pytest.raises(TypeError, match=r"^feed\(\) takes bytes, not str$"):
        stream.all()
    assert text_of(stream.out) == "a <PE"
    assert source.closed == 1


@KIND
@NAME
@pytest.mark.parametrize("wrong", [None, 7, object()], ids=lambda wrong: type(wrong).__name__)
def test_what_is_no_stream(kind: str, name: str, wrong: Any) -> None:
    words = "an async iterable" if kind == "aio" else "an iterable"
    with pytest.raises(TypeError, match=rf"^the stream must be {words}, not {type(wrong).__name__}$"):
        Stream(kind, name, wrong, **options(name)).next()


@KIND
@NAME
@pytest.mark.parametrize(
    ("mapping", "more"),
    [("text", {}), ({"": SECRET}, {}), ({"<P>": 7}, {}), (PAIRS, {"config": {}}), (PAIRS, {"protocol": "x"})],
    ids=str,
)
def test_wrong_arguments_close_the_upstream(
    kind: str, name: str, mapping: Any, more: Any, backend: str
) -> None:
    source = Source(items(name, "a"))
    with pytest.raises((TypeError, ValueError)) as caught:
        Stream(kind, name, source, mapping, **{**options(name), **more}).next()
    assert SECRET not in repr(caught.value)
    assert (source.taken, source.closed) == (0, 1)
