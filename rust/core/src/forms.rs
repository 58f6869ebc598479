//! Forms: text of the form of the placeholders that is none of them, found beside a stream.
//!
//! A *form* is what placeholders have in common: an opening, a name, a separator, an identifier of digits or of base32
//! characters, and a closing, as `<`, `PERSON`, `_`, `1` and `>`. Where names are in capitals between brackets, any such
//! name is of the form; else only those of the placeholders are.
//!
//! A text is read from left to right. Where a form may begin, the longest text of any form is taken. What is not decided
//! yet is kept, at most 64 bytes beside opening and closing, so that the counts are the same in any cut. JSON
//! source is read with its escapes undone.
//!
//! Cost: a search for the first byte of a form, and at such a byte O(forms + 64).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use crate::escapes::Escape;

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
    all: Vec<Form>,
    names: HashMap<Box<[u8]>, u32, Hash>,
    keys: HashSet<Box<[u8]>, Hash>,
    firsts: Firsts,
    has_bare: bool,
}

/// FNV-1a: short texts, and a table that nobody who writes the text can fill.
struct Fnv(u64);

type Hash = BuildHasherDefault<Fnv>;

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
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
    Token {
        length: usize,
        name: u32,
    },
}

impl Forms {
    /// Compile the forms of `keys`, whose names are `names`.
    pub fn new(
        forms: Vec<Form>,
        names: impl IntoIterator<Item = Vec<u8>>,
        keys: impl IntoIterator<Item = Vec<u8>>,
    ) -> Self {
        let names: HashMap<Box<[u8]>, u32, Hash> =
            names.into_iter().map(Vec::into_boxed_slice).zip(0..).collect();
        let has_bare = forms.iter().any(|form| form.opening.is_empty());
        let openings = forms.iter().filter_map(|form| form.opening.first().copied());
        let words = names.keys().filter(|_| has_bare).filter_map(|name| name.first().copied());
        let firsts = Firsts::of(openings.chain(words));
        Self {
            all: forms,
            names,
            keys: keys.into_iter().map(Vec::into_boxed_slice).collect(),
            firsts,
            has_bare,
        }
    }

