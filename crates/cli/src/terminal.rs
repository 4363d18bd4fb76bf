//! Text that comes from files, shown so that it cannot act on the terminal.

/// `text` with an escape for every character that nobody sees.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) {
            out.extend(c.escape_debug());
        } else {
            out.push(c);
        }
    }
    out
}

/// [`visible`], line by line: an error may have several.
#[must_use]
pub fn visible_lines(error: &(impl ToString + ?Sized)) -> String {
    let lines: Vec<String> = error.to_string().split('\n').map(visible).collect();
    lines.join("\n")
}

/// Controls (among them the one that begins ANSI escapes), and what is invisible or turns the
/// direction of the text after it.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
}
