//! `seal status` and `--validate`: what is said of a folder without a private key.

use std::fs;
use std::path::Path;

use narae_secrets::SecretBytes;
use narae_secrets::sealed::{Certificate, Item, SealRequest, Source};
use narae_secrets::store::Version;
use serde_json::Value;

use crate::program::{Program, Run, certificate};

/// A SealedSecret with a record of where its item came from.
fn recorded() -> String {
    let pem = fs::read(certificate(4096)).unwrap();
    let secret = "{apiVersion: v1, kind: Secret, metadata: {name: db, namespace: shop}}";
    let secret = narae_yaml::read_one(secret).unwrap();
    let reference = "ref+vault://main/secret/shop/db#/password".parse().unwrap();
    let source = Source::new(&reference, Version::new(7).unwrap(), "w1");
    let item = Item::new(
        "password",
        SecretBytes::from("hunter2".to_owned()),
        Some(source),
    );
    let sealed = SealRequest::new(&secret, vec![item]).seal(&Certificate::from_pem(&pem).unwrap());
    sealed.unwrap().to_yaml()
}

fn status(folder: &Path, more: &[&str]) -> Run {
    let arguments = ["status", folder.to_str().unwrap()];
    Program::Seal.run(&[&arguments, more].concat(), b"")
}

#[test]
fn every_item_has_a_line_with_its_key_source_and_findings() {
    let folder = tempfile::tempdir().unwrap();
    let good = recorded();
    fs::write(folder.path().join("a.yaml"), &good).unwrap();
    let run = status(folder.path(), &["--cert", &certificate(4096)]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{}", run.stdout);
    let cells: Vec<&str> = lines[1].split_whitespace().collect();
    let pem = fs::read(certificate(4096)).unwrap();
    let key = Certificate::from_pem(&pem)
        .unwrap()
        .fingerprint()
        .to_string();
    assert!(cells[0].ends_with("/a.yaml:8:15"), "{cells:?}");
    let source = "ref+vault://main/secret/shop/db?version=7#/password";
    assert_eq!(
        cells[1..],
        ["shop/db", "password", "strict", &key, source, "ok"]
    );
    assert_eq!(lines[2], "0 errors, 0 warnings");

    // The file copied for another namespace, as people do: it will not open there.
    fs::write(
        folder.path().join("b.yml"),
        good.replace("namespace: shop", "namespace: stage"),
    )
    .unwrap();
    fs::write(
        folder.path().join("c.yaml"),
        "kind: SealedSecret\nkind: twice\n",
    )
    .unwrap();
    fs::write(
        folder.path().join("d.yaml"),
        "{{ a: template }} of something",
    )
    .unwrap();
    let run = status(folder.path(), &["--json"]);
    assert_eq!(run.code, Some(3), "{run:?}");
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let mut found: Vec<(String, String)> = Vec::new();
    for item in report["items"].as_array().unwrap() {
        let file = Path::new(item["place"].as_str().unwrap());
        let file = file
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .split(':')
            .next()
            .unwrap()
            .to_owned();
        for finding in item["findings"].as_array().unwrap() {
            assert!(!finding["hint"].as_str().unwrap().is_empty());
            found.push((file.clone(), finding["check"].as_str().unwrap().to_owned()));
        }
    }
    let expected = [("b.yml", "copied"), ("c.yaml", "unreadable")];
    for (file, check) in expected {
        assert!(
            found.contains(&(file.to_owned(), check.to_owned())),
            "{found:?}"
        );
    }
    assert!(
        found
            .iter()
            .all(|(file, _)| expected.iter().any(|(known, _)| known == file)),
        "{found:?}"
    );
}

#[test]
fn validating_says_place_finding_and_what_to_try() {
    let secret = b"apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\nstringData: {password: hunter2}\n";
    let sealed = Program::Seal.must(&["--cert", &certificate(2048), "-o", "yaml"], secret);
    let valid = Program::Seal.run(
        &["--validate", "--cert", &certificate(2048)],
        sealed.as_bytes(),
    );
    assert_eq!(
        (valid.code, valid.stdout.as_str(), valid.stderr.as_str()),
        (Some(0), "", "")
    );

    let other = Program::Seal.run(
        &["--validate", "--cert", &certificate(4096)],
        sealed.as_bytes(),
    );
    assert_eq!((other.code, other.stdout.as_str()), (Some(3), ""));
    let said = "standard input:9:15: error[unknown-key]: shop/db, item `password`: ";
    assert!(other.stderr.starts_with(said), "{}", other.stderr);
    assert!(other.stderr.contains("\n  try: "), "{}", other.stderr);

    let nothing = Program::Seal.run(&["--validate"], secret);
    assert_eq!(nothing.code, Some(1));
}

/// The exit codes the README promises: warnings are no reason to stop a pipeline, a folder that is not there is an error.
#[test]
fn exit_codes_say_whether_something_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let template = "  template:\n    metadata:\n";
    let wide = "      annotations:\n        sealedsecrets.bitnami.com/cluster-wide: 'true'\n";
    let warned = recorded().replace(template, &format!("{template}{wide}"));
    fs::write(folder.path().join("db.yaml"), warned).unwrap();
    let run = status(folder.path(), &[]);
    assert!(
        run.stdout.contains("warning[scope-mismatch]"),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout.ends_with("0 errors, 1 warnings\n"),
        "{}",
        run.stdout
    );
    assert_eq!(run.code, Some(0));
    assert_eq!(status(&folder.path().join("none"), &[]).code, Some(1));
    assert_eq!(status(folder.path(), &["--certs"]).code, Some(2));
    fs::write(
        folder.path().join("x.yaml"),
        "kind: SealedSecret\nkind: twice\n",
    )
    .unwrap();
    assert_eq!(status(folder.path(), &[]).code, Some(3));
}

