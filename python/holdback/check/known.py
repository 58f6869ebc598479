"""What the proxy under test has to be told: where its provider is, and which values it shall mask.

All values are invented. A request says each between marks, so that the provider finds the placeholder in its place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

VALUES: dict[int, str] = {1: 'Zara "Zed" Quillfeather', 2: "zara.quillfeather@example.org"}
"""The values by number: one that JSON must escape, and one that is found in addresses."""

TYPES: dict[int, str] = {1: "PERSON", 2: "EMAIL"}
STATIC: dict[int, str] = {1: "<CHECK_PERSON_1>", 2: "<CHECK_EMAIL_1>"}
"""Placeholders for a proxy that is told them, or that only restores."""

PORT = 18909
"""Where the fake provider listens."""

MODEL = "holdback-check"

_NAMED = re.compile(r"\(check ([a-z-]+)\)")


def asking(case: str, values: Mapping[int, str]) -> str:
    """The text of a request: which case is to be played, and each value between its marks."""
    marked = " ".join(f"({number}) {value} (/{number})" for number, value in values.items())
    return f"(check {case}) {marked} please"


def case_in(texts: list[str]) -> str | None:
    """The case that a request asks for last."""
    found = [name for text in texts for name in _NAMED.findall(text)]
    return found[-1] if found else None


def placeholders_in(texts: list[str]) -> dict[int, str]:
    """What stands between the marks of the last text that has them."""
    found: dict[int, str] = {}
    for text in texts:
        for number in VALUES:
            if between := re.search(rf"\({number}\) (.*?) \(/{number}\)", text, re.DOTALL):
                found[number] = between[1]
    return found


def texts_of(node: Any) -> Iterator[str]:
    """Every string of a JSON value, in order."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for value in node.values():
            yield from texts_of(value)
    elif isinstance(node, list):
        for value in node:
            yield from texts_of(value)


def setup(port: int, model: str) -> str:
    """What to tell a proxy before it can be checked."""
    by_type = json.dumps({TYPES[number]: [value] for number, value in VALUES.items()})
    by_placeholder = json.dumps({STATIC[number]: value for number, value in VALUES.items()})
    return f"""\
Tell the proxy under test, by its own means:

its provider    http://127.0.0.1:{port}
  (base addresses with a version: http://127.0.0.1:{port}/v1; any credential will do)
a model         {model}
the values      {", ".join(VALUES.values())}

For holdback gateway, values.json:
{by_type}

For what is told placeholders as well, such as the guardrail for LiteLLM, known.json:
{by_placeholder}

A proxy that does not mask, and only restores, is told the second, and checked with --restores-only.
"""
