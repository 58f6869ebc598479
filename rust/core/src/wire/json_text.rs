//! What JSON is, and how a string is written.
//!
//! RFC 8259, and what readers of Python accept besides: NaN, Infinity, -Infinity, and lone surrogates spelled
//! `\uXXXX`. Numbers go by the grammar and may be of any length. Containers are nested at most 200 deep. Control
//! characters below U+0020 must be escaped in strings. That the source is UTF-8 is for the caller to check: outside
//! strings nothing but ASCII is accepted, and inside them every other byte is.
//!
//! The scanner reads a value by its lexical form alone and keeps nothing of it but the span and the kind. Strings are
//! passed eight bytes at a time. Cost: O(bytes), without recursion and without allocation.

use crate::surrogate::{self, CodePoint};

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
                    self.at += escape_length(&self.source[self.at..])?;
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

/// How many bytes there are before the first that does not stand for itself inside a string.
#[inline]
fn plain_run(text: &[u8]) -> usize {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    let mut at = 0;
    while let Some(&eight) = text[at..].first_chunk() {
        let word = u64::from_le_bytes(eight);
        let (quote, backslash) = (word ^ (ONES * 0x22), word ^ (ONES * 0x5C));
        // The high bit of a byte is set where it is zero, below 0x20 for the third. What a borrow sets wrongly stands
        // behind a byte that is set rightly, and only the first one counts.
        let special = (quote.wrapping_sub(ONES) & !quote)
            | (backslash.wrapping_sub(ONES) & !backslash)
            | (word.wrapping_sub(ONES * 0x20) & !word);
        let special = special & (ONES * 0x80);
        if special != 0 {
            return at + (special.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    let is_special = |&byte: &u8| byte < 0x20 || byte == b'"' || byte == b'\\';
    at + text[at..].iter().position(is_special).unwrap_or(text.len() - at)
}

/// The length of the escape that `text` begins with.
fn escape_length(text: &[u8]) -> Result<usize, Stop> {
    match text.get(1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(2),
        Some(b'u') if code_unit(text).is_some() => Ok(6),
        _ => Err(Stop::Refused),
    }
}

/// What the `\uXXXX` at the start of `text` spells.
fn code_unit(text: &[u8]) -> Option<u32> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0, |unit, &digit| Some(unit << 4 | char::from(digit).to_digit(16)?))
}

/// Append the text of what stands between the quotes of a valid string, as WTF-8.
fn unescape(inside: &[u8], out: &mut Vec<u8>) {
    let mut rest = inside;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        let byte = match rest.get(1).copied().unwrap_or_default() {
            b'u' => {
                rest = &rest[unescape_unit(rest, out)..];
                continue;
            }
            b'b' => 0x08,
            b'f' => 0x0C,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            other => other,
        };
        out.push(byte);
        rest = &rest[2..];
    }
    out.extend_from_slice(rest);
}

/// Append the character of the `\uXXXX` that `text` begins with, or of two that are a pair. Returns their length.
fn unescape_unit(text: &[u8], out: &mut Vec<u8>) -> usize {
    let mut code_point = CodePoint::from(code_unit(text).unwrap_or_default());
    let mut length = 6;
    if code_point.is_high_surrogate()
        && let Some(low) = text.get(6..).and_then(code_unit).map(CodePoint::from)
        && low.is_low_surrogate()
    {
        code_point = surrogate::join_pair(code_point, low);
        length = 12;
    }
    let (bytes, needed) = code_point.encode();
    out.extend_from_slice(&bytes[..needed]);
    length
}

/// Append the string literal of a text (WTF-8) in the one dialect that the library writes.
pub(crate) fn write_string(text: &[u8], out: &mut Vec<u8>) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    let (mut at, mut done) = (0, 0);
    while let Some(found) = text[at..].iter().position(|&byte| IS_WATCHED[usize::from(byte)]) {
        at += found;
        let (code_point, length) = surrogate::first(&text[at..]);
        if let Some(escape) = crate::json::escape_of(code_point) {
            out.extend_from_slice(&text[done..at]);
            out.extend_from_slice(escape.as_bytes());
            done = at + length;
        }
        at += length;
    }
    out.extend_from_slice(&text[done..]);
    out.push(b'"');
}

/// The bytes with which something begins that may have to be escaped.
const IS_WATCHED: [bool; 256] = {
    let mut watched = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        watched[byte] = true;
        byte += 1;
    }
    watched[b'"' as usize] = true;
    watched[b'\\' as usize] = true;
    watched[0x7F] = true;
    watched[0xC2] = true; // U+0085
    watched[0xE2] = true; // U+2028 and U+2029
    watched[0xED] = true; // surrogates
    watched
};
