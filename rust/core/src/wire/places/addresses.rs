//! Which values may be placed inside an address: on allowed hosts, mail addresses, phone numbers, whole addresses.
//!
//! The rules judge the address as far as it was sent, and the value that is to stand behind that. They say yes only to
//! what they understand in its plainest spelling, and no to everything else.
//!
//! What stands behind the value is not known when it is placed. No rule depends on it: the host has ended before the
//! value begins, so nothing behind can change whom the address names.

/// One entry of a policy's `hosts`, which the caller has checked.
#[derive(Clone, PartialEq, Eq)]
pub struct AllowedHost {
    /// In lower case, without the `*.`.
    pub host: Box<str>,
    /// Whether it stands for the hosts below it, instead of itself.
    pub is_wildcard: bool,
    /// A path from its `/` on, or empty.
    pub prefix: Box<str>,
}

impl AllowedHost {
    fn has_host(&self, host: &[u8]) -> bool {
        if !self.is_wildcard {
            return host.eq_ignore_ascii_case(self.host.as_bytes());
        }
        let Some(dot) = host.len().checked_sub(self.host.len() + 1) else { return false };
        host[dot] == b'.'
            && host[dot + 1..].eq_ignore_ascii_case(self.host.as_bytes())
            && host[..dot].split(|&byte| byte == b'.').all(|label| !label.is_empty())
    }

    /// Whether the path so far is behind the prefix, so that the value cannot lengthen its last segment.
    fn has_prefix(&self, path: &[u8]) -> bool {
        let Some(rest) = path.strip_prefix(self.prefix.as_bytes()) else { return false };
        self.prefix.is_empty()
            || self.prefix.ends_with('/')
            || rest.first().is_some_and(|byte| b"/?#".contains(byte))
    }
}

/// Whether `value` may be placed behind `address`, which is what was sent of an address.
///
/// `None` is an address of which the beginning is not known; the empty one is the place where one begins.
pub(super) fn may_stand(address: Option<&[u8]>, value: &[u8], hosts: &[AllowedHost]) -> bool {
    let Some(address) = address else { return false };
    if address.is_empty() {
        return plain_host(value).is_some() && is_plain(value);
    }
    if address.eq_ignore_ascii_case(b"mailto:") {
        return is_mail(value);
    }
    if address.eq_ignore_ascii_case(b"tel:") {
        return is_phone(value);
    }
    !hosts.is_empty() && is_allowed(address, value, hosts)
}

/// The host and what follows it, of an address in its plain spelling.
fn plain_host(address: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = [&b"https://"[..], b"http://"]
        .iter()
        .find(|scheme| address.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
        .map(|scheme| &address[scheme.len()..])?;
    let end =
        rest.iter().position(|&byte| !(byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-'))?;
    (end > 0 && b"/?#".contains(&rest[end])).then(|| rest.split_at(end))
}

/// Whether it holds nothing that a browser, Markdown or HTML reads as something else than it looks like: blanks and
/// controls, quotes, brackets, backslashes, and the references of HTML (`&#46;`, `&period;`).
fn is_plain(address: &[u8]) -> bool {
    address.iter().enumerate().all(|(at, &byte)| match byte {
        0..=0x20 | 0x7f | b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' => false,
        b'&' => !is_reference(&address[at + 1..]),
        _ => true,
    })
}

fn is_reference(name: &[u8]) -> bool {
    let end = name.iter().position(|byte| !byte.is_ascii_alphanumeric());
    name.first() == Some(&b'#')
        || name.first().is_some_and(u8::is_ascii_alphabetic) && end.is_some_and(|end| name[end] == b';')
}

fn is_allowed(address: &[u8], value: &[u8], hosts: &[AllowedHost]) -> bool {
    let Some((host, sent)) = plain_host(address) else { return false };
    if !is_plain(address) {
        return false;
    }
    let ends_path = |byte: &u8| b"?#".contains(byte);
    // Without one, the value stands in the path, and may go on with it. Browsers take some blanks out.
    let value_in_path = if sent.iter().any(ends_path) { &[][..] } else { value };
    if value_in_path.iter().any(|byte| b"\t\n\r".contains(byte)) {
        return false;
    }
    let path = [sent, value_in_path].concat();
    let path = path.split(ends_path).next().unwrap_or_default();
    !path.split(|byte| b"/\\".contains(byte)).any(is_dots)
        && hosts.iter().any(|allowed| allowed.has_host(host) && allowed.has_prefix(sent))
}

/// `.` or `..`, plain or percent-encoded.
fn is_dots(segment: &[u8]) -> bool {
    fn without_dot(segment: &[u8]) -> Option<&[u8]> {
        match segment {
            [b'.', rest @ ..] | [b'%', b'2', b'e' | b'E', rest @ ..] => Some(rest),
            _ => None,
        }
    }
    without_dot(segment)
        .is_some_and(|rest| rest.is_empty() || without_dot(rest).is_some_and(<[u8]>::is_empty))
}

fn is_mail(value: &[u8]) -> bool {
    let is_fit = |&byte: &u8| !matches!(byte, 0..=0x20 | 0x7f | b'@') && !b"?&#%/\\:,;<>\"".contains(&byte);
    let mut parts = value.split(|&byte| byte == b'@');
    let mut next = || parts.next().is_some_and(|part| !part.is_empty() && part.iter().all(is_fit));
    next() && next() && parts.next().is_none()
}

fn is_phone(value: &[u8]) -> bool {
    value.iter().all(|byte| byte.is_ascii_digit() || b"+() -".contains(byte))
        && value.iter().any(u8::is_ascii_digit)
}
