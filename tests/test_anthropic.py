"""The Messages API of Anthropic: named events, one channel per block and kind of delta."""

from __future__ import annotations

import json
from typing import Any

import pytest

from holdback import ChunkRestorer, DeanonymizationConfig
from holdback.formats.anthropic import Anthropic
from recorded import (
    CUTS,
    MAP,
    changes,
    chunks_of,
    client_of,
    heard,
    names,
    pairs_of,
    recut,
    restored,
    through,
)

PROTOCOL = "anthropic"
RECORDINGS = names(PROTOCOL)
REASONING = DeanonymizationConfig(reasoning=True)

# Where text may change, and nowhere else.
PLACES = {
    *("delta.text", "delta.partial_json"),
    *("delta.citation.cited_text", "delta.citation.url", "delta.citation.title"),
    *("content_block.content.title", "content_block.content.url"),
    *("content_block.input.who", "content_block.input.<PERSON_2>"),
}
PLACES |= {f"content_block.input.{MAP['<PERSON_2>']}"}


def delta(text: str, kind: str = "text_delta", field: str = "text", index: int = 0) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, field: text}}


def start(block: Any, index: int = 0) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def stop(index: int = 0) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def run(*events: Any, config: Any = None) -> list[Any]:
    return through(PROTOCOL, list(events), config)


# ---------------------------------------------------------------- recordings


@pytest.mark.parametrize("reasoning", [False, True], ids=["", "reasoning"])
@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("name", RECORDINGS)
def test_joined_deltas_equal_the_oracle(name: str, cut: str, reasoning: bool, backend: str) -> None:
    events = recut(chunks_of(name), CUTS[cut])
    out = run(*events, config=REASONING if reasoning else None)
    signed = {} if reasoning else {key: text for key, text in heard(events).items() if "thinking" in key}
    assert heard(out) == restored(heard(events)) | signed


@pytest.mark.parametrize("name", RECORDINGS)
def test_nothing_but_text_changes(name: str) -> None:
    for config, more in ((None, set()), (REASONING, {"delta.thinking"})):
        for before, after in pairs_of(PROTOCOL, chunks_of(name), config):
            assert set(changes(before, after)) <= PLACES | more


# ---------------------------------------------------------------- channels and their ends


ENDS = {
    "its block": stop(),
    "a new block in its place": start({"type": "text", "text": ""}),
    "the message's reason": {"type": "message_delta", "delta": {"stop_reason": "max_tokens"}, "usage": {}},
    "the message": {"type": "message_stop"},
    "error": {"type": "error", "error": {"type": "overloaded_error", "message": "<PERSON_1>"}},
    "error without a type": {"error": {"message": "<PERSON_1>"}},
}


@pytest.mark.parametrize("end", ENDS)
def test_a_tail_leaves_in_a_delta_just_before(end: str, backend: str) -> None:
    assert run(delta("Hi <PERS"), ENDS[end]) == [delta("Hi "), delta("<PERS"), ENDS[end]]


def test_a_stream_that_just_stops_is_drained() -> None:
    json_delta = delta('{"a": "<PERS', "input_json_delta", "partial_json", 1)
    out = run(delta("Hi <PERS"), json_delta)
    assert out[2:] == [delta("<PERS"), delta("<PERS", "input_json_delta", "partial_json", 1)]


@pytest.mark.parametrize(
    "event",
    [
        {"type": "ping"},
        stop(1),
        start({"type": "tool_use", "id": "t", "name": "n", "input": {}}, 1),
        delta("sig", "signature_delta", "signature"),
        delta("{}", "input_json_delta", "partial_json", 1),
        {"type": "message_delta", "delta": {"stop_reason": None}, "usage": {"output_tokens": 3}},
        {"type": "a_new_event", "index": 0, "text": "<PERSON_1>"},
    ],
    ids=str,
)
def test_a_channel_goes_on_after(event: dict[str, Any]) -> None:
    assert run(delta("<PERS"), event, delta("ON_10>")) == [delta(""), event, delta("Grace")]


def test_a_citation_between_two_halves_of_a_placeholder() -> None:
    cited = {
        "type": "char_location",
        "cited_text": "<PERSON_10>",
        "document_title": "<PERSON_10>",
        "file_id": "<PERSON_10>",
    }
    citation = {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "citations_delta", "citation": cited},
    }
    out = run(delta("<PERS"), citation, delta("ON_10>"), stop())
    expected = cited | {"cited_text": "Grace", "document_title": "Grace"}
    assert [out[1]["delta"]["citation"], out[2]] == [expected, delta("Grace")]


def test_a_block_may_begin_with_text_that_its_deltas_continue() -> None:
    out = run(start({"type": "text", "text": "Hi <PERS", "citations": None}), delta("ON_10>!"), stop())
    assert out[0]["content_block"] == {"type": "text", "text": "Hi ", "citations": None}
    assert out[1:] == [delta("Grace!"), stop()]
    (whole, end) = run(start({"type": "text", "text": "Hi <PERSON_10>"}), stop())
    assert (whole["content_block"]["text"], end) == ("Hi Grace", stop())


