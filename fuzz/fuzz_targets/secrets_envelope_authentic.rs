//! A header reads as it was written; nothing opens but what was made, and no byte of that may change or be missing.
#![no_main]
use std::io::Read as _;

use libfuzzer_sys::fuzz_target;
use narae_secrets::SecretBytes;
use narae_secrets::envelope::{Context, Decryptor, Envelope, Header, LocalKey};

fuzz_target!(|input: (Vec<u8>, Vec<u8>, usize, u8)| {
    let (bytes, plaintext, at, flip) = input;
    let (key, context) = (LocalKey::new(&[7; 32]), Context::new("fuzz", "", ""));
    if let Ok(header) = Header::read(&*bytes) {
        assert!(bytes.starts_with(&header.to_bytes()));
    }
    let opens = |bytes: &[u8]| {
        let message = Envelope::from_bytes(bytes).and_then(|found| found.open(&[&key], &context));
        let stream = Decryptor::new(bytes, &[&key], &context)
            .is_ok_and(|mut found| found.read_to_end(&mut Vec::new()).is_ok());
        message.is_ok() || stream
    };
    assert!(!opens(&bytes));
    assert!(Envelope::from_tink(&bytes, &key, &context).is_err());

    let plaintext = SecretBytes::new(plaintext);
    let made = Envelope::seal(&plaintext, &key, &context).expect("a small message");
    let mut made = made.to_bytes();
    let at = at % made.len();
    made[at] ^= flip;
    assert_eq!(opens(&made), flip == 0);
    assert!(!opens(&made[..at]));
});
