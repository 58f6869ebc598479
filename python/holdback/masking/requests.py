"""The requests of the formats: what in them is no text, and what text is read in a way of its own.

One shape for each format. The page docs/masking.md shows them as tables, which a test compares with this file. What
stands in several formats is one shape here: a message, a block, an item, a tool, a JSON schema. So a request that is
taken for another format's is masked alike below its own fields, and ``"auto"`` is simply the fields of all formats.

Places that hold numbers or booleans alone are not named: only strings are masked outside documents.
"""

from __future__ import annotations

import re

from holdback.masking.shapes import (
    DATA,
    EARLIER,
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


def _kept(*names: str) -> Object:
    return dict.fromkeys(names, KEPT)


def _both_spellings(shape: Object) -> Object:
    """The members in the spelling of Google's wire, and in that of its Python SDK."""
    snake = {re.sub("(?<=[a-z])([A-Z])", r"_\1", name).lower(): inner for name, inner in shape.items()}
    return {**shape, **snake}


# ---------------------------------------------------------------- tools and schemas

SCHEMA: Object = _kept("type", "format", "required", "$ref", "$id", "$schema", "$anchor", "propertyOrdering")
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
    **_kept("type", "name", "syntax"),
    "description": TEXT,
    "schema": SCHEMA,
    "definition": TEXT,
}
FORMAT |= {"json_schema": FORMAT, "grammar": FORMAT}
"""The form that an answer, or the input of a tool, is to have."""

DECLARATION: Object = _both_spellings({
    **_kept("name", "behavior"),
    "description": TEXT,
    **dict.fromkeys(
        ("parameters", "parametersJsonSchema", "response", "responseJsonSchema", "inputSchema"), SCHEMA
    ),
    "format": FORMAT,
})  # fmt: skip
"""What all formats say of a tool: its name, what it is for, and the schema of its arguments."""

CACHE: Object = _kept("type", "ttl")
NAMES = Either(KEPT, {"tool_names": KEPT, "always": {"tool_names": KEPT}, "never": {"tool_names": KEPT}})

TOOL: Object = {
    **_kept("type", "server_label", "connector_id", "vector_store_ids", "environment", "display_mode"),
    **_kept("authorization", "model", "quality", "size", "background", "moderation", "output_format"),
    **_kept("search_context_size", "mcp_server_name", "file_ids", "input_fidelity", "action"),
    **DECLARATION,
    "function": DECLARATION,
    "custom": DECLARATION,
    "functionDeclarations": [DECLARATION],
    "function_declarations": [DECLARATION],
    "headers": {OTHERS: KEPT},
    "allowed_tools": NAMES,
    "require_approval": NAMES,
    "container": Either(KEPT, _kept("type", "file_ids", "memory_limit")),
    "cache_control": CACHE,
    "allowed_callers": KEPT,
    "input_examples": DATA,
}
TOOL["tools"] = [TOOL]
"""A tool that the model may call, in any format. Credentials for a tool that the provider calls stay."""

CHOICE = Either(
    KEPT,
    {
        **_kept("type", "name", "mode", "server_label"),
        "function": _kept("name"),
        "custom": _kept("name"),
        "tools": [{**_kept("type", "name", "server_label"), "function": _kept("name")}],
        "allowed_tools": {**_kept("mode"), "tools": [{**_kept("type", "name"), "function": _kept("name")}]},
    },
)
"""Which tool the model must call."""

# ---------------------------------------------------------------- blocks and messages

CITATION: Object = _kept("type", "file_id", "encrypted_index", "container_id")
SOURCE: Object = {**_kept("type", "media_type", "file_id"), "data": TEXT, "url": ENCODED}
ADDRESS = Either(ENCODED, {"url": ENCODED, "detail": KEPT, "format": KEPT})

BLOCK: Object = {
    **_kept("type", "id", "tool_use_id", "name", "tool_name", "server_name", "file_id", "detail", "status"),
    **_kept("signature", "encrypted_content", "encrypted_stdout", "media_type", "error_code", "phase"),
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
    "caller": _kept("type", "tool_id"),
    "cache_control": CACHE,
    "tool_references": [_kept("type", "tool_name")],
}
COMPACTION: Object = {
    **_kept("type", "encrypted_content", "signature"),
    "content": SIGNED,
    "cache_control": CACHE,
}
REDACTED: Object = {"type": KEPT, "data": ENCODED}
CONTENT = By("type", {"compaction": COMPACTION, "redacted_thinking": REDACTED}, BLOCK)
"""A block or part of a message's content."""
BLOCK["content"] = SOURCE["content"] = [CONTENT]
BLOCK["source"] = By("type", {"base64": {**SOURCE, "data": ENCODED}}, SOURCE)

FUNCTION: Object = {**_kept("name", "thought_signature"), "arguments": DATA}
SIGNATURES: Object = _kept("thought_signature", "thought_signatures", "signature")

