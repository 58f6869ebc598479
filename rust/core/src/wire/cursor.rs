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

use super::json_text::{Kind, Literal, Next, blanks, byte, colon, next, open, value};
use super::reading::{Mark, Place, ROOT, Reading};
use super::shapes::{NO_NODE, Node, NodeId, Object, ObjectId, Shapes, SlotId, SlotKind};
use super::strings::string;

/// A slot of a mark that an equal name took back.
const DEAD: SlotId = SlotId::MAX;
impl Shapes {
    /// Walk the JSON object that `source` is. None if it is none by the rules of [`wire`](super): it passes unread.
    #[must_use]
    pub fn walk(&self, source: &[u8]) -> Option<Reading> {
        let mut reading = Reading::default();
        self.walk_into(source, &mut reading).then_some(reading)
    }

    /// The same into a reading that was used before. False if the source is no object.
    pub fn walk_into(&self, source: &[u8], reading: &mut Reading) -> bool {
        std::str::from_utf8(source).is_ok_and(|source| self.walk_text(source.as_bytes(), reading))
    }

    /// The same of a source that is known to be UTF-8.
    pub(crate) fn walk_text(&self, source: &[u8], reading: &mut Reading) -> bool {
        reading.clear();
        if walk(self, source, reading, false).is_some() {
            return true;
        }
        if !reading.is_odd {
            return false;
        }
        reading.clear();
        if walk(self, source, reading, true).is_none() {
            return false;
        }
        reading.marks.retain(|mark| mark.slot != DEAD);
        reading.addresses.retain(|mark| mark.slot != DEAD);
        true
    }
}

fn walk(shapes: &Shapes, source: &[u8], reading: &mut Reading, with_care: bool) -> Option<()> {
    let begin = blanks(source, 0);
    if byte(source, begin) != b'{' {
        return None;
    }
    let mut walk = Walk { shapes, source, reading, depth: 0, place: ROOT, choices: Vec::new(), with_care };
    let end = walk.value(begin, shapes.root)?;
    if blanks(source, end) == source.len() { Some(()) } else { None }
}

/// A walk on its way. Its steps take a place in the source and give the place behind what they read; None ends the
/// walk, for a source that is no JSON, or that has to be walked again with more care.
struct Walk<'a> {
    shapes: &'a Shapes,
    source: &'a [u8],
    reading: &'a mut Reading,
    /// How many containers are open.
    depth: usize,
    /// The innermost element around the cursor.
    place: usize,
    /// The objects around the cursor that went by a member, and whether its name came already.
    choices: Vec<(ObjectId, bool)>,
    /// What came of a name is known, so that it can be taken back.
    with_care: bool,
}

/// How many marks and addresses there are.
type Count = (usize, usize);

/// What came of a member, from one count to another.
type Found = (usize, Count, Count);

