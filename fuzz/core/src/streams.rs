//! One text through streams: cut in several ways, whole, and twice.

use holdback_core::{Fed, Matcher, StreamBuffer};

use crate::case::Case;
use crate::naive;

/// Restore the case in every way; returns what they all gave.
pub(crate) fn judge(matcher: &Matcher, case: &Case<'_>) -> Vec<u8> {
    let whole =
        if case.json { matcher.replace_json(case.text) } else { matcher.replace(case.text) }.into_owned();
    let keys = case.keys();
    let mut stream = if case.json { matcher.stream_json() } else { matcher.stream() };
    for pieces in [vec![case.text], case.pieces(), case.units()] {
        for _after_a_flush in 0..2 {
            let mut out = Vec::new();
            for piece in &pieces {
                feed(matcher, &mut stream, piece, case.json, &mut out);
                let held = stream.pending();
                assert!(may_be_held(&keys, &held, case.json), "held without need");
            }
            flush(&mut stream, &mut out);
            assert!(naive::join(&out) == naive::join(&whole), "pieces and the whole differ");
        }
        assert!(
            naive::join(&skipping(matcher, &pieces, case.json)) == naive::join(&whole),
            "quiet it was not"
        );
    }
    if !case.json {
        assert!(whole == naive::restore(&case.pairs, case.text), "not what the naive restorer says");
    }
    whole
}

fn feed(matcher: &Matcher, stream: &mut StreamBuffer, piece: &[u8], json: bool, out: &mut Vec<u8>) {
    let before = out.len();
    let held = stream.pending();
    let is_quiet = stream.is_at_rest() && is_quiet(matcher, piece, json);
    assert!(!stream.is_at_rest() || held.is_empty(), "at rest with something held");
    if stream.feed_wtf8(piece, out) == Fed::Unchanged {
        assert!(out.len() == before, "unchanged, and yet written");
        assert!(
            piece.is_empty() || (held.is_empty() && stream.pending().is_empty()),
            "passed by what is held"
        );
        out.extend_from_slice(piece);
    } else {
        assert!(!is_quiet, "a quiet text was changed");
    }
    assert!(!is_quiet || stream.is_at_rest(), "a quiet text ended the rest");
}

/// The way of the bindings: a quiet text that meets a stream at rest is not fed at all.
fn skipping(matcher: &Matcher, pieces: &[&[u8]], json: bool) -> Vec<u8> {
    let mut stream = if json { matcher.stream_json() } else { matcher.stream() };
    let mut out = Vec::new();
    for piece in pieces {
        if (stream.is_at_rest() && is_quiet(matcher, piece, json))
            || stream.feed_wtf8(piece, &mut out) == Fed::Unchanged
        {
            out.extend_from_slice(piece);
        }
    }
    stream.flush(&mut out);
    out
}

fn is_quiet(matcher: &Matcher, piece: &[u8], json: bool) -> bool {
    std::str::from_utf8(piece).is_ok_and(|piece| matcher.is_quiet(piece, json))
}

fn flush(stream: &mut StreamBuffer, out: &mut Vec<u8>) {
    stream.flush(out);
    assert!(stream.pending().is_empty(), "held behind the end");
    let length = out.len();
    stream.flush(out);
    assert!(out.len() == length, "a second flush gave more");
}

/// Whether `held` is a proper prefix of a key, in JSON source in some spelling, and then only what is unfinished.
fn may_be_held(keys: &[Vec<u8>], held: &[u8], json: bool) -> bool {
    if held.is_empty() {
        return true;
    }
    let mut held = without_high_half(held).to_vec();
    let is_prefix = |text: &[u8]| {
        text.is_empty() || keys.iter().any(|key| key.len() > text.len() && key.starts_with(text))
    };
    // How many strings are open is not known here: one of them fits.
    for _level in 0..=if json { 8 } else { 0 } {
        if is_prefix(&held) {
            return true;
        }
        held = decoded(&held);
    }
    false
}

fn without_high_half(text: &[u8]) -> &[u8] {
    match text {
        [before @ .., 0xED, 0xA0..=0xAF, 0x80..=0xBF] => before,
        _ => text,
    }
}

/// The inside of a JSON string with its escapes undone, but for those that the end cuts off.
fn decoded(source: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut at = 0;
    let mut high = None;
    while at < source.len() {
        if source[at] != b'\\' {
            high = None;
            out.push(source[at]);
            at += 1;
            continue;
        }
        match source.get(at + 1) {
            None => break,
            Some(b'u') => {
                let digits = &source[at + 2..source.len().min(at + 6)];
                let good = digits.iter().take_while(|digit| digit.is_ascii_hexdigit()).count();
                if good == digits.len() && good < 4 {
                    break;
                }
                if good < 4 {
                    high = None;
                    out.push(b'u');
                    at += 2;
                    continue;
                }
                let value = digits
                    .iter()
                    .fold(0, |value, &digit| value << 4 | char::from(digit).to_digit(16).unwrap());
                push(&mut out, value, &mut high);
                at += 6;
            }
            Some(&byte) => {
                high = None;
                out.push(match byte {
                    b'b' => 8,
                    b'f' => 12,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    byte => byte,
                });
                at += 2;
            }
        }
    }
    if let Some(length) = high {
        out.truncate(length); // it waits for its mate
    }
    out
}

/// Append a code point. `high` is how long `out` was before the escaped high half at its end, if there is one.
fn push(out: &mut Vec<u8>, value: u32, high: &mut Option<usize>) {
    let before = out.len();
    match char::from_u32(value) {
        Some(character) => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        None => out.extend([
            0xED,
            0x80 | (value >> 6).to_le_bytes()[0] & 0x3F,
            0x80 | value.to_le_bytes()[0] & 0x3F,
        ]),
    }
    *high = match value {
        0xDC00..0xE000 if high.is_some() => {
            let pair = naive::join(&out[before - 3..]);
            out.truncate(before - 3);
            out.extend(pair);
            None
        }
        0xD800..0xDC00 => Some(before),
        _ => None,
    };
}
