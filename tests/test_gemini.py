"""Gemini: parts without numbers, calls that stand between texts."""

from __future__ import annotations

import re
from typing import Any

import pytest

import oracle
from holdback import ChunkRestorer
from recorded import CUTS, MAP, changes, chunks_of, heard, names, pairs_of, recut, restored, through

PROTOCOL = "gemini"
RECORDINGS = names(PROTOCOL)
PERSON = MAP["<PERSON_2>"]

# Where text may change, and nowhere else.
PARTS = {"text", "functionCall.partialArgs.stringValue", "executableCode.code", "codeExecutionResult.output"}
PARTS |= {f"functionCall.args.{name}" for name in ("to", "list", "<PERSON_2>", PERSON)}
PLACES = {f"content.parts.{place}" for place in PARTS} | {
    "citationMetadata.citations.title",
    *("groundingMetadata.webSearchQueries", "groundingMetadata.searchEntryPoint.renderedContent"),
    *("groundingMetadata.groundingChunks.web.title", "groundingMetadata.groundingSupports.segment.text"),
}


def said(*parts: Any, finish: str | None = None, index: int | None = 0) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": list(parts), "role": "model"}}
    if index is not None:
        candidate["index"] = index
    return {"candidates": [candidate | ({"finishReason": finish} if finish else {})]}


def text(value: str, **more: Any) -> dict[str, Any]:
    return {"text": value, **more}


def pieces(*partial: tuple[str, str, bool]) -> dict[str, Any]:
    """A call that goes on, with pieces of its arguments: their path, their text, whether they go on."""
    args = [{"jsonPath": path, "stringValue": value, "willContinue": more} for path, value, more in partial]
    return {"functionCall": {"partialArgs": args, "willContinue": True}}


CALL = {"functionCall": {"name": "f", "args": {}}}


def run(*events: Any) -> list[Any]:
    return through(PROTOCOL, list(events))


def transcript(events: list[dict[str, Any]]) -> list[Any]:
    """What each candidate said, in order: texts joined until something else comes, the rest as it is."""
    out: dict[int, list[Any]] = {}
    for event in events:
        for candidate in event.get("candidates", ()):
            told = out.setdefault(candidate["index"], [])
            for part in candidate["content"].get("parts", ()):
                if "text" in part and "functionCall" not in part:
                    kind = "thought" if part.get("thought") else "text"
                    if not part["text"]:
                        continue
                    if told and told[-1][0] == kind:
                        told[-1][1] += part["text"]
                    else:
                        told.append([kind, part["text"]])
                elif "partialArgs" not in part.get("functionCall", {}):
                    told.append(["part", {name: part[name] for name in part if name != "functionCall"}])
    return [out[index] for index in sorted(out)]


# ---------------------------------------------------------------- recordings


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("name", RECORDINGS)
def test_what_is_said_between_calls_equals_the_oracle(name: str, cut: str, backend: str) -> None:
    events = recut(chunks_of(name), CUTS[cut])
    out = run(*events)
    expected = transcript(events)
    for told in expected:
        for piece in told:
            if piece[0] != "part":
                piece[1] = oracle.restore(MAP, piece[1])
    code = [part for told in transcript(out) for kind, part in told if kind == "part"]
    assert [[p for p in told if p[0] != "part"] for told in transcript(out)] == [
        [p for p in told if p[0] != "part"] for told in expected
    ]
    assert [kind for told in transcript(out) for kind, _ in told] == [
        kind for told in expected for kind, _ in told
    ]
    assert len(code) == sum(piece[0] == "part" for told in expected for piece in told)
    arguments = {key: value for key, value in heard(events).items() if key[1] == "$.text"}
    assert {key: heard(out)[key] for key in arguments} == restored(arguments)


@pytest.mark.parametrize("name", RECORDINGS)
def test_nothing_but_text_changes(name: str) -> None:
    for before, after in pairs_of(PROTOCOL, chunks_of(name)):
        assert {place.removeprefix("candidates.") for place in changes(before, after)} <= PLACES | {
            "content.parts"
        }


