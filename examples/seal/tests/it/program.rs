//! Runs `seal` and kubeseal the same way, and what they are run on.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// What a program did.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// One of the two programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Program {
    Seal,
    Kubeseal,
}

impl Program {
    pub(crate) fn run(self, arguments: &[&str], input: &[u8]) -> Run {
        self.run_with(&[], arguments, input)
    }

    /// With these environment variables.
    pub(crate) fn run_with(
        self,
        variables: &[(&str, &str)],
        arguments: &[&str],
        input: &[u8],
    ) -> Run {
        let mut command = match self {
            Self::Seal => Command::new(env!("CARGO_BIN_EXE_seal")),
            Self::Kubeseal => Command::new(narae_testservers::program("kubeseal").unwrap()),
        };
        let mut child = command
            .args(arguments)
            // No cluster, and no certificate from elsewhere.
            .env("KUBECONFIG", "/dev/null")
            .env_remove("SEALED_SECRETS_CERT")
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pipe = child.stdin.take().unwrap();
        let input = input.to_vec();
        let writer = std::thread::spawn(move || drop(pipe.write_all(&input)));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        Run {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs it and insists on success.
    pub(crate) fn must(self, arguments: &[&str], input: &[u8]) -> String {
        let run = self.run(arguments, input);
        assert_eq!(run.code, Some(0), "{self:?} {arguments:?}: {}", run.stderr);
        run.stdout
    }

    /// Opens a SealedSecret, and the Secret without what only one of both writes.
    pub(crate) fn open(self, sealed: &str, bits: u64) -> Value {
        let key = key(bits);
        let arguments = ["--recovery-unseal", "--recovery-private-key", &key];
        let mut secret = one(&self.must(&arguments, sealed.as_bytes()));
        // kubeseal writes an owner without a uid, and an empty value as null.
        let metadata = secret["metadata"].as_object_mut().unwrap();
        metadata.remove("ownerReferences");
        for value in secret["data"].as_object_mut().unwrap().values_mut() {
            if value.is_null() {
                *value = "".into();
            }
        }
        secret
    }
}

/// The file of a key of the test kit.
pub(crate) fn key(bits: u64) -> String {
    kit(&format!("keys/{bits}.key.pem"))
}

/// The file of a certificate of the test kit.
pub(crate) fn certificate(bits: u64) -> String {
    kit(&format!("keys/{bits}.crt.pem"))
}

fn kit(name: &str) -> String {
    let kit = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../crates/secrets/testkit");
    kit.join(name).to_str().unwrap().to_owned()
}

/// The objects of an output, JSON or YAML. As JSON values, in which the order of keys does not count.
pub(crate) fn objects(text: &str) -> Vec<Value> {
    // kubeseal separates objects in JSON by nothing.
    if text.trim_start().starts_with('{') {
        let values = serde_json::Deserializer::from_str(text).into_iter();
        return values.map(Result::unwrap).collect();
    }
    let values = narae_yaml::read(text).unwrap().into_iter();
    values
        .map(|document| serde_json::to_value(document).unwrap())
        .collect()
}

/// The only object.
pub(crate) fn one(text: &str) -> Value {
    let mut objects = objects(text);
    assert_eq!(objects.len(), 1, "{text}");
    objects.remove(0)
}

/// The values of an opened Secret.
pub(crate) fn values(secret: &Value) -> BTreeMap<String, Vec<u8>> {
    let data = secret["data"].as_object().unwrap().iter();
    data.map(|(key, text)| {
        (
            key.clone(),
            STANDARD.decode(text.as_str().unwrap()).unwrap(),
        )
    })
    .collect()
}
