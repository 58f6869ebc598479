//! Values in a plain source: which keys of a matcher stand in its texts, and the source with others in their place.
//!
//! It is for masking. A text without a key is neither decoded nor copied if it is spelled without an escape. Nothing is
//! said of a source with a text that may be a JSON document, or with a key in a name: those take more than this.

use std::borrow::Cow;
use std::ops::Range;

use super::literal::{Kind, Literal};
use super::plain::Plain;
use super::reading::Mark;
use super::shapes::Shapes;
use crate::Matcher;
use crate::json_text::is_blank;

/// Which keys stand in a plain source, and where.
#[derive(Debug)]
pub struct Values {
    /// How many texts there are.
    pub texts: usize,
    /// The keys that stand in them, in the order in which they first appear.
    pub keys: Vec<u32>,
    /// The texts with a `<` in them.
    pub bracketed: Vec<Mark>,
    /// The texts with keys, and their hits.
    changing: Vec<(Mark, Range<usize>)>,
    hits: Vec<Hit>,
}

/// A key in a text: where it stands there, and its number in [`Values::keys`].
#[derive(Debug, Clone, Copy)]
struct Hit {
    begin: usize,
    end: usize,
    number: usize,
}

/// A part of a source that changed.
#[derive(Clone, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Bytes as they are: slices of the source and of others.
    Source(Vec<&'a [u8]>),
    /// A text, as WTF-8, whose literal is to be written.
    Text(Vec<u8>),
}

impl Shapes {
    /// The keys in a source's texts; None if it is not [`plain`](Self::plain), a text may be a document, or a key
    /// stands in a name.
    ///
    /// The keys are found as [`Matcher::replace`] finds them in each text.
    #[must_use]
    pub fn values(&self, source: &[u8], matcher: &Matcher) -> Option<Values> {
        let Plain { texts, names } = self.plain(source)?;
        let mut values = Values {
            texts: texts.len(),
            keys: Vec::new(),
            bracketed: Vec::new(),
            changing: Vec::new(),
            hits: Vec::new(),
        };
        let mut numbers = vec![0; matcher.len()]; // of each key, one more than its number here; 0 before it is found
        for mark in texts {
            let text = mark.text(source)?;
            if may_be_document(&text) {
                return None;
            }
            let first = values.hits.len();
            matcher.find(&text, |begin, key| {
                let number = &mut numbers[key as usize];
                if *number == 0 {
                    values.keys.push(key);
                    *number = values.keys.len();
                }
                values.hits.push(Hit { begin, end: begin + matcher.key(key).len(), number: *number - 1 });
            });
            if values.hits.len() > first {
                values.changing.push((mark, first..values.hits.len()));
            }
            if memchr::memchr(b'<', &text).is_some() {
                values.bracketed.push(mark);
            }
        }
        let mut is_named = false;
        for name in names {
            matcher.find(&source[name], |_, _| is_named = true);
        }
        (!is_named).then_some(values)
    }
}

impl Values {
    /// How many texts have a key in them.
    #[must_use]
    pub fn changing(&self) -> usize {
        self.changing.len()
    }

    /// The source with `others` in place of its keys, by their numbers; none of them may need an escape. None if a key
    /// has no other. `source` is what the keys were found in.
    #[must_use]
    pub fn replaced<'a>(&self, source: &'a [u8], others: &'a [impl AsRef<[u8]>]) -> Option<Vec<Piece<'a>>> {
        let mut pieces = Vec::new();
        let mut slices = Vec::with_capacity(2 * self.hits.len() + 1);
        let mut done = 0;
        for (mark, hits) in &self.changing {
            let hits = &self.hits[hits.clone()];
            let Literal { kind, begin, end } = mark.literal;
            match mark.text(source)? {
                // A literal without escapes stays one. U+007F may be spelled as an escape where all else is ASCII.
                Cow::Borrowed(text) if kind == Kind::Plain && memchr::memchr(0x7F, text).is_none() => {
                    for hit in hits {
                        let other = others.get(hit.number)?.as_ref();
                        slices.extend([&source[done..begin + 1 + hit.begin], other]);
                        done = begin + 1 + hit.end;
                    }
                }
                text => {
                    slices.push(&source[done..begin]);
                    pieces.push(Piece::Source(std::mem::take(&mut slices)));
                    pieces.push(Piece::Text(replaced(&text, hits, others)?));
                    done = end;
                }
            }
        }
        slices.push(&source[done..]);
        pieces.push(Piece::Source(slices));
        Some(pieces)
    }
}

/// The text with others in place of the keys.
fn replaced(text: &[u8], hits: &[Hit], others: &[impl AsRef<[u8]>]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut done = 0;
    for hit in hits {
        out.extend_from_slice(&text[done..hit.begin]);
        out.extend_from_slice(others.get(hit.number)?.as_ref());
        done = hit.end;
    }
    out.extend_from_slice(&text[done..]);
    Some(out)
}

/// Whether a text begins and ends like a JSON document.
fn may_be_document(text: &[u8]) -> bool {
    let Some(begin) = text.iter().position(|&byte| !is_blank(byte)) else { return false };
    let end = text.iter().rposition(|&byte| !is_blank(byte)).unwrap_or(begin);
    matches!(text[begin..=end], [b'[', .., b']'] | [b'{', .., b'}'] | [b'"', .., b'"'])
}
