//! An outline: one event, what was found of it, and how another event may differ from it.
//!
//! It is kept for as long as its stream is open, of which there are thousands, so places in it are numbers of two bytes.

#![allow(clippy::inline_always, reason = "to fit a frame costs little more than a call")]

use super::channels::ChannelId;
use super::frames::{BOM, Data, Frame, Manner};
use super::json_text::scalar;
use super::literal::{Kind, Literal};
use super::reading::{Mark, Place, Reading, Scalar};
use super::shapes::{NO_NODE, NodeId, Shapes, SlotId, SlotKind};

/// The most bytes of an event whose outline is kept, and of its frame.
const LARGEST: usize = 2048;
const LARGEST_FRAME: usize = 2 * LARGEST;
/// The most scalars in which an event may differ.
const MOST_CHANGES: usize = 8;

/// An event, and the frame in which it came if that is in one piece.
pub(crate) struct Framed<'a> {
    pub(crate) source: &'a [u8],
    pub(crate) frame: Option<(&'a [u8], &'a Frame)>,
}

impl Framed<'_> {
    /// Whether an outline may be drawn of it.
    pub(crate) fn is_small(&self) -> bool {
        self.source.len() <= LARGEST && self.frame.is_none_or(|(bytes, _)| bytes.len() <= LARGEST_FRAME)
    }
}

/// An outline. The channels are those of the stream in that version.
#[derive(Default)]
pub(crate) struct Outline {
    /// The frame, or the event alone if that came in none.
    bytes: Vec<u8>,
    /// Where the event stands in it.
    begin: u16,
    end: u16,
    /// How the frame is written. None if the event came in none, or if no other may fit in it.
    frame: Option<Written>,
    scalars: Vec<(NodeId, Span)>,
    /// The numbers of the scalars in which alike events differed.
    gaps: [u16; MOST_CHANGES],
    gap_count: u16,
    /// The marks, and behind them the addresses.
    marks: Vec<(SlotId, u16, Span)>,
    addresses: u16,
    places: Vec<[u16; 6]>,
    /// The marks of the texts that it fed, and to which channels.
    texts: Vec<(u16, ChannelId)>,
    pub(crate) keeps: bool,
    /// The state of the channels in which it fed them.
    pub(crate) version: u64,
}

/// How a frame is written.
#[derive(Clone, Copy)]
struct Written {
    /// How many bytes end it.
    behind: u16,
    only_data: bool,
    manner: Manner,
}

/// A literal of an event of which an outline is drawn.
#[derive(Clone, Copy)]
struct Span {
    kind: Kind,
    begin: u16,
    end: u16,
}

/// Another scalar that stands where one of the outline stood.
pub(crate) struct Change {
    /// The number of that one.
    scalar: usize,
    begin: usize,
    end: usize,
    kind: Kind,
    length: usize,
}

impl Outline {
    /// Draw an event that is small enough, after all that was drawn before.
    pub(crate) fn draw(&mut self, event: &Framed<'_>, reading: &Reading) {
        self.frame = None;
        let (bytes, data) = match event.frame {
            Some((bytes, frame @ Frame { data: Data::One(data), only_data, manner, .. })) => {
                // One that ends with a CR may go on with a LF, and a byte order mark counts at the start of a stream.
                if bytes.ends_with(b"\n") && !bytes.starts_with(BOM) {
                    let behind = small(frame.length - frame.size);
                    self.frame = Some(Written { behind, only_data: *only_data, manner: *manner });
                }
                (bytes, data.clone())
            }
            _ => (event.source, 0..event.source.len()),
        };
        copy(&mut self.bytes, bytes.iter().copied());
        (self.begin, self.end) = (small(data.start), small(data.end));
        self.gap_count = 0;
        copy(&mut self.scalars, reading.scalars.iter().map(|scalar| (scalar.node, Span::of(scalar.literal))));
        let marks = reading.marks.iter().chain(&reading.addresses);
        copy(&mut self.marks, marks.map(|mark| (mark.slot, small(mark.place), Span::of(mark.literal))));
        self.addresses = small(reading.addresses.len());
        copy(&mut self.places, reading.places.iter().map(|place| place.numbers().map(small)));
    }

    /// What the event fed, as the channels were then.
    pub(crate) fn feeds(
        &mut self,
        texts: impl ExactSizeIterator<Item = (usize, ChannelId)>,
        keeps: bool,
        version: u64,
    ) {
        copy(&mut self.texts, texts.map(|(mark, channel)| (small(mark), channel)));
        (self.keeps, self.version) = (keeps, version);
    }

