//! The cases of `tests/vectors/bytes/scan.json`, which the Python suite runs on both twins too.

use std::path::Path;

use holdback_core::{JsonField, Matcher, Wire};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vector {
    name: String,
    keys: Vec<String>,
    field: String,
    lines: bool,
    data: String,
    end: usize,
    beginning: bool,
}

#[test]
fn every_vector() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/bytes/scan.json");
    let vectors: Vec<Vector> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert!(vectors.len() > 50, "only {} vectors", vectors.len());
    for Vector { name, keys, field, lines, data, end, beginning } in vectors {
        let matcher = Matcher::new(keys.iter().map(|key| (key, "x"))).expect(&name);
        let field = JsonField::ALL.into_iter().find(|known| known.name() == field);
        let wire = Wire { lines, field };
        assert_eq!(matcher.quiet_run(data.as_bytes(), 0, wire), end, "{name}");
        let before = "data: <\\u003c\n\n";
        let behind = before.to_owned() + &data;
        let there = matcher.quiet_run(behind.as_bytes(), before.len(), wire);
        assert_eq!(there, before.len() + end, "{name}, behind another event");
        assert_eq!(Matcher::is_beginning(&data.as_bytes()[end..], wire), beginning, "{name}, what is left");
    }
}
