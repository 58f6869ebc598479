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
//! Runs of units that are spelled as they are climb it at once while no escape waits.
//!
//! Invariants. The raw source from `begin` on is held back, in this order: the path of the trie (`spans` has the
//! raw length of each of its units), then an unfinished escape or half pair of each open string, innermost first.
//! Every quote that delimits a string settles the path, so all units of a path stand in the same strings and an
//! original is escaped once for each of them. What a text is (a document or plain) is the affair of `json_text.rs`.
//! Outside strings, and until it is decided, the trie is the one in which numbers are whole (`Automaton::outside`);
//! where the decision changes the trie, what is held is read anew, once. A source that turned out to be plain text goes
//! on as plain text.
//!
//! A tail that is settled in an unfinished escape has left, but the escape goes on: its units count no source any
//! more, and what they spell together with more is a literal, never part of a match.
//!
//! Cost: O(units), with at most eight steps for a unit however deep the strings nest.

use std::borrow::Cow;

use crate::automaton::{Automaton, ROOT};
use crate::json_text::{Kind, Text, Unit};
use crate::ledger::Ledger;
use crate::surrogate::{self, CodePoint};
use crate::walk::{Fed, Walk, across, signed};

mod escapes;
mod settling;
mod spans;
mod turning;
mod writing;

use spans::Spans;

/// Escaping doubles with each level: without a cap, a kilobyte of source could ask for a megabyte.
const MOST_OPEN_STRINGS: usize = 8;

/// The state of a JSON channel between two feeds.
#[derive(Clone)]
pub(crate) struct State {
    walk: Walk,
    /// The raw lengths of the units of the path.
    spans: Spans,
    /// The raw source held back, from `front` on.
    held: Vec<u8>,
    front: usize,
    /// The outermost source.
    source: Text,
    /// The open strings, one in the other.
    strings: Vec<Text>,
    /// The path holds the bracket that may make a document.
    is_opening: bool,
    /// A settled tail ended in an escape that may go on.
    is_cut: bool,
}

impl State {
    /// `auto`: its first characters decide whether it is JSON source at all.
    pub(crate) fn new(auto: bool) -> Self {
        Self {
            walk: Walk::default(),
            spans: Spans::default(),
            held: Vec::new(),
            front: 0,
            source: Text::new(if auto { Kind::Auto } else { Kind::Source }),
            strings: Vec::new(),
            is_opening: false,
            is_cut: false,
        }
    }

    pub(crate) fn held(&self) -> &[u8] {
        &self.held[self.front..]
    }

    fn top(&self) -> &Text {
        self.strings.last().unwrap_or(&self.source)
    }

    fn top_mut(&mut self) -> &mut Text {
        self.strings.last_mut().unwrap_or(&mut self.source)
    }

    /// Nothing is pending, and ordinary characters do not change the state either.
    pub(crate) fn is_at_rest(&self, automaton: &Automaton) -> bool {
        let is_text = self.top().kind == Kind::Text && !automaton.has_borders();
        is_text && !self.is_cut && self.held().is_empty()
    }

    /// Where a walk over plain text would be, if the source turned out to be that.
    pub(crate) fn as_plain(&self) -> Option<Walk> {
        let is_plain = self.strings.is_empty() && self.source.kind == Kind::Text;
        is_plain.then_some(self.walk)
    }

    /// Take source in; what leaves is appended to `out`.
    pub(crate) fn advance(
        &mut self,
        automaton: &Automaton,
        text: &[u8],
        out: &mut Vec<u8>,
        ledger: &mut Ledger,
    ) -> Fed {
        let held_before = signed(self.held().len());
        let mut reader = Reader::new(automaton, self, text, out, ledger);
        reader.run();
        let Reader { begin, done, .. } = reader;
        if held_before == 0 && done == 0 && begin == signed(text.len()) {
            // No match (one would have moved `done`) and nothing held, before or after.
            return Fed::Unchanged;
        }
        reader.copy(begin);
        self.hold(text, begin);
        Fed::Written
    }

