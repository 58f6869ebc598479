"""Known values in a plain request: the native twin finds them and puts placeholders in their place, in one pass.

It is a short cut through ``plain``, for requests in which all that stands there tells all that is to be masked: one
detector, of known values, finds every value wherever it stands, so the matches of its own matcher are what a matcher of
the values found would find. It declines where more may have to be looked at: a text that may be a document, a value in
a name, a placeholder that came back, a value of the conversation that the detector does not know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdback.masking import _source
from holdback.masking.known import KnownValues
from holdback.masking.placeholders import FORM
from holdback.masking.plain import table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdback._native import Values


class Standing:
    """The values that stand in a request."""

    __slots__ = ("_of_keys", "_source", "_values", "found")

    def __init__(self, source: bytes, values: Values, of_keys: list[str], types: list[str]) -> None:
        self._source, self._values, self._of_keys = source, values, of_keys
        self.found = dict(zip(of_keys, types, strict=True))
        """The values with their types, in the order of their first appearance."""

    @property
    def texts(self) -> int:
        """How many texts were looked at."""
        return self._values.texts

    @property
    def masked(self) -> int:
        """How many of them have a value in them."""
        return self._values.changing

    def replaced(self, placeholders: Mapping[str, str]) -> bytes:
        """The request with a placeholder for each value."""
        pieces = self._values.replaced([*map(placeholders.__getitem__, self._of_keys)])
        if len(pieces) == 1 and isinstance(pieces[0], bytes):
            return pieces[0]
        ascii_only = self._source.isascii()
        return b"".join(
            piece if isinstance(piece, bytes) else _source.literal(piece, ascii_only=ascii_only).encode()
            for piece in pieces
        )

    def __repr__(self) -> str:
        return f"Standing(values={len(self.found)})"


def standing(source: bytes, protocol: str, known: KnownValues, fakes: Mapping[str, str]) -> Standing | None:
    """The known values in a request; None if it takes more to mask it, or there is no native twin.

    :param fakes: what the conversation masked before, ``{placeholder: value}``.
    """
    if not known._is_certain or (shapes := table(protocol)) is None:
        return None
    if not (known._values.keys() >= set(fakes.values()) and all(map(FORM.fullmatch, fakes))):
        return None
    values = shapes.values(source, known._matcher)
    if values is None or any(FORM.search(text) for text in values.bracketed):
        return None
    of_keys = values.of_keys(known._by_key)
    return Standing(source, values, of_keys, values.of_keys(known._types_by_key)) if all(of_keys) else None
