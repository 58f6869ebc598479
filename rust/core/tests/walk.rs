//! The walk: which sources are events, and what is found in them.

mod table;

use holdback_core::wire::{
    Emptied, NodeSpec, ObjectSpec, Reading, ShapeError, Shapes, SlotKind, SlotSpec, Which,
};
use proptest::prelude::*;
use serde::de::IgnoredAny;
use table::Table;

/// Reads nothing, but the whole source has to be an object.
fn no_shape() -> Shapes {
    let mut table = Table::default();
    let root = table.object(&[], None);
    table.shapes(root)
}

/// Slots of every kind at every member, whatever its name, at any depth.
fn every_kind() -> Shapes {
    let kinds = [
        SlotKind::Address,
        SlotKind::Text,
        SlotKind::Source,
        SlotKind::Whole,
        SlotKind::WholeSource,
        SlotKind::Document,
        SlotKind::Event,
        SlotKind::Once,
        SlotKind::Keeps,
        SlotKind::Latest,
        SlotKind::Place,
    ];
    let slots = kinds.map(SlotSpec::new);
    let all = (0..11).collect();
    let node = NodeSpec { slots: all, object: Some(0), array: Some(0) };
    let object = ObjectSpec { members: vec![("a".into(), 0)], other: Some(0), which: None };
    Shapes::new(slots.into(), vec![node], vec![object], 0).unwrap()
}

