//! What the byte layer may pass on unread, by a slow definition: it may be less, never more.

use holdback_core::{JsonField, Matcher};

use crate::case::Case;

/// What must be read: the end of a stream, and the names of channels of JSON source.
fn words(field: Option<JsonField>) -> &'static [&'static str] {
    match field {
        None => &["[DONE]"],
        Some(JsonField::Json) => &["[DONE]", "partial_json"],
        Some(JsonField::Call) => {
            &["[DONE]", "tool_calls", "function_call", "function_call_arguments", "mcp_call_arguments"]
        }
    }
}

pub(crate) fn judge(matcher: &Matcher, case: &Case<'_>) {
    let data = case.text;
    let keys = case.keys();
    for start in [0, data.len().min(1), data.len() / 2] {
        let end = matcher.quiet_run(data, start, case.wire);
        let run = &data[start..end];
        assert!(ends_whole(run, case.wire.lines), "a run ends inside an event");
        let begins = |spelled: &[u8]| keys.iter().any(|key| key.starts_with(spelled));
        for at in 0..run.len() {
            // Whether a backslash is itself escaped is not looked at.
            let escaped = unescaped(run, at).is_some_and(|(character, _)| begins(&character));
            assert!(!escaped && !begins(&run[at..=at]), "a run holds the beginning of a key");
        }
        for word in words(case.wire.field) {
            let found = (0..run.len()).any(|at| is_spelled(word.as_bytes(), run, at));
            assert!(!found, "a run holds what must be read");
        }
    }
    if Matcher::is_beginning(data, case.wire) {
        let ended = (1..=data.len()).any(|end| ends_whole(&data[..end], case.wire.lines));
        assert!(!ended, "an event ends in what should be its beginning");
    }
}

/// What the escape at `at`, if there is one, means in JSON, and its length. Of half a pair it is the first byte.
fn unescaped(run: &[u8], at: usize) -> Option<(Vec<u8>, usize)> {
    if run.get(at) != Some(&b'\\') {
        return None;
    }
    let short = match run.get(at + 1)? {
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        byte @ (b'/' | b'"' | b'\\') => *byte,
        b'u' => {
            let digits = run.get(at + 2..at + 6)?;
            let value = u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
            let character = match value {
                0xD800..0xDC00 => vec![0xF0 | (value - 0xD800 + 0x40).to_le_bytes()[1]], // if a low half follows
                0xDC00..0xE000 => vec![0xED],
                value => char::from_u32(value)?.to_string().into_bytes(),
            };
            return Some((character, 6));
        }
        _ => return None,
    };
    Some((vec![short], 2))
}

/// Whether `word` stands at `at`, in any spelling.
fn is_spelled(word: &[u8], run: &[u8], mut at: usize) -> bool {
    for &byte in word {
        match unescaped(run, at) {
            Some((character, length)) if character == [byte] => at += length,
            _ if run.get(at) == Some(&byte) => at += 1,
            _ => return false,
        }
    }
    true
}

/// Whether `run` is whole events: nothing, or the end of a line that is empty (any line, if they are the events).
fn ends_whole(run: &[u8], lines: bool) -> bool {
    if lines {
        return run.last().is_none_or(|&last| last == b'\n');
    }
    let mut is_empty = true; // the line
    let mut whole = true;
    let mut at = 0;
    while at < run.len() {
        let (is_end, length) = match run[at..] {
            [b'\r', b'\n', ..] => (true, 2),
            [b'\r' | b'\n', ..] => (true, 1),
            _ => (false, 1),
        };
        whole = is_end && is_empty;
        is_empty = is_end;
        at += length;
    }
    whole
}
