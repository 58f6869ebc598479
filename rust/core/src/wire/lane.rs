//! The lane: restores the events of a stream that feed open channels and do nothing else.
//!
//! Most events of a stream are text of a channel that is open. The lane walks each complete frame once by the shapes of
//! its format; where every mark is text of an open channel, it feeds that channel and writes the frame with the literals
//! that changed. At a frame that does anything else (a channel opens or ends, an unknown name, data of several lines) it
//! *declines*: nothing of that frame was fed, and the caller gets the frame with the marks that were found, settles it,
//! and calls again. So the lane knows no life cycle and no provider. It may decline, it may never be wrong.
//!
//! Invariants. A frame is judged as a whole before anything of it is fed. The bytes behind a declined frame wait in the
//! lane, as the beginning of a frame that is not complete does; they are not moved for each frame that declines. What
//! did not change is copied in runs, and not at all if nothing changed in all that came.
//!
//! Cost: O(bytes), however they are cut, whatever declines, and however many channels are open; nothing is allocated for
//! an event that feeds without a change.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::channels::{ChannelId, Channels, LaneError};
use super::frames::{Frames, Framing, Manner};
use super::judge::note;
use super::keys::Address;
use super::outlines::Outlines;
use super::progress::{Declined, Found, Progress};
use super::room::Room;
use super::shapes::{Shapes, SlotId, SlotKind};
use crate::SharedBuffer;

/// What a lane does with the frame in hand, and did with the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Passes,
    Dropped,
    Declined,
}

/// A stream of frames, and the channels of it that are open. See [`wire`](super).
pub struct Lane {
    pub(super) shapes: Arc<Shapes>,
    pub(super) frames: Frames,
    pub(super) most: usize,
    skips: bool,
    offset: usize,
    oversized: usize,
    /// How many bytes of an oversized frame have passed, while it goes on.
    pub(super) skipped: Option<usize>,
    pub(super) is_stuck: bool,
    /// The bytes that were not taken yet stand in `waiting` from `front` on.
    pub(super) waiting: Vec<u8>,
    pub(super) front: usize,
    /// How long the frame is that was declined last; nothing was fed since.
    pub(super) declined: usize,
    /// How the last event is written that was taken since a frame was declined.
    pub(super) manner: Option<Manner>,
    /// What became of the frame to which a LF belongs that comes next.
    pub(super) last: Option<Fate>,
    pub(super) channels: Channels,
    /// The last literals of slots, and whether their frames left; few slots are such.
    pub(super) latest: Vec<(SlotId, Vec<u8>, bool)>,
    pub(super) has_latest: bool,
    pub(super) outlines: Outlines,
    /// While a frame is declined: what was read of it is in there.
    room: Option<Box<Room>>,
    /// The number of the frame in hand.
    pub(super) frame: u64,
}

/// One feed on its way.
pub(super) struct Run {
    /// Up to where the bytes were taken.
    pub(super) at: usize,
    /// Up to where they were written, or are gone: what stands between here and `at` leaves as it came.
    pub(super) done: usize,
    pub(super) stop: Option<Stop>,
}

/// Why a feed ends before its bytes do.
pub(super) enum Stop {
    Declined(Range<usize>, Found),
    TooLarge,
}

impl Lane {
    /// A lane by the shapes of a format. `offset` is the number of bytes of the stream that came before.
    ///
    /// An event of more than `max_event_bytes` (without the line ends that end it) passes unread if `skip_oversized`,
    /// else it is [`Progress::TooLarge`].
    #[must_use]
    pub fn new(
        shapes: Arc<Shapes>,
        framing: Framing,
        max_event_bytes: usize,
        skip_oversized: bool,
        offset: usize,
    ) -> Self {
        Self {
            has_latest: shapes.slots.iter().any(|slot| slot.kind == SlotKind::Latest),
            latest: Vec::new(),
            shapes,
            frames: Frames::new(framing, offset),
            most: max_event_bytes,
            skips: skip_oversized,
            offset,
            oversized: 0,
            skipped: None,
            is_stuck: false,
            waiting: Vec::new(),
            front: 0,
            declined: 0,
            manner: None,
            last: None,
            channels: Channels::default(),
            outlines: Outlines::default(),
            room: None,
            frame: 0,
        }
    }

