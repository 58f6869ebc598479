//! The matcher: a trie with failure pops, so that a pushed stream is restored in linear time.
//!
//! The method is `LinMaxMatch` (Song et al., *Fast WordPiece Tokenization*, EMNLP 2021), carried over from
//! vocabulary lookup to leftmost-longest replacement.
//!
//! The idea. A state is a trie node `v`, and the path from the root to `v` *is* the text held back. When
//! the next byte has no child under `v`, the path can no longer grow, and some of it is settled:
//!
//! - `pops(v)`: what the settled front of the path is: literal bytes and whole keys, in order;
//! - `fail(v)`: the node whose path is the rest, where matching goes on with the same byte.
//!
//! Both are computed once, breadth first. A path that ends a key is settled entirely: `pops = [key]`,
//! `fail = root`. Any other `v`, child of `u` by `c`, settles what `u` would and then lets `c` walk from
//! `fail(u)`, collecting further pops until some node has a child by `c` (that child is `fail(v)`) or the
//! root has none (`c` is a literal).
//!
//! Borders (`borders.rs`). A key that needs a border behind it has two settlements: followed by a unit of a class that
//! it minds, `v` is settled as if no key ended there, else the key is popped. Every other node has one, because the
//! unit that follows an inner prefix of its path is known when the trie is built. Such a key never leaves at once: its
//! node rests until the next unit or the end. Before a key the root minds the class of the unit in front of it, which
//! a walk remembers and the build reads off the path. Behind a word character no key begins that begins with one.
//! Behind a number's character all keys begin but those that are numbers: they are in a second trie, `behind_number`.
//!
//! Invariants: `pops(v)` covers exactly `depth(v) - depth(fail(v))` bytes. A leaf is never a resting state:
//! nothing can extend it, so its key leaves at once. Keys never overlap; an original is never read.
//!
//! Cost: building is O(total length of the keys) in time and space (after sorting them), feeding O(bytes),
//! starting a stream O(1).
//!
//! The unit is the byte, or, where keys need borders, the code point: then the nodes inside a character are passed in
//! one step and never settled. Keys are whole code points and UTF-8 is self-synchronising, so a match begins and
//! ends between code points, and leftmost-longest is the same over bytes as over code points.
//!
//! Layout. Nodes are numbered breadth first, so the children of `v` are the consecutive nodes from
//! `nodes[v].children` up to `nodes[v + 1].children`, ascending by the byte that leads to them. Literals are
//! not stored, only the keys inside pops, each at its offset in the path: a [`Rope`] is a tree of keys that
//! shares its parts, which keeps the whole linear where written-out lists would be quadratic.

use std::sync::{Arc, OnceLock};

use crate::borders::{self, NUMBER, WORD};
use crate::pattern::Patterns;
use crate::scan::{RARE, Scanner, Wire};
use crate::surrogate;

pub(crate) const ROOT: u32 = 0;
const NONE: u32 = u32::MAX;
/// A [`Tree`] with this bit is a single key, the rest of the bits its id; without, an index into `concats`.
const IS_KEY: u32 = 1 << 31;

type Tree = u32;

#[derive(Clone, Copy)]
struct Rope {
    /// Where in the path the first key begins.
    offset: u32,
    tree: Tree,
}

#[derive(Clone, Copy)]
struct Concat {
    left: Tree,
    /// How far to the right of `left` the first key of `right` begins.
    shift: u32,
    right: Tree,
}

struct Node {
    /// The first child; the last one stands before the next node's first.
    children: u32,
    fail: u32,
    depth: u32,
    /// A key that runs through this node: its text gives the path.
    owner: u32,
    /// Index into `ropes`: the keys inside `pops`; `NONE` if all of it is literal.
    rope: u32,
    /// The key that ends here, if nothing can extend it.
    leaf: u32,
}

/// How a node is settled that rests at a key, if the next unit is of a class that the key minds.
struct Blocked {
    minded: u8,
    fail: u32,
    rope: u32,
}

