"""The map of the tests of the command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

PAIRS = {
    "<PERSON_1>": "Ada Ünlü",
    "<PERSON_10>": "Bo 😀",
    "Zorp": "Lee",
    "Zorp Glax": "Lee & Co",
    "<ß>": "ok",
}
MapFile = Callable[[object], Path]
