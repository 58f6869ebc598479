"""Every kind of stream, event by event, beside one JSON parse of the same events: `make bench`.

    python -m benches.micro.kinds

A kind is a format, what opens its channels, and a steady part: events that do nothing but go on with open channels.
Only the steady part is timed; ``recordings`` times whole answers, with all that opens and ends them. The floor is
``pydantic_core.from_json`` of each event, in the same run, on the same events, which are new in every round.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from benches.figures import figure, figures, table
from benches.workloads import FULL, Prepare, interleaved, native, pairs_of, prose, seeds, tokens
from pydantic_core import from_json

from holdback import WireRestorer, _pure
from holdback.engine.answer import Answer
from holdback.engine.messages import Message
from holdback.engine.messages import written as message

Event = dict[str, Any]
Parts = tuple[list[Event], list[Event]]
"""What opens the channels, and the steady part."""

PAIRS = pairs_of("placeholders", 100)
KEYS = list(PAIRS)
EVENTS = 300
ROUNDS = 15 if FULL else 5
READS = {"an event": 0, "4 KB": 4096, "64 KB": 65_536}
SEEDS = seeds()
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


class Kind(NamedTuple):
    """A kind of stream. ``every``: code points from one placeholder to the next."""

    protocol: str
    make: Callable[[Iterator[str]], Parts]
    every: int = 200
    limit: float = 1.0  # of the native steady part, one event a read


# ---------------------------------------------------------------- chat


def chat(delta: Event, index: int = 0, **more: Any) -> Event:
    choice: Event = {"index": index, "delta": delta, "logprobs": None, "finish_reason": None}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1790000000,
        "model": "m-1",
        "system_fingerprint": "fp_1",
        "choices": [choice],
    } | more


def call(arguments: str, index: int = 0, **more: Any) -> Event:
    return chat({"tool_calls": [{"index": index, "function": {"arguments": arguments}} | more]})


def chat_opening() -> Event:
    return chat({"role": "assistant", "content": ""})


def chat_prose(said: Iterator[str]) -> Parts:
    return [chat_opening(), chat({"content": next(said)})], [chat({"content": one}) for one in said]


def chat_choices(said: Iterator[str]) -> Parts:
    opening = [chat({"content": next(said)}, index) for index in (0, 1)]
    return opening, [chat({"content": one}, number % 2) for number, one in enumerate(said)]


def chat_reasoning(said: Iterator[str]) -> Parts:
    """Reasoning and content in turns, as some models send them."""
    names = ("reasoning_content", "content")
    opening = [chat({name: next(said)}) for name in names]
    return opening, [chat({names[number % 2]: one}) for number, one in enumerate(said)]


def chat_call(said: Iterator[str], calls: int = 1, *, repeats: bool = False) -> Parts:
    named: Callable[[int], Event] = lambda n: {"id": f"call_{n}", "type": "function"}  # noqa: E731 - a table
    opening = []
    for n in range(calls):
        first = call('{"to": "', n, **named(n))
        first["choices"][0]["delta"]["tool_calls"][0]["function"]["name"] = "send"
        opening.append(first)
    return opening, [
        call(json.dumps(one)[1:-1], number % calls, **(named(number % calls) if repeats else {}))
        for number, one in enumerate(said)
    ]


def chat_differing(said: Iterator[str], differ: Callable[[int], Event]) -> Parts:
    opening, steady = chat_prose(said)
    return opening, [one | differ(number) for number, one in enumerate(steady)]


USAGE = {"prompt_tokens": 10, "completion_tokens": 7, "total_tokens": 17}


def chat_finishing(said: Iterator[str]) -> Parts:
    """A finish and usage on each event."""
    steady = [chat({"content": one}, usage=USAGE) for one in said]
    for one in steady:
        one["choices"][0]["finish_reason"] = "stop"
    return steady[:3], steady[3:]


# ---------------------------------------------------------------- other formats


def text(said: Iterator[str]) -> Parts:
    def event(one: str) -> Event:
        choice = {"index": 0, "text": one, "logprobs": None, "finish_reason": None}
        return {"id": "cmpl-1", "object": "text_completion", "created": 1790000000, "choices": [choice]}

    events = [event(one) for one in said]
    return events[:1], events[1:]


def responses(
    said: Iterator[str], items: int = 1, *, name: str = "output_text", renames: bool = False
) -> Parts:
    opening: list[Event] = [{"type": "response.created", "response": {"id": "resp_1", "output": []}}]
    for n in range(items):
        item: Event = (
            {"type": "message", "id": f"i_{n}", "role": "assistant", "content": []}
            if name == "output_text"
            else {
                "type": "function_call",
                "id": f"i_{n}",
                "call_id": f"c_{n}",
                "name": "send",
                "arguments": "",
            }
        )
        opening.append({"type": "response.output_item.added", "output_index": n, "item": item})
    place = {"content_index": 0, "logprobs": []} if name == "output_text" else {}
    events: list[Event] = []
    for number, one in enumerate(said):
        delta = one if name == "output_text" else json.dumps(one)[1:-1]
        ids = {"item_id": f"n_{number}" if renames else f"i_{number % items}", "output_index": number % items}
        events.append({"type": f"response.{name}.delta", **ids, **place, "delta": delta})
    for number, event in enumerate([*opening, *events]):
        event["sequence_number"] = number
    if name != "output_text":
        for event in events[:items]:
            event["delta"] = '{"to": "'
    return [*opening, *events[: 2 * items]], events[2 * items :]


def anthropic(said: Iterator[str], kinds: tuple[str, ...] = ("text",)) -> Parts:
    opening: list[Event] = [{"type": "message_start", "message": {"id": "msg_1", "content": [], "usage": {}}}]
    for n, kind in enumerate(kinds):
        block = {
            "text": {"type": "text", "text": ""},
            "thinking": {"type": "thinking", "thinking": "", "signature": ""},
            "input_json": {"type": "tool_use", "id": f"t_{n}", "name": "send", "input": {}},
        }[kind]
        opening.append({"type": "content_block_start", "index": n, "content_block": block})
    events: list[Event] = []
    for number, one in enumerate(said):
        n = number % len(kinds)
        name = "partial_json" if kinds[n] == "input_json" else kinds[n]
        value = json.dumps(one)[1:-1] if name == "partial_json" else one
        delta = {"type": f"{kinds[n]}_delta", name: value}
        events.append({"type": "content_block_delta", "index": n, "delta": delta})
    for n, kind in enumerate(kinds):
        if kind == "input_json":
            events[n]["delta"]["partial_json"] = '{"to": "'
    return [*opening, *events[: len(kinds)]], events[len(kinds) :]


def gemini(said: Iterator[str], *, thinks: bool = False, finishes: bool = False) -> Parts:
    def event(number: int, one: str) -> Event:
        part: Event = {"text": one}
        if thinks and number % 2:
            part["thought"] = True
        candidate: Event = {"content": {"parts": [part], "role": "model"}, "index": 0}
        if finishes:
            candidate["finishReason"] = "STOP"
        usage = {"promptTokenCount": 10, "candidatesTokenCount": number, "totalTokenCount": 10 + number}
        return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "m-1", "responseId": "r_1"}

    events = [event(number, one) for number, one in enumerate(said)]
    return events[:4], events[4:]


def ollama(said: Iterator[str], name: str = "content") -> Parts:
    def event(one: str) -> Event:
        message = {"role": "assistant", "content": "", name: one}
        return {"model": "m", "created_at": "2026-01-01T00:00:00.1Z", "message": message, "done": False}

    events = [event(one) for one in said]
    return events[:2], events[2:]


def cohere(said: Iterator[str], name: str = "text") -> Parts:
    def event(one: str) -> Event:
        if name == "arguments":
            function = {"arguments": json.dumps(one)[1:-1]}
            return {
                "type": "tool-call-delta",
                "index": 0,
                "delta": {"message": {"tool_calls": {"function": function}}},
            }
        return {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": one}}}}

    events = [event(one) for one in said]
    return events[:2], events[2:]


def ui_messages(said: Iterator[str], name: str = "text") -> Parts:
    def event(one: str) -> Event:
        if name == "arguments":
            return {
                "type": "tool-input-delta",
                "toolCallId": "call_1",
                "inputTextDelta": json.dumps(one)[1:-1],
            }
        return {"type": "text-delta", "id": "t_1", "delta": one}

    events = [event(one) for one in said]
    return events[:2], events[2:]


def ag_ui(said: Iterator[str], kind: str = "TEXT_MESSAGE_CONTENT") -> Parts:
    def event(one: str) -> Event:
        if kind == "TOOL_CALL_ARGS":
            return {"type": kind, "toolCallId": "call_1", "delta": json.dumps(one)[1:-1]}
        return {"type": kind, "messageId": "m_1", "delta": one}

    events = [event(one) for one in said]
    return events[:2], events[2:]


def realtime(said: Iterator[str], name: str = "output_text") -> Parts:
    def event(number: int, one: str) -> Event:
        place = {"content_index": 0} if name != "function_call_arguments" else {"call_id": "call_1"}
        return {
            "type": f"response.{name}.delta",
            "event_id": f"event_{number}",
            "response_id": "resp_1",
            "item_id": "item_1",
            "output_index": 0,
            **place,
            "delta": one if "content_index" in place else json.dumps(one)[1:-1],
        }

    events = [event(number, one) for number, one in enumerate(said)]
    return events[:2], events[2:]


def bedrock(said: Iterator[str], kind: str = "text") -> Parts:
    def event(one: str) -> Event:
        delta = {"text": one} if kind == "text" else {"toolUse": {"input": json.dumps(one)[1:-1]}}
        return {"contentBlockDelta": {"contentBlockIndex": 0, "delta": delta, "p": "abcdefgh"}}

    events = [event(one) for one in said]
    return events[:2], events[2:]


def in_chunks(said: Iterator[str]) -> Parts:
    """Anthropic's events, as InvokeModelWithResponseStream sends them."""
    opening, steady = anthropic(said)
    return [{"chunk": one} for one in opening], [{"chunk": one} for one in steady]


