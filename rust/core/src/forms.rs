//! Forms: text of the form of the placeholders that is none of them, found beside a stream.
//!
//! A *form* is what placeholders have in common: an opening, a name, a separator, an identifier of digits or of base32
//! characters, and a closing, as `<`, `PERSON`, `_`, `1` and `>`. Where names are in capitals between brackets, any such
//! name is of the form; else only those of the placeholders are.
//!
//! A text is read from left to right. Where a form may begin, the longest text of any form is taken. What is not decided
//! yet is kept, at most 64 bytes beside opening and closing, so that the counts are the same in any cut. JSON
//! source is read with its escapes undone, as far as it is a document or may become one. The keys that a stream found in
//! a text are passed over, where nothing longer than the key can be of a form.
//!
//! Cost: a search for the first byte of a form, and at such a byte O(forms + 64).

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};

mod unknown;

pub(crate) use unknown::Unknown;

/// The bytes of name, separator and identifier together: what is longer is of no form.
const MOST: usize = 64;
const FEWEST_OF_BASE32: usize = 10;

/// What placeholders have in common.
#[derive(Clone, PartialEq, Eq)]
pub struct Form {
    /// What stands before the name; empty for placeholders that are words.
    pub opening: Box<[u8]>,
    /// What stands between name and identifier; ASCII.
    pub separator: Box<[u8]>,
    /// The identifier is of base32 characters, ten at least; else of digits.
    pub is_base32: bool,
    /// What stands behind the identifier.
    pub closing: Box<[u8]>,
    /// Any name in capitals is of the form; else one of the placeholders' own.
    pub takes_any_name: bool,
}

/// The forms of some placeholders, compiled once and shared by streams.
pub struct Forms {
    all: Vec<Compiled>,
    names: Names,
    /// For each key its length, if it is of a form wherever it stands, and no longer text of one can stand there; else 0.
    whole: Vec<usize>,
    firsts: Firsts,
    has_bare: bool,
}

/// A form, and what is looked up at each place where it may stand.
struct Compiled {
    form: Form,
    /// Of which bytes name, separator and identifier may be.
    is_body: [bool; 256],
    /// What stands between opening and closing of the keys that are of the form.
    keys: HashSet<Box<[u8]>, Hash>,
}

/// Eight bytes at a time: for short texts, and tables that nobody who writes the text can fill.
#[derive(Default)]
struct Folded(u64);

type Hash = BuildHasherDefault<Folded>;

/// Their numbers.
type Names = HashMap<Box<[u8]>, u32, Hash>;