def test_the_wholes_of_a_recording() -> None:
    out = run(*chunks_of("gemini-tools.sse"))
    parts = [part for event in out for part in event["candidates"][0]["content"]["parts"]]
    call = next(part for part in parts if "thoughtSignature" in part)
    assert call == {
        "functionCall": {
            "name": "send_mail",
            "args": {
                "to": "ada@example.org",
                "list": ['Ada "Countess" Lovelace', 1.5, None, True],
                PERSON: {"note": MAP["<NOTE_1>"], "doc": '{"q": "Ada \\"Countess\\" Lovelace"}'},
            },
        },
        "thoughtSignature": "CikB0e2K<PERSON_1>b4A=",
    }
    assert {"inlineData": {"mimeType": "image/png", "data": "PFBF<PERSON_1>"}} in parts
    last = out[-1]["candidates"][0]
    assert last["content"]["parts"] == [{"text": "", "thoughtSignature": "CpcBAdHtim9<PERSON_1>"}]
    assert last["citationMetadata"]["citations"][0]["title"] == MAP["<PERSON_1>"]
    assert last["groundingMetadata"]["searchEntryPoint"] == {
        "renderedContent": f"<div>{MAP['<PERSON_1>']}</div>",
        "sdkBlob": "W1<PERSON_1>",
    }


# ---------------------------------------------------------------- where channels end


def test_an_event_of_nothing_but_withheld_text_does_not_leave() -> None:
    """Google's SDK takes an empty part, and an event without parts, for a fault."""
    assert run(said(text("<PERS")), said(text("ON_10>"))) == [said(text("Grace"))]
    usage = {"usageMetadata": {"totalTokenCount": 3}, "modelVersion": "m", "responseId": "r"}
    assert run(said(text("<PERS")) | usage, said(text("ON_10>")) | usage) == [said(text("Grace")) | usage]


def test_the_usage_of_an_event_that_did_not_leave_goes_along_with_the_tail() -> None:
    usage = {"usageMetadata": {"totalTokenCount": 3}}
    assert run(said(text("a <")) | usage) == [said(text("a ")) | usage, said(text("<"))]
    assert run(said(text("<PERS")) | usage) == [said(text("<PERS")) | usage]


def test_a_part_that_says_something_else_stays() -> None:
    signed = said(text("<PERS", thoughtSignature="x"))
    assert run(signed)[0] == said(text("", thoughtSignature="x"))


def test_parts_of_one_event_are_one_text() -> None:
    out = run(said(text("a <PERS"), text("ON_10"), text("> b")))
    assert out == [said(text("a "), text("Grace b"))]


def test_a_call_stands_behind_what_was_said_before_it(backend: str) -> None:
    assert run(said(text("a <PERS")), said(CALL), said(text("ON_10>"))) == [
        said(text("a ")),
        said(text("<PERS")),
        said(CALL),
        said(text("ON_10>")),
    ]
    one = said(text("a <PERS"), CALL, text("b <"), CALL, text("ON_10>"))
    assert run(one) == [one]


@pytest.mark.parametrize(
    "part",
    [
        {"executableCode": {"language": "PYTHON", "code": "1"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}},
        {"inlineData": {"mimeType": "image/png", "data": ""}},
        {"functionResponse": {"name": "f", "response": {}}},
    ],
    ids=str,
)
def test_a_part_that_is_no_text_ends_text_and_thoughts(part: dict[str, Any]) -> None:
    out = run(said(text("<A", thought=True), text("<P")), said(part))
    assert out[-1] == said(part)
    assert heard(out) == {(0, "thought"): "<A", (0, "text"): "<P"}
    assert len(out) == 3, "thoughts end where the text begins"