/// Where no version tells, the record names the digest key; the other columns are as ever.
#[test]
fn a_digested_item_names_its_digest_key() {
    let folder = tempfile::tempdir().unwrap();
    let digest_key = folder.path().join("digest.key");
    let secret = b"apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\nstringData: {password: hunter2}\n";
    let (certificate, key) = (certificate(2048), digest_key.to_str().unwrap());
    let flags = ["--cert", &certificate, "-o", "yaml", "--digest-key", key];
    let sealed = Program::Seal.must(&flags, secret);
    let (_, id) = sealed.split_once(" hmac-sha256:").unwrap();
    let (id, _) = id.split_once(':').unwrap();
    fs::write(folder.path().join("db.yaml"), &sealed).unwrap();
    let run = status(folder.path(), &["--cert", &certificate]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(
        run.stdout.contains(&format!("  digest key {id}  ok\n")),
        "{}",
        run.stdout
    );
    let run = status(folder.path(), &["--json"]);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let item = &report["items"][0];
    assert_eq!(
        (&item["source"], &item["digestKey"]),
        (&Value::Null, &Value::from(id))
    );
    // Nobody can tell the value from what stands there, but an edit is found.
    let (before, item) = sealed.split_once("password: ").unwrap();
    let (start, end) = item.split_at(40);
    let other = if start.ends_with('A') { "B" } else { "A" };
    let edited = format!("{before}password: {}{other}{end}", &start[..39]);
    fs::write(folder.path().join("db.yaml"), edited).unwrap();
    let run = status(folder.path(), &[]);
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(run.stdout.contains("error[edited]"), "{}", run.stdout);
}

/// Without a record: what the sizes of the keys, and their moduli, leave open.
#[test]
fn without_a_record_the_certificates_that_can_have_made_an_item_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let secret = b"apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\nstringData: {password: hunter2}\n";
    let sealed = Program::Seal.must(&["--cert", &certificate(2048), "-o", "yaml"], secret);
    fs::write(folder.path().join("db.yaml"), sealed).unwrap();
    let key = |bits| {
        let pem = fs::read(certificate(bits)).unwrap();
        Certificate::from_pem(&pem)
            .unwrap()
            .fingerprint()
            .to_string()
    };
    let (two, three) = (certificate(2048), certificate(3072));
    for (flags, expected, candidates) in [
        (vec![], "RSA-2048, not recorded".to_owned(), vec![]),
        (
            vec!["--cert", &three],
            "RSA-2048, none given".to_owned(),
            vec![],
        ),
        (
            vec!["--cert", &three, "--cert", &two],
            format!("{}, possibly", key(2048)),
            vec![key(2048)],
        ),
        (
            vec!["--cert", &format!("{two},{two}")],
            "RSA-2048, 2 of those given possible".to_owned(),
            vec![key(2048); 2],
        ),
    ] {
        let run = status(folder.path(), &flags);
        assert!(run.stdout.contains(&expected), "{}", run.stdout);
        assert_eq!(
            run.stdout.contains("unknown-key"),
            expected.ends_with("none given")
        );
        let run = status(folder.path(), &[&flags[..], &["--json"]].concat());
        let report: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(report["items"][0]["candidates"], Value::from(candidates));
    }
}
