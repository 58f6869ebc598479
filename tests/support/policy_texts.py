"""The attacks and the harmless texts, a mapping for them, and what the naive reference makes of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from holdback import DeanonymizationConfig, PIIMapping, RestorePolicy
from holdback.engine.places import Places
from naive_places import Restored, restore_blocks

FOLDER = Path(__file__).parent.parent / "places"
KEY, VALUE = "<PERSON_1>", "zorblatt7q"
POLICY = DeanonymizationConfig(policy=RestorePolicy())


def texts(name: str) -> list[str]:
    return [
        case["text"].replace("§", KEY) for case in json.loads((FOLDER / f"{name}.json").read_text("ascii"))
    ]


def mapping() -> PIIMapping:
    pairs = PIIMapping()
    pairs.add(VALUE, KEY, "PERSON")
    return pairs


def expected(text: str) -> Restored:
    return restore_blocks(text, "¦", {KEY: VALUE}, Places())


def said(node: Any) -> Iterator[str]:
    """All texts of a whole answer."""
    for inner in node if isinstance(node, list) else [] if isinstance(node, str) else node.values():
        if isinstance(inner, (dict, list)):
            yield from said(inner)
    if isinstance(node, dict) and "text" in node:
        yield node["text"]
