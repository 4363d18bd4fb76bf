//! Strings in quotes.

use std::fmt::Write as _;

/// Whether a character only survives as an escape.
///
/// Controls, the line breaks that YAML 1.1 knows and 1.2 does not (U+0085, U+2028, U+2029), the
/// byte order mark, non-characters at the end of the basic plane; and, because nobody could see
/// them, every other blank that is not a space.
pub(super) fn needs_escape(c: char) -> bool {
    match c {
        ' '..='~' => false,
        '\u{feff}' | '\u{fffe}' | '\u{ffff}' | '\u{2028}' | '\u{2029}' => true,
        c => c.is_control() || c.is_whitespace(),
    }
}

/// Whether single quotes can hold a string at all: they have no escapes and fold line breaks.
pub(crate) fn can_single_quote(text: &str) -> bool {
    !text.chars().any(|c| c == '\t' || needs_escape(c))
}

/// Whether single quotes show a string better than escapes would.
pub(super) fn prefers_single(text: &str) -> bool {
    text.contains(['"', '\\']) && !text.contains('\'') && can_single_quote(text)
}

/// `'…'`; the text must not need escapes.
pub(crate) fn push_single_quoted(out: &mut String, text: &str) {
    out.push('\'');
    for c in text.chars() {
        if c == '\'' {
            out.push('\'');
        }
        out.push(c);
    }
    out.push('\'');
}

/// `"…"` with escapes common to YAML 1.1 and 1.2: JSON's, and `\x`, `\u`.
pub(crate) fn push_double_quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if !needs_escape(c) => out.push(c),
            c => {
                let code = u32::from(c);
                // Writing to a String cannot fail.
                let _ = match code {
                    0..=0xff => write!(out, "\\x{code:02x}"),
                    0x100..=0xffff => write!(out, "\\u{code:04x}"),
                    _ => write!(out, "\\U{code:08x}"),
                };
            }
        }
    }
    out.push('"');
}
