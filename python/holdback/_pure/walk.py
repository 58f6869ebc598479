"""Walk: units through the trie. Plain text and JSON source both go through it.

Twin of ``rust/core/src/walk.rs``. The state is a trie node, whose path is what is held back, and the unit before that
path, which counts only where keys need borders. A walk writes nothing: it says which keys leave and where they begin.
Positions count from the first unit that came, so the path begins at minus its depth. The cost of a walk does not depend
on how much is held back.

A unit is a code point. How long its spelling is in JSON source, its caller knows (``json_source.py``).
"""

from __future__ import annotations

from holdback._pure.automaton import NO_BRANCHES, ROOT, Automaton, unrolled
from holdback._pure.borders import NUMBER

Match = tuple[int, int]
"""Where a key begins, and its index."""


def walk(keys: Automaton, node: int, before: str, units: str) -> tuple[int, int, list[Match]]:
    """Go on from ``node`` over ``units``. Returns the node where that ends, where its path begins, and what leaves
    before it.
    """
    first_unit, branches, fail, depth, leaf_key, stems, ropes = keys.tables
    find_start, minds, classes = keys.starts.find, keys.has_borders, keys.classes
    matches: list[Match] = []
    if minds and node != ROOT:
        before = keys.path(node)[-1]  # the unit before ``units``
    begin, at, size = -depth[node], 0, len(units)
    while True:
        if node == ROOT:
            at = find_start(units, at)
            while (
                minds and at >= 0 and (both := classes[units[at]] & classes[units[at - 1] if at else before])
            ):
                if both == NUMBER and (node := keys.child(keys.behind_number, units[at])):
                    begin = at
                    at += 1
                    break
                at = find_start(units, at + 1)
            else:
                if at < 0:
                    return ROOT, size, matches
                begin = at
                stem, node, first = stems[units[at]]
                if units.startswith(stem, at):
                    at += len(stem)
                else:
                    node = first
                    at += 1
        elif at == size:
            return node, begin, matches
        elif first_unit[node] == (unit := units[at]):
            node += 1
            at += 1
        elif child := branches.get(node, NO_BRANCHES).get(unit):
            node = child
            at += 1
        else:
            rope, target = ropes.get(node), fail[node]
            if minds:
                rope, target = keys.settled(node, classes[unit])
            if rope is not None:
                matches.extend((begin + offset, key) for offset, key in unrolled(rope))
            begin += depth[node] - depth[target]
            node = target
            continue
        if node in leaf_key:
            matches.append((begin, leaf_key[node]))
            begin, node = at, ROOT


def settle(keys: Automaton, node: int, following: int = 0) -> list[Match]:
    """The matches of a path that leaves: the text ends, or a unit of the classes ``following`` is next."""
    matches: list[Match] = []
    begin = -keys.depth[node]
    while node != ROOT:
        rope, target = keys.settled(node, following)
        matches.extend((begin + offset, key) for offset, key in unrolled(rope))
        begin += keys.depth[node] - keys.depth[target]
        node = target
    return matches
