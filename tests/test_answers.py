"""Whole answers: dicts, objects and bytes, in the formats of the streams."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

import oracle
from holdback import DeanonymizationConfig, HoldbackError, TrieMatcher
from holdback.formats import FORMATS
from holdback.restorers.answers import restore_answer
from json_oracle import JsonOracle
from recorded import MAP, changes, chunks_of, heard, through

P, E, N, A = "<PERSON_10>", "<EMAIL_1>", "<NOTE_1>", "<ADDRESS_1>"
TEXT = f'To {P}, <PERSON_1> <{E} at "{A}" <PERS'
SOURCE = json.dumps({P: [N, json.dumps({"deep": A})], "n": 1})
OPAQUE = {"id": P, "model": P, "vendor": {"who": P}, "usage": {"total": 1}}

# An answer of each format, and what there is text: by the path to it, J for JSON source, O for an object.
ANSWERS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "openai-chat": (
        {
            "object": "chat.completion",
            "choices": [
                {
                    "index": 0,
                    "finish_reason": "stop",
                    "message": {
                        "role": "assistant",
                        "content": TEXT,
                        "refusal": TEXT,
                        "reasoning_content": TEXT,
                        "reasoning": TEXT,
                        "thinking_blocks": [{"type": "thinking", "thinking": TEXT, "signature": P}],
                        "tool_calls": [
                            {"id": P, "type": "function", "function": {"name": P, "arguments": SOURCE}},
                            {"id": P, "type": "custom", "custom": {"name": P, "input": SOURCE}},
                        ],
                        "function_call": {"name": P, "arguments": SOURCE},
                        "audio": {"id": P, "data": P, "transcript": TEXT},
                        "annotations": [
                            {"type": "url_citation", "url_citation": {"title": TEXT, "url": TEXT}}
                        ],
                    },
                    "logprobs": {"content": [{"token": P}]},
                },
                {
                    "index": 1,
                    "message": {
                        "content": [
                            {"type": "text", "text": TEXT},
                            {"type": "image_url", "image_url": {"url": P}},
                            TEXT,
                        ]
                    },
                },
            ],
        },
        {
            "choices.message.content": "",
            "choices.message.content.text": "",
            "choices.message.refusal": "",
            "choices.message.reasoning_content": "",
            "choices.message.reasoning": "",
            "choices.message.tool_calls.function.arguments": "J",
            "choices.message.tool_calls.custom.input": "",
            "choices.message.function_call.arguments": "J",
            "choices.message.audio.transcript": "",
            "choices.message.annotations.url_citation.title": "",
            "choices.message.annotations.url_citation.url": "",
        },
    ),
    "openai-text": (
        {
            "object": "text_completion",
            "choices": [{"index": 0, "text": TEXT, "logprobs": {"tokens": [P], "top_logprobs": [{P: 1}]}}],
        },
        {"choices.text": ""},
    ),
    "openai-responses": (
        {
            "object": "response",
            "instructions": TEXT,
            "metadata": {"who": P},
            "tools": [{"name": P, "description": TEXT}],
            "output": [
                {"type": "reasoning", "id": P, "summary": [{"type": "summary_text", "text": TEXT}]},
                {
                    "type": "message",
                    "id": P,
                    "content": [
                        {"type": "output_text", "text": TEXT, "annotations": [{"title": TEXT, "file_id": P}]},
                        {"type": "refusal", "refusal": TEXT},
                    ],
                },
                {"type": "function_call", "call_id": P, "name": P, "arguments": SOURCE},
            ],
        },
        {
            "output.content.text": "",
            "output.content.refusal": "",
            "output.content.annotations.title": "",
            "output.arguments": "J",
        },
    ),
    "anthropic": (
        {
            "type": "message",
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": TEXT, "signature": P},
                {"type": "redacted_thinking", "data": P},
                {"type": "text", "text": TEXT, "citations": [{"cited_text": TEXT, "encrypted_index": P}]},
                {"type": "tool_use", "id": P, "name": P, "input": json.loads(SOURCE)},
            ],
            "stop_reason": "tool_use",
            "stop_sequence": None,
        },
        {"content.text": "", "content.citations.cited_text": "", "content.input": "O"},
    ),
    "gemini": (
        {
            "candidates": [
                {
                    "index": 0,
                    "content": {
                        "role": "model",
                        "parts": [
                            {"text": TEXT, "thought": True},
                            {"text": TEXT, "thoughtSignature": P},
                            {"functionCall": {"id": P, "name": P, "args": json.loads(SOURCE)}},
                            {"inlineData": {"data": P}},
                        ],
                    },
                    "finishReason": "STOP",
                    "finishMessage": TEXT,
                }
            ]
        },
        {
            "candidates.content.parts.text": "",
            "candidates.content.parts.functionCall.args": "O",
            "candidates.finishMessage": "",
        },
    ),
    "ollama": (
        {
            "created_at": "t",
            "message": {
                "role": "assistant",
                "content": TEXT,
                "thinking": TEXT,
                "images": [P],
                "tool_calls": [{"function": {"name": P, "arguments": json.loads(SOURCE)}}],
            },
            "done": True,
        },
        {
            "message.content": "",
            "message.thinking": "",
            "message.tool_calls.function.arguments": "O",
        },
    ),
}
ANSWERS["cohere"] = (
    {
        "id": P,
        "finish_reason": "COMPLETE",
        "message": {
            "role": "assistant",
            "content": [{"type": "thinking", "thinking": TEXT}, {"type": "text", "text": TEXT}],
            "tool_plan": TEXT,
            "tool_calls": [{"id": P, "type": "function", "function": {"name": P, "arguments": SOURCE}}],
            "citations": [
                {
                    "start": 0,
                    "end": 4,
                    "text": TEXT,
                    "sources": [
                        {"type": "document", "id": P, "document": json.loads(SOURCE)},
                        {"type": "tool", "id": P, "tool_output": json.loads(SOURCE)},
                    ],
                }
            ],
        },
    },
    {
        "message.content.text": "",
        "message.content.thinking": "",
        "message.tool_plan": "",
        "message.tool_calls.function.arguments": "J",
        "message.citations.text": "",
        "message.citations.sources.document": "O",
        "message.citations.sources.tool_output": "O",
    },
)
ANSWERS["ui-message-stream"] = (
    {
        "role": "assistant",
        "parts": [
            {"type": "step-start"},
            {"type": "reasoning", "text": TEXT, "providerMetadata": {"x": {"signature": P}}},
            {"type": "text", "text": TEXT, "state": "done"},
            {"type": "tool-f", "toolCallId": P, "input": json.loads(SOURCE), "output": {"said": TEXT}},
            {"type": "tool-g", "toolCallId": P, "input": {}, "errorText": TEXT},
            {"type": "source-url", "sourceId": P, "url": TEXT, "title": TEXT},
            {"type": "file", "mediaType": "image/png"},
            {"type": "data-x", "data": {"who": P}},
        ],
    },
    {
        "parts.text": "",
        "parts.input": "O",
        "parts.output": "O",
        "parts.errorText": "",
        "parts.url": "",
        "parts.title": "",
    },
)
ANSWERS["ag-ui"] = (
    {
        "threadId": P,
        "runId": P,
        "state": {"who": P},
        "messages": [
            {
                "role": "user",
                "id": P,
                "content": [{"type": "text", "text": TEXT}, {"type": "image", "source": P}],
            },
            {
                "role": "assistant",
                "id": P,
                "content": TEXT,
                "encryptedValue": P,
                "toolCalls": [{"id": P, "type": "function", "function": {"name": P, "arguments": SOURCE}}],
            },
            {"role": "tool", "id": P, "content": TEXT, "error": TEXT},
        ],
    },
    {
        "messages.content": "",
        "messages.content.text": "",
        "messages.error": "",
        "messages.toolCalls.function.arguments": "J",
    },
)
ANSWERS["openai-realtime"] = (
    {
        "object": "realtime.response",
        "output": [
            {"type": "message", "id": P, "content": [{"type": "output_text", "text": TEXT}]},
            {
                "type": "message",
                "id": P,
                "content": [{"type": "output_audio", "transcript": TEXT, "audio": P}],
            },
            {"type": "function_call", "id": P, "name": P, "call_id": P, "arguments": SOURCE},
        ],
    },
    {"output.content.text": "", "output.content.transcript": "", "output.arguments": "J"},
)
ANSWERS["bedrock"] = (
    {
        "output": {
            "message": {
                "role": "assistant",
                "content": [
                    {"reasoningContent": {"reasoningText": {"text": TEXT, "signature": P}}},
                    {"text": TEXT},
                    {"toolUse": {"toolUseId": P, "name": P, "input": json.loads(SOURCE)}},
                    {
                        "toolResult": {
                            "toolUseId": P,
                            "content": [{"text": TEXT}, {"json": json.loads(SOURCE)}],
                        }
                    },
                    {
                        "citationsContent": {
                            "content": [{"text": TEXT}],
                            "citations": [
                                {"title": TEXT, "sourceContent": [{"text": TEXT}], "location": {"x": P}}
                            ],
                        }
                    },
                ],
            }
        },
        "stopReason": "tool_use",
    },
    {
        "output.message.content.text": "",
        "output.message.content.toolUse.input": "O",
        "output.message.content.toolResult.content.text": "",
        "output.message.content.toolResult.content.json": "O",
        "output.message.content.citationsContent.content.text": "",
        "output.message.content.citationsContent.citations.title": "",
        "output.message.content.citationsContent.citations.sourceContent.text": "",
    },
)
GENERATED = {**OPAQUE, "response": TEXT, "thinking": TEXT, "context": [1], "done": True}


def expected(node: Any, places: dict[str, str], path: str = "") -> Any:
    """The answer with the oracles' text at those places."""
    kind = places.get(path)
    if isinstance(node, str) and kind is not None:
        return JsonOracle(MAP).restore(node) if kind == "J" else oracle.restore(MAP, node)
    if kind == "O":
        return json.loads(JsonOracle(MAP).restore(json.dumps(node)))
    if isinstance(node, dict):
        return {name: expected(node[name], places, f"{path}.{name}".lstrip(".")) for name in node}
    return [expected(item, places, path) for item in node] if isinstance(node, list) else node


