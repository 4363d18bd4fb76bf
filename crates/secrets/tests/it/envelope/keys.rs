//! Keys that wrap: files, certificates, their names and limits.

use narae_secrets::envelope::{
    Envelope, EnvelopeError as E, LocalKey, MAX_WRAPS, UnwrapKey, WrapKey, rewrap,
};
use narae_secrets::sealed::{Scope, SealedItem};

use super::{context, key};
use crate::material::{certificate, label, private_key, secret};

#[test]
fn a_key_file_is_read_again() {
    let file = LocalKey::generate_pem().unwrap();
    let text = std::str::from_utf8(file.expose()).unwrap();
    assert!(text.starts_with("-----BEGIN NARAE ENVELOPE KEY-----\n"));
    let (one, other) = (
        LocalKey::from_pem(file.expose()),
        LocalKey::from_pem(file.expose()),
    );
    let envelope = Envelope::seal(&secret("x"), &one.unwrap(), &context()).unwrap();
    let opened = envelope.open(&[&other.unwrap()], &context());
    assert_eq!(opened.unwrap(), secret("x"));
    assert_ne!(
        LocalKey::generate_pem().unwrap(),
        file,
        "a new one each time"
    );
    let digest_key = text.replace("ENVELOPE", "DIGEST");
    let short = "-----BEGIN NARAE ENVELOPE KEY-----\nAAAA\n-----END NARAE ENVELOPE KEY-----\n";
    for odd in [
        b"".as_slice(),
        b"\xff",
        digest_key.as_bytes(),
        short.as_bytes(),
    ] {
        assert!(matches!(LocalKey::from_pem(odd), Err(E::NotAKey)));
    }
}

#[test]
fn names_tell_keys_apart_and_keep() {
    assert_eq!(
        WrapKey::id(&key(7)).as_str(),
        "aes256-gcm:a9d2ba933a7a07914874e7af42274cd9"
    );
    assert_ne!(WrapKey::id(&key(7)), WrapKey::id(&key(8)));
    let fingerprint = certificate(2048).fingerprint().to_string();
    assert_eq!(
        WrapKey::id(&certificate(2048)).to_string(),
        format!("rsa-oaep:{fingerprint}")
    );
    assert_eq!(
        WrapKey::id(&certificate(2048)),
        UnwrapKey::id(&private_key(2048))
    );
}

#[test]
fn a_local_key_counts_and_stops() {
    let key = key(7).with_wraps(MAX_WRAPS - 2);
    for used in [MAX_WRAPS - 1, MAX_WRAPS] {
        Envelope::seal(&secret("x"), &key, &context()).unwrap();
        assert_eq!(key.wraps(), used);
    }
    for _ in 0..2 {
        let error = Envelope::seal(&secret("x"), &key, &context()).unwrap_err();
        assert!(
            matches!(
                error,
                E::KeyUsedUp {
                    limit: MAX_WRAPS,
                    ..
                }
            ),
            "{error}"
        );
    }
    assert_eq!(key.wraps(), MAX_WRAPS);
    // What it wrapped it still unwraps.
    let old = Envelope::seal(&secret("x"), &super::key(7), &context()).unwrap();
    assert_eq!(old.open(&[&key], &context()).unwrap(), secret("x"));
}

#[test]
fn a_certificate_wraps_and_its_private_key_unwraps() {
    for bits in [2048, 3072, 4096] {
        let envelope = Envelope::seal(&secret("x"), &certificate(bits), &context()).unwrap();
        let private = private_key(bits);
        assert_eq!(envelope.open(&[&private], &context()).unwrap(), secret("x"));
        let stored = envelope.to_bytes();
        let mut again = Vec::new();
        rewrap(&*stored, &mut again, &[&private], &key(1), &context()).unwrap();
        let again = Envelope::from_bytes(&again).unwrap();
        assert_eq!(again.open(&[&key(1)], &context()).unwrap(), secret("x"));
    }
    let envelope = Envelope::seal(&secret("x"), &certificate(2048), &context()).unwrap();
    let other = envelope.open(&[&private_key(4096)], &context());
    assert!(matches!(other, Err(E::NoKey { .. })));
}

/// A sealed item's key under the same certificate is no data key, since its label is another.
#[test]
fn a_sealed_item_is_no_wrapped_data_key() {
    let item = SealedItem::seal(&secret("x"), &label(Scope::ClusterWide), &certificate(2048));
    let item = item.unwrap();
    let wrapped = &item.as_bytes()[2..][..item.wrapped_key_bytes()];
    let refused = private_key(2048).unwrap(wrapped);
    assert!(matches!(refused, Err(E::Refused)));
}
