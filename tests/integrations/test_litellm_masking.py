"""The guardrail's detector, key and store: what LiteLLM hands to hooks leaves masked, and its answer is restored."""

from __future__ import annotations

import copy
import os
import re
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from holdback import HoldbackError
from holdback.masking import KnownValues, MaskingError, Span
from holdback.policy import RestorePolicy
from holdback.stores import MemoryStore, StoreError

pytestmark = pytest.mark.litellm
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # it would be fetched
with warnings.catch_warnings():  # LiteLLM's own, when it is imported
    warnings.simplefilter("ignore")
    pytest.importorskip("litellm")
    from holdback.integrations.litellm import HoldbackGuardrail
    from holdback.integrations.litellm_masking import scope_of

KEY = bytes(range(32)).hex()
EMAIL = {"EMAIL": r"[\w.+-]+@[\w-]+\.[\w.]+\w"}
ADA, MAIL = "Ada Lovelace", "ada@example.org"
MARK = re.compile(r"<[A-Z]+_[a-z2-7]{10}>")

people = KnownValues({ADA: "PERSON"})


class Call:
    """What LiteLLM makes for every request."""


def guardrail(**settings: Any) -> HoldbackGuardrail:
    given = {"detector": EMAIL, "key": KEY, **settings}
    return HoldbackGuardrail(guardrail_name="holdback", event_hook=["pre_call", "post_call"], **given)


def request(**fields: Any) -> dict[str, Any]:
    return {"model": "m", "litellm_logging_obj": Call(), **fields}


def chat(text: str, **fields: Any) -> dict[str, Any]:
    return request(messages=[{"role": "user", "content": text}], **fields)


async def before(
    holdback: HoldbackGuardrail, data: dict[str, Any], client: str = "hash", kind: str = "acompletion"
) -> None:
    await holdback.async_pre_call_hook(SimpleNamespace(api_key=client), None, data, kind)


async def after(holdback: HoldbackGuardrail, data: dict[str, Any], text: str) -> str:
    answer = {"choices": [{"index": 0, "message": {"role": "assistant", "content": text}}]}
    restored = await holdback.async_post_call_success_hook(data, None, answer)
    said: str = restored["choices"][0]["message"]["content"]
    return said


async def test_a_round_trip() -> None:
    holdback = guardrail(detector=["test_litellm_masking_people.people", EMAIL])
    data = chat(f"{ADA}: {MAIL}", user=MAIL, tools=[{"function": {"name": "f", "description": MAIL}}])
    before_it = copy.copy(data)
    await before(holdback, data)
    assert data.keys() == before_it.keys()
    assert before_it["messages"][0]["content"] == f"{ADA}: {MAIL}", "what LiteLLM put together is not changed"
    told = data["messages"][0]["content"]
    person, mail = MARK.findall(told)
    assert told == f"{person}: {mail}"
    assert (data["user"], data["tools"][0]["function"]["description"]) == (mail, mail)
    assert await after(holdback, data, told) == f"{ADA}: {MAIL}"
    again = chat(told.replace(mail, MAIL))
    await before(holdback, again)
    assert again["messages"][0]["content"] == told


