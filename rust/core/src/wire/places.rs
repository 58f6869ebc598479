//! Places: whether the next character of a text stands inside an address, judged on what was sent before it.
//!
//! The client may render the text as Markdown, as HTML, or as plain text with links; which of them is not known. So each
//! of them has a small machine, all machines read every character, and the text is inside an address while any of them
//! says so:
//!
//! - **url** since the last ASCII blank there was `://`, a scheme without slashes (`mailto:`), `//` or `www.` behind
//!   anything but an ASCII letter or digit, or `host.tld` and one of `/ ? # :`;
//! - **target** since `](`, until the parenthesis that closes it, or a blank line;
//! - **definition** since `[label]:` at the start of a line, until the line ends on which its target stands. Behind
//!   `[^label]:`, which is a footnote as well, until the first blank behind a target;
//! - **tag** since `<` and a letter, `/`, `!` or `?`, until a `>` outside quotes;
//! - **body** of `script` and `style`, until they close;
//! - **css** since `url(`, until `)`, or a blank line.
//!
//! Tags are told in `tags.rs`, where every `<` begins one; lines and definitions in `lines.rs`.
//!
//! **The address so far** is kept for the rules of `addresses.rs`, as long as it is certain where it began: it begins
//! with the first machine that goes on, or with the value of an attribute. A machine that goes on or off later makes it
//! unknown, and so do more than `address::LONGEST` characters.
//!
//! Invariants: no character is held or looked ahead at; the state after a text is the same for every cutting of it;
//! memory is bounded by `TAIL` and `address::LONGEST`; time is O(1) a character. Every character that matters is ASCII,
//! so bytes are stepped; those of another character count as one only where characters are counted. Text in which no
//! machine is on is searched for the next byte that could switch one on; in an address or a tag all characters up to the
//! next that matters are read at once. `python/holdback/engine/places.py` is the twin.

mod address;
mod addresses;
mod behind;
mod json;
mod lines;
mod tags;

use address::Address;
pub use addresses::AllowedHost;
use behind::{ends_with_domain, ends_with_opaque, is_blank, is_newline, is_word_border, strip_suffix};
pub use json::JsonPlaces;
use lines::Lines;
use tags::Tags;

/// How many bytes of the text before are kept to be looked back at: 80 characters of any kind.
const TAIL: usize = 320;

// What may be on.
const URL: u8 = 1;
const TARGET: u8 = 2;
const DEFINITION: u8 = 4;
const TAG: u8 = 8;
const CSS: u8 = 16;
const BODY: u8 = 32;
const URL_IN_TARGET: u8 = URL | TARGET;
const URL_IN_TAG: u8 = URL | TAG;

/// What could switch a machine on; behind a lapsed tag also what could begin a value of it, or end it.
const SWITCHES: [bool; 256] = switches(b"\n\r./:\\?#<(");
const SWITCHES_IN_LAPSED: [bool; 256] = switches(b"\n\r./:\\?#<(=>");

const ENDS_OF_RUNS: [bool; 256] = switches(b" \t\n\x0b\x0c\r<>()\\");
/// The same in a tag, where also more may begin an address.
const ENDS_IN_TAG: [bool; 256] = switches(b" \t\n\x0b\x0c\r<>()\\/=\"'.:?#");

const fn switches(bytes: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut at = 0;
    while at < bytes.len() {
        table[bytes[at] as usize] = true;
        at += 1;
    }
    table
}

/// The places of one text: feed it what is sent, and ask [`keeps`](Self::keeps) before a value is placed.
///
/// ```
/// use holdback_core::wire::places::Places;
///
/// let mut places = Places::new([]);
/// places.feed(b"See ![chart](https://collect.example/?q=");
/// assert!(places.keeps(b"Ada"));
/// places.feed(b"<PERSON_1>) by ");
/// assert!(!places.keeps(b"Ada"));
/// ```
#[derive(Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the state of machines that are independent of one another"
)]
pub struct Places {
    hosts: std::sync::Arc<[AllowedHost]>,
    source: Vec<u8>,
    address: Option<Address>,
    /// The machines that are on.
    on: u8,
    url: bool,
    tags: Tags,
    lines: Lines,
    /// The parentheses that are open in a target.
    depth: u64,
    /// Of the target: nothing but blanks so far.
    is_beginning: bool,
    angle: bool,
    css: bool,
}

