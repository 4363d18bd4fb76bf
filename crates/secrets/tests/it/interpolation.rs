//! References within a text: what is one, what is text, and that a text is filled whole or not at all.

use std::collections::HashMap;

use narae_secrets::reference::{
    FillError, Interpolation, InterpolationErrorKind as K, MAX_FILLED_BYTES, MAX_TEXT_BYTES,
    Reference, ReferenceError,
};
use narae_secrets::resolve::{Request, Resolved, resolve};
use narae_secrets::sealed::Source;
use narae_secrets::store::memory::MemoryStore;
use narae_secrets::store::{Cas, Store as _};
use proptest::prelude::*;

use crate::material::values;

const KEY: &str = "ref+vault://main/kv/db#/password";

fn resolved(text: &Interpolation, value: &str) -> Resolved {
    let store = MemoryStore::new("main");
    let data = values([("password", value), ("user", "app")]);
    store
        .write(&"kv/db".parse().unwrap(), &data, Cas::Any)
        .unwrap();
    let request = |reference: &Reference| Request::new(reference.clone(), "a.yaml:1:1");
    let requests: Vec<Request> = text.references().map(request).collect();
    resolve(&requests, &[&store]).unwrap()
}

fn filled(text: &str, value: &str) -> String {
    let text: Interpolation = text.parse().unwrap();
    let filled = text.fill(&resolved(&text, value)).unwrap();
    String::from_utf8(filled.expose().to_vec()).unwrap()
}

#[test]
fn references_are_filled_and_the_rest_is_text() {
    for (text, expected) in [
        ("ref+vault://main/kv/db#/password", "pa55"),
        ("${ref+vault://main/kv/db#/password}", "pa55"),
        ("${ ref+vault://main/kv/db#/password\n}", "pa55"),
        (
            "postgres://${ref+vault://main/kv/db#/user}:${ref+vault://main/kv/db#/password}@db",
            "postgres://app:pa55@db",
        ),
        ("$${ref+vault://main/kv/db#/password}$", "$pa55$"),
        (
            "${HOME} $(X) $$ ${} ${$} ${ref+vault://main/kv/db#/password}",
            "${HOME} $(X) $$ ${} $ pa55",
        ),
        (
            "${$}{ref+vault://x} ${ref+vault://main/kv/db#/password}",
            "${ref+vault://x} pa55",
        ),
        ("${$}${ref+vault://main/kv/db#/password}", "$pa55"),
        ("ü\n${ref+vault://main/kv/db#/password}}", "ü\npa55}"),
        (
            "${$}{ref+a ${ref+vault://main/kv/db#/password}",
            "${ref+a pa55",
        ),
        ("${${ref+vault://main/kv/db#/password}", "${pa55"),
    ] {
        assert_eq!(filled(text, "pa55"), expected, "{text}");
        assert!(Interpolation::is_one(text), "{text}");
    }
    // A value that looks like a reference is none.
    let within = format!("<${{{KEY}}}>");
    assert_eq!(filled(&within, &within), format!("<{within}>"));
}

