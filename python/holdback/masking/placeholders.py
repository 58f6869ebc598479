"""Placeholders for values: keyed by default, numbered on demand.

A *keyed* placeholder is a function of the key, the scope, the entity type and the value, and of nothing else:

    <PERSON_7k2qm4xc3t>    the entity type, and ten base32 characters of
                           HMAC-SHA256(derived key, scope, entity type, value), each part behind its length

So it is the same in every turn, worker and replica that has the key, without anything being stored; nobody without the
key can guess one, and two scopes never share one. Two values of one mapping whose ten characters are the same get more
of them, both, so that their order does not matter.

A *numbered* placeholder is ``<PERSON_1>``, counted in the order in which values appear in one request. It is short, and
means something in that request alone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
from itertools import count
from typing import Literal, NoReturn

from holdback import _backend
from holdback._keys import hkdf, master_key, message
from holdback.errors import MaskingError

Style = Literal["keyed", "numbered"]

LABEL = b"holdback: placeholders, version 1"
"""What the placeholders' key is derived for."""

DIGITS = 10
"""How many base32 characters a keyed placeholder has: 50 bits, of 256."""

MOST_DIGITS = 51
FORM = re.compile(f"<[A-Z0-9]+(?:_[A-Z0-9]+)*_[a-z2-7]{{{DIGITS},{MOST_DIGITS}}}>")
"""What every keyed placeholder looks like."""

_NUMBERED = re.compile("(?<![A-Z0-9_])[A-Z0-9]+(?:_[A-Z0-9]+)*_[0-9]+")
_NO_LABEL = re.compile("[^A-Z0-9]+")
_NO_NAME = re.compile("[^A-Za-z0-9_-]+")


@lru_cache(maxsize=256)
def label(entity_type: str) -> str:
    """The entity type as it stands in a placeholder: capitals, digits and single low lines.

    >>> label("credit card"), label("US_SSN"), label("...")
    ('CREDIT_CARD', 'US_SSN', 'VALUE')
    """
    return _NO_LABEL.sub("_", entity_type.upper()).strip("_") or "VALUE"


def bare(placeholder: str) -> str:
    """The placeholder of letters, digits and low lines alone, for places where a provider allows nothing else.

    >>> bare("<PERSON_7k2qm4xc3t>"), bare("Zorp Glax")
    ('PERSON_7k2qm4xc3t', 'Zorp_Glax')
    """
    return _NO_NAME.sub("_", placeholder).strip("_") or "VALUE"


class Placeholders:
    """What makes placeholders.

    :param key: for ``"keyed"``, at least 32 random bytes, the same in every worker and replica. Whoever has it can try
        out values against placeholders, so it is kept like a password. ``"numbered"`` needs none.
    :param style: ``"keyed"`` or ``"numbered"``.
    :raises TypeError: ``key`` is not ``bytes``.
    :raises HoldbackError: it is missing or too short.

    >>> placeholders = Placeholders(bytes(range(32)))
    >>> placeholders.of("Ada", "PERSON", scope="a conversation")
    '<PERSON_uzo4xzutl5>'
    """

    __slots__ = ("_key", "style")

    def __init__(self, key: bytes | None = None, style: Style = "keyed") -> None:
        if style not in ("keyed", "numbered"):
            raise MaskingError("unknown style; known are: keyed, numbered")
        if key is None and style == "keyed":
            raise MaskingError("keyed placeholders need a key of at least 32 random bytes")
        self._key = None if key is None else hkdf(master_key(key), LABEL)
        self.style: Style = style
        """``"keyed"`` or ``"numbered"``."""

    def of(self, value: str, entity_type: str, *, scope: str, digits: int | None = None) -> str:
        """The keyed placeholder of a value in a scope, with that many digits: ten, more where two collide.

        :raises MaskingError: the style is ``"numbered"``: there the placeholder depends on the request; or no
            placeholder has so many digits.
        """
        if not isinstance(value, str):
            raise TypeError(f"a value must be str, not {type(value).__name__}")
        if digits is not None and not 1 <= digits <= MOST_DIGITS:
            raise MaskingError(f"a keyed placeholder has 1 to {MOST_DIGITS} digits")
        return self._of_all([value], entity_type, scope=scope, digits=DIGITS if digits is None else digits)[0]

    def _of_all(self, values: Sequence[str], entity_type: str, *, scope: str, digits: int) -> list[str]:
        """The keyed placeholder of each of these values, all of one type: what ``of`` says, for less."""
        if self._key is None or self.style == "numbered":
            raise MaskingError("a numbered placeholder depends on the request")
        start = message((scope, entity_type))
        return _backend.keyed_placeholders(self._key, start, label(entity_type), values, digits)

    def allot(
        self, values: Mapping[str, str], *, scope: str, taken: Iterable[str], texts: Iterable[str]
    ) -> list[str]:
        """A placeholder for each value, ``{value: type}``, in their order.

        :param taken: placeholders that stand for other values already.
        :param texts: the request's texts: a number that one of them uses is left out.
        """
        if self.style == "numbered":
            return list(self._numbered(values, set(taken), texts))
        return list(self._keyed(values, scope, set(taken)))

    def _keyed(self, values: Mapping[str, str], scope: str, taken: AbstractSet[str]) -> dict[str, str]:
        """What ``allot`` says of each value, ``{placeholder: value}``, for keyed ones."""
        made = self._of_types(values, scope, DIGITS)
        allotted = dict(zip(made, values, strict=True))
        if len(allotted) == len(made) and allotted.keys().isdisjoint(taken):
            return allotted
        known = dict(zip(values, made, strict=True))
        ahead, digits = list(values), DIGITS
        while True:
            alike = Counter(known[value] for value in ahead)
            ahead = [value for value in ahead if alike[known[value]] > 1 or known[value] in taken]
            if not ahead:
                return {placeholder: value for value, placeholder in known.items()}
            if digits == MOST_DIGITS:
                raise MaskingError("two values have one placeholder of the greatest length")
            digits = min(digits + 5, MOST_DIGITS)
            longer = self._of_types({value: values[value] for value in ahead}, scope, digits)
            known.update(zip(ahead, longer, strict=True))

    def _of_types(self, values: Mapping[str, str], scope: str, digits: int) -> list[str]:
        """What ``of`` says of each."""
        if len(types := set(values.values())) == 1:
            return self._of_all([*values], *types, scope=scope, digits=digits)
        by_type: dict[str, list[str]] = {kind: [] for kind in types}
        for value, kind in values.items():
            by_type[kind].append(value)
        made = {
            kind: iter(self._of_all(same, kind, scope=scope, digits=digits)) for kind, same in by_type.items()
        }
        return [next(made[kind]) for kind in values.values()]

    @staticmethod
    def _numbered(values: Mapping[str, str], taken: set[str], texts: Iterable[str]) -> Iterator[str]:
        standing = {found for text in texts for found in _NUMBERED.findall(text)}
        numbers: dict[str, Iterator[int]] = {}
        for entity_type in values.values():
            name = label(entity_type)
            for number in numbers.setdefault(name, count(1)):
                bare = f"{name}_{number}"
                if bare not in standing and f"<{bare}>" not in taken:
                    yield f"<{bare}>"
                    break

    def __repr__(self) -> str:
        return f"Placeholders(style={self.style!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("Placeholders hold a key and are not pickled")
