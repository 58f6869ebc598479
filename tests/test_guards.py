"""Guards of the two twins: the same decisions and the same counts, whatever the text and the cut."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdback import RestorePolicy, TrieMatcher, _backend, _pure
from holdback.engine.guard import Account, Tool, guard_for
from holdback.mapping import Prepared

pytestmark = pytest.mark.skipif(_backend.BACKEND != "native", reason="needs both twins")

FOLDER = Path(__file__).parent / "places"
PAIRS = {
    "<P>": "zorb",
    "<P>x": 'Q "u"',
    "<M>": "ada@example.org",
    "7": "5",
    "https:": "http:",
}
TYPES = {"zorb": "PERSON", "ada@example.org": "MAIL", "5": "NUMBER"}
PIECES = [
    *("<P>", "<P>x", "<M>", "<", "P>", "7", "\\u003cP>", "\\u00", "3c", "x"),
    *("](", "[a]: ", "https://e.com/", "https:", "//", "www.", "mailto:", " ", "\n", "\n\n", ")", ">", "a"),
    *(
        '"',
        "\\",
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        '{"a": "',
        '", "',
        "`",
        "```\n",
        "\U0001f600",
        "\ud83d",
        "\ude00",
    ),
    *("<a href=", "<script>", "</script>", "url(", "\\/", "\\n", "\\\\"),
]
POLICIES = [
    RestorePolicy(),
    RestorePolicy(hosts=("e.com",), enforce=False),
    RestorePolicy(addresses="restore", entity_types={"PERSON": "keep", "*": "restore"}),
    RestorePolicy(entity_types={"MAIL": "restore", "*": "keep"}, tools={"send": "keep", "*": "restore"}),
    RestorePolicy(channels={"content": "keep"}, tools={"send": "restore", "*": "keep"}, hosts=("*.e.com",)),
]
Json = bool | Literal["auto"]
Step = tuple[str, str]
"""What is done with a text, and the text."""


@st.composite
def steps(draw: st.DrawFn) -> list[Step]:
    lists = [case["text"].replace("§", "<P>") for name in ("attacks", "harmless") for case in listed(name)]
    texts = st.one_of(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), st.sampled_from(lists))
    names = st.sampled_from(["se", "nd", "send", "get"])
    done: list[Step] = []
    for _ in range(draw(st.integers(1, 4))):
        text = draw(texts)
        cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=4)))
        done += [("feed", text[a:b]) for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
        end = draw(st.sampled_from(["settle", "flush", "next", "close", "name"]))
        done.append((end, draw(names) if end == "name" else ""))
    return done


def listed(name: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads((FOLDER / f"{name}.json").read_text("ascii"))
    return found


class Run:
    """The texts of one answer, one after the other, over one twin."""

    def __init__(self, matcher: Any, policy: RestorePolicy, channel: str, json: Json) -> None:
        self.matcher, self.channel, self.json = matcher, channel, json
        self.account = Account(Prepared(SimpleNamespace(get_entity_type=TYPES.get), matcher), policy)
        self.tool = Tool()
        self.out: list[Any] = []
        self.guard: Any = None
        self.opened: list[Any] = []  # a text that is open has a buffer
        self.begin()

    def begin(self) -> None:
        before = self.guard
        kind = self.json if self.channel == "arguments" else self.json and "auto"
        start = None if before is None else before.plain_places()
        self.guard = guard_for(
            self.account, self.channel, json=kind, start=start, tool=self.tool, before=before
        )
        assert self.account.policy is not None
        if self.channel == "arguments":
            self.tool.tell(self.guard, self.account.policy)
        self.buffer = self.matcher._guarded(self.guard, json=self.json)
        self.opened.append(self.buffer)

    def take(self, step: Step) -> None:
        kind, text = step
        if kind == "feed":
            self.out.append(self.buffer.feed(text))
        elif kind == "settle":
            self.out.append(self.buffer._settle())
        elif kind == "name":
            self.tool.join(text, is_provider=False)
        else:
            self.out.append(self.buffer.flush())
        if kind == "close":
            self.guard.close()
        if kind in ("close", "next"):
            self.account.take(self.buffer, self.guard)
            self.begin()

    def result(self) -> Any:
        self.out.append(self.buffer.flush())
        self.account.take(self.buffer, self.guard)
        return self.out, self.account.tally.restored, self.account.tally.kept, self.account.report()


NATIVE, PURE = TrieMatcher(PAIRS), _pure.TrieMatcher(PAIRS)


@given(
    st.sampled_from(POLICIES),
    st.sampled_from(["content", "arguments"]),
    st.sampled_from([False, True, "auto"]),
    steps(),
)
def test_native_guards_decide_as_pure_ones(
    policy: RestorePolicy, channel: str, json: Json, done: list[Step]
) -> None:
    runs = [Run(matcher, policy, channel, json) for matcher in (NATIVE, PURE)]
    assert [run.account.rules is None for run in runs] == [False, True]
    for step in done:
        for run in runs:
            run.take(step)
    native, pure = (run.result() for run in runs)
    assert native == pure


@given(st.sampled_from(POLICIES), st.sampled_from([False, True, "auto"]), steps())
def test_native_decisions_do_not_depend_on_the_cut(
    policy: RestorePolicy, json: Json, done: list[Step]
) -> None:
    runs = [Run(NATIVE, policy, "content", json) for _ in range(2)]
    for kind, text in done:
        runs[0].take((kind, text))
        for unit in text if kind == "feed" else [text]:
            runs[1].take((kind, unit))
    one, other = (run.result() for run in runs)
    assert "".join(one[0]) == "".join(other[0])
    assert one[1:] == other[1:]


def test_a_native_guard_tells_nothing_of_its_text() -> None:
    run = Run(NATIVE, POLICIES[0], "content", False)
    run.take(("feed", "https://e.com/zorblatt <P>"))
    assert "zorb" not in repr(run.guard) + repr(run.account.rules)
    with pytest.raises(TypeError, match="not pickled"):
        run.guard.__reduce__()
    assert Counter(run.guard.take_kept()) == Counter()
