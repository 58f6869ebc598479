//! Keys: a slot and the values of its addresses as bytes, and the tables of what is known by them.
//!
//! A key is made and looked up for each mark without an allocation. One that leaves an address open has that place
//! marked, and is looked for where the exact key is not found and such keys exist.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

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

    /// The same with any value for one address.
    fn opened(&self, address: usize, out: &mut Vec<u8>) {
        let end = self.begins.get(address + 1).copied().unwrap_or(self.bytes.len());
        out.clear();
        out.extend_from_slice(&self.bytes[..self.begins[address]]);
        out.push(ANY);
        out.extend_from_slice(&self.bytes[end..]);
    }
}

/// What is known by key.
pub(crate) struct Table<V> {
    pub(crate) known: HashMap<Arc<[u8]>, V>,
    /// For each slot and each of its addresses, how many keys leave it open; no zeros.
    open: BTreeMap<(SlotId, u8), usize>,
    scratch: Vec<u8>,
    /// How often it was changed.
    pub(crate) version: u64,
}

impl<V> Default for Table<V> {
    fn default() -> Self {
        Self { known: HashMap::new(), open: BTreeMap::new(), scratch: Vec::new(), version: 0 }
    }
}

impl<V: Copy> Table<V> {
    pub(crate) fn insert(&mut self, slot: SlotId, key: Arc<[u8]>, open: Option<u8>, value: V) -> Option<V> {
        self.version += 1;
        let replaced = self.known.insert(key, value);
        if replaced.is_none()
            && let Some(address) = open
        {
            *self.open.entry((slot, address)).or_default() += 1;
        }
        replaced
    }

    pub(crate) fn remove(&mut self, slot: SlotId, key: &[u8], open: Option<u8>) -> Option<V> {
        self.version += 1;
        let removed = self.known.remove(key);
        if removed.is_some()
            && let Some(address) = open
            && let Some(count) = self.open.get_mut(&(slot, address))
        {
            *count -= 1;
            if *count == 0 {
                self.open.remove(&(slot, address));
            }
        }
        removed
    }

    pub(crate) fn find(&mut self, slot: SlotId, key: &Key) -> Option<V> {
        if let Some(&value) = self.known.get(&*key.bytes) {
            return Some(value);
        }
        for (&(_, address), _) in self.open.range((slot, 0)..=(slot, u8::MAX)) {
            key.opened(address.into(), &mut self.scratch);
            if let Some(&value) = self.known.get(&*self.scratch) {
                return Some(value);
            }
        }
        None
    }
}
