"""Channels: the open text streams of one answer. What they restore is seen through the formats."""

from __future__ import annotations

from holdback import _backend
from holdback.channels import FEW, Channels

CONTENT = (0, "content")


def channels() -> Channels:
    return Channels(_backend.TrieMatcher({"<P>": '"Ada"'}))


def test_text_held_back_in_a_channel_is_no_rest_unless_it_is_left_out(backend: str) -> None:
    ours = channels()
    assert ours.at_rest()
    ours.feed(CONTENT, "a")
    assert ours.at_rest()
    ours.feed(CONTENT, "<")
    assert not ours.at_rest()
    assert ours.at_rest(besides=ours.stream_of(CONTENT))
    ours.feed((1, "content"), "<")
    assert not ours.at_rest(besides=ours.stream_of(CONTENT))
    ours.end((1, "content"))
    ours.end(CONTENT)
    assert ours.at_rest()


def test_an_open_channel_of_json_source_is_no_rest(backend: str) -> None:
    ours = channels()
    ours.feed(CONTENT, "a")
    ours.feed((0, 0), "{}", json=True)
    assert not ours.at_rest()
    ours.end((0, 0))
    assert ours.at_rest()


def test_only_a_few_channels_are_looked_at(backend: str) -> None:
    groups, names = channels(), channels()
    for number in range(FEW):
        groups.feed((number, "content"), "a")
        names.feed((0, number), "a")
        assert groups.at_rest()
        assert names.at_rest()
    groups.feed((FEW, "content"), "a")
    names.feed((0, FEW), "a")
    assert not groups.at_rest()
    assert not names.at_rest()


def test_a_channel_holds_what_is_pending_in_it(backend: str) -> None:
    ours = channels()
    assert not ours.holds(CONTENT)
    ours.feed(CONTENT, "a")
    assert not ours.holds(CONTENT)
    ours.feed(CONTENT, "<")
    assert ours.holds(CONTENT)
    assert not ours.holds((0, "refusal"))
    assert ours.end(CONTENT) == "<"
    assert not ours.holds(CONTENT)


def test_tails_come_in_the_order_of_numbers_whichever_channel_opened_first(backend: str) -> None:
    ours = channels()
    for number in (10, 2, 1):
        ours.feed((number, "content"), "<")
        ours.feed((0, number), "<")
    ours.feed((0, 3), "a")
    assert ours.keys_of(0) == [(0, 1), (0, 2), (0, 3), (0, 10)]
    assert ours.drain() == [
        (key, "<") for key in ((0, 1), (0, 2), (0, 10), (1, "content"), (2, "content"), (10, "content"))
    ]
    assert ours.keys_of(0) == []
    assert ours.drain() == []


def test_a_whole_value_is_text_unless_it_is_said_to_be_source(backend: str) -> None:
    assert channels().replace('"<P>"') == '""Ada""'
    assert channels().replace('"<P>"', json=True) == r'"\"Ada\""'
