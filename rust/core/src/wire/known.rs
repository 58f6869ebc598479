//! What is known by key: which channel a text leads to, and which marks say nothing new.
//!
//! Most streams have a handful of keys. They stand one behind the other in one piece of memory and are looked through;
//! a stream with more of them keeps them in tables.
//!
//! Cost: each call O(its keys), and at most [`FEW`] bytes.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::channels::ChannelId;
use super::keys::Key;
use super::shapes::SlotId;

/// So many bytes of keys are looked through.
const FEW: usize = 512;

/// A key, and what it says.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) key: &'a [u8],
    /// The address that it leaves open.
    pub(super) open: Option<u8>,
    /// Where its text leads to; None if a mark says nothing new.
    pub(super) channel: Option<ChannelId>,
}

impl Entry<'_> {
    fn is_of(&self, other: &Entry<'_>) -> bool {
        self.key == other.key && self.channel.is_some() == other.channel.is_some()
    }
}

/// The keys of a lane.
pub(super) enum Known {
    Few(Few),
    Many(Box<Many>),
}

impl Default for Known {
    fn default() -> Self {
        Self::Few(Few::default())
    }
}

impl Known {
    /// The channel to which just this key leads.
    pub(super) fn leads_to(&self, key: &[u8]) -> Option<ChannelId> {
        match self {
            Self::Few(few) => {
                few.entries().find(|entry| entry.channel.is_some() && entry.key == key)?.channel
            }
            Self::Many(many) => many.channels.get(key).map(|&(channel, _)| channel),
        }
    }

    /// The channel to which a text of this key leads.
    pub(super) fn find(&mut self, slot: SlotId, key: &Key) -> Option<ChannelId> {
        match self {
            Self::Few(few) => few.find(key, true)?.channel,
            Self::Many(many) => {
                let Many { channels, open, scratch, .. } = &mut **many;
                find(open, scratch, slot, key, |key| channels.get(key).map(|&(channel, _)| channel))
            }
        }
    }

    /// Whether a mark of this key says nothing new.
    pub(super) fn is_known(&mut self, slot: SlotId, key: &Key) -> bool {
        match self {
            Self::Few(few) => few.find(key, false).is_some(),
            Self::Many(many) => {
                let Many { known, open, scratch, .. } = &mut **many;
                find(open, scratch, slot, key, |key| known.get(key).map(drop)).is_some()
            }
        }
    }

    /// Add an entry. One of the same key that leads to another channel is gone.
    pub(super) fn put(&mut self, entry: Entry<'_>) {
        if let Self::Few(few) = self
            && few.bytes.len() + HEAD + entry.key.len() > FEW
        {
            let mut many = Box::<Many>::default();
            few.entries().for_each(|entry| many.put(entry));
            *self = Self::Many(many);
        }
        match self {
            Self::Few(few) => few.put(entry),
            Self::Many(many) => many.put(entry),
        }
    }

    /// Take out what leads to a channel. Returns whether anything did.
    pub(super) fn forget(&mut self, channel: ChannelId) -> bool {
        match self {
            Self::Few(few) => few.retain(|entry| entry.channel != Some(channel)),
            Self::Many(many) => many.forget(channel),
        }
    }
}

/// What stands before a key: its length, the address that it leaves open, and its channel.
const HEAD: usize = size_of::<u16>() + size_of::<u8>() + size_of::<u64>();
const NO_ADDRESS: u8 = u8::MAX;
const NO_CHANNEL: u64 = u64::MAX;

/// Entries, one behind the other.
#[derive(Default)]
pub(super) struct Few {
    bytes: Vec<u8>,
}

