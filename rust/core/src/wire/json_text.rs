//! What JSON is.
//!
//! RFC 8259, and what readers of Python accept besides: NaN, Infinity, -Infinity, and lone surrogates spelled
//! `\uXXXX`. Numbers go by the grammar and may be of any length. Containers are nested at most 200 deep. Control
//! characters below U+0020 must be escaped in strings. That the source is UTF-8 is for the caller to check: outside
//! strings nothing but ASCII is accepted, and inside them every other byte is.
//!
//! The scanner reads a value by its lexical form alone and keeps nothing of it but the span and the kind.
//!
//! Cost: O(bytes), without recursion and without allocation.

use super::strings::{escape_length, plain_run, unescape};

/// How deep containers may be nested.
pub(crate) const DEEPEST: usize = 200;

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
    /// A string.
    String {
        /// Whether an escape is in it: without any, its text is what stands between the quotes.
        escaped: bool,
    },
    /// An array.
    Array {
        /// Whether it has no elements.
        empty: bool,
    },
    /// An object.
    Object {
        /// Whether it has no members.
        empty: bool,
    },
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
    /// Whether it is a string without text.
    pub(crate) fn is_empty_string(self) -> bool {
        self.is_string() && self.end - self.begin == 2
    }

    pub(crate) fn is_string(self) -> bool {
        matches!(self.kind, Kind::String { .. })
    }

    pub(crate) fn is_number(self) -> bool {
        matches!(self.kind, Kind::Integer | Kind::Float)
    }

    pub(crate) fn is_empty_container(self) -> bool {
        matches!(self.kind, Kind::Array { empty: true } | Kind::Object { empty: true })
    }

    /// Whether it is absent or as good as that: null, an empty string, an empty container.
    pub(crate) fn is_vain(self) -> bool {
        self.kind == Kind::Null || self.is_empty_string() || self.is_empty_container()
    }

    /// What stands between the quotes of a string.
    pub(crate) fn inside(self, source: &[u8]) -> &[u8] {
        &source[self.begin + 1..self.end - 1]
    }

    /// The text of a string, appended to `out` as WTF-8 if it is not what stands between the quotes.
    pub(crate) fn text<'a>(self, source: &'a [u8], out: &'a mut Vec<u8>) -> &'a [u8] {
        let inside = self.inside(source);
        if self.kind != (Kind::String { escaped: true }) {
            return inside;
        }
        out.clear();
        unescape(inside, out);
        out
    }
}

/// Why a source was not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// It is no JSON.
    Refused,
    /// A name that counts stands twice, or is spelled with an escape: to be walked again with more care.
    Odd,
}

