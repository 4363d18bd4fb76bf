//! Whatever loads as a certificate, key or backup has a sound fingerprint and size, and seals or opens.
#![no_main]
use libfuzzer_sys::fuzz_target;
use narae_secrets::SecretBytes;
use narae_secrets::sealed::{Backup, Certificate, Label, PrivateKeys, Scope, SealedItem};

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
    if let (Ok(first), Ok(read)) = (Certificate::from_pem(pem), Certificate::read(pem)) {
        assert_eq!(first.fingerprint(), read.fingerprint());
    }
    if let Ok(backup) = Backup::read(pem) {
        assert!(!backup.keys().is_empty());
        assert!(backup.keys().iter().all(|key| key.key.key_bits() >= 2048));
    }
    if let Ok(keys) = PrivateKeys::from_pem(pem) {
        assert!(
            keys.iter()
                .all(|key| (2048..=8192).contains(&key.key_bits()))
        );
    }
});
