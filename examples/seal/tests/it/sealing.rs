//! A Secret in, a SealedSecret out: cases that state how ours and kubeseal's compare.

use std::fs;
use std::path::PathBuf;

use narae_testservers::is_missing;
use serde_json::Value;

use crate::program::{Program, Run, certificate, objects, one};

/// One file of `tests/data/cases`.
struct Case {
    name: String,
    flags: Vec<String>,
    expect: String,
    text: String,
}

impl Case {
    fn all() -> Vec<Self> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/cases");
        let files = fs::read_dir(folder).unwrap();
        let cases: Vec<Self> = files
            .map(|file| {
                let path = file.unwrap().path();
                let text = fs::read_to_string(&path).unwrap();
                let field = |name: &str| {
                    let mut lines = text.lines();
                    let value = lines.find_map(|line| line.strip_prefix(&format!("# {name}: ")));
                    value.unwrap_or_default().to_owned()
                };
                Self {
                    name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
                    flags: field("flags")
                        .split_whitespace()
                        .map(str::to_owned)
                        .collect(),
                    expect: field("expect"),
                    text,
                }
            })
            .collect();
        assert!(cases.len() >= 44, "only {} cases", cases.len());
        cases
    }

    fn run(&self, program: Program, format: &str) -> Run {
        let certificate = certificate(2048);
        let mut arguments = vec!["--cert", &certificate, "--format", format];
        arguments.extend(self.flags.iter().map(String::as_str));
        program.run(&arguments, self.text.as_bytes())
    }
}

/// The object without its ciphertexts, which never repeat, and what each opens to.
fn comparable(text: &str) -> Vec<(Value, Option<Value>)> {
    let compare = |mut sealed: Value| {
        let items = sealed["spec"]["encryptedData"].as_object().unwrap();
        let opened = (!items.is_empty()).then(|| Program::Seal.open(&sealed.to_string(), 2048));
        for item in sealed["spec"]["encryptedData"]
            .as_object_mut()
            .unwrap()
            .values_mut()
        {
            *item = Value::Null;
        }
        (sealed, opened)
    };
    objects(text).into_iter().map(compare).collect()
}

