//! Outputs in pieces: the same findings however they come, bounded memory, nothing secret passed on.

use std::io::Write as _;

use narae_secrets::guard::{Guard, KnownValues, Leak, MAX_FINDINGS};
use proptest::prelude::*;

use super::{findings, guard};

/// Everything a guard reads: escapes, wrapped lines, shapes, values, over more than one block.
fn text(filler: usize) -> Vec<u8> {
    let line = "log: {\"kind\":\"Event\",\"data\":{\"a\":\"b\\n\\u0041\"}} 42% \\ abcdefghijklmnopqrstuvwxyz012345\n";
    let mut text = line.repeat(filler / line.len() + 1);
    text.push_str("kind: Secret\nmetadata: {}\nstringData:\n  a: pa55word\n---\n");
    text.push_str(&line.repeat(900));
    text.push_str("pa\\u0035\\u0035word cGE1NXdvcmQ= hvs.CAESIJ8dGZ2kq0mXbVcUe1RtYw3o\n");
    text.into_bytes()
}

#[test]
fn pieces_of_any_size_give_the_same_findings() {
    let guard = guard(b"pa55word");
    for filler in [0, 60_000, 65_400, 131_000] {
        let text = text(filler);
        let whole = findings(&guard, &text);
        assert_eq!(whole.len(), 5, "{whole:?}");
        for size in [1, 7, 1000, 4096, 65_536, 70_001, 1 << 20] {
            let mut scanner = guard.scanner();
            // One byte at a time is slow with nothing to gain from so much filler.
            if size == 1 && filler > 0 {
                continue;
            }
            text.chunks(size).for_each(|piece| scanner.feed(piece));
            assert_eq!(
                scanner.finish(),
                whole,
                "{size} bytes at a time after {filler}"
            );
        }
    }
}

#[test]
fn what_never_ends_is_given_up() {
    let guard = guard(b"one line long enough\nand another one");
    let endless = [
        "one line long enough\n".to_owned() + &" ".repeat(400_000),
        "data:\n".to_owned() + &"  a: b\n".repeat(60_000),
        "{\"data\":{\"a\":\"".to_owned() + &"b".repeat(400_000),
        "ghp_".to_owned() + &"a1B2c3D4e5".repeat(40_000),
        "\\".repeat(400_000),
        "A".repeat(400_000) + "\n" + &" ".repeat(400_000),
    ];
    for text in endless {
        let mut writer = guard.writer("x", Vec::new());
        for piece in text.as_bytes().chunks(10_000) {
            writer.write_all(piece).unwrap();
            assert!(writer.get_ref().len() + 300_000 > piece.len());
        }
        assert_eq!(writer.finish().unwrap(), text.as_bytes());
    }
}

#[test]
fn a_line_is_passed_on_when_it_is_flushed() {
    let guard = guard(b"pa55word");
    let mut writer = guard.writer("log", Vec::new());
    let mut expected = Vec::new();
    for line in [
        "started\n",
        "listening on 0.0.0.0:8080\n",
        "commit 66d93a3b2f1c66d93a3b2f1c66d93a3b2f1c6600\n",
        "password: \n",
    ] {
        writer.write_all(line.as_bytes()).unwrap();
        writer.flush().unwrap();
        expected.extend_from_slice(line.as_bytes());
        assert_eq!(writer.get_ref(), &expected, "{line}");
    }
    writer.write_all(b"for pa55w").unwrap();
    writer.flush().unwrap();
    expected.extend_from_slice(b"for ");
    assert_eq!(writer.get_ref(), &expected);
    writer
        .write_all(b"ords\n")
        .and_then(|()| writer.flush())
        .unwrap_err();
    let error = writer.write_all(b"more\n").unwrap_err();
    assert_eq!(writer.get_ref(), &expected);
    let leak = error.get_ref().unwrap().downcast_ref::<Leak>().unwrap();
    assert_eq!(leak.to_string(), "log:5:5: the value of db");
}

/// Takes some bytes, fails, and would take more.
#[derive(Default)]
struct Failing(Vec<u8>, bool);

impl std::io::Write for Failing {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0.len() >= 3 && !std::mem::replace(&mut self.1, true) {
            return Err(std::io::ErrorKind::ConnectionReset.into());
        }
        let taken = bytes.len().min(3);
        self.0.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_is_behind_it_gets_nothing_twice() {
    let guard = guard(b"pa55word");
    let mut writer = guard.writer("log", Failing::default());
    writer.write_all(b"hello\n").unwrap();
    let first = writer.flush().unwrap_err();
    assert_eq!(first.kind(), std::io::ErrorKind::ConnectionReset);
    assert!(writer.flush().is_err());
    assert!(writer.write_all(b"more\n").is_err());
    assert_eq!(writer.get_ref().0, b"hel");
}

#[test]
fn findings_are_bounded() {
    let found = findings(&guard(b"pa55word"), &b"pa55word ".repeat(3 * MAX_FINDINGS));
    assert_eq!(found.len(), MAX_FINDINGS);
    let empty = Guard::new(KnownValues::new());
    assert_eq!(empty.scanner().finish(), []);
    assert_eq!(empty.check("x", b""), Ok(()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn pieces_make_no_difference(
        parts in proptest::collection::vec(
            prop_oneof![
                Just("pa55word"), Just("pa55"), Just("word"), Just("\\"), Just("\\u0070a55word"), Just("%70"), Just("\n"), Just("  "),
                Just("cGE1NXdv"), Just("cmQ="), Just("kind: Secret\n"), Just("data:\n  a: b\n"), Just("\"kind\":\"Secret\""), Just("{"), Just("}"),
                Just("\"data\":{\"a\":\"b\"},"), Just("hvs."), Just("CAESIJ8dGZ2kq0mXbVcUe1RtYw3o"), Just("-----BEGIN PRIVATE KEY-----\n"),
                Just("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnop"), Just("://u:"), Just("@"), Just("eyJhbGciOiJIUzI1NiJ9."),
                Just("+kind: Secret\n"), Just("+data:\n"), Just("+  a: b\n"), Just("-"), Just("  c:\n    d\n"), Just("!!binary "), Just("'"),
            ], 0..40),
        sizes in proptest::collection::vec(1..40_usize, 1..200),
    ) {
        let guard = guard(b"pa55word");
        let text = parts.concat().into_bytes();
        let whole = findings(&guard, &text);
        let (mut scanner, mut writer) = (guard.scanner(), guard.writer("x", Vec::new()));
        let mut rest = text.as_slice();
        let mut written = Ok(());
        for size in sizes {
            let (now, later) = rest.split_at(size.min(rest.len()));
            rest = later;
            scanner.feed(now);
            written = written.and_then(|()| writer.write_all(now)).and_then(|()| writer.flush());
        }
        scanner.feed(rest);
        written = written.and_then(|()| writer.write_all(rest)).and_then(|()| writer.flush());
        prop_assert_eq!(scanner.finish(), whole.clone());
        let passed = writer.get_ref().len();
        prop_assert_eq!(writer.get_ref(), &text[..passed]);
        if let Some(first) = whole.first() {
            prop_assert!(passed as u64 <= first.offset);
        }
        let is_clean = written.and_then(|()| writer.finish()).is_ok();
        prop_assert_eq!(is_clean, whole.is_empty());
    }
}
