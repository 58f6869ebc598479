"""What a policy costs: every kind of stream with one and without, in the same run: `make bench`.

    python -m benches.micro.policies

The policy looks at places, which is what costs: a rule by type, tool or channel is one look into a table at each match.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benches.figures import figure, figures, table
from benches.micro.kind_streams import KINDS, Kind
from benches.micro.kinds import KEYS, MATCHERS, ROUNDS, SEEDS, feed_each, parts_of
from benches.workloads import Prepare, interleaved, prose

from holdback import DeanonymizationConfig, RestorePolicy, WireRestorer
from holdback.engine.guard import Account, guard_for
from holdback.mapping import Prepared

POLICY = RestorePolicy(hosts=("docs.example.org",))
CONFIG = DeanonymizationConfig(policy=POLICY)
BULK = 1 << 20
PIECE = 4096
LINK = "[the page](https://docs.example.org/guide/start) and "


def steady(kind: Kind, matcher: Any, config: Any) -> Prepare:
    """Time of the steady part, one event a read."""

    def fresh(_: int) -> Callable[[], object]:
        opening, frames = parts_of(kind, next(SEEDS))
        restorer = WireRestorer(matcher, config, protocol=kind.protocol)
        feed_each(restorer.feed, opening)
        return lambda: feed_each(restorer.feed, frames)

    return fresh


def kinds() -> None:
    rows = [["with a policy, of without", *MATCHERS]]
    for name, kind in KINDS.items():
        row = [name]
        for twin, matcher in MATCHERS.items():
            both = {"on": steady(kind, matcher, CONFIG), "off": steady(kind, matcher, None)}
            medians = interleaved(both, ROUNDS)
            ratio = medians["on"] / medians["off"]
            row.append(f"{ratio:.2f}")
            figure(f"{twin}, {name}, with a policy", ratio, at_most=1.5 if twin == "native" else 2.5)
        rows.append(row)
    table("a policy that looks at places: the steady part, of the same without one", rows)


def text_of(linked: bool) -> str:
    text = prose(BULK, KEYS, 200, next(SEEDS))
    if not linked:
        return text
    return "".join(text[at : at + 2000] + LINK for at in range(0, len(text), 2000))


def text(matcher: Any, *, linked: bool) -> Prepare:
    """Time of a long text, in large pieces."""

    def fresh(_: int) -> Callable[[], object]:
        account = Account(Prepared(None, matcher), POLICY)
        whole = text_of(linked)
        pieces = [whole[at : at + PIECE] for at in range(0, len(whole), PIECE)]
        buffer = matcher._guarded(guard_for(account, "content", json=False), json=False)

        def work() -> None:
            for piece in pieces:
                buffer.feed(piece)

        return work

    return fresh


def bulk() -> None:
    rows = [["GB/s", "prose", "prose with links"]]
    for twin, matcher in MATCHERS.items():
        both = {"prose": text(matcher, linked=False), "links": text(matcher, linked=True)}
        rates = {name: BULK / seconds / 1e9 for name, seconds in interleaved(both, ROUNDS).items()}
        rows.append([twin, *(f"{rate:.3f}" for rate in rates.values())])
        if twin == "native":
            figure("native, bulk text with a policy", rates["prose"], at_least=0.4, unit=" GB/s")
    table(f"long texts with a policy, in pieces of {PIECE} code points", rows)


def main() -> None:
    """Measure everything, print everything."""
    kinds()
    bulk()
    table("figures", [("", "measured", "target", ""), *figures])


if __name__ == "__main__":
    main()