impl Places {
    /// The places of a text that begins.
    pub fn new(hosts: impl Into<std::sync::Arc<[AllowedHost]>>) -> Self {
        Self {
            hosts: hosts.into(),
            source: Vec::new(),
            address: None,
            on: 0,
            url: false,
            tags: Tags::default(),
            lines: Lines::default(),
            depth: 0,
            is_beginning: false,
            angle: false,
            css: false,
        }
    }

    /// Begin a text of its own, such as the next string of a tool's arguments.
    pub fn reset(&mut self) {
        *self = Self::new(self.hosts.clone());
    }

    /// Whether the next character stands inside an address.
    pub fn in_address(&self) -> bool {
        self.on != 0
    }

    /// The address so far; none outside one, and where its beginning is not known.
    pub fn address(&self) -> Option<&[u8]> {
        self.address.as_ref().map(Address::text)
    }

    /// Whether a placeholder of `value` that came next would have to stay.
    pub fn keeps(&self, value: &[u8]) -> bool {
        self.on != 0 && !addresses::may_stand(self.address(), value, &self.hosts)
    }

    /// Move over text, UTF-8 or WTF-8, which the client has been sent.
    pub fn feed(&mut self, text: &[u8]) {
        let mut at = self.source.len();
        self.source.extend_from_slice(text);
        let source = std::mem::take(&mut self.source);
        while at < source.len() {
            if self.is_quiet() {
                let switches = if self.tags.has_lapsed() { &SWITCHES_IN_LAPSED } else { &SWITCHES };
                let Some(found) = source[at..].iter().position(|&byte| switches[usize::from(byte)]) else {
                    break;
                };
                at += found;
                // The two that are frequent in prose and seldom do anything.
                let seldom: &[u8] = match source[at] {
                    b'.' => b"wW",
                    b'(' => b"]lL",
                    _ => b"",
                };
                if !seldom.is_empty() && at > 0 && !seldom.contains(&source[at - 1]) {
                    at += 1;
                    continue;
                }
            } else if let Some(ends) = self.ends_of_run() {
                let rest = &source[at..];
                let length = rest.iter().position(|&byte| ends[usize::from(byte)]);
                let run = &rest[..length.unwrap_or(rest.len())];
                if !run.is_empty() {
                    self.run(run);
                    at += run.len();
                    continue;
                }
            }
            self.step(&source, at);
            at += 1;
        }
        self.source = source;
        if self.source.len() > 4 * TAIL {
            let passed = self.source.len() - TAIL;
            self.source.drain(..passed);
            self.source.shrink_to(8 * TAIL);
        }
    }

    /// Whether only a switch can change anything.
    fn is_quiet(&self) -> bool {
        self.on == 0 && self.tags.is_quiet() && self.lines.is_quiet()
    }

