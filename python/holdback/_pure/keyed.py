"""Keyed placeholders: of each value the first base32 characters of an HMAC."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from holdback._keys import message

_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
_TWO_DIGITS = [one + two for one in _BASE32 for two in _BASE32]


def keyed_placeholders(
    key: bytes, start: bytes, label: str, values: Sequence[str], digits: int, /
) -> list[str]:
    """For each value ``<LABEL_digits>``: so many digits, at most 51, of ``HMAC-SHA256(key, start + value)``.

    The value is written as ``_keys.message`` says.
    """
    begun = hmac.new(key, start, "sha256")
    taken = -(-5 * digits // 8)
    rest = 8 * taken - 5 * digits
    made: list[str] = []
    for value in values:
        mac = begun.copy()
        mac.update(message((value,)))
        number = int.from_bytes(mac.digest()[:taken]) >> rest
        text = ""
        for _ in range(-(-digits // 2)):
            text = _TWO_DIGITS[number & 1023] + text
            number >>= 10
        made.append(f"<{label}_{text[-digits:]}>")
    return made
