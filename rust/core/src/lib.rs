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
//! It has no I/O, no clock, no Python and no `unsafe`, so a Rust gateway can use it as it is; `examples/gateway.rs` is
//! the heart of one.
//!
//! # What holds
//!
//! - **Exact.** Leftmost-longest over code points, without overlaps, in one pass: an original is never scanned again.
//! - **The same in any chunking.** What [`StreamBuffer::feed`] and [`StreamBuffer::flush`] write for the pieces of a
//!   text is what [`Matcher::replace`] makes of the whole.
//! - **Minimal.** What is held back is a proper prefix of some key, behind it at most a lone high surrogate and, in
//!   JSON source, unfinished escapes. A whole key waits for the next character only where that may forbid it: whole
//!   words, and numbers outside the strings of JSON source.
//! - **Linear.** Time is proportional to the text, whatever the keys; building to the length of all keys together.
//!   A stream starts in constant time.
//! - **Silent.** No `Debug` output and no error holds a key, an original or text.
//!
//! # Where to begin
//!
//! [`Matcher::new`] compiles the keys, once. [`Matcher::stream`] starts a text, [`Matcher::stream_json`] one that is
//! JSON source, such as the fragments of a tool call's arguments, and [`Matcher::stream_auto`] one that may be either.
//! [`Matcher::whole_words`] compiles keys that match whole words only. A stream belongs to one text: an answer of two
//! choices needs two.
//!
//! [`forms`] finds what has the form of the placeholders and is none; it is unstable.
//!
//! A gateway that has bytes and not texts finds the layer for them in [`wire`], which is unstable: frames, the places of
//! text in the JSON of an event, and a lane that restores most events of a stream in one go.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod automaton;
mod borders;
mod error;
mod escapes;
pub mod forms;
pub mod guard;
mod json_source;
mod json_text;
mod ledger;
mod matcher;
mod pattern;
mod shared;
mod starts;
mod stream;
mod surrogate;
mod walk;
pub mod wire;
mod word_table;
mod writer;

pub use error::PatternError;
pub use matcher::Matcher;
pub use shared::SharedBuffer;
pub use stream::StreamBuffer;
pub use walk::Fed;

/// The example of the crate's page runs with all others.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