def test_thoughts_end_where_text_begins() -> None:
    out = run(said(text("so <PERS", thought=True)), said(text("Hi")), said(text("ON_10>", thought=True)))
    assert out == [
        said(text("so ", thought=True)),
        said(text("<PERS", thought=True)),
        said(text("Hi")),
        said(text("ON_10>", thought=True)),
    ]


def test_an_empty_text_beside_thoughts_ends_nothing() -> None:
    out = run(said(text("<PERS", thought=True)), said(text("")), said(text("ON_10>", thought=True)))
    assert heard(out) == {(0, "thought"): "Grace"}


def test_a_tail_leaves_on_the_finish_behind_the_last_text() -> None:
    assert run(said(text("<PERS")), said(text(""), finish="STOP")) == [said(text("<PERS"), finish="STOP")]


def test_a_part_that_is_there_for_its_signature_takes_no_tail() -> None:
    signed = said(text("", thoughtSignature="x"), finish="STOP")
    assert run(said(text("<PERS")), signed) == [said(text("<PERS")), signed]


@pytest.mark.parametrize(
    "content", [{}, {"content": None}, {"content": {"role": "model"}}, {"content": {"parts": None}}]
)
def test_a_finish_without_parts(content: dict[str, Any]) -> None:
    end = {"candidates": [{"index": 0, "finishReason": "MAX_TOKENS", **content}]}
    assert run(said(text("<PERS")), end) == [said(text("<PERS")), end]


@pytest.mark.parametrize(
    "end", [[], [{"error": {"code": 503, "message": "<PERSON_1>"}}]], ids=["none", "error"]
)
def test_a_stream_without_a_finish_is_drained_in_the_stream_s_own_name(end: list[Any]) -> None:
    own = {"modelVersion": "m-1", "responseId": "r-1"}
    out = run(said(text("<PERS")) | own | {"usageMetadata": {}}, *end)
    assert out == [said(text("<PERS")) | own | {"usageMetadata": {}}, *end]


def test_a_candidate_without_an_index_goes_by_its_position() -> None:
    out = run(said(text("<PERS"), index=None), said(text("ON_10>"), index=0))
    assert heard(out) == {(0, "text"): "Grace"}


def test_a_candidate_is_known_by_its_index_wherever_it_stands() -> None:
    events = [said(text(piece), index=index) for piece, index in [("<PERS", 1), ("ON_10>", 0), ("ON_10>", 1)]]
    assert heard(run(*events)) == {(1, "text"): "Grace", (0, "text"): "ON_10>"}


# ---------------------------------------------------------------- arguments in pieces


def test_pieces_of_arguments_are_channels_by_their_path() -> None:
    out = run(
        said(pieces(("$.a", "<PERS", True), ("$.b", "x <", True))),
        said(pieces(("$.b", "y", True), ("$.a", "ON_10>", True))),
        said({"functionCall": {}}),
    )
    assert out == [
        said(pieces(("$.a", "", True), ("$.b", "x ", True))),
        said(pieces(("$.b", "<y", True), ("$.a", "Grace", True))),
        said({"functionCall": {}}),
    ]


def test_a_piece_that_is_the_last_takes_the_tail() -> None:
    out = run(said(pieces(("$.a", "x <PERS", False), ("$.a", "ON_10>", False))))
    assert out == [said(pieces(("$.a", "x <PERS", False), ("$.a", "ON_10>", False)))]


def test_arguments_end_with_their_call() -> None:
    end = said({"functionCall": {}})
    assert run(said(pieces(("$.a", "<PERS", True))), end)[1:] == [said(pieces(("$.a", "<PERS", True))), end]


# ---------------------------------------------------------------- odd shapes, and objects


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"candidates": None},
        {"candidates": [None, 7]},
        {"candidates": [{"content": {"parts": [None, "<PERSON_1>", {}]}}]},
        {"candidates": [{"content": {"parts": [{"text": None}]}}]},
        {"candidates": [{"content": {"parts": [{"functionCall": None}]}}]},
        {"candidates": [{"content": {"parts": [{"functionCall": {"args": None, "partialArgs": None}}]}}]},
        {"candidates": [{"content": {"parts": [{"functionCall": {"partialArgs": [None, {}]}}]}}]},
        {"candidates": [{"content": {"parts": [{"audioTranscription": None}]}}]},
        {"usageMetadata": {"totalTokenCount": 3}, "responseId": "<PERSON_1>"},
    ],
    ids=str,
)
def test_an_odd_shape_passes_as_the_same_object(event: dict[str, Any]) -> None:
    assert run(event)[0] is event


