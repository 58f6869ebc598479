"""Placeholders: derived as RFC 5869 says, stable, separate by scope, lengthened where two are the same."""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
import pickle
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdback import HoldbackError, _backend, _pure
from holdback._keys import hkdf, message
from holdback.masking import KnownValues, Masker, MaskingError, Placeholders, placeholders
from holdback.masking.placeholders import FORM, LABEL, bare, label

KEY = bytes(range(32))

# RFC 5869, appendix A: the cases with SHA-256. Key, salt, info, length, output.
RFC_5869 = [
    (
        "0b" * 22,
        "000102030405060708090a0b0c",
        "f0f1f2f3f4f5f6f7f8f9",
        42,
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    ),
    (
        bytes(range(0x50)).hex(),
        bytes(range(0x60, 0xB0)).hex(),
        bytes(range(0xB0, 0x100)).hex(),
        82,
        (
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
            "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"
        ),
    ),
    (
        "0b" * 22,
        "",
        "",
        42,
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
    ),
]


@pytest.mark.parametrize(("key", "salt", "info", "length", "output"), RFC_5869)
def test_hkdf_is_that_of_the_rfc(key: str, salt: str, info: str, length: int, output: str) -> None:
    assert hkdf(bytes.fromhex(key), bytes.fromhex(info), length, bytes.fromhex(salt)) == bytes.fromhex(output)


@given(st.lists(st.text(max_size=3), max_size=4), st.lists(st.text(max_size=3), max_size=4))
def test_parts_do_not_run_into_each_other(one: list[str], two: list[str]) -> None:
    assert (message(one) == message(two)) == (one == two)


def test_a_placeholder_is_what_the_page_says() -> None:
    derived = hkdf(KEY, LABEL)
    said = b"".join(len(part.encode()).to_bytes(8) + part.encode() for part in ("chat", "PERSON", "Ada é"))
    digest = hmac.new(derived, said, hashlib.sha256).digest()
    text = base64.b32encode(digest).decode().lower()
    made = Placeholders(KEY)
    assert made.of("Ada é", "PERSON", scope="chat") == f"<PERSON_{text[:10]}>"
    for digits in range(1, 52):
        assert made.of("Ada é", "PERSON", scope="chat", digits=digits) == f"<PERSON_{text[:digits]}>"


@given(
    st.binary(max_size=80),
    st.binary(max_size=80),
    st.lists(st.text(st.characters(), max_size=80), max_size=4),
    st.integers(1, 51),
)
def test_both_twins_make_the_same(key: bytes, start: bytes, values: list[str], digits: int) -> None:
    made = _backend.keyed_placeholders(key, start, "P", values, digits)
    assert made == _pure.keyed_placeholders(key, start, "P", values, digits)


@pytest.mark.skipif(_backend.BACKEND == "pure", reason="the limit of the native twin")
def test_an_hmac_has_no_more_digits() -> None:
    with pytest.raises(ValueError, match="at most 51 digits"):
        _backend.keyed_placeholders(KEY, b"", "P", ["Ada"], 53)


