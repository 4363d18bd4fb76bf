//! Packs: what is written is what git reads, and the reverse; hostile ones are refused.

use narae_gitops::remote::pack::{
    Kind, Limits, MAX_BASE_BYTES, Object, PackError, Packed, apply, difference, read, write,
};
use proptest::prelude::*;
use std::process::Stdio;

use crate::fixture::{bare, command, fsck, git};

const LIMITS: Limits = Limits::new(100, 1 << 20, 1 << 22);

fn read_all(pack: &[u8]) -> Result<Vec<Object>, PackError> {
    read(pack, &LIMITS, |_| None)
}

proptest! {
    #[test]
    fn objects_are_read_as_written(contents in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..500), 0..8)) {
        let packed: Vec<_> = contents.iter().map(|bytes| Packed::Whole(Kind::Blob, bytes)).collect();
        let objects = read_all(&write(&packed).unwrap()).unwrap();
        let found: Vec<_> = objects.iter().map(Object::bytes).collect();
        prop_assert_eq!(found, contents.iter().map(Vec::as_slice).collect::<Vec<_>>());
    }

    #[test]
    fn a_difference_gives_the_target(base in "[a-c\n]{0,400}", edits in prop::collection::vec((any::<prop::sample::Index>(), "[a-z]{0,40}"), 0..5)) {
        let mut target = base.clone();
        for (at, text) in edits {
            let at = at.index(target.len() + 1);
            target.insert_str(at, &text);
        }
        if let Some(delta) = difference(base.as_bytes(), target.as_bytes()) {
            prop_assert!(delta.len() < target.len());
            prop_assert_eq!(apply(base.as_bytes(), &delta, target.len()).unwrap(), target.as_bytes());
        }
    }

    #[test]
    fn any_instructions_are_applied_or_refused(base in prop::collection::vec(any::<u8>(), 0..50), delta in prop::collection::vec(any::<u8>(), 0..50)) {
        if let Ok(target) = apply(&base, &delta, 1_000) {
            prop_assert!(target.len() <= 1_000);
        }
    }

    #[test]
    fn a_damaged_pack_is_refused(at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let mut pack = write(&[Packed::Whole(Kind::Blob, b"content"), Packed::Whole(Kind::Blob, b"more")]).unwrap();
        let at = at.index(pack.len());
        pack[at] ^= 1 << bit;
        prop_assert!(read_all(&pack).is_err());
    }
}

#[test]
fn one_changed_line_in_a_wide_directory_is_a_small_difference() {
    let line = |number: u32, fill: u32| {
        let mut line = format!("40000 app-{number:05}\0").into_bytes();
        // Ids do not compress: here numbers that repeat nowhere.
        for part in 0..5 {
            line.extend_from_slice(
                &(number * 5 + part + fill)
                    .wrapping_mul(0x9e37_79b1)
                    .to_be_bytes(),
            );
        }
        line
    };
    let base: Vec<u8> = (0..2_000).flat_map(|number| line(number, 0)).collect();
    let target: Vec<u8> = (0..2_000)
        .flat_map(|number| line(number, if number % 700 == 3 { 99_999 } else { 0 }))
        .collect();
    let delta = difference(&base, &target).unwrap();
    assert_eq!(apply(&base, &delta, target.len()).unwrap(), target);
    assert!(delta.len() < 250, "{}", delta.len());
}

#[test]
fn long_copies_are_whole() {
    let base: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
    let target = base.get(8..).unwrap();
    let delta = difference(&base, target).unwrap();
    assert!(delta.len() < 40, "{}", delta.len());
    assert!(apply(&base, &delta, target.len()).unwrap() == target);
    // Neither offset nor count: 64 KiB from the beginning.
    let delta = [0x80, 0xb5, 0x18, 0x80, 0x80, 0x04, 0x80];
    assert_eq!(base.len(), 400_000);
    assert_eq!(
        apply(&base, &delta, 1 << 20).unwrap(),
        base.get(..0x1_0000).unwrap()
    );
    assert_eq!(difference(&vec![0; MAX_BASE_BYTES + 1], target), None);
}

