//! Code points in WTF-8, the superset of UTF-8 that can spell a surrogate half without its mate.
//!
//! A half is three bytes: `ED A0..AF xx` (high) or `ED B0..BF xx` (low). Adjacent halves count as the one
//! character they spell, so they are joined before anything else looks at the text.

use std::borrow::Cow;

/// A Unicode code point, surrogates included; or, in bytes that are no WTF-8, a stray byte.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct CodePoint(u32);

/// A byte that is no part of WTF-8 text: it stands for itself, above every code point.
const STRAY: u32 = 0x11_0000;

impl CodePoint {
    pub(crate) const fn ascii(byte: u8) -> Self {
        Self(byte as u32)
    }

    pub(crate) fn value(self) -> u32 {
        self.0
    }

    pub(crate) fn as_ascii(self) -> Option<u8> {
        u8::try_from(self.0).ok().filter(u8::is_ascii)
    }

    pub(crate) fn is_high_surrogate(self) -> bool {
        matches!(self.0, 0xD800..=0xDBFF)
    }

    pub(crate) fn is_low_surrogate(self) -> bool {
        matches!(self.0, 0xDC00..=0xDFFF)
    }

    /// Its WTF-8 bytes, and how many.
    pub(crate) fn encode(self) -> ([u8; 4], usize) {
        let mut bytes = [0; 4];
        if let Some(ascii) = self.as_ascii() {
            bytes[0] = ascii;
            return (bytes, 1);
        }
        if let Some(stray) = self.0.checked_sub(STRAY) {
            bytes[0] = low_byte(stray);
            return (bytes, 1);
        }
        if let Some(character) = char::from_u32(self.0) {
            let length = character.encode_utf8(&mut bytes).len();
            return (bytes, length);
        }
        ([0xED, low_byte(0x80 | self.0 >> 6 & 0x3F), low_byte(0x80 | self.0 & 0x3F), 0], 3)
    }
}

impl From<char> for CodePoint {
    fn from(character: char) -> Self {
        Self(character.into())
    }
}

impl From<u32> for CodePoint {
    fn from(value: u32) -> Self {
        Self(value)
    }
}

fn low_byte(value: u32) -> u8 {
    value.to_le_bytes()[0]
}

/// The first code point of `text`, which must not be empty, and its length in bytes.
pub(crate) fn first(text: &[u8]) -> (CodePoint, usize) {
    let lead = text[0];
    let (length, bits) = match lead {
        0..0x80 => return (CodePoint::ascii(lead), 1),
        0xC2..0xE0 => (2, lead & 0x1F),
        0xE0..0xF0 => (3, lead & 0x0F),
        0xF0..0xF5 => (4, lead & 0x07),
        _ => return (CodePoint(STRAY + u32::from(lead)), 1),
    };
    match text.get(1..length) {
        Some(rest) if rest.iter().all(|byte| byte & 0xC0 == 0x80) => {
            let value = rest.iter().fold(u32::from(bits), |value, byte| value << 6 | u32::from(byte & 0x3F));
            (CodePoint(value), length)
        }
        _ => (CodePoint(STRAY + u32::from(lead)), 1),
    }
}

/// How many bytes the code point has that begins with `lead`, in text that is WTF-8.
pub(crate) fn length(lead: u8) -> usize {
    match lead {
        0..0xC0 => 1,
        0xC0..0xE0 => 2,
        0xE0..0xF0 => 3,
        _ => 4,
    }
}

/// The last code point of `text`, which must not be empty.
pub(crate) fn last(text: &[u8]) -> CodePoint {
    let back = (1..=text.len().min(4)).find(|&back| text[text.len() - back] & 0xC0 != 0x80).unwrap_or(1);
    let (code_point, length) = first(&text[text.len() - back..]);
    if length == back { code_point } else { CodePoint(STRAY + u32::from(text[text.len() - 1])) }
}

/// Whether `text` is nothing but code points, each spelled in as many bytes as it needs.
pub(crate) fn is_wtf8(mut text: &[u8]) -> bool {
    if text.is_ascii() || std::str::from_utf8(text).is_ok() {
        return true; // quick, and what keys are
    }
    while !text.is_empty() {
        let (code_point, length) = first(text);
        let (bytes, needed) = code_point.encode();
        if code_point.0 >= STRAY || bytes[..needed] != text[..length] {
            return false;
        }
        text = &text[length..];
    }
    true
}

/// The character that two halves spell.
pub(crate) fn join_pair(high: CodePoint, low: CodePoint) -> CodePoint {
    CodePoint(0x10000 + ((high.0 - 0xD800) << 10) + (low.0 - 0xDC00))
}

const LEAD_OF_HALVES: u8 = 0xED;

fn half(text: &[u8]) -> Option<CodePoint> {
    match text {
        [LEAD_OF_HALVES, 0xA0..=0xBF, 0x80..=0xBF, ..] => Some(first(text).0),
        _ => None,
    }
}

/// `text` with adjacent halves joined; borrowed if there are none.
pub(crate) fn join(text: &[u8]) -> Cow<'_, [u8]> {
    let mut joined = Vec::new();
    let mut done = 0;
    for at in memchr::memchr_iter(LEAD_OF_HALVES, text) {
        if at >= done
            && let Some(high) = half(&text[at..]).filter(|half| half.is_high_surrogate())
            && let Some(low) = half(&text[at + 3..]).filter(|half| half.is_low_surrogate())
        {
            let (bytes, length) = join_pair(high, low).encode();
            joined.extend_from_slice(&text[done..at]);
            joined.extend_from_slice(&bytes[..length]);
            done = at + 6;
        }
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    joined.extend_from_slice(&text[done..]);
    Cow::Owned(joined)
}

/// Split a trailing high half off: it waits for its mate.
pub(crate) fn split_trailing_high(text: &[u8]) -> (&[u8], &[u8]) {
    match text.len().checked_sub(3) {
        Some(at) if half(&text[at..]).is_some_and(CodePoint::is_high_surrogate) => text.split_at(at),
        _ => (text, &[]),
    }
}
