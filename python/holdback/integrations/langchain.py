"""Into LangChain: middleware for agents, and a chat model around any other, that do the round trip::

    agent = create_agent(model, tools=tools, middleware=[HoldbackMiddleware(masker, scope=conversation)])

What the model is sent is masked, messages, tools and settings alike; what it answers is restored before LangChain sees
it. So tools run with values, and ``messages``, ``updates``, events, state and checkpoints hold values, whatever the
provider: nothing that is masked goes anywhere but to the model. Nothing is kept between turns.

Signed thinking stays masked unless the config asks for it, which a masker forbids: it must go back to the provider as
it came. Ids, names, ``usage_metadata`` and ``response_metadata`` are left alone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Any, Self

from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableBinding
from pydantic import ConfigDict, Field

from holdback.errors import HoldbackError
from holdback.integrations.langchain_messages import ChunkStream, masked_of, request_of, restored_message
from holdback.integrations.pieces import Pieces
from holdback.masking import Masker, RoundTrip
from holdback.report import OnReport, hand_over
from holdback.stores.base import Store

__all__ = ["HoldbackMiddleware", "RestoreChatModel"]


class RestoreChatModel(BaseChatModel):  # type: ignore[misc]
    """A chat model around another: what it is sent leaves masked, what the other answers comes back restored.

    ``RestoreChatModel.around`` makes one. It is bound to tools, streamed and invoked like the model inside, whose
    private methods it calls: so callbacks and traces see values, and nothing twice.

    >>> from langchain_core.language_models.fake_chat_models import FakeListChatModel
    >>> from holdback.masking import KnownValues, Masker, Placeholders
    >>> masker = Masker(KnownValues({"Ada": "PERSON"}), Placeholders(bytes(range(32))))
    >>> inside = FakeListChatModel(responses=["Hi <PERSON_uzo4xzutl5>!"])
    >>> model = RestoreChatModel.around(inside, masker, scope="a conversation")
    >>> model.invoke("I am Ada.").content, "".join(chunk.content for chunk in model.stream("Ada"))
    ('Hi Ada!', 'Hi Ada!')
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    inner: BaseChatModel
    """The model inside."""

    trip: RoundTrip = Field(exclude=True, repr=False)
    scope: str = Field(exclude=True, repr=False)
    config: Any = Field(default=None, exclude=True, repr=False)
    on_report: Any = Field(default=None, exclude=True, repr=False)

    @classmethod
    def around(
        cls,
        inner: BaseChatModel,
        masker: Masker,
        config: Any = None,
        *,
        scope: str,
        store: Store | None = None,
        ttl: float | None = None,
        on_report: OnReport | None = None,
    ) -> Self:
        """A model around ``inner``.

        :param config: None means on.
        :param scope: the conversation.
        :param store: what keeps the mappings of conversations, for asynchronous calls alone. It is not closed here.
        :param ttl: after how many seconds without a turn a conversation is forgotten; None takes the store's own.
        :param on_report: is given a ``Report`` at the end of each answer.
        :raises MaskingError: the config restores signed text, or the store cannot keep the masker's placeholders.
        :raises TypeError: an argument is of a wrong type.
        """
        if not isinstance(scope, str):
            raise TypeError(f"scope must be str, not {type(scope).__name__}")
        trip = RoundTrip(masker, store, ttl=ttl)
        masker.check_config(config)
        return cls._with(inner, trip=trip, scope=scope, config=config, on_report=on_report)

    @classmethod
    def _with(cls, inner: BaseChatModel, **ours: Any) -> Self:
        shared = {name: getattr(inner, name) for name in BaseChatModel.model_fields}
        return cls(**{**shared, **ours, "inner": inner})

    # ---------------------------------------------------------------- the model

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,  # noqa: ARG002 - LangChain calls it back itself, with what is restored
        **settings: Any,
    ) -> ChatResult:
        asked, settings, mapping = self._masked_now(messages, {**settings, "stop": stop})
        return self._restored(self.inner._generate(asked, **settings), mapping)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,  # noqa: ARG002 - LangChain calls it back itself, with what is restored
        **settings: Any,
    ) -> ChatResult:
        asked, settings, mapping = await self._masked(messages, {**settings, "stop": stop})
        return self._restored(await self.inner._agenerate(asked, **settings), mapping)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,  # noqa: ARG002 - LangChain calls it back itself, with what is restored
        **settings: Any,
    ) -> Iterator[ChatGenerationChunk]:
        asked, settings, mapping = self._masked_now(messages, {**settings, "stop": stop})
        pieces = Pieces(mapping, self.config)
        stream = ChunkStream(pieces)
        try:
            for chunk in self.inner._stream(asked, **settings):
                yield from _leaving(stream, chunk)
        except Exception:
            yield from _tails(stream)
            raise
        else:
            yield from _tails(stream)
        finally:
            hand_over(self.on_report, pieces)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,  # noqa: ARG002 - LangChain calls it back itself, with what is restored
        **settings: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        asked, settings, mapping = await self._masked(messages, {**settings, "stop": stop})
        pieces = Pieces(mapping, self.config)
        stream = ChunkStream(pieces)
        try:
            async for chunk in self.inner._astream(asked, **settings):
                for leaving in _leaving(stream, chunk):
                    yield leaving
        except Exception:
            for tail in _tails(stream):
                yield tail
            raise
        else:
            for tail in _tails(stream):
                yield tail
        finally:
            hand_over(self.on_report, pieces)

    def bind_tools(self, tools: Sequence[Any], **settings: Any) -> Runnable[Any, Any]:
        """As the model inside binds them.

        :raises HoldbackError: that makes something else than a model with settings.
        """
        bound: Any = self.inner.bind_tools(tools, **settings)
        bound_settings: dict[str, Any] = {}
        while isinstance(bound, RunnableBinding):
            bound_settings = {**bound.kwargs, **bound_settings}
            bound = bound.bound
        if not isinstance(bound, BaseChatModel):
            raise HoldbackError("the model inside binds tools in a way that cannot be wrapped")
        again = (
            self
            if bound is self.inner
            else self._with(
                bound, trip=self.trip, scope=self.scope, config=self.config, on_report=self.on_report
            )
        )
        return again.bind(**bound_settings)

    # ---------------------------------------------------------------- the way out

    def _masked_now(
        self, messages: list[BaseMessage], settings: dict[str, Any]
    ) -> tuple[list[BaseMessage], dict[str, Any], Any]:
        masked = self.trip.mask_now(request_of(messages, settings), self.scope)
        return *masked_of(messages, settings, masked.request), masked.mapping

    async def _masked(
        self, messages: list[BaseMessage], settings: dict[str, Any]
    ) -> tuple[list[BaseMessage], dict[str, Any], Any]:
        masked = await self.trip.mask(request_of(messages, settings), self.scope)
        return *masked_of(messages, settings, masked.request), masked.mapping

    def _restored(self, result: ChatResult, mapping: Any) -> ChatResult:
        generations = []
        pieces = Pieces(mapping, self.config)
        for generation in result.generations:
            message = generation.message
            if isinstance(message, AIMessage):
                message = restored_message(message, pieces)
            generations.append(ChatGeneration(message=message, generation_info=generation.generation_info))
        hand_over(self.on_report, pieces)
        return ChatResult(generations=generations, llm_output=result.llm_output)

    # ---------------------------------------------------------------- what it is, as the model inside is

    def _should_stream(self, **asked: Any) -> bool:
        return bool(self.inner._should_stream(**asked))

    def _streaming_disabled(self, **asked: Any) -> bool:
        return bool(self.inner._streaming_disabled(**asked))

    def _get_ls_params(self, stop: list[str] | None = None, **settings: Any) -> Any:
        return self.inner._get_ls_params(stop=stop, **settings)

    def get_num_tokens_from_messages(self, messages: list[BaseMessage], tools: Any = None) -> int:
        """As the model inside counts them, unmasked."""
        return int(self.inner.get_num_tokens_from_messages(messages, tools))

    @property
    def model_name(self) -> str | None:
        """That of the model inside, by which agents choose how to ask for structured output."""
        found = getattr(self.inner, "model_name", None) or getattr(self.inner, "model", None)
        return found if isinstance(found, str) else None

    @property
    def _llm_type(self) -> str:
        return str(self.inner._llm_type)

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"inner": self.inner._llm_type, **self.inner._identifying_params}


