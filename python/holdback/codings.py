"""Content codings, taken off as the bytes come: gzip and deflate by zlib, br and zstd where their packages are.

A *stage* takes one coding off. A header may name several, the last one first to go. One more stage stands behind them,
so that bytes that are gzip or zstd and do not say so are decoded as well: no text of ours begins like these. For the
same reason a body that is said to be gzip or zstd, and is not, passes as it is.

Invariant: the output does not depend on how the input is cut. Truncated input is no error: what could be decoded has
left. Bytes behind the end of the last member are dropped, as gzip does.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

from holdback.errors import EncodedInput

__all__ = ["CODINGS", "BodyDecoder"]

CODINGS = ("gzip", "deflate", "br", "zstd")
"""The content codings that can be decoded, the last two only where their packages are installed."""

_MAGIC = {"gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd"}
_PACKAGES = {"br": "brotli", "zstd": "zstandard"}


class _Codec(NamedTuple):
    """What decodes a coding: begins one, whose ``decompress`` takes bytes; and the error it raises."""

    begin: Callable[[], Any]
    error: type[Exception]


class _Brotli:
    """brotli's decompressor in the words of the others."""

    unused_data = b""

    def __init__(self, decompressor: Any) -> None:
        self._decompressor = decompressor
        self._decompress = getattr(decompressor, "process", None) or decompressor.decompress

    @property
    def eof(self) -> bool:
        return bool(self._decompressor.is_finished())

    def decompress(self, data: bytes) -> bytes:
        decoded: bytes = self._decompress(data)
        return decoded


def _codec(coding: str) -> _Codec | None:
    """What decodes a coding; None if its package is not installed."""
    if coding == "gzip":
        return _Codec(lambda: zlib.decompressobj(16 + zlib.MAX_WBITS), zlib.error)
    if coding == "deflate":
        return _Codec(zlib.decompressobj, zlib.error)
    if coding == "br":
        module = _module("brotli", "brotlicffi")
        return module and _Codec(lambda: _Brotli(module.Decompressor()), module.error)
    module = _module("compression.zstd", "zstandard")
    if hasattr(module, "ZstdCompressionParameters"):  # zstandard
        return _Codec(lambda: module.ZstdDecompressor().decompressobj(), module.ZstdError)
    return module and _Codec(module.ZstdDecompressor, module.ZstdError)


def _module(*names: str) -> Any:
    """The first module of these that is installed; None if there is none."""
    for name in names:
        try:
            return import_module(name)
        except ModuleNotFoundError:
            continue
    return None


def _codec_of(coding: str) -> _Codec:
    codec = _codec(coding)
    if codec is None:
        raise EncodedInput(
            f"the body is compressed ({coding}): to decode it the package {_PACKAGES[coding]} must be installed"
        )
    return codec


class _Stage:
    """Takes one coding off: the one that is named, or, without a name, gzip or zstd if the first bytes say so."""

    __slots__ = ("_codec", "_coding", "_decoder", "_head", "_is_over", "_taken", "is_identity")

    def __init__(self, coding: str | None = None) -> None:
        self._coding = coding
        self._codec = None if coding is None else _codec_of(coding)
        self._decoder: Any = None
        self._head = b""  # the first bytes of a member, while they are too few to tell
        self._taken = 0  # how many bytes were taken in
        self._is_over = False  # whether the last member has ended: what follows is not read
        self.is_identity = False  # whether there is nothing to take off

    def feed(self, data: bytes) -> bytes:
        if self.is_identity or self._is_over:
            return data if self.is_identity else b""
        self._taken += len(data)
        data, self._head = self._head + data, b""
        out: list[bytes] = []
        while data and not self._is_over:
            if self._decoder is None:
                begins = self._open(data)
                if begins is None:
                    return data
                if not begins:
                    break
            decoded, data = self._decoded(data)
            out.append(decoded)
        return out[0] if len(out) == 1 else b"".join(out)

    @property
    def is_inside(self) -> bool:
        """Whether a member has begun that has not ended."""
        return self._decoder is not None or bool(self._head)

    def flush(self) -> bytes:
        """What was too short to tell has no coding."""
        head, self._head = self._head, b""
        return head if self._codec is None else b""

    def _open(self, data: bytes) -> bool | None:
        """Begin a member; returns whether one does, and None if the body has no coding to take off."""
        if self._coding == "br":
            self._decoder = self._codec.begin()  # type: ignore[union-attr]
            return True
        if self._coding == "deflate":
            if len(data) < 2:
                self._head = data
                return False
            # Some send it without the wrapping that the standard demands.
            is_wrapped = data[0] & 0x0F == zlib.DEFLATED and int.from_bytes(data[:2], "big") % 31 == 0
            self._decoder = zlib.decompressobj(zlib.MAX_WBITS if is_wrapped else -zlib.MAX_WBITS)
            return True
        for coding, magic in _MAGIC.items():
            if data.startswith(magic) and self._coding in (None, coding):
                self._codec, self._coding = self._codec or _codec_of(coding), coding
                self._decoder = self._codec.begin()
                return True
            if magic.startswith(data) and self._coding in (None, coding):
                self._head = data
                return False
        # At the beginning of the body there is nothing to take off, behind a member it is padding.
        if self._codec is None:
            self.is_identity = True
            return None
        self._is_over = True
        return False

    def _decoded(self, data: bytes) -> tuple[bytes, bytes]:
        """What some bytes decode to, and those behind the member that they end."""
        try:
            decoded: bytes = self._decoder.decompress(data)
        except self._codec.error:  # type: ignore[union-attr]
            raise EncodedInput(
                f"the body cannot be decoded ({self._coding}): invalid within its first {self._taken} bytes"
            ) from None
        if not self._decoder.eof:
            return decoded, b""
        rest = bytes(self._decoder.unused_data)
        self._decoder = None
        self._is_over = self._coding not in _MAGIC  # only these may come as several members in a row
        return decoded, rest


