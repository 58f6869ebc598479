//! Frames: where one server-sent event or one line ends, and where its data stands.
//!
//! The framing of events is that of the WHATWG HTML standard, section "Server-sent events": lines end with LF, CR LF or
//! CR, mixed as they please; an empty line ends an event; a line that begins with a colon is a comment; one space after
//! a field's colon is not part of its value. A byte order mark at the start of the stream is not part of its first line.
//!
//! Two kinds of frames are no events. An empty line where no line of a frame has come is a frame of its own. So is a
//! comment at the beginning of a frame, complete with its line: a keep-alive waits for nothing. A frame whose last line
//! end is a CR at the end of what has come is complete at once; a LF that comes next belongs to it.
//!
//! The state of an unfinished frame is kept, and no byte is searched twice. Cost: O(bytes), however they are cut.

use std::fmt;
use std::ops::Range;

use super::messages::{Messages, Next};

/// How frames are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Server-sent events.
    Events,
    /// One frame a line; lines end with LF.
    Lines,
    /// Messages of AWS event streams; a whole message is the data.
    Messages,
}

/// The data of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// None at all.
    None,
    /// One value, and where it stands in the frame.
    One(Range<usize>),
    /// The values of several lines.
    Several,
}

/// A complete frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// How many bytes it has.
    pub length: usize,
    /// How many of them stand before the line ends that end it: its size.
    pub size: usize,
    /// What it carries.
    pub data: Data,
    /// Whether all of its lines carry data.
    pub only_data: bool,
    /// Whether a LF belongs to it if that is what comes next.
    pub takes_line_feed: bool,
    /// How it is written.
    pub manner: Manner,
}

/// What ends a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LineEnd {
    /// LF.
    #[default]
    Lf,
    /// CR and LF.
    CrLf,
    /// CR.
    Cr,
}

impl LineEnd {
    /// Its bytes.
    #[must_use]
    pub fn as_bytes(self) -> &'static [u8] {
        match self {
            Self::Lf => b"\n",
            Self::CrLf => b"\r\n",
            Self::Cr => b"\r",
        }
    }
}

/// How an event is written, so that one like it can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Manner {
    /// What ends its first line.
    pub line_end: LineEnd,
    /// Whether it has an `event` line.
    pub has_name: bool,
}

pub(super) const BOM: &[u8] = b"\xEF\xBB\xBF";
/// As many bytes tell whether a line is a comment.
const HEAD: usize = BOM.len() + 1;

/// Finds the frames of a stream.
///
/// ```
/// use holdback_core::wire::{Data, Frames, Framing};
///
/// let mut frames = Frames::new(Framing::Events, 0);
/// assert_eq!(frames.next(b"data: {}\n"), None);
/// let frame = frames.next(b"data: {}\n\ndata: []").unwrap();
/// assert_eq!((frame.length, frame.data), (10, Data::One(6..8)));
/// ```
#[expect(clippy::struct_excessive_bools, reason = "each says one thing about the bytes before")]
pub struct Frames {
    framing: Framing,
    /// The frame in hand is the first of the stream, where a byte order mark may stand.
    is_first: bool,
    /// Up to where the frame in hand was searched.
    at: usize,
    /// Where its last line begins.
    line: usize,
    /// Some of its last line was given up to [`pass`](Self::pass).
    is_cut: bool,
    /// The first bytes of that if it was its first line.
    head: [u8; HEAD],
    head_length: u8,
    /// The line before ended with a CR at the end of what had come: a LF here belongs to it.
    after_return: bool,
    /// Where its last line with anything in it ended.
    size: usize,
    data: Data,
    only_data: bool,
    /// Whether it has a line.
    has_lines: bool,
    /// Its first line is the last one so far.
    is_first_line: bool,
    manner: Manner,
    messages: Messages,
}

impl Frames {
    /// For a stream of which that many bytes came before.
    #[must_use]
    pub fn new(framing: Framing, offset: usize) -> Self {
        Self {
            framing,
            is_first: offset == 0,
            at: 0,
            line: 0,
            is_cut: false,
            head: [0; HEAD],
            head_length: 0,
            after_return: false,
            size: 0,
            data: Data::None,
            only_data: true,
            has_lines: false,
            is_first_line: false,
            manner: Manner::default(),
            messages: Messages::default(),
        }
    }

    /// How frames are told apart.
    #[must_use]
    pub fn framing(&self) -> Framing {
        self.framing
    }

    /// The frame that `bytes` begins with; None if it is not complete. Then the same bytes, and more, are for next time.
    pub fn next(&mut self, bytes: &[u8]) -> Option<Frame> {
        match self.framing {
            Framing::Events => self.next_event(bytes),
            Framing::Lines => self.next_line(bytes),
            Framing::Messages => self.next_message(bytes),
        }
    }

    /// Whether nothing of a frame has come.
    pub(super) fn is_new(&self) -> bool {
        self.at == 0 && !self.has_lines && !self.after_return && !self.is_cut
    }

    /// How many pieces of the stream are no messages.
    pub(super) fn broken(&mut self) -> &mut usize {
        &mut self.messages.broken
    }

