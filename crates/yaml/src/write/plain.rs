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
    let Some(first) = text.chars().next() else {
        return false;
    };
    !is_indicator(first, text) && !has_line_hazard(text) && !is_word(text) && !could_be_number(text)
}

/// Whether the first character would begin something else.
fn is_indicator(first: char, text: &str) -> bool {
    match first {
        // A dash begins a string only before a character that is not blank (`-Xmx512m`, `--flag`).
        '-' => text.len() == 1 || text.starts_with("- ") || text.starts_with("---"),
        '.' => text.starts_with("..."),
        ',' | '[' | ']' | '{' | '}' | '#' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%'
        | '@' | '`' | '?' | ':' => true,
        _ => false,
    }
}

/// Whether something inside would end the string, begin a comment or be lost.
fn has_line_hazard(text: &str) -> bool {
    text.starts_with(' ')
        || text.ends_with([' ', ':'])
        || text.contains(": ")
        || text.contains(" #")
        || text.chars().any(|c| c == '\t' || needs_escape(c))
}

fn is_word(text: &str) -> bool {
    text.len() <= LONGEST_WORD && WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// Whether the shape is that of a number, date or time in any of the readers.
fn could_be_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.' || c == '_') {
        // `+` and `-` alone, and signs before signs: no reader's number, but close to it.
        return unsigned.is_empty()
            || unsigned.starts_with(['+', '-']) && could_be_number(unsigned);
    }
    let prefix = unsigned.get(..2).map(str::to_ascii_lowercase);
    if matches!(prefix.as_deref(), Some("0x" | "0o" | "0b")) || unsigned.starts_with("0_") {
        return unsigned
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_.+-".contains(&byte));
    }
    unsigned
        .bytes()
        .all(|byte| byte.is_ascii_digit() || b"_.:+-eEtTzZ ".contains(&byte))
}
