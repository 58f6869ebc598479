//! The core of *holdback*: put real values back into text that arrives in pieces.
//!
//! A privacy proxy sends a model `<PERSON_1>` instead of a name; the answer streams back cut anywhere. This
//! crate restores the names exactly, in any chunking, holding back only what could still become a key.
//!
//! ```
//! use holdback_core::{Fed, Matcher};
//!
//! let matcher = Matcher::new([("<PERSON_1>", "Ada")])?;
//! let mut stream = matcher.stream();
//! let mut out = Vec::new();
//! for piece in ["Hi <PERS", "ON_1", ">, hello"] {
//!     if stream.feed(piece, &mut out) == Fed::Unchanged {
//!         out.extend_from_slice(piece.as_bytes());
//!     }
//! }
//! stream.flush(&mut out);
//! assert_eq!(out, b"Hi Ada, hello");
//! # Ok::<(), holdback_core::PatternError>(())
//! ```
//!
//! It has no I/O, no clock, no Python and no `unsafe`, so a Rust gateway can use it as it is.
#![forbid(unsafe_code)]

mod automaton;
mod error;
mod json;
mod matcher;
mod pattern;
mod scan;
mod stream;
mod surrogate;

pub use error::PatternError;
pub use matcher::Matcher;
pub use scan::{JsonField, Wire};
pub use stream::{Fed, StreamBuffer};
