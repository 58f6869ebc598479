//! What the lane does with one complete frame: it is judged as a whole, then fed and written, or declined.

use super::frames::{Data, Frame, Framing};
use super::lane::{Fate, Lane, Run};
use super::literal::Kind;
use super::messages::{self, Carried};
use super::outline::{Change, Framed};
use super::progress::Found;
use super::reading::Mark;
use super::room::Room;
use super::shapes::{SlotId, SlotKind};
use super::splice::{Leaves, Splice, Text};
use crate::Fed;

impl Lane {
    /// Take a complete frame, which begins at `run.at`.
    pub(super) fn take(
        &mut self,
        room: &mut Room,
        bytes: &[u8],
        frame: &Frame,
        run: &mut Run,
        found: &mut Found,
        out: &mut Vec<u8>,
    ) -> Fate {
        let data = match &frame.data {
            Data::None => return Fate::Passes,
            Data::Several => return Fate::Declined,
            Data::One(data) => run.at + data.start..run.at + data.end,
        };
        if self.frames.framing() == Framing::Messages {
            return self.take_message(room, &bytes[data], run, bytes, out);
        }
        let source = &bytes[data.clone()];
        let whole = &bytes[run.at..run.at + frame.length];
        found.data = data.clone();
        if !found.is_read {
            if source.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')) {
                return Fate::Passes;
            }
            if source.starts_with(b"[DONE]")
                || !self.outlines.read(&self.shapes, source, &mut room.reading, &mut room.changes)
            {
                return Fate::Declined;
            }
        }
        found.is_read = true;
        let may_drop = frame.only_data || self.frames.framing() == Framing::Lines;
        let fate = self.settle(room, &Framed { source, frame: Some((whole, frame)) }, may_drop);
        if fate == Fate::Passes {
            run.done = room.splice.write(&self.shapes, &room.reading, bytes, data.start, run.done, out);
        }
        if fate != Fate::Declined {
            self.manner = Some(frame.manner);
        }
        fate
    }

    /// Take a message, which begins at `run.at` in `bytes`. Its event stands in no one piece of it.
    fn take_message(
        &mut self,
        room: &mut Room,
        message: &[u8],
        run: &mut Run,
        bytes: &[u8],
        out: &mut Vec<u8>,
    ) -> Fate {
        if !messages::is_sound(message) {
            *self.frames.broken() += 1;
            return Fate::Passes;
        }
        let mut event = std::mem::take(&mut room.event);
        let carried = messages::read(message, &mut event);
        let fate = match carried {
            Carried::Nothing => Fate::Passes,
            Carried::Other => Fate::Declined,
            Carried::Named(_) | Carried::Chunk(_) => {
                if self.outlines.read(&self.shapes, &event, &mut room.reading, &mut room.changes) {
                    self.settle(room, &Framed { source: &event, frame: None }, true)
                } else {
                    Fate::Declined
                }
            }
        };
        if fate == Fate::Passes && carried != Carried::Nothing {
            let Room { splice, reading, changed, .. } = room;
            changed.clear();
            let done = splice.write(&self.shapes, reading, &event, 0, 0, changed);
            if done > 0 {
                changed.extend_from_slice(&event[done..]);
                out.extend_from_slice(&bytes[run.done..run.at]);
                messages::write(message, &carried, changed, out);
                run.done = run.at + message.len();
            }
        }
        room.event = event;
        fate
    }

    /// Feed the texts of an event that was read, if that is all that it does.
    pub(super) fn settle(&mut self, room: &mut Room, event: &Framed<'_>, may_drop: bool) -> Fate {
        self.frame += 1;
        room.splice.begin();
        if self.is_quiet(event.source, &room.changes) {
            self.remember(room, event.source, true);
            return Fate::Passes;
        }
        let is_judged = self.outlines.judge(self.channels.version(), &room.changes, &mut room.splice);
        if !is_judged {
            self.outlines.complete(&mut room.reading, &room.changes);
            if room.reading.is_odd || !self.judge(room, event) {
                return Fate::Declined;
            }
        }
        if !self.ends_nothing(&room.splice.texts) {
            self.outlines.complete(&mut room.reading, &room.changes);
            return Fate::Declined;
        }
        self.feed_texts(room, event.source);
        let drops = may_drop && room.splice.drops(&self.shapes);
        if !drops && room.splice.takes_out(&self.shapes) {
            self.outlines.complete(&mut room.reading, &room.changes);
        }
        self.remember(room, event.source, !drops);
        if drops { Fate::Dropped } else { Fate::Passes }
    }

    /// Whether an event is alike an earlier one and does nothing at all: no text of it changes its channel or ends what
    /// another holds.
    fn is_quiet(&self, source: &[u8], changes: &[Change]) -> bool {
        let Some(texts) = self.outlines.texts(self.channels.version(), changes) else { return false };
        let is_only = texts.len() == 1;
        texts.into_iter().all(|(literal, channel)| {
            let inside = &source[literal.begin + 1..literal.end - 1];
            literal.kind == Kind::Plain && self.channels.passes(channel, inside, is_only)
        })
    }

    /// Whether an event does nothing but feed open channels; which ones is known then.
    fn judge(&mut self, room: &mut Room, event: &Framed<'_>) -> bool {
        let Self { shapes, channels, outlines, .. } = self;
        let Room { reading, addresses, key, splice, .. } = room;
        let source = event.source;
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
                    let Mark { slot, literal, .. } = *mark;
                    splice.texts.push(Text { mark: number, slot, literal, channel, leaves: Leaves::Same });
                }
            }
        }
        outlines.keep(event, reading, channels.version(), splice);
        true
    }

    /// Whether no channel that the event ends holds anything, or is fed by it as well.
    fn ends_nothing(&mut self, texts: &[Text]) -> bool {
        let frame = self.frame;
        for text in texts {
            if let Some(channel) = self.channels.get_mut(text.channel) {
                channel.fed_by = frame;
            }
        }
        texts.iter().all(|text| self.channels.ends_nothing(text.channel, frame))
    }

    fn feed_texts(&mut self, room: &mut Room, source: &[u8]) {
        let Self { channels, .. } = self;
        let Room { splice: Splice { texts, written, .. }, decoded, .. } = room;
        for text in texts {
            let Some(channel) = channels.get_mut(text.channel) else { continue };
            let begin = written.len();
            let came = text.literal.text(source, decoded);
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

    fn remember(&mut self, room: &Room, source: &[u8], left: bool) {
        if self.has_latest {
            let Self { outlines, latest, shapes, .. } = self;
            outlines.each_mark(&room.reading, &room.changes, |slot, literal| {
                if shapes.kind(slot) == SlotKind::Latest {
                    note(latest, slot, &source[literal.begin..literal.end], left);
                }
            });
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
