//! PEM blocks (RFC 7468), read as leniently as Go's `encoding/pem`, which the format's own tools use:
//! any text around blocks, any line length, CRLF, headers within a block.
//!
//! Limits: [`MAX_PEM_BYTES`] of input. One pass, no recursion. Decoded bytes are wiped on drop.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::SecretBytes;

/// Largest PEM input accepted, in bytes.
pub(crate) const MAX_PEM_BYTES: usize = 1024 * 1024;
/// Bytes of a symmetric key.
const KEY_BYTES: usize = 32;

/// One block: what it says it is, and the bytes in it.
pub(crate) struct Block<'a> {
    pub(crate) label: &'a str,
    /// RFC 1421 headers (`Proc-Type: …`), which mark old-style encrypted keys.
    pub(crate) has_headers: bool,
    pub(crate) der: Zeroizing<Vec<u8>>,
}

/// The blocks of `text` in order; what is not a complete block is passed over.
pub(crate) fn blocks(text: &str) -> impl Iterator<Item = Block<'_>> {
    let mut lines = text.lines();
    // One buffer for all blocks, large enough never to move: a move would leave a key's copy behind.
    let mut base64 = Zeroizing::new(String::with_capacity(text.len()));
    std::iter::from_fn(move || {
        loop {
            let Some(label) = marked(lines.next()?, "-----BEGIN ") else {
                continue;
            };
            if let Some(block) = body(&mut lines, label, &mut base64) {
                return Some(block);
            }
        }
    })
}

fn marked<'a>(line: &'a str, mark: &str) -> Option<&'a str> {
    line.trim_end().strip_prefix(mark)?.strip_suffix("-----")
}

fn body<'a>(
    lines: &mut std::str::Lines<'a>,
    label: &'a str,
    base64: &mut String,
) -> Option<Block<'a>> {
    base64.clear();
    let mut has_headers = false;
    for line in lines {
        if let Some(end) = marked(line, "-----END ") {
            let der = STANDARD
                .decode(base64.as_bytes())
                .ok()
                .map(Zeroizing::new)?;
            return (end == label).then_some(Block {
                label,
                has_headers,
                der,
            });
        }
        if line.contains(':') {
            has_headers = true;
        } else {
            base64.push_str(line.trim());
        }
    }
    None
}

/// The 32 bytes of the first block `label` of a key file.
pub(crate) fn key(pem: &[u8], label: &str) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
    let text = std::str::from_utf8(pem).ok()?;
    if text.len() > MAX_PEM_BYTES {
        return None;
    }
    let block = blocks(text).find(|block| block.label == label)?;
    let bytes = <&[u8; KEY_BYTES]>::try_from(block.der.as_slice()).ok()?;
    Some(Zeroizing::new(*bytes))
}

/// A new key file; `None` if the operating system gives no random bytes.
pub(crate) fn generate_key(label: &str) -> Option<SecretBytes> {
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    getrandom::fill(bytes.as_mut()).ok()?;
    Some(SecretBytes::copy_of(
        encode(label, bytes.as_ref()).as_bytes(),
    ))
}

/// Writes one block with lines of 64 characters.
pub(crate) fn encode(label: &str, der: &[u8]) -> Zeroizing<String> {
    let base64 = Zeroizing::new(STANDARD.encode(der));
    // Room for all of it: growing would leave a copy behind.
    let mut text = String::with_capacity(base64.len() + base64.len() / 64 + 2 * label.len() + 40);
    text.push_str(&format!("-----BEGIN {label}-----\n"));
    for (index, c) in base64.chars().enumerate() {
        if index > 0 && index % 64 == 0 {
            text.push('\n');
        }
        text.push(c);
    }
    text.push_str(&format!("\n-----END {label}-----\n"));
    Zeroizing::new(text)
}
