//! What is found in one text.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::{Forms, Found};
use crate::escapes::Escape;

/// One text, in which texts of the forms are counted that are no keys, by the numbers of their names.
pub(crate) struct Unknown {
    forms: Arc<Forms>,
    begins_as_json: bool,
    is_json: bool,
    /// From where on the text that comes next is JSON, or is not.
    turns: Vec<(usize, bool)>,
    /// Where the keys begin that were found in the text that comes next, and which these are.
    known: Vec<(isize, u32)>,
    /// What may become a text of a form.
    held: Vec<u8>,
    /// The byte before that, 0 at the beginning.
    before: u8,
    escape: Escape,
    counts: BTreeMap<u32, u64>,
}

impl Unknown {
    /// A text that begins: plain, or JSON source.
    pub(crate) fn new(forms: Arc<Forms>, is_json: bool) -> Self {
        Self {
            forms,
            begins_as_json: is_json,
            is_json,
            turns: Vec::new(),
            known: Vec::new(),
            held: Vec::new(),
            before: 0,
            escape: Escape::default(),
            counts: BTreeMap::new(),
        }
    }

    /// Whether text without a first character of a key, or in JSON a backslash, would change nothing.
    pub(crate) fn is_idle(&self) -> bool {
        self.held.is_empty() && !self.escape.is_open() && !self.forms.has_bare
    }

    /// The text that comes next has this key at `begin`, behind those that were told before. Within a key the text may
    /// turn out to be plain: of such a key no use is made.
    pub(crate) fn knows(&mut self, key: u32, begin: isize) {
        self.known.push((begin, key));
    }

    /// The text that comes next is a JSON document from `at` on, or is none.
    pub(crate) fn turned(&mut self, is_json: bool, at: usize) {
        self.turns.push((at, is_json));
    }

    /// Forget what was said of the text that comes next.
    pub(crate) fn go_back(&mut self) {
        self.turns.clear();
        self.known.clear();
    }

    /// Move over text that came, UTF-8 or WTF-8.
    #[inline]
    pub(crate) fn feed(&mut self, text: &[u8]) {
        if self.turns.is_empty() {
            self.read(text);
        } else {
            let mut done = 0;
            for (at, is_json) in std::mem::take(&mut self.turns) {
                self.read(&text[done..at]);
                self.known.iter_mut().for_each(|(begin, _)| *begin -= (at - done).cast_signed());
                self.is_json = is_json;
                self.escape.clear();
                done = at;
            }
            self.read(&text[done..]);
        }
        self.known.clear();
    }

    /// The text is over; another one may begin.
    pub(crate) fn end(&mut self) {
        self.scan(b"", true);
        self.held.clear();
        self.escape.clear();
        self.is_json = self.begins_as_json;
        self.before = 0;
    }

    /// What was counted since this was asked last.
    pub(crate) fn take_counts(&mut self) -> BTreeMap<u32, u64> {
        std::mem::take(&mut self.counts)
    }

    #[inline]
    fn read(&mut self, text: &[u8]) {
        if self.is_json && (self.escape.is_open() || memchr::memchr(b'\\', text).is_some()) {
            let decoded = self.decoded(text);
            self.known.clear();
            self.look_through(&decoded);
        } else {
            self.look_through(text);
        }
    }

    #[inline]
    fn look_through(&mut self, text: &[u8]) {
        if !self.held.is_empty() || self.forms.firsts.find(text).is_some() {
            self.scan(text, false);
        } else if let Some(&last) = text.last() {
            self.before = last;
        }
    }

    fn scan(&mut self, text: &[u8], is_over: bool) {
        let mut held = std::mem::take(&mut self.held);
        if held.is_empty() {
            let done = self.count(text, 0, is_over);
            held.extend_from_slice(&text[done..]);
        } else {
            let begin = held.len();
            held.extend_from_slice(text);
            let done = self.count(&held, begin, is_over);
            held.drain(..done);
        }
        self.held = held;
    }

    /// Count in what is held and came, which begins at `begin`; returns up to where it is decided.
    fn count(&mut self, source: &[u8], begin: usize, is_over: bool) -> usize {
        let Self { forms, known, counts, .. } = self;
        // In JSON source what is held may have been spelled longer.
        let first = if self.is_json { begin } else { 0 };
        let mut known = known.iter().filter_map(|&(at, key)| {
            let at = begin.checked_add_signed(at).filter(|&at| at >= first)?;
            Some((at, *forms.whole.get(key as usize)?))
        });
        let mut next = known.next();
        let mut at = 0;
        loop {
            let Some(found) = forms.firsts.find(&source[at..]) else {
                at = source.len();
                break;
            };
            at += found;
            while next.is_some_and(|(place, _)| place < at) {
                next = known.next();
            }
            if let Some((place, length)) = next
                && place == at
                && (1..=source.len() - at).contains(&length)
            {
                at += length;
                continue;
            }
            let before = if at == 0 { self.before } else { source[at - 1] };
            match forms.token(source, at, before, is_over) {
                Found::Undecided => break,
                Found::Nothing => at += 1,
                Found::Token { length, name } => {
                    if let Some(name) = name {
                        *counts.entry(name).or_default() += 1;
                    }
                    at += length;
                }
            }
        }
        if at > 0 {
            self.before = source[at - 1];
        }
        at
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
