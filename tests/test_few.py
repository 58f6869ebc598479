"""Few, which is a dict of few entries, does what a dict does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from holdback.engine.few import Few

Steps = list[tuple[str, str, int]]
STEPS: st.SearchStrategy[Steps] = st.lists(
    st.tuples(st.sampled_from(["set", "pop", "pop", "clear"]), st.sampled_from("abc"), st.integers()),
    max_size=12,
)


@given(STEPS)
def test_it_has_what_a_dict_has(steps: Steps) -> None:
    few: Few[str, int] = Few()
    entries: dict[str, int] = {}
    for step, key, value in steps:
        if step == "set":
            few[key] = entries[key] = value
        elif step == "clear":
            few.clear()
            entries.clear()
        else:
            assert few.pop(key) == entries.pop(key, None)
        assert list(few.items()) == list(entries.items())
        assert (list(few), list(few.values()), len(few)) == (
            list(entries),
            list(entries.values()),
            len(entries),
        )
        assert [few.get(one) for one in "abc"] == [entries.get(one) for one in "abc"]
