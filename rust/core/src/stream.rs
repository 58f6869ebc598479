//! `StreamBuffer`: one text stream, restored as it is pushed in.
//!
//! The state is a trie node: the text held back is the path to it, and the trie knows that text. Positions
//! inside one `feed` are relative to what came, so the held path begins at `-depth`. Literals are copied in
//! slices between the matches; a text without any is not copied at all. The cost of a feed does not depend on
//! how much is held back.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::automaton::{Automaton, ROOT};
use crate::forms::Unknown;
use crate::json_source::State;
use crate::{borders, surrogate};

mod counting;
mod writer;

use writer::Writer;

/// What a [`StreamBuffer::feed`] did with its text.
///
/// ```
/// use holdback_core::{Fed, Matcher};
///
/// let mut stream = Matcher::new([("<PERSON_1>", "Ada")])?.stream();
/// let mut out = Vec::new();
/// assert_eq!(stream.feed("Hi ", &mut out), Fed::Unchanged);
/// assert_eq!(stream.feed("<PERSON_1>", &mut out), Fed::Written);
/// assert_eq!(out, b"Ada"); // "Hi " was the caller's to send on
/// # Ok::<(), holdback_core::PatternError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Fed {
    /// The text leaves as it came: nothing was written to `out`.
    Unchanged,
    /// What may leave was appended to `out`.
    Written,
}

/// One stream over a [`Matcher`](crate::Matcher): push text in, get back what may leave.
///
/// Nothing is lost: after [`flush`](Self::flush), everything that was not a key has come out verbatim.
///
/// ```
/// use holdback_core::{Fed, Matcher};
///
/// let matcher = Matcher::new([("<PERSON_1>", "Ada")])?;
/// let mut stream = matcher.stream();
/// let mut out = Vec::new();
/// assert_eq!(stream.feed("Hi <PERS", &mut out), Fed::Written);
/// assert_eq!((out.as_slice(), stream.pending().as_slice()), (&b"Hi "[..], &b"<PERS"[..]));
/// stream.flush(&mut out);
/// assert_eq!(out, b"Hi <PERS");
/// assert!(stream.is_at_rest());
/// assert_eq!(stream.feed("bye", &mut out), Fed::Unchanged);
/// # Ok::<(), holdback_core::PatternError>(())
/// ```
pub struct StreamBuffer {
    automaton: Arc<Automaton>,
    mode: Mode,
    channel: Channel,
    /// A trailing high surrogate that waits for its mate: three bytes, or none.
    high: Vec<u8>,
    /// The keys that were replaced since they were counted last.
    hits: Vec<u32>,
    counts: BTreeMap<u32, u64>,
    /// Counts what looks like a key and is none, if somebody asked.
    unknown: Option<Box<Unknown>>,
}

/// So many replaced keys are counted at once.
const MOST_HITS: usize = 1024;

/// What a stream was opened for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Plain,
    Json,
    /// The text tells by its first characters whether it is JSON source.
    Auto,
}

/// What the text is: its units, and the state of the walk over them.
enum Channel {
    /// Plain text, or JSON source that turned out to be none.
    Plain(Walk),
    /// JSON source.
    Json(Box<State>),
}

impl Channel {
    fn new(mode: Mode) -> Self {
        match mode {
            Mode::Plain => Self::Plain(Walk::default()),
            Mode::Json | Mode::Auto => Self::Json(Box::new(State::new(mode == Mode::Auto))),
        }
    }
}

/// A node of the trie, and the classes of the unit before its path, which count only where keys need borders.
#[derive(Clone, Copy, Default)]
pub(crate) struct Walk {
    pub(crate) node: u32,
    pub(crate) before: u8,
}

impl StreamBuffer {
    pub(crate) fn new(automaton: Arc<Automaton>, mode: Mode) -> Self {
        Self {
            automaton,
            mode,
            channel: Channel::new(mode),
            high: Vec::new(),
            hits: Vec::new(),
            counts: BTreeMap::new(),
            unknown: None,
        }
    }

    pub(crate) fn automaton(&self) -> Arc<Automaton> {
        Arc::clone(&self.automaton)
    }

    /// Take `text` in and append what may leave to `out`, whose content stays in front. Time is linear in `text`
    /// alone.
    pub fn feed(&mut self, text: &str, out: &mut Vec<u8>) -> Fed {
        if self.high.is_empty() || text.is_empty() {
            return self.advance(text.as_bytes(), out);
        }
        let high = std::mem::take(&mut self.high);
        self.advance_written(&high, out);
        self.advance_written(text.as_bytes(), out);
        Fed::Written
    }

