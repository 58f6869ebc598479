"""Text completions: ``text_completion`` chunks, one channel per choice.

Every chunk is forwarded; where all its text is withheld it says ``""``. The tail leaves on the choice's finish chunk,
and a null text stays null if there is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holdback.engine.answer import Answer, addresses_of
from holdback.engine.marks import Event
from holdback.engine.shapes import CONTENT, Kind, address, event, text
from holdback.engine.steps import Drain, Feed, Finish, Key, Step
from holdback.formats.base import ENVELOPE_SLOTS, Enveloped, first_choice
from holdback.formats.chat import Chat


class Text(Enveloped):
    """One stream of text completions. The key of a channel is ``(choice, "text", None)``."""

    __slots__ = ()

    OBJECT = "text_completion"
    SHAPE = {
        **ENVELOPE_SLOTS,
        "choices": [
            {
                "index": address("choice", positional=True),
                "text": text("said", "choice", content=True),
                "finish_reason": event("finish", "choice"),
            }
        ],
        "error": event("error"),
    }
    ANSWER = {"choices": [{"text": CONTENT}]}

    @staticmethod
    def recognises(event: Mapping[str, Any]) -> bool:
        if event.get("object") in (Text.OBJECT, Chat.OBJECT):
            return bool(event["object"] == Text.OBJECT)
        choice = first_choice(event)
        return "text" in choice and "delta" not in choice

    @staticmethod
    def recognises_answer(answer: Mapping[str, Any]) -> bool:
        return answer.get("object") == Text.OBJECT or "text" in first_choice(answer)

    def steps(self, event: Event, answer: Answer) -> list[Step]:
        steps: list[Step] = []
        finishing: list[Step] = []
        is_error = False
        for mark in event.marks:
            slot = mark[0]
            if slot.kind is Kind.ONCE:
                self._remember(mark, event, answer)
                continue
            addresses = addresses_of(mark, event)
            if slot.kind is Kind.TEXT:
                steps.append(Feed((addresses[0], "text", None), mark, addresses))
            elif slot.name == "finish":
                finishing.append(Finish(addresses[0], mark, addresses))
            else:
                is_error = True
        return [Drain(), *steps, Drain()] if is_error else steps + finishing

    def tail(self, key: Key, tail: str, answer: Answer) -> dict[str, Any]:
        return self._synthetic({"index": key[0], "text": tail, "finish_reason": None})
