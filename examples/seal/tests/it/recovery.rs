//! `--recovery-unseal` and `--re-encrypt`, with keys in every form kubeseal reads.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use narae_testservers::is_missing;
use serde_json::json;

use crate::program::{Program, certificate, key, values};

const SECRET: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop, labels: {app: shop}}\ntype: Opaque\nstringData: {password: hunter2, empty: \"\"}\n";

fn sealed(bits: u64) -> String {
    let arguments = ["--cert", &certificate(bits), "-o", "yaml"];
    Program::Seal.must(&arguments, SECRET.as_bytes())
}

/// A Secret as the controller keeps its keys.
fn key_secret(bits: u64) -> serde_json::Value {
    let read = |file: String| STANDARD.encode(fs::read(file).unwrap());
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": {
            "name": format!("sealed-secrets-key{bits}"), "namespace": "kube-system",
            "labels": {"sealedsecrets.bitnami.com/sealed-secrets-key": "active"},
        },
        "data": {"tls.crt": read(certificate(bits)), "tls.key": read(key(bits))},
    })
}

#[test]
fn keys_are_read_in_every_form_kubeseal_reads() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: String| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let list =
        json!({"apiVersion": "v1", "kind": "List", "items": [key_secret(4096), key_secret(2048)]});
    let yaml = narae_yaml::read_one(&key_secret(2048).to_string()).unwrap();
    let forms = [
        key(2048),
        file("secret.json", key_secret(2048).to_string()),
        file("secret.yaml", narae_yaml::write(&yaml)),
        file("list.json", list.to_string()),
        format!("{},{}", key(4096), key(2048)),
    ];
    let programs = if is_missing(&["kubeseal"], "forms of private keys") {
        &[Program::Seal][..]
    } else {
        &[Program::Seal, Program::Kubeseal]
    };
    let sealed = sealed(2048);
    for form in &forms {
        for program in programs {
            let arguments = ["--recovery-unseal", "--recovery-private-key", form];
            let opened = program.must(&arguments, sealed.as_bytes());
            assert!(opened.contains("aHVudGVyMg=="), "{program:?} {form}");
        }
    }
    let wrong = ["--recovery-unseal", "--recovery-private-key", &key(4096)];
    for program in programs {
        let run = program.run(&wrong, sealed.as_bytes());
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (Some(1), ""),
            "{program:?}"
        );
    }
}

#[test]
fn plaintext_in_a_new_file_is_its_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret.yaml");
    let arguments = [
        "--recovery-unseal",
        "--recovery-private-key",
        &key(2048),
        "-w",
        file.to_str().unwrap(),
    ];
    Program::Seal.must(&arguments, sealed(2048).as_bytes());
    let text = fs::read_to_string(&file).unwrap();
    assert!(
        text.starts_with("---\napiVersion: v1\nkind: Secret\n"),
        "{text}"
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}

#[test]
fn re_encrypting_changes_items_and_nothing_else() {
    let before = format!(
        "# who may see this\n{}  # the end\n",
        sealed(2048).trim_end()
    );
    let (old, new) = (key(2048), certificate(4096));
    let arguments = [
        "--re-encrypt",
        "--recovery-private-key",
        &old,
        "--cert",
        &new,
    ];
    let after = Program::Seal.must(&arguments, before.as_bytes());
    assert_eq!(
        values(&Program::Seal.open(&after, 4096))["password"],
        b"hunter2"
    );
    if !is_missing(&["kubeseal"], "opening what was sealed anew") {
        assert_eq!(
            values(&Program::Kubeseal.open(&after, 4096))["password"],
            b"hunter2"
        );
    }
    for (a, b) in before.lines().zip(after.lines()) {
        let item = a.contains("password: ") || a.contains("empty: ");
        assert_eq!(a != b, item, "{a}\n{b}");
    }

    // With a file to read and none to write it is done in place, as kubeseal does.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sealed.yaml");
    fs::write(&file, &before).unwrap();
    let in_place = [&arguments[..], &["-f", file.to_str().unwrap()]].concat();
    assert_eq!(Program::Seal.must(&in_place, b""), "");
    Program::Seal.open(&fs::read_to_string(&file).unwrap(), 4096);
}

#[test]
fn re_encrypting_never_widens_a_scope() {
    // A strict item said to be cluster-wide: it must not become one.
    let widened = sealed(2048).replace(
        "  namespace: shop\nspec:",
        "  namespace: shop\n  annotations: {sealedsecrets.bitnami.com/cluster-wide: \"true\"}\nspec:",
    );
    assert!(widened.contains("cluster-wide"));
    let (old, new) = (key(2048), certificate(4096));
    let arguments = [
        "--re-encrypt",
        "--recovery-private-key",
        &old,
        "--cert",
        &new,
    ];
    let run = Program::Seal.run(&arguments, widened.as_bytes());
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""));
    assert!(run.stderr.contains("no key opens"), "{}", run.stderr);
}

/// A file that is there keeps its mode, as with kubeseal; that plaintext can be read there is said.
#[cfg(unix)]
#[test]
fn plaintext_in_a_file_that_others_may_read_is_warned_of() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("secret.yaml");
    let (out, key, sealed) = (out.to_str().unwrap(), key(2048), sealed(2048));
    let arguments = [
        "--recovery-unseal",
        "--recovery-private-key",
        &key,
        "-w",
        out,
    ];
    let run = Program::Seal.run(&arguments, sealed.as_bytes());
    assert_eq!(
        (run.code, run.stderr.as_str()),
        (Some(0), ""),
        "a new file is its owner's"
    );
    for (mode, warned) in [(0o644, true), (0o640, true), (0o600, false)] {
        fs::set_permissions(out, fs::Permissions::from_mode(mode)).unwrap();
        let run = Program::Seal.run(&arguments, sealed.as_bytes());
        assert_eq!(run.code, Some(0));
        assert_eq!(run.stderr.contains("chmod 600"), warned, "{}", run.stderr);
        let now = fs::metadata(out).unwrap().permissions().mode() & 0o777;
        assert_eq!(now, mode);
    }
}

#[test]
fn what_is_wrong_with_a_certificate_names_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cert.pem");
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    fs::write(&file, broken).unwrap();
    let run = Program::Seal.run(&["--cert", file.to_str().unwrap()], SECRET.as_bytes());
    assert_eq!(run.code, Some(1));
    let said = format!("error: {}: the certificate", file.display());
    assert!(run.stderr.starts_with(&said), "{}", run.stderr);
    assert!(!run.stderr.contains("Secret"), "{}", run.stderr);
}