KINDS = {
    "chat, prose": Kind("openai-chat", chat_prose, limit=0.3),
    "chat, dense placeholders": Kind("openai-chat", chat_prose, every=20),
    "chat, two choices in turns": Kind("openai-chat", chat_choices),
    "chat, reasoning and content in turns": Kind("openai-chat", chat_reasoning),
    "chat, arguments": Kind("openai-chat", chat_call),
    "chat, arguments without placeholders": Kind("openai-chat", chat_call, every=0),
    "chat, two calls in turns": Kind("openai-chat", lambda said: chat_call(said, 2)),
    "chat, id and type of the call repeated": Kind("openai-chat", lambda said: chat_call(said, repeats=True)),
    "chat, usage on each event": Kind(
        "openai-chat",
        lambda said: chat_differing(said, lambda n: {"usage": USAGE | {"completion_tokens": n}}),
    ),
    "chat, created differs": Kind(
        "openai-chat", lambda said: chat_differing(said, lambda n: {"created": 1790000000 + n})
    ),
    "chat, id differs": Kind("openai-chat", lambda said: chat_differing(said, lambda n: {"id": f"gen-{n}"})),
    "chat, finish and usage on each event": Kind("openai-chat", chat_finishing),
    "text": Kind("openai-text", text),
    "Responses": Kind("openai-responses", responses),
    "Responses, two items in turns": Kind("openai-responses", lambda said: responses(said, 2)),
    "Responses, another item id in each": Kind(
        "openai-responses", lambda said: responses(said, renames=True)
    ),
    "Responses, arguments": Kind(
        "openai-responses", lambda said: responses(said, name="function_call_arguments")
    ),
    "Responses, two calls in turns": Kind(
        "openai-responses", lambda said: responses(said, 2, name="function_call_arguments")
    ),
    "Anthropic": Kind("anthropic", anthropic),
    "Anthropic, arguments": Kind("anthropic", lambda said: anthropic(said, ("input_json",))),
    "Anthropic, blocks in turns": Kind("anthropic", lambda said: anthropic(said, ("text", "input_json"))),
    "Gemini": Kind("gemini", gemini),
    "Gemini, thoughts and text in turns": Kind("gemini", lambda said: gemini(said, thinks=True)),
    "Gemini, a finish on each event": Kind("gemini", lambda said: gemini(said, finishes=True)),
    "Ollama": Kind("ollama", ollama),
    "Cohere": Kind("cohere", cohere),
    "Cohere, arguments": Kind("cohere", lambda said: cohere(said, "arguments")),
    "UI message stream": Kind("ui-message-stream", ui_messages),
    "UI message stream, input of a tool": Kind(
        "ui-message-stream", lambda said: ui_messages(said, "arguments")
    ),
    "AG-UI": Kind("ag-ui", ag_ui),
    "AG-UI, arguments": Kind("ag-ui", lambda said: ag_ui(said, "TOOL_CALL_ARGS")),
    "AG-UI, chunks": Kind("ag-ui", lambda said: ag_ui(said, "TEXT_MESSAGE_CHUNK")),
    "Realtime": Kind("openai-realtime", realtime),
    "Realtime, a transcript": Kind("openai-realtime", lambda said: realtime(said, "output_audio_transcript")),
    "Realtime, arguments": Kind("openai-realtime", lambda said: realtime(said, "function_call_arguments")),
    "Bedrock": Kind("bedrock", bedrock, limit=1.5),
    "Bedrock, arguments": Kind("bedrock", lambda said: bedrock(said, "toolUse"), limit=1.5),
    "Bedrock, Anthropic's events": Kind("bedrock", in_chunks, limit=1.5),
    "Ollama, thinking": Kind("ollama", lambda said: ollama(said, "thinking")),
}