def answer_of(protocol: str) -> dict[str, Any]:
    return {**OPAQUE, **ANSWERS[protocol][0]}


@pytest.mark.parametrize("named", [True, False], ids=["named", "auto"])
@pytest.mark.parametrize("protocol", ANSWERS)
def test_an_answer_is_restored_where_its_text_is(protocol: str, named: bool, backend: str) -> None:
    answer, places = answer_of(protocol), ANSWERS[protocol][1]
    before = copy.deepcopy(answer)
    out = restore_answer(answer, MAP, protocol=protocol if named else "auto")
    assert answer == before, "the caller's answer was changed"
    assert out == expected(answer, places)
    assert {place.partition(".args.")[0] for place in changes(answer, out)} != set()


def test_what_ollama_generates() -> None:
    assert restore_answer(GENERATED, MAP) == expected(GENERATED, {"response": "", "thinking": ""})


@pytest.mark.parametrize("protocol", ANSWERS)
@pytest.mark.parametrize("ascii_only", [True, False], ids=["ascii", "raw"])
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_the_bytes_of_an_answer(protocol: str, ascii_only: bool, kind: Any, backend: str) -> None:
    source = json.dumps(answer_of(protocol), ensure_ascii=ascii_only, indent=1).encode()
    out = restore_answer(kind(source), MAP)
    assert type(out) is kind
    assert json.loads(bytes(out)) == restore_answer(answer_of(protocol), MAP)


