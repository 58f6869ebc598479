//! The fuzz target of the core: keys and a text, restored in every way, must come to the same.
//!
//! `case` says what the bytes of an input mean. Of each case these are judged, none with the code that is tested:
//!
//! - `streams`: whole, in pieces and unit by unit the output is the same, and for plain text it is what the naive
//!   restorer says; what is held could still become a key; `flush` starts over;
//! - `tree`: JSON stays JSON, and it is the restored tree;
//!
//! A panic of the core is a finding by itself: it is built with debug assertions and overflow checks.
#![no_main]

mod case;
#[path = "../../../rust/core/tests/naive/mod.rs"]
mod naive;
mod streams;
mod tree;

use holdback_core::Matcher;
use libfuzzer_sys::fuzz_target;

use case::Case;

fuzz_target!(|data: &[u8]| {
    let case = Case::new(data);
    let Ok(matcher) = Matcher::new(case.pairs.iter().copied()) else {
        assert!(case.is_no_key_set(), "a good key set was refused");
        return;
    };
    assert!(!case.is_no_key_set(), "a bad key set was taken");
    // Numbers outside strings and code fences are beyond the oracles here: the target `twins` judges them.
    if case.json && (case.has_number() || case.text.contains(&b'`')) {
        return;
    }
    let restored = streams::judge(&matcher, &case);
    if case.json {
        tree::judge(&case, &restored);
    }
});
