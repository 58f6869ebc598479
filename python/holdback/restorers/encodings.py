"""How a stream begins that is compressed."""

from __future__ import annotations

_ENCODINGS = (
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\xce\xb2\xcf\x81", "br"),
    # A bare br stream has no magic. These are the first bytes that encoders write, and no event begins with one.
    (b"\x0b", "br"),
    (b"\x1b", "br"),
    (b"\x8b", "br"),
)
_FIRST_BYTES = frozenset(magic[0] for magic, _ in _ENCODINGS)


def encoding_of(data: bytes) -> tuple[str | None, bool]:
    """The coding that these first bytes are of, and whether they may become the beginning of one."""
    if not data or data[0] not in _FIRST_BYTES:
        return None, False
    for magic, name in _ENCODINGS:
        if data.startswith(magic):
            return name, True
    return None, any(magic.startswith(data) for magic, _ in _ENCODINGS)
