"""Made streams for the vectors of the byte layer: frames, sizes, ends, foreign events, and what JSON is."""

from __future__ import annotations

from collections.abc import Iterator

from json_table import ROWS
from wire_cases import HALVES, ODD_PAIRS, STOP, Case, array, call, chunk, completion, dumps, ndjson, say, sse
from wire_cases_typed import ANTHROPIC, CREATED, delta, line, numbered, parts

CHAT = "openai-chat"
TURNS = [*map(say, HALVES), STOP]
BOM = b"\xef\xbb\xbf"


def frame(*lines: str, end: str = "\n") -> bytes:
    return "".join(one + end for one in (*lines, "")).encode()


def folded(event: object, end: str) -> bytes:
    """An event whose JSON is spread over lines."""
    source = dumps(event).replace(',"', ',\n"').replace("[{", "[\n{")
    return frame(*(f"data: {one}" for one in source.split("\n")), end=end)


def framing() -> Iterator[tuple[str, bytes]]:
    for name, end in (("LF", "\n"), ("CR LF", "\r\n"), ("CR", "\r")):
        yield f"{name}", sse(*TURNS, end=end, done=True)
        yield f"several data lines, {name}", b"".join(folded(event, end) for event in TURNS)
    mixed = [
        sse(event, end=end)
        for event, end in zip(TURNS, ("\n", "\r\n", "\r", "\n", "\r", "\r\n"), strict=True)
    ]
    yield "mixed", b"".join(mixed)
    yield "mixed within", b"".join(sse(event).replace(b"\n\n", b"\r\n\r") for event in TURNS)
    yield "a byte order mark", BOM + sse(*TURNS, done=True)
    yield "a byte order mark before an event that is left out", BOM + sse(say("<PERS"), say("ON_1>"), STOP)
    yield (
        "a byte order mark between",
        sse(say("a <PERS")) + BOM + sse(say("x <PERSON_1>"), say("ON_1>"), STOP),
    )
    yield "no space", sse(*TURNS).replace(b"data: ", b"data:")
    yield "two spaces", sse(*TURNS).replace(b"data: ", b"data:  ")
    yield "empty lines first", b"\n\r\n\n" + sse(*TURNS)
    yield "empty lines between", sse(*TURNS).replace(b"\n\n", b"\n\n\n\n")
    named = [
        frame("event: message", f"id: {number}", f"data: {dumps(event)}", "retry: 3")
        for number, event in enumerate(TURNS)
    ]
    yield "other fields", b"".join(named)
    junk = (
        "data: junk{",
        "data",
        "data:",
        "data: 5",
        "data: []",
        "data: null",
        "event: x",
        "id: 7",
        "x",
        "data: {}",
    )
    yield (
        "frames that are no events",
        b"".join(
            sse(event) + frame(one) for event, one in zip([say("<PERS"), *TURNS, *TURNS], junk, strict=False)
        )
        + b"".join(map(frame, junk)),
    )
    yield (
        "a field that begins like data",
        b"".join(
            sse(event).replace(b"data:", name) for event in TURNS for name in (b"datax:", b"Data:", b"data:")
        ),
    )
    yield (
        "several events of several lines",
        b"".join(folded(event, "\n") for event in [say("é <PERSON_1> né"), *TURNS]),
    )


def ends() -> Iterator[tuple[str, bytes]]:
    body = sse(say("a"), say(" <PERS"))
    yield "without a mark", body
    yield "a mark", body + b"data: [DONE]\n\n"
    yield "a mark without an empty line", body + b"data: [DONE]"
    yield "a mark and a line end", body + b"data: [DONE]\n"
    yield "bytes behind the mark", body + b"data: [DONE]\n\n" + sse(say("<PERSON_1>")) + b"\xff<PERSON_1>"
    yield "a mark that goes on", body + b"data: [DONE] <PERSON_1>\r\n\r\n"
    yield "half a mark", body + b"data: [DO"
    yield "two marks", body + b"data: [DONE]\n\ndata: [DONE]\n\n"
    last = sse(say("ON_1> and <PER"))
    for cut, name in ((1, "its empty line"), (2, "its line end"), (3, "its bracket"), (40, "its end")):
        yield f"the last event lacks {name}", body + last[:-cut]
    yield "the last event lacks its empty line, CR", body + last.replace(b"\n", b"\r")[:-1]
    halves = (f"data: {dumps(say(text))}" for text in (" a <PERSON_1>", " and <PERS"))
    yield "the last frame has two events and lacks its empty line", body + frame(*halves)[:-1]
    begun = f"data: {dumps(say('ON_1> and <PER'))}", "data: {"
    yield "the last frame has an event and the beginning of another", body + frame(*begun)[:-2]
    yield "the last event is a comment", body + b": <PERSON_1>"
    yield "nothing", b""
    yield "a line end", b"\n"
    yield "text that is no stream", b"<PERSON_1> is not here\n\nor <PERSON_1>"


ONE = {"type": "ping"}
WARNING = {"warning": "<PERSON_1>"}