# ---------------------------------------------------------------- timing


def written(protocol: str, event: Event) -> bytes:
    """An event as its provider sends it."""
    if protocol == "bedrock":
        is_chunk = "chunk" in event
        return message(event["chunk"] if is_chunk else event, is_chunk=is_chunk)
    data = json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()
    if protocol == "ollama":
        return data + b"\n"
    name = f"event: {event['type']}\n".encode() if "type" in event else b""
    return name + b"data: " + data + b"\n\n"


def source(frame: bytes) -> bytes:
    """The JSON of an event."""
    if frame.startswith(b"\0"):
        return Message(frame).source or b""
    return frame.strip().rpartition(b"data: ")[2]


def joined(frames: Iterable[bytes], size: int) -> list[bytes]:
    """The reads: of so many bytes, or of an event each for 0."""
    if not size:
        return list(frames)
    data = b"".join(frames)
    return [data[at : at + size] for at in range(0, len(data), size)]


def parts_of(kind: Kind, seed: int) -> tuple[list[bytes], list[bytes]]:
    text = prose(9 * EVENTS, KEYS, kind.every, seed)
    opening, steady = kind.make(iter(tokens(text, seed)[:EVENTS]))
    as_sent = [[written(kind.protocol, event) for event in events] for events in (opening, steady)]
    return as_sent[0], as_sent[1]


