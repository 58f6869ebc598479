"""Made streams for the vectors of the byte layer: the other formats."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wire_cases import HALVES, PAIRS, Case, ndjson, sse

Event = dict[str, Any]

# ---------------------------------------------------------------- Responses


def numbered(events: list[Event]) -> list[Event]:
    return [
        {"type": event["type"], "sequence_number": number} | event
        for number, event in enumerate(events, start=3)
    ]


def delta(text: Any, name: str = "output_text", item: str = "m0", output: int = 0, **ids: Any) -> Event:
    if not ids and name in ("output_text", "refusal"):
        ids = {"content_index": 0}
    return {"type": f"response.{name}.delta", "item_id": item, "output_index": output, **ids, "delta": text}


def done(
    text: str, name: str = "output_text", field: str = "text", item: str = "m0", output: int = 0
) -> Event:
    ids = {"content_index": 0} if name in ("output_text", "refusal") else {}
    return {"type": f"response.{name}.done", "item_id": item, "output_index": output, **ids, field: text}


def item(kind: str, verb: str, output: int = 0, item_id: str = "m0", **more: Any) -> Event:
    whole = {"id": item_id, "type": kind, **more}
    return {"type": f"response.output_item.{verb}", "output_index": output, "item": whole}


CREATED = {"type": "response.created", "response": {"id": "r", "instructions": "<PERSON_1>", "output": []}}
ARGUMENTS = ('{"to":"<PERS', 'ON_1>","n":1', ".50}")


def message(text: str) -> Event:
    return {"content": [{"type": "output_text", "text": text, "annotations": []}]}


WHOLE = "".join(HALVES)
ARGS = "".join(ARGUMENTS)
RETURNED: tuple[tuple[str, Event], ...] = (
    ("image_generation_call", {"revised_prompt": "of <PERSON_1>", "result": "<PERSON_1>"}),
    ("file_search_call", {"results": [{"attributes": {"author": "<PERSON_1>", "year": 1.5}, "file_id": "<PERSON_1>"}]}),
    ("web_search_call", {"action": {"type": "search", "sources": [{"type": "url", "url": "https://a/<PERSON_1>"}]}}),
    ("local_shell_call", {"action": {"user": "<PERSON_1>", "working_directory": "/home/<PERSON_2>"}}),
    ("mcp_call", {"error": {"type": "mcp_tool_execution_error", "content": [{"text": "no <PERSON_1>"}]}}),
    ("function_call_output", {"output": [{"type": "input_file", "filename": "<PERSON_1>.pdf", "file_id": "<PERSON_1>"}]}),
)  # fmt: skip
RESPONSES: dict[str, dict[str, list[Event]]] = {
    "turns": {
        "text": [
            CREATED, item("message", "added", content=[]), *map(delta, HALVES), done(WHOLE),
            item("message", "done", **message(WHOLE)),
            {"type": "response.completed", "response": {"output": [{"type": "message", **message(WHOLE)}]}},
        ],
        "text and arguments in turns": [
            CREATED,
            *(event for pair in zip(map(delta, HALVES), (
                delta(text, "function_call_arguments", "f1", 1) for text in ARGUMENTS), strict=False) for event in pair),
            done(ARGS, "function_call_arguments", "arguments", "f1", 1), done("Hi <PERSON_1>, <PERSON_2>"),
            item("function_call", "done", 1, "f1", arguments=ARGS),
        ],
        "other kinds": [
            CREATED, delta("<PERS", "refusal"), delta("<PERS", "custom_tool_call_input", "u", 1),
            delta("<PERS", "code_interpreter_call_code", "c", 2), delta({"stdout": "<PER"}, "shell_call_output_content", "s", 3, command_index=0),
            {"type": "response.audio.transcript.delta", "delta": "<PER"}, delta("ON_1>", "refusal"),
            delta("ON_2>", "custom_tool_call_input", "u", 1), delta("ON_1>", "code_interpreter_call_code", "c", 2),
            delta({"stdout": "SON_1>", "stderr": "<PERSON_2>"}, "shell_call_output_content", "s", 3, command_index=0),
            {"type": "response.audio.transcript.delta", "delta": "SON_2>"}, {"type": "response.completed", "response": {}},
        ],
        "reasoning stays": [
            CREATED, delta("<PERSON_1>", "reasoning_summary_text", "r", summary_index=0),
            delta("<PERSON_1>", "reasoning_text", "r", content_index=0),
        ],
    },
    "tails": {
        "before its done": [CREATED, delta("a <PERS"), done("a <PERS"), {"type": "response.completed", "response": {}}],
        "before the part": [
            CREATED, delta("a <PERS"),
            {"type": "response.content_part.done", "item_id": "m0", "output_index": 0, "content_index": 0,
             "part": {"type": "output_text", "text": "a <PERS"}},
        ],
        "before the item": [CREATED, delta("a <PERS"), item("message", "done", **message("a <PERS"))],
        "before the end": [CREATED, delta("a <PERS"), {"type": "response.incomplete", "response": {"output": []}}],
        "before a failure": [CREATED, delta("a <PERS"), {"type": "response.failed", "response": {"error": {"message": "<PERSON_1>"}}}],
        "before an error": [CREATED, delta("a <PERS"), {"type": "error", "message": "<PERSON_1>"}],
        "at the end of the stream": [CREATED, delta("a <PERS")],
    },
    "R3": {
        "a new item id with each event": [
            CREATED, delta("Hi <PERS", item="i1"), delta("ON_1>! ok <P", item="i2"), done("Hi <PERSON_1>! ok <P", item="i3"),
        ],
        "calls likewise": [
            CREATED, *(delta(text, "function_call_arguments", f"f{number}", 1) for number, text in enumerate(ARGUMENTS)),
            done(ARGS, "function_call_arguments", "arguments", "f9", 1),
        ],
        "items that share an output index": [
            CREATED, item("message", "added", item_id="m0", content=[]), item("message", "added", item_id="m1", content=[]),
            delta("a <PERS", item="m0"), delta("b <PER", item="m1"), delta("ON_1>", item="m0"), delta("SON_2>", item="m1"),
        ],
        "an item named by a text that is empty": [
            CREATED, delta("", item="m0"), delta("a <PERS", item="m1"), delta("ON_1>", item="m0"), delta(" <PERS", item="m0"),
        ],
        "text after its done": [CREATED, delta("a <PERS"), done("a <PERS"), delta("b <PERSON_1>")],
        "arguments after their done": [
            CREATED, delta('{"a":"x ', "function_call_arguments", "f1", 1),
            done('{"a":"x ', "function_call_arguments", "arguments", "f1", 1),
            delta('<PERSON_1>"}', "function_call_arguments", "f1", 1),
        ],
    },
    "R5": {
        **{
            name: [CREATED, *(delta(text, name, "x", 0, **ids) for text in ("+<PERS", "ON_1>", "\n-<PE"))]
            for name, ids in (
                ("apply_patch_call_operation_diff", {}), ("code_interpreter_call_code", {}), ("custom_tool_call_input", {}),
                ("shell_call_command", {"command_index": 0}), ("refusal", {"content_index": 0}),
            )
        },
        "arguments of an MCP call": [CREATED, *(delta(text, "mcp_call_arguments", "x", 0) for text in ARGUMENTS)],
        "a patch and its item": [
            CREATED, item("apply_patch_call", "added", 0, "p", operation={"type": "create_file", "path": "a", "diff": ""}),
            *(delta(text, "apply_patch_call_operation_diff", "p", 0) for text in ("+<PERS", "ON_1>")),
            done("+<PERSON_1>", "apply_patch_call_operation_diff", "diff", "p", 0),
            item("apply_patch_call", "done", 0, "p", operation={"type": "create_file", "path": "a", "diff": "+<PERSON_1>"}),
        ],
        "events that nobody knows": [
            CREATED, {"type": "response.telepathy.delta", "delta": "<PERSON_1>"}, delta("a <PERS"),
            {"type": "response.telepathy.done", "text": "<PERSON_1>"}, delta("ON_1>"),
        ],
    },
    "beside": {
        "items": [
            CREATED, *(
                {**item(kind, "done", at), "item": {"id": f"i{at}", "type": kind, **more}}
                for at, (kind, more) in enumerate(RETURNED)
            ),
        ],
        "a patch": [
            CREATED, *(delta(text, "apply_patch_call_operation_diff", "p", 0) for text in ("+<PERS", "ON_1>", "\n-<PE")),
            done("+<PERSON_1>\n-<PE", "apply_patch_call_operation_diff", "diff", "p", 0),
        ],
        "a refusal": [
            CREATED, delta("a <PERS"), {"type": "response.failed", "response": {"error": {
                "code": "misalignment", "message": "<PERSON_1>", "misalignment": {
                    "detailed_explanation": "about <PERSON_1>", "steer": {"message": "ask <PERSON_2>", "id": "<PERSON_2>"}}}}},
        ],
    },
    "X3": {
        "numbers keep their spelling": [
            CREATED, item("tool_search_call", "done", 0, "t", arguments={"a": "<PERSON_1>", "n": 1.5, "b": 100.0}),
        ],
    },
    "X5": {
        "done of unknown items": [
            CREATED, *(event for number in range(12) for event in (
                delta("a <PERS", item=f"m{number}", output=number), done("x", item=f"u{number}", output=number + 50))),
            *(delta("ON_1>", item=f"m{number}", output=number) for number in range(12)),
        ],
    },
}  # fmt: skip

# ---------------------------------------------------------------- Anthropic

START = {
    "type": "message_start",
    "message": {"id": "x", "role": "assistant", "content": [], "model": "<PERSON_1>"},
}


def block(text: str, index: int = 0, kind: str = "text_delta", field: str = "text") -> Event:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, field: text}}


def json_block(text: str, index: int = 1) -> Event:
    return block(text, index, "input_json_delta", "partial_json")


def begin(index: int, **content: Any) -> Event:
    return {"type": "content_block_start", "index": index, "content_block": content}


def stop(index: int) -> Event:
    return {"type": "content_block_stop", "index": index}


FINISH = {
    "type": "message_delta",
    "delta": {"stop_reason": "end_turn", "stop_sequence": None},
    "usage": {"output_tokens": 3},
}
OVER = {"type": "message_stop"}
TOOL = begin(1, type="tool_use", id="t", name="f", input={})
ANTHROPIC: dict[str, dict[str, list[Event]]] = {
    "turns": {
        "text": [START, begin(0, type="text", text=""), {"type": "ping"}, *map(block, HALVES), stop(0), FINISH, OVER],
        "blocks in turns": [
            START, begin(0, type="text", text=""), TOOL,
            *(event for pair in zip(map(block, HALVES), map(json_block, ARGUMENTS), strict=False) for event in pair),
            stop(0), stop(1), FINISH, OVER,
        ],
        "text that a block begins with": [START, begin(0, type="text", text="<PERS"), block("ON_1>"), stop(0), OVER],
        "whole input": [START, begin(0, type="tool_use", id="<PERSON_1>", input={"<PERSON_2>": ["<PERSON_1>", 1.5]}), stop(0)],
        "citations": [
            START, block("x <PERS"), {"type": "content_block_delta", "index": 0, "delta": {
                "type": "citations_delta", "citation": {"cited_text": "of <PERSON_1>", "encrypted_index": "<PERSON_1>"}}}, block("ON_1>"),
        ],
        "thinking stays": [
            START, begin(0, type="thinking", thinking=""), block("<PERSON_1>", 0, "thinking_delta", "thinking"),
            block("<PERSON_1>", 0, "signature_delta", "signature"), stop(0),
        ],
        "an index used again": [
            START, TOOL, json_block('{"a":"<PERSON_1>'), stop(1), begin(1, type="text", text=""), block('"<PERSON_1>"', 1), stop(1),
        ],
    },
    "tails": {
        "before the block stops": [START, block("a <PERS"), json_block('{"a":"<P'), stop(0), stop(1), FINISH],
        "before the message ends": [START, block("a <PERS"), {**FINISH, "delta": {"stop_reason": "stop_sequence", "stop_sequence": "<PERSON_1>"}}, OVER],
        "before it stops": [START, block("a <PERS"), OVER],
        "before an error": [START, block("a <PERS"), {"type": "error", "error": {"type": "overloaded_error", "message": "<PERSON_1>"}}],
        "at the end of the stream": [START, block("a <PERS"), json_block('{"a":"\\u00')],
    },
    "beside": {
        "results": [
            START, begin(0, type="mcp_tool_result", content=[{"type": "text", "text": "<PERSON_1>", "citations": [
                {"cited_text": "<PERSON_1>", "document_title": "of <PERSON_2>", "title": "<PERSON_1>", "source": "<PERSON_1>", "url": "<PERSON_2>"}]}]),
            stop(0), *(event for number, kind in enumerate(("web_search", "web_fetch", "code_execution", "bash_code_execution",
                "text_editor_code_execution", "advisor", "tool_search"), start=1) for event in (
                begin(number, type=f"{kind}_tool_result", content={"type": f"{kind}_tool_result_error", "error_code": "<PERSON_1>", "error_message": "no <PERSON_1>"}), stop(number))),
        ],
        "a refusal": [
            START, block("a <PERS"), {**FINISH, "delta": {"stop_reason": "refusal", "stop_details": {
                "type": "refusal", "category": "<PERSON_1>", "explanation": "about <PERSON_1>"}}}, OVER,
        ],
    },
    "X3": {"numbers in input": [START, begin(0, type="tool_use", id="t", input={"a": "<PERSON_1>", "n": 100000.0, "m": 1e400})]},
}  # fmt: skip

# ---------------------------------------------------------------- Gemini


def parts(*said: Event, index: int = 0, count: int = 0, **more: Any) -> Event:
    candidate = {"content": {"parts": list(said), "role": "model"}, "index": index, **more}
    usage = {"usageMetadata": {"totalTokenCount": count}} if count else {}
    return {"candidates": [candidate], **usage, "modelVersion": "g", "responseId": "r"}


def thought(text: str) -> Event:
    return {"text": text, "thought": True}


def partial(text: str, path: str = "$.to", *, more: bool = True) -> Event:
    piece = {"jsonPath": path, "stringValue": text, "willContinue": more}
    return {"functionCall": {"partialArgs": [piece], "willContinue": True}}


GEMINI: dict[str, dict[str, list[Event]]] = {
    "R19": {
        name: [
            parts({"text": "a <PERS"}),
            {"candidates": [{"content": {"parts": [{"text": "ON_1>"}]}, "index": 0, "citationMetadata": {
                name: [{"uri": "https://a/<PERSON_1>", "title": "by <PERSON_2>", "license": "<PERSON_2>"}]}}]},
        ]
        for name in ("citations", "citationSources")
    },
    "turns": {
        "prose": [parts({"text": text}) for text in ("Hello", " you.")],
        "whole placeholders": [parts({"text": text}) for text in ("Hi <PERSON_1>", "<PERSON_2>.")],
        "a call": [
            parts({"text": "I call <PERSON_1>"}), parts({"functionCall": {"name": "f", "args": {"to": "<PERSON_1>", "n": 1.5}}}),
            parts(finishReason="STOP"),
        ],
    },
    "R8": {
        "events of nothing but withheld text": [parts({"text": text}, count=number + 1) for number, text in enumerate(HALVES)],
        "withheld at the end": [parts({"text": "a"}, count=1), parts({"text": "<PERS"}, count=2)],
        "a finish with nothing": [parts({"text": "a <PERS"}), parts(finishReason="STOP", count=4)],
        "a part among others": [
            parts({"text": "a <PER"}, thought("b <PER")), parts({"text": "SON"}, {"text": "_1>"}), parts({"text": "<PERS"}, finishReason="STOP"),
        ],
        "two candidates": [
            {**parts({"text": "a"}), "candidates": [parts({"text": text}, index=0)["candidates"][0], parts({"text": text[::-1]}, index=1)["candidates"][0]]}
            for text in HALVES
        ],
        "a signature beside withheld text": [parts({"text": "<PERS", "thoughtSignature": "s"}), parts({"text": "ON_1>"})],
        "thoughts, then text, then a call": [
            parts(thought("hm <PERS")), parts(thought("ON_1> <PER")), parts({"text": "Hi <PERS"}), parts({"text": "ON_1> <P"}),
            parts({"functionCall": {"name": "f", "args": {"a": "<PERSON_1>"}}}), parts(finishReason="STOP"),
        ],
        "arguments in pieces": [
            parts(partial("<PERS")), parts(partial("ON_1> <P", more=False)), parts(partial("x <PERSON_2>", "$.cc")), parts(finishReason="STOP"),
        ],
    },
    "R7": {"a finish on every event": [parts({"text": text}, finishReason="STOP") for text in (*HALVES, "x")]},
    "X8": {
        "text in an error": [parts({"text": "a <PER"}), {**parts({"text": "SON_1> <PER"}), "error": {"code": 500}}],
        "an error": [parts({"text": "a x"}), {"error": {"code": 500, "message": "<PERSON_1>"}}],
    },
    "beside": {
        "grounding": [parts({"text": "a <PERS"}, groundingMetadata={
            "imageSearchQueries": ["<PERSON_1>"], "retrievalQueries": ["<PERSON_2>"],
            "groundingChunks": [
                {"image": {"title": "<PERSON_1>", "imageUri": "<PERSON_1>"}},
                {"maps": {"title": "<PERSON_1>", "text": "<PERSON_2>", "uri": "<PERSON_1>", "placeAnswerSources": {
                    "reviewSnippets": [{"title": "<PERSON_1>", "review": "by <PERSON_2>", "reviewId": "<PERSON_1>"}]}}},
                {"retrievedContext": {"title": "<PERSON_1>", "text": "<PERSON_2>", "uri": "<PERSON_1>", "documentName": "<PERSON_1>",
                    "ragChunk": {"text": "<PERSON_1>"}, "customMetadata": [
                        {"key": "<PERSON_1>", "stringValue": "<PERSON_1>"}, {"key": "k", "stringListValue": {"values": ["<PERSON_2>"]}}]}},
            ]}), parts({"text": "ON_1>"})],
        "words of a transcription": [parts({"audioTranscription": {"text": text, "words": [{"word": word, "startOffset": "<PERSON_1>"}]}})
            for text, word in (("a <PERS", "<PERSON_1>"), ("ON_1>", "b"))],
    },
    "X3": {"numbers in args": [parts({"functionCall": {"name": "f", "args": {"a": "<PERSON_1>", "n": 100.0}}})]},
}  # fmt: skip

# ---------------------------------------------------------------- Ollama


def line(text: Any, field: str = "content", *, over: bool = False, **more: Any) -> Event:
    return {
        "model": "m",
        "created_at": "t",
        "message": {"role": "assistant", "content": "", field: text},
        "done": over,
        **more,
    }


def generated(text: str, *, over: bool = False) -> Event:
    return {"model": "m", "created_at": "t", "response": text, "done": over}


OLLAMA: dict[str, dict[str, list[Event]]] = {
    "turns": {
        "chat": [*map(line, HALVES), line("", over=True)],
        "generate": [*map(generated, HALVES), generated("", over=True)],
        "thinking, then text, then a call": [
            line("hm <PERS", "thinking"), line("ON_1> <P", "thinking"), line("Hi <PERS"), line("ON_1> <P"),
            line([{"function": {"name": "f", "arguments": {"to": "<PERSON_1>", "n": 1.5}}}], "tool_calls"), line("", over=True),
        ],
    },
    "tails": {
        "on the last line": [line("a <PERS"), line("", over=True)],
        "before an error": [line("a <PERS"), {"error": "of <PERSON_1>"}],
        "at the end of the stream": [line("a <PERS")],
    },
    "R7": {"done on every line": [line(text, over=True) for text in (*HALVES, "x")]},
    "X8": {"text in an error": [line("a <PER"), line("SON_1> <PER", error="x")]},
    "X3": {"numbers in arguments": [
        line([{"function": {"name": "f", "arguments": {"a": "<PERSON_1>", "n": 100.0}}}], "tool_calls"),
    ]},
}  # fmt: skip

SPELLED = {"1.5": "1.50", "100.0": "1e2", "100000.0": "1E5", "Infinity": "1e400"}
"""What Python writes, and what a provider may."""


def typed_cases() -> Iterator[Case]:
    tables = (
        ("openai-responses", RESPONSES),
        ("anthropic", ANTHROPIC),
        ("gemini", GEMINI),
        ("ollama", OLLAMA),
    )
    for protocol, table in tables:
        for kind, named in table.items():
            for name, events in named.items():
                if protocol == "ollama":
                    data = ndjson(*events)
                elif protocol == "gemini":
                    data = sse(*events, end="\r\n")
                else:
                    data = sse(*(numbered(events) if protocol == "openai-responses" else events), name=True)
                for ours, theirs in SPELLED.items():
                    data = data.replace(f":{ours}".encode(), f":{theirs}".encode())
                yield Case(kind, f"{protocol}: {name}", protocol, data, PAIRS, lines=protocol == "ollama")
