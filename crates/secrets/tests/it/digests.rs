//! Keyed digests in the record: which items are kept without versions, and what stands in the file.

use narae_secrets::sealed::{
    Action, DigestKey, DigestKeyError, Item, PrivateKeys, Reason, Scope, SealRequest, SealedFile,
    SealedItem, SealedSecret,
};
use narae_yaml::Value;

use crate::material::{certificate, private_key, secret};

const KEY_ID: &str = "8b129b58";
const DIGEST: &str = "9e217a3df3ab482a96ba533bdfa38964";

fn text<'a>(manifest: &'a Value, path: &str) -> &'a str {
    manifest
        .at(&path.parse().unwrap())
        .unwrap()
        .as_str()
        .unwrap()
}

/// What a SealedSecret in a file is to whoever seals next.
fn reread(text: &str) -> Value {
    SealedFile::read("db.yaml", text).unwrap().secrets()[0]
        .value()
        .clone()
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
    let changed = seal_by_digest("pa56", &key, strict, 2048, manifest);
    let expected = [Action::Resealed(Reason::ValueChanged), Action::Kept];
    assert_eq!(actions(&changed), expected);
    let item = |sealed: &SealedSecret, name: &str| {
        text(&sealed.manifest, &format!("spec.encryptedData.{name}")).to_owned()
    };
    assert_eq!(item(&changed, "user"), item(&first, "user"));
    assert_ne!(item(&changed, "password"), item(&first, "password"));

    let all = |reason| [Action::Resealed(reason); 2];
    let other = DigestKey::new(&[8; 32]);
    let other = seal_by_digest("pa55", &other, strict, 2048, manifest);
    assert_eq!(actions(&other), all(Reason::DigestKeyChanged));
    let other = seal_by_digest("pa55", &key, strict, 3072, manifest);
    assert_eq!(actions(&other), all(Reason::CertificateChanged));
    let wider = seal_by_digest("pa55", &key, Scope::NamespaceWide, 2048, manifest);
    assert_eq!(actions(&wider), all(Reason::ScopeWidened));
    let narrower = seal_by_digest("pa55", &key, strict, 2048, Some(&wider.manifest));
    assert_eq!(actions(&narrower), all(Reason::LabelChanged));
}

/// What stands in the file is one comment behind each item, and with one value one line changes.
#[test]
fn with_one_value_one_line_changes() {
    let key = DigestKey::new(&[7; 32]);
    let first = seal_by_digest("pa55", &key, Scope::Strict, 2048, None).to_yaml();
    let previous = reread(&first);
    let again = seal_by_digest("pa55", &key, Scope::Strict, 2048, Some(&previous));
    assert_eq!(again.to_yaml(), first);
    let changed = seal_by_digest("pa56", &key, Scope::Strict, 2048, Some(&previous)).to_yaml();
    let pairs: Vec<_> = first
        .lines()
        .zip(changed.lines())
        .filter(|(a, b)| a != b)
        .collect();
    assert_eq!(
        (pairs.len(), first.lines().count()),
        (1, changed.lines().count())
    );
    assert!(
        pairs[0].1.trim().starts_with("password: AQ")
            && pairs[0].1.contains(" # narae: password sha256:")
    );
    assert_eq!(
        narae_yaml::read_one(&first)
            .unwrap()
            .get("metadata")
            .unwrap()
            .get("annotations"),
        None
    );
}

/// The record to the letter: computed with Python's hmac module, K being 32 bytes of 7.
#[test]
fn the_digest_is_the_one_documented() {
    let key = DigestKey::new(&[7; 32]);
    assert_eq!(key.id(), KEY_ID);
    let yaml = seal_by_digest("pa55", &key, Scope::Strict, 2048, None).to_yaml();
    let line = yaml
        .lines()
        .find(|line| line.contains("password: "))
        .unwrap();
    let expected = format!(" strict:shop/db hmac-sha256:{KEY_ID}:{DIGEST}");
    assert!(line.ends_with(&expected), "{line}");
    let recorded = SealedFile::read("db.yaml", yaml).unwrap().secrets()[0]
        .recorded("password")
        .unwrap();
    assert_eq!(
        (recorded.source, recorded.digest_key.as_deref()),
        (None, Some(KEY_ID))
    );
}

/// Session keys are random whether or not values are digested: no two items of one value are alike.
#[test]
fn session_keys_come_from_no_value() {
    let key = DigestKey::new(&[7; 32]);
    let item = || {
        let sealed = seal_by_digest("pa55", &key, Scope::Strict, 2048, None);
        let text = text(&sealed.manifest, "spec.encryptedData.password");
        let item = SealedItem::from_canonical_base64(text).unwrap();
        item.as_bytes()[2 + item.wrapped_key_bytes()..].to_vec()
    };
    assert_ne!(item(), item());
}

/// The same value is known again in its own place only; across places nothing shows that it is the same.
#[test]
fn equal_values_in_different_places_digest_differently() {
    let key = DigestKey::new(&[7; 32]);
    let digests = |scope| {
        let yaml = seal_by_digest("shop", &key, scope, 2048, None).to_yaml();
        let records = yaml.lines().filter(|line| line.contains("# narae: "));
        let digests = records.map(|line| line.rsplit(':').next().unwrap().to_owned());
        digests.collect::<Vec<_>>()
    };
    let mut all = [
        digests(Scope::Strict),
        digests(Scope::NamespaceWide),
        digests(Scope::ClusterWide),
    ]
    .concat();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 6);
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
    let sealed = SealedItem::from_canonical_base64(&password).unwrap();
    // The wrapped key, which only its owner can read, the ciphertext and the tag.
    let damaged = |at: usize| {
        let mut bytes = sealed.as_bytes().to_vec();
        bytes[at] ^= 1;
        SealedItem::from_bytes(bytes).unwrap().to_base64()
    };
    let length = sealed.as_bytes().len();
    // The value is the same in both, and still neither can stand for the other.
    for (there, expected) in [
        (user, Reason::CiphertextEdited),
        (foreign.to_base64(), Reason::CiphertextEdited),
        (damaged(100), Reason::CiphertextEdited),
        (damaged(2 + 256), Reason::CiphertextEdited),
        (damaged(length - 1), Reason::CiphertextEdited),
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

/// A rotation needs no digest key, and leaves nothing to do for whoever seals next.
#[test]
fn sealed_anew_for_another_certificate_an_item_is_kept() {
    let key = DigestKey::new(&[7; 32]);
    let first = seal_by_digest("pa55", &key, Scope::Strict, 2048, None);
    let (old, new) = (
        PrivateKeys::from_iter([private_key(2048)]),
        certificate(3072),
    );
    for text in [first.to_yaml(), narae_yaml::write(&first.manifest)] {
        let file = SealedFile::read("db.yaml", text).unwrap();
        let resealed = file.reseal(&old, &new).text.unwrap();
        let previous = reread(&resealed);
        let again = seal_by_digest("pa55", &key, Scope::Strict, 3072, Some(&previous));
        assert_eq!(actions(&again), [Action::Kept; 2]);
        assert_eq!(again.to_yaml(), resealed);
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
