"""Whole answers: what a provider returns when it does not stream.

The formats are those of the streams, and so is what counts as text: each names it in one table, ``ANSWER``.
"""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from holdback.channels import Channels
from holdback.chunks import as_chunk, members, with_edits
from holdback.config import restores_reasoning
from holdback.frames import BOM
from holdback.mapping import AnyMapping, matcher_for
from holdback.protocols import AUTO, protocol_named, protocol_of_answer
from holdback.protocols.outcome import Draft
from holdback.protocols.shapes import read_whole
from holdback.splice import splice


def restore_answer(
    answer: Any, mapping: AnyMapping | None, config: Any = None, *, protocol: str = AUTO
) -> Any:
    """Restore a whole answer: a dict, an object of a provider's SDK, or the bytes of the JSON.

    Returns one of the same kind: a new one that shares its unchanged parts, or ``answer`` itself if nothing
    changed. Of bytes only the literals of restored fields differ; bytes that are no JSON object pass as they
    are, and so does an answer of no known format. It equals what the stream of the same answer would say.

    :param mapping: any kind of mapping; None or an empty one changes nothing.
    :param config: None means on.
    :param protocol: the wire format, or ``"auto"``: the answer's own shape decides.
    :raises HoldbackError: the protocol is not known; the message lists those that are.
    :raises MappingError: a placeholder is empty, or has two originals.
    :raises TypeError: ``answer`` is no answer at all, ``mapping`` not a mapping or ``config`` not a config.

    >>> answer = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi <PERSON_1>!"}}]}
    >>> restore_answer(answer, {"<PERSON_1>": "Ada"})
    {'choices': [{'index': 0, 'message': {'role': 'assistant', 'content': 'Hi Ada!'}}]}
    """
    kind = None if protocol == AUTO else protocol_named(protocol)
    matcher = matcher_for(mapping, config)
    source = bytes(answer) if isinstance(answer, (bytes, bytearray, memoryview)) else None
    node = as_chunk(answer) if source is None else _loaded(source)
    if node is None and source is None:
        raise TypeError(f"an answer is a dict, an object of an SDK or bytes, not {type(answer).__name__}")
    if matcher is None or node is None:
        return answer
    kind = kind or protocol_of_answer(members(node) or {})
    if kind is None:
        return answer
    channels = Channels(matcher)
    draft = Draft(channels, [])
    read_whole(draft, (), node, kind.ANSWER, reasoning=restores_reasoning(config))
    outcome = draft.outcome()
    if outcome is None:
        return answer
    if source is None:
        return with_edits(node, outcome.edits)
    json_source = source.removeprefix(BOM)
    spliced = splice(json_source, outcome.edits, partial(channels.replace, json=True))
    return type(answer)(source[: len(source) - len(json_source)] + spliced)


def _loaded(source: bytes) -> dict[str, Any] | None:
    """The JSON object in some bytes; None if there is none."""
    try:
        node = json.loads(source.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    return node if isinstance(node, dict) else None
