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

Borders (``borders.py``). A key that needs a border behind it has two settlements: followed by a unit of a class that it
minds, ``v`` is settled as if no key ended there, else the key is popped. Every other node has one, because the unit
that follows an inner prefix of its path is known when the trie is built. Such a key never leaves at once: its node
rests until the next unit or the end. Before a key the root minds the class of the unit in front of it, which a walk
remembers and the build reads off the path. Behind a word character no key begins that begins with one. Behind a
number's character all keys begin but those that are numbers: they are in a second trie, ``behind_number``.

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

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias, Union

from holdback._pure.borders import CLASSES, NUMBER, NUMBER_UNITS, WORD, is_number, is_word
from holdback._pure.pattern import Patterns
from holdback._pure.starts import Starts

Tree: TypeAlias = Union[int, "tuple[Tree, int, Tree]"]
Rope: TypeAlias = tuple[int, Tree]

ROOT = 0
NO_BRANCHES: dict[str, int] = {}


class Automaton:
    """The compiled key set: immutable, shared by every stream over it.

    With ``words`` keys match whole words, with ``numbers`` those that are numbers match whole ones.
    """

    __slots__ = (
        "_outside",
        "_patterns",
        "_words",
        "behind_number",
        "blocked",
        "branches",
        "classes",
        "depth",
        "fail",
        "first_unit",
        "has_borders",
        "json_starts",
        "keys",
        "leaf_key",
        "lengths",
        "longest",
        "minded",
        "originals",
        "owner",
        "ropes",
        "starts",
        "stems",
        "tables",
    )

    branches: dict[int, dict[str, int]]
    depth: list[int]
    fail: array[int]
    json_starts: Starts
    leaf_key: dict[int, int]
    owner: list[int]
    starts: Starts

    def __init__(
        self, patterns: Patterns, *, words: bool = False, outside_of: Automaton | None = None
    ) -> None:
        """``outside_of``: the automaton for the rest of JSON source, if this one is for what stands outside strings."""
        self._patterns, self._words = patterns, words
        self._outside: Automaton | None = None
        self.keys = keys = patterns.keys
        self.originals = patterns.originals
        self.lengths = [len(key) for key in keys]
        self.longest = max(self.lengths, default=0)
        if outside_of is not None:
            self.starts, self.json_starts = outside_of.starts, outside_of.json_starts
        else:
            self.starts, self.json_starts = Starts(keys), Starts(keys, json=True)
        classes = (WORD if words else 0) | (NUMBER if outside_of is not None else 0)
        # Which classes each key minds behind it; only those of keys that mind any.
        minds = [self._mind(key, classes) for key in keys] if classes else []
        self.has_borders = any(minds) or (words and any(is_word(key[0]) for key in keys))
        self.classes = CLASSES[classes if self.has_borders else 0]

        branched, units, ends = self._grow(keys)
        self.first_unit: Sequence[str]
        if (
            self.has_borders or not keys
        ):  # a node that is asked may have no children: the next unit is none of its own
            self.first_unit = ["" if node in branched else units[node] for node in range(1, len(units) + 1)]
        else:
            self.first_unit = "".join(units[1:]) + "\0"
        self.minded = {node: minds[key] for node, key in ends.items() if minds[key]} if minds else {}
        self.blocked: dict[int, tuple[Rope | None, int]] = {}
        self._settle(branched, units, ends)
        self.stems = {first: self._stem(first) for first in self.starts.firsts}
        # What a walk needs, to be unpacked at once.
        self.tables = (
            self.first_unit,
            self.branches,
            self.fail,
            self.depth,
            self.leaf_key,
            self.stems,
            self.ropes,
        )

    def _mind(self, key: str, classes: int) -> int:
        """The classes of units that may not follow ``key``."""
        word = WORD if classes & WORD and is_word(key[-1]) else 0
        return word | (NUMBER if classes & NUMBER and is_number(key) else 0)

    @property
    def outside(self) -> Automaton:
        """The automaton for JSON source outside strings, where numbers are whole."""
        if self._outside is None:  # two threads may both compile it: either will do
            numbers = any(map(is_number, self.keys))
            self._outside = Automaton(self._patterns, words=self._words, outside_of=self) if numbers else self
        return self._outside

    def _grow(self, keys: list[str]) -> tuple[dict[int, int], list[str], dict[int, int]]:
        """Number the trie's nodes; returns the parents of those that are not their parent's first child (the number
        behind the last is nobody's), the unit of each node, and which key ends where.
        """
        units, depth, owner = [""], [0], [0]
        branched: dict[int, int] = {}
        ends: dict[int, int] = {}
        branches: dict[int, dict[str, int]] = {}
        depths = [*range(self.longest + 1)]

        def grow(root: int, indexes: Iterable[int]) -> None:
            before, shared, new = "", 0, len(units)
            # Where the path of the key before goes on to a node that does not follow the last one.
            runs = [(0, root)]
            tails = []
            for index in indexes:
                key, size = keys[index], len(keys[index])
                # How many units it and the key before it begin alike: often as many as the two before. Keys are
                # sorted, so the later one is not the beginning of the other.
                if not key.startswith(before[:shared]):
                    shared = 0
                most = len(before)
                while shared < most and before[shared] == key[shared]:
                    shared += 1
                while runs[-1][0] > shared:
                    runs.pop()
                if shared < most:  # not the first child: a branch
                    at, node = runs[-1]
                    node += shared - at
                    if node in branches:
                        branches[node][key[shared]] = new
                    else:
                        branches[node] = {key[shared]: new}
                    branched[new] = node
                    runs.append((shared + 1, new))
                tails.append(key[shared:])
                depth.extend(depths[shared + 1 : size + 1])
                owner.extend([index] * (size - shared))
                new += size - shared
                ends[new - 1] = index
                before = key
            units.extend("".join(tails))

        grow(ROOT, range(len(keys)))
        self.behind_number = ROOT
        if self.has_borders and self.classes is not CLASSES[WORD]:
            self.behind_number = root = len(units)
            branched[root] = root
            for list_ in (depth, owner):
                list_.append(0)
            units.append("")
            grow(root, (i for i, key in enumerate(keys) if key[0] in NUMBER_UNITS and not is_number(key)))
        branched[len(units)] = ROOT
        self.branches, self.depth, self.owner = branches, depth, owner
        return branched, units, ends

    def _settle(self, branched: dict[int, int], units: list[str], ends: dict[int, int]) -> None:
        """Compute ``fail`` and the ropes of ``pops``, breadth first."""
        count, depth, classes = len(units), self.depth, self.classes
        self.fail = fail = array("I", bytes(array("I").itemsize * count))
        self.ropes: dict[int, Rope] = {v: (0, key) for v, key in ends.items()}
        ropes, minded = self.ropes, self.minded
        self.leaf_key = leaf_key = {
            node: key for node, key in ends.items() if node not in minded and node + 1 in branched
        }
        first_unit, branches, has_borders = self.first_unit, self.branches, self.has_borders
        following = before = 0
        for v in self._telling(branched, units, ends):
            u, unit = branched.get(v, v - 1), units[v]
            if not depth[u]:
                if v in minded:
                    self.blocked[v] = None, ROOT
                continue
            if has_borders:
                following, before = classes[unit], classes[units[u]]
            rope, z = self.settled(u, following) if following else (ropes.get(u), fail[u])
            while True:  # the path of ``z`` begins behind the ``depth[u] - depth[z]`` units that are settled
                if z == ROOT and before:
                    w = self.start(unit, before)
                else:  # `child`, written out
                    w = z + 1 if first_unit[z] == unit else branches.get(z, NO_BRANCHES).get(unit, ROOT)
                if w != ROOT or z == ROOT:
                    break
                popped, target = self.settled(z, following) if following else (ropes.get(z), fail[z])
                if popped is not None:
                    rope = _concat(rope, depth[u] - depth[z], popped)
                z = target
            if w in leaf_key:
                rope = _concat(rope, depth[u] - depth[z], ropes[w])
                w = ROOT
            if v in minded:
                self.blocked[v] = rope, w
                continue
            fail[v] = w
            if rope is not None:
                ropes[v] = rope

    def _telling(self, branched: dict[int, int], units: list[str], ends: dict[int, int]) -> Iterator[int]:
        """The nodes to be settled, breadth first; where no key ends, or one that waits for its border.

        Without borders most need not be: no key begins there, and their parent has neither pops nor a fail.
        """
        depth, count, minded = self.depth, len(units), self.minded
        fail, ropes, branches = self.fail, self.ropes, self.branches
        if self.has_borders:
            yield from sorted(
                (v for v in range(1, count) if depth[v] and (v in minded or v not in ends)),
                key=depth.__getitem__,
            )
            return
        firsts = set(self.starts.firsts)
        begins = [v for v, unit in enumerate(units) if unit in firsts and v not in ends]
        levels: list[list[int]] = [[] for _ in range(self.longest + 2)]
        for v in begins:
            levels[depth[v]].append(v)
        known = {*begins, *ends}

        def go_on_below(v: int) -> None:
            if (w := v + 1) not in known and w not in branched:
                levels[depth[w]].append(w)
            if v in branches:
                levels[depth[v] + 1] += [w for w in branches[v].values() if w not in known]

        for v in ends.keys() - self.leaf_key.keys():
            go_on_below(v)
        for level in levels:
            for v in level:
                yield v
                if fail[v] or v in ropes:
                    go_on_below(v)

    def settled(self, node: int, following: int) -> tuple[Rope | None, int]:
        """The rope of ``pops(node)`` and ``fail(node)``, if a unit of the classes ``following`` is next."""
        if following and following & self.minded.get(node, 0):
            return self.blocked[node]
        return self.ropes.get(node), self.fail[node]

    def start(self, unit: str, before: int) -> int:
        """The node of a key that begins with ``unit`` behind a unit of the classes ``before``; ``ROOT`` if none may."""
        both = before & self.classes[unit]
        if both & WORD:
            return ROOT
        return self.child(self.behind_number if both & NUMBER else ROOT, unit)

    def _stem(self, first: str) -> tuple[str, int, int]:
        """What most keys that begin with ``first`` begin with, the node where it ends, and the one of ``first``.

        A walk takes a stem at once. What most keys begin with is the beginning of the one in the middle.
        """
        keys = self.keys
        begin = bisect_left(keys, first)
        end = bisect_right(keys, first, begin, key=lambda key: key[:1])
        middle, most = keys[(begin + end) // 2], (end - begin) // 2 + 1
        size, too_long = 1, len(middle) + 1
        while size + 1 < too_long:
            longer = (size + too_long) // 2
            last = bisect_left(keys, middle[:longer], begin, end) + most - 1
            if last < end and keys[last].startswith(middle[:longer]):
                size = longer
            else:
                too_long = longer
        stem = middle[:size]
        return stem, self.node_of(stem), self.child(ROOT, first)

    def child(self, node: int, unit: str) -> int:
        """The child of ``node`` by ``unit``, or ``ROOT`` if there is none. Never asked of a leaf that does not rest."""
        if self.first_unit[node] == unit:
            return node + 1
        return self.branches.get(node, NO_BRANCHES).get(unit, ROOT)

    def path(self, node: int) -> str:
        """The text that leads from the root to ``node``."""
        return self.keys[self.owner[node]][: self.depth[node]] if node else ""

    def node_of(self, path: str) -> int:
        """The node whose path this is."""
        node = ROOT
        for unit in path:
            node = self.child(node, unit)
        return node

    def matches(self, node: int) -> Iterator[tuple[int, int]]:
        """The keys inside ``pops(node)``, in order, as ``(offset in the path, key)``."""
        return unrolled(self.ropes.get(node))


def unrolled(rope: Rope | None) -> Iterator[tuple[int, int]]:
    """The keys of a rope, in order, as ``(offset in the path, key)``."""
    pending = [] if rope is None else [rope]
    while pending:
        offset, tree = pending.pop()
        while not isinstance(tree, int):
            left, shift, right = tree
            pending.append((offset + shift, right))
            tree = left
        yield offset, tree


def _concat(left: Rope | None, shift: int, right: Rope) -> Rope:
    """``left`` followed by ``right``, whose path begins ``shift`` units after that of ``left``."""
    if left is None:
        return shift + right[0], right[1]
    return left[0], (left[1], shift + right[0] - left[0], right[1])
