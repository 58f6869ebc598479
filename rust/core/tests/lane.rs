//! The lane against an oracle that knows what each event consists of, since it has made it: no JSON is read here.

mod naive;
mod table;

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

use holdback_core::wire::{Address, Framing, Lane, Progress};
use holdback_core::{Fed, Matcher, SharedBuffer, StreamBuffer};
use proptest::prelude::*;
use table::{ARGUMENTS, CONTENT, PART, REASONING, chat};

const PAIRS: [(&str, &str); 4] =
    [("<P>", "Ada \"A\" é\u{2028}"), ("<P>b", "B"), ("a<", ""), ("<\"é", "\u{7f}")];

/// What a channel goes by: slot, choice, call.
type Name = (u32, i64, i64);

/// A part of an event.
#[derive(Debug, Clone)]
enum Part {
    /// Leaves as it came.
    Fixed(String),
    /// A text, and how its literal spells it.
    Text(Name, String, String),
    /// The elements of an array: each with the blanks before and behind it.
    Elements(Vec<(String, Vec<Part>, String, bool)>),
}

#[derive(Debug, Clone)]
struct Event {
    parts: Vec<Part>,
    keeps: bool,
    /// Lines before the data, and the line end.
    before: String,
    line_end: &'static str,
}

impl Event {
    fn bytes(&self) -> String {
        fn write(parts: &[Part], out: &mut String) {
            for part in parts {
                match part {
                    Part::Fixed(text) => out.push_str(text),
                    Part::Text(_, _, literal) => out.push_str(literal),
                    Part::Elements(elements) => {
                        for (number, (before, inner, behind, _)) in elements.iter().enumerate() {
                            out.push_str(if number > 0 { "," } else { "" });
                            out.push_str(before);
                            write(inner, out);
                            out.push_str(behind);
                        }
                    }
                }
            }
        }
        let mut data = String::new();
        write(&self.parts, &mut data);
        let Self { before, line_end, .. } = self;
        format!("{before}data: {data}{line_end}{line_end}")
    }
}

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
                Progress::Unchanged => {
                    assert_eq!(out.len(), left);
                    out.extend_from_slice(data);
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

fn spelled() -> impl Strategy<Value = (String, String)> {
    let unit = prop_oneof![
        4 => "[<P>ab]".prop_map(|text| (text.clone(), text)),
        1 => Just(("\"".to_owned(), "\\\"".to_owned())),
        1 => Just(("<".to_owned(), "\\u003C".to_owned())),
        1 => Just(("é".to_owned(), "é".to_owned())),
        1 => Just(("😀".to_owned(), "\\ud83d\\uDE00".to_owned())),
        1 => Just(("\u{2028}".to_owned(), "\u{2028}".to_owned())),
        1 => Just(("/".to_owned(), "\\/".to_owned())),
    ];
    prop::collection::vec(unit, 0..5).prop_map(|units| {
        let (text, literal): (Vec<_>, Vec<_>) = units.into_iter().unzip();
        (text.concat(), format!("\"{}\"", literal.concat()))
    })
}

fn blank() -> impl Strategy<Value = String> {
    prop_oneof![3 => Just(String::new()), 1 => Just(" ".to_owned())]
}

/// A delta of a choice.
fn delta(choice: i64) -> impl Strategy<Value = (Vec<Part>, bool)> {
    let text = move |name: &'static str, slot| {
        spelled().prop_map(move |(text, literal)| {
            vec![Part::Fixed(format!("\"{name}\":")), Part::Text((slot, choice, 0), text, literal)]
        })
    };
    let call =
        (0..2_i64, spelled(), blank(), blank()).prop_map(move |(call, (text, literal), before, behind)| {
            let head = Part::Fixed(format!("{{\"index\":{call},\"arguments\": "));
            let inner =
                vec![head, Part::Text((ARGUMENTS, choice, call), text, literal), Part::Fixed("}".into())];
            (before, inner, behind, true)
        });
    let part = (spelled(), blank(), blank(), 0..5_usize).prop_map(
        move |((text, literal), before, behind, extra)| {
            let head = Part::Fixed("{\"text\" :".into());
            let tail = Part::Fixed(["}", ",\"x\":1}", ",\"x\":[]}", "}", "}"][extra].to_owned());
            (before, vec![head, Part::Text((PART, choice, 0), text, literal), tail], behind, extra == 1)
        },
    );
    let list = |name: &str, elements: Vec<_>| {
        let close = Part::Fixed("]".into());
        vec![Part::Fixed(format!("\"{name}\": [")), Part::Elements(elements), close]
    };
    let member = prop_oneof![
        4 => text("content", CONTENT).prop_map(|parts| (parts, false)),
        2 => text("reasoning", REASONING).prop_map(|parts| (parts, false)),
        2 => prop::collection::vec(call, 1..3).prop_map(move |calls| (list("calls", calls), false)),
        4 => prop::collection::vec(part, 1..4).prop_map(move |parts| {
            let keeps = parts.iter().any(|(_, _, _, keeps)| *keeps);
            (list("parts", parts), keeps)
        }),
        1 => Just((vec![Part::Fixed("\"content\":null".into())], false)),
        1 => Just((vec![Part::Fixed("\"role\":\"\"".into())], false)),
        1 => Just((vec![Part::Fixed("\"role\":\"assistant\"".into())], true)),
    ];
    prop::collection::vec(member, 0..3).prop_map(|members| {
        let mut parts = vec![Part::Fixed("{".into())];
        let mut keeps = false;
        let mut names = Vec::new();
        for (member, member_keeps) in members {
            let Part::Fixed(name) = &member[0] else { unreachable!() };
            if names.contains(name)
                || (name.starts_with("\"content") && names.iter().any(|name| name.starts_with("\"content")))
            {
                continue; // a name twice is odd
            }
            if !names.is_empty() {
                parts.push(Part::Fixed(",".into()));
            }
            names.push(name.clone());
            keeps |= member_keeps;
            parts.extend(member);
        }
        parts.push(Part::Fixed("}".into()));
        (parts, keeps)
    })
}

