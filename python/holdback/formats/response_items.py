"""The items of the Responses API: where text stands in a whole one, wherever it is repeated."""

from __future__ import annotations

from holdback.engine.shapes import (
    CONTENT,
    INPUT,
    JSON,
    PROVIDER_TOOL,
    REFUSED,
    RESULT,
    SIGNED,
    TEXT,
    TOOL,
    ByType,
    Shape,
)

OUTPUTS: Shape = [{"stdout": TEXT, "stderr": TEXT}]
ANNOTATION: Shape = {"title": TEXT, "url": TEXT, "filename": TEXT}
PART = ByType(
    {
        "output_text": {"text": CONTENT, "annotations": [ANNOTATION]},
        "input_text": {"text": TEXT},  # in the output of a tool
        "input_file": {"filename": TEXT},
        "refusal": {"refusal": REFUSED},
        "reasoning_text": {"text": SIGNED},
        "summary_text": {"text": SIGNED},
    }
)
TOOL_OUTPUT: Shape = (TEXT, [PART])
ITEM = ByType(
    {
        "message": {"content": [PART]},
        "reasoning": {"summary": [PART], "content": [PART]},
        "function_call": {"name": TOOL, "arguments": JSON},
        "function_call_output": {"output": TOOL_OUTPUT},
        "mcp_call": {
            "name": PROVIDER_TOOL,
            "arguments": JSON,
            "output": TEXT,
            "error": (TEXT, {"message": TEXT, "content": RESULT}),
        },
        "mcp_approval_request": {"name": PROVIDER_TOOL, "arguments": JSON},
        "tool_search_call": {"type": PROVIDER_TOOL, "arguments": JSON},
        "custom_tool_call": {"name": TOOL, "input": INPUT},
        "custom_tool_call_output": {"output": TOOL_OUTPUT},
        "code_interpreter_call": {"type": PROVIDER_TOOL, "code": INPUT, "outputs": [{"logs": TEXT}]},
        "local_shell_call": {
            "type": TOOL,
            "action": {"command": [INPUT], "env": JSON, "working_directory": INPUT, "user": INPUT},
        },
        "local_shell_call_output": {"output": TEXT},
        "shell_call": {"type": TOOL, "action": {"commands": [INPUT]}},
        "shell_call_output": {"output": OUTPUTS},
        "apply_patch_call": {"type": TOOL, "operation": {"diff": INPUT, "path": INPUT}},
        "apply_patch_call_output": {"output": TEXT},
        "program": {"type": PROVIDER_TOOL, "code": INPUT},
        "program_output": {"result": TEXT},
        "web_search_call": {
            "type": PROVIDER_TOOL,
            "action": {
                "query": INPUT,
                "queries": [INPUT],
                "url": INPUT,
                "pattern": INPUT,
                "sources": [{"url": TEXT}],
            },
        },
        "file_search_call": {
            "type": PROVIDER_TOOL,
            "queries": [INPUT],
            "results": [{"text": TEXT, "filename": TEXT, "attributes": RESULT}],
        },
        "image_generation_call": {"type": PROVIDER_TOOL, "revised_prompt": INPUT},
        "computer_call": {"type": TOOL, "action": {"text": INPUT}, "actions": [{"text": INPUT}]},
    }
)
ANSWER: Shape = {
    "output": [ITEM],
    "error": {"misalignment": {"detailed_explanation": TEXT, "steer": {"message": TEXT}}},
}
