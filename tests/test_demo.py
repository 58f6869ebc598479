"""The demo: what is shown is what the restorer did, in any width, encoding and colour."""

from __future__ import annotations

import io
import json
import re
import time
from pathlib import Path
from typing import Literal

import pytest

from holdback import TrieMatcher, demo

ROOT = Path(__file__).resolve().parent.parent
Backend = Literal["native", "pure"]


class Terminal(io.TextIOWrapper):
    """Standard output that is, or is not, a terminal."""

    def __init__(self, *, encoding: str = "utf-8", tty: bool = False) -> None:
        super().__init__(io.BytesIO(), encoding=encoding, newline="\n", write_through=True)
        self._tty = tty

    def isatty(self) -> bool:
        return self._tty

    def shown(self) -> str:
        assert isinstance(self.buffer, io.BytesIO)
        return self.buffer.getvalue().decode(self.encoding)


def shown(
    monkeypatch: pytest.MonkeyPatch, columns: int = 80, speed: float | None = 0, **kinds: object
) -> str:
    monkeypatch.setenv("COLUMNS", str(columns))
    out = Terminal(**kinds)  # type: ignore[arg-type]
    demo.play(out, speed)
    return out.shown()


@pytest.fixture(autouse=True)
def _no_preferences(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)


def whole_answers(sent: bool) -> dict[str, str]:
    """Each channel's text, joined; what the user should see by an independent whole-text replacement."""
    recording = demo.load()
    texts: dict[str, str] = {}
    for chunk in recording.chunks:
        for choice in chunk["choices"]:
            delta, index = choice["delta"], choice["index"]
            pieces = {
                "reasoning": delta.get("reasoning_content"),
                "content": delta.get("content"),
                "arguments": "".join(call["function"]["arguments"] for call in delta.get("tool_calls", ())),
            }
            for field, piece in pieces.items():
                if piece:
                    texts[f"{index} {field}"] = texts.get(f"{index} {field}", "") + piece
    if sent:
        return texts
    keys = "|".join(map(re.escape, sorted(recording.pairs, key=len, reverse=True)))
    found = re.compile(rf"https://\S+|{keys}")  # what stands in an address stays
    return {
        label: found.sub(lambda match: recording.pairs.get(match[0], match[0]), text)
        for label, text in texts.items()
    }


def passages(text: str) -> dict[str, tuple[str, str]]:
    """The two columns of the second table, joined again without their spaces."""
    table = text.split("whole, as seen")[1].splitlines()[2:-2]
    joined: dict[str, tuple[str, str]] = {}
    label = ""
    for line in table:
        label = line[: demo.LABEL].strip() or label
        left, _, right = line[demo.LABEL :].partition("│")
        before = joined.get(label, ("", ""))
        joined[label] = (before[0] + squeeze(left), before[1] + squeeze(right))
    return joined


def squeeze(text: str) -> str:
    return re.sub(r"\s", "", text)


