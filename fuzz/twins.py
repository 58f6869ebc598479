"""Target ``twins``: keys and a text, feed by feed, on both twins and by the oracle of the tests.

The oracle sees the whole text and knows nothing of streams; it says what every feed returns and what it holds back.
The core's own target is quicker and cannot see the pure twin; this one is exact and sees both.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from fuzz import cases
from fuzz.cases import Case
from holdback import _backend, _pure
from holdback.errors import MappingError
from json_oracle import JsonOracle, Result, escape
from oracle import join_halves

INPUTS = "texts"
LONGEST = 400  # the oracle looks at everything again for every feed
TWINS: list[Any] = [_pure.TrieMatcher, *([_backend.TrieMatcher] if _backend.BACKEND == "native" else [])]


def seeds() -> Iterator[tuple[str, bytes]]:
    return cases.from_vectors()


def check(data: bytes) -> None:
    """Raises if the twins and the oracle do not say the same."""
    case = cases.read(data)
    for words in (False, True):
        matchers = [built(case, twin, words=words) for twin in TWINS]
        if (refusal := refused(case)) is not None:
            assert matchers == [refusal] * len(matchers), "a bad mapping was taken, or refused in other words"
            return
        assert not any(isinstance(matcher, str) for matcher in matchers), "a good mapping was refused"
        oracle = JsonOracle(dict(case.pairs), words=words)
        for pieces in (case.pieces, list(case.text)):
            fed, flushed = oracle.predict(pieces, json=case.json)
            for matcher in matchers:
                stream = matcher.stream(json=case.json)
                for piece, expected in zip(pieces, fed, strict=True):
                    assert Result(stream.feed(piece), stream.pending) == expected, name(matcher)
                assert stream.flush() == flushed, name(matcher)
                assert stream.pending == "", name(matcher)
                whole = "".join(out for out, _ in fed) + flushed
                replaced = matcher.replace(case.text, json=case.json)
                assert join_halves(replaced) == join_halves(whole), name(matcher)


def built(case: Case, twin: Any, *, words: bool) -> Any:
    """The matcher, or the words of the refusal."""
    try:
        return twin(Pairs(case.pairs), words=words)
    except MappingError as error:
        return str(error)


def refused(case: Case) -> str | None:
    """Why the mapping must be refused; None if it must not."""
    originals: dict[str, set[str]] = {}
    for key, original in case.pairs:
        originals.setdefault(join_halves(key), set()).add(join_halves(original))
    if "" in originals:
        return "a placeholder must not be empty"
    if any(len(those) > 1 for those in originals.values()):
        return "a placeholder has two originals"
    return None


class Pairs(dict[str, str]):
    """A mapping that lists what it was given, the same key twice too."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs

    def items(self) -> Any:
        return self.pairs


def name(matcher: Any) -> str:
    return type(matcher).__module__


def mutate(data: bytes, rng: Random) -> bytes:
    """Put a key, or a piece of one, in some spelling somewhere into the text."""
    case = cases.read(data)
    if not case.pairs:
        return data + cases.BORDER + b"<P>" + cases.BORDER
    key, _ = rng.choice(case.pairs)
    spelled = rng.choice(
        (key, key[: rng.randint(0, len(key))], "".join(f"\\u{ord(c) & 0xFFFF:04x}" for c in key))
    )
    spelled = escape(spelled, rng.choice((0, 0, 1, 2)))
    at = rng.randint(data.rfind(cases.BORDER) + 1, len(data))
    return data[:at] + spelled.encode("utf-8", "surrogatepass") + data[at:]
