//! JSON channels: a stream of JSON *source* that stays valid JSON.
//!
//! Tool-call arguments arrive as fragments of JSON source. The matcher is the same; what changes is the unit it
//! is fed: one decoded code point that remembers how long its raw spelling is. `<`, `\u003c` and `\u003C` are the
//! same unit, and what is not replaced leaves in its own spelling.
//!
//! The idea. Strings nest: a string whose text begins with `{` or `[` holds a document, whose strings may hold
//! documents again. The open strings are a stack, and a unit climbs it:
//!
//! - `lex(k, unit)` takes a unit of the *source* of string `k`: it undoes one level of escaping and finds the
//!   quote that closes the string;
//! - `take(k, unit)` takes a unit of the *text* of string `k` (of the outermost source for `k = 0`): it goes to the
//!   string inside that is open, opens one, or, at the top of the stack, feeds the trie.
//!
//! Invariants. The raw source from `begin` on is held back, in this order: the path of the trie (`spans` has the
//! raw length of each of its units), then an unfinished escape or half pair of each open string, innermost first.
//! Every quote that delimits a string settles the path, so all units of a path stand in the same strings and an
//! original is escaped once for each of them. What a string or the source is (a document or text) is decided by its
//! first *settled* unit that is not blank: a bracket of a placeholder that matched does not make a document.
//!
//! Cost: O(units), with at most eight steps for a unit however deep the strings nest.

use std::borrow::Cow;
use std::collections::VecDeque;

use crate::Fed;
use crate::automaton::{Automaton, ROOT};
use crate::surrogate::{self, CodePoint};

/// Escaping doubles with each level: without a cap, a kilobyte of source could ask for a megabyte.
const MOST_OPEN_STRINGS: usize = 8;

/// A code point and the length of its raw spelling, in bytes.
#[derive(Clone, Copy)]
struct Unit {
    code_point: CodePoint,
    raw: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Unknown,
    Text,
    Document,
}

/// An open string: what it holds, and what of its source waits for more.
struct OpenString {
    kind: Kind,
    /// An unfinished escape, from its backslash on.
    escape: Vec<Unit>,
    /// A high surrogate spelled `\uXXXX`, before that.
    half: Option<Unit>,
}

/// The state of a JSON channel between two feeds.
pub(crate) struct State {
    node: u32,
    /// The raw lengths of the units of the path: how many bytes of it, and how many of the source.
    spans: VecDeque<Span>,
    /// The raw source held back, from `front` on.
    held: Vec<u8>,
    front: usize,
    strings: Vec<OpenString>,
    /// What the outermost source is.
    kind: Kind,
    /// Its last non-blank byte outside strings; 0 unless it is a document.
    last: u8,
}

#[derive(Clone, Copy)]
struct Span {
    decoded: usize,
    raw: usize,
}

impl State {
    pub(crate) fn new() -> Self {
        Self {
            node: ROOT,
            spans: VecDeque::new(),
            held: Vec::new(),
            front: 0,
            strings: Vec::new(),
            kind: Kind::Unknown,
            last: 0,
        }
    }

    pub(crate) fn held(&self) -> &[u8] {
        &self.held[self.front..]
    }

    /// Nothing is pending, and ordinary characters do not change the state either.
    pub(crate) fn is_at_rest(&self) -> bool {
        let settled = match self.strings.last() {
            Some(string) => string.kind != Kind::Unknown,
            None => self.kind == Kind::Text,
        };
        settled && self.held().is_empty()
    }

    /// Take source in; what leaves is appended to `out`.
    pub(crate) fn advance(&mut self, automaton: &Automaton, text: &[u8], out: &mut Vec<u8>) -> Fed {
        let held_before = signed(self.held().len());
        let mut walk = Walk { automaton, state: self, text, out, begin: -held_before, done: -held_before };
        walk.run();
        let Walk { begin, done, .. } = walk;
        if held_before == 0 && done == 0 && begin == signed(text.len()) {
            // No match (one would have moved `done`) and nothing held, before or after.
            return Fed::Unchanged;
        }
        walk.copy(begin);
        self.hold(text, begin);
        Fed::Written
    }

