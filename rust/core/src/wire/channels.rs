//! The channels that are open in a lane, and what is known by address.
//!
//! What a mark belongs to is said by its [`Key`]. A registration may leave one address open.
//!
//! Cost: each call O(its keys). A closed channel leaves nothing behind but the number of its place, which is not used
//! for another channel under the same id.

use std::fmt;
use std::sync::Arc;

use super::keys::{Address, Key, Table};
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
            if self.places.is_empty() {
                self.places.reserve_exact(1); // most streams have one
            }
            self.places.push((0, None));
            u32::try_from(self.places.len() - 1).expect("fewer channels than 2^32")
        });
        let (generation, here) = &mut self.places[place as usize];
        *here = Some(channel);
        ChannelId { place, generation: *generation }
    }

    /// As long as it is the same, the same keys lead to the same channels, and the same are known.
    pub(crate) fn version(&self) -> u64 {
        self.table.version + self.known.version
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
        self.known.insert(slot, Key::of(slot, addresses).bytes.into(), open, ());
        Ok(())
    }

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
