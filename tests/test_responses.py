"""The Responses API: channels that overlap, and texts that come up to five times."""

from __future__ import annotations

from typing import Any

import pytest

from holdback import DeanonymizationConfig, TrieMatcher
from recorded import (
    CUTS,
    MAP,
    changes,
    chunks_of,
    heard,
    pairs_of,
    recut,
    restored,
)
from responses_events import IDS, PROTOCOL, RECORDINGS, TEXT, delta, run

REASONING = DeanonymizationConfig(reasoning=True)
# Where text may change, and nowhere else.
PLACES = {
    "delta",
    "delta.stdout",
    "delta.stderr",
    *("text", "refusal", "arguments", "input", "code", "command", "output.stdout", "output.stderr"),
    *("annotation.title", "annotation.url"),
    *("part.text", "part.refusal", "part.annotations.title", "part.annotations.url"),
}
ITEM_PLACES = {
    *("content.text", "content.refusal", "content.annotations.title", "content.annotations.url"),
    *("arguments", "output", "input", "code", "outputs.logs", "action.commands"),
    *("output.stdout", "output.stderr"),
}


PLACES |= {f"{where}.{place}" for where in ("item", "response.output") for place in ITEM_PLACES}


REASONING_PLACES = {"delta", "text", "part.text", "item.summary.text", "response.output.summary.text"}


def repetitions(events: list[dict[str, Any]]) -> list[tuple[tuple[Any, ...], str]]:
    """Every whole text in a stream, with the channel that spelled it out."""
    out: list[tuple[tuple[Any, ...], str]] = []

    def item(index: int, node: dict[str, Any]) -> None:
        def add(kind: str, text: Any, **ids: int) -> None:
            places = tuple(ids.get(name) for name in ("content", "summary", "command"))
            if text:
                out.append(((f"response.{kind}.delta", (index, *places)), text))

        for n, part in enumerate(node.get("content") or ()):
            kind = {"output_text": "text", "refusal": "refusal"}[part["type"]]
            add({"text": "output_text"}.get(kind, kind), part[kind], content=n)
        for n, part in enumerate(node.get("summary") or ()):
            add("reasoning_summary_text", part["text"], summary=n)
        kind = {"function_call": "function_call_arguments", "mcp_call": "mcp_call_arguments"}.get(
            node["type"], ""
        )
        add(kind, node.get("arguments"))
        add("custom_tool_call_input", node.get("input"))
        add("code_interpreter_call_code", node.get("code"))
        for n, command in enumerate((node.get("action") or {}).get("commands", ())):
            add("shell_call_command", command, command=n)

    for event in events:
        kind, index = event["type"], event.get("output_index")
        places = tuple(event.get(f"{name}_index") for name in ("content", "summary", "command"))
        if kind.endswith(".done"):
            key = (kind.replace(".done", ".delta"), (index, *places))
            fields = ("text", "refusal", "arguments", "input", "code", "command")
            out.extend((key, event[field]) for field in fields if field in event)
        if kind == "response.content_part.done":
            name = "refusal" if event["part"]["type"] == "refusal" else "output_text"
            out.append(
                ((f"response.{name}.delta", (index, *places)), event["part"][name.removeprefix("output_")])
            )
        if kind == "response.shell_call_output_content.done":
            key = (kind.replace(".done", ".delta"), (index, *places))
            out.extend(
                ((*key, name), "".join(one[name] for one in event["output"])) for name in ("stdout", "stderr")
            )
        if kind == "response.output_item.done":
            item(event["output_index"], event["item"])
        for n, node in enumerate(event.get("response", {}).get("output", ())):
            item(n, node)
    return out


# ---------------------------------------------------------------- recordings


@pytest.mark.parametrize("reasoning", [False, True], ids=["", "reasoning"])
@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("name", RECORDINGS)
def test_joined_deltas_equal_the_oracle_and_every_repetition(
    name: str, cut: str, reasoning: bool, backend: str
) -> None:
    events = recut(chunks_of(name), CUTS[cut])
    out = run(*events, config=REASONING if reasoning else None)
    said = heard(out)
    signed = {} if reasoning else {key: text for key, text in heard(events).items() if "reasoning" in key[0]}
    assert said == restored(heard(events)) | signed
    whole = repetitions(out)
    assert len(whole) > (0 if "incomplete" in name else 10)
    for key, text in whole:
        assert said[key] == text, key


