//! The byte layer of a gateway: the frames of a stream, and what stands in the JSON of each.
//!
//! **Unstable.** What is here may change in any release; the rest of the crate does not.

mod addresses;
mod channels;
mod cursor;
mod frames;
mod json_text;
mod judge;
mod lane;
mod reading;
mod shapes;
mod splice;
mod strings;

pub use channels::{Address, ChannelId, LaneError};
pub use frames::{Data, Frame, Frames, Framing};
pub use json_text::{Kind, Literal};
pub use lane::{Declined, Lane, Progress};
pub use reading::{Mark, Reading};
pub use shapes::{
    Emptied, NodeId, NodeSpec, ObjectId, ObjectSpec, ShapeError, Shapes, SlotId, SlotKind, SlotSpec, Which,
};