/// What leaves and where matching goes on: a rope's index, or `NONE`, and a node.
#[derive(Clone, Copy)]
pub(crate) struct Settlement {
    rope: u32,
    pub(crate) fail: u32,
}

/// A key inside a path: where it begins, in bytes from the start of the path, and its id.
pub(crate) type Match = (u32, u32);

/// The compiled key set: immutable, shared by every stream over it.
pub(crate) struct Automaton {
    nodes: Vec<Node>,
    /// The byte that leads to each node.
    labels: Vec<u8>,
    ropes: Vec<Rope>,
    concats: Vec<Concat>,
    patterns: Arc<Patterns>,
    longest: usize,
    starts: Arc<Starts>,
    words: bool,
    /// The classes of units that any key minds.
    minded: u8,
    /// For each node an index into `blocked`, or `NONE`; empty if no key needs a border.
    resting: Vec<u32>,
    blocked: Vec<Blocked>,
    /// The root of the keys that begin behind a number's character, or `ROOT` if those are all.
    behind_number: u32,
    /// The automaton for JSON source outside strings; None if it is this one.
    outside: Option<OnceLock<Box<Automaton>>>,
}

impl Automaton {
    /// With `words` keys match whole words.
    pub(crate) fn new(patterns: Patterns, words: bool) -> Self {
        let starts = Arc::new(Starts::new(&patterns.keys));
        let numbers = patterns.keys.iter().any(|key| borders::is_number(key));
        let outside = numbers.then(OnceLock::new);
        Self::with(Arc::new(patterns), starts, words, 0, outside)
    }

    fn with(
        patterns: Arc<Patterns>,
        starts: Arc<Starts>,
        words: bool,
        numbers: u8,
        outside: Option<OnceLock<Box<Self>>>,
    ) -> Self {
        let longest = patterns.keys.iter().map(|key| code_points(key)).max().unwrap_or(0);
        let mut automaton = Self {
            nodes: Vec::new(),
            labels: Vec::new(),
            ropes: Vec::new(),
            concats: Vec::new(),
            patterns,
            longest,
            starts,
            words,
            minded: 0,
            resting: Vec::new(),
            blocked: Vec::new(),
            behind_number: ROOT,
            outside,
        };
        let classes = numbers | if words { WORD } else { 0 };
        let keys = &automaton.patterns.keys;
        let needs_border =
            |key: &[u8]| minds(key, classes) != 0 || classes & WORD & borders::of_first(key) != 0;
        if classes != 0 && keys.iter().any(|key| needs_border(key)) {
            automaton.minded = classes;
        }
        automaton.build();
        automaton
    }

    /// The automaton for JSON source outside strings, where numbers are whole. Compiled when it is first asked for.
    pub(crate) fn outside(&self) -> &Self {
        let Some(outside) = &self.outside else { return self };
        outside.get_or_init(|| {
            let (patterns, starts) = (Arc::clone(&self.patterns), Arc::clone(&self.starts));
            Box::new(Self::with(patterns, starts, self.words, NUMBER, None))
        })
    }

    /// Whether any key needs a border, so that the unit before it counts.
    #[inline]
    pub(crate) fn has_borders(&self) -> bool {
        self.minded != 0
    }

