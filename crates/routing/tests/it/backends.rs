//! What cannot be picked from is refused, saying what to do.

use narae_routing::{Backends, BackendsError, Weight, WeightError};

#[test]
fn refusals_say_what_and_where() {
    let list = |entries: &[(&'static str, u32)]| {
        let entries: Vec<_> = entries
            .iter()
            .map(|&(id, w)| (id, Weight::new(w)))
            .collect();
        Backends::new(entries)
            .map(|b| b.len())
            .map_err(|error| error.to_string())
    };
    assert_eq!(list(&[("a", 1), ("b", 0)]), Ok(2));
    assert_eq!(list(&[]), Err("no backends: name at least one".into()));
    assert_eq!(
        list(&[("a", 0), ("b", 0)]),
        Err("all 2 backends have weight 0: give at least one a weight above 0".into())
    );
    assert_eq!(
        list(&[("a", 1), ("b", 1), ("a", 2)]),
        Err("backends 0 and 2 have the same id: give each its own".into())
    );
}

#[test]
fn an_endless_list_is_refused_at_the_limit() {
    let endless = (0u32..).map(|id| (id, Weight::ONE));
    assert_eq!(
        Backends::new(endless),
        Err(BackendsError::TooMany { limit: 4096 })
    );
    assert!(Backends::new((0..4096).map(|id| (id, Weight::ONE))).is_ok());
}

#[test]
fn weights_are_plain_digits() {
    for good in ["0", "1", "90", "007", "4294967295"] {
        assert_eq!(
            good.parse::<Weight>().map(|w| w.value()),
            Ok(good.parse().unwrap())
        );
    }
    for bad in [
        "",
        "+1",
        "-1",
        " 1",
        "1 ",
        "1_000",
        "1.5",
        "0x10",
        "4294967296",
        "９",
        "1e3",
    ] {
        let error: WeightError = bad.parse::<Weight>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "a weight is a whole number from 0 to 4294967295",
            "{bad:?}"
        );
    }
}
