//! `seal guard`: places and kinds, never a value.

use std::fs;
use std::path::Path;

use narae_secrets::SecretBytes;
use narae_secrets::store::file::{FileStore, KeyFile};
use narae_secrets::store::{Cas, SecretData, SecretPath, Store as _};
use serde_json::Value;

use crate::program::Program;

const CLEAN: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop}\ndata: {LOG_LEVEL: info}\n";

#[test]
fn known_values_and_shapes_are_found_and_not_printed() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let key = KeyFile::create(at("store.key")).unwrap();
    let data = [
        (
            "password".to_owned(),
            SecretBytes::from("Zq7wXn2Lk9Rt".to_owned()),
        ),
        ("user".to_owned(), SecretBytes::from("shop".to_owned())),
    ];
    let content = [("kv/shop".parse().unwrap(), data.into())];
    FileStore::create_with("main", at("shop.store"), key, content).unwrap();
    fs::write(
        at("secret.yaml"),
        "{apiVersion: v1, kind: Secret, metadata: {name: a}, stringData: {token: hunter-2!x}}",
    )
    .unwrap();
    fs::create_dir_all(at("deploy/sub")).unwrap();
    fs::write(at("deploy/a.yaml"), CLEAN).unwrap();
    fs::write(
        at("deploy/b.yaml"),
        format!("{CLEAN}# shop, WnE3d1huMkxrOVJ0\n"),
    )
    .unwrap();
    fs::write(
        at("deploy/sub/c.log"),
        "login\nfailed: \"hunter\\u002d2!x\"\n",
    )
    .unwrap();
    fs::write(
        at("deploy/sub/d.yaml"),
        "kind: Secret\nstringData:\n  a: pa55\n",
    )
    .unwrap();
    fs::create_dir(at("deploy/.git")).unwrap();
    fs::write(
        at("deploy/.git/config"),
        "kind: Secret\nstringData:\n  a: pa55\n",
    )
    .unwrap();

    let (deploy, store, key, secret) = (
        at("deploy"),
        at("shop.store"),
        at("store.key"),
        at("secret.yaml"),
    );
    let arguments = [
        "guard",
        &deploy,
        "--store",
        &store,
        "--store-key",
        &key,
        "--secret",
        &secret,
    ];
    let run = Program::Seal.run(&arguments, b"");
    let expected = format!(
        "{deploy}/b.yaml:5:9: the value of kv/shop#/password in base64
{deploy}/sub/c.log:2:10: the value of token in {secret} with escapes
{deploy}/sub/d.yaml:1:1: a Secret with plaintext
"
    );
    assert_eq!(
        (run.stdout.as_str(), run.code),
        (expected.as_str(), Some(3)),
        "{}",
        run.stderr
    );
    assert_eq!(
        run.stderr,
        "note: kv/shop#/user is too weak to be looked for\n3 findings in 4 inputs\n"
    );

    let mut json = arguments.to_vec();
    json.push("--json");
    let run = Program::Seal.run(&json, b"");
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["inputs"], 4);
    assert_eq!(report["findings"][0]["line"], 5);
    assert_eq!(report["findings"].as_array().unwrap().len(), 3);
    for text in [run.stdout, run.stderr, expected] {
        assert!(
            !text.contains("Zq7wXn2Lk9Rt")
                && !text.contains("WnE3d1huMkxrOVJ0")
                && !text.contains("hunter")
        );
    }

    // Without the values, only the shape; and a pipe.
    let run = Program::Seal.run(&["guard", &deploy], b"");
    assert_eq!(run.stdout.lines().count(), 1, "{}", run.stdout);
    let run = Program::Seal.run(&["guard", "-", "--secret", &secret], b"x: hunter-2!x\n");
    assert_eq!(
        run.stdout,
        format!("standard input:1:4: the value of token in {secret}\n")
    );
    let run = Program::Seal.run(&["guard", "-"], CLEAN.as_bytes());
    assert_eq!((run.stdout.as_str(), run.code), ("", Some(0)));
}

#[test]
fn what_cannot_be_read_is_an_error_and_no_clean_bill() {
    for arguments in [
        &["guard", "-", "--secret", "/nonexistent"][..],
        &[
            "guard",
            "-",
            "--store",
            "/nonexistent",
            "--store-key",
            "/nonexistent",
        ],
    ] {
        let run = Program::Seal.run(arguments, b"");
        assert_eq!(run.code, Some(1), "{arguments:?}");
        assert!(run.stderr.contains("/nonexistent"), "{}", run.stderr);
    }
    assert_eq!(Program::Seal.run(&["guard"], b"").code, Some(2));
    assert_eq!(
        Program::Seal.run(&["guard", "-", "--store", "x"], b"").code,
        Some(2)
    );
}

#[test]
fn the_bundled_application_and_what_documents_it_is_clean() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut paths = vec!["guard".to_owned()];
    for name in [
        "deliver/shop",
        "deliver/README.md",
        "../README.md",
        "../ARCHITECTURE.md",
        "../CONTRIBUTING.md",
    ] {
        paths.push(examples.join(name).to_str().unwrap().to_owned());
    }
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let run = Program::Seal.run(&paths, b"");
    assert_eq!(
        (run.stdout.as_str(), run.code),
        ("", Some(0)),
        "{}",
        run.stderr
    );
    assert!(
        !run.stderr.contains("in 4 inputs"),
        "the application was not found: {}",
        run.stderr
    );
}

