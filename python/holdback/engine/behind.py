"""What stands behind: schemes, domains, names of tags, read backwards over at most `REACH` characters.

Letters are ASCII letters in any case; a character that is not ASCII may stand in the label of a domain.
"""

from __future__ import annotations

import re
from typing import Final

REACH: Final = 68
"""`host.tld`: a letter, a dot, 63 characters, and the dot of the root, at most."""

_WORD: Final = frozenset("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_OPAQUE: Final = re.compile(
    r"(?:^|[^A-Za-z0-9])(?:blob|callto|cid|data|facetime|file|filesystem|geo|im|intent|irc|javascript|magnet|mailto|"
    r"market|mms|sip|sips|skype|sms|smsto|ssh|tel|vbscript|view-source|webcal|whatsapp|xmpp)\Z",
    re.IGNORECASE | re.ASCII,
)
_WWW: Final = re.compile(r"(?:^|[^A-Za-z0-9])www\Z", re.IGNORECASE | re.ASCII)
ADDRESS: Final = re.compile(r"(?:^|[^A-Za-z0-9+.-])(https?://|mailto:|tel:)\Z", re.IGNORECASE | re.ASCII)
_LABEL: Final = r"[A-Za-z0-9_\-\u0080-\U0010ffff]"
_WIDE: Final = r"[\u0080-\U0010ffff]"
# A top level that is one ASCII character or nothing but digits is none (`e.g.`, `2.5`); four numbers are an address.
_DOMAIN: Final = re.compile(
    rf"{_LABEL}\.(?:(?=[0-9_-]*[A-Za-z\u0080-\U0010ffff]){_LABEL}{{2,63}}|{_WIDE})\.?\Z"
    r"|[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.?\Z"
)
URL_FUNCTION: Final = re.compile(r"(?:^|[^A-Za-z0-9_-])url\Z", re.IGNORECASE | re.ASCII)
BODY_BEGINS: Final = re.compile(r"<(?:(script)|style)\Z", re.IGNORECASE | re.ASCII)
# In the spelling that Markdown knows as well: what it takes for text leaves the body open.
BODY_ENDS: Final = re.compile(r"(?:^|[^\\])</(?:(script)|style)[ \t]{0,16}\Z", re.IGNORECASE | re.ASCII)


def begins_url(source: str, at: int) -> bool:
    """Whether an address begins with the character there: a slash or backslash, a dot, or one of `?`, `#`, `:`."""
    character, behind = source[at], source[max(at - REACH, 0) : at]
    previous = behind[-1:]
    if character == ".":
        return _WWW.search(behind) is not None
    if previous and previous in "/\\" and character in "/\\":
        first = behind[-2:-1]
        return first == ":" or (character == previous == "/" and first not in _WORD)
    if character == "\\":
        return False
    return _DOMAIN.search(behind) is not None or (character == ":" and _OPAQUE.search(behind) is not None)
