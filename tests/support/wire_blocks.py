"""The formats of typed events, for the judge: the Responses API and Anthropic's Messages API."""

from __future__ import annotations

from typing import Any, ClassVar

import wire_typed
from wire_formats import (
    CONTENT,
    Chat,
    Completion,
    Event,
    Gemini,
    Heard,
    Key,
    Ollama,
    Reader,
    Source,
    everything,
    named,
    wholes,
)

PART = ("=output_text text ~", "=output_text annotations * title", "=output_text annotations * url",
        "=output_text annotations * filename", "=refusal refusal", "=reasoning_text text ?",
        "=summary_text text ?", "=input_text text", "=input_file filename")  # fmt: skip
ITEM = (
    *(f"=message content * {part}" for part in PART),
    *(f"=reasoning {field} * {part}" for field in ("summary", "content") for part in PART),
    *(f"={kind} arguments !" for kind in (
        "function_call", "mcp_call", "mcp_approval_request", "tool_search_call")),
    *(f"={kind} output" for kind in (
        "function_call_output", "custom_tool_call_output", "mcp_call", "local_shell_call_output",
        "apply_patch_call_output")),
    *(f"={kind} output * {part}" for kind in ("function_call_output", "custom_tool_call_output") for part in PART),
    *(f"=shell_call_output output * {stream}" for stream in ("stdout", "stderr")),
    "=mcp_call error", "=mcp_call error message", "=custom_tool_call input", "=code_interpreter_call code",
    "=code_interpreter_call outputs * logs", "=local_shell_call action command *", "=local_shell_call action env !",
    "=shell_call action commands *", "=apply_patch_call operation diff", "=apply_patch_call operation path",
    "=program code", "=program_output result", "=web_search_call action query",
    "=web_search_call action queries *", "=web_search_call action url", "=web_search_call action pattern",
    "=file_search_call queries *", "=file_search_call results * text", "=file_search_call results * filename",
    "=computer_call action text", "=computer_call actions * text", "=file_search_call results * attributes !",
    "=mcp_call error content !", "=local_shell_call action working_directory", "=local_shell_call action user",
    "=web_search_call action sources * url", "=image_generation_call revised_prompt",
)  # fmt: skip
CITATION = ("cited_text", "document_title", "title", "source", "url")
BLOCK = (
    *(f"=text citations * {field}" for field in CITATION),
    *(f"={kind} input !" for kind in ("tool_use", "server_tool_use", "mcp_tool_use")),
    *(f"={kind} content {stream}" for stream in ("stdout", "stderr") for kind in (
        "code_execution_tool_result", "bash_code_execution_tool_result")),
    "=mcp_tool_result content", "=mcp_tool_result content * text", "=web_search_tool_result content * title",
    "=web_search_tool_result content * url", "=web_fetch_tool_result content url",
    "=web_fetch_tool_result content content title", "=web_fetch_tool_result content content source =text data",
    "=text_editor_code_execution_tool_result content content",
    "=text_editor_code_execution_tool_result content lines *", "=advisor_tool_result content text",
    *(f"=mcp_tool_result content * citations * {field}" for field in CITATION),
    *(f"={kind}_tool_result content error_message" for kind in (
        "code_execution", "bash_code_execution", "web_search", "web_fetch", "text_editor_code_execution", "advisor",
        "tool_search")),
)  # fmt: skip
MESSAGE = ("=text text ~", "=thinking thinking ?", *BLOCK)


def number_in(ids: set[Any]) -> int:
    """The number of a channel, which stands among its ids."""
    (number,) = (one[1] for one in ids if isinstance(one, tuple))
    return int(number)