@pytest.mark.parametrize("name", RECORDINGS)
def test_nothing_but_text_changes(name: str) -> None:
    for config, more in ((None, set()), (REASONING, REASONING_PLACES)):
        for before, after in pairs_of(PROTOCOL, chunks_of(name), config):
            assert set(changes(before, after)) <= PLACES | more


def test_the_numbers_of_real_events_stay_and_a_tail_repeats_the_last() -> None:
    came = chunks_of("openai-responses-tools.sse")
    out = run(*came)
    tails = [at for at in range(1, len(out)) if out[at]["sequence_number"] == out[at - 1]["sequence_number"]]
    assert len(tails) == 2
    for at in tails:
        names = {"type", "item_id", "output_index", "command_index", "delta", "sequence_number"}
        assert set(out[at]) <= names
    numbers = [event["sequence_number"] for at, event in enumerate(out) if at not in tails]
    assert numbers == [event["sequence_number"] for event in came]


def test_what_is_not_named_is_not_read() -> None:
    hidden = ("<PERSON_1>", MAP["<PERSON_1>"])
    out = run(*chunks_of("openai-responses-tools.sse"))
    kinds = {event["type"]: event for event in out}
    assert hidden[0] in kinds["response.audio.delta"]["delta"]
    assert hidden[0] in kinds["response.image_generation_call.partial_image"]["partial_image_b64"]
    assert hidden[0] in kinds["response.function_call_progress"]["note"]
    response = kinds["response.completed"]["response"]
    assert hidden[0] in response["instructions"]
    assert hidden[0] in response["metadata"]["user"]
    assert "<EMAIL_1>" in response["tools"][0]["description"]
    assert response["output"][1]["call_id"] == "call_<PERSON_1>"
    assert hidden[0] in response["output"][7]["result"]


# ---------------------------------------------------------------- channels and their ends


def test_a_tail_leaves_just_before_the_done_event_of_its_channel(backend: str) -> None:
    done = {"type": f"{TEXT}.done", **IDS, "text": "Hi <PERS", "sequence_number": 8}
    assert run(delta("Hi <PERS"), done) == [
        delta("Hi "),
        {"type": f"{TEXT}.delta", **IDS, "delta": "<PERS", "sequence_number": 7},
        done,
    ]


def test_withheld_text_leaves_an_empty_delta() -> None:
    assert run(delta("<PERS"), delta("ON_1>")) == [delta(""), delta(MAP["<PERSON_1>"])]


def test_channels_overlap_and_none_ends_another(backend: str) -> None:
    call = {"item_id": "fc_1", "output_index": 1}
    kind = "response.function_call_arguments"
    out = run(
        delta("Hi <PERS"),
        delta('{"to": "<EMA', kind, **call),
        delta("not <PER", **{**IDS, "content_index": 1}),
        delta('IL_1>"}', kind, **call),
        {"type": f"{kind}.done", **call, "arguments": '{"to": "<EMAIL_1>"}'},
        {
            "type": "response.output_item.done",
            "output_index": 1,
            "item": {"id": "fc_1", "type": "function_call"},
        },
        delta("ON_1>!"),
        delta("SON_2>", **{**IDS, "content_index": 1}),
    )
    assert [event.get("delta", event.get("arguments")) for event in out] == [
        "Hi ",
        '{"to": "',
        "not ",
        'ada@example.org"}',
        '{"to": "ada@example.org"}',
        None,
        MAP["<PERSON_1>"] + "!",
        MAP["<PERSON_2>"],
    ]


KEYS = {
    "response.output_text": ("item_id", "output_index", "content_index"),
    "response.refusal": ("item_id", "output_index", "content_index"),
    "response.reasoning_text": ("item_id", "output_index", "content_index"),
    "response.reasoning_summary_text": ("item_id", "output_index", "summary_index"),
    "response.function_call_arguments": ("item_id", "output_index"),
    "response.mcp_call_arguments": ("item_id", "output_index"),
    "response.custom_tool_call_input": ("item_id", "output_index"),
    "response.code_interpreter_call_code": ("item_id", "output_index"),
    "response.shell_call_command": ("output_index", "command_index"),
    "response.audio.transcript": (),
}


