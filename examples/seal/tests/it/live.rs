//! The real controller on a real API server: what is sealed here becomes the Secret there.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use narae_secrets::sealed::{Backup, BackupKey, Certificate, SealedFile};
use narae_testservers::{ControlPlane, SealedSecrets, is_missing, program};
use serde_json::Value;

use crate::program::{Program, one, values};

/// The controller's cluster, with two namespaces of ours.
struct Live {
    sealed: SealedSecrets,
    folder: tempfile::TempDir,
}

impl Live {
    fn start() -> Option<Self> {
        let what = "the sealed-secrets controller, live";
        if is_missing(&["kubeseal"], what) {
            return None;
        }
        let live = Self {
            sealed: SealedSecrets::start(what)?,
            folder: tempfile::tempdir().unwrap(),
        };
        for namespace in ["shop", "stage"] {
            live.cluster().kubectl(&["create", "namespace", namespace]);
        }
        Some(live)
    }

    fn cluster(&self) -> &ControlPlane {
        &self.sealed.cluster
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Runs a program where the API server can be reached, as the administrator, and insists on success.
    fn inside(&self, program: &Path, arguments: &[&str], input: &str) -> String {
        let mut child = self
            .cluster()
            .command(program)
            .args(arguments)
            .env("KUBECONFIG", self.cluster().kubeconfig())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(
            output.status.success(),
            "{} {arguments:?}",
            program.display()
        );
        String::from_utf8(output.stdout).unwrap()
    }

    fn seal(&self, arguments: &[&str], input: &str) -> String {
        self.inside(Path::new(env!("CARGO_BIN_EXE_seal")), arguments, input)
    }

    fn kubeseal(&self, arguments: &[&str], input: &str) -> String {
        self.inside(&program("kubeseal").unwrap(), arguments, input)
    }

    /// The controller's current certificate, as kubeseal fetches it through the API server.
    fn certificate(&self) -> String {
        self.kubeseal(&["--fetch-cert"], "")
    }

    /// The controller's keys, as people back them up.
    fn backup(&self) -> String {
        let label = "sealedsecrets.bitnami.com/sealed-secrets-key";
        let arguments = [
            "get",
            "secret",
            "-n",
            "kube-system",
            "-l",
            label,
            "-o",
            "yaml",
        ];
        self.cluster().kubectl(&arguments)
    }

    fn apply(&self, sealed: &str) {
        self.cluster()
            .kubectl_with(&["apply", "--server-side", "-f", "-"], sealed);
    }

    /// Waits until the controller says the status, and returns the Secret if that is `True`.
    fn unsealed(&self, namespace: &str, name: &str, synced: &str) -> Option<Value> {
        let condition = format!("--for=condition=Synced={synced}");
        let object = format!("sealedsecret/{name}");
        self.cluster().kubectl(&[
            "wait",
            &condition,
            "-n",
            namespace,
            "--timeout=60s",
            &object,
        ]);
        let get = ["get", "secret", "-n", namespace, name, "-o", "json"];
        let output = self.cluster().try_kubectl(&get, "");
        assert_eq!(output.status.success(), synced == "True");
        output
            .status
            .success()
            .then(|| serde_json::from_slice(&output.stdout).unwrap())
    }
}

fn contents() -> BTreeMap<String, Vec<u8>> {
    BTreeMap::from([
        ("empty".to_owned(), Vec::new()),
        ("binary".to_owned(), (0..=255).collect()),
        ("unicode".to_owned(), "비밀번호 hünter2\n".into()),
        ("large".to_owned(), vec![b'x'; 256 * 1024]),
    ])
}

fn secret(name: &str) -> String {
    let mut text = format!(
        "apiVersion: v1\nkind: Secret\ntype: example.com/db\nmetadata: {{name: {name}, namespace: shop, labels: {{app: shop}}}}\ndata:\n"
    );
    for (key, value) in contents() {
        text.push_str(&format!("  {key}: \"{}\"\n", STANDARD.encode(value)));
    }
    text
}

#[test]
fn what_is_sealed_here_becomes_the_secret_there() {
    let Some(live) = Live::start() else { return };
    let pem = live.certificate();
    let cert = live.file("cert.pem", &pem);
    assert_eq!(live.seal(&["--fetch-cert"], ""), pem);
    let kubeconfig = live.cluster().kubeconfig();
    let flags = [
        "--fetch-cert",
        "--context",
        "test",
        "--kubeconfig",
        kubeconfig.to_str().unwrap(),
    ];
    assert_eq!(live.seal(&flags, ""), pem);

    // Without --cert it is sealed for the controller's.
    live.apply(&live.seal(&[], &secret("fetched")));
    assert_eq!(
        values(&live.unsealed("shop", "fetched", "True").unwrap()),
        contents()
    );

    // Every scope, with the bytes, labels and type that went in.
    for scope in ["strict", "namespace-wide", "cluster-wide"] {
        let flags = ["--cert", &cert, "--scope", scope, "-o", "yaml"];
        let sealed = Program::Seal.must(&flags, secret(scope).as_bytes());
        assert_eq!(live.kubeseal(&["--validate"], &sealed), "");
        live.apply(&sealed);
        let unsealed = live.unsealed("shop", scope, "True").unwrap();
        assert_eq!(values(&unsealed), contents(), "{scope}");
        assert_eq!(unsealed["type"], "example.com/db");
        assert_eq!(unsealed["metadata"]["labels"]["app"], "shop");

        // In another namespace only the widest opens, and a dead copy is found before it is applied.
        let copy = sealed.replace("namespace: shop", "namespace: stage");
        live.apply(&copy);
        let opens = scope == "cluster-wide";
        live.unsealed("stage", scope, if opens { "True" } else { "False" });
        let backup = live.file("backup.yaml", &live.backup());
        let recover = ["--recovery-unseal", "--recovery-private-key", &backup];
        assert_eq!(
            Program::Seal.run(&recover, copy.as_bytes()).code == Some(0),
            opens
        );
        let recovered = one(&Program::Seal.must(&recover, sealed.as_bytes()));
        assert_eq!(values(&recovered), contents());
    }

    // One value more, merged into the file, reaches the Secret.
    let flags = ["--cert", &cert, "-o", "yaml"];
    let file = live.file(
        "merged.yaml",
        &Program::Seal.must(&flags, secret("merged").as_bytes()),
    );
    live.apply(&fs::read_to_string(&file).unwrap());
    live.unsealed("shop", "merged", "True");
    let more = "{apiVersion: v1, kind: Secret, stringData: {added: later}}";
    Program::Seal.must(&["--cert", &cert, "--merge-into", &file], more.as_bytes());
    live.apply(&fs::read_to_string(&file).unwrap());
    let path = "jsonpath={.data.added}";
    live.cluster().until("the added item", || {
        let get = ["get", "secret", "-n", "shop", "merged", "-o", path];
        live.cluster().kubectl(&get) == STANDARD.encode("later")
    });
}

#[test]
fn after_a_new_key_the_controllers_re_encryption_and_ours_agree() {
    let Some(live) = Live::start() else { return };
    let old = live.file("old.pem", &live.certificate());
    let sealed = Program::Seal.must(&["--cert", &old, "-o", "yaml"], secret("db").as_bytes());
    live.sealed.renew_key();
    live.cluster().until("the new certificate", || {
        live.certificate() != fs::read_to_string(&old).unwrap()
    });
    let pem = live.certificate();
    let new = live.file("new.pem", &pem);
    let text = live.backup();
    let backup = live.file("backup.yaml", &text);

    let theirs = live.kubeseal(&["--re-encrypt", "-o", "yaml"], &sealed);
    let flags = [
        "--re-encrypt",
        "--recovery-private-key",
        &backup,
        "--cert",
        &new,
    ];
    let ours = Program::Seal.must(&flags, sealed.as_bytes());
    // The backup names the newest certificate by itself.
    let from_backup = [
        "--re-encrypt",
        "--recovery-private-key",
        &backup,
        "--cert",
        &backup,
    ];
    let again = Program::Seal.must(&from_backup, sealed.as_bytes());

    // And whoever may read the keys needs no files at all.
    let from_cluster = live.seal(&["--re-encrypt"], &sealed);

    let certificate = Certificate::from_pem(pem.as_bytes()).unwrap();
    let keys = Backup::read(text.as_bytes()).unwrap();
    assert_eq!(keys.keys().len(), 2);
    let is_new = |key: &&BackupKey| key.key.fingerprint() == certificate.fingerprint();
    let newest = &keys.keys().iter().find(is_new).unwrap().key;
    let blank = |text: &str| {
        let file = SealedFile::read("", text).unwrap();
        let [secret] = file.secrets() else {
            panic!("{text}")
        };
        for item in secret.items() {
            let opened = newest.open(&item.parse().unwrap(), &secret.label().unwrap());
            assert_eq!(opened.unwrap().expose(), contents()[item.name()]);
        }
        let mut object = one(text);
        for item in object["spec"]["encryptedData"]
            .as_object_mut()
            .unwrap()
            .values_mut()
        {
            *item = Value::Null;
        }
        object
    };
    // The controller puts the SealedSecret's own metadata in place of the template's: labels are lost.
    let (ours_blank, mut theirs_blank) = (blank(&ours), blank(&theirs));
    let template = &mut theirs_blank["spec"]["template"]["metadata"];
    assert_eq!(template["labels"], Value::Null);
    template["labels"] = ours_blank["spec"]["template"]["metadata"]["labels"].clone();
    assert_eq!(ours_blank, theirs_blank);
    assert_eq!(blank(&ours), blank(&again));
    assert_eq!(blank(&ours), blank(&from_cluster));

    live.apply(&ours);
    let unsealed = live.unsealed("shop", "db", "True").unwrap();
    assert_eq!(values(&unsealed), contents());
}