impl Walk<'_> {
    fn value(&mut self, begin: usize, node: NodeId) -> Option<usize> {
        let shapes = self.shapes;
        let node = &shapes.nodes[node as usize];
        match byte(self.source, begin) {
            b'{' if node.object.is_some() => self.descend(begin, node),
            b'[' if node.array.is_some() => self.descend(begin, node),
            _ => {
                let (end, kind) = value(self.source, begin, self.depth)?;
                for &(slot, meaning) in &node.slots {
                    self.mark(slot, meaning, Literal { kind, begin, end });
                }
                Some(end)
            }
        }
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
        let behind = self.reading.marks.len();
        let (end, kind) = match (byte(self.source, begin), node.object, node.array) {
            (b'{', Some(object), _) => self.object(begin, object)?,
            (_, _, Some(element)) => self.array(begin, element)?,
            _ => return None,
        };
        let literal = Literal { kind, begin, end };
        for mark in &mut self.reading.marks[first..behind] {
            mark.literal = literal;
        }
        if !kind.is_empty_container() {
            for &(slot, meaning) in &node.slots {
                if matches!(meaning, SlotKind::Event | SlotKind::Once | SlotKind::Document | SlotKind::Latest)
                {
                    self.push(slot, literal);
                }
            }
        }
        Some(end)
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
        let shapes = self.shapes;
        let object = &shapes.objects[number as usize];
        let first = match open(self.source, begin, b'}', self.depth)? {
            Next::More(first) => first,
            Next::End(end) => return Some((end, Kind::EmptyObject)),
        };
        self.depth += 1;
        let end = if object.which.is_none() {
            self.members(first, object, self.choices.len())?
        } else {
            let outside = self.choices.len();
            let end = match self.chosen(first, number)? {
                Some(object) => self.members(first, &shapes.objects[object as usize], outside)?,
                None => self.members(first, &Object::EMPTY, outside)?,
            };
            self.choices.truncate(outside);
            end
        };
        self.depth -= 1;
        Some((end, Kind::Object))
    }

    /// The object without a choice that an object leads to; its first name stands at `first`.
    fn chosen(&mut self, first: usize, mut object: ObjectId) -> Option<Option<ObjectId>> {
        let shapes = self.shapes;
        while let Some(choice) = &shapes.objects[object as usize].which {
            self.choices.push((object, false));
            let mut decoded = Vec::new();
            let chosen_by = match self.value_of(first, &choice.name)? {
                Some(literal) if literal.kind.is_string() => literal.text(self.source, &mut decoded),
                Some(Literal { kind: Kind::True, .. }) => b"true",
                _ => b"",
            };
            let Some(next) = choice.variants.find(chosen_by).map(|(_, next)| next).or(choice.default) else {
                return Some(None);
            };
            object = next;
        }
        Some(Some(object))
    }

    /// The value of a member of the object whose first name stands at `at`: of the first member with that name, and of
    /// the last when walking with care.
    fn value_of(&mut self, mut at: usize, wanted: &[u8]) -> Option<Option<Literal>> {
        let mut found = None;
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
                found = Some(Literal { kind, begin, end });
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

    /// Walk the members of an object, whose first name stands at `at`; its own choices are those from `outside` on.
    /// Gives the place behind it.
    fn members(&mut self, mut at: usize, object: &Object, outside: usize) -> Option<usize> {
        let source = self.source;
        let mut seen = 0_u64;
        let mut found: Vec<Found> = Vec::new();
        loop {
            if byte(source, at) != b'"' {
                return None;
            }
            let (end, kind) = string(source, at)?;
            let known = if kind == Kind::Plain {
                let text = at + 1..end - 1;
                if outside < self.choices.len() {
                    self.count_choice(&source[text.clone()], outside)?;
                }
                object.members.find_in(source, text)
            } else {
                self.escaped_name(Literal { kind, begin: at, end }, object, outside)?
            };
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
            let end = if node == NO_NODE {
                value(source, begin, self.depth)?.0
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
            match next(source, end, b'}')? {
                Next::More(more) => at = more,
                Next::End(end) => return Some(end),
            }
        }
    }

    /// What a name with an escape in it stands for. If that matters, the source is odd.
    fn escaped_name(
        &mut self,
        name: Literal,
        object: &Object,
        outside: usize,
    ) -> Option<Option<(usize, u32)>> {
        let mut decoded = Vec::new();
        let text = name.text(self.source, &mut decoded);
        let known = object.members.find(text);
        if self.count_choice(text, outside)? || known.is_some() {
            self.odd()?;
        }
        Some(known)
    }

    /// Whether an object went by a member of that name; the second such member is odd.
    fn count_choice(&mut self, name: &[u8], outside: usize) -> Option<bool> {
        let (mut is_choice, mut is_again) = (false, false);
        for (object, has_come) in &mut self.choices[outside..] {
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
        let Literal { kind, begin, end } = literal;
        let is_null = kind == Kind::Null;
        let counts = match meaning {
            SlotKind::Address => {
                if kind.is_string() || kind.is_number() {
                    let depth = self.shapes.slot(slot).depth;
                    let place = self.reading.above(self.place, depth.into());
                    self.reading.addresses.push(Mark { slot, place, literal });
                }
                return;
            }
            SlotKind::Text | SlotKind::Source => kind.is_string() || is_null,
            SlotKind::Whole | SlotKind::WholeSource => kind.is_string(),
            SlotKind::Document => !(kind.is_string() || is_null),
            SlotKind::Keeps => !literal.is_vain(),
            SlotKind::Event | SlotKind::Once => {
                let is_zero = kind == Kind::Integer && end - begin == 1 && self.source[begin] == b'0';
                !(literal.is_vain() || kind == Kind::False || is_zero)
            }
            SlotKind::Latest => !is_null,
            SlotKind::Place => is_null,
        };
        if counts {
            self.push(slot, literal);
        }
    }
}
