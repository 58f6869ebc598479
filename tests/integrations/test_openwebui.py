"""The filter of Open WebUI: called by the package's own filter module where it is, else by a stand-in of it."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import inspect
import json
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdback import DeanonymizationConfig
from holdback.integrations.openwebui import RestoreFilter
from holdback.masking import KnownValues, Masker, MaskingError, Placeholders
from holdback.stores import MemoryStore, StoreError
from pages import hosted
from streams import STOP, call, say

KEY = bytes(range(32))
ADA = 'Ada "Countess" Lovelace'
MASKER = Masker(KnownValues({ADA: "PERSON"}), Placeholders(KEY))
FAKE = Placeholders(KEY).of(ADA, "PERSON", scope="chat c")
OF = {"chat_id": "c", "message_id": "m"}


class Filters:
    """One filter in Open WebUI's own hands: ``call`` runs a hook as its middleware does."""

    def __init__(self, ours: Any, run: Any) -> None:
        self.ours = ours
        self._run = run
        self.http = SimpleNamespace(state=SimpleNamespace())

    async def call(self, hook: str, form: Any, metadata: Any = OF, **extra: Any) -> Any:
        extras = {"__metadata__": metadata, "__user__": {"id": "u"}, "__request__": self.http, **extra}
        function = SimpleNamespace(id="holdback")
        return await self._run(self, hook, form, extras, function)

    async def turn(self, events: list[Any], text: str = ADA, metadata: Any = OF) -> list[Any]:
        """What leaves of a streamed answer."""
        body = {"model": "m", "messages": [{"role": "user", "content": text}]}
        await self.call("request", body, metadata)
        out = [await self.call("stream", event, metadata) for event in events]
        return [event for event in out if event]


async def by_stand_in(filters: Filters, hook: str, form: Any, extras: Any, _: Any) -> Any:
    """What open_webui/utils/filter.py does, written down anew."""
    handler = getattr(filters.ours, hook)
    named = inspect.signature(handler).parameters
    given_ = {name: value for name, value in extras.items() if name in named}
    first = "event" if hook == "stream" else "body"
    result = handler(**{first: form}, **given_)
    return await result if inspect.isawaitable(result) else result


def of_the_package(patch: pytest.MonkeyPatch) -> Any:
    """Its own module; of what that imports only what it asks for is there, for the rest wants a database."""
    found = importlib.util.find_spec("open_webui")
    if found is None or not found.submodule_search_locations:
        pytest.skip("open-webui is not installed")

    async def cached(request: Any, *_: Any, **__: Any) -> Any:
        return request.ours, None, None

    async def nothing(*_: Any) -> dict[str, Any]:
        return {}

    functions = SimpleNamespace(get_function_valves_by_ids=nothing)
    stubs: dict[str, dict[str, Any]] = {
        "open_webui": {"__path__": list(found.submodule_search_locations)},
        "open_webui.env": {"ENABLE_FUNCTIONS": True},
        "open_webui.models.functions": {"Functions": functions},
        "open_webui.models": {"__path__": []},
        "open_webui.utils.plugin": {"get_function_module_from_cache": cached},
    }
    for name, members in stubs.items():
        module = ModuleType(name)
        vars(module).update(members)
        patch.setitem(sys.modules, name, module)
    patch.delitem(sys.modules, "open_webui.utils.filter", raising=False)
    theirs = importlib.import_module("open_webui.utils.filter")

    async def run(filters: Filters, hook: str, form: Any, extras: Any, function: Any) -> Any:
        filters.http.ours = filters.ours
        context = None if hook == "outlet" else theirs.FilterContext()
        result, _ = await theirs.process_filter_functions(
            filters.http, context, [function], hook, form, extras
        )
        return result

    return run


@pytest.fixture(
    params=["stand-in", pytest.param("package", marks=pytest.mark.frameworks)],
)
def filters(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, backend: str) -> Filters:
    run = by_stand_in if request.param == "stand-in" else of_the_package(monkeypatch)
    return Filters(RestoreFilter(MASKER), run)


def told(events: list[Any], index: int = 0) -> str:
    return "".join(
        choice["delta"].get("content") or ""
        for event in events
        for choice in event.get("choices", ())
        if choice["index"] == index
    )


def cut(text: str, size: int = 3) -> list[Any]:
    return [say(text[at : at + size]) for at in range(0, len(text), size)]


