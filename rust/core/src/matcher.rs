//! `Matcher`: the compiled mapping as its users see it.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::automaton::Automaton;
use crate::pattern::Patterns;
use crate::stream::Mode;
use crate::walk::Walk;
use crate::{Fed, PatternError, StreamBuffer};

/// A compiled mapping of placeholders (keys) to originals: immutable, cheap to clone, shared by all streams.
///
/// Leftmost-longest over code points, non-overlapping, one pass: an original is never scanned again.
///
/// ```
/// use holdback_core::Matcher;
///
/// let matcher = Matcher::new([("<PERSON_1>", "Ada"), ("<PERSON_10>", "Grace")])?;
/// assert_eq!(matcher.replace("Hi <PERSON_10> and <PERSON_1>!").as_ref(), b"Hi Grace and Ada!");
/// # Ok::<(), holdback_core::PatternError>(())
/// ```
#[derive(Clone)]
pub struct Matcher {
    automaton: Arc<Automaton>,
}

impl Matcher {
    /// Compile a mapping. Text is UTF-8, or WTF-8 where it has lone surrogates; adjacent surrogate halves are
    /// joined into their character first. The same pair may come twice.
    ///
    /// # Errors
    /// [`PatternError`] if a key is empty, has two originals or is no text, or all keys together are too long.
    ///
    /// ```
    /// use holdback_core::{Matcher, PatternError};
    ///
    /// assert_eq!(Matcher::new([("", "Ada")]).unwrap_err(), PatternError::EmptyKey);
    /// assert_eq!(Matcher::new([("<1>", "Ada"), ("<1>", "Bo")]).unwrap_err(), PatternError::TwoOriginals);
    /// ```
    pub fn new<K, V>(pairs: impl IntoIterator<Item = (K, V)>) -> Result<Self, PatternError>
    where
        K: AsRef<[u8]>,
        V: AsRef<[u8]>,
    {
        Ok(Self { automaton: Arc::new(Automaton::new(Patterns::new(pairs)?, false)) })
    }

    /// [`new`](Self::new), for keys that match whole words only: one that begins with a word character where none
    /// stands before it, one that ends with one where none follows.
    ///
    /// Word characters are letters, marks, digits and `_` of scripts that are written with spaces.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    ///
    /// ```
    /// use holdback_core::Matcher;
    ///
    /// let matcher = Matcher::whole_words([("Ann", "Eve")])?;
    /// assert_eq!(matcher.replace("Ann's annual, Annual").as_ref(), b"Eve's annual, Annual");
    /// # Ok::<(), holdback_core::PatternError>(())
    /// ```
    pub fn whole_words<K, V>(pairs: impl IntoIterator<Item = (K, V)>) -> Result<Self, PatternError>
    where
        K: AsRef<[u8]>,
        V: AsRef<[u8]>,
    {
        Ok(Self { automaton: Arc::new(Automaton::new(Patterns::new(pairs)?, true)) })
    }

    /// Start a stream of plain text: O(1), whatever the number of keys. See [`StreamBuffer`].
    #[must_use]
    pub fn stream(&self) -> StreamBuffer {
        StreamBuffer::new(Arc::clone(&self.automaton), Mode::Plain)
    }

    /// Start a stream whose text is JSON source, such as streamed tool-call arguments. A key matches in any JSON
    /// spelling, and an original is escaped for the place where it lands.
    ///
    /// ```
    /// # use holdback_core::Matcher;
    /// let matcher = Matcher::new([("<PERSON_1>", "Ada \"Countess\" Lovelace")])?;
    /// let mut stream = matcher.stream_json();
    /// let mut out = Vec::new();
    /// for piece in [r#"{"to": "\u00"#, r#"3cPERSON_1>"}"#] {
    ///     if stream.feed(piece, &mut out) == holdback_core::Fed::Unchanged {
    ///         out.extend_from_slice(piece.as_bytes());
    ///     }
    /// }
    /// stream.flush(&mut out);
    /// assert_eq!(out, br#"{"to": "Ada \"Countess\" Lovelace"}"#);
    /// # Ok::<(), holdback_core::PatternError>(())
    /// ```
    #[must_use]
    pub fn stream_json(&self) -> StreamBuffer {
        StreamBuffer::new(Arc::clone(&self.automaton), Mode::Json)
    }

    /// Start a stream that decides by its first characters whether it is JSON source: behind blanks and at most one
    /// code-fence line, `{` with `"` or `}` behind it, or `[` with `{`, `[` or `"`. Anything else is plain text.
    ///
    /// ```
    /// # use holdback_core::Matcher;
    /// let matcher = Matcher::new([("<P>", "\"Al\"")])?;
    /// for (text, restored) in [(r#"{"a":"<P>"}"#, r#"{"a":"\"Al\""}"#), ("[1] <P>", "[1] \"Al\"")] {
    ///     let mut out = Vec::new();
    ///     let mut stream = matcher.stream_auto();
    ///     let _ = stream.feed(text, &mut out);
    ///     assert_eq!(out, restored.as_bytes());
    /// }
    /// # Ok::<(), holdback_core::PatternError>(())
    /// ```
    #[must_use]
    pub fn stream_auto(&self) -> StreamBuffer {
        StreamBuffer::new(Arc::clone(&self.automaton), Mode::Auto)
    }