    /// Take bytes in; what leaves is appended to `out`, unless it leaves as it came.
    pub fn feed<'a>(&'a mut self, data: &'a [u8], out: &mut Vec<u8>) -> Progress<'a> {
        let mut room = self.room.take().unwrap_or_else(Room::lend);
        let waits = self.front < self.waiting.len();
        let mut begin = 0;
        let mut waiting = std::mem::take(&mut self.waiting);
        let run;
        if waits {
            if !data.is_empty() && self.front > waiting.len() / 2 {
                waiting.drain(..self.front);
                self.front = 0;
            }
            waiting.extend_from_slice(data);
            begin = self.front;
            run = self.run(&mut room, &waiting, begin, out);
            self.front = run.at;
            if run.at == waiting.len() && run.stop.is_none() {
                out.extend_from_slice(&waiting[run.done..]);
                self.front = 0; // an empty vector is not kept: a gateway has many streams
                room.give_back();
                return Progress::Taken;
            }
        } else {
            run = self.run(&mut room, data, 0, out);
            // A declined frame stands before them, so that it can be put back.
            waiting = data[run.at - self.declined..].to_vec();
            self.front = self.declined;
        }
        self.waiting = waiting;
        if matches!(run.stop, Some(Stop::Declined(..))) {
            self.room = Some(room);
        } else {
            room.give_back();
        }
        let bytes = if waits { &*self.waiting } else { data };
        match run.stop {
            None if run.done == begin => Progress::Unchanged(&bytes[begin..run.at]),
            None => {
                out.extend_from_slice(&bytes[run.done..run.at]);
                Progress::Taken
            }
            Some(Stop::TooLarge) => {
                out.extend_from_slice(&bytes[run.done..run.at]);
                Progress::TooLarge
            }
            Some(Stop::Declined(frame, Found { data, only_data, manner, is_read })) => {
                out.extend_from_slice(&bytes[run.done..frame.start]);
                let reading = self.room.as_deref().filter(|_| is_read).map(|room| &room.reading);
                let begin = data.start - frame.start;
                let (frame, data) = (&bytes[frame], &bytes[data]);
                Progress::Declined(Declined { frame, data, begin, only_data, manner, reading })
            }
        }
    }

    fn run(&mut self, room: &mut Room, bytes: &[u8], begin: usize, out: &mut Vec<u8>) -> Run {
        if std::mem::take(&mut self.declined) > 0 {
            self.manner = None;
        }
        let mut run = Run { at: begin, done: begin, stop: self.is_stuck.then_some(Stop::TooLarge) };
        while run.at < bytes.len() && run.stop.is_none() {
            if let Some(fate) = self.last.take()
                && bytes[run.at] == b'\n'
            {
                let manner = Manner::default();
                let found = Found { data: run.at..run.at, only_data: false, manner, is_read: false };
                self.finish(&mut run, bytes, 1, fate, found, out);
                continue;
            }
            let rest = &bytes[run.at..];
            // A frame that fits an outline needs no search for its end, unless that was begun.
            let is_new = self.frames.is_new() && self.skipped.is_none();
            let fitting =
                if is_new { self.outlines.fit(&self.shapes, rest, &mut room.changes) } else { None };
            let fits = fitting.is_some();
            let Some(frame) = fitting.or_else(|| self.frames.next(rest)) else {
                if self.skipped.is_none() && self.frames.size() > self.most && !self.skip_oversized() {
                    run.stop = Some(Stop::TooLarge);
                } else if let Some(skipped) = &mut self.skipped {
                    *skipped += rest.len();
                    self.frames.pass(rest);
                    run.at = bytes.len();
                }
                break;
            };
            let is_read = fits
                || !is_new
                    && self.outlines.fit(&self.shapes, &rest[..frame.length], &mut room.changes).is_some();
            let (only_data, manner) = (frame.only_data, frame.manner);
            let mut found = Found { data: run.at..run.at, only_data, manner, is_read };
            let fate = if let Some(skipped) = self.skipped.take() {
                self.offset += skipped;
                Fate::Passes
            } else if frame.size > self.most {
                if !self.skip_oversized() {
                    run.stop = Some(Stop::TooLarge);
                    break;
                }
                self.skipped = None;
                Fate::Passes
            } else {
                self.take(room, bytes, &frame, &mut run, &mut found, out)
            };
            self.finish(&mut run, bytes, frame.length, fate, found, out);
            self.last = frame.takes_line_feed.then_some(fate);
        }
        run
    }

    /// Begin to let an oversized frame pass, or give up.
    fn skip_oversized(&mut self) -> bool {
        if self.skips {
            self.oversized += 1;
            self.skipped = Some(0);
        } else {
            self.is_stuck = true;
        }
        self.skips
    }

    /// Go on behind a frame of that length.
    fn finish(
        &mut self,
        run: &mut Run,
        bytes: &[u8],
        length: usize,
        fate: Fate,
        found: Found,
        out: &mut Vec<u8>,
    ) {
        let frame = run.at..run.at + length;
        self.offset += length;
        run.at = frame.end;
        match fate {
            Fate::Passes => {}
            Fate::Dropped => {
                out.extend_from_slice(&bytes[run.done..frame.start]);
                run.done = frame.end;
            }
            Fate::Declined => {
                self.declined = length;
                run.stop = Some(Stop::Declined(frame, found));
            }
        }
    }

