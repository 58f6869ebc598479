"""``Report.unknown`` through every restorer: the same counts in any cut, on both twins, with the lane and without."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from answer_streams import FORMATS, Events, as_bytes, pieces
from holdback import (
    ChunkRestorer,
    DeanonymizationConfig,
    PIIMapping,
    Report,
    RestorePolicy,
    WireRestorer,
    cli,
    restore_answer,
)
from holdback.restorers.material import material

ASKED = DeanonymizationConfig(unknown=True)
TEXT = "Hi <PERSON_1> and <PERSON_7>, <MAIL_2>: <IBAN_1> <PERSON_> <PERSON_1><PERSON_22> <person_7> <MAIL_1"
UNKNOWN = {"EMAIL": 1, "PERSON": 2, "other": 1}


def mapping() -> PIIMapping:
    pairs = PIIMapping()
    pairs.add("Ada", "<PERSON_1>", "PERSON")
    pairs.add("Bo <PERSON_9>", "<PERSON_2>", "PERSON")  # what a value says is not looked at
    pairs.add("ada@mail.example", "<MAIL_1>", "EMAIL")
    return pairs


def reports(events: Events, protocol: str, config: Any, rng: random.Random) -> list[Report]:
    data = as_bytes(events, protocol)
    found = []
    for lane in (True, False):
        restorer = WireRestorer(mapping(), config, protocol=protocol, _lane=lane)
        size = rng.choice((1, 7, 100, len(data)))
        for at in range(0, len(data), size):
            restorer.feed(data[at : at + size])
        restorer.flush()
        found.append(restorer.report)
        chunks = ChunkRestorer(mapping(), config, protocol=protocol, _lane=lane)
        for event in events:
            chunks.feed(event)
        chunks.flush()
        found.append(chunks.report)
    return found


@pytest.mark.parametrize("protocol", FORMATS)
def test_a_stream_in_any_cut(backend: str, protocol: str) -> None:
    policies = [None, RestorePolicy(), RestorePolicy(channels={"content": "keep"})]
    for seed in range(12):
        rng = random.Random(seed)
        events = FORMATS[protocol]([pieces(TEXT, rng)])
        for policy in policies:
            config = DeanonymizationConfig(unknown=True, policy=policy)
            for report in reports(events, protocol, config, rng):
                assert report.unknown == UNKNOWN
                assert report.cut == {"EMAIL": 1}


@pytest.mark.parametrize("protocol", FORMATS)
def test_nobody_who_does_not_ask_is_told(backend: str, protocol: str) -> None:
    events = FORMATS[protocol]([[TEXT]])
    for report in reports(events, protocol, None, random.Random(1)):
        assert report.unknown == {}
    for config in (None, DeanonymizationConfig(), DeanonymizationConfig(policy=RestorePolicy())):
        assert material(mapping(), config)[1].forms is None  # so nothing is even compiled


def test_texts_are_not_joined_across_channels_and_turns(backend: str) -> None:
    two = [
        {"object": "chat.completion.chunk", "choices": [{"index": index, "delta": {name: text}}]}
        for index, name, text in (
            (0, "reasoning_content", "<PERSON_7"),
            (0, "content", "> <MAIL_"),
            (1, "content", "2> <MAIL_7"),
            (0, "content", "3>"),
            (0, "reasoning_content", ">"),
        )
    ]
    for report in reports(two, "openai-chat", ASKED, random.Random(1)):
        assert report.unknown == {"PERSON": 1, "EMAIL": 1}


def test_arguments_are_read_as_json_source(backend: str) -> None:
    source = json.dumps({"a": "\\u003cPERSON_7>", "b": "<MAIL_9>", "<PERSON_8>": ["<PERSON_", "9>"]})
    source = source.replace("\\\\u003c", "\\u003c")
    for seed in range(12):
        rng = random.Random(seed)
        said = [
            {"index": 0, "id": "c", "function": {"name": "f", "arguments": ""}},
            *({"index": 0, "function": {"arguments": piece}} for piece in pieces(source, rng)),
        ]
        events = [
            {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}
            for call in said
        ]
        for report in reports(events, "openai-chat", ASKED, rng):
            assert report.unknown == {"PERSON": 2, "EMAIL": 1}


@pytest.mark.parametrize("protocol", FORMATS)
def test_content_that_turns_out_to_be_json_is_read_as_such(backend: str, protocol: str) -> None:
    texts = {
        '{"a": "\\u003cPERSON_7> <MAIL_9>"}': {"PERSON": 1, "EMAIL": 1},
        "\\u003cPERSON_7> <MAIL_9>": {"EMAIL": 1},
    }
    for seed, (text, unknown) in enumerate(texts.items()):
        rng = random.Random(seed)
        for report in reports(FORMATS[protocol]([pieces(text, rng)]), protocol, ASKED, rng):
            assert report.unknown == unknown


def test_whole_answers(backend: str) -> None:
    called = {"function": {"name": "f", "arguments": '{"to": "\\u003cMAIL_7>"}'}}
    answer = {"choices": [{"index": 0, "message": {"content": TEXT, "tool_calls": [called]}}]}
    for given in (answer, json.dumps(answer).encode()):
        found: list[Report] = []
        restore_answer(given, mapping(), ASKED, on_report=found.append)
        assert found[0].unknown == {**UNKNOWN, "EMAIL": 2}


@pytest.mark.parametrize(
    ("keys", "text", "unknown"),
    [
        (["[PERSON_1]", "[PERSON_2]"], "[PERSON_3] [PERSON_1]", {"PERSON": 1}),
        (["{{NAME_3}}"], "{{NAME_4}} {{NAME_3}} {{CITY_1}}", {"PERSON": 1, "other": 1}),
        (["<PERSON_7k2qm4xc3t>"], "<PERSON_7k2qm4xc3u> <PERSON_1>", {"PERSON": 1}),
        (["Zorp Glax"], "Zorp Glox", {}),
    ],
)
def test_the_forms_of_the_mapping_count(keys: list[str], text: str, unknown: dict[str, int]) -> None:
    pairs = PIIMapping()
    for number, key in enumerate(keys):
        pairs.add(f"value {number}", key, "PERSON")
    found: list[Report] = []
    restore_answer({"choices": [{"message": {"content": text}}]}, pairs, ASKED, on_report=found.append)
    assert found[0].unknown == unknown


def test_only_types_of_the_mapping_are_named(backend: str) -> None:
    untyped: list[Report] = []
    answer = {"choices": [{"message": {"content": "<PERSON_2> <SECRET_1>"}}]}
    restore_answer(answer, {"<PERSON_1>": "Ada"}, ASKED, on_report=untyped.append)
    assert untyped[0].unknown == {"other": 2}
    pairs = PIIMapping()
    pairs.add("Ada", "<ID_1>", "PERSON")
    pairs.add("12", "<ID_2>", "NUMBER")
    restore_answer({"choices": [{"message": {"content": "<ID_3>"}}]}, pairs, ASKED, on_report=untyped.append)
    assert untyped[1].unknown == {"other": 1}  # a name of two types says neither


def test_spellings_are_forms_as_well(backend: str) -> None:
    config = DeanonymizationConfig(unknown=True, spellings=True)
    found: list[Report] = []
    text = "&lt;PERSON_7&gt; <person_8> \\<PERSON\\_9\\> <PERSON_1> &lt;PERSON_1&gt;"
    restore_answer({"choices": [{"message": {"content": text}}]}, mapping(), config, on_report=found.append)
    assert (found[0].unknown, found[0].restored) == ({"PERSON": 3}, {"PERSON": 2})


def test_the_command_asks_where_it_reports(tmp_path: Any, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    (tmp_path / "map.json").write_text(json.dumps({"<PERSON_1>": "Ada"}), "utf-8")
    (tmp_path / "map.json").chmod(0o600)
    (tmp_path / "in").write_bytes(as_bytes(FORMATS["openai-chat"]([["<PERS", "ON_2> <PERSON_1>"]]), ""))
    (tmp_path / "text").write_bytes(b"<PERSON_2> <PERSON_1>")
    command = ["restore", "--map", str(tmp_path / "map.json"), "--report=json"]
    for more in ([str(tmp_path / "in")], ["--protocol", "plain", str(tmp_path / "text")]):
        assert cli.main([*command, *more]) == cli.OK
        _, err = capfdbinary.readouterr()
        assert json.loads(err) == Report(restored={"other": 1}, unknown={"other": 1}).as_dict()