    fn next_message(&mut self, bytes: &[u8]) -> Option<Frame> {
        let (length, size, data) = match self.messages.next(bytes) {
            Next::More(size) => {
                self.size = size;
                return None;
            }
            Next::Lost(length) => (length, 0, Data::None),
            Next::Message(length) => (length, length, Data::One(0..length)),
        };
        self.size = 0;
        let manner = self.manner;
        Some(Frame { length, size, data, only_data: true, takes_line_feed: false, manner })
    }

    /// The size of the frame in hand, as far as it has come.
    #[must_use]
    pub fn size(&self) -> usize {
        if self.at > self.line { self.at } else { self.size }
    }

    /// Whether the last of what was given up is in the middle of a line.
    #[must_use]
    pub fn is_in_line(&self) -> bool {
        self.is_cut
    }

    /// Give up what has come of the frame in hand, `bytes`: what is passed to `next` begins behind it. Only where the
    /// frame ends is of interest from then on.
    pub fn pass(&mut self, bytes: &[u8]) {
        if self.framing == Framing::Messages {
            self.messages.pass(bytes);
            return;
        }
        if !self.has_lines {
            self.begin_line(bytes);
        }
        self.is_cut |= self.at > self.line;
        (self.at, self.line) = (0, 0);
    }

    fn next_line(&mut self, bytes: &[u8]) -> Option<Frame> {
        let Some(found) = memchr::memchr(b'\n', &bytes[self.at..]) else {
            self.at = bytes.len();
            return None;
        };
        let end = self.at + found;
        let begin = if self.is_first && bytes.starts_with(BOM) { BOM.len() } else { 0 };
        (self.size, self.data) = (end, Data::One(begin.min(end)..end));
        Some(self.complete(end + 1, false))
    }

    fn next_event(&mut self, bytes: &[u8]) -> Option<Frame> {
        loop {
            if self.after_return && self.at < bytes.len() {
                self.after_return = false;
                if bytes[self.at] == b'\n' {
                    self.at += 1;
                    self.line = self.at;
                    if self.is_first_line {
                        self.manner.line_end = LineEnd::CrLf;
                    }
                }
            }
            let rest = &bytes[self.at..];
            let found = if rest.starts_with(b"\n") { Some(0) } else { memchr::memchr2(b'\n', b'\r', rest) };
            let Some(found) = found else {
                self.at = bytes.len();
                return None;
            };
            let end = self.at + found;
            let ends_frame = self.take_line(bytes, end);
            self.after_return = bytes[end] == b'\r' && end + 1 == bytes.len();
            let is_pair = bytes[end] == b'\r' && bytes.get(end + 1) == Some(&b'\n');
            if self.is_first_line {
                self.manner.line_end = match bytes[end] {
                    b'\n' => LineEnd::Lf,
                    _ if is_pair => LineEnd::CrLf,
                    _ => LineEnd::Cr,
                };
            }
            self.at = end + 1 + usize::from(is_pair);
            self.line = self.at;
            self.is_cut = false;
            if ends_frame {
                return Some(self.complete(self.at, self.after_return));
            }
        }
    }

    /// Read the line that ends here; whether it ends the frame.
    #[inline]
    fn take_line(&mut self, bytes: &[u8], end: usize) -> bool {
        let mut line = self.line;
        if line == end && !self.is_cut {
            self.is_first_line = false;
            return true;
        }
        self.size = end;
        if self.is_cut && !self.has_lines {
            self.has_lines = true;
            self.begin_line(&bytes[line..end]);
            let head = &self.head[..self.head_length.into()];
            let text = if self.is_first { head.strip_prefix(BOM) } else { None };
            return matches!(text.unwrap_or(head), [] | [b':', ..]);
        }
        if self.is_first && !self.has_lines && bytes.starts_with(BOM) {
            line = BOM.len().min(end);
            self.only_data = false; // the mark stays, whatever becomes of the data
            if line == end {
                return true;
            }
        }
        self.is_first_line = !std::mem::replace(&mut self.has_lines, true);
        let text = &bytes[line..end];
        let value = match text {
            [b'd', b'a', b't', b'a', b':', b' ', ..] => line + 6,
            [b'd', b'a', b't', b'a', b':', ..] => line + 5,
            b"data" => end,
            _ => {
                self.only_data = false;
                self.manner.has_name |= text == b"event" || text.starts_with(b"event:");
                return self.is_first_line && text.first() == Some(&b':');
            }
        };
        self.data = if self.data == Data::None { Data::One(value..end) } else { Data::Several };
        false
    }

    /// Some more of the first line, of which only the first bytes are of interest.
    fn begin_line(&mut self, bytes: &[u8]) {
        for (&byte, free) in bytes.iter().zip(&mut self.head[usize::from(self.head_length)..]) {
            *free = byte;
            self.head_length += 1;
        }
    }

    fn complete(&mut self, length: usize, takes_line_feed: bool) -> Frame {
        let done = std::mem::replace(self, Self::new(self.framing, length));
        Frame {
            length,
            size: done.size,
            data: done.data,
            only_data: done.only_data,
            takes_line_feed,
            manner: done.manner,
        }
    }
}

/// Without the bytes.
impl fmt::Debug for Frames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frames")
            .field("framing", &self.framing)
            .field("size", &self.size())
            .finish_non_exhaustive()
    }
}
