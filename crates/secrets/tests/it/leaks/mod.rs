//! A planted secret must not appear in anything a public type prints, and types are what threads need.

use std::fmt::{Debug, Display};

use narae_secrets::SecretBytes;
use narae_secrets::reference::{Reference, ReferenceError};
use narae_secrets::resolve::{Request, ResolveError, Resolved, resolve};
use narae_secrets::sealed::{
    Backup, Certificate, CertificateError, DigestKey, Item, OpenError, PrivateKey, PrivateKeyError,
    PrivateKeys, Resealed, Scope, SealError, SealRequest, SealedFile, SealedItem, SealedSecret,
    UnsealedSecret, Validator,
};
use narae_secrets::store::contents::Contents;
use narae_secrets::store::memory::MemoryStore;
use narae_secrets::store::{Cas, Secret, Store, StoreError};

use crate::material::{certificate, data, label, private_key, secret, values};

const CANARY: &str = "c4n4ry-c4n4ry";

/// The canary in every form it could hide in.
fn forms() -> Vec<String> {
    let bytes = CANARY.as_bytes();
    vec![
        CANARY.to_owned(),
        format!("{bytes:?}").trim_matches(['[', ']']).to_owned(),
        bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        base64::Engine::encode(&base64::prelude::BASE64_STANDARD_NO_PAD, &bytes[..12]),
    ]
}

fn silent(what: &impl Debug) {
    for text in [format!("{what:?}"), format!("{what:#?}")] {
        clean(&text.replace(['\n', ' '], ""));
        clean(&text);
    }
}

fn silent_error(error: &(impl Debug + Display)) {
    silent(error);
    clean(&error.to_string());
}

fn clean(text: &str) {
    for form in forms() {
        assert!(
            !text.contains(&form) && !text.contains(&form.replace(' ', "")),
            "{form} in {text}"
        );
    }
}

#[test]
fn nothing_prints_a_secret() {
    let value = secret(CANARY);
    silent(&value);
    silent(&value.duplicate());
    let item = Item::new("k", secret(CANARY), None);
    silent(&item);
    let manifest = narae_yaml::read_one(
        "{apiVersion: v1, kind: Secret, metadata: {name: db, namespace: shop}}",
    )
    .unwrap();
    let request = SealRequest::new(&manifest, vec![item]);
    silent(&request);
    let sealed = request.seal(&certificate(2048)).unwrap();
    silent(&sealed);
    clean(&narae_yaml::write(&sealed.manifest));
    let sealed = SealedItem::seal(&value, &label(Scope::Strict), &certificate(2048)).unwrap();
    silent_error(&sealed);
    silent(&private_key(2048).open(&sealed, &label(Scope::Strict)));

    let store = MemoryStore::new("main");
    let path = "s/a".parse().unwrap();
    store
        .write(&path, &values([("k", CANARY)]), Cas::Any)
        .unwrap();
    silent(&store);
    silent(&store.read(&path, None).unwrap());
    let mut contents = Contents::new();
    contents
        .write(&path, &values([("k", CANARY)]), Cas::Any)
        .unwrap();
    silent(&contents);
    contents
        .delete(&path, narae_secrets::store::Version::FIRST)
        .unwrap();
    silent(&contents);

    let at = |text: &str| Request::new(text.parse().unwrap(), "x:1:1");
    silent(&resolve(&[at("ref+vault://main/s/a#/k")], &[&store]).unwrap());
    silent_error(&resolve(&[at("ref+vault://main/s/a?decode=base64#/k")], &[&store]).unwrap_err());
    silent_error(&resolve(&[at("ref+vault://main/s/a#/none")], &[&store]).unwrap_err());
    for parameter in ["token", "address", "unknown", "version", "decode"] {
        let text = format!("ref+vault://main/s/a?{parameter}={CANARY}#/k");
        silent_error(&text.parse::<Reference>().unwrap_err());
    }
}

