//! Envelopes made with given randomness, as an implementation in Python has them. A unit test, because the public API takes no
//! randomness.

use std::io::{Read as _, Write as _};
use std::path::Path;

use aws_lc_rs::digest;
use narae_yaml::Value;

use super::key::LocalKey;
use super::{Context, Decryptor, Encryptor, Envelope, EnvelopeError, KeyId, WrapKey};
use crate::SecretBytes;
use crate::sealed::provenance::hex;

/// A key of which the nonce is known.
struct Fixed(LocalKey);

impl WrapKey for Fixed {
    fn id(&self) -> KeyId {
        WrapKey::id(&self.0)
    }

    fn wrap(&self, data_key: &SecretBytes) -> Result<Vec<u8>, EnvelopeError> {
        let nonce = std::array::from_fn(|index| 0xf0 + u8::try_from(index).unwrap());
        self.0.wrap_with(nonce, data_key)
    }
}

/// Counts from 0.
fn counting() -> impl FnMut(&mut [u8]) -> Result<(), EnvelopeError> {
    let mut next = 0;
    move |bytes| {
        for byte in bytes {
            *byte = next;
            next += 1;
        }
        Ok(())
    }
}

#[test]
fn envelopes_are_those_of_another_implementation() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/envelope/known.yaml");
    let known = narae_yaml::read_one(&std::fs::read_to_string(path).unwrap()).unwrap();
    let context = Context::new("backup", "shop/db", "été");
    assert_eq!(
        known.get("context").and_then(Value::as_str),
        Some(&*hex(context.as_bytes()))
    );
    let key = Fixed(LocalKey::new(&[7; 32]));
    let cases = |name: &str| known.get(name).and_then(Value::as_sequence).unwrap();
    let mut seen = 0;
    for case in cases("message") {
        let plaintext = SecretBytes::new(plaintext(case));
        let made = Envelope::seal_with(&mut counting(), &plaintext, &key, &context).unwrap();
        check(case, &made.to_bytes());
        assert_eq!(made.open(&[&key.0], &context).unwrap(), plaintext);
        seen += 1;
    }
    for case in cases("stream") {
        let plaintext = plaintext(case);
        let made = Encryptor::new_with(&mut counting(), Vec::new(), &key, &context);
        let mut made = made.unwrap();
        made.write_all(&plaintext).unwrap();
        let made = made.finish().unwrap();
        check(case, &made);
        let mut opened = Vec::new();
        let mut decryptor = Decryptor::new(&*made, &[&key.0], &context).unwrap();
        decryptor.read_to_end(&mut opened).unwrap();
        assert!(opened == plaintext, "{case:?}");
        seen += 1;
    }
    assert_eq!(seen, 8);
}

fn plaintext(case: &Value) -> Vec<u8> {
    let length = case.get("plaintext").and_then(Value::as_u64).unwrap();
    (0..=250)
        .cycle()
        .take(usize::try_from(length).unwrap())
        .collect()
}

fn check(case: &Value, made: &[u8]) {
    if let Some(envelope) = case.get("envelope").and_then(Value::as_str) {
        assert_eq!(hex(made), envelope);
    } else {
        let digest = digest::digest(&digest::SHA256, made);
        let wanted = case.get("sha256").and_then(Value::as_str);
        assert_eq!(Some(&*hex(digest.as_ref())), wanted, "{case:?}");
    }
}