def test_of_bytes_only_the_literals_differ() -> None:
    source = (
        '\ufeff{ "object" : "chat.completion", "n": 1.0, "e": 1E5, "big": 123456789012345678901234567890,\r\n'
        ' "a": 1, "a": 2, "s": "a\\/b <PERSON_10>",\t"choices": [ '
        '{"message":{"content": "\\u003CPERSON_10> \\/"}}, {"message": {"content": null,'
        ' "tool_calls":[{"function":{"arguments":"{\\"to\\": \\"<PERSON_10>\\"}"}}]}} ] } \n'
    ).encode()
    content, argument = b'"\\u003CPERSON_10> \\/"', b'\\"<PERSON_10>\\"'
    assert source.count(content) == source.count(argument) == 1
    expected = source.replace(content, b'"Grace /"').replace(argument, b'\\"Grace\\"')
    assert restore_answer(source, MAP) == expected


def test_objects_in_bytes_keep_their_own_spelling() -> None:
    tool_use = b'{"type":"tool_use","input": { "n":1.0, "a" : ["\\u003cPERSON_10>"] }}'
    source = b'{"type":"message","content":[' + tool_use + b"]}"
    assert restore_answer(source, MAP) == source.replace(b"\\u003cPERSON_10>", b"Grace")


@pytest.mark.parametrize("protocol", ANSWERS)
def test_an_unchanged_answer_is_the_same_object(protocol: str) -> None:
    answer = answer_of(protocol)
    assert restore_answer(answer, {"<NOT_THERE>": "x"}) is answer
    source = json.dumps(answer).encode()
    assert restore_answer(source, {"<NOT_THERE>": "x"}) is source


