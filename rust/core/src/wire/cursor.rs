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

use super::json_text::{Kind, Literal, Scanner, Stop};
use super::reading::{Mark, Place, ROOT, Reading};
use super::shapes::{NodeId, Object, ObjectId, Shapes, SlotId, SlotKind};

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
        for with_care in [false, true] {
            reading.clear();
            let scanner = Scanner::new(source);
            let mut walk =
                Walk { shapes: self, scanner, reading, place: ROOT, choices: Vec::new(), with_care };
            match walk.run() {
                Ok(()) => return true,
                Err(Stop::Refused) => return false,
                Err(Stop::Odd) => {}
            }
        }
        false
    }
}

struct Walk<'a> {
    shapes: &'a Shapes,
    scanner: Scanner<'a>,
    reading: &'a mut Reading,
    /// The innermost element around the cursor.
    place: usize,
    /// The objects around the cursor that went by a member, and whether its name came already.
    choices: Vec<(ObjectId, bool)>,
    /// What came of a name is known, so that it can be taken back.
    with_care: bool,
}

/// How many marks and addresses there are.
type Count = (usize, usize);

impl Walk<'_> {
    fn run(&mut self) -> Result<(), Stop> {
        self.scanner.blanks();
        if self.scanner.byte() != b'{' {
            return Err(Stop::Refused);
        }
        self.value(self.shapes.root)?;
        self.scanner.blanks();
        if self.scanner.at < self.scanner.source.len() {
            return Err(Stop::Refused);
        }
        if self.with_care {
            self.reading.marks.retain(|mark| mark.slot != DEAD);
            self.reading.addresses.retain(|mark| mark.slot != DEAD);
        }
        Ok(())
    }

    fn value(&mut self, node: NodeId) -> Result<(), Stop> {
        let shapes = self.shapes;
        let node = &shapes.nodes[node as usize];
        let literal = match (self.scanner.byte(), node.object, node.array) {
            (b'{', Some(object), _) => {
                self.descend(node.has_place, &node.slots, |walk| walk.object(object))?
            }
            (b'[', _, Some(array)) => self.descend(node.has_place, &node.slots, |walk| walk.array(array))?,
            _ => {
                let literal = self.scanner.value()?;
                for &slot in &node.slots {
                    self.mark(slot, literal);
                }
                return Ok(());
            }
        };
        if literal.is_empty_container() {
            return Ok(());
        }
        for &slot in &node.slots {
            let kind = shapes.slot(slot).kind;
            if matches!(kind, SlotKind::Event | SlotKind::Once | SlotKind::Document | SlotKind::Latest) {
                self.push(slot, literal);
            }
        }
        Ok(())
    }

    /// Walk a container; the marks of places stand before those inside, and learn its end behind them.
    fn descend(
        &mut self,
        has_place: bool,
        slots: &[SlotId],
        walk: impl FnOnce(&mut Self) -> Result<Kind, Stop>,
    ) -> Result<Literal, Stop> {
        let begin = self.scanner.at;
        let first = self.reading.marks.len();
        if has_place {
            for &slot in slots {
                if self.shapes.slot(slot).kind == SlotKind::Place {
                    self.push(slot, Literal { kind: Kind::Null, begin, end: begin });
                }
            }
        }
        let behind = self.reading.marks.len();
        let kind = walk(self)?;
        let literal = Literal { kind, begin, end: self.scanner.at };
        for mark in &mut self.reading.marks[first..behind] {
            mark.literal = literal;
        }
        Ok(literal)
    }

    fn array(&mut self, node: NodeId) -> Result<Kind, Stop> {
        let mut more = self.scanner.opens(b']')?;
        let kind = Kind::Array { empty: !more };
        let parent = self.place;
        let depth = self.reading.places[parent].depth + 1;
        let (mut index, mut before) = (0, ROOT);
        while more {
            let place = self.reading.places.len();
            let begin = self.scanner.at;
            self.reading.places.push(Place { parent, index, depth, begin, end: begin, before });
            self.place = place;
            self.value(node)?;
            self.reading.places[place].end = self.scanner.at;
            before = place;
            index += 1;
            more = self.scanner.goes_on(b']')?;
        }
        self.place = parent;
        Ok(kind)
    }

    fn object(&mut self, object: ObjectId) -> Result<Kind, Stop> {
        let outside = self.choices.len();
        let chosen = self.chosen(object)?;
        let kind = match chosen {
            Some(object) => self.members(&self.shapes.objects[object as usize], outside)?,
            None => self.members(&Object::default(), outside)?,
        };
        self.choices.truncate(outside);
        Ok(kind)
    }

    /// The object without a choice that an object leads to.
    fn chosen(&mut self, mut object: ObjectId) -> Result<Option<ObjectId>, Stop> {
        let shapes = self.shapes;
        while let Some(choice) = &shapes.objects[object as usize].which {
            self.choices.push((object, false));
            let value = self.value_of(&choice.name)?;
            let mut decoded = Vec::new();
            let value = match &value {
                Some(literal) if literal.is_string() => literal.text(self.scanner.source, &mut decoded),
                _ => b"",
            };
            let Some(next) = choice.variants.find(value).map(|(_, next)| next).or(choice.default) else {
                return Ok(None);
            };
            object = next;
        }
        Ok(Some(object))
    }

    /// The value of a member of the object that begins here, which is not passed: of the first with that name, and of
    /// the last when walking with care.
    fn value_of(&mut self, wanted: &[u8]) -> Result<Option<Literal>, Stop> {
        let (begin, depth) = (self.scanner.at, self.scanner.depth);
        let mut found = None;
        let mut more = self.scanner.opens(b'}')?;
        while more {
            let name = self.scanner.name()?;
            let is_wanted = self.is_name(name, wanted);
            let value = self.scanner.value()?;
            if is_wanted {
                found = Some(value);
                if !self.with_care {
                    break;
                }
            }
            more = self.scanner.goes_on(b'}')?;
        }
        (self.scanner.at, self.scanner.depth) = (begin, depth);
        Ok(found)
    }

    fn is_name(&self, name: Literal, wanted: &[u8]) -> bool {
        if name.kind == (Kind::String { escaped: true }) {
            return *name.text(self.scanner.source, &mut Vec::new()) == *wanted;
        }
        *name.inside(self.scanner.source) == *wanted
    }

    /// Walk the members of an object; its own choices are those from `outside` on.
    fn members(&mut self, object: &Object, outside: usize) -> Result<Kind, Stop> {
        let mut more = self.scanner.opens(b'}')?;
        let kind = Kind::Object { empty: !more };
        let mut seen = 0_u128;
        let mut found: Vec<(usize, Count, Count)> = Vec::new();
        while more {
            let name = self.scanner.name()?;
            let mut decoded = Vec::new();
            let text = name.text(self.scanner.source, &mut decoded);
            let mut node = object.other;
            let known = object.members.find(text);
            if let Some((member, named)) = known {
                node = Some(named);
                let is_again = seen >> member & 1 == 1;
                seen |= 1 << member;
                if is_again {
                    self.odd()?;
                    self.take_back(member, &mut found);
                }
            }
            let is_choice = outside < self.choices.len() && self.count_choice(text, outside)?;
            if name.kind == (Kind::String { escaped: true }) && (known.is_some() || is_choice) {
                self.odd()?;
            }
            let before = self.count();
            match node {
                Some(node) => self.value(node)?,
                None => {
                    self.scanner.value()?;
                }
            }
            if self.with_care
                && let Some((member, _)) = known
            {
                found.push((member, before, self.count()));
            }
            more = self.scanner.goes_on(b'}')?;
        }
        Ok(kind)
    }

    /// Whether an object went by a member of that name; the second such member is odd.
    fn count_choice(&mut self, name: &[u8], outside: usize) -> Result<bool, Stop> {
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
        Ok(is_choice)
    }

    /// Note that the source is odd; walk it again if this is not the careful walk.
    fn odd(&mut self) -> Result<(), Stop> {
        self.reading.is_odd = true;
        if self.with_care { Ok(()) } else { Err(Stop::Odd) }
    }

    fn count(&self) -> Count {
        (self.reading.marks.len(), self.reading.addresses.len())
    }

    /// Take back what came of a member when its name comes again.
    fn take_back(&mut self, member: usize, found: &mut Vec<(usize, Count, Count)>) {
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
    fn mark(&mut self, slot: SlotId, literal: Literal) {
        let spec = self.shapes.slot(slot);
        let is_null = literal.kind == Kind::Null;
        let counts = match spec.kind {
            SlotKind::Address => {
                if literal.is_string() || literal.is_number() {
                    let place = self.reading.above(self.place, spec.depth.into());
                    self.reading.addresses.push(Mark { slot, place, literal });
                }
                return;
            }
            SlotKind::Text | SlotKind::Source => literal.is_string() || is_null,
            SlotKind::Whole | SlotKind::WholeSource => literal.is_string(),
            SlotKind::Document => !(literal.is_string() || is_null),
            SlotKind::Keeps => !literal.is_vain(),
            SlotKind::Event | SlotKind::Once => {
                let is_zero = literal.kind == Kind::Integer
                    && literal.end - literal.begin == 1
                    && self.scanner.source[literal.begin] == b'0';
                !(literal.is_vain() || literal.kind == Kind::False || is_zero)
            }
            SlotKind::Latest => !is_null,
            SlotKind::Place => is_null,
        };
        if counts {
            self.push(slot, literal);
        }
    }
}
