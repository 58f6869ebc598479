"""The masker on requests of every kind: what comes out, what stays, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from holdback import PIIMapping
from holdback.masking import KnownValues, Masker, MaskingError, Patterns, Placeholders, Span
from masked_chat import ADA, BO, KEY, chat, content, fake

MASKER = Masker(KnownValues({ADA: "PERSON", BO: "PERSON", "42": "ID"}), Placeholders(KEY))


pytestmark = pytest.mark.usefixtures("backend")


def test_bytes_outside_masked_literals_stay() -> None:
    source = (
        b'{ "model":"m\\u0061",\n\t"temperature" : 1.50, "n":1E2,"seed":123456789012345678901234567890, "x":NaN,\r\n'
        b'"messages" : [ {"content":"Hi \\u0041da Lovelace \\/ \\ud83d", "role":"user"} , '
        b'{"role":"user","content":"\\/"}]}  '
    )
    masked = MASKER.mask(source, scope="s").request
    person = fake(ADA).encode()
    assert masked == source.replace(b"\\u0041da Lovelace \\/", person + b" /")


def test_nothing_to_mask_is_the_same_object() -> None:
    source = json.dumps(chat("hello")).encode()
    request = chat("hello")
    assert MASKER.mask(source, scope="s").request is source
    assert MASKER.mask(request, scope="s").request is request
    known = PIIMapping()
    known.add("Zoe", "<Z_1>", "PERSON")
    masked = MASKER.mask(source, scope="s", known=known)
    assert masked.request is source
    assert masked.mapping is known
    assert masked.added.is_empty


def test_every_one_of_duplicates_is_masked() -> None:
    source = b'{"messages":[{"content":"Bo","role":"user","content":"Bo!","content":["Bo"]}],"user":"Bo","user":"x"}'
    masked = MASKER.mask(source, scope="s").request
    assert b"Bo" not in masked
    assert masked == source.replace(b"Bo", fake(BO).encode())


def test_a_type_that_is_said_twice_says_nothing() -> None:
    data = "QWRh" * 20
    source = {"role": "user", "content": [{"type": "image", "source": {"type": "base64", "data": data}}]}
    masker = Masker(KnownValues({"QWRh": "P"}), Placeholders(KEY))
    body = json.dumps({"messages": [source]}).encode()
    assert masker.mask(body, scope="s").request is body
    for number in range(10):
        other = b'"type": "other %d"' % number
        for said in (
            b'"type": "base64", ' + other,
            other + b', "type": "base64"',
            b'"type": "base64", "type": 7',
            b'"type": null, "type": "base64"',
        ):
            twice = body.replace(b'"type": "base64"', said)
            assert b"QWRh" not in masker.mask(twice, scope="s").request


def test_a_signature_that_is_said_twice_must_be_one_twice() -> None:
    for second, stays in (("c2ln", True), ("", False)):
        block = f'{{"type":"thinking","thinking":"Bo","signature":"c2ln","signature":"{second}"}}'
        body = f'{{"messages":[{{"role":"assistant","content":[{block}]}}]}}'.encode()
        assert (MASKER.mask(body, scope="s").request is body) == stays


def test_names_in_a_schema_stay() -> None:
    schema = {
        "properties": {"Bo": {"description": "Bo", "enum": ["Bo"]}},
        "required": ["Bo"],
        "$defs": {"Bo": {}},
    }
    tool = {"type": "function", "function": {"name": "Bo", "parameters": schema}}
    for request in ({"tools": [tool]}, {"generationConfig": {"responseSchema": schema}}, {"format": schema}):
        masked = json.dumps(MASKER.mask(request, scope="s").request)
        assert masked.count('"Bo"') == (4 if "tools" in request else 3)
        assert masked.count(f'"{fake(BO)}"') == 2


def test_a_value_found_anywhere_is_masked_everywhere() -> None:
    def once(text: str) -> list[Span]:
        at = text.find("call Zoe")
        return [Span(at + 5, at + 8, "PERSON")] if at >= 0 else []

    request = {
        "messages": [
            {"role": "user", "content": "Zoe?"},
            {"role": "assistant", "content": '{"n": ["\\u005aoe"]}'},
        ],
        "metadata": {"by": "Zoe"},
        "user": "call Zoe",
    }
    masked = Masker(once, Placeholders(KEY)).mask(request, scope="s")
    said = json.dumps(masked.request)
    assert "Zoe" not in said
    assert said.count(fake("Zoe")) == 4
    assert masked.report.found == {"PERSON": 1}
    assert (masked.report.texts, masked.report.masked) == (6, 4)


def test_documents_are_masked_on_their_source() -> None:
    arguments = (
        r'{ "to":"\u0041da Lovelace","n":[42, 420, 42.0, "42"],"deep":"[{\"c\": \"\\u0042o\"}]" , "Bo":1}'
    )
    call = {"id": "Bo", "type": "function", "function": {"name": "Bo", "arguments": arguments}}
    request: dict[str, Any] = {"messages": [{"role": "assistant", "tool_calls": [call]}]}
    masked = MASKER.mask(request, scope="s").request
    got = masked["messages"][0]["tool_calls"][0]
    one, two, number = fake(ADA), fake(BO), fake("42", "ID")
    assert got["id"] == got["function"]["name"] == "Bo"
    assert got["function"]["arguments"] == (
        f'{{ "to":"{one}","n":["{number}", 420, 42.0, "{number}"],"deep":"[{{\\"c\\": \\"{two}\\"}}]" , "{two}":1}}'
    )


def test_a_number_in_a_document_is_masked_as_a_whole_alone() -> None:
    block = {
        "type": "tool_use",
        "id": "t",
        "name": "f",
        "input": {"a": 42, "b": 420, "c": [42.0, True, None]},
    }
    request = {"messages": [{"role": "assistant", "content": [block]}], "max_tokens": 42}
    masked = MASKER.mask(request, scope="s").request
    assert masked["max_tokens"] == 42
    assert content(masked)[0]["input"] == {"a": fake("42", "ID"), "b": 420, "c": [42.0, True, None]}


def test_a_part_of_a_number_is_no_value() -> None:
    masker = Masker(Patterns({"CODE": r"\d{4}"}, engine="re"), Placeholders(KEY))
    block = {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 12345, "b": 6789}}
    request = {"messages": [{"role": "assistant", "content": [block, {"type": "text", "text": "1234 6789"}]}]}
    for part, left in ((content(masker.mask(request, scope="s").request), 12345),):
        assert part[0]["input"] == {"a": left, "b": fake("6789", "CODE")}
        assert part[1]["text"] == f"{fake('1234', 'CODE')} {fake('6789', 'CODE')}"
    alone = {"messages": [{"role": "assistant", "content": [block]}]}
    assert masker.mask(alone, scope="s").mapping.get_all_fakes() == {fake("6789", "CODE"): "6789"}
    body = json.dumps(alone).replace("6789", "6.789e3").replace("12345", "1.50").encode()
    halves = Masker(KnownValues({"1.5": "N", "6789.0": "N"}), Placeholders(KEY)).mask(body, scope="s")
    assert halves.mapping.get_all_fakes().keys() == {fake("1.5", "N"), fake("6789.0", "N")}
    assert b"1.50" not in halves.request


@pytest.mark.parametrize("name", ["prompt", "input"])
@pytest.mark.parametrize("ids", [[1, 2], [[1, 2], [3]], ["x", [4.0]]])
def test_token_ids_are_refused(name: str, ids: Any) -> None:
    for request in ({name: ids}, json.dumps({name: ids}).encode()):
        with pytest.raises(MaskingError, match=f"^{name} holds token ids"):
            MASKER.mask(request, scope="s")
    MASKER.mask({name: []}, scope="s")


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("name", ["prompt", "input"])
def test_an_object_with_a_number_is_no_token_ids(name: str) -> None:
    request = {name: {"n": 1, "text": "Ada"}}
    expected = MASKER.mask(request, scope="s").request
    for source in (json.dumps(request), json.dumps(request).replace('"n"', '"\\u006e"')):
        assert json.loads(MASKER.mask(source.encode(), scope="s").request) == expected


def test_text_that_quotes_json_is_masked_in_its_spellings() -> None:
    value = 'José "Pep"'
    masker = Masker(KnownValues({value: "PERSON"}), Placeholders(KEY))
    text = f"found {json.dumps({'n': value})} and {json.dumps({'n': value}, ensure_ascii=False)}"
    masked = masker.mask(chat(text), scope="s")
    placeholder = fake(value)
    assert content(masked.request) == f'found {{"n": "{placeholder}"}} and {{"n": "{placeholder}"}}'
    assert masked.mapping.get_all_fakes() == {placeholder: value}


def test_names_of_people_take_the_bare_form() -> None:
    request: dict[str, Any] = {
        "messages": [
            {"role": "user", "name": "Ada_Lovelace", "content": "x"},
            {"role": "tool", "name": "Bo", "content": "x"},
            {"role": "function", "name": "Bo", "content": "x"},
        ]
    }
    masked = MASKER.mask(request, scope="s")
    names = [message["name"] for message in masked.request["messages"]]
    assert names == [fake(ADA)[1:-1], "Bo", "Bo"]
    assert MASKER.mask(masked.request, scope="s", known=masked.mapping).request is masked.request


def test_only_people_are_named_by_a_name() -> None:
    zoe = Masker(Patterns({"PERSON": "Zoe Li"}), Placeholders(KEY))
    masked = zoe.mask({"messages": [{"role": "user", "name": "Zoe-Li", "content": "x"}]}, scope="s")
    assert masked.request["messages"][0]["name"] == fake("Zoe Li")[1:-1]


def test_signed_blocks_stay() -> None:
    blocks: list[dict[str, Any]] = [
        {"type": "thinking", "thinking": "of Bo", "signature": "c2ln"},
        {"type": "thinking", "thinking": "of Bo", "signature": ""},
        {"type": "redacted_thinking", "data": "QUFB" * 20},
        {"type": "compaction", "content": "of Bo", "encrypted_content": "c2ln"},
        {"type": "compaction", "content": "of Bo"},
    ]
    masked = MASKER.mask({"messages": [{"role": "assistant", "content": blocks}]}, scope="s").request
    texts = [block.get("thinking", block.get("content")) for block in content(masked)]
    hidden = f"of {fake(BO)}"
    assert texts == ["of Bo", hidden, None, "of Bo", hidden]
    items = [
        {
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": "of Bo"}],
            "encrypted_content": "c2ln",
        },
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "of Bo"}]},
    ]
    reasoning: dict[str, Any] = {"input": items}
    got = MASKER.mask(reasoning, scope="s").request["input"]
    assert [item["summary"][0]["text"] for item in got] == ["of Bo", hidden]


def test_what_is_known_is_masked_by_its_own_placeholders() -> None:
    known = PIIMapping()
    known.add("Mira", "Zorp", "PERSON")
    known.add("", "<EMPTY_1>", "PERSON")
    masked = MASKER.mask(chat("Mira and Bo; Zorp stays; <EMPTY_1>"), scope="s", known=known)
    assert content(masked.request) == f"Zorp and {fake(BO)}; Zorp stays; <EMPTY_1>"
    assert masked.mapping.get_all_fakes() == {"Zorp": "Mira", "<EMPTY_1>": "", fake(BO): BO}
    assert masked.added.get_all_fakes() == {fake(BO): BO}
    assert known.count == 2
    alone = Masker(None).mask(chat("Mira and Bo"), scope="s", known={"Zorp": "Mira", "Zarp": "Mira"})
    assert content(alone.request) == "Zorp and Bo"


def test_a_placeholder_that_comes_back_is_no_value() -> None:
    """Neither it nor a part of it, whoever finds something in it, and its value gets no other."""
    anything = Patterns({"WORD": r"[\w<>]+"})
    first = MASKER.mask(chat("Bo"), scope="s")
    request = chat(f"see {fake(BO)} and Bo")
    masker = Masker(
        [KnownValues({BO: "PERSON"}), Patterns({"TOKEN": "[a-z2-7]{10}", "NAME": "PERSON"})],
        Placeholders(KEY),
    )
    for known in (None, first.mapping):
        masked = masker.mask(request, scope="s", known=known)
        assert content(masked.request) == f"see {fake(BO)} and {fake(BO)}"
        assert masked.mapping.get_all_fakes() == {fake(BO): BO}
    masked = Masker(anything, Placeholders(KEY)).mask(chat("Zorp x"), scope="s", known={"Zorp": "Mira"})
    assert content(masked.request) == f"Zorp {fake('x', 'WORD')}"


def test_a_placeholder_alone_is_known_by_the_known_values() -> None:
    masked = MASKER.mask(chat(f"see {fake(BO)} and {fake(BO, scope='other')}"), scope="s")
    assert masked.mapping.get_all_fakes() == {fake(BO): BO}
    assert content(masked.request) == f"see {fake(BO)} and {fake(BO, scope='other')}"


def test_nothing_known_is_looked_for_in_a_placeholder() -> None:
    masker = Masker(KnownValues({BO: "PERSON", "PERSON": "WORD", "Zorp": "WORD"}), Placeholders(KEY))
    masked = masker.mask(chat(f"see {fake(BO)}, Bo, Zorp and a PERSON"), scope="s", known={"Zorp": "Mira"})
    assert content(masked.request) == f"see {fake(BO)}, {fake(BO)}, Zorp and a {fake('PERSON', 'WORD')}"
    assert masked.mapping.get_fake("Zorp") is None
    named: dict[str, Any] = {"messages": [{"role": "user", "name": fake(BO)[1:-1], "content": "Bo, PERSON"}]}
    assert masker.mask(named, scope="s").request["messages"][0]["name"] == fake(BO)[1:-1]


def test_masking_twice_changes_nothing_more() -> None:
    masked = MASKER.mask(chat(f"{ADA}, Bo and 42", user=BO), scope="s")
    again = MASKER.mask(masked.request, scope="s")
    assert again.request is masked.request
    assert again.mapping.get_all_fakes() == masked.mapping.get_all_fakes()


def test_scopes_and_keys_do_not_share() -> None:
    one, two = (MASKER.mask(chat(BO), scope=scope) for scope in "st")
    other = Masker(KnownValues({BO: "PERSON"}), Placeholders(bytes(32))).mask(chat(BO), scope="s")
    assert len({content(masked.request) for masked in (one, two, other)}) == 3


def test_numbered() -> None:
    masker = Masker(KnownValues({ADA: "PERSON", BO: "PERSON"}), Placeholders(style="numbered"))
    masked = masker.mask(chat(f"Bo, {ADA}, Bo; <PERSON_2>?"), scope="s")
    assert content(masked.request) == "<PERSON_1>, <PERSON_3>, <PERSON_1>; <PERSON_2>?"
