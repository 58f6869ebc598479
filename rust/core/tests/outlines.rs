//! An event is taken, or declined and read, as by a lane that has seen no other event, whatever came before it.

mod table;

use std::sync::Arc;

use holdback_core::wire::{
    Address, Emptied, Framing, Lane, NodeSpec, Progress, Reading, Shapes, SlotId, SlotKind,
};
use holdback_core::{Matcher, SharedBuffer};
use proptest::prelude::*;
use proptest::sample::Index;
use table::Table;

const TEXT: SlotId = 1;
const SOURCE: SlotId = 2;
const PART: SlotId = 3;
const LATEST: SlotId = 6;

/// Events of two types, with every kind of slot that an event may have which is taken.
fn events() -> Shapes {
    let mut table = Table::default();
    let address = table.slot(SlotKind::Address, 0, &[], Emptied::Text);
    let text = table.slot(SlotKind::Text, 0, &[address], Emptied::Event);
    let source = table.slot(SlotKind::Source, 0, &[address], Emptied::Text);
    let part = table.slot(SlotKind::Text, 1, &[address], Emptied::Element);
    let finish = table.slot(SlotKind::Event, 0, &[address], Emptied::Text);
    let keeps = table.slot(SlotKind::Keeps, 0, &[], Emptied::Text);
    let latest = table.slot(SlotKind::Latest, 0, &[], Emptied::Text);
    let whole = table.slot(SlotKind::Whole, 0, &[address], Emptied::Text);
    let place = table.slot(SlotKind::Place, 1, &[address], Emptied::Text);
    assert_eq!((text, source, part, latest), (TEXT, SOURCE, PART, LATEST));
    let [address, text, source, part, finish, keeps, latest, whole] =
        [address, text, source, part, finish, keeps, latest, whole].map(|slot| table.leaf(&[slot]));
    let members = table.members(&[("text", part)], Some(keeps));
    let element = table.node(NodeSpec { slots: vec![place], object: Some(members), array: None });
    let parts = table.array(element);
    let common = [("index", address), ("seq", latest), ("end", finish), ("parts", parts)];
    let said = [&common[..], &[("text", text), ("done", whole)]].concat();
    let called = [&common[..], &[("text", source), ("type", keeps)]].concat();
    let said = table.members(&said, None);
    let called = table.members(&called, Some(keeps));
    let root = table.which("type", &[("said", said), ("called", called)], Some(said));
    let root = table.node(NodeSpec { object: Some(root), ..NodeSpec::default() });
    table.shapes(root)
}

const SEEDS: [&str; 5] = [
    r#"{"type":"said","id":"an-id-of-some-length","index":0,"text":"x","end":null,"seq":7,"x":[1,"y"]}"#,
    r#"{"type":"called","index":1,"text":"{\"a\":\"<","seq":8.5,"padding":"zzzzzz"}"#,
    r#"{"seq":1,"parts":[{"text":"x"},{"text":"<","more":1},{"text":""}],"index":0}"#,
    r#"{ "index" : "é" , "parts" : [ { "text" : "<P" } ] , "type" : "called" }"#,
    r#"{"text":"a","seq":12,"text2":true,"index":-0}"#,
];

const TOKENS: [&str; 30] = [
    "\"x\"",
    "\"\"",
    "\"<\"",
    "\"P>\"",
    "\"<P>\"",
    "\"é\"",
    "\"\\u003c\"",
    "\"a\\",
    "\"said\"",
    "\"called\"",
    "\"text\"",
    "\"\\u0074ext\"",
    "\"index\"",
    "null",
    "true",
    "false",
    "0",
    "1",
    "-0",
    "12",
    "1.5",
    "1e2",
    "0.0",
    "01",
    "nul",
    "[]",
    "[1]",
    "{}",
    "{\"text\":\"<\"}",
    "",
];

/// Where the strings, and the runs of other characters that are no punctuation, stand.
fn tokens(line: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < line.len() {
        let rest = &line[at..];
        let length = if let Some(inside) = rest.strip_prefix('"') {
            inside.find('"').map_or(rest.len(), |end| end + 2)
        } else {
            rest.find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c))).unwrap_or(rest.len())
        };
        if length > 0 {
            found.push((at, at + length));
        }
        at += length.max(rest.chars().next().map_or(1, char::len_utf8));
    }
    found
}

/// What was read, as far as a caller sees it.
fn seen(reading: &Reading) -> String {
    let at: Vec<_> =
        reading.marks().iter().chain(reading.addresses()).map(|mark| reading.positions(mark)).collect();
    let of: Vec<_> =
        reading.marks().iter().chain(reading.addresses()).map(|mark| (mark.slot, mark.literal)).collect();
    format!("{at:?} {of:?} {} {}", reading.marks().len(), reading.is_odd())
}

