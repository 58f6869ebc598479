"""What the requests of several formats have in common: tools and schemas, blocks and messages.

``requests.py`` has the formats, and says how the shapes are to be read.
"""

from __future__ import annotations

import re

from holdback.masking.shapes import (
    DATA,
    ENCODED,
    KEPT,
    NAME,
    OTHERS,
    SIGNED,
    TEXT,
    By,
    Either,
    Shape,
)

Object = dict[str, Shape]


def kept(*names: str) -> Object:
    """Members that are no text."""
    return dict.fromkeys(names, KEPT)


def both_spellings(shape: Object) -> Object:
    """The members in the spelling of Google's wire, and in that of its Python SDK."""
    snake = {re.sub("(?<=[a-z])([A-Z])", r"_\1", name).lower(): inner for name, inner in shape.items()}
    return {**shape, **snake}


# ---------------------------------------------------------------- tools and schemas

SCHEMA: Object = kept("type", "format", "required", "$ref", "$id", "$schema", "$anchor", "propertyOrdering")
SCHEMA |= {
    **dict.fromkeys(("enum", "const", "default", "example", "examples"), TEXT),
    **{name: {OTHERS: SCHEMA} for name in ("properties", "patternProperties", "$defs", "definitions")},
    "dependentRequired": {OTHERS: KEPT},
    "dependentSchemas": {OTHERS: SCHEMA},
    OTHERS: SCHEMA,  # descriptions are strings, which are text; everything else is a schema again
}
"""A JSON schema: the names of its properties and its keywords stay; descriptions, titles, examples, enumerations and
whatever else it says are text."""

FORMAT: Object = {
    **kept("type", "name", "syntax"),
    "description": TEXT,
    "schema": SCHEMA,
    "definition": TEXT,
}
FORMAT |= {"json_schema": {**SCHEMA, **FORMAT}, "grammar": FORMAT}
"""The form that an answer, or the input of a tool, is to have. Cohere's ``json_schema`` is the schema itself."""

DECLARATION: Object = both_spellings({
    **kept("name", "behavior"),
    "description": TEXT,
    **dict.fromkeys(
        ("parameters", "parametersJsonSchema", "response", "responseJsonSchema", "inputSchema"), SCHEMA
    ),
    "format": FORMAT,
})  # fmt: skip
"""What all formats say of a tool: its name, what it is for, and the schema of its arguments."""

CACHE: Object = kept("type", "ttl")
NAMES = Either(KEPT, {"tool_names": KEPT, "always": {"tool_names": KEPT}, "never": {"tool_names": KEPT}})

TOOL: Object = {
    **kept("type", "server_label", "connector_id", "vector_store_ids", "environment", "display_mode"),
    **kept("authorization", "model", "quality", "size", "background", "moderation", "output_format"),
    **kept("search_context_size", "mcp_server_name", "file_ids", "input_fidelity", "action"),
    **DECLARATION,
    "function": DECLARATION,
    "custom": DECLARATION,
    "functionDeclarations": [DECLARATION],
    "function_declarations": [DECLARATION],
    "headers": {OTHERS: KEPT},
    "allowed_tools": NAMES,
    "require_approval": NAMES,
    "container": Either(KEPT, kept("type", "file_ids", "memory_limit")),
    "cache_control": CACHE,
    "allowed_callers": KEPT,
    "input_examples": DATA,
}
TOOL["tools"] = [TOOL]
"""A tool that the model may call, in any format. Credentials for a tool that the provider calls stay."""

CHOICE = Either(
    KEPT,
    {
        **kept("type", "name", "mode", "server_label"),
        "function": kept("name"),
        "custom": kept("name"),
        "tools": [{**kept("type", "name", "server_label"), "function": kept("name")}],
        "allowed_tools": {**kept("mode"), "tools": [{**kept("type", "name"), "function": kept("name")}]},
    },
)
"""Which tool the model must call."""

# ---------------------------------------------------------------- blocks and messages

CITATION: Object = kept("type", "file_id", "encrypted_index", "container_id")
SOURCE: Object = {**kept("type", "media_type", "file_id"), "data": TEXT, "url": ENCODED}
ADDRESS = Either(ENCODED, {"url": ENCODED, "detail": KEPT, "format": KEPT})