    /// In a plain address, or a tag, where all ordinary characters are alike: the few that are not.
    fn ends_of_run(&self) -> Option<&'static [bool; 256]> {
        if self.is_beginning || !self.lines.is_quiet() {
            return None;
        }
        match self.on {
            URL | URL_IN_TARGET if self.tags.is_none() => Some(&ENDS_OF_RUNS),
            TAG | URL_IN_TAG if self.tags.takes_runs() => Some(&ENDS_IN_TAG),
            _ => None,
        }
    }

    /// Read characters that can neither end the address or tag nor begin anything.
    fn run(&mut self, text: &[u8]) {
        self.lines.pass(b' ');
        self.tags.run();
        self.extend_address(text);
    }

    fn extend_address(&mut self, text: &[u8]) {
        if self.address.as_mut().is_some_and(|address| !address.extend(text)) {
            self.address = None;
        }
    }

    fn step(&mut self, source: &[u8], at: usize) {
        let byte = source[at];
        let (before, tags_before) = (self.on, self.tags.states());
        let previous = if at == 0 { 0 } else { source[at - 1] };
        let angles_before = (self.angle, self.lines.angle);
        if self.lines.step(byte, previous) {
            self.tags.end_paragraph();
            self.depth = 0;
            self.is_beginning = false;
            self.angle = false;
            self.css = false;
        }
        self.tags.step(source, at);
        self.step_target(byte, previous);
        self.step_css(&source[..at], byte);
        self.step_url(&source[..at], byte);
        self.lines.pass(byte);
        let kind = |is_on: bool, kind: u8| if is_on { kind } else { 0 };
        self.on = kind(self.url, URL)
            | kind(self.depth != 0, TARGET)
            | kind(self.lines.in_definition(), DEFINITION)
            | kind(self.tags.in_tag(), TAG)
            | kind(self.css, CSS)
            | kind(self.tags.in_body(), BODY);
        if before != 0 || self.on != 0 {
            let opens_angle = (self.angle, self.lines.angle) > angles_before;
            self.step_address(source, at, before, tags_before, opens_angle);
        }
    }

    fn step_target(&mut self, byte: u8, previous: u8) {
        if byte == b'(' {
            if self.depth == 0 || !self.lines.is_escaped() {
                self.is_beginning = previous == b']';
                self.depth += u64::from(self.depth != 0 || self.is_beginning);
            }
            return;
        }
        if self.depth == 0 {
            return;
        }
        if byte == b')' {
            // Behind any backslash it may be escaped: renderers differ. In angle brackets it ends nothing.
            if previous != b'\\' {
                self.depth = (self.depth - 1).max(u64::from(self.angle));
            }
        } else if byte == b'<' && self.is_beginning {
            self.angle = true;
        } else if is_newline(byte) || byte == b'>' && !self.lines.is_escaped() {
            self.angle = false;
        }
        if !is_blank(byte) {
            self.is_beginning = false;
        }
    }

    fn step_css(&mut self, behind: &[u8], byte: u8) {
        if byte == b'(' && !self.css {
            self.css = strip_suffix(behind, b"url").is_some_and(|rest| {
                rest.last().is_none_or(|&byte| !(byte.is_ascii_alphanumeric() || b"_-".contains(&byte)))
            });
        } else if byte == b')' && behind.last() != Some(&b'\\') {
            self.css = false;
        }
    }

    fn step_url(&mut self, behind: &[u8], byte: u8) {
        if self.url {
            self.url = !is_blank(byte);
            return;
        }
        self.url = match (byte, behind) {
            (b'.', _) => strip_suffix(behind, b"www").is_some_and(is_word_border),
            (b'/' | b'\\', [first @ .., second @ (b'/' | b'\\')]) => {
                first.last() == Some(&b':') || byte == b'/' && *second == b'/' && is_word_border(first)
            }
            (b'/' | b'?' | b'#', _) => ends_with_domain(behind),
            (b':', _) => ends_with_domain(behind) || ends_with_opaque(behind),
            _ => false,
        };
    }

    fn step_address(&mut self, source: &[u8], at: usize, before: u8, tags_before: u16, opens_angle: bool) {
        let (byte, now) = (source[at], self.on);
        if now == TAG && self.tags.begins_value(tags_before) {
            self.address = Some(Address::default());
            return;
        }
        if before == 0 {
            self.address = beginning(&source[..=at], now);
            return;
        }
        let is_over = now == 0 || self.tags.ends_value(tags_before);
        let Some(address) = self.address.as_ref().filter(|_| !is_over) else {
            self.address = None;
            return;
        };
        let has_begun = !address.text().is_empty();
        let waits = self.is_beginning || self.lines.waits();
        if !has_begun && (opens_angle || is_blank(byte) && waits) {
            return;
        }
        let is_angled = !has_begun && (self.angle || self.lines.angle);
        let goes_on = now == before || now == before | URL || now == before | TAG && is_angled;
        if goes_on {
            self.extend_address(&[byte]);
        } else {
            self.address = None;
        }
    }
}

/// The address of which the machine that just went on has seen the beginning.
fn beginning(source: &[u8], kinds: u8) -> Option<Address> {
    match kinds {
        TARGET | DEFINITION => Some(Address::default()),
        TAG => Some(Address::of(&source[source.len() - 1..])),
        URL => [&b"https://"[..], b"http://", b"mailto:", b"tel:"].iter().find_map(|scheme| {
            let rest = strip_suffix(source, scheme)?;
            let is_border = |&byte: &u8| !(byte.is_ascii_alphanumeric() || b"+.-".contains(&byte));
            rest.last().is_none_or(is_border).then(|| Address::of(&source[rest.len()..]))
        }),
        _ => None,
    }
}
