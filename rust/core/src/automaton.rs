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
//! Invariants: `pops(v)` covers exactly `depth(v) - depth(fail(v))` bytes. A leaf is never a resting state:
//! nothing can extend it, so its key leaves at once. Keys never overlap; an original is never read.
//!
//! Cost: building is O(total length of the keys) in time and space (after sorting them), feeding O(bytes),
//! starting a stream O(1).
//!
//! The unit is the byte. Keys are whole code points and UTF-8 is self-synchronising, so a match begins and
//! ends between code points, and leftmost-longest is the same over bytes as over code points.
//!
//! Layout. Nodes are numbered breadth first, so the children of `v` are the consecutive nodes from
//! `nodes[v].children` up to `nodes[v + 1].children`, ascending by the byte that leads to them. Literals are
//! not stored, only the keys inside pops, each at its offset in the path: a [`Rope`] is a tree of keys that
//! shares its parts, which keeps the whole linear where written-out lists would be quadratic.

use crate::pattern::Patterns;
use crate::scan::{RARE, Scanner, Wire};

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

/// A key inside a path: where it begins, in bytes from the start of the path, and its id.
pub(crate) type Match = (u32, u32);

/// The compiled key set: immutable, shared by every stream over it.
pub(crate) struct Automaton {
    nodes: Vec<Node>,
    /// The byte that leads to each node.
    labels: Vec<u8>,
    ropes: Vec<Rope>,
    concats: Vec<Concat>,
    keys: Vec<Box<[u8]>>,
    originals: Vec<Box<[u8]>>,
    longest: usize,
    starts: Starts,
}

impl Automaton {
    pub(crate) fn new(patterns: Patterns) -> Self {
        let Patterns { keys, originals } = patterns;
        let mut automaton = Self {
            nodes: Vec::new(),
            labels: Vec::new(),
            ropes: Vec::new(),
            concats: Vec::new(),
            longest: keys.iter().map(|key| code_points(key)).max().unwrap_or(0),
            starts: Starts::new(&keys),
            keys: Vec::new(),
            originals,
        };
        automaton.build(&keys);
        automaton.keys = keys;
        automaton
    }

    /// Grow the trie breadth first from the sorted keys, settling each node as it is made: its parent, its
    /// parent's fail and every node that the fail walk meets are shallower, so they are complete already.
    fn build(&mut self, keys: &[Box<[u8]>]) {
        let size = trie_size(keys);
        // The keys that run through each node, as a range.
        let mut spans = Vec::with_capacity(size);
        spans.push((0, keys.len()));
        self.nodes.reserve_exact(size + 1); // and the end of the last one's children
        self.labels.reserve_exact(size);
        self.nodes.push(Node { children: 1, fail: ROOT, depth: 0, owner: 0, rope: NONE, leaf: NONE });
        self.labels.push(0);
        let mut parent = 0;
        while parent < self.nodes.len() {
            let depth = self.nodes[parent].depth;
            let at = depth as usize;
            let (mut start, end) = spans[parent];
            self.nodes[parent].children = length(self.nodes.len());
            if start < end && keys[start].len() == at {
                start += 1; // the key that ends here
            }
            while start < end {
                let label = keys[start][at];
                let same = keys[start..end].partition_point(|key| key[at] == label);
                let ends_key = keys[start].len() == at + 1;
                let owner = length(start);
                let node =
                    Node { children: NONE, fail: ROOT, depth: depth + 1, owner, rope: NONE, leaf: NONE };
                self.nodes.push(node);
                self.labels.push(label);
                spans.push((start, start + same));
                self.settle(
                    length(parent),
                    length(self.nodes.len() - 1),
                    ends_key.then_some(owner),
                    same == 1,
                );
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

    /// Compute `fail` and the rope of `pops` for the new node `v` under `u`.
    fn settle(&mut self, u: u32, v: u32, key: Option<u32>, alone: bool) {
        if let Some(key) = key {
            self.nodes[v as usize].rope = self.new_rope(Rope { offset: 0, tree: IS_KEY | key });
            if alone {
                self.nodes[v as usize].leaf = key;
            }
            return;
        }
        if u == ROOT {
            return; // one literal
        }
        let label = self.labels[v as usize];
        let mut rope = self.nodes[u as usize].rope;
        let mut z = self.fail(u);
        let mut covered = self.depth(u) - self.depth(z);
        let found = loop {
            if let Some(child) = self.child(z, label) {
                break child;
            }
            if z == ROOT {
                break ROOT;
            }
            rope = self.concat(rope, covered, self.nodes[z as usize].rope);
            covered += self.depth(z) - self.depth(self.fail(z));
            z = self.fail(z);
        };
        if self.nodes[found as usize].leaf == NONE {
            self.nodes[v as usize].fail = found;
        } else {
            rope = self.concat(rope, covered, self.nodes[found as usize].rope);
        }
        self.nodes[v as usize].rope = rope;
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

    #[inline]
    pub(crate) fn fail(&self, node: u32) -> u32 {
        self.nodes[node as usize].fail
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

    /// Visit the keys inside `pops(node)`, in order.
    #[inline]
    pub(crate) fn pops(&self, node: u32, mut visit: impl FnMut(Match)) {
        let rope = self.nodes[node as usize].rope;
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
            node => &self.keys[node.owner as usize][..node.depth as usize],
        }
    }

    /// The text of a key.
    pub(crate) fn key(&self, key: u32) -> &[u8] {
        &self.keys[key as usize]
    }

    pub(crate) fn original(&self, key: u32) -> &[u8] {
        &self.originals[key as usize]
    }

    /// How many keys there are.
    pub(crate) fn len(&self) -> usize {
        self.originals.len()
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

/// How many nodes the trie of these sorted keys has: memory that is asked for once need not be copied to grow.
fn trie_size(keys: &[Box<[u8]>]) -> usize {
    let shared =
        |pair: &[Box<[u8]>]| pair[0].iter().zip(&*pair[1]).take_while(|(one, other)| one == other).count();
    let total: usize = keys.iter().map(|key| key.len()).sum();
    1 + total - keys.windows(2).map(shared).sum::<usize>()
}

fn code_points(text: &[u8]) -> usize {
    text.iter().filter(|&&byte| byte & 0xC0 != 0x80).count()
}

/// A length inside the key set. `Patterns` has checked that all of them fit.
fn length(value: usize) -> u32 {
    u32::try_from(value).expect("the key set is smaller than 4 GiB")
}
