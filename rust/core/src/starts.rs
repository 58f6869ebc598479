//! `Starts`: where a key may begin, at memory speed.

/// Finds the next place where a key may begin.
pub(crate) struct Starts {
    plain: Places,
    json: Places,
}

impl Starts {
    pub(crate) fn new(keys: &[Box<[u8]>]) -> Self {
        let begins: Vec<&[u8]> = keys.iter().map(|key| &key[..key.len().min(2)]).collect();
        let firsts: Vec<&[u8]> = keys.iter().map(|key| &key[..1]).collect();
        // In JSON source a quote or a backslash always matters, and behind a first byte the next may be escaped.
        let escaped: Vec<[u8; 2]> = firsts.iter().map(|first| [first[0], b'\\']).collect();
        let json =
            begins.iter().copied().chain(escaped.iter().map(<[u8; 2]>::as_slice)).chain([&b"\""[..], b"\\"]);
        Self { plain: Places::new(begins.iter().copied()), json: Places::new(json) }
    }

    /// The next place in a text where a key may begin.
    #[inline]
    pub(crate) fn find(&self, text: &[u8]) -> Option<usize> {
        self.plain.find(text)
    }

    /// Whether it finds every place where the first byte of a key stands, whatever stands behind it.
    pub(crate) fn finds_firsts(&self, json: bool) -> bool {
        let places = if json { &self.json } else { &self.plain };
        !matches!(places, Places::Many(_))
    }

    /// The next place in JSON source where a key, an escape or a border of a string may begin.
    #[inline]
    pub(crate) fn find_json(&self, text: &[u8]) -> Option<usize> {
        self.json.find(text)
    }
}

/// Finds what begins with one of some bytes, or of some pairs of bytes.
enum Places {
    Never,
    One(u8),
    Two(u8, u8),
    Three(u8, u8, u8),
    /// Up to six bytes that are rare in text, as three and three, of which one may come twice, and as a set.
    Rare([u8; 3], [u8; 3], [u64; 4]),
    /// For each first byte the set of bytes that may follow it; empty for all others.
    Many(Box<[[u64; 4]; 256]>),
}

impl Places {
    /// `begins`: one or two bytes each. Up to three different first bytes are found by themselves.
    fn new<'a>(begins: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut follow = Box::new([[0; 4]; 256]);
        for begin in begins {
            let set = &mut follow[usize::from(begin[0])];
            match begin.get(1) {
                Some(second) => set[usize::from(second >> 6)] |= 1 << (second & 63),
                None => *set = [u64::MAX; 4],
            }
        }
        let firsts: Vec<u8> = (0..=u8::MAX).filter(|first| follow[usize::from(*first)] != [0; 4]).collect();
        match *firsts {
            [] => Self::Never,
            [a] => Self::One(a),
            [a, b] => Self::Two(a, b),
            [a, b, c] => Self::Three(a, b, c),
            [_, _, _, .., last] if firsts.len() <= 6 && firsts.iter().all(|&first| is_rare(first)) => {
                let nth = |index: usize| firsts.get(index).copied().unwrap_or(last);
                let mut set = [0; 4];
                for first in &firsts {
                    set[usize::from(first >> 6)] |= 1 << (first & 63);
                }
                Self::Rare([nth(0), nth(1), nth(2)], [nth(3), nth(4), nth(5)], set)
            }
            _ => Self::Many(follow),
        }
    }

    #[inline]
    fn find(&self, text: &[u8]) -> Option<usize> {
        match self {
            Self::Never => None,
            Self::One(a) => memchr::memchr(*a, text),
            Self::Two(a, b) => memchr::memchr2(*a, *b, text),
            Self::Three(a, b, c) => memchr::memchr3(*a, *b, *c, text),
            Self::Rare(.., set) if text.len() <= SHORT => {
                text.iter().position(|&byte| set[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1)
            }
            Self::Rare(some, others, _) => {
                let find = |bytes: &[u8; 3], text| memchr::memchr3(bytes[0], bytes[1], bytes[2], text);
                // Block by block, so that what one search found is not searched by the other again and again.
                text.chunks(BLOCK).enumerate().find_map(|(number, block)| {
                    let one = find(some, block);
                    let other = find(others, &block[..one.unwrap_or(block.len())]);
                    other.or(one).map(|found| number * BLOCK + found)
                })
            }
            Self::Many(follow) => {
                let (last, others) = text.split_last()?;
                let follows = |first: u8, second: u8| {
                    follow[usize::from(first)][usize::from(second >> 6)] >> (second & 63) & 1 == 1
                };
                others
                    .iter()
                    .zip(&text[1..])
                    .position(|(&first, &second)| follows(first, second))
                    .or_else(|| (follow[usize::from(*last)] != [0; 4]).then_some(others.len()))
            }
        }
    }
}

const BLOCK: usize = 256;
/// So few bytes are looked through faster one by one.
const SHORT: usize = 16;

/// Whether a byte is a sign, or begins one of full width.
fn is_rare(byte: u8) -> bool {
    byte.is_ascii_punctuation() || byte == 0xEF
}
