//! JSON stays JSON: the output parses, and every string in it is what the naive restorer makes of it.
//!
//! Judged where it is promised: keys and originals are text, the source is valid, and no key can match outside its
//! strings.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::case::Case;
use crate::naive;

/// Exactly so many open strings are looked into.
const LEVELS: usize = 8;

#[derive(PartialEq)]
enum Tree {
    Scalar(String),
    Text(String),
    List(Vec<Tree>),
    /// Members in their order, repeated names included.
    Object(Vec<(String, Tree)>),
}

pub(crate) fn judge(case: &Case<'_>, restored: &[u8]) {
    let Some(tree) = read(case.text) else { return };
    if case.keys().iter().any(|key| key.iter().all(|byte| OUTSIDE_STRINGS.contains(byte))) {
        return;
    }
    let is_text = |text: &[u8]| std::str::from_utf8(text).is_ok();
    if !case.pairs.iter().all(|(key, original)| is_text(key) && is_text(original)) {
        return;
    }
    let found = read(restored).expect("JSON did not stay JSON");
    assert!(same(case, &tree, &found, 0), "not the restored tree");
}

const OUTSIDE_STRINGS: &[u8] = b"{}[],: \t\r\n0123456789+-.eEtruefalsn";

fn read(source: &[u8]) -> Option<Tree> {
    serde_json::from_slice(source).ok()
}

fn same(case: &Case<'_>, tree: &Tree, found: &Tree, level: usize) -> bool {
    match (tree, found) {
        (Tree::Text(text), Tree::Text(found)) => same_text(case, text, found, level + 1),
        (Tree::List(items), Tree::List(found)) => {
            items.len() == found.len()
                && items.iter().zip(found).all(|(item, found)| same(case, item, found, level))
        }
        (Tree::Object(members), Tree::Object(found)) => {
            members.len() == found.len()
                && members.iter().zip(found).all(|((name, item), (its, found))| {
                    same_text(case, name, its, level + 1) && same(case, item, found, level)
                })
        }
        (tree, found) => tree == found,
    }
}

/// `text` stands inside `level` strings.
fn same_text(case: &Case<'_>, text: &str, found: &str, level: usize) -> bool {
    let inner = text.trim_start_matches([' ', '\t', '\r', '\n', '\u{feff}']);
    if level < LEVELS && inner.starts_with(['{', '[']) {
        if case.keys().iter().any(|key| key.contains(&b'{') || key.contains(&b'[')) {
            return true; // whether a match covers the bracket is for the judge of feeds, in fuzz/twins.py
        }
        let Some(tree) = read(inner.as_bytes()) else {
            return true; // no document after all: its strings are restored, but where they end only the core says
        };
        let before = text.len() - inner.len();
        let prefix = naive::restore(&case.pairs, &text.as_bytes()[..before]);
        return found
            .as_bytes()
            .strip_prefix(&*prefix)
            .and_then(read)
            .is_some_and(|found| same(case, &tree, &found, level));
    }
    found.as_bytes() == naive::restore(&case.pairs, text.as_bytes())
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Scalar("null".into()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = access.next_entry()? {
            members.push(member);
        }
        Ok(Tree::Object(members))
    }
}
