//! The cases of `tests/vectors/forms/forms.json`, which the Python suite runs on both twins too.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use holdback_core::forms::{Form, Forms, Unknown};
use serde::Deserialize;
use serde_bytes::ByteBuf; // reads a JSON string as bytes

#[derive(Deserialize)]
struct Case {
    name: String,
    forms: Vec<(ByteBuf, ByteBuf, bool, ByteBuf, bool)>,
    names: Vec<ByteBuf>,
    keys: Vec<ByteBuf>,
    json: bool,
    text: ByteBuf,
    counts: BTreeMap<String, u64>,
}

#[test]
fn every_form_whole_and_byte_by_byte() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/forms/forms.json");
    let cases: Vec<Case> = serde_json::from_slice(&std::fs::read(file).expect("the file")).expect("vectors");
    assert!(cases.len() > 40, "only {} vectors", cases.len());
    for case in cases {
        let form =
            |(opening, separator, is_base32, closing, takes_any_name): (ByteBuf, ByteBuf, _, ByteBuf, _)| {
                Form {
                    opening: opening.into_vec().into(),
                    separator: separator.into_vec().into(),
                    is_base32,
                    closing: closing.into_vec().into(),
                    takes_any_name,
                }
            };
        let owned = |texts: Vec<ByteBuf>| texts.into_iter().map(ByteBuf::into_vec);
        let forms =
            Forms::new(case.forms.into_iter().map(form).collect(), owned(case.names), owned(case.keys));
        let forms = Arc::new(forms);
        let expected: BTreeMap<u32, u64> = case
            .counts
            .into_iter()
            .map(|(number, count)| (number.parse().expect("a number"), count))
            .collect();

        let mut whole = Unknown::new(Arc::clone(&forms), case.json);
        whole.feed(&case.text);
        whole.end();
        assert_eq!(whole.take_counts(), expected, "{}", case.name);

        let mut bytes = Unknown::new(forms, case.json);
        for byte in &case.text {
            bytes.feed(&[*byte]);
        }
        bytes.end();
        assert_eq!(bytes.take_counts(), expected, "{}, byte by byte", case.name);
        assert!(bytes.take_counts().is_empty());
    }
}
