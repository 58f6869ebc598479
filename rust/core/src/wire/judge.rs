//! What the lane does with one complete frame: it is judged as a whole, then fed and written, or declined.

use std::ops::Range;

use super::frames::{Data, Frame, Framing};
use super::lane::{Fate, Lane, Run};
use super::literal::Kind;
use super::shapes::{SlotId, SlotKind};
use super::splice::{Leaves, Splice, Text};
use crate::Fed;

impl Lane {
    /// Take a complete frame, which begins at `run.at`.
    pub(super) fn take(
        &mut self,
        bytes: &[u8],
        frame: &Frame,
        run: &mut Run,
        read: &mut Option<(Range<usize>, bool)>,
        out: &mut Vec<u8>,
    ) -> Fate {
        let data = match &frame.data {
            Data::None => return Fate::Passes,
            Data::Several => return Fate::Declined,
            Data::One(data) => run.at + data.start..run.at + data.end,
        };
        let source = &bytes[data.clone()];
        if source.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')) {
            return Fate::Passes;
        }
        *read = Some((data.clone(), false));
        if source.starts_with(b"[DONE]")
            || !self.shapes.walk_next(source, &mut self.reading, &mut self.envelope)
        {
            return Fate::Declined;
        }
        *read = Some((data.clone(), true));
        self.frame += 1;
        let fate = if self.reading.is_odd || !self.judge(source) {
            Fate::Declined
        } else {
            self.feed_texts(source);
            let may_drop = frame.only_data || self.frames.framing() == Framing::Lines;
            if may_drop && self.splice.drops(&self.shapes, &self.reading) {
                Fate::Dropped
            } else {
                run.done = self.splice.write(&self.shapes, &self.reading, bytes, data.start, run.done, out);
                Fate::Passes
            }
        };
        if fate != Fate::Declined {
            self.manner = Some(frame.manner);
        }
        if self.has_latest && fate != Fate::Declined {
            self.remember(source, fate != Fate::Dropped);
        }
        fate
    }

    /// Whether an event does nothing but feed open channels; which ones is known then.
    fn judge(&mut self, source: &[u8]) -> bool {
        let Self { shapes, reading, addresses, key, channels, splice, .. } = self;
        splice.begin();
        addresses.begin(reading);
        for (number, mark) in reading.marks.iter().enumerate() {
            match shapes.kind(mark.slot) {
                SlotKind::Address | SlotKind::Latest | SlotKind::Place => {}
                SlotKind::Keeps => splice.keeps = true,
                SlotKind::Document => return false,
                SlotKind::Whole | SlotKind::WholeSource => {
                    if !mark.literal.is_empty_string() {
                        return false;
                    }
                }
                SlotKind::Event | SlotKind::Once => {
                    if !addresses.key(shapes, reading, source, mark, key)
                        || !channels.is_known(mark.slot, key)
                    {
                        return false;
                    }
                }
                SlotKind::Text | SlotKind::Source => {
                    if mark.literal.kind == Kind::Null || mark.literal.is_empty_string() {
                        continue;
                    }
                    if !addresses.key(shapes, reading, source, mark, key) {
                        return false;
                    }
                    let Some(channel) = channels.find(mark.slot, key) else { return false };
                    splice.texts.push(Text { mark: number, channel, leaves: Leaves::Same });
                }
            }
        }
        self.ends_nothing()
    }

    /// Whether no channel that the event ends holds anything, or is fed by it as well.
    fn ends_nothing(&mut self) -> bool {
        let frame = self.frame;
        for text in &self.splice.texts {
            if let Some(channel) = self.channels.get_mut(text.channel) {
                channel.fed_by = frame;
            }
        }
        self.splice.texts.iter().all(|text| self.channels.ends_nothing(text.channel, frame))
    }

    fn feed_texts(&mut self, source: &[u8]) {
        let Self { reading, splice, channels, decoded, .. } = self;
        let Splice { texts, written, .. } = splice;
        for text in texts {
            let Some(channel) = channels.get_mut(text.channel) else { continue };
            let literal = reading.marks[text.mark].literal;
            let begin = written.len();
            let came = literal.text(source, decoded);
            let (fed, is_withheld) = channel.buffer.with(|stream| {
                let fed = stream.feed_wtf8(came, written);
                (fed, fed == Fed::Written && written.len() == begin && stream.is_pending())
            });
            let leaves = &written[begin..];
            text.leaves = if fed == Fed::Unchanged || leaves == came {
                Leaves::Same
            } else if is_withheld {
                Leaves::Withheld
            } else {
                Leaves::Other(begin..written.len())
            };
        }
    }

    fn remember(&mut self, source: &[u8], left: bool) {
        for mark in &self.reading.marks {
            if self.shapes.kind(mark.slot) == SlotKind::Latest {
                let literal = &source[mark.literal.begin..mark.literal.end];
                note(&mut self.latest, mark.slot, literal, left);
            }
        }
    }
}

/// Remember the last literal of a slot.
pub(super) fn note(latest: &mut Vec<(SlotId, Vec<u8>, bool)>, slot: SlotId, literal: &[u8], left: bool) {
    if let Some((_, last, has_left)) = latest.iter_mut().find(|(of, ..)| *of == slot) {
        last.clear();
        last.extend_from_slice(literal);
        *has_left = left;
    } else {
        latest.push((slot, literal.to_vec(), left));
    }
}
