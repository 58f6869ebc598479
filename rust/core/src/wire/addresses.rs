//! What the marks of one event belong to: the values of their addresses as a key.

use std::collections::HashMap;

use super::channels::{Address, Key};
use super::json_text::{Kind, Literal};
use super::reading::{Mark, ROOT, Reading};
use super::shapes::{Shapes, SlotId};

/// More addresses than that in one event are looked up by a table.
const FEW: usize = 16;
/// The most digits of a number that is an address.
const MOST_DIGITS: usize = 18;

/// Looks up the addresses of one event after another.
#[derive(Default)]
pub(crate) struct Addresses {
    /// The number of the place with the same positions that came first, for each place.
    first: Vec<usize>,
    /// The last address for a slot at a place.
    last: HashMap<(SlotId, usize), usize>,
    is_indexed: bool,
    decoded: Vec<u8>,
}

impl Addresses {
    /// Begin with an event.
    #[inline]
    pub(crate) fn begin(&mut self, reading: &Reading) {
        self.is_indexed = reading.addresses.len() > FEW;
        if self.is_indexed {
            self.index(reading);
        }
    }

    fn index(&mut self, reading: &Reading) {
        self.first.clear();
        self.last.clear();
        let mut seen = HashMap::new();
        for (number, place) in reading.places.iter().enumerate() {
            let first = match number {
                ROOT => ROOT,
                _ => *seen.entry((self.first[place.parent], place.index)).or_insert(number),
            };
            self.first.push(first);
        }
        for (number, mark) in reading.addresses.iter().enumerate() {
            self.last.insert((mark.slot, self.first[mark.place]), number);
        }
    }

    /// The key of a mark. False if one of its addresses is a number that is none: nothing is known by it.
    pub(crate) fn key(
        &mut self,
        shapes: &Shapes,
        reading: &Reading,
        source: &[u8],
        mark: &Mark,
        key: &mut Key,
    ) -> bool {
        key.begin(mark.slot);
        for &slot in &shapes.slot(mark.slot).addresses {
            let spec = shapes.slot(slot);
            let place = reading.above(mark.place, spec.depth.into());
            let address = match self.find(reading, slot, place).filter(|literal| !literal.is_empty_string()) {
                Some(literal) if literal.kind.is_string() => {
                    Address::Text(literal.text(source, &mut self.decoded))
                }
                Some(literal) => match integer(literal, source) {
                    Some(value) => Address::Integer(value),
                    None => return false,
                },
                None if spec.positional && place != ROOT => {
                    Address::Integer(i64::try_from(reading.places[place].index).unwrap_or(i64::MAX))
                }
                None => Address::Absent,
            };
            key.push(address);
        }
        true
    }

    #[inline]
    fn find(&self, reading: &Reading, slot: SlotId, place: usize) -> Option<Literal> {
        let mark = if self.is_indexed {
            &reading.addresses[*self.last.get(&(slot, self.first[place]))?]
        } else {
            let mut marks = reading.addresses.iter().rev();
            marks.find(|mark| mark.slot == slot && reading.is_same(mark.place, place))?
        };
        Some(mark.literal)
    }
}

fn integer(literal: Literal, source: &[u8]) -> Option<i64> {
    let text = &source[literal.begin..literal.end];
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    if literal.kind != Kind::Integer || digits.len() > MOST_DIGITS {
        return None;
    }
    let value = digits.iter().fold(0, |value, digit| value * 10 + i64::from(digit - b'0'));
    Some(if digits.len() < text.len() { -value } else { value })
}
