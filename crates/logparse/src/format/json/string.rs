//! What strings are made of: plain bytes and escapes.

/// How many bytes come before a quote, a backslash or a control character. Most strings are short, so eight bytes at a time in a
/// register do better than a call of `memchr`.
#[inline]
pub(super) fn plain(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some((chunk, after)) = rest.split_first_chunk::<8>() {
        let stops = stops(u64::from_le_bytes(*chunk));
        if stops != 0 {
            return bytes.len() - rest.len() + stops.trailing_zeros() as usize / 8;
        }
        rest = after;
    }
    let end = rest
        .iter()
        .position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1F));
    bytes.len() - rest.len() + end.unwrap_or(rest.len())
}

/// The top bit of each byte that is a quote, a backslash or a control character. A subtraction borrows from the byte above, so bits
/// above the lowest one mean nothing.
const fn stops(eight: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    let quotes = eight ^ (ONES * b'"' as u64);
    let backslashes = eight ^ (ONES * b'\\' as u64);
    let found = (quotes.wrapping_sub(ONES) & !quotes)
        | (backslashes.wrapping_sub(ONES) & !backslashes)
        | (eight.wrapping_sub(ONES * 0x20) & !eight);
    found & (ONES << 7)
}

/// How long the escape is whose backslash stands before this.
pub(super) fn escape(after: &[u8]) -> Option<usize> {
    match after {
        [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => Some(1),
        [b'u', a, b, c, d, ..] if [a, b, c, d].iter().all(|digit| digit.is_ascii_hexdigit()) => {
            Some(5)
        }
        _ => None,
    }
}
