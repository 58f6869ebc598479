"""Into LiteLLM's proxy: a guardrail that restores answers as they stream, and masks what it is told to.

Where a request's mapping comes from, and in case of doubt goes by:

1. what the host attached to it with ``attach_mapping``;
2. what its ``detector`` found, and its store knows of the conversation;
3. the ``pii_tokens`` of LiteLLM's own Presidio guardrail. They are taken out of the request's metadata, where every
   logging callback sees them, so that the restoring of that guardrail, which holds the whole answer back, rests;
4. the operator's ``known_values``, which are masked in requests as well.

Invariants:

- a mapping is kept by the request's logging object, weakly: it goes with the request, and two requests share
  nothing. The client chooses the call's id, so that is no key; and a field of the request would be sent on;
- the request gets no new field, ours logs nothing, and what LiteLLM put together is copied, not changed;
- an answer may come as objects, as the transport's bytes, or both: each goes through a restorer of its own.

LiteLLM finds the hook of a stream only in the very class of a guardrail: a subclass gets it put there.
"""

# ruff: noqa: ARG002 - hooks have the parameters that LiteLLM gives them

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple, NoReturn, TypeVar
from weakref import WeakKeyDictionary

from litellm.integrations.custom_guardrail import CustomGuardrail
from litellm.types.guardrails import GuardrailEventHooks

from holdback import _backend
from holdback.aio import restored
from holdback.bodies import BodyOptions, BodyRestorer
from holdback.config import DeanonymizationConfig, checked_content, with_content
from holdback.engine.objects import as_chunk
from holdback.errors import HoldbackError, MappingError
from holdback.formats import AUTO
from holdback.integrations.litellm_masking import policy_in, way_out
from holdback.integrations.masking import mask_request, reversed_matcher
from holdback.integrations.requests import content_of
from holdback.mapping import AnyMapping, PIIMapping, Prepared, prepared_for
from holdback.masking import Masker
from holdback.pairs import pairs_in
from holdback.policy import RestorePolicy
from holdback.report import OnReport, Report, hand_over
from holdback.restorers.answers import restore_answer
from holdback.restorers.chunks import ChunkRestorer
from holdback.stores.base import Store

__all__ = ["HoldbackGuardrail", "attach_mapping"]

Request = dict[str, Any]
"""What LiteLLM calls ``data`` or ``request_data``."""

_REQUEST = "litellm_logging_obj"
_METADATA = ("metadata", "litellm_metadata")
_TOKENS = "pii_tokens"
_HOOKS = ("async_pre_call_hook", "async_post_call_success_hook", "async_post_call_streaming_iterator_hook")

_PROTOCOLS = {
    "completion": "openai-chat",
    "text_completion": "openai-text",
    "responses": "openai-responses",
    "anthropic_messages": "anthropic",
    "generate_content": "gemini",
    "generate_content_stream": "gemini",
}
"""The wire format of an answer by LiteLLM's type of the client's call, without its ``a`` for asynchronous."""

Kept = TypeVar("Kept")

_attached: WeakKeyDictionary[Any, AnyMapping] = WeakKeyDictionary()
_tokens: WeakKeyDictionary[Any, dict[str, str]] = WeakKeyDictionary()
_protocols: WeakKeyDictionary[Any, str] = WeakKeyDictionary()


def attach_mapping(data: Request, mapping: AnyMapping) -> None:
    """Let the answer to the request ``data`` be restored by ``mapping``.

    For a hook of your own that masks requests: call it in ``async_pre_call_hook``, or any time before the answer
    begins. The mapping may still grow until then. It is kept outside the request and only as long as that lives.
    A second call replaces the first. With known values besides, the pairs of both are restored, those of ``mapping``
    first; a compiled ``TrieMatcher`` can only be taken alone.

    :raises TypeError: ``mapping`` is not a mapping.
    :raises HoldbackError: ``data`` is not the request as LiteLLM hands it to hooks.

    >>> import asyncio
    >>> guardrail = HoldbackGuardrail(guardrail_name="holdback", event_hook=["pre_call", "post_call"])
    >>> class Call:
    ...     "What LiteLLM makes for every request."
    >>> request = {"litellm_logging_obj": Call(), "messages": [{"role": "user", "content": "I am <NAME_1>"}]}
    >>> attach_mapping(request, {"<NAME_1>": "Ada"})
    >>> answer = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi <NAME_1>!"}}]}
    >>> restored = asyncio.run(guardrail.async_post_call_success_hook(request, None, answer))
    >>> restored["choices"][0]["message"]["content"]
    'Hi Ada!'
    """
    _pairs_of(mapping)  # raises if it is none
    key = data.get(_REQUEST)
    if key is None:
        raise HoldbackError(
            f"attach_mapping() needs the request as LiteLLM hands it to hooks, with its {_REQUEST}"
        )
    _attached[key] = mapping


