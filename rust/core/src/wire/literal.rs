//! A JSON value where it stands: what it is, and its span.

#![allow(
    clippy::inline_always,
    reason = "a call costs more than what this does, and it is called for each token"
)]

use super::shapes::SlotKind;

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `null`
    Null,
    /// `false`
    False,
    /// `true`
    True,
    /// A number without fraction and exponent, of any length.
    Integer,
    /// Any other number; NaN and the infinities are such.
    Float,
    /// A string whose text is what stands between the quotes.
    Plain,
    /// A string with an escape in it.
    Escaped,
    /// An array.
    Array,
    /// An array without elements.
    EmptyArray,
    /// An object.
    Object,
    /// An object without members.
    EmptyObject,
}

impl Kind {
    pub(crate) fn is_string(self) -> bool {
        matches!(self, Self::Plain | Self::Escaped)
    }

    pub(crate) fn is_number(self) -> bool {
        matches!(self, Self::Integer | Self::Float)
    }

    pub(crate) fn is_scalar(self) -> bool {
        !matches!(self, Self::Array | Self::EmptyArray | Self::Object | Self::EmptyObject)
    }

    pub(crate) fn is_empty_container(self) -> bool {
        matches!(self, Self::EmptyArray | Self::EmptyObject)
    }
}

/// A value in its source: what it is, and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Literal {
    /// What it is.
    pub kind: Kind,
    /// Its first byte; of a string, the quote.
    pub begin: usize,
    /// Behind its last byte.
    pub end: usize,
}

impl Literal {
    /// Whether a byte at that place is part of it, or would be if it came there: digits go on with a number.
    pub(crate) fn reaches(self, at: usize) -> bool {
        at < self.end || at == self.end && self.kind.is_number()
    }

    /// Whether it is a string without text.
    pub(crate) fn is_empty_string(self) -> bool {
        self.kind == Kind::Plain && self.end - self.begin == 2
    }

    /// Whether it is a string with text.
    pub(crate) fn has_text(self) -> bool {
        self.kind.is_string() && self.end - self.begin > 2
    }

    /// Whether it is a number that reads as zero.
    pub(crate) fn is_zero(self, source: &[u8]) -> bool {
        self.kind.is_number()
            && str::from_utf8(&source[self.begin..self.end])
                .is_ok_and(|number| number.parse::<f64>() == Ok(0.0))
    }

    /// Whether it is absent or as good as that: null, an empty string, an empty container.
    pub(crate) fn is_vain(self) -> bool {
        self.kind == Kind::Null || self.is_empty_string() || self.kind.is_empty_container()
    }

    /// Whether it says something where a value of that kind is looked for.
    #[inline]
    pub(crate) fn counts(self, meaning: SlotKind, source: &[u8]) -> bool {
        let kind = self.kind;
        let is_null = kind == Kind::Null;
        match meaning {
            SlotKind::Address => kind.is_string() || kind.is_number(),
            SlotKind::Text | SlotKind::Source => kind.is_string() || is_null,
            SlotKind::Whole | SlotKind::WholeSource => kind.is_string(),
            SlotKind::Document => !(kind.is_string() || is_null),
            SlotKind::Keeps => !self.is_vain(),
            SlotKind::Event | SlotKind::Once => {
                !(self.is_vain() || kind == Kind::False || self.is_zero(source))
            }
            SlotKind::Latest => !is_null,
            SlotKind::Place => is_null,
        }
    }
}

/// The byte at a place; 0 at the end, which begins and ends nothing.
#[inline(always)]
pub(crate) fn byte(source: &[u8], at: usize) -> u8 {
    source.get(at).copied().unwrap_or(0)
}
