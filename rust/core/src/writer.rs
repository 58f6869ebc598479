//! What leaves: literals in slices, and originals in place of keys.

use crate::automaton::Automaton;
use crate::ledger::Ledger;
use crate::walk::{Sink, across, signed};

/// Writes what stands in the held text and in `text`, matches replaced. Positions count from the start of
/// `text`; those of the held text are negative.
pub(crate) struct Writer<'a> {
    pub(crate) automaton: &'a Automaton,
    pub(crate) held: &'a [u8],
    pub(crate) text: &'a [u8],
    /// Up to where everything has been written.
    pub(crate) done: isize,
    pub(crate) out: &'a mut Vec<u8>,
    pub(crate) ledger: &'a mut Ledger,
}

impl Sink for Writer<'_> {
    fn put(&mut self, key: u32, begin: isize) {
        // Room for the rest of the text too: a long text is not moved again and again as `out` grows.
        self.out.reserve(self.held.len() + self.text.len() - self.done.max(0).unsigned_abs());
        self.copy(begin);
        let (original, end) = (self.automaton.original(key), begin + signed(self.automaton.key(key).len()));
        if self.ledger.replaces(key, begin, original, self.out) {
            self.out.extend_from_slice(original);
            self.done = end;
        } else {
            self.copy(end);
        }
    }
}

impl Writer<'_> {
    /// Copy the literals up to `end`.
    pub(crate) fn copy(&mut self, end: isize) {
        across(self.held, self.text, (self.done, end), |literals| self.out.extend_from_slice(literals));
        self.done = end;
    }
}
