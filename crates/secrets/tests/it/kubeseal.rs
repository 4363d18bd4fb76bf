//! The real kubeseal, offline: what it seals opens here, what is sealed here it opens.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use narae_secrets::SecretBytes;
#[cfg(feature = "generate")]
use narae_secrets::sealed::Certificate;
use narae_secrets::sealed::{DigestKey, Item, Label, Scope, SealRequest, SealedItem};
use narae_testservers::{is_missing, program};
use narae_yaml::Value;

use crate::material::{certificate, data, label, private_key};

const SCOPES: [Scope; 3] = [Scope::Strict, Scope::NamespaceWide, Scope::ClusterWide];
const SIZES: [u64; 3] = [2048, 3072, 4096];

/// Values that were ever lost on the way: none, every byte, text that is no ASCII, all that fits.
fn values(largest: bool) -> BTreeMap<String, Vec<u8>> {
    let every = (0..=255).collect();
    let mut values = BTreeMap::from([
        ("empty".to_owned(), Vec::new()),
        ("binary".to_owned(), every),
        ("unicode".to_owned(), "비밀번호 🗝 hünter2\n".into()),
    ]);
    if largest {
        let rest = 1024 * 1024 - values.values().map(Vec::len).sum::<usize>();
        let bytes = (0..rest).map(|i| i.to_le_bytes()[0]).collect();
        values.insert("largest".to_owned(), bytes);
    }
    values
}

/// Runs kubeseal and returns what it printed. No cluster: whatever would need one fails.
fn kubeseal(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new(program("kubeseal").unwrap())
        .args(arguments)
        .env("KUBECONFIG", "/dev/null")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || drop(pipe.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success(), "kubeseal {arguments:?} failed");
    output.stdout
}

fn key_file(name: &str) -> String {
    data(&format!("keys/{name}")).to_str().unwrap().to_owned()
}

/// A Secret as a person would write it, its values in `data`.
fn secret(scope: Scope, values: &BTreeMap<String, Vec<u8>>) -> String {
    let mut text = String::from(
        "apiVersion: v1\nkind: Secret\ntype: Opaque\nmetadata:\n  name: db\n  namespace: shop\n  labels: {app: shop}\n",
    );
    if let Some(annotation) = scope.annotation() {
        text.push_str(&format!("  annotations: {{{annotation}: \"true\"}}\n"));
    }
    text.push_str("data:\n");
    for (name, value) in values {
        text.push_str(&format!("  {name}: \"{}\"\n", STANDARD.encode(value)));
    }
    text
}

fn base64_values(of: Option<&Value>) -> BTreeMap<String, Vec<u8>> {
    let items = of.and_then(Value::as_mapping).unwrap();
    items
        .iter()
        .map(|(name, text)| {
            // Go opens an empty item to a nil slice, and writes that as null.
            let text = text.as_str().unwrap_or_default();
            let bytes = STANDARD.decode(text).unwrap();
            (name.to_string(), bytes)
        })
        .collect()
}

#[test]
fn kubeseal_opens_ours() {
    if is_missing(&["kubeseal"], "opening with kubeseal") {
        return;
    }
    for bits in SIZES {
        for scope in SCOPES {
            let values = values((bits, scope) == (2048, Scope::Strict));
            let manifest = narae_yaml::read_one(&secret(scope, &values)).unwrap();
            let items = values
                .iter()
                .map(|(name, value)| Item::new(name, SecretBytes::new(value.clone()), None));
            // With records, which are comments to it.
            let digest_key = DigestKey::new(&[7; 32]);
            let sealed = SealRequest::new(&manifest, items.collect())
                .with_digest_key(Some(&digest_key))
                .seal(&certificate(bits))
                .unwrap();
            assert_eq!(sealed.to_yaml().matches(" # narae: ").count(), values.len());
            let opened = kubeseal(
                &[
                    "--recovery-unseal",
                    "--recovery-private-key",
                    &key_file(&format!("{bits}.key.pem")),
                ],
                sealed.to_yaml().as_bytes(),
            );
            let opened = narae_yaml::read_one(str::from_utf8(&opened).unwrap()).unwrap();
            assert_eq!(base64_values(opened.get("data")), values, "{bits} {scope}");
            assert_eq!(opened.get("type"), manifest.get("type"));
            let labels = |object: &Value| object.get("metadata").unwrap().get("labels").cloned();
            assert_eq!(labels(&opened), labels(&manifest));
        }
    }
}

