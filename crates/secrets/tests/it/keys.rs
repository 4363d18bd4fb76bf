//! Certificates and private keys.

use std::fs;

use narae_secrets::sealed::{
    Certificate, CertificateError, PrivateKey, PrivateKeyError, PrivateKeys,
};

use crate::material::{certificate, data, private_key};

#[test]
fn certificate_and_key_have_one_fingerprint() {
    for bits in [2048u64, 3072, 4096] {
        assert_eq!(
            certificate(bits).fingerprint(),
            private_key(bits).fingerprint()
        );
        assert_eq!(certificate(bits).key_bits() as u64, bits);
        assert_eq!(private_key(bits).key_bits() as u64, bits);
    }
    let pkcs1 = PrivateKey::from_pem(&fs::read(data("keys/2048.pkcs1.pem")).unwrap()).unwrap();
    assert_eq!(pkcs1.fingerprint(), certificate(2048).fingerprint());
}

#[test]
fn the_first_certificate_counts_and_text_around_does_not() {
    let first = fs::read_to_string(data("keys/2048.crt")).unwrap();
    let second = fs::read_to_string(data("keys/3072.crt")).unwrap();
    let key = fs::read_to_string(data("keys/4096.key.pem")).unwrap();
    let file = format!("Bag Attributes\n    x: y\n{key}{first}{second}").replace('\n', "\r\n");
    let found = Certificate::from_pem(file.as_bytes()).unwrap();
    assert_eq!(found.fingerprint(), certificate(2048).fingerprint());
}

#[test]
fn validity_ends_with_its_last_second() {
    let certificate = certificate(2048);
    let end = certificate.not_after();
    assert!(certificate.not_before() < end);
    assert_eq!(certificate.check_valid_at(end), Ok(()));
    assert_eq!(
        certificate.check_valid_at(0),
        Ok(()),
        "the start is not checked"
    );
    let expired = CertificateError::Expired {
        not_after: end,
        now: end + 1,
    };
    assert_eq!(certificate.check_valid_at(end + 1), Err(expired));
}

#[test]
fn what_is_no_certificate_is_said() {
    let of = |text: &str| Certificate::from_pem(text.as_bytes()).unwrap_err();
    assert_eq!(of(""), CertificateError::NoCertificate);
    assert_eq!(of(&"x".repeat(1024 * 1024 + 1)), CertificateError::NotPem);
    assert_eq!(
        Certificate::from_pem(&[0xff]).unwrap_err(),
        CertificateError::NotPem
    );
    let block =
        |body: &str| format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
    assert_eq!(of(&block("AAAA")), CertificateError::Malformed);
    assert_eq!(of(&block("not base64!")), CertificateError::NoCertificate);
    assert_eq!(
        of("-----BEGIN CERTIFICATE-----\nAAAA\n"),
        CertificateError::NoCertificate
    );
    let elliptic = fs::read_to_string(data("keys/p256.crt")).unwrap();
    assert_eq!(of(&elliptic), CertificateError::NotRsa);
    let small = fs::read_to_string(data("keys/1024.crt")).unwrap();
    assert_eq!(of(&small), CertificateError::KeySize { bits: 1024 });
}

#[test]
fn what_is_no_key_is_said() {
    let of = |text: &str| PrivateKey::from_pem(text.as_bytes()).unwrap_err();
    assert_eq!(of(""), PrivateKeyError::NoKey);
    assert_eq!(
        of(&fs::read_to_string(data("keys/2048.crt")).unwrap()),
        PrivateKeyError::NoKey
    );
    let block = |label: &str, body: &str| {
        format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
    };
    assert_eq!(of(&block("PRIVATE KEY", "AAAA")), PrivateKeyError::Refused);
    assert_eq!(
        of(&block("RSA PRIVATE KEY", "AAAA")),
        PrivateKeyError::Refused
    );
    assert_eq!(
        of(&block("ENCRYPTED PRIVATE KEY", "AAAA")),
        PrivateKeyError::Encrypted
    );
    let old = block(
        "RSA PRIVATE KEY",
        "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA",
    );
    assert_eq!(of(&old), PrivateKeyError::Encrypted);
    assert_eq!(
        PrivateKeys::from_pem(b"").unwrap_err(),
        PrivateKeyError::NoKey
    );
}

