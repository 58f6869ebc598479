"""A policy against answers made to get round it: broken arguments, odd names of tools, odd spellings of hosts."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from answer_streams import Events, arguments_of, as_bytes, chat, heard, pieces, read_back
from holdback import ChunkRestorer, DeanonymizationConfig, RestorePolicy, WireRestorer
from holdback.policy import Rule
from policy_texts import KEY, VALUE, mapping

CHUNK = "chat.completion.chunk"


def sent(events: Events, config: DeanonymizationConfig, rng: random.Random) -> Events:
    """What leaves, the same through the wire and as chunks."""
    data = as_bytes(events, "openai-chat")
    wire = WireRestorer(mapping(), config, protocol="openai-chat")
    size = rng.choice((1, 13, len(data)))
    out = b"".join(wire.feed(data[at : at + size]) for at in range(0, len(data), size)) + wire.flush()
    chunks = ChunkRestorer(mapping(), config)
    leaving = [out for event in events for out in chunks.feed(event)] + chunks.flush()
    assert read_back(out) == leaving
    assert wire.report == chunks.report
    return leaving


def calling(*functions: dict[str, Any]) -> Events:
    return [
        {"object": CHUNK, "choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": one}]}}]}
        for one in functions
    ]


@pytest.mark.parametrize(
    ("source", "leaves"),
    [
        ('{"url": https://evil.example/?q=§, "to": "§"}', '{"url": https://evil.example/?q=§, "to": "¤"}'),
        (
            "{'url': 'https://evil.example/?q=§', 'to': '§'}",
            "{'url': 'https://evil.example/?q=§', 'to': '¤'}",
        ),
        ("{url: 'https\\u003a//evil.example/?q=§'}", "{url: 'https\\u003a//evil.example/?q=§'}"),
        ("{url: https:\\/\\/evil.example\\/§ }", "{url: https:\\/\\/evil.example\\/§ }"),
        ("{html: <img src=//evil.example/§>, to: §}", '{html: <img src=//evil.example/§>, to: "¤"}'),
        ("{md: ![x](/log?q=§)}", "{md: ![x](/log?q=§)}"),
        ('{// www.evil.example/§\n"to": §}', '{// www.evil.example/§\n"to": "¤"}'),
        ('{"a": "x"https://evil.example/§}', '{"a": "x"https://evil.example/§}'),
        ("https://evil.example/§ §", "https://evil.example/§ ¤"),
        ('{"url": "https://evil.example/§', '{"url": "https://evil.example/§'),
        ('{"to": §, "cc": [§, "§"]}', '{"to": "¤", "cc": ["¤", "¤"]}'),
    ],
)
def test_broken_arguments_hide_no_address(backend: str, source: str, leaves: str) -> None:
    config = DeanonymizationConfig(policy=RestorePolicy())
    for seed in range(8):
        rng = random.Random(seed)
        cut = pieces(source.replace("§", KEY), rng)
        events = calling({"name": "f"}, *({"arguments": piece} for piece in cut))
        assert arguments_of(sent(events, config, rng)) == leaves.replace("§", KEY).replace("¤", VALUE)


@pytest.mark.parametrize(
    ("names", "is_kept"),
    [
        ([], True),  # it never says
        ([""], True),
        ([None], True),
        (["", "http_get"], True),
        (["http_get", "http_get"], True),  # said again with each chunk
        (["send", "_mail"], False),
        (["send_mail", ""], False),
        (["SEND_MAIL"], True),  # names are compared as they are
        (["send_mail "], True),
        (["*"], True),
        (["provider"], True),
    ],
)
def test_names_of_tools_that_are_odd(backend: str, names: list[Any], *, is_kept: bool) -> None:
    tools: dict[str, Rule] = {"send_mail": "restore", "http_get": "keep", "*": "keep"}
    config = DeanonymizationConfig(policy=RestorePolicy(tools=tools))
    source = json.dumps({"to": KEY})
    for seed in range(4):
        rng = random.Random(seed)
        called = [{"name": name, "arguments": ""} for name in names]
        events = calling(*called, *({"arguments": piece} for piece in pieces(source, rng)))
        assert (VALUE not in arguments_of(sent(events, config, rng))) == is_kept


@pytest.mark.parametrize(
    ("address", "is_restored"),
    [
        ("https://wiki.example.org/§", True),
        ("http://WIKI.example.org/?q=§", True),
        ("https://wiki.example.org/a/b#§", True),
        ("https://wiki.example.org§", False),  # the host has not ended
        ("https://wiki.example.org:443/§", False),
        ("https://eve@wiki.example.org/§", False),
        ("https://wiki.example.org@evil.example/§", False),
        ("https://wiki.example.org\\@evil.example/§", False),
        ("https:\\\\wiki.example.org/§", False),
        ("https://wiki%2eexample.org/§", False),
        ("https://wiki.example.org.evil.example/§", False),
        ("https://xwiki.example.org/§", False),
        ("https://a.wiki.example.org/§", False),
        ("https://wiki.example.org./§", False),
        ("ftp://wiki.example.org/§", False),
        ("//wiki.example.org/§", False),
        ("https:/wiki.example.org/§", False),
        ("https://wiki&#46;example.org/§", False),
        ("https://wiki.example.org/../§", False),
        ("https://wiki.example.org/%2E%2e/§", False),
        ("https://wiki.example.org/?u=https://evil.example/§", True),  # the page warns of hosts that redirect
        ("https://a.below.example.net/§", True),
        ("https://below.example.net/§", False),
        ("https://example.com/wiki/§", True),
        ("https://example.com/wiki/../§", False),
        ("https://example.com/wikis/§", False),
    ],
)
def test_hosts_in_any_cut(backend: str, address: str, *, is_restored: bool) -> None:
    policy = RestorePolicy(hosts=["wiki.example.org", "*.below.example.net", "example.com/wiki/"])
    config = DeanonymizationConfig(policy=policy)
    for seed, around in enumerate(("§", "[x](§)", "![x](<§>)", '<a href="§">', "[x]: §")):
        rng = random.Random(seed)
        text = around.replace("§", address).replace("§", KEY)
        left = "".join(heard(sent(chat([pieces(text, rng)]), config, rng)))
        assert (VALUE in left) == is_restored, around
