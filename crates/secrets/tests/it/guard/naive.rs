//! The guard against a search that knows no shortcut: every spelling of every value, compared at every byte.

use std::collections::BTreeSet;

use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use narae_secrets::guard::{Guard, KnownValues, What};
use proptest::prelude::*;

use crate::material::secret;

/// Where a value begins, and its number.
type Places = BTreeSet<(usize, usize)>;

/// What of a value's base64 the value decides alone, behind `before` other bytes.
fn inner(value: &str, before: usize, engine: &impl base64::Engine) -> String {
    let bytes = [&b"\0\0"[..before], value.as_bytes()].concat();
    let (from, to) = ((8 * before).div_ceil(6), 8 * bytes.len() / 6);
    engine.encode(&bytes)[from..to].to_owned()
}

fn spellings(value: &str) -> Vec<String> {
    let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut all = vec![value.to_owned(), hex.to_uppercase(), hex];
    for before in 0..3 {
        all.push(inner(value, before, &STANDARD_NO_PAD));
        all.push(inner(value, before, &URL_SAFE_NO_PAD));
    }
    all
}

fn naive(values: &[String], text: &[u8]) -> Places {
    let mut places = Places::new();
    for (number, value) in values.iter().enumerate() {
        for spelling in spellings(value) {
            let windows = text.windows(spelling.len()).enumerate();
            let found = windows.filter(|(_, window)| *window == spelling.as_bytes());
            places.extend(found.map(|(at, _)| (at, number)));
        }
    }
    places
}

fn guarded(values: &[String], text: &[u8], piece: usize) -> Places {
    let mut known = KnownValues::new();
    for (number, value) in values.iter().enumerate() {
        known.insert(number.to_string(), &secret(value));
    }
    let guard = Guard::new(known).without_shapes();
    let mut scanner = guard.scanner();
    text.chunks(piece).for_each(|piece| scanner.feed(piece));
    let place = |what: &What, at: u64| match what {
        What::Known { name, .. } => (usize::try_from(at).unwrap(), name.parse().unwrap()),
        other => panic!("{other}"),
    };
    let found = scanner.finish();
    found
        .iter()
        .map(|finding| place(&finding.what, finding.offset))
        .collect()
}

/// A piece of a text: some bytes of a value in one of its spellings, all of them, or something else.
#[derive(Debug, Clone)]
enum Piece {
    Whole(usize, usize),
    Part(usize, usize, usize, usize),
    Other(String),
}

fn pieces() -> impl Strategy<Value = Vec<Piece>> {
    let part = (any::<usize>(), 0..9_usize, 0..60_usize, 1..60_usize);
    let piece = prop_oneof![
        (any::<usize>(), 0..9_usize).prop_map(|(value, how)| Piece::Whole(value, how)),
        part.prop_map(|(value, how, from, length)| Piece::Part(value, how, from, length)),
        "[a-zA-Z0-9 :,+/=_-]{0,20}".prop_map(Piece::Other),
    ];
    proptest::collection::vec(piece, 0..30)
}

fn text(values: &[String], pieces: &[Piece]) -> String {
    let spelt = |value: usize, how: usize| spellings(&values[value % values.len()])[how].clone();
    let text = |piece: &Piece| match piece {
        Piece::Whole(value, how) => spelt(*value, *how),
        Piece::Part(value, how, from, length) => {
            let all = spelt(*value, *how);
            all.chars().skip(*from).take(*length).collect()
        }
        Piece::Other(text) => text.clone(),
    };
    pieces.iter().map(text).collect()
}

/// Values of any length that is looked for: one short one makes the guard look more closely for all.
fn values() -> impl Strategy<Value = Vec<String>> {
    let value = prop_oneof![
        "[a-c]{3}[0-2][a-cA-C]{2,5}",
        "[a-c0-2+/]{11}[A-Z][a-c]{0,30}"
    ];
    // One that another begins with, too.
    let longer = (value.clone(), "[a-c0-2]{1,6}").prop_map(|(value, more)| value + &more);
    proptest::collection::btree_set(prop_oneof![value, longer], 1..12)
        .prop_map(|values| values.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_same_is_found_as_by_comparing_everything(
        values in values(),
        pieces in pieces(),
        piece in prop_oneof![1..20_usize, Just(usize::MAX)],
    ) {
        let text = text(&values, &pieces);
        prop_assert_eq!(guarded(&values, text.as_bytes(), piece), naive(&values, text.as_bytes()));
    }

    /// With escapes and line breaks, which only the guard reads, it finds more, and nothing less.
    #[test]
    fn what_looks_like_an_escape_hides_nothing(
        values in values(),
        pieces in pieces(),
        marks in proptest::collection::vec(("[\\\\%\n\r\"u0-9]{1,4}", any::<prop::sample::Index>()), 1..10),
    ) {
        let mut text = text(&values, &pieces);
        for (mark, at) in marks {
            text.insert_str(at.index(text.len() + 1), &mark);
        }
        let found = guarded(&values, text.as_bytes(), usize::MAX);
        for place in naive(&values, text.as_bytes()) {
            prop_assert!(found.contains(&place), "{:?} of {:?} in {:?}", place, values, text);
        }
    }
}
