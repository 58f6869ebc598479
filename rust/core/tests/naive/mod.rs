//! A naive restorer, too simple to be wrong: the tests and the fuzz target compare with it.

/// Leftmost-longest by definition: at each place the longest key that stands there, else one byte as it is. (Bytes
/// will do: a key in WTF-8 stands in a text only where its characters do.)
///
/// Adjacent surrogate halves, in keys, originals and text, are joined into their character first.
pub(crate) fn restore<K: AsRef<[u8]>, V: AsRef<[u8]>>(pairs: &[(K, V)], text: &[u8]) -> Vec<u8> {
    let pairs: Vec<_> =
        pairs.iter().map(|(key, original)| (join(key.as_ref()), join(original.as_ref()))).collect();
    let text = join(text);
    let mut out = Vec::new();
    let mut rest = &*text;
    while let Some((&byte, others)) = rest.split_first() {
        let longest = pairs.iter().filter(|(key, _)| rest.starts_with(key)).max_by_key(|(key, _)| key.len());
        if let Some((key, original)) = longest {
            out.extend_from_slice(original);
            rest = &rest[key.len()..];
        } else {
            out.push(byte);
            rest = others;
        }
    }
    out
}

/// `text` with each high surrogate half and the low one behind it written as the character they spell.
pub(crate) fn join(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((&byte, others)) = rest.split_first() {
        if let [0xED, a @ 0xA0..=0xAF, b @ 0x80..=0xBF, 0xED, c @ 0xB0..=0xBF, d @ 0x80..=0xBF, ..] = *rest {
            let high = u32::from(a & 0x0F) << 6 | u32::from(b & 0x3F);
            let low = u32::from(c & 0x0F) << 6 | u32::from(d & 0x3F);
            let character = char::from_u32(0x1_0000 + (high << 10) + low).expect("halves spell a character");
            out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            rest = &rest[6..];
        } else {
            out.push(byte);
            rest = others;
        }
    }
    out
}
