//! Keys: a slot and the values of its addresses as bytes.
//!
//! A key is made and looked up for each mark without an allocation. One that leaves an address open has that place
//! marked, and is looked for where the exact key is not found and such keys exist.

use std::borrow::Cow;
use std::fmt;

use super::shapes::SlotId;

/// The value of one address.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Address<'a> {
    /// A string, as WTF-8.
    Text(Cow<'a, [u8]>),
    /// A whole number.
    Integer(i64),
    /// No value.
    Absent,
    /// Any value or none; for at most one address of a key.
    Any,
}

impl Address<'_> {
    /// The same without the source that it may be borrowed from.
    #[must_use]
    pub fn into_owned(self) -> Address<'static> {
        match self {
            Self::Text(text) => Address::Text(Cow::Owned(text.into_owned())),
            Self::Integer(value) => Address::Integer(value),
            Self::Absent => Address::Absent,
            Self::Any => Address::Any,
        }
    }
}

/// Without the text: the provider wrote it.
impl fmt::Debug for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("Text(..)"),
            Self::Integer(value) => f.debug_tuple("Integer").field(value).finish(),
            Self::Absent => f.write_str("Absent"),
            Self::Any => f.write_str("Any"),
        }
    }
}

/// What a value in a key begins with.
const ABSENT: u8 = 0;
const ANY: u8 = 1;
const INTEGER: u8 = 2;
const TEXT: u8 = 3;

/// A slot and the values of its addresses, as bytes.
#[derive(Default)]
pub(crate) struct Key {
    pub(crate) bytes: Vec<u8>,
    /// Where each address begins.
    begins: Vec<usize>,
}

impl Key {
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.begins.clear();
    }

    pub(crate) fn begin(&mut self, slot: SlotId) {
        self.clear();
        self.bytes.extend_from_slice(&slot.to_le_bytes());
    }

    pub(crate) fn push(&mut self, address: &Address<'_>) {
        match address {
            Address::Absent => self.push_absent(),
            Address::Any => {
                self.begins.push(self.bytes.len());
                self.bytes.push(ANY);
            }
            Address::Integer(value) => self.push_integer(*value),
            Address::Text(text) => self.push_text(text),
        }
    }

    pub(crate) fn push_absent(&mut self) {
        self.begins.push(self.bytes.len());
        self.bytes.push(ABSENT);
    }

    #[inline]
    pub(crate) fn push_integer(&mut self, value: i64) {
        self.begins.push(self.bytes.len());
        self.bytes.push(INTEGER);
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn push_text(&mut self, text: &[u8]) {
        self.begins.push(self.bytes.len());
        self.bytes.push(TEXT);
        self.bytes.extend_from_slice(&text.len().to_le_bytes());
        self.bytes.extend_from_slice(text);
    }

    pub(crate) fn of(slot: SlotId, addresses: &[Address<'_>]) -> Self {
        let mut key = Self::default();
        key.begin(slot);
        for address in addresses {
            key.push(address);
        }
        key
    }

    /// The slot that a key begins with.
    pub(crate) fn slot_of(key: &[u8]) -> SlotId {
        key.first_chunk().map_or(0, |slot| SlotId::from_le_bytes(*slot))
    }

    /// What stands before and behind one address.
    fn around(&self, address: usize) -> (&[u8], &[u8]) {
        let end = self.begins.get(address + 1).copied().unwrap_or(self.bytes.len());
        (&self.bytes[..self.begins[address]], &self.bytes[end..])
    }

    /// The same with any value for one address.
    pub(crate) fn opened(&self, address: usize, out: &mut Vec<u8>) {
        let (before, behind) = self.around(address);
        out.clear();
        out.extend_from_slice(before);
        out.push(ANY);
        out.extend_from_slice(behind);
    }

    /// Whether the other key, which may be of another slot, is the same with any value for one address.
    pub(crate) fn fits(&self, address: usize, other: &[u8]) -> bool {
        if address >= self.begins.len() {
            return false;
        }
        let (before, behind) = self.around(address);
        other.strip_prefix(before).and_then(|rest| rest.strip_prefix(&[ANY])) == Some(behind)
    }
}
