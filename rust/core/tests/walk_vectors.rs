//! The events of the byte layer's vectors, walked by the shapes of every wire format: `tests/vectors/walk/`, which is
//! written by `tools/walk_vectors.py`. And their streams, through a lane in which nothing is open.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use holdback_core::wire::{
    Address, Data, Emptied, Frames, Framing, Lane, NodeSpec, ObjectSpec, Progress, Shapes, SlotKind,
    SlotSpec, Which,
};
use holdback_core::{Matcher, SharedBuffer};
use serde::Deserialize;
use serde_json::Value;

type Slot = (String, String, u8, Vec<u32>, bool, String);
type Choice = (String, Vec<(String, u32)>, Option<u32>);
type Object = (Vec<(String, u32)>, Option<u32>, Option<Choice>);
/// A slot, the positions on the way, where it stands, and what it belongs to.
type Mark = (u32, Vec<usize>, usize, usize, Option<Vec<Value>>);

#[derive(Deserialize)]
struct Table {
    slots: Vec<Slot>,
    nodes: Vec<(Vec<u32>, Option<u32>, Option<u32>)>,
    objects: Vec<Object>,
    root: u32,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    format: String,
    /// Whether frames are lines; `"array"`: they are the elements of one JSON array, which the lane never sees.
    lines: serde_json::Value,
    chunks: Vec<String>,
}

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors")
}

fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> T {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Bytes that are written as a character each.
fn bytes(text: &str) -> Vec<u8> {
    text.chars().map(|character| u8::try_from(u32::from(character)).unwrap()).collect()
}

fn shapes() -> BTreeMap<String, Arc<Shapes>> {
    let tables: BTreeMap<String, Table> = read(&vectors().join("walk/tables.json"));
    let compiled = tables.into_iter().map(|(name, table)| {
        let slots = table.slots.into_iter().map(|(_, of, depth, addresses, positional, leaves)| SlotSpec {
            kind: SlotKind::named(&of).unwrap(),
            depth,
            addresses,
            positional,
            emptied: Emptied::named(&leaves).unwrap(),
        });
        let nodes = table.nodes.into_iter().map(|(slots, object, array)| NodeSpec { slots, object, array });
        let objects = table.objects.into_iter().map(|(members, other, which)| ObjectSpec {
            members,
            other,
            which: which.map(|(name, variants, default)| Which { name, variants, default }),
        });
        let shapes = Shapes::new(slots.collect(), nodes.collect(), objects.collect(), table.root);
        (name, Arc::new(shapes.unwrap()))
    });
    compiled.collect()
}

/// An address as the vectors write it; None if it is no address of a lane.
fn written(address: &Address<'_>) -> Value {
    match address {
        Address::Text(text) => String::from_utf8_lossy(text).into_owned().into(),
        Address::Integer(number) => (*number).into(),
        Address::Absent | Address::Any => Value::Null,
    }
}

#[test]
fn what_is_found_in_every_event() {
    let shapes = shapes();
    let events: Vec<(String, String, Option<Vec<Mark>>)> = read(&vectors().join("walk/events.json"));
    assert!(events.len() > 500);
    for (format, source, expected) in events {
        let (shapes, source) = (&shapes[&format], bytes(&source));
        let Some(reading) = shapes.walk(&source) else {
            assert!(expected.is_none(), "{format}: {source:?}");
            continue;
        };
        let found: Vec<Mark> = reading
            .marks()
            .iter()
            .map(|mark| {
                let addresses = shapes.addresses(&source, &reading, mark);
                let of = addresses.map(|addresses| addresses.iter().map(written).collect());
                (mark.slot, reading.positions(mark), mark.literal.begin, mark.literal.end, of)
            })
            .collect();
        assert_eq!(Some(found), expected, "{format}: {}", String::from_utf8_lossy(&source));
    }
}

/// What leaves of a stream if each frame that is declined leaves as it came, and how many were.
fn through(lane: &mut Lane, chunks: &[&[u8]]) -> (Vec<u8>, usize) {
    let (mut out, mut count) = (Vec::new(), 0);
    for &chunk in chunks {
        let mut data = chunk;
        loop {
            let mut left = Vec::new();
            let declined = match lane.feed(data, &mut left) {
                Progress::Unchanged(bytes) => {
                    left.extend_from_slice(bytes);
                    None
                }
                Progress::Taken => None,
                Progress::Declined(declined) => Some(declined.frame.to_vec()),
                Progress::TooLarge => panic!("no event is too large"),
            };
            out.append(&mut left);
            let Some(frame) = declined else { break };
            out.extend(frame);
            count += 1;
            data = b"";
        }
    }
    out.extend(lane.take_rest());
    (out, count)
}

#[test]
fn streams_of_which_no_channel_is_open_leave_as_they_came() {
    let shapes = shapes();
    let mut streams = 0;
    for entry in std::fs::read_dir(vectors().join("wire")).unwrap() {
        for vector in read::<Vec<Vector>>(&entry.unwrap().path()) {
            let data = vector.chunks.iter().flat_map(|chunk| bytes(chunk)).collect::<Vec<_>>();
            let Some(is_lines) = vector.lines.as_bool() else { continue };
            let framing = if is_lines { Framing::Lines } else { Framing::Events };
            let new = || Lane::new(Arc::clone(&shapes[&vector.format]), framing, 64 << 20, true, 0);
            let (whole, count) = through(&mut new(), &[&data]);
            assert_eq!(whole, data, "{}", vector.name);
            for size in [1, 7, 100] {
                let pieces: Vec<_> = data.chunks(size).collect();
                let cut = through(&mut new(), &pieces);
                assert_eq!(cut.0, data, "{} in reads of {size}", vector.name);
                assert!(cut.1 >= count, "{} in reads of {size}", vector.name);
            }
            streams += 1;
        }
    }
    assert!(streams > 100);
}

#[derive(Deserialize)]
struct Messages {
    name: String,
    stream: String,
    lengths: Vec<usize>,
    broken: usize,
    leaves: String,
}

/// A lane of Bedrock's events that restores the text of block 0 and that of Amazon's own models.
fn bedrock(shapes: &BTreeMap<String, Arc<Shapes>>) -> Lane {
    let mut lane = Lane::new(Arc::clone(&shapes["bedrock"]), Framing::Messages, 64 << 20, true, 0);
    let tables: BTreeMap<String, Table> = read(&vectors().join("walk/tables.json"));
    let matcher = Matcher::new([("<P>", "Ada \"\u{e9}\"")]).unwrap();
    for (name, addresses) in [("text", &[Address::Integer(0)][..]), ("outputText", &[])] {
        let is_text = |slot: &Slot| slot.0 == name && slot.1 == "text";
        let slot = tables["bedrock"].slots.iter().position(is_text).unwrap();
        let channel = lane.open(Arc::new(SharedBuffer::new(matcher.stream())));
        lane.register(channel, u32::try_from(slot).unwrap(), addresses).unwrap();
    }
    lane
}

#[test]
fn messages_of_aws_are_found_and_written_anew() {
    let shapes = shapes();
    for vector in read::<Vec<Messages>>(&vectors().join("messages/messages.json")) {
        let (data, name) = (bytes(&vector.stream), vector.name);
        for size in [1, 7, data.len()] {
            let pieces: Vec<_> = data.chunks(size).collect();
            let mut lane = bedrock(&shapes);
            assert_eq!(through(&mut lane, &pieces).0, bytes(&vector.leaves), "{name} in reads of {size}");
            assert_eq!(lane.broken(), vector.broken, "{name} in reads of {size}");

            let (mut frames, mut waiting) = (Frames::new(Framing::Messages, 0), Vec::new());
            let mut lengths = Vec::new();
            for piece in pieces {
                waiting.extend_from_slice(piece);
                while let Some(frame) = frames.next(&waiting) {
                    if frame.data != Data::None {
                        lengths.push(frame.length);
                    }
                    waiting.drain(..frame.length);
                }
            }
            assert_eq!(lengths, vector.lengths, "{name} in reads of {size}");
        }
    }
}
