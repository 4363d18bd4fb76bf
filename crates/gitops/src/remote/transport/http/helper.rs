//! git's credential helpers: whatever the user has configured for `git` itself.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::RecvTimeoutError;
use std::thread;

use zeroize::Zeroizing;

use super::super::super::error::{Error, ErrorKind};
use super::super::stream::collect;
use super::{Asked, Credential, Credentials};

/// More than any helper answers with.
const MAX_ANSWER_BYTES: u64 = 64 * 1024;

/// Credentials from `git credential`, with the user's configuration. Nobody is asked at a terminal.
///
/// What the server takes is approved, what it does not is rejected, so that helpers keep the right ones. A
/// helper has as long as the operation has; then `git credential` is killed.
#[derive(Clone, Debug, Default)]
pub struct CredentialHelper {
    configuration: Option<PathBuf>,
}

impl CredentialHelper {
    /// The helpers that `git` uses.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The helpers that this file of git's configuration names, in place of the user's and the system's.
    #[must_use]
    pub fn with_configuration(self, file: impl Into<PathBuf>) -> Self {
        Self {
            configuration: Some(file.into()),
        }
    }

    fn tell(&self, what: &str, asked: &Asked<'_>, credential: &Credential) -> Result<(), Error> {
        let Some((user, password)) = credential.as_basic() else {
            return Ok(());
        };
        if [user, password]
            .iter()
            .any(|text| text.contains(['\n', '\0']))
        {
            return Ok(());
        }
        let mut text = description(asked.origin, Some(user));
        text.push_str(&format!("password={password}\n"));
        self.run(what, text, asked).map(drop)
    }

    fn run(
        &self,
        what: &str,
        input: Zeroizing<String>,
        asked: &Asked<'_>,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let doing = format!("`git credential {what}`");
        let failed = |error: std::io::Error| {
            Error::new(ErrorKind::NoProgram, format!("cannot run {doing}: {error}"))
        };
        let mut command = Command::new("git");
        command
            .args(["credential", what])
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ASKPASS", "true")
            .env_remove("SSH_ASKPASS");
        if let Some(file) = &self.configuration {
            command
                .env("GIT_CONFIG_GLOBAL", file)
                .env("GIT_CONFIG_NOSYSTEM", "1");
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(failed)?;
        let (Some(mut to), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed(std::io::ErrorKind::BrokenPipe.into()));
        };
        // It may end without reading all of it.
        thread::spawn(move || drop(to.write_all(input.as_bytes())));
        let answer = collect(from, MAX_ANSWER_BYTES);
        loop {
            let slice = match asked.watch.slice() {
                Ok(slice) => slice,
                Err(error) => {
                    let _ = child.kill();
                    let _ = child.wait();
                    return Err(error.during(doing));
                }
            };
            match answer.recv_timeout(slice) {
                Err(RecvTimeoutError::Timeout) => {}
                answered => {
                    end(child);
                    return Ok(Zeroizing::new(answered.unwrap_or_default()));
                }
            }
        }
    }
}

impl Credentials for CredentialHelper {
    fn credential(&self, asked: &Asked<'_>) -> Result<Option<Credential>, Error> {
        let answer = self.run("fill", description(asked.origin, asked.user), asked)?;
        let answer = std::str::from_utf8(&answer).unwrap_or_default();
        let value = |key: &str| {
            answer
                .lines()
                .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
        };
        Ok(match (value("username"), value("password")) {
            // Where no helper is configured, git answers with both of them empty.
            (Some(user), Some(password)) if !password.is_empty() => {
                Some(Credential::basic(user, password))
            }
            _ => None,
        })
    }

    fn accepted(&self, asked: &Asked<'_>, credential: &Credential) {
        // A helper that fails to remember is asked again next time.
        let _ = self.tell("approve", asked, credential);
    }

    fn refused(&self, asked: &Asked<'_>, credential: &Credential) {
        let _ = self.tell("reject", asked, credential);
    }
}

/// In the form of `git credential` (`git-credential(1)`, "Input/Output Format").
fn description(origin: &str, user: Option<&str>) -> Zeroizing<String> {
    let (protocol, host) = origin.split_once("://").unwrap_or_default();
    let mut text = format!("protocol={protocol}\nhost={host}\n");
    if let Some(user) = user {
        text.push_str(&format!("username={user}\n"));
    }
    Zeroizing::new(text)
}

/// It has said all it says; how soon it ends is its own affair.
fn end(mut child: Child) {
    if !matches!(child.try_wait(), Ok(Some(_))) {
        thread::spawn(move || child.wait());
    }
}
