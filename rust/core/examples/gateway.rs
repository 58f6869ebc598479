//! The heart of a gateway: restores a streamed chat completion on its way from the provider to the client.
//!
//! ```sh
//! curl -sN https://provider.example/v1/chat/completions -d @request.json |
//!   cargo run -p holdback-core --example gateway -- map.json
//! ```
//!
//! `map.json` holds `{"<PERSON_1>": "Mira Okafor"}`. Reads may be of any size and cut anywhere. Of the events that
//! change, only the string literals of text do; all other bytes leave as they came.
//!
//! The lane does nearly all of the work. What is left for a gateway is the life cycle: a channel opens with its first
//! text; what it still holds back leaves with the event that finishes its choice, or at the end of the stream.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::ops::Range;
use std::sync::Arc;

use holdback_core::wire::{
    Address, ChannelId, Declined, Emptied, Framing, Lane, NodeId, NodeSpec, ObjectSpec, Progress, Shapes,
    SlotId, SlotKind, SlotSpec, write_string,
};
use holdback_core::{Fed, Matcher, SharedBuffer};

/// The slots of a chat chunk, by their numbers.
const CHOICE: SlotId = 0;
const CALL: SlotId = 1;
const CONTENT: SlotId = 2;
const REASONING: SlotId = 3;
const REFUSAL: SlotId = 4;
const ARGUMENTS: SlotId = 5;
const FINISH: SlotId = 6;
const KEEPS: SlotId = 7;
/// What an event of our own repeats.
const ENVELOPE: [(SlotId, &str); 3] = [(8, "id"), (9, "created"), (10, "model")];

/// Where text stands in a chat chunk, and what matters for its life.
pub(crate) fn chat() -> Shapes {
    let slot = |kind, depth, addresses: &[SlotId], emptied| SlotSpec {
        kind,
        depth,
        addresses: addresses.to_vec(),
        positional: kind == SlotKind::Address,
        emptied,
    };
    let text = |depth, addresses: &[SlotId], kind| slot(kind, depth, addresses, Emptied::Event);
    let latest = SlotSpec::new(SlotKind::Latest);
    let slots = vec![
        slot(SlotKind::Address, 1, &[], Emptied::Text),
        slot(SlotKind::Address, 2, &[], Emptied::Text),
        text(1, &[CHOICE], SlotKind::Text),
        text(1, &[CHOICE], SlotKind::Text),
        text(1, &[CHOICE], SlotKind::Text),
        text(2, &[CHOICE, CALL], SlotKind::Source),
        slot(SlotKind::Event, 1, &[CHOICE], Emptied::Text),
        SlotSpec::new(SlotKind::Keeps),
        latest.clone(),
        latest.clone(),
        latest,
    ];
    // The node of each slot has the same number; what is read and means nothing is the last of them.
    let mut nodes: Vec<NodeSpec> =
        (CHOICE..=10).map(|slot| NodeSpec { slots: vec![slot], ..NodeSpec::default() }).collect();
    nodes.push(NodeSpec::default());
    let nothing = 11;
    let mut objects = Vec::new();
    let mut object = |members: &[(&str, NodeId)], is_array: bool| -> NodeId {
        let members = members.iter().map(|&(name, node)| (name.to_owned(), node)).collect();
        objects.push(ObjectSpec { members, other: Some(KEEPS), which: None });
        let mut number = u32::try_from(nodes.len()).expect("a small table");
        let object = u32::try_from(objects.len() - 1).ok();
        nodes.push(NodeSpec { object, ..NodeSpec::default() });
        if is_array {
            nodes.push(NodeSpec { array: Some(number), ..NodeSpec::default() });
            number += 1;
        }
        number
    };
    let function = object(&[("arguments", ARGUMENTS)], false);
    let calls = object(&[("index", CALL), ("function", function)], true);
    let delta = object(
        &[
            ("content", CONTENT),
            ("reasoning_content", REASONING),
            ("refusal", REFUSAL),
            ("tool_calls", calls),
        ],
        false,
    );
    let choices = object(&[("index", CHOICE), ("delta", delta), ("finish_reason", FINISH)], true);
    let root =
        object(&[("choices", choices), ("object", nothing), ("id", 8), ("created", 9), ("model", 10)], false);
    Shapes::new(slots, nodes, objects, root).expect("the table fits together")
}

