//! What the bytes of an input mean; `fuzz/cases.py` reads the same.
//!
//! The byte FF, which no text holds, parts an input into sections: `head FF key FF original FF ... FF text`. The first
//! byte of the head is a number of options, then each byte is the distance to the next cut. A head of `1` is JSON
//! source in one piece, `0!!` plain text cut after 33 bytes and again after 33.

use crate::naive;

pub(crate) struct Case<'a> {
    pub(crate) json: bool,
    pub(crate) pairs: Vec<(&'a [u8], &'a [u8])>,
    pub(crate) text: &'a [u8],
    gaps: &'a [u8],
}

impl<'a> Case<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        let mut sections = data.split(|&byte| byte == 0xFF);
        let head = sections.next().unwrap_or_default();
        let mut rest: Vec<&[u8]> = sections.collect();
        let text = rest.pop().unwrap_or_default();
        let pairs = rest.chunks(2).map(|pair| (pair[0], pair.get(1).copied().unwrap_or_default())).collect();
        let options = head.first().copied().unwrap_or_default();
        let gaps = head.get(1..).unwrap_or_default();
        Self { json: options & 1 != 0, pairs, text, gaps }
    }

    /// Whether a key is made of a number's characters.
    pub(crate) fn has_number(&self) -> bool {
        self.pairs.iter().any(|(key, _)| {
            key.iter().any(u8::is_ascii_digit) && key.iter().all(|byte| b"0123456789+-.eE".contains(byte))
        })
    }

    /// The text cut as the head says, between code points.
    pub(crate) fn pieces(&self) -> Vec<&'a [u8]> {
        let mut places = vec![0];
        let mut at = 0;
        for &gap in self.gaps {
            at += usize::from(gap);
            if at >= self.text.len() {
                break;
            }
            if !is_continuation(self.text[at]) {
                places.push(at);
            }
        }
        self.between(&places)
    }

    /// The text in its code points.
    pub(crate) fn units(&self) -> Vec<&'a [u8]> {
        let places: Vec<usize> =
            (0..self.text.len()).filter(|&at| at == 0 || !is_continuation(self.text[at])).collect();
        self.between(&places)
    }

    fn between(&self, places: &[usize]) -> Vec<&'a [u8]> {
        let ends = places.iter().skip(1).copied().chain([self.text.len()]);
        places.iter().zip(ends).map(|(&from, to)| &self.text[from..to]).collect()
    }

    /// The keys as the matcher sees them.
    pub(crate) fn keys(&self) -> Vec<Vec<u8>> {
        self.pairs.iter().map(|(key, _)| naive::join(key)).collect()
    }

    /// Whether some key is empty, has two originals, or is no text.
    pub(crate) fn is_no_key_set(&self) -> bool {
        let joined: Vec<_> =
            self.pairs.iter().map(|(key, original)| (naive::join(key), naive::join(original))).collect();
        joined.iter().any(|(key, original)| {
            key.is_empty()
                || !is_text(key)
                || joined.iter().any(|(other, its)| other == key && its != original)
        })
    }
}

/// Whether `text` would be UTF-8 if its lone halves were characters.
fn is_text(text: &[u8]) -> bool {
    let mut text = text.to_vec();
    for at in 0..text.len().saturating_sub(2) {
        if let [0xED, 0xA0..=0xBF, 0x80..=0xBF] = text[at..at + 3] {
            text[at..at + 3].copy_from_slice("€".as_bytes());
        }
    }
    std::str::from_utf8(&text).is_ok()
}

fn is_continuation(byte: u8) -> bool {
    byte & 0xC0 == 0x80
}
