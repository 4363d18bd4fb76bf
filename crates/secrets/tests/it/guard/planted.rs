//! Secrets of every kind, written in every way, cut at every border.

use narae_secrets::guard::Form;
use proptest::prelude::*;

use super::spelling::{SPELLINGS, Spelling};
use super::{findings, forms, guard};

/// What passwords, keys and configurations look like.
fn values() -> Vec<Vec<u8>> {
    let key = (0..24_u32).map(|line| {
        let bytes: Vec<u8> = (0..48)
            .map(|n: u32| (line * 97 + n * 31 + n * n * 7).to_le_bytes()[0])
            .collect();
        base64::Engine::encode(&base64::prelude::BASE64_STANDARD, bytes)
    });
    let key: Vec<String> = key.collect();
    vec![
        b"pa55word".to_vec(),
        b"Zq7wXn2Lk9Rt4Vb8Ys3Hd6Jf1Gc5Mp0Q".to_vec(),
        r#"p"a\s/s%w'0rd+&="#.as_bytes().to_vec(),
        "pässwörd-한국어-🔑-9".as_bytes().to_vec(),
        (0..32_u8).map(|byte| byte.wrapping_mul(151).wrapping_add(77)).collect(),
        b"postgres://shop:Zq7wXn2Lk9@db.shop.svc:5432/shop?sslmode=require".to_vec(),
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", key.join("\n")).into_bytes(),
        b"{\n  \"type\": \"service_account\",\n  \"private_key_id\": \"8f4a1c\",\n  \"note\": \"a \\\"quoted\\\" one\"\n}\n".to_vec(),
        key.concat().into_bytes(),
    ]
}

/// The text a value is planted in, and where its spelling begins.
fn planted(spelt: &str) -> (Vec<u8>, usize) {
    let before = "# shop\nkey: 'abc' \\ 100% of c:\\temp\nvalue: ";
    (
        format!("{before}{spelt}\nnext: \"\\u0041\" %41\n").into_bytes(),
        before.len(),
    )
}

fn check((name, form, spell): &Spelling, value: &[u8]) {
    let Some(spelt) = spell(value.trim_ascii()) else {
        return;
    };
    // Escaping what needs no escape changes nothing.
    let is_plain = spelt.as_bytes() == value.trim_ascii();
    let form = if is_plain { Form::Plain } else { *form };
    let guard = guard(value).without_shapes();
    let (text, begin) = planted(&spelt);
    let found = findings(&guard, &text);
    assert_eq!(forms(&found), [form], "{name}: {spelt}");
    let start = usize::try_from(found[0].offset).unwrap();
    assert!(
        (begin..begin + spelt.len()).contains(&start),
        "{name}: {start}"
    );
    assert!(
        !format!("{found:?} {}", found[0]).contains(&spelt),
        "{name} is printed"
    );

    let length = text.len();
    let step = (spelt.len() / 12).max(1);
    for border in (begin..length).step_by(step) {
        let mut scanner = guard.scanner();
        scanner.feed(&text[..border]);
        scanner.feed(&text[border..]);
        assert_eq!(scanner.finish(), found, "{name}, cut at {border}");

        use std::io::Write as _;
        let mut writer = guard.writer("x", Vec::new());
        writer.write_all(&text[..border]).unwrap();
        let flushed = writer.flush();
        let rest = writer
            .write_all(&text[border..])
            .and_then(|()| writer.flush());
        assert!(flushed.is_err() || rest.is_err(), "{name}, cut at {border}");
        let passed = writer.get_ref().len();
        assert!(
            passed <= start,
            "{name}, cut at {border}: {} bytes of it passed",
            passed - start
        );
        assert_eq!(writer.get_ref(), &text[..passed]);
    }
}

#[test]
fn every_value_is_found_in_every_spelling_at_every_border() {
    for value in values() {
        for spelling in SPELLINGS {
            check(spelling, &value);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_value_is_found_in_any_spelling(
        bytes in proptest::collection::vec(any::<u8>(), 12..80),
        words in "[!-~]{4}[ -~\u{a1}-\u{2ff}\n]{8,60}[!-~]",
        spelling in 0..SPELLINGS.len(),
    ) {
        for value in [bytes.as_slice(), words.as_bytes()] {
            let value = value.trim_ascii();
            // The rules for what is too weak, and for lines too short to be recognised by, have their own tests.
            let is_mixed = value.len() >= 12 && value.iter().any(|byte| *byte != value[0]);
            let lines = value.split(|byte| *byte == b'\n');
            if is_mixed && !value.contains(&b'\r') && (lines.clone().count() == 1 || lines.clone().all(|line| line.trim_ascii().len() >= 8)) {
                let (name, _, spell) = SPELLINGS[spelling];
                let Some(spelt) = spell(value) else { continue };
                let guard = guard(value).without_shapes();
                let (text, _) = planted(&spelt);
                // `\/` may be read as an escape and as a slash behind something: one value, said twice.
                let found = forms(&findings(&guard, &text));
                prop_assert!(!found.is_empty(), "{}: {:?}", name, spelt);
            }
        }
    }

    #[test]
    fn nothing_is_found_that_is_not_there(
        value in "[a-z0-9]{12,20}",
        text in proptest::collection::vec(any::<u8>(), 0..400),
        ascii in "[ -~\n]{0,400}",
    ) {
        let guard = guard(format!("{value}A1").as_bytes()).without_shapes();
        prop_assert_eq!(findings(&guard, &text), []);
        prop_assert_eq!(findings(&guard, ascii.as_bytes()), []);
        prop_assert_eq!(findings(&guard, format!("{value}B1 {ascii}").as_bytes()), []);
    }
}
