//! The plaintext of a store file; its layout stands in [`frame`](super::frame).
//!
//! Decoding reads authenticated bytes, and is careful all the same: counts are never used to reserve
//! memory, and order and limits are checked, so that there is one encoding of any contents.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::frame::{FrameError, MAX_STORE_BYTES};
use crate::SecretBytes;
use crate::store::contents::{self, Contents, Entry, History, Written};
use crate::store::{SecretData, SecretPath, Version};

const LIVE: u8 = 0;
const DELETED: u8 = 1;
const DESTROYED: u8 = 2;

/// Written twice: once to learn the size, once for real into memory that never moves (a move would leave
/// plaintext behind).
pub(super) fn encode(contents: &Contents) -> Result<Zeroizing<Vec<u8>>, FrameError> {
    let mut size = Counter(0);
    write(contents, &mut size)?;
    if size.0 > MAX_STORE_BYTES {
        return Err(FrameError::TooLarge);
    }
    let mut out = Zeroizing::new(Vec::with_capacity(size.0));
    write(contents, &mut *out)?;
    Ok(out)
}

trait Sink {
    fn put(&mut self, bytes: &[u8]);
}

struct Counter(usize);

impl Sink for Counter {
    fn put(&mut self, bytes: &[u8]) {
        self.0 = self.0.saturating_add(bytes.len());
    }
}

impl Sink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

fn write(contents: &Contents, out: &mut impl Sink) -> Result<(), FrameError> {
    put_u32(out, contents.paths.len())?;
    for (path, history) in &contents.paths {
        put_short(out, path.as_str())?;
        put_u32(out, history.versions.len())?;
        for (version, entry) in &history.versions {
            out.put(&version.get().to_be_bytes());
            let (state, written) = match entry {
                Entry::Live(written) => (LIVE, Some(written)),
                Entry::Deleted(written) => (DELETED, Some(written)),
                Entry::Destroyed => (DESTROYED, None),
            };
            out.put(&[state]);
            if let Some(Written { data, stamp }) = written {
                out.put(stamp);
                put_data(out, data)?;
            }
        }
    }
    Ok(())
}

fn put_data(out: &mut impl Sink, data: &SecretData) -> Result<(), FrameError> {
    put_u32(out, data.len())?;
    for (key, value) in data {
        put_short(out, key)?;
        put_u32(out, value.len())?;
        out.put(value.expose());
    }
    Ok(())
}

fn put_u32(out: &mut impl Sink, number: usize) -> Result<(), FrameError> {
    out.put(
        &u32::try_from(number)
            .map_err(|_| FrameError::TooLarge)?
            .to_be_bytes(),
    );
    Ok(())
}

fn put_short(out: &mut impl Sink, text: &str) -> Result<(), FrameError> {
    out.put(
        &u16::try_from(text.len())
            .map_err(|_| FrameError::TooLarge)?
            .to_be_bytes(),
    );
    out.put(text.as_bytes());
    Ok(())
}

pub(super) fn decode(bytes: &[u8]) -> Result<Contents, FrameError> {
    let mut input = Input(bytes);
    let mut paths = BTreeMap::new();
    for _ in 0..input.u32()? {
        let path: SecretPath = input
            .short()?
            .parse()
            .map_err(|_| FrameError::Contents("a path is not allowed"))?;
        insert_last(&mut paths, path, history(&mut input)?)?;
    }
    if !input.0.is_empty() {
        return Err(FrameError::Contents("bytes follow the last path"));
    }
    Ok(Contents { paths })
}

fn history(input: &mut Input<'_>) -> Result<History, FrameError> {
    let mut versions = BTreeMap::new();
    for _ in 0..input.u32()? {
        let number = u64::from_be_bytes(input.array()?);
        let version =
            Version::new(number).ok_or(FrameError::Contents("a version has the number 0"))?;
        let [state] = input.array()?;
        let entry = match state {
            LIVE => Entry::Live(written(input)?),
            DELETED => Entry::Deleted(written(input)?),
            DESTROYED => Entry::Destroyed,
            _ => return Err(FrameError::Contents("a version has an unknown state")),
        };
        insert_last(&mut versions, version, entry)?;
    }
    if versions.is_empty() || versions.len() > contents::MAX_VERSIONS {
        return Err(FrameError::Contents("a path has no or too many versions"));
    }
    Ok(History { versions })
}

fn written(input: &mut Input<'_>) -> Result<Written, FrameError> {
    let stamp = input.array()?;
    let data = data(input)?;
    Ok(Written { data, stamp })
}

fn data(input: &mut Input<'_>) -> Result<SecretData, FrameError> {
    let mut data = SecretData::new();
    for _ in 0..input.u32()? {
        let key = input.short()?.to_owned();
        let length = usize::try_from(input.u32()?).unwrap_or(usize::MAX);
        insert_last(&mut data, key, SecretBytes::copy_of(input.take(length)?))?;
    }
    contents::check(&data).map_err(|_| FrameError::Contents("a secret passes a limit"))?;
    Ok(data)
}

/// Inserts in ascending order only.
fn insert_last<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, value: V) -> Result<(), FrameError> {
    if map.last_key_value().is_some_and(|(last, _)| *last >= key) {
        return Err(FrameError::Contents("entries are not in order"));
    }
    map.insert(key, value);
    Ok(())
}

/// What is left to read.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], FrameError> {
        let (taken, rest) = self
            .0
            .split_at_checked(length)
            .ok_or(FrameError::Contents("they end too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], FrameError> {
        self.take(N)?
            .try_into()
            .map_err(|_| FrameError::Contents("they end too early"))
    }

    fn u32(&mut self) -> Result<u32, FrameError> {
        self.array().map(u32::from_be_bytes)
    }

    fn short(&mut self) -> Result<&'a str, FrameError> {
        let length = u16::from_be_bytes(self.array()?);
        std::str::from_utf8(self.take(usize::from(length))?)
            .map_err(|_| FrameError::Contents("a name is not UTF-8"))
    }
}
