//! The channels that are open in a lane, and what is known by address.
//!
//! What a mark belongs to is said by its slot and the values of its addresses: the *key*. Keys are bytes, so that one
//! is made and looked up for each mark without an allocation. A registration may leave one address open; its key has
//! that place marked, and is looked for where the exact key is not found and such registrations exist.
//!
//! Cost: each call O(its keys). A closed channel leaves nothing behind but the number of its place, which is not used
//! for another channel under the same id.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::shapes::SlotId;
use crate::SharedBuffer;

/// A channel that is open in a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChannelId {
    place: u32,
    /// How many channels had that place before.
    generation: u32,
}

impl From<ChannelId> for u64 {
    fn from(id: ChannelId) -> Self {
        Self::from(id.generation) << 32 | Self::from(id.place)
    }
}

impl From<u64> for ChannelId {
    fn from(number: u64) -> Self {
        let half = |number: u64| u32::try_from(number & u64::from(u32::MAX)).unwrap_or_default();
        Self { place: half(number), generation: half(number >> 32) }
    }
}

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

/// What is wrong with what a lane was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LaneError {
    /// The channel is not open.
    NoChannel,
    /// The table has no such slot.
    NoSlot,
    /// The slot has another number of addresses.
    Addresses,
    /// More than one address may have any value.
    TooOpen,
}

impl fmt::Display for LaneError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoChannel => "the channel is not open",
            Self::NoSlot => "the table has no such slot",
            Self::Addresses => "the slot has another number of addresses",
            Self::TooOpen => "more than one address may have any value",
        })
    }
}

impl std::error::Error for LaneError {}

/// What a value in a key begins with.
const ABSENT: u8 = 0;
const ANY: u8 = 1;
const INTEGER: u8 = 2;
const TEXT: u8 = 3;

/// A slot and the values of its addresses, as bytes.
#[derive(Default)]
pub(crate) struct Key {
    bytes: Vec<u8>,
    /// Where each address begins.
    begins: Vec<usize>,
}

