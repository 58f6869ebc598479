//! Names, and what each stands for.

#![allow(
    clippy::inline_always,
    reason = "a call costs more than what these do, and they are called for each token"
)]

use std::ops::Range;

/// Names and what each stands for, found by length and by the first eight bytes.
pub(crate) struct Names {
    /// Ascending by length.
    names: Vec<Name>,
    /// For each length, a place at or before the first name of it; as little as a byte goes.
    by_length: Vec<u8>,
}

struct Name {
    text: Box<[u8]>,
    /// Its first bytes, zeros behind them.
    head: u64,
    stands_for: u32,
}

/// The first eight bytes of the name that stands there as a number, zeros behind a shorter one.
#[inline(always)]
fn head_of(source: &[u8], name: &Range<usize>) -> u64 {
    let mask = if name.len() < 8 { (1 << (8 * name.len())) - 1 } else { u64::MAX };
    match source.get(name.start..).and_then(<[u8]>::first_chunk) {
        Some(&head) => u64::from_le_bytes(head) & mask,
        None => source[name.clone()].iter().rev().fold(0, |head, &byte| head << 8 | u64::from(byte)),
    }
}

impl Names {
    pub(crate) const EMPTY: Self = Self { names: Vec::new(), by_length: Vec::new() };

    pub(crate) fn new(parts: Vec<(String, u32)>) -> Self {
        let mut names: Vec<Name> = parts
            .into_iter()
            .map(|(name, stands_for)| {
                let name = name.into_bytes();
                Name { head: head_of(&name, &(0..name.len())), text: name.into(), stands_for }
            })
            .collect();
        names.sort_unstable_by_key(|name| name.text.len());
        let longest = names.last().map_or(0, |name| name.text.len());
        let begin_of = |length| names.partition_point(|name| name.text.len() < length);
        let by_length =
            (0..=longest).map(|length| u8::try_from(begin_of(length)).unwrap_or(u8::MAX)).collect();
        Self { names, by_length }
    }

    /// The place of a name among all, and what it stands for.
    pub(crate) fn find(&self, wanted: &[u8]) -> Option<(usize, u32)> {
        self.find_in(wanted, 0..wanted.len())
    }

    /// The same of a name that stands in a source.
    #[inline(always)]
    pub(crate) fn find_in(&self, source: &[u8], wanted: Range<usize>) -> Option<(usize, u32)> {
        let mut place = usize::from(*self.by_length.get(wanted.len())?);
        let head = head_of(source, &wanted);
        while let Some(known) = self.names.get(place) {
            if known.text.len() > wanted.len() {
                return None;
            }
            if known.head == head && *known.text == source[wanted.clone()] {
                return Some((place, known.stands_for));
            }
            place += 1;
        }
        None
    }
}
