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
use crate::starts::Starts;

mod build;

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
    /// The child of the root by each byte, or `NONE`.
    roots: Box<[u32; 256]>,
    /// What most keys that begin with each byte begin with: the node where that ends, or `NONE`.
    stems: Box<[u32; 256]>,
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
            roots: Box::new([NONE; 256]),
            stems: Box::new([NONE; 256]),
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

    /// Whether any key needs a border anywhere: here or outside strings.
    pub(crate) fn may_need_borders(&self) -> bool {
        self.minded != 0 || self.outside.is_some()
    }

    /// Whether any key needs a border, so that the unit before it counts.
    #[inline]
    pub(crate) fn has_borders(&self) -> bool {
        self.minded != 0
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

    /// Whether any key begins with this byte.
    #[inline]
    pub(crate) fn may_begin(&self, byte: u8) -> bool {
        self.roots[usize::from(byte)] != NONE
    }

    /// The node whose path this is; `ROOT` if there is none.
    pub(crate) fn node_of(&self, path: &[u8]) -> u32 {
        self.step(ROOT, path).unwrap_or(ROOT)
    }

    /// The node that is reached from the root by the beginning of `text`, by what most such keys begin with if that
    /// stands there, else by its first byte; and the length of that beginning.
    #[expect(clippy::inline_always, reason = "a call costs as much, and plain text asks it for each match")]
    #[inline(always)]
    pub(crate) fn begin(&self, text: &[u8]) -> Option<(u32, usize)> {
        let first = usize::from(text[0]);
        let (child, stem) = (self.roots[first], self.stems[first]);
        if child == stem {
            return (child != NONE).then_some((child, 1));
        }
        let path = self.path(stem);
        Some(if text.starts_with(path) { (stem, path.len()) } else { (child, 1) })
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
            [least, ..] => {
                // Labels ascend, and those of digits follow one another: the distance from the first is often the place.
                let likely = usize::from(byte.wrapping_sub(*least));
                if labels.get(likely) == Some(&byte) { likely } else { memchr::memchr(byte, labels)? }
            }
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

/// The classes of units that may not follow `key`, of those that count.
fn minds(key: &[u8], classes: u8) -> u8 {
    let number = if borders::is_number(key) { NUMBER } else { 0 };
    classes & (number | borders::of_last(key) & WORD)
}

fn code_points(text: &[u8]) -> usize {
    text.iter().filter(|&&byte| byte & 0xC0 != 0x80).count()
}

/// A length inside the key set. `Patterns` has checked that all of them fit.
fn length(value: usize) -> u32 {
    u32::try_from(value).expect("the key set is smaller than 4 GiB")
}