    /// The texts of the event that differs so: their marks, with slots and where they stand, and the channels that they feed.
    #[inline]
    pub(crate) fn texts(
        &self,
        changes: &[Change],
    ) -> impl ExactSizeIterator<Item = (usize, SlotId, Literal, ChannelId)> {
        self.texts.iter().map(|&(mark, channel)| {
            let mark = usize::from(mark);
            (mark, self.marks[mark].0, moved(changes, self.marks[mark].2), channel)
        })
    }

    /// The marks of that event.
    pub(crate) fn marks(&self, changes: &[Change]) -> impl Iterator<Item = (SlotId, Literal)> {
        let marks = &self.marks[..self.marks.len() - usize::from(self.addresses)];
        marks.iter().map(|&(slot, _, span)| (slot, moved(changes, span)))
    }

    fn source(&self) -> &[u8] {
        &self.bytes[usize::from(self.begin)..usize::from(self.end)]
    }

    /// The frame that `bytes` begins with, if it differs in the gaps alone and is alike; and how it differs.
    #[inline(always)]
    pub(crate) fn fit(&self, shapes: &Shapes, bytes: &[u8], changes: &mut Vec<Change>) -> Option<Frame> {
        let Written { behind, only_data, manner } = self.frame?;
        let length = self.differs(shapes, bytes, changes)?;
        let end = length - (self.bytes.len() - usize::from(self.end));
        let (size, data) = (length - usize::from(behind), Data::One(self.begin.into()..end));
        Some(Frame { length, size, data, only_data, takes_line_feed: false, manner })
    }

    /// Whether an event that came in no frame differs in the gaps alone and is alike; and how it differs.
    #[inline(always)]
    pub(crate) fn fits(&self, shapes: &Shapes, source: &[u8], changes: &mut Vec<Change>) -> bool {
        self.bytes.len() == usize::from(self.end)
            && self.begin == 0
            && self.differs(shapes, source, changes) == Some(source.len())
    }

    /// How the bytes differ in the gaps, if they are alike: then how many of them are like those of the outline.
    #[inline(always)]
    fn differs(&self, shapes: &Shapes, bytes: &[u8], changes: &mut Vec<Change>) -> Option<usize> {
        changes.clear();
        let begin = usize::from(self.begin);
        let (mut rest, mut done) = (bytes, 0);
        for &gap in self.gaps() {
            let (node, span) = self.scalars[usize::from(gap)];
            let literal = span.literal();
            rest = rest.strip_prefix(&self.bytes[done..begin + literal.begin])?;
            let (length, kind) = scalar(rest, 0)?;
            let other = Literal { kind, begin: 0, end: length };
            let is_alike = literal.has_text() && other.has_text()
                || self.likeness(shapes, node, literal, other, rest) == Some(true);
            if !is_alike || !is_utf8(rest, other) {
                return None;
            }
            changes.push(Change { scalar: gap.into(), begin: literal.begin, end: literal.end, kind, length });
            rest = &rest[length..];
            done = begin + literal.end;
        }
        rest = rest.strip_prefix(&self.bytes[done..])?;
        Some(bytes.len() - rest.len())
    }

    /// The scalars that differ, if nothing else does: then whether the event is alike.
    pub(crate) fn compare(&self, shapes: &Shapes, source: &[u8], changes: &mut Vec<Change>) -> Option<bool> {
        changes.clear();
        let mut scalars = self.scalars.iter().enumerate();
        let mut is_alike = true;
        let own = self.source();
        let (mut here, mut there) = (0, 0);
        loop {
            let same = common(&own[here..], &source[there..]);
            (here, there) = (here + same, there + same);
            if here == own.len() && there == source.len() {
                return Some(is_alike);
            }
            let (number, &(node, span)) = scalars.find(|(_, (_, span))| span.literal().reaches(here))?;
            let literal = span.literal();
            if literal.begin > here || changes.len() == MOST_CHANGES {
                return None;
            }
            let begin = there - (here - literal.begin);
            let (end, kind) = scalar(source, begin)?;
            let other = Literal { kind, begin, end };
            if !is_utf8(source, other) {
                return None;
            }
            is_alike &= self.likeness(shapes, node, literal, other, source)?;
            let length = end - begin;
            changes.push(Change { scalar: number, begin: literal.begin, end: literal.end, kind, length });
            (here, there) = (literal.end, end);
        }
    }

