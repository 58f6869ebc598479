"""Pairs from a file: a JSON object ``{placeholder: original}``, which is a secret, and typed by hand.

What is wrong with it is a ``MappingError`` that tells the place, never the value. A placeholder that is there twice
with two originals is an error as well: JSON's own readers would drop one of them silently.
"""

from __future__ import annotations

import json
from typing import Any

from holdback.errors import MappingError

__all__ = ["members_in", "pairs_in"]


class _Members(list[tuple[str, Any]]):
    """A JSON object as it is written: in order, and with its repetitions."""

    def __repr__(self) -> str:
        return f"_Members({len(self)})"


def pairs_in(source: bytes, name: str) -> dict[str, str]:
    """The pairs that the JSON in ``source`` holds. ``name`` is what messages call it.

    :raises MappingError: it holds no such JSON object, or one that cannot be used.

    >>> pairs_in(b'{"<PERSON_1>": "Ada"}', "the map")
    {'<PERSON_1>': 'Ada'}
    >>> pairs_in(b'{"<PERSON_1>": 1}', "the map")
    Traceback (most recent call last):
    holdback.errors.MappingError: entry 1 of the map: the original is not a string
    """
    pairs: dict[str, str] = {}
    for number, (placeholder, original) in enumerate(members_in(source, name), 1):
        if not isinstance(original, str):
            raise MappingError(f"entry {number} of {name}: the original is not a string")
        if not placeholder:
            raise MappingError(f"entry {number} of {name}: the placeholder is empty")
        if pairs.setdefault(placeholder, original) != original:
            raise MappingError(f"entry {number} of {name}: the placeholder has another original already")
    return pairs


def members_in(source: bytes, name: str, shape: str = "{placeholder: original}") -> list[tuple[str, Any]]:
    """The members of the JSON object in ``source``, as they are written; ``shape`` is what messages call it.

    :raises MappingError: it holds no JSON object.

    >>> list(members_in(b'{"PERSON": ["Ada"], "PERSON": []}', "the values"))
    [('PERSON', ['Ada']), ('PERSON', [])]
    """
    wrong = "JSON that can be read"
    try:
        members = json.loads(source.decode("utf-8-sig"), object_pairs_hook=_Members)
    except UnicodeDecodeError as error:
        wrong = f"UTF-8: byte {error.start + 1}"
    except json.JSONDecodeError as error:
        wrong = f"JSON: line {error.lineno}, column {error.colno}"
    except (ValueError, RecursionError):
        pass
    else:
        if isinstance(members, _Members):
            return members
        raise MappingError(f"{name} must be a JSON object {shape}")
    raise MappingError(f"{name} is not {wrong}")  # not above: the error there holds the whole map
