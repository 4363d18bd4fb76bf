//! The transit engine of a real server.

use narae_secrets::SecretBytes;
use narae_secrets::store::StoreErrorKind as K;
use narae_secrets::store::openbao::{Ciphertext, KeyType};
use narae_testservers::OpenBao as Server;

use super::{store, store_of, token_of};
use crate::material::secret;

#[test]
fn data_is_encrypted_signed_and_wrapped() {
    let Some(server) = Server::start("transit") else {
        return;
    };
    server.must("POST", "sys/mounts/transit", r#"{"type":"transit"}"#);
    let mount = "transit".parse().unwrap();
    let bao = store(&server);
    let key = bao.transit(&mount, "shop").unwrap();
    key.create(KeyType::Aes256Gcm).unwrap();
    let binary = SecretBytes::new((0..=255).collect());
    for plaintext in [&binary, &secret(""), &secret("x")] {
        let ciphertext = key.encrypt(plaintext, b"").unwrap();
        assert_eq!(&key.decrypt(&ciphertext, b"").unwrap(), plaintext);
        let printed: Ciphertext = ciphertext.to_string().parse().unwrap();
        assert_eq!(printed, ciphertext);
    }
    // What it is bound to must be the same.
    let bound = key.encrypt(&secret("x"), b"shop/db").unwrap();
    assert_eq!(key.decrypt(&bound, b"shop/db").unwrap(), secret("x"));
    let refused = key.decrypt(&bound, b"shop/other").unwrap_err();
    assert_eq!(refused.kind(), &K::CiphertextRefused);
    assert_eq!(refused.path(), Some("transit/shop"));

    let first = key.encrypt(&secret("x"), b"").unwrap();
    key.rotate().unwrap();
    let again = key.rewrap(&first).unwrap();
    assert!(first.to_string().starts_with("vault:v1:"));
    assert!(again.to_string().starts_with("vault:v2:"));
    assert_eq!(key.decrypt(&again, b"").unwrap(), secret("x"));
    assert_eq!(key.decrypt(&bound, b"shop/db").unwrap(), secret("x"));

    // Each item of a batch has an outcome of its own, and batches larger than a server takes are cut.
    let texts: Vec<_> = (0..400).map(|n| secret(&format!("text {n}"))).collect();
    let items: Vec<(&SecretBytes, &[u8])> = texts.iter().map(|text| (text, &b"aad"[..])).collect();
    let encrypted = key.encrypt_all(&items).unwrap();
    let mut encrypted: Vec<Ciphertext> = encrypted.into_iter().map(Result::unwrap).collect();
    encrypted[200] = "vault:v1:AAAA".parse().unwrap();
    let items: Vec<_> = encrypted.iter().map(|text| (text, &b"aad"[..])).collect();
    let decrypted = key.decrypt_all(&items).unwrap();
    assert_eq!(decrypted.len(), 400);
    for (number, (found, text)) in decrypted.iter().zip(&texts).enumerate() {
        match found {
            Err(kind) => assert_eq!((number, kind), (200, &K::CiphertextRefused)),
            Ok(found) => assert_eq!(found, text),
        }
    }
    let unbound = [&first, &encrypted[200], &again];
    let rewrapped = key.rewrap_all(&unbound).unwrap();
    let refused: Vec<_> = rewrapped.iter().map(Result::is_err).collect();
    assert_eq!(refused, [false, true, false]);

    let data_key = key.data_key().unwrap();
    assert_eq!(data_key.plaintext.len(), 32);
    assert_eq!(
        key.decrypt(&data_key.wrapped, b"").unwrap(),
        data_key.plaintext
    );

    let mac = key.hmac(b"message").unwrap();
    assert!(key.verify_hmac(b"message", &mac).unwrap());
    assert!(!key.verify_hmac(b"massage", &mac).unwrap());
    for kind in [KeyType::Ed25519, KeyType::EcdsaP256] {
        let signer = bao.transit(&mount, &format!("{kind:?}")).unwrap();
        signer.create(kind).unwrap();
        let signature = signer.sign(b"message").unwrap();
        assert!(signer.verify(b"message", &signature).unwrap());
        assert!(!signer.verify(b"massage", &signature).unwrap());
        assert!(
            !signer
                .verify(b"message", &"vault:v1:AAAA".parse().unwrap())
                .unwrap()
        );
    }

    let missing = bao.transit(&mount, "missing").unwrap();
    assert_eq!(
        missing.decrypt(&again, b"").unwrap_err().kind(),
        &K::NotFound
    );
    let nobody = store_of(&server, &token_of(&server, r#"{"policies":["default"]}"#));
    let denied = nobody
        .transit(&mount, "shop")
        .unwrap()
        .encrypt(&secret("x"), b"");
    assert_eq!(
        denied.unwrap_err().kind(),
        &super::denied("update", "transit/encrypt/shop")
    );
    for odd in ["", "a/b", "..", "a\nb"] {
        assert!(bao.transit(&mount, odd).is_err(), "{odd:?}");
    }
    for odd in [
        "",
        "vault:",
        "vault:v1",
        "vault:vx:AAAA",
        "vault:v1:AA\nAA",
        "bao:v1:AAAA",
    ] {
        assert!(odd.parse::<Ciphertext>().is_err(), "{odd:?}");
    }
}
