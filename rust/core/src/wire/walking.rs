//! From a source to its reading: the walk once, and again with more care for what is odd.

use super::cursor::{DEAD, Walk};
use super::reading::Reading;
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
        self.walk_with(source, reading, false)
    }

    /// The same; the reading keeps the scalars as well if that is asked for.
    pub(super) fn walk_with(&self, source: &[u8], reading: &mut Reading, keeps_scalars: bool) -> bool {
        if std::str::from_utf8(source).is_err() {
            return false;
        }
        reading.clear();
        if Walk::new(self, source, reading, false, keeps_scalars).run().is_some() {
            return true;
        }
        if !reading.is_odd {
            return false;
        }
        reading.clear();
        if Walk::new(self, source, reading, true, false).run().is_none() {
            return false;
        }
        reading.marks.retain(|mark| mark.slot != DEAD);
        reading.addresses.retain(|mark| mark.slot != DEAD);
        true
    }
}
