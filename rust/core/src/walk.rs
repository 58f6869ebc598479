//! `Walk`: units through the trie. Plain text and JSON source both go through it.
//!
//! The state is a trie node, whose path is what is held back, and the classes of the unit before that path, which count
//! only where keys need borders. A walk writes nothing: it tells a [`Sink`] which keys leave and where they begin. Positions are
//! relative to what came, so the path begins at minus its depth. The cost of a walk does not depend on how much is held
//! back.
//!
//! The unit is the byte, or, where keys need borders, the code point: the one behind a key may change what leaves. How
//! long its spelling is in JSON source, its caller knows (`json_source.rs`).
//!
//! Plain text leaves in slices between the matches; a text without any is not copied at all.

use crate::automaton::{Automaton, ROOT};
use crate::ledger::Ledger;
use crate::writer::Writer;
use crate::{borders, surrogate};

/// What the matches of a walk are handed to.
pub(crate) trait Sink {
    /// A key that leaves, and where it begins.
    fn put(&mut self, key: u32, begin: isize);

    /// The path that begins at `begin` cannot grow, for a unit of these classes is next: hand over the keys inside its
    /// pops, fall back to `fail`.
    #[inline]
    fn fall(&mut self, automaton: &Automaton, node: u32, begin: isize, following: u8) -> (u32, isize) {
        let settled = automaton.settled(node, following);
        automaton.pops(settled, |(offset, key)| self.put(key, begin + signed(offset as usize)));
        let fail = settled.fail;
        (fail, begin + signed((automaton.depth(node) - automaton.depth(fail)) as usize))
    }
}

/// What a [`StreamBuffer::feed`](crate::StreamBuffer::feed) did with its text.
///
/// ```
/// use holdback_core::{Fed, Matcher};
///
/// let mut stream = Matcher::new([("<PERSON_1>", "Ada")])?.stream();
/// let mut out = Vec::new();
/// assert_eq!(stream.feed("Hi ", &mut out), Fed::Unchanged);
/// assert_eq!(stream.feed("<PERSON_1>", &mut out), Fed::Written);
/// assert_eq!(out, b"Ada"); // "Hi " was the caller's to send on
/// # Ok::<(), holdback_core::PatternError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Fed {
    /// The text leaves as it came: nothing was written to `out`.
    Unchanged,
    /// What may leave was appended to `out`.
    Written,
}

/// A node of the trie, and the classes of the unit before its path, which count only where keys need borders.
#[derive(Clone, Copy, Default)]
pub(crate) struct Walk {
    pub(crate) node: u32,
    pub(crate) before: u8,
}

impl Walk {
    /// Move over `text`; what leaves is appended to `out`.
    #[inline]
    pub(crate) fn advance(
        &mut self,
        automaton: &Automaton,
        text: &[u8],
        out: &mut Vec<u8>,
        ledger: &mut Ledger,
    ) -> Fed {
        let held = automaton.path(self.node);
        let mut writer = Writer { automaton, held, text, done: -signed(held.len()), out, ledger };
        let begin = self.pass(automaton, text, &mut writer);
        if held.is_empty() && writer.done == 0 && begin == signed(text.len()) {
            // No match (one would have moved `done`) and nothing held, before or after.
            return Fed::Unchanged;
        }
        writer.copy(begin);
        Fed::Written
    }

    /// Move over `text`, whose matches go to `sink`. Returns where what is held back then begins.
    #[inline]
    pub(crate) fn pass(&mut self, automaton: &Automaton, text: &[u8], sink: &mut impl Sink) -> isize {
        if automaton.has_borders() {
            self.pass_by::<true>(automaton, text, sink)
        } else {
            self.pass_by::<false>(automaton, text, sink)
        }
    }

