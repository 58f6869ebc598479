"""What the placeholders of a mapping have in common, so that text that looks like one and is none can be counted.

A placeholder has a form if it is a name and an identifier, digits or base32 characters as in keyed placeholders,
between brackets or other marks: ``<PERSON_1>``, ``[PERSON_1]``, ``{{NAME_3}}``, ``&lt;PERSON_1&gt;``; or a word in
capitals such as ``PERSON_1``. Invented values have none: nobody can tell ``Zorp Glax`` from a name. See
``_pure/forms.py`` for what is then found in a text.

The forms of a matcher are derived once, in O(its keys), and live as long as it does.
"""

from __future__ import annotations

import re
from threading import Lock
from typing import Final, NamedTuple
from weakref import WeakKeyDictionary

from holdback import _backend, _pure

MOST_FORMS: Final = 64
"""So many forms are looked for; a mapping has as many as there are ways in which its placeholders are spelled."""

LONGEST: Final = 160
"""A longer key has no form."""

_SIDE: Final = r"(?:[^\w]|_|&\#?\w+;|%[0-9A-Fa-f]{2})"
_KEY: Final = re.compile(
    rf"""
    (?P<opening> {_SIDE}{{0,16}} )
    (?P<name> [A-Za-z] (?: [A-Za-z0-9_ \\:\#-]*? [A-Za-z0-9] )?? )
    (?P<separator> \\_ | [_\-: \#]? )
    (?P<identifier> [0-9]{{1,20}} | [a-z2-7]{{10,51}} )
    (?P<closing> (?: _+ | [^\w] .{{0,32}} )? )
    """,
    re.VERBOSE | re.DOTALL,
)


class MatcherForms(NamedTuple):
    """The forms of a matcher's keys."""

    compiled: _backend.Forms
    """Of the matcher's twin."""
    by_name: list[list[int]]
    """For each name, by its number, the places of the keys that have it."""


_KNOWN: WeakKeyDictionary[_backend.TrieMatcher, MatcherForms] = WeakKeyDictionary()
_LOCK: Final = Lock()


def forms_of(matcher: _backend.TrieMatcher) -> MatcherForms:
    """The forms of a matcher's keys."""
    with _LOCK:
        known = _KNOWN.get(matcher)
    if known is None:
        known = _derived(matcher)
        with _LOCK:
            _KNOWN[matcher] = known
    return known


def _derived(matcher: _backend.TrieMatcher) -> MatcherForms:
    forms: set[tuple[str, str, bool, str, bool]] = set()
    names: dict[str, list[int]] = {}
    keys = [key for key, _ in matcher._pairs()]
    for place, key in enumerate(keys):
        if (found := form_of(key)) is not None:
            name, form = found
            forms.add(form)
            names.setdefault(name, []).append(place)
    compiled = _backend.Forms if _backend.is_native(matcher) else _pure.Forms
    return MatcherForms(
        compiled(sorted(forms)[:MOST_FORMS], list(names), keys if forms else ()),  # type: ignore[arg-type]
        list(names.values()),
    )


def form_of(key: str) -> tuple[str, tuple[str, str, bool, str, bool]] | None:
    """The name in a placeholder and its form; None if it has none."""
    found = _KEY.fullmatch(key) if len(key) <= LONGEST else None
    if found is None:
        return None
    opening, name, separator, identifier, closing = found.groups()
    is_base32 = not identifier.isdigit()
    is_bracketed = bool(opening.strip() and closing)
    if opening and not opening.strip():
        return None
    if not separator and (is_base32 or not is_bracketed):
        return None
    if not opening and (closing or not name.isupper()):
        return None
    form = (opening, separator, is_base32, closing, is_bracketed and name.isupper())
    return (name, form) if _pure.Forms([form], [name], ()).is_one(key) else None
