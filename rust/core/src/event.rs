//! `TextEvent`: an event that is known but for its text, restored without reading it.
//!
//! The events of a stream are mostly alike: what differs is the one text they carry, and perhaps a number or a
//! filling that nobody reads. Between the bytes that are known the text's literal is found, decoded and fed to the
//! stream, and what leaves is spelled in its place.
//!
//! It may decline, never be wrong: a hole takes what is certainly one JSON value of its kind, and everything else is
//! for whoever reads JSON. `template.py` of the Python package makes these events and does the same, slower.

use std::borrow::Cow;
use std::fmt;

use crate::surrogate::CodePoint;
use crate::{Fed, Matcher, StreamBuffer, Wire, json_text as json};

/// What may differ from event to event.
///
/// ```
/// use holdback_core::{Hole, Matcher, TextEvent};
///
/// let parts = [(&b"{\"n\":"[..], Hole::Number), (b",\"text\":", Hole::Text), (b",\"fill\":", Hole::Filling)];
/// let event = TextEvent::new(parts, b"}\n", false, true);
/// let mut stream = Matcher::new([("<PERSON_1>", "Ada")])?.stream();
/// let mut out = Vec::new();
/// let data = b"{\"n\":12,\"text\":\"Hi <PERSON_1>\",\"fill\":\"aB3\"}\n{\"n\":13,";
/// assert_eq!(event.restore(data, &mut stream, &mut out), Some(data.len() - 8));
/// assert_eq!(out, b"{\"n\":12,\"text\":\"Hi Ada\",\"fill\":\"aB3\"}\n");
/// # Ok::<(), holdback_core::PatternError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hole {
    /// The string that is restored.
    Text,
    /// A whole number of at most eighteen digits.
    Number,
    /// A string of printable ASCII without escapes, not empty.
    Filling,
}

impl Hole {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Text, Self::Number, Self::Filling];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Filling => "filling",
        }
    }
}

/// An event as the bytes around its one text.
///
/// ```
/// use holdback_core::{Hole, Matcher, TextEvent};
///
/// let event = TextEvent::new([(&b"data: {\"text\":"[..], Hole::Text)], b"}\n\n", true, true);
/// let mut stream = Matcher::new([("<PERSON_1>", "Ada")])?.stream();
/// let mut out = Vec::new();
/// assert_eq!(event.restore(b"data: {\"text\":\"<PERS\"}\n\n", &mut stream, &mut out), Some(24));
/// assert_eq!(out, b""); // all of its text is withheld
/// assert_eq!(event.restore(b"data: {\"other\":\"ON_1>!\"}\n\n", &mut stream, &mut out), None);
/// assert_eq!(event.restore(b"data: {\"text\":\"ON_1>!\"}\n\n", &mut stream, &mut out), Some(25));
/// assert_eq!(out, b"data: {\"text\":\"Ada!\"}\n\n");
/// # Ok::<(), holdback_core::PatternError>(())
/// ```
pub struct TextEvent {
    parts: Box<[(Box<[u8]>, Hole)]>,
    tail: Box<[u8]>,
    is_droppable: bool,
    others_rest: bool,
}

impl TextEvent {
    /// Of the fixed bytes before each hole, one of them the text, and those behind the last.
    ///
    /// `is_droppable`: it leaves as nothing while all of its text is withheld. `others_rest`: every other stream of the
    /// answer is at rest, so that quiet events may pass while this one's is.
    #[must_use]
    pub fn new<T: AsRef<[u8]>>(
        parts: impl IntoIterator<Item = (T, Hole)>,
        tail: &[u8],
        is_droppable: bool,
        others_rest: bool,
    ) -> Self {
        let parts = parts.into_iter().map(|(fixed, hole)| (fixed.as_ref().into(), hole)).collect();
        Self { parts, tail: tail.into(), is_droppable, others_rest }
    }

    /// Restore the event that `data` begins with, by the stream that its text belongs to.
    ///
    /// What leaves is appended to `out`; returns how many bytes the event has. None if it is another event, or has not
    /// come whole yet: nothing was fed then.
    pub fn restore(&self, data: &[u8], stream: &mut StreamBuffer, out: &mut Vec<u8>) -> Option<usize> {
        let mut found = None;
        let mut rest = data;
        for (fixed, hole) in &self.parts {
            rest = rest.strip_prefix(&**fixed)?;
            let length = match hole {
                Hole::Number => number(rest)?,
                Hole::Filling => filling(rest)?,
                Hole::Text => {
                    let (text, length) = string(rest)?;
                    let begin = data.len() - rest.len();
                    found = Some((text, begin, begin + length));
                    length
                }
            };
            rest = &rest[length..];
        }
        let (text, begin, end) = found?;
        let length = data.len() - rest.strip_prefix(&*self.tail)?.len();
        let mut leaves = Vec::new();
        if stream.feed(&text, &mut leaves) == Fed::Unchanged || leaves == text.as_bytes() {
            out.extend_from_slice(&data[..length]);
        } else if !(leaves.is_empty() && self.is_droppable && stream.is_pending()) {
            out.extend_from_slice(&data[..begin]);
            out.push(b'"');
            out.extend_from_slice(&json::escape(leaves.into(), escape_of));
            out.push(b'"');
            out.extend_from_slice(&data[end..length]);
        }
        Some(length)
    }

