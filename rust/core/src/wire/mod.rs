//! The byte layer of a gateway: the frames of a stream, and what stands in the JSON of each.
//!
//! **Unstable.** What is here may change in any release; the rest of the crate does not.

mod cursor;
mod json_text;
mod shapes;

pub use cursor::{Mark, Reading};
pub use json_text::{Kind, Literal};
pub use shapes::{
    Emptied, NodeId, NodeSpec, ObjectId, ObjectSpec, ShapeError, Shapes, SlotId, SlotKind, SlotSpec, Which,
};
