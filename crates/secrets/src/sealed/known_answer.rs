//! Items made with given randomness, from the test kit. A unit test, because the public API neither
//! shows nor takes a session key.
//!
//! aws-lc takes no OAEP seed, so the sealing side cannot be made to repeat the whole item. It need not: OAEP
//! decoding accepts exactly one encoding of a session key for a seed, and AES-GCM is checked bit for bit.

use std::fs;
use std::path::Path;

use aes_gcm::Nonce;
use aes_gcm::aead::Aead as _;
use narae_yaml::Value;

use super::item::cipher;
use super::{Label, PrivateKey, Scope, SealedItem};

#[test]
fn session_key_and_ciphertext_are_those_given() {
    let kit = Path::new(env!("CARGO_MANIFEST_DIR")).join("testkit");
    let label = Label::new(Scope::Strict, "shop", "db").unwrap();
    for bits in [2048, 3072, 4096] {
        let case = fs::read_to_string(kit.join(format!("items/known-answer-{bits}.yaml"))).unwrap();
        let case = narae_yaml::read_one(&case).unwrap();
        let field = |name: &str| case.get(name).and_then(Value::as_str).unwrap();
        let key = fs::read(kit.join(format!("keys/{bits}.key.pem"))).unwrap();
        let key = PrivateKey::from_pem(&key).unwrap();
        let item = SealedItem::from_canonical_base64(field("item")).unwrap();
        let (wrapped, sealed) = item.as_bytes()[2..].split_at(item.wrapped_key_bytes());

        let session_key = key.decrypt(wrapped, label.as_bytes()).unwrap();
        assert_eq!(session_key.as_slice(), hex(field("session-key")));
        let session_key = session_key.as_slice().try_into().unwrap();
        let again = cipher(session_key).encrypt(&Nonce::default(), hex(field("value")).as_slice());
        assert_eq!(again.unwrap(), sealed, "{bits}");
    }
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap())
        .collect()
}
