//! A lane over lines like chat chunks, and what it is fed.

#![allow(dead_code, reason = "each test uses some of it")]

use std::sync::Arc;

use holdback_core::wire::{Address, ChannelId, Framing, Lane, Progress, SlotId};
use holdback_core::{Matcher, SharedBuffer};

use crate::table::{ARGUMENTS, chat};

pub(crate) fn lines(most: usize, skips: bool) -> Lane {
    Lane::new(Arc::new(chat()), Framing::Lines, most, skips, 0)
}

pub(crate) fn buffer(json: bool) -> Arc<SharedBuffer> {
    let matcher = Matcher::new([("<P>", "Ada"), ("<Q>", "")]).unwrap();
    Arc::new(SharedBuffer::new(if json { matcher.stream_json() } else { matcher.stream() }))
}

/// A lane with open channels for these slots of choice 0.
pub(crate) fn with_channels(slots: &[SlotId]) -> (Lane, Vec<ChannelId>) {
    let mut lane = lines(1 << 30, true);
    let mut ids = Vec::new();
    for &slot in slots {
        let id = lane.open(buffer(slot == ARGUMENTS));
        let addresses = [Address::Integer(0), Address::Integer(0)];
        lane.register(id, slot, &addresses[..=usize::from(slot == ARGUMENTS)]).unwrap();
        ids.push(id);
    }
    (lane, ids)
}

/// What leaves, and the frame that is declined.
pub(crate) fn fed(lane: &mut Lane, data: &str) -> (String, Option<String>) {
    let mut out = Vec::new();
    let declined = match lane.feed(data.as_bytes(), &mut out) {
        Progress::Unchanged(bytes) => return (String::from_utf8(bytes.to_vec()).unwrap(), None),
        Progress::Taken => None,
        Progress::TooLarge => Some(String::new()),
        Progress::Declined(declined) => Some(String::from_utf8(declined.frame.to_vec()).unwrap()),
    };
    (String::from_utf8(out).unwrap(), declined)
}

pub(crate) fn line(delta: &str) -> String {
    format!("{{\"choices\":[{{\"delta\":{{{delta}}}}}]}}\n")
}

pub(crate) fn content(text: &str) -> String {
    line(&format!("\"content\":\"{text}\""))
}

#[track_caller]
pub(crate) fn assert_taken(lane: &mut Lane, data: &str, out: &str) {
    assert_eq!(fed(lane, data), (out.to_owned(), None));
}

#[track_caller]
pub(crate) fn assert_declined(lane: &mut Lane, data: &str) {
    assert_eq!(fed(lane, data), (String::new(), Some(data.to_owned())));
}
