"""``protocol``, ``max_event_bytes`` and ``oversized``: every shell and plug-in that is given bytes takes them."""

from __future__ import annotations

import importlib
import inspect
import json
from typing import Any

import pytest

from entry_points import BYTE_WAYS, Asked, encoded, marked, reads_of
from holdback import HoldbackError, WireRestorer, aio, cli, sync
from holdback.errors import EventTooLarge
from holdback.integrations.asgi import RestoreMiddleware
from speakers import CHAT, NAMED, PAIRS

NAMES = ("protocol", "max_event_bytes", "oversized")
LIMIT = 500
SAY = NAMED["chat content"].say
LARGE = {**SAY("<PERSON_1>"), "x": "y" * LIMIT}
STREAM = [SAY("Hi <PERS"), SAY("ON_1>"), LARGE, SAY(" <PERSON_2>")]
FOREIGN = [{"type": "message_start", "message": {}}, *STREAM]
EVERY = pytest.mark.parametrize("way", marked([*BYTE_WAYS]))

SHELLS: dict[str, Any] = {
    "WireRestorer": lambda: WireRestorer,
    "aio.restore_bytes": lambda: aio.restore_bytes,
    "sync.restore_bytes": lambda: sync.restore_bytes,
    "asgi": lambda: RestoreMiddleware,
    "litellm": lambda: importlib.import_module("holdback.integrations.litellm").HoldbackGuardrail,
    **{
        f"{library} {name}": lambda library=library, name=name: getattr(
            importlib.import_module(f"holdback.integrations.{library}"), name
        )
        for library in ("httpx", "httpx2")
        for name in ("RestoreTransport", "AsyncRestoreTransport")
    },
}


@pytest.mark.parametrize("shell", marked([*SHELLS]))
def test_every_shell_has_the_options(shell: str) -> None:
    if shell.startswith("httpx"):
        pytest.importorskip(shell.partition(" ")[0])
    assert set(NAMES) <= inspect.signature(SHELLS[shell]()).parameters.keys()


def test_the_command_has_the_options() -> None:
    options = cli._parser().parse_args(
        ["restore", "--map", "m", "--protocol", CHAT, "--max-event-bytes", "5", "--oversized", "raise"]
    )
    assert (options.protocol, options.max_event_bytes, options.oversized) == (CHAT, 5, "raise")


@EVERY
def test_a_named_protocol_decides_whatever_comes_first(way: str, backend: str) -> None:
    """``auto`` takes the foreign event for the format's; the name does not."""
    data = encoded(FOREIGN, "events")
    reads = reads_of(data, "random")
    assert BYTE_WAYS[way](reads, Asked(PAIRS, "auto")) == data
    named = BYTE_WAYS[way](reads, Asked(PAIRS, CHAT))
    assert json.dumps(PAIRS["<PERSON_1>"], ensure_ascii=False)[1:-1].encode() in named


@EVERY
def test_what_is_too_large_passes_unread(way: str, backend: str) -> None:
    reads = reads_of(encoded(STREAM, "events"), "random")
    large = json.dumps(LARGE, ensure_ascii=False).encode()
    assert large not in BYTE_WAYS[way](reads, Asked(PAIRS, CHAT))
    for oversized in (None, "pass"):
        out = BYTE_WAYS[way](reads, Asked(PAIRS, CHAT, limit=LIMIT, oversized=oversized))
        assert large in out
        assert b"<PERSON_2>" not in out


@EVERY
def test_what_is_too_large_is_an_error(way: str, backend: str) -> None:
    reads = reads_of(encoded(STREAM, "events"), "random")
    with pytest.raises(EventTooLarge):
        BYTE_WAYS[way](reads, Asked(PAIRS, CHAT, limit=LIMIT, oversized="raise"))


@EVERY
@pytest.mark.parametrize(
    "wrong",
    [{"protocol": "smtp"}, {"oversized": "drop"}, {"limit": "5"}],
    ids=["protocol", "oversized", "limit"],
)
def test_what_is_none_of_these_is_refused(way: str, wrong: dict[str, Any], backend: str) -> None:
    with pytest.raises((HoldbackError, TypeError)):
        BYTE_WAYS[way]([], Asked(PAIRS, "auto")._replace(**wrong))
