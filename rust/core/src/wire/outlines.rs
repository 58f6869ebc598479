//! Outlines: an event that is an earlier one with other values in it is not walked again.
//!
//! Most events of a stream are the one before with another text, and perhaps with other numbers and ids. The *outline*
//! of an event is its source, what the walk found in it, and its *scalars*: the strings, numbers and words that the walk
//! passed one by one. An event of the same bytes but for such scalars has the same marks, only that they have moved, if
//! each scalar that differs counts for the same slots as the one before it. A name and what chooses a shape are no such
//! scalars: where one of them differs, the event is walked.
//!
//! The outline knows as well which channels its event fed. They are the same for an event that differs in no address and
//! in no text that came or is missing, as long as nothing is registered or forgotten.
//!
//! Invariant: what is recalled is what a walk would find. Cost: O(bytes), nothing is allocated for an event that is
//! recalled. Kept are two outlines of events that are not large, so that two kinds of events may come in turns.

use super::channels::ChannelId;
use super::json_text::scalar;
use super::literal::{Kind, Literal};
use super::reading::{Mark, Place, Reading, Scalar};
use super::shapes::{NO_NODE, Shapes, SlotKind};
use super::splice::{Leaves, Splice, Text};

/// The most bytes of an event whose outline is kept.
const LARGEST: usize = 2048;
/// The most scalars in which an event may differ.
const MOST_CHANGES: usize = 8;
/// So many outlines are kept.
const KEPT: usize = 2;

/// The outlines of the last events, and what became of the event in hand.
#[derive(Default)]
pub(crate) struct Outlines {
    kept: Vec<Outline>,
    /// The one that was used or made last.
    last: usize,
    /// Nothing but the text of the event in hand differs from that one, as far as channels go.
    is_alike: bool,
    changes: Vec<Change>,
}

#[derive(Default)]
struct Outline {
    source: Vec<u8>,
    scalars: Vec<Scalar>,
    marks: Vec<Mark>,
    addresses: Vec<Mark>,
    places: Vec<Place>,
    /// The marks of the texts that it fed, and to which channels.
    texts: Vec<(usize, ChannelId)>,
    keeps: bool,
    /// The state of the channels in which it fed them.
    version: u64,
}

/// Another scalar that stands where one of the outline stood.
struct Change {
    begin: usize,
    end: usize,
    kind: Kind,
    length: usize,
}

impl Outlines {
    /// Read an event of a stream. False if it is no JSON object. The table is always the same.
    pub(crate) fn read(&mut self, shapes: &Shapes, source: &[u8], reading: &mut Reading) -> bool {
        self.is_alike = false;
        let mut is_recalled = false;
        for turn in 0..self.kept.len() {
            let number = (self.last + turn) % self.kept.len();
            let outline = &self.kept[number];
            let Some(is_alike) = outline.compare(shapes, source, &mut self.changes) else { continue };
            if is_alike {
                outline.recall(&self.changes, reading);
                (self.last, self.is_alike) = (number, true);
                return true;
            }
            if !is_recalled {
                outline.recall(&self.changes, reading);
                outline.recall_scalars(&self.changes, reading);
                is_recalled = true;
            }
        }
        is_recalled || shapes.walk_with(source, reading, true)
    }

    /// Judge the event in hand by the one that it is alike. False if there is none, or if the channels have changed.
    pub(crate) fn judge(&self, version: u64, splice: &mut Splice) -> bool {
        if !self.is_alike || self.kept[self.last].version != version {
            return false;
        }
        let outline = &self.kept[self.last];
        let text = |&(mark, channel)| Text { mark, channel, leaves: Leaves::Same };
        splice.texts.extend(outline.texts.iter().map(text));
        splice.keeps = outline.keeps;
        true
    }

    /// Keep what is known of the event in hand, which was judged to do nothing but feed.
    pub(crate) fn keep(&mut self, source: &[u8], reading: &Reading, version: u64, splice: &Splice) {
        if !self.is_alike {
            if source.len() > LARGEST {
                return;
            }
            if self.kept.len() < KEPT {
                self.kept.reserve_exact(1);
                self.kept.push(Outline::default());
                self.last = self.kept.len() - 1;
            } else {
                self.last = (self.last + 1) % KEPT;
            }
            self.kept[self.last].draw(source, reading);
        }
        let outline = &mut self.kept[self.last];
        outline.texts.clear();
        outline.texts.reserve_exact(splice.texts.len());
        outline.texts.extend(splice.texts.iter().map(|text| (text.mark, text.channel)));
        outline.keeps = splice.keeps;
        outline.version = version;
    }
}

