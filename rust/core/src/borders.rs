//! Borders: which keys need one, and which units make none.
//!
//! A key that begins with a *word character* matches as a whole word only where no word character stands before it,
//! one that ends with one only where none follows. A key that is made of a number's characters matches outside the
//! strings of JSON source only as a whole number: no such character stands before it or follows. Both are one rule
//! over *classes* of units, which are bits: a unit of a class that the key minds is no border.
//!
//! A unit is one code point. Word characters are those of the generated table in `word_table.rs`.

use crate::surrogate::{self, CodePoint};
use crate::word_table::RUNS;

pub(crate) const WORD: u8 = 1;
pub(crate) const NUMBER: u8 = 2;

/// The classes of a unit.
#[inline]
pub(crate) fn classes(unit: CodePoint) -> u8 {
    match unit.as_ascii() {
        Some(byte) => {
            let word = if byte.is_ascii_alphanumeric() || byte == b'_' { WORD } else { 0 };
            word | if is_number_unit(byte) { NUMBER } else { 0 }
        }
        None if is_word(unit.value()) => WORD,
        None => 0,
    }
}

/// The classes of the first unit of `text`; none if it is empty.
#[inline]
pub(crate) fn of_first(text: &[u8]) -> u8 {
    if text.is_empty() { 0 } else { classes(surrogate::first(text).0) }
}

/// The classes of the last unit of `text`; none if it is empty.
#[inline]
pub(crate) fn of_last(text: &[u8]) -> u8 {
    if text.is_empty() { 0 } else { classes(surrogate::last(text)) }
}

pub(crate) fn is_number_unit(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E')
}

/// Whether `key` is made of a number's characters, a digit among them.
pub(crate) fn is_number(key: &[u8]) -> bool {
    key.iter().all(|&byte| is_number_unit(byte)) && key.iter().any(u8::is_ascii_digit)
}

fn is_word(code: u32) -> bool {
    let behind = RUNS.partition_point(|&(first, _)| first <= code);
    behind > 0 && code <= RUNS[behind - 1].1
}