class HoldbackMiddleware(AgentMiddleware):  # type: ignore[misc]
    """Middleware of ``create_agent`` that masks what the model is sent and restores what it answers.

    Put it last: other middleware then sees values, and its changes to the request are masked as well.

    :param masker: what masks.
    :param config: None means on.
    :param scope: the conversation, or a callable ``ModelRequest -> conversation``, such as one that asks
        ``request.runtime``.
    :param store: what keeps the mappings of conversations, for asynchronous agents alone. It is not closed here.
    :param ttl: after how many seconds without a turn a conversation is forgotten; None takes the store's own.
    :param on_report: is given a ``Report`` at the end of each answer of the model.
    :raises MaskingError: the config restores signed text, or the store cannot keep the masker's placeholders.
    :raises TypeError: an argument is of a wrong type.

    >>> from langchain.agents import create_agent
    >>> from langchain_core.language_models.fake_chat_models import FakeListChatModel
    >>> from holdback.masking import KnownValues, Masker, Placeholders
    >>> masker = Masker(KnownValues({"Ada": "PERSON"}), Placeholders(bytes(range(32))))
    >>> model = FakeListChatModel(responses=["Hi <PERSON_uzo4xzutl5>!"])
    >>> agent = create_agent(model, middleware=[HoldbackMiddleware(masker, scope="a conversation")])
    >>> agent.invoke({"messages": [{"role": "user", "content": "I am Ada."}]})["messages"][-1].content
    'Hi Ada!'
    """

    def __init__(
        self,
        masker: Masker,
        config: Any = None,
        *,
        scope: str | Callable[[Any], str],
        store: Store | None = None,
        ttl: float | None = None,
        on_report: OnReport | None = None,
    ) -> None:
        super().__init__()
        if not (isinstance(scope, str) or callable(scope)):
            raise TypeError(f"scope must be str or a callable of the request, not {type(scope).__name__}")
        RoundTrip(masker, store, ttl=ttl)
        masker.check_config(config)
        self._masker = masker
        self._config = config
        self._scope = scope
        self._store = store
        self._ttl = ttl
        self._on_report = on_report

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], ModelResponse[Any]]
    ) -> ModelResponse[Any]:
        """The call with the model wrapped."""
        return handler(self._wrapped(request))

    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]],
    ) -> ModelResponse[Any]:
        """The same in an event loop."""
        return await handler(self._wrapped(request))

    def _wrapped(self, request: ModelRequest[Any]) -> ModelRequest[Any]:
        scope = self._scope if isinstance(self._scope, str) else self._scope(request)
        model = RestoreChatModel.around(
            request.model,
            self._masker,
            self._config,
            scope=scope,
            store=self._store,
            ttl=self._ttl,
            on_report=self._on_report,
        )
        return request.override(model=model)


def _leaving(stream: ChunkStream, chunk: ChatGenerationChunk) -> Iterator[ChatGenerationChunk]:
    if not isinstance(chunk.message, AIMessageChunk):
        yield chunk
        return
    *before, message = stream.feed(chunk.message)
    yield from (ChatGenerationChunk(message=tail) for tail in before)
    yield ChatGenerationChunk(message=message, generation_info=chunk.generation_info)


def _tails(stream: ChunkStream) -> Iterator[ChatGenerationChunk]:
    yield from (ChatGenerationChunk(message=tail) for tail in stream.flush())
