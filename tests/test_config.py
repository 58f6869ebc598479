"""The config: ours, and anybody's."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import ValidationError

from holdback import ChunkRestorer, DeanonymizationConfig, StreamingHandler
from streams import PAIRS, Upstream, events, restore, say


def test_ours_is_on_unless_told_otherwise() -> None:
    assert DeanonymizationConfig().enabled
    assert not DeanonymizationConfig(enabled=False).enabled


def test_a_setting_it_does_not_know_is_an_error() -> None:
    with pytest.raises(ValidationError):
        DeanonymizationConfig(fuzzy_matching=True)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("config", "on"),
    [
        (None, True),
        (DeanonymizationConfig(), True),
        (DeanonymizationConfig(enabled=False), False),
        (SimpleNamespace(enabled=True), True),
        (SimpleNamespace(enabled=False), False),
    ],
)
def test_what_switches_a_chunk_restorer(config: Any, on: bool) -> None:
    chunk = say("<PERSON_2>")
    (out,) = restore([chunk], PAIRS, config)
    assert (out is chunk) == (not on)


@pytest.mark.parametrize(
    ("mapping", "config", "on"),
    [
        (PAIRS, SimpleNamespace(enabled=True), True),
        (PAIRS, SimpleNamespace(enabled=False), False),
        (PAIRS, None, False),
        (None, SimpleNamespace(enabled=True), False),
        ({}, SimpleNamespace(enabled=True), False),
    ],
)
async def test_what_switches_the_handler(mapping: Any, config: Any, on: bool) -> None:
    upstream = Upstream([say("<PERSON_2>"), say("<PERS")])
    out = events([event async for event in StreamingHandler.stream_response(upstream, mapping, config)])
    assert out == [say("Bo" if on else "<PERSON_2>"), say("<PERS")]


def test_a_config_without_the_switch_is_a_type_error() -> None:
    with pytest.raises(TypeError, match=r"`enabled` attribute, not dict$"):
        ChunkRestorer(PAIRS, {"enabled": True})
