//! Quantities against what Kubernetes reads (`tests/data/quantities.txt`), and their arithmetic.

use std::fs;

use narae_manifest::object::{Form, MAX_WHOLE, Quantity, QuantityError};
use proptest::prelude::*;

/// Where we differ from Kubernetes on purpose: what has no digit is no quantity, more than
/// [`MAX_WHOLE`] is refused, and a thousand exa is not written `1`.
const DIFFERENT: &[(&str, &str)] = &[
    ("m", "refused"),
    ("999999999999E", "refused"),
    ("9223372036854775807T", "refused"),
    ("9223372036854775807P", "refused"),
    ("9223372036854775807E", "refused"),
    ("9223372036854775808T", "refused"),
    ("9223372036854775808P", "refused"),
    ("9223372036854775808E", "refused"),
    ("1000E", "1000E\t?\t?"),
    ("1000000P", "1000E\t?\t?"),
    ("1000000E", "1000000E\t?\t?"),
];

#[test]
fn quantities_are_read_and_written_as_kubernetes_does() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/quantities.txt");
    let cases = fs::read_to_string(file).unwrap();
    assert!(cases.lines().count() > 800, "the cases were not found");
    let mut failures = Vec::new();
    for case in cases.lines() {
        let (text, expected) = case.split_once('\t').unwrap();
        let different = DIFFERENT.iter().find(|(known, _)| *known == text);
        let expected = different.map_or(expected, |(_, expected)| expected);
        let found = match text.parse::<Quantity>() {
            Err(_) => "refused".to_owned(),
            Ok(quantity) => {
                let amount = |amount: i128| match i64::try_from(amount) {
                    Ok(amount) if (0..i64::MAX).contains(&amount) => amount.to_string(),
                    _ => "?".to_owned(),
                };
                format!(
                    "{quantity}\t{}\t{}",
                    amount(quantity.whole()),
                    amount(quantity.millis())
                )
            }
        };
        if found != expected {
            failures.push(format!("{text}: expected {expected:?}, found {found:?}"));
        }
    }
    assert!(
        failures.is_empty(),
        "{} cases:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

#[test]
fn a_bad_quantity_says_what_was_meant_and_never_repeats_the_value() {
    for (text, message, suggestion) in [
        (
            "512MB",
            "unknown suffix `MB`: ",
            Some("`M` (1000²) or `Mi` (1024²)"),
        ),
        (
            "1kb",
            "unknown suffix `kb`: ",
            Some("`k` (1000) or `Ki` (1024)"),
        ),
        ("2 gib", "unknown suffix ` gib`: ", Some("`Gi`")),
        ("1cores", "unknown suffix `cores`: ", None),
        ("s3cr3t", "a quantity begins with a number", None),
        ("1e31", "larger than 170141183460469231731687303715", None),
        (
            ".1234567890123456789012345678901234567891",
            "more digits",
            None,
        ),
    ] {
        let error = text.parse::<Quantity>().unwrap_err();
        assert!(error.to_string().starts_with(message), "{text}: {error}");
        assert_eq!(error.suggestion(), suggestion, "{text}");
        assert!(!error.to_string().contains("s3cr3t"));
    }
    let hostile = format!("1\u{1b}[2J{}", "x".repeat(1000)).parse::<Quantity>();
    assert!(
        matches!(hostile, Err(QuantityError::Suffix { suffix, .. }) if suffix == "\u{fffd}[2Jxxxx")
    );
}

#[test]
fn arithmetic_is_exact_and_refuses_what_does_not_fit() {
    let quantity = |text: &str| text.parse::<Quantity>().unwrap();
    assert_eq!(
        quantity("0.1").checked_add(quantity("0.2")),
        Some(quantity("300m"))
    );
    assert_eq!(quantity("1"), quantity("1000m"));
    assert!(quantity("1Gi") > quantity("1G") && quantity("999m") < quantity("1"));
    assert_eq!(
        quantity("1.5Gi").checked_mul(3).unwrap().to_string(),
        "4608Mi"
    );
    assert_eq!(
        quantity("1Gi")
            .checked_sub(quantity("512Mi"))
            .unwrap()
            .to_string(),
        "512Mi"
    );
    assert_eq!(
        Quantity::ZERO.checked_add(quantity("2Ki")).unwrap().form(),
        Form::Binary
    );
    assert_eq!(quantity("2Ki").with_form(Form::Decimal).to_string(), "2048");
    let largest = quantity(&MAX_WHOLE.to_string());
    assert_eq!(largest.checked_add(quantity("1n")), None);
    assert_eq!(
        largest.checked_mul(-1).unwrap().checked_sub(quantity("1n")),
        None
    );
    assert_eq!(largest.checked_mul(2), None);
    assert_eq!(Quantity::from(3), quantity("3"));
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(nanos in -10_i128.pow(30)..10_i128.pow(30), form in 0..3_usize) {
        let form = [Form::Decimal, Form::Binary, Form::Exponent][form];
        let quantity = format!("{nanos}n").parse::<Quantity>().unwrap().with_form(form);
        let written = quantity.to_string();
        let read: Quantity = written.parse().unwrap();
        prop_assert_eq!(read.nanos(), nanos);
        prop_assert_eq!(read.to_string(), written);
    }

    #[test]
    fn adding_and_taking_away_is_nothing(a in any::<i64>(), b in any::<i64>(), shift in 0..9_u32) {
        let quantity = |n: i64| format!("{n}e-{shift}").parse::<Quantity>().unwrap();
        let sum = quantity(a).checked_add(quantity(b)).unwrap();
        prop_assert_eq!(sum.checked_sub(quantity(b)).unwrap(), quantity(a));
        prop_assert_eq!(quantity(a).cmp(&quantity(b)), a.cmp(&b));
    }

    #[test]
    fn any_text_is_a_quantity_or_an_error(text in ".{0,40}|[-+]?[0-9.]{0,30}[eEinumkKMGTP]{0,3}[-+]?[0-9]{0,25}") {
        if let Ok(quantity) = text.parse::<Quantity>() {
            prop_assert_eq!(quantity.to_string().parse::<Quantity>(), Ok(quantity));
        }
    }
}
