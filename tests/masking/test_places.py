"""Every place that the shapes name, tried one by one, in both forms of a request; and the page that lists them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from holdback.masking import KnownValues, Masker, Placeholders
from holdback.masking.requests import ANTHROPIC, AUTO, REQUESTS
from holdback.masking.shapes import DATA, EARLIER, ENCODED, KEPT, NAME, OTHERS, SIGNED, TEXT, Kind
from masking_tables import EACH, PAGE, Case, Place, Steps, places, rewritten

KEY = bytes(range(32))
VALUE = "Ada Lovelace"
SHORT = "AdaLovelace"  # which could be base64
BASE64 = "QWRhIExvdmVsYWNl" * 8
MASKER = Masker(KnownValues({VALUE: "PERSON", SHORT: "PERSON"}), Placeholders(KEY))


def built(steps: Steps, leaf: Any, **beside: Any) -> Any:
    """A request with ``leaf`` at that place, and members beside it."""
    if not steps:
        return leaf
    step, *after = steps
    rest = tuple(after)
    if isinstance(step, Case):
        node = built(rest, leaf, **beside)
        assert isinstance(node, dict)
        return {step.member: step.value} | node
    if step == EACH:
        return [built(rest, leaf, **beside)]
    name = "anything" if step == OTHERS else step
    inner = built(rest, leaf, **beside)
    return {
        name: inner,
        **(beside if not [one for one in rest if isinstance(one, str) and one != EACH] else {}),
    }


def named(protocol: str) -> Iterator[Place]:
    """The places of a format, each once however many ways lead there."""
    seen = set()
    for place in places(REQUESTS[protocol]):
        if (place.steps, place.what) not in seen:
            seen.add((place.steps, place.what))
            yield place


def leaf_at(request: Any, steps: Steps) -> Any:
    for step in steps:
        if isinstance(step, str):
            request = request[0] if step == EACH else request["anything" if step == OTHERS else step]
    return request


@pytest.mark.parametrize("protocol", REQUESTS)
def test_every_place(protocol: str, backend: str) -> None:
    masker = Masker(KnownValues({VALUE: "PERSON", SHORT: "PERSON"}), Placeholders(KEY))
    count = 0
    for steps, what in named(protocol):
        assert isinstance(what, Kind)
        for leaf, stays, beside in cases(what):
            if beside and any(isinstance(step, Case) and step.value == "redacted_thinking" for step in steps):
                continue
            request = built(steps, leaf, **beside)
            if isinstance(steps[-1], Case) or (beside.keys() & set(steps[-1:])):
                continue
            for name in (protocol, "auto"):
                source = json.dumps(request).encode()
                from_bytes = masker.mask(source, scope="s", protocol=name)
                from_dict = masker.mask(request, scope="s", protocol=name)
                assert json.loads(from_bytes.request) == from_dict.request, steps
                if stays:
                    assert from_bytes.request is source, (steps, what)
                    assert from_dict.request is request, (steps, what)
                else:
                    assert VALUE.encode() not in from_bytes.request, (steps, what)
                    assert SHORT.encode() not in from_bytes.request, (steps, what)
                    assert not from_bytes.mapping.is_empty
                count += 1
    assert count > 20


def cases(kind: Kind) -> Iterator[tuple[Any, bool, dict[str, Any]]]:
    """Leaves of a kind, whether they stay as they are, and what stands beside them."""
    if kind in (KEPT, EARLIER):
        yield VALUE, True, {}
        yield {"unknown": VALUE}, False, {}
    elif kind is ENCODED:
        yield BASE64, True, {}
        yield f"data:image/png;base64,{BASE64}", True, {}
        yield f"data:text/plain,{VALUE}", False, {}
        yield f"https://example.org/?q={VALUE}", False, {}
        yield VALUE, False, {}
        yield SHORT, False, {}
    elif kind is SIGNED:
        yield VALUE, False, {}
        yield VALUE, False, {"signature": ""}
        yield VALUE, True, {"signature": "c2ln"}
        yield VALUE, True, {"encrypted_content": "c2ln"}
    elif kind is NAME:
        for spelling in (VALUE, "Ada_Lovelace", "Ada-Lovelace"):
            yield spelling, False, {}
    else:
        yield f"I am {VALUE}.", False, {}
        yield json.dumps({VALUE: [{"a": f"{VALUE}!"}]}), False, {}
        yield [VALUE], False, {}
        yield {"of": {VALUE: VALUE}}, False, {}


def test_kinds_are_all_tried() -> None:
    assert {place.what for protocol in REQUESTS for place in named(protocol)} == set(Kind)
    assert {TEXT, DATA} < set(Kind)


@pytest.mark.parametrize("protocol", [*REQUESTS, "auto"])
@pytest.mark.parametrize("node", [VALUE, {"a": {VALUE: [VALUE]}}, [[{"type": VALUE}]]])
def test_what_no_shape_names_is_masked(protocol: str, node: Any) -> None:
    for request in (
        {"brand_new": node},
        {"messages": [{"role": "user", "brand_new": node}]},
        {"messages": [{"role": "user", "content": [{"type": "brand_new", "brand_new": node}]}]},
        {"contents": [{"parts": [{"brandNew": node}]}]},
        {"input": [{"type": "brand_new", "brand_new": node}]},
        {"tools": [{"type": "brand_new", "brand_new": node}]},
    ):
        masked = MASKER.mask(request, scope="s", protocol=protocol)
        assert VALUE not in json.dumps(masked.request)


def test_auto_has_the_fields_of_all_formats() -> None:
    for shape in REQUESTS.values():
        for name, inner in shape.items():
            if name == "context_management":
                assert {*ANTHROPIC[name]} <= {*AUTO[name].shape}  # type: ignore[union-attr,misc]
            else:
                assert AUTO[name] == inner


def test_the_page_shows_the_tables_of_today() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert rewritten(page) == page, "run .venv/bin/python tools/masking_tables.py"
    for protocol in REQUESTS:
        assert f"<!-- table: {protocol} -->" in page