/// What leaves of a frame that comes in these pieces, and what was read if it is declined: empty if it is no JSON.
fn fed(lane: &mut Lane, pieces: &[&str]) -> (String, Option<String>) {
    let mut left = Vec::new();
    let mut declined = None;
    for piece in pieces {
        let mut out = Vec::new();
        match lane.feed(piece.as_bytes(), &mut out) {
            Progress::Unchanged(bytes) => left.extend_from_slice(bytes),
            Progress::Taken => {}
            Progress::Declined(rest) if rest.frame == b"\n" => {} // of a frame that was declined
            Progress::Declined(frame) => declined = Some(frame.reading.map(seen).unwrap_or_default()),
            Progress::TooLarge => panic!("no event is that large"),
        }
        left.append(&mut out);
    }
    (String::from_utf8(left).unwrap(), declined)
}

/// An event in its frame, as it is written in one of several ways.
fn framed(event: &str, framing: Framing, manner: usize) -> String {
    let (before, behind) = match (framing, manner) {
        (Framing::Events, 0) => ("data:", "\n\n"),
        (Framing::Events, 1) => ("event: x\r\nid:\"\r\ndata: ", "\r\n\r\n"),
        (Framing::Events, 2) => ("data: ", "\n:\"\n\r\n"),
        (Framing::Events, 3 | 4) => ("data: ", "\r\r"),
        (Framing::Events, 5) => ("data: ", "\r\r\n"),
        (Framing::Events, _) => ("data: ", "\n\n"),
        (_, 0 | 1) => ("", "\r\n"),
        _ => ("", "\n"),
    };
    format!("{before}{event}{behind}")
}

fn buffers(matcher: &Matcher) -> Vec<Arc<SharedBuffer>> {
    let stream = |is_source| if is_source { matcher.stream_json() } else { matcher.stream() };
    [false, true, false, false]
        .into_iter()
        .map(|is_source| Arc::new(SharedBuffer::new(stream(is_source))))
        .collect()
}

/// A lane for these buffers: of texts, of source, of parts, and of the text of index 0 if that has one of its own.
fn lane_of(shapes: &Arc<Shapes>, framing: Framing, buffers: &[Arc<SharedBuffer>], has_own: bool) -> Lane {
    let mut lane = Lane::new(Arc::clone(shapes), framing, 1 << 20, true, 0);
    let ids: Vec<_> = buffers.iter().map(|buffer| lane.open(Arc::clone(buffer))).collect();
    for (slot, &id) in [TEXT, SOURCE, PART].into_iter().zip(&ids) {
        lane.register(id, slot, &[Address::Any]).unwrap();
    }
    lane.link(ids[1], ids[0]).unwrap();
    if has_own {
        lane.register(ids[3], TEXT, &[Address::Integer(0)]).unwrap();
    }
    lane
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn as_if_it_came_first(
        seeds in prop::collection::vec(prop::sample::select(&SEEDS[..]), 1..3),
        steps in prop::collection::vec(
            (
                any::<Index>(),
                prop::collection::vec((any::<Index>(), prop::sample::select(&TOKENS[..])), 0..4),
                0..20,
                (0..12_usize, any::<Index>(), any::<bool>()),
            ),
            1..16,
        ),
        framing in prop::sample::select(&[Framing::Lines, Framing::Events][..]),
    ) {
        let matcher = Matcher::new([("<P>", "Ada \"A\""), ("<", "lower")]).unwrap();
        let shapes = Arc::new(events());
        let (mine, others) = (buffers(&matcher), buffers(&matcher));
        let mut has_own = false;
        let mut lane = lane_of(&shapes, framing, &mine, has_own);
        let mut lines: Vec<String> = seeds.iter().map(|&seed| seed.to_owned()).collect();
        for (which, edits, turn, (manner, cut, is_cut)) in steps {
            let mut line = which.get(&lines).clone();
            for (token, text) in edits {
                if let places @ [_, ..] = &tokens(&line)[..] {
                    let &(begin, end) = token.get(places);
                    line.replace_range(begin..end, text);
                }
            }
            if turn == 0 && !has_own {
                // From here on the text of index 0 goes elsewhere.
                let own = lane.open(Arc::clone(&mine[3]));
                lane.register(own, TEXT, &[Address::Integer(0)]).unwrap();
                has_own = true;
            }
            let frame = framed(&line, framing, manner);
            let mut at = if is_cut { cut.index(frame.len()) } else { 0 };
            while !frame.is_char_boundary(at) {
                at -= 1;
            }
            let (left, declined) = fed(&mut lane, &[&frame[..at], &frame[at..]]);
            let mut first = lane_of(&shapes, framing, &others, has_own);
            let expected = fed(&mut first, &[&frame]);
            prop_assert_eq!((&left, &declined), (&expected.0, &expected.1), "{}", line);
            if declined.is_none() {
                let latest = first.latest(LATEST);
                prop_assert!(latest.is_none() || latest == lane.latest(LATEST));
                lines.push(line);
            }
        }
    }
}