    /// Whether it leads to the same channels if `other` stands in `source` where `literal` stood; None if it does not
    /// count for the same slots.
    fn likeness(
        &self,
        shapes: &Shapes,
        node: NodeId,
        literal: Literal,
        other: Literal,
        source: &[u8],
    ) -> Option<bool> {
        if node == NO_NODE {
            return Some(true);
        }
        let is_as_vain = literal.is_vain() == other.is_vain();
        let mut is_alike = true;
        for &(_, meaning) in &shapes.nodes[node as usize].slots {
            if literal.counts(meaning, self.source()) != other.counts(meaning, source) {
                return None;
            }
            is_alike &= match meaning {
                SlotKind::Address => false,
                SlotKind::Latest | SlotKind::Keeps => true,
                _ => is_as_vain,
            };
        }
        Some(is_alike)
    }

    /// Events may differ in these scalars from now on.
    pub(crate) fn learn(&mut self, changes: &[Change]) {
        let gap = |change: &Change| small(change.scalar);
        if changes.iter().all(|change| self.gaps().contains(&gap(change))) {
            return;
        }
        let mut gaps: Vec<u16> = changes.iter().map(gap).chain(self.gaps().iter().copied()).collect();
        gaps.sort_unstable();
        gaps.dedup();
        if gaps.len() > MOST_CHANGES {
            gaps = changes.iter().map(gap).collect(); // some others may not have differed for long
        }
        self.gaps[..gaps.len()].copy_from_slice(&gaps);
        self.gap_count = small(gaps.len());
    }

    fn gaps(&self) -> &[u16] {
        &self.gaps[..self.gap_count.into()]
    }

    /// What a walk would find in the event that differs in these scalars.
    pub(crate) fn recall(&self, changes: &[Change], reading: &mut Reading) {
        reading.empty();
        let (marks, addresses) = self.marks.split_at(self.marks.len() - usize::from(self.addresses));
        let mark = |&(slot, place, span): &(SlotId, u16, Span)| Mark {
            slot,
            place: place.into(),
            literal: moved(changes, span),
        };
        reading.marks.extend(marks.iter().map(mark));
        reading.addresses.extend(addresses.iter().map(mark));
        reading.places.extend(self.places.iter().map(|&numbers| {
            let place = Place::of(numbers.map(usize::from));
            Place { begin: shifted(changes, place.begin), end: shifted(changes, place.end), ..place }
        }));
    }

    /// The scalars of that event.
    pub(crate) fn recall_scalars(&self, changes: &[Change], reading: &mut Reading) {
        let scalars = self.scalars.iter();
        reading.scalars.extend(scalars.map(|&(node, span)| Scalar { node, literal: moved(changes, span) }));
    }
}

impl Span {
    fn of(Literal { kind, begin, end }: Literal) -> Self {
        Self { kind, begin: small(begin), end: small(end) }
    }

    #[inline]
    fn literal(self) -> Literal {
        Literal { kind: self.kind, begin: self.begin.into(), end: self.end.into() }
    }
}

/// A number that is at most the size of a frame.
fn small(number: usize) -> u16 {
    u16::try_from(number).expect("an outline is small")
}

/// What stands where a literal of the outline stood: itself, or what differs.
#[inline]
fn moved(changes: &[Change], span: Span) -> Literal {
    let literal = span.literal();
    let change = changes.iter().find(|change| change.begin == literal.begin);
    Literal {
        kind: change.map_or(literal.kind, |change| change.kind),
        begin: shifted(changes, literal.begin),
        end: shifted(changes, literal.end),
    }
}

/// Where something stands that stood there in the outline.
#[inline]
fn shifted(changes: &[Change], at: usize) -> usize {
    let before = changes.iter().take_while(|change| change.end <= at);
    before.fold(at, |at, change| at + change.length - (change.end - change.begin))
}

/// Whether a scalar is UTF-8: what is no string is ASCII.
#[inline]
fn is_utf8(source: &[u8], literal: Literal) -> bool {
    let bytes = &source[literal.begin..literal.end];
    !literal.kind.is_string() || bytes.is_ascii() || str::from_utf8(bytes).is_ok()
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
fn copy<T>(to: &mut Vec<T>, from: impl Iterator<Item = T>) {
    to.clear();
    to.reserve_exact(from.size_hint().0);
    to.extend(from);
}
