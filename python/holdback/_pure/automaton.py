r"""The matcher: a trie with failure pops, so that a pushed stream is restored in linear time.

Twin of ``rust/core/src/automaton.rs``. The method is LinMaxMatch (Song et al., *Fast WordPiece
Tokenization*, EMNLP 2021), carried over from vocabulary lookup to leftmost-longest replacement.

The idea. A state is a trie node ``v``, and the path from the root to ``v`` *is* the text held back.
When the next unit has no child under ``v``, the path can no longer grow, and some of it is settled:

- ``pops(v)``  what the settled front of the path is: literal units and whole keys, in order;
- ``fail(v)``  the node whose path is the rest, where matching goes on with the same unit.

Both are computed once, breadth first. A path that ends a key is settled entirely: ``pops = [key]``,
``fail = root``. Any other ``v``, child of ``u`` by ``c``, settles what ``u`` would and then lets ``c``
walk from ``fail(u)``, collecting further pops until some node has a child by ``c`` (that child is
``fail(v)``) or the root has none (``c`` is a literal).

Invariants: ``pops(v)`` covers exactly ``depth(v) - depth(fail(v))`` units. A leaf is never a resting
state: nothing can extend it, so its key leaves at once. Keys never overlap; an original is never read.

Cost: building is O(total length of the keys) in time and space, feeding O(units), starting a stream O(1).

Layout. Nodes are numbered in preorder over the sorted keys, so the first child of ``v`` is ``v + 1`` and
``first_unit[v]`` the unit that leads there: most nodes need no table of children. Literals are not
stored, only the keys inside pops, each at its offset in the path: a *rope* is ``(offset, tree)``, a tree
is a key's index or ``(tree, shift, tree)`` with the right side ``shift`` units further on. Ropes share
their parts, which keeps them linear where written-out lists would be quadratic.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator
from typing import TypeAlias, Union

from holdback._pure.pattern import Patterns
from holdback._pure.scan import Scanner

Tree: TypeAlias = Union[int, "tuple[Tree, int, Tree]"]
Rope: TypeAlias = tuple[int, Tree]

ROOT = 0
FEW = 3  # different first units that are looked for by themselves, as the Rust twin does
NO_BRANCHES: dict[str, int] = {}


class Automaton:
    """The compiled key set: immutable, shared by every stream over it."""

    __slots__ = (
        "branches",
        "depth",
        "fail",
        "first_unit",
        "json_starts",
        "keys",
        "leaf_key",
        "lengths",
        "longest",
        "originals",
        "owner",
        "ropes",
        "scanner",
        "starts",
        "stems",
        "tables",
    )

    def __init__(self, patterns: Patterns) -> None:
        self.keys = keys = patterns.keys
        self.originals = patterns.originals
        self.lengths = [len(key) for key in keys]
        self.longest = max(self.lengths, default=0)
        firsts = dict.fromkeys(key[0] for key in keys)
        begins = dict.fromkeys(key[:2] for key in keys)
        self.starts = _Starts(begins)
        # In JSON source a quote or a backslash always matters, and behind a first unit the next may be escaped.
        self.json_starts = _Starts([*begins, *(first + "\\" for first in firsts), '"', "\\"])
        self.scanner = Scanner(firsts)

        parent, units, ends = self._grow(keys)
        self.first_unit = "".join(units[1:])
        self._settle(parent, units, ends)
        self.stems = {key[0]: self._stem(key[0]) for key in keys}
        # What a walk needs, to be unpacked at once.
        self.tables = (
            self.first_unit,
            self.branches,
            self.fail,
            self.depth,
            self.leaf_key,
            self.stems,
            self.starts.find,
        )

    def _grow(self, keys: list[str]) -> tuple[array[int], list[str], dict[int, int]]:
        """Number the trie's nodes; returns each node's parent and unit, and which key ends where."""
        parent, units, depth, owner = array("I", [ROOT]), [""], array("I", [0]), array("I", [0])
        ends: dict[int, int] = {}
        self.branches: dict[int, dict[str, int]] = {}
        path = [ROOT]
        before = ""
        for index, key in enumerate(keys):
            shared = _common_prefix(before, key)
            del path[shared + 1 :]
            node = path[shared]
            if node != len(units) - 1:  # not the first child: a branch
                self.branches.setdefault(node, {})[key[shared]] = len(units)
            for unit in key[shared:]:
                parent.append(node)
                units.append(unit)
                depth.append(len(path))
                owner.append(index)
                node = len(units) - 1
                path.append(node)
            ends[node] = index
            before = key
        self.depth, self.owner = depth, owner
        return parent, units, ends

    def _settle(self, parent: array[int], units: list[str], ends: dict[int, int]) -> None:
        """Compute ``fail`` and the ropes of ``pops``, breadth first."""
        count, depth = len(units), self.depth
        self.fail = fail = array("I", bytes(array("I").itemsize * count))
        self.ropes: dict[int, Rope] = {}
        ropes = self.ropes
        self.leaf_key = leaf_key = {
            node: key for node, key in ends.items() if node + 1 == count or parent[node + 1] != node
        }
        for v in sorted(range(1, count), key=depth.__getitem__):
            if v in ends:
                ropes[v] = (0, ends[v])
                continue
            u = parent[v]
            if u == ROOT:
                continue
            rope, z = ropes.get(u), fail[u]
            covered = depth[u] - depth[z]
            while (w := self.child(z, units[v])) == ROOT and z != ROOT:
                rope = _concat(rope, covered, ropes.get(z))
                covered += depth[z] - depth[fail[z]]
                z = fail[z]
            if w in leaf_key:
                rope = _concat(rope, covered, ropes[w])
            else:
                fail[v] = w
            if rope is not None:
                ropes[v] = rope

    def _stem(self, unit: str) -> tuple[str, int]:
        """What every key that begins with ``unit`` begins with, and the node where it ends: a walk takes it at once."""
        node = self.child(ROOT, unit)
        while node not in self.leaf_key and node not in self.branches and node not in self.ropes:
            node += 1
        return self.path(node), node

    def child(self, node: int, unit: str) -> int:
        """The child of ``node`` by ``unit``, or ``ROOT`` if there is none. Never asked of a leaf."""
        if self.first_unit[node : node + 1] == unit:
            return node + 1
        return self.branches.get(node, NO_BRANCHES).get(unit, ROOT)

    def path(self, node: int) -> str:
        """The text that leads from the root to ``node``."""
        return self.keys[self.owner[node]][: self.depth[node]] if node else ""

    def matches(self, node: int) -> Iterator[tuple[int, int]]:
        """The keys inside ``pops(node)``, in order, as ``(offset in the path, key)``."""
        rope = self.ropes.get(node)
        if rope is None:
            return
        pending = [rope]
        while pending:
            offset, tree = pending.pop()
            while not isinstance(tree, int):
                left, shift, right = tree
                pending.append((offset + shift, right))
                tree = left
            yield offset, tree


def _common_prefix(a: str, b: str) -> int:
    if b.startswith(a):
        return len(a)
    shared = 0
    for x, y in zip(a, b, strict=False):
        if x != y:
            break
        shared += 1
    return shared


def _concat(left: Rope | None, shift: int, right: Rope | None) -> Rope | None:
    """``left`` followed by ``right``, whose path begins ``shift`` units after that of ``left``."""
    if right is None:
        return left
    if left is None:
        return shift + right[0], right[1]
    return left[0], (left[1], shift + right[0] - left[0], right[1])


class _Starts:
    """Finds the next place where a key may begin: by its first unit, by the first two if there are many first ones.

    ``quiet(text)`` is the hot test: true means that no key begins anywhere in ``text`` and no unit is a surrogate
    half, so a stream with nothing pending passes it on. It may be false without need.
    """

    __slots__ = ("_one", "_search", "_search_quiet")

    def __init__(self, begins: Iterable[str]) -> None:
        following: dict[str, set[str]] = {}
        for begin in begins:
            following.setdefault(begin[0], set()).add(begin[1:])
        if (
            len(following) <= FEW
        ):  # then the first unit alone tells enough, and a class of units is found faster
            places = [f"[{''.join(map(re.escape, following))}]"] if following else []
        else:
            places = [_place(first, seconds) for first, seconds in following.items()]
        self._search = re.compile("|".join(places) or "(?!)").search
        self._search_quiet = re.compile("|".join([*places, "[\ud800-\udfff]"])).search
        only = next(iter(following)) if len(following) == 1 else ""
        self._one = only if only.isascii() else ""

    def quiet(self, text: str) -> bool:
        if self._one and text.isascii():
            return self._one not in text
        return self._search_quiet(text) is None

    def find(self, text: str, at: int) -> int:
        """Index of the first place from ``at`` on where a key may begin, or -1."""
        if self._one:
            return text.find(self._one, at)
        found = self._search(text, at)
        return -1 if found is None else found.start()


def _place(first: str, seconds: set[str]) -> str:
    """A pattern for ``first`` followed by one of ``seconds`` or by the end; the empty second follows anything."""
    if "" in seconds:
        return re.escape(first)
    return f"{re.escape(first)}(?:[{''.join(map(re.escape, sorted(seconds)))}]|\\Z)"