def feed_each(feed: Callable[[bytes], object], reads: Iterable[bytes]) -> None:
    for read in reads:
        feed(read)


def steady(kind: Kind, twin: str, size: int) -> Prepare:
    """Time of the steady part through a restorer, or of its parse for ``floor``."""

    def fresh(_: int) -> Callable[[], object]:
        opening, frames = parts_of(kind, next(SEEDS))
        if twin == "floor":
            sources = [source(frame) for frame in frames]
            return lambda: feed_each(from_json, sources)
        restorer = WireRestorer(MATCHERS[twin], protocol=kind.protocol)
        feed_each(restorer.feed, opening)
        reads = joined(frames, size)
        return lambda: feed_each(restorer.feed, reads)

    return fresh


MATCHERS = {
    name: twin.TrieMatcher(PAIRS) for name, twin in (("native", native), ("pure", _pure)) if twin is not None
}
PURE_LIMITS = {"openai-chat": 15.0}


def kinds() -> None:
    """The steady part of every kind."""
    sizes = {f"{twin}, {what}": (twin, size) for twin in MATCHERS for what, size in READS.items()}
    if not FULL:
        sizes = {name: one for name, one in sizes.items() if one[0] == "native" or not one[1]}
    rows = [["x of one from_json", *sizes, "parse, us"]]
    for name, kind in KINDS.items():
        contenders = {one: steady(kind, *of) for one, of in sizes.items()} | {
            "floor": steady(kind, "floor", 0)
        }
        medians = interleaved(contenders, ROUNDS)
        floor = medians["floor"]
        ratios = {one: medians[one] / floor for one in sizes}
        rows.append([name, *(f"{ratio:.2f}" for ratio in ratios.values()), f"{floor / EVENTS * 1e6:.2f}"])
        if "native" in MATCHERS:
            figure(f"native, {name}, an event a read", ratios["native, an event"], at_most=kind.limit)
            figure(f"native, {name}, 4 KB a read", ratios["native, 4 KB"], at_most=0.8)
        limit = PURE_LIMITS.get(kind.protocol, 25)
        figure(f"pure, {name}, an event a read", ratios["pure, an event"], at_most=limit)
    table("kinds of streams: the steady part, against one parse of the same events", rows)