    /// What is held leaves: unfinished escapes as text, then the path is settled. The open strings stay open.
    pub(crate) fn settle(&mut self, automaton: &Automaton, out: &mut Vec<u8>) {
        let begin = -signed(self.held().len());
        let mut walk = Walk { automaton, state: self, text: &[], out, begin, done: begin };
        walk.release(1);
        walk.settle_path();
        walk.copy(walk.begin);
        self.held.clear();
        self.front = 0;
    }

    /// Keep what stands from `begin` on.
    fn hold(&mut self, text: &[u8], begin: isize) {
        if let Ok(begin) = usize::try_from(begin) {
            self.held.clear();
            self.front = 0;
            self.held.extend_from_slice(&text[begin..]);
            return;
        }
        self.front = self.held.len() - begin.unsigned_abs();
        if self.front > self.held.len() / 2 {
            self.held.drain(..self.front);
            self.front = 0;
        }
        self.held.extend_from_slice(text);
    }
}

/// One feed on its way through the state. Positions count from the start of `text`; those of the held source are
/// negative.
struct Walk<'a> {
    automaton: &'a Automaton,
    state: &'a mut State,
    text: &'a [u8],
    out: &'a mut Vec<u8>,
    /// Where the source held back begins.
    begin: isize,
    /// Up to where everything has been written.
    done: isize,
}

