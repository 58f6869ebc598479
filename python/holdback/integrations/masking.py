"""The way out: known values in a request become their placeholders, by the same matcher turned round.

Restoring reads what it knows to be text and leaves the rest; a miss shows a placeholder. Here a miss shows a value to
the provider, so it is the other way about: in the fields of a request that say something, every string is masked,
also in parts of a kind not seen before, except what ``OPAQUE`` names: identifiers, enums and encoded data.

- A string is one text. One that is a JSON document, as tool results are, is masked as such: a value is found in any
  JSON spelling, and what was a document stays one. The same goes for arguments.
- Longest value first, leftmost, in one pass: what was put in is not looked at again. A value is masked wherever it
  stands, inside a word too.
- The caller's nodes are not changed; those on the way to a changed text are copied. Cost: O(characters).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from holdback import _backend
from holdback.engine.objects import Edit, Path, members, with_edits

__all__ = ["mask_request", "reversed_matcher"]

SAYING = (
    "messages",  # chat, Anthropic
    "system",
    "prompt",  # completions; of the Responses API: a template's variables
    "suffix",
    "input",  # Responses, embeddings
    "instructions",
    "prediction",
    "contents",  # Gemini
    "systemInstruction",
    "system_instruction",
)
"""The fields of a request that hold text."""

DEFINING = ("tools", "functions")
"""The fields that define tools: their descriptions are text, the names in them are not."""

OPAQUE = frozenset((
    *("type", "role", "name", "model", "status", "required", "pattern", "format", "detail", "fingerprint"),
    *("id", "call_id", "item_id", "tool_call_id", "tool_use_id", "file_id", "server_label"),
    *("signature", "thoughtSignature", "thought_signature"),
    *("encrypted_content", "encrypted_index", "encrypted_stdout"),
    *("data", "file_data", "media_type", "mimeType", "mime_type"),
))  # fmt: skip
"""Members whose strings are no text."""

ARGUMENTS = ("arguments", "args", "response", "input")
"""Members that are a document as a value; ``arguments`` also as its source."""

Reverse = _backend.TrieMatcher
"""A matcher of ``{original: placeholder}``."""


def reversed_matcher(pairs: Mapping[str, str]) -> Reverse | None:
    """The matcher that masks what ``{placeholder: original}`` restores; None if nothing can be masked.

    Of several placeholders for one original it takes the first. An empty original cannot be found. Text may quote
    JSON without being a document, so an original is known in its escaped spellings as well.

    :raises TypeError: one of the texts is no ``str``.

    >>> masks = reversed_matcher({"<PERSON_1>": "Ada"})
    >>> masks.replace("Write to Ada."), reversed_matcher({})
    ('Write to <PERSON_1>.', None)
    """
    placeholders: dict[str, str] = {}
    for placeholder, original in pairs.items():
        if original:
            placeholders.setdefault(original, placeholder)
    for original, placeholder in list(placeholders.items()):
        for ascii_only in (True, False):
            placeholders.setdefault(json.dumps(original, ensure_ascii=ascii_only)[1:-1], placeholder)
    return _backend.TrieMatcher(placeholders) if placeholders else None


def mask_request(request: dict[str, Any], matcher: Reverse) -> bool:
    """Mask the text of a request, whose fields are set anew where something changed; returns whether it did.

    No field is added, and none but the known ones is read.

    >>> request = {"model": "Ada", "messages": [{"role": "user", "content": "Write to Ada."}]}
    >>> mask_request(request, reversed_matcher({"<PERSON_1>": "Ada"}))
    True
    >>> request
    {'model': 'Ada', 'messages': [{'role': 'user', 'content': 'Write to <PERSON_1>.'}]}
    """
    edits: list[Edit] = []
    for field in (*SAYING, *DEFINING):
        if field in request:
            _read(edits, matcher, field, request[field])
    if not edits:
        return False
    masked = with_edits(request, edits)
    request.update({field: masked[field] for field in {str(path[0]) for path, _ in edits}})
    return True


def _read(edits: list[Edit], matcher: Reverse, field: str, value: Any) -> None:
    """Mask the text in a field, without recursion: a client chooses how deep it goes."""
    ahead: list[tuple[Path, Any]] = [((field,), value)]
    while ahead:
        path, node = ahead.pop()
        if isinstance(node, str):
            if not node.startswith("data:"):  # base64 in a URL
                masked = matcher.replace(node, json=path[-1] == "arguments" or _is_document(node))
                if masked != node:
                    edits.append((path, masked))
        elif isinstance(node, (list, tuple)):
            ahead += (((*path, at), item) for at, item in enumerate(node))
        elif (inner := members(node)) is not None:
            for name, item in inner.items():
                if (
                    field not in DEFINING
                    and name in ARGUMENTS
                    and _read_arguments(edits, matcher, (*path, name), item)
                ):
                    continue
                if not (name in OPAQUE and _is_word(item)) or (
                    name == "data" and inner.get("type") == "text"
                ):
                    ahead.append(((*path, name), item))


def _read_arguments(edits: list[Edit], matcher: Reverse, path: Path, value: Any) -> bool:
    """Mask arguments that are a value, its keys and numbers too; returns whether they are."""
    if members(value) is None:
        return False
    try:
        source = json.dumps(value)
        masked = matcher.replace(source, json=True)
        if masked != source:
            edits.append((path, json.loads(masked)))
    except (TypeError, ValueError, RecursionError):  # no JSON after all: what it holds is read one by one
        return False
    return True


def _is_word(value: Any) -> bool:
    """Whether it is a string or a list of strings: under an opaque name an object may be a schema."""
    return isinstance(value, str) or (
        isinstance(value, list) and all(isinstance(item, str) for item in value)
    )


def _is_document(text: str) -> bool:
    if not text.lstrip().startswith(("{", "[")):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