async def test_a_request_is_masked_and_nothing_else_of_it_changes(filters: Filters) -> None:
    metadata = {**OF, "tools": {ADA: print}, "variables": {"{{USER_NAME}}": ADA}}
    tool = {"type": "function", "function": {"name": "mail", "description": f"Mails {ADA}."}}
    body = {
        "model": ADA,
        "messages": [{"role": "user", "content": ADA}],
        "tools": [tool],
        "metadata": metadata,
    }
    before = repr(body)
    masked = await filters.call("request", body)
    assert repr(body) == before
    assert masked["messages"] == [{"role": "user", "content": FAKE}]
    assert masked["tools"][0]["function"]["description"] == f"Mails {FAKE}."
    assert masked["metadata"] is metadata
    assert masked["model"] == ADA


@pytest.mark.parametrize("tail", ["", " <", FAKE[:-1], f" {FAKE}"])
async def test_a_stream_is_restored_and_its_tail_stands_in_the_finish(filters: Filters, tail: str) -> None:
    events = await filters.turn([*cut(f"Hi {FAKE}!{tail}"), STOP])
    assert told(events) == f"Hi {ADA}!{tail}".replace(FAKE, ADA)
    assert events[-1]["choices"][0]["finish_reason"] == "stop"


async def test_tools_run_with_values(filters: Filters) -> None:
    source = json.dumps({"to": FAKE}).replace("<", "\\u003c")
    events = await filters.turn([call(source[at : at + 5]) for at in range(0, len(source), 5)] + [STOP])
    calls = [piece for event in events for piece in event["choices"][0]["delta"].get("tool_calls", ())]
    assert json.loads("".join(piece["function"]["arguments"] for piece in calls)) == {"to": ADA}


async def test_a_cut_call_and_content_both_leave_in_the_finish(filters: Filters) -> None:
    events = await filters.turn([say(f"a{FAKE[:4]}"), call('{"to": "<PER'), STOP])
    assert told(events) == f"a{FAKE[:4]}"
    calls = [piece for event in events for piece in event["choices"][0]["delta"].get("tool_calls", ())]
    assert "".join(piece["function"]["arguments"] for piece in calls) == '{"to": "<PER'


async def test_events_of_the_responses_api(filters: Filters) -> None:
    at = {"item_id": "i", "output_index": 0, "content_index": 0}
    pieces = [f"Hi {FAKE[:5]}", f"{FAKE[5:]} {FAKE[:7]}"]
    whole = "".join(pieces)
    events = [{"type": "response.output_text.delta", **at, "delta": piece} for piece in pieces]
    events.append({"type": "response.output_text.done", **at, "text": whole})
    item = {"type": "message", "id": "i", "content": [{"type": "output_text", "text": whole}]}
    events.append({"type": "response.completed", "response": {"id": "r", "output": [item]}})
    out = await filters.turn(events)
    assert [event["type"].rpartition(".")[2] for event in out] == ["delta", "delta", "done", "completed"]
    restored = whole.replace(FAKE, ADA)
    assert out[2]["text"] == out[3]["response"]["output"][0]["content"][0]["text"] == restored
    assert restored.startswith("".join(event["delta"] for event in out[:2]))


@pytest.mark.parametrize(
    "event", [{"event": {"type": "status"}}, {"selected_model_id": "m"}, {"error": {"message": "x"}}, {}]
)
async def test_what_says_nothing_passes(filters: Filters, event: Any) -> None:
    await filters.call("request", {"messages": [{"role": "user", "content": ADA}]})
    assert await filters.call("stream", event) is event


async def test_an_answer_that_did_not_stream_is_restored_when_it_is_stored(filters: Filters) -> None:
    await filters.call("request", {"messages": [{"role": "user", "content": ADA}]})
    messages = [
        {"id": "u", "role": "user", "content": ADA},
        {"id": "m", "role": "assistant", "content": f"<{FAKE}"},
    ]
    body = {"id": "m", "chat_id": "c", "messages": messages}
    after = await filters.call("outlet", body)
    assert [message["content"] for message in after["messages"]] == [ADA, f"<{ADA}"]
    assert messages[1]["content"] == f"<{FAKE}"
    assert await filters.call("outlet", body) is body  # what was known of it is forgotten


@pytest.mark.parametrize("error", [False, True])
async def test_a_stream_without_a_finish_is_completed_when_it_is_stored(
    filters: Filters, *, error: bool
) -> None:
    said = [say(f"Hi {FAKE} <PERS"), *([{"error": {"message": "lost"}}] if error else [])]
    content = told(await filters.turn(said))
    assert content == f"Hi {ADA} "
    body = {"id": "m", "messages": [{"id": "m", "role": "assistant", "content": content}]}
    assert (await filters.call("outlet", body))["messages"][0]["content"] == f"Hi {ADA} <PERS"


