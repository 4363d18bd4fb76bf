//! Whatever loads as a certificate or key has a sound fingerprint and size, and seals or opens.
#![no_main]
use libfuzzer_sys::fuzz_target;
use narae_secrets::SecretBytes;
use narae_secrets::sealed::{Certificate, Label, PrivateKeys, Scope, SealedItem};

fuzz_target!(|pem: &[u8]| {
    let label = Label::new(Scope::ClusterWide, "", "").expect("nothing to bind");
    if let Ok(certificate) = Certificate::from_pem(pem) {
        assert!((2048..=8192).contains(&certificate.key_bits()));
        assert_eq!(
            certificate.fingerprint().as_str().len(),
            "SHA256:".len() + 43
        );
        // A modulus that is no product of primes may be refused later; it must not be accepted halfway.
        if let Ok(item) = SealedItem::seal(&SecretBytes::new(vec![1]), &label, &certificate) {
            assert_eq!(item.wrapped_key_bytes(), certificate.key_bits().div_ceil(8));
        }
    }
    if let Ok(keys) = PrivateKeys::from_pem(pem) {
        assert!(
            keys.iter()
                .all(|key| (2048..=8192).contains(&key.key_bits()))
        );
    }
});