fn event() -> impl Strategy<Value = Event> {
    let choice = (0..3_i64).prop_flat_map(|choice| (Just(choice), delta(choice), 0..2));
    let choice = choice.prop_map(|(choice, (delta, keeps), first)| {
        let index = format!("\"index\":{choice}");
        let mut parts = vec![Part::Fixed(format!(
            "{{{}\"delta\":",
            if first == 1 { index.clone() + "," } else { String::new() }
        ))];
        parts.extend(delta);
        parts.push(Part::Fixed(if first == 1 { "}".into() } else { format!(", {index}}}") }));
        (parts, keeps)
    });
    let end = prop_oneof![Just("\n"), Just("\r\n"), Just("\r")];
    let before = prop_oneof![6 => Just(String::new()), 1 => Just("event: e\n".to_owned()), 1 => Just("id\r".to_owned())];
    (prop::collection::vec(choice, 1..3), 0..6, before, end).prop_map(|(choices, usage, before, line_end)| {
        let usage_keeps = usage == 0;
        let mut parts = vec![Part::Fixed(format!(
            "{{\"id\":\"x\\n\",\"created\":{usage},{}\"choices\":[",
            if usage_keeps { "\"usage\":1," } else { "" }
        ))];
        let mut keeps = usage_keeps;
        let mut names = Vec::new();
        for (number, (choice, choice_keeps)) in choices.into_iter().enumerate() {
            names.push(number);
            if number > 0 {
                parts.push(Part::Fixed(",".into()));
            }
            parts.extend(choice);
            keeps |= choice_keeps;
        }
        parts.push(Part::Fixed("]}".into()));
        Event { parts, keeps, before, line_end }
    })
}

fn piece() -> impl Strategy<Value = Result<Event, &'static str>> {
    prop_oneof![
        12 => event().prop_map(Ok),
        1 => Just(Err(": comment\n")),
        1 => Just(Err("\n")),
        1 => Just(Err("data: [DONE]\n\n")),
        1 => Just(Err("data: {\"no\":json}\n\n")),
        1 => Just(Err("data: {}\ndata: {}\n\n")),
        1 => Just(Err("event: ping\r\n\r\n")),
        1 => Just(Err("data: {\"usage\":1}\n\n")),
    ]
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
                            Progress::Unchanged => out.extend_from_slice(data),
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
