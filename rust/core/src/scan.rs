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

use memchr::memmem::Finder;
use memchr::{memchr, memrchr, memrchr2};

/// Pieces of the names whose presence means that a channel of JSON source may be fed, ended or replaced: of
/// `partial_json`, `tool_calls`, `function_call`, `function_call_arguments`, `mcp_call_arguments`.
const JSON_FIELDS: [&[u8]; 2] = [b"_json", b"_call"];

/// What ends a stream: nothing is restored behind it.
const END: &[u8] = b"[DONE]";

/// What the escapes and the end begin with, or have in them: one byte is found many times as fast as several, so
/// these are looked for first.
pub(crate) const RARE: [u8; 2] = *b"\\D";

/// What must be looked at, for a set of keys.
pub(crate) struct Scanner {
    escapes: Vec<Finder<'static>>,
    end: Finder<'static>,
    names: [Finder<'static>; JSON_FIELDS.len()],
}

impl Scanner {
    /// `firsts`: the first bytes of the keys.
    pub(crate) fn new(firsts: &[u8]) -> Self {
        let mut firsts = firsts.to_vec();
        firsts.dedup();
        let escapes = firsts.into_iter().filter_map(short_escape).chain([&b"\\u"[..]]);
        Self {
            escapes: escapes.map(Finder::new).collect(),
            end: Finder::new(END),
            names: JSON_FIELDS.map(Finder::new),
        }
    }

    /// The end of the last whole event in `data[start..]`, which no first byte of a key is in, before anything else
    /// that matters; `start` if there is none.
    ///
    /// Events end with a blank line, or with each line feed if `lines`. `rare` says that [`RARE`] bytes may occur.
    pub(crate) fn quiet_run(&self, data: &[u8], start: usize, lines: bool, rare: bool) -> usize {
        let mut quiet = &data[start..];
        if rare && memchr(RARE[0], quiet).is_some() {
            quiet = self.escapes.iter().fold(quiet, before);
        }
        if rare && memchr(RARE[1], quiet).is_some() {
            quiet = before(quiet, &self.end);
        }
        quiet = self.names.iter().fold(quiet, before);
        let end = if lines { memrchr(b'\n', quiet).map_or(0, |found| found + 1) } else { last_border(quiet) };
        start + end
    }
}

/// What stands before `pattern`, all if it does not occur.
fn before<'a>(data: &'a [u8], pattern: &Finder<'_>) -> &'a [u8] {
    pattern.find(data).map_or(data, |found| &data[..found])
}

/// Whether these bytes are the beginning of one event and no more. It may be denied without need.
pub(crate) fn is_beginning(data: &[u8], lines: bool) -> bool {
    memchr(b'\r', data).is_none() && (memchr(b'\n', data).is_none() || (!lines && last_border(data) == 0))
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