CONVERSE_SOURCE: Object = {"bytes": ENCODED, "s3Location": kept("uri", "bucketOwner"), "text": TEXT}
"""Where media of Bedrock's Converse come from."""

BLOCK: Object = {
    **kept("type", "id", "tool_use_id", "name", "tool_name", "server_name", "file_id", "detail", "status"),
    **kept("signature", "encrypted_content", "encrypted_stdout", "media_type", "error_code", "phase"),
    "text": TEXT,
    "refusal": TEXT,
    "title": TEXT,
    "input": DATA,
    "thinking": SIGNED,
    "citations": [CITATION],
    "annotations": [CITATION],
    "image_url": ADDRESS,
    "video_url": ADDRESS,
    "input_audio": {"data": ENCODED, "format": KEPT},
    "file": {"file_data": ENCODED, "file_id": KEPT, "filename": TEXT},
    "file_data": ENCODED,
    "filename": TEXT,
    "caller": kept("type", "tool_id"),
    "cache_control": CACHE,
    "tool_references": [kept("type", "tool_name")],
    "document": {
        **kept("id", "format"),
        "data": DATA,
        "name": TEXT,
        "context": TEXT,
        "source": CONVERSE_SOURCE,
    },
    "image": {"format": KEPT, "source": CONVERSE_SOURCE},
    "video": {"format": KEPT, "source": CONVERSE_SOURCE},
    "audio": {"format": KEPT, "source": CONVERSE_SOURCE},
    "toolUse": {**kept("toolUseId", "name", "type"), "input": DATA},
    "json": DATA,
    "reasoningContent": {
        "reasoningText": {"text": SIGNED, "signature": KEPT},
        "redactedContent": ENCODED,
    },
    "cachePoint": CACHE,
}
COMPACTION: Object = {
    **kept("type", "encrypted_content", "signature"),
    "content": SIGNED,
    "cache_control": CACHE,
}
REDACTED: Object = {"type": KEPT, "data": ENCODED}
CONTENT = By("type", {"compaction": COMPACTION, "redacted_thinking": REDACTED}, BLOCK)
"""A block or part of a message's content."""
BLOCK["content"] = SOURCE["content"] = CONVERSE_SOURCE["content"] = [CONTENT]
BLOCK["toolResult"] = {**kept("toolUseId", "status", "type"), "content": [CONTENT]}
BLOCK["source"] = By("type", {"base64": {**SOURCE, "data": ENCODED}}, SOURCE)

FUNCTION: Object = {**kept("name", "thought_signature"), "arguments": DATA}
SIGNATURES: Object = kept("thought_signature", "thought_signatures", "signature")

CALL: Object = {
    **kept("id", "type"),
    "function": FUNCTION,
    "custom": {"name": KEPT, "input": TEXT},
    "provider_specific_fields": SIGNATURES,
    "extra_content": {"google": SIGNATURES},
}

SPEAKER: Object = {
    **kept("role", "id", "type", "tool_call_id", "tool_name", "status", "phase"),
    "name": NAME,
    "content": [CONTENT],
    "refusal": TEXT,
    "reasoning_content": TEXT,
    "reasoning": TEXT,
    "reasoning_details": [
        {**kept("type", "id", "format", "signature", "data"), "text": SIGNED, "summary": SIGNED}
    ],
    "thinking": TEXT,
    "thinking_blocks": [CONTENT],
    "tool_calls": [CALL],
    "function_call": FUNCTION,
    "audio": {**kept("id", "format"), "data": ENCODED, "transcript": TEXT},
    "images": [Either(ENCODED, {"type": KEPT, "image_url": ADDRESS})],
    "annotations": [{"type": KEPT, "url_citation": {"title": TEXT, "url": TEXT}}],
    "citations": [{"type": KEPT, "sources": [{**kept("type", "id"), "tool_output": DATA, "document": DATA}]}],
    "provider_specific_fields": SIGNATURES,
    "cache_control": CACHE,
}
TOOL_SPEAKS: Object = {**SPEAKER, "name": KEPT}
MESSAGE = By("role", {"function": TOOL_SPEAKS, "tool": TOOL_SPEAKS}, SPEAKER)
"""A message of chat, Anthropic or Ollama. The name of a tool that answers stays, that of a person does not."""
