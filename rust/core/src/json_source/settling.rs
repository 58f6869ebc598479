//! The end of a text, or of a part of it: what is held leaves, and the open strings stay open.

use super::{Reader, State, signed};
use crate::automaton::Automaton;
use crate::borders;
use crate::json_text::Text;
use crate::ledger::Ledger;

impl State {
    /// What is held leaves: unfinished escapes as text, then the path is settled. The open strings stay open.
    pub(crate) fn settle(&mut self, automaton: &Automaton, out: &mut Vec<u8>, ledger: &mut Ledger) {
        if !self.strings.iter().any(Text::is_waiting) {
            self.settle_before(automaton, 0, out, ledger);
            return;
        }
        let (length, before) = (out.len(), ledger.now());
        let mut ended = self.clone();
        let units = self.strings.iter().flat_map(|string| string.half.iter().chain(&string.escape));
        let waiting: usize = units.map(|unit| unit.raw()).sum();
        let mut reader = Reader::new(automaton, &mut ended, &[], out, ledger);
        reader.release(1);
        reader.settle_path(0);
        let is_matched = reader.done > -signed(waiting);
        reader.copy(reader.begin);
        if is_matched {
            // A match took part of an unfinished escape, so nothing of that goes on.
            ended.hold_nothing();
            ended.is_cut = false;
            *self = ended;
            return;
        }
        let as_text = out.split_off(length);
        ledger.go_back(&before);
        let mut settled = self.clone();
        settled.settle_before(automaton, 0, out, ledger);
        if out[length..] == as_text {
            *self = settled;
        } else {
            out.truncate(length);
            ledger.go_back(&before);
            self.settle_before(automaton, borders::WORD, out, ledger); // all else that the escape may have begun with
        }
        self.is_cut = true;
        let units =
            self.strings.iter_mut().flat_map(|string| string.half.iter_mut().chain(&mut string.escape));
        for unit in units {
            *unit = unit.cut();
        }
    }

    /// All that is held leaves, the path as it is settled if a unit of these classes is next.
    fn settle_before(
        &mut self,
        automaton: &Automaton,
        following: u8,
        out: &mut Vec<u8>,
        ledger: &mut Ledger,
    ) {
        let mut reader = Reader::new(automaton, self, &[], out, ledger);
        reader.settle_path(following);
        reader.copy(0);
        self.hold_nothing();
    }
}
