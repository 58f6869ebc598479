"""What a store gets to see, and what it can do with it: nothing."""

from __future__ import annotations

import importlib
import pickle
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdback import HoldbackError
from holdback.stores import RedisStore, SqliteStore, StoreError
from holdback.stores.sealed import Sealer

NEW, OLD, OTHER = (bytes([number]) * 32 for number in (1, 2, 3))
ENTRY = ("<PERSON_1>", "Ada Lovelace", "PERSON")


@pytest.mark.stores
class TestSealed:
    @pytest.fixture(autouse=True)
    def _cryptography(self) -> None:
        pytest.importorskip("cryptography")

    @staticmethod
    def sealer(*keys: bytes) -> Sealer:
        return Sealer(keys or NEW, store="S", extra="stores")

    @given(
        st.lists(st.tuples(st.text(min_size=1), st.text(), st.text()), unique_by=lambda entry: entry[0]),
        st.text(),
    )
    def test_what_was_sealed_is_opened(self, entries: list[Any], scope: str) -> None:
        sealed = self.sealer().seal(scope, entries)
        assert len(sealed) == len(entries)
        assert sorted(self.sealer().open(scope, [sealed])) == sorted(entries)

    def test_nothing_shows(self) -> None:
        ((name, sealed),) = self.sealer().seal("a conversation", [ENTRY]).items()
        (scope,) = self.sealer().names("a conversation")
        assert (len(scope), len(name)) == (32, 16)
        for word in (*ENTRY, "conversation"):
            assert word.encode() not in scope + name + sealed

    def test_the_same_is_named_alike_and_sealed_anew(self) -> None:
        one, two = (self.sealer().seal("s", [ENTRY]) for _ in range(2))
        assert one.keys() == two.keys()
        assert one != two
        assert (
            len({entry[5:17] for _ in range(100) for entry in self.sealer().seal("s", [ENTRY]).values()})
            == 100
        )

    def test_names_differ_by_scope_and_key(self) -> None:
        names = {name for key in (NEW, OLD) for scope in ("s", "t") for name in self.sealer(key).names(scope)}
        entries = {
            name
            for key in (NEW, OLD)
            for scope in ("s", "t")
            for name in self.sealer(key).seal(scope, [ENTRY])
        }
        assert (len(names), len(entries)) == (4, 4)

    def test_sizes_say_little(self) -> None:
        sizes = {
            len(sealed)
            for length in range(30)
            for sealed in self.sealer().seal("s", [("<P_1>", "x" * length, "P")]).values()
        }
        assert len(sizes) == 1

    def test_several_keys(self) -> None:
        old = self.sealer(OLD).seal("s", [ENTRY])
        both = self.sealer(NEW, OLD)
        assert both.names("s") == [*self.sealer(NEW).names("s"), *self.sealer(OLD).names("s")]
        assert list(both.open("s", [{}, old])) == [ENTRY]
        assert both.seal("s", [ENTRY]).keys() == self.sealer(NEW).seal("s", [ENTRY]).keys()
        with pytest.raises(StoreError, match="sealed by a key that the store was not given"):
            list(self.sealer(OTHER).open("s", [old]))

    def test_what_was_changed_or_moved_is_refused(self) -> None:
        ((name, sealed),) = self.sealer().seal("s", [ENTRY]).items()
        for at in range(len(sealed)):
            wrong = bytearray(sealed)
            wrong[at] ^= 1
            with pytest.raises(StoreError, match="cannot be opened") as caught:
                list(self.sealer().open("s", [{name: bytes(wrong)}]))
            assert "Ada" not in repr(caught.value)
        for end in range(len(sealed)):
            with pytest.raises(StoreError, match="cannot be opened"):
                list(self.sealer().open("s", [{name: sealed[:end]}]))
        with pytest.raises(StoreError, match="was changed, or moved"):
            list(self.sealer().open("t", [{name: sealed}]))
        with pytest.raises(StoreError, match="was changed, or moved"):
            list(self.sealer().open("s", [{name[::-1]: sealed}]))

    def test_keys(self) -> None:
        for wrong in (b"short", [NEW, b"short"]):
            with pytest.raises(HoldbackError, match="at least 32"):
                Sealer(wrong, store="S", extra="stores")
        with pytest.raises(StoreError, match="needs a key"):
            Sealer([], store="S", extra="stores")
        with pytest.raises(TypeError):
            Sealer("x" * 32, store="S", extra="stores")  # type: ignore[arg-type]
        assert repr(self.sealer(NEW, OLD)) == "Sealer(keys=2)"
        with pytest.raises(TypeError):
            pickle.dumps(self.sealer())


@pytest.mark.parametrize(
    ("module", "make", "message"),
    [
        ("cryptography", lambda: SqliteStore("x.db", NEW), r"SqliteStore needs cryptography: .*\[stores\]"),
        ("cryptography", lambda: RedisStore("redis://h", NEW), r"RedisStore needs cryptography: .*\[redis\]"),
    ],
)
def test_an_extra_that_is_missing(
    module: str, make: Any, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str, package: str | None = None) -> Any:
        if name.partition(".")[0] == module:
            raise ModuleNotFoundError(f"No module named {module!r}", name=module)
        return importlib.import_module(name, package)

    monkeypatch.setattr("holdback.stores.base.importlib", type(sys)("importlib"))
    monkeypatch.setattr("holdback.stores.base.importlib.import_module", absent, raising=False)
    with pytest.raises(HoldbackError, match=message):
        make()