@pytest.mark.parametrize("columns", [20, 48, 60, 80, 120, 300])
def test_both_columns_hold_the_whole_answer(
    backend: Backend, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = shown(monkeypatch, columns)
    sent, seen = whole_answers(sent=True), whole_answers(sent=False)
    assert passages(text) == {label: (squeeze(sent[label]), squeeze(seen[label])) for label in sent}
    assert {len(line) for line in text.splitlines() if "┼" in line} <= {
        min(max(columns, 48), 120) - n for n in (0, 1)
    }
    assert max(map(len, text.splitlines()[2:-1])) <= max(columns, 48)
    assert f"({backend})" in text.splitlines()[-1]


def test_placeholders_are_left_in_an_address_alone_and_the_held_tail_of_a_cut_answer_is_there() -> None:
    seen = whole_answers(sent=False)
    pairs = demo.load().pairs
    left = [key for key in pairs for text in seen.values() if key in text]
    assert left == ["<PERSON_1>"]
    assert "who=<PERSON_1>)" in seen["0 content"]
    assert seen["1 content"].endswith("<EMA")


def test_every_chunk_has_its_row_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(monkeypatch)
    rows = text.split("user sees")[1].split("whole, as sent")[0].splitlines()
    assert "0 role       assistant                        │ assistant" in rows
    held = rows.index("0 content     of Zorp                         ┆  of")
    restored = rows.index("0 content     Glax                            ▶ Lindqvist & Søn")
    assert held < restored
    assert "1 content                                     │ <EMA" in rows
    assert rows.index("0 finish     tool_calls                       │ tool_calls") < rows.index(
        "usage        135 tokens                       │ 135 tokens"
    )


def test_the_counts(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    recording = demo.load()
    found = sum(
        len(re.findall(r"(?<!who=)<[A-Z]+_\d+>|Zorp(?: Glax)?", text))
        for text in whole_answers(sent=True).values()
    )
    last = shown(monkeypatch).splitlines()[-1]
    match = re.fullmatch(
        r"(\d+) chunks in, (\d+) out, (\d+) placeholders restored, 1 kept in an address \(\w+\)", last
    )
    assert match
    assert int(match[1]) == len(recording.chunks)
    assert int(match[2]) < len(recording.chunks)
    assert int(match[3]) == found


def test_colour_is_for_terminals_that_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = shown(monkeypatch)
    coloured = shown(monkeypatch, tty=True)
    assert "\x1b" not in plain
    assert demo.GREEN + "Mira Okafor" + demo.RESET in coloured
    assert demo.GREEN + "Lindqvist & Søn" + demo.RESET in coloured, "the longest one that fits"
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == plain
    monkeypatch.setenv("NO_COLOR", "1")
    assert shown(monkeypatch, tty=True) == plain
    monkeypatch.setenv("NO_COLOR", "")
    assert shown(monkeypatch, tty=True) == coloured
    monkeypatch.setenv("TERM", "dumb")
    assert shown(monkeypatch, tty=True) == plain


def test_an_encoding_without_lines_gets_others(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(monkeypatch, encoding="ascii")
    assert "of Zorp                         :  of" in text
    assert "> Mira Okafor,$" in text
    assert "Jonas Wei?" in text


@pytest.mark.parametrize(
    ("tty", "speed", "total"),
    [
        (False, None, 0.0),
        (True, None, 1.0),
        (True, 0, 0.0),
        (True, 4, 0.25),
        (False, 2, 0.5),
    ],
)
def test_reading_speed(tty: bool, speed: float | None, total: float, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    shown(monkeypatch, speed=speed, tty=tty)
    assert sum(slept) / demo.SECONDS_PER_CHARACTER == pytest.approx(total * sent_length(monkeypatch))


def sent_length(monkeypatch: pytest.MonkeyPatch) -> int:
    transcript = demo._Transcript()
    return sum(len(piece) for chunk in demo.load().chunks for piece in transcript.take([chunk]).values())


# ---------------------------------------------------------------- the recordings


def test_the_recording_is_shaped_like_a_provider_s() -> None:
    """Role chunk, reasoning, content, a tool call, two choices, usage, and the end."""
    body = (ROOT / "examples" / "recordings" / "chat.sse").read_bytes()
    events = body.decode().split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""]
    assert all(event.startswith("data: ") for event in events[:-1])
    chunks = [json.loads(event[6:]) for event in events[:-2]]
    assert chunks == demo.load().chunks
    assert {chunk["id"] for chunk in chunks} == {chunks[0]["id"]}
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    assert {key for delta in deltas for key in delta} >= {
        "role",
        "reasoning_content",
        "content",
        "tool_calls",
    }
    assert {choice["index"] for chunk in chunks for choice in chunk["choices"]} == {0, 1}
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["total_tokens"]


def test_the_tool_s_arguments_parse_on_both_sides() -> None:
    assert json.loads(whole_answers(sent=True)["0 arguments"])["to"] == "<EMAIL_1>"
    assert json.loads(whole_answers(sent=False)["0 arguments"])["to"] == "mira@okafor.example"


def test_the_recording_is_cut_at_nasty_places(backend: Backend) -> None:
    """Inside a placeholder, before the digit that makes it a longer one, and where it could still be none."""
    recording = demo.load()
    contents = [c["delta"].get("content") or "" for chunk in recording.chunks for c in chunk["choices"]]
    assert any(piece.endswith("<PERSON_1") for piece in contents)
    assert any(piece.endswith("Zorp") for piece in contents)
    assert contents.count("_") == 1
    whole = TrieMatcher(recording.pairs)
    alone = "".join(whole.replace(piece) for piece in contents)
    assert alone.count("Mira Okafor") + alone.count("mira@") == 0, "every person here is cut in two"


def test_examples_and_package_hold_the_same_recordings() -> None:
    examples, package = ROOT / "examples" / "recordings", Path(demo.__file__).parent / "recordings"
    assert {path.name for path in package.iterdir()} == {"chat.sse", "chat.map.json"}
    for path in package.iterdir():
        assert (examples / path.name).read_bytes() == path.read_bytes()
