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

import re
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias, Union

from holdback._pure.borders import CLASSES, NUMBER, NUMBER_UNITS, WORD, is_number, is_word
from holdback._pure.pattern import Patterns

Tree: TypeAlias = Union[int, "tuple[Tree, int, Tree]"]
Rope: TypeAlias = tuple[int, Tree]

ROOT = 0
FEW = 3  # different first units that are looked for by themselves, as the Rust twin does
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

    depth: array[int]
    fail: array[int]
    json_starts: _Starts
    leaf_key: dict[int, int]
    starts: _Starts

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
            begins = dict.fromkeys(key[:3] for key in keys)
            self.starts = _Starts(begins)
            # In JSON source a quote or a backslash always matters, and the next unit may be escaped.
            escaped = dict.fromkeys(begin[:size] + "\\" for begin in begins for size in range(1, len(begin)))
            self.json_starts = _Starts([*begins, *escaped, '"', "\\"])
        classes = (WORD if words else 0) | (NUMBER if outside_of is not None else 0)
        # Which classes each key minds behind it; only those of keys that mind any.
        minds = [self._mind(key, classes) for key in keys] if classes else []
        self.has_borders = any(minds) or (words and any(is_word(key[0]) for key in keys))
        self.classes = CLASSES[classes if self.has_borders else 0]

        parent, units, ends = self._grow(keys)
        self.first_unit: Sequence[str]
        if (
            self.has_borders or not keys
        ):  # a node that is asked may have no children: the next unit is none of its own
            self.first_unit = [
                units[node + 1] if node + 1 < len(units) and parent[node + 1] == node else ""
                for node in range(len(units))
            ]
        else:
            self.first_unit = "".join(units[1:]) + "\0"
        self.minded = {node: minds[key] for node, key in ends.items() if minds[key]} if minds else {}
        self.blocked: dict[int, tuple[Rope | None, int]] = {}
        self._settle(parent, units, ends)
        self.stems = {first: self._stem(first) for first in dict.fromkeys(key[0] for key in keys)}
        # What a walk needs, to be unpacked at once.
        self.tables = (
            self.first_unit,
            self.branches,
            self.fail,
            self.depth,
            self.leaf_key,
            self.stems,
            self.starts.find,
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

    def _grow(self, keys: list[str]) -> tuple[array[int], list[str], dict[int, int]]:
        """Number the trie's nodes; returns each node's parent and unit, and which key ends where."""
        parent, units, depth, owner = array("I", [ROOT]), [""], array("I", [0]), array("I", [0])
        ends: dict[int, int] = {}
        self.branches: dict[int, dict[str, int]] = {}

        def grow(root: int, indexes: Iterable[int]) -> None:
            path = [root]
            before = ""
            for index in indexes:
                key = keys[index]
                shared = _common_prefix(before, key)
                del path[shared + 1 :]
                node, new = path[shared], len(units)
                if node != new - 1:  # not the first child: a branch
                    self.branches.setdefault(node, {})[key[shared]] = new
                units.extend(key[shared:])
                parent.append(node)
                parent.extend(range(new, len(units) - 1))
                depth.extend(range(shared + 1, len(key) + 1))
                owner.extend([index] * (len(key) - shared))
                path.extend(range(new, len(units)))
                ends[len(units) - 1] = index
                before = key

        grow(ROOT, range(len(keys)))
        self.behind_number = ROOT
        if self.has_borders and self.classes is not CLASSES[WORD]:
            self.behind_number = root = len(units)
            for array_, value in ((parent, root), (depth, 0), (owner, 0)):
                array_.append(value)
            units.append("")
            grow(root, (i for i, key in enumerate(keys) if key[0] in NUMBER_UNITS and not is_number(key)))
        self.depth, self.owner = depth, owner
        return parent, units, ends

    def _settle(self, parent: array[int], units: list[str], ends: dict[int, int]) -> None:
        """Compute ``fail`` and the ropes of ``pops``, breadth first."""
        count, depth, classes = len(units), self.depth, self.classes
        self.fail = fail = array("I", bytes(array("I").itemsize * count))
        self.ropes: dict[int, Rope] = {}
        ropes, minded = self.ropes, self.minded
        firsts = {key[0] for key in self.keys}
        is_plain = not self.has_borders
        self.leaf_key = leaf_key = {
            node: key
            for node, key in ends.items()
            if node not in minded and (node + 1 == count or parent[node + 1] != node)
        }
        for v in sorted(range(1, count), key=depth.__getitem__):
            if v in ends:
                ropes[v] = (0, ends[v])
                if v not in minded:
                    continue
            u, unit = parent[v], units[v]
            if (
                is_plain and not fail[u] and unit not in firsts
            ):  # nothing goes on: it is the most frequent case
                if u in ropes:
                    ropes[v] = ropes[u]
                continue
            if not depth[v]:
                continue
            if not depth[u]:
                if v in minded:
                    self.blocked[v] = None, ROOT
                continue
            following = classes[unit] if self.has_borders else 0
            before = classes[units[u]] if self.has_borders else 0
            rope, z = self.settled(u, following)
            covered = depth[u] - depth[z]
            while (
                w := self.child(z, unit) if z != ROOT or not before else self.start(unit, before)
            ) == ROOT and z != ROOT:
                popped, target = self.settled(z, following)
                rope = _concat(rope, covered, popped)
                covered += depth[z] - depth[target]
                z = target
            if w in leaf_key:
                rope = _concat(rope, covered, ropes[w])
                w = ROOT
            if v in minded:
                self.blocked[v] = rope, w
                continue
            fail[v] = w
            if rope is not None:
                ropes[v] = rope

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

    def _stem(self, unit: str) -> tuple[str, int]:
        """What every key that begins with ``unit`` begins with, and the node where it ends: a walk takes it at once."""
        node = self.child(ROOT, unit)
        while node not in self.leaf_key and node not in self.branches and node not in self.ropes:
            node += 1
        return self.path(node), node

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
    """Finds the next place where a key may begin: by its first unit, by the first three if there are many first ones.

    ``quiet(text)`` is the hot test: true means that no key begins anywhere in ``text`` and no unit is a surrogate
    half, so a stream with nothing pending passes it on. It may be false without need.
    """

    __slots__ = ("_one", "_search", "_search_quiet")

    def __init__(self, begins: Iterable[str]) -> None:
        following: dict[str, tuple[set[str], set[str]]] = {}
        for begin in begins:
            seconds, thirds = following.setdefault(begin[0], (set(), set()))
            seconds.add(begin[1:2])
            thirds.add(begin[2:])
        # A few, or signs, which are rare: the first unit alone tells enough, and a class of units is found faster.
        if len(following) <= FEW or not any(first.isalnum() or first.isspace() for first in following):
            places = [_one_of(following)] if following else []
        else:
            places = _places(following)
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


def _places(following: Mapping[str, tuple[set[str], set[str]]]) -> list[str]:
    """Patterns for each first unit with one of its seconds and thirds behind it, or the end.

    First units with the same seconds share a pattern, since one class is found faster than alternatives.
    """
    alike: dict[frozenset[str], tuple[list[str], set[str]]] = {}
    for first, (seconds, thirds) in following.items():
        firsts, all_thirds = alike.setdefault(frozenset(seconds), ([], set()))
        firsts.append(first)
        all_thirds |= thirds
    return [
        _one_of(firsts) + _or_end(seconds, _or_end(thirds)) for seconds, (firsts, thirds) in alike.items()
    ]


def _or_end(units: Collection[str], rest: str = "") -> str:
    """A pattern for one of ``units`` with ``rest`` behind it, or the end; the empty unit stands for anything at all."""
    return "" if "" in units else f"(?:{_one_of(units)}{rest}|\\Z)"


def _one_of(units: Iterable[str]) -> str:
    return f"[{''.join(map(re.escape, sorted(units)))}]"
