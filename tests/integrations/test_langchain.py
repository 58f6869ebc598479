"""LangChain's own agents and adapters around a provider on loopback that keeps every byte it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from itertools import groupby
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_provider import AGAIN, ASKED, MAIL, NAME, SENT, AgentProvider, serving_agents
from holdback import DeanonymizationConfig, HoldbackError
from holdback.masking import KnownValues, Masker, MaskingError, Patterns, Placeholders
from holdback.stores import MemoryStore
from oracle import restore
from pages import hosted
from provider import answer

pytestmark = pytest.mark.frameworks

KEY = bytes(range(32))
DETECTORS: Any = [KnownValues({NAME: "PERSON"}), Patterns({"EMAIL": r"[\w.+-]+@[\w-]+\.[\w.]+\w"})]
MASKER = Masker(DETECTORS, Placeholders(KEY))
FAKE = Placeholders(KEY).of(NAME, "PERSON", scope="c")
MODELS = ["chat", "responses", "anthropic", "chat-v1", "responses-v1", "anthropic-v1"]


@pytest.fixture
def provider() -> Iterator[AgentProvider]:
    with serving_agents() as provider:
        yield provider


def model_of(name: str, provider: AgentProvider, **options: Any) -> Any:
    kind, _, version = name.partition("-")
    options |= {"output_version": version} if version else {}
    if kind == "anthropic":
        anthropic = pytest.importorskip("langchain_anthropic")
        return anthropic.ChatAnthropic(model="m", api_key="k", base_url=provider.address, **options)
    openai = pytest.importorskip("langchain_openai")
    options["use_responses_api"] = kind == "responses"
    return openai.ChatOpenAI(model="m", api_key="k", base_url=f"{provider.address}/v1", **options)


class Agent:
    """An agent with a tool and a checkpointer."""

    def __init__(self, name: str, provider: AgentProvider) -> None:
        agents = pytest.importorskip("langchain.agents")
        from langgraph.checkpoint.memory import InMemorySaver

        from holdback.integrations.langchain import HoldbackMiddleware

        calls = self.calls = list[str]()

        def mail(to: str) -> str:
            """Send a mail."""
            calls.append(to)
            return SENT

        self.saver = InMemorySaver()
        self.config: Any = {"configurable": {"thread_id": "t"}}
        self.agent = agents.create_agent(
            model_of(name, provider),
            tools=[mail],
            system_prompt=f"You serve {NAME}.",
            middleware=[HoldbackMiddleware(MASKER, scope=lambda request: "c")],
            checkpointer=self.saver,
        )

    def asking(self, text: str) -> Any:
        return {"messages": [{"role": "user", "content": text}]}


def shown(node: Any) -> str:
    """All that a message or an event shows, as text."""
    return repr(node)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_messages_updates_and_state_hold_values_and_the_provider_sees_none(
    provider: AgentProvider, name: str, *, is_async: bool
) -> None:
    ran = Agent(name, provider)
    modes: Any = {"stream_mode": ["messages", "updates"], "config": ran.config}

    async def turn(text: str) -> list[Any]:
        if is_async:
            return [item async for item in ran.agent.astream(ran.asking(text), **modes)]
        return list(ran.agent.stream(ran.asking(text), **modes))

    async def turns() -> list[list[Any]]:
        return [await turn(ASKED), await turn(AGAIN)]

    for items in asyncio.run(turns()):
        chunks = [item[0] for mode, item in items if mode == "messages"]
        chunks = [chunk for chunk in chunks if type(chunk).__name__ == "AIMessageChunk"]
        assert "".join(chunk.text for chunk in chunks) == answer(SENT)  # nothing twice
        (last, *_), *_ = [
            update["model"]["messages"]
            for mode, update in reversed(items)
            if mode == "updates" and "model" in update
        ]
        assert last.text == answer(SENT)
        assert FAKE not in shown(items)
        assert FAKE[1:-1] not in shown(items)
    assert ran.calls == [ASKED, AGAIN]
    state = ran.agent.get_state(ran.config)
    assert FAKE[1:-1] not in shown(state.values)
    assert shown(state.values).count(MAIL) >= 4
    assert FAKE[1:-1].encode() not in repr(list(ran.saver.list(None))).encode()
    assert provider.shows([NAME, MAIL, "Okáfor"]) == []
    assert len(provider.requests) == 4
    assert FAKE in str(provider.requests[0])


@pytest.mark.parametrize("name", MODELS)
def test_whole_answers(provider: AgentProvider, name: str) -> None:
    ran = Agent(name, provider)
    for text in (ASKED, AGAIN):
        messages = ran.agent.invoke(ran.asking(text), ran.config)["messages"]
        assert messages[-1].text == answer(SENT)
        assert messages[-3].tool_calls[0]["args"] == {"to": text}
        assert FAKE[1:-1] not in shown(messages)
    assert ran.calls == [ASKED, AGAIN]
    assert provider.shows([NAME, MAIL, "Okáfor"]) == []


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.filterwarnings("ignore")  # version 3 is in beta, and says so
def test_events_of_version_3(provider: AgentProvider, name: str) -> None:
    ran = Agent(name, provider)

    async def turn(text: str) -> list[Any]:
        stream = await ran.agent.astream_events(ran.asking(text), ran.config, version="v3")
        return [event async for event in stream]

    async def turns() -> list[list[Any]]:
        return [await turn(ASKED), await turn(AGAIN)]

    for events in asyncio.run(turns()):
        said = shown(events)
        assert FAKE[1:-1] not in said
        assert "content-block-delta" in said
    assert ran.calls == [ASKED, AGAIN]
    assert provider.shows([NAME, MAIL, "Okáfor"]) == []


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.filterwarnings("ignore")  # version 3 is in beta, and says so
def test_the_model_alone(provider: AgentProvider, name: str) -> None:
    from holdback.integrations.langchain import RestoreChatModel

    model = RestoreChatModel.around(model_of(name, provider), MASKER, scope="c")
    assert model.invoke(ASKED).text == answer(ASKED)
    chunks = list(model.stream(ASKED))
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    assert whole.text == answer(ASKED)
    assert len(chunks) > 5

    async def events() -> str:
        stream = await model.astream_events(ASKED, version="v3")
        return "".join([piece async for piece in stream.text])

    assert asyncio.run(events()) == answer(ASKED)
    assert provider.shows([NAME]) == []


def test_tools_settings_and_names_are_masked_too(provider: AgentProvider) -> None:
    from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

    from holdback.integrations.langchain import RestoreChatModel

    def mail(to: str) -> str:
        return to

    mail.__doc__ = f"Send a mail as {NAME}."
    inside = model_of("chat", provider)
    model = RestoreChatModel.around(inside, MASKER, scope="c").bind_tools([mail], tool_choice="mail")
    call = {"name": "mail", "args": {"to": NAME, "n": [NAME]}, "id": "1"}
    history = [
        HumanMessage([{"type": "text", "text": NAME}], name=MAIL),
        AIMessage(NAME, tool_calls=[call], additional_kwargs={"refusal": NAME}),
        ToolMessage(f'{{"sent": "{MAIL}"}}', tool_call_id="1", artifact={"kept": NAME}),
    ]
    before = shown(history)
    model.invoke(history, stop=[NAME])
    assert shown(history) == before
    assert provider.shows([NAME, MAIL]) == []
    assert str(provider.requests[0]).count(FAKE) >= 5


def test_base64_is_no_text(provider: AgentProvider) -> None:
    from langchain_core.messages import HumanMessage

    from holdback.integrations.langchain import RestoreChatModel

    masker = Masker(KnownValues({"QUJD": "CODE"}), Placeholders(KEY))
    image = {"type": "image", "base64": "QUJD", "mime_type": "image/png"}
    model = RestoreChatModel.around(model_of("chat", provider), masker, scope="c")
    model.invoke([HumanMessage([image, {"type": "text", "text": "QUJD"}])])
    (sent,) = provider.requests
    assert "base64,QUJD" in str(sent)
    assert str(sent).count("QUJD") == 1


def test_it_is_what_the_model_inside_is(provider: AgentProvider) -> None:
    from holdback.integrations.langchain import RestoreChatModel

    inside = model_of("chat", provider, streaming=True)
    model = RestoreChatModel.around(inside, MASKER, scope="c")
    assert (model.model_name, model._llm_type, model.profile) == ("m", inside._llm_type, inside.profile)
    assert model._get_ls_params() == inside._get_ls_params()
    assert model._should_stream(async_api=False)
    for text in (NAME, KEY.hex()):
        assert text not in repr(model) + str(model.model_dump())


def test_a_store_is_for_asynchronous_calls(provider: AgentProvider) -> None:
    from holdback.integrations.langchain import RestoreChatModel

    store = MemoryStore()
    model = RestoreChatModel.around(model_of("chat", provider), MASKER, scope="c", store=store)
    with pytest.raises(HoldbackError, match="event loop"):
        model.invoke(ASKED)

    async def both() -> Any:
        await model.ainvoke(ASKED)
        blind = RestoreChatModel.around(model_of("chat", provider), Masker(None), scope="c", store=store)
        return await blind.ainvoke(f"Who is {FAKE}, or {NAME}?")

    assert asyncio.run(both()).text == answer(f"Who is {NAME}, or {NAME}?")
    assert provider.shows([NAME]) == []


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"scope": 7}, TypeError),
        ({"scope": "c", "store": "s"}, TypeError),
        ({"scope": "c", "config": DeanonymizationConfig(reasoning=True)}, MaskingError),
    ],
    ids=["scope", "store", "signed"],
)
def test_what_does_not_go_together_is_refused(
    provider: AgentProvider, options: Any, error: type[Exception]
) -> None:
    from holdback.integrations.langchain import HoldbackMiddleware, RestoreChatModel

    with pytest.raises(error):
        HoldbackMiddleware(MASKER, **options)
    with pytest.raises(error):
        RestoreChatModel.around(model_of("chat", provider), MASKER, **options)


# ---------------------------------------------------------------- pieces

CALL = [('{"to": "<PER', 0), ('{"a": ["<PERSON_1', 1), ('SON_1>"}', 0), ('>"]}', 1)]
PAIRS = {"<PERSON_1>": 'Ada "A" <'}


def chunk_stream(**config: Any) -> Any:
    from holdback.integrations.langchain_messages import ChunkStream
    from holdback.integrations.pieces import Pieces

    return ChunkStream(Pieces(PAIRS, DeanonymizationConfig(**config)))


def joined(stream: Any, chunks: list[Any]) -> Any:
    leaving = [out for chunk in chunks for out in stream.feed(chunk)] + stream.flush()
    whole = leaving[0]
    for chunk in leaving[1:]:
        whole += chunk
    return whole


@pytest.mark.usefixtures("backend")
def test_calls_take_turns() -> None:
    from langchain_core.messages import AIMessageChunk
    from langchain_core.messages.tool import tool_call_chunk

    names = {0: "a", 1: "b"}
    chunks = []
    for args, index in CALL:
        call = tool_call_chunk(name=names.pop(index, None), args=args, id=None, index=index)
        chunks.append(AIMessageChunk("", tool_call_chunks=[call]))
    whole = joined(chunk_stream(), chunks)
    assert [call["args"] for call in whole.tool_calls] == [
        {"to": PAIRS["<PERSON_1>"]},
        {"a": [PAIRS["<PERSON_1>"]]},
    ]


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("last", [None, "last"])
@pytest.mark.parametrize("as_blocks", [False, True])
def test_what_is_held_back_leaves_in_its_place(last: Any, *, as_blocks: bool) -> None:
    from langchain_core.messages import AIMessageChunk

    def said(text: str, index: int) -> Any:
        content: Any = [{"type": "text", "text": text, "index": index}] if as_blocks else text
        return AIMessageChunk(content)

    end = AIMessageChunk([] if as_blocks else "", chunk_position=last)
    chunks = [said("Hi <PERS", 0), said("ON_1>, <PE", 0), said("RSON_2> <PERSON", 1), end]
    stream = chunk_stream()
    leaving = [out for chunk in chunks for out in stream.feed(chunk)] + stream.flush()
    texts = [out.text for out in leaving if out.text]
    expected = f"Hi {PAIRS['<PERSON_1>']}, <PERSON_2> <PERSON"
    assert "".join(texts) == expected
    if last:
        assert leaving[-1].chunk_position == "last"
    whole = leaving[0]
    for chunk in leaving[1:]:
        whole += chunk
    assert whole.text == expected
    if as_blocks:
        assert next(block["text"] for block in whole.content).endswith(", <PE")


@given(
    said=st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from(["<PERSON_1>", "<PER", "SON_1>", "a"])), max_size=12
    ),
    size=st.integers(1, 4),
)
def test_blocks_in_any_cut(backend: str, said: list[tuple[int, str]], size: int) -> None:
    """A run of pieces of one block is one text; another block's piece ends it."""
    from langchain_core.messages import AIMessageChunk

    expected, chunks = ["", "", ""], [AIMessageChunk([])]
    for index, run in groupby(said, key=lambda one: one[0]):
        text = "".join(piece for _, piece in run)
        expected[index] += restore(PAIRS, text)
        cuts = [text[at : at + size] for at in range(0, len(text), size)]
        chunks += [AIMessageChunk([{"type": "text", "text": cut, "index": index}]) for cut in cuts]
    blocks = {block["index"]: block["text"] for block in joined(chunk_stream(), chunks).content}
    assert blocks == {index: text for index, text in enumerate(expected) if text}