/// A text that is open, by what the events say it belongs to.
struct Channel {
    slot: SlotId,
    addresses: Vec<Address<'static>>,
    buffer: Arc<SharedBuffer>,
}

/// A string or an event that the lane found in a frame which it left to us.
struct Found {
    slot: SlotId,
    addresses: Vec<Address<'static>>,
    text: Vec<u8>,
    /// Where it stands in the frame.
    span: Range<usize>,
}

/// One answer on its way.
pub(crate) struct Answer {
    matcher: Matcher,
    shapes: Arc<Shapes>,
    lane: Lane,
    channels: Vec<Channel>,
}

impl Answer {
    pub(crate) fn new(matcher: Matcher, shapes: Arc<Shapes>) -> Self {
        let lane = Lane::new(Arc::clone(&shapes), Framing::Events, 64 << 20, true, 0);
        Self { matcher, shapes, lane, channels: Vec::new() }
    }

    /// Take what was read; returns what may go out.
    fn feed(&mut self, data: &[u8]) -> Vec<u8> {
        let (mut data, mut out) = (data, Vec::new());
        loop {
            match self.lane.feed(data, &mut out) {
                Progress::Unchanged(bytes) => out.extend_from_slice(bytes),
                Progress::Declined(declined) => {
                    let frame = declined.frame.to_vec();
                    let is_done = declined.data.starts_with(b"[DONE]");
                    let found = found(&self.shapes, &declined);
                    self.settle(&frame, &found, is_done, &mut out);
                    data = b""; // the bytes behind it wait in the lane
                    continue;
                }
                Progress::Taken | Progress::TooLarge => {}
            }
            return out;
        }
    }

    /// End the answer; returns what is left.
    fn flush(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        self.end(None, &[], &mut out);
        out.extend(self.lane.take_rest());
        out
    }

    /// A frame that the lane left to us: it opens channels or ends them, or nobody can read it.
    fn settle(&mut self, frame: &[u8], found: &[Found], is_done: bool, out: &mut Vec<u8>) {
        let mut is_new = false;
        for text in found.iter().filter(|found| is_text(found.slot) && !found.text.is_empty()) {
            is_new |= self.open(text);
        }
        let finished: Vec<_> = found.iter().filter(|found| found.slot == FINISH).collect();
        if is_new && finished.is_empty() {
            self.lane.put_back(); // now it does nothing but feed open channels
            return;
        }
        for &(slot, _) in &ENVELOPE {
            if let Some(found) = found.iter().find(|found| found.slot == slot) {
                // The slot is one of the table.
                let _ = self.lane.note(slot, &frame[found.span.clone()], true);
            }
        }
        if is_done {
            self.end(None, found, out);
        }
        for finish in &finished {
            self.end(Some(&finish.addresses[0]), found, out);
        }
        // What ends here and has text in the frame leaves all of it in the last place where it stands.
        let mut done = 0;
        for (number, text) in found.iter().enumerate().filter(|(_, found)| is_text(found.slot)) {
            let Some(channel) = self.channels.iter().find(|channel| channel.is_of(text)) else { continue };
            let mut leaves = Vec::new();
            if channel.buffer.with(|stream| stream.feed_wtf8(&text.text, &mut leaves)) == Fed::Unchanged {
                leaves.extend_from_slice(&text.text);
            }
            let is_last = !found[number + 1..].iter().any(|later| channel.is_of(later));
            if is_last && finished.iter().any(|finish| finish.addresses[0] == text.addresses[0]) {
                channel.buffer.with(|stream| stream.settle(&mut leaves));
            }
            if leaves != text.text {
                out.extend_from_slice(&frame[done..text.span.start]);
                write_string(&leaves, out);
                done = text.span.end;
            }
        }
        out.extend_from_slice(&frame[done..]);
    }

    /// Open the channel of a text if it is not open.
    fn open(&mut self, text: &Found) -> bool {
        if self.channels.iter().any(|channel| channel.is_of(text)) {
            return false;
        }
        let Found { slot, addresses, .. } = text;
        let stream = if *slot == ARGUMENTS { self.matcher.stream_json() } else { self.matcher.stream() };
        let buffer = Arc::new(SharedBuffer::new(stream));
        let id: ChannelId = self.lane.open(Arc::clone(&buffer));
        self.lane.register(id, *slot, addresses).expect("a slot of the table, with its addresses");
        self.channels.push(Channel { slot: *slot, addresses: addresses.clone(), buffer });
        true
    }

