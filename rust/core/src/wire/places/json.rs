//! The places of JSON source, such as the arguments of a tool: each string is a text of its own, decoded.
//!
//! It is fed the source that the client has been sent and needs no parser: each quote is the border of a text, and escapes
//! are undone where they stand. What stands between two strings is a text as well: in broken JSON, such as values without
//! quotes or with single ones, it may be an address. A document inside a string is read as the text of that string. Broken
//! JSON raises nothing.

use std::sync::Arc;

use super::{AllowedHost, Places};
use crate::escapes::Escape;

/// The same questions as of [`Places`], of JSON source.
///
/// ```
/// use holdback_core::wire::places::JsonPlaces;
///
/// let mut places = JsonPlaces::new([]);
/// places.feed(br#"{"url": "https:\/\/collect.example/?q="#);
/// assert!(places.keeps(b"Ada"));
/// places.feed(br#"", "name": ""#);
/// assert!(!places.keeps(b"Ada"));
/// ```
#[derive(Clone)]
pub struct JsonPlaces {
    places: Places,
    escape: Escape,
}

impl JsonPlaces {
    /// The places of a source that begins.
    pub fn new(hosts: impl Into<Arc<[AllowedHost]>>) -> Self {
        Self { places: Places::new(hosts), escape: Escape::default() }
    }

    /// Whether the next character stands inside an address.
    pub fn in_address(&self) -> bool {
        self.places.in_address()
    }

    /// Whether a placeholder of `value`, as it is without escapes, would have to stay if it came next.
    pub fn keeps(&self, value: &[u8]) -> bool {
        self.places.keeps(value)
    }

    /// Move over source, UTF-8 or WTF-8, which the client has been sent.
    pub fn feed(&mut self, source: &[u8]) {
        let mut rest = source;
        while let Some(&first) = rest.first() {
            if self.escape.is_open() {
                let belongs = self.escape.read(first, |text| self.places.feed(text));
                rest = &rest[usize::from(belongs)..];
                continue;
            }
            let end = memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
            if end > 0 {
                self.places.feed(&rest[..end]);
            }
            let Some(&special) = rest.get(end) else { return };
            rest = &rest[end + 1..];
            if special == b'"' {
                self.places.reset();
            } else {
                self.escape.begin();
            }
        }
    }
}
