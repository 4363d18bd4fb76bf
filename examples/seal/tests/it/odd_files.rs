//! Files that are not what one expects: pipes, names and contents that are no text, other owners.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, chown};
use std::process::Command;

use serde_json::Value;

use crate::program::{Program, certificate, key};

const SECRET: &str =
    "{apiVersion: v1, kind: Secret, metadata: {name: db, namespace: shop}, stringData: {a: b}}";

fn sealed() -> String {
    let arguments = ["--cert", &certificate(2048), "-o", "yaml"];
    Program::Seal.must(&arguments, SECRET.as_bytes())
}

#[test]
fn a_pipe_is_written_to_and_stays_a_pipe() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe.yaml");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || fs::read_to_string(pipe).unwrap()
    });
    let arguments = ["--cert", &certificate(2048), "-w", pipe.to_str().unwrap()];
    Program::Seal.must(&arguments, SECRET.as_bytes());
    assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
    assert!(reader.join().unwrap().contains("kind: SealedSecret"));
}

#[test]
fn a_file_that_is_no_text_does_not_hide_the_others() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.yaml"), b"kind: SealedSecret # \xff\n").unwrap();
    fs::write(folder.path().join("b.yaml"), sealed()).unwrap();
    let run = Program::Seal.run(&["status", folder.path().to_str().unwrap()], b"");
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(run.stdout.contains("a.yaml:1:"), "{run:?}");
    assert!(run.stdout.contains("b.yaml"), "{run:?}");
}

#[test]
fn a_name_that_is_no_text_is_in_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder
        .path()
        .join(OsString::from_vec(b"n\xff.yaml".to_vec()));
    fs::write(&file, sealed()).unwrap();
    let (key, certificate) = (key(2048), certificate(3072));
    let path = folder.path().to_str().unwrap();
    let arguments = [
        "rotate",
        path,
        "--keys",
        &key,
        "--cert",
        &certificate,
        "--json",
    ];
    let report: Value = serde_json::from_str(&Program::Seal.must(&arguments, b"")).unwrap();
    let name = report["files"][0]["file"].as_str().unwrap();
    assert!(name.ends_with("n\u{fffd}.yaml"), "{name}");
}

/// Where the tests run as root; anyone else cannot give files away.
#[test]
fn a_file_keeps_its_owner() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.yaml");
    fs::write(&file, sealed()).unwrap();
    if chown(&file, Some(1000), Some(1000)).is_err() {
        return;
    }
    let (key, path) = (key(2048), file.to_str().unwrap());
    let (old, new) = (certificate(2048), certificate(3072));
    let merge = ["--cert", &old, "--merge-into", path];
    Program::Seal.must(&merge, SECRET.as_bytes());
    assert_eq!(fs::metadata(&file).unwrap().uid(), 1000);
    let rotate = ["rotate", path, "--keys", &key, "--cert", &new];
    Program::Seal.must(&rotate, b"");
    let after = fs::metadata(&file).unwrap();
    assert_eq!((after.uid(), after.gid()), (1000, 1000));
}
