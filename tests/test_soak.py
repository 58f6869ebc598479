"""What the soak takes for right, and what it takes for flat: it must be able to say no."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("httpx")
pytest.importorskip("uvicorn")

from benches.soak.__main__ import judged
from benches.soak.answers import FORMATS, streamed
from benches.soak.talks import KEPT, Outages, argument, is_right

import agent_provider
import provider

MARK = "<PERSON_abcdefghij>"
OTHER = "<EMAIL_234567abcd>"


@pytest.mark.parametrize(
    ("said", "expected", "whole", "lenient", "right"),
    [
        ("I am Mira.", "I am Mira.", True, False, True),
        ("I am Mira", "I am Mira.", True, False, False),
        ("I am Mira", "I am Mira.", False, False, True),
        ("I am Ada", "I am Mira.", False, False, False),
        (f"I am {MARK}.", "I am Mira.", True, False, False),
        (f"I am {MARK}.", "I am Mira.", True, True, True),
        (f"I am {MARK}, {OTHER}.", "I am Ada, a@b.", True, True, True),
        (f"I am {MARK}!", "I am Mira.", True, True, False),
        (f"I am Ada, {OTHER}.", "I am Mira, m@b.", True, True, False),
        (f"https://x/?who={MARK} now", f"https://x/?who={KEPT} now", True, False, True),
        ("https://x/?who=Mira now", f"https://x/?who={KEPT} now", True, False, False),
        ("https://x/?who=Mira", f"https://x/?who={KEPT} now", False, False, False),
        ("https://x/?who=<PERSON_ab", f"https://x/?who={KEPT} now", False, False, True),
        ("I am <PERS", "I am Mira.", False, False, True),
        ("", "I am Mira.", False, False, True),
        ("", "I am Mira.", True, False, False),
    ],
)
def test_what_is_right(said: str, expected: str, whole: bool, lenient: bool, right: bool) -> None:
    assert is_right(said, expected, whole=whole, lenient=lenient) is right


@pytest.mark.parametrize("text", ["", 'Say "Mira" \\ 😀 <x>\n', "😀😀", '\\"'])
def test_arguments_that_are_cut_off_anywhere(text: str) -> None:
    for source in (provider.arguments(text), json.dumps({"to": text}, ensure_ascii=False)):
        assert argument(source, whole=True) == text
        for at in range(len(source)):
            said = argument(source[:at], whole=False)
            assert said is not None
            assert text.startswith(said), source[:at]
    assert argument('{"to": "a', whole=True) is None


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_read_as_its_provider_writes_it(name: str) -> None:
    format_ = FORMATS[name]
    writers = {
        **provider.FORMATS,
        "/api/chat": (agent_provider.ollama, ""),
        "/v2/chat": (agent_provider.cohere, ""),
    }
    write = next(writer for path, (writer, _) in writers.items() if path in format_.path)
    events, whole = write(format_.ask(["I am Mira."]), "I am Mira.")
    data = b"".join(events)
    assert streamed(format_, data) == format_.whole(whole) == provider.answer("I am Mira.")
    for at in range(len(data)):
        assert provider.answer("I am Mira.").startswith(streamed(format_, data[:at]))
    if format_.tools:
        events, whole = write({**format_.ask(["x"]), "tools": format_.tools}, "x")
        for source in (streamed(format_, b"".join(events)), format_.whole(whole)):
            assert argument(source, whole=True) == "x"


@pytest.mark.parametrize(
    ("values", "flat"),
    [
        ([50.0] * 40, True),
        ([30.0] * 10 + [50.0] * 30, True),  # a warm-up
        ([50.0 + at for at in range(40)], False),
        ([50.0] * 25 + [70.0] * 15, False),
        ([50.0] * 39 + [90.0], True),  # a moment
        ([50.0], True),
    ],
)
def test_what_is_flat(values: list[float], flat: bool) -> None:
    ((*_, found),) = judged({("gateway 1", "memory, MB"): values})
    assert found is flat


def test_only_what_meets_an_outage_is_let_off() -> None:
    outages = Outages()
    assert not outages.touch(0)
    outages.began(empties=True)
    assert outages.touch(1e12)
    outages.over()
    assert outages.touch(0)
    assert not outages.touch(1e12)
