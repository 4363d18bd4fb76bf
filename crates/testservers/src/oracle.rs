//! Programs that answer what another implementation makes of something: built from source, asked
//! over standard input and output.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use crate::program::skip;

/// The Go program of a folder with a `go.mod`, built into `target` under `name`; `None`, and said,
/// when it cannot be. `target` is what Cargo gives as `CARGO_TARGET_TMPDIR`.
#[must_use]
pub fn go_program(folder: &str, target: &str, name: &str) -> Option<Command> {
    static BUILDING: Mutex<()> = Mutex::new(());
    let program: PathBuf = Path::new(target).join(name);
    let built = {
        let _one_at_a_time = BUILDING.lock();
        let mut go = Command::new("go");
        go.args(["build", "-mod=readonly", "-o"])
            .arg(&program)
            .arg(".");
        go.current_dir(folder).output()
    };
    let why = match built {
        Ok(output) if output.status.success() => return Some(Command::new(program)),
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => format!("go: {error}"),
    };
    skip(
        &format!("Go that builds {folder}"),
        &format!("{name}: {why}"),
    );
    None
}

/// What a program answers to `input`.
#[must_use]
pub fn ask(program: &mut Command, input: &[u8]) -> Vec<u8> {
    let mut child = program
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // Both pipes at once: a long answer would block a program that still reads.
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input).unwrap());
        child.wait_with_output().unwrap()
    });
    assert!(output.status.success(), "{program:?} failed");
    output.stdout
}