def test_a_blocked_prompt_and_a_transcript() -> None:
    blocked = {"promptFeedback": {"blockReason": "OTHER", "blockReasonMessage": "about <PERSON_10>"}}
    assert run(blocked)[0]["promptFeedback"]["blockReasonMessage"] == "about Grace"
    spoken = [said({"audioTranscription": {"text": piece}}) for piece in ("<PERS", "ON_10> <")]
    parts = [event["candidates"][0]["content"]["parts"][0] for event in run(*spoken)]
    assert [part["audioTranscription"]["text"] for part in parts] == ["Grace ", "<"]


def in_snake_case(node: Any) -> Any:
    """An event as Python's SDK spells it; what a tool gets or gave has names of its own."""
    if isinstance(node, list):
        return [in_snake_case(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        re.sub("([A-Z])", r"_\1", name).lower(): value
        if name in {"args", "response"}
        else in_snake_case(value)
        for name, value in node.items()
    }


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("name", RECORDINGS)
def test_both_spellings_are_read_and_a_tail_is_spelled_like_its_stream(name: str, cut: str) -> None:
    events = recut(chunks_of(name), CUTS[cut])
    assert run(*map(in_snake_case, events)) == in_snake_case(run(*events))


def test_the_first_event_tells_the_spelling() -> None:
    """Not what the fast path may have skipped, and not what a tool gets."""
    first = {**said({"text": "Hi"}), "modelVersion": "g", "responseId": "r"}
    other = {"candidates": [{"content": {"parts": [{"text": "Hi"}]}, "index": 0, "finish_reason": None}]}
    assert "modelVersion" in run(first, other, said({"text": "<PERS"}))[-1]
    called = said({"functionCall": {"name": "f", "args": {"a_b": 1}}, 5: "no name"})
    assert "modelVersion" in run({**called, "modelVersion": "g"}, said({"text": "<PERS"}))[-1]


def test_tails_in_the_spelling_of_the_sdk() -> None:
    """Those of a transcript and of a call's argument, whose names differ."""
    piece = {"jsonPath": "$.a", "stringValue": "<PERS", "willContinue": True}
    for part in (
        {"audioTranscription": {"text": "<PERS"}},
        {"functionCall": {"name": "f", "partialArgs": [piece], "willContinue": True}},
    ):
        tail = in_snake_case(run(said(part)))[-1]
        assert run(in_snake_case(said(part)))[-1] == tail
        assert "<PERS" in str(tail)


@pytest.mark.sdk
@pytest.mark.parametrize("name", RECORDINGS)
def test_objects_of_the_google_sdk(name: str) -> None:
    """Their fields are in snake case."""
    types = pytest.importorskip("google.genai.types")
    events = []
    for event in chunks_of(name):
        for candidate in event["candidates"]:
            for part in candidate["content"].get("parts", ()):
                part.pop("inlineData", None)
                part.pop("thoughtSignature", None)  # no base64, as they are here to be recognised
            candidate.pop("groundingMetadata", None)
        events.append(types.GenerateContentResponse.model_validate(event))
    restorer = ChunkRestorer(MAP, protocol=PROTOCOL)
    out = [leaving for event in events for leaving in restorer.feed(event)] + restorer.flush()
    expected = through(PROTOCOL, [event.model_dump(by_alias=True, exclude_none=True) for event in events])
    assert [event.model_dump(by_alias=True, exclude_none=True) for event in out] == expected
    assert {type(event) for event in out} == {types.GenerateContentResponse}
