//! The grammar of references, and paths that cannot escape.

use narae_secrets::reference::{Decode, Reference, ReferenceError};
use narae_secrets::store::{MountPath, SecretPath, Version};
use proptest::prelude::*;

fn parse(text: &str) -> Result<Reference, ReferenceError> {
    text.parse()
}

#[test]
fn all_parts_are_read() {
    let text = "ref+vault://main/secret/a%20b/c?decode=base64&version=7#/tls%2Fkey";
    let reference = parse(text).unwrap();
    assert_eq!(reference.store(), "main");
    assert_eq!(reference.path().as_str(), "secret/a b/c");
    assert_eq!(reference.version(), Version::new(7));
    assert_eq!(reference.decode(), Decode::Base64);
    assert_eq!(reference.key(), "tls/key");
    let canonical = "ref+vault://main/secret/a%20b/c?version=7&decode=base64#/tls%2Fkey";
    assert_eq!(reference.to_string(), canonical);
    let pinned = parse("ref+vault://main/s/a#/k")
        .unwrap()
        .pinned(Version::FIRST);
    assert_eq!(pinned.to_string(), "ref+vault://main/s/a?version=1#/k");
}

#[test]
fn a_reference_cannot_choose_server_or_credential() {
    for name in [
        "address",
        "addr",
        "token",
        "Token",
        "%74oken",
        "token_file",
        "role_id",
        "namespace",
    ] {
        let text = format!("ref+vault://main/s/a?{name}=s.CANARY#/k");
        let error = parse(&text).unwrap_err();
        assert!(
            matches!(error, ReferenceError::ForbiddenParameter(_)),
            "{name}: {error}"
        );
        assert!(!format!("{error} {error:?}").contains("CANARY"));
    }
}

#[test]
fn what_is_no_reference_is_said() {
    use ReferenceError as E;
    for (text, expected) in [
        ("", E::Scheme),
        ("secret", E::Scheme),
        ("ref+awssecrets://x/y#/z", E::Scheme),
        ("ref+vault://main/s/a", E::Key),
        ("ref+vault://main/s/a#k", E::Key),
        ("ref+vault://main/s/a#/", E::Key),
        ("ref+vault:///s/a#/k", E::Store),
        ("ref+vault://127.0.0.1:8200/s/a#/k", E::Store),
        ("ref+vault://user@host/s/a#/k", E::Store),
        ("ref+vault://main/s/a?version=0#/k", E::Version),
        ("ref+vault://main/s/a?version=+1#/k", E::Version),
        ("ref+vault://main/s/a?version=#/k", E::Version),
        (
            "ref+vault://main/s/a?version=99999999999999999999#/k",
            E::Version,
        ),
        (
            "ref+vault://main/s/a?version=1&version=1#/k",
            E::RepeatedParameter("version"),
        ),
        ("ref+vault://main/s/a?decode=hex#/k", E::Decode),
        ("ref+vault://main/s/a?versoin=1#/k", E::UnknownParameter),
        ("ref+vault://main/s/a%2#/k", E::Escape),
        ("ref+vault://main/s/a%ff#/k", E::Escape),
        ("ref+vault://main/s/..%2F..%2Fsys#/k", E::Escape),
    ] {
        assert_eq!(parse(text), Err(expected), "{text}");
    }
    for path in ["", "/", "s/../sys", "s/%2e%2e/sys", "s//a", "s/a/", "s/%00"] {
        let text = format!("ref+vault://main/{path}#/k");
        assert!(matches!(parse(&text), Err(E::Path(_))), "{text}");
    }
    let long = format!("ref+vault://main/s/a#/{}", "k".repeat(2048));
    assert_eq!(parse(&long), Err(E::TooLong));
    // Short enough as it stands, too long once escaped; and the longest that stays short enough.
    let long = format!("ref+vault://main/s/a#/{}", "&".repeat(700));
    assert_eq!(parse(&long), Err(E::TooLong));
    let most = (1..2048)
        .rev()
        .find_map(|n| parse(&format!("ref+vault://main/s/a#/{}", "k".repeat(n))).ok());
    let pinned = most.unwrap().pinned(Version::MAX);
    assert_eq!(pinned.to_string().len(), 2048);
    assert_eq!(parse(&pinned.to_string()), Ok(pinned));
}

#[test]
fn what_means_to_be_a_reference_is_recognised() {
    for text in [
        "ref+vault://x",
        " ref+vault://main/s#/k",
        "ref+openbao://x",
        "ref+gcpsecrets://",
    ] {
        assert!(Reference::is_reference(text), "{text}");
    }
    for text in [
        "",
        "https://example",
        "reference",
        "ref+://x",
        "ref+a b://",
        "x ref+vault://main",
    ] {
        assert!(!Reference::is_reference(text), "{text}");
    }
}

