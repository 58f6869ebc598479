"""The texts of one answer that comes in pieces, for hosts whose objects are no wire format. Sans-IO, without a host.

A host names its channels as it likes: the text of a message, of its third block, the arguments of a call. Here each is
a content block of the Messages API, which knows text, signed thinking and arguments; so one restorer does the work,
with its config, its policy, and its rules for what is held back.
"""

from __future__ import annotations

import json
from collections.abc import Hashable
from typing import Any, Literal

from holdback.mapping import AnyMapping
from holdback.report import Report
from holdback.restorers.chunks import ChunkRestorer

Kind = Literal["text", "signed", "arguments"]

_DELTAS = {
    "text": ("text_delta", "text"),
    "signed": ("thinking_delta", "thinking"),
    "arguments": ("input_json_delta", "partial_json"),
}
_FIELDS = dict(_DELTAS.values())


class Pieces:
    """Restores the texts of one answer: ``feed`` takes a piece, ``taken`` gives what may leave, by channel.

    >>> pieces = Pieces({"<PERSON_1>": "Ada"})
    >>> pieces.feed("a", "text", "Hi <PERS"), pieces.taken()
    (None, {'a': 'Hi '})
    >>> pieces.feed("a", "text", "ON_1>! <"), pieces.taken()
    (None, {'a': 'Ada! '})
    >>> pieces.end_all(), pieces.taken()
    (None, {'a': '<'})
    """

    __slots__ = ("_channels", "_left", "_open", "_restorer")

    def __init__(self, mapping: AnyMapping | None, config: Any = None) -> None:
        self._restorer = ChunkRestorer(mapping, config, protocol="anthropic")
        self._channels: list[Hashable] = []  # by block
        self._open: dict[Hashable, tuple[int, Kind]] = {}
        self._left: dict[Hashable, str] = {}

    def feed(self, channel: Hashable, kind: Kind, piece: str, name: str = "") -> None:
        """A piece of a channel. One of any channel ends the texts of all others; calls may take turns.

        :param name: of the tool that the arguments are for, if they begin here.
        """
        if piece:
            for other, (_, its) in list(self._open.items()):
                if other != channel and its != "arguments":
                    self.end(other)
        block = self._block(channel, kind, name)
        delta, field = _DELTAS[kind]
        self._send({"type": "content_block_delta", "index": block, "delta": {"type": delta, field: piece}})

    def end(self, channel: Hashable) -> None:
        """The channel has ended; a further piece begins it anew."""
        if channel in self._open:
            block, _ = self._open.pop(channel)
            self._send({"type": "content_block_stop", "index": block})

    def end_all(self) -> None:
        """The answer has ended."""
        for channel in list(self._open):
            self.end(channel)

    def taken(self) -> dict[Hashable, str]:
        """What may leave since it was asked last."""
        left, self._left = self._left, {}
        return left

    @property
    def report(self) -> Report:
        """What happened so far; counts only."""
        return self._restorer.report

    def whole(self, kind: Kind, text: str, name: str = "") -> str:
        """A whole text restored, at once."""
        channel = object()
        self.feed(channel, kind, text, name)
        self.end(channel)
        return self._left.pop(channel, "")

    def value(self, value: Any, name: str = "") -> Any:
        """Arguments that are a value, restored: as they came if nothing in them changed."""
        source = json.dumps(value)
        restored = self.whole("arguments", source, name)
        return value if restored == source else json.loads(restored)

    def _block(self, channel: Hashable, kind: Kind, name: str) -> int:
        if channel in self._open:
            return self._open[channel][0]
        block = len(self._channels)
        self._channels.append(channel)
        self._open[channel] = block, kind
        begun: dict[str, Any] = {"type": "text", "text": ""}
        if kind == "signed":
            begun = {"type": "thinking", "thinking": ""}
        elif kind == "arguments":
            begun = {"type": "tool_use", "id": str(block), "name": name, "input": {}}
        self._send({"type": "content_block_start", "index": block, "content_block": begun})
        return block

    def _send(self, event: dict[str, Any]) -> None:
        for out in self._restorer.feed(event):
            if out["type"] == "content_block_delta":
                delta = out["delta"]
                if text := delta[_FIELDS[delta["type"]]]:
                    channel = self._channels[out["index"]]
                    self._left[channel] = self._left.get(channel, "") + text
