//! Undoes the escapes of formats other than JSON and access logs.

use super::text::{control, hex, unit};

pub(super) fn go(mut raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut utf8 = [0; 4];
    while let Some((&byte, rest)) = raw.split_first() {
        let (meant, after) = match (byte, rest) {
            (b'\\', [b'x', high, low, after @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, after),
                _ => (byte, rest),
            },
            (b'\\', [b'u' | b'U', ..]) => match character(rest) {
                Some((meant, after)) => {
                    out.extend_from_slice(meant.encode_utf8(&mut utf8).as_bytes());
                    raw = after;
                    continue;
                }
                None => (byte, rest),
            },
            (b'\\', [b'a', after @ ..]) => (0x07, after),
            (b'\\', [escape, after @ ..]) => match control(*escape) {
                Some(meant) => (meant, after),
                None => (byte, rest),
            },
            _ => (byte, rest),
        };
        out.push(meant);
        raw = after;
    }
    out
}

/// The character of `uHHHH` or `UHHHHHHHH`.
fn character(escape: &[u8]) -> Option<(char, &[u8])> {
    let (kind, digits) = escape.split_first()?;
    let (high, low, rest) = match kind {
        b'u' => {
            let (low, rest) = unit(digits);
            (0, low?, rest)
        }
        _ => {
            let (high, rest) = unit(digits);
            let (low, rest) = unit(rest);
            (high?, low?, rest)
        }
    };
    Some((char::from_u32(high << 16 | low)?, rest))
}

pub(super) fn structured_data(mut raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    while let Some((&byte, rest)) = raw.split_first() {
        raw = match rest {
            [meant @ (b'"' | b'\\' | b']'), after @ ..] if byte == b'\\' => {
                out.push(*meant);
                after
            }
            _ => {
                out.push(byte);
                rest
            }
        };
    }
    out
}

pub(super) fn hash(mut raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    while let Some((&byte, rest)) = raw.split_first() {
        let (meant, after) = match (byte, rest) {
            (b'#', [high, low, after @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, after),
                _ => (byte, rest),
            },
            _ => (byte, rest),
        };
        out.push(meant);
        raw = after;
    }
    out
}

pub(super) fn block(raw: &[u8]) -> Vec<u8> {
    let raw = raw.strip_suffix(b"\n").unwrap_or(raw);
    let mut lines = raw.split(|byte| *byte == b'\n');
    let mut out = Vec::with_capacity(raw.len());
    let first = lines.next().unwrap_or_default();
    out.extend_from_slice(first.strip_prefix(b"\t").unwrap_or(first));
    for line in lines {
        out.push(b'\n');
        out.extend_from_slice(line.strip_prefix(b"\t").unwrap_or(line));
    }
    out
}
