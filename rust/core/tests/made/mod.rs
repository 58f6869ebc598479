//! Events that are made of parts, so that what becomes of each part is known without reading any JSON.

use proptest::prelude::*;

use crate::table::{ARGUMENTS, CONTENT, PART, REASONING};

/// What a channel goes by: slot, choice, call.
pub(crate) type Name = (u32, i64, i64);

/// A part of an event.
#[derive(Debug, Clone)]
pub(crate) enum Part {
    /// Leaves as it came.
    Fixed(String),
    /// A text, and how its literal spells it.
    Text(Name, String, String),
    /// The elements of an array: each with the blanks before and behind it.
    Elements(Vec<(String, Vec<Part>, String, bool)>),
}

#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) parts: Vec<Part>,
    pub(crate) keeps: bool,
    /// Lines before the data, and the line end.
    pub(crate) before: String,
    pub(crate) line_end: &'static str,
}

impl Event {
    pub(crate) fn bytes(&self) -> String {
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

pub(crate) fn event() -> impl Strategy<Value = Event> {
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
            "{{\"id\":\"chatcmpl-0123456789\\n\",\"created\":{usage},{}\"choices\":[",
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

/// An event, or bytes that leave as they come.
pub(crate) fn piece() -> impl Strategy<Value = Result<Event, &'static str>> {
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