    /// [`feed`](Self::feed) for text with lone surrogates: WTF-8. Any other bytes are taken as they are.
    ///
    /// A high surrogate at the end waits for its mate, with which it is one character:
    ///
    /// ```
    /// # let matcher = holdback_core::Matcher::new([("😀", "Ada")])?;
    /// let mut stream = matcher.stream();
    /// let mut out = Vec::new();
    /// let _ = stream.feed_wtf8(b"\xED\xA0\xBD", &mut out);
    /// assert_eq!(stream.pending(), b"\xED\xA0\xBD");
    /// let _ = stream.feed_wtf8(b"\xED\xB8\x80", &mut out);
    /// assert_eq!(out, b"Ada");
    /// # Ok::<(), holdback_core::PatternError>(())
    /// ```
    pub fn feed_wtf8(&mut self, text: &[u8], out: &mut Vec<u8>) -> Fed {
        if text.is_empty() {
            return Fed::Unchanged;
        }
        if self.high.is_empty()
            && let Cow::Borrowed(text) = surrogate::join(text)
            && let (text, []) = surrogate::split_trailing_high(text)
        {
            return self.advance(text, out);
        }
        let mut whole = std::mem::take(&mut self.high);
        whole.extend_from_slice(text);
        let joined = surrogate::join(&whole);
        let (now, high) = surrogate::split_trailing_high(&joined);
        self.high = high.to_vec();
        self.advance_written(now, out);
        Fed::Written
    }

    /// End the text: append what was held back to `out` and start over.
    pub fn flush(&mut self, out: &mut Vec<u8>) {
        self.settle(out);
        self.channel = Channel::new(self.mode);
        if let Some(unknown) = &mut self.unknown {
            unknown.end();
        }
    }

    /// Append what was held back to `out`, as at the end, and stay where the text is: a JSON document goes on in the
    /// strings that are open. So [`flush`](Self::flush) is this, and then a new start.
    ///
    /// ```
    /// # use holdback_core::Matcher;
    /// let mut stream = Matcher::new([("<P>", "Ada \"A\"")])?.stream_json();
    /// let mut out = Vec::new();
    /// let _ = stream.feed(r#"{"to":"<"#, &mut out);
    /// stream.settle(&mut out);
    /// let _ = stream.feed(r#"<P>"}"#, &mut out);
    /// assert_eq!(out, br#"{"to":"<Ada \"A\""}"#);
    /// # Ok::<(), holdback_core::PatternError>(())
    /// ```
    pub fn settle(&mut self, out: &mut Vec<u8>) {
        let high = std::mem::take(&mut self.high);
        self.advance_written(&high, out);
        match &mut self.channel {
            Channel::Plain(walk) => settle(&self.automaton, walk, out, &mut self.hits),
            Channel::Json(state) => state.settle(&self.automaton, out, &mut self.hits),
        }
    }

    /// Whether nothing is pending and a quiet text (see [`Matcher::is_quiet`](crate::Matcher::is_quiet)) would leave as
    /// it came and change nothing.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        self.high.is_empty()
            && self.unknown.as_ref().is_none_or(|unknown| unknown.is_idle())
            && match &self.channel {
                Channel::Plain(walk) => walk.node == ROOT && !self.automaton.has_borders(),
                Channel::Json(state) => state.is_at_rest(&self.automaton),
            }
    }

    /// Whether the text is certainly plain.
    pub(crate) fn is_plain(&self) -> bool {
        matches!(self.channel, Channel::Plain(_))
    }

    /// What is held back, as WTF-8: empty, or a proper prefix of a key as it was spelled, behind it at most a lone
    /// high surrogate and, in JSON source, unfinished escapes.
    #[must_use]
    pub fn pending(&self) -> Vec<u8> {
        [self.held(), &self.high].concat()
    }

    /// Whether anything is held back.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        !(self.high.is_empty() && self.held().is_empty())
    }

    fn held(&self) -> &[u8] {
        match &self.channel {
            Channel::Plain(walk) => self.automaton.path(walk.node),
            Channel::Json(state) => state.held(),
        }
    }

    #[inline]
    fn advance(&mut self, text: &[u8], out: &mut Vec<u8>) -> Fed {
        if self.hits.len() >= MOST_HITS {
            self.count();
        }
        if let Some(unknown) = &mut self.unknown {
            unknown.feed(text);
        }
        let hits = &mut self.hits;
        match &mut self.channel {
            Channel::Plain(walk) if self.automaton.has_borders() => {
                advance_with_borders(&self.automaton, walk, text, out, hits)
            }
            Channel::Plain(walk) => advance(&self.automaton, &mut walk.node, text, out, hits),
            Channel::Json(state) => {
                let fed = state.advance(&self.automaton, text, out, hits);
                if let Some(walk) = state.as_plain() {
                    self.channel = Channel::Plain(walk);
                }
                fed
            }
        }
    }

    fn advance_written(&mut self, text: &[u8], out: &mut Vec<u8>) {
        if self.advance(text, out) == Fed::Unchanged {
            out.extend_from_slice(text);
        }
    }
}