impl Walk<'_> {
    fn run(&mut self) {
        let text = self.text;
        let mut at = 0;
        while at < text.len() {
            if self.begin == signed(at) {
                let run = self.automaton.starts().find_json(&text[at..]).unwrap_or(text.len() - at);
                if run > 0 {
                    self.pass(&text[at..at + run], false);
                    self.begin += signed(run);
                    at += run;
                    continue;
                }
            }
            let (code_point, raw) = surrogate::first(&text[at..]);
            at += raw;
            self.take(0, Unit { code_point, raw });
        }
    }

    fn top_kind(&self) -> Kind {
        self.state.strings.last().map_or(self.state.kind, |string| string.kind)
    }

    fn string(&mut self, k: usize) -> &mut OpenString {
        &mut self.state.strings[k - 1]
    }

    // ------------------------------------------------------------ units through the open strings

    /// A unit of the text of string `k`, of the outermost source for 0.
    fn take(&mut self, k: usize, unit: Unit) {
        if k < self.state.strings.len() {
            self.lex(k + 1, unit);
            return;
        }
        if unit.code_point == QUOTE && !self.is_text() {
            self.settle_path();
            if self.opens_string() {
                let kind = if k + 1 < MOST_OPEN_STRINGS { Kind::Unknown } else { Kind::Text };
                self.state.strings.push(OpenString { kind, escape: Vec::new(), half: None });
                self.begin += signed(unit.raw);
                return;
            }
        }
        self.feed_unit(unit);
    }

    /// Whether a quote at the top of the stack is a character like any other.
    ///
    /// A text that begins with anything but a bracket is text at once, though its beginning may still be held: a key
    /// can go on with the quote.
    fn is_text(&mut self) -> bool {
        let state = &mut *self.state;
        let inside = !state.strings.is_empty();
        let kind = state.strings.last_mut().map_or(&mut state.kind, |string| &mut string.kind);
        if *kind == Kind::Unknown {
            let begins_text = match first_non_blank(self.automaton.path(state.node)) {
                Some(first) => !matches!(first, b'{' | b'['),
                None => inside, // it is the quote itself, inside a string
            };
            if begins_text {
                *kind = Kind::Text;
            }
        }
        *kind == Kind::Text
    }

    /// Whether a quote at the top of the stack, with everything before it settled, opens a string.
    fn opens_string(&mut self) -> bool {
        if self.state.strings.is_empty() && self.state.kind == Kind::Unknown {
            self.state.kind = Kind::Document;
        }
        self.top_kind() == Kind::Document
    }

    /// A unit of the source of string `k`.
    fn lex(&mut self, k: usize, unit: Unit) {
        let string = self.string(k);
        match string.escape.len() {
            0 if unit.code_point == BACKSLASH => string.escape.push(unit),
            0 => {
                self.release_half(k);
                if unit.code_point == QUOTE {
                    self.close(k, unit);
                } else {
                    self.take(k, unit);
                }
            }
            1 if unit.code_point == CodePoint::from('u') => string.escape.push(unit),
            1 => {
                let raw = string.escape[0].raw + unit.raw;
                string.escape.clear();
                self.release_half(k);
                self.take(k, Unit { code_point: escaped(unit.code_point), raw });
            }
            _ if hex_digit(unit.code_point).is_none() => {
                self.release_escape(k);
                self.lex(k, unit);
            }
            length => {
                string.escape.push(unit);
                let digit = hex_digit(unit.code_point);
                if (length == 2 && digit != Some(0xD)) || (length == 3 && digit < Some(0xC)) {
                    self.release_half(k); // this will be no low half: the high one need not wait for it
                }
                if length == 5 {
                    self.take_escaped(k);
                }
            }
        }
    }

    /// The unit that a whole `\uXXXX` spells: half a pair waits for the other half, spelled the same way.
    fn take_escaped(&mut self, k: usize) {
        let string = self.string(k);
        let mut raw = string.escape.iter().map(|unit| unit.raw).sum();
        let digits = string.escape[2..].iter().filter_map(|unit| hex_digit(unit.code_point));
        let mut code_point = CodePoint::from(digits.fold(0, |code, digit| code << 4 | digit));
        string.escape.clear();
        if code_point.is_low_surrogate()
            && let Some(high) = string.half.take()
        {
            code_point = surrogate::join_pair(high.code_point, code_point);
            raw += high.raw;
        }
        self.release_half(k);
        if code_point.is_high_surrogate() {
            self.string(k).half = Some(Unit { code_point, raw });
        } else {
            self.take(k, Unit { code_point, raw });
        }
    }

    fn close(&mut self, k: usize, quote: Unit) {
        self.release(k + 1);
        self.settle_path();
        self.state.strings.truncate(k - 1);
        self.begin += signed(quote.raw);
        if k == 1 {
            self.state.last = b'"';
        }
    }

    /// Let go of what waits in string `k` and those inside it. It may start an escape one string further in.
    fn release(&mut self, k: usize) {
        for inner in k..=self.state.strings.len() {
            self.release_half(inner);
            self.release_escape(inner);
        }
    }

    fn release_half(&mut self, k: usize) {
        if let Some(half) = self.string(k).half.take() {
            self.take(k, half);
        }
    }

    /// An escape that is none: a lone backslash, or the unit `u` spelled `\u` and digits read again.
    fn release_escape(&mut self, k: usize) {
        let escape = std::mem::take(&mut self.string(k).escape);
        if escape.is_empty() {
            return;
        }
        self.release_half(k);
        let [backslash, u, digits @ ..] = &*escape else {
            self.take(k, escape[0]);
            return;
        };
        self.take(k, Unit { code_point: u.code_point, raw: backslash.raw + u.raw });
        for &digit in digits {
            self.take(k, digit);
        }
    }

    // ------------------------------------------------------------ the trie

    fn feed_unit(&mut self, unit: Unit) {
        let automaton = self.automaton;
        let (bytes, decoded) = unit.code_point.encode();
        let bytes = &bytes[..decoded];
        let mut node = self.state.node;
        let child = loop {
            if let Some(child) = bytes.iter().try_fold(node, |node, &byte| automaton.child(node, byte)) {
                break child;
            }
            if node == ROOT {
                self.state.node = ROOT;
                self.pass(bytes, false);
                self.begin += signed(unit.raw);
                return;
            }
            node = self.fall(node);
        };
        self.state.spans.push_back(Span { decoded, raw: unit.raw });
        self.state.node = child;
        if let Some(key) = automaton.leaf(child) {
            self.state.node = ROOT;
            self.put(key);
        }
    }

    fn settle_path(&mut self) {
        while self.state.node != ROOT {
            self.state.node = self.fall(self.state.node);
        }
    }

    /// The path to `node` cannot grow: settle its pops; returns the node where matching goes on.
    fn fall(&mut self, node: u32) -> u32 {
        let automaton = self.automaton;
        let (fail, path) = (automaton.fail(node), automaton.path(node));
        let mut done = 0;
        automaton.pops(node, |(offset, key)| {
            self.pass_units(&path[done..offset as usize]);
            self.put(key);
            done = offset as usize + automaton.key(key).len();
        });
        self.pass_units(&path[done..path.len() - automaton.path(fail).len()]);
        fail
    }

    /// Literal units from the front of the path.
    fn pass_units(&mut self, text: &[u8]) {
        if !text.is_empty() {
            self.pass(text, false);
            self.begin += self.pop_spans(text.len());
        }
    }

    /// The key at the front of the path is replaced.
    fn put(&mut self, key: u32) {
        self.out.reserve(self.text.len() - self.done.max(0).unsigned_abs());
        self.copy(self.begin);
        self.land(key);
        let text = self.automaton.key(key);
        self.begin += self.pop_spans(text.len());
        self.done = self.begin;
        self.pass(text, true);
    }

    /// Take `decoded` bytes of units off the front of the path; returns their raw length.
    fn pop_spans(&mut self, mut decoded: usize) -> isize {
        let mut raw = 0;
        while decoded > 0
            && let Some(span) = self.state.spans.pop_front()
        {
            decoded -= span.decoded;
            raw += span.raw;
        }
        signed(raw)
    }

    /// Copy the source up to `end`.
    fn copy(&mut self, end: isize) {
        if self.done < 0 {
            let held = self.state.held();
            let from = held.len() - self.done.unsigned_abs();
            let to = held.len() - end.min(0).unsigned_abs();
            self.out.extend_from_slice(&held[from..to]);
        }
        if end > 0 {
            self.out.extend_from_slice(&self.text[self.done.max(0).unsigned_abs()..end.unsigned_abs()]);
        }
        self.done = end;
    }

    // ------------------------------------------------------------ where it stands

    /// Units that are settled, literal or matched: they decide what they stand in, once.
    fn pass(&mut self, text: &[u8], matched: bool) {
        let state = &mut *self.state;
        let outermost = state.strings.is_empty();
        let kind = state.strings.last_mut().map_or(&mut state.kind, |string| &mut string.kind);
        if *kind == Kind::Unknown
            && let Some(first) = first_non_blank(text)
        {
            let bracket = matches!(first, b'{' | b'[');
            *kind = if bracket && !matched { Kind::Document } else { Kind::Text };
        }
        if outermost
            && *kind == Kind::Document
            && let Some(&last) = text.iter().rfind(|&&byte| !is_blank(byte))
        {
            state.last = last;
        }
    }

    /// Write the original as it must be spelled where the match stands.
    fn land(&mut self, key: u32) {
        let original = self.automaton.original(key);
        let level = self.state.strings.len();
        if level > 0 {
            let mut spelled = Cow::Borrowed(original);
            for _ in 0..level {
                spelled = escape(spelled, escape_of);
            }
            self.out.extend_from_slice(&spelled);
            return;
        }
        let scalars = is_scalar(self.automaton.key(key)) && is_scalar(original);
        let quoted = !scalars && matches!(self.state.last, b'{' | b'[' | b',' | b':');
        if quoted {
            self.out.push(b'"');
            self.out.extend_from_slice(&escape(Cow::Borrowed(original), escape_of));
            self.out.push(b'"');
        } else {
            self.out.extend_from_slice(original);
        }
    }
}

const QUOTE: CodePoint = CodePoint::ascii(b'"');
const BACKSLASH: CodePoint = CodePoint::ascii(b'\\');

/// What a backslash makes of the code point behind it; an escape that JSON does not know means its character.
fn escaped(code_point: CodePoint) -> CodePoint {
    match code_point.as_ascii() {
        Some(b'b') => CodePoint::ascii(8),
        Some(b'f') => CodePoint::ascii(12),
        Some(b'n') => CodePoint::ascii(b'\n'),
        Some(b'r') => CodePoint::ascii(b'\r'),
        Some(b't') => CodePoint::ascii(b'\t'),
        _ => code_point,
    }
}

fn hex_digit(code_point: CodePoint) -> Option<u32> {
    char::from(code_point.as_ascii()?).to_digit(16)
}

fn is_blank(byte: u8) -> bool {
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
fn is_scalar(text: &[u8]) -> bool {
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

fn signed(position: usize) -> isize {
    position.cast_signed()
}
