//! The lane against an oracle that knows what each event consists of, since it has made it: no JSON is read here.

mod made;
mod naive;
mod table;

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

use holdback_core::wire::{Address, Framing, Lane, Progress, Taken};
use holdback_core::{Fed, Matcher, SharedBuffer, StreamBuffer};
use made::{Event, Name, Part, event, piece};
use proptest::prelude::*;
use table::{ARGUMENTS, CONTENT, LATEST, PART, REASONING, chat};

const PAIRS: [(&str, &str); 4] =
    [("<P>", "Ada \"A\" é\u{2028}"), ("<P>b", "B"), ("a<", ""), ("<\"é", "\u{7f}")];

fn escaped(text: &[u8]) -> String {
    let mut out = String::from("\"");
    for character in std::str::from_utf8(text).unwrap().chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\u{0}'..='\u{1f}' | '\u{7f}' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                write!(out, "\\u{:04x}", u32::from(character)).unwrap();
            }
            _ => out.push(character),
        }
    }
    out + "\""
}

/// What leaves of each text of one event, by the order in which they stand there.
struct Fate {
    literal: String,
    says: bool,
    withheld: bool,
}

#[derive(Default)]
struct Oracle {
    buffers: HashMap<Name, StreamBuffer>,
    /// Of plain text: what came and what left, joined.
    joined: HashMap<Name, (Vec<u8>, Vec<u8>)>,
}

impl Oracle {
    fn feed(&mut self, matcher: &Matcher, name: Name, text: &str, literal: &str) -> Fate {
        if text.is_empty() {
            return Fate { literal: literal.into(), says: false, withheld: false };
        }
        let is_source = name.0 == ARGUMENTS;
        let buffer = self
            .buffers
            .entry(name)
            .or_insert_with(|| if is_source { matcher.stream_json() } else { matcher.stream() });
        let mut out = Vec::new();
        if buffer.feed(text, &mut out) == Fed::Unchanged {
            out.extend_from_slice(text.as_bytes());
        }
        let (came, left) = self.joined.entry(name).or_default();
        came.extend_from_slice(text.as_bytes());
        left.extend_from_slice(&out);
        let literal = if out == text.as_bytes() { literal.into() } else { escaped(&out) };
        Fate { literal, says: !out.is_empty(), withheld: out.is_empty() && buffer.is_pending() }
    }

    fn restored(&mut self, matcher: &Matcher, event: &Event) -> String {
        let mut fates = Vec::new();
        let mut names = Vec::new();
        self.feed_all(matcher, &event.parts, &mut fates, &mut names);
        let may_drop = |(fate, name): (&Fate, &Name)| fate.withheld && name.0 != REASONING;
        let says = fates.iter().any(|fate| fate.says);
        if fates.iter().zip(&names).any(may_drop) && !says && !event.keeps && event.before.is_empty() {
            return String::new();
        }
        let mut data = String::new();
        write_restored(&event.parts, &mut fates.iter(), &mut data);
        let Event { before, line_end, .. } = event;
        format!("{before}data: {data}{line_end}{line_end}")
    }

    fn feed_all(&mut self, matcher: &Matcher, parts: &[Part], fates: &mut Vec<Fate>, names: &mut Vec<Name>) {
        for part in parts {
            match part {
                Part::Fixed(_) => {}
                Part::Text(name, text, literal) => {
                    fates.push(self.feed(matcher, *name, text, literal));
                    names.push(*name);
                }
                Part::Elements(elements) => {
                    for (_, inner, _, _) in elements {
                        self.feed_all(matcher, inner, fates, names);
                    }
                }
            }
        }
    }
}

fn write_restored(parts: &[Part], fates: &mut std::slice::Iter<Fate>, out: &mut String) {
    for part in parts {
        match part {
            Part::Fixed(text) => out.push_str(text),
            Part::Text(..) => out.push_str(&fates.next().unwrap().literal),
            Part::Elements(elements) => {
                // What separates two elements goes with the element that is taken out: with the one before it if any
                // element before stays, else with the one behind.
                let mut has_one = false;
                let mut last_behind = String::new();
                for (number, (before, inner, behind, keeps)) in elements.iter().enumerate() {
                    let mut text = String::new();
                    let first = fates.as_slice().first();
                    let goes = !keeps && first.is_some_and(|fate| fate.withheld) && holds_part(inner);
                    write_restored(inner, fates, &mut text);
                    let separator =
                        if number > 0 { format!("{last_behind},{before}") } else { before.clone() };
                    if number == 0 {
                        out.push_str(before);
                    }
                    if !goes {
                        if has_one {
                            out.push_str(&separator);
                        }
                        out.push_str(&text);
                        has_one = true;
                    }
                    last_behind.clone_from(behind);
                }
                out.push_str(&last_behind);
            }
        }
    }
}