#[test]
fn what_cannot_be_filled_is_said_with_its_place() {
    let refused = |text: &str| text.parse::<Interpolation>().unwrap_err();
    for (text, column, kind) in [
        ("", 1, K::NoReference),
        ("plain ${HOME}", 1, K::NoReference),
        ("ü${ref+vault://main/kv/db#/password", 2, K::Unclosed),
        (
            "a ${ref+vault://main/kv/db#/a:${ref+vault://main/kv/db#/b}",
            3,
            K::Unclosed,
        ),
        ("${a} ref+vault://main/kv/db#/k", 6, K::Bare),
        (
            "a ${ref+vault://main/kv/db}",
            3,
            K::Reference(ReferenceError::Key),
        ),
        (
            "a ${ref+gcp://x#/k}",
            3,
            K::Reference(ReferenceError::Scheme),
        ),
        ("a ${ref+}", 3, K::Reference(ReferenceError::Scheme)),
        (
            "ref+vault://main/kv/db",
            1,
            K::Reference(ReferenceError::Key),
        ),
        (
            "a ${ref+vault://main/kv/db?token=CANARY#/k}",
            3,
            K::Reference(ReferenceError::ForbiddenParameter("token")),
        ),
        (
            "a ${ref+vault://main/kv/../db#/CANARY}",
            3,
            K::Reference(ReferenceError::Scheme),
        ),
    ] {
        let error = refused(text);
        assert_eq!(error.column, column, "{text}: {error}");
        let same = std::mem::discriminant(&error.kind) == std::mem::discriminant(&kind);
        assert!(same, "{text}: {error}");
        assert!(
            !format!("{error} {error:?}").contains("CANARY"),
            "{error:?}"
        );
        // Nobody takes it for a literal.
        assert_eq!(
            Interpolation::is_one(text),
            kind != K::NoReference,
            "{text}"
        );
    }
    let long = format!("${{{KEY}}}{}", "a".repeat(MAX_TEXT_BYTES));
    assert_eq!(refused(&long).kind, K::TooLong);
}

#[test]
fn a_text_is_filled_whole_or_not_at_all() {
    let text: Interpolation = format!("a ${{{KEY}}} b").parse().unwrap();
    let missing = text.fill(&Resolved::default()).unwrap_err();
    assert_eq!(missing, FillError::NotResolved(KEY.parse().unwrap()));
    // Small texts that become large.
    let value = "v".repeat(1024);
    let text: Interpolation = format!("${{{KEY}}}").repeat(1025).parse().unwrap();
    let too_long = text.fill(&resolved(&text, &value)).unwrap_err();
    assert_eq!(too_long, FillError::TooLong);
    let text: Interpolation = format!("${{{KEY}}}").repeat(1024).parse().unwrap();
    let filled = text.fill(&resolved(&text, &value)).unwrap();
    assert_eq!(filled.len(), MAX_FILLED_BYTES);
}

/// A text that changed is sealed anew: its source is another one, whatever characters it has.
#[test]
fn texts_of_the_same_references_are_told_apart() {
    let source = |text: &str| {
        let text: Interpolation = text.parse().unwrap();
        Source::of_text(&text, &resolved(&text, "pa55")).unwrap()
    };
    let reference = format!("${{{KEY}}}");
    let marks = [
        "",
        "\0",
        "\0\0",
        "\u{1}",
        "\u{1}\0",
        "\0\u{1}",
        "\u{1}\u{1}",
    ];
    let mut seen = HashMap::new();
    for (before, after) in marks
        .iter()
        .flat_map(|one| marks.map(|other| (*one, other)))
    {
        let text = format!("{before}{reference}{after}");
        if text == reference {
            continue;
        }
        let other = seen.insert(source(&text).as_str().to_owned(), text.clone());
        assert_eq!(other, None, "{text:?}");
    }
    assert_eq!(seen.len(), marks.len() * marks.len() - 1);
}

/// Texts, escapes and references in any order.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just(format!("${{{KEY}}}")),
        Just("${ref+vault://main/kv/a%7D?version=3#/k".to_owned()),
        Just(KEY.to_owned()),
        Just("ref+".to_owned()),
        Just("${$}".to_owned()),
        Just("${".to_owned()),
        Just("}".to_owned()),
        Just("{".to_owned()),
        Just("$".to_owned()),
        Just(" ".to_owned()),
        ".{0,3}",
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn what_is_read_prints_and_reads_again(text in text()) {
        if let Ok(read) = text.parse::<Interpolation>() {
            prop_assert!(Interpolation::is_one(&text), "{}", text);
            let printed = read.to_string();
            let again: Interpolation = printed.parse().unwrap();
            prop_assert_eq!(again, read, "{}", printed);
        }
    }
}
