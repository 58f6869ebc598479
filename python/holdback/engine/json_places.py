"""The places of JSON source, such as the arguments of a tool: each string is a text of its own, decoded.

It is fed the source that the client has been sent and needs no parser: each quote is the border of a text, and escapes
are undone where they stand. What stands between two strings is a text as well: in broken JSON, such as values without
quotes or with single ones, it may be an address. A document inside a string is read as the text of that string. Broken
JSON raises nothing. ``rust/core/src/wire/places/json.rs`` is the twin.
"""

from __future__ import annotations

import re
from typing import Final, NoReturn

from holdback._pure.escapes import Escape

from .addresses import AllowedHost
from .places import Places

_SPECIAL: Final = re.compile(r'["\\]')


class JsonPlaces:
    r"""The same questions as of :class:`Places`, of JSON source.

    >>> places = JsonPlaces()
    >>> places.feed(r'{"url": "https:\/\/collect.example/?q=')
    >>> places.keeps("Ada")
    True
    >>> places.feed('", "name": "')
    >>> places.keeps("Ada")
    False
    """

    __slots__ = ("_escape", "_places")

    def __init__(self, hosts: tuple[AllowedHost, ...] = ()) -> None:
        self._places = Places(hosts)
        self._escape = Escape()

    def copy(self) -> JsonPlaces:
        """Another source that begins where this one stands."""
        other = JsonPlaces.__new__(JsonPlaces)
        other._places = self._places.copy()
        other._escape = self._escape.copy()
        return other

    @property
    def in_address(self) -> bool:
        """Whether the next character stands inside an address."""
        return self._places.in_address

    def keeps(self, value: str) -> bool:
        """Whether a placeholder of ``value``, as it is without escapes, would have to stay if it came next."""
        return self._places.keeps(value)

    def feed(self, source: str) -> None:
        """Move over ``source``, which the client has been sent."""
        position = 0
        while position < len(source):
            if self._escape.begun:
                said, position = self._escape.read(source, position)
                if said:
                    self._places.feed(said)
                continue
            found = _SPECIAL.search(source, position)
            end = len(source) if found is None else found.start()
            if end > position:
                self._places.feed(source[position:end])
            if found is None:
                return
            position = end + 1
            if found[0] == '"':
                self._places.reset()
            else:
                self._escape.begin()

    def __reduce__(self) -> NoReturn:
        raise TypeError("JsonPlaces holds text and is not pickled")
