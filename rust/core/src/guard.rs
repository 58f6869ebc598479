//! Guards: whether a placeholder of one text may be replaced, and what was kept.
//!
//! A stream that has a guard tells it what leaves and asks it at each match. The answer depends on what the client was
//! sent before, on the channel, the tool and the type of the value, and on nothing else; so it is the same in any
//! cutting, and nothing is held for it. `python/holdback/engine/guard.py` is the twin: what a policy says is read there,
//! and comes here as data.
//!
//! A text channel begins in the place where the last one of the same name stopped. While that one is still open, a value
//! stays if either place keeps it. JSON source is judged string by string; of one that may turn out to be plain text
//! the places of that are followed as well. Of two guards never both are locked at a time.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::wire::places::{AllowedHost, JsonPlaces, Places};

/// Why a placeholder was kept. Of several reasons the first in this order is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Everything in the channel is kept.
    Channel,
    /// The tool gets no values.
    Tool,
    /// Values of that type are kept.
    EntityType,
    /// It stands inside an address.
    Address,
}

impl Reason {
    /// Its name in a report.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Channel => "channel",
            Self::Tool => "tool",
            Self::EntityType => "entity_type",
            Self::Address => "address",
        }
    }
}

/// What a policy says, for one matcher.
pub struct Rules {
    /// The addresses in which values are restored all the same.
    pub hosts: Arc<[AllowedHost]>,
    /// Whether the place in the text matters.
    pub looks_at_places: bool,
    /// For each key, whether its type is kept; empty if no type is.
    pub kept_types: Vec<bool>,
    /// Whether what is kept stays; else it is only counted.
    pub enforces: bool,
}

/// What a text is, as far as its places are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextKind {
    /// Plain text.
    Plain,
    /// JSON source, which may turn out to be none.
    Source,
    /// Shown as it is, and perhaps read as JSON: either keeps.
    Both,
}

/// The decisions for one text. A clone is the same guard.
///
/// ```
/// use std::sync::Arc;
/// use holdback_core::guard::{Guard, Rules, TextKind};
/// use holdback_core::Matcher;
///
/// let rules = Rules { hosts: [].into(), looks_at_places: true, kept_types: vec![], enforces: true };
/// let guard = Guard::new(Arc::new(rules), TextKind::Plain, None);
/// let mut stream = Matcher::new([("<PERSON_1>", "Ada")])?.stream();
/// stream.guard_by(guard.clone());
/// let mut out = Vec::new();
/// let _ = stream.feed("<PERSON_1>: https://evil.example/?q=<PERSON_1>", &mut out);
/// assert_eq!(out, b"Ada: https://evil.example/?q=<PERSON_1>");
/// assert_eq!(guard.take_kept().values().sum::<u64>(), 1);
/// # Ok::<(), holdback_core::PatternError>(())
/// ```
#[derive(Clone)]
pub struct Guard(Arc<Inner>);

struct Inner {
    rules: Arc<Rules>,
    is_open: AtomicBool,
    state: Mutex<State>,
}

struct State {
    by_channel: bool,
    by_tool: bool,
    before: Option<Weak<Inner>>,
    seen: Seen,
}

/// What changes as the text goes on.
#[derive(Clone)]
pub(crate) struct Seen {
    plain: Option<Places>,
    json: Option<JsonPlaces>,
    /// Whether the places of plain text count already.
    is_shown: bool,
    kept: BTreeMap<(Reason, u32), u64>,
}

impl Seen {
    fn keeps(&self, value: &[u8]) -> bool {
        let plain = self.plain.as_ref().filter(|_| self.is_shown);
        plain.is_some_and(|places| places.keeps(value))
            || self.json.as_ref().is_some_and(|places| places.keeps(value))
    }

    fn passed(&mut self, text: &[u8]) {
        if let Some(places) = &mut self.plain {
            places.feed(text);
        }
        if let Some(places) = &mut self.json {
            places.feed(text);
        }
    }
}

