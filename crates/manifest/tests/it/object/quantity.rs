//! Quantities as people write them wrongly, and exact arithmetic. What Kubernetes makes of them is asked in
//! [`oracle`](crate::oracle).

use narae_manifest::object::{Form, MAX_WHOLE, Quantity, QuantityError};
use proptest::prelude::*;

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
        ("2 gib", "unknown suffix `gib`: ", Some("`Gi`")),
        ("1cores", "unknown suffix `…`: ", None),
        ("1hunter2", "unknown suffix `…`: ", None),
        ("1m2", "unknown suffix `…`: ", None),
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
    assert!(matches!(hostile, Err(QuantityError::Suffix { suffix, .. }) if suffix == "…"));
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
