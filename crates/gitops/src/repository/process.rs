//! Programs of this machine that do what this crate does not: `git` pushes, `ssh-keygen` and `gpg` sign.
//!
//! A program gets its input whole, a bounded part of what it prints is kept, and when it takes too
//! long it is ended.

use std::io::{Read, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::{Error, ErrorKind};

/// How much of what a program prints is kept.
const MAX_OUTPUT_BYTES: u64 = 64 * 1024;

/// What a program printed, and how it ended.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) status: ExitStatus,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// Runs a program to its end.
pub(super) fn run(mut command: Command, input: &[u8], limit: Duration) -> Result<Said, Error> {
    let name = command.get_program().to_string_lossy().into_owned();
    let deadline = Instant::now() + limit;
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| {
        let is_absent = error.kind() == std::io::ErrorKind::NotFound;
        let error = Error::io(format_args!("cannot run the `{name}` program"), error);
        match is_absent {
            true => error.with_kind(ErrorKind::NoProgram),
            false => error,
        }
    })?;
    if let Some(mut pipe) = child.stdin.take() {
        let input = input.to_vec();
        // A program that ends without reading all of it says why by itself.
        thread::spawn(move || drop(pipe.write_all(&input)));
    }
    let stdout = collect(child.stdout.take());
    let stderr = collect(child.stderr.take());
    let (Ok(stdout), Ok(stderr)) = (until(&stdout, deadline), until(&stderr, deadline)) else {
        return Err(give_up(&mut child, &name, limit));
    };
    let status = child
        .wait()
        .map_err(|error| Error::io(format_args!("cannot wait for `{name}`"), error))?;
    Ok(Said {
        status,
        stdout,
        stderr,
    })
}

/// Reads a pipe to its end on a thread of its own, keeping its beginning.
fn collect(pipe: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut kept = Vec::new();
        if let Some(mut pipe) = pipe {
            // What cannot be read is not there to report; git's exit status decides.
            let _ = (&mut pipe).take(MAX_OUTPUT_BYTES).read_to_end(&mut kept);
            let _ = std::io::copy(&mut pipe, &mut std::io::sink());
        }
        let _ = sender.send(String::from_utf8_lossy(&kept).into_owned());
    });
    receiver
}

fn until(receiver: &Receiver<String>, deadline: Instant) -> Result<String, RecvTimeoutError> {
    receiver.recv_timeout(deadline.saturating_duration_since(Instant::now()))
}

fn give_up(child: &mut Child, name: &str, limit: Duration) -> Error {
    let _ = child.kill();
    let _ = child.wait();
    Error::new(
        ErrorKind::TimedOut,
        format!("`{name}` took longer than {} s", limit.as_secs()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_never_ends_is_ended() {
        let mut command = Command::new("sleep");
        command.arg("600");
        let error = run(command, &[], Duration::ZERO).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let command = Command::new("narae-no-such-program");
        let error = run(command, &[], Duration::from_secs(9)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoProgram);
        assert!(
            error.to_string().contains("`narae-no-such-program`"),
            "{error}"
        );
    }
}