    /// Grow the trie breadth first from the sorted keys, settling each node as it is made: its parent, its
    /// parent's fail and every node that the fail walk meets are shallower, so they are complete already.
    fn build(&mut self) {
        let patterns = Arc::clone(&self.patterns);
        let keys = &patterns.keys;
        let mut ids: Vec<u32> = (0..length(keys.len())).collect();
        let mut size = trie_size(keys, &ids);
        // The keys that run through each node, as a range of `ids`.
        let mut spans = vec![(0, ids.len())];
        if self.minded & NUMBER != 0 {
            let begins = |key: &[u8]| borders::is_number_unit(key[0]) && !borders::is_number(key);
            let behind: Vec<u32> = ids.iter().copied().filter(|&id| begins(&keys[id as usize])).collect();
            size += trie_size(keys, &behind);
            spans.push((ids.len(), ids.len() + behind.len()));
            ids.extend(behind);
            self.behind_number = 1;
        }
        spans.reserve(size);
        // Where borders count: the node at which the character ends that comes before the one a node is in.
        let mut before: Vec<u32> = (0..length(spans.len())).filter(|_| self.has_borders()).collect();
        self.nodes.reserve_exact(size + 1); // and the end of the last one's children
        self.labels.reserve_exact(size);
        for _ in &spans {
            self.nodes.push(Node { children: NONE, fail: ROOT, depth: 0, owner: 0, rope: NONE, leaf: NONE });
            self.labels.push(0);
        }
        if self.has_borders() {
            self.resting.resize(size, NONE);
        }
        let mut parent = 0;
        while parent < self.nodes.len() {
            let depth = self.nodes[parent].depth;
            let at = depth as usize;
            let (mut start, end) = spans[parent];
            self.nodes[parent].children = length(self.nodes.len());
            if start < end && keys[ids[start] as usize].len() == at {
                start += 1; // the key that ends here
            }
            while start < end {
                let owner = ids[start];
                let key = &keys[owner as usize];
                let label = key[at];
                let same = ids[start..end].partition_point(|&id| keys[id as usize][at] == label);
                let node = length(self.nodes.len());
                self.nodes.push(Node {
                    children: NONE,
                    fail: ROOT,
                    depth: depth + 1,
                    owner,
                    rope: NONE,
                    leaf: NONE,
                });
                self.labels.push(label);
                spans.push((start, start + same));
                let ends = (key.len() == at + 1).then_some(owner);
                if self.has_borders() {
                    let inside = before[parent];
                    let begin = self.depth(inside) as usize;
                    let is_inside = parent != inside as usize && at < begin + surrogate::length(key[begin]);
                    let u = if is_inside { inside } else { length(parent) };
                    before.push(u);
                    let begin = self.depth(u) as usize;
                    if at + 1 == begin + surrogate::length(key[begin]) {
                        self.settle(u, node, ends, same == 1);
                    }
                } else {
                    self.settle(length(parent), node, ends, same == 1);
                }
                start += same;
            }
            parent += 1;
        }
        debug_assert_eq!(size, self.nodes.len());
        // The end of the last node's children.
        let end = length(self.nodes.len());
        self.nodes.push(Node { children: end, fail: ROOT, depth: 0, owner: 0, rope: NONE, leaf: NONE });
        self.ropes.shrink_to_fit();
        self.concats.shrink_to_fit();
    }

    /// Compute `fail` and the rope of `pops` for the new node `v`, which is one unit below `u`.
    fn settle(&mut self, u: u32, v: u32, key: Option<u32>, alone: bool) {
        let Some(key) = key else {
            let Settlement { rope, fail } = self.settled_without_key(u, v);
            self.nodes[v as usize].rope = rope;
            self.nodes[v as usize].fail = fail;
            return;
        };
        self.nodes[v as usize].rope = self.new_rope(Rope { offset: 0, tree: IS_KEY | key });
        let minded = minds(self.key(key), self.minded);
        if minded != 0 {
            let Settlement { rope, fail } = self.settled_without_key(u, v);
            self.resting[v as usize] = length(self.blocked.len());
            self.blocked.push(Blocked { minded, fail, rope });
        } else if alone {
            self.nodes[v as usize].leaf = key;
        }
    }

