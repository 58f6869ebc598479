//! What the lane does with one complete frame: it is judged as a whole, then fed and written, or declined.

use std::ops::Range;

use super::frames::{Data, Frame, Framing};
use super::json_text::Kind;
use super::lane::{Fate, Lane, Run};
use super::shapes::SlotKind;
use super::splice::{Leaves, Splice, Text};
use crate::{Fed, StreamBuffer};

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
        let Ok(text) = std::str::from_utf8(source) else { return Fate::Declined };
        if source.starts_with(b"[DONE]") || !self.shapes.walk_text(source, &mut self.reading) {
            return Fate::Declined;
        }
        *read = Some((data.clone(), true));
        self.frame += 1;
        let fate = if self.reading.is_odd || !self.judge(source) {
            Fate::Declined
        } else {
            self.feed_texts(text);
            let may_drop = frame.only_data || self.frames.framing() == Framing::Lines;
            if may_drop && self.splice.drops(&self.shapes, &self.reading) {
                Fate::Dropped
            } else {
                run.done = self.splice.write(&self.shapes, &self.reading, bytes, data.start, run.done, out);
                Fate::Passes
            }
        };
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

    fn feed_texts(&mut self, source: &str) {
        let Self { reading, splice, channels, decoded, .. } = self;
        let Splice { texts, written, .. } = splice;
        for text in texts {
            let Some(channel) = channels.get_mut(text.channel) else { continue };
            let literal = reading.marks[text.mark].literal;
            let begin = written.len();
            let (fed, is_pending, came) = if literal.kind == Kind::Plain {
                let came = &source[literal.begin + 1..literal.end - 1];
                let work = |stream: &mut StreamBuffer| (stream.feed(came, written), stream.is_pending());
                let (fed, is_pending) = channel.buffer.with(work);
                (fed, is_pending, came.as_bytes())
            } else {
                let came = literal.text(source.as_bytes(), decoded);
                let work = |stream: &mut StreamBuffer| (stream.feed_wtf8(came, written), stream.is_pending());
                let (fed, is_pending) = channel.buffer.with(work);
                (fed, is_pending, came)
            };
            let leaves = &written[begin..];
            text.leaves = if fed == Fed::Unchanged || leaves == came {
                Leaves::Same
            } else if leaves.is_empty() && is_pending {
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
                note(&mut self.latest[mark.slot as usize], literal, left);
            }
        }
    }
}

/// Remember the last literal of a slot.
pub(super) fn note(latest: &mut Option<(Vec<u8>, bool)>, literal: &[u8], left: bool) {
    let (last, has_left) = latest.get_or_insert_default();
    last.clear();
    last.extend_from_slice(literal);
    *has_left = left;
}