/// Everything a file of SealedSecrets goes through, with the canary as plaintext, in keys and where it
/// does not belong.
#[test]
fn nothing_about_a_file_prints_a_secret() {
    let mut manifest = narae_yaml::read_one(&format!(
        "{{apiVersion: v1, kind: Secret, metadata: {{name: db, namespace: shop}}, stringData: {{k: {CANARY}}}}}"
    ))
    .unwrap();
    let items = Item::take_from(&mut manifest).unwrap();
    silent(&items);
    silent(&manifest);
    let key = DigestKey::from_pem(DigestKey::generate_pem().unwrap().expose()).unwrap();
    silent(&key);
    silent(&DigestKey::new(
        &CANARY.repeat(3).as_bytes()[..32].try_into().unwrap(),
    ));
    let request = SealRequest::new(&manifest, items).with_digest_key(Some(&key));
    silent(&request);
    let sealed = request.seal(&certificate(2048)).unwrap();
    silent(&sealed);
    let file = SealedFile::read("db.yaml", narae_yaml::write(&sealed.manifest)).unwrap();
    silent(&file);
    let keys: PrivateKeys = [private_key(2048)].into_iter().collect();
    let unsealed = file.secrets()[0].unseal(&keys).unwrap();
    silent(&unsealed);
    silent(&unsealed.into_items());
    let resealed = file.reseal(&keys, &certificate(3072));
    silent(&resealed);
    clean(&resealed.text.unwrap());

    for field in ["data", "stringData"] {
        for value in [
            CANARY.to_owned(),
            format!("{{k: [{CANARY}]}}"),
            format!("{{k: '{CANARY}!'}}"),
        ] {
            let yaml = format!("{{kind: Secret, {field}: {value}}}");
            let mut manifest = narae_yaml::read_one(&yaml).unwrap();
            if let Err(error) = Item::take_from(&mut manifest) {
                silent_error(&error);
            }
            silent_error(&Backup::read(yaml.as_bytes()).unwrap_err());
        }
        let yaml = format!("{{kind: Secret, {field}: {{tls.key: {CANARY}, tls.crt: {CANARY}}}}}");
        silent_error(&Backup::read(yaml.as_bytes()).unwrap_err());
        silent_error(&Certificate::read(yaml.as_bytes()).unwrap_err());
    }
    silent_error(&Backup::read(format!("{CANARY}: [").as_bytes()).unwrap_err());
    silent_error(&DigestKey::from_pem(CANARY.as_bytes()).unwrap_err());

    // Plaintext where ciphertext belongs, and in the template.
    let yaml = format!(
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {{name: db, namespace: shop}}\nspec:\n  encryptedData: {{a: {CANARY}, b: [{CANARY}]}}\n  template: {{data: {{c: {CANARY}}}}}\n"
    );
    let file = SealedFile::read("db.yaml", &*yaml).unwrap();
    silent_error(&file.secrets()[0].unseal(&keys).unwrap_err());
    let findings = Validator::new(0).check(&file);
    assert_eq!(findings.len(), 3);
    for finding in &findings {
        silent_error(finding);
    }
    silent(&file.reseal(&keys, &certificate(3072)));
    let blob =
        SealedItem::seal(&secret(CANARY), &label(Scope::Strict), &certificate(2048)).unwrap();
    let yaml = format!(
        "{{apiVersion: bitnami.com/v1alpha1, kind: SealedSecret, metadata: {{name: db, namespace: shop}}, spec: {{data: '{blob}'}}}}"
    );
    let file = SealedFile::read("v1.yaml", yaml).unwrap();
    silent_error(&file.secrets()[0].unseal(&keys).unwrap_err());
}

/// That a type lacks a trait, shown by the compiler: with it, `item` below could mean two things.
macro_rules! lacks {
    ($type:ty: $($lacking:path),+) => {$({
        trait Ambiguous<A> {
            fn item() {}
        }
        impl<T: ?Sized> Ambiguous<()> for T {}
        struct Has;
        impl<T: ?Sized + $lacking> Ambiguous<Has> for T {}
        let _: fn() = <$type as Ambiguous<_>>::item;
    })+};
}

