//! What a text of JSON source is, and how values are spelled in it.
//!
//! A text (the outermost source, or the content of a string) is a *document* or plain text, and its beginning decides,
//! once:
//!
//! - the content of a string: `{` or `[` behind blanks makes a document;
//! - the outermost source: so does `"`, and one code-fence line may stand before it (`` ```json ``);
//! - auto: only `{` with `"` or `}` behind it, or `[` with `{`, `[` or `"`, blanks between allowed.
//!
//! A bracket of a placeholder that matched makes no document, so brackets decide when they are settled. Everything else
//! decides when it comes. The line of a fence ends like a string does: no match crosses its end. A document that began
//! behind a fence ends at the next backquote outside its strings: what follows is text.

use std::borrow::Cow;

use crate::surrogate::{self, CodePoint};

/// What a text is, or may still become. `Fenced` is a document behind a fence. `Inside` to `Square` wait for the
/// character that decides; the rest is a fence line so far: one backquote, two, three or more, and what is behind them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Text,
    Document,
    Fenced,
    Inside,
    Source,
    Auto,
    Curly,
    Square,
    One,
    Two,
    Fence,
    Info,
}

impl Kind {
    pub(crate) fn is_document(self) -> bool {
        matches!(self, Self::Document | Self::Fenced)
    }

    /// Whether what is settled next may decide, or, behind a fence, end it.
    pub(crate) fn is_undecided(self) -> bool {
        (Self::Fenced..=Self::Square).contains(&self)
    }

    /// Whether the next character that is not blank decides.
    pub(crate) fn waits(self) -> bool {
        (Self::Inside..=Self::Square).contains(&self)
    }

    /// Whether keys that are numbers match whole ones only.
    pub(crate) fn is_outside(self) -> bool {
        (Self::Document..=Self::Square).contains(&self)
    }

    /// Whether `byte` may open a document.
    pub(crate) fn opens(self, byte: u8) -> bool {
        match self {
            Self::Curly => byte == b'}',
            _ => matches!(byte, b'{' | b'['),
        }
    }

    /// The first byte that is not blank; at the very beginning a byte order mark is blank too.
    pub(crate) fn first(self, text: &[u8]) -> Option<u8> {
        if self <= Self::Auto {
            return first_non_blank(text);
        }
        text.iter().copied().find(|&byte| !is_blank(byte))
    }
}

/// The outermost source or an open string: what it is, and what of a string's source waits for more.
#[derive(Clone)]
pub(crate) struct Text {
    pub(crate) kind: Kind,
    auto: bool,
    pub(crate) fenced: bool,
    /// A document's last non-blank byte outside its strings.
    pub(crate) last: u8,
    /// An unfinished escape, from its backslash on.
    pub(crate) escape: Vec<Unit>,
    /// A high surrogate spelled `\uXXXX`, before that.
    pub(crate) half: Option<Unit>,
}

/// A code point, the length of its raw spelling in bytes, and whether some of that has left already, when a tail was
/// settled. Two words, so that it goes from call to call in registers.
#[derive(Clone, Copy)]
pub(crate) struct Unit {
    pub(crate) code_point: CodePoint,
    /// Twice the length, and one if it is cut.
    raw: usize,
}

impl Unit {
    #[inline]
    pub(crate) fn new(code_point: CodePoint, raw: usize) -> Self {
        Self { code_point, raw: raw << 1 }
    }

    #[inline]
    pub(crate) fn raw(self) -> usize {
        self.raw >> 1
    }

    #[inline]
    pub(crate) fn is_cut(self) -> bool {
        self.raw & 1 == 1
    }

    /// The unit after all of it has left.
    pub(crate) fn cut(self) -> Self {
        Self { raw: 1, ..self }
    }

    /// What this unit and the one behind it spell together.
    #[inline]
    pub(crate) fn and(self, unit: Self, code_point: CodePoint) -> Self {
        Self { code_point, raw: (self.raw() + unit.raw()) << 1 | (self.raw | unit.raw) & 1 }
    }
}

