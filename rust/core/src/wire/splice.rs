//! What leaves of an event when its texts were fed: the event with other literals in it, or nothing.
//!
//! A text is *withheld* if it came with something, leaves with nothing and its channel holds something back. What it
//! leaves then is said by its slot: an empty string, no element of its array, or no event. An element goes only if
//! nothing in it says or keeps anything, and an event only if nothing in all of it does.

use std::cmp::Reverse;
use std::ops::Range;

use super::channels::ChannelId;
use super::literal::Literal;
use super::reading::{ROOT, Reading};
use super::shapes::{Emptied, Shapes, SlotId, SlotKind};
use super::strings::write_string;

/// A text of an event, and the channel that takes it.
pub(crate) struct Text {
    /// The number of its mark.
    pub(crate) mark: usize,
    pub(crate) slot: SlotId,
    pub(crate) literal: Literal,
    pub(crate) channel: ChannelId,
    pub(crate) leaves: Leaves,
}

/// What leaves of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Leaves {
    /// It leaves as it came.
    Same,
    /// Something else; where it stands in `written`.
    Other(Range<usize>),
    /// Nothing, and something is held back.
    Withheld,
}

/// The texts of an event.
#[derive(Default)]
pub(crate) struct Splice {
    pub(crate) texts: Vec<Text>,
    /// What leaves of texts that do not leave as they came.
    pub(crate) written: Vec<u8>,
    /// Whether an event leaves although all its text is withheld.
    pub(crate) keeps: bool,
}

/// A span of the data, and what stands there instead: the text of that number, or nothing.
type Change = (usize, usize, Option<usize>);

impl Splice {
    pub(crate) fn begin(&mut self) {
        self.texts.clear();
        self.written.clear();
        self.keeps = false;
    }

    fn says(&self, text: &Text) -> bool {
        match &text.leaves {
            Leaves::Same => true,
            Leaves::Other(written) => !written.is_empty(),
            Leaves::Withheld => false,
        }
    }

    /// Whether the event does not leave.
    pub(crate) fn drops(&self, shapes: &Shapes) -> bool {
        let may_drop =
            |text: &Text| text.leaves == Leaves::Withheld && shapes.slot(text.slot).emptied != Emptied::Text;
        !self.keeps && self.texts.iter().any(may_drop) && !self.texts.iter().any(|text| self.says(text))
    }

    /// Whether elements may go that are nothing but withheld text. Then [`write`](Self::write) asks the reading.
    pub(crate) fn takes_out(&self, shapes: &Shapes) -> bool {
        self.texts.iter().any(|text| is_taken_out(shapes, text))
    }

    /// Append the event to `out`, from `done` on. Its data stands in `bytes` from `data` on. Returns up to where the
    /// event has been written: what stands behind is unchanged.
    pub(crate) fn write(
        &self,
        shapes: &Shapes,
        reading: &Reading,
        bytes: &[u8],
        data: usize,
        mut done: usize,
        out: &mut Vec<u8>,
    ) -> usize {
        let mut changes = Vec::new();
        for (number, text) in self.texts.iter().enumerate() {
            if text.leaves != Leaves::Same {
                changes.push((text.literal.begin, text.literal.end, Some(number)));
            }
        }
        if self.takes_out(shapes) {
            self.take_out_elements(shapes, reading, &mut changes);
        }
        for (begin, end, text) in changes {
            if data + begin < done {
                continue; // inside an element that is gone
            }
            out.extend_from_slice(&bytes[done..data + begin]);
            if let Some(text) = text {
                write_string(self.text(text), out);
            }
            done = data + end;
        }
        done
    }

    fn text(&self, number: usize) -> &[u8] {
        match &self.texts[number].leaves {
            Leaves::Other(written) => &self.written[written.clone()],
            _ => &[],
        }
    }

    /// Take out the elements that are nothing but withheld text. With an element before it that stays, an element goes
    /// from the end of the one before it on, else up to the begin of the one behind it: the comma goes along.
    fn take_out_elements(&self, shapes: &Shapes, reading: &Reading, changes: &mut Vec<Change>) {
        let places = &reading.places;
        let goes = |text: &Text| is_taken_out(shapes, text) && reading.marks[text.mark].place != ROOT;
        if !self.texts.iter().any(goes) {
            return;
        }
        // Elements with something in them.
        let mut stays = vec![false; places.len()];
        let saying = self.texts.iter().filter(|text| self.says(text)).map(|text| text.mark);
        let keeping =
            (0..reading.marks.len()).filter(|&mark| shapes.kind(reading.marks[mark].slot) == SlotKind::Keeps);
        for mark in saying.chain(keeping) {
            let mut place = reading.marks[mark].place;
            while !stays[place] {
                stays[place] = true;
                place = places[place].parent;
            }
        }
        let mut gone = vec![false; places.len()];
        for text in self.texts.iter().filter(|text| goes(text)) {
            let place = reading.marks[text.mark].place;
            gone[place] = !stays[place];
        }
        changes.retain(|&(_, _, text)| {
            text.is_none_or(|text| !gone[reading.marks[self.texts[text].mark].place])
        });
        let mut behind = vec![ROOT; places.len()];
        let mut follows = vec![false; places.len()]; // an element that stays
        for (number, place) in places.iter().enumerate().skip(1) {
            behind[place.before] = number;
            follows[number] = place.before != ROOT && (follows[place.before] || !gone[place.before]);
        }
        for (number, place) in places.iter().enumerate().filter(|&(number, _)| gone[number]) {
            let (begin, end) = match (follows[number], behind[number]) {
                (true, _) => (places[place.before].end, place.end),
                (false, ROOT) => (place.begin, place.end),
                (false, next) => (place.begin, places[next].begin),
            };
            changes.push((begin, end, None));
        }
        changes.sort_unstable_by_key(|&(begin, end, _)| (begin, Reverse(end)));
    }
}

/// Whether a text leaves nothing, not even the element of an array in which it stands.
fn is_taken_out(shapes: &Shapes, text: &Text) -> bool {
    text.leaves == Leaves::Withheld && shapes.slot(text.slot).emptied == Emptied::Element
}
