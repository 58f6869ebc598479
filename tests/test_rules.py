"""Rules of types are compiled once for a mapping and a policy, and never with types that came later."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from holdback import DeanonymizationConfig, PIIMapping, RestorePolicy, WireRestorer, _backend
from holdback.engine import rules
from holdback.restorers.material import material

pytestmark = pytest.mark.skipif(_backend.BACKEND != "native", reason="only native guards have rules")

PERSONS = DeanonymizationConfig(policy=RestorePolicy(entity_types={"PERSON": "keep", "*": "restore"}))
ALL = DeanonymizationConfig(policy=RestorePolicy(entity_types={"*": "keep"}))


def mapping() -> PIIMapping:
    pairs = PIIMapping()
    pairs.add("Ada", "<A_1>", "PERSON")
    pairs.add("Rome", "<A_2>", "CITY")
    return pairs


def restored(pairs: Any, config: Any = PERSONS) -> bytes:
    restorer = WireRestorer(pairs, config, protocol="openai-text")
    event = b'data: {"object":"text_completion","choices":[{"index":0,"text":"<A_1> <A_2> "}]}\n\n'
    return restorer.feed(event) + restorer.flush()


def rules_of(pairs: PIIMapping, config: DeanonymizationConfig) -> Any:
    return material(pairs, config)[1].rules


def test_once_for_a_mapping_and_a_policy() -> None:
    pairs = mapping()
    first = rules_of(pairs, PERSONS)
    assert rules_of(pairs, PERSONS) is first
    assert rules_of(pairs, ALL) is not first
    equal = DeanonymizationConfig(policy=RestorePolicy(entity_types={"*": "restore", "PERSON": "keep"}))
    assert rules_of(pairs, equal) is first
    pairs.add("Bo", "<A_3>", "PERSON")
    assert rules_of(pairs, PERSONS) is not first
    assert b"<A_1> Rome" in restored(pairs)


def test_they_go_with_the_matcher() -> None:
    pairs = mapping()
    restored(pairs)
    before = len(rules._KNOWN)
    del pairs
    assert len(rules._KNOWN) == before - 1


def test_of_more_policies_than_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MOST_POLICIES", 1)
    pairs = mapping()
    for _ in range(2):
        assert b"<A_1> Rome" in restored(pairs)
        assert b"<A_1> <A_2>" in restored(pairs, ALL)
    assert len(rules._KNOWN[pairs.matcher()]) == 1


def test_types_that_came_later_are_not_those_of_the_matcher() -> None:
    pairs = mapping()
    pairs.matcher()
    other = copy.copy(pairs)  # shares the matcher
    account = material(pairs, PERSONS)[1]
    pairs.add("Ada", "<A_3>", "CITY")
    assert account.rules is not None
    assert b"<A_1> Rome" in restored(other)


def test_types_of_another_project_are_asked_for_each_stream() -> None:
    class Foreign:
        kind = "PERSON"

        def get_all_fakes(self) -> dict[str, str]:
            return {"<A_1>": "Ada", "<A_2>": "Rome"}

        def get_entity_type(self, original: str) -> str:
            return self.kind if original == "Ada" else "CITY"

    foreign: Any = Foreign()
    assert b"<A_1> Rome" in restored(foreign)
    foreign.kind = "CITY"
    assert b"Ada Rome" in restored(foreign)
