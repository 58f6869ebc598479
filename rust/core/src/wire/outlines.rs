//! Outlines: an event that is an earlier one with other values in it is not walked again.
//!
//! Most events of a stream are the one before with another text, and perhaps with other numbers and ids. The *outline*
//! of an event is its frame, what the walk found in it, and its *scalars*: the strings, numbers and words that the walk
//! passed one by one. An event of the same bytes but for such scalars has the same marks, only that they have moved, if
//! each scalar that differs counts for the same slots as the one before it. A name and what chooses a shape are no such
//! scalars: where one of them differs, the event is walked.
//!
//! The outline knows as well which channels its event fed. An event is *alike* if it differs in no address and in no text
//! that came or is missing: then it feeds the same channels, as long as nothing is registered or forgotten. What its
//! marks are is found out only if somebody asks.
//!
//! The scalars in which alike events differed are the outline's *gaps*. A frame that fits between the gaps is complete
//! and alike, and its end need not be searched: a scalar has no line end in it, and the last byte of such a frame is a
//! line end.
//!
//! Invariant: what is recalled is what a walk would find. Cost: O(bytes), nothing is allocated for an event that is
//! recalled. Kept are two outlines of events that are not large, so that two kinds of events may come in turns.

#![allow(clippy::inline_always, reason = "to fit a frame costs little more than a call")]

use super::channels::ChannelId;
use super::frames::Frame;
use super::literal::Literal;
use super::outline::{Change, Framed, Outline};
use super::reading::Reading;
use super::shapes::{Shapes, SlotId};
use super::splice::{Leaves, Splice, Text};

/// So many outlines are kept.
const KEPT: usize = 2;

/// The outlines of the last events, and what became of the event in hand. How that differs from one of them is kept by the
/// caller, who hands it in again.
#[derive(Default)]
pub(crate) struct Outlines {
    kept: Vec<Outline>,
    /// The one that was used or made last.
    last: usize,
    /// The event in hand is alike that one.
    is_alike: bool,
    /// The marks of the event in hand are not recalled yet.
    is_pending: bool,
}

impl Outlines {
    /// The frame that `bytes` begins with, if it fits between the gaps of an outline. Its event is alike then.
    #[inline(always)]
    pub(crate) fn fit(&mut self, shapes: &Shapes, bytes: &[u8], changes: &mut Vec<Change>) -> Option<Frame> {
        for turn in 0..self.kept.len() {
            let number = (self.last + turn) % KEPT;
            if let Some(frame) = self.kept[number].fit(shapes, bytes, changes) {
                (self.last, self.is_alike, self.is_pending) = (number, true, true);
                return Some(frame);
            }
        }
        None
    }

    /// Read an event of a stream. False if it is no JSON object. The table is always the same.
    ///
    /// Of an event that is alike an earlier one the reading is for [`complete`](Self::complete) to make.
    pub(crate) fn read(
        &mut self,
        shapes: &Shapes,
        source: &[u8],
        reading: &mut Reading,
        changes: &mut Vec<Change>,
    ) -> bool {
        (self.is_alike, self.is_pending) = (false, false);
        if let Some(outline) = self.kept.get(self.last)
            && outline.fits(shapes, source, changes)
        {
            (self.is_alike, self.is_pending) = (true, true);
            return true;
        }
        let mut is_recalled = false;
        for turn in 0..self.kept.len() {
            let number = (self.last + turn) % KEPT;
            let outline = &mut self.kept[number];
            let Some(is_alike) = outline.compare(shapes, source, changes) else { continue };
            if is_alike {
                outline.learn(changes);
                (self.last, self.is_alike, self.is_pending) = (number, true, true);
                return true;
            }
            if !is_recalled {
                outline.recall(changes, reading);
                outline.recall_scalars(changes, reading);
                is_recalled = true;
            }
        }
        is_recalled || shapes.walk_with(source, reading, true)
    }

    /// Make the reading of the event in hand, if that was not done.
    pub(crate) fn complete(&mut self, reading: &mut Reading, changes: &[Change]) {
        if std::mem::take(&mut self.is_pending) {
            self.kept[self.last].recall(changes, reading);
        }
    }

    /// The texts of the event in hand, if it is alike one that was made while the channels were as they are, and nobody has
    /// asked for its reading: where each stands, and which channel it feeds.
    #[inline]
    pub(crate) fn texts(
        &self,
        version: u64,
        changes: &[Change],
    ) -> Option<impl ExactSizeIterator<Item = (Literal, ChannelId)>> {
        let outline = self.kept.get(self.last)?;
        let texts = || outline.texts(changes).map(|(_, _, literal, channel)| (literal, channel));
        (self.is_pending && outline.version == version).then(texts)
    }

    /// Call a function with the marks of the event in hand. `reading` has them if they were recalled.
    pub(crate) fn each_mark(
        &self,
        reading: &Reading,
        changes: &[Change],
        mut each: impl FnMut(SlotId, Literal),
    ) {
        if self.is_pending {
            self.kept[self.last].marks(changes).for_each(|(slot, literal)| each(slot, literal));
        } else {
            reading.marks.iter().for_each(|mark| each(mark.slot, mark.literal));
        }
    }

    /// Judge the event in hand by the one that it is alike. False if there is none, or if the channels have changed.
    #[inline]
    pub(crate) fn judge(&self, version: u64, changes: &[Change], splice: &mut Splice) -> bool {
        if !self.is_alike || self.kept[self.last].version != version {
            return false;
        }
        let outline = &self.kept[self.last];
        let text =
            |(mark, slot, literal, channel)| Text { mark, slot, literal, channel, leaves: Leaves::Same };
        splice.texts.extend(outline.texts(changes).map(text));
        splice.keeps = outline.keeps;
        true
    }

    /// Keep what is known of the event in hand, which was judged to do nothing but feed.
    pub(crate) fn keep(&mut self, event: &Framed<'_>, reading: &Reading, version: u64, splice: &Splice) {
        if !self.is_alike {
            if !event.is_small() {
                return;
            }
            if self.kept.len() < KEPT {
                self.kept.reserve_exact(1);
                self.kept.push(Outline::default());
                self.last = self.kept.len() - 1;
            } else {
                self.last = (self.last + 1) % KEPT;
            }
            self.kept[self.last].draw(event, reading);
        }
        let texts = splice.texts.iter().map(|text| (text.mark, text.channel));
        self.kept[self.last].feeds(texts, splice.keeps, version);
    }
}