/// Names and values of the marks, then of the addresses.
fn found(shapes: &Shapes, source: &str) -> Option<Vec<(u32, Vec<usize>, String)>> {
    let reading = shapes.walk(source.as_bytes())?;
    let marks = reading.marks().iter().chain(reading.addresses());
    let text = |begin: usize, end: usize| source[begin..end].to_owned();
    Some(
        marks
            .map(|mark| (mark.slot, reading.positions(mark), text(mark.literal.begin, mark.literal.end)))
            .collect(),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    /// Where another reader of JSON agrees on what JSON is (it knows no NaN), it agrees on every source.
    #[test]
    fn what_is_an_event(
        source in r#"\{("[a\\u0]{0,2}":|[\[\]{},: \n]|-?[0-9]{1,2}|[.eE+-]|true|false|null|"[a\\"u0é\x1f\x7f]{0,4}"|\\u00e9){0,12}\}?[ x]?"#
    ) {
        let is_event = serde_json::from_str::<IgnoredAny>(&source).is_ok();
        prop_assert_eq!(no_shape().walk(source.as_bytes()).is_some(), is_event);
        prop_assert_eq!(every_kind().walk(source.as_bytes()).is_some(), is_event);
    }

    #[test]
    fn any_bytes_at_all(source in prop::collection::vec(any::<u8>(), 0..60), json in r#"\{["\\{}\[\]:,a0-]{0,40}"#) {
        let mut reading = Reading::default();
        for source in [&*source, json.as_bytes()] {
            if every_kind().walk_into(source, &mut reading) {
                for mark in reading.marks() {
                    let _ = (mark.text(source), reading.positions(mark));
                }
            }
        }
    }

    /// The text of a string is what serde_json makes of it.
    #[test]
    fn text_of_strings(text in any::<String>()) {
        let mut table = Table::default();
        let slot = table.slot(SlotKind::Text, 0, &[], Emptied::Text);
        let leaf = table.leaf(&[slot]);
        let root = table.object(&[("t", leaf)], None);
        let source = serde_json::to_vec(&serde_json::json!({ "t": text })).unwrap();
        let reading = table.shapes(root).walk(&source).unwrap();
        prop_assert_eq!(reading.marks()[0].text(&source).unwrap(), text.as_bytes());
    }
}

#[test]
fn sources_that_are_no_plain_json() {
    let deep = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
    for (source, is_event) in [
        (r#"{"a":NaN,"b":[Infinity,-Infinity]}"#, true),
        (r#"{"a":-NaN}"#, false),
        (r#"{"a":+1}"#, false),
        (r#"{"a":01}"#, false),
        (r#"{"a":-}"#, false),
        (r#"{"a":1.}"#, false),
        (r#"{"a":"\ud800"}"#, true),
        (r#"{"a":"\ud80"}"#, false),
        (r#"{"a":"\x"}"#, false),
        ("{\"a\":\"\u{7f}\"}", true),
        ("{\"a\":\"\n\"}", false),
        ("\u{feff}{}", false),
        (" \t\r\n{ } \n", true),
        ("{}{}", false),
        ("{},", false),
        ("[]", false),
        ("\"a\"", false),
        ("", false),
        ("{", false),
        (r#"{"a":1,}"#, false),
        (r#"{"a"}"#, false),
        (r"{a:1}", false),
        (&format!("{{\"a\":1{}}}", "0".repeat(10_000)), true),
        (&deep(200), true),
        (&deep(201), false),
    ] {
        for shapes in [no_shape(), every_kind()] {
            assert_eq!(shapes.walk(source.as_bytes()).is_some(), is_event, "{source:.60}");
        }
    }
    assert!(no_shape().walk(b"{\"a\":\"\xff\"}").is_none());
    assert!(no_shape().walk(b"{\"a\":\"\xed\xa0\x80\"}").is_none());
}

/// Which kinds of slots take which values; the numbers are those of `every_kind`.
#[test]
fn kinds_and_values() {
    for (value, slots) in [
        ("null", &[1, 2, 10][..]),
        ("false", &[5, 8, 9]),
        ("true", &[5, 6, 7, 8, 9]),
        ("0", &[5, 8, 9, 0]),
        ("-0", &[5, 8, 9, 0]),
        ("0.0", &[5, 8, 9, 0]),
        ("1e-999", &[5, 8, 9, 0]),
        ("-1", &[5, 6, 7, 8, 9, 0]),
        (r#""""#, &[1, 2, 3, 4, 9, 0]),
        (r#""x""#, &[1, 2, 3, 4, 6, 7, 8, 9, 0]),
        // Containers into which the walk descends: the place stands first, and an empty one says nothing.
        ("[]", &[10, 5, 9]),
        ("{ }", &[10, 5, 9]),
        ("[null]", &[10, 1, 2, 10, 5, 6, 7, 9]),
    ] {
        let source = format!("{{\"b\": {value}}}");
        let found = found(&every_kind(), &source).unwrap();
        // The root is a container as well: its place, and what it means, which stands before the addresses.
        let inner: Vec<u32> = found.iter().map(|(slot, ..)| *slot).skip(1).collect();
        let at = inner.len() - 4 - usize::from(slots.contains(&0));
        assert_eq!(inner[at..at + 4], [5, 6, 7, 9], "{value}");
        assert_eq!([&inner[..at], &inner[at + 4..]].concat(), slots, "{value}");
    }
    // Into what has no shape the walk does not descend.
    let mut table = Table::default();
    let kinds = [SlotKind::Document, SlotKind::Event, SlotKind::Keeps, SlotKind::Latest, SlotKind::Place];
    let slots = kinds.map(|kind| table.slot(kind, 0, &[], Emptied::Text));
    let leaf = table.leaf(&slots);
    let root = table.object(&[("b", leaf)], None);
    let shapes = table.shapes(root);
    for (value, slots) in
        [("[]", &[0, 3][..]), ("{ }", &[0, 3]), ("[ 0]", &[0, 1, 2, 3]), (r#"{"a":null}"#, &[0, 1, 2, 3])]
    {
        let found = found(&shapes, &format!("{{\"b\":{value}}}")).unwrap();
        assert_eq!(found.iter().map(|(slot, ..)| *slot).collect::<Vec<_>>(), slots, "{value}");
    }
}

/// `{"a": text, "list": [{"a": text, "id": address}]}`, by `kind` of `{"of": {…}}`.
fn some_shape() -> Shapes {
    let mut table = Table::default();
    let text = table.slot(SlotKind::Text, 0, &[], Emptied::Text);
    let id = table.slot(SlotKind::Address, 1, &[], Emptied::Text);
    let inner = table.slot(SlotKind::Text, 1, &[id], Emptied::Text);
    let (text, inner, id) = (table.leaf(&[text]), table.leaf(&[inner]), table.leaf(&[id]));
    let element = table.object(&[("a", inner), ("id", id)], None);
    let list = table.array(element);
    let (x, y) = (table.members(&[("a", text)], None), table.members(&[("kind", text), ("b", text)], None));
    let by_sort = table.which("sort", &[("", y)], None);
    let of = table.which("kind", &[("x", x), ("y", y), ("z", by_sort), ("true", y)], Some(x));
    let of = table.node(NodeSpec { object: Some(of), ..NodeSpec::default() });
    let root = table.object(&[("a", text), ("list", list), ("of", of)], None);
    table.shapes(root)
}

#[test]
fn marks_and_positions() {
    let source = r#"{"list": [{"a": "p"}, 7, {"id": 3, "a": null}], "no": {"a": "q"}, "a":"r"}"#;
    let expected = [
        (2, vec![0], r#""p""#.to_owned()),
        (2, vec![2], "null".to_owned()),
        (0, vec![], r#""r""#.to_owned()),
        (1, vec![2], "3".to_owned()),
    ];
    assert_eq!(found(&some_shape(), source).unwrap(), expected);
    assert!(!some_shape().walk(source.as_bytes()).unwrap().is_odd());
}

#[test]
fn the_last_of_equal_names_counts() {
    for (source, is_odd, texts) in [
        (r#"{"a":"1","b":0,"b":1}"#, false, &["1"][..]),
        (r#"{"a":"1","a":"2"}"#, true, &["2"]),
        (r#"{"a":"1","a":2}"#, true, &[]),
        (r#"{"a":"1","\u0061":"2","a":"3"}"#, true, &["3"]),
        (r#"{"\u0061":"1"}"#, true, &["1"]),
        (r#"{"\u0062":"1","a":"2"}"#, false, &["2"]),
        (r#"{"list":[{"a":"1"},{"a":"2"}],"a":"3","list":[{"a":"4","a":"5"}]}"#, true, &["3", "5"]),
        // The choice of a shape: by the last, too, wherever it stands.
        (r#"{"of":{"a":"1","b":"2","kind":"x"}}"#, false, &["1"]),
        (r#"{"of":{"kind":"y","a":"1","b":"2"}}"#, false, &["y", "2"]),
        (r#"{"of":{"kind":"x","a":"1","b":"2","kind":"y"}}"#, true, &["2", "y"]),
        (r#"{"of":{"kind":"y","kind":5,"a":"1","b":"2"}}"#, true, &["1"]),
        (r#"{"of":{"kin\u0064":"y","b":"2"}}"#, true, &["y", "2"]),
        (r#"{"of":{"kind":"\u0079","b":"2"}}"#, false, &["\\u0079", "2"]),
        (r#"{"of":{"b":"2","kind":true}}"#, false, &["2"]),
        // A choice that leads to another one, and to nothing.
        (r#"{"of":{"b":"1","kind":"z"}}"#, false, &["1", "z"]),
        (r#"{"of":{"b":"1","kind":"z","sort":"t"}}"#, false, &[]),
        (r#"{"of":{"b":"1","kind":"z","sort":"t","sort":""}}"#, true, &["1", "z"]),
    ] {
        let reading = some_shape().walk(source.as_bytes()).unwrap();
        let text = |mark: &holdback_core::wire::Mark| {
            source[mark.literal.begin + 1..mark.literal.end - 1].to_owned()
        };
        assert_eq!(reading.marks().iter().map(text).collect::<Vec<_>>(), texts, "{source}");
        assert_eq!(reading.is_odd(), is_odd, "{source}");
    }
}

#[test]
fn tables_that_do_not_fit_together() {
    let slot = SlotSpec::new(SlotKind::Text);
    let node = NodeSpec::default();
    let object = ObjectSpec::default();
    let which = |object| {
        let which = Which { name: "a".into(), variants: vec![("b".into(), object)], default: None };
        ObjectSpec { which: Some(which), ..ObjectSpec::default() }
    };
    let refused = |slots: &[SlotSpec], nodes: &[NodeSpec], objects: &[ObjectSpec]| {
        Shapes::new(slots.into(), nodes.into(), objects.into(), 0).map(|_| ()).unwrap_err()
    };
    let own = SlotSpec { addresses: vec![0], ..slot.clone() };
    assert_eq!(refused(&[slot.clone(), own], std::slice::from_ref(&node), &[]), ShapeError::NotAnAddress(1));
    let strange = NodeSpec { slots: vec![1], ..node.clone() };
    assert_eq!(refused(std::slice::from_ref(&slot), &[node.clone(), strange], &[]), ShapeError::Node(1));
    let strange = NodeSpec { object: Some(0), ..node.clone() };
    assert_eq!(refused(&[], &[strange], &[]), ShapeError::Node(0));
    let strange = ObjectSpec { members: vec![("a".into(), 1)], ..object.clone() };
    assert_eq!(refused(&[], std::slice::from_ref(&node), &[strange]), ShapeError::Object(0));
    let twice = ObjectSpec { members: vec![("a".into(), 0), ("a".into(), 0)], ..object.clone() };
    assert_eq!(refused(&[], std::slice::from_ref(&node), &[twice]), ShapeError::Object(0));
    let many = (0..65).map(|name| (name.to_string(), 0)).collect();
    let many = ObjectSpec { members: many, ..object.clone() };
    assert_eq!(refused(&[], std::slice::from_ref(&node), &[many]), ShapeError::TooManyMembers(0));
    let both = ObjectSpec { other: Some(0), ..which(0) };
    assert_eq!(refused(&[], std::slice::from_ref(&node), &[both]), ShapeError::MembersAndWhich(0));
    assert_eq!(
        refused(&[], std::slice::from_ref(&node), &[which(1), which(2), which(1), object]),
        ShapeError::Endless(0)
    );
    assert_eq!(refused(&[], &[], &[]), ShapeError::Root);
    assert_eq!(ShapeError::Endless(3).to_string(), "object 3: its choice leads back to itself");
}