/// One file that cannot be read hides neither the others nor itself.
#[test]
fn what_cannot_be_read_is_a_finding_and_the_rest_is_looked_through() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    // Deeper than is looked, and before the others in order.
    fs::create_dir_all(at(&"a/".repeat(130))).unwrap();
    // In two pieces: this file is looked through, too.
    let token = concat!("ghp_", "x9Kq2Lm7Rt4Vb8Zw3Ys6x9Kq2Lm7Rt4Vb8Zw");
    fs::write(at("z.txt"), token).unwrap();
    let arguments = ["guard", &at("gone"), &at("")];
    let run = Program::Seal.run(&arguments, b"");
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(
        run.stdout.contains("z.txt:1:1: a token of GitHub"),
        "{run:?}"
    );
    for said in [
        "gone: ",
        "deeper than 128",
        "1 finding in 1 input; 2 could not be read",
    ] {
        assert!(run.stderr.contains(said), "{said}: {run:?}");
    }
    let run = Program::Seal.run(&[&arguments[..], &["--json"]].concat(), b"");
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["findings"].as_array().unwrap().len(), 1, "{report}");
    assert_eq!(report["errors"].as_array().unwrap().len(), 2, "{report}");
    fs::remove_file(at("z.txt")).unwrap();
    let run = Program::Seal.run(&arguments, b"");
    assert_eq!((run.stdout.as_str(), run.code), ("", Some(3)));
}

/// What was replaced may be live still, and what was deleted is in nobody's way.
#[test]
fn every_version_of_a_store_that_can_be_read_is_looked_for() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let key = KeyFile::create(at("store.key")).unwrap();
    let value = |text: &str| {
        let value = SecretBytes::from(text.to_owned());
        SecretData::from([("password".to_owned(), value)])
    };
    let path: SecretPath = "kv/shop".parse().unwrap();
    let content = [(path.clone(), value("Zq7wXn2Lk9Rt"))];
    let store = FileStore::create_with("main", at("shop.store"), key, content).unwrap();
    let newest = store
        .write(&path, &value("Hc4mYp8Dw3Jv"), Cas::Any)
        .unwrap();
    let look = || {
        let (store, key) = (at("shop.store"), at("store.key"));
        let arguments = ["guard", "-", "--store", &store, "--store-key", &key];
        Program::Seal.run(&arguments, b"Zq7wXn2Lk9Rt\nHc4mYp8Dw3Jv\n")
    };
    let (old, new) = (
        "standard input:1:1: the value of kv/shop?version=1#/password\n",
        "standard input:2:1: the value of kv/shop#/password\n",
    );
    assert_eq!(look().stdout, format!("{old}{new}"));
    store.delete(&path, newest).unwrap();
    let run = look();
    assert_eq!(
        (run.stdout.as_str(), run.code),
        (old, Some(3)),
        "{}",
        run.stderr
    );
}

/// Of this repository's own sources, tests aside, one line looks like a secret: the example in the guard's documentation.
#[test]
fn sources_are_clean() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut paths = vec!["guard".to_owned()];
    for folder in ["crates", "examples"] {
        for entry in std::fs::read_dir(repository.join(folder)).unwrap() {
            let sources = entry.unwrap().path().join("src");
            if sources.is_dir() {
                paths.push(sources.to_str().unwrap().to_owned());
            }
        }
    }
    assert!(paths.len() > 10, "the sources were not found");
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let run = Program::Seal.run(&paths, b"");
    let found: Vec<&str> = run.stdout.lines().collect();
    let [example] = found[..] else {
        panic!("{}", run.stdout)
    };
    assert!(example.contains("secrets/src/guard/mod.rs:"), "{example}");
    assert!(example.ends_with("a password in a URL"), "{example}");
    assert_eq!(run.code, Some(3));
}

#[test]
fn counts_are_said_as_people_do() {
    let token = format!("hvs.{}\n", "CAESIJ1tqaGmXcVbNm0pLkJhGf");
    for (input, said) in [
        ("", "0 findings in 1 input\n"),
        (&*token, "1 finding in 1 input\n"),
        (&*token.repeat(2), "2 findings in 1 input\n"),
    ] {
        let run = Program::Seal.run(&["guard", "-"], input.as_bytes());
        assert_eq!(run.stderr, said);
    }
}

/// A mistake makes a name of a password: YAML's errors do without names where plaintext may stand.
#[test]
fn errors_in_plaintext_have_no_names() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret.yaml");
    let certificate = crate::program::certificate(2048);
    for value in ["*Pa55w0rd-hunter2", "!!Pa55w0rd-hunter2 x"] {
        let text = format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: a, namespace: b}}\nstringData:\n  password: {value}\n"
        );
        fs::write(&file, &text).unwrap();
        let file = file.to_str().unwrap();
        for (arguments, input) in [
            (&["--cert", &certificate][..], text.as_str()),
            (&["guard", "-", "--secret", file], ""),
            (&["--recovery-unseal", "--recovery-private-key", file], ""),
        ] {
            let run = Program::Seal.run(arguments, input.as_bytes());
            assert_eq!(run.code, Some(1), "{arguments:?}");
            assert!(run.stderr.contains("5:13"), "{}", run.stderr);
            assert!(!run.stderr.contains("Pa55w0rd"), "{}", run.stderr);
        }
    }
}

#[test]
fn a_secret_that_is_about_to_be_committed_is_found() {
    let diff = "diff --git a/db.yaml b/db.yaml\nnew file mode 100644\n--- /dev/null\n+++ b/db.yaml\n@@ -0,0 +1,5 @@\n+apiVersion: v1\n+kind: Secret\n+data:\n+  password: cGE1NXdvcmQ=\n";
    let run = Program::Seal.run(&["guard", "-"], diff.as_bytes());
    let expected = "standard input:7:2: a Secret with plaintext\n";
    assert_eq!((run.stdout.as_str(), run.code), (expected, Some(3)));
}
