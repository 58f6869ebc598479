"""What a store outside this process gets to see: names that are HMACs, and entries that are sealed.

From each key of the operator two are derived by HKDF: one for names, one for sealing; from the latter one for each
scope. So a dump of the store says how many scopes there are and about how large they are, and nothing else.

    name of a scope    HMAC-SHA256(names key, scope)
    name of an entry   HMAC-SHA256(names key, scope, placeholder)
    entry              version, id of the key, nonce of 96 random bits, AES-256-GCM of placeholder, type and value

The sealed text is filled up to a multiple of 64 bytes, so that its size says little of the value's. What is sealed
along (the associated data) are the key's id, the scope and the entry's name: an entry that was moved cannot be opened.

Rotation. Several keys may be given. The first names and seals what is written; each is asked for what is there, since
a scope has another name under each. Once all scopes of the old key are forgotten, it can go.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

from holdback._keys import hkdf, master_key, message
from holdback.errors import StoreError
from holdback.stores.base import Entry, needed

LABEL = b"holdback: stores, version 1, "
"""What every key of a store is derived for, and behind it which."""

VERSION = b"\x01"
_ID, _NONCE, _TAG, _BLOCK = 4, 12, 16, 64
_HEAD = len(VERSION) + _ID + _NONCE

Keys = bytes | Sequence[bytes]
"""One key, or several: the first seals, all open."""


class Sealer:
    """Names and seals with the first key, opens with any."""

    __slots__ = ("_keys",)

    def __init__(self, keys: Keys, *, store: str, extra: str) -> None:
        given = [keys] if isinstance(keys, bytes) else list(keys)
        if not given:
            raise StoreError("a store needs a key of at least 32 random bytes")
        ciphers = needed("cryptography.hazmat.primitives.ciphers.aead", store, extra)
        self._keys = [_Key(master_key(key), ciphers.AESGCM) for key in given]

    def names(self, scope: str) -> list[bytes]:
        """The names of the scope: the one that is written to, then those of the other keys."""
        return [key.name(scope) for key in self._keys]

    def seal(self, scope: str, entries: Sequence[Entry]) -> dict[bytes, bytes]:
        """The entries, sealed, by their names."""
        if not entries:  # most turns bring nothing new
            return {}
        sealing = self._keys[0].sealing(scope)
        return dict(map(sealing.seal, entries))

    def open(self, scope: str, found: Sequence[Mapping[bytes, bytes]]) -> Iterator[Entry]:
        """The entries of each of the scope's names.

        :raises StoreError: one cannot be opened.
        """
        for key, sealed in zip(self._keys, found, strict=True):
            if sealed:
                sealing = key.sealing(scope)
                for name, entry in sealed.items():
                    yield sealing.open(name, entry)

    def __repr__(self) -> str:
        return f"Sealer(keys={len(self._keys)})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Sealer holds keys and is not pickled")


class _Key:
    __slots__ = ("_aead", "_id", "_names", "_sealing")

    def __init__(self, key: bytes, aead: Any) -> None:
        self._id = hkdf(key, LABEL + b"id", _ID)
        self._names = hkdf(key, LABEL + b"names")
        self._sealing = hkdf(key, LABEL + b"sealing")
        self._aead = aead

    def name(self, scope: str) -> bytes:
        return hmac.digest(self._names, message((b"scope", scope)), "sha256")

    def sealing(self, scope: str) -> _Sealing:
        cipher = self._aead(hkdf(self._sealing, message((b"scope", scope))))
        return _Sealing(cipher, VERSION + self._id, self._names, scope)


class _Sealing:
    """What seals and opens the entries of one scope: what they have in common is made once."""

    __slots__ = ("_along", "_cipher", "_entry", "_head", "_names")

    def __init__(self, cipher: Any, head: bytes, names: bytes, scope: str) -> None:
        self._cipher, self._head, self._names = cipher, head, names
        self._along = message((head, scope))
        self._entry = message((b"entry", scope))

    def seal(self, entry: Entry) -> tuple[bytes, bytes]:
        name = hmac.digest(self._names, self._entry + message(entry[:1]), "sha256")[:_TAG]
        plain = message(entry)
        plain += bytes(-len(plain) % _BLOCK)
        nonce = os.urandom(_NONCE)
        return name, self._head + nonce + self._cipher.encrypt(nonce, plain, self._along + message((name,)))

    def open(self, name: bytes, sealed: Any) -> Entry:
        head = self._head
        if not (isinstance(sealed, bytes) and sealed.startswith(VERSION)):
            raise StoreError("an entry cannot be opened: it was not written by this version of holdback")
        if not sealed.startswith(head):
            raise StoreError("an entry cannot be opened: it was sealed by a key that the store was not given")
        if len(sealed) < _HEAD + _TAG:
            raise StoreError("an entry cannot be opened: it was not written to its end")
        nonce = sealed[len(head) : _HEAD]
        plain = None
        try:
            plain = self._cipher.decrypt(nonce, sealed[_HEAD:], self._along + message((name,)))
        except Exception as error:  # its class is the extra's own
            if type(error).__name__ != "InvalidTag":
                raise
        if plain is None:
            raise StoreError("an entry cannot be opened: it was changed, or moved from another scope")
        parts: list[str] = []
        at = 0
        for _ in range(3):
            end = at + 8 + int.from_bytes(plain[at : at + 8])
            parts.append(plain[at + 8 : end].decode("utf-8", "surrogatepass"))
            at = end
        placeholder, value, entity_type = parts
        return placeholder, value, entity_type
