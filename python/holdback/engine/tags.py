"""Tags: in which states a tag of HTML may be, as a set.

Which `<` begins a tag depends on who renders: in `<a b="x"c="> <img alt="> d"` HTML sees one tag, Markdown two. So
every `<` begins one, and a place is inside a tag while any of them is open. The states of all that may be open are
bits of one number, which are stepped together by a table after the tokenizer of the HTML standard. Two that are in one
state go on as one, so there are never more than there are bits.

A blank line ends a tag for Markdown and not for HTML. A tag outside quotes becomes `LAPSED` by it: that is no address
itself, but what follows an equals sign in it is, and its end is the next `>`. One in double quotes becomes `CROSSED`:
where the quotes end is not known any more, since Markdown escapes those of a paragraph.
"""

from __future__ import annotations

from functools import cache
from typing import Final

# The states of a tag, after the tokenizer of the HTML standard.
NAME_OF_TAG: Final = 1
BOGUS: Final = 2  # `<!` and `<?`: until the next `>`, quoted or not
BEFORE_NAME: Final = 4
NAME: Final = 8
AFTER_NAME: Final = 16
BEFORE_VALUE: Final = 32
DOUBLE: Final = 64  # a value in double quotes
SINGLE: Final = 128
UNQUOTED: Final = 256
LAPSED: Final = 512  # outside quotes, behind a blank line
CROSSED: Final = 1024  # in double quotes, behind a blank line

QUOTED: Final = DOUBLE | SINGLE | CROSSED
IN_VALUE: Final = QUOTED | UNQUOTED
OUTSIDE: Final = NAME_OF_TAG | BEFORE_NAME | NAME | AFTER_NAME
ENDED: Final = 0

# By state: behind a blank, `/`, `>`, `=`, `"`, `'`, anything else.
_TABLE: Final = {
    NAME_OF_TAG: (BEFORE_NAME, BEFORE_NAME, ENDED, NAME_OF_TAG, NAME_OF_TAG, NAME_OF_TAG, NAME_OF_TAG),
    BOGUS: (BOGUS, BOGUS, ENDED, BOGUS, BOGUS, BOGUS, BOGUS),
    BEFORE_NAME: (BEFORE_NAME, BEFORE_NAME, ENDED, NAME, NAME, NAME, NAME),
    NAME: (AFTER_NAME, BEFORE_NAME, ENDED, BEFORE_VALUE, NAME, NAME, NAME),
    AFTER_NAME: (AFTER_NAME, BEFORE_NAME, ENDED, BEFORE_VALUE, NAME, NAME, NAME),
    BEFORE_VALUE: (BEFORE_VALUE, UNQUOTED, ENDED, UNQUOTED, DOUBLE, SINGLE, UNQUOTED),
    DOUBLE: (DOUBLE, DOUBLE, DOUBLE, DOUBLE, BEFORE_NAME, DOUBLE, DOUBLE),
    SINGLE: (SINGLE, SINGLE, SINGLE, SINGLE, SINGLE, BEFORE_NAME, SINGLE),
    UNQUOTED: (BEFORE_NAME, UNQUOTED, ENDED, UNQUOTED, UNQUOTED, UNQUOTED, UNQUOTED),
    # Where its names end is not followed, so any equals sign may begin a value.
    LAPSED: (LAPSED, LAPSED, ENDED, LAPSED | BEFORE_VALUE, LAPSED, LAPSED, LAPSED),
    # Markdown writes another `"` for the one that stands there, so it need not be the end.
    CROSSED: (CROSSED, CROSSED, CROSSED, CROSSED, CROSSED | BEFORE_NAME, CROSSED, CROSSED),
}
OTHER: Final = 6
CLASSES: Final = {" ": 0, "\t": 0, "\n": 0, "\f": 0, "\r": 0, "/": 1, ">": 2, "=": 3, '"': 4, "'": 5}


def end_paragraph(tags: int) -> int:
    """The states behind a blank line."""
    lapsed = LAPSED if tags & OUTSIDE else ENDED
    crossed = CROSSED if tags & DOUBLE else ENDED
    return tags & ~(OUTSIDE | BOGUS | DOUBLE) | lapsed | crossed


@cache
def after(tags: int, kind: int) -> int:
    """The states behind one more character of that class."""
    behind = ENDED
    for state, row in _TABLE.items():
        if tags & state:
            behind |= row[kind]
    return behind
