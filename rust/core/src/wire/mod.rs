//! The byte layer of a gateway: the frames of a stream, what stands in the JSON of each, and a lane through them.
//!
//! **Unstable.** What is here may change in any release; the rest of the crate does not.
//!
//! [`Frames`] finds where server-sent events and lines end. [`Shapes`] is a table that says where text and what matters
//! for its life stand in the events of a wire format; [`Shapes::walk`] reads one event by it, once. [`Lane`] puts both
//! together: it restores the events that feed open channels and do nothing else, which are nearly all of a stream, and
//! declines the others. The crate knows no provider: the table is the caller's, and so is the life cycle.
//!
//! ```
//! use std::sync::Arc;
//!
//! use holdback_core::wire::{Emptied, Framing, Lane, NodeSpec, ObjectSpec, Progress, Shapes, SlotKind, SlotSpec};
//! use holdback_core::{Matcher, SharedBuffer};
//!
//! // Lines such as {"response": "Hi"}: text in one member, and an event without any of it does not leave.
//! let text = SlotSpec { emptied: Emptied::Event, ..SlotSpec::new(SlotKind::Text) };
//! let root = NodeSpec { object: Some(0), ..NodeSpec::default() };
//! let response = NodeSpec { slots: vec![0], ..NodeSpec::default() };
//! let members = ObjectSpec { members: vec![("response".into(), 1)], ..ObjectSpec::default() };
//! let shapes = Arc::new(Shapes::new(vec![text], vec![root, response], vec![members], 0)?);
//!
//! let matcher = Matcher::new([("<PERSON_1>", "Ada")])?;
//! let mut lane = Lane::new(shapes, Framing::Lines, 1 << 20, true, 0);
//! let channel = lane.open(Arc::new(SharedBuffer::new(matcher.stream())));
//! lane.register(channel, 0, &[])?;
//!
//! let mut out = Vec::new();
//! let read = b"{\"response\": \"Hi <PERS\"}\n{\"response\": \"ON_1>!\"}\n{\"resp";
//! assert!(matches!(lane.feed(read, &mut out), Progress::Taken));
//! assert_eq!(out, b"{\"response\": \"Hi \"}\n{\"response\": \"Ada!\"}\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What an event is
//!
//! One JSON object by RFC 8259, and with what readers of Python accept besides: NaN, Infinity and -Infinity, and lone
//! surrogates spelled `\uXXXX`. Numbers go by the grammar and may be of any length. Containers are nested at most 200
//! deep. The bytes are UTF-8, without control characters in strings. Of members of the same name the last counts.

mod addresses;
mod channels;
mod cursor;
mod frameless;
mod frames;
mod json_text;
mod judge;
mod keys;
mod known;
mod lane;
mod literal;
mod messages;
mod names;
mod outline;
mod outlines;
pub mod places;
mod plain;
mod progress;
mod reading;
mod room;
mod shapes;
mod splice;
mod strings;
mod values;
mod walking;

pub use channels::{ChannelId, LaneError};
pub use frameless::Taken;
pub use frames::{Data, Frame, Frames, Framing, LineEnd, Manner};
pub use keys::Address;
pub use lane::Lane;
pub use literal::{Kind, Literal};
pub use plain::Plain;
pub use progress::{Declined, Progress};
pub use reading::{Mark, Reading};
pub use shapes::{
    Emptied, NodeId, NodeSpec, ObjectId, ObjectSpec, ShapeError, Shapes, SlotId, SlotKind, SlotSpec, Which,
};
pub use strings::write_string;
pub use values::{Piece, Values};