    /// How `v` is settled if no key ends there.
    fn settled_without_key(&mut self, u: u32, v: u32) -> Settlement {
        if self.depth(u) == 0 {
            return Settlement { rope: NONE, fail: ROOT }; // one literal
        }
        let patterns = Arc::clone(&self.patterns);
        let path = &patterns.keys[self.nodes[v as usize].owner as usize][..self.depth(v) as usize];
        let (above, unit) = path.split_at(self.depth(u) as usize);
        let (before, following) = if self.has_borders() {
            (borders::of_last(above) & self.minded, borders::of_first(unit) & self.minded)
        } else {
            (0, 0)
        };
        let Settlement { mut rope, fail: mut z } = self.settled(u, following);
        let mut covered = self.depth(u) - self.depth(z);
        let found = loop {
            let child = if z == ROOT { self.start(unit, before) } else { self.step(z, unit) };
            if let Some(child) = child {
                break child;
            }
            if z == ROOT {
                break ROOT;
            }
            let popped = self.settled(z, following);
            rope = self.concat(rope, covered, popped.rope);
            covered += self.depth(z) - self.depth(popped.fail);
            z = popped.fail;
        };
        if self.nodes[found as usize].leaf == NONE {
            return Settlement { rope, fail: found };
        }
        Settlement { rope: self.concat(rope, covered, self.nodes[found as usize].rope), fail: ROOT }
    }

    /// How the path to `node` is settled if a unit of the classes `following` is next; no classes at the end.
    #[inline]
    pub(crate) fn settled(&self, node: u32, following: u8) -> Settlement {
        if following != 0
            && let Some(&index) = self.resting.get(node as usize)
            && let Some(blocked) = self.blocked.get(index as usize)
            && blocked.minded & following != 0
        {
            return Settlement { rope: blocked.rope, fail: blocked.fail };
        }
        let Node { rope, fail, .. } = self.nodes[node as usize];
        Settlement { rope, fail }
    }

    /// The node one unit below `node`.
    #[inline]
    pub(crate) fn step(&self, node: u32, unit: &[u8]) -> Option<u32> {
        unit.iter().try_fold(node, |node, &byte| self.child(node, byte))
    }

    /// The node of a key that begins with `unit`, behind a unit of the classes `before`.
    #[inline]
    pub(crate) fn start(&self, unit: &[u8], before: u8) -> Option<u32> {
        let both = if before == 0 { 0 } else { before & self.minded & borders::of_first(unit) };
        if both & WORD != 0 {
            return None;
        }
        self.step(if both & NUMBER == 0 { ROOT } else { self.behind_number }, unit)
    }

    /// The node whose path this is; `ROOT` if there is none.
    pub(crate) fn node_of(&self, path: &[u8]) -> u32 {
        self.step(ROOT, path).unwrap_or(ROOT)
    }

    fn new_rope(&mut self, rope: Rope) -> u32 {
        self.ropes.push(rope);
        length(self.ropes.len() - 1)
    }

    /// The rope `left` followed by the rope `right`, whose path begins `shift` bytes after that of `left`.
    fn concat(&mut self, left: u32, shift: u32, right: u32) -> u32 {
        if right == NONE {
            return left;
        }
        let Rope { offset, tree } = self.ropes[right as usize];
        if left == NONE {
            return self.new_rope(Rope { offset: shift + offset, tree });
        }
        let first = self.ropes[left as usize];
        self.concats.push(Concat { left: first.tree, shift: shift + offset - first.offset, right: tree });
        self.new_rope(Rope { offset: first.offset, tree: length(self.concats.len() - 1) })
    }

    /// The child of `node` by `byte`.
    #[inline]
    pub(crate) fn child(&self, node: u32, byte: u8) -> Option<u32> {
        let first = self.nodes[node as usize].children;
        // While building, the nodes after the newest parent have no children yet, nor does anyone ask.
        let end = self.nodes.get(node as usize + 1).map_or(NONE, |next| next.children);
        let end = (end as usize).min(self.labels.len());
        let labels = &self.labels[first as usize..end];
        let index = match labels {
            [] => return None,
            [only] => (*only == byte).then_some(0)?,
            _ => memchr::memchr(byte, labels)?,
        };
        Some(first + length(index))
    }

    /// The length of the path to `node`, in bytes.
    #[inline]
    pub(crate) fn depth(&self, node: u32) -> u32 {
        self.nodes[node as usize].depth
    }

