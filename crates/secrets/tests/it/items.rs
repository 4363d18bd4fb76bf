//! One item: known answers, hostile items, round trips.

use std::fs;
use std::path::PathBuf;

use narae_secrets::SecretBytes;
use narae_secrets::sealed::{
    ItemError, MAX_ITEM_BYTES, OpenError, PrivateKey, PrivateKeys, Scope, SealItemError, SealedItem,
};
use narae_yaml::Value;
use proptest::prelude::*;

use crate::material::{certificate, label, private_key, secret};

/// One file of `testkit/items`; its README says what the fields mean.
struct Case {
    expect: String,
    scope: Scope,
    namespace: String,
    name: String,
    key: u64,
    value: Vec<u8>,
    item: String,
}

impl Case {
    fn read(text: &str) -> Self {
        let case = narae_yaml::read_one(text).unwrap();
        let field = |name: &str| case.get(name).and_then(Value::as_str).unwrap().to_owned();
        let scope = match field("scope").as_str() {
            "strict" => Scope::Strict,
            "namespace-wide" => Scope::NamespaceWide,
            "cluster-wide" => Scope::ClusterWide,
            other => panic!("unknown scope {other}"),
        };
        let hex = field("value");
        let value = (0..hex.len() / 2)
            .map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
            .collect();
        Self {
            expect: field("expect"),
            scope,
            namespace: field("namespace"),
            name: field("name"),
            key: case.get("key").and_then(Value::as_u64).unwrap(),
            value,
            item: field("item"),
        }
    }

    /// What really happens, in the words of `expect`.
    fn outcome(&self) -> String {
        let item = match SealedItem::from_base64(&self.item) {
            Ok(item) => item,
            Err(ItemError::NotBase64) => return "not-base64".to_owned(),
            Err(ItemError::Truncated { .. }) => return "truncated".to_owned(),
            Err(other) => return other.to_string(),
        };
        let label = narae_secrets::sealed::Label::new(self.scope, &self.namespace, &self.name);
        let key = fs::read(testkit(&format!("keys/{}.key.pem", self.key))).unwrap();
        let key = PrivateKey::from_pem(&key).unwrap();
        match key.open(&item, &label.unwrap()) {
            Err(OpenError) => "refused".to_owned(),
            Ok(value) if value.expose() != self.value => "opens with another value".to_owned(),
            Ok(_) => match SealedItem::from_canonical_base64(&self.item) {
                Ok(_) => "opens".to_owned(),
                Err(ItemError::NotCanonical) => "opens-not-canonical".to_owned(),
                Err(other) => other.to_string(),
            },
        }
    }
}

fn testkit(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("testkit")
        .join(name)
}

#[test]
fn cases_of_other_implementations() {
    let mut failures = Vec::new();
    let mut seen = 0;
    for entry in fs::read_dir(testkit("items")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        seen += 1;
        let case = Case::read(&fs::read_to_string(&path).unwrap());
        let outcome = case.outcome();
        if outcome != case.expect {
            failures.push(format!(
                "{}: expected {}, got {outcome}",
                path.display(),
                case.expect
            ));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(seen >= 40, "only {seen} cases found");
}

#[test]
fn the_layout_is_as_documented() {
    for bits in [2048u64, 3072, 4096] {
        let item = SealedItem::seal(&secret("abc"), &label(Scope::Strict), &certificate(bits));
        let item = item.unwrap();
        let wrapped = usize::try_from(bits / 8).unwrap();
        assert_eq!(
            item.as_bytes()[..2],
            u16::try_from(wrapped).unwrap().to_be_bytes()
        );
        assert_eq!(item.as_bytes().len(), 2 + wrapped + 3 + 16);
        assert_eq!((item.wrapped_key_bytes(), item.value_bytes()), (wrapped, 3));
        assert_eq!(item.to_string(), item.to_base64());
        assert_eq!(
            SealedItem::from_canonical_base64(&item.to_base64()),
            Ok(item)
        );
    }
}

#[test]
fn only_the_right_label_and_key_open() {
    for scope in [Scope::Strict, Scope::NamespaceWide, Scope::ClusterWide] {
        let item = SealedItem::seal(&secret("x"), &label(scope), &certificate(2048)).unwrap();
        for other in [Scope::Strict, Scope::NamespaceWide, Scope::ClusterWide] {
            let opened = private_key(2048).open(&item, &label(other));
            assert_eq!(opened.is_ok(), scope == other, "{scope} opened as {other}");
        }
        assert_eq!(private_key(3072).open(&item, &label(scope)), Err(OpenError));
    }
}

#[test]
fn the_right_one_of_many_keys_is_found() {
    let mut keys = PrivateKeys::new();
    let item = SealedItem::seal(&secret("x"), &label(Scope::Strict), &certificate(4096)).unwrap();
    keys.push(private_key(2048));
    keys.push(private_key(3072));
    assert_eq!(keys.open(&item, &label(Scope::Strict)), Err(OpenError));
    keys.push(private_key(4096));
    assert_eq!(keys.open(&item, &label(Scope::Strict)), Ok(secret("x")));
}

#[test]
fn a_mebibyte_fits_and_no_more() {
    let most = SecretBytes::new(vec![7; 1024 * 1024]);
    let item = SealedItem::seal(&most, &label(Scope::Strict), &certificate(2048)).unwrap();
    let again = SealedItem::from_base64(&item.to_base64()).unwrap();
    assert_eq!(
        private_key(2048).open(&again, &label(Scope::Strict)),
        Ok(most)
    );

    let more = SecretBytes::new(vec![7; 1024 * 1024 + 1]);
    let refused = SealedItem::seal(&more, &label(Scope::Strict), &certificate(2048));
    assert_eq!(
        refused,
        Err(SealItemError::TooLarge {
            bytes: 1024 * 1024 + 1
        })
    );
    let long = "A".repeat(4 * 1024 * 1024);
    assert_eq!(SealedItem::from_base64(&long), Err(ItemError::TooLong));
    assert!(SealedItem::from_bytes(vec![0; MAX_ITEM_BYTES]).is_ok());
    let more = SealedItem::from_bytes(vec![0; MAX_ITEM_BYTES + 1]);
    assert_eq!(more, Err(ItemError::TooLong));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_sealed_opens(value: Vec<u8>, namespace in "[a-z]{1,20}", name in "[a-z.-]{1,20}") {
        let label = narae_secrets::sealed::Label::new(Scope::Strict, &namespace, &name).unwrap();
        let value = SecretBytes::new(value);
        let item = SealedItem::seal(&value, &label, &certificate(2048)).unwrap();
        let item = SealedItem::from_canonical_base64(&item.to_base64()).unwrap();
        prop_assert_eq!(private_key(2048).open(&item, &label), Ok(value));
    }

    #[test]
    fn a_changed_bit_is_refused(value: Vec<u8>, at: prop::sample::Index, bit in 0u8..8) {
        let label = label(Scope::Strict);
        let item = SealedItem::seal(&SecretBytes::new(value), &label, &certificate(2048)).unwrap();
        let mut bytes = item.as_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        if let Ok(item) = SealedItem::from_bytes(bytes) {
            prop_assert_eq!(private_key(2048).open(&item, &label), Err(OpenError));
        }
    }

    #[test]
    fn parsing_accepts_exactly_what_it_writes(text in "[A-Za-z0-9+/=\\r\\n]{0,600}") {
        if let Ok(item) = SealedItem::from_base64(&text) {
            prop_assert_eq!(SealedItem::from_canonical_base64(&item.to_base64()), Ok(item));
        }
    }
}