def bytes_cases() -> Iterator[Case]:
    for name, data in framing():
        yield Case("frames", name, CHAT, data)
        yield Case("frames", f"{name}, in small reads", CHAT, data, cut=7)
    yield Case("frames", "all in one read", CHAT, sse(*TURNS, done=True), cut=1 << 20)
    yield Case(
        "frames", "all in one read, a byte order mark", CHAT, BOM + sse(*TURNS, done=True), cut=1 << 20
    )
    for name, data in ends():
        yield Case("ends", name, CHAT, data, options={"protocol": CHAT})
    yield Case("ends", "lines: the last lacks its end", "ollama", ndjson(line("a <PERS"))[:-1], lines=True)
    yield Case(
        "ends",
        "lines: CR LF",
        "ollama",
        ndjson(*map(line, HALVES), line("", over=True), end="\r\n"),
        lines=True,
    )
    yield Case(
        "ends", "lines: empty ones", "ollama", ndjson(*map(line, HALVES)).replace(b"\n", b"\n\n"), lines=True
    )
    yield from json_cases()
    yield from comment_cases()
    yield from size_cases()
    yield from foreign_cases()
    yield Case("R14", "two documents in one event", CHAT, b"".join(
        frame(f"data: {dumps(say(one))}", f"data: {dumps(say(two))}") for one, two in (("a <PERS", "ON_1> b"), ("<PERSON_2>", "!"))
    ) + sse(STOP))  # fmt: skip
    yield Case(
        "R14",
        "one of them is no event",
        CHAT,
        frame(f"data: {dumps(say('<PERSON_1>'))}", "data: 5") + sse(STOP),
    )
    for protocol, events in (
        (CHAT, TURNS), ("openai-text", list(map(completion, HALVES))), ("gemini", [parts({"text": text}) for text in HALVES]),
        ("anthropic", ANTHROPIC["turns"]["text"]), ("openai-responses", numbered([CREATED, *map(delta, HALVES)])),
    ):  # fmt: skip
        yield Case("R11", f"{protocol} in lines", protocol, ndjson(*events), lines=True)
        yield Case("R17", f"{protocol} as an array", protocol, array(*events), lines="array")
        yield Case(
            "R17", f"{protocol} as an array, in small reads", protocol, array(*events), lines="array", cut=5
        )
        spread = b"\n" + array(*events, end="").replace(b'},{"', b'} , \n{"') + b"\n"
        yield Case("R17", f"{protocol} as an array with blanks", protocol, spread, lines="array")
        yield Case(
            "R17",
            f"{protocol} as an array that is cut off",
            protocol,
            array(*events)[:-30],
            lines="array",
            cut=64,
        )
        for end in (b"\n", b"\r\n"):
            yield Case("R10", f"{protocol} behind blank lines, {end!r}", protocol, end * 3 + sse(*events))
            yield Case(
                "R10",
                f"{protocol} in lines behind blank ones, {end!r}",
                protocol,
                end * 3 + ndjson(*events),
                lines=True,
            )
        image = {"type": "image", "b64_json": "<PERSON_1>" + "x" * 700}
        at = len(events) // 2
        for name, some in (("between", [*events[:at], image, *events[at:]]), ("first", [image, *events])):
            small = {"max_event_bytes": 700}
            yield Case("R12", f"{protocol}, a large event {name}", protocol, sse(*some), options=small)
            yield Case(
                "R12",
                f"{protocol}, a large line {name}",
                protocol,
                ndjson(*some),
                lines=True,
                options=small,
                cut=99,
            )
    yield Case("R17", "nothing but an array", CHAT, b"[]", lines="array")
    yield Case(
        "R17",
        "an array of other things",
        CHAT,
        b'[1, "<PERSON_1>", {"a": "<PERSON_1>"}]',
        lines="array",
        cut=1 << 20,
    )
    for name, data in (
        ("gzip", b"\x1f\x8b\x08\x00<PERSON_1>"),
        ("zstd", b"\x28\xb5\x2f\xfd<PERSON_1>"),
        ("br", b"\x1b\x00<PERSON_1>"),
    ):
        yield Case("R18", f"compressed with {name}", CHAT, data, cut=1 << 20)
    yield Case("R11", "Ollama as events", "ollama", sse(*map(line, HALVES), line("", over=True)))
    yield Case(
        "X3",
        "an escape, several data lines, a key that is a line end",
        CHAT,
        folded(say("a\nb"), "\n"),
        {"\n": "|"},
    )
    table = {"50": "fifty", "1000000": "million", "<PERSON_1>": "Ada"}
    given = call('{"a":"50","b":"<PERSON_1> 1000000"}', 0, "a", "f")
    yield Case(
        "X3", "numbers beside a key that is a number", CHAT, sse(given).replace(b"179000", b"1.79e"), table
    )


