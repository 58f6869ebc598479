//! Messages: the framing of AWS event streams (`application/vnd.amazon.eventstream`).
//!
//! A message is, big-endian: its length (u32), that of its headers (u32), the CRC-32 of these eight bytes, the headers,
//! the payload, and the CRC-32 of all before. A header is a name (u8 length), a type (u8) and a value; 7 is a string
//! (u16 length). Two headers matter here: `:message-type` (`event`, or `exception` and `error`) and `:event-type`.
//!
//! An event's name stands in its headers alone. So it is read as `{"name": payload}`. A `chunk` carries another
//! provider's event as base64, and is read as that event.
//!
//! Both checksums are checked, and written anew for a message that changed. A message whose last checksum is wrong
//! passes as it is. So do the bytes that begin none, up to the next place where a length and its checksum agree.
//!
//! Cost: O(bytes). The unfinished message is asked for its length once for each read, and not searched.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The bytes before the headers: two lengths and their checksum.
const PRELUDE: usize = 12;
/// The checksum at the end.
const CHECKSUM: usize = 4;
const SMALLEST: usize = PRELUDE + CHECKSUM;
const STRING: u8 = 7;

/// What a stream of messages goes on with.
pub(super) enum Next {
    /// More must come, of a message of that size; 0 if that is not known, or does not matter any more.
    More(usize),
    /// So many bytes that begin no message.
    Lost(usize),
    /// A message of that size, all of it; or of that size, the rest of one that passes.
    Message(usize),
}

/// Finds the messages of a stream.
#[derive(Default)]
pub(super) struct Messages {
    /// Bytes pass until a message begins.
    is_lost: bool,
    /// How many bytes are still to come of a message that passes.
    left: usize,
    /// How often bytes came that begin no message, and messages that are not sound.
    pub(super) broken: usize,
}

impl Messages {
    /// What `bytes` begins with.
    pub(super) fn next(&mut self, bytes: &[u8]) -> Next {
        if self.left > 0 {
            if bytes.len() < self.left {
                return Next::More(0);
            }
            return Next::Message(std::mem::take(&mut self.left));
        }
        let Some(&first) = bytes.first() else { return Next::More(0) };
        if may_begin(first) {
            if bytes.len() < PRELUDE {
                return Next::More(0);
            }
            if let Some(size) = size_of(bytes) {
                self.is_lost = false;
                return if bytes.len() < size { Next::More(size) } else { Next::Message(size) };
            }
        }
        self.broken += usize::from(!std::mem::replace(&mut self.is_lost, true));
        let found = bytes[1..].iter().position(|&byte| may_begin(byte));
        Next::Lost(found.map_or(bytes.len(), |found| found + 1))
    }

    /// Give up the message that `bytes` begins, none of which is asked for again. Only its end is of interest.
    pub(super) fn pass(&mut self, bytes: &[u8]) {
        if self.left == 0 {
            self.left = if bytes.len() < PRELUDE { 0 } else { size_of(bytes).unwrap_or_default() };
        }
        self.left -= bytes.len().min(self.left);
    }
}

/// What a message begins with that is smaller than 32 MiB. No event of another framing begins so.
fn may_begin(byte: u8) -> bool {
    byte <= 1
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u32::from_be_bytes(word)
}

fn usize_at(bytes: &[u8], at: usize) -> usize {
    u32_at(bytes, at) as usize
}

/// The size of the message that begins with this prelude; None if none does.
fn size_of(bytes: &[u8]) -> Option<usize> {
    let (size, headers) = (usize_at(bytes, 0), usize_at(bytes, 4));
    let fits = size.checked_sub(SMALLEST).is_some_and(|most| headers <= most);
    (fits && crc32fast::hash(&bytes[..8]) == u32_at(bytes, 8)).then_some(size)
}

/// Whether the lengths and both checksums of a complete message are right.
pub(super) fn is_sound(message: &[u8]) -> bool {
    let Some(end) = message.len().checked_sub(CHECKSUM) else { return false };
    message.len() >= SMALLEST
        && size_of(message) == Some(message.len())
        && crc32fast::hash(&message[..end]) == u32_at(message, end)
}

/// What a sound message carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Carried {
    /// Nothing that is read.
    Nothing,
    /// An event that goes by the name of that many bytes, before its payload.
    Named(usize),
    /// The event of another provider, as base64 in that range of the payload.
    Chunk(Range<usize>),
    /// Something that is for the caller: an exception, or a chunk that is written in another way.
    Other,
}

/// Where the payload of a sound message stands.
pub(super) fn payload(message: &[u8]) -> Range<usize> {
    PRELUDE + usize_at(message, 4)..message.len() - CHECKSUM
}

