//! What the lane declines, what it is told, and what it remembers.

mod table;

use std::sync::Arc;

use holdback_core::wire::{Address, ChannelId, Framing, Lane, LaneError, Progress, SlotId};
use holdback_core::{Matcher, SharedBuffer};
use table::{ARGUMENTS, CONTENT, FINISH, LATEST, PART, REASONING, chat};

fn lines(most: usize, skips: bool) -> Lane {
    Lane::new(Arc::new(chat()), Framing::Lines, most, skips, 0)
}

fn buffer(json: bool) -> Arc<SharedBuffer> {
    let matcher = Matcher::new([("<P>", "Ada"), ("<Q>", "")]).unwrap();
    Arc::new(SharedBuffer::new(if json { matcher.stream_json() } else { matcher.stream() }))
}

/// A lane with open channels for these slots of choice 0.
fn with_channels(slots: &[SlotId]) -> (Lane, Vec<ChannelId>) {
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
fn fed(lane: &mut Lane, data: &str) -> (String, Option<String>) {
    let mut out = Vec::new();
    let declined = match lane.feed(data.as_bytes(), &mut out) {
        Progress::Unchanged => return (data.to_owned(), None),
        Progress::Taken => None,
        Progress::TooLarge => Some(String::new()),
        Progress::Declined(declined) => Some(String::from_utf8(declined.frame.to_vec()).unwrap()),
    };
    (String::from_utf8(out).unwrap(), declined)
}

fn line(delta: &str) -> String {
    format!("{{\"choices\":[{{\"delta\":{{{delta}}}}}]}}\n")
}

fn content(text: &str) -> String {
    line(&format!("\"content\":\"{text}\""))
}

#[track_caller]
fn assert_taken(lane: &mut Lane, data: &str, out: &str) {
    assert_eq!(fed(lane, data), (out.to_owned(), None));
}

#[track_caller]
fn assert_declined(lane: &mut Lane, data: &str) {
    assert_eq!(fed(lane, data), (String::new(), Some(data.to_owned())));
}

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
fn a_channel_of_any_address() {
    let (mut lane, _) = with_channels(&[]);
    let [any, one] = [lane.open(buffer(true)), lane.open(buffer(true))];
    let call = |index: &str, text: &str| {
        line(&format!("\"calls\":[{{\"index\":{index},\"arguments\":\"{text}\"}}]"))
    };
    lane.register(any, ARGUMENTS, &[Address::Integer(0), Address::Any]).unwrap();
    lane.register(one, ARGUMENTS, &[Address::Integer(0), Address::Text(b"x")]).unwrap();
    let held = call(r#""y""#, "<");
    assert_taken(&mut lane, &held, "");
    assert_taken(&mut lane, &call(r#""x""#, "P>"), &call(r#""x""#, "P>"));
    assert_taken(&mut lane, &call("7", "P>"), &call("7", "Ada"));
    assert_declined(&mut lane, &call("7", "P>").replace("{\"delta\"", "{\"index\":1,\"delta\""));
    lane.forget(any).unwrap();
    assert_declined(&mut lane, &held);
    let opened = lane.register(any, ARGUMENTS, &[Address::Any, Address::Any]);
    assert_eq!(opened, Err(LaneError::TooOpen));
}

#[test]
fn registrations() {
    let (mut lane, ids) = with_channels(&[CONTENT, REASONING]);
    let key = [Address::Integer(0)];
    // The later registration of the same text counts, and is not dropped with the earlier channel.
    lane.register(ids[1], CONTENT, &key).unwrap();
    lane.register(ids[1], CONTENT, &key).unwrap();
    lane.forget(ids[0]).unwrap();
    assert_taken(&mut lane, &content("x"), &content("x"));
    lane.close(ids[1]).unwrap();
    assert_declined(&mut lane, &content("x"));
    assert_declined(&mut lane, &line(r#""reasoning":"x""#));
    for refused in
        [lane.close(ids[1]), lane.forget(ids[1]), lane.link(ids[0], ids[1]), lane.link(ids[1], ids[0])]
    {
        assert_eq!(refused, Err(LaneError::NoChannel));
    }
    assert_eq!(lane.register(ids[1], CONTENT, &key), Err(LaneError::NoChannel));
    let next = lane.open(buffer(false));
    assert_ne!(next, ids[1]);
    assert_eq!(lane.register(next, CONTENT, &[]), Err(LaneError::Addresses));
    assert_eq!(lane.register(next, 99, &key), Err(LaneError::NoSlot));
    assert_eq!(lane.note(99, b"", true), Err(LaneError::NoSlot));
    assert_eq!(LaneError::NoSlot.to_string(), "the table has no such slot");
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
fn events_that_are_known() {
    let (mut lane, _) = with_channels(&[CONTENT]);
    let stop = "{\"choices\":[{\"index\":0,\"finish\":\"stop\"}]}\n";
    let other = "{\"choices\":[{\"index\":1,\"finish\":\"stop\"}]}\n";
    lane.know(FINISH, &[Address::Integer(0)]).unwrap();
    assert_taken(&mut lane, stop, stop);
    assert_declined(&mut lane, other);
    lane.know(FINISH, &[Address::Any]).unwrap();
    assert_taken(&mut lane, other, other);
    lane.unknow(FINISH, &[Address::Any]).unwrap();
    assert_declined(&mut lane, other);
    lane.unknow(FINISH, &[Address::Integer(0)]).unwrap();
    assert_declined(&mut lane, stop);
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
        (PART, line(r#""parts":[{"text":"<","k":1}]"#), line(r#""parts":[{"text":"","k":1}]"#)),
    ] {
        let (mut lane, _) = with_channels(&[slot]);
        assert_taken(&mut lane, &came, &left);
    }
}

#[test]
fn a_line_feed_goes_where_its_frame_went() {
    let lane = || {
        let mut lane = Lane::new(Arc::new(chat()), Framing::Events, 60, true, 0);
        let id = lane.open(buffer(false));
        lane.register(id, CONTENT, &[Address::Integer(0)]).unwrap();
        lane
    };
    let event = |text: &str| format!("data: {}\r\r", content(text).trim_end());
    let mut dropping = lane();
    assert_taken(&mut dropping, &event("<"), "");
    assert_taken(&mut dropping, "\n: c\r", ": c\r");
    assert_taken(&mut dropping, "\n", "\n");
    assert_eq!(dropping.offset(), event("<").len() + 6);
    let mut declining = lane();
    let done = "data: [DONE]\r\r";
    assert_declined(&mut declining, done);
    assert_declined(&mut declining, "\n");
    assert_taken(&mut declining, "\n", "\n");
    assert_declined(&mut declining, done);
    declining.put_back();
    assert_eq!(fed(&mut declining, "\n"), (String::new(), Some(format!("{done}\n"))));
    // An oversized one passes, and its end with it.
    let mut skipping = lane();
    assert_taken(&mut skipping, &event(&"<".repeat(60)), &event(&"<".repeat(60)));
    assert_taken(&mut skipping, "\n", "\n");
    assert_eq!((skipping.oversized(), skipping.offset()), (1, event(&"<".repeat(60)).len() + 1));
}

#[test]
fn an_event_that_is_too_large() {
    let small = content("x");
    let large = content(&"<".repeat(small.len()));
    let stream = [&*small, &*large, &*small].concat();
    for size in [1, stream.len()] {
        let (mut refusing, mut skipping) = (lines(small.len() - 1, false), lines(small.len() - 1, true));
        for lane in [&mut refusing, &mut skipping] {
            let id = lane.open(buffer(false));
            lane.register(id, CONTENT, &[Address::Integer(0)]).unwrap();
        }
        let (mut left, mut passed, mut is_refused) = (String::new(), String::new(), false);
        for piece in stream.as_bytes().chunks(size) {
            let piece = std::str::from_utf8(piece).unwrap();
            let (out, declined) = fed(&mut refusing, piece);
            is_refused |= declined.is_some();
            left += &out;
            passed += &fed(&mut skipping, piece).0;
        }
        assert!(is_refused);
        assert_eq!(left, small);
        assert_eq!(refusing.offset(), small.len());
        assert_eq!(refusing.take_rest(), [&*large, &*small].concat().as_bytes());
        assert_eq!(refusing.offset(), stream.len());
        assert_eq!((passed, skipping.oversized()), (stream.clone(), 1));
    }
}

#[test]
fn put_back_and_taken_again() {
    for cut in 0..content("x").len() {
        let mut lane = lines(1 << 20, true);
        let stream = [content("x <"), content("P>"), content("y")].concat();
        let mut out = fed(&mut lane, &stream[..cut]).0;
        assert_eq!(out, "");
        let (nothing, declined) = fed(&mut lane, &stream[cut..]);
        assert_eq!((nothing, declined), (String::new(), Some(content("x <"))));
        let id = lane.open(buffer(false));
        lane.register(id, CONTENT, &[Address::Integer(0)]).unwrap();
        lane.put_back();
        lane.put_back();
        assert_eq!(lane.offset(), 0);
        out += &fed(&mut lane, "").0;
        assert_eq!(out, [content("x "), content("Ada"), content("y")].concat());
        assert_eq!(lane.offset(), stream.len());
    }
}

/// Sizes at which anything that is not linear would not come to an end.
#[test]
fn linear_where_much_comes_at_once() {
    // Each frame declines: the bytes behind it are not moved.
    let mut lane = lines(1 << 30, true);
    let declined = content("x");
    let mut next = fed(&mut lane, &declined.repeat(100_000)).1;
    for _ in 0..100_000 {
        assert_eq!(next.as_deref(), Some(&*declined));
        next = fed(&mut lane, "").1;
    }
    assert_eq!(next, None);
    // One frame of many choices, each with an address of its own, and many elements that are taken out.
    let (mut lane, _) = with_channels(&[CONTENT, PART]);
    let choice = r#"{"delta":{"content":"x","parts":[{"text":"<"},{"text":"<"}]},"index":0}"#;
    let array = |choice: &str| format!("{{\"choices\":[{}]}}\n", vec![choice; 50_000].join(","));
    let (out, declined) = fed(&mut lane, &array(choice));
    assert_eq!(declined, None);
    assert_eq!(out, array(choice).replacen(r#"{"text":"<"},"#, "", 1));
    // One byte a read, in one long frame.
    let (mut lane, _) = with_channels(&[CONTENT]);
    let long = content(&"x".repeat(200_000));
    let mut out = String::new();
    for piece in long.as_bytes().chunks(1) {
        out += &fed(&mut lane, std::str::from_utf8(piece).unwrap()).0;
        if out.len() == 1 {
            out.clear(); // what waits is said to be taken
        }
    }
    assert_eq!(out, long);
}
