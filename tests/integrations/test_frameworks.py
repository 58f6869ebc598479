"""The recipes of docs/frameworks.md, word for word, each with the real package and a provider that keeps every byte.

In each: the streamed answer of a turn with a tool call, the tool run with what the model asked for, and a second turn
on the framework's own history. The provider must never see a value, and the program nothing but values.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from agent_loops import TOOL, anthropic_turns, openai_turns
from agent_provider import AGAIN, ASKED, MAIL, NAME, SENT, AgentProvider, send_all_to, serving_agents
from holdback.masking import KnownValues, Masker, Patterns, Placeholders
from pages import ROOT, hosted
from provider import answer

pytestmark = pytest.mark.frameworks

PAGE = "docs/frameworks.md"
KEY = bytes(range(32))


@pytest.fixture
def provider() -> Iterator[AgentProvider]:
    with serving_agents() as provider:
        yield provider


class Recipe:
    """The names of a recipe, after it has run; and the tool, which keeps what it was called with."""

    def __init__(self, provider: AgentProvider, title: str) -> None:
        text = (ROOT / PAGE).read_text(encoding="utf-8")
        (section,) = re.findall(rf"^## {re.escape(title)}\n(.*?)(?=^## )", text, re.MULTILINE | re.DOTALL)
        first, *recipes = hosted("docs/frameworks.md", "py")
        (source,) = [source for source in recipes if source in section]
        self.provider = provider
        calls = self.calls = list[str]()
        self.names: dict[str, Any] = {}
        exec(compile(first, PAGE, "exec"), self.names)
        # The page's values are tame: these are not.
        detectors: Any = [KnownValues({NAME: "PERSON"}), Patterns({"EMAIL": r"[\w.+-]+@[\w-]+\.[\w.]+\w"})]
        self.names["round_trip"]["masker"] = Masker(detectors, Placeholders(KEY))
        exec(compile(source, PAGE, "exec"), self.names)

        def mail(to: str) -> str:
            """Send a mail."""
            calls.append(to)
            return SENT

        self.mail = mail

    def __getitem__(self, name: str) -> Any:
        return self.names[name]

    def judge(self, *told: str, turns: int = 2) -> None:
        """What the tool got, what the program was told in each turn, and what the provider saw."""
        assert self.calls == [ASKED, AGAIN][:turns]
        assert list(told) == [answer(SENT)] * turns
        assert self.provider.shows([NAME, MAIL, "Okáfor", "Mo\\"]) == []
        assert len(self.provider.requests) >= 2 * turns
        assert "<PERSON_" in str(self.provider.requests[0])


@pytest.fixture
def recipe(provider: AgentProvider, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("HOLDBACK_KEY", KEY.hex())
    for name in ("OPENAI", "ANTHROPIC", "GOOGLE", "GEMINI", "MISTRAL", "CO"):
        monkeypatch.setenv(f"{name}_API_KEY", "k")
    monkeypatch.delenv("GOOGLE_API_KEY")
    for library in ("httpx", "httpx2"):
        send_all_to(provider, monkeypatch, pytest.importorskip(library))
    return lambda title: Recipe(provider, title)


# ---------------------------------------------------------------- frameworks


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("responses", [False, True], ids=["chat", "responses"])
def test_langchain(recipe: Any, *, responses: bool, is_async: bool) -> None:
    agents = pytest.importorskip("langchain.agents")
    pytest.importorskip("langchain_openai")
    ran = recipe("LangChain")
    model = ran["model"].model_copy(update={"use_responses_api": responses})
    agent = agents.create_agent(model, tools=[ran.mail])
    history: list[Any] = []

    def turn(text: str) -> str:
        history.append({"role": "user", "content": text})
        told, last = "", None
        modes = ["messages", "values"]
        for mode, item in agent.stream({"messages": history}, stream_mode=modes):
            if mode == "values":
                last = item
            elif type(item[0]).__name__ == "AIMessageChunk":
                told += item[0].text
        assert last is not None
        history[:] = last["messages"]
        return told

    async def aturn(text: str) -> str:
        history.append({"role": "user", "content": text})
        told = ""
        async for event in agent.astream_events({"messages": history}, version="v2"):
            if event["event"] == "on_chat_model_stream":
                told += event["data"]["chunk"].text
            if event["event"] == "on_chain_end" and "messages" in (event["data"]["output"] or ()):
                history[:] = event["data"]["output"]["messages"]
        return told

    async def both() -> list[str]:
        return [await aturn(ASKED), await aturn(AGAIN)]

    ran.judge(*(asyncio.run(both()) if is_async else [turn(ASKED), turn(AGAIN)]))
    assert history[-1].text == answer(SENT)


@pytest.mark.filterwarnings("ignore")  # of its own use of Pydantic, and of what it does not serialise
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_llama_index(recipe: Any, *, is_async: bool) -> None:
    pytest.importorskip("llama_index.llms.openai")
    from llama_index.core.agent.workflow import AgentStream, FunctionAgent
    from llama_index.core.base.llms.types import ChatMessage
    from llama_index.core.tools import FunctionTool
    from llama_index.core.workflow import Context

    ran = recipe("LlamaIndex")
    tool = FunctionTool.from_defaults(ran.mail)

    async def turns() -> list[str]:
        agent = FunctionAgent(tools=[tool], llm=ran["llm"], streaming=True)
        context, told = Context(agent), []
        for text in (ASKED, AGAIN):
            handler = agent.run(text, ctx=context)
            said = "".join(
                [event.delta async for event in handler.stream_events() if isinstance(event, AgentStream)]
            )
            told.append(said)
            assert str(await handler) == said
        return told

    if is_async:
        ran.judge(*asyncio.run(turns()))
        return
    # Its agents are asynchronous; the other client serves the model alone.
    answered = ran["llm"].chat_with_tools([tool], ASKED)
    (call,) = ran["llm"].get_tool_calls_from_response(answered)
    result = tool.call(**call.tool_kwargs)
    history = [ChatMessage(role="user", content=ASKED), answered.message]
    extra = {"tool_call_id": call.tool_id}
    history.append(ChatMessage(role="tool", content=str(result), additional_kwargs=extra))
    ran.judge("".join(piece.delta for piece in ran["llm"].stream_chat(history)), turns=1)


def test_pydantic_ai(recipe: Any) -> None:
    ai = pytest.importorskip("pydantic_ai")
    ran = recipe("Pydantic AI")

    async def turns() -> list[str]:
        agent = ai.Agent(ran["model"], tools=[ran.mail])
        told, history = [], None
        for text in (ASKED, AGAIN):
            said = ""
            async with agent.run_stream(text, message_history=history) as result:
                async for piece in result.stream_text(delta=True):
                    said += piece
            told.append(said)
            history = result.all_messages()
        return told

    ran.judge(*asyncio.run(turns()))


@pytest.mark.parametrize("responses", [True, False], ids=["responses", "chat"])
def test_openai_agents(recipe: Any, *, responses: bool) -> None:
    agents = pytest.importorskip("agents")
    ran = recipe("OpenAI Agents SDK")
    model = ran["model"]
    if not responses:
        model = agents.OpenAIChatCompletionsModel(model="gpt-5", openai_client=ran["client"])

    async def turns() -> list[str]:
        agent = agents.Agent(name="a", model=model, tools=[agents.function_tool(ran.mail)])
        told: list[str] = []
        history: list[Any] = []
        for text in (ASKED, AGAIN):
            result = agents.Runner.run_streamed(agent, [*history, {"role": "user", "content": text}])
            told.append(
                "".join(
                    [
                        event.data.delta
                        async for event in result.stream_events()
                        if event.type == "raw_response_event"
                        and event.data.type == "response.output_text.delta"
                    ]
                )
            )
            assert result.final_output == told[-1]
            history = result.to_input_list()
        return told

    ran.judge(*asyncio.run(turns()))


# ---------------------------------------------------------------- the clients of providers


def test_openai(recipe: Any) -> None:
    pytest.importorskip("openai")
    pytest.importorskip("anthropic")
    ran = recipe("openai and anthropic")
    ran.judge(*openai_turns(ran["openai"], ran.mail, (ASKED, AGAIN)))


def test_anthropic(recipe: Any) -> None:
    pytest.importorskip("openai")
    pytest.importorskip("anthropic")
    ran = recipe("openai and anthropic")
    ran.judge(*anthropic_turns(ran["anthropic"], ran.mail, (ASKED, AGAIN)))


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_google_genai(recipe: Any, *, is_async: bool) -> None:
    """Its chats run tools themselves, and keep the history."""
    pytest.importorskip("google.genai")
    ran = recipe("google-genai")
    asked: Any = {"model": "gemini-3", "config": {"tools": [ran.mail]}}

    def turns() -> list[str]:
        chat = ran["client"].chats.create(**asked)
        return [
            "".join(part.text or "" for part in chat.send_message_stream(text)) for text in (ASKED, AGAIN)
        ]

    async def aturns() -> list[str]:
        chat = ran["client"].aio.chats.create(**asked)
        return [
            "".join([part.text or "" async for part in await chat.send_message_stream(text)])
            for text in (ASKED, AGAIN)
        ]

    ran.judge(*(asyncio.run(aturns()) if is_async else turns()))


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_mistral(recipe: Any, *, is_async: bool) -> None:
    pytest.importorskip("mistralai.client")
    ran = recipe("mistralai")
    history: list[Any] = []

    async def stream() -> list[Any]:
        asked: Any = {"model": "m", "messages": history, "tools": [TOOL]}
        if is_async:
            events = [item async for item in await ran["client"].chat.stream_async(**asked)]
        else:
            events = list(ran["client"].chat.stream(**asked))
        return [choice.delta for item in events for choice in item.data.choices]

    async def turns() -> list[str]:
        told = []
        for text in (ASKED, AGAIN):
            history.append({"role": "user", "content": text})
            calls = [call for delta in await stream() for call in delta.tool_calls or ()]
            source = "".join(call.function.arguments for call in calls)
            whole = {"id": calls[0].id, "function": {"name": "mail", "arguments": source}}
            history.append({"role": "assistant", "tool_calls": [whole]})
            result = ran.mail(**json.loads(source))
            history.append({"role": "tool", "tool_call_id": calls[0].id, "content": result, "name": "mail"})
            told.append("".join(delta.content or "" for delta in await stream()))
            history.append({"role": "assistant", "content": told[-1]})
        return told

    ran.judge(*asyncio.run(turns()))


def test_ollama(recipe: Any) -> None:
    pytest.importorskip("ollama")
    ran = recipe("Ollama")
    history: list[Any] = []
    told = []
    for text in (ASKED, AGAIN):
        history.append({"role": "user", "content": text})
        asked: Any = {"model": "m", "messages": history, "tools": [ran.mail], "stream": True}
        (call,) = [
            call for part in ran["client"].chat(**asked) for call in part["message"].get("tool_calls") or ()
        ]
        history.append({"role": "assistant", "tool_calls": [call]})
        result = ran.mail(**call["function"]["arguments"])
        history.append({"role": "tool", "tool_name": "mail", "content": result})
        told.append("".join(part["message"]["content"] for part in ran["client"].chat(**asked)))
        history.append({"role": "assistant", "content": told[-1]})
    ran.judge(*told)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # its own, of Pydantic
def test_cohere(recipe: Any) -> None:
    pytest.importorskip("cohere")
    ran = recipe("Cohere")
    history: list[Any] = []
    told = []

    def events() -> list[Any]:
        return list(ran["client"].chat_stream(model="m", messages=history, tools=[TOOL]))

    for text in (ASKED, AGAIN):
        history.append({"role": "user", "content": text})
        asked = events()
        calls = [
            event.delta.message.tool_calls
            for event in asked
            if event.type.startswith("tool-call-") and event.type != "tool-call-end"
        ]
        source = "".join(call.function.arguments for call in calls)
        plan = "".join(event.delta.message.tool_plan for event in asked if event.type == "tool-plan-delta")
        assert plan == f"I mail {text}"
        function = {"name": "mail", "arguments": source}
        call = {"id": calls[0].id, "type": "function", "function": function}
        history.append({"role": "assistant", "tool_plan": plan, "tool_calls": [call]})
        result = ran.mail(**json.loads(source))
        history.append({"role": "tool", "tool_call_id": call["id"], "content": result})
        said = [event.delta.message.content.text for event in events() if event.type == "content-delta"]
        told.append("".join(said))
        history.append({"role": "assistant", "content": told[-1]})
    ran.judge(*told)