class HoldbackGuardrail(CustomGuardrail):  # type: ignore[misc] # Any where LiteLLM is not installed
    """A guardrail for LiteLLM's proxy, named in ``config.yaml`` by its dotted path.

    :param known_values: ``{placeholder: original}``, or the path of a JSON file that holds it. Restored in answers,
        and masked in requests: messages, prompts, inputs, instructions, system text, tool results and definitions.
    :param detector: finds values in requests, which then leave as keyed placeholders: a detector of
        :mod:`holdback.masking`, the dotted path of one, ``{entity type: expression}``, or a list of these.
    :param key: the key of the placeholders, in hexadecimal or base64, or ``os.environ/NAME``.
    :param store: what keeps conversations: ``memory:``, ``sqlite:PATH``, ``redis://…``, or ``os.environ/NAME``.
    :param ttl: after how many seconds without a turn the store forgets a conversation.
    :param reasoning: restore also what the provider wants back unmodified; see ``DeanonymizationConfig``.
    :param content: whether content is JSON; see ``DeanonymizationConfig``. With ``"auto"`` it goes by the request, if
        that asks for JSON or for text (``response_format`` and its like).
    :param policy: where values may go: a :class:`RestorePolicy`, its settings, or the path of its TOML file.
    :param on_report: is given a :class:`Report` at the end of each answer.
    :param unknown: count in it also placeholders that do not exist; see ``DeanonymizationConfig``.
    :param protocol: the wire format of all answers. By default it goes by the kind of call, which ``pre_call`` tells,
        and by the answer itself where that is not known.
    :param max_event_bytes: the most bytes of one event, where an answer comes as bytes; None is the default of
        ``WireRestorer``, and so it is of
    :param oversized: ``"pass"`` lets what is larger pass unread, ``"raise"`` makes it an ``EventTooLarge``.
    :param undecodable: ``"raise"`` makes an answer in compressed bytes that cannot be decoded an ``EncodedInput``,
        ``"pass"`` lets it pass as it is.

    All other settings are LiteLLM's own. ``mode`` (``event_hook`` in Python) must have ``post_call``, and ``pre_call``
    too for known values.

    :raises ValueError: ``mode`` has not what is needed, or a key is too short.
    :raises HoldbackError: ``content``, ``protocol``, ``oversized`` or ``undecodable`` is not known.
    :raises MappingError: the known values cannot be used; no message quotes one.

    >>> import asyncio
    >>> guardrail = HoldbackGuardrail(
    ...     guardrail_name="holdback", event_hook=["pre_call", "post_call"], known_values={"<STAFF_1>": "Ada"}
    ... )
    >>> request = {"messages": [{"role": "user", "content": "Write to Ada."}]}
    >>> asyncio.run(guardrail.async_pre_call_hook(None, None, request, "acompletion"))["messages"]
    [{'role': 'user', 'content': 'Write to <STAFF_1>.'}]
    >>> async def provider():
    ...     for text in "Dear <STA", "FF_1>,":
    ...         yield {"choices": [{"index": 0, "delta": {"content": text}}]}
    >>> async def answer():
    ...     stream = guardrail.async_post_call_streaming_iterator_hook(None, provider(), request)
    ...     return [chunk["choices"][0]["delta"]["content"] async for chunk in stream]
    >>> asyncio.run(answer())
    ['Dear ', 'Ada,']
    """

    def __init__(
        self,
        *,
        known_values: str | os.PathLike[str] | Mapping[str, str] | None = None,
        detector: Any = None,
        key: str | bytes | None = None,
        store: str | Store | None = None,
        ttl: float | None = 86_400,
        reasoning: bool = False,
        unknown: bool = False,
        content: Literal["auto", "text", "json"] = "auto",
        protocol: str = AUTO,
        max_event_bytes: int | None = None,
        oversized: str | None = None,
        undecodable: str = "raise",
        policy: RestorePolicy | str | os.PathLike[str] | Mapping[str, Any] | None = None,
        on_report: OnReport | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault(
            "supported_event_hooks", [GuardrailEventHooks.pre_call, GuardrailEventHooks.post_call]
        )
        super().__init__(**kwargs)
        self._known = PIIMapping()
        for placeholder, original in _known_values(known_values or {}).items():
            self._known.add(original, placeholder, "")
        self._masks = reversed_matcher(self._known.get_all_fakes())
        asked: dict[str, Any] = {"reasoning": bool(reasoning), "unknown": bool(unknown)}
        asked |= {"content": checked_content(content), "policy": policy_in(policy)}
        self._config = DeanonymizationConfig(**asked)
        self._on_report = on_report
        prepared_for(self._known, self._config)  # compiled before the first answer
        self._options = BodyOptions(protocol, max_event_bytes, oversized, undecodable)
        # Ours alone: there may be several guardrails, each with what it masked.
        self._masked: WeakKeyDictionary[Any, PIIMapping] = WeakKeyDictionary()
        self._way_out = way_out(detector, key, store, ttl, self._known)
        if self._way_out is not None:
            Masker.check_config(self._config)
        masks = self._masks is not None or self._way_out is not None
        needed = [GuardrailEventHooks.post_call, *([GuardrailEventHooks.pre_call] if masks else [])]
        if not all(self._event_hook_is_event_type(hook) for hook in needed):
            raise ValueError("HoldbackGuardrail needs mode: [pre_call, post_call]")

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in _HOOKS:
            if name not in cls.__dict__:
                setattr(cls, name, getattr(cls, name))

    async def async_pre_call_hook(
        self,
        user_api_key_dict: Any,
        cache: Any,
        data: Request,
        call_type: Any,
    ) -> Request:
        """Mask a request, and take over Presidio's tokens."""
        _keep_protocol(data, call_type)
        tokens = _take_tokens(data)
        if self._masks is not None:
            self._check_unambiguous(data, tokens)
        if self._way_out is not None:
            if (request := data.get(_REQUEST)) is None:
                raise HoldbackError(
                    f"a detector needs the request as LiteLLM hands it to hooks, with its {_REQUEST}"
                )
            protocol = _kept(_protocols, data) or AUTO
            self._masked[request] = (await self._way_out.mask(data, user_api_key_dict, protocol)).mapping
        elif self._masks is not None:
            mask_request(data, self._masks)
        return data

    async def async_post_call_success_hook(
        self,
        data: Request,
        user_api_key_dict: Any,
        response: Any,
    ) -> Any:
        """Restore an answer that is not streamed; one of a kind not known comes back as it is."""
        if as_chunk(response) is None and not isinstance(response, (bytes, bytearray)):
            return response
        return restore_answer(
            response,
            self._mapping_of(data),
            with_content(self._config, content_of(data)),
            protocol=self._options.protocol,
            on_report=partial(self._reported, data),
        )

    def async_post_call_streaming_iterator_hook(
        self,
        user_api_key_dict: Any,
        response: AsyncIterable[Any],
        request_data: Request,
    ) -> AsyncGenerator[Any, None]:
        """Restore an answer as it streams. What is wrong with its mapping shows when it is read, which closes it."""
        begin: Callable[[], _Answer]
        try:
            prepared = prepared_for(self._mapping_of(request_data), self._config)
            options = self._options
            if options.protocol == AUTO:
                options = replace(options, protocol=_kept(_protocols, request_data) or AUTO)
            config = with_content(self._config, content_of(request_data))
            begin = partial(_Answer, prepared, config, options)
        except Exception as error:  # noqa: BLE001 - whatever it is, the stream must be closed
            begin = partial(_fail, error)
        return restored(response, begin, iter, partial(self._reported, request_data))

    def _reported(self, data: Request, report: Report) -> None:
        """An answer has ended: LiteLLM's log of the call gets the report, and so does ``on_report``."""
        if any(isinstance(data.get(name), dict) for name in _METADATA):  # a request gets no new field
            self.add_standard_logging_guardrail_information_to_request_data(
                guardrail_json_response=report.as_dict(),
                request_data=data,
                guardrail_status="success",
                guardrail_provider="holdback",
                event_type=GuardrailEventHooks.post_call,
            )
        hand_over(self._on_report, _Reported(report))

    def _mapping_of(self, data: Request) -> AnyMapping | None:
        """All that is to be restored in the answer to a request."""
        attached, tokens = _kept(_attached, data), _take_tokens(data)
        pairs = {} if attached is None else _pairs_of(attached)
        if pairs is None:
            return attached
        known = _kept(self._masked, data) or self._known
        sources: list[AnyMapping] = [known, tokens, *([] if attached is None else [attached])]
        holding = [source for source in sources if _pairs_of(source)]
        if len(holding) <= 1:  # as it is: it may have been compiled before
            return holding[0] if holding else None
        return {**known.get_all_fakes(), **tokens, **pairs}

    def _check_unambiguous(self, data: Request, tokens: Mapping[str, str]) -> None:
        """An error if a value would be masked by a placeholder that stands for another one in the same request."""
        taken = {**tokens, **(_pairs_of(_kept(_attached, data) or {}) or {})}
        if not taken:
            return
        clashing = {
            placeholder: original
            for placeholder, original in self._known.get_all_fakes().items()
            if taken.get(placeholder, original) != original
        }
        matcher = reversed_matcher(clashing)
        if matcher is not None and mask_request(dict(data), matcher):
            raise MappingError(
                "a placeholder of the known values stands for another original in this request"
            )


def _fail(error: Exception) -> NoReturn:
    raise error


class _Reported(NamedTuple):
    """A restorer of which only the report is left."""

    report: Report


class _Answer:
    """The restorers of one streamed answer: one for objects, one for bytes."""

    __slots__ = ("_bytes", "_chunks")

    def __init__(self, mapping: Prepared | None, config: DeanonymizationConfig, options: BodyOptions) -> None:
        self._chunks = ChunkRestorer(mapping, config, protocol=options.protocol)
        self._bytes = BodyRestorer(mapping, config, options=options)

    def feed(self, item: Any) -> Iterable[Any]:
        if isinstance(item, (bytes, bytearray)):
            data = self._bytes.feed(bytes(item))
            return (data,) if data else ()
        return self._chunks.feed(item)

    @property
    def report(self) -> Report:
        return self._chunks.report + self._bytes.report

    def flush(self) -> Iterable[Any]:
        data = self._bytes.flush()
        return [*self._chunks.flush(), *((data,) if data else ())]


def _keep_protocol(data: Request, call_type: Any) -> None:
    """Remember the wire format of the answer: what LiteLLM says of the call later may be the call it made of it."""
    key, name = data.get(_REQUEST), getattr(call_type, "value", call_type)
    if key is None or not isinstance(name, str):
        return
    protocol = _PROTOCOLS.get(name) or _PROTOCOLS.get(name.removeprefix("a"))
    if protocol is not None:
        _protocols[key] = protocol


def _kept(store: WeakKeyDictionary[Any, Kept], data: Request) -> Kept | None:
    """What is kept for a request."""
    key = data.get(_REQUEST)
    return None if key is None else store.get(key)


def _take_tokens(data: Request) -> dict[str, str]:
    """Presidio's tokens of a request, moved out of its metadata."""
    key, tokens = data.get(_REQUEST), _kept(_tokens, data) or {}
    for name in _METADATA:
        metadata = data.get(name)
        found = metadata.get(_TOKENS) if isinstance(metadata, dict) else None
        # A client can write there as well, and then it may be anything.
        if isinstance(metadata, dict) and isinstance(found, Mapping):
            pairs = {k: v for k, v in found.items() if k and isinstance(k, str) and isinstance(v, str)}
            tokens = tokens | pairs
            if key is not None:
                del metadata[_TOKENS]
                _tokens[key] = tokens
    return tokens


def _pairs_of(mapping: AnyMapping) -> Mapping[str, str] | None:
    """The pairs of any kind of mapping; None of a compiled one."""
    if isinstance(mapping, _backend.MATCHER_TYPES):
        return None
    if isinstance(mapping, Mapping):
        return mapping
    if isinstance(mapping, type) or not hasattr(mapping, "get_all_fakes"):
        raise TypeError(f"a mapping of placeholder to original is needed, not {type(mapping).__name__}")
    pairs: Mapping[str, str] = mapping.get_all_fakes()  # type: ignore[union-attr]
    return pairs


def _known_values(source: str | os.PathLike[str] | Mapping[str, str]) -> dict[str, str]:
    """The operator's pairs. An error names the place and quotes nothing."""
    if isinstance(source, Mapping):
        return dict(source)
    try:
        text = Path(source).expanduser().read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = error.strerror if isinstance(error, OSError) else "not a path"
    else:
        return pairs_in(text, "the file of known_values")
    raise MappingError(f"the file of known_values {os.fspath(source)} cannot be read: {reason}")
