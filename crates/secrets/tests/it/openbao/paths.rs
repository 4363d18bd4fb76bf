//! A path never escapes its mount: whatever text, it is refused by a type or every request for it goes below `/v1/MOUNT/`.

use std::sync::LazyLock;
use std::sync::Mutex;

use narae_secrets::SecretBytes;
use narae_secrets::store::openbao::{Auth, KvVersion, OpenBao, Options};
use narae_secrets::store::{Cas, MountPath, SecretPath, Store as _, StoreErrorKind as K, Version};
use proptest::prelude::*;

use super::Fake;
use crate::material::{secret, values};

/// Has nothing; one for all cases, which take turns.
static NOTHING: LazyLock<Mutex<Fake>> =
    LazyLock::new(|| Mutex::new(Fake::answering("404 Not Found", r#"{"errors":[]}"#)));

/// Texts that would be paths, and pieces by which paths escape.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("..".to_owned()),
        Just(".".to_owned()),
        Just("/".to_owned()),
        Just("//".to_owned()),
        Just("%2e%2e".to_owned()),
        Just("%2F".to_owned()),
        Just("\\".to_owned()),
        Just("..;".to_owned()),
        Just("?list=true".to_owned()),
        Just("#".to_owned()),
        Just("sys".to_owned()),
        Just("@evil.example".to_owned()),
        Just("\r\nX-Evil: 1".to_owned()),
        Just("\t".to_owned()),
        Just("\u{2024}\u{2024}".to_owned()),
        Just("ｅ".to_owned()),
        "[a-z. ]{0,3}",
        ".{0,3}",
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

/// What was asked for, by its path as the server sees it, without the query.
fn targets(fake: &Fake) -> Vec<String> {
    let target = |request: String| {
        let target = request.split(' ').nth(1).unwrap().to_owned();
        target.split('?').next().unwrap().to_owned()
    };
    fake.seen.try_iter().map(target).collect()
}

/// A target is below `folder`, and is there what `rest` is, segment by segment.
fn is_below(target: &str, folder: &str, rest: &str) -> bool {
    let Some(escaped) = target.strip_prefix(folder) else {
        return false;
    };
    let decoded = |text: &str| {
        let mut bytes = Vec::new();
        let mut left = text.bytes();
        while let Some(byte) = left.next() {
            bytes.push(match byte {
                b'%' => {
                    let digits = [left.next().unwrap(), left.next().unwrap()];
                    u8::from_str_radix(str::from_utf8(&digits).unwrap(), 16).unwrap()
                }
                // What means something in a URL never stands as it is.
                byte => {
                    assert!(
                        byte.is_ascii_alphanumeric() || b"-._~".contains(&byte),
                        "{text}"
                    );
                    byte
                }
            });
        }
        String::from_utf8(bytes).unwrap()
    };
    let segments: Vec<String> = escaped.split('/').map(decoded).collect();
    segments.join("/") == rest
        && !segments
            .iter()
            .any(|one| matches!(one.as_str(), "" | "." | ".."))
}

proptest! {
    #[test]
    fn every_path_stays_in_its_mount(text in text()) {
        let Ok(at) = format!("secret/{text}").parse::<SecretPath>() else {
            return Ok(());
        };
        let fake = NOTHING.lock().unwrap();
        let store = OpenBao::connect("main", fake.options()).unwrap();
        let below = |folder: &str| {
            let targets = targets(&fake);
            !targets.is_empty() && targets.iter().all(|target| is_below(target, folder, &text))
        };
        prop_assert!(store.read(&at, Version::new(3)).is_err());
        prop_assert!(below("/v1/secret/data/"));
        prop_assert!(store.write(&at, &values([("k", "v")]), Cas::Any).is_err());
        prop_assert!(below("/v1/secret/data/"));
        prop_assert!(store.metadata(&at).is_err());
        prop_assert!(below("/v1/secret/metadata/"));
        prop_assert!(store.destroy(&at, &[Version::FIRST]).is_err());
        prop_assert!(below("/v1/secret/destroy/"));
        prop_assert!(store.credentials(&at).is_err());
        prop_assert!(below("/v1/secret/"));
        prop_assert!(store.list(Some(&at)).unwrap().is_empty());
        // The folder above is listed, too: it may be a secret.
        prop_assert!(targets(&fake).iter().all(|target| target.starts_with("/v1/secret/metadata/")));
    }

    #[test]
    fn every_mount_and_name_stays_where_it_is(text in text()) {
        let fake = NOTHING.lock().unwrap();
        if let Ok(mount) = text.parse::<MountPath>() {
            let options = fake.options().with_mount(mount.clone(), KvVersion::V1);
            let store = OpenBao::connect("main", options).unwrap();
            let at: SecretPath = format!("{mount}/x").parse().unwrap();
            prop_assert!(store.read(&at, None).is_err());
            for target in targets(&fake) {
                prop_assert!(is_below(&target, "/v1/", at.as_str()), "{}", target);
            }
        }
        let store = OpenBao::connect("main", fake.options()).unwrap();
        let transit: MountPath = "transit".parse().unwrap();
        match store.transit(&transit, &text) {
            Err(error) => {
                let is_configuration = matches!(error.kind(), K::Configuration { .. });
                prop_assert!(is_configuration, "{}", error);
            }
            Ok(key) => {
                prop_assert!(key.encrypt(&SecretBytes::copy_of(b"x"), b"").is_err());
                for target in targets(&fake) {
                    prop_assert!(is_below(&target, "/v1/transit/encrypt/", &text), "{}", target);
                }
            }
        }
        let login = Options::new(&fake.address, Auth::userpass(&text, secret("p")));
        if let Ok(store) = OpenBao::connect("main", login) {
            prop_assert!(store.health().is_err());
            prop_assert!(store.credentials(&"a/b".parse().unwrap()).is_err());
            for target in targets(&fake).into_iter().skip(1) {
                prop_assert!(is_below(&target, "/v1/auth/userpass/login/", &text), "{}", target);
            }
        }
    }
}
