//! Builds the table of a format for a test, node by node.

use holdback_core::wire::{
    Emptied, NodeId, NodeSpec, ObjectId, ObjectSpec, Shapes, SlotId, SlotKind, SlotSpec, Which,
};

#[derive(Default)]
pub(crate) struct Table {
    slots: Vec<SlotSpec>,
    nodes: Vec<NodeSpec>,
    objects: Vec<ObjectSpec>,
}

fn number(length: usize) -> u32 {
    u32::try_from(length).unwrap()
}

#[allow(dead_code, reason = "each test uses some of it")]
impl Table {
    pub(crate) fn slot(
        &mut self,
        kind: SlotKind,
        depth: u8,
        addresses: &[SlotId],
        emptied: Emptied,
    ) -> SlotId {
        let positional = kind == SlotKind::Address;
        self.slots.push(SlotSpec { kind, depth, addresses: addresses.to_vec(), positional, emptied });
        number(self.slots.len() - 1)
    }

    pub(crate) fn node(&mut self, node: NodeSpec) -> NodeId {
        self.nodes.push(node);
        number(self.nodes.len() - 1)
    }

    pub(crate) fn leaf(&mut self, slots: &[SlotId]) -> NodeId {
        self.node(NodeSpec { slots: slots.to_vec(), ..NodeSpec::default() })
    }

    pub(crate) fn array(&mut self, element: NodeId) -> NodeId {
        self.node(NodeSpec { array: Some(element), ..NodeSpec::default() })
    }

    pub(crate) fn members(&mut self, members: &[(&str, NodeId)], other: Option<NodeId>) -> ObjectId {
        let members = members.iter().map(|&(name, node)| (name.to_owned(), node)).collect();
        self.objects.push(ObjectSpec { members, other, which: None });
        number(self.objects.len() - 1)
    }

    pub(crate) fn which(
        &mut self,
        name: &str,
        variants: &[(&str, ObjectId)],
        default: Option<ObjectId>,
    ) -> ObjectId {
        let variants = variants.iter().map(|&(value, object)| (value.to_owned(), object)).collect();
        let which = Some(Which { name: name.to_owned(), variants, default });
        self.objects.push(ObjectSpec { which, ..ObjectSpec::default() });
        number(self.objects.len() - 1)
    }

    pub(crate) fn object(&mut self, members: &[(&str, NodeId)], other: Option<NodeId>) -> NodeId {
        let object = self.members(members, other);
        self.node(NodeSpec { object: Some(object), ..NodeSpec::default() })
    }

    pub(crate) fn shapes(self, root: NodeId) -> Shapes {
        Shapes::new(self.slots, self.nodes, self.objects, root).unwrap()
    }
}

/// The numbers of the slots in the table.
#[allow(dead_code, reason = "each test uses some of it")]
pub(crate) const CONTENT: u32 = 2;
#[allow(dead_code, reason = "each test uses some of it")]
pub(crate) const REASONING: u32 = 3;
#[allow(dead_code, reason = "each test uses some of it")]
pub(crate) const ARGUMENTS: u32 = 4;
#[allow(dead_code, reason = "each test uses some of it")]
pub(crate) const PART: u32 = 5;
#[allow(dead_code, reason = "each test uses some of it")]
pub(crate) const FINISH: u32 = 6;
#[allow(dead_code, reason = "each test uses some of it")]
pub(crate) const LATEST: u32 = 8;

/// Like a chat chunk, with parts as Gemini has them beside the content.
#[allow(dead_code, reason = "each test uses some of it")]
pub(crate) fn chat() -> Shapes {
    let mut table = Table::default();
    let choice = table.slot(SlotKind::Address, 1, &[], Emptied::Text);
    let call = table.slot(SlotKind::Address, 2, &[], Emptied::Text);
    let content = table.slot(SlotKind::Text, 1, &[choice], Emptied::Event);
    let reasoning = table.slot(SlotKind::Text, 1, &[choice], Emptied::Text);
    let arguments = table.slot(SlotKind::Source, 2, &[choice, call], Emptied::Event);
    let part = table.slot(SlotKind::Text, 2, &[choice], Emptied::Element);
    let finish = table.slot(SlotKind::Event, 1, &[choice], Emptied::Text);
    let keeps = table.slot(SlotKind::Keeps, 0, &[], Emptied::Text);
    let latest = table.slot(SlotKind::Latest, 0, &[], Emptied::Text);
    let [choice, call, content, reasoning, arguments, part, finish, keeps, latest] =
        [choice, call, content, reasoning, arguments, part, finish, keeps, latest]
            .map(|slot| table.leaf(&[slot]));
    let call = table.object(&[("index", call), ("arguments", arguments)], Some(keeps));
    let calls = table.array(call);
    let part = table.object(&[("text", part)], Some(keeps));
    let parts = table.array(part);
    let delta = table.object(
        &[("content", content), ("reasoning", reasoning), ("calls", calls), ("parts", parts)],
        Some(keeps),
    );
    let choice = table.object(&[("index", choice), ("delta", delta), ("finish", finish)], Some(keeps));
    let choices = table.array(choice);
    let id = table.node(NodeSpec::default());
    let root = table.object(&[("choices", choices), ("id", id), ("created", latest)], Some(keeps));
    table.shapes(root)
}
