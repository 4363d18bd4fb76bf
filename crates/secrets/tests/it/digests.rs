//! Session keys that are keyed digests: which items are kept without versions, and what stands in the file.

use narae_secrets::sealed::{
    Action, DigestKey, DigestKeyError, Item, Label, PrivateKeys, Reason, ResealRequest, Scope,
    SealRequest, SealedFile, SealedItem, SealedSecret,
};
use narae_yaml::Value;

use crate::material::{certificate, private_key, secret};

const SESSION_KEY: &str = "5fcb8138fb1ff37e29ca8978e7fc4ae6ae9df4464e3f1a97cc7da896f0b53787";

fn text<'a>(manifest: &'a Value, path: &str) -> &'a str {
    manifest
        .at(&path.parse().unwrap())
        .unwrap()
        .as_str()
        .unwrap()
}

/// The session key of an item, which only its owner sees.
fn session_key(item: &SealedItem, label: &Label) -> Vec<u8> {
    use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey};
    let pem = std::fs::read_to_string(crate::material::data("keys/2048.key.pem")).unwrap();
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, base64).unwrap();
    let key = PrivateDecryptingKey::from_pkcs8(&der).unwrap();
    let key = OaepPrivateDecryptingKey::new(key).unwrap();
    let mut out = vec![0; key.min_output_size()];
    let wrapped = &item.as_bytes()[2..2 + item.wrapped_key_bytes()];
    let label = Some(label.as_bytes());
    key.decrypt(&OAEP_SHA256_MGF1SHA256, wrapped, &mut out, label)
        .unwrap()
        .to_vec()
}

fn actions(sealed: &SealedSecret) -> Vec<Action> {
    sealed.items.iter().map(|item| item.action).collect()
}

/// Two items without sources, in `namespace`, with the annotations of `scope`.
fn seal_by_digest(
    password: &str,
    key: &DigestKey,
    scope: Scope,
    bits: u64,
    previous: Option<&Value>,
) -> SealedSecret {
    let bare = "{apiVersion: v1, kind: Secret, metadata: {name: db, namespace: shop}}";
    let mut bare = narae_yaml::read_one(bare).unwrap();
    scope.annotate(&mut bare);
    let item = |name: &str, text: &str| Item::new(name, secret(text), None);
    SealRequest::new(
        &bare,
        vec![item("password", password), item("user", "shop")],
    )
    .with_previous(previous)
    .with_digest_key(Some(key))
    .seal(&certificate(bits))
    .unwrap()
}

#[test]
fn without_versions_a_keyed_digest_keeps_what_is_unchanged() {
    let (key, strict) = (DigestKey::new(&[7; 32]), Scope::Strict);
    let first = seal_by_digest("pa55", &key, strict, 2048, None);
    let manifest = Some(&first.manifest);
    let again = seal_by_digest("pa55", &key, strict, 2048, manifest);
    assert_eq!(again.manifest, first.manifest);
    assert_eq!(actions(&again), [Action::Kept, Action::Kept]);
    let metadata = first.manifest.get("metadata").unwrap();
    assert_eq!(
        metadata.get("annotations"),
        None,
        "nothing beside the items"
    );

    let changed = seal_by_digest("pa56", &key, strict, 2048, manifest);
    let expected = [Action::Resealed(Reason::DigestChanged), Action::Kept];
    assert_eq!(actions(&changed), expected);
    let item = |sealed: &SealedSecret, name: &str| {
        text(&sealed.manifest, &format!("spec.encryptedData.{name}")).to_owned()
    };
    assert_eq!(item(&changed, "user"), item(&first, "user"));
    assert_ne!(item(&changed, "password"), item(&first, "password"));

    let all = |reason| [Action::Resealed(reason); 2];
    let other = DigestKey::new(&[8; 32]);
    let other = seal_by_digest("pa55", &other, strict, 2048, manifest);
    assert_eq!(actions(&other), all(Reason::DigestChanged));
    let other = seal_by_digest("pa55", &key, strict, 3072, manifest);
    assert_eq!(actions(&other), all(Reason::DigestChanged));
    let wider = seal_by_digest("pa55", &key, Scope::NamespaceWide, 2048, manifest);
    assert_eq!(actions(&wider), all(Reason::ScopeWidened));
    let narrower = seal_by_digest("pa55", &key, strict, 2048, Some(&wider.manifest));
    assert_eq!(actions(&narrower), all(Reason::DigestChanged));
}

