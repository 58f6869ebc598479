"""Bodies told by their bytes: what each is, at every cut, and that nothing is held that is no answer."""

from __future__ import annotations

import contextlib
import gzip
import inspect
import json
from typing import Any

import pytest

from bodies_cases import (
    AS_EVENTS,
    MESSAGE,
    PAIRS,
    WHOLE,
    restored,
)
from holdback import WireRestorer
from holdback.bodies import AnswerRestorer, BodyOptions, BodyRestorer
from holdback.errors import EncodedInput, EventTooLarge, HoldbackError
from holdback.sniffing import Claim, claim_of
from wires import every, through

# ---------------------------------------------------------------- options


def test_the_protocol_is_passed_on(backend: str) -> None:
    delta = {"type": "response.output_text.delta", "item_id": "i", "output_index": 0, "content_index": 0}
    data = f"data: {json.dumps({**delta, 'delta': '<PERSON_1>'})}\n\n".encode()
    assert b"Ada" in restored(BodyRestorer(PAIRS), [data])
    restorer = BodyRestorer(PAIRS, options=BodyOptions(protocol="anthropic"))
    assert restored(restorer, [data]) == data
    assert restorer.protocol == "anthropic"
    answer = json.dumps(MESSAGE).encode()
    assert restored(BodyRestorer(PAIRS, options=BodyOptions(protocol="openai-chat")), [answer]) == answer


def test_the_limit_of_an_event_is_passed_on() -> None:
    """Whatever the restorer makes of it."""
    expected = through(WireRestorer(PAIRS, max_event_bytes=40), [AS_EVENTS])
    restorer = BodyRestorer(PAIRS, options=BodyOptions(max_event_bytes=40))
    out = b""
    with contextlib.suppress(*filter(None, [expected.error])):
        out = restorer.feed(AS_EVENTS)
    assert out + restorer.flush() == expected.data


OVERSIZED = pytest.mark.skipif(
    "oversized" not in inspect.signature(WireRestorer).parameters, reason="the restorer has no such option"
)


@OVERSIZED
def test_what_becomes_of_an_event_that_is_too_large_is_passed_on(backend: str) -> None:
    data = b"data: " + b" " * 50 + AS_EVENTS[6:] + AS_EVENTS
    limit = len(AS_EVENTS) // 3 + 20
    out = restored(BodyRestorer(PAIRS, options=BodyOptions(max_event_bytes=limit, oversized="pass")), [data])
    assert b"Ada" in out
    with pytest.raises(EventTooLarge):
        BodyRestorer(PAIRS, options=BodyOptions(max_event_bytes=limit, oversized="raise")).feed(data)


@pytest.mark.parametrize("claim", Claim)
@pytest.mark.parametrize("size", [1, 10, 1000])
def test_an_answer_that_is_too_large_passes(claim: Claim, size: int) -> None:
    data = json.dumps(WHOLE, indent=1).encode()
    exact = BodyOptions(max_event_bytes=len(data))
    assert b"Ada" in restored(BodyRestorer(PAIRS, claim=claim, options=exact), every(data, size))
    options = BodyOptions(max_event_bytes=len(data) - 1)
    assert restored(BodyRestorer(PAIRS, claim=claim, options=options), every(data, size)) == data


@OVERSIZED
@pytest.mark.parametrize("claim", Claim)
@pytest.mark.parametrize("size", [1, 10, 1000])
def test_an_answer_that_is_too_large_is_an_error_if_an_option_says_so(claim: Claim, size: int) -> None:
    data = json.dumps(WHOLE, indent=1).encode()
    options = BodyOptions(max_event_bytes=len(data) - 1, oversized="raise")
    restorer = BodyRestorer(PAIRS, claim=claim, options=options)
    reads = every(data, size)
    out = [restorer.feed(read) for read in reads[:-1]]
    with pytest.raises(EventTooLarge, match=f"larger than max_event_bytes={len(data) - 1}"):
        restorer.feed(reads[-1])
    assert b"".join([*out, restorer.flush()]) == data


@pytest.mark.parametrize("magic", [b"\xce\xb2\xcf\x81", b"\x0b\x02\x80", b"\x28\xb5\x2f\xfd"])
def test_what_cannot_be_decoded_is_an_error_or_passes(magic: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdback.codings._module", lambda *names: None)
    data = magic + b"<PERSON_1>" * 5
    restorer = BodyRestorer(PAIRS)
    with pytest.raises(EncodedInput):
        restorer.feed(data)
    assert restorer.flush() == data
    for size in (1, 100):
        restorer = BodyRestorer(PAIRS, options=BodyOptions(undecodable="pass"))
        assert restored(restorer, every(data, size)) == data
        assert restorer.undecoded


@pytest.mark.parametrize(
    "options",
    [{"protocol": "smtp"}, {"oversized": "drop"}, {"undecodable": "drop"}, {"undecodable": None}],
    ids=str,
)
def test_a_setting_that_is_not_known_is_an_error(options: dict[str, Any]) -> None:
    with pytest.raises(HoldbackError):
        BodyOptions(**options)


def test_a_limit_that_is_no_number_is_an_error() -> None:
    with pytest.raises(TypeError, match="max_event_bytes must be int"):
        BodyOptions(max_event_bytes="1")  # type: ignore[arg-type]


def test_only_bytes_are_taken() -> None:
    for restorer in (BodyRestorer(PAIRS), BodyRestorer(None)):
        with pytest.raises(TypeError, match="feed\\(\\) takes bytes, not str"):
            restorer.feed("data: ")  # type: ignore[arg-type]
    assert restored(BodyRestorer(PAIRS), [bytearray(AS_EVENTS[:20]), memoryview(AS_EVENTS[20:])]) == restored(  # type: ignore[list-item]
        BodyRestorer(PAIRS), [AS_EVENTS]
    )


def test_no_value_is_in_a_repr() -> None:
    restorer = BodyRestorer(PAIRS)
    assert repr(restorer) == "<BodyRestorer undecided>"
    restorer.feed(AS_EVENTS)
    assert repr(restorer) == "<BodyRestorer EVENTS>"


def test_without_a_mapping_everything_passes_decoded() -> None:
    assert restored(BodyRestorer(None), every(gzip.compress(AS_EVENTS), 9)) == AS_EVENTS


def test_an_answer_restorer_may_be_used_alone() -> None:
    restorer = AnswerRestorer(PAIRS)
    assert (restorer.feed(b"[1"), restorer.flush(), restorer.flush()) == (b"", b"[1", b"")


@pytest.mark.parametrize(
    ("content_type", "claim"),
    [
        ("text/event-stream", Claim.EVENTS),
        ("Text/Event-Stream; charset=utf-8", Claim.EVENTS),
        ("application/x-ndjson", Claim.LINES),
        ("application/stream+json", Claim.LINES),
        ("application/json;charset=utf-8", Claim.JSON),
        ("application/vnd.api+json", Claim.JSON),
        ("text/plain; charset=utf-8", Claim.NOTHING),
        ("", Claim.NOTHING),
        ("text/html", None),
        ("application/octet-stream", None),
        ("image/png", None),
    ],
)
def test_what_a_content_type_says(content_type: str, claim: Claim | None) -> None:
    assert claim_of(content_type) is claim