impl Folded {
    fn fold(&mut self, bytes: u64) {
        self.0 = (self.0.rotate_left(5) ^ bytes).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

impl Hasher for Folded {
    fn write(&mut self, bytes: &[u8]) {
        let (eights, rest) = bytes.as_chunks();
        for eight in eights {
            self.fold(u64::from_le_bytes(*eight));
        }
        // The one in front tells how many there are.
        self.fold(rest.iter().fold(1, |all, &byte| all << 8 | u64::from(byte)));
    }

    /// The length of a slice.
    fn write_usize(&mut self, _: usize) {}

    /// The best bits are the upper ones, and a table takes the lower ones.
    fn finish(&self) -> u64 {
        self.0.rotate_left(26)
    }
}

enum Firsts {
    Few(Vec<u8>),
    Many(Box<[bool; 256]>),
}

impl Firsts {
    fn of(bytes: impl Iterator<Item = u8>) -> Self {
        let mut all: Vec<u8> = bytes.collect();
        all.sort_unstable();
        all.dedup();
        if all.len() <= 3 {
            return Self::Few(all);
        }
        let mut table = Box::new([false; 256]);
        for byte in all {
            table[usize::from(byte)] = true;
        }
        Self::Many(table)
    }

    fn find(&self, text: &[u8]) -> Option<usize> {
        match self {
            Self::Few(bytes) => match bytes[..] {
                [one] => memchr::memchr(one, text),
                [one, two] => memchr::memchr2(one, two, text),
                [one, two, three] => memchr::memchr3(one, two, three, text),
                _ => None,
            },
            Self::Many(table) => text.iter().position(|&byte| table[usize::from(byte)]),
        }
    }
}

/// What stands at a place.
enum Found {
    Nothing,
    /// The text so far does not tell.
    Undecided,
    /// The number of its name, one more than there are for another one; None of a key.
    Token {
        length: usize,
        name: Option<u32>,
    },
}

impl Form {
    /// The number of the name in a body, one more than there are for another one; None if it is no body.
    fn name(&self, body: &[u8], names: &Names) -> Option<u32> {
        let is_identifier = |byte: &u8| {
            if self.is_base32 { matches!(byte, b'a'..=b'z' | b'2'..=b'7') } else { byte.is_ascii_digit() }
        };
        let length = body.iter().rev().take_while(|byte| is_identifier(byte)).count();
        if length < if self.is_base32 { FEWEST_OF_BASE32 } else { 1 } {
            return None;
        }
        let name = body[..body.len() - length].strip_suffix(&self.separator[..])?;
        if !name.first()?.is_ascii_alphabetic() || !name.last()?.is_ascii_alphanumeric() {
            return None;
        }
        if let Some(&number) = names.get(name) {
            return Some(number);
        }
        let is_taken = self.takes_any_name && !name.iter().any(u8::is_ascii_lowercase);
        is_taken.then(|| u32::try_from(names.len()).unwrap_or(u32::MAX))
    }
}

impl Compiled {
    fn new(form: Form, names: &Names, keys: &[Vec<u8>]) -> Self {
        let body_of = |key: &'_ Vec<u8>| {
            let body = key.strip_prefix(&form.opening[..])?.strip_suffix(&form.closing[..])?;
            form.name(body, names).map(|_| body.into())
        };
        let keys = keys.iter().filter_map(body_of).collect();
        let is_body = |byte: u8| is_word(byte) || form.separator.contains(&byte);
        Self { is_body: std::array::from_fn(|byte| u8::try_from(byte).is_ok_and(is_body)), keys, form }
    }

    /// The text of the form that stands at `at`.
    fn token(&self, names: &Names, source: &[u8], at: usize, before: u8, is_over: bool) -> Found {
        let Form { opening, closing, .. } = &self.form;
        let Some(rest) = source[at..].strip_prefix(&opening[..]) else {
            return beginning(opening, &source[at..], is_over);
        };
        if opening.is_empty() && is_word(before) {
            return Found::Nothing;
        }
        let most = &rest[..rest.len().min(MOST + 1)];
        let run = most.iter().position(|&byte| !self.is_body[usize::from(byte)]).unwrap_or(most.len());
        if run > MOST {
            return Found::Nothing;
        }
        if run == rest.len() && !is_over {
            return Found::Undecided;
        }
        let end = rest[..run].iter().rposition(u8::is_ascii_alphanumeric).map_or(0, |last| last + 1);
        let (body, rest) = rest.split_at(end);
        if closing.is_empty() && rest.first() == Some(&b'_') {
            return Found::Nothing;
        }
        let is_closed = rest.starts_with(closing);
        let length = opening.len() + end + closing.len();
        if is_closed && self.keys.contains(body) {
            return Found::Token { length, name: None };
        }
        match self.form.name(body, names) {
            None => Found::Nothing,
            Some(name) if is_closed => Found::Token { length, name: Some(name) },
            Some(_) => beginning(closing, rest, is_over),
        }
    }
}

impl Forms {
    /// Compile the forms of `keys`, whose names are `names`. `keys` are all keys of the matcher, in their order.
    pub fn new(
        forms: Vec<Form>,
        names: impl IntoIterator<Item = Vec<u8>>,
        keys: impl IntoIterator<Item = Vec<u8>>,
    ) -> Self {
        let names: Names = names.into_iter().map(Vec::into_boxed_slice).zip(0..).collect();
        let keys: Vec<_> = keys.into_iter().collect();
        let has_bare = forms.iter().any(|form| form.opening.is_empty());
        let openings = forms.iter().filter_map(|form| form.opening.first().copied());
        let words = names.keys().filter(|_| has_bare).filter_map(|name| name.first().copied());
        let firsts = Firsts::of(openings.chain(words));
        let all = forms.into_iter().map(|form| Compiled::new(form, &names, &keys)).collect();
        let mut forms = Self { all, names, whole: Vec::new(), firsts, has_bare };
        forms.whole = keys.iter().map(|key| if forms.is_whole(key) { key.len() } else { 0 }).collect();
        forms
    }

    /// Whether the text of a form that stands where a key does is that key, whatever stands around it: what is decided
    /// within the key does not depend on that.
    fn is_whole(&self, key: &[u8]) -> bool {
        let found = self.token(key, 0, 0, false);
        matches!(found, Found::Token { length, name: None } if length == key.len())
    }

    /// The longest text of a form that stands at `at`.
    fn token(&self, source: &[u8], at: usize, before: u8, is_over: bool) -> Found {
        let mut best = Found::Nothing;
        let mut longest = 0;
        for form in &self.all {
            match form.token(&self.names, source, at, before, is_over) {
                Found::Undecided => return Found::Undecided,
                Found::Token { length, name } if length > longest => {
                    longest = length;
                    best = Found::Token { length, name };
                }
                _ => {}
            }
        }
        best
    }
}

impl fmt::Debug for Forms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forms").field("forms", &self.all.len()).finish_non_exhaustive()
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// What a literal is that does not stand there: not decided if the source ends within it.
fn beginning(literal: &[u8], rest: &[u8], is_over: bool) -> Found {
    let is_open = !is_over && rest.len() < literal.len() && literal.starts_with(rest);
    if is_open { Found::Undecided } else { Found::Nothing }
}
