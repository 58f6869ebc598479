"""Content codings taken off as the bytes come: every coding, every cut, and what is none."""

from __future__ import annotations

import gzip
import importlib
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdback.codings import BodyDecoder
from holdback.errors import EncodedInput
from wires import every, pieces

Encode = Callable[[bytes], bytes]


def raw_deflate(data: bytes) -> bytes:
    encoder = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return encoder.compress(data) + encoder.flush()


def module(*names: str) -> Any:
    for name in names:
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError:
            continue
    return pytest.skip(f"{names[0]} is not installed here")


def brotli(data: bytes) -> bytes:
    encoded: bytes = module("brotli", "brotlicffi").compress(data)
    return encoded


def zstd(data: bytes) -> bytes:
    encoded: bytes = module("compression.zstd", "zstandard").compress(data)
    return encoded


def twice(encode: Encode) -> Encode:
    """Several members in a row, as some servers write them."""
    return lambda data: encode(data[: len(data) // 2]) + encode(data[len(data) // 2 :])


ENCODINGS: dict[str, tuple[str, Encode]] = {
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("X-GZip", gzip.compress),
    "gzip, not labelled": ("", gzip.compress),
    "gzip, labelled once and done twice": ("gzip", lambda data: gzip.compress(gzip.compress(data))),
    "gzip in members": ("gzip", twice(gzip.compress)),
    "gzip with padding": ("gzip", lambda data: gzip.compress(data) + bytes(5)),
    "deflate": ("deflate", zlib.compress),
    "deflate, fast": ("deflate", lambda data: zlib.compress(data, 1)),
    "raw deflate": ("deflate", raw_deflate),
    "br": ("br", brotli),
    "zstd": ("zstd", zstd),
    "zstd in frames": ("zstd", twice(zstd)),
    "zstd, not labelled": ("", zstd),
    "gzip in deflate": ("gzip, deflate", lambda data: zlib.compress(gzip.compress(data))),
    "deflate in gzip": ("deflate, gzip", lambda data: gzip.compress(zlib.compress(data))),
    "identity": ("identity", lambda data: data),
    "nothing": ("", lambda data: data),
    "labelled gzip, and is not": ("gzip", lambda data: data),
}
# What begins like a coding is taken for it.
BODIES = st.binary(max_size=300).map(lambda data: b"data: " + data)


def decoded(decoder: BodyDecoder, reads: list[bytes]) -> bytes:
    return b"".join([*map(decoder.feed, reads), decoder.flush()])


@pytest.mark.parametrize("name", ENCODINGS)
@given(body=BODIES, marks=st.lists(st.integers(0, 400), max_size=8))
def test_any_cut_is_decoded_to_what_was_encoded(name: str, body: bytes, marks: list[int]) -> None:
    codings, encode = ENCODINGS[name]
    data = encode(body)
    assert decoded(BodyDecoder(codings), pieces(data, [mark for mark in marks if mark < len(data)])) == body


@pytest.mark.parametrize("name", ENCODINGS)
def test_byte_by_byte(name: str) -> None:
    codings, encode = ENCODINGS[name]
    body = b"data: " + bytes(range(256)) * 20
    data = encode(body)
    assert decoded(BodyDecoder(codings), every(data, 1)) == body


def test_what_is_not_encoded_is_the_same_object_from_the_first_read_on() -> None:
    decoder = BodyDecoder("identity")
    for data in (b"data: 1", b"\x1f\x8b"):
        assert decoder.feed(data) is data
        assert decoder.is_identity


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_it_is_decoded_while_it_streams(coding: str) -> None:
    """Whatever the encoder has flushed comes out in the same call."""
    if coding == "br":
        encoder = module("brotli").Compressor()
        step: Encode = lambda data: encoder.process(data) + encoder.flush()  # noqa: E731
    elif coding == "zstd":
        encoder = module("zstandard").ZstdCompressor().compressobj()
        step = lambda data: encoder.compress(data) + encoder.flush(1)  # noqa: E731
    else:
        encoder = zlib.compressobj(wbits=zlib.MAX_WBITS + (16 if coding == "gzip" else 0))
        step = lambda data: encoder.compress(data) + encoder.flush(zlib.Z_SYNC_FLUSH)  # noqa: E731
    decoder = BodyDecoder(coding)
    for number in range(20):
        said = f"data: {number}\n\n".encode()
        assert decoder.feed(step(said)) == said


@pytest.mark.parametrize(
    "name", [name for name in ENCODINGS if "members" not in name and "frames" not in name]
)
def test_a_body_that_breaks_off_is_no_error(name: str) -> None:
    codings, encode = ENCODINGS[name]
    body = b"data: " + bytes(range(256)) * 20
    data = encode(body)
    for end in range(0, len(data), 7):
        decoder = BodyDecoder(codings)
        out = decoder.feed(data[:end])
        out += decoder.flush()
        assert out == data[:end] if decoder.failed else body.startswith(out)


@pytest.mark.parametrize("size", [1, 5, 100])
@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_bytes_that_are_not_of_the_coding_are_an_error_that_loses_nothing(coding: str, size: int) -> None:
    if coding in ("br", "zstd"):
        module(*{"br": ("brotli", "brotlicffi"), "zstd": ("compression.zstd", "zstandard")}[coding])
    data = {"gzip": b"\x1f\x8b\x07", "zstd": b"\x28\xb5\x2f\xfd\xff\xff"}.get(coding, b"") + b"<PERSON_1>" * 9
    for lenient in (False, True):
        decoder = BodyDecoder(coding, lenient=lenient)
        out: list[bytes] = []
        error: EncodedInput | None = None
        reads = every(data, size)
        for data_read in reads:
            try:
                out.append(decoder.feed(data_read))
            except EncodedInput as caught:
                error = caught
                break
        out.append(decoder.flush())
        taken = data if lenient else data[: len(b"".join(out))]
        assert b"".join(out) == taken
        assert decoder.undecoded == lenient
        assert (error is None) == lenient
        if error is not None:
            assert coding in str(error)
            assert "PERSON" not in str(error)
            assert error.__context__ is None or error.__suppress_context__


def test_an_error_in_the_middle_gives_no_encoded_bytes_away() -> None:
    data = bytearray(gzip.compress(bytes(range(256)) * 400, 1))
    decoder = BodyDecoder(lenient=True)
    assert decoder.feed(bytes(data[:500]))
    data[500:600] = b"\xff" * 100
    with pytest.raises(EncodedInput, match=r"cannot be decoded \(gzip\): invalid within its first \d+ bytes"):
        decoder.feed(bytes(data[500:]))
    assert decoder.flush() == b""


def test_a_coding_that_nobody_knows() -> None:
    with pytest.raises(EncodedInput, match="known are: gzip, deflate, br, zstd"):
        BodyDecoder("compress")
    decoder = BodyDecoder("gzip, compress", lenient=True)
    assert decoder.undecoded
    assert decoder.feed(b"\x1f\x8b") == b"\x1f\x8b"


@pytest.mark.parametrize(("coding", "package"), [("br", "brotli"), ("zstd", "zstandard")])
def test_a_package_that_is_not_installed(coding: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdback.codings._module", lambda *names: None)
    with pytest.raises(EncodedInput, match=f"the package {package} must be installed"):
        BodyDecoder(coding)
    assert BodyDecoder(coding, lenient=True).undecoded


def test_zstd_that_does_not_say_so_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdback.codings._module", lambda *names: None)
    decoder = BodyDecoder()
    with pytest.raises(EncodedInput, match="zstandard"):
        decoder.feed(b"\x28\xb5\x2f\xfd\x00")
    assert decoder.flush() == b"\x28\xb5\x2f\xfd\x00"
