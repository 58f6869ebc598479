//! A source whose shape is about text and nothing else: where its texts stand, and the names that no shape has.
//!
//! It is for masking, where all that is not known to be no text is text. A shape says by the kinds of its slots what it
//! can be read by: [`SlotKind::Whole`] is text, and [`SlotKind::Text`] with [`SlotKind::Latest`] are a member of which
//! nothing is known, whose name may be text as well; a string there has its name twice. A mark of any other kind stands
//! for what takes more than this to read. Then nothing is said of the source, and so it is for one that is *odd*.

use std::ops::Range;

use super::reading::Mark;
use super::shapes::{Shapes, SlotKind};
use crate::json_text::is_blank;

/// What a plain source holds, in the order of the source.
#[derive(Debug, Default)]
pub struct Plain {
    /// Strings that are text.
    pub texts: Vec<Mark>,
    /// Where names stand of members of which nothing is known; none of them is spelled with an escape.
    pub names: Vec<Range<usize>>,
}

impl Shapes {
    /// The texts and names of a source; None if it is no JSON object, or not plain.
    #[must_use]
    pub fn plain(&self, source: &[u8]) -> Option<Plain> {
        let reading = self.walk(source)?;
        if reading.is_odd() {
            return None;
        }
        let mut plain = Plain::default();
        for mark in reading.marks() {
            match self.kind(mark.slot) {
                SlotKind::Whole => plain.texts.push(*mark),
                SlotKind::Text | SlotKind::Latest => {
                    plain.names.push(name_before(source, mark.literal.begin)?);
                }
                _ => return None,
            }
        }
        Some(plain)
    }
}

/// The name of the member whose value begins at a place; None if it is spelled with an escape.
fn name_before(source: &[u8], value: usize) -> Option<Range<usize>> {
    let colon = source[..value].iter().rposition(|&byte| !is_blank(byte))?;
    let quote = source[..colon].iter().rposition(|&byte| !is_blank(byte))?;
    let begin = source[..quote].iter().rposition(|&byte| byte == b'"')?;
    let is_plain = !source[begin.saturating_sub(1)..quote].contains(&b'\\');
    let is_member = source[colon] == b':' && source[quote] == b'"';
    (is_plain && is_member).then_some(begin + 1..quote)
}
