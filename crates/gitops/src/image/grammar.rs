//! The parts of an image reference, each as one predicate over its text.
//!
//! Hand-written rather than regular expressions: every rule is one pass over the bytes.

/// What a tag looks like, for people.
pub(super) const TAG: &str =
    "1 to 128 letters, digits, `_`, `.`, `-`, not beginning with `.` or `-`";
/// What a digest looks like, for people.
pub(super) const DIGEST: &str =
    "an algorithm, a colon and its hexadecimal digits, as in `sha256:…`";

/// Whether the first component of a name is a registry, by Docker's rule: it could not be part of
/// a repository on Docker Hub.
pub(super) fn names_registry(component: &str) -> bool {
    component.contains(['.', ':'])
        || component == "localhost"
        || component.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// `host[:port]`, where host is a domain name, an IPv4 address or `[IPv6]`.
pub(super) fn is_registry(text: &str) -> bool {
    if let Some((address, after)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let is_address = !address.is_empty()
            && address
                .bytes()
                .all(|byte| byte == b':' || byte.is_ascii_hexdigit());
        return is_address && (after.is_empty() || after.strip_prefix(':').is_some_and(is_port));
    }
    match text.split_once(':') {
        Some((host, port)) => is_host(host) && is_port(port),
        None => is_host(text),
    }
}

/// Slash-separated components of `[a-z0-9]+` joined by `.`, `_`, `__` or any number of dashes.
pub(super) fn is_repository(text: &str) -> bool {
    text.split('/').all(|component| {
        let mut rest = component.as_bytes();
        loop {
            let word = count(rest, |byte| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit()
            });
            rest = rest.get(word..).unwrap_or_default();
            if word == 0 || rest.is_empty() {
                return word > 0;
            }
            let joint = match rest {
                [b'_', b'_', ..] => 2,
                [b'.' | b'_', ..] => 1,
                _ => count(rest, |byte| byte == b'-'),
            };
            if joint == 0 {
                return false;
            }
            rest = rest.get(joint..).unwrap_or_default();
        }
    })
}

/// `[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}`
pub(super) fn is_tag(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= 128
        && text.bytes().next().is_some_and(word)
        && text
            .bytes()
            .all(|byte| word(byte) || matches!(byte, b'.' | b'-'))
}

/// `algorithm:hex`, with the length its algorithm asks for.
pub(super) fn is_digest(text: &str) -> bool {
    let Some((algorithm, encoded)) = text.split_once(':') else {
        return false;
    };
    let is_algorithm = algorithm.split(['+', '.', '-', '_']).all(|part| {
        part.bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_alphabetic())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    });
    let is_lower_hex = encoded
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_algorithm
        && match algorithm {
            "sha256" => encoded.len() == 64 && is_lower_hex,
            "sha384" => encoded.len() == 96 && is_lower_hex,
            "sha512" => encoded.len() == 128 && is_lower_hex,
            // 512 digits: twice the longest digest in use; the grammar itself has no end.
            _ => {
                (32..=512).contains(&encoded.len())
                    && encoded.bytes().all(|byte| byte.is_ascii_hexdigit())
            }
        }
}

fn is_host(text: &str) -> bool {
    text.split('.').all(|label| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    })
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn count(bytes: &[u8], matches: impl Fn(u8) -> bool) -> usize {
    bytes.iter().take_while(|byte| matches(**byte)).count()
}
