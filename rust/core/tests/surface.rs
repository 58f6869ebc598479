//! The small public things around the matcher: what it tells of itself, and what a caller may skip because of it.

use holdback_core::{Fed, Matcher, PatternError, StreamBuffer};

fn fed(stream: &mut StreamBuffer, text: &str) -> String {
    let mut out = Vec::new();
    match stream.feed(text, &mut out) {
        Fed::Unchanged => text.to_owned(),
        Fed::Written => String::from_utf8(out).unwrap(),
    }
}

#[test]
fn keys_are_counted_and_measured_in_code_points() {
    let matcher = Matcher::new([("<A>", "x"), ("<Bé😀>", "y")]).unwrap();
    assert_eq!((matcher.len(), matcher.is_empty(), matcher.longest()), (2, false, 5));
    let empty = Matcher::new::<&str, &str>([]).unwrap();
    assert_eq!((empty.len(), empty.is_empty(), empty.longest()), (0, true, 0));
    assert_eq!(empty.replace("<A>").as_ref(), b"<A>");
}

#[test]
fn a_bad_mapping_is_told_why_and_never_what() {
    let error = |pairs: &[(&str, &str)]| Matcher::new(pairs.iter().copied()).err();
    assert_eq!(error(&[("", "secret"), ("a", "b")]), Some(PatternError::EmptyKey));
    assert_eq!(error(&[("a", "secret"), ("a", "b")]), Some(PatternError::TwoOriginals));
    assert_eq!(error(&[("a", "b"), ("a", "b"), ("b", "b")]), None);
    assert_eq!(PatternError::EmptyKey.to_string(), "a placeholder must not be empty");
    assert_eq!(PatternError::TwoOriginals.to_string(), "a placeholder has two originals");
    assert_eq!(PatternError::TooLarge.to_string(), "the placeholders together are longer than 2 GiB");
}

#[test]
fn debug_shows_counts_and_no_text() {
    let matcher = Matcher::new([("<A>", "secret"), ("<Bé>", "secret")]).unwrap();
    assert_eq!(format!("{matcher:?}"), "Matcher { keys: 2, longest: 4, .. }");
    let mut stream = matcher.stream();
    assert_eq!(fed(&mut stream, "<Bé"), "");
    assert_eq!(format!("{stream:?}"), "StreamBuffer { pending_bytes: 4, .. }");
}

/// What a stream at rest is given and finds quiet may go round it: the stream would pass it on and stay as it is.
#[test]
fn a_quiet_text_may_go_round_a_stream_at_rest() {
    let matcher = Matcher::new([("<A>", "x"), ("é!", "y")]).unwrap();
    for (text, plain, json) in [
        ("a quiet text", true, true),
        ("\"", true, false),
        ("\\", true, false),
        ("<", false, false),
        ("<A>", false, false),
        ("é", false, false),
        ("", true, true),
    ] {
        assert_eq!(matcher.is_quiet(text, false), plain, "{text}");
        assert_eq!(matcher.is_quiet(text, true), json, "{text} in JSON");
    }

    let mut stream = matcher.stream();
    assert!(stream.is_at_rest());
    for (text, at_rest) in [("a <", false), ("A", false), (">", true), ("b", true)] {
        fed(&mut stream, text);
        assert_eq!(stream.is_at_rest(), at_rest, "after {text}");
    }
    let mut out = Vec::new();
    assert_eq!(stream.feed_wtf8(b"\xed\xa0\xbd", &mut out), Fed::Written);
    assert!(!stream.is_at_rest(), "a high half waits");
    stream.flush(&mut out);
    assert!(stream.is_at_rest());
    assert_eq!(out, b"\xed\xa0\xbd");
}

#[test]
fn a_feed_tells_whether_it_wrote() {
    let matcher = Matcher::new([("<A>", "x")]).unwrap();
    let mut stream = matcher.stream();
    let mut out = Vec::new();
    assert_eq!(stream.feed("quiet", &mut out), Fed::Unchanged);
    assert_eq!(stream.feed_wtf8(b"qui\xed\xbf\xbf", &mut out), Fed::Unchanged);
    assert!(out.is_empty());
    assert_eq!(stream.feed_wtf8(b"a\xed\xa0\xbd", &mut out), Fed::Written);
    assert_eq!(stream.feed("", &mut out), Fed::Unchanged);
    assert_eq!(stream.feed_wtf8(b"", &mut out), Fed::Unchanged);
    assert_eq!((&*out, &*stream.pending()), (&b"a"[..], &b"\xed\xa0\xbd"[..]));
    assert_eq!(stream.feed("b<", &mut out), Fed::Written);
    assert_eq!((&*out, &*stream.pending()), (&b"a\xed\xa0\xbdb"[..], &b"<"[..]));
    assert_eq!(stream.feed("A>", &mut out), Fed::Written);
    assert_eq!(out, b"a\xed\xa0\xbdbx");
}

/// In JSON source ordinary characters decide what a string holds, so only a stream that knows is at rest.
#[test]
fn a_json_stream_rests_where_characters_decide_nothing() {
    let matcher = Matcher::new([("<A>", "x")]).unwrap();
    let mut stream = matcher.stream_json();
    let seen: Vec<bool> = ["", "{", "\"", "k", "\\", "n", "<", "A>", "\"", "} "]
        .into_iter()
        .map(|piece| {
            fed(&mut stream, piece);
            stream.is_at_rest()
        })
        .collect();
    assert_eq!(seen, [false, false, false, true, false, true, false, true, false, false]);
    let mut text = matcher.stream_json();
    fed(&mut text, "no document");
    assert!(text.is_at_rest());
    text.flush(&mut Vec::new());
    assert!(!text.is_at_rest(), "the next one may be a document");
}

#[test]
fn a_whole_text_without_a_match_is_borrowed() {
    use std::borrow::Cow;
    let matcher = Matcher::new([("<A>", "x"), ("<same>", "<same>")]).unwrap();
    for text in ["nothing", "<", "ends with <A", "<same>"] {
        assert!(matches!(matcher.replace(text), Cow::Borrowed(same) if same == text.as_bytes()));
    }
    assert!(matches!(matcher.replace_json("[\"\\"), Cow::Borrowed(b"[\"\\")));
    assert!(matches!(matcher.replace("<A>"), Cow::Owned(_)));
}

/// A gateway may pass what is no UTF-8: such bytes go through, and what stands beside them is found. A key is text.
#[test]
fn bytes_that_are_no_text_pass() {
    assert_eq!(Matcher::new([(b"\xff", "x")]).err(), Some(PatternError::NotText));
    let matcher = Matcher::new([("<A>", "x"), ("é", "y")]).unwrap();
    let cases: [(&[u8], &[u8]); 5] = [
        (b"a\xfe<A>\xff\xe2(", b"a\xfex\xff\xe2("),
        (b"\x80\xc0\xbf\xc3\xa9", b"\x80\xc0\xbfy"),
        (b"\xe2<A>\xa1\xc3", b"\xe2x\xa1\xc3"),
        (b"<A\xf4\x8f\xbf\xbf\xf5\xff", b"<A\xf4\x8f\xbf\xbf\xf5\xff"),
        (b"\xed\xa0<A>", b"\xed\xa0x"),
    ];
    for (bytes, restored) in cases {
        assert_eq!(matcher.replace(bytes).as_ref(), restored, "{bytes:x?}");
        let within = [b"[\"", bytes, b"\"]"].concat();
        assert_eq!(
            *matcher.replace_json(&within),
            *[b"[\"", restored, b"\"]"].concat(),
            "{bytes:x?} in JSON"
        );
    }
}
