//! Pushing a branch to another repository on this machine.
//!
//! The `git` program does it, because libgit2's local transport runs no hooks and tells of a refusal
//! only through a callback: a protected branch would look like a success. git checks
//! connectivity, quarantines the objects until the hooks agree, and moves the branch by
//! compare-and-swap (`--force-with-lease` with the expected tip; that the push is a fast-forward
//! is checked here before, so nothing is ever overwritten).
//!
//! git runs with the configuration of the two repositories alone: not the user's, not the
//! system's, none of the caller's `GIT_*` variables, and with no way to ask for a password.
//! Whether a refusal is a lost race is decided by looking at the destination's tip again, not by
//! the words of the refusal.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::process::{self, Said};
use super::{CommitId, Error, ErrorKind, Repository, branch};

/// How long a push, with all hooks it starts, may take.
pub const PUSH_TIMEOUT: Duration = Duration::from_secs(120);

/// How a push ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub enum PushOutcome {
    /// The destination's branch stands at this repository's tip now.
    Pushed,
    /// It stood there before.
    AlreadyThere,
    /// The destination's branch is not where it was expected; nothing was changed there.
    Moved {
        /// Where it was expected.
        expected: Option<CommitId>,
        /// Where it is.
        found: Option<CommitId>,
    },
    /// The destination, or one of its hooks, said no; nothing was changed there.
    Refused {
        /// In its own words, line by line; not to be parsed.
        reason: String,
    },
}

impl Repository {
    /// Pushes `branch` to the branch of the same name in the repository at `destination`, if that
    /// stands at `expected` (`None`: does not exist there) and the push is a fast-forward.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] when the branch does not exist here or there is no repository at
    /// `destination`; [`ErrorKind::NoProgram`]; [`ErrorKind::TimedOut`] past [`PUSH_TIMEOUT`],
    /// when the push may or may not have happened; [`ErrorKind::Failed`] with git's words.
    pub fn push(
        &self,
        destination: impl AsRef<Path>,
        branch: &str,
        expected: Option<CommitId>,
    ) -> Result<PushOutcome, Error> {
        let destination = std::path::absolute(destination.as_ref())
            .map_err(|error| Error::io("cannot tell where the destination is", error))?;
        let there = Self::open(&destination)?;
        let Some(tip) = self.tip(branch)? else {
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("there is no branch `{branch}` to push"),
            ));
        };
        let found = there.tip(branch)?;
        if found == Some(tip) {
            return Ok(PushOutcome::AlreadyThere);
        }
        if found != expected {
            return Ok(PushOutcome::Moved { expected, found });
        }
        if let Some(expected) = expected
            && !self.descends(tip, expected)?
        {
            let reason =
                format!("{tip} does not descend from {expected}, where `{branch}` stands there");
            return Ok(PushOutcome::Refused { reason });
        }
        let command = self.push_command(&destination, branch, tip, expected)?;
        let said = process::run(command, &[], PUSH_TIMEOUT).map_err(explained)?;
        if said.status.success() {
            return Ok(PushOutcome::Pushed);
        }
        match there.tip(branch)? {
            found if found != expected => Ok(PushOutcome::Moved { expected, found }),
            _ if is_refusal(&said) => Ok(PushOutcome::Refused {
                reason: words(&said),
            }),
            _ => Err(Error::new(
                ErrorKind::Failed,
                format!("cannot push to {}: {}", destination.display(), words(&said)),
            )),
        }
    }

    fn descends(&self, tip: CommitId, from: CommitId) -> Result<bool, Error> {
        let git = self.git();
        if git.find_commit(from.object()).is_err() {
            // A commit that is not here cannot be an ancestor of one whose history is.
            return Ok(false);
        }
        git.graph_descendant_of(tip.object(), from.object())
            .map_err(|error| Error::git("cannot compare the two tips", error))
    }

    fn push_command(
        &self,
        destination: &Path,
        branch: &str,
        tip: CommitId,
        expected: Option<CommitId>,
    ) -> Result<Command, Error> {
        let name = branch::reference_name(branch)?;
        // An empty expectation means that the branch must not exist.
        let lease = expected
            .map(|expected| expected.to_string())
            .unwrap_or_default();
        let mut command = Command::new("git");
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with("GIT_") {
                command.env_remove(variable);
            }
        }
        command
            .envs([
                ("GIT_CONFIG_NOSYSTEM", "1"),
                ("GIT_CONFIG_SYSTEM", "/dev/null"),
                ("GIT_CONFIG_GLOBAL", "/dev/null"),
                ("GIT_ALLOW_PROTOCOL", "file"),
                ("GIT_TERMINAL_PROMPT", "0"),
                ("LC_ALL", "C"),
            ])
            .arg("--git-dir")
            .arg(self.path())
            .args(["push", "--porcelain", "--atomic"])
            .arg(format!("--force-with-lease={name}:{lease}"))
            .arg("--")
            .arg(destination)
            .arg(format!("{tip}:{name}"));
        Ok(command)
    }
}

/// Whether git got as far as asking the destination: `--porcelain` has a line `!\t…` for a branch
/// that was refused.
fn is_refusal(said: &Said) -> bool {
    said.stdout.lines().any(|line| line.starts_with("!\t"))
}

/// The hooks' lines and git's reason, without what every failed push says.
fn words(said: &Said) -> String {
    let hooks = said
        .stderr
        .lines()
        .filter_map(|line| line.strip_prefix("remote: "));
    let reasons = said
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix("!\t"));
    let reasons = reasons
        .filter_map(|line| line.split_once('\t'))
        .map(|(_, reason)| reason);
    let mut lines: Vec<&str> = hooks
        .chain(reasons)
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    if lines.is_empty() {
        lines.extend(
            said.stderr
                .lines()
                .map(str::trim)
                .filter(|line| !line.is_empty()),
        );
    }
    lines.join("\n")
}

fn explained(error: Error) -> Error {
    match error.kind() {
        ErrorKind::NoProgram => error.hint("install git"),
        ErrorKind::TimedOut => {
            error.hint("the destination's hooks; then look at its branch, which may have moved")
        }
        _ => error,
    }
}
