"""The guardrail masks requests: where its mapping comes from, and the values that it knows."""

from __future__ import annotations

import asyncio
import copy
import json
import logging
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from guardrail_host import HEARD, Upstream, before, guardrail, request, said, served, spoken
from holdback import HoldbackError, MappingError, PIIMapping, TrieMatcher
from holdback.integrations.litellm import attach_mapping
from streams import PAIRS

pytestmark = [
    pytest.mark.litellm,
    pytest.mark.usefixtures("backend"),
]


# ---------------------------------------------------------------- where the mapping comes from


async def test_the_order_of_the_sources() -> None:
    holdback = guardrail(known_values={"<1>": "known 1", "<2>": "known 2", "<3>": "known 3"})
    data = request(metadata={"pii_tokens": {"<1>": "token 1", "<2>": "token 2"}})
    attach_mapping(data, {"<1>": "attached 1"})
    assert said(await served(holdback, spoken("<1>, <2>, <3>"), data)) == "attached 1, token 2, known 3"
    assert said(await served(holdback, spoken("<1>, <2>, <3>"), request())) == "known 1, known 2, known 3"


class Fakes:
    def get_all_fakes(self) -> dict[str, str]:
        return {"<1>": "Ada"}


@pytest.mark.parametrize("kind", [dict, PIIMapping, TrieMatcher, Fakes])
async def test_every_kind_of_mapping_can_be_attached(kind: Any) -> None:
    mapping: Any = kind() if kind in {Fakes, PIIMapping} else kind({"<1>": "Ada"})
    if kind is PIIMapping:
        mapping.add("Ada", "<1>", "PERSON")
    data = request()
    attach_mapping(data, mapping)
    assert said(await served(guardrail(), spoken("<1>"), data)) == "Ada"


@pytest.mark.parametrize("mapping", [None, "text", 5, ["<1>"], PIIMapping, Fakes])
def test_what_is_no_mapping_is_refused_when_it_is_attached(mapping: Any) -> None:
    with pytest.raises(TypeError):
        attach_mapping(request(), mapping)


def test_a_mapping_needs_the_request_that_hooks_get() -> None:
    with pytest.raises(HoldbackError, match="litellm_logging_obj"):
        attach_mapping({"model": "m"}, {"<1>": "Ada"})


@pytest.mark.parametrize("tokens", [5, "text", ["<1>"], {"": "a"}, {"<1>": 5}, {5: "a"}, {"a": None}])
async def test_tokens_that_a_client_made_up(tokens: Any) -> None:
    data = request(metadata={"pii_tokens": tokens})
    await before(guardrail(known_values=PAIRS), data)
    assert said(await served(guardrail(known_values=PAIRS), spoken(), data)) == HEARD


async def test_a_placeholder_that_is_taken_is_not_used_for_another_value() -> None:
    holdback = guardrail(known_values={"<1>": "Bo"})
    data = request(
        messages=[{"role": "user", "content": "<1> met Bo"}], metadata={"pii_tokens": {"<1>": "Ada"}}
    )
    with pytest.raises(MappingError) as caught:
        await before(holdback, data)
    assert "Bo" not in str(caught.value)
    data["messages"][0]["content"] = "<1> met nobody"
    await before(holdback, data)
    assert said(await served(holdback, spoken("<1>"), data)) == "Ada"


async def test_hundreds_in_flight_never_mix() -> None:
    """The same placeholder, another original in each, and their chunks interleave at random."""
    rng = random.Random(5)
    holdback = guardrail()

    async def one(number: int) -> None:
        data = request()
        attach_mapping(data, {"<PERSON_1>": f"Nobody-{number}", "<PERSON_10>": f"Other-{number}"})

        async def upstream() -> AsyncIterator[Any]:
            for chunk in spoken("Hi <PERSON_1> and <PERSON_10>! <PERS", rng.randint(1, 5)):
                for _ in range(rng.randint(0, 2)):
                    await asyncio.sleep(0)
                yield chunk

        assert (
            said(await served(holdback, upstream(), data)) == f"Hi Nobody-{number} and Other-{number}! <PERS"
        )

    await asyncio.gather(*map(one, range(300)))


# ---------------------------------------------------------------- known values


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        "5",
        "no json: <PERSON_1>",
        '["<PERSON_1>"]',
        '{"<PERSON_1>": 5}',
        '{"<PERSON_1>": {"a": "Ada"}}',
        '{"<PERSON_1>": "Ada", "<PERSON_1>": "Bo"}',
        '{"": "Ada"}',
        "\xff",
    ],
)
def test_an_error_in_the_file_quotes_nothing(content: str, tmp_path: Path) -> None:
    path = tmp_path / "known.json"
    path.write_text(content, encoding="latin-1")
    with pytest.raises(MappingError) as caught:
        guardrail(known_values=str(path))
    error: BaseException | None = caught.value
    while error is not None:
        assert not any(word in repr(error) + str(vars(error)) for word in ("PERSON", "Ada", "Bo"))
        error = error.__cause__ or error.__context__


