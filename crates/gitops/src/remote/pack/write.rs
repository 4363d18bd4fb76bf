//! Writing a pack to send.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use sha1::{Digest, Sha1};

use super::super::wire::ObjectId;
use super::Kind;

/// An object as it will stand in a pack.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a pack has whole objects and differences"
)]
pub enum Packed<'a> {
    /// With all its bytes.
    Whole(Kind, &'a [u8]),
    /// As instructions ([`difference`](super::difference)) on an object the server has.
    Difference(ObjectId, Vec<u8>),
}

/// A pack of `objects`, in their order.
///
/// # Errors
///
/// Only when there are more than fit (2³² − 1).
pub fn write(objects: &[Packed<'_>]) -> io::Result<Vec<u8>> {
    let count = u32::try_from(objects.len()).map_err(io::Error::other)?;
    let mut pack = b"PACK\0\0\0\x02".to_vec();
    pack.extend_from_slice(&count.to_be_bytes());
    for object in objects {
        let bytes = match object {
            Packed::Whole(kind, bytes) => {
                header(&mut pack, kind.code(), bytes.len());
                *bytes
            }
            Packed::Difference(base, delta) => {
                header(&mut pack, 7, delta.len());
                pack.extend_from_slice(base.as_bytes());
                delta
            }
        };
        let mut encoder = ZlibEncoder::new(&mut pack, Compression::default());
        encoder.write_all(bytes)?;
        encoder.finish()?;
    }
    let checksum = Sha1::digest(&pack);
    pack.extend_from_slice(&checksum);
    Ok(pack)
}

fn header(pack: &mut Vec<u8>, code: u8, size: usize) {
    let mut rest = size >> 4;
    let mut byte = code << 4 | u8::try_from(size & 0x0f).unwrap_or_default();
    while rest > 0 {
        pack.push(byte | 0x80);
        byte = u8::try_from(rest & 0x7f).unwrap_or_default();
        rest >>= 7;
    }
    pack.push(byte);
}
