//! What the tests work on: keys, paths, tools of the machine.

use std::path::PathBuf;

use narae_secrets::SecretBytes;
use narae_secrets::sealed::{Certificate, Label, PrivateKey, Scope};
use narae_secrets::store::SecretData;

pub(crate) fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

pub(crate) fn certificate(bits: u64) -> Certificate {
    let pem = std::fs::read(data(&format!("keys/{bits}.crt"))).unwrap();
    Certificate::from_pem(&pem).unwrap()
}

pub(crate) fn private_key(bits: u64) -> PrivateKey {
    let pem = std::fs::read(data(&format!("keys/{bits}.key.pem"))).unwrap();
    PrivateKey::from_pem(&pem).unwrap()
}

pub(crate) fn label(scope: Scope) -> Label {
    Label::new(scope, "shop", "db").unwrap()
}

pub(crate) fn secret(text: &str) -> SecretBytes {
    SecretBytes::from(text.to_owned())
}

/// Keys and values, written `("password", "pa55")`.
pub(crate) fn values<const N: usize>(values: [(&str, &str); N]) -> SecretData {
    values
        .into_iter()
        .map(|(key, value)| (key.to_owned(), secret(value)))
        .collect()
}
