//! What can be wrong with a key set. No message holds a key or an original.

use std::fmt;

/// Why a [`Matcher`](crate::Matcher) could not be built. Its words name no key and no original.
///
/// ```
/// use holdback_core::{Matcher, PatternError};
///
/// let error = Matcher::new([("<1>", "Ada"), ("<1>", "Bo")]).unwrap_err();
/// assert_eq!(error, PatternError::TwoOriginals);
/// assert_eq!(error.to_string(), "a placeholder has two originals");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PatternError {
    /// A key is empty: it would match everywhere.
    EmptyKey,
    /// One key stands for two different originals.
    TwoOriginals,
    /// A key is neither UTF-8 nor WTF-8.
    NotText,
    /// The keys together are longer than 2 GiB.
    TooLarge,
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EmptyKey => "a placeholder must not be empty",
            Self::TwoOriginals => "a placeholder has two originals",
            Self::NotText => "a placeholder is neither UTF-8 nor WTF-8",
            Self::TooLarge => "the placeholders together are longer than 2 GiB",
        })
    }
}

impl std::error::Error for PatternError {}