async def test_messages_do_not_mix(filters: Filters) -> None:
    """One filter serves all: two answers at once, in one chat and in two, and a client that names no message."""
    other: list[Any] = [OF, {**OF, "message_id": "n"}, {"chat_id": "d", "message_id": "m"}]
    for metadata in other:
        await filters.call("request", {"messages": [{"role": "user", "content": ADA}]}, metadata)
    fakes = [FAKE, FAKE, Placeholders(KEY).of(ADA, "PERSON", scope="chat d")]
    said = ["", "", ""]
    for at in range(0, len(FAKE), 3):
        for number, (metadata, fake) in enumerate(zip(other, fakes, strict=True)):
            event = await filters.call("stream", say(fake[at : at + 3]), metadata)
            said[number] += told([event] if event else [])
    assert said == [ADA] * 3
    assert (
        told(await filters.turn([say(Placeholders(KEY).of(ADA, "PERSON", scope="user u")), STOP], ADA, {}))
        == ADA
    )


async def test_two_clients_that_name_no_message_do_not_mix() -> None:
    ours = RestoreFilter(MASKER)
    one, other = (SimpleNamespace(state=SimpleNamespace()) for _ in range(2))
    await ours.request({"messages": [{"role": "user", "content": ADA}]}, {}, {"id": "u"}, one)
    fake = Placeholders(KEY).of(ADA, "PERSON", scope="user u")
    assert told([ours.stream(say(fake), {}, other)]) == fake
    assert told([RestoreFilter(MASKER).stream(say(fake), {}, one)]) == fake
    assert told([ours.stream(say(fake), {}, one)]) == ADA
    assert repr(ours) == "RestoreFilter(answers=0)"


async def test_a_follow_up_of_a_tool_begins_anew(filters: Filters) -> None:
    await filters.turn([say("Hi <PER")])
    assert told(await filters.turn([say("SON_1>"), STOP])) == "SON_1>"


async def test_what_it_knows_is_bounded() -> None:
    ours = RestoreFilter(MASKER, most=2)
    body = {"messages": [{"role": "user", "content": ADA}]}
    for name in "abc":
        await ours.request(dict(body), {"chat_id": "c", "message_id": name})
    assert repr(ours) == "RestoreFilter(answers=2)"
    kept = [ours.stream(say(FAKE), {"chat_id": "c", "message_id": name}) for name in "abc"]
    assert [told([event]) for event in kept] == [FAKE, ADA, ADA]


@given(cuts=st.lists(st.integers(1, 9), max_size=12), text=st.text(f"{FAKE[:3]} a", max_size=5))
def test_one_event_in_and_at_most_one_out(cuts: list[int], text: str) -> None:
    whole = f"{text}{FAKE}{text}{FAKE[:6]}{text}"
    events, at = [], 0
    for size in (*cuts, len(whole)):
        events.append(say(whole[at : at + size]))
        at += size
    filters = Filters(RestoreFilter(MASKER), by_stand_in)
    out = asyncio.run(filters.turn([*events, STOP]))
    assert told(out) == whole.replace(FAKE, ADA)
    assert len(out) <= len(events) + 1


class Failing(MemoryStore):
    """A store that cannot be asked."""

    __slots__ = ()

    async def load(self, scope: str) -> Any:
        raise StoreError("the store cannot be used")


async def test_what_cannot_be_masked_is_an_error() -> None:
    ours = RestoreFilter(MASKER)
    with pytest.raises(MaskingError):
        await ours.request({"messages": [], "input": [1, 2]}, OF)
    with pytest.raises(MaskingError, match="neither a chat nor a user"):
        await ours.request({"messages": []})
    with pytest.raises(StoreError):
        await RestoreFilter(MASKER, store=Failing()).request({"messages": []}, OF)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"scope": "c"}, TypeError),
        ({"most": 0}, TypeError),
        ({"most": True}, TypeError),
        ({"store": "s"}, TypeError),
        ({"config": 7}, TypeError),
        ({"config": DeanonymizationConfig(reasoning=True)}, MaskingError),
    ],
    ids=range(6),
)
def test_what_it_cannot_take_is_refused(options: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        RestoreFilter(MASKER, **options)


async def test_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDBACK_KEY", KEY.hex())
    (source,) = hosted("docs/openwebui.md", "py")
    names: dict[str, Any] = {}
    exec(compile(source, "docs/openwebui.md", "exec"), names)
    filters = Filters(names["Filter"](), by_stand_in)
    fake = Placeholders(KEY).of("Mira Okafor", "PERSON", scope="chat c")
    assert told(await filters.turn([*cut(f"Hi {fake}!"), STOP], "I am Mira Okafor.")) == "Hi Mira Okafor!"
    assert filters.ours.valves.priority == 1000
