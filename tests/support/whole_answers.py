"""A whole answer of each format, and where its text is."""

from __future__ import annotations

import json
from typing import Any

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