impl Guard {
    /// The guard of a text that begins, where `start` is if that is given.
    #[must_use]
    pub fn new(rules: Arc<Rules>, kind: TextKind, start: Option<Places>) -> Self {
        let hosts = || Arc::clone(&rules.hosts);
        let looks = rules.looks_at_places;
        let start = start.filter(|_| kind != TextKind::Source);
        let seen = Seen {
            plain: looks.then(|| start.unwrap_or_else(|| Places::new(hosts()))),
            json: (looks && kind != TextKind::Plain).then(|| JsonPlaces::new(hosts())),
            is_shown: kind != TextKind::Source,
            kept: BTreeMap::new(),
        };
        let state = State { by_channel: false, by_tool: false, before: None, seen };
        Self(Arc::new(Inner { rules, is_open: AtomicBool::new(true), state: Mutex::new(state) }))
    }

    /// Whether it has to be told what leaves.
    pub(crate) fn looks_at_places(&self) -> bool {
        self.0.rules.looks_at_places
    }

    /// What changes as the text goes on, to go back to.
    pub(crate) fn seen(&self) -> Seen {
        self.state().seen.clone()
    }

    pub(crate) fn go_back(&self, seen: &Seen) {
        self.state().seen = seen.clone();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether everything in the channel is kept.
    pub fn keep_channel(&self, keeps: bool) {
        self.state().by_channel = keeps;
    }

    /// Whether the tool gets no values, as far as its name is known.
    pub fn keep_tool(&self, keeps: bool) {
        self.state().by_tool = keeps;
    }

    /// Ask the guard of the text before as well, while that is open.
    pub fn follow(&self, before: &Self) {
        if before.0.is_open.load(Ordering::Acquire) {
            self.state().before = Some(Arc::downgrade(&before.0));
        }
    }

    /// The text is complete.
    pub fn close(&self) {
        self.0.is_open.store(false, Ordering::Release);
    }

    /// The client is sent this.
    pub fn passed(&self, text: &[u8]) {
        if self.0.rules.looks_at_places && !text.is_empty() {
            self.state().seen.passed(text);
        }
    }

    /// Whether the placeholder of this value stays, which comes next.
    pub fn keeps(&self, key: u32, value: &[u8]) -> bool {
        let Inner { rules, .. } = &*self.0;
        let mut state = self.state();
        let mut reason = if state.by_channel {
            Some(Reason::Channel)
        } else if state.by_tool {
            Some(Reason::Tool)
        } else if rules.kept_types.get(key as usize).copied().unwrap_or_default() {
            Some(Reason::EntityType)
        } else if state.seen.keeps(value) {
            Some(Reason::Address)
        } else {
            None
        };
        if reason.is_none()
            && let Some(before) = state.before.take()
            && let Some(before) = before.upgrade().map(Guard)
            && before.0.is_open.load(Ordering::Acquire)
        {
            drop(state);
            let keeps = before.state().seen.keeps(value);
            state = self.state();
            state.before = Some(Arc::downgrade(&before.0));
            reason = keeps.then_some(Reason::Address);
        }
        let Some(reason) = reason else { return false };
        *state.seen.kept.entry((reason, key)).or_default() += 1;
        rules.enforces
    }

    /// The text turned out to be no JSON source, or is none any more.
    pub fn is_plain(&self) {
        let mut state = self.state();
        state.seen.json = None;
        state.seen.is_shown = true;
    }

    /// How often which key was kept, and why, since this was asked last.
    #[must_use]
    pub fn take_kept(&self) -> BTreeMap<(Reason, u32), u64> {
        std::mem::take(&mut self.state().seen.kept)
    }

    /// A copy of the places of a text that is shown as it is; None of another, and where no place matters.
    #[must_use]
    pub fn plain_places(&self) -> Option<Places> {
        let state = self.state();
        state.seen.plain.as_ref().filter(|_| state.seen.is_shown).cloned()
    }
}

/// Without the text: it is part of somebody's answer.
impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").finish_non_exhaustive()
    }
}
