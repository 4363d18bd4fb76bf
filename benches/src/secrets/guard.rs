//! A stream looked through for 1,000 known values, in every encoding, and every shape: against the same values as they are, in
//! base64 at three alignments and in hexadecimal, looked for by `aho-corasick`, which escapes and wrapped lines hide from.

use std::fmt::Write as _;

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use narae_secrets::SecretBytes;
use narae_secrets::guard::{Guard, KnownValues};

use crate::report::Report;

const VALUES: usize = 1000;
const BYTES: usize = 32 * 1024 * 1024;
/// Bytes written at a time.
const PIECE: usize = 8 * 1024;

pub fn run(report: &mut Report) {
    let values = values();
    let mut known = KnownValues::new();
    for (index, value) in values.iter().enumerate() {
        known.insert(format!("value {index}"), &SecretBytes::from(value.clone()));
    }
    let guard = Guard::new(known);
    let peer =
        AhoCorasick::new(values.iter().flat_map(|value| spellings(value))).expect("patterns");
    for (name, text) in [("manifests", manifests()), ("log", log())] {
        let find = || {
            let mut scanner = guard.scanner();
            text.as_bytes()
                .chunks(PIECE)
                .for_each(|piece| scanner.feed(piece));
            scanner.finish().len()
        };
        let peer = || {
            let pieces = text.as_bytes().chunks(PIECE);
            pieces
                .map(|piece| peer.find_iter(piece).count())
                .sum::<usize>()
        };
        assert_eq!((find(), peer()), (0, 0), "nothing secret is in it");
        let note = format!(
            "{} MiB of {name}, {VALUES} values, all of it; 500 MB/s are {:.1} ms",
            BYTES >> 20,
            text.len() as f64 / 500e3
        );
        report.compare(
            &format!("secrets.guard-{name}"),
            "aho-corasick",
            &note,
            5,
            find,
            peer,
        );
    }
}

fn values() -> Vec<String> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-";
    let mut state = 88_172_645_463_325_252_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut value = |_| {
        let length = 12 + next() % 30;
        (0..length)
            .map(|_| char::from(ALPHABET[(next() % 64) as usize]))
            .collect()
    };
    (0..VALUES).map(&mut value).collect()
}

fn spellings(value: &str) -> [String; 5] {
    let hex = value.bytes().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    // Of the shifted ones, what the value decides alone.
    let shifted = |by: usize, from: usize| {
        let base64 = STANDARD_NO_PAD.encode([&b"\0\0"[..by], value.as_bytes()].concat());
        base64[from..base64.len() - 1].to_owned()
    };
    [
        value.to_owned(),
        hex,
        shifted(0, 0),
        shifted(1, 2),
        shifted(2, 3),
    ]
}

fn manifests() -> String {
    let mut text = String::with_capacity(BYTES + 1024);
    for number in 0.. {
        let _ = writeln!(
            text,
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: shop-{number}\n  labels: {{app.kubernetes.io/name: shop}}\nspec:\n  replicas: 3\n  template:\n    spec:\n      containers:\n      - name: web\n        image: harbor.example.com/shop/web:{number:040x}\n        args: [\"--listen=:8080\", \"--pattern=^/a\\\\.b$\"]\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: shop-{number}\ndata:\n  LOG_LEVEL: info\n  URL: https://shop.example.com/a%20b\n---"
        );
        if text.len() >= BYTES {
            break;
        }
    }
    text
}

fn log() -> String {
    let mut text = String::with_capacity(BYTES + 1024);
    for number in 0.. {
        let _ = writeln!(
            text,
            "{{\"time\":\"2026-11-21T09:{:02}:{:02}Z\",\"level\":\"info\",\"logger\":\"com.example.shop.OrderService\",\"message\":\"order {number} placed\\n\",\"trace\":\"{number:032x}\",\"path\":\"/orders/{number}?a=b\"}}",
            number / 60 % 60,
            number % 60
        );
        if text.len() >= BYTES {
            break;
        }
    }
    text
}