def json_cases() -> Iterator[Case]:
    later = sse(say("a <PERS"))
    for row in ROWS:
        data = b"data: " + row.source + b"\n\n"
        yield Case(
            "json", row.name, CHAT, later + data + sse(say("ON_1> x"), STOP), options={"protocol": CHAT}
        )
    twice = b'data: {"choices":[{"index":0,"delta":{"content":"<PERSON_1>","content":"x <PERSON_1>"}}]}\n\n'
    yield Case("json", "its text twice", CHAT, twice)
    choices = b'"choices":[{"index":0,"delta":{"content":"<PERSON_1>"}}]'
    yield Case("json", "its choices twice", CHAT, b"data: {" + choices + b"," + choices + b"}\n\n")
    odd = [say("<P_1> <P_"), say("10>"), say("né a/"), say("b 😀"), say("!"), say("[N"), say("]"), STOP]
    spelled = (
        sse(*odd)
        .replace("é".encode(), rb"\u00E9")
        .replace(b"a/", rb"a\/")
        .replace("😀".encode(), rb"\ud83D\uDe00")
    )
    yield Case("json", "spellings of text", CHAT, spelled, ODD_PAIRS)
    yield Case("json", "raw text", CHAT, sse(*odd), ODD_PAIRS, cut=3)


def comment_cases() -> Iterator[Case]:
    yield Case(
        "R9",
        "comments alone",
        CHAT,
        b": ping\n: pong\n" + sse(say("a <PERS")) + b": ping\n\n: x\n" + sse(say("ON_1>")),
    )
    yield Case(
        "R9",
        "a comment before an event that is left out",
        CHAT,
        sse(say("a")) + b": ping\n" + sse(say("<PERS"), say("ON_1>")),
    )
    yield Case("R9", "a comment before a tail", CHAT, sse(say("a <PERS")) + b": ping\r" + sse(STOP, end="\r"))
    yield Case(
        "R9", "comments inside an event", CHAT, sse(say("<PERSON_1>")).replace(b"\n\n", b"\n: ping\n\n")
    )
    yield Case(
        "R9",
        "comments in small reads",
        CHAT,
        (b": ping <PERSON_1>\r\n" + sse(say("<PERSON_1>"), end="\r\n")) * 2,
        cut=5,
    )


def size_cases() -> Iterator[Case]:
    large = say("<PERSON_1> " + "x" * 500)
    body = sse(say("a <PERS"), large, say("ON_1>"), STOP, done=True)
    for cut in (0, 64):
        passes = {"max_event_bytes": 400, "oversized": "pass", "protocol": CHAT}
        raises = {**passes, "oversized": "raise"}
        yield Case("oversized", f"passes, reads of {cut}", CHAT, body, options=passes, cut=cut)
        yield Case("oversized", f"raises, reads of {cut}", CHAT, body, options=raises, cut=cut)
    lines = ndjson(line("a <PERS"), line("<PERSON_1> " + "x" * 500), line("ON_1>"))
    yield Case(
        "oversized",
        "a line",
        "ollama",
        lines,
        lines=True,
        options={"max_event_bytes": 400, "protocol": "ollama"},
        cut=100,
    )
    first = sse(large, say("<PERSON_1>"))
    yield Case("oversized", "the first event", CHAT, first, options={"max_event_bytes": 400})
    for cut, name in ((1, "without its end"), (2, "without its line end"), (9, "cut off")):
        unended = sse(say("a <PERS"), large)[:-cut]
        for end in ("\n", "\r", "\r\n"):
            yield Case(
                "oversized",
                f"the last, {name}, {end!r}",
                CHAT,
                unended.replace(b"\n", end.encode()),
                options={"max_event_bytes": 400},
                cut=100,
            )
    unended = ndjson(line("a <PERS"), line("<PERSON_1> " + "x" * 500))[:-1]
    for line_end in (b"", b"\r"):
        yield Case(
            "oversized",
            f"the last line, without its end, {line_end!r}",
            "ollama",
            unended + line_end,
            lines=True,
            options={"max_event_bytes": 400, "protocol": "ollama"},
            cut=100,
        )


def foreign_cases() -> Iterator[Case]:
    tool = frame("event: hermes.tool.progress", 'data: {"tool":"terminal <PERSON_1>"}')
    yield Case("R1", "a tool's progress first", CHAT, tool + sse(*TURNS))
    yield Case("R1", "a warning first", CHAT, sse(WARNING, *TURNS))
    yield Case("R1", "a ping first", CHAT, sse(ONE, *TURNS))
    yield Case("R1", "an error first", CHAT, sse({"error": {"message": "<PERSON_1>"}}, *TURNS))
    yield Case(
        "R1",
        "a ping, then Responses",
        "openai-responses",
        sse(ONE, *numbered([CREATED, *map(delta, HALVES[:2])]), name=True),
    )
    yield Case("R1", "a warning, then Gemini", "gemini", sse(WARNING, parts({"text": "Hi <PERSON_1>"})))
    yield Case(
        "R1", "foreign events between", CHAT, sse(say("a <PERS"), ONE, WARNING, chunk({}), say("ON_1>"), STOP)
    )
    yield Case("R1", "nothing but foreign events", CHAT, sse(ONE, WARNING, ONE))
