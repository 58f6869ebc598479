//! From a source to its reading: the walk once, again with more care for what is odd, or behind a known envelope.
//!
//! The events of a stream mostly begin with the same bytes: id, model, and what else a provider repeats before the part
//! that says something. The same bytes give the same marks, so a walk may begin behind those that the event before had as
//! well. That is no second way to read an event: it is the walk, from a later place on.

use super::cursor::{DEAD, Walk};
use super::json_text::blanks;
use super::literal::{Kind, Literal};
use super::reading::{Envelope, Reading};
use super::shapes::Shapes;

impl Shapes {
    /// Walk the JSON object that `source` is. None if it is none by the rules of [`wire`](super): it passes unread.
    #[must_use]
    pub fn walk(&self, source: &[u8]) -> Option<Reading> {
        let mut reading = Reading::default();
        self.walk_into(source, &mut reading).then_some(reading)
    }

    /// The same into a reading that was used before. False if the source is no object.
    pub fn walk_into(&self, source: &[u8], reading: &mut Reading) -> bool {
        std::str::from_utf8(source).is_ok() && self.walk_whole(source, reading, &mut None)
    }

    /// Walk a source of a stream. If it begins with the envelope of the one before, whose reading is given, that is not
    /// read again. The last reading must be of this table.
    pub(crate) fn walk_next(
        &self,
        source: &[u8],
        reading: &mut Reading,
        envelope: &mut Option<Envelope>,
    ) -> bool {
        if let Some(known) = envelope.as_ref().filter(|known| source.starts_with(&known.bytes)) {
            if std::str::from_utf8(&source[known.bytes.len()..]).is_err() {
                return false; // the reading still begins with what came of the envelope
            }
            if known.walk(self, source, reading).is_some() {
                return true;
            }
            // Odd, or no JSON: the whole tells.
        } else if std::str::from_utf8(source).is_err() {
            return false;
        }
        self.walk_whole(source, reading, envelope)
    }

    fn walk_whole(&self, source: &[u8], reading: &mut Reading, envelope: &mut Option<Envelope>) -> bool {
        *envelope = None;
        reading.clear();
        let mut walk = Walk::new(self, source, reading, false);
        if walk.run().is_some() {
            *envelope = walk.envelope.take();
            return true;
        }
        if !reading.is_odd {
            return false;
        }
        reading.clear();
        if Walk::new(self, source, reading, true).run().is_none() {
            return false;
        }
        reading.marks.retain(|mark| mark.slot != DEAD);
        reading.addresses.retain(|mark| mark.slot != DEAD);
        true
    }
}

impl Envelope {
    fn walk(&self, shapes: &Shapes, source: &[u8], reading: &mut Reading) -> Option<()> {
        reading.marks.truncate(self.marks);
        reading.addresses.truncate(self.addresses);
        reading.places.truncate(1);
        let mut walk = Walk::new(shapes, source, reading, false);
        walk.depth = 1;
        walk.notes_envelope = false;
        let root = &shapes.nodes[shapes.root as usize];
        let object = &shapes.objects[root.object? as usize];
        let end = walk.members(self.bytes.len(), object, 0, self.seen)?;
        walk.close(root, 0, Literal { kind: Kind::Object, begin: self.root, end });
        if blanks(source, end) == source.len() { Some(()) } else { None }
    }
}