#[test]
fn kubeseals_open_here() {
    if is_missing(&["kubeseal"], "opening what kubeseal sealed") {
        return;
    }
    for bits in SIZES {
        for scope in SCOPES {
            let values = values((bits, scope) == (2048, Scope::Strict));
            let sealed = kubeseal(
                &["--cert", &key_file(&format!("{bits}.crt")), "-o", "yaml"],
                secret(scope, &values).as_bytes(),
            );
            let sealed = narae_yaml::read_one(str::from_utf8(&sealed).unwrap()).unwrap();
            assert_eq!(Scope::from_metadata(sealed.get("metadata")), scope);
            let items = sealed.get("spec").unwrap().get("encryptedData").unwrap();
            let opened: BTreeMap<String, Vec<u8>> = items
                .as_mapping()
                .unwrap()
                .iter()
                .map(|(name, text)| {
                    let item = SealedItem::from_canonical_base64(text.as_str().unwrap()).unwrap();
                    let value = private_key(bits).open(&item, &label(scope)).unwrap();
                    (name.to_string(), value.expose().to_vec())
                })
                .collect();
            assert_eq!(opened, values, "{bits} {scope}");
        }
    }
}

/// `TestRaw` of upstream: an item sealed for a namespace, name and scope, claimed to be `db` of `shop`.
const RAW: [(Scope, &str, &str, bool); 14] = [
    (Scope::Strict, "shop", "db", true),
    (Scope::Strict, "other", "db", false),
    (Scope::Strict, "shop", "other", false),
    (Scope::NamespaceWide, "shop", "db", true),
    (Scope::NamespaceWide, "other", "", false),
    (Scope::NamespaceWide, "other", "other", false),
    (Scope::NamespaceWide, "shop", "", true),
    (Scope::NamespaceWide, "shop", "other", true),
    (Scope::ClusterWide, "shop", "db", true),
    (Scope::ClusterWide, "other", "db", true),
    (Scope::ClusterWide, "shop", "", true),
    (Scope::ClusterWide, "shop", "other", true),
    (Scope::ClusterWide, "", "", true),
    (Scope::ClusterWide, "", "other", true),
];

#[test]
fn raw_items_are_bound_to_the_same_by_both() {
    let kubeseal_here = !is_missing(&["kubeseal"], "raw items of kubeseal");
    let value = SecretBytes::from("supersecret".to_owned());
    for (scope, namespace, name, opens) in RAW {
        let row = format!("{scope} {namespace:?} {name:?}");
        let check = |item: &SealedItem| {
            let opened = private_key(2048).open(item, &label(scope));
            assert_eq!(opened.is_ok(), opens, "{row}");
            assert!(!opens || opened.unwrap() == value, "{row}");
        };
        let ours = Label::new(scope, namespace, name).unwrap();
        check(&SealedItem::seal(&value, &ours, &certificate(2048)).unwrap());
        if kubeseal_here {
            let scope = scope.to_string();
            let certificate = key_file("2048.crt");
            let mut arguments = vec!["--raw", "--cert", &certificate, "--scope", &scope];
            arguments.extend(["--name", name]);
            arguments.extend(["--namespace", namespace]);
            let item = kubeseal(&arguments, value.expose());
            check(&SealedItem::from_canonical_base64(str::from_utf8(&item).unwrap()).unwrap());
        }
    }
}

#[cfg(feature = "generate")]
#[test]
fn an_expired_certificate_is_refused_by_both() {
    if is_missing(&["kubeseal"], "expired certificates") {
        return;
    }
    // Ten years from the year 2001.
    let made = narae_secrets::sealed::Generate::new(1_000_000_000)
        .with_bits(narae_secrets::sealed::KeyBits::Rsa2048)
        .run()
        .unwrap();
    let ours = Certificate::from_pem(made.certificate_pem.as_bytes()).unwrap();
    assert!(ours.check_valid_at(1_795_219_200).is_err());

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("expired.pem");
    std::fs::write(&file, &made.certificate_pem).unwrap();
    let refused = Command::new(program("kubeseal").unwrap())
        .args(["--raw", "--scope", "cluster-wide", "--cert"])
        .arg(&file)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("expired certificate"));
}