@pytest.fixture(autouse=True)
def _a_module_with_a_detector(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    module: Any = SimpleNamespace(people=people)
    monkeypatch.setitem(sys.modules, "test_litellm_masking_people", module)


async def test_what_is_litellm_s_own_is_left_alone() -> None:
    own = {"user_api_key_user_email": MAIL, "odd": object()}
    proxied = {"body": {"messages": MAIL}, "headers": {"x": MAIL}}
    data = chat("hi", metadata=own, proxy_server_request=proxied, litellm_odd=[object()], api_base=MAIL)
    kept = {name: data[name] for name in ("metadata", "proxy_server_request", "litellm_odd", "api_base")}
    await before(guardrail(), data)
    assert all(data[name] is value for name, value in kept.items())
    data = chat("hi", metadata={"from": MAIL}, litellm_metadata=own)
    await before(guardrail(), data, kind="anthropic_messages")
    assert MARK.fullmatch(data["metadata"]["from"])
    assert data["litellm_metadata"] is own


async def test_known_values_keep_their_placeholders() -> None:
    holdback = guardrail(known_values={"<STAFF_1>": ADA})
    data = chat(f"{ADA} {MAIL}")
    await before(holdback, data)
    told = data["messages"][0]["content"]
    assert told.startswith("<STAFF_1> <EMAIL_")
    assert await after(holdback, data, told) == f"{ADA} {MAIL}"


async def test_conversations_are_sessions_of_a_client() -> None:
    marks = set()
    for client, session in (("a", "1"), ("a", "2"), ("b", "1"), ("a", None)):
        data = chat(MAIL, litellm_session_id=session)
        await before(guardrail(), data, client)
        marks.add(data["messages"][0]["content"])
    assert len(marks) == 4
    assert scope_of(SimpleNamespace(api_key=None), None) == scope_of(None, 7)


async def test_the_store_knows_what_the_provider_keeps() -> None:
    store = MemoryStore()
    for session in ("s", None):
        first = request(input=MAIL, litellm_session_id=session)
        await before(guardrail(store=store), first, str(session), "aresponses")
        mark = first["input"]
        assert MARK.fullmatch(mark)
        later = request(input="who?", previous_response_id="r", litellm_session_id=session)
        worker = guardrail(store=store)
        await before(worker, later, str(session), "aresponses")
        assert await after(worker, later, mark) == MAIL
        other = request(input="who?", previous_response_id="r", litellm_session_id=session)
        await before(worker, other, "someone else", "aresponses")
        assert await after(worker, other, mark) == mark


async def test_what_cannot_be_masked_is_not_sent() -> None:
    class Broken(MemoryStore):
        __slots__ = ()

        async def load(self, scope: str) -> Any:
            raise ValueError(MAIL)

    def fails(text: str) -> list[Span]:
        raise ValueError(text)

    for holdback, error in (
        (guardrail(store=Broken()), StoreError),
        (guardrail(detector=fails), MaskingError),
    ):
        with pytest.raises(error) as caught:
            await before(holdback, chat(MAIL, litellm_session_id="s"))
        assert MAIL not in str(caught.value)
    with pytest.raises(HoldbackError, match="litellm_logging_obj"):
        await before(guardrail(), {"messages": []})


@pytest.mark.parametrize("way", ["table", "file", "object"])
async def test_a_policy_keeps_a_value_out_of_an_address(tmp_path: Path, way: str) -> None:
    (tmp_path / "policy.toml").write_text('hosts = ["wiki.example.org"]')
    given: Any = {
        "table": {"hosts": ["wiki.example.org"]},
        "file": str(tmp_path / "policy.toml"),
        "object": RestorePolicy(hosts=("wiki.example.org",)),
    }[way]
    holdback = guardrail(policy=given, known_values={"<STAFF_1>": ADA})
    data = chat(f"{ADA} {MAIL}")
    await before(holdback, data)
    staff, mail = data["messages"][0]["content"].split()
    told = f"{staff} {mail} https://evil.example/?q={mail} https://wiki.example.org/{staff}"
    heard = f"{ADA} {MAIL} https://evil.example/?q={mail} https://wiki.example.org/{ADA}"
    assert await after(holdback, data, told) == heard
    with pytest.raises(HoldbackError, match="hosts"):
        guardrail(policy={"hosts": 7})
    with pytest.raises(HoldbackError, match="signed"):
        guardrail(policy={"channels": {"signed": "restore"}})


def test_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_KEY", KEY)
    monkeypatch.setenv("THE_STORE", "memory:")
    guardrail(key="os.environ/THE_KEY", store="os.environ/THE_STORE", ttl=60)
    guardrail(key=bytes(32), detector=None, store="memory:")
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"key": None}, "need a key"),
        ({"key": "os.environ/NOTHING"}, "key names an environment variable that is not set"),
        ({"key": "kanarie"}, "key is no key"),
        ({"key": "ab"}, "at least 32 random bytes"),
        ({"store": "kanarie"}, "a store is none"),
        ({"detector": "kanarie.kanarie"}, "cannot be imported: ModuleNotFoundError"),
        ({"detector": "kanarie"}, "cannot be imported: ValueError"),
        ({"detector": {"EMAIL": "(kanarie"}}, "cannot be compiled"),
        ({"detector": 7}, "not int"),
        ({"reasoning": True}, "signed text must stay masked"),
    ]
    for settings, said in wrong:
        with pytest.raises(HoldbackError) as caught:
            guardrail(**settings)
        assert said in str(caught.value)
        assert "kanarie" not in str(caught.value)
    with pytest.raises(ValueError, match="mode"):
        HoldbackGuardrail(guardrail_name="h", event_hook="post_call", detector=EMAIL, key=KEY)
