//! A pack is read within its limits or refused, whatever it says; what was read is written and read the same.
//! The first byte says whether the rest has a checksum put behind it, so that more than headers are reached.
#![no_main]

use libfuzzer_sys::fuzz_target;
use narae_gitops::remote::pack::{Kind, Limits, Object, Packed, apply, difference, read, write};
use sha1::{Digest, Sha1};

const MAX_OBJECT: usize = 4_096;
const MAX_TOTAL: usize = 16_384;
const LIMITS: Limits = Limits::new(64, MAX_OBJECT, MAX_TOTAL);

fuzz_target!(|input: (bool, Vec<u8>, Vec<u8>, Vec<u8>)| {
    let (with_checksum, mut bytes, base, target) = input;
    if with_checksum {
        let checksum = Sha1::digest(&bytes);
        bytes.extend_from_slice(&checksum);
    }
    let known = Object::new(Kind::Blob, base.clone());
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
    if let Ok(made) = apply(&base, &target, MAX_OBJECT) {
        assert!(made.len() <= MAX_OBJECT);
    }
    if let Some(delta) = difference(&base, &target) {
        assert_eq!(
            apply(&base, &delta, target.len()).expect("it was made for it"),
            target
        );
    }
});
