//! Room: what a lane works with while it takes bytes.
//!
//! A gateway has thousands of open streams, and a thread feeds one of them at a time. So the vectors that grow with an
//! event are the thread's, not the stream's: a lane is lent them for one feed, and keeps them longer only while its caller
//! looks at a frame that was declined. What is given back is empty: one stream learns nothing of another.

use std::cell::Cell;

use super::addresses::Addresses;
use super::keys::Key;
use super::outline::Change;
use super::reading::Reading;
use super::splice::Splice;

thread_local! {
    static SPARE: Cell<Option<Box<Room>>> = const { Cell::new(None) };
}

/// A room of more bytes is not kept.
const LARGEST: usize = 1 << 16;

#[derive(Default)]
pub(super) struct Room {
    pub(super) reading: Reading,
    /// How the event in hand differs from an earlier one.
    pub(super) changes: Vec<Change>,
    pub(super) addresses: Addresses,
    pub(super) key: Key,
    pub(super) decoded: Vec<u8>,
    pub(super) splice: Splice,
    /// The event of a message, as it came and as it leaves.
    pub(super) event: Vec<u8>,
    pub(super) changed: Vec<u8>,
}

impl Room {
    pub(super) fn lend() -> Box<Self> {
        SPARE.take().unwrap_or_default()
    }

    pub(super) fn give_back(mut self: Box<Self>) {
        let bytes = [&self.decoded, &self.splice.written, &self.event, &self.changed];
        let marks =
            self.reading.marks.capacity() + self.reading.scalars.capacity() + self.reading.places.capacity();
        if bytes.into_iter().map(Vec::capacity).sum::<usize>() + marks * size_of::<super::Mark>() > LARGEST {
            return;
        }
        self.reading.empty();
        self.changes.clear();
        self.addresses.clear();
        self.key.clear();
        self.splice.begin();
        for bytes in [&mut self.decoded, &mut self.event, &mut self.changed] {
            bytes.clear();
        }
        SPARE.set(Some(self));
    }
}
