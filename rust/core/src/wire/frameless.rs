//! Events that come without a frame: a caller who makes the frames gives their JSON, and nothing has to be found.

use super::frames::Framing;
use super::lane::{Fate, Lane};
use super::outline::Framed;
use super::room::Room;

/// What became of an event that came without a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It leaves as it came: nothing was written.
    Unchanged,
    /// It leaves as it was written.
    Written,
    /// It does not leave.
    Dropped,
    /// Nothing was fed: it is for the caller, who goes on with [`Lane::feed`] of its frame.
    Declined,
}

impl Lane {
    /// Take one event, given by its JSON; what leaves of it is appended to `out`, unless it leaves as it came.
    ///
    /// Declined is what [`feed`](Self::feed) declines, and any event if frames are no server-sent events, if it is larger
    /// than allowed, or while bytes wait. Offsets do not count what is taken here.
    pub fn feed_event(&mut self, source: &[u8], out: &mut Vec<u8>) -> Taken {
        if !self.is_free() || source.len() > self.most {
            return Taken::Declined;
        }
        let mut room = Room::lend();
        let taken = self.take_event(&mut room, source, out);
        room.give_back();
        taken
    }

    fn take_event(&mut self, room: &mut Room, source: &[u8], out: &mut Vec<u8>) -> Taken {
        if !self.outlines.read(&self.shapes, source, &mut room.reading, &mut room.changes) {
            return Taken::Declined;
        }
        self.last = None;
        match self.settle(room, &Framed { source, frame: None }, true) {
            Fate::Declined => Taken::Declined,
            Fate::Dropped => Taken::Dropped,
            Fate::Passes => match room.splice.write(&self.shapes, &room.reading, source, 0, 0, out) {
                0 => Taken::Unchanged,
                done => {
                    out.extend_from_slice(&source[done..]);
                    Taken::Written
                }
            },
        }
    }

    /// Whether no frame is in hand, and none that was declined may be put back.
    fn is_free(&self) -> bool {
        self.frames.framing() == Framing::Events
            && self.front == self.waiting.len()
            && self.declined == 0
            && self.skipped.is_none()
            && !self.is_stuck
    }
}
