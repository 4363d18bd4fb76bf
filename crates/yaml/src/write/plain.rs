//! Which strings need no quotes.
//!
//! Conservative on purpose: the union of everything YAML 1.1 (its type repository included), YAML
//! 1.2 and Go could take for something other than a string, widened to whole shapes (`1.2.3`,
//! `12:30`) where a reader's regular expression is looser than its specification.

use super::quoted::needs_escape;

/// Words that some reader takes for null, a boolean, a number, a merge key or a default value.
const WORDS: [&str; 19] = [
    "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", ".inf", "-.inf", "+.inf",
    ".nan", "<<", "=", "nan", "inf", "nil",
];

/// The longest of [`WORDS`].
const LONGEST_WORD: usize = 5;

/// Whether every reader takes `text`, written without quotes in block style, for this string.
pub(crate) fn is_plain(text: &str) -> bool {
    let Some(first) = text.as_bytes().first() else {
        return false;
    };
    !is_indicator(*first, text)
        && !has_line_hazard(text)
        && !is_word(*first, text)
        && !could_be_number(text)
}

/// Whether the first character would begin something else.
fn is_indicator(first: u8, text: &str) -> bool {
    match first {
        // A dash begins a string only before a character that is not blank (`-Xmx512m`, `--flag`).
        b'-' => text.len() == 1 || text.starts_with("- ") || text.starts_with("---"),
        b'.' => text.starts_with("..."),
        b',' | b'[' | b']' | b'{' | b'}' | b'#' | b'&' | b'*' | b'!' | b'|' | b'>' | b'\''
        | b'"' | b'%' | b'@' | b'`' | b'?' | b':' => true,
        _ => false,
    }
}

/// Whether something inside would end the string, begin a comment or be lost.
fn has_line_hazard(text: &str) -> bool {
    if text.starts_with(' ') || text.ends_with([' ', ':']) {
        return true;
    }
    // Without a way out of the loop it takes many bytes at a time.
    let is_harmless = |byte: u8| (b'!'..=b'~').contains(&byte) & (byte != b'#');
    if text.bytes().fold(true, |all, byte| all & is_harmless(byte)) {
        return false;
    }
    let mut previous = b' ';
    for byte in text.bytes() {
        match byte {
            b' ' if previous == b':' => return true,
            b'#' if previous == b' ' => return true,
            b' '..=b'~' => previous = byte,
            // Most strings have nothing but ASCII, and are looked through once.
            0x80.. => return has_wide_hazard(text),
            _ => return true,
        }
    }
    false
}

/// [`has_line_hazard`] for a text that has more than ASCII.
fn has_wide_hazard(text: &str) -> bool {
    text.contains(": ") || text.contains(" #") || text.chars().any(|c| c == '\t' || needs_escape(c))
}

fn is_word(first: u8, text: &str) -> bool {
    const FIRST: &[u8] = b"~ntfyo.-+<=i";
    text.len() <= LONGEST_WORD
        && FIRST.contains(&first.to_ascii_lowercase())
        && WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// Whether the shape is that of a number, date or time in any of the readers.
fn could_be_number(text: &str) -> bool {
    let unsigned = text.trim_start_matches(['+', '-']);
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.' || c == '_') {
        return unsigned.is_empty();
    }
    let prefix = unsigned.get(..2).map(str::to_ascii_lowercase);
    if matches!(prefix.as_deref(), Some("0x" | "0o" | "0b")) || unsigned.starts_with("0_") {
        return unsigned
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_.+-".contains(&byte));
    }
    let numeric = |byte: u8| byte.is_ascii_digit() || b"_.:+-eEtTzZ ".contains(&byte);
    unsigned.bytes().all(numeric) && !is_dotted(unsigned)
}

/// Whether this is a version or an address (`1.29.3`, `10.0.0.1`). YAML 1.1's own expression for
/// floats would allow it, but what that would be a float of nobody could say: no reader follows it.
fn is_dotted(text: &str) -> bool {
    text.split('.').count() > 2
        && text
            .split('.')
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}