# ---------------------------------------------------------------- whole recordings


def frames_of(path: Path) -> list[bytes]:
    data = path.read_bytes()
    if path.suffix == ".ndjson":
        return data.splitlines(keepends=True)
    ends = b"\r\n\r\n" if b"\r\n\r\n" in data else b"\n\n"
    return [frame + ends for frame in data.split(ends) if frame.strip()]


def recorded() -> dict[str, list[bytes]]:
    paths = sorted([*EXAMPLES.glob("streams/*"), *EXAMPLES.glob("recordings/*")])
    return {path.name: frames_of(path) for path in paths if path.suffix in {".sse", ".ndjson"}}


def whole(frames: list[bytes], matcher: Any) -> Prepare:
    """An answer from its beginning to its end."""

    def work() -> None:
        restorer = WireRestorer(matcher)
        feed_each(restorer.feed, frames)
        restorer.flush()

    return lambda _: work


def parsed(frames: list[bytes]) -> Prepare:
    sources = [data for data in map(source, frames) if data.startswith((b"{", b"["))]
    readable = [data for data in sources if _is_json(data)]
    return lambda _: lambda: feed_each(from_json, readable)


def _is_json(data: bytes) -> bool:
    try:
        from_json(data)
    except ValueError:
        return False
    return True


def lane_shares(frames: list[bytes]) -> tuple[float, float]:
    """The share of all frames that the lane takes, and of those that neither open, end nor name anything."""
    settle, is_new = Answer.settle, Answer.is_new
    declined = idle = 0
    is_busy = False

    def looking(answer: Answer, mark: Any, addresses: Any) -> bool:
        nonlocal is_busy
        found = is_new(answer, mark, addresses)
        is_busy |= found
        return found

    def counting(answer: Answer, event: Any) -> Any:
        nonlocal declined, idle, is_busy
        declined, is_busy = declined + 1, False
        channels = answer._count
        steps = type(answer._format).steps

        def taking(life: Any, event: Any, answer: Answer) -> Any:
            nonlocal is_busy
            found = steps(life, event, answer)
            is_busy |= any(type(step).__name__ != "Feed" for step in found)
            return found

        with mock.patch.object(type(answer._format), "steps", taking):
            done = settle(answer, event)
        idle += not (is_busy or answer._count != channels)
        return done

    with mock.patch.object(Answer, "settle", counting), mock.patch.object(Answer, "is_new", looking):
        restorer = WireRestorer(MATCHERS["native"])
        feed_each(restorer.feed, frames)
        restorer.flush()
    taken = len(frames) - declined
    return taken / len(frames), taken / (taken + idle) if taken + idle else 1.0


def recordings() -> None:
    """Whole answers, set-up and openings included."""
    if "native" not in MATCHERS:
        return
    rows = [["", "native", "pure", "frames", "in the lane", "of the idle"]]
    total: dict[str, float] = {}
    for name, frames in recorded().items():
        contenders = {twin: whole(frames, matcher) for twin, matcher in MATCHERS.items()}
        medians = interleaved(contenders | {"floor": parsed(frames)}, 2 * ROUNDS)
        shares = lane_shares(frames)
        ratios = [f"{medians[twin] / medians['floor']:.2f}" for twin in ("native", "pure")]
        rows.append([name, *ratios, str(len(frames)), *(f"{share:.0%}" for share in shares)])
        figure(f"native, {name}: idle frames in the lane", 100 * shares[1], at_least=85, unit=" %")
        for one, seconds in medians.items():
            total[one] = total.get(one, 0) + seconds
        figure(f"native, {name}, whole", medians["native"] / medians["floor"], at_most=6)
    figure("native, all recordings together", total["native"] / total["floor"], at_most=3)
    table("whole recordings, an event a read, against one parse of the same events", rows)


def main() -> None:
    """Measure everything, print everything."""
    kinds()
    recordings()
    table("figures", [("", "measured", "target", ""), *figures])


if __name__ == "__main__":
    main()
