//! What the marks of one event belong to: the values of their addresses as a key.

use std::collections::HashMap;

use super::keys::{Address, Key};
use super::literal::{Kind, Literal};
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

    /// Forget the last event.
    pub(crate) fn clear(&mut self) {
        if std::mem::take(&mut self.is_indexed) {
            (self.first, self.last) = (Vec::new(), HashMap::new());
        }
        self.decoded.clear();
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
            let (literal, position) = self.find(shapes, reading, slot, mark);
            match (literal, position) {
                (Some(literal), _) if literal.kind.is_string() => {
                    key.push_text(literal.text(source, &mut self.decoded));
                }
                (Some(literal), _) => match integer(literal, source) {
                    Some(value) => key.push_integer(value),
                    None => return false,
                },
                (None, Some(position)) => key.push_integer(position),
                (None, None) => key.push_absent(),
            }
        }
        true
    }

    /// The literal of an address of a mark, or else its position in the array where it is positional.
    #[inline]
    fn find(
        &self,
        shapes: &Shapes,
        reading: &Reading,
        slot: SlotId,
        mark: &Mark,
    ) -> (Option<Literal>, Option<i64>) {
        let spec = shapes.slot(slot);
        let place = reading.above(mark.place, spec.depth.into());
        let found = if self.is_indexed {
            self.last.get(&(slot, self.first[place])).map(|&number| &reading.addresses[number])
        } else {
            let mut addresses = reading.addresses.iter().rev();
            addresses.find(|address| address.slot == slot && reading.is_same(address.place, place))
        };
        let literal = found.map(|address| address.literal).filter(|literal| !literal.is_empty_string());
        let is_positional = spec.positional && place != ROOT;
        let position = is_positional.then(|| i64::try_from(reading.places[place].index).unwrap_or(i64::MAX));
        (literal, position)
    }
}

impl Shapes {
    /// What a mark belongs to: the values of the addresses of its slot. None if one is a number that is no address,
    /// since it has a fraction, an exponent or more than 18 digits. `source` is what was walked.
    #[must_use]
    pub fn addresses<'a>(
        &self,
        source: &'a [u8],
        reading: &Reading,
        mark: &Mark,
    ) -> Option<Vec<Address<'a>>> {
        let addresses = Addresses::default();
        let value_of = |&slot: &SlotId| {
            let (literal, position) = addresses.find(self, reading, slot, mark);
            Some(match (literal, position) {
                (Some(literal), _) if literal.kind.is_string() => {
                    Address::Text(Mark { literal, ..*mark }.text(source)?)
                }
                (Some(literal), _) => Address::Integer(integer(literal, source)?),
                (None, Some(position)) => Address::Integer(position),
                (None, None) => Address::Absent,
            })
        };
        self.slot(mark.slot).addresses.iter().map(value_of).collect()
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
