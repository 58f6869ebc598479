"""The way out: values in a request become placeholders before it is sent, the way back restores them.

What this does is pseudonymisation: whoever has the mapping, or the key and a guess, can undo it. holdback detects
nothing by itself: a detector is a list of known values, expressions of the operator, or an adapter. Sans-IO.

>>> from holdback import TrieMatcher
>>> from holdback.masking import KnownValues, Masker, Placeholders
>>> masker = Masker(KnownValues({"Ada Lovelace": "PERSON"}), Placeholders(bytes(range(32))))
>>> request = {"messages": [{"role": "user", "content": "Write to Ada Lovelace."}]}
>>> masked = masker.mask(request, scope="a conversation")
>>> masked.request["messages"][0]["content"]
'Write to <PERSON_boxnqlvzug>.'
>>> masked.mapping.matcher().replace("Dear <PERSON_boxnqlvzug>,")
'Dear Ada Lovelace,'
"""

from holdback.errors import MaskingError
from holdback.masking.known import KnownValues
from holdback.masking.masker import Masked, Masker, MaskingReport
from holdback.masking.patterns import Pattern, Patterns
from holdback.masking.placeholders import Placeholders
from holdback.masking.round_trip import RoundTrip
from holdback.masking.spans import Detector, Detectors, Span

__all__ = [
    "Detector",
    "Detectors",
    "KnownValues",
    "Masked",
    "Masker",
    "MaskingError",
    "MaskingReport",
    "Pattern",
    "Patterns",
    "Placeholders",
    "RoundTrip",
    "Span",
]
