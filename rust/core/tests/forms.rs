//! The cases of `tests/vectors/forms/forms.json`, which the Python suite runs on both twins too.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use holdback_core::forms::{Form, Forms};
use holdback_core::{Fed, Matcher};
use serde::Deserialize;
use serde_bytes::ByteBuf; // reads a JSON string as bytes

#[derive(Deserialize)]
struct Case {
    name: String,
    forms: Vec<(ByteBuf, ByteBuf, bool, ByteBuf, bool)>,
    names: Vec<ByteBuf>,
    keys: Vec<ByteBuf>,
    json: Json,
    text: ByteBuf,
    counts: BTreeMap<String, u64>,
}

/// False, true, or "auto".
#[derive(Deserialize)]
#[serde(untagged)]
enum Json {
    Is(bool),
    Named(String),
}

fn characters(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.chunk_by(|_, next| next & 0xc0 == 0x80)
}

#[test]
fn every_form_whole_and_character_by_character() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/forms/forms.json");
    let cases: Vec<Case> = serde_json::from_slice(&std::fs::read(file).expect("the file")).expect("vectors");
    assert!(cases.len() > 40, "only {} vectors", cases.len());
    for case in cases {
        let owned = |texts: &[ByteBuf]| texts.iter().map(|text| text.to_vec()).collect::<Vec<_>>();
        let begins = case.forms.iter().map(|form| &form.0).chain(&case.names);
        // Any form begins like a key.
        let keys: BTreeSet<Vec<u8>> = owned(&case.keys)
            .into_iter()
            .chain(begins.filter_map(|text| characters(text).next()).map(<[u8]>::to_vec))
            .collect();
        let matcher = Matcher::new(keys.iter().map(|key| (key, "Ada"))).expect("these keys are good");
        let form =
            |(opening, separator, is_base32, closing, takes_any_name): &(ByteBuf, ByteBuf, _, ByteBuf, _)| {
                Form {
                    opening: opening.to_vec().into(),
                    separator: separator.to_vec().into(),
                    is_base32: *is_base32,
                    closing: closing.to_vec().into(),
                    takes_any_name: *takes_any_name,
                }
            };
        let in_order = matcher.pairs().map(|(key, _)| key.to_vec());
        let forms = Forms::new(case.forms.iter().map(form).collect(), owned(&case.names), in_order);
        let forms = Arc::new(forms);
        let expected: BTreeMap<u32, u64> = case
            .counts
            .into_iter()
            .map(|(number, count)| (number.parse().expect("a number"), count))
            .collect();

        for pieces in [vec![&**case.text], characters(&case.text).collect()] {
            let mut stream = match &case.json {
                Json::Is(false) => matcher.stream(),
                Json::Is(true) => matcher.stream_json(),
                Json::Named(name) => {
                    assert_eq!(name, "auto");
                    matcher.stream_auto()
                }
            };
            stream.look_for(Arc::clone(&forms));
            let mut out = Vec::new();
            for piece in &pieces {
                let _: Fed = stream.feed_wtf8(piece, &mut out);
            }
            stream.flush(&mut out);
            assert_eq!(stream.take_unknown(), expected, "{}, {} pieces", case.name, pieces.len());
            assert!(stream.take_unknown().is_empty());
        }
    }
}
