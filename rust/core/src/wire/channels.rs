//! The channels that are open in a lane, and what is known by address.
//!
//! What a mark belongs to is said by its [`Key`]. A registration may leave one address open.
//!
//! Cost: each call O(its keys). A closed channel leaves nothing behind but the number of its place, which is not used
//! for another channel under the same id.

use std::fmt;
use std::sync::Arc;

use super::keys::{Address, Key};
use super::known::{Entry, Known};
use super::shapes::SlotId;
use crate::SharedBuffer;

/// A channel that is open in a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChannelId {
    place: u32,
    /// How many channels had that place before.
    generation: u32,
}

impl ChannelId {
    pub(super) fn place(self) -> usize {
        self.place as usize
    }
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

/// A channel that is open.
pub(crate) struct Channel {
    pub(crate) buffer: Arc<SharedBuffer>,
    /// The channels that end with its text.
    pub(crate) ends: Box<[ChannelId]>,
    /// The last frame that fed it.
    pub(crate) fed_by: u64,
}

/// What is in a place.
enum Place {
    Open(Channel),
    /// Nothing; and the next place of which that is so.
    Free(Option<u32>),
}

/// The channels that are open, the keys that lead to them, and the keys that were made known.
#[derive(Default)]
pub(crate) struct Channels {
    /// For each place, how often it was used before, and what is in it.
    places: Vec<(u32, Place)>,
    /// The first place with nothing in it that may be used.
    free: Option<u32>,
    known: Known,
    /// How often that was changed.
    version: u64,
}

impl Channels {
    pub(crate) fn open(&mut self, buffer: Arc<SharedBuffer>) -> ChannelId {
        let channel = Place::Open(Channel { buffer, ends: Box::default(), fed_by: 0 });
        if let Some(place) = self.free {
            let (generation, here) = &mut self.places[place as usize];
            if let Place::Free(next) = std::mem::replace(here, channel) {
                self.free = next;
            }
            return ChannelId { place, generation: *generation };
        }
        if self.places.is_empty() {
            self.places.reserve_exact(1); // most streams have one
        }
        self.places.push((0, channel));
        let place = u32::try_from(self.places.len() - 1).expect("fewer channels than 2^32");
        ChannelId { place, generation: 0 }
    }

    /// As long as it is the same, the same keys lead to the same channels, and the same are known.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    fn get(&self, id: ChannelId) -> Option<&Channel> {
        match self.places.get(id.place())? {
            (generation, Place::Open(channel)) if *generation == id.generation => Some(channel),
            _ => None,
        }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, id: ChannelId) -> Option<&mut Channel> {
        match self.places.get_mut(id.place())? {
            (generation, Place::Open(channel)) if *generation == id.generation => Some(channel),
            _ => None,
        }
    }

    pub(crate) fn close(&mut self, id: ChannelId) -> Result<(), LaneError> {
        self.forget(id)?;
        let (generation, here) = &mut self.places[id.place()];
        *here = Place::Free(self.free);
        // After 2^32 channels the place is given up: its ids are used up.
        if let Some(next) = generation.checked_add(1) {
            *generation = next;
            self.free = Some(id.place);
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
        let key = &*Key::of(slot, addresses).bytes;
        self.get(id).ok_or(LaneError::NoChannel)?;
        if self.known.leads_to(key) != Some(id) {
            self.version += 1;
            self.known.put(Entry { key, open, channel: Some(id) });
        }
        Ok(())
    }

    pub(crate) fn forget(&mut self, id: ChannelId) -> Result<(), LaneError> {
        self.get(id).ok_or(LaneError::NoChannel)?;
        self.version += u64::from(self.known.forget(id));
        Ok(())
    }

    pub(crate) fn link(&mut self, id: ChannelId, ended: ChannelId) -> Result<(), LaneError> {
        self.get(ended).ok_or(LaneError::NoChannel)?;
        let ends = &self.get(id).ok_or(LaneError::NoChannel)?.ends;
        let others = ends.iter().copied().filter(|&other| other != ended && self.get(other).is_some());
        let ends = others.chain([ended]).collect();
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

    /// Whether text of a channel, UTF-8, leaves as it came and changes nothing, neither there nor in what it ends. `is_only`:
    /// whether it is the only text of its event.
    #[inline]
    pub(crate) fn passes(&self, id: ChannelId, text: &[u8], is_only: bool) -> bool {
        let at_rest = |&ended: &ChannelId| self.get(ended).is_none_or(|ended| ended.buffer.is_at_rest());
        self.get(id).is_some_and(|channel| {
            let ends_nothing = channel.ends.is_empty() || is_only && channel.ends.iter().all(at_rest);
            ends_nothing && channel.buffer.passes_utf8(text)
        })
    }

    pub(crate) fn know(&mut self, slot: SlotId, addresses: &[Address<'_>]) -> Result<(), LaneError> {
        let open = open_of(addresses)?;
        self.version += 1;
        self.known.put(Entry { key: &Key::of(slot, addresses).bytes, open, channel: None });
        Ok(())
    }

    pub(crate) fn find(&mut self, slot: SlotId, key: &Key) -> Option<ChannelId> {
        self.known.find(slot, key)
    }

    pub(crate) fn is_known(&mut self, slot: SlotId, key: &Key) -> bool {
        self.known.is_known(slot, key)
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