    fn hold_nothing(&mut self) {
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
struct Reader<'a> {
    /// The keys in plain text and inside strings.
    inside: &'a Automaton,
    /// The keys that count where the text stands now: the path is in these.
    automaton: &'a Automaton,
    /// What the innermost text is.
    kind: Kind,
    /// The unit before a key counts.
    minds: bool,
    state: &'a mut State,
    text: &'a [u8],
    out: &'a mut Vec<u8>,
    ledger: &'a mut Ledger,
    /// Where the unit stands that is read.
    at: usize,
    /// Where the source held back begins.
    begin: isize,
    /// Up to where everything has been written.
    done: isize,
}

impl<'a> Reader<'a> {
    fn new(
        inside: &'a Automaton,
        state: &'a mut State,
        text: &'a [u8],
        out: &'a mut Vec<u8>,
        ledger: &'a mut Ledger,
    ) -> Self {
        let kind = state.top().kind;
        let automaton = if kind.is_outside() { inside.outside() } else { inside };
        let begin = -signed(state.held().len());
        Self {
            inside,
            automaton,
            minds: inside.may_need_borders(),
            kind,
            state,
            text,
            out,
            ledger,
            at: 0,
            begin,
            done: begin,
        }
    }

    fn run(&mut self) {
        let text = self.text;
        let mut at = 0;
        while at < text.len() {
            self.at = at;
            if self.begin == signed(at) && self.kind <= Kind::Inside && !self.state.is_cut {
                let run = self.inside.starts().find_json(&text[at..]).unwrap_or(text.len() - at);
                if run > 0 {
                    self.pass(&text[at..at + run], false);
                    self.begin += signed(run);
                    at += run;
                    continue;
                }
            }
            if !matches!(text[at], b'"' | b'\\') && !self.is_waiting() {
                let ends = memchr::memchr2(b'"', b'\\', &text[at..]).unwrap_or(text.len() - at);
                self.read_run(&text[at..at + ends]);
                at += ends;
                continue;
            }
            let (code_point, raw) = surrogate::first(&text[at..]);
            at += raw;
            self.take(0, Unit::new(code_point, raw));
            if self.state.is_cut {
                self.state.is_cut = self.is_waiting();
            }
        }
    }

    /// Whether units of an unfinished escape or pair wait in any string.
    fn is_waiting(&self) -> bool {
        self.state.strings.iter().any(Text::is_waiting)
    }

    fn string(&mut self, k: usize) -> &mut Text {
        &mut self.state.strings[k - 1]
    }

    // ------------------------------------------------------------ units through the open strings

    /// A unit of the text of string `k`, of the outermost source for 0.
    fn take(&mut self, k: usize, unit: Unit) {
        if k < self.state.strings.len() {
            self.lex(k + 1, unit);
            return;
        }
        if unit.code_point == QUOTE && self.may_be_border() {
            self.settle_path(0);
            if matches!(self.kind, Kind::Source | Kind::Curly | Kind::Square) {
                let kind = self.state.top().document();
                self.turn(kind);
            }
            if self.kind.is_document() {
                let kind = if k + 1 < MOST_OPEN_STRINGS { Kind::Inside } else { Kind::Text };
                if k == 0 {
                    self.state.strings.reserve_exact(1); // most sources nest no deeper
                }
                self.state.strings.push(Text::new(kind));
                self.cross(unit);
                return;
            }
        }
        self.read_unit(unit);
    }

    /// The border of a string, with nothing held.
    fn cross(&mut self, quote: Unit) {
        self.begin += signed(quote.raw());
        self.state.walk.before = 0;
        self.state.is_opening = false;
        self.kind = self.state.top().kind;
        self.aim();
    }

    // ------------------------------------------------------------ the trie

    /// Units of the innermost text that are spelled as they are.
    fn read_run(&mut self, run: &[u8]) {
        let begin = self.at;
        let mut at = 0;
        while at < run.len() {
            self.at = begin + at;
            let length = surrogate::first(&run[at..]).1;
            let unit = &run[at..at + length];
            if self.kind < Kind::Inside || !self.arrive(unit, length) {
                if self.kind <= Kind::Document {
                    self.walk(&run[at..], run.len() - at);
                    return;
                }
                self.walk(unit, length);
            }
            at += length;
        }
    }

