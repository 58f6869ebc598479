"""Every string in what providers send is restored, or is left alone for a reason: asked of the newest SDKs' types.

A new SDK with a new event, item or field makes a test fail here: the string is to be restored, or to be listed in
``support/left_alone.py`` with the reason why not.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

from holdback import ChunkRestorer, DeanonymizationConfig, HoldbackError, TrieMatcher, restore_answer
from left_alone import LEFT, PENDING, all_of, matching
from sdk_roots import ROOTS, Root
from type_walk import MARK, leaves

pytestmark = pytest.mark.sdk

ORIGINAL = "RESTORED"
ON = DeanonymizationConfig(reasoning=True)
EVERY_ROOT = pytest.mark.parametrize("root", ROOTS, ids=lambda root: root.name)


def is_restored(root: Root, sample: Any) -> bool:
    """Whether holdback restores the mark in a value, an event or a whole answer."""
    matcher = TrieMatcher({MARK: ORIGINAL})
    try:
        if root.is_answer:
            out = restore_answer(sample, matcher, ON, protocol=root.protocol)
        else:
            restorer = ChunkRestorer(matcher, ON, protocol=root.protocol)
            out = [*restorer.feed(sample), *restorer.flush()]
    except HoldbackError:  # a format that it does not know
        return False
    said = json.dumps(out)
    return ORIGINAL in said and MARK not in said


@cache
def places(root: Root) -> dict[str, bool]:
    """The places of strings in a type, and whether each is restored."""
    pytest.importorskip("botocore" if root.protocol == "bedrock" else root.module.partition(".")[0])
    found: dict[str, bool] = {}
    for leaf in leaves(root.load()):
        place = f"{root.protocol}:{leaf.path}"
        found[place] = found.get(place, True) and is_restored(root, leaf.sample)
    return found


@EVERY_ROOT
def test_every_string_is_restored_or_left_alone_for_a_reason(root: Root) -> None:
    listed = [*all_of(LEFT), *all_of(PENDING)]
    missed = [
        place for place, restored in places(root).items() if not restored and not matching(listed, place)
    ]
    assert not missed, "neither restored nor listed in support/left_alone.py:\n" + "\n".join(missed)


@EVERY_ROOT
def test_the_walk_finds_the_types_of_the_sdk(root: Root) -> None:
    assert len(places(root)) > 1


@pytest.mark.parametrize("table", [LEFT, PENDING], ids=["left", "pending"])
def test_no_list_names_what_is_not_there_or_is_restored(table: dict[str, tuple[str, ...]]) -> None:
    """Also: what is pending and has come must go from its list."""
    left = [place for root in ROOTS for place, restored in places(root).items() if not restored]
    stale = [pattern for pattern in all_of(table) if not any(matching([pattern], place) for place in left)]
    assert not stale


def test_what_is_pending_has_one_reason() -> None:
    """What is left alone cannot be pending."""
    left = [place for root in ROOTS for place, restored in places(root).items() if not restored]
    both = [place for place in left if matching(all_of(LEFT), place) and matching(all_of(PENDING), place)]
    assert not both
