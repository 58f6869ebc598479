//! The cursor: walks the JSON of one event once, by the shape of its format, and keeps what the shape names.
//!
//! The walk gives *marks* (a slot, a place, a literal) in the order of the source and, beside them, *addresses*: the
//! values that say which channel a mark belongs to. A *place* is an element of an array that the shape names; places
//! form a tree, so that a mark knows all positions above it by one number.
//!
//! Rules. The whole source is validated, also what no shape names. A mark of a container stands behind the marks inside
//! it, except that of a place, which stands before them. Of members of the same name that the shape names, the last
//! counts, and what came of the earlier ones vanishes. Such a reading is *odd*, and so is one in which a name that the
//! shape names is spelled with an escape: its marks are right, but nothing should be changed in it in place.
//!
//! An odd source is walked again with more care, from the start, once; so the usual walk remembers of each object only
//! which names came, one bit each. An object that goes by one of its members is searched for it first: often it is the
//! first, else what stands before it is passed twice.
//!
//! Cost: O(bytes); nothing is allocated once the vectors of a [`Reading`] that is used again have grown.

use super::json_text::{Next, blanks, colon, next, open, value};
use super::literal::{Kind, Literal, byte};
use super::reading::{Mark, Place, ROOT, Reading, Scalar};
use super::shapes::{NO_NODE, Node, NodeId, Object, ObjectId, Shapes, SlotId, SlotKind};
use super::strings::string;

/// A slot of a mark that an equal name took back.
pub(super) const DEAD: SlotId = SlotId::MAX;

/// A walk on its way. Its steps take a place in the source and give the place behind what they read; None ends the
/// walk, for a source that is no JSON, or that has to be walked again with more care.
pub(super) struct Walk<'a> {
    shapes: &'a Shapes,
    source: &'a [u8],
    reading: &'a mut Reading,
    /// How many containers are open.
    depth: usize,
    /// The innermost element around the cursor.
    place: usize,
    /// What came of a name is known, so that it can be taken back.
    with_care: bool,
    keeps_scalars: bool,
}

/// How many marks and addresses there are.
type Count = (usize, usize);

/// What came of a member, from one count to another.
type Found = (usize, Count, Count);

impl<'a> Walk<'a> {
    pub(super) fn new(
        shapes: &'a Shapes,
        source: &'a [u8],
        reading: &'a mut Reading,
        with_care: bool,
        keeps_scalars: bool,
    ) -> Self {
        Self { shapes, source, reading, depth: 0, place: ROOT, with_care, keeps_scalars }
    }

    pub(super) fn run(&mut self) -> Option<()> {
        let begin = blanks(self.source, 0);
        if byte(self.source, begin) != b'{' {
            return None;
        }
        let end = self.value(begin, self.shapes.root)?;
        if blanks(self.source, end) == self.source.len() { Some(()) } else { None }
    }

    fn value(&mut self, begin: usize, number: NodeId) -> Option<usize> {
        let shapes = self.shapes;
        let node = &shapes.nodes[number as usize];
        match byte(self.source, begin) {
            b'{' if node.object.is_some() => self.descend(begin, node),
            b'[' if node.array.is_some() => self.descend(begin, node),
            _ => self.leaf(begin, number),
        }
    }

    /// A value into which the walk does not descend.
    #[inline]
    fn leaf(&mut self, begin: usize, node: NodeId) -> Option<usize> {
        let (end, kind) = value(self.source, begin, self.depth)?;
        let literal = Literal { kind, begin, end };
        if self.keeps_scalars && kind.is_scalar() {
            self.reading.scalars.push(Scalar { node, literal });
        }
        if node != NO_NODE {
            let shapes = self.shapes;
            for &(slot, meaning) in &shapes.nodes[node as usize].slots {
                self.mark(slot, meaning, literal);
            }
        }
        Some(end)
    }

    /// Walk a container that has a shape. The marks of places stand before those inside, and learn its end behind them.
    fn descend(&mut self, begin: usize, node: &Node) -> Option<usize> {
        let first = self.reading.marks.len();
        if node.has_place {
            for &(slot, meaning) in &node.slots {
                if meaning == SlotKind::Place {
                    self.push(slot, Literal { kind: Kind::Null, begin, end: begin });
                }
            }
        }
        let (end, kind) = match (byte(self.source, begin), node.object, node.array) {
            (b'{', Some(object), _) => self.object(begin, object)?,
            (_, _, Some(element)) => self.array(begin, element)?,
            _ => return None,
        };
        self.close(node, first, Literal { kind, begin, end });
        Some(end)
    }

