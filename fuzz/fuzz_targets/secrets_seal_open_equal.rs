//! What is sealed opens to the same bytes under its own label, and under no other.
#![no_main]
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use narae_secrets::SecretBytes;
use narae_secrets::sealed::{Certificate, Label, PrivateKey, Scope, SealedItem};

static KEYS: LazyLock<(Certificate, PrivateKey)> = LazyLock::new(|| {
    let certificate = include_bytes!("../../crates/secrets/testkit/keys/2048.crt.pem");
    let key = include_bytes!("../../crates/secrets/testkit/keys/2048.key.pem");
    (
        Certificate::from_pem(certificate).expect("a certificate"),
        PrivateKey::from_pem(key).expect("a key"),
    )
});

fuzz_target!(|input: (Vec<u8>, [(u8, String, String); 2])| {
    let (value, labels) = input;
    let label = |(scope, namespace, name): &(u8, String, String)| {
        let scopes = [Scope::Strict, Scope::NamespaceWide, Scope::ClusterWide];
        Label::new(scopes[usize::from(*scope) % 3], namespace, name)
    };
    let [Ok(own), Ok(other)] = labels.each_ref().map(label) else {
        return;
    };
    let (certificate, key) = &*KEYS;
    let value = SecretBytes::new(value);
    let item = SealedItem::seal(&value, &own, certificate).expect("small enough");
    assert!(certificate.may_have_sealed(&item));
    let read = SealedItem::from_canonical_base64(&item.to_base64()).expect("canonical");
    assert_eq!(key.open(&read, &own).as_ref(), Ok(&value));
    assert_eq!(
        key.open(&read, &other).is_ok(),
        own.as_bytes() == other.as_bytes()
    );
});
