//! `SharedBuffer`: one [`StreamBuffer`] that several owners feed, one after the other.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::StreamBuffer;
use crate::automaton::Automaton;

/// A [`StreamBuffer`] behind a lock, and beside it whether the stream is at rest, which is read without the lock.
///
/// A quiet text that meets a stream at rest changes nothing, so it may go round the lock: it is as if it had come
/// before whatever another thread is just feeding.
///
/// ```
/// use holdback_core::{Matcher, SharedBuffer};
///
/// let buffer = SharedBuffer::new(Matcher::new([("<PERSON_1>", "Ada")])?.stream());
/// assert!(buffer.is_at_rest());
/// let mut out = Vec::new();
/// let _ = buffer.with(|stream| stream.feed("Hi <PERS", &mut out));
/// assert!(!buffer.is_at_rest());
/// # Ok::<(), holdback_core::PatternError>(())
/// ```
pub struct SharedBuffer {
    automaton: Arc<Automaton>,
    /// What passes round the lock: nothing, or what is quiet in plain text, or what is in JSON source.
    rest: AtomicU8,
    stream: Mutex<StreamBuffer>,
}

impl SharedBuffer {
    /// Share a stream.
    #[must_use]
    pub fn new(stream: StreamBuffer) -> Self {
        let automaton = stream.automaton();
        Self { automaton, rest: rest_of(&stream).into(), stream: Mutex::new(stream) }
    }

    /// Work on the stream; nobody else does meanwhile.
    pub fn with<T>(&self, work: impl FnOnce(&mut StreamBuffer) -> T) -> T {
        let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        let result = work(&mut stream);
        self.rest.store(rest_of(&stream), Ordering::Release);
        result
    }

    /// [`StreamBuffer::is_at_rest`], without the lock.
    #[must_use]
    #[inline]
    pub fn is_at_rest(&self) -> bool {
        self.rest.load(Ordering::Acquire) != BUSY
    }

    /// Whether `text` would leave as it came and change nothing: the stream is at rest and nothing in the text could
    /// begin a key nor, in JSON source, an escape or a border of a string. It may be denied without need.
    #[must_use]
    #[inline]
    pub fn passes(&self, text: &str) -> bool {
        self.passes_utf8(text.as_bytes())
    }

    /// The same of bytes that are UTF-8.
    #[inline]
    pub(crate) fn passes_utf8(&self, text: &[u8]) -> bool {
        let starts = self.automaton.starts();
        match self.rest.load(Ordering::Acquire) {
            IN_TEXT => starts.find(text).is_none(),
            IN_JSON => starts.find_json(text).is_none(),
            _ => false,
        }
    }
}

const BUSY: u8 = 0;
const IN_TEXT: u8 = 1;
const IN_JSON: u8 = 2;

fn rest_of(stream: &StreamBuffer) -> u8 {
    match (stream.is_at_rest(), stream.is_plain()) {
        (false, _) => BUSY,
        (true, true) => IN_TEXT,
        (true, false) => IN_JSON,
    }
}

/// Without what is held: it is part of somebody's answer.
impl fmt::Debug for SharedBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedBuffer").field("is_at_rest", &self.is_at_rest()).finish_non_exhaustive()
    }
}