/// Move from `node` over `text`; what leaves is appended to `out`.
fn advance(
    automaton: &Automaton,
    node: &mut u32,
    text: &[u8],
    out: &mut Vec<u8>,
    hits: &mut Vec<u32>,
) -> Fed {
    let held = automaton.path(*node);
    let mut begin = -signed(held.len());
    let mut writer = Writer { automaton, held, text, done: begin, out, hits };
    let mut at = 0;
    loop {
        if *node == ROOT {
            let Some(skipped) = automaton.starts().find(&text[at..]) else {
                begin = signed(text.len());
                break;
            };
            at += skipped;
            begin = signed(at);
        } else if at == text.len() {
            break;
        }
        let Some(child) = automaton.child(*node, text[at]) else {
            (*node, begin) = writer.fall(*node, begin, 0);
            continue;
        };
        at += 1;
        if let Some(key) = automaton.leaf(child) {
            writer.put(key, begin);
            (*node, begin) = (ROOT, signed(at));
        } else {
            *node = child;
        }
    }
    if held.is_empty() && writer.done == 0 && begin == signed(text.len()) {
        // No match (one would have moved `done`) and nothing held, before or after.
        return Fed::Unchanged;
    }
    writer.copy(begin);
    Fed::Written
}

/// The same where keys need borders: character by character, since the one behind a key may change what leaves.
fn advance_with_borders(
    automaton: &Automaton,
    walk: &mut Walk,
    text: &[u8],
    out: &mut Vec<u8>,
    hits: &mut Vec<u32>,
) -> Fed {
    let Walk { mut node, mut before } = *walk;
    let held = automaton.path(node);
    if node != ROOT {
        before = borders::of_last(held); // the unit before `text`
    }
    let mut begin = -signed(held.len());
    let mut writer = Writer { automaton, held, text, done: begin, out, hits };
    let mut at = 0;
    loop {
        let child = if node == ROOT {
            let Some(skipped) = automaton.starts().find(&text[at..]) else {
                begin = signed(text.len());
                break;
            };
            at += skipped;
            begin = signed(at);
            let unit = &text[at..at + surrogate::first(&text[at..]).1];
            let before = if at == 0 { before } else { borders::of_last(&text[..at]) };
            let Some(child) = automaton.start(unit, before) else {
                at += unit.len();
                begin = signed(at);
                continue;
            };
            at += unit.len();
            child
        } else if at == text.len() {
            break;
        } else {
            let (code_point, length) = surrogate::first(&text[at..]);
            let Some(child) = automaton.step(node, &text[at..at + length]) else {
                (node, begin) = writer.fall(node, begin, borders::classes(code_point));
                continue;
            };
            at += length;
            child
        };
        if let Some(key) = automaton.leaf(child) {
            writer.put(key, begin);
            (node, begin) = (ROOT, signed(at));
        } else {
            node = child;
        }
    }
    *walk = Walk { node, before: if text.is_empty() { before } else { borders::of_last(text) } };
    if held.is_empty() && writer.done == 0 && begin == signed(text.len()) {
        return Fed::Unchanged;
    }
    writer.copy(begin);
    Fed::Written
}

/// What is held leaves: settle the path down to the root.
fn settle(automaton: &Automaton, walk: &mut Walk, out: &mut Vec<u8>, hits: &mut Vec<u32>) {
    let mut node = walk.node;
    let held = automaton.path(node);
    if !held.is_empty() {
        *walk = Walk { node: ROOT, before: borders::of_last(held) };
    }
    let mut begin = -signed(held.len());
    let mut writer = Writer { automaton, held, text: &[], done: begin, out, hits };
    while node != ROOT {
        (node, begin) = writer.fall(node, begin, 0);
    }
    writer.copy(begin);
}

fn signed(position: usize) -> isize {
    position.cast_signed()
}
