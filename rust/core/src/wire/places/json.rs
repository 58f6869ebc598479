//! The places of JSON source, such as the arguments of a tool: each string is a text of its own, decoded.
//!
//! It is fed the source that the client has been sent and needs no parser: each quote is the border of a text, and escapes
//! are undone where they stand. What stands between two strings is a text as well: in broken JSON, such as values without
//! quotes or with single ones, it may be an address. A document inside a string is read as the text of that string. Broken
//! JSON raises nothing.

use std::sync::Arc;

use super::{AllowedHost, Places};

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
    /// The beginning of an escape: a backslash, perhaps `u` and up to three digits.
    escape: Vec<u8>,
}

impl JsonPlaces {
    /// The places of a source that begins.
    pub fn new(hosts: impl Into<Arc<[AllowedHost]>>) -> Self {
        Self { places: Places::new(hosts), escape: Vec::with_capacity(5) }
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
            if !self.escape.is_empty() {
                if self.goes_on(first) {
                    rest = &rest[1..];
                }
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
                self.escape.push(b'\\');
            }
        }
    }

    /// Read one byte of an escape; whether it belongs to it.
    fn goes_on(&mut self, byte: u8) -> bool {
        match self.escape.len() {
            1 if byte != b'u' => {
                let decoded = match byte {
                    b'b' => 8,
                    b'f' => 12,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    other => other,
                };
                self.places.feed(&[decoded]);
            }
            2.. if !byte.is_ascii_hexdigit() => {
                // No escape: what stands there is read as it is, this byte too.
                self.places.feed(&self.escape[1..]);
                self.escape.clear();
                return false;
            }
            1..=4 => {
                self.escape.push(byte);
                return true;
            }
            _ => {
                let digits = self.escape[2..].iter().chain([&byte]);
                let unit = digits.fold(0, |unit, &digit| unit << 4 | u16::from(hex(digit)));
                self.places.feed(&wtf8(unit)[..]);
            }
        }
        self.escape.clear();
        true
    }
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}

/// A UTF-16 unit; half of a pair is a character of its own, which places tell from no other.
fn wtf8(unit: u16) -> Vec<u8> {
    let [high, low] = unit.to_be_bytes();
    match unit {
        0..0x80 => vec![low],
        0x80..0x800 => vec![0xc0 | high << 2 | low >> 6, 0x80 | low & 0x3f],
        _ => vec![0xe0 | high >> 4, 0x80 | (high << 2 | low >> 6) & 0x3f, 0x80 | low & 0x3f],
    }
}
