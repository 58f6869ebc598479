//! One matcher, shared by threads: every stream says what it says alone, and outlives the matcher it came from.

use std::sync::Barrier;
use std::thread;

use holdback_core::{Fed, Matcher, StreamBuffer};

const THREADS: usize = 8;

fn restored(mut stream: StreamBuffer, text: &str, size: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for piece in text.as_bytes().chunks(size) {
        if stream.feed_wtf8(piece, &mut out) == Fed::Unchanged {
            out.extend_from_slice(piece);
        }
    }
    stream.flush(&mut out);
    out
}

#[test]
fn a_shared_matcher() {
    let keys: Vec<String> = (0..200).map(|number| format!("<P_{number}>")).collect();
    let pairs: Vec<_> = keys.iter().map(|key| (key, "Ada \"x\"")).collect();
    let text = r#"{"to": "<P_1> and <P_19>", "in": "{\"a\":\"\\u003cP_7>\"}", "<P_": "<P_200>"} "#.repeat(40);
    let matcher = Matcher::new(pairs.clone()).unwrap();
    let (plain, json) = (matcher.replace(&text), matcher.replace_json(&text));
    assert_ne!(plain, json);
    let start = Barrier::new(THREADS);
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (matcher, text, start, plain, json) = (matcher.clone(), &text, &start, &plain, &json);
            scope.spawn(move || {
                start.wait();
                for round in 1..20 {
                    let streams = (matcher.stream(), matcher.stream_json());
                    assert_eq!(restored(streams.0, text, number + round), **plain);
                    assert_eq!(restored(streams.1, text, number + round), **json);
                }
                let last = matcher.stream();
                drop(matcher);
                assert_eq!(restored(last, text, 1), **plain);
            });
        }
    });
}
