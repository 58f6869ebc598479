//! The byte layer's one hot question: how far can these bytes go out unread?
//!
//! A scan takes bytes that begin at the border of an event and returns the end of the last whole event before the
//! first place where reading might matter: a byte that could begin a key in any JSON spelling, or the name of a field
//! that carries JSON source (whose channel must see every fragment).
//!
//! It may be too careful, never too bold. A code point stands in a JSON string as itself, as `\uXXXX` or as one of
//! the short escapes, so the places that matter are the first bytes of the keys, any `\u`, the short escape of a
//! first code point that has one, and the field names, in which an escape would be a `\u` again. The mark that ends
//! a stream matters too.
//!
//! Cost: one search per pattern over the bytes.

use memchr::memmem::Finder;
use memchr::{memchr, memrchr, memrchr2};

/// A piece of the names whose presence means that a channel of JSON source may be fed, ended or replaced.
///
/// ```
/// use holdback_core::JsonField;
///
/// assert_eq!(JsonField::ALL.map(JsonField::name), ["_json", "_call"]);
/// assert!("partial_json".ends_with(JsonField::Json.name()));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonField {
    /// Of `partial_json`.
    Json,
    /// Of `tool_calls`, `function_call`, `function_call_arguments`, `mcp_call_arguments`.
    Call,
}

impl JsonField {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Json, Self::Call];

    /// The piece itself.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "_json",
            Self::Call => "_call",
        }
    }
}

/// What a scan must know of a wire format: see [`Matcher::quiet_run`](crate::Matcher::quiet_run).
///
/// ```
/// use holdback_core::{JsonField, Matcher, Wire};
///
/// let matcher = Matcher::new([("<PERSON_1>", "Ada")])?;
/// // Ollama: an event is a line, and no field carries JSON in pieces.
/// let ollama = Wire { lines: true, field: None };
/// let data = b"{\"response\":\"Hi \"}\n{\"response\":\"<PERSON_1>\"}\n";
/// assert_eq!(matcher.quiet_run(data, 0, ollama), 19);
/// // Anthropic: a blank line ends an event, and fragments of `partial_json` must all be read.
/// let anthropic = Wire { lines: false, field: Some(JsonField::Json) };
/// let data = b"data: {\"text\":\"Hi\"}\n\ndata: {\"partial_json\":\"{\"}\n\n";
/// assert_eq!(matcher.quiet_run(data, 0, anthropic), 21);
/// # Ok::<(), holdback_core::PatternError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Wire {
    /// Whether events end with each line feed, not with a blank line.
    pub lines: bool,
    /// In the name of every field that carries JSON source, if there are any.
    pub field: Option<JsonField>,
}

/// What ends a stream: nothing is restored behind it.
const END: &[u8] = b"[DONE]";

/// What the escapes and the end begin with, or have in them: one byte is found many times as fast as several, so
/// these are looked for first.
pub(crate) const RARE: [u8; 2] = *b"\\D";

/// What must be looked at, for a set of keys.
pub(crate) struct Scanner {
    escapes: Vec<Finder<'static>>,
    end: Finder<'static>,
    names: [Finder<'static>; JsonField::ALL.len()],
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
            names: JsonField::ALL.map(|field| Finder::new(field.name())),
        }
    }

    /// The end of the last whole event in `data[start..]`, which no first byte of a key is in, before anything else
    /// that matters; `start` if there is none. `rare` says that [`RARE`] bytes may occur.
    pub(crate) fn quiet_run(&self, data: &[u8], start: usize, wire: Wire, rare: bool) -> usize {
        let mut quiet = &data[start..];
        if rare && memchr(RARE[0], quiet).is_some() {
            quiet = self.escapes.iter().fold(quiet, before);
        }
        if rare && memchr(RARE[1], quiet).is_some() {
            quiet = before(quiet, &self.end);
        }
        if let Some(field) = wire.field {
            quiet = before(quiet, &self.names[field as usize]);
        }
        let end =
            if wire.lines { memrchr(b'\n', quiet).map_or(0, |found| found + 1) } else { last_border(quiet) };
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
