"""Whether a content is a JSON document, for the judge: told from its beginning, and by nothing else.

Behind blanks and at most one code-fence line, ``{`` with ``"`` or ``}`` begins one, or ``[`` with ``{``, ``[`` or
``"``, blanks between allowed; but not where the bracket is part of a placeholder that matched. Keys that have such a
beginning in them (``["``, a line end) have vectors of their own and are not judged here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import oracle
from json_oracle import SETTLED

MARK = re.escape(SETTLED)
BLANKS = rf"[ \t\r\n\ufeff{MARK}]*"
FENCE = rf"{BLANKS}(?:`{MARK}*){{3,}}(?!`)[^`\r\n]*[\r\n]"
BETWEEN = rf"[ \t\r\n{MARK}]*"
BEGINS = re.compile(rf"(?:{FENCE})?{BLANKS}(?:(?P<curly>\{{){BETWEEN}[\"}}]|(?P<square>\[){BETWEEN}[\"{{\[])")
FENCE_LINE = re.compile(FENCE)


def is_document(text: str, pairs: Mapping[str, str]) -> bool:
    """Whether a text that begins like this is a document."""
    begun = BEGINS.match(text)
    if begun is None:
        return False
    bracket = begun.start("curly") if begun["curly"] else begun.start("square")
    line = FENCE_LINE.match(text)
    before = text[line.end() if line else 0 : bracket]
    return not any(_covers(pairs, before, text[bracket:], at) for at in range(len(before) + 1))


def _covers(pairs: Mapping[str, str], before: str, behind: str, at: int) -> bool:
    """Whether a placeholder stands there that has the bracket in it."""
    keys = map(oracle.join_halves, pairs)
    return any(len(key) > len(before) - at and (before[at:] + behind).startswith(key) for key in keys)


def parts(text: str) -> list[str]:
    """Text in the parts that no match reaches over: behind a code-fence line it begins anew."""
    line = FENCE_LINE.match(text)
    if line is None:
        return [text]
    return [text[: line.end()], text[line.end() :]]


__all__ = ["is_document", "parts"]
