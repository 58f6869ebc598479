//! The address so far, with the number of its characters.

use super::behind::characters;

/// How many characters of an address are kept: a longer one is unknown.
const LONGEST: usize = 1024;

#[derive(Clone, Default)]
pub(super) struct Address {
    text: Vec<u8>,
    characters: usize,
}

impl Address {
    pub(super) fn of(text: &[u8]) -> Self {
        Self { text: text.to_vec(), characters: characters(text) }
    }

    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Add what was sent. False if the address is longer than is kept. The bytes of a character count with its first.
    pub(super) fn extend(&mut self, text: &[u8]) -> bool {
        self.characters += characters(text);
        if self.characters > LONGEST {
            return false;
        }
        self.text.extend_from_slice(text);
        true
    }
}
