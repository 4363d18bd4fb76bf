//! Line breaks within base64 or hexadecimal digits: which are, and which end a line of text.

use super::units::{is_blank, is_break};

/// Characters of base64 or hexadecimal digits that stand before a line break for it to be one within a value:
/// tools wrap at 60 to 76.
pub(super) const WRAPPED_LINE: usize = 24;

/// `false` where [`is_wrap`] is, quickly: a blank stands near the end of most lines, and is looked for in all its last bytes at once.
pub(super) fn may_be_wrapped(bytes: &[u8], line_break: usize) -> bool {
    let start = line_break.checked_sub(WRAPPED_LINE);
    let line = start.and_then(|start| bytes.get(start..line_break));
    line.is_some_and(|line| !line.iter().fold(false, |any, byte| any | (*byte == b' ')))
}

/// Whether the line break at `at`, perhaps written `\n`, stands within wrapped base64 or hexadecimal digits.
pub(super) fn is_wrap(bytes: &[u8], at: usize) -> bool {
    let Some(before) = bytes.get(..at) else {
        return false;
    };
    let after = bytes.get(at..).unwrap_or_default();
    let before = match after {
        [b'\\', b'\\' | b'n' | b'r' | b'\n', ..] | [b'\\'] => {
            let escapes = [&br"\r"[..], br"\\r", br"\"];
            escapes
                .iter()
                .find_map(|escape| before.strip_suffix(*escape))
                .unwrap_or(before)
        }
        [b'\\', ..] => return false,
        _ => before.strip_suffix(b"\r").unwrap_or(before),
    };
    let Some(line) = before.last_chunk::<WRAPPED_LINE>() else {
        return false;
    };
    let is_wrapped = line
        .iter()
        .rev()
        .all(|byte| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte));
    let next = after
        .iter()
        .find(|byte| !is_break(**byte) && !is_blank(**byte));
    is_wrapped && next.is_none_or(|byte| byte.is_ascii_alphanumeric() || b"+/-_\\".contains(byte))
}
