//! Signatures of commits that `git verify-commit` accepts.
//!
//! What is signed is the commit object without its signature, which goes into the header `gpgsig`
//! (git's `Documentation/gitformat-signature.txt`). Keys stay with the programs people keep them in:
//! `ssh-keygen` and its agent, `gpg` and its agent. Neither can ask for a passphrase here; an agent can.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::process::{self, Said};
use super::{Error, ErrorKind};

/// How long a signature may take: an agent may ask a person.
pub const SIGN_TIMEOUT: Duration = Duration::from_secs(60);

/// Signs commits.
pub trait Sign: Send + Sync {
    /// The armoured signature of a commit's bytes.
    ///
    /// # Errors
    ///
    /// When there is none; the commit is not made then.
    fn sign(&self, commit: &[u8]) -> Result<String, Error>;
}

/// Signs with an SSH key, by `ssh-keygen`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshKey(PathBuf);

/// Signs with an OpenPGP key, by `gpg`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GpgKey {
    id: String,
    home: Option<PathBuf>,
}

impl SshKey {
    /// The private key in `file`, or the public one there whose private key the agent has.
    #[must_use]
    pub fn new(file: impl AsRef<Path>) -> Self {
        Self(file.as_ref().to_owned())
    }
}

impl Sign for SshKey {
    fn sign(&self, commit: &[u8]) -> Result<String, Error> {
        let mut command = Command::new("ssh-keygen");
        command
            .args(["-Y", "sign", "-n", "git", "-f"])
            .arg(&self.0)
            .env("SSH_ASKPASS_REQUIRE", "never");
        signature(&process::run(command, commit, SIGN_TIMEOUT)?, "SSH")
            .map_err(|error| error.hint("a key without a passphrase, or one that ssh-agent holds"))
    }
}

impl GpgKey {
    /// A key of the keyring, by fingerprint, id or address.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            home: None,
        }
    }

    /// The keyring in another directory than gpg's own.
    #[must_use]
    pub fn with_home(self, home: impl AsRef<Path>) -> Self {
        Self {
            home: Some(home.as_ref().to_owned()),
            ..self
        }
    }
}

impl Sign for GpgKey {
    fn sign(&self, commit: &[u8]) -> Result<String, Error> {
        let mut command = Command::new("gpg");
        if let Some(home) = &self.home {
            command.env("GNUPGHOME", home);
        }
        command.args([
            "--batch",
            "--no-tty",
            "--armor",
            "--detach-sign",
            "--local-user",
        ]);
        // A key that begins with a dash would be an option.
        command.arg(self.id.trim_start_matches('-'));
        signature(&process::run(command, commit, SIGN_TIMEOUT)?, "PGP").map_err(|error| {
            error.hint("`gpg --list-secret-keys`: is the key there, and its agent running?")
        })
    }
}

/// The signature a program printed, if it is one.
fn signature(said: &Said, kind: &str) -> Result<String, Error> {
    let begin = format!("-----BEGIN {kind} SIGNATURE-----\n");
    if said.status.success() && said.stdout.starts_with(&begin) {
        return Ok(said.stdout.clone());
    }
    let words: Vec<&str> = said
        .stderr
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let message = format!("cannot sign the commit: {}", words.join("; "));
    Err(Error::new(ErrorKind::NotSigned, message))
}
