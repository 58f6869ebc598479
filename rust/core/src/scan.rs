//! The byte layer's one hot question: how far can these bytes go out unread?
//!
//! `quiet_run` takes bytes that begin at the border of an event and returns the end of the last whole
//! event before the first place where reading might matter: a byte that could begin a key in any JSON spelling, or
//! the name of a field that carries JSON source (whose channel must see every fragment).
//!
//! It may be too careful, never too bold. A code point stands in a JSON string as itself, as `\uXXXX` or as one of
//! the short escapes, so the places that matter are the first bytes of the keys, any `\u`, the short escape of a
//! first code point that has one, and the field names, in which an escape would be a `\u` again. The mark that ends
//! a stream matters too.
//!
//! Cost: one search per pattern over the bytes.

use memchr::{memmem, memrchr, memrchr2};

/// Pieces of the names whose presence means that a channel of JSON source may be fed, ended or replaced: of
/// `arguments`, `partial_json`, `tool_calls`, `function_call`.
const JSON_FIELDS: [&[u8]; 3] = [b"arguments", b"_json", b"_call"];

/// What ends a stream: nothing is restored behind it.
const END: &[u8] = b"[DONE]";

/// What must be looked at, for a set of keys.
pub(crate) struct Scanner {
    patterns: Vec<memmem::Finder<'static>>,
}

impl Scanner {
    /// `firsts`: the first bytes of the keys.
    pub(crate) fn new(firsts: &[u8]) -> Self {
        let mut firsts = firsts.to_vec();
        firsts.dedup();
        let short_escapes = firsts.into_iter().filter_map(short_escape);
        let patterns = JSON_FIELDS.into_iter().chain([&b"\\u"[..], END]).chain(short_escapes);
        Self { patterns: patterns.map(memmem::Finder::new).collect() }
    }

    /// The end of the last whole event in `data[start..]`, which no first byte of a key is in, before anything else
    /// that matters; `start` if there is none.
    ///
    /// Events end with a blank line, or with each line feed if `lines`.
    pub(crate) fn quiet_run(&self, data: &[u8], start: usize, lines: bool) -> usize {
        let limit = self.patterns.iter().fold(data.len(), |limit, pattern| {
            pattern.find(&data[start..limit]).map_or(limit, |found| start + found)
        });
        if lines {
            return memrchr(b'\n', &data[start..limit]).map_or(start, |found| start + found + 1);
        }
        start + last_border(&data[start..limit])
    }
}

fn short_escape(byte: u8) -> Option<&'static [u8]> {
    Some(match byte {
        8 => b"\\b",
        12 => b"\\f",
        b'\n' => b"\\n",
        b'\r' => b"\\r",
        b'\t' => b"\\t",
        b'/' => b"\\/",
        _ => return None,
    })
}

/// The end of the last blank line of `data`; 0 if there is none.
///
/// A line ends with LF, CR LF or CR. A CR LF that the end cuts ends where it is cut.
fn last_border(data: &[u8]) -> usize {
    let mut end = data.len();
    while let Some(last) = memrchr2(b'\n', b'\r', &data[..end]) {
        let before = if data[..=last].ends_with(b"\r\n") { last - 1 } else { last };
        if before == 0 || matches!(data[before - 1], b'\n' | b'\r') {
            return last + 1;
        }
        end = before;
    }
    0
}
