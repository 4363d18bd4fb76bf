//! A pack is read within its limits or refused, whatever it says; what was read is written and read the same.
//! The first byte says whether the pack has a checksum put behind it, so that more than headers are reached; then come the
//! lengths of an object that is known and of a target, in two bytes each, then these two and the pack.
#![no_main]

use libfuzzer_sys::fuzz_target;
use narae_gitops::remote::pack::{Kind, Limits, Object, Packed, apply, difference, read, write};
use sha1::{Digest, Sha1};

const MAX_OBJECT: usize = 4_096;
const MAX_TOTAL: usize = 16_384;
const LIMITS: Limits = Limits::new(64, MAX_OBJECT, MAX_TOTAL);

fuzz_target!(|input: &[u8]| {
    let [first, a, b, c, d, rest @ ..] = input else {
        return;
    };
    let (base, rest) = part(rest, [*a, *b]);
    let (target, rest) = part(rest, [*c, *d]);
    let mut bytes = rest.to_vec();
    if first & 1 == 1 {
        let checksum = Sha1::digest(&bytes);
        bytes.extend_from_slice(&checksum);
    }
    let known = Object::new(Kind::Blob, base.to_vec());
    let found = read(bytes.as_slice(), &LIMITS, |id| {
        (*id == known.id()).then(|| known.clone())
    });
    if let Ok(objects) = found {
        assert!(
            objects
                .iter()
                .all(|object| object.bytes().len() <= MAX_OBJECT)
        );
        assert!(
            objects
                .iter()
                .map(|object| object.bytes().len())
                .sum::<usize>()
                <= MAX_TOTAL
        );
        let packed: Vec<_> = objects
            .iter()
            .map(|object| Packed::Whole(object.kind(), object.bytes()))
            .collect();
        let again = read(write(&packed).expect("few").as_slice(), &LIMITS, |_| None);
        assert_eq!(again.expect("it was within the limits"), objects);
    }
    if let Ok(made) = apply(base, target, MAX_OBJECT) {
        assert!(made.len() <= MAX_OBJECT);
    }
    if let Some(delta) = difference(base, target) {
        assert_eq!(
            apply(base, &delta, target.len()).expect("it was made for it"),
            target
        );
    }
});

/// As much of `bytes` as there is up to a length, and what follows.
fn part(bytes: &[u8], length: [u8; 2]) -> (&[u8], &[u8]) {
    bytes.split_at(bytes.len().min(u16::from_be_bytes(length).into()))
}
