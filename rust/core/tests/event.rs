//! An event that is known but for its text: restored as if its JSON had been read, or not at all.

use holdback_core::{Hole, JsonField, Matcher, StreamBuffer, TextEvent, Wire};
use proptest::prelude::*;

const KEYS: [(&str, &str); 3] = [("<P>", "Ada \"A\"\u{7F}\u{2028}"), ("<P_1>", ""), ("é\n", "x\\")];
const TAIL: &[u8] = b",\"z\":null}\n\n";
const EVENTS: Wire = Wire { lines: false, field: Some(JsonField::Call) };

fn event(is_droppable: bool, others_rest: bool) -> TextEvent {
    let parts =
        [(&b"data: {\"n\":"[..], Hole::Number), (b",\"text\":", Hole::Text), (b",\"o\":", Hole::Filling)];
    TextEvent::new(parts, TAIL, is_droppable, others_rest)
}

fn spelled(number: &str, text: &str, filling: &str) -> Vec<u8> {
    let tail = String::from_utf8_lossy(TAIL);
    format!("data: {{\"n\":{number},\"text\":{text},\"o\":{filling}{tail}").into_bytes()
}

/// What becomes of the event, if anything, with some text pending.
fn restored(data: &[u8], pending: &str, is_droppable: bool) -> (Option<usize>, Vec<u8>, StreamBuffer) {
    let mut stream = Matcher::new(KEYS).unwrap().stream();
    let _ = stream.feed(pending, &mut Vec::new());
    let mut out = Vec::new();
    let length = event(is_droppable, true).restore(data, &mut stream, &mut out);
    (length, out, stream)
}

/// As `to_json` writes it.
fn written(text: &str) -> String {
    let json = serde_json::to_string(text).unwrap();
    json.chars()
        .map(|c| match c {
            '\u{85}' | '\u{2028}' | '\u{2029}' => format!("\\u{:04x}", c as u32),
            _ => c.to_string(),
        })
        .collect()
}

fn literal() -> impl Strategy<Value = String> {
    let bits = prop::sample::select(vec![
        "a",
        "é",
        "😀",
        "<",
        "P>",
        "_1>",
        "\\n",
        "\\\"",
        "\\\\",
        "\\/",
        "\\u003c",
        "\\u003C",
        "\\u00e9",
        "\\b",
        "\\f",
        "\\r",
        "\\t",
        "\\ud83d\\ude00",
        "\\ud83d",
        "\\ude00",
        "\\u00",
        "\\x",
        "\\",
        "\"",
        "\u{7f}",
        "\u{2028}",
        "\u{1}",
        " ",
        ",\"o\":",
    ]);
    prop::collection::vec(bits, 0..8).prop_map(|bits| format!("\"{}\"", bits.concat()))
}

proptest! {
    /// Either it declines and nothing was fed, or it does what reading the JSON and writing it would do.
    #[test]
    fn it_is_what_reading_the_json_would_give(
        literal in literal(), pending in prop::sample::select(vec!["", "<", "<P", "é"]), droppable: bool,
    ) {
        let data = spelled("7", &literal, "\"x\"");
        let (length, out, stream) = restored(&data, pending, droppable);
        let Ok(text) = serde_json::from_str::<String>(&literal) else {
            prop_assert_eq!((length, out.len(), stream.pending()), (None, 0, pending.as_bytes().to_vec()));
            return Ok(());
        };
        prop_assert_eq!(length, Some(data.len()));
        let mut expected = Matcher::new(KEYS).unwrap().stream();
        let _ = expected.feed(pending, &mut Vec::new());
        let mut leaves = Vec::new();
        if expected.feed(&text, &mut leaves) == holdback_core::Fed::Unchanged {
            leaves = text.clone().into_bytes();
        }
        let leaves = String::from_utf8(leaves).unwrap();
        prop_assert_eq!(stream.pending(), expected.pending());
        let wanted = if leaves == text {
            data
        } else if leaves.is_empty() && droppable && expected.is_pending() {
            Vec::new()
        } else {
            spelled("7", &written(&leaves), "\"x\"")
        };
        prop_assert_eq!(String::from_utf8(out), String::from_utf8(wanted));
    }

    /// Cut off anywhere it has not come yet; what follows is not looked at.
    #[test]
    fn it_ends_where_it_ends(literal in literal(), more in prop::collection::vec(any::<u8>(), 0..20)) {
        prop_assume!(serde_json::from_str::<String>(&literal).is_ok());
        let data = spelled("12", &literal, "\"x\"");
        for end in 0..data.len() {
            let (length, out, stream) = restored(&data[..end], "<", true);
            prop_assert_eq!((length, out.len(), stream.pending()), (None, 0, b"<".to_vec()));
        }
        let (length, out, _) = restored(&data, "", true);
        let (longer, same, _) = restored(&[&data[..], &more].concat(), "", true);
        prop_assert_eq!((length, out), (longer, same));
    }
}

