"""Where a key may begin, and what most keys begin with: the pure twin's short cuts against what they stand for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from holdback._pure.automaton import Automaton
from holdback._pure.pattern import Patterns
from holdback._pure.starts import SHORT, Starts

SIGNS = '<&%\\[{(\uff1c\u20ac"'


@given(
    firsts=st.lists(st.sampled_from(SIGNS), min_size=1, max_size=8),
    text=st.text(st.sampled_from(SIGNS + "aé\u4e00"), max_size=12),
    json=st.booleans(),
    filler=st.sampled_from(["", "a" * SHORT]),
)
def test_the_next_sign_is_found_in_any_text(firsts: list[str], text: str, json: bool, filler: str) -> None:
    starts = Starts([f"{first}{n}" for n, first in enumerate(firsts)], json=json)
    wanted = {*firsts, *('"\\' if json else "")}
    for begin in range(len(text) + 1):
        expected = next((at for at in range(begin, len(text)) if text[at] in wanted), -1)
        assert starts.find(text + filler, begin) == expected
    assert starts.quiet(text + filler) == wanted.isdisjoint(text)


@given(keys=st.sets(st.text(st.sampled_from("ab\U0010ffff"), min_size=1, max_size=6), min_size=1, max_size=9))
def test_a_stem_is_the_longest_that_most_keys_begin_with(keys: set[str]) -> None:
    automaton = Automaton(Patterns(dict.fromkeys(keys, "")))
    for first in {key[0] for key in keys}:
        alike = [key for key in keys if key[0] == first]
        beginnings = {key[:size] for key in alike for size in range(1, len(key) + 1)}
        common = [
            begin for begin in beginnings if sum(key.startswith(begin) for key in alike) * 2 > len(alike)
        ]
        stem, node, one = automaton.stems[first]
        assert stem == max(common, key=len) == automaton.path(node)
        assert automaton.path(one) == first
