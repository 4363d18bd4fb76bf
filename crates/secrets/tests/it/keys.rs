//! Certificates and private keys.

use std::fs;

use narae_secrets::sealed::{
    Backup, Certificate, CertificateError, KeyStatus, PrivateKey, PrivateKeyError, PrivateKeys,
    Scope, SealedItem,
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
    let key = fs::read_to_string(data("keys/2048.key.pem")).unwrap();
    let filled = |bytes: usize| format!("{}\n{key}", "x".repeat(bytes - key.len() - 1));
    assert!(PrivateKey::from_pem(filled(1024 * 1024).as_bytes()).is_ok());
    assert_eq!(of(&filled(1024 * 1024 + 1)), PrivateKeyError::NotPem);
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

/// A key's Secret as the controller keeps it.
fn key_secret(name: &str, bits: u64, label: &str) -> String {
    let encode = |file: &str| {
        let bytes = fs::read(data(file)).unwrap();
        base64::Engine::encode(&base64::prelude::BASE64_STANDARD, bytes)
    };
    format!(
        "{{apiVersion: v1, kind: Secret, type: kubernetes.io/tls, metadata: {{name: {name}, labels: {{{label}}}}}, data: {{tls.crt: '{}', tls.key: '{}'}}}}",
        encode(&format!("keys/{bits}.crt")),
        encode(&format!("keys/{bits}.key.pem"))
    )
}

const ACTIVE: &str = "sealedsecrets.bitnami.com/sealed-secrets-key: active";
const COMPROMISED: &str = "sealedsecrets.bitnami.com/sealed-secrets-key: compromised";

#[test]
fn backups_are_read_in_every_form() {
    let (one, two) = (
        key_secret("k1", 2048, ACTIVE),
        key_secret("k2", 3072, COMPROMISED),
    );
    let stream = format!("{one}\n---\n{two}\n");
    let list = format!(
        "apiVersion: v1\nkind: List\nitems:\n- {one}\n- {{apiVersion: v1, kind: ConfigMap}}\n- {two}\n"
    );
    let json = serde_json::to_string(&narae_yaml::read_one(&list).unwrap()).unwrap();
    for text in [stream, list, json] {
        let backup = Backup::read(text.as_bytes()).unwrap();
        let [first, second] = backup.keys() else {
            panic!("two keys")
        };
        assert_eq!(
            (first.name.as_str(), &first.status),
            ("k1", &KeyStatus::Active)
        );
        assert_eq!(second.status, KeyStatus::Disabled("compromised".to_owned()));
        let fingerprint = first.certificate.as_ref().unwrap().fingerprint();
        assert_eq!(fingerprint, first.key.fingerprint());
        assert_eq!(backup.into_keys().iter().count(), 2);
        // The compromised one opens, but nothing is sealed for it.
        let certificate = Certificate::read(text.as_bytes()).unwrap();
        assert_eq!(certificate.key_bits(), 2048);
    }
    let pem = fs::read(data("keys/2048.pkcs1.pem")).unwrap();
    let backup = Backup::read(&pem).unwrap();
    assert_eq!(backup.keys()[0].status, KeyStatus::Unlabelled);
    let pem = fs::read(data("keys/3072.crt")).unwrap();
    assert_eq!(Certificate::read(&pem).unwrap().key_bits(), 3072);
    let text = String::from_utf8(pem).unwrap();
    let certificate = Certificate::read(format!("# ours\n{text}").as_bytes());
    assert_eq!(certificate.unwrap().key_bits(), 3072);
}

#[test]
fn what_is_wrong_in_a_backup_is_said() {
    let of = |text: &str| Backup::read(text.as_bytes()).unwrap_err().to_string();
    assert_eq!(of(""), "no Secret with a tls.key in it");
    assert_eq!(of("kind: Secret"), "no Secret with a tls.key in it");
    assert!(of("a: [").starts_with("neither PEM nor a Secret or List that can be read"));
    assert_eq!(
        of("{kind: Secret, metadata: {name: k1}, data: {tls.key: 'x!'}}"),
        "Secret `k1`: data.tls.key of the Secret is not base64 (standard alphabet, padded); plain text belongs in stringData"
    );
    assert_eq!(
        of("{kind: Secret, metadata: {name: k1}, stringData: {tls.key: 'x'}}"),
        "Secret `k1`, tls.key: no private key found; expected a block RSA PRIVATE KEY or PRIVATE KEY"
    );
    let of = |text: &str| Certificate::read(text.as_bytes()).unwrap_err().to_string();
    assert_eq!(of("{}"), "no Secret with an active tls.crt in it");
    assert_eq!(
        of(&key_secret("k", 2048, COMPROMISED)),
        "no Secret with an active tls.crt in it"
    );
    assert_eq!(
        of("{kind: Secret, metadata: {name: k1}, stringData: {tls.crt: 'x'}}"),
        "Secret `k1`, tls.crt: no certificate found; expected a block that begins with -----BEGIN CERTIFICATE-----"
    );
}

#[test]
fn the_newest_certificate_counts() {
    let (old, new) = (certificate(2048), certificate(3072));
    assert!(
        old.not_before() != new.not_before(),
        "the test needs two dates"
    );
    let newest = if old.not_before() > new.not_before() {
        2048
    } else {
        3072
    };
    let (one, two) = (key_secret("k1", 2048, ACTIVE), key_secret("k2", 3072, ""));
    for text in [format!("{one}\n---\n{two}"), format!("{two}\n---\n{one}")] {
        assert_eq!(
            Certificate::read(text.as_bytes()).unwrap().key_bits(),
            newest
        );
    }
}

#[test]
fn the_right_key_of_many_is_found_and_named() {
    let keys: PrivateKeys = [4096, 3072, 2048].into_iter().map(private_key).collect();
    let label = crate::material::label(Scope::Strict);
    for bits in [2048, 2048, 3072, 4096, 2048] {
        let item = SealedItem::seal(&crate::material::secret("x"), &label, &certificate(bits));
        let (value, key) = keys.open_with_key(&item.unwrap(), &label).unwrap();
        assert_eq!(value, crate::material::secret("x"));
        assert_eq!(key.fingerprint(), certificate(bits).fingerprint());
    }
}

#[cfg(feature = "generate")]
mod generated {
    use narae_secrets::sealed::{Generate, GenerateError, KeyBits};
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
