"""The types of what providers send, read from their SDKs: by wire format, the events of a stream and whole answers."""

from __future__ import annotations

import importlib
from typing import Any, Literal, NamedTuple, TypedDict


class Root(NamedTuple):
    """A type to walk."""

    name: str
    protocol: str
    module: str
    attribute: str
    is_answer: bool = False

    def load(self) -> Any:
        return getattr(importlib.import_module(self.module), self.attribute)


class ReasoningDetail(TypedDict, total=False):
    """OpenRouter's; which member it has goes by its type."""

    type: Literal["reasoning.text"]
    text: str
    signature: str
    id: str
    format: str


class ReasoningSummary(TypedDict, total=False):
    type: Literal["reasoning.summary"]
    summary: str
    id: str


class ReasoningEncrypted(TypedDict, total=False):
    type: Literal["reasoning.encrypted"]
    data: str
    id: str


class ReasoningText(TypedDict, total=False):
    text: str
    signature: str


class Delta(TypedDict, total=False):
    """What providers that speak OpenAI's format add to it: no SDK has types of that."""

    reasoning: str | list[ReasoningText]
    reasoning_content: str | ReasoningText
    reasoning_text: str
    reasoning_details: list[ReasoningDetail | ReasoningSummary | ReasoningEncrypted]


class Choice(TypedDict, total=False):
    index: int
    delta: Delta


class ChunkOfOthers(TypedDict):
    object: Literal["chat.completion.chunk"]
    choices: list[Choice]


class MessageChoice(TypedDict, total=False):
    index: int
    message: Delta


class AnswerOfOthers(TypedDict):
    object: Literal["chat.completion"]
    choices: list[MessageChoice]


class CitationSource(TypedDict, total=False):
    startIndex: int
    endIndex: int
    uri: str
    license: str


class CitationMetadata(TypedDict, total=False):
    citationSources: list[CitationSource]


class Candidate(TypedDict, total=False):
    index: int
    citationMetadata: CitationMetadata


class GeminiOnTheWire(TypedDict):
    """Where Gemini's wire has other names than its SDK."""

    candidates: list[Candidate]


class DiffDelta(TypedDict):
    """OpenAI's documentation has these two, its SDK has not."""

    type: Literal["response.apply_patch_call_operation_diff.delta"]
    item_id: str
    output_index: int
    delta: str
    sequence_number: int


class DiffDone(TypedDict):
    type: Literal["response.apply_patch_call_operation_diff.done"]
    item_id: str
    output_index: int
    diff: str
    sequence_number: int


ResponsesOnTheWire = DiffDelta | DiffDone


CHAT, TEXT, RESPONSES = "openai-chat", "openai-text", "openai-responses"
ROOTS = (
    Root("openai chunk", CHAT, "openai.types.chat", "ChatCompletionChunk"),
    Root("openai completion", CHAT, "openai.types.chat", "ChatCompletion", is_answer=True),
    Root("mistral chunk", CHAT, "mistralai.client.models", "CompletionChunk"),
    Root("mistral completion", CHAT, "mistralai.client.models", "ChatCompletionResponse", is_answer=True),
    Root("others' chunk", CHAT, __name__, "ChunkOfOthers"),
    Root("others' completion", CHAT, __name__, "AnswerOfOthers", is_answer=True),
    Root("text chunk", TEXT, "openai.types", "Completion"),
    Root("text completion", TEXT, "openai.types", "Completion", is_answer=True),
    Root("responses", RESPONSES, "openai.types.responses", "ResponseStreamEvent"),
    Root("response", RESPONSES, "openai.types.responses", "Response", is_answer=True),
    Root("responses wire", RESPONSES, __name__, "ResponsesOnTheWire"),
    Root("anthropic", "anthropic", "anthropic.types", "RawMessageStreamEvent"),
    Root("message", "anthropic", "anthropic.types", "Message", is_answer=True),
    Root("anthropic beta", "anthropic", "anthropic.types.beta", "BetaRawMessageStreamEvent"),
    Root("message beta", "anthropic", "anthropic.types.beta", "BetaMessage", is_answer=True),
    Root("gemini chunk", "gemini", "google.genai.types", "GenerateContentResponse"),
    Root("gemini answer", "gemini", "google.genai.types", "GenerateContentResponse", is_answer=True),
    Root("gemini wire", "gemini", __name__, "GeminiOnTheWire"),
    Root("gemini wire answer", "gemini", __name__, "GeminiOnTheWire", is_answer=True),
    Root("ollama chat", "ollama", "ollama", "ChatResponse"),
    Root("ollama chat answer", "ollama", "ollama", "ChatResponse", is_answer=True),
    Root("ollama generate", "ollama", "ollama", "GenerateResponse"),
    Root("ollama generate answer", "ollama", "ollama", "GenerateResponse", is_answer=True),
    Root("cohere", "cohere", "cohere", "V2ChatStreamResponse"),
    Root("cohere answer", "cohere", "cohere", "V2ChatResponse", is_answer=True),
    Root("realtime", "openai-realtime", "openai.types.realtime", "RealtimeServerEvent"),
    Root("realtime answer", "openai-realtime", "openai.types.realtime", "RealtimeResponse", is_answer=True),
    Root("ag-ui", "ag-ui", "ag_ui.core.events", "Event"),
    Root("bedrock", "bedrock", "botocore_types", "ConverseStreamOutput"),
    Root("bedrock answer", "bedrock", "botocore_types", "ConverseResponse", is_answer=True),
)
