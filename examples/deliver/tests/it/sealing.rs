//! What is sealed opens with the key and only there; what did not change keeps its bytes; no
//! plaintext is anywhere else.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use narae_secrets::SecretBytes;
use narae_secrets::sealed::{PrivateKeys, SealedFile};
use narae_secrets::store::file::{FileStore, KeyFile};
use narae_secrets::store::{Cas, SecretData, Store as _};

use crate::sandbox::Sandbox;

const SEALED: &str = "environments/dev/idc/shop/sealedsecret-shop-credentials.yaml";

#[test]
fn an_independent_program_opens_every_item() {
    if !found(&["node", "openssl"]) {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.delivered(&[]);
    let manifest = narae_yaml::read_one(&sandbox.file(SEALED)).unwrap();
    let items = manifest
        .at(&"spec.encryptedData".parse().unwrap())
        .unwrap()
        .as_mapping()
        .unwrap();
    assert_eq!(items.len(), 3);
    for (item, source) in [
        (
            "SPRING_DATASOURCE_PASSWORD",
            ("kv/shop/dev/database", "password"),
        ),
        (
            "SPRING_DATASOURCE_USERNAME",
            ("kv/shop/dev/database", "username"),
        ),
        ("PAYMENT_API_KEY", ("kv/shop/dev/payment", "api-key")),
    ] {
        let opened = open(
            &sandbox.path("keys/sealing/tls.key"),
            items.get(item).unwrap().as_str().unwrap(),
        );
        assert_eq!(opened, plaintext(&sandbox, source.0, source.1), "{item}");
    }
}

#[test]
fn no_plaintext_is_in_the_repository_or_in_any_output() {
    let sandbox = Sandbox::new();
    let mut seen: Vec<u8> = Vec::new();
    for arguments in [
        &["--dry-run", "--full"][..],
        &[],
        &[],
        &["--json", "--stage", "rc"],
        &["--image", "shop:latest"],
    ] {
        let run = sandbox.deliver(arguments);
        seen.extend(run.stdout.bytes().chain(run.stderr.bytes()));
    }
    // Every object git holds, inflated, and every file as it lies on the disk.
    let objects = Command::new("git")
        .args([
            "--git-dir",
            "gitops.git",
            "cat-file",
            "--batch",
            "--batch-all-objects",
        ])
        .current_dir(sandbox.path("."))
        .output()
        .unwrap();
    assert!(objects.status.success() && objects.stdout.len() > 1000);
    seen.extend(objects.stdout);
    files(&sandbox.path("gitops.git"), &mut seen);
    files(&sandbox.path("secrets.store"), &mut seen);

    let mut checked = 0;
    for (path, key) in [
        ("kv/shop/dev/database", "password"),
        ("kv/shop/dev/payment", "api-key"),
        ("kv/shop/rc/database", "password"),
    ] {
        let secret = plaintext(&sandbox, path, key);
        for form in [secret.clone(), STANDARD.encode(&secret).into_bytes()] {
            assert!(!contains(&seen, &form), "{path}#{key} leaked");
            checked += 1;
        }
    }
    assert_eq!(checked, 6);
    // The search itself works: what is there is found.
    assert!(contains(&seen, b"harbor.idc.example.com"));
}

#[test]
fn a_new_version_changes_its_own_item_only() {
    let sandbox = Sandbox::new();
    sandbox.delivered(&[]);
    let committed = sandbox.file(SEALED);
    let before = narae_yaml::read_one(&committed).unwrap();
    let data = SecretData::from([(
        "api-key".to_owned(),
        SecretBytes::from("rotated".to_owned()),
    )]);
    store(&sandbox)
        .write(&"kv/shop/dev/payment".parse().unwrap(), &data, Cas::Any)
        .unwrap();
    let (code, run) = sandbox.json(&[]);
    assert_eq!(code, Some(0));
    assert_eq!(run["plan"]["files"].as_array().unwrap().len(), 1, "{run:#}");
    let fields = run["plan"]["files"][0]["fields"].as_array().unwrap();
    assert_eq!(fields.len(), 1, "{run:#}");
    assert_eq!(fields[0]["path"], "spec.encryptedData.PAYMENT_API_KEY");
    let after = narae_yaml::read_one(&sandbox.file(SEALED)).unwrap();
    for (item, changes) in [
        ("PAYMENT_API_KEY", true),
        ("SPRING_DATASOURCE_PASSWORD", false),
    ] {
        let path = format!("spec.encryptedData.{item}").parse().unwrap();
        assert_eq!(before.at(&path) != after.at(&path), changes, "{item}");
    }
    // In the commit it is one line: the item's, with what is recorded of it behind it.
    let now = sandbox.file(SEALED);
    let changed: Vec<_> = committed
        .lines()
        .zip(now.lines())
        .filter(|(old, new)| old != new)
        .collect();
    assert_eq!(now.lines().count(), committed.lines().count());
    let [(old, new)] = changed.as_slice() else {
        panic!("{changed:?}");
    };
    assert!(new.starts_with("    PAYMENT_API_KEY: Ag"), "{new}");
    for (line, version) in [(old, "?version=1#"), (new, "?version=2#")] {
        let (_, record) = line
            .split_once(" # narae: PAYMENT_API_KEY sha256:")
            .unwrap();
        assert!(record.contains(version), "{record}");
    }
}

/// Files of before have the record in an annotation: nothing changes until something is sealed anew.
#[test]
fn a_record_of_before_still_keeps_what_is_unchanged() {
    let sandbox = Sandbox::new();
    sandbox.delivered(&[]);
    let file = SealedFile::read(SEALED, sandbox.file(SEALED)).unwrap();
    let first = file.text().lines().next().unwrap();
    let annotated = narae_yaml::write(file.secrets()[0].value());
    assert!(annotated.contains("narae.dev/sealed-items"));
    crate::ownership::commit_in_a_clone(&sandbox, |work| {
        std::fs::write(work.join(SEALED), format!("{first}\n{annotated}")).unwrap();
    });
    let (code, run) = sandbox.json(&[]);
    assert_eq!(code, Some(0));
    let kept = run["secrets"].as_array().unwrap();
    assert!(
        !kept.is_empty() && kept.iter().all(|item| item["outcome"] == "kept"),
        "{run:#}"
    );
    assert_eq!(
        sandbox.file(SEALED),
        file.text(),
        "the record is in comments now"
    );
}

/// A text with references in it, for a Secret that asks for that; for others it is a literal.
#[test]
fn references_within_a_text_are_filled_on_request() {
    let sandbox = Sandbox::new();
    let shop = sandbox.shop();
    let app = ["--app", shop.to_str().unwrap()];
    let reference = |key: &str| format!("${{ref+vault://commerce/kv/shop/dev/database#/{key}}}");
    let url = format!(
        "  URL: postgres://{}:{}@db",
        reference("username"),
        reference("password")
    );
    let template = "templates/secret.yaml";
    sandbox.edit(template, "stringData:", &format!("stringData:\n{url}"));
    let (code, run) = sandbox.json(&app);
    assert_eq!(code, Some(3), "{run:#}");
    assert_eq!(
        run["result"]["violations"][0]["policy"],
        "no-plaintext-secrets"
    );

    let asked = "  annotations: {narae.dev/interpolate: 'true'}\n  labels:";
    sandbox.edit(template, "  labels:", asked);
    let (code, run) = sandbox.json(&app);
    assert_eq!(code, Some(0), "{run:#}");
    let text = run.to_string();
    assert!(
        text.contains(
            "(sealed from kv/shop/dev/database#username v1, kv/shop/dev/database#password v1)"
        ),
        "{run:#}"
    );
    let key = std::fs::read(sandbox.path("keys/sealing/tls.key")).unwrap();
    let keys = PrivateKeys::from_pem(&key).unwrap();
    let file = SealedFile::read(SEALED, sandbox.file(SEALED)).unwrap();
    let opened = file.secrets()[0].unseal(&keys).unwrap();
    let plain = |key: &str| plaintext(&sandbox, "kv/shop/dev/database", key);
    let expected = [
        b"postgres://",
        &*plain("username"),
        b":",
        &*plain("password"),
        b"@db",
    ]
    .concat();
    assert_eq!(opened.data()["URL"].expose(), expected);
    assert!(!text.contains(&*String::from_utf8(plain("password")).unwrap()));
    assert!(sandbox.delivered(&app).contains("Nothing to do"));

    // A broken one is an error with its place, and nothing is committed.
    sandbox.edit(template, "#/username}", "#/username");
    let run = sandbox.deliver(&app);
    assert_eq!(run.code, Some(1), "{run:#?}");
    assert!(
        run.stderr.contains("secret.yaml:") && run.stderr.contains("without its `}`"),
        "{run:#?}"
    );
    assert_eq!(sandbox.commits(), 1);
}

/// Where nothing fills it, it would stay a text: alone, or in the middle of a file of a ConfigMap.
#[test]
fn a_reference_outside_of_a_secret_is_refused() {
    let sandbox = Sandbox::new();
    let shop = sandbox.shop();
    let reference = "ref+vault://commerce/kv/shop/dev/database#/password";
    let template = "templates/configmap.yaml";
    sandbox.edit(template, "graceful", &format!("${{{reference}}}"));
    let data = format!("\ndata:\n  WHOLE: {reference}\n");
    sandbox.edit(template, "\ndata:\n", &data);
    let (code, run) = sandbox.json(&["--app", shop.to_str().unwrap()]);
    assert_eq!(code, Some(3), "{run:#}");
    let violations = run["result"]["violations"].as_array().unwrap();
    let fields: Vec<_> = violations
        .iter()
        .map(|one| one["field"].as_str().unwrap())
        .collect();
    assert_eq!(
        fields,
        ["data.WHOLE", "data[\"application.yaml\"]"],
        "{run:#}"
    );
    for violation in violations {
        assert_eq!(violation["policy"], "references-in-secrets-only");
    }
    assert_eq!(sandbox.commits(), 0);
}

#[test]
fn another_certificate_seals_everything_again() {
    let (sandbox, other) = (Sandbox::new(), Sandbox::new());
    sandbox.delivered(&[]);
    other.delivered(&[]);
    let certificate = other.path("keys/sealing/tls.crt");
    let (code, run) = sandbox.json(&["--cert", certificate.to_str().unwrap()]);
    assert_eq!(code, Some(0));
    assert_eq!(
        run["plan"]["files"][0]["fields"].as_array().unwrap().len(),
        3,
        "{run:#}"
    );
    if found(&["node", "openssl"]) {
        let manifest = narae_yaml::read_one(&sandbox.file(SEALED)).unwrap();
        let path = "spec.encryptedData.PAYMENT_API_KEY".parse().unwrap();
        let opened = open(
            &other.path("keys/sealing/tls.key"),
            manifest.at(&path).unwrap().as_str().unwrap(),
        );
        assert_eq!(
            opened,
            plaintext(&sandbox, "kv/shop/dev/payment", "api-key")
        );
    }
}

/// Whether every program is on PATH; says what is skipped, or fails where none may be.
pub(crate) fn found(programs: &[&str]) -> bool {
    let missing: Vec<_> = programs
        .iter()
        .filter(|program| {
            let argument = if **program == "openssl" {
                "version"
            } else {
                "--version"
            };
            Command::new(program)
                .arg(argument)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_err()
        })
        .collect();
    if !missing.is_empty() {
        assert!(
            std::env::var_os("NARAE_REQUIRE_SERVERS").is_none(),
            "not on PATH: {missing:?}"
        );
        eprintln!("skipped: not on PATH: {missing:?}");
    }
    missing.is_empty()
}

fn open(key: &Path, item: &str) -> Vec<u8> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/open-sealed.mjs");
    let mut node = Command::new("node")
        .arg(script)
        .arg(key)
        .arg("shop-dev/shop-credentials")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    node.stdin
        .take()
        .unwrap()
        .write_all(item.as_bytes())
        .unwrap();
    let output = node.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "the independent program cannot open the item"
    );
    output.stdout
}

pub(crate) fn store(sandbox: &Sandbox) -> FileStore {
    let key = KeyFile::read(sandbox.path("keys/store.key")).unwrap();
    FileStore::open("commerce", sandbox.path("secrets.store"), key).unwrap()
}

fn plaintext(sandbox: &Sandbox, path: &str, key: &str) -> Vec<u8> {
    let secret = store(sandbox).read(&path.parse().unwrap(), None).unwrap();
    secret.data[key].expose().to_vec()
}

fn files(path: &PathBuf, into: &mut Vec<u8>) {
    if path.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            files(&entry.unwrap().path(), into);
        }
    } else {
        into.extend(std::fs::read(path).unwrap());
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}
