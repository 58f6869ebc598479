"""What Hypothesis draws: tiny alphabets, so that keys overlap, and every way to cut a text."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st

ALPHABETS = ["a", "ab", "abc", "ab<_1>", "aé€😀", "a\ud83d\ude00😀", '<>"\\/u003cn{}[]:, ']


def examples(factor: float) -> settings:
    """A property with that many times the examples of the profile, which are 100 in `make test`."""
    return settings(max_examples=round(factor * settings().max_examples))


def _texts(alphabet: str, **sizes: int) -> st.SearchStrategy[str]:
    return st.text(st.sampled_from(alphabet), **sizes)


@st.composite
def pairs_and_text(draw: st.DrawFn) -> tuple[dict[str, str], str]:
    """A mapping whose keys are likely to overlap, and a text made of keys, bits of keys and noise."""
    alphabet = draw(st.sampled_from(ALPHABETS))
    originals = st.one_of(_texts(alphabet, max_size=4), st.text(max_size=3))
    keys = _texts(alphabet, min_size=1, max_size=6)
    # Keys as the matcher sees them, so that no two of them collide.
    joined = keys.map(
        lambda key: key.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    )
    pairs = draw(st.dictionaries(joined, originals, max_size=6))
    pieces = st.one_of(_texts(alphabet, max_size=6), st.sampled_from([*pairs, ""]))
    return pairs, "".join(draw(st.lists(pieces, max_size=8)))


@st.composite
def cuts(draw: st.DrawFn, text: str) -> list[str]:
    """``text`` in pieces: anywhere, empty pieces included."""
    marks = sorted(draw(st.lists(st.integers(0, len(text)), max_size=12)))
    return [text[a:b] for a, b in zip([0, *marks], [*marks, len(text)], strict=True)]
