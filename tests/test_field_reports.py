"""What went wrong elsewhere, each report a case.

The names say where a case comes from: ``row N`` and ``S N`` are reports from the field on streaming restorers
(rows about byte framing and other wire formats are tested with those), a project's name is a bug found in it.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from field_reports import ON, P, through
from holdback import ChunkRestorer, PIIMapping, StreamingDeAnonymizer, StreamingHandler
from holdback.errors import MappingError
from streams import ENVELOPE, PAIRS, STOP, Upstream, call, chat, events, heard, restore, say, text

USAGE = {**ENVELOPE, "choices": [], "usage": {"total_tokens": 7}}
# name: (mapping, the pieces that came, the answer)
TEXTS: dict[str, tuple[dict[str, str], list[str], str]] = {
    "row 2: cut over two events": (P, ["Hi <PERS", "ON_1>!"], "Hi Ada!"),
    "row 4: cut inside the opener": ({"[[P_1]]": "Ada"}, ["[", "[P_1]", "]!"], "Ada!"),
    "row 4: an opener that is none stays": ({"[[P_1]]": "Ada"}, ["[", "[P_", "x]]"], "[[P_x]]"),
    "row 5: straddles a 64-character cut": (
        P,
        ["x" * 60 + "<PERS", "ON_1>" + "y" * 64],
        "x" * 60 + "Ada" + "y" * 64,
    ),
    "row 6: longer than a 512-character window": (
        {f"<{'L' * 900}>": "Ada"},
        [f"a<{'L' * 600}", f"{'L' * 300}>b"],
        "aAdab",
    ),
    "row 8: an unknown placeholder stays": (
        P,
        ["<PERSON_3> and <PERSON_", "11>"],
        "<PERSON_3> and <PERSON_11>",
    ),
    "row 12: another spelling is another key": (
        {**P, "&lt;PERSON_1&gt;": "Ada"},
        ["&lt;PERS", "ON_1&gt; <PERSON_1>"],
        "Ada Ada",
    ),
    "row 13, S 12: nothing is guessed": (
        P,
        ["PERSON_1 <person_1> <PERSON> <PERSON_ 1>"],
        "PERSON_1 <person_1> <PERSON> <PERSON_ 1>",
    ),
    "row 14: NS_1 inside NS_10": ({"NS_1": "a", "NS_10": "b"}, ["NS_1", "0 NS_1", " NS_10"], "b a b"),
    "row 22: brackets of prose flow": (
        P,
        ["[link](url) a < b List<int> <P>"],
        "[link](url) a < b List<int> <P>",
    ),
    "row 24: characters stay whole": ({"<P_1>": "Łukasz 😀"}, ["<P", "_1>é"], "Łukasz 😀é"),
    "row 28: an unfinished placeholder at the end": (P, ["the end <PERSON_"], "the end <PERSON_"),
    "row 47: halves of a character in two chunks": (P, ["a\ud83d", "\ude00 <PERSON_1>"], "a😀 Ada"),
    "0.4.3: spaces and newlines stay": (P, ["  <PERSON_1> \n\n\t<PERSON_2>  "], "  Ada \n\n\tBo  "),
    "S 2: one pass": ({"<PERSON_1>": "<PERSON_2>", "<PERSON_2>": "Bo"}, ["<PERSON_1>"], "<PERSON_2>"),
    "S 2: one pass over the border": (
        {"<PERSON_1>": "<PERSON_", "<PERSON_2>": "Bo"},
        ["<PERSON_1>", "2>"],
        "<PERSON_2>",
    ),
    "S 14: a restored text changes no more": (P, ["Ada and Bo"], "Ada and Bo"),
    "privaite: a key that begins another": ({"Ann": "1", "Anna Lee": "2"}, ["hi Ann", "a Lee"], "hi 2"),
    "privaite: 400,000 characters in one chunk": (P, ["<" * 400_000], "<" * 400_000),
    "fastguard: the longer key wins": ({"Ann": "1", "Anna Lee": "2"}, ["Anna Lee, Anna", " Le"], "2, 1a Le"),
    "llm-shield-proxy: cut before a key inside a word": ({"Ann": "1"}, ["Mc", "Ann said"], "Mc1 said"),
    "llm-shield-proxy: a 70,000-character delta": (P, ["x" * 70_000 + "<PERSON_1>"], "x" * 70_000 + "Ada"),
    "llm-redact-proxy: restored text re-entered": (
        {"«P_001»": "«P_002", "«P_002»": "Bo"},
        ["«P_001»", "»"],
        "«P_002»",
    ),
    "shadow-vault: cascade": ({"<P_1>": "see <P_2>", "<P_2>": "Bo"}, [*"<P_1>"], "see <P_2>"),
    "presidio: a cut placeholder is no guess": (P, ["hi <PERSON_"], "hi <PERSON_"),
    "presidio: person 1 for person 2": (P, ["hi <PERSON_", "2>"], "hi Bo"),
    "lexvault: an opener never closed": ({"[LEX-ab]": "x"}, ["[LEX-", "zzz", " text"], "[LEX-zzz text"),
    "cloakllm: inside brackets": (
        {"[P_1]": "Ada"},
        ["[contact: [P_1]]", " [[P_1]](x)"],
        "[contact: Ada] [Ada](x)",
    ),
    "maskrelay: a list of placeholders": ({"[P_1]": "Ada", "[P_2]": "Bo"}, ["[[P_1], [P_2]]"], "[Ada, Bo]"),
    "stream-replace: result depends on the cut": ({"abb": "1", "b": "2"}, ["b", "baaab", "ba"], "22aa1a"),
    "tokflow: a lost tail": (P, ["end <PER"], "end <PER"),
    "tokflow: a lost character": ({"ba": "x"}, ["b"], "b"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_text(name: str, backend: str) -> None:
    pairs, pieces, answer = TEXTS[name]
    whole = "".join(pieces)
    for cut in (pieces, [whole], [*whole]) if len(whole) < 5000 else (pieces,):
        assert heard(restore([say(piece) for piece in cut] + [STOP], pairs)) == {(0, "content"): answer}
        assert heard(restore([text(piece) for piece in cut], pairs, protocol="openai-text")) == {
            (0, "text"): answer
        }
        restorer = StreamingDeAnonymizer(pairs)
        assert "".join(map(restorer.feed, cut)) + restorer.flush() == answer


def leaves_with(*texts: str, pairs: Any = P) -> list[str]:
    """What each chunk of content lets out at once."""
    restorer = ChunkRestorer(pairs)
    return ["".join(heard(restorer.feed(say(text))).values()) for text in texts]


# ---- placeholders reach the user


def test_row_3_many_tiny_events_of_arguments(backend: str) -> None:
    source = json.dumps({"people": [f"<PERSON_{n % 2 + 1}>" for n in range(45)]})
    out = heard(restore([call(piece) for piece in source], P))
    assert json.loads(out[0, "tool", 0]) == {"people": ["Ada" if n % 2 == 0 else "Bo" for n in range(45)]}


def test_row_7_tool_arguments_and_not_only_content(backend: str) -> None:
    assert heard(restore([call('{"q": "<PERSON_1>"}')], P)) == {(0, "tool", 0): '{"q": "Ada"}'}


def test_rows_15_and_16_one_key_with_two_values(backend: str) -> None:
    mapping = PIIMapping()
    mapping.add("Ada", "[REDACTED]", "PERSON")
    with pytest.raises(MappingError):
        mapping.add("Bo", "[REDACTED]", "PERSON")
    with pytest.raises(MappingError):
        ChunkRestorer({"😀": "Ada", "\ud83d\ude00": "Bo"})


# ---- latency and shape of the stream


def test_row_17_the_first_text_leaves_at_once(backend: str) -> None:
    assert leaves_with("Hello", " dear", " <PERSON_1>", ", how") == ["Hello", " dear", " Ada", ", how"]


def test_row_18_every_chunk_keeps_its_text(backend: str) -> None:
    chunks = [say(f"{n} ") for n in range(40)]
    assert all(a is b for a, b in zip(restore(chunks, P), chunks, strict=True))


async def test_row_19_an_answer_is_never_empty_by_accident(backend: str) -> None:
    assert heard(await through([say("hi <PERSON_1>")])) == {(0, "content"): "hi Ada"}


def test_row_20_nothing_of_the_caller_is_reused(backend: str) -> None:
    chunk = say("<PERSON_1>")
    assert restore([chunk, chunk, chunk], P) == [say("Ada")] * 3
    assert chunk == say("<PERSON_1>")


async def test_row_21_raw_bytes_between_the_halves_let_nothing_out(backend: str) -> None:
    sent = [
        e
        async for e in StreamingHandler.stream_response(
            Upstream([say("<PERS"), b": x\n\n", say("ON_1>")]), P, ON
        )
    ]
    assert sent[0] == ": x\n\n"
    assert events(sent[1:]) == [say("Ada")]


def test_row_22_only_the_beginning_of_a_key_is_held(backend: str) -> None:
    assert leaves_with("[", "a <", " b", "List<", "int>", "<P", ">") == [
        "[",
        "a ",
        "< b",
        "List",
        "<int>",
        "",
        "<P>",
    ]


def test_row_23_keep_alives_pass_at_once(backend: str) -> None:
    restorer = ChunkRestorer(P)
    restorer.feed(say("<PERS"))
    for alive in (b": ping\n\n", ": ping\n\n", {}, {**ENVELOPE, "choices": []}, say("")):
        (out,) = restorer.feed(alive)
        assert out is alive


def test_row_25_a_chunk_that_says_more_is_kept(backend: str) -> None:
    kept = restore([chat({"role": "assistant", "content": "<PERS"}), say("ON_1>")], P)
    assert kept == [chat({"role": "assistant", "content": ""}), say("Ada")]


# ---- lost or damaged fields


def test_row_26_usage_on_a_last_chunk_with_text_and_finish(backend: str) -> None:
    last = {**chat({"content": "ON_1>"}, "stop"), "usage": {"total_tokens": 7}}
    assert restore([say("<PERS"), last], P) == [
        {**chat({"content": "Ada"}, "stop"), "usage": {"total_tokens": 7}}
    ]


async def test_row_27_role_ids_logprobs_refusal_and_one_finish(backend: str) -> None:
    chunks = [
        chat({"role": "assistant", "content": "", "refusal": None}),
        chat({"content": "hi"}, logprobs={"content": [{"token": "hi", "logprob": -0.5}]}),
        say("no", "refusal"),
        STOP,
        USAGE,
    ]
    assert await through(chunks) == chunks


LAST: dict[str, list[Any]] = {
    "bare delta": [chat({}, "stop")],
    "length": [chat({"content": None}, "length")],
    "no finish": [],
    "usage only (gheim, maskflow)": [USAGE],
    "finish, then usage": [STOP, USAGE],
    "null choices (vLLM)": [{**ENVELOPE, "choices": None}],
    "filter without delta (Azure)": [
        {**ENVELOPE, "choices": [{"index": 0, "finish_reason": "content_filter"}]}
    ],
}
HELD = [
    say("<PER"),
    say("<PER", "refusal"),
    say("<PER", "reasoning_content"),
    call('{"n":"<PERS'),
    chat({"function_call": {"arguments": '{"n":"<PERS'}}),
    chat({"audio": {"transcript": "<PER"}}),
]


@pytest.mark.parametrize("last", LAST)
@pytest.mark.parametrize("held", range(len(HELD)))
async def test_row_28_no_tail_is_lost_however_the_stream_ends(held: int, last: str, backend: str) -> None:
    assert heard(await through([HELD[held], *LAST[last]])) == heard([HELD[held]])


@pytest.mark.parametrize(
    "shape",
    [
        {"choices": [], "prompt_filter_results": []},
        {"choices": None},
        {"choices": [{"index": 0}]},
        {
            "choices": [
                {
                    "index": 0,
                    "delta": {"tool_calls": [{"index": 0, "function": None}]},
                    "finish_reason": "stop",
                }
            ]
        },
        {"choices": [{"index": 0, "delta": {"function_call": None}, "finish_reason": "stop"}]},
    ],
)
async def test_row_29_shapes_that_crashed_others(shape: dict[str, Any], backend: str) -> None:
    assert await through([shape]) == [shape]
    assert heard(await through([say("<PE"), call('"<P'), shape])) == {
        (0, "content"): "<PE",
        (0, "tool", 0): '"<P',
    }


async def test_row_30_bytes_among_objects(backend: str) -> None:
    sent = [
        event
        async for event in StreamingHandler.stream_response(
            Upstream([say("b"), b"data: x\n\n", say("a")]), P, ON
        )
    ]
    assert sent.pop(1) == "data: x\n\n"
    assert events(sent) == [say("b"), say("a")]


async def test_row_31_content_as_a_list_of_parts(backend: str) -> None:
    """PrivAiTe: the stream was aborted."""
    parts = [
        {"type": "text", "text": "<PERSON_1>"},
        {"type": "image_url", "image_url": {"url": "<PERSON_1>"}},
    ]
    (out,) = await through([chat({"content": parts})])
    assert out == chat({"content": [{"type": "text", "text": "Ada"}, parts[1]]})


async def test_row_34_numbers_and_the_order_of_keys_stay(backend: str) -> None:
    chunk = {"z": 1.0, "choices": say("<PERSON_1>")["choices"], "big": 10**30, "a": 1e16, "id": "x"}
    (event, _) = [e async for e in StreamingHandler.stream_response(Upstream([chunk]), P, ON)]
    assert list(json.loads(event[6:])) == list(chunk)
    assert '"z":1.0,' in event
    assert f'"big":{10**30},' in event


def test_row_35_a_value_that_would_break_the_arguments(backend: str) -> None:
    out = heard(restore([call(piece) for piece in '{"n":"<QUOTED_1>"}']))
    assert json.loads(out[0, "tool", 0]) == {"n": PAIRS["<QUOTED_1>"]}


def test_row_36_two_tool_calls_do_not_share_a_buffer(backend: str) -> None:
    """apii: arguments of call 0 held at `PERSON_A` came out in call 1."""
    out = restore([call('"<PERS', 0), call('"<PERSON_2>"', 1), call('ON_1>"', 0)], P)
    assert heard(out) == {(0, "tool", 0): '"Ada"', (0, "tool", 1): '"Bo"'}


def test_row_37_two_choices(backend: str) -> None:
    """lexvault: interleaved text moved from one choice to the other."""
    out = restore([say("a <PERS"), say("b <PERS", index=1), say("ON_1>"), say("ON_2>", index=1)], P)
    assert heard(out) == {(0, "content"): "a Ada", (1, "content"): "b Bo"}
