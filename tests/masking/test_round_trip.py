"""One turn of a conversation: load, mask, merge; and what becomes of a turn when the store fails."""

from __future__ import annotations

import json
from typing import Any

import pytest

from holdback import HoldbackError, PIIMapping
from holdback.masking import KnownValues, Masker, MaskingError, Placeholders, RoundTrip, Span
from holdback.masking.round_trip import LARGE
from holdback.stores import MemoryStore, StoreError

KEY = bytes(range(32))
ADA = Placeholders(KEY).of("Ada", "PERSON", scope="c")


class Odd(Exception):
    """What a store of somebody else raises; it quotes."""


class Recording(MemoryStore):
    """A store that says what it was asked, and fails at what it is told to."""

    __slots__ = ("asked", "error", "fails")

    def __init__(self, fails: str = "", error: Exception | None = None) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.fails, self.error = fails, error or StoreError("the store cannot be used")

    async def load(self, scope: str) -> PIIMapping:
        self.asked.append("load")
        if self.fails == "load":
            raise self.error
        return await super().load(scope)

    async def merge(self, scope: str, mapping: PIIMapping, ttl: float | None = None) -> None:
        self.asked.append(f"merge {mapping.count} {ttl}")
        if self.fails == "merge":
            raise self.error
        await super().merge(scope, mapping, ttl)


def masker(style: Any = "keyed") -> Masker:
    return Masker(KnownValues({"Ada": "PERSON"}), Placeholders(KEY, style))


async def test_a_turn_is_one_load_and_one_merge() -> None:
    store = Recording()
    trip = RoundTrip(masker(), store, ttl=60)
    first = await trip.mask({"input": "I am Ada."}, "c")
    assert first.request == {"input": f"I am {ADA}."}
    again = await RoundTrip(Masker(None), store).mask({"input": "Ada?", "previous_response_id": "r"}, "c")
    assert again.request["input"] == f"{ADA}?"  # this worker's detector finds nothing: the store knows
    other = await trip.mask({"input": "Who am I?"}, "another")
    assert other.mapping.is_empty
    assert store.asked == ["load", "merge 1 60.0", "load", "merge 0 None", "load", "merge 0 60.0"]
    assert first.report.is_stored


async def test_without_a_store_nothing_is_kept() -> None:
    trip = RoundTrip(masker())
    assert (await trip.mask(b'{"input":"Ada"}', "c")).request == f'{{"input":"{ADA}"}}'.encode()
    assert trip.mask_now(b'{"input":"Ada"}', "c").request == f'{{"input":"{ADA}"}}'.encode()
    assert (await trip.mask({"input": "?"}, "c")).mapping.is_empty
    await trip.aclose()


async def test_a_large_request_is_masked_alike() -> None:
    body = json.dumps({"input": ["Ada, " + "x" * LARGE]}).encode()
    masked = await RoundTrip(masker(), MemoryStore()).mask(body, "c")
    assert masked.request == body.replace(b"Ada", ADA.encode())


async def test_a_failed_load_is_a_request_that_cannot_be_masked() -> None:
    for error in (StoreError("x"), Odd("Ada"), OSError("Ada"), TimeoutError("Ada")):
        trip = RoundTrip(masker(), Recording("load", error))
        with pytest.raises(StoreError) as caught:
            await trip.mask({"input": "Ada"}, "c")
        assert "Ada" not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None


async def test_a_failed_merge_breaks_nothing_and_is_told() -> None:
    for error in (StoreError("x"), Odd("Ada")):
        masked = await RoundTrip(masker(), Recording("merge", error)).mask({"input": "Ada"}, "c")
        assert masked.request == {"input": ADA}
        assert masked.mapping.get_original(ADA) == "Ada"
        assert not masked.report.is_stored
        assert masked.report.found == {"PERSON": 1}


async def test_what_cannot_be_masked_is_not_stored() -> None:
    store = Recording()

    def broken(text: str) -> list[Span]:
        raise Odd(text)

    with pytest.raises(MaskingError):
        await RoundTrip(Masker(broken, Placeholders(KEY)), store).mask({"input": "Ada"}, "c")
    assert store.asked == ["load"]


def test_what_cannot_go_together_is_refused() -> None:
    with pytest.raises(MaskingError, match="numbered"):
        RoundTrip(masker("numbered"), MemoryStore())
    RoundTrip(masker("numbered")).mask_now({"input": "Ada"}, "c")
    with pytest.raises(HoldbackError, match="event loop"):
        RoundTrip(masker(), MemoryStore()).mask_now({"input": "Ada"}, "c")
    wrong: Any = "Ada"
    for arguments in ((wrong,), (masker(), wrong)):
        with pytest.raises(TypeError) as caught:
            RoundTrip(*arguments)
        assert "Ada" not in str(caught.value)
