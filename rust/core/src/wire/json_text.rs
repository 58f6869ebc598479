//! What JSON is.
//!
//! RFC 8259, and what readers of Python accept besides: NaN, Infinity, -Infinity, and lone surrogates spelled
//! `\uXXXX`. Numbers go by the grammar and may be of any length. Containers are nested at most 200 deep. Control
//! characters below U+0020 must be escaped in strings. That the source is UTF-8 is for the caller to check: outside
//! strings nothing but ASCII is accepted, and inside them every other byte is.
//!
//! A value is read by its lexical form alone, and nothing of it is kept but the span and the kind. The functions take a
//! place in the source and give the place behind what they read, None if that is no JSON: both stay in registers.
//!
//! Cost: O(bytes), without recursion and without allocation.

#![allow(
    clippy::inline_always,
    reason = "a call costs more than what these do, and they are called for each token"
)]

use super::literal::{Kind, byte};
use super::strings::string;

/// How deep containers may be nested.
pub(crate) const DEEPEST: usize = 200;

/// Past blanks.
#[inline(always)]
pub(crate) fn blanks(source: &[u8], mut at: usize) -> usize {
    while matches!(byte(source, at), b' ' | b'\t' | b'\n' | b'\r') {
        at += 1;
    }
    at
}

/// Past the colon behind a name that ended, to the value.
#[inline(always)]
pub(crate) fn colon(source: &[u8], at: usize) -> Option<usize> {
    let at = blanks(source, at);
    if byte(source, at) == b':' { Some(blanks(source, at + 1)) } else { None }
}

/// What comes behind a value in a container.
pub(crate) enum Next {
    /// Another value or name, which stands there.
    More(usize),
    /// The end of the container, which is behind that.
    End(usize),
}

/// Past the comma behind a value, or past the closer of its container.
#[inline(always)]
pub(crate) fn next(source: &[u8], at: usize, closer: u8) -> Option<Next> {
    let at = blanks(source, at);
    let byte = byte(source, at);
    if byte == b',' {
        Some(Next::More(blanks(source, at + 1)))
    } else if byte == closer {
        Some(Next::End(at + 1))
    } else {
        None
    }
}

/// Into a container, to its first value or name, or past it if it is empty. `depth` containers are around it.
#[inline(always)]
pub(crate) fn open(source: &[u8], at: usize, closer: u8, depth: usize) -> Option<Next> {
    if depth == DEEPEST {
        return None;
    }
    let at = blanks(source, at + 1);
    Some(if byte(source, at) == closer { Next::End(at + 1) } else { Next::More(at) })
}

/// Any value; `depth` containers are around it.
#[inline(always)]
pub(crate) fn value(source: &[u8], at: usize, depth: usize) -> Option<(usize, Kind)> {
    if matches!(byte(source, at), b'{' | b'[') { container(source, at, depth) } else { scalar(source, at) }
}

/// A value that is no container.
#[inline(always)]
pub(crate) fn scalar(source: &[u8], at: usize) -> Option<(usize, Kind)> {
    match byte(source, at) {
        b'"' => string(source, at),
        b'n' => word(source, at, b"null", Kind::Null),
        b't' => word(source, at, b"true", Kind::True),
        b'f' => word(source, at, b"false", Kind::False),
        _ => number(source, at),
    }
}

#[inline]
fn word(source: &[u8], at: usize, word: &[u8], kind: Kind) -> Option<(usize, Kind)> {
    if source.get(at..at + word.len()) == Some(word) { Some((at + word.len(), kind)) } else { None }
}

fn number(source: &[u8], begin: usize) -> Option<(usize, Kind)> {
    let is_negative = byte(source, begin) == b'-';
    let mut at = begin + usize::from(is_negative);
    at = match byte(source, at) {
        b'0' => at + 1,
        b'1'..=b'9' => digits(source, at)?,
        b'I' => return word(source, at, b"Infinity", Kind::Float),
        b'N' if !is_negative => return word(source, at, b"NaN", Kind::Float),
        _ => return None,
    };
    let mut kind = Kind::Integer;
    if byte(source, at) == b'.' {
        kind = Kind::Float;
        at = digits(source, at + 1)?;
    }
    if matches!(byte(source, at), b'e' | b'E') {
        kind = Kind::Float;
        let is_signed = matches!(byte(source, at + 1), b'+' | b'-');
        at = digits(source, at + 1 + usize::from(is_signed))?;
    }
    Some((at, kind))
}

/// One digit at least.
#[inline]
fn digits(source: &[u8], begin: usize) -> Option<usize> {
    let mut at = begin;
    while byte(source, at).is_ascii_digit() {
        at += 1;
    }
    if at > begin { Some(at) } else { None }
}

/// A container, to its end. `outside` containers are around it.
pub(crate) fn container(source: &[u8], begin: usize, outside: usize) -> Option<(usize, Kind)> {
    // For each open container, whether it is an object.
    let mut objects = [0_u64; DEEPEST.div_ceil(64)];
    let (mut at, mut depth) = (begin, outside);
    let mut is_empty = true;
    loop {
        // A value begins here.
        let first = byte(source, at);
        if matches!(first, b'{' | b'[') {
            let is_object = first == b'{';
            match open(source, at, if is_object { b'}' } else { b']' }, depth)? {
                Next::More(inside) => {
                    is_empty = false;
                    objects[depth / 64] =
                        objects[depth / 64] & !(1 << (depth % 64)) | u64::from(is_object) << (depth % 64);
                    depth += 1;
                    at = if is_object { name(source, inside)? } else { inside };
                    continue;
                }
                Next::End(end) => at = end,
            }
        } else {
            (at, _) = scalar(source, at)?;
        }
        // It ends here, and with it the containers that close.
        loop {
            if depth == outside {
                let kind = match (source[begin], is_empty) {
                    (b'{', false) => Kind::Object,
                    (b'{', true) => Kind::EmptyObject,
                    (_, false) => Kind::Array,
                    (_, true) => Kind::EmptyArray,
                };
                return Some((at, kind));
            }
            let inner = depth - 1;
            let is_object = objects[inner / 64] >> (inner % 64) & 1 == 1;
            match next(source, at, if is_object { b'}' } else { b']' })? {
                Next::More(more) => {
                    at = if is_object { name(source, more)? } else { more };
                    break;
                }
                Next::End(end) => (at, depth) = (end, inner),
            }
        }
    }
}

/// Past a name that is of no interest, to the value.
#[inline]
fn name(source: &[u8], at: usize) -> Option<usize> {
    if byte(source, at) != b'"' {
        return None;
    }
    colon(source, string(source, at)?.0)
}