/// Read what a sound message carries; its event is put into `event`.
pub(super) fn read(message: &[u8], event: &mut Vec<u8>) -> Carried {
    event.clear();
    let payload = payload(message);
    let Some(headers) = headers(&message[PRELUDE..payload.start]) else { return Carried::Nothing };
    let said = &message[payload];
    if headers.message_type != Some(b"event") {
        return Carried::Other;
    }
    match headers.event_type.unwrap_or_default() {
        b"chunk" => {
            let Some(range) = encoded(said) else { return Carried::Other };
            match STANDARD.decode_vec(&said[range.clone()], event) {
                Ok(()) => Carried::Chunk(range),
                Err(_) => Carried::Other,
            }
        }
        name if is_name(name) => {
            event.extend_from_slice(b"{\"");
            event.extend_from_slice(name);
            event.extend_from_slice(b"\":");
            let head = event.len();
            event.extend_from_slice(said);
            event.push(b'}');
            Carried::Named(head)
        }
        _ => Carried::Nothing,
    }
}

/// Append a message with other words in place of its event: `event` is what `read` gave, changed.
pub(super) fn write(message: &[u8], carried: &Carried, event: &[u8], out: &mut Vec<u8>) {
    let payload = payload(message);
    let begin = out.len();
    out.extend_from_slice(&message[..payload.start]);
    match carried {
        Carried::Named(head) => out.extend_from_slice(&event[*head..event.len() - 1]),
        Carried::Chunk(range) => {
            let said = &message[payload];
            out.extend_from_slice(&said[..range.start]);
            out.extend_from_slice(STANDARD.encode(event).as_bytes());
            out.extend_from_slice(&said[range.end..]);
        }
        Carried::Nothing | Carried::Other => out.extend_from_slice(&message[payload]),
    }
    // No message grows to 4 GiB.
    let size = u32::try_from(out.len() - begin + CHECKSUM).unwrap_or(u32::MAX);
    out[begin..begin + 4].copy_from_slice(&size.to_be_bytes());
    let prelude = crc32fast::hash(&out[begin..begin + 8]);
    out[begin + 8..begin + PRELUDE].copy_from_slice(&prelude.to_be_bytes());
    let all = crc32fast::hash(&out[begin..]);
    out.extend_from_slice(&all.to_be_bytes());
}

/// Where the base64 stands in the payload of a chunk that says nothing else but padding, as AWS writes them; None of one
/// that is written otherwise.
fn encoded(said: &[u8]) -> Option<Range<usize>> {
    const HEAD: &[u8] = b"{\"bytes\":\"";
    let rest = said.strip_prefix(HEAD)?;
    let size = memchr::memchr2(b'"', b'\\', rest)?;
    let padding = rest[size..].strip_prefix(b"\"")?.strip_suffix(b"}")?;
    let is_plain = |text: &[u8]| !text.iter().any(|byte| matches!(byte, b'"' | b'\\' | 0..0x20 | 0x80..));
    let is_padding = padding.is_empty()
        || padding.strip_prefix(b",\"p\":\"").and_then(|rest| rest.strip_suffix(b"\"")).is_some_and(is_plain);
    is_padding.then(|| HEAD.len()..HEAD.len() + size)
}

fn is_name(name: &[u8]) -> bool {
    name.first().is_some_and(u8::is_ascii_alphabetic) && name.iter().all(u8::is_ascii_alphanumeric)
}

#[derive(Default)]
struct Headers<'a> {
    message_type: Option<&'a [u8]>,
    event_type: Option<&'a [u8]>,
}

/// The headers that matter; None if they cannot be read.
fn headers(mut data: &[u8]) -> Option<Headers<'_>> {
    let mut found = Headers::default();
    while let Some((&length, rest)) = data.split_first() {
        let (name, rest) = rest.split_at_checked(length.into())?;
        let (&kind, rest) = rest.split_first()?;
        let (size, rest) = match kind {
            0 | 1 => (0, rest),
            2 => (1, rest),
            3 => (2, rest),
            4 => (4, rest),
            5 | 8 => (8, rest),
            9 => (16, rest),
            6 | STRING => {
                let (&[high, low], rest) = rest.split_first_chunk::<2>()?;
                (usize::from(u16::from_be_bytes([high, low])), rest)
            }
            _ => return None,
        };
        let (value, rest) = rest.split_at_checked(size)?;
        std::str::from_utf8(name).ok()?;
        if kind == STRING {
            std::str::from_utf8(value).ok()?;
            match name {
                b":message-type" => found.message_type = Some(value),
                b":event-type" => found.event_type = Some(value),
                _ => {}
            }
        }
        data = rest;
    }
    Some(found)
}
