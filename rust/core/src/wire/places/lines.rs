//! Definitions: `[label]:` at the start of a line, until the line ends on which its target stands; and blank lines.

use super::behind::{is_blank, is_newline};

/// A label in brackets at the start of a line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Label {
    None,
    Opened,
    Inside,
    Closed,
    ClosedByEscaped,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Definition {
    None,
    Waits,
    HasTarget,
}

/// The lines of a text.
#[derive(Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the state of machines that are independent of one another"
)]
pub(super) struct Lines {
    /// Nothing but marks, nothing but blanks so far in this line.
    line_start: bool,
    blank_so_far: bool,
    /// An odd number of backslashes stands before; kept in labels and targets.
    escaped: bool,
    label: Label,
    label_is_note: bool,
    definition: Definition,
    /// The target stands in angle brackets.
    pub(super) angle: bool,
    is_note: bool,
}

impl Default for Lines {
    fn default() -> Self {
        Self {
            line_start: true,
            blank_so_far: true,
            escaped: false,
            label: Label::None,
            label_is_note: false,
            definition: Definition::None,
            angle: false,
            is_note: false,
        }
    }
}

impl Lines {
    /// Whether the next character stands in a definition.
    pub(super) fn in_definition(&self) -> bool {
        self.definition != Definition::None
    }

    /// Whether it does, and of the target nothing has come yet.
    pub(super) fn waits(&self) -> bool {
        self.definition == Definition::Waits
    }

    pub(super) fn is_escaped(&self) -> bool {
        self.escaped
    }

    pub(super) fn is_quiet(&self) -> bool {
        !self.line_start && self.label == Label::None && !self.in_definition()
    }

    pub(super) fn pass(&mut self, byte: u8) {
        self.escaped = byte == b'\\' && !self.escaped;
    }

    /// Read a character; whether it ends a paragraph, by a blank line. `pass` follows.
    pub(super) fn step(&mut self, byte: u8, previous: u8) -> bool {
        let label = self.label;
        let mut ends_paragraph = false;
        if is_newline(byte) {
            if byte == b'\r' || previous != b'\r' {
                ends_paragraph = self.blank_so_far;
                self.line_start = true;
                self.blank_so_far = true;
            }
        } else if byte != b' ' && byte != b'\t' {
            self.blank_so_far = false;
            // Before a definition stand the marks of quotes, bullets and numbers.
            if self.line_start && !byte.is_ascii_digit() && !b">-+*.)".contains(&byte) {
                self.line_start = false;
                if byte == b'[' {
                    self.label = Label::Opened;
                }
            }
        }
        if ends_paragraph {
            self.label = Label::None;
            self.definition = Definition::None;
            self.angle = false;
        }
        self.step_definition(byte);
        self.step_label(label, byte);
        ends_paragraph
    }

    fn step_definition(&mut self, byte: u8) {
        match self.definition {
            Definition::None => {}
            Definition::Waits => {
                if !is_blank(byte) {
                    self.definition = Definition::HasTarget;
                    self.angle = byte == b'<';
                }
            }
            Definition::HasTarget => {
                if is_newline(byte) || self.is_note && is_blank(byte) && !self.angle {
                    self.definition = Definition::None;
                    self.angle = false;
                } else if byte == b'>' && !self.escaped {
                    self.angle = false;
                }
            }
        }
    }

    fn step_label(&mut self, label: Label, byte: u8) {
        match label {
            Label::None => return,
            Label::Opened => {
                self.label = Label::Inside;
                self.label_is_note = byte == b'^';
            }
            Label::Inside => {}
            Label::Closed | Label::ClosedByEscaped if byte == b':' => {
                self.label = Label::None;
                self.definition = Definition::Waits;
                self.is_note = self.label_is_note;
                self.angle = false;
                self.line_start = self.is_note; // what stands in a note may be a definition
                return;
            }
            Label::Closed => self.label = Label::None,
            Label::ClosedByEscaped => self.label = Label::Inside,
        }
        if byte == b']' && self.label == Label::Inside {
            self.label = if self.escaped { Label::ClosedByEscaped } else { Label::Closed };
        }
    }
}