    fn read_unit(&mut self, unit: Unit) {
        let (bytes, length) = unit.code_point.encode();
        let bytes = &bytes[..length];
        if unit.is_cut() {
            self.pass(bytes, false); // nothing is held before it
            self.begin += signed(unit.raw());
        } else {
            self.read(bytes, unit.raw());
        }
    }

    /// A unit of the innermost text.
    fn read(&mut self, unit: &[u8], raw: usize) {
        if self.kind >= Kind::Inside && self.arrive(unit, raw) {
            return;
        }
        if self.state.walk.node != ROOT || self.automaton.may_begin(unit[0]) {
            self.walk(unit, raw);
        } else {
            self.pass(unit, false);
            self.begin += signed(raw);
        }
    }

    /// Units of this raw length, one or a run of such that are spelled as they are, go through the trie.
    fn walk(&mut self, units: &[u8], raw: usize) {
        let path = self.automaton.path(self.state.walk.node);
        self.state.spans.append(units.len(), raw);
        let mut matches = Vec::new();
        let end = self.state.walk.pass(self.automaton, units, &mut matches);
        self.settle_units(path, units, &matches, end);
    }

    /// No unit comes any more, or one of these classes: the path leaves.
    fn settle_path(&mut self, following: u8) {
        while self.state.walk.node != ROOT {
            let path = self.automaton.path(self.state.walk.node);
            let mut matches = Vec::new();
            let begin = -signed(path.len());
            let end = self.state.walk.fall_to_root(self.automaton, begin, following, &mut matches);
            self.state.walk.node = ROOT;
            self.settle_units(path, &[], &matches, end);
        }
    }

    /// Of the path and the units that came behind it everything up to `end` leaves, the keys replaced.
    fn settle_units(&mut self, path: &[u8], units: &[u8], matches: &[(isize, u32)], end: isize) {
        if matches.is_empty() && end == -signed(path.len()) {
            return;
        }
        if self.kind.is_undecided() {
            self.settle_undecided(path, units, matches, end);
            return;
        }
        let mut done = -signed(path.len());
        for &(begin, key) in matches {
            across(path, units, (done, begin), |literals| self.pass_units(literals));
            self.put(key);
            done = begin + signed(self.automaton.key(key).len());
        }
        across(path, units, (done, end), |literals| self.pass_units(literals));
    }

    /// The same one by one: once it is decided what the text is, the rest is read anew as that.
    #[inline(never)]
    fn settle_undecided(&mut self, path: &[u8], units: &[u8], matches: &[(isize, u32)], end: isize) {
        let (kind, node) = (self.kind, self.state.walk.node);
        self.state.walk.node = ROOT;
        let all = if path.is_empty() { Cow::Borrowed(units) } else { Cow::Owned([path, units].concat()) };
        let (mut rest, mut at) = (&*all, -signed(path.len()));
        let ends = matches.iter().map(|&(begin, key)| (begin, Some(key))).chain([(end, None)]);
        for (begin, key) in ends {
            while at < begin && self.kind == kind {
                let (unit, others) = rest.split_at(surrogate::first(rest).1);
                self.pass_units(unit);
                (rest, at) = (others, at + signed(unit.len()));
            }
            if self.kind == kind
                && let Some(key) = key
            {
                self.put(key);
                let length = self.automaton.key(key).len();
                (rest, at) = (&rest[length..], at + signed(length));
            }
        }
        if self.kind == kind {
            self.state.walk.node = node;
            return;
        }
        while !rest.is_empty() {
            let (unit, others) = rest.split_at(surrogate::first(rest).1);
            let raw = self.state.spans.take(unit.len());
            self.read(unit, raw);
            rest = others;
        }
    }
}

const QUOTE: CodePoint = CodePoint::ascii(b'"');
