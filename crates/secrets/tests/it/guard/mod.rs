//! The guard: planted secrets are found however they are written and cut, nothing is printed, nothing else is found.

mod naive;
mod objects;
mod planted;
mod shapes;
mod spelling;
mod streams;

use narae_secrets::guard::{Finding, Form, Guard, KnownValues, What};

use crate::material::secret;

/// A guard that knows one value, `db`.
fn guard(value: &[u8]) -> Guard {
    let mut known = KnownValues::new();
    known.insert("db", &narae_secrets::SecretBytes::copy_of(value));
    assert_eq!(
        (known.len(), known.passed_over().len()),
        (1, 0),
        "{value:?}"
    );
    Guard::new(known)
}

fn findings(guard: &Guard, bytes: &[u8]) -> Vec<Finding> {
    guard
        .check("x", bytes)
        .map_or_else(|leak| leak.findings, |()| Vec::new())
}

fn forms(findings: &[Finding]) -> Vec<Form> {
    let form = |finding: &Finding| match &finding.what {
        What::Known { name, form } => {
            assert_eq!(&**name, "db");
            Some(*form)
        }
        _ => None,
    };
    findings.iter().filter_map(form).collect()
}

#[test]
fn what_is_too_weak_is_passed_over_by_name() {
    let weak = [
        "",
        "a",
        "true",
        "5432",
        "postgres",
        "Production",
        "20260101",
        "shop-app",
        "shop_dev",
        "10.0.0.12",
        "          ",
        "aaaaaaaaaaaaaaaa",
        "null\n",
        "x".repeat(4000).as_str(),
        "pa55",
        "  pa55\n",
    ]
    .map(str::to_owned);
    let strong = [
        "pa55word",
        "Pa55wd",
        "hunter!",
        "passWord",
        "correct horse battery",
        "  pa55word \n",
        "db.shop.svc:5432",
    ];
    let mut known = KnownValues::new();
    for (index, value) in weak.iter().enumerate() {
        known.insert(format!("weak {index}"), &secret(value));
    }
    let names: Vec<String> = (0..weak.len())
        .map(|index| format!("weak {index}"))
        .collect();
    assert_eq!(known.passed_over(), names);
    assert!(known.is_empty());
    for value in strong {
        known.insert(value, &secret(value));
    }
    // One of them is there twice, but for white space.
    assert_eq!(known.len(), strong.len() - 1);
    let guard = Guard::new(known);
    assert_eq!(guard.passed_over(), names);
    for value in &weak {
        assert_eq!(guard.check("x", value.as_bytes()), Ok(()), "{value:?}");
    }
    for value in strong {
        assert!(guard.check("x", value.as_bytes()).is_err(), "{value:?}");
    }
}

#[test]
fn places_are_bytes_lines_and_characters() {
    let guard = guard(b"pa55word");
    let text = "a: 1\r\n  b\u{e9}: pa55word, pa55word\npa55word";
    let places: Vec<(u64, String)> = findings(&guard, text.as_bytes())
        .iter()
        .map(|finding| (finding.offset, finding.to_string()))
        .collect();
    let at = |offset: u64, place: &str| (offset, format!("{place}: the value of db"));
    assert_eq!(places, [at(13, "2:7"), at(23, "2:17"), at(32, "3:1")]);
    let leak = guard.check("values.yaml", text.as_bytes()).unwrap_err();
    let first = leak.to_string();
    assert_eq!(
        first.lines().next(),
        Some("values.yaml:2:7: the value of db")
    );
}

#[test]
fn one_value_within_another_and_many_that_begin_alike() {
    let mut known = KnownValues::new();
    let alike: Vec<String> = (0..300)
        .map(|number| format!("postgres://shop:{number:03}-pa55word@db/shop"))
        .collect();
    for value in alike.iter().map(String::as_str).chain(["pa55word"]) {
        known.insert(value.len().to_string() + &value[..4], &secret(value));
    }
    let guard = Guard::new(known).without_shapes();
    for value in &alike {
        let found = findings(&guard, format!("url: {value}").as_bytes());
        assert_eq!(
            found
                .iter()
                .map(|finding| finding.offset)
                .collect::<Vec<_>>(),
            [5, 25]
        );
    }
    assert_eq!(
        guard.check("x", b"url: postgres://shop:300-pa55w0rd@db/shop"),
        Ok(())
    );
}
