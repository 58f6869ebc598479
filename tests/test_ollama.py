"""Ollama: lines of chat and of generate."""

from __future__ import annotations

from typing import Any

import pytest

from holdback import ChunkRestorer
from recorded import CUTS, MAP, changes, chunks_of, heard, names, pairs_of, recut, restored, through

PROTOCOL = "ollama"
RECORDINGS = names(PROTOCOL)

# Where text may change, and nowhere else.
PLACES = {"response", "message.content", "message.thinking"}
PLACES |= {
    f"message.tool_calls.function.arguments.{name}" for name in ("to", "doc", "<PERSON_2>", MAP["<PERSON_2>"])
}


def chat(done: bool = False, **message: Any) -> dict[str, Any]:
    return {"model": "m", "created_at": "t", "message": {"role": "assistant", **message}, "done": done}


def generate(text: str, done: bool = False, **more: Any) -> dict[str, Any]:
    return {"model": "m", "created_at": "t", "response": text, **more, "done": done}


def run(*lines: Any) -> list[Any]:
    return through(PROTOCOL, list(lines))


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("name", RECORDINGS)
def test_joined_text_equals_the_oracle(name: str, cut: str, backend: str) -> None:
    lines = recut(chunks_of(name), CUTS[cut])
    out = run(*lines)
    assert heard(out) == restored(heard(lines))
    assert len(out) == len(lines), "a stream that ends with `done` needs no line of ours"


@pytest.mark.parametrize("name", RECORDINGS)
def test_nothing_but_text_changes(name: str) -> None:
    for before, after in pairs_of(PROTOCOL, chunks_of(name)):
        assert set(changes(before, after)) <= PLACES


def test_arguments_are_restored_as_objects(backend: str) -> None:
    arguments = {"<PERSON_10>": ["<NOTE_1>", '{"a": "<ADDRESS_1>"}', 1.5, None], "to": "<EMAIL_1>"}
    function = {"name": "<PERSON_10>", "arguments": arguments}
    (out,) = run(chat(content="", tool_calls=[{"function": function}]))
    assert out["message"]["tool_calls"][0]["function"] == {
        "name": "<PERSON_10>",
        "arguments": {
            "Grace": [MAP["<NOTE_1>"], '{"a": "12 St James\'s Square\\nLondon \\\\ UK"}', 1.5, None],
            "to": "ada@example.org",
        },
    }


def test_withheld_text_leaves_an_empty_line() -> None:
    assert run(chat(content="<PERS"), chat(content="ON_10>")) == [chat(content=""), chat(content="Grace")]


def test_done_takes_the_tail() -> None:
    assert run(chat(content="a <PERS"), chat(content="", done=True)) == [
        chat(content="a "),
        chat(content="<PERS", done=True),
    ]
    assert run(chat(content="a <"), chat(content="PERS", done=True))[1] == chat(content="<PERS", done=True)
    assert run(chat(content="<PERS"), chat(done=True))[1] == chat(content="<PERS", done=True)
    assert run(generate("<PERS"), generate("", done=True, context=[1]))[1] == generate(
        "<PERS", done=True, context=[1]
    )
    bare = {"model": "m", "done": True}
    assert run(chat(content="<PERS"), bare)[1] == {**bare, "message": {"content": "<PERS"}}


def test_thinking_ends_where_the_answer_or_a_call_begins() -> None:
    call = {"tool_calls": [{"function": {"name": "f", "arguments": {}}}]}
    for begins in ({"content": "Hi"}, {"content": "", **call}):
        out = run(chat(content="", thinking="so <PERS"), chat(**begins), chat(content="ON_10>"))
        assert out[1:] == [chat(thinking="<PERS", **begins), chat(content="ON_10>")]
    out = run(generate("", thinking="<PERS"), generate("", thinking="ON_10> <"), generate("Hi"))
    assert out[1:] == [generate("", thinking="Grace "), generate("Hi", thinking="<")]


def test_an_error_comes_behind_the_tails() -> None:
    error = {"error": "failed on <PERSON_1>"}
    tails = [chat(content="", thinking="<"), chat(content="<PERS")]
    assert run(chat(thinking="<", content=""), chat(content=""), error)[2:] == [tails[0], error]
    assert run(chat(content="<PERS"), error)[1:] == [tails[1], error]


def test_a_stream_that_just_stops_is_drained() -> None:
    assert run(chat(content="<PERS"))[1:] == [chat(content="<PERS")]
    assert run(generate("<PERS"))[1:] == [generate("<PERS")]
    assert run(generate("", thinking="<PERS"))[1:] == [generate("", thinking="<PERS")]


@pytest.mark.parametrize(
    "line",
    [
        {},
        {"message": None, "done": False},
        {"message": "<PERSON_1>"},
        {"message": {"content": None, "thinking": 7, "tool_calls": None}},
        {"message": {"content": "", "images": ["<PERSON_1>"], "tool_calls": [None, {"function": None}]}},
        {"message": {"content": "", "tool_calls": [{"function": {"arguments": None}}]}},
        {"message": {"content": "", "tool_calls": [{"function": {"arguments": {"at": {1, 2}}}}]}},
        {"response": None, "context": [1, 2], "done": True},
        {"status": "pulling <PERSON_1>"},
    ],
    ids=str,
)
def test_an_odd_shape_passes_as_the_same_object(line: dict[str, Any]) -> None:
    assert run(line)[0] is line


@pytest.mark.sdk
@pytest.mark.parametrize("name", RECORDINGS)
def test_objects_of_the_ollama_client(name: str) -> None:
    ollama = pytest.importorskip("ollama")
    kind = ollama.ChatResponse if "chat" in name else ollama.GenerateResponse
    lines = [kind(**line) for line in chunks_of(name)]
    restorer = ChunkRestorer(MAP, protocol=PROTOCOL)
    out = [leaving for line in lines for leaving in restorer.feed(line)] + restorer.flush()
    expected = through(PROTOCOL, [line.model_dump() for line in lines])
    assert [line.model_dump() for line in out] == expected
    assert {type(line) for line in out} == {kind}
