//! What a walk found: marks, addresses, and the elements of arrays around them.

use std::borrow::Cow;

use super::literal::{Kind, Literal};
use super::shapes::{NodeId, ObjectId, SlotId};

/// The place that is in no array.
pub(crate) const ROOT: usize = 0;

/// A value that means something.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    /// What it means.
    pub slot: SlotId,
    pub(crate) place: usize,
    /// What it is, and where it stands in the source.
    pub literal: Literal,
}

impl Mark {
    /// The text of a string, as WTF-8; None of anything else. `source` is what was walked.
    #[must_use]
    pub fn text<'a>(&self, source: &'a [u8]) -> Option<Cow<'a, [u8]>> {
        match self.literal.kind {
            Kind::Plain => Some(Cow::Borrowed(&source[self.literal.begin + 1..self.literal.end - 1])),
            Kind::Escaped => {
                let mut decoded = Vec::new();
                self.literal.text(source, &mut decoded);
                Some(Cow::Owned(decoded))
            }
            _ => None,
        }
    }
}

/// An element of an array that the shape names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) parent: usize,
    pub(crate) index: usize,
    /// How many arrays it is in.
    pub(crate) depth: usize,
    pub(crate) begin: usize,
    pub(crate) end: usize,
    /// The element before it in the same array; [`ROOT`] if there is none.
    pub(crate) before: usize,
}

impl Place {
    pub(crate) fn of([parent, index, depth, begin, end, before]: [usize; 6]) -> Self {
        Self { parent, index, depth, begin, end, before }
    }

    pub(crate) fn numbers(self) -> [usize; 6] {
        [self.parent, self.index, self.depth, self.begin, self.end, self.before]
    }
}

/// A string, number or word of the shape, or right below it, that chooses no shape.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scalar {
    /// What it means; [`NO_NODE`](super::shapes::NO_NODE) if that is nothing.
    pub(crate) node: NodeId,
    pub(crate) literal: Literal,
}

/// What a walk found. It may be used again for the next one.
#[derive(Debug, Default, Clone)]
pub struct Reading {
    pub(crate) marks: Vec<Mark>,
    pub(crate) addresses: Vec<Mark>,
    pub(crate) places: Vec<Place>,
    /// In the order of the source, if the walk was asked to keep them.
    pub(crate) scalars: Vec<Scalar>,
    /// The objects around the cursor that went by a member, and whether its name came already.
    pub(crate) choices: Vec<(ObjectId, bool)>,
    pub(crate) is_odd: bool,
}

impl Reading {
    /// What was found, in the order of the source.
    #[must_use]
    pub fn marks(&self) -> &[Mark] {
        &self.marks
    }

    /// The values that say what marks belong to: their slots are addresses. Of two for the same slot and positions the
    /// last counts.
    #[must_use]
    pub fn addresses(&self) -> &[Mark] {
        &self.addresses
    }

    /// Whether a name that counts stood twice or was spelled with an escape.
    #[must_use]
    pub fn is_odd(&self) -> bool {
        self.is_odd
    }

    /// The positions of a mark in the arrays around it, from the outermost on.
    #[must_use]
    pub fn positions(&self, mark: &Mark) -> Vec<usize> {
        let mut positions = Vec::with_capacity(self.places[mark.place].depth);
        let mut place = mark.place;
        while place != ROOT {
            positions.push(self.places[place].index);
            place = self.places[place].parent;
        }
        positions.reverse();
        positions
    }

    /// Begin with another source.
    pub(crate) fn clear(&mut self) {
        self.empty();
        self.places.push(Place { parent: ROOT, index: 0, depth: 0, begin: 0, end: 0, before: ROOT });
    }

    /// Without anything, not even the place that is in no array.
    pub(crate) fn empty(&mut self) {
        self.marks.clear();
        self.addresses.clear();
        self.choices.clear();
        self.places.clear();
        self.scalars.clear();
        self.is_odd = false;
    }

    /// The place around `place` that is in that many arrays, or `place` if it is in no more.
    #[inline]
    pub(crate) fn above(&self, mut place: usize, depth: usize) -> usize {
        while self.places[place].depth > depth {
            place = self.places[place].parent;
        }
        place
    }

    /// Whether two places have the same positions.
    #[inline]
    pub(crate) fn is_same(&self, mut left: usize, mut right: usize) -> bool {
        while left != right {
            let (one, other) = (self.places[left], self.places[right]);
            if one.depth != other.depth || one.index != other.index {
                return false;
            }
            (left, right) = (one.parent, other.parent);
        }
        true
    }
}
