//! The source of open strings: escapes are undone level by level.

use super::{QUOTE, Reader};
use crate::escapes::meaning;
use crate::json_text::Unit;
use crate::surrogate::{self, CodePoint};

impl Reader<'_> {
    /// A unit of the source of string `k`.
    pub(super) fn lex(&mut self, k: usize, unit: Unit) {
        let string = self.string(k);
        match string.escape.len() {
            0 if unit.code_point == BACKSLASH => string.escape.push(unit),
            0 => {
                self.release_half(k);
                if unit.code_point == QUOTE {
                    self.close(k, unit);
                } else {
                    self.take(k, unit);
                }
            }
            1 if unit.code_point == CodePoint::from('u') => string.escape.push(unit),
            1 => {
                let backslash = string.escape[0];
                string.escape.clear();
                self.release_half(k);
                self.take(k, backslash.and(unit, escaped(unit.code_point)));
            }
            _ if hex_digit(unit.code_point).is_none() => {
                self.release_escape(k);
                self.lex(k, unit);
            }
            length => {
                string.escape.push(unit);
                let digit = hex_digit(unit.code_point);
                if (length == 2 && digit != Some(0xD)) || (length == 3 && digit < Some(0xC)) {
                    self.release_half(k); // this will be no low half: the high one need not wait for it
                }
                if length == 5 {
                    self.take_escaped(k);
                }
            }
        }
    }

    /// The unit that a whole `\uXXXX` spells: half a pair waits for the other half, spelled the same way.
    fn take_escaped(&mut self, k: usize) {
        let string = self.string(k);
        let digits = string.escape[2..].iter().filter_map(|unit| hex_digit(unit.code_point));
        let code_point = CodePoint::from(digits.fold(0, |code, digit| code << 4 | digit));
        let nothing = Unit::new(code_point, 0);
        let mut unit = string.escape.iter().fold(nothing, |whole, &unit| whole.and(unit, code_point));
        string.escape.clear();
        if code_point.is_low_surrogate()
            && let Some(high) = string.half.take()
        {
            unit = high.and(unit, surrogate::join_pair(high.code_point, code_point));
        }
        self.release_half(k);
        if unit.code_point.is_high_surrogate() {
            self.string(k).half = Some(unit);
        } else {
            self.take(k, unit);
        }
    }

    fn close(&mut self, k: usize, quote: Unit) {
        self.release(k + 1);
        self.settle_path(0);
        self.state.strings.truncate(k - 1);
        self.state.top_mut().last = b'"';
        self.cross(quote);
    }

    /// Let go of what waits in string `k` and those inside it. It may start an escape one string further in.
    pub(super) fn release(&mut self, k: usize) {
        for inner in k..=self.state.strings.len() {
            self.release_half(inner);
            self.release_escape(inner);
        }
    }

    fn release_half(&mut self, k: usize) {
        if self.string(k).half.is_some()
            && let Some(half) = self.string(k).half.take()
        {
            self.take(k, half);
        }
    }

    /// An escape that is none: a lone backslash, or the unit `u` spelled `\u` and digits read again.
    fn release_escape(&mut self, k: usize) {
        let escape = std::mem::take(&mut self.string(k).escape);
        if escape.is_empty() {
            return;
        }
        self.release_half(k);
        let [backslash, u, digits @ ..] = &*escape else {
            self.take(k, escape[0]);
            return;
        };
        self.take(k, backslash.and(*u, u.code_point));
        for &digit in digits {
            self.take(k, digit);
        }
    }
}

const BACKSLASH: CodePoint = CodePoint::ascii(b'\\');

/// What a backslash makes of the code point behind it; an escape that JSON does not know means its character.
fn escaped(code_point: CodePoint) -> CodePoint {
    code_point.as_ascii().map_or(code_point, |byte| CodePoint::ascii(meaning(byte)))
}

fn hex_digit(code_point: CodePoint) -> Option<u32> {
    char::from(code_point.as_ascii()?).to_digit(16)
}