    #[inline]
    fn pass_by<const MINDS: bool>(
        &mut self,
        automaton: &Automaton,
        text: &[u8],
        sink: &mut impl Sink,
    ) -> isize {
        let Self { mut node, mut before } = *self;
        let held = automaton.path(node);
        if MINDS && node != ROOT {
            before = borders::of_last(held); // the unit before `text`
        }
        let mut begin = -signed(held.len());
        let mut at = 0;
        loop {
            if node == ROOT {
                let Some(skipped) = automaton.starts().find(&text[at..]) else {
                    begin = signed(text.len());
                    break;
                };
                at += skipped;
                begin = signed(at);
            } else if at == text.len() {
                break;
            }
            let mut length = if MINDS { surrogate::first(&text[at..]).1 } else { 1 };
            let unit = &text[at..at + length];
            let child = match node {
                ROOT if MINDS => {
                    automaton.start(unit, if at == 0 { before } else { borders::of_last(&text[..at]) })
                }
                ROOT => automaton.begin(&text[at..]).map(|(node, taken)| {
                    length = taken;
                    node
                }),
                _ if MINDS => automaton.step(node, unit),
                _ => automaton.child(node, text[at]),
            };
            let Some(child) = child else {
                if MINDS && node == ROOT {
                    at += length; // a key may begin so, but not here
                } else {
                    let following = if MINDS { borders::of_first(unit) } else { 0 };
                    (node, begin) = sink.fall(automaton, node, begin, following);
                }
                continue;
            };
            at += length;
            if let Some(key) = automaton.leaf(child) {
                sink.put(key, begin);
                (node, begin) = (ROOT, signed(at));
            } else {
                node = child;
            }
        }
        if MINDS && !text.is_empty() {
            before = borders::of_last(text);
        }
        *self = Self { node, before };
        begin
    }

    /// Hand over the matches of a whole text: where each begins, and its key.
    pub(crate) fn find(automaton: &Automaton, text: &[u8], found: impl FnMut(usize, u32)) {
        let mut sink = Found(found);
        let mut walk = Self::default();
        let begin = walk.pass(automaton, text, &mut sink);
        walk.fall_to_root(automaton, begin, 0, &mut sink);
    }

    /// The text ends, or a unit of the classes `following` is next: settle the path, which begins at `begin`, down to
    /// the root. Returns where it ends.
    #[inline]
    pub(crate) fn fall_to_root(
        self,
        automaton: &Automaton,
        mut begin: isize,
        following: u8,
        sink: &mut impl Sink,
    ) -> isize {
        let mut node = self.node;
        while node != ROOT {
            (node, begin) = sink.fall(automaton, node, begin, following);
        }
        begin
    }

    /// What is held leaves: settle the path down to the root.
    pub(crate) fn settle(&mut self, automaton: &Automaton, out: &mut Vec<u8>, ledger: &mut Ledger) {
        let held = automaton.path(self.node);
        let begin = -signed(held.len());
        let mut writer = Writer { automaton, held, text: &[], done: begin, out, ledger };
        let end = self.fall_to_root(automaton, begin, 0, &mut writer);
        writer.copy(end);
        if !held.is_empty() {
            *self = Self { node: ROOT, before: borders::of_last(held) };
        }
    }
}

/// Calls a function with each match of a text that came whole.
struct Found<F>(F);

impl<F: FnMut(usize, u32)> Sink for Found<F> {
    #[inline]
    fn put(&mut self, key: u32, begin: isize) {
        (self.0)(begin.unsigned_abs(), key);
    }
}

/// Keeps the matches: where each begins, and its key.
impl Sink for Vec<(isize, u32)> {
    fn put(&mut self, key: u32, begin: isize) {
        self.push((begin, key));
    }
}

/// Visit what stands from `begin` to `end`: in `held`, which ends at 0, and in `text`, which begins there.
#[inline]
pub(crate) fn across<'a>(
    held: &'a [u8],
    text: &'a [u8],
    (begin, end): (isize, isize),
    mut visit: impl FnMut(&'a [u8]),
) {
    if begin < 0 {
        let (from, to) = (begin.unsigned_abs(), end.min(0).unsigned_abs());
        visit(&held[held.len() - from..held.len() - to]);
    }
    if end > 0 {
        visit(&text[begin.max(0).unsigned_abs()..end.unsigned_abs()]);
    }
}

pub(crate) fn signed(position: usize) -> isize {
    position.cast_signed()
}
