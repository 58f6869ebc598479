"""Which values may be placed inside an address: on allowed hosts, mail addresses, phone numbers, whole addresses.

The rules judge the address as far as it was sent, and the value that is to stand behind that. They say yes only to
what they understand in its plainest spelling, and no to everything else. ``rust/core/src/wire/addresses.rs`` is the
twin.

What stands behind the value is not known when it is placed. No rule depends on it: the host has ended before the value
begins, so nothing behind can change whom the address names.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(\*\.)?({_LABEL}(?:\.{_LABEL})*)(/[A-Za-z0-9._~!$&'()*+,;=:@/-]*)?")

# The plain spelling: scheme, a host of letters, digits, hyphens and dots, and the character that ends it.
_PLAIN = re.compile(r"[Hh][Tt][Tt][Pp][Ss]?://([A-Za-z0-9.-]+)(?=[/?#])")
# What a browser, Markdown or HTML reads as something else than it looks like: blanks and controls, quotes, brackets,
# backslashes, and the references of HTML (`&#46;`, `&period;`).
_NOT_PLAIN = re.compile(r"[\x00-\x20\x7f\"<>\\^`{|}]|&#|&[A-Za-z][A-Za-z0-9]*;")
_PATH_ENDS = re.compile(r"[?#]")
_SEPARATORS = re.compile(r"[/\\]")
_MAIL = re.compile(r"[^\x00-\x20\x7f@?&#%/\\:,;<>\"]+@[^\x00-\x20\x7f@?&#%/\\:,;<>\"]+")
_PHONE = re.compile(r"[0-9+() -]*[0-9][0-9+() -]*")


class AllowedHost(NamedTuple):
    """One entry of ``hosts``: ``host`` in lower case; ``prefix`` is a path from its ``/`` on, or empty."""

    host: str
    is_wildcard: bool
    prefix: str


def parse_host(text: str) -> AllowedHost | None:
    """Read ``example.org``, ``*.example.org`` or ``example.org/path/``; None if it is none of them."""
    host, slash, path = text.partition("/")
    match = _HOST.fullmatch(host.lower() + slash + path) if host.isascii() else None
    if match is None or any(segment in {".", ".."} for segment in path.split("/")):
        return None
    return AllowedHost(match[2], is_wildcard=match[1] is not None, prefix=match[3] or "")


def may_stand(address: str | None, value: str, hosts: tuple[AllowedHost, ...]) -> bool:
    """Whether ``value`` may be placed behind ``address``, which is what was sent of an address.

    ``None`` is an address of which the beginning is not known; the empty string is the place where one begins.
    """
    if address is None:
        return False
    if not address:
        plain = _PLAIN.match(value)
        return plain is not None and _NOT_PLAIN.search(value) is None
    if len(address) <= 7:
        scheme = address.lower()
        if scheme == "mailto:":
            return _MAIL.fullmatch(value) is not None
        if scheme == "tel:":
            return _PHONE.fullmatch(value) is not None
    return bool(hosts) and _is_allowed(address, value, hosts)


def _is_allowed(address: str, value: str, hosts: tuple[AllowedHost, ...]) -> bool:
    plain = _PLAIN.match(address)
    if plain is None or _NOT_PLAIN.search(address) is not None:
        return False
    path = address[plain.end() :]
    if _PATH_ENDS.search(path) is None:  # the value stands in the path, and may go on with it
        if any(character in value for character in "\t\n\r"):  # which browsers take out
            return False
        path += value
    path = _PATH_ENDS.split(path, maxsplit=1)[0]
    if any(_dots(segment) for segment in _SEPARATORS.split(path)):
        return False
    host = plain[1].lower()
    sent = address[plain.end() :]
    return any(_has_host(allowed, host) and _has_prefix(allowed.prefix, sent) for allowed in hosts)


def _dots(segment: str) -> bool:
    return len(segment) in {1, 2, 3, 4, 6} and segment.lower().replace("%2e", ".") in {".", ".."}


def _has_host(allowed: AllowedHost, host: str) -> bool:
    if not allowed.is_wildcard:
        return host == allowed.host
    labels = host.removesuffix("." + allowed.host)
    return labels != host and "" not in labels.split(".")


def _has_prefix(prefix: str, path: str) -> bool:
    """Whether the path so far is behind the prefix, so that the value cannot lengthen its last segment."""
    if not path.startswith(prefix):
        return False
    return not prefix or prefix.endswith("/") or path[len(prefix) : len(prefix) + 1] in {"/", "?", "#"}
