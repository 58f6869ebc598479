//! What is settled leaves: literals in their own spelling, originals in that of the place where they land.

use std::borrow::Cow;

use super::{Reader, across, signed};
use crate::borders;
use crate::json_text::{Kind, escape, escape_of, is_blank, is_scalar};

impl Reader<'_> {
    /// Literal units from the front of the path.
    pub(super) fn pass_units(&mut self, text: &[u8]) {
        if !text.is_empty() {
            self.pass(text, false);
            self.begin += signed(self.state.spans.take(text.len()));
        }
    }

    /// The key at the front of the path is replaced.
    pub(super) fn put(&mut self, key: u32) {
        self.out.reserve(self.text.len() - self.done.max(0).unsigned_abs());
        self.copy(self.begin);
        let (text, original) = (self.automaton.key(key), self.automaton.original(key));
        let is_replaced = self.ledger.replaces(key, self.begin, original, self.out);
        if is_replaced {
            self.land(key);
        }
        self.begin += signed(self.state.spans.take(text.len()));
        if is_replaced {
            self.done = self.begin;
        } else {
            self.copy(self.begin);
        }
        self.pass(text, true);
    }

    /// Copy the source up to `end`.
    pub(super) fn copy(&mut self, end: isize) {
        across(self.state.held(), self.text, (self.done, end), |source| self.out.extend_from_slice(source));
        self.done = end;
    }

    // ------------------------------------------------------------ where it stands

    /// Units that are settled, literal or matched: they decide what they stand in, once.
    pub(super) fn pass(&mut self, text: &[u8], matched: bool) {
        if self.minds {
            self.state.walk.before = borders::of_last(text);
        }
        let kind = self.kind;
        if kind == Kind::Text || kind > Kind::Square {
            return;
        }
        if kind.waits() {
            let Some(first) = kind.first(text) else { return };
            let is_opened = !matched && kind.opens(first);
            let next = if is_opened { self.state.top().opened(first) } else { Kind::Text };
            self.turn(next);
        }
        let top = self.state.top_mut();
        if top.kind.is_document() {
            if let Some(&last) = text.iter().rfind(|&&byte| !is_blank(byte)) {
                top.last = last;
            }
            if top.fenced
                && !matched
                && let Some(ends) = memchr::memchr(b'`', text)
            {
                self.at += ends;
                self.turn(Kind::Text);
            }
        }
    }

    /// Write the original as it must be spelled where the match stands.
    fn land(&mut self, key: u32) {
        let (placeholder, original) = (self.automaton.key(key), self.automaton.original(key));
        let level = self.state.strings.len();
        let top = self.state.top();
        // Outside strings of a document, where a value may stand. In a nested one only a number is surely a value.
        let may_be_value = top.kind.is_document()
            && matches!(top.last, b'{' | b'[' | b',' | b':')
            && (level == 0 || borders::is_number(placeholder));
        let mut spelled = Cow::Borrowed(original);
        if may_be_value && !(is_scalar(placeholder) && is_scalar(original)) {
            let inside = escape(spelled, escape_of);
            spelled = Cow::Owned([&b"\""[..], &inside, b"\""].concat());
        }
        for _ in 0..level {
            spelled = escape(spelled, escape_of);
        }
        self.out.extend_from_slice(&spelled);
    }
}
