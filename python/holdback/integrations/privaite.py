"""holdback inside PrivAiTe: one call, and its streams are restored by us, with its own mappings and its own config.

    from holdback.integrations.privaite import install
    install()

or, as a server (the configuration is named by PRIVAITE_CONFIG_PATH, as ever):

    uvicorn --factory holdback.integrations.privaite:create_app

What is swapped, wherever it was imported: StreamingDeAnonymizer, StreamingHandler, the helpers that write events
(format_sse_event, format_sse_done, create_chunk_dict, create_delta_chunk) and json_escaped_mapping. uninstall() puts
everything back; a stream that is running stays with what it began with.

What its callers rely on stays: the names of the arguments, switching off by config, the shape and the order of events,
PIIProcessingError as the one error of a stream, which says nothing about the text. What changes: a placeholder that
begins another one, a list of text parts, an escaped placeholder in tool arguments and text after a finish come out
right; what is held back leaves before an error; the provider's stream is closed when the client leaves. Events are
compact JSON in UTF-8, and one whose whole text is held back is not sent, whichever field the text is in.

Made for PrivAiTe 0.7.3. install() refuses a version that calls these differently.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import AsyncGenerator, Callable
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from holdback import handler, sse
from holdback._backend import TrieMatcher
from holdback.errors import HoldbackError
from holdback.mapping import Prepared
from holdback.report import OnReport
from holdback.restorers import text
from holdback.restorers.material import material

__all__ = ["create_app", "install", "uninstall"]

_SOURCE = "_holdback_source"
"""Where an escaped mapping keeps the one it was made of."""


def install(*, on_report: OnReport | None = None) -> None:
    """Swap PrivAiTe's streaming parts for ours. A second call swaps what was imported in between.

    :param on_report: is given a ``Report`` at the end of each stream, from now on.
    :raises ImportError: PrivAiTe is not there.
    :raises HoldbackError: it is one that this does not fit; nothing was swapped.

    >>> from privaite.streaming import handler
    >>> install()
    >>> handler.StreamingHandler.__module__
    'holdback.integrations.privaite'
    """
    if not _originals:
        found = {name: getattr(import_module(module), name, None) for module, name, _ in _SWAPPED}
        for _, name, ours in _SWAPPED:
            _check(name, found[name], ours)
        _originals.update(found)
    _reports["to"] = on_report
    _replace([(_originals[name], ours) for _, name, ours in _SWAPPED])


def uninstall() -> None:
    """Put PrivAiTe's own parts back. Without ``install`` it does nothing.

    >>> from privaite.streaming import handler
    >>> uninstall()
    >>> handler.StreamingHandler.__module__
    'privaite.streaming.handler'
    """
    if _originals:
        _replace([(ours, _originals[name]) for _, name, ours in _SWAPPED])
        _originals.clear()


def create_app() -> Any:
    """PrivAiTe's application with our parts: a factory for a server, in as many processes as it likes.

    Its configuration is the file that ``PRIVAITE_CONFIG_PATH`` names; what is wrong with that is PrivAiTe's to say.
    Raises what ``install`` raises.
    """
    install()
    return import_module("privaite.app").create_app()


# ---------------------------------------------------------------- what takes the place of what


class StreamingDeAnonymizer(text.StreamingDeAnonymizer):
    """One text stream. Over a mapping of ``json_escaped_mapping`` it is a stream of JSON source."""

    __slots__ = ()

    def __init__(self, mapping: Any) -> None:
        self.mapping = mapping
        source = getattr(mapping, _SOURCE, None)
        matcher, self._account = material(_matcher(mapping if source is None else source), None)
        self._stream = None if matcher is None else matcher.stream(json=source is not None)


class StreamingHandler:
    """The streams of its endpoints."""

    @staticmethod
    def stream_response(
        litellm_stream: Any, mapping: Any, deanonymizer_config: Any
    ) -> AsyncGenerator[str, None]:
        """Restore a stream of chat chunks."""
        restore = handler.StreamingHandler.stream_response
        return _events(restore, litellm_stream, mapping, deanonymizer_config)

    @staticmethod
    def stream_text_response(
        litellm_stream: Any, mapping: Any, deanonymizer_config: Any
    ) -> AsyncGenerator[str, None]:
        """Restore a stream of text completions."""
        restore = handler.StreamingHandler.stream_text_response
        return _events(restore, litellm_stream, mapping, deanonymizer_config)


def json_escaped_mapping(mapping: Any) -> Any:
    """The escaped mapping for who reads it, and the original one for ``StreamingDeAnonymizer``."""
    escaped = _originals["json_escaped_mapping"](mapping)
    setattr(escaped, _SOURCE, mapping)
    return escaped


# Functions of our own, so that putting theirs back finds these and leaves those of holdback alone.
def format_sse_event(data: str) -> str:
    """One event."""
    return sse.format_sse_event(data)


def format_sse_done() -> str:
    """The last event."""
    return sse.format_sse_done()


def create_chunk_dict(
    content: str, model: str = "", finish_reason: str | None = None, index: int = 0
) -> dict[str, Any]:
    """A chunk that says something."""
    return sse.create_chunk_dict(content, model, finish_reason, index)


def create_delta_chunk(
    delta: dict[str, Any], model: str = "", finish_reason: str | None = None, index: int = 0
) -> dict[str, Any]:
    """A chunk with this delta."""
    return sse.create_delta_chunk(delta, model, finish_reason, index)


_SWAPPED: tuple[tuple[str, str, Any], ...] = (
    ("privaite.streaming.buffer", "StreamingDeAnonymizer", StreamingDeAnonymizer),
    ("privaite.streaming.buffer", "json_escaped_mapping", json_escaped_mapping),
    ("privaite.streaming.handler", "StreamingHandler", StreamingHandler),
    ("privaite.streaming.sse", "format_sse_event", format_sse_event),
    ("privaite.streaming.sse", "format_sse_done", format_sse_done),
    ("privaite.streaming.sse", "create_chunk_dict", create_chunk_dict),
    ("privaite.streaming.sse", "create_delta_chunk", create_delta_chunk),
)
"""Where it comes from, its name, and ours."""

_originals: dict[str, Any] = {}
"""Theirs by name, while ours are in their place."""

_reports: dict[str, OnReport | None] = {"to": None}
"""What ``install`` was given."""


async def _events(
    restore: Callable[..., AsyncGenerator[str, None]], stream: Any, mapping: Any, config: Any
) -> AsyncGenerator[str, None]:
    """The events of a stream; whatever goes wrong is a ``PIIProcessingError`` with nothing behind it."""
    events: AsyncGenerator[str, None] | None = None
    failed = False
    try:
        matcher = _matcher(mapping)
        known = None if matcher is None else Prepared(mapping, matcher)
        events = restore(stream, known, config, on_report=_reports["to"])
        async for event in events:
            yield event
    except Exception:  # noqa: BLE001 - that is the promise
        failed = True
    finally:
        if events is not None:
            await events.aclose()
    if failed:  # not in the handler above: an error seen from there would hang on this one
        raise import_module("privaite.pii.engine").PIIProcessingError


def _matcher(mapping: Any) -> TrieMatcher | None:
    """Their mapping, compiled. To them an empty placeholder stands for nothing."""
    if mapping is None:
        return None
    pairs = {fake: original for fake, original in mapping.get_all_fakes().items() if fake}
    return TrieMatcher(pairs) if pairs else None


# ---------------------------------------------------------------- swapping


def _check(name: str, theirs: Any, ours: Any) -> None:
    """A ``HoldbackError`` unless both take the same arguments; of the handler it is the methods that are called."""
    pairs: list[tuple[Any, Any]] = [(theirs, ours)]
    if ours is StreamingHandler:
        methods = ("stream_response", "stream_text_response")
        pairs = [(getattr(theirs, method, None), getattr(ours, method)) for method in methods]
    if not all(callable(one) and _parameters(one) == _parameters(other) for one, other in pairs):
        raise HoldbackError(f"PrivAiTe {_version()} has no {name} of the kind that 0.7.3 has")


def _parameters(function: Callable[..., Any]) -> list[str]:
    return list(inspect.signature(function).parameters)


def _replace(pairs: list[tuple[Any, Any]]) -> None:
    """Put the second of each pair wherever a module holds the first."""
    swapped = {id(old): new for old, new in pairs}  # what is looked for is alive in `pairs`
    for module in list(sys.modules.values()):
        members = getattr(module, "__dict__", None)  # some put other things than modules there
        if members is None or members is globals():
            continue
        for name, value in list(members.items()):
            if id(value) in swapped:
                setattr(module, name, swapped[id(value)])


def _version() -> str:
    try:
        return version("privaite")
    except PackageNotFoundError:
        return "(not installed)"


if __name__ == "__main__":
    sys.stdout.write(f"{__doc__}\nHere: PrivAiTe {_version()}.\n")