def test_the_citations_that_a_block_of_text_begins_with_are_whole() -> None:
    (out,) = run(start({"type": "text", "text": "", "citations": [{"cited_text": "<PERSON_10>"}]}))
    assert out == start({"type": "text", "text": "", "citations": [{"cited_text": "Grace"}]})


def test_a_message_may_begin_with_thinking() -> None:
    def begin(text: str) -> dict[str, Any]:
        return {"type": "message_start", "message": {"content": [{"type": "thinking", "thinking": text}]}}

    assert run(begin("<PERSON_10>")) == [begin("<PERSON_10>")]
    assert run(begin("<PERSON_10>"), config=REASONING) == [begin("Grace")]


def test_an_index_that_is_no_number_is_none() -> None:
    odd = {**delta("<PERSON_10>"), "index": [0]}
    assert run(odd) == [{**delta("Grace"), "index": [0]}]


def test_what_is_a_stream_or_an_answer_of_this_format() -> None:
    known: list[dict[str, Any]] = [delta(""), start({}), stop(), {"type": "message_start"}]
    assert all(map(Anthropic.recognises, known))
    others: list[dict[str, Any]] = [{"type": "ping"}, {"type": "error", "error": {}}, {"content": []}, {}]
    assert not any(map(Anthropic.recognises, others))
    assert Anthropic.recognises_answer({"type": "message", "content": []})
    others = [{"type": "message"}, {"type": "other", "content": []}, {"content": []}]
    assert not any(map(Anthropic.recognises_answer, others))


def test_an_input_that_has_no_json_form_is_left_unread() -> None:
    circle: dict[str, Any] = {"who": "<PERSON_10>"}
    circle["again"] = circle
    deep: Any = "<PERSON_10>"
    for _ in range(100_000):
        deep = [deep]
    for value in (circle, {"deep": deep}):
        event = start({"type": "tool_use", "input": value})
        (out,) = ChunkRestorer(MAP, protocol=PROTOCOL).feed(event)
        assert out is event


def test_a_whole_text_is_not_escaped_as_source() -> None:
    (out,) = ChunkRestorer({"<P>": '"A"'}, protocol=PROTOCOL).feed(
        start({"type": "advisor_tool_result", "content": {"text": '"<P>"'}})
    )
    assert out["content_block"]["content"]["text"] == '""A""'


# ---------------------------------------------------------------- whole values


BLOCKS: dict[str, tuple[Any, Any]] = {
    "tool_use": (
        {
            "id": "<PERSON_10>",
            "name": "<PERSON_10>",
            "input": {"<PERSON_10>": ["<NOTE_1>", '{"a": "<ADDRESS_1>"}', 1.5]},
        },
        {
            "id": "<PERSON_10>",
            "name": "<PERSON_10>",
            "input": {"Grace": [MAP["<NOTE_1>"], '{"a": "12 St James\'s Square\\nLondon \\\\ UK"}', 1.5]},
        },
    ),
    "mcp_tool_use": ({"input": {"a": "<PERSON_10>"}}, {"input": {"a": "Grace"}}),
    "mcp_tool_result": ({"content": "<PERSON_10>"}, {"content": "Grace"}),
    "web_fetch_tool_result": (
        {
            "content": {
                "type": "web_fetch_result",
                "url": "<PERSON_10>",
                "content": {"title": "<PERSON_10>", "source": {"type": "text", "data": "<PERSON_10>"}},
            }
        },
        {
            "content": {
                "type": "web_fetch_result",
                "url": "Grace",
                "content": {"title": "Grace", "source": {"type": "text", "data": "Grace"}},
            }
        },
    ),
    "web_search_tool_result": (
        {"content": [{"title": "<PERSON_10>", "encrypted_content": "<PERSON_10>"}]},
        {"content": [{"title": "Grace", "encrypted_content": "<PERSON_10>"}]},
    ),
    "bash_code_execution_tool_result": (
        {"content": {"stdout": "<PERSON_10>", "stderr": "<PERSON_10>", "encrypted_stdout": "<PERSON_10>"}},
        {"content": {"stdout": "Grace", "stderr": "Grace", "encrypted_stdout": "<PERSON_10>"}},
    ),
    "text_editor_code_execution_tool_result": (
        {"content": {"content": "<PERSON_10>", "lines": ["<PERSON_10>"]}},
        {"content": {"content": "Grace", "lines": ["Grace"]}},
    ),
    "advisor_tool_result": ({"content": {"text": "<PERSON_10>"}}, {"content": {"text": "Grace"}}),
    "a base64 source": (
        {
            "type": "web_fetch_tool_result",
            "content": {"content": {"source": {"type": "base64", "data": "<PERSON_10>"}}},
        },
        {"content": {"content": {"source": {"type": "base64", "data": "<PERSON_10>"}}}},
    ),
    "redacted_thinking": ({"data": "<PERSON_10>"}, {"data": "<PERSON_10>"}),
    "thinking": (
        {"thinking": "<PERSON_10>", "signature": "<PERSON_10>"},
        {"thinking": "<PERSON_10>", "signature": "<PERSON_10>"},
    ),
    "compaction": ({"content": "<PERSON_10>"}, {"content": "<PERSON_10>"}),
    "a new one": ({"text": "<PERSON_10>"}, {"text": "<PERSON_10>"}),
}