    /// The longest text of a form that stands at `at`.
    fn token(&self, source: &[u8], at: usize, before: u8, is_over: bool) -> Found {
        let mut best = Found::Nothing;
        let mut longest = 0;
        for form in &self.all {
            match self.of_form(form, source, at, before, is_over) {
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

    fn of_form(&self, form: &Form, source: &[u8], at: usize, before: u8, is_over: bool) -> Found {
        if !source[at..].starts_with(&form.opening) {
            return beginning(&form.opening, &source[at..], is_over);
        }
        if form.opening.is_empty() && is_word(before) {
            return Found::Nothing;
        }
        let rest = &source[at + form.opening.len()..];
        let is_body = |byte: &u8| is_word(*byte) || form.separator.contains(byte);
        let run = rest.iter().take(MOST + 1).take_while(|byte| is_body(byte)).count();
        if run > MOST {
            return Found::Nothing;
        }
        if run == rest.len() && !is_over {
            return Found::Undecided;
        }
        let end = rest[..run].iter().rposition(u8::is_ascii_alphanumeric).map_or(0, |last| last + 1);
        let (body, rest) = rest.split_at(end);
        let Some(name) = self.name(form, body) else { return Found::Nothing };
        if form.closing.is_empty() && rest.first() == Some(&b'_') {
            return Found::Nothing;
        }
        if !rest.starts_with(&form.closing) {
            return beginning(&form.closing, rest, is_over);
        }
        Found::Token { length: form.opening.len() + end + form.closing.len(), name }
    }

    /// The number of the name in a body, one more than there are for another one; None if it is no body.
    fn name(&self, form: &Form, body: &[u8]) -> Option<u32> {
        let is_identifier = |byte: &u8| {
            if form.is_base32 { matches!(byte, b'a'..=b'z' | b'2'..=b'7') } else { byte.is_ascii_digit() }
        };
        let length = body.iter().rev().take_while(|byte| is_identifier(byte)).count();
        if length < if form.is_base32 { FEWEST_OF_BASE32 } else { 1 } {
            return None;
        }
        let name = body[..body.len() - length].strip_suffix(&form.separator[..])?;
        if !name.first()?.is_ascii_alphabetic() || !name.last()?.is_ascii_alphanumeric() {
            return None;
        }
        if let Some(&number) = self.names.get(name) {
            return Some(number);
        }
        let is_taken = form.takes_any_name && !name.iter().any(u8::is_ascii_lowercase);
        is_taken.then(|| u32::try_from(self.names.len()).unwrap_or(u32::MAX))
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

/// One text, in which texts of the forms are counted that are no keys, by the numbers of their names.
pub struct Unknown {
    forms: Arc<Forms>,
    is_json: bool,
    /// What may become a text of a form.
    held: Vec<u8>,
    /// The byte before that, 0 at the beginning.
    before: u8,
    escape: Escape,
    counts: BTreeMap<u32, u64>,
}

impl Unknown {
    /// A text that begins: plain, or JSON source.
    #[must_use]
    pub fn new(forms: Arc<Forms>, is_json: bool) -> Self {
        Self {
            forms,
            is_json,
            held: Vec::new(),
            before: 0,
            escape: Escape::default(),
            counts: BTreeMap::new(),
        }
    }

    /// Whether text without a first character of a key, or in JSON a backslash, would change nothing.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.held.is_empty() && !self.escape.is_open() && !self.forms.has_bare
    }

    /// Move over text that came, UTF-8 or WTF-8.
    pub fn feed(&mut self, text: &[u8]) {
        if self.is_json && (self.escape.is_open() || memchr::memchr(b'\\', text).is_some()) {
            let decoded = self.decoded(text);
            self.scan(&decoded, false);
        } else {
            self.scan(text, false);
        }
    }

    /// The text is over; another one may begin.
    pub fn end(&mut self) {
        self.scan(b"", true);
        self.held.clear();
        self.escape.clear();
        self.before = 0;
    }

    /// What was counted since this was asked last.
    pub fn take_counts(&mut self) -> BTreeMap<u32, u64> {
        std::mem::take(&mut self.counts)
    }

    fn scan(&mut self, text: &[u8], is_over: bool) {
        let forms = Arc::clone(&self.forms);
        let mut held = std::mem::take(&mut self.held);
        let source = if held.is_empty() {
            text
        } else {
            held.extend_from_slice(text);
            &held[..]
        };
        let mut at = 0;
        loop {
            let Some(found) = forms.firsts.find(&source[at..]) else {
                at = source.len();
                break;
            };
            at += found;
            let before = if at == 0 { self.before } else { source[at - 1] };
            match forms.token(source, at, before, is_over) {
                Found::Undecided => break,
                Found::Nothing => at += 1,
                Found::Token { length, name } => {
                    if !forms.keys.contains(&source[at..at + length]) {
                        *self.counts.entry(name).or_default() += 1;
                    }
                    at += length;
                }
            }
        }
        if at > 0 {
            self.before = source[at - 1];
        }
        self.held = source[at..].to_vec();
    }

    fn decoded(&mut self, source: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(source.len());
        let mut rest = source;
        while let Some(&byte) = rest.first() {
            if self.escape.is_open() {
                let belongs = self.escape.read(byte, |text| out.extend_from_slice(text));
                rest = &rest[usize::from(belongs)..];
                continue;
            }
            let end = memchr::memchr(b'\\', rest).unwrap_or(rest.len());
            out.extend_from_slice(&rest[..end]);
            if end < rest.len() {
                self.escape.begin();
            }
            rest = rest.get(end + 1..).unwrap_or_default();
        }
        out
    }
}

/// Without what is held: it is part of somebody's answer.
impl fmt::Debug for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unknown").field("is_idle", &self.is_idle()).finish_non_exhaustive()
    }
}
