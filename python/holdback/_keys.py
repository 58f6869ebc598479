"""Keys derived from one master key: HKDF-SHA256 (RFC 5869), and messages whose parts cannot run into each other.

The placeholders and the stores each take the operator's key. Neither uses it as it is: each derives keys of its own,
under a label, so that knowing one derived key says nothing about another or about the master key.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
from collections.abc import Iterable
from functools import partial

from holdback.errors import HoldbackError, KeyTooShort

MIN_KEY_BYTES = 32
"""A master key is random and at least this long: the derived keys cannot hold more secrecy than it does."""

_DIGEST_BYTES = hashlib.sha256().digest_size


def master_key(key: bytes) -> bytes:
    """``key``, checked.

    :raises TypeError: it is not ``bytes``.
    :raises KeyTooShort: it has fewer than 32 bytes.
    """
    if not isinstance(key, bytes):
        raise TypeError(f"a key must be bytes, not {type(key).__name__}")
    if len(key) < MIN_KEY_BYTES:
        raise KeyTooShort(
            f"a key must have at least {MIN_KEY_BYTES} random bytes, such as those of secrets.token_bytes(32)"
        )
    return key


def key_in(text: str, name: str) -> bytes:
    """The key that ``text`` writes in hexadecimal or base64; ``name`` is what the message calls it.

    :raises HoldbackError: it writes none.
    """
    for decoded in (bytes.fromhex, partial(binascii.a2b_base64, strict_mode=True)):
        try:
            return master_key(decoded(text.strip()))
        except KeyTooShort:
            raise
        except ValueError:
            continue
    raise HoldbackError(
        f"{name} is no key: it must be {MIN_KEY_BYTES} random bytes or more, in hexadecimal or base64"
    )


def hkdf(key: bytes, info: bytes, length: int = 32, salt: bytes = b"") -> bytes:
    """``length`` bytes derived from ``key`` for the purpose that ``info`` names (RFC 5869, SHA-256)."""
    pseudo_random_key = hmac.digest(salt or bytes(_DIGEST_BYTES), key, "sha256")
    block, blocks = b"", []
    for counter in range(1, -(-length // _DIGEST_BYTES) + 1):
        block = hmac.digest(pseudo_random_key, block + info + bytes((counter,)), "sha256")
        blocks.append(block)
    return b"".join(blocks)[:length]


def message(parts: Iterable[str | bytes]) -> bytes:
    """The parts, each behind its length in eight bytes: two lists of parts have one message only if they are equal.

    Text is written in UTF-8; a lone surrogate, which has no UTF-8, in the three bytes that it would have.
    """
    out: list[bytes] = []
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        out += (len(data).to_bytes(8), data)
    return b"".join(out)