@pytest.mark.parametrize("kind", KEYS)
def test_a_channel_is_one_kind_with_all_its_ids(kind: str) -> None:
    ids: dict[str, Any] = dict.fromkeys(KEYS[kind], 0)
    others = [ids | {name: 1} for name in ids]
    named = [{"type": "response.output_item.added", "item": {"id": item}} for item in (0, 1)]
    events = [delta("<PERS", kind, **one, n=1) for one in [*others, ids]]
    events += [delta("ON_10>", kind, **one, n=1) for one in [ids, *others]]
    out = run(*named, *events, config=REASONING)[2:]
    assert [event["delta"] for event in out] == [""] * (len(others) + 1) + ["Grace"] * (len(others) + 1)
    tail = run(delta("<PERS", kind, **ids, n=1), config=REASONING)[1]
    assert tail == {"type": f"{kind}.delta", **ids, "delta": "<PERS", "sequence_number": 7}


ENDS = {
    "its done": {"type": f"{TEXT}.done", **IDS, "text": ""},
    "its part": {"type": "response.content_part.done", **IDS, "part": {"type": "output_text", "text": ""}},
    "its item": {
        "type": "response.output_item.done",
        "output_index": 0,
        "item": {"id": "msg_1", "type": "message"},
    },
    "item without an id": {
        "type": "response.output_item.done",
        "output_index": 0,
        "item": {"type": "message"},
    },
    "completed": {"type": "response.completed", "response": {"output": []}},
    "incomplete": {"type": "response.incomplete", "response": {}},
    "failed": {"type": "response.failed", "response": {"error": {"code": "server_error"}}},
    "error": {"type": "error", "code": "server_error", "message": "<PERSON_1>", "param": None},
    "error without a type": {"error": {"message": "<PERSON_1>"}},
}
NO_ENDS = {
    "another part": {"type": f"{TEXT}.done", **IDS, "content_index": 1, "text": ""},
    "another item": {"type": "response.output_item.done", "output_index": 1, "item": {"id": "msg_2"}},
    "another kind": {"type": "response.refusal.done", **IDS, "refusal": ""},
    "a summary": {"type": "response.reasoning_summary_part.done", "item_id": "msg_1", "output_index": 0},
    "unknown": {"type": "response.something.done", **IDS},
    "progress": {"type": "response.in_progress", "response": {}},
}


@pytest.mark.parametrize("end", ENDS)
def test_a_channel_ends_with(end: str) -> None:
    tail = {"type": f"{TEXT}.delta", **IDS, "delta": "<PERS", "sequence_number": 7}
    assert run(delta("<PERS"), ENDS[end])[1:] == [tail, ENDS[end]]


@pytest.mark.parametrize("end", NO_ENDS)
def test_a_channel_does_not_end_with(end: str) -> None:
    out = run(delta("<PERS"), NO_ENDS[end], delta("ON_10>"))
    assert out[1:] == [NO_ENDS[end], delta("Grace")]


def test_a_stream_that_just_stops_is_drained() -> None:
    assert run(delta("a <PER"), delta("b <", "response.audio.transcript", n=1))[2:] == [
        {"type": f"{TEXT}.delta", **IDS, "delta": "<PER", "sequence_number": 7},
        {"type": "response.audio.transcript.delta", "delta": "<", "sequence_number": 7},
    ]


def test_a_tail_of_a_shell_s_output_is_an_object_of_its_stream() -> None:
    ids = {"item_id": "sho", "output_index": 2, "command_index": 0}
    kind = "response.shell_call_output_content"
    out = run(delta({"stdout": "a <", "stderr": "<PER", "other": "<PERSON_1>"}, kind, **ids))
    assert out[0]["delta"] == {"stdout": "a ", "stderr": "", "other": "<PERSON_1>"}
    tails = [event["delta"] for event in out[1:]]
    assert sorted(map(str, tails)) == ["{'stderr': '<PER'}", "{'stdout': '<'}"]


