//! Shapes: where text and what matters for its life stand in the events of a wire format, as a table.
//!
//! The table is made once per format by whoever knows the format. It consists of *slots* (values that mean something),
//! *nodes* (what may stand at one place) and *objects* (the members that are read), which name one another by their
//! numbers. A shape may contain itself: a walk goes as deep as its source.

use std::fmt;

use super::names::Names;

/// The number of a slot in its table.
pub type SlotId = u32;
/// The number of a node in its table.
pub type NodeId = u32;
/// The number of an object in its table.
pub type ObjectId = u32;

/// What a slot is, and which values it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotKind {
    /// A string or a number that tells which channel a mark belongs to. It gives no mark of its own.
    Address,
    /// Text of a channel: a string, or null where only a tail could come.
    Text,
    /// JSON source of a channel: likewise.
    Source,
    /// A string that is complete.
    Whole,
    /// A string that is a complete JSON document.
    WholeSource,
    /// A JSON value that is no string, with text anywhere in it.
    Document,
    /// A value that says something: not null, false, `0` or empty.
    Event,
    /// Likewise, but it says something the first time only, for each of its addresses.
    Once,
    /// A value because of which an event leaves although all its text is withheld: not null and not empty.
    Keeps,
    /// A value of which the last one is remembered: not null.
    Latest,
    /// A container into which the walk descended, or null in its stead, where a tail may be put.
    Place,
}

impl SlotKind {
    /// The kind that a table calls so.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "address" => Self::Address,
            "text" => Self::Text,
            "source" => Self::Source,
            "whole" => Self::Whole,
            "whole_source" => Self::WholeSource,
            "document" => Self::Document,
            "event" => Self::Event,
            "once" => Self::Once,
            "keeps" => Self::Keeps,
            "latest" => Self::Latest,
            "place" => Self::Place,
            _ => return None,
        })
    }
}

/// What a slot leaves whose text is withheld.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Emptied {
    /// An empty string.
    #[default]
    Text,
    /// Nothing: its element of the array is taken out, and an event that says nothing else does not leave.
    Element,
    /// An empty string; but an event that says nothing else does not leave.
    Event,
}

impl Emptied {
    /// What a table calls so.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "text" => Self::Text,
            "element" => Self::Element,
            "event" => Self::Event,
            _ => return None,
        })
    }
}

/// A value that means something.
#[derive(Debug, Clone)]
pub struct SlotSpec {
    /// What it is.
    pub kind: SlotKind,
    /// How many arrays are above it.
    pub depth: u8,
    /// The address slots that say together what it belongs to.
    pub addresses: Vec<SlotId>,
    /// Of an address: that it is its position in the array at its depth where it is absent.
    pub positional: bool,
    /// What it leaves when its text is withheld.
    pub emptied: Emptied,
}

impl SlotSpec {
    /// A slot of this kind below no array, without addresses, which leaves an empty string.
    #[must_use]
    pub fn new(kind: SlotKind) -> Self {
        Self { kind, depth: 0, addresses: Vec::new(), positional: false, emptied: Emptied::Text }
    }
}

/// What may stand at one place.
#[derive(Debug, Clone, Default)]
pub struct NodeSpec {
    /// What a value there means.
    pub slots: Vec<SlotId>,
    /// What is read of an object there.
    pub object: Option<ObjectId>,
    /// What each element of an array there is.
    pub array: Option<NodeId>,
}

/// The members of an object that are read.
#[derive(Debug, Clone, Default)]
pub struct ObjectSpec {
    /// By their names.
    pub members: Vec<(String, NodeId)>,
    /// All members without a name here.
    pub other: Option<NodeId>,
    /// What chooses another object in place of this one, which has no members then.
    pub which: Option<Which>,
}

/// The choice of an object by the value of one of its members.
#[derive(Debug, Clone, Default)]
pub struct Which {
    /// The name of the member.
    pub name: String,
    /// By its value: a string, or `true`, which counts as the string. The empty one stands for every other value, and
    /// for a member that is absent, as well.
    pub variants: Vec<(String, ObjectId)>,
    /// For all other values. Without it nothing is read of the object.
    pub default: Option<ObjectId>,
}

