//! What a lane says of the bytes that it was fed.

use std::fmt;
use std::ops::Range;

use super::frames::Manner;
use super::reading::Reading;

/// What became of the bytes that a lane was fed.
#[derive(Debug)]
pub enum Progress<'a> {
    /// All of them were taken, and these leave, as they came: all of them if it is what was fed, else without the
    /// beginning of a frame, or with one that came before. Nothing was written.
    Unchanged(&'a [u8]),
    /// All of them were taken, and what leaves was written.
    Taken,
    /// A frame is for the caller. What was written leaves before it; [`Lane::feed`](super::Lane::feed) of nothing goes on behind it.
    Declined(Declined<'a>),
    /// An event is larger than the lane may hold. Nothing more is taken.
    TooLarge,
}

/// A frame that is for the caller.
pub struct Declined<'a> {
    /// All of its bytes. A single LF is the rest of the last frame that declined, and goes where that one went.
    pub frame: &'a [u8],
    /// Its data, if that is in one piece.
    pub data: &'a [u8],
    /// Where the data begins in the frame.
    pub begin: usize,
    /// Whether all lines of the frame carry data.
    pub only_data: bool,
    /// How the frame is written.
    pub manner: Manner,
    /// What the walk found in the data. None if it did not walk it, or if it is no JSON object.
    pub reading: Option<&'a Reading>,
}

/// The data of a frame.
pub(super) struct Found {
    pub(super) data: Range<usize>,
    pub(super) only_data: bool,
    pub(super) manner: Manner,
    /// The walk found it to be an event.
    pub(super) is_read: bool,
}

/// Without the bytes: they are part of somebody's answer.
impl fmt::Debug for Declined<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Declined").field("bytes", &self.frame.len()).finish_non_exhaustive()
    }
}
