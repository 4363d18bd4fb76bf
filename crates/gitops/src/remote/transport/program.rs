//! A service as a program on this machine: `git upload-pack`, `git receive-pack`, or `ssh` to one elsewhere.

use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use super::super::error::{Error, ErrorKind};
use super::super::watch::Watch;
use super::super::wire::shown;
use super::stream::{Incoming, Outgoing, collect};
use super::{Conversation, Service};

/// How much of what a program prints for people is kept.
const MAX_WORDS_BYTES: u64 = 16 * 1024;
/// How long a program that has closed its output may take to say its last words.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A conversation over a program's pipes.
#[derive(Debug)]
pub(super) struct Program {
    /// `None` once it is dropped.
    child: Option<Child>,
    /// `None` once everything was said.
    to: Option<Outgoing>,
    from: Incoming,
    words: Receiver<Vec<u8>>,
    /// Whether it is killed when it is left in the middle, as it may wait for a network that says nothing more. A service
    /// on this machine may be moving a branch, and ends by itself when its pipes do.
    is_expendable: bool,
    /// Turns the program's words into an error that says what to do.
    understand: fn(&str, Error) -> Error,
}

impl Program {
    pub(super) fn start(
        command: &mut Command,
        understand: fn(&str, Error) -> Error,
        watch: &Watch,
    ) -> Result<Self, Error> {
        let program = command.get_program().to_string_lossy().into_owned();
        let failed = |error: io::Error| {
            Error::new(
                ErrorKind::NoProgram,
                format!("cannot run the program `{program}`: {error}"),
            )
        };
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let (Some(input), Some(output), Some(words)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(failed(io::ErrorKind::BrokenPipe.into()));
        };
        Ok(Self {
            child: Some(child),
            to: Some(Outgoing::pump(input)),
            from: Incoming::pump(output, watch.clone()),
            words: collect(words, MAX_WORDS_BYTES),
            is_expendable: false,
            understand,
        })
    }

    pub(super) fn expendable(mut self) -> Self {
        self.is_expendable = true;
        self
    }
}

impl Conversation for Program {
    fn greeting(&mut self) -> Result<Box<dyn Read + '_>, Error> {
        Ok(Box::new(&mut self.from))
    }

    fn ask(&mut self, request: Vec<u8>) -> Result<Box<dyn Read + '_>, Error> {
        if let Some(to) = &self.to {
            to.send(request);
        }
        Ok(Box::new(&mut self.from))
    }

    fn explain(&mut self, error: Error) -> Error {
        if !matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::Refused) {
            return error;
        }
        let words = self.words.recv_timeout(LAST_WORDS).unwrap_or_default();
        let words: Vec<String> = String::from_utf8_lossy(&words)
            .lines()
            .map(|line| shown(line.as_bytes()))
            .filter(|line| !line.is_empty())
            .collect();
        (self.understand)(&words.join("\n"), error)
    }

    fn finish(&mut self) {
        // The end of its input is how a service knows.
        self.to = None;
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let Some(mut child) = self.child.take() else {
            return;
        };
        if self.to.take().is_some() && self.is_expendable {
            let _ = child.kill();
        }
        if !matches!(child.try_wait(), Ok(Some(_))) {
            // It ends soon, but how soon is its own affair.
            std::thread::spawn(move || child.wait());
        }
    }
}

/// A service of the repository at `path`.
///
/// git runs with the configuration of that repository alone: not the user's, not the system's, and none
/// of the caller's `GIT_*` variables.
pub(super) fn local(path: &Path, service: Service, watch: &Watch) -> Result<Program, Error> {
    let absolute = std::path::absolute(path)
        .map_err(|error| Error::new(ErrorKind::NotFound, format!("{}: {error}", path.display())))?;
    let mut command = Command::new("git");
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("GIT_") {
            command.env_remove(variable);
        }
    }
    command.envs([
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_CONFIG_SYSTEM", "/dev/null"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("LC_ALL", "C"),
    ]);
    match service {
        // Whoever may read the files may have any subset of them.
        Service::UploadPack => command.env("GIT_PROTOCOL", "version=2").args([
            "-c",
            "uploadpack.allowFilter=true",
            "upload-pack",
        ]),
        Service::ReceivePack => command.arg("receive-pack"),
    };
    Program::start(command.arg("--").arg(absolute), understand, watch)
}

fn understand(words: &str, error: Error) -> Error {
    let kind = if words.contains("does not appear to be a git repository") {
        ErrorKind::NotFound
    } else {
        error.kind()
    };
    match words {
        "" => error,
        _ if words.contains("dubious ownership") => {
            Error::new(ErrorKind::Unauthorized, words).hint("run as the owner of the repository")
        }
        _ => Error::new(kind, words),
    }
}