    /// What the channels of a choice, or all, hold back leaves in events of their own: but for those with text in the
    /// event that ends them.
    fn end(&mut self, choice: Option<&Address<'_>>, found: &[Found], out: &mut Vec<u8>) {
        for channel in &self.channels {
            let ends = choice.is_none_or(|choice| channel.addresses[0] == *choice);
            if ends && !found.iter().any(|text| channel.is_of(text)) {
                let mut tail = Vec::new();
                channel.buffer.with(|stream| stream.settle(&mut tail));
                if !tail.is_empty() {
                    self.write_event(channel, &tail, out);
                }
            }
        }
    }

    /// An event that carries what a channel held back.
    fn write_event(&self, channel: &Channel, tail: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(b"data: {");
        for (slot, name) in ENVELOPE {
            if let Some((literal, _)) = self.lane.latest(slot) {
                out.extend_from_slice(format!("\"{name}\":").as_bytes());
                out.extend_from_slice(literal);
                out.push(b',');
            }
        }
        out.extend_from_slice(b"\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":");
        write_address(&channel.addresses[0], out);
        out.extend_from_slice(b",\"delta\":{");
        match channel.slot {
            CONTENT => out.extend_from_slice(b"\"content\":"),
            REASONING => out.extend_from_slice(b"\"reasoning_content\":"),
            REFUSAL => out.extend_from_slice(b"\"refusal\":"),
            _ => {
                out.extend_from_slice(b"\"tool_calls\":[{\"index\":");
                write_address(&channel.addresses[1], out);
                out.extend_from_slice(b",\"function\":{\"arguments\":");
            }
        }
        write_string(tail, out);
        out.extend_from_slice(if channel.slot == ARGUMENTS { b"}}]".as_slice() } else { b"" });
        out.extend_from_slice(b"},\"finish_reason\":null}]}\n\n");
    }
}

impl Channel {
    fn is_of(&self, found: &Found) -> bool {
        self.slot == found.slot && self.addresses == found.addresses
    }
}

fn is_text(slot: SlotId) -> bool {
    matches!(slot, CONTENT | REASONING | REFUSAL | ARGUMENTS)
}

fn write_address(address: &Address<'_>, out: &mut Vec<u8>) {
    match address {
        Address::Integer(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Address::Text(text) => write_string(text, out),
        Address::Absent | Address::Any => out.push(b'0'),
    }
}

/// What stands in a frame; nothing of it can be kept while the lane goes on.
fn found(shapes: &Shapes, declined: &Declined<'_>) -> Vec<Found> {
    let Some(reading) = declined.reading else { return Vec::new() };
    let begin = declined.begin;
    let mut found = Vec::new();
    for mark in reading.marks() {
        if let Some(addresses) = shapes.addresses(declined.data, reading, mark) {
            found.push(Found {
                slot: mark.slot,
                addresses: addresses.into_iter().map(Address::into_owned).collect(),
                text: mark.text(declined.data).unwrap_or_default().into_owned(),
                span: begin + mark.literal.begin..begin + mark.literal.end,
            });
        }
    }
    found
}

/// Send an answer on as it comes, in reads of at most that many bytes.
pub(crate) fn relay(
    mut provider: impl Read,
    mut client: impl Write,
    mut answer: Answer,
    size: usize,
) -> io::Result<()> {
    let mut read = vec![0; size];
    loop {
        match provider.read(&mut read) {
            Ok(0) => break,
            Ok(length) => {
                client.write_all(&answer.feed(&read[..length]))?;
                client.flush()?; // nothing waits for the next read
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                client.write_all(&answer.flush())?;
                return Err(error); // behind what was held back
            }
        }
    }
    client.write_all(&answer.flush())?;
    client.flush()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: gateway MAP.json")?;
    let pairs: BTreeMap<String, String> = serde_json::from_slice(&std::fs::read(path)?)?;
    // Compiled once, shared by all answers.
    let (matcher, shapes) = (Matcher::new(pairs)?, Arc::new(chat()));
    relay(io::stdin().lock(), io::stdout().lock(), Answer::new(matcher, shapes), 64 << 10)?;
    Ok(())
}
