//! `SharedBuffer`: one [`StreamBuffer`] that several owners feed, one after the other.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::StreamBuffer;

/// A [`StreamBuffer`] behind a lock, and beside it whether the stream is at rest, which is read without the lock.
///
/// A quiet text (see [`Matcher::is_quiet`](crate::Matcher::is_quiet)) that meets a stream at rest changes nothing, so
/// it may go round the lock: it is as if it had come before whatever another thread is just feeding.
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
    at_rest: AtomicBool,
    stream: Mutex<StreamBuffer>,
}

impl SharedBuffer {
    /// Share a stream.
    #[must_use]
    pub fn new(stream: StreamBuffer) -> Self {
        Self { at_rest: stream.is_at_rest().into(), stream: Mutex::new(stream) }
    }

    /// Work on the stream; nobody else does meanwhile.
    pub fn with<T>(&self, work: impl FnOnce(&mut StreamBuffer) -> T) -> T {
        let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        let result = work(&mut stream);
        self.at_rest.store(stream.is_at_rest(), Ordering::Release);
        result
    }

    /// [`StreamBuffer::is_at_rest`], without the lock.
    #[must_use]
    #[inline]
    pub fn is_at_rest(&self) -> bool {
        self.at_rest.load(Ordering::Acquire)
    }
}

/// Without what is held: it is part of somebody's answer.
impl fmt::Debug for SharedBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedBuffer").field("is_at_rest", &self.is_at_rest()).finish_non_exhaustive()
    }
}
