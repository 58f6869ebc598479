//! Frames in the lane: their ends, their size, how they are put back, and what much of them costs.

mod lines;
mod table;

use std::sync::Arc;

use holdback_core::wire::{Address, Framing, Lane, LineEnd, Manner, Taken};
use lines::{assert_declined, assert_taken, buffer, content, fed, lines, with_channels};
use table::{CONTENT, PART, chat};

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

#[test]
fn an_event_without_a_frame_waits_for_those_that_have_one() {
    let lane = |framing, most, skips| {
        let mut lane = Lane::new(Arc::new(chat()), framing, most, skips, 0);
        let id = lane.open(buffer(false));
        lane.register(id, CONTENT, &[Address::Integer(0)]).unwrap();
        lane
    };
    let frame = content("<P>");
    let event = frame.trim_end();
    let take = |lane: &mut Lane| {
        let mut out = Vec::new();
        (lane.feed_event(event.as_bytes(), &mut out), String::from_utf8(out).unwrap())
    };
    let taken = (Taken::Written, content("Ada").trim_end().to_owned());
    let declined = (Taken::Declined, String::new());

    let mut sound = lane(Framing::Events, event.len(), true);
    assert_eq!(take(&mut sound), taken);
    assert_taken(&mut sound, "dat", "");
    assert_eq!(take(&mut sound), declined);
    assert_taken(&mut sound, "a:\n\n", "data:\n\n");
    assert_eq!(take(&mut sound), taken);
    assert_eq!(fed(&mut sound, "data: [DONE]\r\r"), (String::new(), Some("data: [DONE]\r\r".to_owned())));
    assert_eq!(take(&mut sound), declined); // it may be put back
    assert_taken(&mut sound, "", "");
    assert_eq!(take(&mut sound), taken);
    assert_taken(&mut sound, "\n", "\n"); // which is no part of the frame that declined: something came between
    assert_eq!(sound.offset(), "data:\n\ndata: [DONE]\r\r\n".len());

    assert_eq!(take(&mut lane(Framing::Events, event.len() - 1, true)), declined);
    assert_eq!(take(&mut lane(Framing::Lines, event.len(), true)), declined);
    for skips in [true, false] {
        let mut full = lane(Framing::Events, event.len(), skips);
        fed(&mut full, &format!("data: {}", " ".repeat(event.len())));
        assert_eq!(take(&mut full), declined);
    }
}

#[test]
fn how_the_last_event_is_written() {
    let stream = "event: x\r\ndata: {}\n\n: c\n\ndata: [DONE]\n\ndata: [DONE]\n\nid\r\r\nevent\rdata: {}\n\ndata: {}\r\n\r\nid\n\n";
    for size in [1, stream.len()] {
        let mut lane = Lane::new(Arc::new(chat()), Framing::Events, 60, true, 0);
        let mut manners = vec![];
        for mut piece in stream.as_bytes().chunks(size).map(|piece| std::str::from_utf8(piece).unwrap()) {
            while fed(&mut lane, piece).1.is_some() {
                manners.push(lane.manner());
                piece = "";
            }
        }
        manners.push(lane.manner());
        let manner = |line_end, has_name| Some(Manner { line_end, has_name });
        assert_eq!(manners, [manner(LineEnd::CrLf, true), None, manner(LineEnd::CrLf, false)]);
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