    /// The key that ends at `node`, if nothing can extend it.
    #[inline]
    pub(crate) fn leaf(&self, node: u32) -> Option<u32> {
        let key = self.nodes[node as usize].leaf;
        (key != NONE).then_some(key)
    }

    /// Visit the keys that leave with a settlement, in order.
    #[inline]
    pub(crate) fn pops(&self, Settlement { rope, .. }: Settlement, mut visit: impl FnMut(Match)) {
        if rope == NONE {
            return;
        }
        let Rope { mut offset, mut tree } = self.ropes[rope as usize];
        let mut later = Vec::new();
        loop {
            while tree & IS_KEY == 0 {
                let Concat { left, shift, right } = self.concats[tree as usize];
                later.push((offset + shift, right));
                tree = left;
            }
            visit((offset, tree & !IS_KEY));
            match later.pop() {
                Some(next) => (offset, tree) = next,
                None => return,
            }
        }
    }

    /// The text that leads from the root to `node`.
    #[inline]
    pub(crate) fn path(&self, node: u32) -> &[u8] {
        match &self.nodes[node as usize] {
            Node { depth: 0, .. } => &[],
            node => &self.patterns.keys[node.owner as usize][..node.depth as usize],
        }
    }

    /// The text of a key.
    pub(crate) fn key(&self, key: u32) -> &[u8] {
        &self.patterns.keys[key as usize]
    }

    pub(crate) fn original(&self, key: u32) -> &[u8] {
        &self.patterns.originals[key as usize]
    }

    /// How many keys there are.
    pub(crate) fn len(&self) -> usize {
        self.patterns.keys.len()
    }

    /// The longest key, in code points.
    pub(crate) fn longest(&self) -> usize {
        self.longest
    }

    pub(crate) fn starts(&self) -> &Starts {
        &self.starts
    }
}

/// Finds the next place where a key may begin.
pub(crate) struct Starts {
    plain: Places,
    json: Places,
    wire: Places,
    scanner: Scanner,
}

impl Starts {
    fn new(keys: &[Box<[u8]>]) -> Self {
        let begins: Vec<&[u8]> = keys.iter().map(|key| &key[..key.len().min(2)]).collect();
        let firsts: Vec<&[u8]> = keys.iter().map(|key| &key[..1]).collect();
        // In JSON source a quote or a backslash always matters, and behind a first byte the next may be escaped.
        let escaped: Vec<[u8; 2]> = firsts.iter().map(|first| [first[0], b'\\']).collect();
        let json =
            begins.iter().copied().chain(escaped.iter().map(<[u8; 2]>::as_slice)).chain([&b"\""[..], b"\\"]);
        Self {
            plain: Places::new(begins.iter().copied()),
            json: Places::new(json),
            wire: Places::new(firsts.iter().copied()),
            scanner: Scanner::new(&firsts.concat()),
        }
    }

    /// The next place in a text where a key may begin.
    #[inline]
    pub(crate) fn find(&self, text: &[u8]) -> Option<usize> {
        self.plain.find(text)
    }

    /// The next place in JSON source where a key, an escape or a border of a string may begin.
    #[inline]
    pub(crate) fn find_json(&self, text: &[u8]) -> Option<usize> {
        self.json.find(text)
    }

    /// How far `data[start..]` can go out unread.
    pub(crate) fn quiet_run(&self, data: &[u8], start: usize, wire: Wire) -> usize {
        let quiet = &data[start..];
        // The usual case in one search: one first byte, and none of the rare ones that the scanner begins with.
        if let Places::One(first) = self.wire
            && memchr::memchr3(first, RARE[0], RARE[1], quiet).is_none()
        {
            return self.scanner.quiet_run(data, start, wire, false);
        }
        let end = self.wire.find(quiet).map_or(data.len(), |found| start + found);
        self.scanner.quiet_run(&data[..end], start, wire, true)
    }
}

