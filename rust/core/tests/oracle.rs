//! Random keys, texts and cuts against a naive matcher that is too simple to be wrong.

mod naive;

use holdback_core::{Fed, Matcher, PatternError};
use proptest::prelude::*;

fn restore(matcher: &Matcher, pieces: &[&str], json: bool) -> Vec<u8> {
    let mut stream = if json { matcher.stream_json() } else { matcher.stream() };
    let mut out = Vec::new();
    for piece in pieces {
        if stream.feed(piece, &mut out) == Fed::Unchanged {
            out.extend_from_slice(piece.as_bytes());
        }
    }
    stream.flush(&mut out);
    out
}

/// Cut `text` near the given places, between characters.
fn cut<'a>(text: &'a str, places: &[prop::sample::Index]) -> Vec<&'a str> {
    let mut at: Vec<usize> = places
        .iter()
        .map(|place| place.index(text.len() + 1))
        .map(|place| (0..=place).rev().find(|&place| text.is_char_boundary(place)).unwrap_or(0))
        .chain([0, text.len()])
        .collect();
    at.sort_unstable();
    at.windows(2).map(|two| &text[two[0]..two[1]]).collect()
}

fn pairs(key: &'static str) -> impl Strategy<Value = Vec<(String, String)>> {
    prop::collection::btree_map(key, "[ab<é]{0,3}", 0..6).prop_map(|pairs| pairs.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn any_cutting_of_plain_text(
        pairs in pairs("[abé€]{1,6}"),
        text in "[abé€😀]{0,40}",
        places in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let matcher = Matcher::new(pairs.iter().map(|(key, original)| (key, original))).unwrap();
        let expected = naive::restore(&pairs, text.as_bytes());
        prop_assert_eq!(&restore(&matcher, &cut(&text, &places), false), &expected);
        prop_assert_eq!(&*matcher.replace(&text), &*expected);
    }

    #[test]
    fn any_cutting_of_json_source(
        pairs in pairs(r#"[ab<"\\{u0]{1,4}"#),
        text in r#"(["\\u03cdab<{\[:, ]|\\ud83d|\\ude00|\\"|\\\\){0,30}"#,
        places in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let matcher = Matcher::new(pairs.iter().map(|(key, original)| (key, original))).unwrap();
        let whole = restore(&matcher, &[&text], true);
        prop_assert_eq!(&restore(&matcher, &cut(&text, &places), true), &whole);
        prop_assert_eq!(&*matcher.replace_json(&text), &*whole);
    }

    #[test]
    fn json_source_without_a_match_is_untouched(text in r#"(["\\u03cdab<{\[:, ]|\\ud83d|\\ude00|\\"){0,40}"#) {
        let matcher = Matcher::new([("<never>", "x")]).unwrap();
        prop_assert_eq!(&*matcher.replace_json(&text), text.as_bytes());
    }

    #[test]
    fn any_bytes_at_all(text in prop::collection::vec(any::<u8>(), 0..60), at in any::<prop::sample::Index>()) {
        let matcher = Matcher::new([(&b"\xed\xa0\xbd"[..], "x"), ("é€".as_bytes(), "y"), (b"\\", "z")]).unwrap();
        for json in [false, true] {
            let (left, right) = text.split_at(at.index(text.len() + 1));
            let mut stream = if json { matcher.stream_json() } else { matcher.stream() };
            let mut out = Vec::new();
            for piece in [left, right] {
                if stream.feed_wtf8(piece, &mut out) == Fed::Unchanged {
                    out.extend_from_slice(piece);
                }
            }
            stream.flush(&mut out);
            prop_assert!(stream.pending().is_empty());
        }
    }
}

/// The trie is one of bytes: a key that began inside a character would match there, and the channel of JSON source,
/// which counts characters, would lose its count. Found by fuzzing.
#[test]
fn a_key_is_text() {
    for (key, is_text) in [
        (&b"\xed\xa0\xbd"[..], true),
        ("\u{10ffff}é€".as_bytes(), true),
        (b"\x98\x80", false),
        (b"a\xf0\x9f\x98", false),
        (b"\xc0\x80", false),
        (b"\xe0\x80\x80", false),
        (b"\xf4\x90\x80\x80", false),
        (b"\xff", false),
    ] {
        let refused = Matcher::new([(key, "x")]).err();
        assert_eq!(refused, (!is_text).then_some(PatternError::NotText), "{key:x?}");
    }
}
