//! JSON strings: where one ends, what it spells, and how one is written.

#![allow(
    clippy::inline_always,
    reason = "a call costs more than what these do, and they are called for each token"
)]

use super::literal::{Kind, Literal, byte};
use crate::escapes::meaning;
use crate::surrogate::{self, CodePoint};

/// The string that begins at a place: where it ends, and whether an escape is in it.
#[inline(always)]
pub(crate) fn string(source: &[u8], begin: usize) -> Option<(usize, Kind)> {
    let end = plain_run(source, begin + 1);
    if byte(source, end) == b'"' { Some((end + 1, Kind::Plain)) } else { escaped_string(source, end) }
}

/// The same from the first byte on that does not stand for itself.
#[cold]
fn escaped_string(source: &[u8], mut at: usize) -> Option<(usize, Kind)> {
    loop {
        match byte(source, at) {
            b'"' => return Some((at + 1, Kind::Escaped)),
            b'\\' => at = plain_run(source, at + escape_length(&source[at..])?),
            _ => return None,
        }
    }
}

impl Literal {
    /// The text of a string as WTF-8. It is written to `out` if it is not what stands between the quotes.
    #[inline(always)]
    pub(crate) fn text<'a>(self, source: &'a [u8], out: &'a mut Vec<u8>) -> &'a [u8] {
        let inside = &source[self.begin + 1..self.end - 1];
        if self.kind != Kind::Escaped {
            return inside;
        }
        out.clear();
        unescape(inside, out);
        out
    }
}

/// Where the first byte is, from a place on, that does not stand for itself inside a string. Most strings are short: the
/// beginning is looked at eight bytes at a time, and only what goes on behind it takes a search.
#[inline(always)]
fn plain_run(source: &[u8], mut at: usize) -> usize {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const FEW: usize = 16;
    let (eights, _) = source.get(at..).unwrap_or_default().as_chunks();
    for &eight in eights.iter().take(FEW) {
        let word = u64::from_le_bytes(eight);
        // The high bit of a byte is set where that byte is below 0x20, a quote, or a backslash. What a borrow sets wrongly
        // stands behind a byte that is set rightly, and only the first one counts.
        let special = word.wrapping_sub(ONES * 0x20)
            | (word ^ (ONES * 0x22)).wrapping_sub(ONES)
            | (word ^ (ONES * 0x5C)).wrapping_sub(ONES);
        let special = special & !word & (ONES * 0x80);
        if special != 0 {
            return at + (special.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    if eights.len() > FEW {
        return long_run(source, at);
    }
    while !matches!(byte(source, at), 0..0x20 | b'"' | b'\\') {
        at += 1; // the end counts as 0
    }
    at
}

/// The same by two passes, which many bytes are worth.
#[inline(never)]
fn long_run(source: &[u8], at: usize) -> usize {
    let rest = &source[at..];
    let end = memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
    let run = &rest[..end];
    let least = run.iter().fold(u8::MAX, |least, &byte| least.min(byte));
    at + if least < 0x20 { run.iter().position(|&byte| byte < 0x20).unwrap_or(end) } else { end }
}

/// The length of the escape that `text` begins with.
fn escape_length(text: &[u8]) -> Option<usize> {
    match text.get(1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Some(2),
        Some(b'u') if code_unit(text).is_some() => Some(6),
        _ => None,
    }
}

/// What the `\uXXXX` at the start of `text` spells.
fn code_unit(text: &[u8]) -> Option<u32> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0, |unit, &digit| Some(unit << 4 | char::from(digit).to_digit(16)?))
}

/// Append the text of what stands between the quotes of a valid string, as WTF-8.
pub(crate) fn unescape(inside: &[u8], out: &mut Vec<u8>) {
    let mut rest = inside;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        let byte = match rest.get(1).copied().unwrap_or_default() {
            b'u' => {
                rest = &rest[unescape_unit(rest, out)..];
                continue;
            }
            other => meaning(other),
        };
        out.push(byte);
        rest = &rest[2..];
    }
    out.extend_from_slice(rest);
}

/// Append the character of the `\uXXXX` that `text` begins with, or of two that are a pair. Returns their length.
fn unescape_unit(text: &[u8], out: &mut Vec<u8>) -> usize {
    let mut code_point = CodePoint::from(code_unit(text).unwrap_or_default());
    let mut length = 6;
    if code_point.is_high_surrogate()
        && let Some(low) = text.get(6..).and_then(code_unit).map(CodePoint::from)
        && low.is_low_surrogate()
    {
        code_point = surrogate::join_pair(code_point, low);
        length = 12;
    }
    let (bytes, needed) = code_point.encode();
    out.extend_from_slice(&bytes[..needed]);
    length
}

/// Append the string literal of a text (WTF-8) in the one dialect that the library writes: what must be escaped, and
/// U+007F, U+0085, U+2028, U+2029 and lone surrogates; everything else as it is.
pub fn write_string(text: &[u8], out: &mut Vec<u8>) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    let (mut at, mut done) = (0, 0);
    while let Some(found) = text[at..].iter().position(|&byte| IS_WATCHED[usize::from(byte)]) {
        at += found;
        let (code_point, length) = surrogate::first(&text[at..]);
        if let Some(escape) = crate::json_text::escape_of(code_point) {
            out.extend_from_slice(&text[done..at]);
            out.extend_from_slice(escape.as_bytes());
            done = at + length;
        }
        at += length;
    }
    out.extend_from_slice(&text[done..]);
    out.push(b'"');
}

/// The bytes with which something begins that may have to be escaped.
const IS_WATCHED: [bool; 256] = {
    let mut watched = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        watched[byte] = true;
        byte += 1;
    }
    watched[b'"' as usize] = true;
    watched[b'\\' as usize] = true;
    watched[0x7F] = true;
    watched[0xC2] = true; // U+0085
    watched[0xE2] = true; // U+2028 and U+2029
    watched[0xED] = true; // surrogates
    watched
};
