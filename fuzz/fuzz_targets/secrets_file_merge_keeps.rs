//! Merging one item into any SealedSecret, with a record or without, changes that item and its record and
//! nothing else a reader sees, or is refused, and the record says where the item is from; validating and re-sealing without the key never panic and never change anything.
#![no_main]
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use narae_secrets::SecretBytes;
use narae_secrets::sealed::provenance::ANNOTATION;
use narae_secrets::sealed::{
    Certificate, DigestKey, Item, PrivateKeys, SealRequest, SealedFile, SealedSecret, Validator,
};
use narae_yaml::Value;

static CERTIFICATE: LazyLock<Certificate> = LazyLock::new(|| {
    Certificate::from_pem(include_bytes!(
        "../../crates/secrets/testkit/keys/2048.crt.pem"
    ))
    .expect("a certificate")
});

static SEALED: LazyLock<SealedSecret> = LazyLock::new(|| {
    let secret = "{apiVersion: v1, kind: Secret, metadata: {name: db, namespace: shop}}";
    let secret = narae_yaml::read_one(secret).expect("a Secret");
    let items = vec![Item::new("a", SecretBytes::new(vec![1]), None)];
    SealRequest::new(&secret, items)
        .with_digest_key(Some(&DigestKey::new(&[7; 32])))
        .seal(&CERTIFICATE)
        .expect("sealed")
});

const RECORD: &str = "annotations: {narae.dev/sealed-items: \"a 1 2 3 4 5\\nb 1 2 3 4 5\\n\"}";

fuzz_target!(|body: &str| {
    merge("", body);
    merge(RECORD, body);
});

/// Takes the record out; what it said of an item.
fn record(manifest: &mut Value) -> String {
    let mut record = String::new();
    for path in ["metadata.annotations", "spec.template.metadata.annotations"] {
        let path = path.parse().expect("a path");
        let annotations = manifest.at_mut(&path).and_then(Value::as_mapping_mut);
        let text = annotations.and_then(|annotations| annotations.remove(ANNOTATION));
        record.push_str(text.as_ref().and_then(Value::as_str).unwrap_or_default());
    }
    record
}

fn merge(metadata: &str, body: &str) {
    let text = format!(
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {{name: db, namespace: shop, {metadata}}}\n{body}"
    );
    let Ok(file) = SealedFile::read("f.yaml", text.as_str()) else {
        return;
    };
    Validator::new(0)
        .with_certificate(&CERTIFICATE)
        .check(&file);
    assert!(
        file.reseal(&PrivateKeys::new(), &CERTIFICATE)
            .text
            .is_none()
    );
    let Ok(merged) = file.merge(&SEALED) else {
        return;
    };
    let path = "spec.encryptedData.a".parse().expect("a path");
    let (mut before, mut after) = (
        narae_yaml::read(&text).expect("read above"),
        narae_yaml::read(&merged).expect("merged"),
    );
    record(&mut before[0]);
    let record = record(&mut after[0]);
    if !metadata.is_empty() {
        assert!(
            record.contains("b 1 2 3 4 5\n") && !record.contains("a 1 2"),
            "{record}"
        );
    }
    let again = SealedFile::read("f.yaml", merged.as_str()).expect("read above");
    if let Some(recorded) = again
        .secrets()
        .first()
        .and_then(|secret| secret.recorded("a"))
    {
        assert!(recorded.digest_key.is_some() && recorded.source.is_none());
    }
    let items = "spec.encryptedData".parse().expect("a path");
    // The only SealedSecret shop/db is the first document: with two, merging is refused.
    if let (Some(items), Some(item)) = (
        before[0].at_mut(&items).and_then(Value::as_mapping_mut),
        after[0].at(&path),
    ) {
        let sealed = SEALED.manifest.at(&path).and_then(Value::as_str);
        assert_eq!(item.as_str().map(str::trim_end), sealed);
        items.insert("a", item.clone());
        assert_eq!(before, after);
    }
}
