"""The transports: how answers end, and what is checked before one begins."""

from __future__ import annotations

import importlib
import json
from typing import Any

import pytest

from holdback import DeanonymizationConfig, MappingError
from holdback.restorers.wire import WireRestorer as Wire
from streams import say
from transport_hosts import EVENTS, PAIRS, SAID, URL, Body, Host, Inner, Lost, ask
from wires import every

# ---------------------------------------------------------------- life cycle


def test_an_error_comes_behind_the_tail_as_the_same_object(host: Host) -> None:
    lost = Lost("quotes <PERSON_1>")
    body = Body([SAID], lost)
    answer = ask(host, Inner(host, body, EVENTS), PAIRS)
    assert answer.error is lost
    assert b"<EMA" in answer.pieces[-1]
    assert body.closed == 1


def test_half_a_whole_answer_leaves_as_it_came(host: Host) -> None:
    answer = ask(
        host, Inner(host, Body([b'{"choices', b'":'], Lost()), {"content-type": "application/json"}), PAIRS
    )
    assert (answer.body, type(answer.error)) == (b'{"choices":', Lost)


def test_a_client_that_leaves_closes_the_answer_once_and_nothing_was_read_ahead(host: Host) -> None:
    body = Body(every(SAID, 40))
    answer = ask(host, Inner(host, body, EVENTS), PAIRS, stop=1)
    assert body.closed == 1
    restorer = Wire(PAIRS)
    assert len(answer.pieces) == 1
    assert body.taken == next(number for number, data in enumerate(body.pieces, 1) if restorer.feed(data))


def test_a_mapping_that_cannot_be_used_closes_the_answer(host: Host) -> None:
    body = Body([SAID])
    with pytest.raises(MappingError):
        ask(host, Inner(host, body, EVENTS), lambda _: {"": "x"})
    assert body.closed == 1


def transport_of(host: Host) -> Any:
    return host.ours.AsyncRestoreTransport if host.is_async else host.ours.RestoreTransport


@pytest.mark.parametrize(
    ("wrong", "error"), [({"": "x"}, MappingError), ({"<P>": 1}, TypeError), ([], TypeError)]
)
def test_a_mapping_that_cannot_be_used_is_an_error_when_the_transport_is_made(
    host: Host, wrong: Any, error: type[Exception]
) -> None:
    with pytest.raises(error):
        transport_of(host)(wrong)


def test_a_static_mapping_that_changes_is_read_anew(host: Host) -> None:
    pairs = {"<PERSON_1>": "Ada"}
    for name in ("Ada", "Mira"):
        pairs["<PERSON_1>"] = name
        assert name.encode() in ask(host, Inner(host, Body([SAID]), EVENTS), pairs).body


def test_the_config_s_words_and_spellings_hold_for_a_plain_mapping(host: Host) -> None:
    said = f"data: {json.dumps(say('PERSON_1x PERSON_1.'))}\n\n".encode()
    inner = Inner(host, Body([said]), EVENTS)
    assert b"PERSON_1x Ada." in ask(host, inner, {"PERSON_1": "Ada"}, DeanonymizationConfig(words=True)).body


def test_an_async_callable_is_an_error_that_says_what_to_do(host: Host) -> None:
    async def find(_: Any) -> Any:
        return PAIRS

    with pytest.raises(TypeError, match="await the mapping before"):
        transport_of(host)(find)
    body = Body([SAID])
    with pytest.raises(TypeError, match="await the mapping before"):
        ask(host, Inner(host, body, EVENTS), lambda request: [find(request)].pop())
    assert body.taken == 0


def test_a_transport_of_the_other_library_is_an_error_that_names_the_right_one() -> None:
    libraries = {name: pytest.importorskip(name) for name in ("httpx", "httpx2")}
    for name, other in (("httpx", "httpx2"), ("httpx2", "httpx")):
        ours = importlib.import_module(f"holdback.integrations.{name}")
        theirs = libraries[other]
        for kind in (ours.RestoreTransport, ours.AsyncRestoreTransport):
            with pytest.raises(TypeError, match=rf"holdback\.integrations\.{other}$"):
                kind(PAIRS, transport=theirs.MockTransport(lambda _: None))
        mock = libraries[name].MockTransport(lambda _, name=name: libraries[name].Response(200))
        with (
            theirs.Client(transport=ours.RestoreTransport(PAIRS, transport=mock)) as client,
            pytest.raises(TypeError, match=rf"holdback\.integrations\.{other}$"),
        ):
            client.get(URL)


def test_a_transport_of_the_other_way_to_call_is_an_error(host: Host) -> None:
    wrong = host.library.HTTPTransport() if host.is_async else host.library.AsyncHTTPTransport()
    right = "RestoreTransport" if host.is_async else "AsyncRestoreTransport"
    with pytest.raises(TypeError, match=rf"take {right} of"):
        transport_of(host)(PAIRS, transport=wrong)
    with pytest.raises(TypeError, match="is a class"):
        transport_of(host)(
            PAIRS, transport=host.library.HTTPTransport if host.is_async else host.library.AsyncHTTPTransport
        )
    with pytest.raises(TypeError, match="not int"):
        transport_of(host)(PAIRS, transport=3)


def test_a_callable_that_fails_sends_nothing(host: Host) -> None:
    def find(_: Any) -> Any:
        raise Lost

    inner = Inner(host, Body([SAID]), EVENTS)
    with pytest.raises(Lost):
        ask(host, inner, find)
    assert not inner.requests


def test_the_wrapped_transport_is_entered_and_closed_with_it(host: Host) -> None:
    inner = Inner(host, Body([SAID]), EVENTS)
    ask(host, inner, PAIRS)
    assert (inner.entered, inner.closed) == (1, 1)


def test_without_a_transport_there_is_the_default_one(host: Host) -> None:
    ours = host.ours.RestoreTransport(PAIRS)
    assert type(ours._transport) is host.library.HTTPTransport
    ours.close()
    assert type(host.ours.AsyncRestoreTransport(PAIRS)._transport) is host.library.AsyncHTTPTransport
