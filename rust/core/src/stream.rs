//! `StreamBuffer`: one text stream, restored as it is pushed in.
//!
//! Here are halves of surrogate pairs joined and replaced keys counted. Plain text is walked by `walk.rs`, JSON source by
//! `json_source.rs`; what turns out to be plain text goes on as that.

use std::borrow::Cow;
use std::sync::Arc;

use crate::automaton::{Automaton, ROOT};
use crate::json_source::State;
use crate::ledger::Ledger;
use crate::surrogate;
use crate::walk::{Fed, Walk};

mod counting;

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
    channel: Channel,
    ledger: Ledger,
}

/// What a stream was opened for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Plain,
    Json,
    /// The text tells by its first characters whether it is JSON source.
    Auto,
}

/// What the text is: its units, and the state of the walk over them. There is one for each text that is open, and the
/// edges take no room in here.
enum Channel {
    /// Plain text, or JSON source that turned out to be none.
    Plain(Walk, Edges),
    /// JSON source.
    Json(Box<State>, Edges),
}

/// Where a text begins and where it has come to.
#[derive(Clone, Copy)]
struct Edges {
    mode: Mode,
    /// A trailing high surrogate that waits for its mate.
    high: Option<[u8; 3]>,
}

impl Channel {
    fn new(mode: Mode) -> Self {
        let edges = Edges { mode, high: None };
        match mode {
            Mode::Plain => Self::Plain(Walk::default(), edges),
            Mode::Json | Mode::Auto => Self::Json(Box::new(State::new(mode == Mode::Auto)), edges),
        }
    }

    #[inline]
    fn edges(&self) -> &Edges {
        match self {
            Self::Plain(_, edges) | Self::Json(_, edges) => edges,
        }
    }

    #[inline]
    fn edges_mut(&mut self) -> &mut Edges {
        match self {
            Self::Plain(_, edges) | Self::Json(_, edges) => edges,
        }
    }
}

impl StreamBuffer {
    pub(crate) fn new(automaton: Arc<Automaton>, mode: Mode) -> Self {
        Self { automaton, channel: Channel::new(mode), ledger: Ledger::default() }
    }

    pub(crate) fn automaton(&self) -> Arc<Automaton> {
        Arc::clone(&self.automaton)
    }

    /// Take `text` in and append what may leave to `out`, whose content stays in front. Time is linear in `text`
    /// alone.
    pub fn feed(&mut self, text: &str, out: &mut Vec<u8>) -> Fed {
        if self.high().is_empty() || text.is_empty() {
            return self.advance(text.as_bytes(), out);
        }
        self.release_high(out);
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
        if self.high().is_empty()
            && let Cow::Borrowed(text) = surrogate::join(text)
            && let (text, []) = surrogate::split_trailing_high(text)
        {
            return self.advance(text, out);
        }
        let whole = [self.high(), text].concat();
        let joined = surrogate::join(&whole);
        let (now, high) = surrogate::split_trailing_high(&joined);
        self.channel.edges_mut().high = high.try_into().ok();
        self.advance_written(now, out);
        Fed::Written
    }

    /// End the text: append what was held back to `out` and start over.
    pub fn flush(&mut self, out: &mut Vec<u8>) {
        self.settle(out);
        self.channel = Channel::new(self.channel.edges().mode);
        self.ledger.end_text();
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
        self.release_high(out);
        let ledger = &mut self.ledger;
        ledger.begin(out);
        match &mut self.channel {
            Channel::Plain(walk, _) => walk.settle(&self.automaton, out, ledger),
            Channel::Json(state, _) => state.settle(&self.automaton, out, ledger),
        }
        ledger.end_settled(out);
    }

    /// Whether nothing is pending and a quiet text (see [`Matcher::is_quiet`](crate::Matcher::is_quiet)) would leave as
    /// it came and change nothing.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        self.high().is_empty()
            && self.ledger.is_idle(self.automaton.starts(), !self.is_plain())
            && match &self.channel {
                Channel::Plain(walk, _) => walk.node == ROOT && !self.automaton.has_borders(),
                Channel::Json(state, _) => state.is_at_rest(&self.automaton),
            }
    }

    /// Whether the text is certainly plain.
    pub(crate) fn is_plain(&self) -> bool {
        matches!(self.channel, Channel::Plain(..))
    }

    /// What is held back, as WTF-8: empty, or a proper prefix of a key as it was spelled, behind it at most a lone
    /// high surrogate and, in JSON source, unfinished escapes.
    #[must_use]
    pub fn pending(&self) -> Vec<u8> {
        [self.held(), self.high()].concat()
    }

    /// Whether anything is held back.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        !self.high().is_empty() || !self.held().is_empty()
    }

    fn held(&self) -> &[u8] {
        match &self.channel {
            Channel::Plain(walk, _) => self.automaton.path(walk.node),
            Channel::Json(state, _) => state.held(),
        }
    }

    fn high(&self) -> &[u8] {
        self.channel.edges().high.as_ref().map_or(&[], |high| high)
    }

    /// A half that waits is text without its mate.
    fn release_high(&mut self, out: &mut Vec<u8>) {
        if let Some(high) = self.channel.edges_mut().high.take() {
            self.advance_written(&high, out);
        }
    }

    #[inline]
    fn advance(&mut self, text: &[u8], out: &mut Vec<u8>) -> Fed {
        let ledger = &mut self.ledger;
        ledger.begin(out);
        let fed = match &mut self.channel {
            Channel::Plain(walk, _) => walk.advance(&self.automaton, text, out, ledger),
            Channel::Json(state, edges) => {
                let fed = state.advance(&self.automaton, text, out, ledger);
                if let Some(walk) = state.as_plain() {
                    self.channel = Channel::Plain(walk, *edges);
                }
                fed
            }
        };
        ledger.end(text, fed, out);
        fed
    }

    fn advance_written(&mut self, text: &[u8], out: &mut Vec<u8>) {
        if self.advance(text, out) == Fed::Unchanged {
            out.extend_from_slice(text);
        }
    }
}