@pytest.mark.parametrize(
    "answer", [ANSWERS["gemini"][0], b'{"choices":[{"message":{"content":"<PERSON_10>"}}]}'], ids=type
)
def test_nothing_is_restored_without_a_mapping_or_with_a_config_that_says_so(answer: Any) -> None:
    for mapping, config in ((None, None), ({}, None), (MAP, DeanonymizationConfig(enabled=False))):
        assert restore_answer(answer, mapping, config) is answer


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"error": {"message": "<PERSON_1>"}},
        {"object": "list", "data": [{"text": "<PERSON_1>"}]},
        {"object": "chat.completion", "choices": None},
        {"object": "response", "output": None},
        {"choices": [{"message": None}]},
        {"type": "message", "content": "<PERSON_1>"},
        b"",
        b"<PERSON_1>",
        b'["<PERSON_1>"]',
        b'"<PERSON_1>"',
        b'{"choices":[{"message":{"content":"<PERSON_1>"',
        b'{"choices":[{"text":"\xff<PERSON_1>"}]}',
        b"[" * 100_000,
    ],
    ids=lambda answer: str(answer)[:60],
)
def test_what_is_no_answer_of_ours_passes(answer: Any) -> None:
    assert restore_answer(answer, MAP) is answer


@pytest.mark.parametrize("answer", [None, "text", 7, [{"choices": []}]])
def test_what_cannot_be_an_answer_is_a_type_error(answer: Any) -> None:
    with pytest.raises(TypeError, match=rf"not {type(answer).__name__}$"):
        restore_answer(answer, MAP)


@pytest.mark.parametrize("name", ["nope", ["openai-chat"], None])
def test_an_unknown_protocol_is_an_error(name: Any) -> None:
    with pytest.raises(ValueError, match="known are: ") as caught:
        restore_answer({}, MAP, protocol=name)
    assert isinstance(caught.value, HoldbackError)


def test_signed_text_is_restored_on_demand() -> None:
    config = DeanonymizationConfig(reasoning=True)
    anthropic = restore_answer(answer_of("anthropic"), MAP, config)
    assert anthropic["content"][0] == {
        "type": "thinking",
        "thinking": oracle.restore(MAP, TEXT),
        "signature": P,
    }
    responses = restore_answer(answer_of("openai-responses"), MAP, config)
    assert responses["output"][0]["summary"][0]["text"] == oracle.restore(MAP, TEXT)


def test_a_lone_surrogate_in_bytes_stays_escaped() -> None:
    source = b'{"choices":[{"text":"\\ud83d <A>"}]}'
    assert restore_answer(source, {"<A>": "\udc00"}) == b'{"choices":[{"text":"\\ud83d \\udc00"}]}'


# ---------------------------------------------------------------- the same text as the stream, and objects


def test_an_answer_equals_its_stream() -> None:
    """The whole that a Responses stream ends with is the answer of the same request."""
    events = chunks_of("openai-responses-tools.sse")
    answer = events[-1]["response"]
    assert restore_answer(answer, MAP) == through("openai-responses", events)[-1]["response"]
    said = heard(through("openai-responses", events))
    assert restore_answer(answer, MAP)["output"][1]["arguments"] in said.values()


def test_every_protocol_has_an_answer_here() -> None:
    assert set(ANSWERS) == set(FORMATS)
    assert TrieMatcher(MAP).replace(TEXT) == oracle.restore(MAP, TEXT)


SDK = {
    "openai-chat": ("openai.types.chat", "ChatCompletion"),
    "openai-text": ("openai.types", "Completion"),
    "openai-responses": ("openai.types.responses", "Response"),
    "anthropic": ("anthropic.types", "Message"),
    "gemini": ("google.genai.types", "GenerateContentResponse"),
    "ollama": ("ollama", "ChatResponse"),
    "cohere": ("cohere", "V2ChatResponse"),
}


@pytest.mark.sdk
@pytest.mark.parametrize("protocol", SDK)
def test_objects_of_the_sdk(protocol: str) -> None:
    module, name = SDK[protocol]
    kind = getattr(pytest.importorskip(module), name)
    node = copy.deepcopy(ANSWERS[protocol][0])
    if protocol == "gemini":
        parts = node["candidates"][0]["content"]["parts"]
        node["candidates"][0] = {
            **node["candidates"][0],
            "content": {"parts": [parts[0], {"text": TEXT}, parts[2]]},
        }
    node.get("message", {}).pop("images", None)  # no base64, as it is here to be recognised
    # OpenAI and Anthropic build without validation, the others with it.
    answer = kind.construct(**node) if hasattr(kind, "to_dict") else kind.model_validate(node)
    before = dump(answer)
    out = restore_answer(answer, MAP, protocol=protocol)
    assert type(out) is kind
    assert dump(answer) == before, "the caller's answer was changed"
    assert json.loads(dump(out)) == restore_answer(json.loads(before), MAP, protocol=protocol)
    assert dump(out) != before


def dump(answer: Any) -> str:
    return str(answer.model_dump_json(by_alias=True, exclude_unset=True, warnings=False))