CALL: Object = {
    **_kept("id", "type"),
    "function": FUNCTION,
    "custom": {"name": KEPT, "input": TEXT},
    "provider_specific_fields": SIGNATURES,
    "extra_content": {"google": SIGNATURES},
}

SPEAKER: Object = {
    **_kept("role", "id", "type", "tool_call_id", "tool_name", "status", "phase"),
    "name": NAME,
    "content": [CONTENT],
    "refusal": TEXT,
    "reasoning_content": TEXT,
    "reasoning": TEXT,
    "reasoning_details": [
        {**_kept("type", "id", "format", "signature", "data"), "text": SIGNED, "summary": SIGNED}
    ],
    "thinking": TEXT,
    "thinking_blocks": [CONTENT],
    "tool_calls": [CALL],
    "function_call": FUNCTION,
    "audio": {**_kept("id", "format"), "data": ENCODED, "transcript": TEXT},
    "images": [Either(ENCODED, {"type": KEPT, "image_url": ADDRESS})],
    "annotations": [{"type": KEPT, "url_citation": {"title": TEXT, "url": TEXT}}],
    "provider_specific_fields": SIGNATURES,
    "cache_control": CACHE,
}
TOOL_SPEAKS: Object = {**SPEAKER, "name": KEPT}
MESSAGE = By("role", {"function": TOOL_SPEAKS, "tool": TOOL_SPEAKS}, SPEAKER)
"""A message of chat, Anthropic or Ollama. The name of a tool that answers stays, that of a person does not."""

# ---------------------------------------------------------------- the Responses API

ITEM_FIELDS: Object = {
    **_kept("type", "id", "call_id", "role", "status", "phase", "name", "namespace", "server_label"),
    **_kept("container_id", "fingerprint", "approval_request_id", "encrypted_content", "execution"),
    "content": [CONTENT],
    "summary": [CONTENT],
    "arguments": DATA,
    "output": [CONTENT],
    "input": TEXT,
    "code": TEXT,
    "outputs": [{"type": KEPT, "logs": TEXT, "url": ENCODED}],
    "action": {"type": KEPT, "env": DATA},
    "actions": [{"type": KEPT}],
    "operation": {"type": KEPT, "diff": TEXT, "path": TEXT},
    "results": [{"file_id": KEPT, "filename": TEXT, "text": TEXT}],
    "result": TEXT,
    "error": TEXT,
    "tools": [TOOL],
    "caller": _kept("type", "caller_id"),
    "pending_safety_checks": [{**_kept("id", "code"), "message": TEXT}],
    "acknowledged_safety_checks": [{**_kept("id", "code"), "message": TEXT}],
}
ITEM = By(
    "type",
    {
        "reasoning": {
            **ITEM_FIELDS,
            "summary": Either(SIGNED, [CONTENT]),
            "content": Either(SIGNED, [CONTENT]),
        },
        "image_generation_call": {**ITEM_FIELDS, "result": ENCODED},
        "item_reference": {"type": KEPT, "id": EARLIER},
    },
    ITEM_FIELDS,
)
"""An item of the input of the Responses API."""

# ---------------------------------------------------------------- Gemini

PART: Object = _both_spellings({
    "text": TEXT,
    "thoughtSignature": KEPT,
    "inlineData": _both_spellings({"mimeType": KEPT, "data": ENCODED, "displayName": TEXT}),
    "fileData": _both_spellings({"mimeType": KEPT, "fileUri": TEXT, "displayName": TEXT}),
    "functionCall": _both_spellings({
        **_kept("id", "name"),
        "args": DATA,
        "partialArgs": [_both_spellings({"jsonPath": KEPT, "stringValue": TEXT})],
    }),
    "executableCode": _kept("language", "id") | {"code": TEXT},
    "codeExecutionResult": _kept("outcome", "id") | {"output": TEXT},
    "toolCall": _both_spellings({**_kept("id", "toolType"), "args": DATA}),
    "toolResponse": _both_spellings({**_kept("id", "toolType"), "response": DATA}),
    "audioTranscription": {"text": TEXT},
    "videoMetadata": _both_spellings(_kept("startOffset", "endOffset")),
    "mediaResolution": Either(KEPT, _kept("level")),
})  # fmt: skip
RESPONSE: Object = {**_kept("id", "name", "scheduling"), "response": DATA, "parts": [PART]}
PART |= _both_spellings({"functionResponse": RESPONSE})
TURN: Object = {"role": KEPT, "parts": [PART]}
VOICE: Object = _both_spellings(
    {
        "prebuiltVoiceConfig": _both_spellings(_kept("voiceName")),
        "languageCode": KEPT,
    }
)
SPEAKING: Object = _both_spellings({
    "voiceConfig": VOICE,
    "languageCode": KEPT,
    "multiSpeakerVoiceConfig": _both_spellings({
        "speakerVoiceConfigs": [_both_spellings({"speaker": TEXT, "voiceConfig": VOICE})]
    }),
})  # fmt: skip