    /// Replace every key in a whole text (UTF-8 or WTF-8). Borrowed if nothing changed.
    ///
    /// ```
    /// # use holdback_core::Matcher;
    /// use std::borrow::Cow;
    ///
    /// let matcher = Matcher::new([("Ann", "Bo"), ("Ann Lee", "Cy")])?;
    /// assert_eq!(matcher.replace("Ann Leo, Ann Lee").as_ref(), b"Bo Leo, Cy");
    /// assert!(matches!(matcher.replace("nobody"), Cow::Borrowed(b"nobody")));
    /// # Ok::<(), holdback_core::PatternError>(())
    /// ```
    #[must_use]
    pub fn replace<'a, T: AsRef<[u8]> + ?Sized>(&self, text: &'a T) -> Cow<'a, [u8]> {
        whole(self.stream(), text.as_ref())
    }

    /// Replace every key in a whole JSON source.
    ///
    /// ```
    /// # use holdback_core::Matcher;
    /// let matcher = Matcher::new([("<PERSON_1>", "Ada \"Countess\" Lovelace")])?;
    /// let source = r#"{"to": "\u003cPERSON_1\u003e"}"#;
    /// assert_eq!(matcher.replace_json(source).as_ref(), br#"{"to": "Ada \"Countess\" Lovelace"}"#);
    /// # Ok::<(), holdback_core::PatternError>(())
    /// ```
    #[must_use]
    pub fn replace_json<'a, T: AsRef<[u8]> + ?Sized>(&self, text: &'a T) -> Cow<'a, [u8]> {
        whole(self.stream_json(), text.as_ref())
    }

    /// Replace every key in a whole text that decides by its first characters whether it is JSON source.
    #[must_use]
    pub fn replace_auto<'a, T: AsRef<[u8]> + ?Sized>(&self, text: &'a T) -> Cow<'a, [u8]> {
        whole(self.stream_auto(), text.as_ref())
    }

    /// Whether nothing in `text` could begin a key, nor, in `json` source, an escape or a border of a string. A stream
    /// at rest passes such a text on and stays as it is.
    ///
    /// ```
    /// # use holdback_core::Matcher;
    /// let matcher = Matcher::new([("<PERSON_1>", "Ada")])?;
    /// assert!(matcher.is_quiet("Hi there", false));
    /// assert!(!matcher.is_quiet("1 < 2", false));
    /// # Ok::<(), holdback_core::PatternError>(())
    /// ```
    #[must_use]
    #[inline]
    pub fn is_quiet(&self, text: &str, json: bool) -> bool {
        let starts = self.automaton.starts();
        let found = if json { starts.find_json(text.as_bytes()) } else { starts.find(text.as_bytes()) };
        found.is_none()
    }

    /// Hand over the keys in a whole text: where each begins, and its number. The text is WTF-8 without adjacent halves.
    #[inline]
    pub(crate) fn find(&self, text: &[u8], found: impl FnMut(usize, u32)) {
        Walk::find(&self.automaton, text, found);
    }

    /// The text of the key of that number.
    pub(crate) fn key(&self, key: u32) -> &[u8] {
        self.automaton.key(key)
    }

    /// How many keys there are; surrogate halves that were joined make one key.
    ///
    /// ```
    /// # use holdback_core::Matcher;
    /// let matcher = Matcher::new([("<1>", "Ada"), ("Łucja", "Bo")])?;
    /// assert_eq!((matcher.len(), matcher.longest(), matcher.is_empty()), (2, 5, false));
    /// # Ok::<(), holdback_core::PatternError>(())
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.automaton.len()
    }

    /// The keys with their originals, in the order of the keys.
    pub fn pairs(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        (0u32..).take(self.len()).map(|key| (self.automaton.key(key), self.automaton.original(key)))
    }

    /// Whether some key matches only as a whole word.
    #[must_use]
    pub fn minds_words(&self) -> bool {
        self.automaton.has_borders()
    }

    /// Whether there are no keys: every text passes unchanged.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The length of the longest key, in code points; 0 without keys.
    #[must_use]
    pub fn longest(&self) -> usize {
        self.automaton.longest()
    }
}

fn whole(mut stream: StreamBuffer, text: &[u8]) -> Cow<'_, [u8]> {
    let mut out = Vec::new();
    let fed = stream.feed_wtf8(text, &mut out);
    stream.flush(&mut out);
    if fed == Fed::Unchanged || out == text { Cow::Borrowed(text) } else { Cow::Owned(out) }
}

impl fmt::Debug for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Matcher")
            .field("keys", &self.len())
            .field("longest", &self.longest())
            .finish_non_exhaustive()
    }
}
