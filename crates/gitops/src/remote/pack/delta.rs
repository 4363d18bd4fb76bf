//! An object as a difference from another: copies out of the base, and bytes of its own.
//!
//! Source: `gitformat-pack`, "Deltified representation". [`difference`] copies what both begin and
//! end with; between, it looks the target's windows of sixteen bytes up among the base's aligned ones and
//! extends each match both ways: linear time, and enough for trees and configuration files, of which most
//! lines stay.

use std::collections::HashMap;

use super::PackError;

/// Largest base a difference is made from; the index of it costs about as much memory again.
pub const MAX_BASE_BYTES: usize = 16 * 1024 * 1024;
const WINDOW: usize = 16;
/// Most bytes one copy instruction covers.
const MAX_COPY: usize = 0xff_ffff;
/// Most bytes one insert instruction carries.
const MAX_INSERT: usize = 0x7f;

/// `target` as instructions on `base`; `None` when that is not at least a quarter smaller.
#[must_use]
pub fn difference(base: &[u8], target: &[u8]) -> Option<Vec<u8>> {
    if base.len() > MAX_BASE_BYTES || target.len() < WINDOW {
        return None;
    }
    let mut delta = Vec::new();
    write_size(&mut delta, base.len());
    write_size(&mut delta, target.len());
    // One changed name of a directory with many thousands leaves next to nothing between its ends.
    let start = common(base.iter(), target.iter());
    let (old, new) = (
        base.get(start..).unwrap_or_default(),
        target.get(start..).unwrap_or_default(),
    );
    let end = common(old.iter().rev(), new.iter().rev());
    copy(&mut delta, 0, start);
    let new = new.get(..new.len() - end).unwrap_or_default();
    between(&mut delta, base, new);
    copy(&mut delta, base.len() - end, end);
    (delta.len() < target.len() / 4 * 3).then_some(delta)
}

/// `target`, a part of the whole one, as instructions on all of `base`.
fn between(delta: &mut Vec<u8>, base: &[u8], target: &[u8]) {
    if target.len() < 2 * WINDOW {
        return insert(delta, target);
    }
    let mut index: HashMap<&[u8], usize> = HashMap::with_capacity(base.len() / WINDOW);
    for (number, window) in base.chunks_exact(WINDOW).enumerate() {
        index.entry(window).or_insert(number * WINDOW);
    }
    let (mut position, mut done) = (0, 0);
    while let Some(window) = target.get(position..position + WINDOW) {
        let Some(&found) = index.get(window) else {
            position += 1;
            continue;
        };
        let pending = target.get(done..position).unwrap_or_default();
        let back = common(
            base.get(..found).unwrap_or_default().iter().rev(),
            pending.iter().rev(),
        );
        let ahead = common(
            base.get(found..).unwrap_or_default().iter(),
            target.get(position..).unwrap_or_default().iter(),
        );
        insert(
            delta,
            pending.get(..pending.len() - back).unwrap_or_default(),
        );
        copy(delta, found - back, back + ahead);
        position += ahead;
        done = position;
    }
    insert(delta, target.get(done..).unwrap_or_default());
}

/// The object that `delta` makes of `base`, if it has at most `limit` bytes.
///
/// # Errors
///
/// [`PackError::Delta`] when the instructions do not fit; [`PackError::TooLarge`].
pub fn apply(base: &[u8], delta: &[u8], limit: usize) -> Result<Vec<u8>, PackError> {
    let mut input = delta;
    let from = read_size(&mut input).ok_or(PackError::Delta)?;
    let size = read_size(&mut input).ok_or(PackError::Delta)?;
    if from != base.len() {
        return Err(PackError::Delta);
    }
    if size > limit {
        return Err(PackError::TooLarge { limit });
    }
    let mut target = Vec::with_capacity(size);
    while let [instruction, rest @ ..] = input {
        input = rest;
        let bytes = if instruction & 0x80 == 0 {
            let count = usize::from(*instruction);
            if count == 0 {
                return Err(PackError::Delta);
            }
            let (bytes, rest) = input.split_at_checked(count).ok_or(PackError::Delta)?;
            input = rest;
            bytes
        } else {
            let (offset, count) = read_copy(*instruction, &mut input).ok_or(PackError::Delta)?;
            base.get(offset..offset + count).ok_or(PackError::Delta)?
        };
        if bytes.len() > size - target.len() {
            return Err(PackError::Delta);
        }
        target.extend_from_slice(bytes);
    }
    if target.len() == size {
        Ok(target)
    } else {
        Err(PackError::Delta)
    }
}

fn common<'a>(one: impl Iterator<Item = &'a u8>, other: impl Iterator<Item = &'a u8>) -> usize {
    one.zip(other)
        .take_while(|(one, other)| one == other)
        .count()
}

fn insert(delta: &mut Vec<u8>, bytes: &[u8]) {
    for part in bytes.chunks(MAX_INSERT) {
        delta.extend(u8::try_from(part.len()));
        delta.extend_from_slice(part);
    }
}

fn copy(delta: &mut Vec<u8>, mut offset: usize, mut count: usize) {
    while count > 0 {
        let part = count.min(MAX_COPY);
        let mut instruction = 0x80;
        let mut operands = Vec::with_capacity(7);
        let mut operand = |value: usize, bytes: usize, first: u8| {
            for number in 0..bytes {
                let byte = value.to_le_bytes().get(number).copied().unwrap_or_default();
                if byte != 0 {
                    instruction |= first << number;
                    operands.push(byte);
                }
            }
        };
        operand(offset, 4, 0x01);
        operand(part, 3, 0x10);
        delta.push(instruction);
        delta.extend_from_slice(&operands);
        offset += part;
        count -= part;
    }
}

/// Offset and count of a copy.
fn read_copy(instruction: u8, input: &mut &[u8]) -> Option<(usize, usize)> {
    let mut operand = |bits: std::ops::Range<u32>| {
        let mut value = 0;
        for (number, bit) in bits.enumerate() {
            if instruction & 1 << bit != 0 {
                let (byte, rest) = input.split_first()?;
                *input = rest;
                value |= usize::from(*byte) << (8 * number);
            }
        }
        Some(value)
    };
    let offset = operand(0..4)?;
    match operand(4..7)? {
        // Zero stands for 64 KiB.
        0 => Some((offset, 0x1_0000)),
        count => Some((offset, count)),
    }
}

fn write_size(delta: &mut Vec<u8>, mut size: usize) {
    loop {
        let low = u8::try_from(size & 0x7f).unwrap_or_default();
        size >>= 7;
        if size == 0 {
            return delta.push(low);
        }
        delta.push(low | 0x80);
    }
}

fn read_size(input: &mut &[u8]) -> Option<usize> {
    let mut size = 0_usize;
    for shift in (0..usize::BITS).step_by(7) {
        let (byte, rest) = input.split_first()?;
        *input = rest;
        let part = usize::from(byte & 0x7f);
        size |= part
            .checked_shl(shift)
            .filter(|value| value >> shift == part)?;
        if byte & 0x80 == 0 {
            return Some(size);
        }
    }
    None
}