fn holds_part(parts: &[Part]) -> bool {
    parts.iter().any(|part| matches!(part, Part::Text((PART, ..), ..)))
}

/// Feed a lane, open a channel for each text that asks for one, and let everything else that is declined pass.
fn through_lane(stream: &[u8], cuts: &[usize], matcher: &Matcher, oracle: &Oracle) -> Vec<u8> {
    let shapes = Arc::new(chat());
    let mut lane = Lane::new(shapes, Framing::Events, 1 << 20, true, 0);
    let mut out = Vec::new();
    let mut begin = 0;
    for &end in cuts.iter().chain([&stream.len()]) {
        let mut data = &stream[begin..end];
        begin = end;
        loop {
            let left = out.len();
            let opened = match lane.feed(data, &mut out) {
                Progress::Unchanged(bytes) => {
                    let bytes = bytes.to_vec();
                    assert_eq!(out.len(), left);
                    out.extend(bytes);
                    break;
                }
                Progress::Taken => break,
                Progress::TooLarge => panic!("no event is that large"),
                Progress::Declined(declined) => match declined.reading {
                    Some(reading) if !reading.is_odd() && !reading.marks().is_empty() => true,
                    _ => {
                        out.extend_from_slice(declined.frame);
                        false
                    }
                },
            };
            data = b"";
            if opened {
                // The oracle knows which channels there are.
                for &(slot, choice, call) in oracle.buffers.keys() {
                    let stream = if slot == ARGUMENTS { matcher.stream_json() } else { matcher.stream() };
                    let id = lane.open(Arc::new(SharedBuffer::new(stream)));
                    let addresses = [Address::Integer(choice), Address::Integer(call)];
                    let count = 1 + usize::from(slot == ARGUMENTS);
                    lane.register(id, slot, &addresses[..count]).unwrap();
                }
                lane.put_back();
            }
        }
    }
    assert_eq!(lane.offset(), stream.len());
    out.extend(lane.take_rest());
    out
}

