//! Tags: in which states a tag of HTML may be, as a set.
//!
//! Which `<` begins a tag depends on who renders: in `<a b="x"c="> <img alt="> d"` HTML sees one tag, Markdown two. So
//! every `<` begins one, and a place is inside a tag while any of them is open. The states of all that may be open are
//! bits of one number, which are stepped together by a table after the tokenizer of the HTML standard. Two that are in
//! one state go on as one, so there are never more than there are bits.
//!
//! A blank line ends a tag for Markdown and not for HTML. A tag outside quotes becomes `LAPSED` by it: that is no
//! address itself, but what follows an equals sign in it is, and its end is the next `>`. One in double quotes becomes
//! `CROSSED`: where the quotes end is not known any more, since Markdown escapes those of a paragraph. The bodies of
//! `script` and `style` are read here too.

use super::behind::strip_suffix;

const NAME_OF_TAG: u16 = 1;
/// `<!` and `<?`: until the next `>`, quoted or not.
const BOGUS: u16 = 2;
const BEFORE_NAME: u16 = 4;
const NAME: u16 = 8;
const AFTER_NAME: u16 = 16;
const BEFORE_VALUE: u16 = 32;
/// A value in double quotes.
const DOUBLE: u16 = 64;
const SINGLE: u16 = 128;
const UNQUOTED: u16 = 256;
/// Outside quotes, behind a blank line.
const LAPSED: u16 = 512;
/// In double quotes, behind a blank line.
const CROSSED: u16 = 1024;

const QUOTED: u16 = DOUBLE | SINGLE | CROSSED;
const IN_VALUE: u16 = QUOTED | UNQUOTED;
const OUTSIDE: u16 = NAME_OF_TAG | BEFORE_NAME | NAME | AFTER_NAME;
const ENDED: u16 = 0;

const STATES: usize = 11;
const CLASSES: usize = 7;
const OTHER: usize = 6;

/// By state: behind a blank, `/`, `>`, `=`, `"`, `'`, anything else.
const TABLE: [[u16; CLASSES]; STATES] = [
    [BEFORE_NAME, BEFORE_NAME, ENDED, NAME_OF_TAG, NAME_OF_TAG, NAME_OF_TAG, NAME_OF_TAG],
    [BOGUS, BOGUS, ENDED, BOGUS, BOGUS, BOGUS, BOGUS],
    [BEFORE_NAME, BEFORE_NAME, ENDED, NAME, NAME, NAME, NAME],
    [AFTER_NAME, BEFORE_NAME, ENDED, BEFORE_VALUE, NAME, NAME, NAME],
    [AFTER_NAME, BEFORE_NAME, ENDED, BEFORE_VALUE, NAME, NAME, NAME],
    [BEFORE_VALUE, UNQUOTED, ENDED, UNQUOTED, DOUBLE, SINGLE, UNQUOTED],
    [DOUBLE, DOUBLE, DOUBLE, DOUBLE, BEFORE_NAME, DOUBLE, DOUBLE],
    [SINGLE, SINGLE, SINGLE, SINGLE, SINGLE, BEFORE_NAME, SINGLE],
    [BEFORE_NAME, UNQUOTED, ENDED, UNQUOTED, UNQUOTED, UNQUOTED, UNQUOTED],
    // Where its names end is not followed, so any equals sign may begin a value.
    [LAPSED, LAPSED, ENDED, LAPSED | BEFORE_VALUE, LAPSED, LAPSED, LAPSED],
    // Markdown writes another `"` for the one that stands there, so it need not be the end.
    [CROSSED, CROSSED, CROSSED, CROSSED, CROSSED | BEFORE_NAME, CROSSED, CROSSED],
];

/// The class of a character, an index into the rows of the table.
fn class(byte: u8) -> usize {
    match byte {
        b' ' | b'\t' | b'\n' | 0x0c | b'\r' => 0,
        b'/' => 1,
        b'>' => 2,
        b'=' => 3,
        b'"' => 4,
        b'\'' => 5,
        _ => OTHER,
    }
}

/// The states behind one more character of that class.
fn after(tags: u16, class: usize) -> u16 {
    let mut left = tags;
    let mut behind = ENDED;
    while left != 0 {
        behind |= TABLE[left.trailing_zeros() as usize][class];
        left &= left - 1;
    }
    behind
}

// The bodies.
const SCRIPT: u8 = 1;
const STYLE: u8 = 2;