/// The session key to the letter: computed with Python's hmac module, K being 32 bytes of 7.
#[test]
fn session_keys_of_a_digest_key_are_those_documented() {
    let key = DigestKey::new(&[7; 32]);
    let sealed = seal_by_digest("pa55", &key, Scope::Strict, 2048, None);
    let label = crate::material::label(Scope::Strict);
    let found = |name: &str| {
        let text = text(&sealed.manifest, &format!("spec.encryptedData.{name}"));
        let item = SealedItem::from_canonical_base64(text).unwrap();
        let key = session_key(&item, &label);
        key.iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    assert_eq!(found("password"), SESSION_KEY);
    assert_ne!(found("user"), SESSION_KEY);
}

/// What somebody swapped, edited or copied, and what another tool sealed, is sealed anew.
#[test]
fn only_what_a_digest_key_sealed_itself_is_kept() {
    let key = DigestKey::new(&[7; 32]);
    let first = seal_by_digest("shop", &key, Scope::Strict, 2048, None);
    let items = first
        .manifest
        .get("spec")
        .and_then(|spec| spec.get("encryptedData"))
        .unwrap();
    let item = |name: &str| items.get(name).and_then(Value::as_str).unwrap().to_owned();
    let (password, user) = (item("password"), item("user"));
    let label = crate::material::label(Scope::Strict);
    let foreign = SealedItem::seal(&secret("shop"), &label, &certificate(2048)).unwrap();
    let mut damaged = SealedItem::from_canonical_base64(&password)
        .unwrap()
        .as_bytes()
        .to_vec();
    *damaged.last_mut().unwrap() ^= 1;
    let damaged = SealedItem::from_bytes(damaged).unwrap();
    // The value is the same in both, and still neither can stand for the other.
    for (there, expected) in [
        (user, Reason::DigestChanged),
        (foreign.to_base64(), Reason::DigestChanged),
        (damaged.to_base64(), Reason::DigestChanged),
        (format!("{password}\n"), Reason::CiphertextEdited),
        ("AgBy".to_owned(), Reason::CiphertextEdited),
    ] {
        let mut previous = first.manifest.clone();
        let path = "spec.encryptedData.password".parse().unwrap();
        *previous.at_mut(&path).unwrap() = Value::from(there);
        let again = seal_by_digest("shop", &key, Scope::Strict, 2048, Some(&previous));
        assert_eq!(actions(&again), [Action::Resealed(expected), Action::Kept]);
    }
}

/// A rotation with the key leaves nothing to do for whoever seals next; one without it, everything.
#[test]
fn sealed_anew_with_its_digest_key_an_item_is_kept() {
    let key = DigestKey::new(&[7; 32]);
    let first = seal_by_digest("pa55", &key, Scope::Strict, 2048, None);
    let file = SealedFile::read("db.yaml", narae_yaml::write(&first.manifest)).unwrap();
    let (old, new) = (
        PrivateKeys::from_iter([private_key(2048)]),
        certificate(3072),
    );
    for (digest_key, expected) in [
        (Some(&key), Action::Kept),
        (None, Action::Resealed(Reason::DigestChanged)),
    ] {
        let request = ResealRequest::new(&old, &new).with_digest_key(digest_key);
        let resealed = request.run(&file).text.unwrap();
        let resealed = SealedFile::read("db.yaml", resealed).unwrap();
        let previous = Some(resealed.secrets()[0].value());
        let again = seal_by_digest("pa55", &key, Scope::Strict, 3072, previous);
        assert_eq!(actions(&again), [expected; 2]);
    }
}

#[test]
fn digest_keys_are_read_from_files() {
    let pem = DigestKey::generate_pem().unwrap();
    assert!(DigestKey::from_pem(pem.expose()).is_ok());
    for text in [
        "",
        "-----BEGIN NARAE DIGEST KEY-----\nAAAA\n-----END NARAE DIGEST KEY-----\n",
    ] {
        assert_eq!(
            DigestKey::from_pem(text.as_bytes()).unwrap_err(),
            DigestKeyError::NoKey
        );
    }
}
