"""Into Open WebUI: the base of a filter that masks what models are sent and restores what they answer::

    class Filter(RestoreFilter):
        def __init__(self):
            super().__init__(masker)

Open WebUI calls one filter for all requests, so what it knows of an answer is kept by message, in at most ``most``
entries; of one that was dropped the placeholders stay. Its hooks, and what each does here:

- ``request``, before each call of a model, follow-ups of tools included: masks. One that cannot be masked is an error,
  and Open WebUI sends nothing.
- ``stream``, for each event, of chat or of the Responses API: restores. One event comes out, or none while all its text
  is held back; what is held back leaves in the event that finishes the choice.
- ``outlet``, with the stored messages: restores an answer that did not stream, and adds what a stream without a finish
  left behind.

It needs no host: Open WebUI looks for the hooks by their names, and gives them the arguments that they name.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

from pydantic import BaseModel

from holdback.config import is_enabled
from holdback.errors import MaskingError
from holdback.integrations.pieces import Pieces
from holdback.mapping import PIIMapping
from holdback.masking import Masker, RoundTrip
from holdback.report import OnReport, Report, hand_over
from holdback.restorers.chunks import ChunkRestorer
from holdback.stores.base import Store

__all__ = ["RestoreFilter", "conversation_of"]

INTERNAL = frozenset((
    *("model", "stream", "metadata", "files", "features", "variables", "params", "background_tasks"),
    *("id", "chat_id", "session_id", "parent_id", "parent_message", "filter_ids", "skill_ids", "tool_ids"),
    *("tool_servers", "model_item", "terminal_id"),
))  # fmt: skip
"""Members of a request that Open WebUI takes out before it sends it, or that name something of its own."""


def conversation_of(metadata: dict[str, Any], user: dict[str, Any]) -> str:
    """The conversation of a request: its chat, or, of one that names none, all of its user.

    :raises MaskingError: it names neither.

    >>> conversation_of({"chat_id": "7f0c"}, {}), conversation_of({}, {"id": "u1"})
    ('chat 7f0c', 'user u1')
    """
    for kind, name in (("chat", metadata.get("chat_id")), ("user", user.get("id"))):
        if isinstance(name, str) and name:
            return f"{kind} {name}"
    raise MaskingError("the request names neither a chat nor a user: there is no conversation to mask it for")


class _Answer:
    """What is known of the answer to a request."""

    __slots__ = ("lost", "restorer", "streams", "whole")

    def __init__(self, mapping: PIIMapping, config: Any) -> None:
        self.restorer = ChunkRestorer(mapping, config, protocol="auto")
        self.whole = Pieces(mapping, config)  # if it does not stream
        self.streams = False
        self.lost = ""  # text that no event could carry

    @property
    def report(self) -> Report:
        return self.restorer.report + self.whole.report


class RestoreFilter:
    """A filter of Open WebUI that does the round trip. An administrator's filter derives from it.

    :param masker: what masks.
    :param config: None means on.
    :param scope: a callable ``(metadata, user) -> conversation``.
    :param store: what keeps the mappings of conversations.
    :param ttl: after how many seconds without a turn a conversation is forgotten; None takes the store's own.
    :param on_report: is given a ``Report`` at the end of each answer, which is when Open WebUI stores it.
    :param most: of how many answers it knows the mapping at once; of the oldest it is dropped.
    :raises MaskingError: the config restores signed text, or the store cannot keep the masker's placeholders.
    :raises TypeError: an argument is of a wrong type.

    >>> import asyncio
    >>> from holdback.masking import KnownValues, Masker, Placeholders
    >>> filter = RestoreFilter(Masker(KnownValues({"Ada": "PERSON"}), Placeholders(bytes(range(32)))))
    >>> of = {"__metadata__": {"chat_id": "7f0c", "message_id": "m1"}}
    >>> body = {"model": "m", "messages": [{"role": "user", "content": "I am Ada."}]}
    >>> asyncio.run(filter.request(body, **of))["messages"]
    [{'role': 'user', 'content': 'I am <PERSON_f3jpbai3rr>.'}]
    >>> event = {"choices": [{"index": 0, "delta": {"content": "Hi <PERSON_f3jpbai3rr>!"}}]}
    >>> filter.stream(event, **of)["choices"][0]["delta"]
    {'content': 'Hi Ada!'}
    """

    class Valves(BaseModel):
        """What an administrator may set: filters are called by priority, so that this one masks what others add."""

        priority: int = 1000

    def __init__(
        self,
        masker: Masker,
        config: Any = None,
        *,
        scope: Callable[[dict[str, Any], dict[str, Any]], str] = conversation_of,
        store: Store | None = None,
        ttl: float | None = None,
        on_report: OnReport | None = None,
        most: int = 10_000,
    ) -> None:
        self._trip = RoundTrip(masker, store, ttl=ttl)
        masker.check_config(config)
        if not callable(scope):
            raise TypeError(f"scope must be a callable, not {type(scope).__name__}")
        if type(most) is not int or most < 1:
            raise TypeError("most must be an int of at least 1")
        if config is not None:
            is_enabled(config)
        self._config = config
        self._on_report = on_report
        self._scope = scope
        self._most = most
        self._answers: OrderedDict[Hashable, _Answer] = OrderedDict()
        self.valves = self.Valves()

    async def request(
        self,
        body: dict[str, Any],
        __metadata__: dict[str, Any] | None = None,
        __user__: dict[str, Any] | None = None,
        __request__: Any = None,
    ) -> dict[str, Any]:
        """The request with its text masked.

        :raises MaskingError: it cannot be masked, or belongs to no conversation.
        :raises StoreError: what the conversation masked before cannot be loaded.
        """
        metadata = __metadata__ or {}
        said = {name: value for name, value in body.items() if name not in INTERNAL}
        masked = await self._trip.mask(said, self._scope(metadata, __user__ or {}))
        self._keep(metadata, __request__, _Answer(masked.mapping, self._config))
        return {**body, **masked.request}

    def stream(self, event: Any, __metadata__: dict[str, Any] | None = None, __request__: Any = None) -> Any:
        """The event with its text restored; None if all of it is held back."""
        answer = self._known(__metadata__ or {}, __request__)
        if answer is None:
            return event
        answer.streams = True
        *before, last = answer.restorer.feed(event) or [None]
        if not before:
            return last
        if "choices" in last and not last.get("error"):
            return _joined(before, last)
        if "choices" in before[0]:  # an error: Open WebUI shows nothing else of such an event
            answer.lost += "".join(_content_of(tail) for tail in before)
        return last  # of the Responses API, and it repeats the whole text

    def outlet(
        self, body: dict[str, Any], __metadata__: dict[str, Any] | None = None, __request__: Any = None
    ) -> dict[str, Any]:
        """The stored messages, with what the events did not bring."""
        metadata = {"message_id": body.get("id"), **(__metadata__ or {})}
        answer = self._known(metadata, __request__)
        self._keep(metadata, __request__, None)
        if answer is None:
            return body
        try:
            return self._stored(body, answer)
        finally:
            hand_over(self._on_report, answer)

    def _stored(self, body: dict[str, Any], answer: _Answer) -> dict[str, Any]:
        messages = body.get("messages")
        if not isinstance(messages, list) or not messages:
            return body
        *earlier, message = messages
        if not isinstance(message, dict) or not isinstance(message.get("content"), str):
            return body
        if answer.streams:
            tails = [answer.lost, *(_content_of(tail) for tail in answer.restorer.flush())]
            content = message["content"] + "".join(tails)
        else:
            content = answer.whole.whole("text", message["content"])
        return {**body, "messages": [*earlier, {**message, "content": content}]}

    # An answer is known by its message. Of a client that names none it hangs on the HTTP request, and ends with it.

    def _known(self, metadata: dict[str, Any], request: Any) -> _Answer | None:
        if metadata.get("message_id"):
            return self._answers.get(_key(metadata))
        owner, answer = getattr(getattr(request, "state", None), "holdback_answer", (None, None))
        return answer if owner is self else None

    def _keep(self, metadata: dict[str, Any], request: Any, answer: _Answer | None) -> None:
        if metadata.get("message_id"):
            self._answers.pop(_key(metadata), None)
            if answer is not None:
                self._answers[_key(metadata)] = answer
            while len(self._answers) > self._most:
                self._answers.popitem(last=False)
        elif request is not None:
            request.state.holdback_answer = self, answer

    def __repr__(self) -> str:
        return f"{type(self).__name__}(answers={len(self._answers)})"


def _key(metadata: dict[str, Any]) -> Hashable:
    return metadata.get("chat_id"), metadata["message_id"]


def _content_of(tail: Any) -> str:
    """What a chat event says as content."""
    choices = tail.get("choices") or []
    found = [choice.get("delta", {}).get("content") for choice in choices]
    return "".join(text for text in found if isinstance(text, str))


def _joined(before: list[Any], last: dict[str, Any]) -> dict[str, Any]:
    """One chat event that says what all of them say, in their order."""
    choices = {choice.get("index", 0): dict(choice) for choice in last["choices"]}
    for tail in reversed(before):
        for said in tail["choices"]:
            choice = choices.setdefault(said.get("index", 0), {**said, "delta": {}})
            delta = dict(choice.get("delta") or {})
            for name, value in said["delta"].items():
                goes_on = isinstance(value, (str, list)) and isinstance(delta.get(name), type(value))
                delta[name] = value + delta[name] if goes_on and name != "role" else value
            choice["delta"] = delta
    return {**last, "choices": list(choices.values())}
