//! Private keys in PEM (RFC 7468), OpenSSH's and PGP's included, as they are, escaped, or in base64 once more.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::super::finding::Shape;
use super::{Read, Rule, Text, Verdict, variety};

/// Bytes after the label within which the key has to begin; headers may stand before it.
const HEAD: usize = 512;
/// Characters of base64 in a row that are a key and no mention of one.
const BODY: usize = 32;
/// Longest label, with the hyphens after it.
const LABEL: usize = 40;
/// Characters of base64 in which the label of PEM in base64 stands.
const ENCODED_LABEL: usize = 56;

pub(super) fn rules() -> impl Iterator<Item = Rule> {
    let rules: [(&str, Read); 2] = [("-----BEGIN ", pem), ("LS0tLS1CRUdJTi", encoded)];
    let rule = |(literal, read)| Rule {
        literal,
        shape: Shape::PrivateKey,
        read,
    };
    rules.into_iter().map(rule)
}

fn pem(text: &Text<'_>, at: usize, end: usize) -> (usize, Verdict) {
    let label = text.slice(end, end + LABEL.min(text.bytes.len() - end));
    let Some(length) = label.windows(5).position(|hyphens| hyphens == b"-----") else {
        let verdict = if label.len() < LABEL {
            text.cut()
        } else {
            Verdict::No
        };
        return (at, verdict);
    };
    if !is_private(label.get(..length).unwrap_or_default()) {
        return (at, Verdict::No);
    }
    let body = text.from(end + length + 5);
    let head = body.get(..HEAD).unwrap_or(body);
    let mut from = 0;
    for word in head.split(|byte| !is_base64(*byte)) {
        if word.len() >= BODY && variety(word) >= 8 {
            return (at, Verdict::Found(end + length + 5 + from + word.len()));
        }
        from += word.len() + 1;
    }
    let verdict = if head.len() < HEAD {
        text.cut()
    } else {
        Verdict::No
    };
    (at, verdict)
}

fn encoded(text: &Text<'_>, at: usize, _: usize) -> (usize, Verdict) {
    let Some(label) = text.bytes.get(at..at + ENCODED_LABEL) else {
        return (at, text.cut());
    };
    let decoded = STANDARD_NO_PAD.decode(label).unwrap_or_default();
    let is_key = decoded.windows(11).any(|words| words == b"PRIVATE KEY");
    let verdict = if is_key {
        Verdict::Found(at + ENCODED_LABEL)
    } else {
        Verdict::No
    };
    (at, verdict)
}

fn is_private(label: &[u8]) -> bool {
    label.ends_with(b"PRIVATE KEY") || label.ends_with(b"PRIVATE KEY BLOCK")
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}
