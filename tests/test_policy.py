"""RestorePolicy: what it refuses, and what it answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdback import HoldbackError
from holdback.errors import PolicyError
from holdback.policy import CHANNELS, REASONS, RestorePolicy

KNOWN = "known are: addresses, channels, enforce, entity_types, hosts, tools"
IS_NONE = 'is none: write "example.org", "*.example.org" or "example.org/path/"'
TWO = '"keep" or "restore"'
SECRET = "Zorblatt"

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({SECRET: "keep"}, f"a policy has no such setting; {KNOWN}"),
    ({"self": "keep"}, f"a policy has no such setting; {KNOWN}"),
    ({"addresses": SECRET}, f"addresses is {TWO}"),
    ({"addresses": True}, f"addresses is {TWO}"),
    ({"addresses": [SECRET]}, f"addresses is {TWO}"),
    ({"enforce": SECRET}, "enforce is true or false, not str"),
    ({"enforce": 1}, "enforce is true or false, not int"),
    ({"hosts": SECRET}, "hosts is a list of hosts, not str"),
    ({"hosts": {SECRET: "keep"}}, "hosts is a list of hosts, not dict"),
    ({"hosts": 5}, "hosts is a list of hosts, not int"),
    ({"hosts": ["example.org", f"https://{SECRET}"]}, f"hosts[1] {IS_NONE}"),
    ({"hosts": [""]}, f"hosts[0] {IS_NONE}"),
    ({"hosts": [b"example.org"]}, "hosts[0] is a text, not bytes"),
    (
        {"channels": {SECRET: "keep"}},
        f"channels names one that is unknown; known are: {', '.join(CHANNELS)}",
    ),
    ({"channels": {"content": SECRET}}, f"every rule in channels is {TWO}"),
    ({"channels": [SECRET]}, "channels is a table of rules by name, not list"),
    ({"tools": {SECRET: "keep"}}, 'tools needs a rule for "*", which is every tool that is not named'),
    ({"tools": {"*": SECRET}}, f"every rule in tools is {TWO}"),
    ({"tools": {"*": ["keep"]}}, f"every rule in tools is {TWO}"),
    ({"tools": {"*": "keep", "": "keep"}}, "a name in tools is a text that is not empty"),
    ({"tools": SECRET}, "tools is a table of rules by name, not str"),
    ({"entity_types": {}}, 'entity_types needs a rule for "*", which is every type that is not named'),
    (
        {"entity_types": {"*": "keep", 5: "keep"}},
        "a name in entity_types is a text that is not empty",
    ),
]


@pytest.mark.parametrize(("settings", "message"), REFUSED)
def test_what_is_refused(settings: dict[str, Any], message: str) -> None:
    makers: list[Any] = [lambda: RestorePolicy(**settings), lambda: RestorePolicy.model_validate(settings)]
    for make in makers:
        with pytest.raises(PolicyError) as raised:
            make()
        error = raised.value
        assert str(error) == message
        assert isinstance(error, HoldbackError)
        assert isinstance(error, ValueError)
        assert error.__cause__ is None
        assert error.__context__ is None


def test_json_that_is_no_policy() -> None:
    for text in ("[]", "{", '{"hosts": ["a b"]}', '{"tools": {}}'):
        with pytest.raises(PolicyError):
            RestorePolicy.model_validate_json(text)


def test_the_default_keeps_addresses_and_signed_thinking_alone() -> None:
    policy = RestorePolicy()
    assert policy.looks_at_places
    assert policy.enforce
    assert {channel: policy.by_channel(channel) for channel in CHANNELS} == {
        "content": "restore",
        "reasoning": "restore",
        "signed": "keep",
        "refusal": "restore",
        "arguments": "restore",
    }
    assert policy.by_tool(None) == policy.by_tool("x") == policy.by_tool("x", is_provider=True) == "restore"
    assert policy.by_entity_type(None) == policy.by_entity_type("PERSON") == "restore"


def test_channels() -> None:
    policy = RestorePolicy(channels={"signed": "restore", "reasoning": "keep"})
    assert policy.by_channel("signed") == "restore"
    assert policy.by_channel("reasoning") == "keep"
    assert policy.by_channel("content") == "restore"


def test_entity_types() -> None:
    policy = RestorePolicy(entity_types={"SECRET": "keep", "*": "restore"})
    assert policy.by_entity_type("SECRET") == "keep"
    assert policy.by_entity_type("PERSON") == "restore"
    assert policy.by_entity_type(None) == policy.by_entity_type("") == "keep"


TOOLS = RestorePolicy(
    tools={"http": "restore", "http_get": "keep", "send_mail": "restore", "provider": "keep", "*": "restore"}
)


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        (None, "keep"),
        ("", "keep"),
        ("h", "keep"),  # http_get may come
        ("http", "keep"),
        ("http_", "keep"),
        ("http_get", "keep"),
        ("http_gets", "restore"),
        ("https", "restore"),
        ("s", "restore"),
        ("send_mail", "restore"),
        ("send_mails", "restore"),
        ("HTTP_GET", "restore"),  # another name
        ("p", "keep"),  # a tool of the client that is named like the group may come
        ("provider", "keep"),
        ("*", "restore"),
    ],
)
def test_tools_by_the_name_as_far_as_it_is_known(name: str | None, rule: str) -> None:
    assert TOOLS.by_tool(name) == rule


def test_tools_that_the_provider_runs_are_a_group() -> None:
    assert TOOLS.by_tool("send_mail", is_provider=True) == "keep"
    assert TOOLS.by_tool(None, is_provider=True) == "keep"
    others = RestorePolicy(tools={"http_get": "keep", "*": "restore"})
    assert others.by_tool("http_get", is_provider=True) == "restore"


RULES = st.sampled_from(["keep", "restore"])
NAMES = st.text(st.sampled_from("ab"), min_size=1, max_size=4)


@given(st.dictionaries(NAMES, RULES), RULES, NAMES)
def test_a_name_that_is_not_complete_never_restores_what_the_complete_one_keeps(
    tools: dict[str, Any], every: Any, name: str
) -> None:
    policy = RestorePolicy(tools={**tools, "*": every})
    for end in range(len(name)):
        if name in tools and policy.by_tool(name) == "keep":
            assert policy.by_tool(name[:end]) == "keep"


def test_the_first_reason_counts() -> None:
    policy = RestorePolicy(
        channels={"refusal": "keep"},
        tools={"http_get": "keep", "*": "restore"},
        entity_types={"SECRET": "keep", "*": "restore"},
    )
    asked: list[tuple[dict[str, Any], str | None]] = [
        ({"channel": "refusal", "entity_type": "SECRET", "in_address": True}, "channel"),
        (
            {"channel": "arguments", "tool": "http_get", "entity_type": "SECRET", "in_address": True},
            "tool",
        ),
        ({"channel": "content", "tool": "http_get", "entity_type": "SECRET"}, "entity_type"),
        ({"channel": "content", "entity_type": "PERSON", "in_address": True}, "address"),
        ({"channel": "content", "entity_type": "PERSON"}, None),
        ({"channel": "arguments", "tool": "send_mail", "entity_type": "PERSON"}, None),
    ]
    for question, reason in asked:
        assert policy.reason_to_keep(**question) == reason
    assert {reason for _, reason in asked} == {*REASONS, None}
    without = RestorePolicy(addresses="restore")
    assert without.reason_to_keep("content", entity_type=None, in_address=True) is None
    assert not without.looks_at_places


def test_frozen_and_safe_from_its_tables() -> None:
    tools: dict[str, Any] = {"*": "keep"}
    policy = RestorePolicy(tools=tools)
    tools["*"] = "restore"
    assert policy.by_tool("x") == "keep"
    policy.tools["*"] = "restore"  # type: ignore[index]
    assert policy.by_tool("x") == "keep"
    with pytest.raises(ValueError, match="frozen"):
        policy.enforce = False


def test_toml(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(
        """
        addresses = "keep"
        hosts = ["example.org", "*.example.org"]
        enforce = false
        [channels]
        signed = "restore"
        [entity_types]
        SECRET = "keep"
        "*" = "restore"
        [tools]
        "*" = "keep"
        """,
        encoding="utf-8",
    )
    expected = RestorePolicy(
        hosts=("example.org", "*.example.org"),
        enforce=False,
        channels={"signed": "restore"},
        entity_types={"SECRET": "keep", "*": "restore"},
        tools={"*": "keep"},
    )
    assert RestorePolicy.from_toml(file) == RestorePolicy.from_toml(str(file)) == expected
    assert RestorePolicy.from_toml_text("\ufeff".encode() + file.read_bytes()) == expected
    assert RestorePolicy.from_toml_text("") == RestorePolicy()
    with pytest.raises(FileNotFoundError):
        RestorePolicy.from_toml(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"hosts = [\n{SECRET}", "the policy is no TOML: at line 2, column 1"),
        (f'hosts = "{SECRET}\n', "the policy is no TOML: at line 1, column 18"),
        (b"hosts = '\xff'", "the policy is no TOML: no UTF-8 at byte 9"),
        (f"self = '{SECRET}'", f"a policy has no such setting; {KNOWN}"),
        ("[tools]", 'tools needs a rule for "*", which is every tool that is not named'),
        (f"hosts = ['{SECRET} x']", f"hosts[0] {IS_NONE}"),
    ],
)
def test_what_toml_is_refused(text: str | bytes, message: str) -> None:
    with pytest.raises(PolicyError) as raised:
        RestorePolicy.from_toml_text(text)
    assert str(raised.value).startswith(message.split(",", maxsplit=1)[0])
    assert SECRET not in str(raised.value)
    assert raised.value.__context__ is None