#[test]
fn a_bundle_gives_all_its_keys() {
    let mut bundle = fs::read_to_string(data("keys/2048.pkcs1.pem")).unwrap();
    bundle.push_str(&fs::read_to_string(data("keys/3072.key.pem")).unwrap());
    let keys = PrivateKeys::from_pem(bundle.as_bytes()).unwrap();
    assert_eq!(
        keys.iter().map(PrivateKey::key_bits).collect::<Vec<_>>(),
        [2048, 3072]
    );
}

#[cfg(feature = "generate")]
mod generated {
    use narae_secrets::sealed::{Generate, GenerateError, KeyBits, Scope, SealedItem};
    use narae_testservers::is_missing;

    use super::*;
    use crate::material::{label, secret};

    /// 2026-11-21T00:00:00Z.
    const NOW: i64 = 1_795_219_200;

    #[test]
    fn keys_are_usable_and_shaped_like_the_controllers() {
        let made = Generate::new(NOW)
            .with_days(30)
            .with_bits(KeyBits::Rsa2048)
            .run()
            .unwrap();
        let certificate = Certificate::from_pem(made.certificate_pem.as_bytes()).unwrap();
        assert_eq!(
            (certificate.not_before(), certificate.not_after()),
            (NOW, NOW + 30 * 86_400)
        );
        assert!(
            made.private_key_pem
                .expose()
                .starts_with(b"-----BEGIN RSA PRIVATE KEY-----\n")
        );
        let key = PrivateKey::from_pem(made.private_key_pem.expose()).unwrap();
        assert_eq!(key.fingerprint(), certificate.fingerprint());
        let item = SealedItem::seal(&secret("x"), &label(Scope::Strict), &certificate).unwrap();
        assert_eq!(key.open(&item, &label(Scope::Strict)), Ok(secret("x")));

        if is_missing(&["openssl"], "reading the generated certificate") {
            return;
        }
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("crt");
        fs::write(&file, &made.certificate_pem).unwrap();
        let mut openssl = std::process::Command::new("openssl");
        let output = openssl
            .args(["x509", "-noout", "-text", "-in"])
            .arg(&file)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        for expected in [
            "Version: 3",
            "CA:TRUE",
            "Encipher Only",
            "sha256WithRSAEncryption",
        ] {
            assert!(text.contains(expected), "no {expected} in {text}");
        }
    }

    /// openssl's own `verify` would refuse a self-signed certificate whose key may only encipher,
    /// the controller's included, so the signature is checked as such.
    #[test]
    fn the_certificate_signs_itself() {
        use der::{Decode as _, Encode as _};
        let made = Generate::new(NOW)
            .with_bits(KeyBits::Rsa2048)
            .run()
            .unwrap();
        let (_, pem) = made.certificate_pem.split_once('\n').unwrap();
        let base64: String = pem
            .lines()
            .take_while(|line| !line.starts_with('-'))
            .collect();
        let der = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, base64).unwrap();
        let certificate = x509_cert::Certificate::from_der(&der).unwrap();
        let tbs = certificate.tbs_certificate();
        assert_eq!(certificate.to_der().unwrap(), der);
        let key = tbs.subject_public_key_info().subject_public_key.raw_bytes();
        aws_lc_rs::signature::UnparsedPublicKey::new(
            &aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256,
            key,
        )
        .verify(&tbs.to_der().unwrap(), certificate.signature().raw_bytes())
        .unwrap();
    }

    #[test]
    fn a_validity_that_no_certificate_can_say_is_refused() {
        for (now, days) in [(-1, 1), (i64::MAX, 1), (253_402_300_000, 1)] {
            let refused = Generate::new(now).with_days(days).run().unwrap_err();
            assert_eq!(refused, GenerateError::Validity { now, days });
        }
    }
}