def test_reasoning_is_left_alone_unless_asked_for() -> None:
    kind, ids = "response.reasoning_text", {"item_id": "rs", "output_index": 0, "content_index": 0}
    whole = {"type": f"{kind}.done", **ids, "text": "<PERSON_10>"}
    item = {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "<PERSON_10>"}]}
    done = {"type": "response.output_item.done", "item": item}
    events = [delta("<PERSON_10>", kind, **ids), whole, done]
    assert all(after is before for before, after in zip(events, run(*events), strict=True))
    out = run(*events, config=REASONING)
    assert [out[0]["delta"], out[1]["text"], out[2]["item"]["content"][0]["text"]] == ["Grace"] * 3


ITEMS: dict[str, tuple[Any, Any]] = {
    "function_call": ({"arguments": '{"a": "<NOTE_1>"}'}, None),
    "mcp_approval_request": ({"arguments": '"<ADDRESS_1>"'}, None),
    "tool_search_call": ({"arguments": {"q": "<PERSON_10>"}}, {"arguments": {"q": "Grace"}}),
    "local_shell_call": (
        {
            "action": {
                "command": ["echo", "<PERSON_10>"],
                "env": {"WHO": "<PERSON_10>"},
                "user": "<PERSON_10>",
            }
        },
        {"action": {"command": ["echo", "Grace"], "env": {"WHO": "Grace"}, "user": "Grace"}},
    ),
    "local_shell_call_output": ({"output": "<PERSON_10>"}, {"output": "Grace"}),
    "apply_patch_call": (
        {"operation": {"type": "create_file", "path": "<PERSON_10>", "diff": "+<PERSON_10>"}},
        {"operation": {"type": "create_file", "path": "Grace", "diff": "+Grace"}},
    ),
    "program": (
        {"code": "<PERSON_10>", "fingerprint": "<PERSON_10>"},
        {"code": "Grace", "fingerprint": "<PERSON_10>"},
    ),
    "program_output": ({"result": "<PERSON_10>"}, {"result": "Grace"}),
    "web_search_call": (
        {
            "action": {
                "type": "search",
                "query": "<PERSON_10>",
                "queries": ["<PERSON_10>"],
                "sources": ["<PERSON_10>"],
            }
        },
        {"action": {"type": "search", "query": "Grace", "queries": ["Grace"], "sources": ["<PERSON_10>"]}},
    ),
    "file_search_call": (
        {"queries": ["<PERSON_10>"], "results": [{"text": "<PERSON_10>", "file_id": "<PERSON_10>"}]},
        {"queries": ["Grace"], "results": [{"text": "Grace", "file_id": "<PERSON_10>"}]},
    ),
    "computer_call": (
        {
            "action": {"type": "type", "text": "<PERSON_10>"},
            "actions": [{"type": "type", "text": "<PERSON_10>"}],
        },
        {"action": {"type": "type", "text": "Grace"}, "actions": [{"type": "type", "text": "Grace"}]},
    ),
    "function_call_output": (
        {
            "output": [
                {"type": "input_text", "text": "<PERSON_10>"},
                {"type": "input_file", "file_data": "<PERSON_10>"},
            ]
        },
        {
            "output": [
                {"type": "input_text", "text": "Grace"},
                {"type": "input_file", "file_data": "<PERSON_10>"},
            ]
        },
    ),
    "custom_tool_call_output": ({"output": "<PERSON_10>"}, {"output": "Grace"}),
    "mcp_call": (
        {"error": {"message": "<PERSON_10>"}, "output": None},
        {"error": {"message": "Grace"}, "output": None},
    ),
    "compaction": ({"encrypted_content": "<PERSON_10>"}, {"encrypted_content": "<PERSON_10>"}),
    "a new one": ({"text": "<PERSON_10>"}, {"text": "<PERSON_10>"}),
}


@pytest.mark.parametrize("kind", ITEMS)
def test_the_text_of_an_item(kind: str) -> None:
    node, expected = ITEMS[kind]
    (out,) = run({"type": "response.output_item.done", "item": {"type": kind, "id": "<PERSON_10>", **node}})
    if expected is None:
        expected = {"arguments": TrieMatcher(MAP).replace(node["arguments"], json=True)}
    assert out["item"] == {"type": kind, "id": "<PERSON_10>", **expected}
