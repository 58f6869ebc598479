//! What the lane declines, what it is told, and what it remembers.

mod lines;
mod table;

use holdback_core::wire::{Address, Frames, Framing, Lane, Progress, Shapes};
use lines::{assert_declined, assert_taken, buffer, content, line, with_channels};
use table::{ARGUMENTS, CONTENT, LATEST, PART, REASONING, chat};

#[test]
fn what_is_declined() {
    let (mut lane, _) = with_channels(&[CONTENT]);
    for data in [
        "[DONE]\n",
        "[1]\n",
        "no json\n",
        "{\"choices\":[]\n",
        &line(r#""reasoning":"x""#),
        &line(r#""content":"x","content":"y""#),
        &line(r#""c\u006fntent":"x""#),
        "{\"choices\":[{\"index\":1,\"delta\":{\"content\":\"x\"}}]}\n",
        "{\"choices\":[{\"index\":\"0\",\"delta\":{\"content\":\"x\"}}]}\n",
        "{\"choices\":[{\"index\":0.0,\"delta\":{\"content\":\"x\"}}]}\n",
        "{\"choices\":[{\"index\":1000000000000000000,\"delta\":{\"content\":\"x\"}}]}\n",
        "{\"choices\":[{},{\"delta\":{\"content\":\"x\"}}]}\n",
        "{\"choices\":[{\"finish\":\"stop\"}]}\n",
    ] {
        assert_declined(&mut lane, data);
    }
    // Nothing of a frame is fed before all of it is judged.
    assert_declined(&mut lane, &line(r#""content":"<","reasoning":"x""#));
    for data in [
        "\n",
        " \t\r\n",
        "{}\n",
        "{\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\r\n",
        "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}]}\n",
        "{\"choices\":[{\"index\":-0,\"delta\":{\"content\":\"x\"}}]}\n",
        "{\"choices\":[{\"index\":null,\"delta\":{\"content\":\"x\"}}]}\n",
        "{\"choices\":[{\"index\":\"\",\"delta\":{\"content\":\"x\"}}]}\n",
        "{\"choices\":[{\"index\":5,\"delta\":{\"content\":\"\",\"reasoning\":null}}]}\n",
        "{\"choices\":[{\"finish\":0},{\"finish\":false},{\"finish\":\"\"},{\"finish\":[]}]}\n",
    ] {
        assert_taken(&mut lane, data, data);
    }
}

/// In an event that is otherwise one that was taken before.
#[test]
fn what_is_no_text_is_declined() {
    let (mut lane, _) = with_channels(&[CONTENT]);
    let mut out = Vec::new();
    for text in ["x", "xy", "xyz"] {
        let event = content(text).replacen('{', "{\"id\":\"chatcmpl-0123456789\",\"created\":1,", 1);
        assert!(matches!(lane.feed(event.as_bytes(), &mut out), Progress::Unchanged(_)));
        for broken in [&b"\xff"[..], b"\xed\xa0\x80", b"\x1f", b"\"", b"\",\"content\":\"y"] {
            let at = event.find('x').unwrap();
            let data = [&event.as_bytes()[..at], broken, &event.as_bytes()[at..]].concat();
            assert!(matches!(lane.feed(&data, &mut out), Progress::Declined(_)), "{broken:x?}");
        }
    }
    assert_eq!(out, b"");
}

/// Also if an event with one was taken at the start of the stream.
#[test]
fn a_byte_order_mark_inside_the_stream_is_no_json() {
    let (mut lane, _) = with_channels(&[CONTENT]);
    let marked = |text| format!("\u{feff}{}", content(text));
    assert_taken(&mut lane, &marked("x"), &marked("x"));
    for text in ["y", "yz", "yzx"] {
        assert_taken(&mut lane, &content(text), &content(text));
        let data = marked(text);
        assert!(matches!(lane.feed(data.as_bytes(), &mut Vec::new()), Progress::Declined(_)), "{text}");
    }
}

#[test]
fn what_is_declined_has_a_reading() {
    let (mut lane, _) = with_channels(&[]);
    let mut out = Vec::new();
    let data = content("x");
    let Progress::Declined(declined) = lane.feed(data.as_bytes(), &mut out) else { panic!("declined") };
    let reading = declined.reading.unwrap();
    assert_eq!(reading.marks()[0].text(declined.data).unwrap(), &b"x"[..]);
    let Progress::Declined(declined) = lane.feed(b"{\n", &mut out) else { panic!("declined") };
    assert!(declined.reading.is_none());
}

#[test]
fn what_text_ends() {
    let (mut lane, ids) = with_channels(&[CONTENT, REASONING]);
    lane.link(ids[0], ids[1]).unwrap();
    let both = line(r#""content":"x","reasoning":"y""#);
    assert_declined(&mut lane, &both);
    assert_taken(&mut lane, &content("x"), &content("x"));
    assert_taken(&mut lane, &line(r#""reasoning":"a<""#), &line(r#""reasoning":"a""#));
    assert_declined(&mut lane, &content("x"));
    assert_taken(&mut lane, &content(""), &content(""));
    assert_taken(&mut lane, &line(r#""reasoning":"P>""#), &line(r#""reasoning":"Ada""#));
    assert_taken(&mut lane, &content("x"), &content("x"));
    lane.close(ids[1]).unwrap();
    assert_taken(&mut lane, &content("x"), &content("x"));
}

#[test]
fn the_latest_literal() {
    let (mut lane, _) = with_channels(&[CONTENT]);
    assert_eq!(lane.latest(LATEST), None);
    let event =
        |number: &str, text: &str| content(text).replacen('{', &format!("{{\"created\":{number},"), 1);
    assert_taken(&mut lane, &event("1.50", "<"), "");
    assert_eq!(lane.latest(LATEST), Some((&b"1.50"[..], false)));
    assert_taken(&mut lane, &event("[2]", "x"), &event("[2]", "<x"));
    assert_eq!(lane.latest(LATEST), Some((&b"[2]"[..], true)));
    assert_taken(&mut lane, &event("null", "<"), "");
    assert_eq!(lane.latest(LATEST), Some((&b"[2]"[..], true)));
    assert_declined(&mut lane, "{\"created\":\"3\",\"choices\":[{\"finish\":1}]}\n");
    assert_eq!(lane.latest(LATEST), Some((&b"[2]"[..], true))); // it is for the caller to remember
    lane.note(LATEST, b"4", false).unwrap();
    assert_eq!(lane.latest(LATEST), Some((&b"4"[..], false)));
}

#[test]
fn what_withheld_text_leaves() {
    let parts = |elements: &str| line(&format!("\"parts\":[{elements}]"));
    let usage = |line: String| line.replacen('{', "{\"usage\":1,", 1);
    for (slot, came, left) in [
        (CONTENT, content("<"), String::new()),
        (CONTENT, usage(content("<")), usage(content(""))),
        (CONTENT, content("<Q>"), content("")),
        (REASONING, line(r#""reasoning":"<""#), line(r#""reasoning":"""#)),
        (PART, line(r#""parts":[{"text":"<"}]"#), String::new()),
        (PART, usage(line(r#""parts":[{"text":"<"}]"#)), usage(line(r#""parts":[]"#))),
        (
            PART,
            usage(line(r#""parts":[ {"text":"<"} , {"text":""}]"#)),
            usage(line(r#""parts":[ {"text":""}]"#)),
        ),
        (PART, line(r#""parts":[{"text":"x"} , {"text":"<"} ]"#), line(r#""parts":[{"text":"x"} ]"#)),
        (PART, parts(r#"{"text":"x"}, {"text":"<"} ,{"text":"P"} "#), parts(r#"{"text":"x"} "#)),
        (PART, parts(r#" {"text":"<"}, {"text":"P"} ,{"text":">"}"#), parts(r#" {"text":"Ada"}"#)),
        (PART, parts(r#"{"text":"<"},{"text":"P>"},{"text":"<"}"#), parts(r#"{"text":"Ada"}"#)),
        (PART, line(r#""parts":[{"text":"<","k":1}]"#), line(r#""parts":[{"text":"","k":1}]"#)),
    ] {
        let (mut lane, _) = with_channels(&[slot]);
        assert_taken(&mut lane, &came, &left);
    }
}

/// More addresses in one event than are looked at one after the other.
#[test]
fn many_channels_in_one_event() {
    let (mut lane, _) = with_channels(&[]);
    let names: Vec<(i64, i64)> =
        (0..5).flat_map(|choice| (0..5).map(move |call| (choice, 10 * choice + call))).collect();
    for &(choice, call) in &names {
        let id = lane.open(buffer(true));
        lane.register(id, ARGUMENTS, &[Address::Integer(choice), Address::Integer(call)]).unwrap();
    }
    let event = |text: &str, is_late: bool| {
        let calls = |choice: i64| {
            let of = names.iter().filter(|name| name.0 == choice);
            let call = |&(_, call): &(i64, i64)| {
                if is_late {
                    format!("{{\"arguments\":\"{text}{call}\",\"index\":{call}}}")
                } else {
                    format!("{{\"index\":{call},\"arguments\":\"{text}{call}\"}}")
                }
            };
            of.map(call).collect::<Vec<_>>().join(",")
        };
        let choice = |choice| format!("{{\"delta\":{{\"calls\":[{}]}},\"index\":{choice}}}", calls(choice));
        format!("{{\"choices\":[{}]}}\n", (0..5).map(choice).collect::<Vec<_>>().join(","))
    };
    for is_late in [false, true] {
        assert_taken(&mut lane, &event("x", is_late), &event("x", is_late));
    }
    // Each has its own text: what one holds back is not given to another.
    let held = event("y<", true);
    assert_taken(&mut lane, &held.replace(r"y<44", "y<"), &held.replace("y<44", "y"));
    assert_taken(&mut lane, &event("P>", false), &event("P>", false).replace(r#""P>44"#, r#""Ada44"#));
}

#[test]
fn debug_shows_counts_and_no_text() {
    let (mut lane, _) = with_channels(&[CONTENT]);
    let mut out = Vec::new();
    let declined = format!("{:?}", lane.feed(b"secret\nsecret", &mut out));
    assert_eq!(declined, "Declined(Declined { bytes: 7, .. })");
    assert_eq!(format!("{lane:?}"), "Lane { offset: 7, waiting_bytes: 6, .. }");
    assert_eq!(format!("{:?}", chat()), "Shapes { slots: 9, .. }");
    let address = [Address::Text(b"secret".into()), Address::Integer(1), Address::Absent, Address::Any];
    assert_eq!(format!("{address:?}"), "[Text(..), Integer(1), Absent, Any]");
    let mut frames = Frames::new(Framing::Lines, 0);
    frames.next(b"secret");
    assert_eq!(format!("{frames:?}"), "Frames { framing: Lines, size: 6, .. }");
}

#[test]
fn a_lane_may_move_between_threads() {
    fn is_send<T: Send>() {}
    fn is_shared<T: Send + Sync>() {}
    is_send::<Lane>();
    is_shared::<Shapes>();
}
