//! Paths of which there is one reading: what a rule is found by must be what the server behind understands.
//!
//! RFC 3986, sections 6.2.2.2 and 6.2.2.3 (escapes of unreserved characters, dot segments), and slashes in a row as
//! one, as servers and Envoy Gateway take them.

use std::borrow::Cow;

/// A request's target (path and query) with its path in normal form: `%61` is `a`, `/a/./b/../c` is `/a/c`, `//` is
/// `/`. Other escapes and the query stay as they are, and so does what is no path.
///
/// Whoever passes requests on asks the [`Table`](super::Table) about this form, and sends what the decision says.
///
/// ```
/// use narae_routing::matching::normal_target;
///
/// assert_eq!(normal_target("/x/..//%61dmin?a=/../b"), "/admin?a=/../b");
/// assert_eq!(normal_target("/a%2Fb"), "/a%2Fb");
/// ```
#[must_use]
pub fn normal_target(target: &str) -> Cow<'_, str> {
    let (path, query) = target.split_at(target.find('?').unwrap_or(target.len()));
    if !path.starts_with('/') || is_normal(path) {
        return Cow::Borrowed(target);
    }
    let decoded = decoded(path);
    let mut segments = Vec::new();
    let mut is_directory = false;
    for segment in decoded.split('/').skip(1) {
        is_directory = matches!(segment, "" | "." | "..");
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            name => segments.push(name),
        }
    }
    let mut normal = String::with_capacity(target.len());
    for segment in &segments {
        normal.push('/');
        normal.push_str(segment);
    }
    if is_directory || segments.is_empty() {
        normal.push('/');
    }
    normal.push_str(query);
    Cow::Owned(normal)
}

/// Whether all servers read a path alike: in normal form, and without what some take for a separator, or cut off:
/// an escaped slash, a backslash, a semicolon, a `%` that begins no escape.
pub(super) fn is_clear(path: &str) -> bool {
    let escapes = path.match_indices('%').all(|(at, _)| {
        let byte = path.get(at + 1..at + 3).and_then(byte);
        byte.is_some_and(|byte| !matches!(byte, 0 | b'/' | b'\\' | b';'))
    });
    escapes && is_normal(path) && !path.contains(['\\', ';'])
}

/// Most paths are, and cost no more than this look.
fn is_normal(path: &str) -> bool {
    let mut bytes = path.as_bytes();
    while let [byte, rest @ ..] = bytes {
        bytes = rest;
        let odd = match byte {
            b'/' => {
                let dots = rest
                    .strip_prefix(b".")
                    .map(|rest| rest.strip_prefix(b".").unwrap_or(rest));
                rest.first() == Some(&b'/')
                    || dots.is_some_and(|rest| matches!(rest, [] | [b'/', ..]))
            }
            b'%' => {
                let hex = rest.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
                hex.and_then(self::byte).is_some_and(is_unreserved)
            }
            _ => false,
        };
        if odd {
            return false;
        }
    }
    true
}

fn decoded(path: &str) -> String {
    let mut decoded = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('%') {
        decoded.push_str(before);
        let escaped = after.get(..2).and_then(byte).filter(|b| is_unreserved(*b));
        rest = match escaped {
            Some(byte) => {
                decoded.push(char::from(byte));
                after.get(2..).unwrap_or_default()
            }
            None => {
                decoded.push('%');
                after
            }
        };
    }
    decoded + rest
}

fn byte(hex: &str) -> Option<u8> {
    let is_hex = hex.bytes().all(|b| b.is_ascii_hexdigit());
    u8::from_str_radix(hex, 16).ok().filter(|_| is_hex)
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}