/// Finds what begins with one of some bytes, or of some pairs of bytes.
enum Places {
    Never,
    One(u8),
    Two(u8, u8),
    Three(u8, u8, u8),
    /// Up to six bytes that are rare in text, as three and three, of which one may come twice.
    Rare([u8; 3], [u8; 3]),
    /// For each first byte the set of bytes that may follow it; empty for all others.
    Many(Box<[[u64; 4]; 256]>),
}

impl Places {
    /// `begins`: one or two bytes each. Up to three different first bytes are found by themselves.
    fn new<'a>(begins: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut follow = Box::new([[0; 4]; 256]);
        for begin in begins {
            let set = &mut follow[usize::from(begin[0])];
            match begin.get(1) {
                Some(second) => set[usize::from(second >> 6)] |= 1 << (second & 63),
                None => *set = [u64::MAX; 4],
            }
        }
        let firsts: Vec<u8> = (0..=u8::MAX).filter(|first| follow[usize::from(*first)] != [0; 4]).collect();
        match *firsts {
            [] => Self::Never,
            [a] => Self::One(a),
            [a, b] => Self::Two(a, b),
            [a, b, c] => Self::Three(a, b, c),
            [a, b, c, d, ref others @ ..]
                if others.len() <= 2 && firsts.iter().all(|&first| is_rare(first)) =>
            {
                let e = others.first().copied().unwrap_or(d);
                Self::Rare([a, b, c], [d, e, others.last().copied().unwrap_or(e)])
            }
            _ => Self::Many(follow),
        }
    }

    #[inline]
    fn find(&self, text: &[u8]) -> Option<usize> {
        match self {
            Self::Never => None,
            Self::One(a) => memchr::memchr(*a, text),
            Self::Two(a, b) => memchr::memchr2(*a, *b, text),
            Self::Three(a, b, c) => memchr::memchr3(*a, *b, *c, text),
            Self::Rare([a, b, c], [d, e, f]) => {
                // Block by block, so that what one search found is not searched by the other again and again.
                text.chunks(BLOCK).enumerate().find_map(|(number, block)| {
                    let one = memchr::memchr3(*a, *b, *c, block);
                    let other = memchr::memchr3(*d, *e, *f, &block[..one.unwrap_or(block.len())]);
                    other.or(one).map(|found| number * BLOCK + found)
                })
            }
            Self::Many(follow) => {
                let (last, others) = text.split_last()?;
                let follows = |first: u8, second: u8| {
                    follow[usize::from(first)][usize::from(second >> 6)] >> (second & 63) & 1 == 1
                };
                others
                    .iter()
                    .zip(&text[1..])
                    .position(|(&first, &second)| follows(first, second))
                    .or_else(|| (follow[usize::from(*last)] != [0; 4]).then_some(others.len()))
            }
        }
    }
}

const BLOCK: usize = 256;

/// Whether a byte is a sign, or begins one of full width.
fn is_rare(byte: u8) -> bool {
    byte.is_ascii_punctuation() || byte == 0xEF
}

/// The classes of units that may not follow `key`, of those that count.
fn minds(key: &[u8], classes: u8) -> u8 {
    let number = if borders::is_number(key) { NUMBER } else { 0 };
    classes & (number | borders::of_last(key) & WORD)
}

/// How many nodes the trie of these sorted keys has: memory that is asked for once need not be copied to grow.
fn trie_size(keys: &[Box<[u8]>], ids: &[u32]) -> usize {
    let key = |id: u32| &*keys[id as usize];
    let shared =
        |pair: &[u32]| key(pair[0]).iter().zip(key(pair[1])).take_while(|(one, other)| one == other).count();
    let total: usize = ids.iter().map(|&id| key(id).len()).sum();
    1 + total - ids.windows(2).map(shared).sum::<usize>()
}

fn code_points(text: &[u8]) -> usize {
    text.iter().filter(|&&byte| byte & 0xC0 != 0x80).count()
}

/// A length inside the key set. `Patterns` has checked that all of them fit.
fn length(value: usize) -> u32 {
    u32::try_from(value).expect("the key set is smaller than 4 GiB")
}
