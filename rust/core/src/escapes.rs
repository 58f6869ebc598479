//! Escapes of JSON source that comes in pieces, where all that counts is what they mean.
//!
//! `json_source/escapes.rs` reads escapes as well, but keeps how they were spelled.

use crate::surrogate::CodePoint;

/// What a backslash makes of the byte behind it; every other one means itself.
pub(crate) fn meaning(byte: u8) -> u8 {
    match byte {
        b'b' => 0x08,
        b'f' => 0x0C,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        other => other,
    }
}

const LONGEST: usize = br"\uxxxx".len();

/// The escape in hand, if there is one: a backslash, perhaps `u` and up to three digits.
#[derive(Clone, Default)]
pub(crate) struct Escape(Vec<u8>);

impl Escape {
    pub(crate) fn is_open(&self) -> bool {
        !self.0.is_empty()
    }

    /// A backslash came.
    pub(crate) fn begin(&mut self) {
        self.0.push(b'\\');
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Read one byte of it; `put` is given what it means, as WTF-8, once that is known. Returns whether the byte belongs
    /// to it: what turns out to be no escape is read as it stands, and the byte behind it once more. Half of a pair is a
    /// character of its own.
    pub(crate) fn read(&mut self, byte: u8, put: impl FnOnce(&[u8])) -> bool {
        let belongs = match self.0.len() {
            1 if byte != b'u' => {
                put(&[meaning(byte)]);
                true
            }
            2.. if !byte.is_ascii_hexdigit() => {
                put(&self.0[1..]);
                false
            }
            _ => {
                self.0.push(byte);
                if self.0.len() < LONGEST {
                    return true;
                }
                let digits = self.0[2..].iter().filter_map(|&digit| char::from(digit).to_digit(16));
                let (bytes, length) =
                    CodePoint::from(digits.fold(0, |unit, digit| unit << 4 | digit)).encode();
                put(&bytes[..length]);
                true
            }
        };
        self.clear();
        belongs
    }
}