/// A place in a source, and how many containers are open there.
pub(crate) struct Scanner<'a> {
    pub(crate) source: &'a [u8],
    pub(crate) at: usize,
    pub(crate) depth: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(source: &'a [u8]) -> Self {
        Self { source, at: 0, depth: 0 }
    }

    /// The next byte; 0 at the end, which begins and ends nothing.
    #[inline]
    pub(crate) fn byte(&self) -> u8 {
        self.source.get(self.at).copied().unwrap_or(0)
    }

    #[inline]
    pub(crate) fn blanks(&mut self) {
        while matches!(self.byte(), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
    }

    /// Past this byte, if it is the next.
    #[inline]
    pub(crate) fn passes(&mut self, byte: u8) -> bool {
        let is_next = self.byte() == byte;
        self.at += usize::from(is_next);
        is_next
    }

    /// Past a comma, to what follows it. False at the closer of the container, which is passed as well.
    #[inline]
    pub(crate) fn goes_on(&mut self, closer: u8) -> Result<bool, Stop> {
        self.blanks();
        let byte = self.byte();
        self.at += 1;
        if byte == b',' {
            self.blanks();
            return Ok(true);
        }
        if byte != closer {
            return Err(Stop::Refused);
        }
        self.depth -= 1;
        Ok(false)
    }

    /// Into a container, to its first element or name. False if it is empty: it is passed.
    #[inline]
    pub(crate) fn opens(&mut self, closer: u8) -> Result<bool, Stop> {
        if self.depth == DEEPEST {
            return Err(Stop::Refused);
        }
        self.at += 1;
        self.blanks();
        if self.passes(closer) {
            return Ok(false);
        }
        self.depth += 1;
        Ok(true)
    }

    /// The name of a member, and on to its value.
    #[inline]
    pub(crate) fn name(&mut self) -> Result<Literal, Stop> {
        if self.byte() != b'"' {
            return Err(Stop::Refused);
        }
        let name = self.scalar()?;
        self.blanks();
        if !self.passes(b':') {
            return Err(Stop::Refused);
        }
        self.blanks();
        Ok(name)
    }

    /// Any value.
    #[inline]
    pub(crate) fn value(&mut self) -> Result<Literal, Stop> {
        if matches!(self.byte(), b'{' | b'[') { self.container() } else { self.scalar() }
    }

    /// A value that is no container.
    #[inline]
    pub(crate) fn scalar(&mut self) -> Result<Literal, Stop> {
        let begin = self.at;
        let kind = match self.byte() {
            b'"' => self.string()?,
            b'n' => self.word(b"null", Kind::Null)?,
            b't' => self.word(b"true", Kind::True)?,
            b'f' => self.word(b"false", Kind::False)?,
            _ => self.number()?,
        };
        Ok(Literal { kind, begin, end: self.at })
    }

    fn word(&mut self, word: &[u8], kind: Kind) -> Result<Kind, Stop> {
        if !self.source[self.at..].starts_with(word) {
            return Err(Stop::Refused);
        }
        self.at += word.len();
        Ok(kind)
    }

    #[inline]
    fn string(&mut self) -> Result<Kind, Stop> {
        let mut escaped = false;
        self.at += 1;
        loop {
            self.at += plain_run(&self.source[self.at..]);
            match self.byte() {
                b'"' => {
                    self.at += 1;
                    return Ok(Kind::String { escaped });
                }
                b'\\' => {
                    escaped = true;
                    self.at += escape_length(&self.source[self.at..]).ok_or(Stop::Refused)?;
                }
                _ => return Err(Stop::Refused),
            }
        }
    }

    fn number(&mut self) -> Result<Kind, Stop> {
        let is_negative = self.passes(b'-');
        match self.byte() {
            b'0' => self.at += 1,
            b'1'..=b'9' => self.digits()?,
            b'I' => return self.word(b"Infinity", Kind::Float),
            b'N' if !is_negative => return self.word(b"NaN", Kind::Float),
            _ => return Err(Stop::Refused),
        }
        let mut kind = Kind::Integer;
        if self.passes(b'.') {
            kind = Kind::Float;
            self.digits()?;
        }
        if matches!(self.byte(), b'e' | b'E') {
            kind = Kind::Float;
            self.at += 1;
            let _ = self.passes(b'+') || self.passes(b'-');
            self.digits()?;
        }
        Ok(kind)
    }

    /// One digit at least.
    fn digits(&mut self) -> Result<(), Stop> {
        let begin = self.at;
        while self.byte().is_ascii_digit() {
            self.at += 1;
        }
        if self.at == begin { Err(Stop::Refused) } else { Ok(()) }
    }

    /// A container, to its end.
    pub(crate) fn container(&mut self) -> Result<Literal, Stop> {
        let (begin, outside) = (self.at, self.depth);
        // For each open container inside, whether it is an object: the last bit of the last word is the innermost.
        let mut objects = [0_u64; DEEPEST.div_ceil(64)];
        let mut is_empty = true;
        'value: loop {
            // A value begins here.
            let byte = self.byte();
            if matches!(byte, b'{' | b'[') {
                let is_object = byte == b'{';
                if self.opens(if is_object { b'}' } else { b']' })? {
                    is_empty = false;
                    let (word, bit) = ((self.depth - 1) / 64, (self.depth - 1) % 64);
                    objects[word] = objects[word] & !(1 << bit) | u64::from(is_object) << bit;
                    if is_object {
                        self.name()?;
                    }
                    continue;
                }
            } else {
                self.scalar()?;
            }
            // It ends here, and with it the containers that close.
            while self.depth > outside {
                let inner = self.depth - 1;
                let is_object = objects[inner / 64] >> (inner % 64) & 1 == 1;
                if self.goes_on(if is_object { b'}' } else { b']' })? {
                    if is_object {
                        self.name()?;
                    }
                    continue 'value;
                }
            }
            let kind = if self.source[begin] == b'{' {
                Kind::Object { empty: is_empty }
            } else {
                Kind::Array { empty: is_empty }
            };
            return Ok(Literal { kind, begin, end: self.at });
        }
    }
}