impl Few {
    fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        let mut rest = &*self.bytes;
        std::iter::from_fn(move || {
            let (&length, more) = rest.split_first_chunk()?;
            let (&open, more) = more.split_first()?;
            let (&channel, more) = more.split_first_chunk()?;
            let (key, behind) = more.split_at_checked(u16::from_le_bytes(length).into())?;
            rest = behind;
            let (open, channel) = ((open != NO_ADDRESS).then_some(open), u64::from_le_bytes(channel));
            Some(Entry { key, open, channel: (channel != NO_CHANNEL).then(|| channel.into()) })
        })
    }

    /// The entry of a key; if there is none, the first that fits but for the address that it leaves open.
    fn find(&self, key: &Key, leads: bool) -> Option<Entry<'_>> {
        let mut found: Option<Entry<'_>> = None;
        for entry in self.entries().filter(|entry| entry.channel.is_some() == leads) {
            if entry.key == key.bytes {
                return Some(entry);
            }
            if let Some(address) = entry.open
                && key.fits(address.into(), entry.key)
                && found.is_none_or(|found| address < found.open.unwrap_or(NO_ADDRESS))
            {
                found = Some(entry);
            }
        }
        found
    }

    fn put(&mut self, entry: Entry<'_>) {
        self.retain(|other| !entry.is_of(other));
        self.bytes.reserve_exact(HEAD + entry.key.len());
        self.push(entry);
    }

    fn push(&mut self, Entry { key, open, channel }: Entry<'_>) {
        let length = u16::try_from(key.len()).expect("keys of few bytes");
        self.bytes.extend_from_slice(&length.to_le_bytes());
        self.bytes.push(open.unwrap_or(NO_ADDRESS));
        self.bytes.extend_from_slice(&channel.map_or(NO_CHANNEL, u64::from).to_le_bytes());
        self.bytes.extend_from_slice(key);
    }

    /// Keep the entries that are wanted. Returns whether any is gone.
    fn retain(&mut self, is_wanted: impl Fn(&Entry<'_>) -> bool) -> bool {
        if self.entries().all(|entry| is_wanted(&entry)) {
            return false;
        }
        let mut kept = Self::default();
        self.entries().filter(is_wanted).for_each(|entry| kept.push(entry));
        kept.bytes.shrink_to_fit();
        *self = kept;
        true
    }
}

/// A key that leads to a channel, and the address that it leaves open.
type Registration = (Arc<[u8]>, Option<u8>);

/// Entries in tables.
#[derive(Default)]
pub(super) struct Many {
    /// A channel, and the place of the key in the list of what leads to that.
    channels: HashMap<Arc<[u8]>, (ChannelId, usize)>,
    known: HashSet<Box<[u8]>>,
    /// For each place of a channel what leads to it.
    lists: Vec<Vec<Registration>>,
    /// For each slot and each of its addresses, how many keys leave it open; no zeros.
    open: BTreeMap<(SlotId, u8), usize>,
    scratch: Vec<u8>,
}

impl Many {
    fn put(&mut self, Entry { key, open, channel }: Entry<'_>) {
        let is_new = if let Some(channel) = channel {
            let place = channel.place();
            if self.lists.len() <= place {
                self.lists.resize_with(place + 1, Vec::new);
            }
            let (list, key) = (&mut self.lists[place], Arc::<[u8]>::from(key));
            list.push((Arc::clone(&key), open));
            let replaced = self.channels.insert(key, (channel, list.len() - 1));
            if let Some((earlier, at)) = replaced {
                self.take_out(earlier, at);
            }
            replaced.is_none()
        } else {
            self.known.insert(key.into())
        };
        if is_new && let Some(address) = open {
            *self.open.entry((Key::slot_of(key), address)).or_default() += 1;
        }
    }

    /// Take a key from the list of its channel. The last of the list takes its place.
    fn take_out(&mut self, channel: ChannelId, at: usize) {
        let list = &mut self.lists[channel.place()];
        list.swap_remove(at);
        if let Some((moved, _)) = list.get(at)
            && let Some((_, place)) = self.channels.get_mut(moved)
        {
            *place = at;
        }
    }

    fn forget(&mut self, channel: ChannelId) -> bool {
        let list = self.lists.get_mut(channel.place()).map(std::mem::take).unwrap_or_default();
        for (key, open) in &list {
            self.channels.remove(key);
            if let Some(address) = *open
                && let Some(count) = self.open.get_mut(&(Key::slot_of(key), address))
            {
                *count -= 1;
                if *count == 0 {
                    self.open.remove(&(Key::slot_of(key), address));
                }
            }
        }
        !list.is_empty()
    }
}

/// What `get` has of a key, or of the first with an address left open that it has anything of.
fn find<T>(
    open: &BTreeMap<(SlotId, u8), usize>,
    scratch: &mut Vec<u8>,
    slot: SlotId,
    key: &Key,
    get: impl Fn(&[u8]) -> Option<T>,
) -> Option<T> {
    get(&key.bytes).or_else(|| {
        open.range((slot, 0)..=(slot, u8::MAX)).find_map(|(&(_, address), _)| {
            key.opened(address.into(), scratch);
            get(scratch)
        })
    })
}
