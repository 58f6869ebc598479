//! A source that is text and nothing else: what is said of it, and of which sources nothing is said.

use holdback_core::Matcher;
use holdback_core::wire::{NodeSpec, ObjectSpec, Piece, Shapes, SlotKind, SlotSpec, Which};

const TEXT: u32 = 0;
const NAMED: u32 = 1;
const VALUED: u32 = 2;
const STRING: u32 = 3;
const NO_STRING: u32 = 4;

/// `{"kept": …, "said": text, "part": {"type": "a": {"text": text}}, "hard": …, *}`
fn shapes() -> Shapes {
    let kinds =
        [SlotKind::Whole, SlotKind::Text, SlotKind::Latest, SlotKind::WholeSource, SlotKind::Document];
    let node = |slots: Vec<u32>, object, array| NodeSpec { slots, object, array };
    let nodes = vec![
        node(vec![], Some(0), None),
        node(vec![TEXT], None, Some(1)),
        node(vec![TEXT, NAMED, VALUED], Some(1), Some(1)), // a member of which nothing is known
        node(vec![STRING, NO_STRING], None, None),
        node(vec![], None, None),
        node(vec![TEXT], Some(2), None),
    ];
    let members = |names: &[(&str, u32)]| names.iter().map(|&(name, node)| (name.into(), node)).collect();
    let known = members(&[("kept", 4), ("said", 1), ("part", 5), ("hard", 3)]);
    let which = Which { name: "type".into(), variants: vec![("a".into(), 3)], default: Some(1) };
    let objects = vec![
        ObjectSpec { members: known, other: Some(2), which: None },
        ObjectSpec { other: Some(2), ..ObjectSpec::default() },
        ObjectSpec { which: Some(which), ..ObjectSpec::default() },
        ObjectSpec { members: members(&[("type", 4), ("text", 1)]), other: Some(2), which: None },
    ];
    Shapes::new(kinds.map(SlotSpec::new).to_vec(), nodes, objects, 0).expect("the parts fit together")
}

fn plain(source: &str) -> Option<(Vec<String>, Vec<&str>)> {
    let plain = shapes().plain(source.as_bytes())?;
    let text = |text: &[u8]| String::from_utf8(text.to_vec()).expect("UTF-8");
    let texts = plain.texts.iter().filter_map(|mark| mark.text(source.as_bytes()));
    let names = plain.names.iter().map(|name| &source[name.clone()]).collect();
    Some((texts.map(|found| text(&found)).collect(), names))
}

#[test]
fn texts_and_names_of_which_nothing_is_known() {
    let found = plain(
        r#" {"kept": "no", "said": ["a\u0062", " x"], "new" : {"deep": [1, "c"]}, "n":null,
            "part": {"type": "a", "text": "d"}, "other": 1.5, "hard": null} "#,
    );
    let (texts, mut names) = found.expect("it is plain");
    assert_eq!(texts, ["ab", " x", "c", "d"]);
    names.sort_unstable();
    names.dedup();
    assert_eq!(names, ["deep", "n", "new", "other"]);
    assert_eq!(
        plain(r#"{"part": {"type": "b", "text": "d"}}"#).expect("it is plain").1,
        ["type", "type", "text", "text"]
    );
    assert_eq!(plain("{}"), Some((vec![], vec![])));
}

#[test]
fn what_takes_more_to_read() {
    for source in [
        r#"{"hard": 0}"#,
        r#"{"hard": "x"}"#,
        r#"{"hard": [null]}"#,
        r#"{"said": "a", "said": "b"}"#,
        r#"{"s\u0061id": "a"}"#,
        r#"{"n\u0065w": 1}"#,
        r#"{"part": {"type": "a", "type": "b"}}"#,
        r#"{"said": "a"} x"#,
        r#"{"said": "a""#,
        "[]",
        "",
    ] {
        assert!(plain(source).is_none(), "{source}");
    }
}

/// What came of a source: pieces, and whether each is a text whose literal is to be written.
fn replaced(source: &str, pairs: &[(&str, &str)]) -> Option<Vec<(bool, String)>> {
    let matcher = Matcher::new(pairs.iter().copied()).expect("the keys are no problem");
    let values = shapes().values(source.as_bytes(), &matcher)?;
    let all: Vec<_> = matcher.pairs().map(|(_, other)| other).collect();
    let others: Vec<_> = values.keys.iter().map(|&key| all[key as usize]).collect();
    let fewer = &others[..others.len().saturating_sub(1)];
    assert_eq!(values.replaced(source.as_bytes(), fewer).is_some(), others.is_empty());
    let said = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    let pieces = values.replaced(source.as_bytes(), &others)?.into_iter().map(|piece| match piece {
        Piece::Source(slices) => (false, said(slices.concat())),
        Piece::Text(text) => (true, said(text)),
    });
    Some(pieces.collect())
}

#[test]
fn values_in_texts() {
    let pairs = [("Ada", "<1>"), ("Ada Lee", "<2>"), ("é", "<3>"), ("Bo", "<4>")];
    let source = r#" {"kept": "Ada", "said": ["Ada Le, Ada Lee", "none <", "a Bé"], "new": ["x\n\u00e9"]} "#;
    let pieces = replaced(source, &pairs).expect("it is plain");
    let expected = [
        (false, r#" {"kept": "Ada", "said": ["<1> Le, <2>", "none <", "a B<3>"], "new": ["#.to_owned()),
        (true, "x\n<3>".to_owned()),
        (false, "]} ".to_owned()),
    ];
    // "kept" has no text; "é" stands in two texts.
    assert_eq!(pieces, expected);
    let matcher = Matcher::new(pairs).expect("the keys are no problem");
    let values = shapes().values(source.as_bytes(), &matcher).expect("it is plain");
    assert_eq!((values.texts, values.changing(), values.bracketed.len()), (4, 3, 1));
    assert_eq!(values.keys.len(), 3);
    let same = replaced(r#"{"said": "nobody"}"#, &pairs).expect("it is plain");
    assert_eq!(same, [(false, r#"{"said": "nobody"}"#.to_owned())]);
    let deleted = replaced("{\"said\": \"Bo\u{7f}\"}", &pairs).expect("it is plain");
    assert_eq!(deleted[1], (true, "<4>\u{7f}".to_owned()));
}

#[test]
fn where_values_are_not_looked_for() {
    let pairs = [("Ada", "<1>")];
    for source in [
        r#"{"said": " {\"a\": 1}"}"#,
        r#"{"said": ["Ada", "[]"]}"#,
        r#"{"said": "\"Ada\"\n"}"#,
        r#"{"new Ada": "x"}"#,
        r#"{"hard": "Ada"}"#,
    ] {
        assert_eq!(replaced(source, &pairs), None, "{source}");
    }
    for source in [
        r#"{"said": ""}"#,
        r#"{"said": " \t"}"#,
        r#"{"said": "\""}"#,
        r#"{"said": "\"Ada\" a"}"#,
        r#"{"said": ["[", "[1] Ada", "{Ada}, once more", "{ 1]"]}"#,
    ] {
        assert!(replaced(source, &pairs).is_some(), "{source}");
    }
}
