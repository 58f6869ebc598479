"""What the judge knows of the wire formats: which text an event carries, of which channel, and what ends there.

A reader is told the events of one stream in order, as plain values, and tells its ``heard`` (see
``wire_channels.py``): text of a channel, a whole value, an end. It shares nothing with the product.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from wire_json import Path

Event = dict[str, Any]
Key = tuple[Any, ...]
CONTENT = "content"
Source = bool | str
"""Whether a text is JSON source; ``CONTENT``: it is what the model says to the user, which may be."""


class Heard(Protocol):
    """Who is told."""

    def text(self, key: Key, path: Path, text: str, *, source: Source = False) -> None: ...
    def whole(self, path: Path, *, source: Source = False) -> None: ...
    def end(self, which: Callable[[Key], bool], *, closes: bool = False) -> None: ...


def everything(_: Key) -> bool:
    return True


def named(value: Any) -> Event:
    return value if isinstance(value, dict) else {}


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


class Reader:
    """Of one stream. ``signed`` says that text which the provider wants back as it came is restored too."""

    def __init__(self, *, signed: bool = False) -> None:
        self.signed = signed
        self.finished: set[Any] = set()
        self.void: set[Any] = set()

    def read(self, event: Event, heard: Heard) -> None:
        raise NotImplementedError

    def says(self, choice: Any, text: str) -> None:
        """Text of a choice: if it had finished, its finishes say nothing from now on."""
        if text and choice in self.finished:
            self.void.add(choice)

    def finish(self, choice: Any, heard: Heard) -> None:
        self.finished.add(choice)
        if choice not in self.void:
            heard.end(lambda key: key[0] == choice)


def number_of(value: Any, position: int) -> Any:
    """What a choice or a call goes by: whatever its index is, else its position."""
    return position if value is None or isinstance(value, (dict, list)) else value


class Chat(Reader):
    """``chat.completion.chunk``."""

    REASONING = ("reasoning_content", "reasoning", "reasoning_text")

    def __init__(self, *, signed: bool = False) -> None:
        super().__init__(signed=signed)
        self.ids: dict[Any, str] = {}
        self.begun: set[Any] = set()  # (choice, call)
        self.begun_at: dict[Any, Any] = {}  # (choice, position) -> the call that began there last

    def read(self, event: Event, heard: Heard) -> None:
        if event.get("error"):
            heard.end(everything)
        for position, choice in enumerate(listed(event.get("choices"))):
            if isinstance(choice, dict):
                number = number_of(choice.get("index"), position)
                self.delta(number, ("choices", position, "delta"), named(choice.get("delta")), heard)
                wholes(self, choice.get("message"), CHAT_MESSAGE, ("choices", position, "message"), heard)
                if choice.get("finish_reason"):
                    self.finish(number, heard)
        if event.get("error"):
            heard.end(everything)

    def hear(self, key: Key, path: Path, text: Any, heard: Heard, *, source: Source = False) -> None:
        if isinstance(text, str):
            self.says(key[0], text)
            heard.text(key, path, text, source=source)

    def delta(self, choice: Any, path: Path, delta: Event, heard: Heard) -> None:
        for field in (*self.REASONING, "refusal"):
            said = delta.get(field)
            self.hear((choice, field), (*path, field), said, heard)
            if field != "refusal" and isinstance(said, dict) and self.signed:
                self.hear((choice, field), (*path, field, "text"), said.get("text"), heard)
            for at, one in enumerate(listed(said) if field != "refusal" else ()):
                self.hear((choice, field), (*path, field, at, "text"), named(one).get("text"), heard)
        content = delta.get("content")
        self.details(choice, path, delta, heard)
        if self.is_said(content) or delta.get("tool_calls") or delta.get("function_call"):
            heard.end(lambda key: key[0] == choice and key[1] in (*self.REASONING, "detail", "thinking"))
        self.hear((choice, "content"), (*path, "content"), content, heard, source=CONTENT)
        for at, part in enumerate(listed(content)):
            here = (*path, "content", at)
            if isinstance(part, str):
                self.hear((choice, "content"), here, part, heard, source=CONTENT)
            elif (named(part).get("type") or "text") in ("text", "output_text"):
                text = named(part).get("text")
                self.hear((choice, "content"), (*here, "text"), text, heard, source=CONTENT)
        for at, call in enumerate(listed(delta.get("tool_calls"))):
            if isinstance(call, dict):
                self.call(choice, (*path, "tool_calls", at), at, call, heard)
        here = (*path, "function_call", "arguments")
        function = named(delta.get("function_call"))
        self.hear((choice, "function_call"), here, function.get("arguments"), heard, source=True)
        if isinstance(function.get("arguments"), dict):
            heard.whole(here, source=True)
        here = (*path, "audio", "transcript")
        self.hear((choice, "audio"), here, named(delta.get("audio")).get("transcript"), heard)
        for at, note in enumerate(listed(delta.get("annotations"))):
            for field in ("title", "url"):
                if field in named(named(note).get("url_citation")):
                    heard.whole((*path, "annotations", at, "url_citation", field))

    def is_said(self, content: Any) -> bool:
        """Whether content is more than parts of thinking."""
        return bool(content) and not (
            isinstance(content, list) and all(named(part).get("type") == "thinking" for part in content)
        )

    def details(self, choice: Any, path: Path, delta: Event, heard: Heard) -> None:
        """OpenRouter's reasoning, and Mistral's parts of thinking."""
        for at, detail in enumerate(listed(delta.get("reasoning_details"))):
            kind, here = named(detail).get("type"), (*path, "reasoning_details", at)
            for name, field in (("reasoning.text", "text"), ("reasoning.summary", "summary")):
                if kind == name and (field == "summary" or self.signed):
                    key = (choice, "detail", field, number_of(detail.get("index"), at))
                    self.hear(key, (*here, field), detail.get(field), heard)
        for at, part in enumerate(listed(delta.get("content"))):
            if named(part).get("type") != "thinking":
                continue
            here = (*path, "content", at, "thinking")
            self.hear((choice, "thinking"), here, part.get("thinking"), heard)
            for number, one in enumerate(listed(part.get("thinking"))):
                self.hear((choice, "thinking"), (*here, number, "text"), named(one).get("text"), heard)
                for field in ("title", "description", "url"):
                    if isinstance(named(one).get(field), str):
                        heard.whole((*here, number, field))

    def call(self, choice: Any, path: Path, position: int, call: Event, heard: Heard) -> None:
        index, call_id = call.get("index"), call.get("id")
        name = named(call.get("function")).get("name") or named(call.get("custom")).get("name")
        is_another = False
        if index is None:
            last = self.begun_at.get((choice, position))
            is_known = bool(name) or last is None or (choice, call_id) in self.begun
            index = call_id if call_id and is_known else position if last is None else last
        elif call_id:
            known = self.ids.setdefault((choice, index), call_id)
            is_another = bool(known != call_id and name)
            if is_another:
                self.ids[choice, index] = call_id
                heard.end(lambda key: key[:3] == (choice, "call", index), closes=True)
        is_named = call_id or call.get("index") is not None
        if is_named and ((choice, index) not in self.begun or is_another):
            self.begun.add((choice, index))
            self.begun_at[choice, position] = index
        for kind, field in (("function", "arguments"), ("custom", "input")):
            text = named(call.get(kind)).get(field)
            key, here = (choice, "call", index, kind), (*path, kind, field)
            self.hear(key, here, text, heard, source=kind == "function")
            if kind == "function" and isinstance(text, dict):
                heard.whole(here, source=True)


class Completion(Reader):
    """``text_completion``."""

    def read(self, event: Event, heard: Heard) -> None:
        if event.get("error"):
            heard.end(everything)
        for position, choice in enumerate(listed(event.get("choices"))):
            text, number = named(choice).get("text"), number_of(named(choice).get("index"), position)
            if isinstance(text, str):
                self.says(number, text)
                heard.text((number, "text"), ("choices", position, "text"), text, source=CONTENT)
            if named(choice).get("finish_reason"):
                self.finish(number, heard)
        if event.get("error"):
            heard.end(everything)


# Where whole values stand: names, "*" for every element, "=x" for a node of that type; "!" for JSON, "?" for
# what is signed, "~" for content.

CHAT_MESSAGE = ("content ~", "refusal", "reasoning_content", "reasoning", "tool_calls * function arguments !")
GEMINI_PART = ("functionCall args !", "functionResponse response !", "toolCall args !", "toolResponse response !",
               "executableCode code", "codeExecutionResult output")  # fmt: skip
GEMINI_BESIDES = ("finishMessage", "citationMetadata citations * title", "citationMetadata citations * uri",
                  "citationMetadata citationSources * title", "citationMetadata citationSources * uri",
                  "groundingMetadata webSearchQueries *", "groundingMetadata groundingChunks * web title",
                  "groundingMetadata imageSearchQueries *", "groundingMetadata retrievalQueries *",
                  *(f"groundingMetadata groundingChunks * {found}" for found in (
                      "image title", "maps title", "maps text", "maps placeAnswerSources reviewSnippets * title",
                      "maps placeAnswerSources reviewSnippets * review", "retrievedContext title",
                      "retrievedContext text", "retrievedContext uri", "retrievedContext ragChunk text",
                      "retrievedContext customMetadata * stringValue",
                      "retrievedContext customMetadata * stringListValue values *")),
                  "groundingMetadata groundingSupports * segment text",
                  "groundingMetadata searchEntryPoint renderedContent")  # fmt: skip


def find(value: Any, words: list[str], path: Path) -> Iterator[Path]:
    """The places in ``value`` that a rule names."""
    if not words:
        yield path
        return
    word, *rest = words
    if word.startswith("="):
        if named(value).get("type") == word[1:]:
            yield from find(value, rest, path)
    elif word == "*":
        for at, item in enumerate(listed(value)):
            yield from find(item, rest, (*path, at))
    elif word in named(value):
        yield from find(value[word], rest, (*path, word))


def wholes(reader: Reader, value: Any, rules: tuple[str, ...], path: Path, heard: Heard) -> None:
    for rule in rules:
        if rule.endswith("?") and not reader.signed:
            continue
        for place in find(value, rule.rstrip("!?~ ").split(), path):
            heard.whole(place, source=CONTENT if rule.endswith("~") else rule.endswith("!"))


class Gemini(Reader):
    """``streamGenerateContent``."""

    PLAIN = ("text", "thought", "audioTranscription")
    BOUNDARIES = ("functionCall", "functionResponse", "executableCode", "codeExecutionResult", "inlineData",
                  "fileData", "toolCall", "toolResponse")  # fmt: skip

    def read(self, event: Event, heard: Heard) -> None:
        if event.get("error"):
            heard.end(everything)
        wholes(self, event, ("promptFeedback blockReasonMessage",), (), heard)
        for position, candidate in enumerate(listed(event.get("candidates"))):
            number = number_of(named(candidate).get("index"), position)
            parts = listed(named(named(candidate).get("content")).get("parts"))
            path: Path = ("candidates", position)
            for at, part in enumerate(parts):
                self.part(number, (*path, "content", "parts", at), named(part), heard)
            wholes(self, candidate, GEMINI_BESIDES, path, heard)
            if named(candidate).get("finishReason"):
                self.finish(number, heard)
        if event.get("error"):
            heard.end(everything)

    def hear(self, key: Key, path: Path, text: str, heard: Heard) -> None:
        self.says(key[0], text)
        heard.text(key, path, text, source=CONTENT if key[1] == "text" else False)

    def part(self, candidate: Any, path: Path, part: Event, heard: Heard) -> None:
        text, spoken = part.get("text"), named(part.get("audioTranscription")).get("text")
        if isinstance(text, str):
            thought = bool(part.get("thought"))
            if text and not thought:
                heard.end(lambda key: key == (candidate, "thought"))
            if text or "thoughtSignature" not in part:
                self.hear((candidate, "thought" if thought else "text"), (*path, "text"), text, heard)
        elif isinstance(spoken, str):
            self.hear((candidate, "audioTranscription"), (*path, "audioTranscription", "text"), spoken, heard)
            wholes(self, part, ("audioTranscription words * word",), path, heard)
        elif any(part.get(name) is not None for name in self.BOUNDARIES):
            heard.end(lambda key: key[0] == candidate and key[1] in self.PLAIN)
            wholes(self, part, GEMINI_PART, path, heard)
            if isinstance(part.get("functionCall"), dict):
                self.call(candidate, (*path, "functionCall"), part["functionCall"], heard)

    def call(self, candidate: Any, path: Path, call: Event, heard: Heard) -> None:
        for at, piece in enumerate(listed(call.get("partialArgs"))):
            key = (candidate, "partial", named(piece).get("jsonPath"))
            if isinstance(named(piece).get("stringValue"), str):
                self.hear(key, (*path, "partialArgs", at, "stringValue"), piece["stringValue"], heard)
            if not named(piece).get("willContinue"):
                heard.end(lambda other, key=key: other == key)  # type: ignore[misc]
        if not call.get("willContinue"):
            heard.end(lambda key: key[:2] == (candidate, "partial"))


class Ollama(Reader):
    """``/api/chat`` and ``/api/generate``."""

    def read(self, event: Event, heard: Heard) -> None:
        if event.get("error"):
            heard.end(everything)
        message = named(event.get("message"))
        places = [("message", "thinking"), ("thinking",), ("message", "content"), ("response",)]
        for number, path in enumerate(places):
            if number == 2 and (message.get("content") or message.get("tool_calls") or event.get("response")):
                heard.end(lambda key: key[1][-1] == "thinking")
            text = (message if len(path) == 2 else event).get(path[-1])
            if isinstance(text, str):
                self.says(0, text)
                heard.text((0, path), path, text, source=False if path[-1] == "thinking" else CONTENT)
        for at, call in enumerate(listed(message.get("tool_calls"))):
            if "arguments" in named(named(call).get("function")):
                heard.whole(("message", "tool_calls", at, "function", "arguments"), source=True)
        if event.get("done"):
            self.finish(0, heard)
        if event.get("error"):
            heard.end(everything)
