//! git's credential helpers: whatever the user has configured for `git` itself.

use std::io::Write as _;
use std::process::{Command, Stdio};

use zeroize::Zeroizing;

use super::super::super::error::{Error, ErrorKind};
use super::{Asked, Credential, Credentials};

/// Credentials from `git credential`, with the user's configuration. Nobody is asked at a terminal.
///
/// What the server takes is approved, what it does not is rejected, so that helpers keep the right ones.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct CredentialHelper;

impl CredentialHelper {
    /// The helpers that `git` uses.
    #[must_use]
    pub fn new() -> Self {
        Self
    }
}

impl Credentials for CredentialHelper {
    fn credential(&self, asked: &Asked<'_>) -> Result<Option<Credential>, Error> {
        let answer = run("fill", &description(asked))?;
        let value = |key: &str| {
            answer
                .lines()
                .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
        };
        Ok(match (value("username"), value("password")) {
            (Some(user), Some(password)) => Some(Credential::basic(user, password)),
            _ => None,
        })
    }

    fn accepted(&self, asked: &Asked<'_>, credential: &Credential) {
        // A helper that fails to remember is asked again next time.
        let _ = tell("approve", asked, credential);
    }

    fn refused(&self, asked: &Asked<'_>, credential: &Credential) {
        let _ = tell("reject", asked, credential);
    }
}

fn tell(what: &str, asked: &Asked<'_>, credential: &Credential) -> Result<(), Error> {
    let Some((user, password)) = credential.as_basic() else {
        return Ok(());
    };
    if [user, password]
        .iter()
        .any(|text| text.contains(['\n', '\0']))
    {
        return Ok(());
    }
    let mut text = description(&Asked {
        user: Some(user),
        ..*asked
    });
    text.push_str(&format!("password={password}\n"));
    run(what, &text).map(drop)
}

/// In the form of `git credential` (`git-credential(1)`, "Input/Output Format").
fn description(asked: &Asked<'_>) -> Zeroizing<String> {
    let (protocol, host) = asked.origin.split_once("://").unwrap_or_default();
    let mut text = format!("protocol={protocol}\nhost={host}\n");
    if let Some(user) = asked.user {
        text.push_str(&format!("username={user}\n"));
    }
    Zeroizing::new(text)
}

fn run(what: &str, input: &str) -> Result<Zeroizing<String>, Error> {
    let failed = |error: std::io::Error| {
        Error::new(
            ErrorKind::NoProgram,
            format!("cannot run `git credential {what}`: {error}"),
        )
    };
    let mut child = Command::new("git")
        .args(["credential", what])
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_ASKPASS", "true")
        .env_remove("SSH_ASKPASS")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    if let Some(mut to) = child.stdin.take() {
        to.write_all(input.as_bytes()).map_err(failed)?;
    }
    let output = child.wait_with_output().map_err(failed)?;
    Ok(Zeroizing::new(
        String::from_utf8(output.stdout).unwrap_or_default(),
    ))
}
