"""The requests of the formats: what in them is no text, and what text is read in a way of its own.

One shape for each format. The page docs/masking.md shows them as tables, which a test compares with this file. What
stands in several formats is one shape here: a message, a block, an item, a tool, a JSON schema. So a request that is
taken for another format's is masked alike below its own fields, and ``"auto"`` is simply the fields of all formats.

Places that hold numbers or booleans alone are not named: only strings are masked outside documents.
"""

from __future__ import annotations

from holdback.masking.parts import (
    BLOCK,
    CACHE,
    CHOICE,
    CONTENT,
    DECLARATION,
    FORMAT,
    MESSAGE,
    SCHEMA,
    TOOL,
    Object,
    both_spellings,
    kept,
)
from holdback.masking.shapes import DATA, EARLIER, ENCODED, KEPT, OTHERS, SIGNED, TEXT, By, Either

# ---------------------------------------------------------------- the Responses API

ITEM_FIELDS: Object = {
    **kept("type", "id", "call_id", "role", "status", "phase", "name", "namespace", "server_label"),
    **kept("container_id", "fingerprint", "approval_request_id", "encrypted_content", "execution"),
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
    "caller": kept("type", "caller_id"),
    "pending_safety_checks": [{**kept("id", "code"), "message": TEXT}],
    "acknowledged_safety_checks": [{**kept("id", "code"), "message": TEXT}],
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

PART: Object = both_spellings({
    "text": TEXT,
    "thoughtSignature": KEPT,
    "inlineData": both_spellings({"mimeType": KEPT, "data": ENCODED, "displayName": TEXT}),
    "fileData": both_spellings({"mimeType": KEPT, "fileUri": TEXT, "displayName": TEXT}),
    "functionCall": both_spellings({
        **kept("id", "name"),
        "args": DATA,
        "partialArgs": [both_spellings({"jsonPath": KEPT, "stringValue": TEXT})],
    }),
    "executableCode": kept("language", "id") | {"code": TEXT},
    "codeExecutionResult": kept("outcome", "id") | {"output": TEXT},
    "toolCall": both_spellings({**kept("id", "toolType"), "args": DATA}),
    "toolResponse": both_spellings({**kept("id", "toolType"), "response": DATA}),
    "audioTranscription": {"text": TEXT},
    "videoMetadata": both_spellings(kept("startOffset", "endOffset")),
    "mediaResolution": Either(KEPT, kept("level")),
})  # fmt: skip
RESPONSE: Object = {**kept("id", "name", "scheduling"), "response": DATA, "parts": [PART]}
PART |= both_spellings({"functionResponse": RESPONSE})
TURN: Object = {"role": KEPT, "parts": [PART]}
VOICE: Object = both_spellings(
    {
        "prebuiltVoiceConfig": both_spellings(kept("voiceName")),
        "languageCode": KEPT,
    }
)
SPEAKING: Object = both_spellings({
    "voiceConfig": VOICE,
    "languageCode": KEPT,
    "multiSpeakerVoiceConfig": both_spellings({
        "speakerVoiceConfigs": [both_spellings({"speaker": TEXT, "voiceConfig": VOICE})]
    }),
})  # fmt: skip

GENERATION: Object = both_spellings({
    **kept("responseMimeType", "responseModalities", "mediaResolution"),
    "stopSequences": TEXT,
    "responseSchema": SCHEMA,
    "responseJsonSchema": SCHEMA,
    "thinkingConfig": both_spellings(kept("thinkingLevel")),
    "imageConfig": both_spellings(kept("aspectRatio", "imageSize")),
    "speechConfig": SPEAKING,
})  # fmt: skip

# ---------------------------------------------------------------- the formats

OPENAI: Object = {
    **kept("model", "service_tier", "prompt_cache_retention"),
    "user": TEXT,
    "safety_identifier": TEXT,
    "prompt_cache_key": TEXT,
    "metadata": DATA,
}
"""What OpenAI's formats share."""

AUDIO = Either(ENCODED, {"voice": Either(KEPT, kept("id")), "format": KEPT})
"""Audio itself, or how an answer is to be spoken."""

CHAT: Object = {
    **OPENAI,
    **kept("modalities", "reasoning_effort", "verbosity"),
    "messages": [MESSAGE],
    "tools": [TOOL],
    "tool_choice": CHOICE,
    "functions": [TOOL],
    "function_call": CHOICE,
    "response_format": FORMAT,
    "prediction": {"type": KEPT, "content": [CONTENT]},
    "stop": TEXT,
    "audio": AUDIO,
    "logit_bias": {OTHERS: KEPT},
    "web_search_options": {"search_context_size": KEPT, "user_location": {"type": KEPT}},
}

PROMPT: Object = {**kept("id", "version"), "variables": {OTHERS: [CONTENT]}}
"""A prompt: text, or texts; in the Responses API a template that OpenAI keeps, and what to fill in."""

TEXT_COMPLETION: Object = {**OPENAI, "prompt": [PROMPT], "suffix": TEXT, "stop": TEXT}

RESPONSES: Object = {
    **OPENAI,
    **kept("include", "truncation"),
    "input": [ITEM],
    "instructions": [ITEM],
    "previous_response_id": EARLIER,
    "conversation": Either(EARLIER, {"id": EARLIER}),
    "prompt": [PROMPT],
    "tools": [TOOL],
    "tool_choice": CHOICE,
    "text": {"format": FORMAT, "verbosity": KEPT},
    "reasoning": kept("effort", "summary", "generate_summary"),
    "context_management": Either(KEPT, {"type": KEPT}),
}

EDIT: Object = {
    **kept("type", "exclude_tools"),
    "trigger": {"type": KEPT},
    "keep": Either(KEPT, {"type": KEPT}),
    "clear_at_least": {"type": KEPT},
    "instructions": TEXT,
}

ANTHROPIC: Object = {
    **kept("model", "service_tier", "anthropic_version", "anthropic_beta", "speed", "inference_geo"),
    "messages": [MESSAGE],
    "system": [CONTENT],
    "tools": [TOOL],
    "tool_choice": CHOICE,
    "metadata": DATA,
    "stop_sequences": TEXT,
    "thinking": kept("type", "display"),
    "container": Either(KEPT, {"id": KEPT, "skills": [kept("type", "skill_id", "version")]}),
    "mcp_servers": [
        {
            **kept("type", "name", "authorization_token"),
            "url": TEXT,
            "tool_configuration": kept("allowed_tools"),
        }
    ],
    "context_management": {"type": KEPT, "edits": [EDIT]},
    "output_config": {"effort": KEPT, "format": FORMAT},
    "output_format": FORMAT,
}

TOOL_CONFIG: Object = {
    **both_spellings(
        {
            "functionCallingConfig": both_spellings(kept("mode", "allowedFunctionNames")),
            "retrievalConfig": both_spellings(kept("languageCode")),
        }
    ),
    "tools": [
        {
            "toolSpec": {**DECLARATION, "inputSchema": {"json": SCHEMA}},
            "systemTool": kept("name"),
            "cachePoint": CACHE,
        }
    ],
    "toolChoice": {"tool": kept("name")},
}
"""Gemini's, and that of Bedrock's Converse."""

GEMINI: Object = both_spellings({
    "model": KEPT,
    "contents": [TURN],
    "systemInstruction": TURN,
    "tools": [TOOL],
    "toolConfig": TOOL_CONFIG,
    "safetySettings": [kept("category", "threshold", "method")],
    "generationConfig": GENERATION,
    "cachedContent": EARLIER,
    "labels": DATA,
})  # fmt: skip

OLLAMA: Object = {
    **kept("model", "keep_alive", "think"),
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

COHERE: Object = {
    **kept("model", "safety_mode"),
    "messages": [MESSAGE],
    "tools": [TOOL],
    "tool_choice": CHOICE,
    "documents": [{"id": KEPT, "data": DATA}],
    "citation_options": kept("mode"),
    "response_format": FORMAT,
    "stop_sequences": TEXT,
    "thinking": ANTHROPIC["thinking"],
}

SPEECH: Object = {**BLOCK, "audio": ENCODED}
SESSION: Object = {
    **kept("type", "id", "object", "model", "modalities", "output_modalities", "voice", "include"),
    **kept("input_audio_format", "output_audio_format", "conversation", "truncation"),
    "instructions": TEXT,
    "input": [{**ITEM_FIELDS, "content": [SPEECH]}],
    "tools": [TOOL],
    "tool_choice": CHOICE,
    "metadata": DATA,
    "prompt": [PROMPT],
    "audio": {
        "input": {
            "format": kept("type"),
            "noise_reduction": kept("type"),
            "transcription": kept("model", "language"),
            "turn_detection": kept("type", "eagerness"),
        },
        "output": {"format": kept("type"), "voice": Either(KEPT, kept("id"))},
    },
}
REALTIME: Object = {
    **kept("type", "event_id", "item_id", "previous_item_id", "response_id"),
    "item": {**ITEM_FIELDS, "content": [SPEECH]},
    "response": SESSION,
    "session": SESSION,
    "audio": AUDIO,
}
"""An event that a client of the Realtime API sends."""

BEDROCK: Object = {
    **kept("modelId", "additionalModelResponseFieldPaths"),
    "messages": [MESSAGE],
    "system": [CONTENT],
    "inferenceConfig": {"stopSequences": TEXT},
    "toolConfig": TOOL_CONFIG,
    "guardrailConfig": kept("guardrailIdentifier", "guardrailVersion", "trace", "streamProcessingMode"),
    "promptVariables": {OTHERS: {"text": TEXT}},
    "additionalModelRequestFields": DATA,
    "requestMetadata": DATA,
    "performanceConfig": kept("latency"),
    "serviceTier": kept("type"),
}
"""Converse and ConverseStream; what InvokeModel takes is the request of the model's own format."""

REQUESTS: dict[str, Object] = {
    "openai-chat": CHAT,
    "openai-text": TEXT_COMPLETION,
    "openai-responses": RESPONSES,
    "anthropic": ANTHROPIC,
    "gemini": GEMINI,
    "ollama": OLLAMA,
    "cohere": COHERE,
    "openai-realtime": REALTIME,
    "bedrock": BEDROCK,
}
"""The shape of each format's request."""

AUTO: Object = {
    **BEDROCK,
    **REALTIME,
    **COHERE,
    **OLLAMA,
    **TEXT_COMPLETION,
    **GEMINI,
    **ANTHROPIC,
    **CHAT,
    **RESPONSES,
    "context_management": Either(KEPT, {"type": KEPT, "edits": [EDIT]}),
}
"""The fields of all of them."""
