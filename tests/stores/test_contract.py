"""What every store does, asked of all three."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from holdback import HoldbackError, PIIMapping
from holdback.stores import Store, StoreError
from holdback.stores.base import entries_of

Make = Callable[..., Any]


def mapping(*pairs: tuple[str, str, str]) -> PIIMapping:
    made = PIIMapping()
    for value, placeholder, entity_type in pairs:
        made.add(value, placeholder, entity_type)
    return made


ADA = ("Ada Lovelace", "<PERSON_1>", "PERSON")
BO = ("Bo\ud800 😀\n", "<PERSON_2>", "")
EMPTY = ("", "<EMPTY_1>", "X")


def same(one: PIIMapping, two: PIIMapping) -> bool:
    return sorted(entries_of(one)) == sorted(entries_of(two))


async def test_what_was_merged_is_loaded_by_every_worker(make: Make) -> None:
    one, two = make(), make()
    assert isinstance(one, Store)
    assert (await one.load("s")).is_empty
    await one.merge("s", mapping(ADA, EMPTY))
    await two.merge("s", mapping(BO))
    await two.merge("s", mapping(ADA))
    for store in (one, two, make()):
        assert same(await store.load("s"), mapping(ADA, BO, EMPTY))


async def test_scopes_know_nothing_of_each_other(make: Make) -> None:
    store = make()
    await store.merge("s", mapping(ADA))
    await store.merge("s\ud800", mapping(BO))
    assert same(await store.load("s"), mapping(ADA))
    assert same(await store.load("s\ud800"), mapping(BO))
    assert (await store.load("S")).is_empty
    await store.forget("s")
    assert (await store.load("s")).is_empty
    assert same(await store.load("s\ud800"), mapping(BO))
    await store.forget("never known")


async def test_of_several_placeholders_all_workers_use_the_same(make: Make) -> None:
    for order in ([0, 1, 2], [2, 1, 0]):
        store = make()
        pairs = [("Ada", "<P_abc>", "P"), ("Ada", "<P_abcdef>", "P"), ("Ada", "<P_abb>", "P")]
        for at in order:
            await store.merge("s", mapping(pairs[at]))
        loaded = await store.load("s")
        assert loaded.get_fake("Ada") == "<P_abcdef>"
        assert len(loaded.get_all_fakes()) == 3
        await store.forget("s")


async def test_merges_at_once_lose_nothing(make: Make) -> None:
    stores = [make() for _ in range(4)]
    pairs = [(f"value {number}", f"<P_{number}>", "P") for number in range(80)]
    await asyncio.gather(
        *(stores[number % 4].merge("s", mapping(pair), ttl=1000) for number, pair in enumerate(pairs))
    )
    assert same(await stores[0].load("s"), mapping(*pairs))


async def test_a_scope_of_five_thousand(make: Make) -> None:
    pairs = mapping(*((f"value {number}", f"<P_{number}>", "P") for number in range(5000)))
    store = make()
    await store.merge("s", pairs, ttl=1000)
    assert same(await store.load("s"), pairs)
    await store.merge("s", mapping(ADA))
    assert (await store.load("s")).count == 5001


async def test_an_empty_mapping(make: Make) -> None:
    store = make()
    await store.merge("s", PIIMapping())
    await store.merge("t", PIIMapping(), ttl=5)
    assert (await store.load("s")).is_empty
    assert (await store.load("t")).is_empty


@pytest.mark.parametrize("ttl", [0, -1, float("nan"), float("inf")])
async def test_wrong_times(make: Make, ttl: float) -> None:
    with pytest.raises(StoreError, match="ttl must be more"):
        await make().merge("s", mapping(ADA), ttl=ttl)
    with pytest.raises(StoreError, match="ttl must be more"):
        make(ttl=ttl)


async def test_wrong_arguments(make: Make) -> None:
    store = make()
    for call in (store.load, store.forget, lambda scope: store.merge(scope, mapping(ADA))):
        with pytest.raises(TypeError, match="scope must be str"):
            await call(b"s")
        with pytest.raises(StoreError, match="scope must not be empty"):
            await call("")
    with pytest.raises(TypeError, match="takes a PIIMapping"):
        await store.merge("s", {"<P_1>": "Ada"})
    for ttl in ("5", True):
        with pytest.raises(TypeError, match="ttl must be a number"):
            await store.merge("s", mapping(ADA), ttl=ttl)


async def test_a_store_is_silent(make: Make) -> None:
    async with make() as store:
        await store.merge("s", mapping(ADA))
        assert "Ada" not in repr(store)
        with pytest.raises((TypeError, AttributeError, pickle.PicklingError)):
            pickle.dumps(store)


async def test_a_forgotten_scope_begins_anew(make: Make) -> None:
    store = make()
    await store.merge("s", mapping(ADA), ttl=1000)
    await store.forget("s")
    await store.merge("s", mapping(BO))
    assert same(await store.load("s"), mapping(BO))


def test_every_error_is_ours() -> None:
    assert issubclass(StoreError, HoldbackError)
