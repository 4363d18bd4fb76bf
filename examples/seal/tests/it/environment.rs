//! Environment variables: those of kubeseal count, and an empty one says nothing.

use narae_testservers::is_missing;

use crate::program::{Program, certificate, objects, one};

const SECRET: &[u8] = b"apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop, annotations: {sealedsecrets.bitnami.com/cluster-wide: 'true'}}\nstringData: {password: hunter2}\n";

fn scope(text: &str) -> Option<String> {
    let annotations = one(text)["metadata"]["annotations"].clone();
    let mut keys = annotations.as_object()?.keys();
    keys.next_back()
        .map(|key| key.rsplit('/').next().unwrap().to_owned())
}

#[test]
fn variables_stand_for_flags() {
    let missing = is_missing(
        &["kubeseal"],
        "environment variables as kubeseal takes them",
    );
    let programs: &[Program] = match missing {
        true => &[Program::Seal],
        false => &[Program::Seal, Program::Kubeseal],
    };
    let cert = certificate(2048);
    for program in programs {
        let run = |variables: &[(&str, &str)], flags: &[&str]| {
            let variables = [&[("SEALED_SECRETS_CERT", cert.as_str())], variables].concat();
            let run = program.run_with(&variables, flags, SECRET);
            assert_eq!(
                run.code,
                Some(0),
                "{program:?} {variables:?}: {}",
                run.stderr
            );
            run.stdout
        };
        let yaml = run(&[("SEALED_SECRETS_FORMAT", "YAML")], &[]);
        assert!(yaml.starts_with("---\n"), "{yaml}");
        assert_eq!(scope(&yaml).as_deref(), Some("cluster-wide"));
        let narrow = [("SEALED_SECRETS_SCOPE", "namespace-wide")];
        assert_eq!(scope(&run(&narrow, &[])).as_deref(), Some("namespace-wide"));
        // A flag wins over its variable.
        let flags = ["--scope", "cluster-wide"];
        assert_eq!(
            scope(&run(&narrow, &flags)).as_deref(),
            Some("cluster-wide")
        );

        // Empty is unset: JSON, and the Secret's own scope.
        let empty = [
            ("SEALED_SECRETS_FORMAT", ""),
            ("SEALED_SECRETS_SCOPE", ""),
            ("SEALED_SECRETS_CONTROLLER_NAME", ""),
            ("SEALED_SECRETS_CONTROLLER_NAMESPACE", ""),
            ("SEAL_DIGEST_KEY", ""),
        ];
        let json = run(&empty, &[]);
        assert!(json.starts_with('{') && objects(&json).len() == 1);
        assert_eq!(scope(&json).as_deref(), Some("cluster-wide"));
    }
}

#[test]
fn an_empty_certificate_is_none() {
    // Both go to the cluster then, and there is none.
    let empty = [("SEALED_SECRETS_CERT", "")];
    let run = Program::Seal.run_with(&empty, &[], SECRET);
    assert_eq!(run.code, Some(1));
    assert!(
        run.stderr
            .starts_with("error: no --cert, and the controller's"),
        "{}",
        run.stderr
    );
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().to_str().unwrap();
    let run = Program::Seal.run_with(&empty, &["status", folder], b"");
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let run = Program::Seal.run(&["--cert", "", "--validate"], b"");
    assert!(run.stderr.contains("no SealedSecret"), "{}", run.stderr);
    // Variables for flags of kubeseal are no flags of a subcommand.
    let set = [
        ("SEALED_SECRETS_CERT", certificate(2048).leak() as &str),
        ("SEALED_SECRETS_SCOPE", "strict"),
    ];
    assert_eq!(
        Program::Seal.run_with(&set, &["status", folder], b"").code,
        Some(0)
    );
}