    /// The end of a container is known. The marks of its places are those from `first` on.
    fn close(&mut self, node: &Node, first: usize, literal: Literal) {
        let mut place = first;
        for &(slot, meaning) in &node.slots {
            match meaning {
                SlotKind::Place => {
                    self.reading.marks[place].literal = literal;
                    place += 1;
                }
                SlotKind::Document | SlotKind::Latest => self.push(slot, literal),
                SlotKind::Event | SlotKind::Once if !literal.kind.is_empty_container() => {
                    self.push(slot, literal);
                }
                _ => {}
            }
        }
    }

    fn array(&mut self, begin: usize, node: NodeId) -> Option<(usize, Kind)> {
        let mut begin = match open(self.source, begin, b']', self.depth)? {
            Next::More(first) => first,
            Next::End(end) => return Some((end, Kind::EmptyArray)),
        };
        self.depth += 1;
        let parent = self.place;
        let depth = self.reading.places[parent].depth + 1;
        let (mut index, mut before) = (0, ROOT);
        loop {
            let place = self.reading.places.len();
            self.reading.places.push(Place { parent, index, depth, begin, end: begin, before });
            self.place = place;
            let end = self.value(begin, node)?;
            self.reading.places[place].end = end;
            before = place;
            index += 1;
            match next(self.source, end, b']')? {
                Next::More(more) => begin = more,
                Next::End(end) => {
                    self.depth -= 1;
                    self.place = parent;
                    return Some((end, Kind::Array));
                }
            }
        }
    }

    fn object(&mut self, begin: usize, number: ObjectId) -> Option<(usize, Kind)> {
        let first = match open(self.source, begin, b'}', self.depth)? {
            Next::More(first) => first,
            Next::End(end) => return Some((end, Kind::EmptyObject)),
        };
        self.depth += 1;
        let outside = self.reading.choices.len();
        let object = self.chosen(first, number)?;
        let end = self.members(first, object, outside)?;
        self.reading.choices.truncate(outside);
        self.depth -= 1;
        Some((end, Kind::Object))
    }

