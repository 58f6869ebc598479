"""What the bytes of an input mean, for the targets whose input is keys and a text: `core`, `twins`, `places`.

The byte FF, which no text holds, parts an input into sections: ``head FF key FF original FF ... FF text``. The first
byte of the head is a number of options, then each byte is the distance to the next cut. A head of ``1`` is JSON source
in one piece, ``0!!`` plain text cut after 33 units and again after 33. Units are characters here, bytes in the core,
whose ``case.rs`` reads the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import accumulate, pairwise, zip_longest
from pathlib import Path
from typing import NamedTuple

BORDER = b"\xff"
JSON = 1
VECTORS = Path(__file__).resolve().parent.parent / "tests" / "vectors"


class Case(NamedTuple):
    """Keys, and a text in pieces."""

    pairs: list[tuple[str, str]]
    pieces: list[str]
    json: bool

    @property
    def text(self) -> str:
        return "".join(self.pieces)


def read(data: bytes) -> Case:
    """The case that some bytes are."""
    head, *rest = data.split(BORDER)
    *sections, text = map(decoded, rest or [b""])
    pairs = list(zip_longest(sections[::2], sections[1::2], fillvalue=""))
    ends = [at for at in accumulate(head[1:]) if at < len(text)]
    options = head[0] if head else 0
    pieces = [text[a:b] for a, b in pairwise([0, *ends, len(text)])]
    return Case(pairs, pieces, bool(options & JSON))


def write(case: Case) -> bytes:
    """The bytes that a case is. Pieces of more than 255 characters are cut again, empty ones are left out."""
    gaps = [len(piece) for piece in case.pieces[:-1] if piece]
    cuts = b"".join(b"\xfe" * (gap // 0xFE) + bytes([gap % 0xFE] if gap % 0xFE else []) for gap in gaps)
    options = ord("0") + JSON * case.json
    texts = [*(text for pair in case.pairs for text in pair), case.text]
    return BORDER.join([bytes([options]) + cuts, *(text.encode("utf-8", "surrogatepass") for text in texts)])


def decoded(text: bytes) -> str:
    """A text that may have lone surrogates; what is no such text is read byte by byte, so that no input is lost."""
    try:
        return text.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return text.decode("latin-1")


def from_vectors() -> Iterator[tuple[str, bytes]]:
    """The vectors of the tests as inputs, each with a name."""
    for path in (VECTORS / "json.json", VECTORS / "plain.json"):
        for number, vector in enumerate(json.loads(path.read_text(encoding="ascii"))):
            pairs = [(key, original) for key, original in vector["pairs"]]
            case = Case(pairs, vector["chunks"], vector["json"])
            yield f"{path.stem}-{number}", write(case)