    /// Open a channel: its text is restored by this buffer, which others may feed as well.
    pub fn open(&mut self, buffer: Arc<SharedBuffer>) -> ChannelId {
        self.channels.open(buffer)
    }

    /// Let text of a slot with these addresses go to a channel, and to no other any more.
    pub fn register(
        &mut self,
        id: ChannelId,
        slot: SlotId,
        addresses: &[Address<'_>],
    ) -> Result<(), LaneError> {
        self.check(slot, addresses)?;
        self.channels.register(id, slot, addresses)
    }

    /// Say that text of a channel ends another one: a frame that feeds it is declined while the other holds something.
    pub fn link(&mut self, id: ChannelId, ended: ChannelId) -> Result<(), LaneError> {
        self.channels.link(id, ended)
    }

    /// Drop all registrations of a channel.
    pub fn forget(&mut self, id: ChannelId) -> Result<(), LaneError> {
        self.channels.forget(id)
    }

    /// Close a channel; its id is not used again.
    pub fn close(&mut self, id: ChannelId) -> Result<(), LaneError> {
        self.channels.close(id)
    }

    /// Say that an event with these addresses says nothing new: it declines no frame.
    pub fn know(&mut self, slot: SlotId, addresses: &[Address<'_>]) -> Result<(), LaneError> {
        self.check(slot, addresses)?;
        self.channels.know(slot, addresses)
    }

    /// The last literal of a slot in the frames that were taken or noted, and whether its frame left.
    #[must_use]
    pub fn latest(&self, slot: SlotId) -> Option<(&[u8], bool)> {
        let (_, literal, left) = self.latest.iter().find(|(of, ..)| *of == slot)?;
        Some((literal, *left))
    }

    /// Say that this was the last literal of a slot.
    pub fn note(&mut self, slot: SlotId, literal: &[u8], left: bool) -> Result<(), LaneError> {
        if (slot as usize) < self.shapes.slots.len() {
            note(&mut self.latest, slot, literal, left);
            Ok(())
        } else {
            Err(LaneError::NoSlot)
        }
    }

    /// Put the frame back that was just declined: [`feed`](Self::feed) of nothing takes it again. That is for a caller
    /// who has opened a channel for it, and leaves the rest to the lane.
    pub fn put_back(&mut self) {
        let length = std::mem::take(&mut self.declined);
        self.front -= length;
        self.offset -= length;
        self.last = None;
    }

    /// All bytes that were not taken. The lane begins anew behind them.
    pub fn take_rest(&mut self) -> Vec<u8> {
        let mut rest = std::mem::take(&mut self.waiting);
        rest.drain(..std::mem::take(&mut self.front));
        self.offset += rest.len() + self.skipped.take().unwrap_or_default();
        let broken = self.broken();
        self.frames = Frames::new(self.frames.framing(), self.offset);
        *self.frames.broken() = broken;
        self.last = None;
        self.declined = 0;
        self.is_stuck = false;
        rest
    }

    /// How many bytes of the stream came before the frame in hand.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Say that the caller took a frame before this lane was made that ended with CR: a LF that comes next belongs to
    /// it, and is declined.
    pub fn expect_line_feed(&mut self) {
        self.last = Some(Fate::Declined);
    }

    /// Whether an event that is too large is just passing.
    #[must_use]
    pub fn is_skipping(&self) -> bool {
        self.skipped.is_some()
    }

    /// How the last event is written that was taken since a frame was declined before the last one; None if none was.
    #[must_use]
    pub fn manner(&self) -> Option<Manner> {
        self.manner
    }

    /// Whether such an event stopped in the middle of a line.
    #[must_use]
    pub fn is_in_line(&self) -> bool {
        self.frames.is_in_line()
    }

    /// How many events were larger than allowed and passed unread.
    #[must_use]
    pub fn oversized(&self) -> usize {
        self.oversized
    }

    /// How many pieces of a stream of messages are none.
    #[must_use]
    pub fn broken(&mut self) -> usize {
        *self.frames.broken()
    }

    fn check(&self, slot: SlotId, addresses: &[Address<'_>]) -> Result<(), LaneError> {
        let spec = self.shapes.slots.get(slot as usize).ok_or(LaneError::NoSlot)?;
        if spec.addresses.len() == addresses.len() { Ok(()) } else { Err(LaneError::Addresses) }
    }
}

/// Without the bytes: they are part of somebody's answer.
impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = self.waiting.len() - self.front;
        f.debug_struct("Lane")
            .field("offset", &self.offset)
            .field("waiting_bytes", &waiting)
            .finish_non_exhaustive()
    }
}
