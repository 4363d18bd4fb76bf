//! Line breaks within base64 or hexadecimal digits: which are, and which end a line of text.

use super::units::{is_blank, is_break};

/// Characters of base64 or hexadecimal digits that stand before a line break for it to be one within a value:
/// tools wrap at 60 to 76.
pub(super) const WRAPPED_LINE: usize = 24;

/// Of base64, in either alphabet; hexadecimal digits are among them.
static IS_DIGIT: [bool; 256] = {
    let mut digits = [false; 256];
    let mut byte = 0_u8;
    let mut rest: &mut [bool] = &mut digits;
    while let [digit, others @ ..] = rest {
        *digit = byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_');
        byte = byte.wrapping_add(1);
        rest = others;
    }
    digits
};

/// `false` where [`is_wrap`] is, quickly: most lines end in something else, or have a blank near their end, which is looked
/// for in all their last bytes at once.
pub(super) fn may_be_wrapped(bytes: &[u8], line_break: usize) -> bool {
    let start = line_break.checked_sub(WRAPPED_LINE);
    let line = start.and_then(|start| bytes.get(start..line_break));
    line.is_some_and(|line| {
        let ends = matches!(line, [first, .., last] if is_digit(*first) && (is_digit(*last) || *last == b'\r'));
        ends && !line.iter().fold(false, |any, byte| any | (*byte == b' '))
    })
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
    let is_wrapped = line.iter().rev().all(|byte| is_digit(*byte));
    let next = after
        .iter()
        .find(|byte| !is_break(**byte) && !is_blank(**byte));
    is_wrapped && next.is_none_or(|byte| is_digit(*byte) || *byte == b'\\')
}

fn is_digit(byte: u8) -> bool {
    IS_DIGIT.get(usize::from(byte)).is_some_and(|digit| *digit)
}