#[test]
fn ours_and_kubeseals_are_the_same_objects() {
    let kubeseal_here = !is_missing(&["kubeseal"], "comparing with kubeseal");
    let mut failures = Vec::new();
    for case in Case::all() {
        for format in ["json", "yaml"] {
            let ours = case.run(Program::Seal, format);
            let mut fail = |text: String| failures.push(format!("{} {format}: {text}", case.name));
            let sealed = matches!(case.expect.as_str(), "same" | "differs");
            if sealed != (ours.code == Some(0)) {
                fail(format!("expected {}, got {ours:?}", case.expect));
                continue;
            }
            if !sealed && (!ours.stdout.is_empty() || !ours.stderr.starts_with("error: ")) {
                fail(format!("not refused as it should: {ours:?}"));
            }
            if !kubeseal_here {
                continue;
            }
            let theirs = case.run(Program::Kubeseal, format);
            if (case.expect == "refused") != (theirs.code != Some(0)) {
                fail(format!("expected {}, kubeseal: {theirs:?}", case.expect));
            } else if sealed {
                let (ours, theirs) = (comparable(&ours.stdout), comparable(&theirs.stdout));
                if (ours == theirs) != (case.expect == "same") {
                    fail(format!("expected {}:\n{ours:#?}\n{theirs:#?}", case.expect));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn plaintext_is_nowhere_in_what_is_written() {
    for case in Case::all() {
        let run = case.run(Program::Seal, "yaml");
        for text in [run.stdout, run.stderr] {
            for canary in ["hunter2", "aHVudGVyMg"] {
                assert!(!text.contains(canary), "{}: {text}", case.name);
            }
        }
    }
}

const SECRET: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\nstringData: {password: hunter2}\n";

#[test]
fn files_in_and_out_choose_the_format_as_kubeseal_does() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(file("secret.yaml"), SECRET).unwrap();
    let programs = if is_missing(&["kubeseal"], "files in and out") {
        &[Program::Seal][..]
    } else {
        &[Program::Seal, Program::Kubeseal]
    };
    for program in programs {
        for (name, yaml) in [
            ("a.yaml", true),
            ("a.yml", true),
            ("a.json", false),
            ("a", false),
        ] {
            let arguments = [
                "--cert",
                &certificate(2048),
                "-f",
                &file("secret.yaml"),
                "-w",
                &file(name),
            ];
            assert_eq!(program.must(&arguments, b""), "");
            let text = fs::read_to_string(file(name)).unwrap();
            assert_eq!(text.starts_with("---\n"), yaml, "{program:?} {name}");
            assert_eq!(one(&text)["kind"], "SealedSecret");
        }
    }
    // Beside what was asked for there is nothing: no temporary file stays.
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 5);
}

#[test]
fn a_failure_leaves_the_output_file_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sealed.yaml");
    fs::write(&file, "as it was").unwrap();
    let arguments = ["--cert", &certificate(2048), "-w", file.to_str().unwrap()];
    let run = Program::Seal.run(&arguments, b"kind: ConfigMap\n");
    assert_eq!(run.code, Some(1));
    assert_eq!(fs::read_to_string(&file).unwrap(), "as it was");
}

#[test]
fn nothing_is_sealed_for_an_expired_certificate() {
    // Ten years from the year 2001.
    let made = narae_secrets::sealed::Generate::new(1_000_000_000)
        .with_bits(narae_secrets::sealed::KeyBits::Rsa2048)
        .run()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (cert, file) = (
        folder.path().join("old.pem"),
        folder.path().join("sealed.yaml"),
    );
    fs::write(&cert, &made.certificate_pem).unwrap();
    let sealed = Program::Seal.must(
        &["--cert", &certificate(2048), "-o", "yaml"],
        SECRET.as_bytes(),
    );
    fs::write(&file, &sealed).unwrap();
    let (cert, file) = (cert.to_str().unwrap(), file.to_str().unwrap());
    let (key, place) = (crate::program::key(2048), folder.path().to_str().unwrap());
    let raw = ["--raw", "--scope", "cluster-wide"];
    let again = ["--re-encrypt", "--recovery-private-key", &key];
    let rotate = ["rotate", place, "--keys", &key];
    for (arguments, input) in [
        (&["-o", "yaml"][..], SECRET),
        (&["--merge-into", file], SECRET),
        (&raw, "pa55"),
        (&again, &sealed),
        (&rotate, ""),
    ] {
        let arguments = [arguments, &["--cert", cert]].concat();
        let run = Program::Seal.run(&arguments, input.as_bytes());
        assert!(
            run.stderr.contains("expired"),
            "{arguments:?}: {}",
            run.stderr
        );
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (Some(1), ""),
            "{arguments:?}"
        );
    }
    assert_eq!(fs::read_to_string(file).unwrap(), sealed);
}

#[test]
fn certificates_come_from_where_kubeseal_takes_them() {
    let certificate = certificate(2048);
    let uri = format!(
        "file://{}",
        fs::canonicalize(&certificate).unwrap().display()
    );
    for cert in [certificate.as_str(), uri.as_str()] {
        Program::Seal.must(&["--cert", cert], SECRET.as_bytes());
        let printed = Program::Seal.must(&["--cert", cert, "--fetch-cert"], b"");
        assert_eq!(printed, fs::read_to_string(&certificate).unwrap());
    }
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_seal"))
        .args([
            "--raw",
            "--scope",
            "cluster-wide",
            "--from-file",
            &certificate,
        ])
        .env("SEALED_SECRETS_CERT", &certificate)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");

    let mut both = fs::read_to_string(&certificate).unwrap();
    both.push_str(&fs::read_to_string(crate::program::key(2048)).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("both.pem");
    fs::write(&file, both).unwrap();
    let refused = Program::Seal.run(&["--cert", file.to_str().unwrap(), "--fetch-cert"], b"");
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""));

    let none = Program::Seal.run(&[], SECRET.as_bytes());
    assert!(none.stderr.contains("--cert"), "{}", none.stderr);
    let remote = Program::Seal.run(
        &["--cert", "http://127.0.0.1:1/v1/cert.pem"],
        SECRET.as_bytes(),
    );
    assert!(remote.stderr.contains("curl"), "{}", remote.stderr);
}
