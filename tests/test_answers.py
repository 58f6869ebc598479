"""Whole answers: dicts, objects and bytes, in the formats of the streams."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

import oracle
from holdback import DeanonymizationConfig, HoldbackError, TrieMatcher
from holdback.formats import FORMATS
from holdback.restorers.answers import restore_answer
from json_oracle import JsonOracle
from recorded import MAP, changes, chunks_of, heard, through
from whole_answers import ANSWERS, GENERATED, OPAQUE, TEXT, P


def expected(node: Any, places: dict[str, str], path: str = "") -> Any:
    """The answer with the oracles' text at those places."""
    kind = places.get(path)
    if isinstance(node, str) and kind is not None:
        return JsonOracle(MAP).restore(node) if kind == "J" else oracle.restore(MAP, node)
    if kind == "O":
        return json.loads(JsonOracle(MAP).restore(json.dumps(node)))
    if isinstance(node, dict):
        return {name: expected(node[name], places, f"{path}.{name}".lstrip(".")) for name in node}
    return [expected(item, places, path) for item in node] if isinstance(node, list) else node


def answer_of(protocol: str) -> dict[str, Any]:
    return {**OPAQUE, **ANSWERS[protocol][0]}


@pytest.mark.parametrize("named", [True, False], ids=["named", "auto"])
@pytest.mark.parametrize("protocol", ANSWERS)
def test_an_answer_is_restored_where_its_text_is(protocol: str, named: bool, backend: str) -> None:
    answer, places = answer_of(protocol), ANSWERS[protocol][1]
    before = copy.deepcopy(answer)
    out = restore_answer(answer, MAP, protocol=protocol if named else "auto")
    assert answer == before, "the caller's answer was changed"
    assert out == expected(answer, places)
    assert {place.partition(".args.")[0] for place in changes(answer, out)} != set()


def test_what_ollama_generates() -> None:
    assert restore_answer(GENERATED, MAP) == expected(GENERATED, {"response": "", "thinking": ""})


@pytest.mark.parametrize("protocol", ANSWERS)
@pytest.mark.parametrize("ascii_only", [True, False], ids=["ascii", "raw"])
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_the_bytes_of_an_answer(protocol: str, ascii_only: bool, kind: Any, backend: str) -> None:
    source = json.dumps(answer_of(protocol), ensure_ascii=ascii_only, indent=1).encode()
    out = restore_answer(kind(source), MAP)
    assert type(out) is kind
    assert json.loads(bytes(out)) == restore_answer(answer_of(protocol), MAP)


def test_of_bytes_only_the_literals_differ() -> None:
    source = (
        '\ufeff{ "object" : "chat.completion", "n": 1.0, "e": 1E5, "big": 123456789012345678901234567890,\r\n'
        ' "a": 1, "a": 2, "s": "a\\/b <PERSON_10>",\t"choices": [ '
        '{"message":{"content": "\\u003CPERSON_10> \\/"}}, {"message": {"content": null,'
        ' "tool_calls":[{"function":{"arguments":"{\\"to\\": \\"<PERSON_10>\\"}"}}]}} ] } \n'
    ).encode()
    content, argument = b'"\\u003CPERSON_10> \\/"', b'\\"<PERSON_10>\\"'
    assert source.count(content) == source.count(argument) == 1
    expected = source.replace(content, b'"Grace /"').replace(argument, b'\\"Grace\\"')
    assert restore_answer(source, MAP) == expected


def test_objects_in_bytes_keep_their_own_spelling() -> None:
    tool_use = b'{"type":"tool_use","input": { "n":1.0, "a" : ["\\u003cPERSON_10>"] }}'
    source = b'{"type":"message","content":[' + tool_use + b"]}"
    assert restore_answer(source, MAP) == source.replace(b"\\u003cPERSON_10>", b"Grace")


@pytest.mark.parametrize("protocol", ANSWERS)
def test_an_unchanged_answer_is_the_same_object(protocol: str) -> None:
    answer = answer_of(protocol)
    assert restore_answer(answer, {"<NOT_THERE>": "x"}) is answer
    source = json.dumps(answer).encode()
    assert restore_answer(source, {"<NOT_THERE>": "x"}) is source