def _stage_of(name: str) -> _Stage | None:
    """What takes off a coding that a header names; None if there is nothing to take off."""
    coding = name.strip().removeprefix("x-")
    if coding in ("", "identity"):
        return None
    if coding not in CODINGS:
        raise EncodedInput(
            f"the body has a content coding that is not known; known are: {', '.join(CODINGS)}"
        )
    if coding not in _MAGIC:
        return _Stage(coding)
    _codec_of(coding)
    return _Stage()  # told by its bytes, so that a body that is none passes


class BodyDecoder:
    r"""Decodes a body: ``feed`` takes bytes cut anywhere and returns them decoded, ``flush`` ends the body.

    :param codings: the value of the header ``content-encoding``; several codings are taken off from the last one on.
    :param lenient: let a body pass as it is that cannot be decoded. ``undecoded`` tells then.
    :raises EncodedInput: a coding is not known, its package is not installed, or, in ``feed``, the bytes are not of it.

    After an error of ``feed``, and at the end of a body that is too short, ``flush`` returns the bytes as they came, if
    nothing was decoded before; ``failed`` tells then that they are not decoded.

    >>> import gzip
    >>> decoder = BodyDecoder()
    >>> body = gzip.compress(b"Hi!")
    >>> decoder.feed(body[:1]) + decoder.feed(body[1:]) + decoder.flush()
    b'Hi!'
    """

    __slots__ = ("_has_decoded", "_lenient", "_raw", "_stages", "failed", "undecoded")

    def __init__(self, codings: str = "", *, lenient: bool = False) -> None:
        self._lenient = lenient
        self._raw: list[bytes] = []  # what came, while nothing was decoded
        self._has_decoded = False
        self.failed = False
        self.undecoded = False
        self._stages: list[_Stage] = []
        try:
            named = [_stage_of(name) for name in reversed(codings.lower().split(","))]
            self._stages = [*filter(None, named), _Stage()]
        except EncodedInput:
            if not lenient:
                raise
            self.undecoded = True

    @property
    def is_identity(self) -> bool:
        """Whether what comes leaves as it is from now on."""
        return all(stage.is_identity for stage in self._stages)

    def feed(self, data: bytes) -> bytes:
        if not self._stages:
            return data
        if not self._has_decoded:
            self._raw.append(bytes(data))
        decoded = data
        try:
            for stage in self._stages:
                decoded = stage.feed(decoded)
        except EncodedInput:
            if self._has_decoded or not self._lenient:
                self.failed = True
                raise
            self.undecoded = True
            self._stages = []
            return self._as_came()
        if decoded:
            self._has_decoded = True
            self._raw.clear()
        return decoded

    def flush(self) -> bytes:
        if self.failed:
            return self._as_came()
        rest = b""
        for stage in self._stages:
            rest = stage.feed(rest) + stage.flush()
        if not self._has_decoded and any(stage.is_inside for stage in self._stages):  # it breaks off at once
            self.failed = True
            return self._as_came()
        self._raw.clear()
        return rest

    def _as_came(self) -> bytes:
        raw = b"".join(self._raw)
        self._raw.clear()
        return raw