class Responses(Reader):
    """The Responses API."""

    PLACES = ("output_index", "content_index", "summary_index", "command_index")
    SIGNED = ("reasoning_text", "reasoning_summary_text")
    SOURCES = ("function_call_arguments", "mcp_call_arguments")
    KINDS = (*SIGNED, *SOURCES, "output_text", "refusal", "custom_tool_call_input",
             "code_interpreter_call_code", "shell_call_command", "shell_call_output_content",
             "audio.transcript", "apply_patch_call_operation_diff")  # fmt: skip
    DONE: ClassVar = {"output_text": "text ~", "refusal": "refusal", "reasoning_text": "text ?",
            "reasoning_summary_text": "text ?", "function_call_arguments": "arguments !",
            "mcp_call_arguments": "arguments !", "custom_tool_call_input": "input",
            "code_interpreter_call_code": "code", "shell_call_command": "command",
            "apply_patch_call_operation_diff": "diff"}  # fmt: skip
    ALL = ("completed", "failed", "incomplete", "cancelled")

    def __init__(self, *, signed: bool = False) -> None:
        super().__init__(signed=signed)
        self.known: set[Any] = set()
        self.open: dict[Key, list[set[Any]]] = {}  # (kind, places) -> the ids of each channel there
        self.count = 0
        self.any: set[int] = set()  # the numbers of channels whose ids change

    def read(self, event: Event, heard: Heard) -> None:
        kind = str(event.get("type", ""))
        short = kind.removeprefix("response.")
        name, _, verb = short.rpartition(".")
        if kind == "error" or (not kind and event.get("error")) or short in self.ALL:
            heard.end(everything)
        elif name in self.KINDS and verb in ("delta", "done"):
            self.part(name, verb, event, heard)
        elif short == "output_item.done":
            self.close(event, heard)
        elif short == "output_item.added":
            for there, channels in self.open.items():
                self.any -= {number_in(ids) for ids in channels if there[1] == event.get("output_index")}
        elif short == "content_part.done":
            self.end_part(event, ("output_text", "refusal", "reasoning_text"), "content_index", heard)
        elif short == "reasoning_summary_part.done":
            self.end_part(event, ("reasoning_summary_text",), "summary_index", heard)
        for field, rules in (("item", ITEM), ("part", PART), ("annotation", ("title", "url", "filename"))):
            if field in event and short.startswith(
                ("output_item", "content_part", "reasoning_summ", "output_t")
            ):
                wholes(self, event[field], rules, (field,), heard)
        self.known |= {event.get("item_id"), named(event.get("item")).get("id")} - {None}
        if "response" in event:
            output = named(event["response"]).get("output")
            wholes(self, output, tuple(f"* {rule}" for rule in ITEM), ("response", "output"), heard)
            rules = ("misalignment detailed_explanation", "misalignment steer message")
            wholes(self, named(event["response"]).get("error"), rules, ("response", "error"), heard)
        if short == "shell_call_command.added":
            wholes(self, event, ("command",), (), heard)

    def source_of(self, name: str) -> Source:
        return CONTENT if name == "output_text" else name in self.SOURCES

    def place(self, event: Event) -> Key:
        return tuple(event.get(field) for field in self.PLACES)

    def channel(self, name: str, event: Event, *, opens: bool) -> Key | None:
        """The channel that an event of a part means."""
        there, item = (name, *self.place(event)), event.get("item_id")
        channels = self.open.setdefault(there, [])
        mine = next((ids for ids in channels if item in ids), None)
        if (
            mine is None
            and len(channels) == 1
            and (item not in self.known or number_in(channels[0]) in self.any)
        ):
            mine = channels[0]
            mine.add(item)
            self.any.add(number_in(mine))
        if mine is None and opens:
            self.count += 1
            mine = {item, ("number", self.count)}
            channels.append(mine)
        if mine is None:
            return None
        return (*there, number_in(mine))

    def part(self, name: str, verb: str, event: Event, heard: Heard) -> None:
        key = self.channel(name, event, opens=verb == "delta")
        if name in self.SIGNED and not self.signed:
            return
        if verb == "delta" and key:
            text = event.get("delta")
            if isinstance(text, str):
                heard.text(key, ("delta",), text, source=self.source_of(name))
            for stream in ("stdout", "stderr"):
                if name == "shell_call_output_content" and isinstance(named(text).get(stream), str):
                    heard.text((*key, stream), ("delta", stream), named(text)[stream])
        elif verb == "done":
            heard.end(lambda other: key is not None and other[: len(key)] == key)
            rules = (self.DONE[name],) if name in self.DONE else ("output * stdout", "output * stderr")
            wholes(self, event, rules, (), heard)

    def end_part(self, event: Event, names: tuple[str, ...], field: str, heard: Heard) -> None:
        wanted = {name: self.channel(name, {**event, field: event.get(field)}, opens=False) for name in names}
        heard.end(lambda key: key in wanted.values())

    def close(self, event: Event, heard: Heard) -> None:
        """An item is complete: its channels, else all at its place, are closed."""
        item, output = named(event.get("item")).get("id"), event.get("output_index")
        there = {there: channels for there, channels in self.open.items() if there[1] == output}
        owned = any(item in ids for channels in there.values() for ids in channels)
        for place, channels in there.items():
            for ids in [ids for ids in channels if item in ids or not owned]:
                channels.remove(ids)
                number = number_in(ids)
                heard.end(
                    lambda key, place=place, number=number: key[:6] == (*place, number),  # type: ignore[misc]
                    closes=True,
                )


class Anthropic(Reader):
    """The Messages API."""

    FIELDS: ClassVar = {"text_delta": "text", "input_json_delta": "partial_json", "thinking_delta": "thinking",
              "compaction_delta": "content"}  # fmt: skip
    STARTS: ClassVar = {"text": "text_delta", "thinking": "thinking_delta", "compaction": "compaction_delta"}
    SIGNED = ("thinking_delta", "compaction_delta")

    def read(self, event: Event, heard: Heard) -> None:
        kind, index = event.get("type"), event.get("index")
        delta, block = named(event.get("delta")), named(event.get("content_block"))
        if kind == "content_block_delta":
            self.hear(index, str(delta.get("type")), "delta", delta, heard)
            if delta.get("type") == "citations_delta":
                wholes(self, delta.get("citation"), CITATION, ("delta", "citation"), heard)
        elif kind in ("content_block_start", "content_block_stop"):
            heard.end(lambda key: key[0] == index, closes=True)
            self.hear(index, self.STARTS.get(str(block.get("type")), ""), "content_block", block, heard)
            wholes(self, block, BLOCK, ("content_block",), heard)
        elif kind == "message_start":
            rules = tuple(f"content * {rule}" for rule in MESSAGE)
            wholes(self, event.get("message"), (*rules, "stop_details explanation"), ("message",), heard)
        elif kind == "message_delta":
            if delta.get("stop_reason"):
                heard.end(everything)
            if isinstance(delta.get("stop_sequence"), str):
                heard.whole(("delta", "stop_sequence"))
            wholes(self, delta, ("stop_details explanation",), ("delta",), heard)
        elif kind == "message_stop" or event.get("error"):
            heard.end(everything)

    def hear(self, index: Any, kind: str, at: str, node: Event, heard: Heard) -> None:
        field = self.FIELDS.get(kind, "")
        if field and isinstance(node.get(field), str) and (self.signed or kind not in self.SIGNED):
            source = CONTENT if kind == "text_delta" else kind == "input_json_delta"
            heard.text((index, kind), (at, field), node[field], source=source)


READERS: dict[str, type[Reader]] = {
    "openai-chat": Chat,
    "openai-text": Completion,
    "openai-responses": Responses,
    "anthropic": Anthropic,
    "gemini": Gemini,
    "ollama": Ollama,
    **wire_typed.READERS,
}