/// What is wrong with a table; the number is that of the slot, node or object in which it is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShapeError {
    /// An address of the slot is no address slot of the table.
    NotAnAddress(SlotId),
    /// The node names a slot, node or object that the table does not have.
    Node(NodeId),
    /// The object names a node or object that the table does not have, or a name twice.
    Object(ObjectId),
    /// The object has both members of its own and a choice of another.
    MembersAndWhich(ObjectId),
    /// The object has more than 64 named members.
    TooManyMembers(ObjectId),
    /// The choice of the object leads back to itself.
    Endless(ObjectId),
    /// The root is no node of the table.
    Root,
}

impl fmt::Display for ShapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnAddress(slot) => write!(f, "slot {slot}: an address is no address slot"),
            Self::Node(node) => write!(f, "node {node}: it names what the table does not have"),
            Self::Object(object) => {
                write!(f, "object {object}: it names what the table does not have, or a name twice")
            }
            Self::MembersAndWhich(object) => write!(f, "object {object}: it has both members and a choice"),
            Self::TooManyMembers(object) => write!(f, "object {object}: it has more than 64 members"),
            Self::Endless(object) => write!(f, "object {object}: its choice leads back to itself"),
            Self::Root => f.write_str("the root is no node of the table"),
        }
    }
}

impl std::error::Error for ShapeError {}

/// A compiled table: immutable, shared by all streams of its format.
///
/// ```
/// use holdback_core::wire::{NodeSpec, ObjectSpec, Shapes, SlotKind, SlotSpec};
///
/// let slots = vec![SlotSpec::new(SlotKind::Text)];
/// let root = NodeSpec { object: Some(0), ..NodeSpec::default() };
/// let said = NodeSpec { slots: vec![0], ..NodeSpec::default() };
/// let object = ObjectSpec { members: vec![("response".into(), 1)], ..ObjectSpec::default() };
/// let shapes = Shapes::new(slots, vec![root, said], vec![object], 0)?;
/// let source = br#"{"model": "m", "response": "Hi"}"#;
/// let reading = shapes.walk(source).expect("that is an object");
/// assert_eq!(reading.marks()[0].text(source).unwrap(), &b"Hi"[..]);
/// # Ok::<(), holdback_core::wire::ShapeError>(())
/// ```
pub struct Shapes {
    pub(crate) slots: Box<[SlotSpec]>,
    pub(crate) nodes: Box<[Node]>,
    pub(crate) objects: Box<[Object]>,
    pub(crate) root: NodeId,
}

pub(crate) struct Node {
    pub(crate) slots: Box<[(SlotId, SlotKind)]>,
    pub(crate) object: Option<ObjectId>,
    pub(crate) array: Option<NodeId>,
    /// Whether one of the slots is a place.
    pub(crate) has_place: bool,
}

pub(crate) struct Object {
    pub(crate) members: Names,
    /// [`NO_NODE`] if other members are not read.
    pub(crate) other: NodeId,
    pub(crate) which: Option<Choice>,
}

/// The number of no node: what stands there is validated, no more.
pub(crate) const NO_NODE: NodeId = NodeId::MAX;

pub(crate) struct Choice {
    pub(crate) name: Box<[u8]>,
    pub(crate) variants: Names,
    pub(crate) default: Option<ObjectId>,
}

/// How many members of an object may be named: one bit each.
const MOST_MEMBERS: usize = 64;

impl Shapes {
    /// Compile a table.
    ///
    /// # Errors
    /// [`ShapeError`] if the parts do not fit together.
    pub fn new(
        slots: Vec<SlotSpec>,
        nodes: Vec<NodeSpec>,
        objects: Vec<ObjectSpec>,
        root: NodeId,
    ) -> Result<Self, ShapeError> {
        let kind_of = |id: SlotId| slots.get(id as usize).map(|slot| slot.kind);
        for (number, slot) in numbered(&slots) {
            if !slot.addresses.iter().all(|&id| kind_of(id) == Some(SlotKind::Address)) {
                return Err(ShapeError::NotAnAddress(number));
            }
        }
        let (node_count, object_count) = (nodes.len(), objects.len());
        let is_node = |id: NodeId| (id as usize) < node_count;
        let is_object = |id: ObjectId| (id as usize) < object_count;
        for (number, node) in numbered(&nodes) {
            let is_known = node.slots.iter().all(|&id| kind_of(id).is_some())
                && node.object.is_none_or(is_object)
                && node.array.is_none_or(is_node);
            if !is_known {
                return Err(ShapeError::Node(number));
            }
        }
        for (number, object) in numbered(&objects) {
            check(number, object, is_node, is_object)?;
        }
        check_choices(&objects)?;
        if !is_node(root) {
            return Err(ShapeError::Root);
        }
        // A node that means nothing is as good as none.
        let is_vain: Vec<bool> = nodes
            .iter()
            .map(|node| node.slots.is_empty() && node.object.is_none() && node.array.is_none())
            .collect();
        let compiled = |node: NodeSpec| {
            let slots: Box<[_]> = node.slots.iter().map(|&id| (id, slots[id as usize].kind)).collect();
            let has_place = slots.iter().any(|&(_, kind)| kind == SlotKind::Place);
            Node { has_place, slots, object: node.object, array: node.array }
        };
        Ok(Self {
            nodes: nodes.into_iter().map(compiled).collect(),
            objects: objects.into_iter().map(|object| Object::new(object, &is_vain)).collect(),
            slots: slots.into(),
            root,
        })
    }

