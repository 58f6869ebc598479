"""Strings of the providers' types that holdback leaves alone, each with its reason; and those that are to come.

A pattern stands for ``protocol:path``, as ``type_walk`` writes paths; ``*`` is anything. A pattern that no longer
matches a string that is left is an error: the lists stay as short as they can be.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

LEFT: dict[str, tuple[str, ...]] = {
    "an identifier": (
        "bedrock:*Id",
        "bedrock:*.s3Location.*",
        "ag-ui:*Id",
        "ag-ui:*Ids[]",
        "*.id",
        "*_id",
        "*_ids[]",
        "*fingerprint",
        "gemini:*.responseId",
        "gemini:*Id",
        "gemini:*.fileSearchStore",
        "gemini:*.documentName",
        "openai-responses:*.prompt_cache_key",
        "openai-responses:*.tunnel_id",
    ),
    "a name that code goes by": (
        "bedrock:*.serverName",
        "ag-ui:*.toolCallName",
        "ag-ui:*.stepName",
        "ag-ui:*.activityType",
        "*.name",
        "*.server_label",
        "*server_name",
        "*.toolset_name",
        "*.tool_name",
        "*.namespace",
        "*.created_by",
        "*.role",
        "gemini:*.jsonPath",
        "gemini:*.customMetadata[].key",
    ),
    "a kind, a model, a version or another word of a fixed set": (
        "ag-ui:*.code",
        "ag-ui:*.protocolVersion",
        "ag-ui:*.mimeType",
        "ag-ui:*.provider",
        "ag-ui:*.interrupts[].reason",
        "*.model",
        "*.type",
        "*.version",
        "*.object",
        "*_tier",
        "*.done_reason",
        "*stop_reason",
        "*.output_format",
        "*.quality",
        "*.size",
        "*.background",
        "*.keys[]",
        "anthropic:*.inference_geo",
        "anthropic:*.recommended_model",
        "anthropic:*.remove_to_redeem[]",
        "anthropic:*input_transformations[]*.path",
        "gemini:*.modelVersion",
        "gemini:*.mimeType",
        "gemini:*.languageCode",
        "gemini:*.license",
        "gemini:*.speakerLabel",
        "gemini:*.speechMetadata.*",
        "gemini:*.visibleCells",
        "openai-chat:*[](reasoning.text).format",
    ),
    "a time or a place in a recording": (
        "ag-ui:*.expiresAt",
        "*.created_at",
        "*.page_age",
        "*.retrieved_at",
        "gemini:*Offset",
        "gemini:*.relativePublishTimeDescription",
        "gemini:*.route.duration",
    ),
    "encoded data, or what must go back as it came": (
        "ag-ui:*.encryptedValue",
        "ag-ui:*.source(*).value",
        "openai-realtime:*.audio",
        "openai-realtime:(response.output_audio.delta).delta",
        "*.signature",
        "*encrypted_*",
        "*.data",
        "*obfuscation",
        "*.file_data",
        "*_b64",
        "*.image",
        "*image_url",
        "*image_url.url",
        "*.input_audio",
        "anthropic:*.fallback_credit_token",
        "gemini:*.googleMapsWidgetContextToken",
        "gemini:*.encodedPolyline",
        "ollama:*.images[].value",
        "openai-responses:(response.audio.delta).delta",
        "openai-responses:*(image_generation_call).result",
    ),
    "tokens, which one placeholder may be several of": (
        "*logprobs*",
        "gemini:*.logprobsResult.*",
    ),
    "what a check of the provider says": (
        "bedrock:*.trace.*",
        "*moderation*",
        "openai-responses:*_safety_checks[].*",
        "openai-responses:*.review_target",
    ),
    "the request, which comes back masked as it was sent": (
        "bedrock:*.guardContent.*",
        "ag-ui:*.input.*",
        "openai-realtime:*.session(*",
        "openai-realtime:*.metadata{k}",
        "openai-realtime:*(mcp_approval_response).reason",
        "openai-chat:.metadata{k}",
        "openai-responses:*instructions*",
        "openai-responses:*.tools[]*",
        "openai-responses:*.tool_choice(*",
        "openai-responses:*.metadata{k}",
        "openai-responses:*prompt.variables*",
        "openai-responses:*.safety_identifier",
        "openai-responses:*response.user",
        "openai-responses:.user",
        "openai-responses:*text.format(*",
        "openai-responses:*(mcp_approval_response).reason",
        "openai-chat:*(document_url).document_*",
        "gemini:*.functionResponse.*",
        "gemini:*.partMetadata{}",
    ),
    "the definition of a tool": (
        "openai-realtime:*(mcp_list_tools).tools[].*",
        "anthropic:*(mcp_tool_listing).tools[].*",
        "anthropic:*.tool_changes[]*",
    ),
    "an error in the words of the provider": (
        "bedrock:*Exception.*essage",
        "*error.code",
        "*error.message",
        "*error.param",
        "openai-responses:(error).*",
        "openai-responses:*(mcp_list_tools).error",
        "cohere:(message-end).delta.error",
        "gemini:*.modelStatus.message",
    ),
    "the address of what the provider holds or has found": (
        "bedrock:*.location.*",
        "*.file_url",
        "openai-responses:*.outputs[](image).url",
        "openai-chat:*(tool_reference).favicon",
        "openai-chat:*(resource).uri",
        "openai-chat:*(resource_link).uri",
        "gemini:*.fileUri",
        "gemini:*.flagContentUri",
        "gemini:*.googleMapsUri",
        "gemini:*.photoUri",
        "gemini:*.groundingChunks[].image.*Uri",
        "gemini:*.maps.uri",
        "gemini:*.authorAttribution.*",
        "gemini:*.web.uri",
        "gemini:*.domain",
        "gemini:*.retrievedUrl",
    ),
    "the name of a file or of media": ("gemini:*.displayName",),
    "made by the SDK, not sent": (
        "gemini:.sdkHttpResponse.*",
        "gemini:.automaticFunctionCallingHistory[]*",
        "gemini:.parsed{}",
        "openai-chat:*(UNKNOWN).raw{}",
    ),
    "data for programs beside the text": (
        "bedrock:*.additionalModelResponseFields{}",
        "openai-chat:*.metadata{}",
        "openai-chat:*(resource_link).metadata{k}",
    ),
    "the prompt as the provider put it together, for debugging": ("cohere:(debug).prompt",),
    "what the user said or pressed": (
        "openai-realtime:*(message).content[].transcript",
        "openai-realtime:*.input_audio_transcription.*",
        "openai-realtime:(input_audio_buffer.dtmf_event_received).event",
    ),
    "the application's own data, and what the provider said underneath": (
        "ag-ui:*.metadata{}",
        "ag-ui:*.rawEvent{}",
        "ag-ui:*.event{}",
        "ag-ui:*.source",
        "ag-ui:*.value{}",
        "ag-ui:*.snapshot{}",
        "ag-ui:*[](*Operation).*",
        "ag-ui:*.content{}",
        "ag-ui:*.responseSchema{}",
        "ag-ui:*.description",
    ),
}


PENDING: dict[str, tuple[str, ...]] = {}


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(piece) for piece in pattern.split("*")))


def matching(patterns: Iterable[str], place: str) -> list[str]:
    """Which of the patterns stand for a place."""
    return [pattern for pattern in patterns if _expression(pattern).fullmatch(place)]


def all_of(table: dict[str, tuple[str, ...]]) -> list[str]:
    """The patterns of a table."""
    return [pattern for patterns in table.values() for pattern in patterns]