@pytest.mark.usefixtures("backend")
def test_an_error_of_the_model_comes_behind_the_held_text(provider: AgentProvider) -> None:
    from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
    from langchain_core.messages import AIMessageChunk
    from langchain_core.outputs import ChatGenerationChunk

    from holdback.integrations.langchain import RestoreChatModel

    lost = ConnectionError("lost")

    class Dying(GenericFakeChatModel):  # type: ignore[misc]
        def _stream(self, *_: Any, **__: Any) -> Iterator[Any]:
            yield ChatGenerationChunk(message=AIMessageChunk(f"Hi {FAKE[:-3]}"))
            raise lost

    model = RestoreChatModel.around(Dying(messages=iter(())), MASKER, scope="c")
    said: list[Any] = []
    with pytest.raises(ConnectionError) as caught:
        said.extend(chunk.content for chunk in model.stream(ASKED))
    assert caught.value is lost
    assert "".join(said) == f"Hi {FAKE[:-3]}"


# ---------------------------------------------------------------- the page


def test_the_page(provider: AgentProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("langchain_anthropic")
    monkeypatch.setenv("HOLDBACK_KEY", KEY.hex())
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", provider.address)
    names: dict[str, Any] = {}
    printed = StringIO()
    sources = hosted("docs/langchain.md", "py")
    # The provider's tool has one argument.
    sources[0] = sources[0].replace("def mail(to: str, text: str)", "def mail(to: str)")
    with redirect_stdout(printed):
        for source in sources:
            exec(compile(source, "docs/langchain.md", "exec"), names)
    assert answer("Sent to Mail Mira Okafor that I am late..") in printed.getvalue()
    assert names["answer"] == answer("Who is Mira Okafor?")
    assert provider.shows(["Mira Okafor"]) == []