/// The tags that may be open.
#[derive(Clone, Default)]
pub(super) struct Tags {
    open: u16,
    /// The last character was `<`.
    less: bool,
    /// The bodies that a tag which may be open begins.
    opens: u8,
    body: u8,
    /// In a script: behind `<!--`, and behind `<script` in that, of which the end ends no body.
    escaped_body: bool,
    double_escaped: bool,
}

impl Tags {
    /// Whether the next character stands in a tag.
    pub(super) fn in_tag(&self) -> bool {
        self.open & !LAPSED != 0
    }

    pub(super) fn in_body(&self) -> bool {
        self.body != 0
    }

    pub(super) fn is_quiet(&self) -> bool {
        !(self.in_tag() || self.less || self.in_body())
    }

    pub(super) fn is_none(&self) -> bool {
        self.open == 0 && !self.less
    }

    /// Whether a run of ordinary characters does what one of them does: see [`run`](Self::run).
    pub(super) fn takes_runs(&self) -> bool {
        !self.less
    }

    /// Read ordinary characters, where [`takes_runs`](Self::takes_runs). No second one changes anything.
    pub(super) fn run(&mut self) {
        self.open = after(self.open, OTHER);
    }

    pub(super) fn has_lapsed(&self) -> bool {
        self.open & LAPSED != 0
    }

    pub(super) fn end_paragraph(&mut self) {
        let lapsed = if self.open & OUTSIDE == 0 { 0 } else { LAPSED };
        if lapsed != 0 {
            self.body |= self.opens; // what the renderer writes behind the paragraph ends the tag
        }
        let crossed = if self.open & DOUBLE == 0 { 0 } else { CROSSED };
        self.open = self.open & !(OUTSIDE | BOGUS | DOUBLE) | lapsed | crossed;
    }

    /// Whether there is one tag, of which a value began between then and now.
    pub(super) fn begins_value(&self, before: u16) -> bool {
        self.open == BEFORE_VALUE || before == BEFORE_VALUE && (self.open == DOUBLE || self.open == SINGLE)
    }

    pub(super) fn ends_value(&self, before: u16) -> bool {
        before & IN_VALUE != 0 && self.open & IN_VALUE == 0
    }

    pub(super) fn states(&self) -> u16 {
        self.open
    }

    pub(super) fn step(&mut self, source: &[u8], at: usize) {
        let byte = source[at];
        if self.open == 0 && self.body == 0 && !self.less {
            self.less = byte == b'<';
            return;
        }
        let class = class(byte);
        let mut open = after(self.open, class);
        if class <= 2 && (self.open != 0 || self.body != 0) {
            self.step_bodies(&source[..at], byte, byte == b'>' && self.open & !QUOTED != 0);
        }
        if self.body & SCRIPT != 0 && byte == b'-' && source[..at].ends_with(b"<!-") {
            self.escaped_body = true;
        }
        if self.less {
            if byte.is_ascii_alphabetic() || byte == b'/' {
                open |= NAME_OF_TAG;
            } else if byte == b'!' || byte == b'?' {
                open |= BOGUS;
            }
        }
        self.less = byte == b'<';
        self.open = open;
        if open == 0 {
            self.opens = 0;
        }
    }

    /// A blank, `/` or `>` came, which may end the name of a tag; `ends`: a tag.
    fn step_bodies(&mut self, behind: &[u8], byte: u8, ends: bool) {
        if let Some((rest, body)) = name(behind)
            && rest.ends_with(b"<")
        {
            self.opens |= body;
            self.double_escaped |= self.escaped_body && body == SCRIPT;
        }
        if byte == b'>' {
            if behind.ends_with(b"--") {
                self.escaped_body = false;
                self.double_escaped = false;
            }
            // In the spelling that Markdown knows as well: what it takes for text leaves the body open.
            let blanks = behind.iter().rev().take(16).take_while(|byte| b" \t".contains(byte)).count();
            if let Some((rest, body)) = name(&behind[..behind.len() - blanks])
                && let Some(rest) = rest.strip_suffix(b"</")
                && rest.last() != Some(&b'\\')
            {
                self.end_body(body);
            }
        }
        if ends {
            self.body |= self.opens;
        }
    }

    fn end_body(&mut self, body: u8) {
        if body == SCRIPT && self.double_escaped {
            self.double_escaped = false;
        } else {
            self.body &= !body;
            self.escaped_body &= body != SCRIPT;
        }
    }
}

/// The body that a name at the end of a text has, and what stands before the name.
fn name(text: &[u8]) -> Option<(&[u8], u8)> {
    let script = strip_suffix(text, b"script").map(|rest| (rest, SCRIPT));
    script.or_else(|| strip_suffix(text, b"style").map(|rest| (rest, STYLE)))
}
