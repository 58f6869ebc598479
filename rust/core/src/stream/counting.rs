//! What a stream counts, and shows of itself.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::{Mode, StreamBuffer};
use crate::forms::Forms;
use crate::guard::Guard;

impl StreamBuffer {
    /// How often which key was replaced since this was asked last, by the places of the keys in their order.
    pub fn take_counts(&mut self) -> BTreeMap<u32, u64> {
        self.ledger.take_counts()
    }

    /// Tell this guard from here on what leaves, and ask it at each match.
    pub fn guard_by(&mut self, guard: Guard) {
        self.ledger.guard_by(guard);
    }

    /// Count from here on what has one of these forms and is no key, of text that comes. The forms are those of the
    /// matcher's keys. JSON source is read with its escapes undone, as far as it is a document.
    pub fn look_for(&mut self, forms: Arc<Forms>) {
        self.ledger.look_for(forms, self.channel.edges().mode == Mode::Json);
    }

    /// What was counted of such text since this was asked last, by the numbers of the names.
    pub fn take_unknown(&mut self) -> BTreeMap<u32, u64> {
        self.ledger.take_unknown()
    }
}

impl fmt::Debug for StreamBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pending = self.held().len() + self.high().len();
        f.debug_struct("StreamBuffer").field("pending_bytes", &pending).finish_non_exhaustive()
    }
}
