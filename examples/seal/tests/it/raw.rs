//! `--raw`: upstream's table of name, namespace and scope, in both directions.

use narae_testservers::is_missing;

use crate::program::{Program, certificate, values};

/// `TestRaw` of upstream: an item sealed for a scope, namespace and name, claimed to be `db` of `shop`,
/// and whether it opens there.
const TABLE: [(&str, &str, &str, bool); 14] = [
    ("strict", "shop", "db", true),
    ("strict", "other", "db", false),
    ("strict", "shop", "other", false),
    ("namespace-wide", "shop", "db", true),
    ("namespace-wide", "other", "", false),
    ("namespace-wide", "other", "other", false),
    ("namespace-wide", "shop", "", true),
    ("namespace-wide", "shop", "other", true),
    ("cluster-wide", "shop", "db", true),
    ("cluster-wide", "other", "db", true),
    ("cluster-wide", "shop", "", true),
    ("cluster-wide", "shop", "other", true),
    ("cluster-wide", "", "", true),
    ("cluster-wide", "", "other", true),
];

/// Bytes that a careless program would change.
const VALUE: &[u8] = b"super\0secret\xff\r\n";

fn manifest(scope: &str, item: &str) -> String {
    format!(
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  name: db\n  namespace: shop\n  \
         annotations: {{sealedsecrets.bitnami.com/{scope}: \"true\"}}\nspec:\n  encryptedData: {{item: {item}}}\n"
    )
}

#[test]
fn every_row_opens_or_not_whoever_seals_and_whoever_opens() {
    let programs = if is_missing(&["kubeseal"], "raw items, both ways") {
        &[Program::Seal][..]
    } else {
        &[Program::Seal, Program::Kubeseal]
    };
    for (scope, namespace, name, opens) in TABLE {
        for sealer in programs {
            let certificate = certificate(2048);
            let mut arguments = vec!["--raw", "--cert", &certificate, "--scope", scope];
            for (flag, value) in [("--namespace", namespace), ("--name", name)] {
                if !value.is_empty() {
                    arguments.extend([flag, value]);
                }
            }
            let item = sealer.must(&arguments, VALUE);
            let sealed = manifest(scope, &item);
            for opener in programs {
                let row = format!("{scope} {namespace:?} {name:?} {sealer:?} {opener:?}");
                let key = crate::program::key(2048);
                let arguments = ["--recovery-unseal", "--recovery-private-key", &key];
                let run = opener.run(&arguments, sealed.as_bytes());
                assert_eq!(run.code == Some(0), opens, "{row}: {}", run.stderr);
                if opens {
                    assert_eq!(values(&opener.open(&sealed, 2048))["item"], VALUE, "{row}");
                }
            }
        }
    }
}

#[test]
fn what_a_scope_needs_is_asked_for() {
    let certificate = certificate(2048);
    for (flags, missing) in [
        (&["--name", "db"][..], "namespace"),
        (&["--namespace", "shop"], "name"),
        (&["--scope", "namespace-wide"], "namespace"),
    ] {
        let arguments = [&["--raw", "--cert", &certificate], flags].concat();
        let run = Program::Seal.run(&arguments, b"x");
        assert_eq!(run.code, Some(1));
        assert!(run.stderr.contains(missing), "{}", run.stderr);
    }
}

#[test]
fn the_value_comes_from_a_file_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("value");
    std::fs::write(&file, VALUE).unwrap();
    for from in [
        file.display().to_string(),
        format!("password={}", file.display()),
    ] {
        let certificate = certificate(2048);
        let arguments = [
            "--raw",
            "--cert",
            &certificate,
            "-n",
            "shop",
            "--name",
            "db",
            "--from-file",
            &from,
        ];
        let item = Program::Seal.must(&arguments, b"");
        let opened = Program::Seal.open(&manifest("strict", &item), 2048);
        assert_eq!(values(&opened)["item"], VALUE);
    }
    let alone = Program::Seal.run(&["--from-file", "x"], b"");
    assert_eq!(alone.code, Some(2), "{}", alone.stderr);
}