@pytest.mark.parametrize("digits", [-1, 0, 52, 1000])
def test_no_placeholder_has_so_many_digits(digits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for make in {_backend.keyed_placeholders, _pure.keyed_placeholders}:
        monkeypatch.setattr(_backend, "keyed_placeholders", make)
        with pytest.raises(MaskingError, match=r"^a keyed placeholder has 1 to 51 digits$"):
            Placeholders(KEY).of("Ada", "PERSON", scope="s", digits=digits)


@given(st.text(), st.text(), st.text(min_size=1))
def test_a_placeholder_has_the_form(value: str, entity_type: str, scope: str) -> None:
    placeholder = Placeholders(KEY).of(value, entity_type, scope=scope)
    assert FORM.fullmatch(placeholder)
    assert re.fullmatch("[A-Za-z0-9_-]+", bare(placeholder))
    assert placeholder == f"<{bare(placeholder)}>"
    assert label(label(entity_type)) == label(entity_type)


def test_key_scope_type_and_value_each_make_another() -> None:
    made = {
        Placeholders(key).of(value, entity_type, scope=scope)
        for key in (KEY, bytes(32))
        for scope in ("a", "b")
        for entity_type in ("PERSON", "person")  # which are spelled alike
        for value in ("Ada", "Bo")
    }
    assert len(made) == 16


def allotted(
    values: list[str], taken: frozenset[str] = frozenset(), style: Any = "keyed", texts: Any = ()
) -> Any:
    made = Placeholders(KEY, style)
    types = dict.fromkeys(values, "P")
    return dict(zip(types, made.allot(types, scope="s", taken=taken, texts=texts), strict=True))


@given(st.lists(st.text(min_size=1, max_size=4), min_size=2, max_size=30, unique=True), st.randoms())
def test_those_that_collide_are_lengthened_in_any_order(values: list[str], random: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(placeholders, "DIGITS", 1)
        made = allotted(values)
        assert len(set(made.values())) == len(values)
        again = values[:]
        random.shuffle(again)
        assert allotted(again) == made
        for value, placeholder in made.items():  # one that was taken before is not taken again
            others = [other for other in values if other != value]
            rest = allotted(others, frozenset({placeholder}))
            assert placeholder not in rest.values()


def test_one_that_is_taken_is_not_given_again() -> None:
    made = Placeholders(KEY)
    assert allotted(["Ada"]) == {"Ada": made.of("Ada", "P", scope="s")}
    taken = frozenset(made.of("Ada", "P", scope="s", digits=digits) for digits in (10, 15))
    assert allotted(["Ada", "Bo"], taken) == {
        "Ada": made.of("Ada", "P", scope="s", digits=20),
        "Bo": made.of("Bo", "P", scope="s"),
    }


def test_two_that_never_differ_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_backend, "keyed_placeholders", lambda *given: ["<P_1>" for _ in given[3]])
    with pytest.raises(MaskingError, match="two values have one placeholder"):
        allotted(["Ada", "Bo"])


def test_numbers_count_by_type_and_leave_out_what_stands_there() -> None:
    assert allotted(["a", "b"], style="numbered") == {"a": "<P_1>", "b": "<P_2>"}
    texts = ["is <P_1> or P_3 meant?", "XP_2"]
    assert allotted(["a", "b"], style="numbered", texts=texts) == {"a": "<P_2>", "b": "<P_4>"}
    assert allotted(["a"], taken=frozenset({"<P_1>"}), style="numbered") == {"a": "<P_2>"}


@pytest.mark.parametrize("request_", [
    {"previous_response_id": "resp_1"},
    {"conversation": "conv_1"},
    {"conversation": {"id": "conv_1"}},
    {"cachedContent": "cachedContents/1"},
    {"input": [{"type": "item_reference", "id": "msg_1"}]},
])  # fmt: skip
def test_numbers_are_refused_beside_what_the_provider_keeps(request_: dict[str, Any]) -> None:
    numbered = Masker(KnownValues({"Ada": "P"}), Placeholders(style="numbered"))
    with pytest.raises(MaskingError, match="names an earlier one"):
        numbered.mask(request_, scope="s")
    Masker(KnownValues({"Ada": "P"}), Placeholders(KEY)).mask(request_, scope="s")
    numbered.mask({"previous_response_id": None, "conversation": ""}, scope="s")


def test_numbers_are_refused_with_a_store() -> None:
    with pytest.raises(MaskingError, match="no store"):
        Masker(None, Placeholders(style="numbered")).mask({}, scope="s", known={})


@pytest.mark.parametrize("key", [b"", b"x" * 31])
def test_a_short_key_is_refused(key: bytes) -> None:
    with pytest.raises(HoldbackError, match="at least 32"):
        Placeholders(key)


def test_other_wrong_arguments() -> None:
    with pytest.raises(MaskingError, match="need a key"):
        Placeholders()
    with pytest.raises(TypeError, match="not str"):
        Placeholders("x" * 32)  # type: ignore[arg-type]
    with pytest.raises(MaskingError, match="unknown style"):
        Placeholders(KEY, "short")  # type: ignore[arg-type]
    with pytest.raises(MaskingError, match="depends on the request"):
        Placeholders(KEY, "numbered").of("Ada", "PERSON", scope="s")


def test_a_key_does_not_travel() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(Placeholders(KEY))
    assert "style" in repr(Placeholders(KEY))
    with pytest.raises(TypeError):
        copy.copy(Placeholders(KEY))
