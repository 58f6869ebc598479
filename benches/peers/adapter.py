"""What an adapter says of one peer: how its vault is filled, how a text is restored, how a chat stream is.

An adapter uses the peer's own class for streams, as the peer's documentation shows it, and adds no work to it. The
vault is filled directly: what finds personal data is not what is compared. Adapters run in the peers' environment
(`worker.py`), so nothing here imports holdback.

- ``vault(pairs)`` makes the peer's mapping. Not timed.
- ``stream(vault)`` starts a text on it and gives what feeds one: pieces in, what came out of each, and last what was
  left. Timed as set-up; feeding is timed by itself.
- ``chats`` has a `Chat` for every form of chat stream that the peer takes. A peer whose class for text has a mode for
  JSON source, and which has no chat handler, offers ``json_stream`` beside ``stream``.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any

Pairs = Mapping[str, str]
Feed = Callable[[Sequence[str]], list[str]]
"""Pieces of one text in; what came out for each, then what came at the end."""

Chunk = dict[str, Any]
"""A chat chunk as a dict, which is how it travels between the runner and a worker."""


class Adapter(ABC):
    """One peer."""

    json_stream: Callable[[Any], Feed] | None = None

    def __init__(self) -> None:
        self.chats: dict[str, Chat] = {}

    @abstractmethod
    def vault(self, pairs: Pairs) -> Any: ...

    def stream(self, vault: Any) -> Feed:
        raise NotImplementedError("it restores chat streams, not texts")

    def tolerant(self, pairs: Pairs, group: str) -> Feed:
        """A text in which placeholders may be rewritten, or stand in words: by default as every other one."""
        del group
        return self.stream(self.vault(pairs))


def pushing(feed: Callable[[str], str], flush: Callable[[], str]) -> Feed:
    """For a class that is fed piece by piece, which is nearly every one."""

    def run(pieces: Sequence[str]) -> list[str]:
        out = list(map(feed, pieces))
        out.append(flush())
        return out

    return run


# ---------------------------------------------------------------- chat streams


class Chat:
    """A handler of chat streams: an asynchronous one from an iterator to an iterator.

    ``take`` makes what the handler reads from dicts, ``read`` makes dicts from what it gave. Neither is timed.
    """

    def __init__(
        self,
        handle: Callable[[Any, AsyncIterator[Any]], AsyncIterator[Any]],
        take: Callable[[Sequence[Chunk]], list[Any]],
        read: Callable[[Sequence[Any]], list[Chunk]],
    ) -> None:
        self.handle = handle
        self.take = take
        self.read = read


async def stepping(
    source: AsyncIterator[Any], step: Callable[[Any], Sequence[Any]], end: Callable[[], Sequence[Any]]
) -> AsyncIterator[Any]:
    """For a handler without a loop of its own: what a proxy would write around it."""
    async for item in source:
        for out in step(item):
            yield out
    for out in end():
        yield out


def as_they_are(chunks: Sequence[Any]) -> list[Any]:
    return list(chunks)


def to_objects(chunks: Sequence[Chunk]) -> list[Any]:
    """The objects of LiteLLM."""
    from litellm.types.utils import ModelResponseStream

    return [ModelResponseStream(**chunk) for chunk in chunks]


def from_objects(chunks: Sequence[Any]) -> list[Chunk]:
    return [_plain(chunk) for chunk in chunks if not isinstance(chunk, bytes)]  # bytes: an error's event


def _plain(value: Any) -> Any:
    """A pydantic object, or the namespaces that some peers make, as a dict."""
    if hasattr(value, "model_dump"):
        return value.model_dump()
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if hasattr(value, "__dict__"):
        return {name: _plain(item) for name, item in vars(value).items()}
    return value


def to_events(chunks: Sequence[Chunk]) -> list[bytes]:
    """Server-sent events, each as one read, with the mark of the end."""
    return [f"data: {json.dumps(chunk)}\n\n".encode() for chunk in chunks] + [b"data: [DONE]\n\n"]


def to_event_text(chunks: Sequence[Chunk]) -> list[str]:
    return [event.decode() for event in to_events(chunks)]


def from_events(events: Sequence[str | bytes]) -> list[Chunk]:
    text = "".join(event if isinstance(event, str) else event.decode() for event in events)
    return list(_loaded(text))


def _loaded(text: str) -> Iterator[Chunk]:
    for line in text.split("\n"):
        if line.startswith("data:") and line[5:].strip() != "[DONE]":
            yield json.loads(line[5:])


# The forms of a chat stream, by the names the tables have. Only what has the same form is compared.
DICTS_TO_SSE = "dicts to SSE text"
OBJECTS_TO_SSE = "LiteLLM objects to SSE text"
DICTS = "dicts to dicts"
OBJECTS = "LiteLLM objects to objects"
EVENTS = "SSE bytes to bytes"
FORMS = (DICTS_TO_SSE, OBJECTS_TO_SSE, DICTS, OBJECTS, EVENTS)