#[test]
fn git_reads_what_is_written() {
    let (_directory, repository) = bare();
    let base = "a: 1\nb: 2\nc: 3\nd: 4\n".repeat(20);
    let target = base.replacen("c: 3", "c: 33", 1);
    let first = Object::new(Kind::Blob, base.clone().into_bytes());
    let second = Object::new(Kind::Blob, target.clone().into_bytes());
    let delta = difference(base.as_bytes(), target.as_bytes()).unwrap();
    let pack = write(&[
        Packed::Whole(Kind::Blob, first.bytes()),
        Packed::Difference(first.id(), delta),
    ])
    .unwrap();
    let file = repository.path().join("sent.pack");
    std::fs::write(&file, &pack).unwrap();
    let status = command(repository.path(), &["index-pack", "--stdin", "--strict"])
        .stdin(std::fs::File::open(&file).unwrap())
        .stdout(Stdio::null())
        .status();
    assert!(status.unwrap().success());
    for (object, text) in [(&first, &base), (&second, &target)] {
        let id = object.id().to_string();
        assert_eq!(&git(repository.path(), &["cat-file", "blob", &id]), text);
    }
    fsck(repository.path());
    // And here, in any order.
    let swapped = write(&[
        Packed::Difference(
            first.id(),
            difference(base.as_bytes(), target.as_bytes()).unwrap(),
        ),
        Packed::Whole(Kind::Blob, first.bytes()),
    ])
    .unwrap();
    for pack in [pack, swapped] {
        let mut ids: Vec<_> = read_all(&pack).unwrap().iter().map(Object::id).collect();
        ids.sort();
        let mut expected = [first.id(), second.id()];
        expected.sort();
        assert_eq!(ids, expected);
    }
}

#[test]
fn what_git_packs_is_read() {
    let served = super::fixture::Served::new();
    for number in 0..30 {
        let repository = narae_gitops::repository::Repository::open(served.path()).unwrap();
        let text = format!("{}\nnumber: {number}\n", "line\n".repeat(200));
        crate::fixture::advance(&repository, &[("big.yaml", Some(&text))]);
    }
    // Deltas of deltas, by offset and by name.
    for options in [
        ["--delta-base-offset", "--all"],
        ["--no-reuse-delta", "--all"],
    ] {
        let output = command(&served.path(), &["pack-objects", "--stdout", "--quiet"])
            .args(options)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let limits = Limits::new(1_000, 1 << 20, 1 << 24);
        let objects = read(output.stdout.as_slice(), &limits, |_| None).unwrap();
        let mut ids: Vec<String> = objects
            .iter()
            .map(|object| object.id().to_string())
            .collect();
        ids.sort();
        let all = git(
            &served.path(),
            &[
                "cat-file",
                "--batch-all-objects",
                "--batch-check=%(objectname)",
            ],
        );
        let mut expected: Vec<&str> = all.lines().collect();
        expected.sort_unstable();
        assert_eq!(ids, expected);
    }
}

#[test]
fn a_base_from_outside_is_asked_for() {
    let base = Object::new(Kind::Tree, "a: 1\nb: 2\nc: 3\n".repeat(9).into_bytes());
    let target = "a: 1\nb: 2\nc: 3\n".repeat(8);
    let delta = difference(base.bytes(), target.as_bytes()).unwrap();
    let pack = write(&[Packed::Difference(base.id(), delta)]).unwrap();
    assert!(matches!(read_all(&pack), Err(PackError::NoBase)));
    let objects = read(pack.as_slice(), &LIMITS, |id| {
        (*id == base.id()).then(|| base.clone())
    });
    let objects = objects.unwrap();
    assert_eq!(
        (objects[0].kind(), objects[0].bytes()),
        (Kind::Tree, target.as_bytes())
    );
}

#[test]
fn limits_hold_before_memory_is_taken() {
    // Says it is a gigabyte.
    let mut pack = b"PACK\0\0\0\x02\0\0\0\x01".to_vec();
    pack.extend_from_slice(&[0xbf, 0xff, 0xff, 0xff, 0x0f]);
    assert!(matches!(read_all(&pack), Err(PackError::TooLarge { .. })));
    // Says that four thousand million follow.
    let pack = b"PACK\0\0\0\x02\xff\xff\xff\xff";
    assert!(matches!(read_all(pack), Err(PackError::TooMany { .. })));
    // A difference that says it makes a gigabyte.
    let base = b"base";
    let delta = [4, 0xff, 0xff, 0xff, 0xff, 0x03, 0x90, 4];
    assert!(matches!(
        apply(base, &delta, 1 << 20),
        Err(PackError::TooLarge { .. })
    ));
    // Many of one object that together are too much.
    let zeros = vec![0; 1 << 20];
    let packed: Vec<_> = (0..5).map(|_| Packed::Whole(Kind::Blob, &zeros)).collect();
    assert!(matches!(
        read_all(&write(&packed).unwrap()),
        Err(PackError::TooLarge { .. })
    ));
    for wrong in [b"HTTP/1.1 200".as_slice(), b"PACK\0\0\0\x04\0\0\0\0"] {
        assert!(matches!(read_all(wrong), Err(PackError::Header)));
    }
    assert!(matches!(read_all(b"PACK"), Err(PackError::Ended)));
}