GENERATION: Object = _both_spellings({
    **_kept("responseMimeType", "responseModalities", "mediaResolution"),
    "stopSequences": TEXT,
    "responseSchema": SCHEMA,
    "responseJsonSchema": SCHEMA,
    "thinkingConfig": _both_spellings(_kept("thinkingLevel")),
    "imageConfig": _both_spellings(_kept("aspectRatio", "imageSize")),
    "speechConfig": SPEAKING,
})  # fmt: skip

# ---------------------------------------------------------------- the formats

OPENAI: Object = {
    **_kept("model", "service_tier", "prompt_cache_retention"),
    "user": TEXT,
    "safety_identifier": TEXT,
    "prompt_cache_key": TEXT,
    "metadata": DATA,
}
"""What OpenAI's formats share."""

CHAT: Object = {
    **OPENAI,
    **_kept("modalities", "reasoning_effort", "verbosity"),
    "messages": [MESSAGE],
    "tools": [TOOL],
    "tool_choice": CHOICE,
    "functions": [TOOL],
    "function_call": CHOICE,
    "response_format": FORMAT,
    "prediction": {"type": KEPT, "content": [CONTENT]},
    "stop": TEXT,
    "audio": {"voice": Either(KEPT, _kept("id")), "format": KEPT},
    "logit_bias": {OTHERS: KEPT},
    "web_search_options": {"search_context_size": KEPT, "user_location": {"type": KEPT}},
}

PROMPT: Object = {**_kept("id", "version"), "variables": {OTHERS: [CONTENT]}}
"""A prompt: text, or texts; in the Responses API a template that OpenAI keeps, and what to fill in."""

TEXT_COMPLETION: Object = {**OPENAI, "prompt": [PROMPT], "suffix": TEXT, "stop": TEXT}

RESPONSES: Object = {
    **OPENAI,
    **_kept("include", "truncation"),
    "input": [ITEM],
    "instructions": [ITEM],
    "previous_response_id": EARLIER,
    "conversation": Either(EARLIER, {"id": EARLIER}),
    "prompt": [PROMPT],
    "tools": [TOOL],
    "tool_choice": CHOICE,
    "text": {"format": FORMAT, "verbosity": KEPT},
    "reasoning": _kept("effort", "summary", "generate_summary"),
    "context_management": Either(KEPT, {"type": KEPT}),
}

EDIT: Object = {
    **_kept("type", "exclude_tools"),
    "trigger": {"type": KEPT},
    "keep": Either(KEPT, {"type": KEPT}),
    "clear_at_least": {"type": KEPT},
    "instructions": TEXT,
}

ANTHROPIC: Object = {
    **_kept("model", "service_tier", "anthropic_version", "anthropic_beta", "speed", "inference_geo"),
    "messages": [MESSAGE],
    "system": [CONTENT],
    "tools": [TOOL],
    "tool_choice": CHOICE,
    "metadata": DATA,
    "stop_sequences": TEXT,
    "thinking": _kept("type", "display"),
    "container": Either(KEPT, {"id": KEPT, "skills": [_kept("type", "skill_id", "version")]}),
    "mcp_servers": [
        {
            **_kept("type", "name", "authorization_token"),
            "url": TEXT,
            "tool_configuration": _kept("allowed_tools"),
        }
    ],
    "context_management": {"type": KEPT, "edits": [EDIT]},
    "output_config": {"effort": KEPT, "format": FORMAT},
    "output_format": FORMAT,
}

GEMINI: Object = _both_spellings({
    "model": KEPT,
    "contents": [TURN],
    "systemInstruction": TURN,
    "tools": [TOOL],
    "toolConfig": _both_spellings({
        "functionCallingConfig": _both_spellings(_kept("mode", "allowedFunctionNames")),
        "retrievalConfig": _both_spellings(_kept("languageCode")),
    }),
    "safetySettings": [_kept("category", "threshold", "method")],
    "generationConfig": GENERATION,
    "cachedContent": EARLIER,
    "labels": DATA,
})  # fmt: skip

OLLAMA: Object = {
    **_kept("model", "keep_alive", "think"),
    "messages": [MESSAGE],
    "tools": [TOOL],
    "prompt": [PROMPT],
    "suffix": TEXT,
    "system": [CONTENT],
    "template": TEXT,
    "images": [ENCODED],
    "format": Either(KEPT, SCHEMA),
    "options": {"stop": TEXT},
}

REQUESTS: dict[str, Object] = {
    "openai-chat": CHAT,
    "openai-text": TEXT_COMPLETION,
    "openai-responses": RESPONSES,
    "anthropic": ANTHROPIC,
    "gemini": GEMINI,
    "ollama": OLLAMA,
}
"""The shape of each format's request."""

AUTO: Object = {
    **OLLAMA,
    **TEXT_COMPLETION,
    **GEMINI,
    **ANTHROPIC,
    **CHAT,
    **RESPONSES,
    "context_management": Either(KEPT, {"type": KEPT, "edits": [EDIT]}),
}
"""The fields of all of them."""