def test_a_file_that_is_not_there_is_one_line() -> None:
    with pytest.raises(
        MappingError, match=r"^the file of known_values /nowhere/known.json cannot be read: No such"
    ):
        guardrail(known_values="/nowhere/known.json")


ADA = PAIRS["<PERSON_1>"]
QUOTED = PAIRS["<QUOTED_1>"]


async def masked(call_type: str = "acompletion", **fields: Any) -> dict[str, Any]:
    """The fields as the provider gets them; the client's own objects stay as they are."""
    untouched = copy.deepcopy(fields)
    data = request(**fields)
    await before(guardrail(known_values=PAIRS), data, call_type)
    assert fields == untouched
    return {name: data[name] for name in fields}


async def test_masking_chat() -> None:
    function = {"name": "Bo", "arguments": json.dumps({"Bo": [QUOTED, 5]})}
    messages = [
        {"role": "system", "content": f"You serve {ADA}."},
        {
            "role": "user",
            "name": "Bo",
            "content": [{"type": "text", "text": f"{ADA}, Bo"}, {"type": "new", "new": ADA}],
        },
        {
            "role": "user",
            "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AnnBo"}}],
        },
        {"role": "assistant", "content": None, "reasoning_content": ADA, "refusal": ADA},
        {"role": "assistant", "tool_calls": [{"id": "Bo", "type": "function", "function": function}]},
        {"role": "tool", "tool_call_id": "Bo", "content": json.dumps({"n": QUOTED})},
        {"role": "tool", "tool_call_id": "Bo", "content": f"found {json.dumps({'n': QUOTED})}"},
        {"role": "tool", "tool_call_id": "Bo", "content": [{"type": "text", "text": "Bo"}]},
    ]
    schema = {
        "type": "object",
        "properties": {"name": {"description": "as Bo", "enum": ["Bo"]}},
        "required": ["Bo"],
    }
    tools = [
        {"type": "function", "function": {"name": "Bo", "description": "calls Bo", "parameters": schema}}
    ]
    sent = await masked(messages=messages, tools=tools, user="Bo", model="Bo")
    got = sent["messages"]
    assert got[0]["content"] == "You serve <PERSON_1>."
    assert got[1]["name"] == "Bo"
    assert got[1]["content"] == [
        {"type": "text", "text": "<PERSON_1>, <PERSON_2>"},
        {"type": "new", "new": "<PERSON_1>"},
    ]
    assert got[2] is messages[2]
    assert got[3]["reasoning_content"] == got[3]["refusal"] == "<PERSON_1>"
    assert got[4]["tool_calls"][0]["function"]["name"] == "Bo"
    assert json.loads(got[4]["tool_calls"][0]["function"]["arguments"]) == {"<PERSON_2>": ["<QUOTED_1>", 5]}
    assert json.loads(got[5]["content"]) == {"n": "<QUOTED_1>"}
    assert got[6]["content"] == 'found {"n": "<QUOTED_1>"}'
    assert got[7] == {
        "role": "tool",
        "tool_call_id": "Bo",
        "content": [{"type": "text", "text": "<PERSON_2>"}],
    }
    function = sent["tools"][0]["function"]
    assert (function["name"], function["description"]) == ("Bo", "calls <PERSON_2>")
    assert function["parameters"]["properties"] == {
        "name": {"description": "as <PERSON_2>", "enum": ["<PERSON_2>"]}
    }
    assert function["parameters"]["required"] == ["Bo"]
    assert (sent["user"], sent["model"]) == ("Bo", "Bo")