/// If one of these had one of the traits, this would not compile, and the error would name both.
#[test]
fn secret_types_cannot_be_printed_serialised_or_copied() {
    lacks!(SecretBytes: Display, serde::Serialize, Clone, AsRef<[u8]>, std::ops::Deref);
    lacks!(Item: Display, serde::Serialize, Clone);
    lacks!(UnsealedSecret: Display, serde::Serialize, Clone);
    lacks!(PrivateKey: Display, serde::Serialize, Clone);
    lacks!(PrivateKeys: Display, serde::Serialize, Clone);
    lacks!(Backup: Display, serde::Serialize, Clone);
    lacks!(DigestKey: Display, serde::Serialize, Clone);
    lacks!(SealRequest<'static>: Display, serde::Serialize, Clone);
    lacks!(Secret: Display, serde::Serialize, Clone);
    lacks!(Resolved: Display, serde::Serialize, Clone);
}

#[test]
fn keys_print_their_fingerprint_only() {
    for file in ["keys/2048.key.pem", "keys/2048.pkcs1.pem"] {
        let pem = std::fs::read_to_string(data(file)).unwrap();
        let printed = format!(
            "{:?} {:?}",
            PrivateKey::from_pem(pem.as_bytes()),
            PrivateKeys::from_pem(pem.as_bytes())
        );
        for line in pem.lines().filter(|line| !line.starts_with('-')) {
            assert!(!printed.contains(line));
        }
        assert!(printed.len() < 400, "{printed}");
        let broken = pem.replacen("MII", "MIX", 1);
        silent_error(&PrivateKey::from_pem(broken.as_bytes()).unwrap_err());
        assert!(!format!("{:?}", PrivateKey::from_pem(broken.as_bytes())).contains("MIX"));
    }
}

#[cfg(feature = "file")]
#[test]
fn the_file_store_prints_no_key_and_no_value() {
    use narae_secrets::store::file::frame::{self, StoreKey};
    use narae_secrets::store::file::{FileStore, KeyFile};
    let directory = tempfile::tempdir().unwrap();
    let key = KeyFile::create(directory.path().join("key")).unwrap();
    silent(&key);
    let store = FileStore::create("main", directory.path().join("store"), key).unwrap();
    let path = "s/a".parse().unwrap();
    store
        .write(&path, &values([("k", CANARY)]), Cas::Any)
        .unwrap();
    silent(&store);
    let file = std::fs::read(store.file()).unwrap();
    clean(&String::from_utf8_lossy(&file));
    let bytes: [u8; 32] = CANARY.repeat(3).as_bytes()[..32].try_into().unwrap();
    silent(&StoreKey::new(&bytes));
    silent_error(&frame::open(&file, &StoreKey::new(&bytes)).unwrap_err());
}

#[cfg(feature = "generate")]
#[test]
fn a_generated_key_is_not_printed() {
    use narae_secrets::sealed::{Generate, KeyBits};
    let made = Generate::new(0).with_bits(KeyBits::Rsa2048).run().unwrap();
    assert!(!format!("{made:?}").contains("PRIVATE KEY"));
}

#[cfg(feature = "vault")]
#[test]
fn a_connection_prints_no_token() {
    use narae_secrets::store::openbao::{OpenBao, Options};
    let options = || Options::new("http://127.0.0.1:1", secret(CANARY));
    silent(&options());
    let store = OpenBao::connect("main", options()).unwrap();
    silent(&store);
    silent_error(&store.read(&"s/a".parse().unwrap(), None).unwrap_err());
}

#[test]
fn equality_looks_at_everything() {
    assert_eq!(secret("same"), secret("same"));
    for other in ["", "sam", "samE", "Same", "same ", "same\0"] {
        assert_ne!(secret("same"), secret(other), "{other:?}");
    }
    assert!(secret("").is_empty());
}

#[test]
fn types_can_be_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<SecretBytes>();
    shared::<Reference>();
    shared::<ReferenceError>();
    shared::<Resolved>();
    shared::<ResolveError>();
    shared::<Certificate>();
    shared::<CertificateError>();
    shared::<PrivateKeys>();
    shared::<PrivateKeyError>();
    shared::<Backup>();
    shared::<DigestKey>();
    shared::<SealedFile>();
    shared::<Resealed>();
    shared::<UnsealedSecret>();
    shared::<Validator<'static>>();
    #[cfg(feature = "folder")]
    shared::<narae_secrets::sealed::folder::FileReport>();
    #[cfg(feature = "kube")]
    shared::<narae_secrets::sealed::Controller>();
    shared::<SealedItem>();
    shared::<OpenError>();
    shared::<SealedSecret>();
    shared::<SealError>();
    shared::<Secret>();
    shared::<StoreError>();
    shared::<MemoryStore>();
    shared::<Box<dyn Store>>();
    #[cfg(feature = "file")]
    shared::<narae_secrets::store::file::FileStore>();
    #[cfg(feature = "vault")]
    shared::<narae_secrets::store::openbao::OpenBao>();
}