impl Outline {
    fn draw(&mut self, source: &[u8], reading: &Reading) {
        copy(&mut self.source, source);
        copy(&mut self.scalars, &reading.scalars);
        copy(&mut self.marks, &reading.marks);
        copy(&mut self.addresses, &reading.addresses);
        copy(&mut self.places, &reading.places);
    }

    /// The scalars that differ, if nothing else does: then whether those alone differ that lead to no other channel.
    fn compare(&self, shapes: &Shapes, source: &[u8], changes: &mut Vec<Change>) -> Option<bool> {
        changes.clear();
        let mut scalars = self.scalars.iter();
        let mut is_alike = true;
        let (mut here, mut there) = (0, 0);
        loop {
            let same = common(&self.source[here..], &source[there..]);
            (here, there) = (here + same, there + same);
            if here == self.source.len() && there == source.len() {
                return Some(is_alike);
            }
            let Scalar { node, literal } = *scalars.find(|scalar| scalar.literal.reaches(here))?;
            if literal.begin > here || changes.len() == MOST_CHANGES {
                return None;
            }
            let begin = there - (here - literal.begin);
            let (end, kind) = scalar(source, begin)?;
            str::from_utf8(&source[begin..end]).ok()?;
            if node != NO_NODE {
                let other = Literal { kind, begin, end };
                for &(_, meaning) in &shapes.nodes[node as usize].slots {
                    if literal.counts(meaning, &self.source) != other.counts(meaning, source) {
                        return None;
                    }
                    is_alike &= match meaning {
                        SlotKind::Address => false,
                        SlotKind::Latest | SlotKind::Keeps => true,
                        _ => literal.is_vain() == other.is_vain(),
                    };
                }
            }
            changes.push(Change { begin: literal.begin, end: literal.end, kind, length: end - begin });
            (here, there) = (literal.end, end);
        }
    }

    /// What a walk would find in the event that differs in these scalars.
    fn recall(&self, changes: &[Change], reading: &mut Reading) {
        reading.empty();
        reading.marks.extend_from_slice(&self.marks);
        reading.addresses.extend_from_slice(&self.addresses);
        reading.places.extend_from_slice(&self.places);
        let Some(first) = changes.first().map(|change| change.begin) else { return };
        for mark in reading.marks.iter_mut().chain(&mut reading.addresses) {
            if mark.literal.end > first {
                mark.literal = moved(changes, mark.literal);
            }
        }
        for place in reading.places.iter_mut().filter(|place| place.end > first) {
            (place.begin, place.end) = (shifted(changes, place.begin), shifted(changes, place.end));
        }
    }

    /// The scalars of that event.
    fn recall_scalars(&self, changes: &[Change], reading: &mut Reading) {
        let moved = |scalar: &Scalar| Scalar { literal: moved(changes, scalar.literal), ..*scalar };
        reading.scalars.extend(self.scalars.iter().map(moved));
    }
}

/// What stands where a literal of the outline stood: itself, or what differs.
fn moved(changes: &[Change], literal: Literal) -> Literal {
    let change = changes.iter().find(|change| change.begin == literal.begin);
    Literal {
        kind: change.map_or(literal.kind, |change| change.kind),
        begin: shifted(changes, literal.begin),
        end: shifted(changes, literal.end),
    }
}

/// Where something stands that stood there in the outline.
fn shifted(changes: &[Change], at: usize) -> usize {
    let before = changes.iter().take_while(|change| change.end <= at);
    before.fold(at, |at, change| at + change.length - (change.end - change.begin))
}

/// How many bytes two sources begin with that are the same.
fn common(one: &[u8], other: &[u8]) -> usize {
    let mut at = same_chunks::<32>(one, other);
    at += same_chunks::<8>(&one[at..], &other[at..]);
    at + one[at..].iter().zip(&other[at..]).take_while(|(this, that)| this == that).count()
}

fn same_chunks<const N: usize>(one: &[u8], other: &[u8]) -> usize {
    let pairs = one.as_chunks::<N>().0.iter().zip(other.as_chunks::<N>().0);
    N * pairs.take_while(|(these, those)| these == those).count()
}

/// Without room for more: there is one of each for each stream.
fn copy<T: Copy>(to: &mut Vec<T>, from: &[T]) {
    to.clear();
    to.reserve_exact(from.len());
    to.extend_from_slice(from);
}