impl Key {
    pub(crate) fn begin(&mut self, slot: SlotId) {
        self.bytes.clear();
        self.begins.clear();
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

    fn of(slot: SlotId, addresses: &[Address<'_>]) -> Self {
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
struct Table<V> {
    known: HashMap<Arc<[u8]>, V>,
    /// What was found last, each at a place that depends on the bytes of its key. Any change of the table empties it.
    recent: [Option<(Arc<[u8]>, V)>; RECENT],
    /// For each slot, how many keys leave each of its addresses open.
    open: HashMap<SlotId, Vec<usize>>,
    scratch: Vec<u8>,
}

/// So many keys in turns are found without a hash.
const RECENT: usize = 4;

impl<V> Default for Table<V> {
    fn default() -> Self {
        Self { known: HashMap::new(), recent: Default::default(), open: HashMap::new(), scratch: Vec::new() }
    }
}

impl<V: Copy> Table<V> {
    fn insert(&mut self, slot: SlotId, key: Arc<[u8]>, open: Option<u8>, value: V) -> Option<V> {
        self.recent = Default::default();
        let replaced = self.known.insert(key, value);
        if replaced.is_none()
            && let Some(address) = open
        {
            let counts = self.open.entry(slot).or_default();
            counts.resize(counts.len().max(usize::from(address) + 1), 0);
            counts[usize::from(address)] += 1;
        }
        replaced
    }

    fn remove(&mut self, slot: SlotId, key: &[u8], open: Option<u8>) -> Option<V> {
        self.recent = Default::default();
        let removed = self.known.remove(key);
        if removed.is_some()
            && let Some(address) = open
            && let Some(counts) = self.open.get_mut(&slot)
        {
            counts[usize::from(address)] -= 1;
        }
        removed
    }

    #[inline]
    fn find(&mut self, slot: SlotId, key: &Key) -> Option<V> {
        let sum = key.bytes.iter().fold(0_u8, |sum, &byte| sum.wrapping_add(byte));
        let recent = &mut self.recent[usize::from(sum) % RECENT];
        if let Some((known, value)) = recent
            && **known == *key.bytes
        {
            return Some(*value);
        }
        if let Some((known, &value)) = self.known.get_key_value(&*key.bytes) {
            *recent = Some((Arc::clone(known), value));
            return Some(value);
        }
        let counts = self.open.get(&slot)?;
        for (address, _) in counts.iter().enumerate().filter(|&(_, &count)| count > 0) {
            key.opened(address, &mut self.scratch);
            if let Some(value) = self.known.get(&*self.scratch) {
                return Some(*value);
            }
        }
        None
    }
}

/// A key that leads to a channel, and which of its addresses it leaves open.
struct Registration {
    key: Arc<[u8]>,
    slot: SlotId,
    open: Option<u8>,
}

pub(crate) struct Channel {
    pub(crate) buffer: Arc<SharedBuffer>,
    /// What leads to it.
    registrations: Vec<Registration>,
    /// The channels that end with its text.
    pub(crate) ends: Vec<ChannelId>,
    /// The last frame that fed it.
    pub(crate) fed_by: u64,
}

/// The channels that are open, the keys that lead to them, and the keys that were made known.
#[derive(Default)]
pub(crate) struct Channels {
    /// For each place, how often it was used before, and what is in it.
    places: Vec<(u32, Option<Channel>)>,
    free: Vec<u32>,
    /// A channel, and the place of the key among its registrations.
    table: Table<(ChannelId, usize)>,
    known: Table<()>,
}

impl Channels {
    pub(crate) fn open(&mut self, buffer: Arc<SharedBuffer>) -> ChannelId {
        let channel = Channel { buffer, registrations: Vec::with_capacity(1), ends: Vec::new(), fed_by: 0 };
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push((0, None));
            u32::try_from(self.places.len() - 1).expect("fewer channels than 2^32")
        });
        let (generation, here) = &mut self.places[place as usize];
        *here = Some(channel);
        ChannelId { place, generation: *generation }
    }

    fn get(&self, id: ChannelId) -> Option<&Channel> {
        let (generation, channel) = self.places.get(id.place as usize)?;
        if *generation == id.generation { channel.as_ref() } else { None }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, id: ChannelId) -> Option<&mut Channel> {
        let (generation, channel) = self.places.get_mut(id.place as usize)?;
        if *generation == id.generation { channel.as_mut() } else { None }
    }

    pub(crate) fn close(&mut self, id: ChannelId) -> Result<(), LaneError> {
        self.forget(id)?;
        let (generation, channel) = &mut self.places[id.place as usize];
        *channel = None;
        // After 2^32 channels the place is given up: its ids are used up.
        if let Some(next) = generation.checked_add(1) {
            *generation = next;
            self.free.push(id.place);
        }
        Ok(())
    }

    pub(crate) fn register(
        &mut self,
        id: ChannelId,
        slot: SlotId,
        addresses: &[Address<'_>],
    ) -> Result<(), LaneError> {
        let open = open_of(addresses)?;
        let key = Key::of(slot, addresses).bytes;
        let leads_to = self.table.known.get(&*key).map(|&(channel, _)| channel);
        let channel = self.get_mut(id).ok_or(LaneError::NoChannel)?;
        if leads_to == Some(id) {
            return Ok(());
        }
        let place = channel.registrations.len();
        let key: Arc<[u8]> = key.into();
        channel.registrations.push(Registration { key: Arc::clone(&key), slot, open });
        if let Some((earlier, place)) = self.table.insert(slot, key, open, (id, place)) {
            self.take_registration(earlier, place);
        }
        Ok(())
    }

    /// Take a registration from the list of its channel. The last of the list takes its place.
    fn take_registration(&mut self, id: ChannelId, place: usize) {
        let Some(channel) = self.get_mut(id) else { return };
        channel.registrations.swap_remove(place);
        if let Some(moved) = channel.registrations.get(place) {
            let key = Arc::clone(&moved.key);
            if let Some((_, at)) = self.table.known.get_mut(&key) {
                *at = place;
            }
        }
    }

    pub(crate) fn forget(&mut self, id: ChannelId) -> Result<(), LaneError> {
        let channel = self.get_mut(id).ok_or(LaneError::NoChannel)?;
        for registration in std::mem::take(&mut channel.registrations) {
            self.table.remove(registration.slot, &registration.key, registration.open);
        }
        Ok(())
    }

    pub(crate) fn link(&mut self, id: ChannelId, ended: ChannelId) -> Result<(), LaneError> {
        self.get_mut(ended).ok_or(LaneError::NoChannel)?;
        let channel = self.get_mut(id).ok_or(LaneError::NoChannel)?;
        let mut ends = std::mem::take(&mut channel.ends);
        ends.retain(|&other| other != ended && self.get_mut(other).is_some());
        ends.push(ended);
        if let Some(channel) = self.get_mut(id) {
            channel.ends = ends;
        }
        Ok(())
    }

    /// Whether no channel that ends with text of this one holds anything, or is fed by that frame as well.
    pub(crate) fn ends_nothing(&self, id: ChannelId, frame: u64) -> bool {
        let Some(channel) = self.get(id) else { return true };
        channel.ends.iter().filter_map(|&ended| self.get(ended)).all(|ended| {
            let is_pending = || ended.buffer.with(|stream| stream.is_pending());
            ended.fed_by != frame && (ended.buffer.is_at_rest() || !is_pending())
        })
    }

    pub(crate) fn know(&mut self, slot: SlotId, addresses: &[Address<'_>]) -> Result<(), LaneError> {
        let open = open_of(addresses)?;
        self.known.insert(slot, Key::of(slot, addresses).bytes.into(), open, ());
        Ok(())
    }

    #[inline]
    pub(crate) fn find(&mut self, slot: SlotId, key: &Key) -> Option<ChannelId> {
        self.table.find(slot, key).map(|(id, _)| id)
    }

    pub(crate) fn is_known(&mut self, slot: SlotId, key: &Key) -> bool {
        self.known.find(slot, key).is_some()
    }
}

/// The address that may have any value.
fn open_of(addresses: &[Address<'_>]) -> Result<Option<u8>, LaneError> {
    let mut open = (0..).zip(addresses).filter(|(_, address)| **address == Address::Any);
    match (open.next(), open.next()) {
        (first, None) => Ok(first.map(|(address, _)| address)),
        _ => Err(LaneError::TooOpen),
    }
}
