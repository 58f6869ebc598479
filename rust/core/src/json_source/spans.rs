//! How long the units of the path are in the source.

use std::collections::VecDeque;

/// A queue of the raw lengths of units.
#[derive(Clone, Default)]
pub(super) struct Spans(VecDeque<Span>);

/// How many bytes of the path, and how many of the source: one unit, or, where both are the same, any number of units
/// that are spelled as they are.
#[derive(Clone, Copy)]
struct Span {
    decoded: usize,
    raw: usize,
}

impl Spans {
    pub(super) fn append(&mut self, decoded: usize, raw: usize) {
        self.0.push_back(Span { decoded, raw });
    }

    /// Take `decoded` bytes of units out at the front; returns their raw length.
    pub(super) fn take(&mut self, mut decoded: usize) -> usize {
        let mut raw = 0;
        while decoded > 0
            && let Some(span) = self.0.front_mut()
        {
            if span.decoded > decoded {
                span.decoded -= decoded;
                span.raw -= decoded;
                return raw + decoded;
            }
            decoded -= span.decoded;
            raw += span.raw;
            self.0.pop_front();
        }
        raw
    }
}
