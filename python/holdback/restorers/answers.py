"""Whole answers: what a provider returns when it does not stream.

The formats are those of the streams, and so is what counts as text: each names it in one table, ``ANSWER``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from holdback._backend import TrieMatcher, is_native
from holdback.config import content_of
from holdback.engine import json_text
from holdback.engine.bytes_cursor import Change, apply, read
from holdback.engine.framing import BOM
from holdback.engine.guard import Account
from holdback.engine.object_cursor import ObjectEvent
from holdback.engine.objects import as_chunk, members
from holdback.engine.wholes import Json, restore_wholes
from holdback.formats import AUTO, Format, format_named, format_of_answer
from holdback.mapping import AnyMapping
from holdback.report import Report
from holdback.restorers.material import material


def restore_answer(
    answer: Any,
    mapping: AnyMapping | None,
    config: Any = None,
    *,
    protocol: str = AUTO,
    on_report: Callable[[Report], object] | None = None,
) -> Any:
    """Restore a whole answer: a dict, an object of a provider's SDK, or the bytes of the JSON.

    Returns one of the same kind: a new one that shares its unchanged parts, or ``answer`` itself if nothing
    changed. Of bytes only the literals of restored fields differ; bytes that are no JSON object pass as they
    are, and so does an answer of no known format. It equals what the stream of the same answer would say.

    :param mapping: any kind of mapping; None or an empty one changes nothing.
    :param config: None means on.
    :param protocol: the wire format, or ``"auto"``: the answer's own shape decides.
    :param on_report: is given the report of the answer.
    :raises HoldbackError: the protocol is not known; the message lists those that are.
    :raises MappingError: a placeholder is empty, or has two originals.
    :raises TypeError: ``answer`` is no answer at all, ``mapping`` not a mapping or ``config`` not a config.

    >>> answer = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi <PERSON_1>!"}}]}
    >>> restore_answer(answer, {"<PERSON_1>": "Ada"})
    {'choices': [{'index': 0, 'message': {'role': 'assistant', 'content': 'Hi Ada!'}}]}
    """
    kind = None if protocol == AUTO else format_named(protocol)
    matcher, account = material(mapping, config)
    restored = _restored(answer, matcher, account, kind, config)
    if on_report is not None:
        on_report(account.report())
    return restored


def _restored(
    answer: Any, matcher: TrieMatcher | None, account: Account, kind: type[Format] | None, config: Any
) -> Any:
    if isinstance(answer, (bytes, bytearray, memoryview)):
        return _in_bytes(answer, matcher, account, kind, config)
    node = as_chunk(answer)
    if node is None:
        raise TypeError(f"an answer is a dict, an object of an SDK or bytes, not {type(answer).__name__}")
    if matcher is None or (kind := kind or format_of_answer(members(node) or {})) is None:
        return answer
    event = ObjectEvent(node, kind.answer_shapes(account.unread))
    restore_wholes(event, matcher, content_of(config), account, is_one=kind.IS_ONE)
    written = event.written()
    return answer if written is node else written


def _in_bytes(
    answer: Any, matcher: TrieMatcher | None, account: Account, kind: type[Format] | None, config: Any
) -> Any:
    """The same for the bytes of an answer."""
    source = bytes(answer)
    text = source.removeprefix(BOM)
    node = json_text.loads(text)
    if matcher is None or node is None or (kind := kind or format_of_answer(node)) is None:
        return answer
    changes = changes_in(text, kind, matcher, account, content=content_of(config))
    if not changes:
        return answer
    return type(answer)(source[: len(source) - len(text)] + apply(text, changes))


def changes_in(
    source: bytes, kind: type[Format], matcher: TrieMatcher, account: Account, *, content: Json
) -> list[Change]:
    """What changes in the JSON of a whole answer."""
    event = read(kind.answer_shapes(account.unread), source, natively=is_native(matcher))
    if event is None:
        return []
    restore_wholes(event, matcher, content, account, is_one=kind.IS_ONE)
    return event.changes()