/// What a lane makes of whole frames; None if one is declined.
fn fed(lane: &mut Lane, frames: &[u8]) -> Option<String> {
    let mut out = Vec::new();
    let is_declined = match lane.feed(frames, &mut out) {
        Progress::Unchanged(bytes) => return Some(String::from_utf8(bytes.to_vec()).unwrap()),
        Progress::Taken => false,
        _ => true,
    };
    lane.feed(b"", &mut Vec::new()); // go on behind it
    (!is_declined).then(|| String::from_utf8(out).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn any_stream_in_any_pieces(
        pieces in prop::collection::vec(piece(), 0..12),
        places in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let matcher = Matcher::new(PAIRS).unwrap();
        let mut oracle = Oracle::default();
        let (mut stream, mut expected) = (String::new(), String::new());
        for piece in &pieces {
            match piece {
                Ok(event) => {
                    stream += &event.bytes();
                    expected += &oracle.restored(&matcher, event);
                }
                Err("\n") if stream.ends_with('\r') => {} // it would belong to that frame
                Err(other) => {
                    stream += other;
                    expected += other;
                }
            }
        }
        let stream = stream.as_bytes();
        let mut cuts: Vec<usize> = places.iter().map(|place| place.index(stream.len() + 1)).collect();
        cuts.sort_unstable();
        let bytewise: Vec<usize> = (0..stream.len()).collect();
        for cuts in [&[][..], &cuts, &bytewise] {
            let out = through_lane(stream, cuts, &matcher, &oracle);
            prop_assert_eq!(String::from_utf8(out).unwrap(), expected.as_str());
        }
        // The oracle's own texts are those of a naive matcher.
        for (name, (came, mut left)) in std::mem::take(&mut oracle.joined) {
            if name.0 != ARGUMENTS {
                oracle.buffers.get_mut(&name).unwrap().flush(&mut left);
                prop_assert_eq!(left, naive::restore(&PAIRS, &came));
            }
        }
    }

    /// What was read of the last event is used again for the next one, and gives what reading all of it would.
    #[test]
    fn every_event_is_read_as_if_it_came_alone(events in prop::collection::vec((0..3_usize, 0..3_usize, event()), 1..8)) {
        let envelopes = ["\"object\":\"chunk\",", "\"x\":[1],\"é\": null,", ""];
        let matcher = Matcher::new(PAIRS).unwrap();
        let lane_of = || {
            let mut lane = Lane::new(Arc::new(chat()), Framing::Lines, 1 << 20, true, 0);
            for slot in [CONTENT, REASONING, PART] {
                let id = lane.open(Arc::new(SharedBuffer::new(matcher.stream())));
                lane.register(id, slot, &[Address::Any]).unwrap();
            }
            lane
        };
        let mut lane = lane_of();
        for (envelope, tail, event) in events {
            let mut line = String::new();
            let bytes = event.bytes();
            let data = bytes[event.before.len() + 6..].trim_end().replacen('{', &format!("{{{}", envelopes[envelope]), 1);
            line.push_str(&data[..data.len() - 1]);
            line.push_str([",\"usage\":0}\n", ",\"id\":1}\n", "}}\n"][tail]);
            let read = |lane: &mut Lane| {
                let mut out = Vec::new();
                let reading = match lane.feed(line.as_bytes(), &mut out) {
                    Progress::Declined(declined) => Some(declined.reading.map(|reading| format!("{reading:?}"))),
                    _ => None,
                };
                (reading, lane.latest(LATEST).map(|(literal, _)| literal.to_vec()))
            };
            // The texts leave nothing behind that the next event would differ by: only what is read is compared.
            let (reading, latest) = read(&mut lane);
            let (alone, latest_alone) = read(&mut lane_of());
            prop_assert_eq!(&reading, &alone);
            if reading.is_none() && latest_alone.is_some() {
                prop_assert_eq!(latest, latest_alone);
            }
        }
    }

    /// An event that is given without a frame leaves as the data of its frame would.
    #[test]
    fn an_event_without_a_frame(events in prop::collection::vec((event(), any::<bool>()), 1..8)) {
        let matcher = Matcher::new(PAIRS).unwrap();
        let mut lanes = [(); 2].map(|()| {
            let mut lane = Lane::new(Arc::new(chat()), Framing::Events, 1 << 20, true, 0);
            for slot in [CONTENT, REASONING, PART] {
                let id = lane.open(Arc::new(SharedBuffer::new(matcher.stream())));
                lane.register(id, slot, &[Address::Any]).unwrap();
            }
            lane
        });
        for (event, has_frame) in events {
            let bytes = event.bytes();
            let json = bytes[event.before.len() + 6..].trim_end();
            let frame = format!("data: {json}\n\n");
            let [framed, bare] = &mut lanes;
            let expected = fed(framed, frame.as_bytes());
            let mut out = Vec::new();
            let taken = if has_frame { None } else { Some(bare.feed_event(json.as_bytes(), &mut out)) };
            let left = match taken {
                None => fed(bare, frame.as_bytes()),
                Some(Taken::Unchanged) => Some(frame),
                Some(Taken::Written) => Some(format!("data: {}\n\n", String::from_utf8(out).unwrap())),
                Some(Taken::Dropped) => Some(String::new()),
                Some(Taken::Declined) => None,
            };
            prop_assert_eq!(left, expected);
            prop_assert_eq!(bare.latest(LATEST), framed.latest(LATEST));
        }
    }

    #[test]
    fn any_bytes_at_all(
        stream in r#"(data: |data:|\{"choices":\[|\{"delta":|\{"content":"|<P|\}|\]|"|,|\n\n|\r|\n|:|\\|u00){0,40}"#,
        bytes in prop::collection::vec(any::<u8>(), 0..40),
        most in 0..30_usize,
    ) {
        let matcher = Matcher::new(PAIRS).unwrap();
        for (framing, stream) in [(Framing::Events, stream.as_bytes()), (Framing::Lines, &bytes)] {
            let mut wholes = Vec::new();
            for size in [1, stream.len().max(1)] {
                let mut lane = Lane::new(Arc::new(chat()), framing, most, true, 0);
                let id = lane.open(Arc::new(SharedBuffer::new(matcher.stream())));
                lane.register(id, CONTENT, &[Address::Any]).unwrap();
                let mut out = Vec::new();
                for piece in stream.chunks(size) {
                    let mut data = piece;
                    loop {
                        match lane.feed(data, &mut out) {
                            Progress::Unchanged(bytes) => out.extend_from_slice(bytes),
                            Progress::Declined(declined) => {
                                out.extend_from_slice(declined.frame);
                                data = b"";
                                continue;
                            }
                            _ => {}
                        }
                        break;
                    }
                }
                out.extend(lane.take_rest());
                prop_assert_eq!(lane.offset(), stream.len());
                wholes.push((out, lane.oversized()));
            }
            prop_assert_eq!(&wholes[0], &wholes[1]);
        }
    }
}
