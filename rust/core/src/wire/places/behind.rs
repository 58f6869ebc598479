//! What stands behind: schemes, domains, words, read backwards over a bounded stretch. ASCII letters in any case.

/// Schemes whose addresses need no slashes.
const OPAQUE: [&[u8]; 28] = [
    b"blob",
    b"callto",
    b"cid",
    b"data",
    b"facetime",
    b"file",
    b"filesystem",
    b"geo",
    b"im",
    b"intent",
    b"irc",
    b"javascript",
    b"magnet",
    b"mailto",
    b"market",
    b"mms",
    b"sip",
    b"sips",
    b"skype",
    b"sms",
    b"smsto",
    b"ssh",
    b"tel",
    b"vbscript",
    b"view-source",
    b"webcal",
    b"whatsapp",
    b"xmpp",
];

/// What stands before this ending, in any case of its letters.
pub(super) fn strip_suffix<'a>(text: &'a [u8], ending: &[u8]) -> Option<&'a [u8]> {
    let (rest, end) = text.split_at_checked(text.len().checked_sub(ending.len())?)?;
    end.eq_ignore_ascii_case(ending).then_some(rest)
}

/// Whether a word may begin behind that.
pub(super) fn is_word_border(text: &[u8]) -> bool {
    text.last().is_none_or(|byte| !byte.is_ascii_alphanumeric())
}

pub(super) fn ends_with_opaque(text: &[u8]) -> bool {
    OPAQUE.iter().any(|scheme| strip_suffix(text, scheme).is_some_and(is_word_border))
}

/// A top level that is one ASCII character or nothing but digits is none (`e.g.`, `2.5`); four numbers are an address.
pub(super) fn ends_with_domain(text: &[u8]) -> bool {
    let text = text.strip_suffix(b".").unwrap_or(text);
    let start = text.iter().rposition(|&byte| !is_label(byte)).map_or(0, |at| at + 1);
    let top = &text[start..];
    let Some(rest) =
        text[..start].strip_suffix(b".").filter(|rest| rest.last().is_some_and(|&b| is_label(b)))
    else {
        return false;
    };
    let is_wide = top.iter().any(|&byte| byte >= 0x80);
    if is_wide || top.iter().any(u8::is_ascii_alphabetic) {
        let count = characters(top);
        return (2..=63).contains(&count) || count == 1 && is_wide;
    }
    let mut numbers = [top].into_iter().chain(rest.rsplit(|&byte| byte == b'.').take(2));
    let is_number = |number: &[u8]| matches!(number.len(), 1..=3) && number.iter().all(u8::is_ascii_digit);
    let mut length = 0;
    numbers.all(|number| {
        length += number.len() + 1;
        is_number(number)
    }) && text.len().checked_sub(length + 1).is_some_and(|at| text[at].is_ascii_digit())
        && text[text.len() - length] == b'.'
}

pub(super) fn characters(text: &[u8]) -> usize {
    text.iter().filter(|&byte| byte & 0xc0 != 0x80).count()
}

pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | b' ')
}

pub(super) fn is_newline(byte: u8) -> bool {
    byte == b'\n' || byte == b'\r'
}

fn is_label(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80 || byte == b'-' || byte == b'_'
}