    /// What a slot of the table is.
    ///
    /// # Panics
    /// If the table does not have it.
    #[must_use]
    pub fn kind(&self, slot: SlotId) -> SlotKind {
        self.slot(slot).kind
    }

    pub(crate) fn slot(&self, id: SlotId) -> &SlotSpec {
        &self.slots[id as usize]
    }
}

/// Without the names: they are of interest to nobody here.
impl fmt::Debug for Shapes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shapes").field("slots", &self.slots.len()).finish_non_exhaustive()
    }
}

fn numbered<T>(parts: &[T]) -> impl Iterator<Item = (u32, &T)> {
    (0..).zip(parts)
}

fn check(
    number: ObjectId,
    object: &ObjectSpec,
    is_node: impl Fn(NodeId) -> bool,
    is_object: impl Fn(ObjectId) -> bool,
) -> Result<(), ShapeError> {
    let ObjectSpec { members, other, which } = object;
    if members.len() > MOST_MEMBERS {
        return Err(ShapeError::TooManyMembers(number));
    }
    if which.is_some() && (other.is_some() || !members.is_empty()) {
        return Err(ShapeError::MembersAndWhich(number));
    }
    let is_known = members.iter().all(|&(_, id)| is_node(id))
        && other.is_none_or(&is_node)
        && !has_twice(members)
        && which.as_ref().is_none_or(|which| {
            which.variants.iter().all(|&(_, id)| is_object(id))
                && which.default.is_none_or(&is_object)
                && !has_twice(&which.variants)
        });
    if is_known { Ok(()) } else { Err(ShapeError::Object(number)) }
}

fn has_twice(parts: &[(String, u32)]) -> bool {
    let mut names: Vec<_> = parts.iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    names.windows(2).any(|two| two[0] == two[1])
}

/// A choice must come to an end. Objects whose choices all do are taken away, round by round, each once.
fn check_choices(objects: &[ObjectSpec]) -> Result<(), ShapeError> {
    let chosen = |which: &Which| {
        which
            .variants
            .iter()
            .map(|&(_, id)| id)
            .chain(which.default)
            .map(|id| id as usize)
            .collect::<Vec<_>>()
    };
    let mut chosen_by = vec![Vec::new(); objects.len()];
    let mut open = vec![0_usize; objects.len()];
    for (number, object) in objects.iter().enumerate() {
        for id in object.which.as_ref().map(chosen).unwrap_or_default() {
            chosen_by[id].push(number);
            open[number] += 1;
        }
    }
    let mut ended: Vec<usize> = (0..objects.len()).filter(|&number| open[number] == 0).collect();
    while let Some(number) = ended.pop() {
        for &chooser in &chosen_by[number] {
            open[chooser] -= 1;
            if open[chooser] == 0 {
                ended.push(chooser);
            }
        }
    }
    match numbered(&open).find(|&(_, &open)| open > 0) {
        Some((number, _)) => Err(ShapeError::Endless(number)),
        None => Ok(()),
    }
}

impl Object {
    /// An object of which nothing is read.
    pub(crate) const EMPTY: Self = Self { members: Names::EMPTY, other: NO_NODE, which: None };

    fn new(object: ObjectSpec, is_vain: &[bool]) -> Self {
        let node_of = |id: NodeId| if is_vain[id as usize] { NO_NODE } else { id };
        let which = object.which.map(|which| Choice {
            name: which.name.into_bytes().into(),
            variants: Names::new(which.variants),
            default: which.default,
        });
        let members = object.members.into_iter().map(|(name, id)| (name, node_of(id))).collect();
        Self { members: Names::new(members), other: object.other.map_or(NO_NODE, node_of), which }
    }
}