#[test]
fn paths_cannot_escape() {
    for path in [
        "", ".", "..", "a/..", "../a", "a/./b", "a//b", "/a", "a/", "a\\b", "a\nb", "a/ b", "a/b ",
    ] {
        assert!(path.parse::<SecretPath>().is_err(), "{path:?}");
        assert!(path.parse::<MountPath>().is_err(), "{path:?}");
    }
    assert!("a".repeat(513).parse::<SecretPath>().is_err());
    for path in ["a", "secret/shop/db", "a b/c", "한글/x", "...", "a?b#c%2f"] {
        assert_eq!(path.parse::<SecretPath>().unwrap().as_str(), path);
    }
    let below = |a: &str, b: &str| {
        a.parse::<SecretPath>()
            .unwrap()
            .starts_with(&b.parse::<SecretPath>().unwrap())
    };
    assert!(below("a/b", "a") && below("a/b", "a/b"));
    assert!(!below("a/bc", "a/b") && !below("a", "a/b"));
    let error = "a/../\u{1b}[31m"
        .parse::<SecretPath>()
        .unwrap_err()
        .to_string();
    assert!(!error.contains('\u{1b}'), "{error:?}");
}

proptest! {
    #[test]
    fn canonical_references_read_back(
        store in "[a-zA-Z0-9._-]{1,12}",
        path in prop::collection::vec("[^/\\\\\\p{Cc}\\s]{1,8}", 1..4),
        key in "[^\\p{Cc}]{1,12}",
        version in prop::option::of(1u64..),
        base64: bool,
    ) {
        prop_assume!(path.iter().all(|segment| segment != "." && segment != ".."));
        let mut text = format!("ref+vault://{store}");
        for segment in &path {
            text.push('/');
            text.extend(segment.bytes().map(|byte| format!("%{byte:02x}")));
        }
        text.push('?');
        if let Some(version) = version {
            text.push_str(&format!("version={version}&"));
        }
        if base64 {
            text.push_str("decode=base64");
        }
        text.push_str("#/");
        text.extend(key.bytes().map(|byte| format!("%{byte:02x}")));
        let reference = parse(&text).unwrap();
        prop_assert_eq!(reference.path().as_str(), path.join("/"));
        prop_assert_eq!(reference.key(), key);
        let canonical = reference.to_string();
        prop_assert!(!canonical.contains(char::is_whitespace));
        prop_assert_eq!(parse(&canonical).unwrap(), reference);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(ref\\+vault://)?.{0,60}") {
        if let Ok(reference) = parse(&text) {
            prop_assert!(Reference::is_reference(&text));
            prop_assert_eq!(parse(&reference.to_string()).unwrap(), reference);
        }
    }
}

#[test]
fn placeholders_of_argocd_vault_plugin_are_read() {
    let read = |text: &str| Reference::from_placeholder(text, "main");
    for (text, canonical) in [
        (
            "<path:kv/data/shop/db#password>",
            "ref+vault://main/kv/shop/db#/password",
        ),
        (
            "<path:kv/data/shop/db#password#12>",
            "ref+vault://main/kv/shop/db?version=12#/password",
        ),
        (
            " <path: kv/data/shop # a b > ",
            "ref+vault://main/kv/shop#/a%20b",
        ),
        (
            "<path:kv/data/data/x#k | base64decode>",
            "ref+vault://main/kv/data/x?decode=base64#/k",
        ),
        ("<path:data/shop#k>", "ref+vault://main/data/shop#/k"),
    ] {
        assert_eq!(read(text).unwrap().to_string(), canonical, "{text}");
    }
    for (text, error) in [
        ("path:kv/a#k", ReferenceError::Scheme),
        ("<path:kv1/shop/data/db#k>", ReferenceError::AmbiguousData),
        ("<path:team/kv/data/db#k>", ReferenceError::AmbiguousData),
        ("<path:kv/a>", ReferenceError::Key),
        ("<path:kv/a#>", ReferenceError::Key),
        ("<path:kv/a#k#latest>", ReferenceError::Version),
        ("<path:kv/a#k#0>", ReferenceError::Version),
        ("<path:kv/a#k#1#2>", ReferenceError::Version),
        ("<path:kv/a#k | jsonPath {.x}>", ReferenceError::Decode),
    ] {
        assert_eq!(read(text).unwrap_err(), error, "{text}");
    }
    assert!(matches!(
        read("<path:kv/../sys/mounts#k>"),
        Err(ReferenceError::Path(_))
    ));
    assert_eq!(
        Reference::from_placeholder("<path:kv/a#k>", "a/b").unwrap_err(),
        ReferenceError::Store
    );
}

#[test]
fn references_of_vals_are_read_and_cannot_redirect_a_token() {
    let read = |text: &str| Reference::from_vals(text, "main");
    for scheme in ["ref+vault", "ref+openbao"] {
        let reference = read(&format!("{scheme}://kv/shop/db?version=2#/password")).unwrap();
        assert_eq!(
            reference.to_string(),
            "ref+vault://main/kv/shop/db?version=2#/password"
        );
    }
    for parameter in [
        "address",
        "token_env",
        "token_file",
        "role_id",
        "proto",
        "host",
        "namespace",
    ] {
        let error = read(&format!("ref+vault://kv/shop?{parameter}=x#/k")).unwrap_err();
        assert_eq!(error, ReferenceError::ForbiddenParameter(parameter));
    }
    assert_eq!(
        read("ref+awssecrets://a/b#/k").unwrap_err(),
        ReferenceError::Scheme
    );
}
