//! A planted secret must not appear in anything a public type prints, and types are what threads need.

use std::fmt::{Debug, Display};

use narae_secrets::SecretBytes;
use narae_secrets::reference::{Reference, ReferenceError};
use narae_secrets::resolve::{Request, ResolveError, Resolved, resolve};
use narae_secrets::sealed::{
    Certificate, CertificateError, Item, OpenError, PrivateKey, PrivateKeyError, PrivateKeys,
    Scope, SealError, SealRequest, SealedItem, SealedSecret,
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
