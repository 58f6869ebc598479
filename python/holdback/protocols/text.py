"""Text completions: ``text_completion`` chunks, one channel per choice.

Every chunk is forwarded; where all its text is withheld it says ``""``. The tail leaves on the choice's
finish chunk, and a null text stays null if there is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from holdback.chunks import members
from holdback.protocols.chat import Chat
from holdback.protocols.outcome import Draft, Envelope, Outcome, first_choice
from holdback.protocols.shapes import TEXT, Shape

if TYPE_CHECKING:
    from holdback.channels import Channels, Key

ANSWER: Shape = {"choices": [{"text": TEXT}]}


class Text(Envelope):
    """One stream of text completions. The key of a channel is ``(choice, "text")``."""

    __slots__ = ()

    KIND = "text_completion"
    ANSWER = ANSWER

    @staticmethod
    def recognises(event: Mapping[str, Any]) -> bool:
        if event.get("object") in (Text.KIND, Chat.KIND):
            return bool(event["object"] == Text.KIND)
        choice = first_choice(event)
        return "text" in choice and "delta" not in choice

    @staticmethod
    def recognises_answer(answer: Mapping[str, Any]) -> bool:
        return answer.get("object") == Text.KIND or "text" in first_choice(answer)

    def read(self, chunk: Any, channels: Channels) -> Outcome | None:
        node = members(chunk)
        if node is None:
            return None
        self._remember(node)
        choices = node.get("choices")
        again = not node.get("error")
        draft = Draft(channels, [] if again else self.drain(channels))
        for position, item in enumerate(choices if isinstance(choices, (list, tuple)) else ()):
            choice = members(item)
            if choice is None:
                continue
            index, text = choice.get("index"), choice.get("text")
            key = (index if isinstance(index, int) else position, "text")
            path = ("choices", position, "text")
            if text is None or isinstance(text, str):
                draft.text(key, path, text)
            if choice.get("finish_reason"):
                again = False
                if tail := draft.end(key):
                    draft.before.append(self._tail(key, tail))
        return draft.outcome(again=again)

    def drain(self, channels: Channels) -> list[dict[str, Any]]:
        return [self._tail(key, tail) for key, tail in channels.drain()]

    def _tail(self, key: Key, tail: str) -> dict[str, Any]:
        return self._synthetic({"index": key[0], "text": tail, "finish_reason": None})