async def test_masking_the_other_endpoints() -> None:
    assert await masked("atext_completion", prompt=[ADA, "Bo"], suffix=ADA) == {
        "prompt": ["<PERSON_1>", "<PERSON_2>"],
        "suffix": "<PERSON_1>",
    }
    assert (await masked("atext_completion", prompt=[[1, 2], [3]]))["prompt"] == [[1, 2], [3]]
    items = [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": ADA}]},
        {"type": "function_call", "call_id": "Bo", "name": "Bo", "arguments": json.dumps({"a": QUOTED})},
        {"type": "function_call_output", "call_id": "Bo", "output": ADA},
        {"type": "custom_tool_call", "input": ADA},
        {"type": "reasoning", "encrypted_content": "Bo", "summary": [{"type": "summary_text", "text": ADA}]},
    ]
    variables = {"id": "Bo", "variables": {"who": ADA}}
    sent = await masked("aresponses", input=items, instructions=ADA, prompt=variables)
    assert (
        sent["instructions"]
        == sent["input"][0]["content"][0]["text"]
        == sent["input"][2]["output"]
        == "<PERSON_1>"
    )
    assert json.loads(sent["input"][1]["arguments"]) == {"a": "<QUOTED_1>"}
    assert sent["input"][3]["input"] == sent["input"][4]["summary"][0]["text"] == "<PERSON_1>"
    assert (sent["input"][1]["name"], sent["input"][4]["encrypted_content"]) == ("Bo", "Bo")
    assert sent["prompt"] == {"id": "Bo", "variables": {"who": "<PERSON_1>"}}
    blocks = [
        {"type": "tool_use", "id": "Bo", "name": "Bo", "input": {"type": "Bo", "id": {"Bo": [QUOTED]}}},
        {"type": "tool_result", "tool_use_id": "Bo", "content": [{"type": "text", "text": ADA}]},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": ADA}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "Bo"}},
        {"type": "thinking", "thinking": "<PERSON_1>", "signature": "Bo"},
    ]
    sent = await masked(
        "anthropic_messages",
        system=[{"type": "text", "text": ADA}],
        messages=[{"role": "user", "content": blocks}, {"role": "user", "content": ADA}],
    )
    assert sent["system"] == [{"type": "text", "text": "<PERSON_1>"}]
    got = sent["messages"][0]["content"]
    assert got[0]["input"] == {"type": "<PERSON_2>", "id": {"<PERSON_2>": ["<QUOTED_1>"]}}
    assert got[1]["content"] == [{"type": "text", "text": "<PERSON_1>"}]
    assert got[2]["source"]["data"] == "<PERSON_1>"
    assert got[3:] == blocks[3:]
    parts = [
        {"text": ADA, "thoughtSignature": "Bo"},
        {"functionCall": {"name": "Bo", "args": {"a": ADA}}},
        {"functionResponse": {"name": "Bo", "response": {"Bo": QUOTED}}},
        {"inlineData": {"mimeType": "image/png", "data": "Bo"}},
    ]
    sent = await masked(
        "agenerate_content_stream",
        contents=[{"role": "user", "parts": parts}],
        systemInstruction={"parts": [{"text": ADA}]},
    )
    assert sent["systemInstruction"] == {"parts": [{"text": "<PERSON_1>"}]}
    got = sent["contents"][0]["parts"]
    assert got[0] == {"text": "<PERSON_1>", "thoughtSignature": "Bo"}
    assert got[1] == {"functionCall": {"name": "Bo", "args": {"a": "<PERSON_1>"}}}
    assert got[2] == {"functionResponse": {"name": "Bo", "response": {"<PERSON_2>": "<QUOTED_1>"}}}
    assert got[3] is parts[3]


@pytest.mark.parametrize("place", ["arguments", "content"])
async def test_masking_finds_a_value_in_any_json_spelling(place: str) -> None:
    source = r'{"a": "\u0041da\u0020Lovelace", "b": "[{\"c\": \"\\u0042o\"}]", "d": 42}'
    message: dict[str, Any] = {"role": "tool", "content": source}
    if place == "arguments":
        message = {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": source}}]}
    data = request(messages=[message])
    await before(guardrail(known_values={**PAIRS, '"4"': "42"}), data)
    (message,) = data["messages"]
    sent = json.loads(
        message["content"] if place == "content" else message["tool_calls"][0]["function"]["arguments"]
    )
    assert sent == {"a": "<PERSON_1>", "b": '[{"c": "<PERSON_2>"}]', "d": '"4"'}


async def test_masking_takes_the_longest_value_first_and_once() -> None:
    known = {"<1>": "Ann", "<2>": "Ann Lee", "<Ann>": "x", "<4>": "", "<5>": "Ann"}
    data = request(prompt="Ann Lee, Ann, x")
    await before(guardrail(known_values=known), data)
    assert data["prompt"] == "<2>, <1>, <Ann>"


async def test_masking_goes_as_deep_as_a_client_likes() -> None:
    deep: Any = "Bo"
    for _ in range(3000):
        deep = [deep]
    data = request(messages=[{"role": "user", "content": deep}])
    await before(guardrail(known_values=PAIRS), data)
    node = data["messages"][0]["content"]
    while isinstance(node, list):
        (node,) = node
    assert node == "<PERSON_2>"


async def test_a_round_trip_without_any_detector() -> None:
    """What a client says comes back to it, through a model that repeats what it was told."""
    holdback = guardrail(known_values=PAIRS)
    text = " and ".join(PAIRS.values())
    data = request(messages=[{"role": "user", "content": text}])
    await before(holdback, data)
    told = data["messages"][0]["content"]
    assert told == " and ".join(PAIRS)
    for size in (1, 3, 100):
        assert said(await served(holdback, spoken(told, size), data)) == text


async def test_our_logs_are_silent(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    holdback = guardrail(known_values=PAIRS)
    data = request(messages=[{"role": "user", "content": ADA}], metadata={"pii_tokens": {"<X_1>": "Zoe"}})
    attach_mapping(data, {"<Y_1>": "Yan"})
    await before(holdback, data)
    with pytest.raises(RuntimeError):
        await served(holdback, Upstream(spoken()[:-1], RuntimeError("gone")), data)
    ours = [record for record in caplog.records if record.name.startswith("holdback")]
    words = (*PAIRS.values(), "Zoe", "Yan")
    assert not any(word in record.getMessage() for record in ours for word in words)
    assert not any(word in repr(vars(holdback)) for word in words if len(word) > 2)