impl Text {
    pub(crate) fn new(kind: Kind) -> Self {
        Self { kind, auto: kind == Kind::Auto, fenced: false, last: 0, escape: Vec::new(), half: None }
    }

    pub(crate) fn is_waiting(&self) -> bool {
        !self.escape.is_empty() || self.half.is_some()
    }

    /// What it is once it is a document.
    pub(crate) fn document(&self) -> Kind {
        if self.fenced { Kind::Fenced } else { Kind::Document }
    }

    /// What the outermost source is behind the line of a fence.
    pub(crate) fn behind_fence(&self) -> Kind {
        if self.auto { Kind::Auto } else { Kind::Source }
    }

    /// What it is behind a bracket that is no part of a match.
    pub(crate) fn opened(&self, bracket: u8) -> Kind {
        match (self.kind, bracket) {
            (Kind::Auto, b'{') => Kind::Curly,
            (Kind::Auto, _) => Kind::Square,
            _ => self.document(),
        }
    }

    /// What it is behind a unit of what is a fence line so far.
    pub(crate) fn fence(&self, is_backquote: bool) -> Kind {
        match (self.kind, is_backquote) {
            (Kind::One, true) => Kind::Two,
            (Kind::Two | Kind::Fence, true) => Kind::Fence,
            (Kind::Fence | Kind::Info, false) => Kind::Info,
            _ => Kind::Text,
        }
    }
}

pub(crate) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// The first byte that is neither blank nor part of a byte order mark.
fn first_non_blank(mut text: &[u8]) -> Option<u8> {
    loop {
        match text {
            [0xEF, 0xBB, 0xBF, rest @ ..] => text = rest,
            [byte, rest @ ..] if is_blank(*byte) => text = rest,
            _ => return text.first().copied(),
        }
    }
}

/// `text` as the inside of a JSON string literal; what `escape_of` has no escape for stays raw.
pub(crate) fn escape(
    text: Cow<'_, [u8]>,
    escape_of: impl Fn(CodePoint) -> Option<Cow<'static, str>>,
) -> Cow<'_, [u8]> {
    let mut spelled = Vec::new();
    let (mut at, mut done) = (0, 0);
    while at < text.len() {
        let (code_point, length) = surrogate::first(&text[at..]);
        if let Some(escape) = escape_of(code_point) {
            spelled.extend_from_slice(&text[done..at]);
            spelled.extend_from_slice(escape.as_bytes());
            done = at + length;
        }
        at += length;
    }
    if done == 0 {
        return text;
    }
    spelled.extend_from_slice(&text[done..]);
    Cow::Owned(spelled)
}

pub(crate) fn escape_of(code_point: CodePoint) -> Option<Cow<'static, str>> {
    let short = match code_point.value() {
        0x22 => "\\\"",
        0x5C => "\\\\",
        0x08 => "\\b",
        0x0C => "\\f",
        0x0A => "\\n",
        0x0D => "\\r",
        0x09 => "\\t",
        value @ (0..=0x1F | 0x7F | 0x85 | 0x2028 | 0x2029 | 0xD800..=0xDFFF) => {
            return Some(format!("\\u{value:04x}").into());
        }
        _ => return None,
    };
    Some(short.into())
}

/// Whether `text` is a JSON number or one of `true`, `false`, `null`.
pub(crate) fn is_scalar(text: &[u8]) -> bool {
    if matches!(text, b"true" | b"false" | b"null") {
        return true;
    }
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut rest = text.strip_prefix(b"-").unwrap_or(text);
    let whole = digits(rest);
    if whole == 0 || (whole > 1 && rest[0] == b'0') {
        return false;
    }
    rest = &rest[whole..];
    if let Some(fraction) = rest.strip_prefix(b".") {
        let length = digits(fraction);
        if length == 0 {
            return false;
        }
        rest = &fraction[length..];
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        let exponent =
            exponent.strip_prefix(b"+").or_else(|| exponent.strip_prefix(b"-")).unwrap_or(exponent);
        let length = digits(exponent);
        return length > 0 && length == exponent.len();
    }
    rest.is_empty()
}