@pytest.mark.parametrize("kind", BLOCKS)
def test_the_text_of_a_block(kind: str) -> None:
    node, expected = BLOCKS[kind]
    block = {"type": kind, **node}
    expected = {"type": block["type"], **expected}
    assert run(start(block))[0]["content_block"] == expected
    message = {"id": "msg", "content": [block], "model": "<PERSON_10>"}
    (out,) = run({"type": "message_start", "message": message})
    assert out["message"] == {**message, "content": [expected]}


def test_thinking_is_left_alone_unless_asked_for() -> None:
    events = [
        start({"type": "thinking", "thinking": "", "signature": ""}),
        delta("<PERSON_1", "thinking_delta", "thinking"),
        delta("<PERSON_1>", "signature_delta", "signature"),
        stop(),
    ]
    assert all(after is before for before, after in zip(events, run(*events), strict=True))
    out = run(*events, config=REASONING)
    assert [event["delta"].get("thinking") for event in out if "delta" in event] == ["", None, "<PERSON_1"]


def test_the_caller_s_stop_sequence() -> None:
    event = {
        "type": "message_delta",
        "delta": {"stop_reason": "stop_sequence", "stop_sequence": "<PERSON_10>"},
    }
    assert run(event)[0]["delta"]["stop_sequence"] == "Grace"


# ---------------------------------------------------------------- odd shapes, and objects


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"type": None, "delta": "<PERSON_1>"},
        {"type": "content_block_delta", "index": 0, "delta": None},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": None}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": ["text_delta"], "text": "<PERSON_1>"}},
        {"type": "content_block_delta", "index": 0, "delta": {"text": "<PERSON_1>"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "citations_delta", "citation": None}},
        {"type": "content_block_start", "index": 0, "content_block": None},
        {"type": "content_block_start", "content_block": {"type": "tool_use", "input": None}},
        {"type": "content_block_stop"},
        {"type": "message_start", "message": None},
        {"type": "message_start", "message": {"content": ["<PERSON_1>", None]}},
        {"type": "message_delta"},
    ],
    ids=str,
)
def test_an_odd_shape_passes_as_the_same_object(event: dict[str, Any]) -> None:
    assert run(event)[0] is event


def test_a_block_without_an_index_is_a_channel_too() -> None:
    bare = {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "<PERS"}}
    assert run(bare, {"type": "content_block_stop"})[1:] == [bare, {"type": "content_block_stop"}]


@pytest.mark.sdk
@pytest.mark.parametrize("name", RECORDINGS)
def test_objects_of_the_anthropic_sdk(name: str) -> None:
    types = pytest.importorskip("anthropic.types")
    construct_type = pytest.importorskip("anthropic._models").construct_type
    events = [
        construct_type(type_=types.RawMessageStreamEvent, value=event)
        for event in chunks_of(name)
        if event["type"] not in {"ping", "error"}  # which the SDK keeps to itself
    ]
    restorer = ChunkRestorer(MAP, protocol=PROTOCOL)
    out = [leaving for event in events for leaving in restorer.feed(event)] + restorer.flush()
    expected = through(PROTOCOL, [event.to_dict(mode="python") for event in events])
    assert [event.to_dict(mode="python") for event in out] == expected
    assert {type(event) for event in out if event.type == "content_block_delta"} == {
        types.RawContentBlockDeltaEvent
    }


@pytest.mark.sdk
@pytest.mark.parametrize("cut", CUTS)
def test_the_stream_helper_of_the_anthropic_sdk(cut: str) -> None:
    """It parses a tool's input at every delta."""
    anthropic = pytest.importorskip("anthropic")
    events = recut(chunks_of("anthropic-tools.sse"), CUTS[cut])
    client = client_of(anthropic, "Anthropic", run(*events))
    with client.messages.stream(model="m", max_tokens=9, messages=[]) as stream:
        for _ in stream:
            pass
        message = stream.get_final_message()
    for (index, field), text in restored(heard(events)).items():
        block = message.content[index]
        if field == "text":
            assert block.text == text
        elif field == "partial_json":
            assert block.input == json.loads(text)
        else:
            assert block.thinking == heard(events)[index, field]
