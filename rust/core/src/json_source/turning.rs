//! What a text turns out to be, and which keys count from then on.

use super::{Reader, signed};
use crate::automaton::ROOT;
use crate::json_text::Kind;

impl Reader<'_> {
    /// Whether a quote in the innermost text opens a string, unless a match that is held makes that plain text.
    ///
    /// A text that begins with anything but a bracket is text at once, though its beginning may still be held: a key
    /// can go on with the quote.
    pub(super) fn may_be_border(&self) -> bool {
        let kind = self.kind;
        kind.is_outside() && (self.state.is_opening || !matches!(kind, Kind::Inside | Kind::Auto))
    }

    /// What a unit of an undecided text decides before it is read. Whether it was the end of a fence line.
    #[inline(never)]
    pub(super) fn arrive(&mut self, unit: &[u8], raw: usize) -> bool {
        let top = self.state.top();
        let kind = top.kind;
        if kind >= Kind::One {
            if kind >= Kind::Fence && matches!(unit, b"\r" | b"\n") {
                let next = top.behind_fence();
                self.settle_path(0);
                self.state.top_mut().fenced = true;
                self.turn(next);
                self.pass(unit, false);
                self.begin += signed(raw);
                return true;
            }
            self.turn(top.fence(unit == b"`"));
        } else if !self.state.is_opening
            && let Some(first) = kind.first(unit)
        {
            if kind.opens(first) {
                self.state.is_opening = true;
            } else if first == b'`' && matches!(kind, Kind::Source | Kind::Auto) && !top.fenced {
                self.turn(Kind::One);
            } else {
                self.turn(Kind::Text);
            }
        }
        false
    }

    pub(super) fn turn(&mut self, kind: Kind) {
        self.state.top_mut().kind = kind;
        if self.state.strings.is_empty() && kind <= Kind::Fenced {
            self.ledger.turned(kind.is_document(), self.at);
        }
        self.kind = kind;
        self.state.is_opening = false;
        self.aim();
    }

    /// Read on by the keys that count where the text stands now.
    pub(super) fn aim(&mut self) {
        let automaton = if self.kind.is_outside() { self.inside.outside() } else { self.inside };
        if !std::ptr::eq(automaton, self.automaton) {
            if self.state.walk.node != ROOT {
                self.state.walk.node = automaton.node_of(self.automaton.path(self.state.walk.node));
            }
            self.automaton = automaton;
        }
    }
}