@pytest.mark.parametrize(
    "answer", [ANSWERS["gemini"][0], b'{"choices":[{"message":{"content":"<PERSON_10>"}}]}'], ids=type
)
def test_nothing_is_restored_without_a_mapping_or_with_a_config_that_says_so(answer: Any) -> None:
    for mapping, config in ((None, None), ({}, None), (MAP, DeanonymizationConfig(enabled=False))):
        assert restore_answer(answer, mapping, config) is answer


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"error": {"message": "<PERSON_1>"}},
        {"object": "list", "data": [{"text": "<PERSON_1>"}]},
        {"object": "chat.completion", "choices": None},
        {"object": "response", "output": None},
        {"choices": [{"message": None}]},
        {"type": "message", "content": "<PERSON_1>"},
        b"",
        b"<PERSON_1>",
        b'["<PERSON_1>"]',
        b'"<PERSON_1>"',
        b'{"choices":[{"message":{"content":"<PERSON_1>"',
        b'{"choices":[{"text":"\xff<PERSON_1>"}]}',
        b"[" * 100_000,
    ],
    ids=lambda answer: str(answer)[:60],
)
def test_what_is_no_answer_of_ours_passes(answer: Any) -> None:
    assert restore_answer(answer, MAP) is answer


@pytest.mark.parametrize("answer", [None, "text", 7, [{"choices": []}]])
def test_what_cannot_be_an_answer_is_a_type_error(answer: Any) -> None:
    with pytest.raises(TypeError, match=rf"not {type(answer).__name__}$"):
        restore_answer(answer, MAP)


@pytest.mark.parametrize("name", ["nope", ["openai-chat"], None])
def test_an_unknown_protocol_is_an_error(name: Any) -> None:
    with pytest.raises(ValueError, match="known are: ") as caught:
        restore_answer({}, MAP, protocol=name)
    assert isinstance(caught.value, HoldbackError)


def test_signed_text_is_restored_on_demand() -> None:
    config = DeanonymizationConfig(reasoning=True)
    anthropic = restore_answer(answer_of("anthropic"), MAP, config)
    assert anthropic["content"][0] == {
        "type": "thinking",
        "thinking": oracle.restore(MAP, TEXT),
        "signature": P,
    }
    responses = restore_answer(answer_of("openai-responses"), MAP, config)
    assert responses["output"][0]["summary"][0]["text"] == oracle.restore(MAP, TEXT)


def test_a_lone_surrogate_in_bytes_stays_escaped() -> None:
    source = b'{"choices":[{"text":"\\ud83d <A>"}]}'
    assert restore_answer(source, {"<A>": "\udc00"}) == b'{"choices":[{"text":"\\ud83d \\udc00"}]}'


# ---------------------------------------------------------------- the same text as the stream, and objects


def test_an_answer_equals_its_stream() -> None:
    """The whole that a Responses stream ends with is the answer of the same request."""
    events = chunks_of("openai-responses-tools.sse")
    answer = events[-1]["response"]
    assert restore_answer(answer, MAP) == through("openai-responses", events)[-1]["response"]
    said = heard(through("openai-responses", events))
    assert restore_answer(answer, MAP)["output"][1]["arguments"] in said.values()


def test_every_protocol_has_an_answer_here() -> None:
    assert set(ANSWERS) == set(FORMATS)
    assert TrieMatcher(MAP).replace(TEXT) == oracle.restore(MAP, TEXT)


SDK = {
    "openai-chat": ("openai.types.chat", "ChatCompletion"),
    "openai-text": ("openai.types", "Completion"),
    "openai-responses": ("openai.types.responses", "Response"),
    "anthropic": ("anthropic.types", "Message"),
    "gemini": ("google.genai.types", "GenerateContentResponse"),
    "ollama": ("ollama", "ChatResponse"),
    "cohere": ("cohere", "V2ChatResponse"),
}


@pytest.mark.sdk
@pytest.mark.parametrize("protocol", SDK)
def test_objects_of_the_sdk(protocol: str) -> None:
    module, name = SDK[protocol]
    kind = getattr(pytest.importorskip(module), name)
    node = copy.deepcopy(ANSWERS[protocol][0])
    if protocol == "gemini":
        parts = node["candidates"][0]["content"]["parts"]
        node["candidates"][0] = {
            **node["candidates"][0],
            "content": {"parts": [parts[0], {"text": TEXT}, parts[2]]},
        }
    node.get("message", {}).pop("images", None)  # no base64, as it is here to be recognised
    # OpenAI and Anthropic build without validation, the others with it.
    answer = kind.construct(**node) if hasattr(kind, "to_dict") else kind.model_validate(node)
    before = dump(answer)
    out = restore_answer(answer, MAP, protocol=protocol)
    assert type(out) is kind
    assert dump(answer) == before, "the caller's answer was changed"
    assert json.loads(dump(out)) == restore_answer(json.loads(before), MAP, protocol=protocol)
    assert dump(out) != before


def dump(answer: Any) -> str:
    return str(answer.model_dump_json(by_alias=True, exclude_unset=True, warnings=False))