    /// The object without a choice that an object leads to; its first name stands at `first`.
    fn chosen(&mut self, first: usize, mut number: ObjectId) -> Option<&'a Object> {
        static NOTHING: Object = Object::EMPTY;
        loop {
            let object = &self.shapes.objects[number as usize];
            let Some(choice) = &object.which else { return Some(object) };
            self.reading.choices.push((number, false));
            let mut decoded = Vec::new();
            let literal = self.value_of(first, &choice.name)?;
            let chosen_by = match literal.kind {
                Kind::Plain | Kind::Escaped => literal.text(self.source, &mut decoded),
                Kind::True => b"true",
                _ => b"",
            };
            match choice.variants.find(chosen_by).map(|(_, next)| next).or(choice.default) {
                Some(next) => number = next,
                None => return Some(&NOTHING),
            }
        }
    }

    /// The value of a member of the object whose first name stands at `at`: of the first member with that name, and of
    /// the last when walking with care. A null if there is none.
    fn value_of(&mut self, mut at: usize, wanted: &[u8]) -> Option<Literal> {
        let mut found = Literal { kind: Kind::Null, begin: at, end: at };
        loop {
            if byte(self.source, at) != b'"' {
                return None;
            }
            let (end, kind) = string(self.source, at)?;
            let name = Literal { kind, begin: at, end };
            let begin = colon(self.source, end)?;
            let is_wanted = *name.text(self.source, &mut Vec::new()) == *wanted;
            let (end, kind) = value(self.source, begin, self.depth)?;
            if is_wanted {
                found = Literal { kind, begin, end };
                if !self.with_care {
                    return Some(found);
                }
            }
            match next(self.source, end, b'}')? {
                Next::More(more) => at = more,
                Next::End(_) => return Some(found),
            }
        }
    }

    /// Walk the members of an object, whose first name stands at `at`; its own choices are those from `outside` on. Gives
    /// the place behind it.
    fn members(&mut self, mut at: usize, object: &Object, outside: usize) -> Option<usize> {
        let source = self.source;
        let mut found: Vec<Found> = Vec::new();
        let mut seen = 0_u64; // the names that came
        loop {
            if byte(source, at) != b'"' {
                return None;
            }
            let (end, kind) = string(source, at)?;
            let mut known = None;
            let mut is_choice = false;
            if kind == Kind::Plain {
                let text = at + 1..end - 1;
                if outside < self.reading.choices.len() {
                    is_choice = self.count_choice(&source[text.clone()], outside)?;
                }
                known = object.members.find_in(source, text);
            } else {
                self.escaped_name(Literal { kind, begin: at, end }, object, outside, &mut known)?;
            }
            let begin = colon(source, end)?;
            let node = match known {
                Some((member, node)) => {
                    if seen >> member & 1 == 1 {
                        self.odd()?;
                        self.take_back(member, &mut found);
                    }
                    seen |= 1 << member;
                    node
                }
                None => object.other,
            };
            let scalars = self.reading.scalars.len();
            let end = if node == NO_NODE {
                self.leaf(begin, NO_NODE)?
            } else if !self.with_care {
                self.value(begin, node)?
            } else {
                let before = self.count();
                let end = self.value(begin, node)?;
                if let Some((member, _)) = known {
                    found.push((member, before, self.count()));
                }
                end
            };
            if is_choice {
                self.reading.scalars.truncate(scalars); // another value may choose another shape
            }
            match next(source, end, b'}')? {
                Next::More(more) => at = more,
                Next::End(end) => return Some(end),
            }
        }
    }

    /// Find what a name with an escape in it stands for. If that matters, the source is odd.
    fn escaped_name(
        &mut self,
        name: Literal,
        object: &Object,
        outside: usize,
        known: &mut Option<(usize, NodeId)>,
    ) -> Option<()> {
        let mut decoded = Vec::new();
        let text = name.text(self.source, &mut decoded);
        *known = object.members.find(text);
        if self.count_choice(text, outside)? || known.is_some() {
            self.odd()?;
        }
        Some(())
    }

    /// Whether an object went by a member of that name; the second such member is odd.
    fn count_choice(&mut self, name: &[u8], outside: usize) -> Option<bool> {
        let (mut is_choice, mut is_again) = (false, false);
        for (object, has_come) in &mut self.reading.choices[outside..] {
            let choice = self.shapes.objects[*object as usize].which.as_ref();
            if choice.is_some_and(|choice| *choice.name == *name) {
                is_choice = true;
                is_again |= std::mem::replace(has_come, true);
            }
        }
        if is_again {
            self.odd()?;
        }
        Some(is_choice)
    }

    /// Note that the source is odd. That ends the walk, unless it is the one with care.
    fn odd(&mut self) -> Option<()> {
        self.reading.is_odd = true;
        if self.with_care { Some(()) } else { None }
    }

    fn count(&self) -> Count {
        (self.reading.marks.len(), self.reading.addresses.len())
    }

    /// Take back what came of a member when its name comes again.
    fn take_back(&mut self, member: usize, found: &mut Vec<Found>) {
        let Some(at) = found.iter().position(|(of, ..)| *of == member) else { return };
        let (_, from, to) = found.swap_remove(at);
        for mark in &mut self.reading.marks[from.0..to.0] {
            mark.slot = DEAD;
        }
        for mark in &mut self.reading.addresses[from.1..to.1] {
            mark.slot = DEAD;
        }
    }

    #[inline]
    fn push(&mut self, slot: SlotId, literal: Literal) {
        self.reading.marks.push(Mark { slot, place: self.place, literal });
    }

    /// What a value means into which the walk does not descend.
    #[inline]
    fn mark(&mut self, slot: SlotId, meaning: SlotKind, literal: Literal) {
        if !literal.counts(meaning, self.source) {
            return;
        }
        if meaning == SlotKind::Address {
            let depth = self.shapes.slot(slot).depth;
            let place = self.reading.above(self.place, depth.into());
            self.reading.addresses.push(Mark { slot, place, literal });
        } else {
            self.push(slot, literal);
        }
    }
}
