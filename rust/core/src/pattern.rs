//! The key set: what a mapping must look like, and its keys and originals in the order of the keys.

use crate::{PatternError, surrogate};

/// The checked keys, ascending, each with its original at the same index: the key's id.
pub(crate) struct Patterns {
    pub(crate) keys: Vec<Box<[u8]>>,
    pub(crate) originals: Vec<Box<[u8]>>,
}

impl Patterns {
    pub(crate) fn new<K, V>(pairs: impl IntoIterator<Item = (K, V)>) -> Result<Self, PatternError>
    where
        K: AsRef<[u8]>,
        V: AsRef<[u8]>,
    {
        let pairs = pairs.into_iter().map(|(key, original)| (owned(key.as_ref()), owned(original.as_ref())));
        let mut pairs: Vec<_> = pairs.collect();
        pairs.sort_unstable();
        pairs.dedup();
        if pairs.first().is_some_and(|(key, _)| key.is_empty()) {
            return Err(PatternError::EmptyKey);
        }
        // The byte trie finds the borders of characters in a key by itself only if it is text.
        if !pairs.iter().all(|(key, _)| surrogate::is_wtf8(key)) {
            return Err(PatternError::NotText);
        }
        if pairs.windows(2).any(|two| two[0].0 == two[1].0) {
            return Err(PatternError::TwoOriginals);
        }
        if pairs.iter().map(|(key, _)| key.len()).sum::<usize>() >= u32::MAX as usize / 2 {
            return Err(PatternError::TooLarge);
        }
        let (keys, originals) = pairs.into_iter().unzip();
        Ok(Self { keys, originals })
    }
}

fn owned(text: &[u8]) -> Box<[u8]> {
    surrogate::join(text).into()
}
