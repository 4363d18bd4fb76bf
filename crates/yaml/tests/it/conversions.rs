//! Values from and to `serde_yaml`'s.

use narae_yaml::{Mapping, Value};
use proptest::prelude::*;

use crate::round_trip::value;

#[test]
fn keys_get_the_names_kubernetes_gives_them() {
    let theirs: serde_yaml::Value =
        serde_yaml::from_str("1: a\ntrue: b\n1.50: c\n!x k: !y d\n-1: [!z {e: ~}]\n").unwrap();
    let ours = Value::try_from(theirs).unwrap();
    let expected = "\"1\": a\n\"true\": b\n\"1.5\": c\nk: d\n\"-1\":\n- e: null\n";
    assert_eq!(narae_yaml::write(&ours), expected);
}

#[test]
fn what_kubernetes_has_no_key_for_is_refused() {
    for (source, expected) in [
        ("~: 1", "null cannot be a mapping key"),
        ("[a]: 1", "a sequence cannot be a mapping key"),
        ("{a: b}: 1", "a mapping cannot be a mapping key"),
        (
            "18446744073709551615: 1",
            "an integer beyond 64 signed bits cannot be a mapping key",
        ),
        ("a: [{1: a, '1': b}]", "duplicate key `1`"),
    ] {
        let theirs: serde_yaml::Value = serde_yaml::from_str(source).unwrap();
        let error = Value::try_from(theirs).unwrap_err();
        assert_eq!(error.to_string(), expected, "{source}");
    }
}

#[test]
fn strings_that_serde_yaml_would_write_as_booleans_are_converted_first() {
    let theirs: serde_yaml::Value = serde_yaml::from_str("proxy-buffering: 'off'").unwrap();
    assert_eq!(
        serde_yaml::to_string(&theirs).unwrap(),
        "proxy-buffering: off\n"
    );
    let ours = Value::try_from(theirs).unwrap();
    assert_eq!(narae_yaml::write(&ours), "proxy-buffering: \"off\"\n");
}

proptest! {
    #[test]
    fn values_come_back(value in value()) {
        let theirs = serde_yaml::Value::from(value.clone());
        prop_assert_eq!(&serde_yaml::to_value(&value).unwrap(), &theirs);
        prop_assert_eq!(&Value::try_from(theirs).unwrap(), &value);
        if let Value::Mapping(mapping) = value {
            let theirs = serde_yaml::Mapping::from(mapping.clone());
            prop_assert_eq!(Mapping::try_from(theirs).unwrap(), mapping);
        }
    }
}
