//! `Walk`: plain text through the trie.
//!
//! The state is a trie node: the text held back is the path to it, and the trie knows that text. Positions
//! inside one `feed` are relative to what came, so the held path begins at `-depth`. Literals are copied in
//! slices between the matches; a text without any is not copied at all. The cost of a feed does not depend on
//! how much is held back.
//!
//! The unit is the byte, or, where keys need borders, the code point: the one behind a key may change what leaves.
//! Source of JSON has a walk of its own (`json_source.rs`): its units have a spelling of another length, and they
//! decide what they stand in.

use crate::automaton::{Automaton, ROOT};
use crate::ledger::Ledger;
use crate::writer::Writer;
use crate::{borders, surrogate};

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
        if automaton.has_borders() {
            self.advance_by::<true>(automaton, text, out, ledger)
        } else {
            self.advance_by::<false>(automaton, text, out, ledger)
        }
    }

    #[inline]
    fn advance_by<const MINDS: bool>(
        &mut self,
        automaton: &Automaton,
        text: &[u8],
        out: &mut Vec<u8>,
        ledger: &mut Ledger,
    ) -> Fed {
        let Self { mut node, mut before } = *self;
        let held = automaton.path(node);
        if MINDS && node != ROOT {
            before = borders::of_last(held); // the unit before `text`
        }
        let mut begin = -signed(held.len());
        let mut writer = Writer { automaton, held, text, done: begin, out, ledger };
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
            let length = if MINDS { surrogate::first(&text[at..]).1 } else { 1 };
            let unit = &text[at..at + length];
            let child = match node {
                ROOT if MINDS => {
                    automaton.start(unit, if at == 0 { before } else { borders::of_last(&text[..at]) })
                }
                ROOT => automaton.root_child(text[at]),
                _ if MINDS => automaton.step(node, unit),
                _ => automaton.child(node, text[at]),
            };
            let Some(child) = child else {
                if MINDS && node == ROOT {
                    at += length; // a key may begin so, but not here
                } else {
                    (node, begin) = writer.fall(node, begin, if MINDS { borders::of_first(unit) } else { 0 });
                }
                continue;
            };
            at += length;
            if let Some(key) = automaton.leaf(child) {
                writer.put(key, begin);
                (node, begin) = (ROOT, signed(at));
            } else {
                node = child;
            }
        }
        if MINDS && !text.is_empty() {
            before = borders::of_last(text);
        }
        *self = Self { node, before };
        if held.is_empty() && writer.done == 0 && begin == signed(text.len()) {
            // No match (one would have moved `done`) and nothing held, before or after.
            return Fed::Unchanged;
        }
        writer.copy(begin);
        Fed::Written
    }

    /// What is held leaves: settle the path down to the root.
    pub(crate) fn settle(&mut self, automaton: &Automaton, out: &mut Vec<u8>, ledger: &mut Ledger) {
        let mut node = self.node;
        let held = automaton.path(node);
        if !held.is_empty() {
            *self = Self { node: ROOT, before: borders::of_last(held) };
        }
        let mut begin = -signed(held.len());
        let mut writer = Writer { automaton, held, text: &[], done: begin, out, ledger };
        while node != ROOT {
            (node, begin) = writer.fall(node, begin, 0);
        }
        writer.copy(begin);
    }
}

pub(crate) fn signed(position: usize) -> isize {
    position.cast_signed()
}