#[test]
fn holes_take_what_is_certainly_one_value() {
    let takes =
        |number: &str, filling: &str| restored(&spelled(number, "\"hi\"", filling), "", false).0.is_some();
    for (number, good) in [
        ("0", true),
        ("7", true),
        ("10", true),
        (&"1".repeat(18), true),
        (&"1".repeat(19), false),
        ("00", false),
        ("07", false),
        ("-1", false),
        ("1.5", false),
        ("1e5", false),
        ("1E5", false),
        ("", false),
        ("\"1\"", false),
    ] {
        assert_eq!(takes(number, "\"x\""), good, "{number}");
    }
    for (filling, good) in [
        ("\"\"", false),
        ("\"x\"", true),
        ("\" !#[]~\"", true),
        ("\"\u{7f}\"", false),
        ("\"é\"", false),
        ("\"\\n\"", false),
        ("\"\t\"", false),
        ("x", false),
        ("null", false),
    ] {
        assert_eq!(takes("1", filling), good, "{filling}");
    }
}

/// Quiet events of other kinds pass only while every stream is at rest.
#[test]
fn a_run_is_of_quiet_events_and_its_own() {
    let matcher = Matcher::new(KEYS).unwrap();
    let run = |data: &[u8], others_rest| {
        let (mut stream, mut out) = (matcher.stream(), Vec::new());
        let (length, count) =
            event(true, others_rest).restore_run(data, &matcher, EVENTS, &mut stream, &mut out);
        (length, count, String::from_utf8(out).unwrap(), stream.is_pending())
    };
    let own = |text: &str| String::from_utf8(spelled("1", text, "\"x\"")).unwrap();
    let other = "data: {\"other\":1}\n\n";
    let data = [other, &own("\"<\""), &own("\"P>\""), other, &own("\"hi\""), "data: {\"n\":1"].concat();
    let whole = data.len() - 12;
    let ada = own("\"Ada \\\"A\\\"\u{7f}\\u2028\"");
    let expected = [other, &ada, other, &own("\"hi\"")].concat();
    assert_eq!(run(data.as_bytes(), true), (whole, 2, expected, false)); // the last one is quiet
    assert_eq!(run(data.as_bytes(), false), (0, 0, String::new(), false));
    let data = [&own("\"<\""), other].concat();
    assert_eq!(run(data.as_bytes(), true), (data.len() - other.len(), 1, String::new(), true));
    let data = [&own("\"hi\""), other].concat();
    assert_eq!(run(data.as_bytes(), false), (data.len() - other.len(), 1, own("\"hi\""), false));
}

#[test]
fn holes_have_names() {
    assert_eq!(Hole::ALL.map(Hole::name), ["text", "number", "filling"]);
}

#[test]
fn an_event_without_text_is_none() {
    let event = TextEvent::new([(&b"{\"n\":"[..], Hole::Number)], b"}\n", true, true);
    let mut stream = Matcher::new(KEYS).unwrap().stream();
    assert_eq!(event.restore(b"{\"n\":1}\n", &mut stream, &mut Vec::new()), None);
}

#[test]
fn debug_shows_no_text() {
    assert_eq!(format!("{:?}", event(true, true)), "TextEvent { holes: 3, .. }");
}
