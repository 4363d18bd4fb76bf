//! Sealing and opening one item of 1 KiB: aws-lc behind our types, against the same format by the pure-Rust
//! `rsa` crate, with keys of 2048 and 4096 bits. `repository` asks about whole files, against kubeseal;
//! `guard` about looking through outputs.

mod guard;
mod repository;

use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce};
use narae_secrets::SecretBytes;
use narae_secrets::sealed::{Certificate, Generate, KeyBits, Label, PrivateKey, Scope, SealedItem};
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::rand_core::UnwrapErr;
use rsa::{Oaep, RsaPrivateKey, RsaPublicKey};
use sha2::Sha256;

use crate::report::Report;

/// 2026-11-21T00:00:00Z; any will do.
const NOW: i64 = 1_795_219_200;

pub fn run(report: &mut Report) {
    guard::run(report);
    for (bits, size, items) in [(2048, KeyBits::Rsa2048, 40), (4096, KeyBits::Rsa4096, 10)] {
        let made = Generate::new(NOW)
            .with_bits(size)
            .run()
            .expect("a key can be made");
        let certificate = Certificate::from_pem(made.certificate_pem.as_bytes()).expect("ours");
        let ours = PrivateKey::from_pem(made.private_key_pem.expose()).expect("ours");
        let pem = std::str::from_utf8(made.private_key_pem.expose()).expect("PEM is text");
        let private = RsaPrivateKey::from_pkcs1_pem(pem).expect("ours");
        let public = RsaPublicKey::from(&private);

        let label = Label::new(Scope::Strict, "production", "database-credentials").expect("names");
        let value = SecretBytes::new(vec![0x5a; 1024]);
        let item = SealedItem::seal(&value, &label, &certificate).expect("sealed");
        // Both must do the same thing before their times are compared.
        let theirs = peer_seal(&public, value.expose(), label.as_bytes());
        let theirs = SealedItem::from_bytes(theirs).expect("the same frame");
        assert!(
            ours.open(&theirs, &label)
                .is_ok_and(|opened| opened == value)
        );
        assert_eq!(
            peer_open(&private, item.as_bytes(), label.as_bytes()),
            value.expose()
        );

        let note = format!("{items} items of 1 KiB, RSA-{bits}");
        report.compare(
            &format!("secrets.seal-{bits}"),
            "rsa 0.10-rc",
            &note,
            10,
            || (0..items).for_each(|_| drop(SealedItem::seal(&value, &label, &certificate))),
            || (0..items).for_each(|_| drop(peer_seal(&public, value.expose(), label.as_bytes()))),
        );
        report.compare(
            &format!("secrets.open-{bits}"),
            "rsa 0.10-rc",
            &note,
            10,
            || (0..items).for_each(|_| drop(ours.open(&item, &label))),
            || {
                (0..items)
                    .for_each(|_| drop(peer_open(&private, item.as_bytes(), label.as_bytes())))
            },
        );
    }
    repository::run(report);
}

fn peer_seal(key: &RsaPublicKey, value: &[u8], label: &[u8]) -> Vec<u8> {
    let mut session = [0; 32];
    getrandom::fill(&mut session).expect("random bytes");
    let padding = Oaep::<Sha256>::new_with_label(label);
    let mut random = UnwrapErr(getrandom::SysRng);
    let wrapped = key
        .encrypt(&mut random, padding, &session)
        .expect("wrapped");
    let sealed = Aes256Gcm::new(&session.into())
        .encrypt(&Nonce::default(), value)
        .expect("sealed");
    let length = u16::try_from(wrapped.len())
        .expect("a modulus fits")
        .to_be_bytes();
    [length.as_slice(), &wrapped, &sealed].concat()
}

fn peer_open(key: &RsaPrivateKey, item: &[u8], label: &[u8]) -> Vec<u8> {
    let (length, rest) = item.split_first_chunk().expect("a frame");
    let (wrapped, sealed) = rest.split_at(usize::from(u16::from_be_bytes(*length)));
    let session = key
        .decrypt(Oaep::<Sha256>::new_with_label(label), wrapped)
        .expect("unwrapped");
    let session: [u8; 32] = session.try_into().expect("a session key");
    Aes256Gcm::new(&session.into())
        .decrypt(&Nonce::default(), sealed)
        .expect("opened")
}