    /// Restore the events that `data` begins with, as long as they are quiet (see [`Matcher::quiet_run`]) or this one.
    ///
    /// What leaves is appended to `out`; returns how many bytes they have, and how many of them were this one.
    ///
    /// ```
    /// use holdback_core::{Hole, Matcher, TextEvent, Wire};
    ///
    /// let matcher = Matcher::new([("<PERSON_1>", "Ada")])?;
    /// let wire = Wire { lines: true, field: None };
    /// let event = TextEvent::new([(&b"{\"text\":"[..], Hole::Text)], b"}\n", true, true);
    /// let mut out = Vec::new();
    /// let data = b"{\"other\":1}\n{\"text\":\"<PERS\"}\n{\"text\":\"ON_1>!\"}\n{\"text\":\"b";
    /// assert_eq!(event.restore_run(data, &matcher, wire, &mut matcher.stream(), &mut out), (data.len() - 10, 2));
    /// assert_eq!(out, b"{\"other\":1}\n{\"text\":\"Ada!\"}\n");
    /// # Ok::<(), holdback_core::PatternError>(())
    /// ```
    pub fn restore_run(
        &self,
        data: &[u8],
        matcher: &Matcher,
        wire: Wire,
        stream: &mut StreamBuffer,
        out: &mut Vec<u8>,
    ) -> (usize, usize) {
        let (mut at, mut count) = (0, 0);
        loop {
            if self.is_calm(stream) {
                let end = matcher.quiet_run(data, at, wire);
                out.extend_from_slice(&data[at..end]);
                at = end;
            }
            match self.restore(&data[at..], stream, out) {
                Some(length) => (at, count) = (at + length, count + 1),
                None => return (at, count),
            }
        }
    }

    /// Whether quiet events may pass now.
    #[must_use]
    pub fn is_calm(&self, stream: &StreamBuffer) -> bool {
        self.others_rest && !stream.is_pending()
    }
}

/// Without the bytes: they were part of somebody's answer.
impl fmt::Debug for TextEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextEvent").field("holes", &self.parts.len()).finish_non_exhaustive()
    }
}

/// The length of the number that `data` begins with.
fn number(data: &[u8]) -> Option<usize> {
    let length = data.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let is_one = match length {
        1 => true,
        2..=18 => data[0] != b'0',
        _ => false,
    };
    (is_one && !matches!(data.get(length), Some(b'.' | b'e' | b'E'))).then_some(length)
}

/// The length of the string of printable ASCII that `data` begins with.
fn filling(data: &[u8]) -> Option<usize> {
    let inside = data.strip_prefix(b"\"")?;
    let length = inside.iter().take_while(|&&byte| matches!(byte, b' '..=b'~') && !is_special(byte)).count();
    (length > 0 && inside.get(length) == Some(&b'"')).then_some(length + 2)
}

/// The text of the string that `data` begins with, and the length of its literal. None if it is no valid JSON, or has
/// half a surrogate pair.
fn string(data: &[u8]) -> Option<(Cow<'_, str>, usize)> {
    let inside = data.strip_prefix(b"\"")?;
    let (mut text, mut at) = (Vec::new(), 0);
    loop {
        let end = at + inside[at..].iter().position(|&byte| is_special(byte))?;
        if at == 0 && inside[end] == b'"' {
            return Some((std::str::from_utf8(&inside[..end]).ok()?.into(), end + 2)); // as it stands there
        }
        text.extend_from_slice(&inside[at..end]);
        match inside[end] {
            b'"' => return Some((String::from_utf8(text).ok()?.into(), end + 2)),
            b'\\' => {
                let (character, length) = escaped(&inside[end..])?;
                text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                at = end + length;
            }
            _ => return None,
        }
    }
}

/// What does not stand for itself inside a string.
fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// The character that the escape at the start of `data` spells, and the escape's length.
fn escaped(data: &[u8]) -> Option<(char, usize)> {
    let character = match data.get(1)? {
        b'u' => {
            let units = [code_unit(data)?, data.get(6..).and_then(code_unit).unwrap_or_default()];
            // The first character only: a pair's second half is part of it, anything else is for the next time.
            let character = char::decode_utf16(units).next()?.ok()?;
            return Some((character, 6 * character.len_utf16()));
        }
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        &byte @ (b'"' | b'\\' | b'/') => byte.into(),
        _ => return None,
    };
    Some((character, 2))
}

/// What the `\uXXXX` at the start of `data` spells.
fn code_unit(data: &[u8]) -> Option<u16> {
    let digits = data.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0, |unit, &digit| {
        let digit = char::from(digit).to_digit(16)?;
        Some(unit << 4 | u16::try_from(digit).ok()?)
    })
}

/// What the byte layer's one JSON writer escapes (`to_json` in `sse.py`): U+007F it leaves alone.
fn escape_of(code_point: CodePoint) -> Option<Cow<'static, str>> {
    if code_point == DELETE { None } else { json::escape_of(code_point) }
}

const DELETE: CodePoint = CodePoint::ascii(0x7F);
