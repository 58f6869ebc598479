"""A policy and the report through every restorer: the same decisions as the naive reference, in any cut."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from answer_streams import FORMATS, Events, arguments_of, as_bytes, chat, heard, pieces, read_back
from holdback import (
    ChunkRestorer,
    DeanonymizationConfig,
    Report,
    RestorePolicy,
    StreamingHandler,
    WireRestorer,
    _backend,
    aio,
    cli,
    restore_answer,
    sync,
)
from holdback.restorers.material import material
from policy_texts import KEY, POLICY, VALUE, expected, mapping, said, texts


def on_the_wire(events: Events, protocol: str, seed: int, config: Any, *, lane: bool) -> tuple[Events, Any]:
    rng = random.Random(seed)
    data = as_bytes(events, protocol)
    restorer = WireRestorer(mapping(), config, protocol=protocol, _lane=lane)
    size = rng.choice((7, 100, len(data)))
    out = b"".join(restorer.feed(data[at : at + size]) for at in range(0, len(data), size)) + restorer.flush()
    return read_back(out), restorer.report


@pytest.mark.parametrize("name", ["attacks", "harmless"])
@pytest.mark.parametrize("protocol", FORMATS)
def test_every_text_is_restored_as_the_reference_does(backend: str, protocol: str, name: str) -> None:
    for seed, text in enumerate(texts(name)):
        rng = random.Random(seed)
        events = FORMATS[protocol]([pieces(block, rng) for block in text.split("¦")])
        want = expected(text)
        counts = text.count(KEY)
        sent, report = on_the_wire(events, protocol, seed, POLICY, lane=True)
        assert "".join(heard(sent)) == want.text
        assert sum(report.restored.values()) == counts - want.kept
        assert report.kept == ({"address": {"PERSON": want.kept}} if want.kept else {})
        restorer = ChunkRestorer(mapping(), POLICY, protocol=protocol)
        leaving = [out for event in events for out in restorer.feed(event)] + restorer.flush()
        assert "".join(heard(leaving)) == want.text
        assert restorer.report == report
        if protocol == "openai-responses":
            parts = [part["text"] for item in sent[-1]["response"]["output"] for part in item["content"]]
            assert "".join(parts) == want.text
            done = [event for event in sent if event["type"] == "response.output_text.done"]
            assert "".join(event["text"] for event in done) == want.text
            items = [event["item"] for event in sent if event["type"] == "response.output_item.done"]
            assert "".join(item["content"][0]["text"] for item in items) == want.text


@pytest.mark.parametrize("name", ["attacks", "harmless"])
def test_whole_answers_likewise(backend: str, name: str) -> None:
    for text in texts(name):
        blocks, want = text.split("¦"), expected(text).text
        answers: list[dict[str, Any]] = [
            {"choices": [{"message": {"content": [{"type": "text", "text": block} for block in blocks]}}]},
            {"type": "message", "content": [{"type": "text", "text": block} for block in blocks]},
            {
                "object": "response",
                "output": [
                    {"type": "message", "content": [{"type": "output_text", "text": block}]}
                    for block in blocks
                ],
            },
            {"candidates": [{"content": {"parts": [{"text": block} for block in blocks]}}]},
        ]
        for answer in answers:
            for given in (answer, json.dumps(answer).encode()):
                restored = restore_answer(given, mapping(), POLICY)
                restored = json.loads(restored) if isinstance(restored, bytes) else restored
                assert "".join(said(restored)) == want


# ---------------------------------------------------------------- the rules


def calls(names: list[str], arguments: list[str]) -> Events:
    called: Events = [{"index": 0, "id": "c", "function": {"name": names[0], "arguments": ""}}]
    called += [{"index": 0, "function": {"name": name, "arguments": ""}} for name in names[1:]]
    called += [{"index": 0, "function": {"arguments": piece}} for piece in arguments]
    return [
        {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}
        for call in called
    ]


TOOLS = DeanonymizationConfig(policy=RestorePolicy(tools={"http_get": "keep", "*": "restore"}))


@pytest.mark.parametrize(
    ("names", "is_kept"),
    [(["http_get"], True), (["ht", "tp", "_get"], True), (["send_mail"], False), (["http_", "post"], False)],
)
def test_a_tool_goes_by_its_name(backend: str, names: list[str], is_kept: bool) -> None:
    source = ['{"to": "<PER', 'SON_1>"}']
    sent, report = on_the_wire(calls(names, source), "openai-chat", 1, TOOLS, lane=True)
    assert arguments_of(sent) == "".join(source).replace(KEY, KEY if is_kept else VALUE)
    assert report.kept == ({"tool": {"PERSON": 1}} if is_kept else {})


def test_arguments_before_the_name_are_kept(backend: str) -> None:
    late = [
        *calls([""], [f'{{"a": "{KEY}", ']),
        *calls(["send_mail"], [f'"b": "{KEY}"}}'])[:1],
        *calls([""], [f'"b": "{KEY}"}}'])[1:],
    ]
    restorer = ChunkRestorer(mapping(), TOOLS)
    leaving = [out for event in late for out in restorer.feed(event)]
    assert arguments_of(leaving) == f'{{"a": "{KEY}", "b": "{VALUE}"}}'


def anthropic_call(kind: str, name: str) -> Events:
    block = {"type": kind, "id": "t", "name": name, "input": {}}
    delta = {"type": "input_json_delta", "partial_json": f'{{"q": "{KEY}"}}'}
    return [
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
    ]


def responses_call(kind: str, name: str) -> Events:
    deltas = "mcp_call" if kind == "mcp_call" else "function_call"
    source = f'{{"q": "{KEY}"}}'
    item = {"type": kind, "id": "f", "name": name, "arguments": source}
    at = {"item_id": "f", "output_index": 0}
    return [
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "arguments": ""}},
        {"type": f"response.{deltas}_arguments.delta", **at, "delta": source},
        {"type": f"response.{deltas}_arguments.done", **at, "arguments": source},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": {"object": "response", "output": [item]}},
    ]


def gemini_call(_: str, name: str) -> Events:
    part = {"functionCall": {"name": name, "args": {"q": KEY}}}
    return [{"candidates": [{"index": 0, "content": {"parts": [part]}}]}]


def ollama_call(_: str, name: str) -> Events:
    call = {"function": {"name": name, "arguments": {"q": KEY}}}
    return [{"model": "m", "message": {"content": "", "tool_calls": [call]}, "done": False}]


@pytest.mark.parametrize(
    ("protocol", "make", "kind", "group"),
    [
        ("anthropic", anthropic_call, "tool_use", "other"),
        ("anthropic", anthropic_call, "server_tool_use", "provider"),
        ("openai-responses", responses_call, "function_call", "other"),
        ("openai-responses", responses_call, "mcp_call", "provider"),
        ("gemini", gemini_call, "", "other"),
        ("ollama", ollama_call, "", "other"),
    ],
)
def test_tools_of_other_formats(backend: str, protocol: str, make: Any, kind: str, group: str) -> None:
    rules: list[dict[str, Any]] = [
        {"*": "keep"},
        {"*": "restore", "provider": "keep"},
        {"search": "keep", "*": "restore"},
        {"search": "restore", "provider": "restore", "*": "keep"},
    ]
    keeps = [True, False, True, False] if group == "other" else [True, True, False, False]
    for rule, is_kept in zip(rules, keeps, strict=True):
        config = DeanonymizationConfig(policy=RestorePolicy(tools=rule))
        sent, report = on_the_wire(make(kind, "search"), protocol, 3, config, lane=True)
        out = json.dumps(sent)
        assert (VALUE in out, KEY in out) == (not is_kept, is_kept)
        assert report.kept == ({"tool": {"PERSON": 1}} if is_kept else {})
        restorer = ChunkRestorer(mapping(), config, protocol=protocol)
        chunks = [out for event in make(kind, "search") for out in restorer.feed(event)] + restorer.flush()
        assert (VALUE in json.dumps(chunks)) == (not is_kept)


def test_types_channels_hosts_and_enforce(backend: str) -> None:
    text = f"{KEY} https://wiki.example.org/{KEY} https://evil.example/{KEY}"
    events = chat([[text]])
    cases: list[tuple[RestorePolicy, int, Any]] = [
        (RestorePolicy(), 1, {"address": {"PERSON": 2}}),
        (RestorePolicy(hosts=("wiki.example.org",)), 2, {"address": {"PERSON": 1}}),
        (RestorePolicy(entity_types={"PERSON": "keep", "*": "restore"}), 0, {"entity_type": {"PERSON": 3}}),
        (RestorePolicy(channels={"content": "keep"}), 0, {"channel": {"PERSON": 3}}),
        (RestorePolicy(enforce=False), 3, {"address": {"PERSON": 2}}),
        (RestorePolicy(addresses="restore"), 3, {}),
    ]
    for policy, restored, kept in cases:
        sent, report = on_the_wire(events, "openai-chat", 5, DeanonymizationConfig(policy=policy), lane=True)
        assert "".join(heard(sent)).count(VALUE) == restored == sum(report.restored.values())
        assert report.kept == kept


def test_json_content_and_arguments_are_judged_string_by_string(backend: str) -> None:
    source = f'{{"a": "https://evil.example/?q=", "b": "{KEY}", "c": "https:\\/\\/evil.example\\/{KEY}"}}'
    want = f'{{"a": "https://evil.example/?q=", "b": "{VALUE}", "c": "https:\\/\\/evil.example\\/{KEY}"}}'
    for seed in range(10):
        events = calls(["send_mail"], pieces(source, random.Random(seed)))
        assert arguments_of(on_the_wire(events, "openai-chat", seed, POLICY, lane=True)[0]) == want


@pytest.mark.parametrize("content", ["auto", "json", "text"])
def test_content_that_is_json_is_judged_as_source_and_by_its_strings(backend: str, content: Any) -> None:
    config = DeanonymizationConfig(policy=RestorePolicy(), content=content)
    source = f'{{"a": "https:\\/\\/evil.example\\/{KEY}", "b": "{KEY}"}}'
    for seed in range(10):
        events = chat([pieces(source, random.Random(seed))])
        sent, report = on_the_wire(events, "openai-chat", seed, config, lane=True)
        assert "".join(heard(sent)) == f'{{"a": "https:\\/\\/evil.example\\/{KEY}", "b": "{VALUE}"}}'
        assert report.kept == {"address": {"PERSON": 1}}


def test_arguments_that_are_no_json_are_judged_as_text(backend: str) -> None:
    source = f"GET https://evil.example/{KEY} for {KEY}"
    for seed in range(10):
        events = calls(["send_mail"], pieces(source, random.Random(seed)))
        sent = on_the_wire(events, "openai-chat", seed, POLICY, lane=True)[0]
        assert arguments_of(sent) == f"GET https://evil.example/{KEY} for {VALUE}"


@pytest.mark.parametrize("protocol", FORMATS)
def test_counts_are_the_same_in_any_cut_with_a_lane_and_without(backend: str, protocol: str) -> None:
    text = f"Hi {KEY}, {KEY} and <PERSON_2>. " * 20 + "<PERS"
    reports = set()
    for seed in range(6):
        events = FORMATS[protocol]([pieces(text, random.Random(seed))])
        for lane in (True, False):
            reports.add(on_the_wire(events, protocol, seed, None, lane=lane)[1].as_json())
    (report,) = reports
    assert json.loads(report)["restored"] == {"PERSON": 40}
    assert json.loads(report)["cut"] == {"PERSON": 1}


# ---------------------------------------------------------------- the shells


def test_shells_hand_the_report_over_at_the_end(backend: str) -> None:
    events = chat([[f"Hi {KEY} https://evil.example/{KEY}"]])
    data = [b"data: %b\n\n" % json.dumps(event).encode() for event in events]
    reports: list[Report] = []

    async def chunks() -> AsyncIterator[Any]:
        for event in events:
            yield event

    async def reads() -> AsyncIterator[bytes]:
        for read in data:
            yield read

    async def run() -> None:
        given = aio.restore_chunks(
            chunks(), mapping(), POLICY, protocol="openai-chat", on_report=reports.append
        )
        assert [chunk async for chunk in given]
        assert [
            read async for read in aio.restore_bytes(reads(), mapping(), POLICY, on_report=reports.append)
        ]
        handler = StreamingHandler.stream_response(chunks(), mapping(), POLICY, on_report=reports.append)
        assert [event async for event in handler]

    asyncio.run(run())
    list(sync.restore_chunks(events, mapping(), POLICY, protocol="openai-chat", on_report=reports.append))
    list(sync.restore_bytes(data, mapping(), POLICY, on_report=reports.append))
    whole = json.dumps({"choices": [{"message": {"content": events[0]["choices"][0]["delta"]["content"]}}]})
    list(sync.restore_bytes([whole.encode()], mapping(), POLICY, on_report=reports.append))
    assert len(reports) == 6
    assert {report.as_json() for report in reports} == {
        Report(restored={"PERSON": 1}, kept={"address": {"PERSON": 1}}).as_json()
    }


def test_an_error_of_on_report_breaks_no_answer(backend: str, caplog: pytest.LogCaptureFixture) -> None:
    def fails(_: Report) -> None:
        raise ValueError(VALUE)

    events = chat([[f"Hi {KEY}"]])
    sent = list(sync.restore_chunks(events, mapping(), protocol="openai-chat", on_report=fails))
    assert "".join(heard(sent)) == f"Hi {VALUE}"
    assert "ValueError" in caplog.text
    assert VALUE not in caplog.text


def test_a_compiled_matcher_and_a_plain_mapping_obey_a_policy(backend: str) -> None:
    for given in (
        {KEY: VALUE},
        _backend.TrieMatcher({KEY: VALUE}),
        _backend.TrieMatcher({KEY: VALUE}, words=True),
    ):
        answer = {"choices": [{"message": {"content": f"{KEY} https://evil.example/{KEY}"}}]}
        restored = restore_answer(answer, given, POLICY)
        assert restored["choices"][0]["message"]["content"] == f"{VALUE} https://evil.example/{KEY}"


def test_reasoning_is_what_a_policy_says_of_signed(backend: str) -> None:
    thinking = [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": KEY}}
    ]
    for config, is_restored in (
        (DeanonymizationConfig(reasoning=True), True),
        (DeanonymizationConfig(reasoning=True, policy=RestorePolicy()), True),
        (DeanonymizationConfig(policy=RestorePolicy(channels={"signed": "restore"})), True),
        (DeanonymizationConfig(policy=RestorePolicy()), False),
        (DeanonymizationConfig(reasoning=True, policy=RestorePolicy(channels={"signed": "keep"})), False),
        (DeanonymizationConfig(policy=RestorePolicy(enforce=False)), False),  # as without it
        (DeanonymizationConfig(), False),
    ):
        restorer = ChunkRestorer(mapping(), config, protocol="anthropic")
        sent = [out for event in thinking for out in restorer.feed(event)] + restorer.flush()
        assert (VALUE in json.dumps(sent)) == is_restored
        answer = {"type": "message", "role": "assistant", "content": [{"type": "thinking", "thinking": KEY}]}
        assert (VALUE in json.dumps(restore_answer(answer, mapping(), config))) == is_restored
        lines = [f"data: {json.dumps(event)}\n\n".encode() for event in thinking]
        wire = WireRestorer(mapping(), config, protocol="anthropic")
        assert (VALUE.encode() in b"".join(map(wire.feed, lines)) + wire.flush()) == is_restored


def test_a_policy_that_can_keep_nothing_is_not_asked() -> None:
    for policy, asks in (
        (RestorePolicy(addresses="restore"), False),
        (RestorePolicy(addresses="restore", channels={"signed": "restore", "content": "restore"}), False),
        (RestorePolicy(addresses="restore", channels={"refusal": "keep"}), True),
        (RestorePolicy(addresses="restore", tools={"*": "restore"}), True),  # until the name is known
        (RestorePolicy(addresses="restore", entity_types={"*": "restore"}), True),  # those without a type
        (RestorePolicy(addresses="restore", enforce=False, tools={"*": "keep"}), True),  # it counts
    ):
        _, account = material(mapping(), DeanonymizationConfig(policy=policy))
        assert (account.policy is not None) == asks


def test_the_command_takes_a_policy_and_reports(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    (tmp_path / "map.json").write_text(json.dumps({KEY: VALUE}), "utf-8")
    (tmp_path / "map.json").chmod(0o600)
    (tmp_path / "policy.toml").write_text('hosts = ["wiki.example.org"]\n', "utf-8")
    said = f"{KEY} https://wiki.example.org/{KEY} https://evil.example/{KEY}"
    (tmp_path / "in").write_bytes(b"data: %b\n\n" % json.dumps(chat([[said]])[0]).encode())
    command = ["restore", "--map", str(tmp_path / "map.json"), "--policy", str(tmp_path / "policy.toml")]
    assert cli.main([*command, "--report=json", str(tmp_path / "in")]) == cli.OK
    out, err = capfdbinary.readouterr()
    assert out.count(VALUE.encode()) == 2
    assert json.loads(err) == Report(restored={"other": 2}, kept={"address": {"other": 1}}).as_dict()
    assert cli.main([*command, "--protocol", "plain", str(tmp_path / "in")]) == cli.CANNOT
    (tmp_path / "policy.toml").write_text("hosts = 7\n", "utf-8")
    assert cli.main([*command, str(tmp_path / "in")]) == cli.CANNOT
