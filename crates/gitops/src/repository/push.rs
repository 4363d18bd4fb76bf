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

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::{CommitId, Error, ErrorKind, Repository, branch};

/// How long a push, with all hooks it starts, may take.
pub const PUSH_TIMEOUT: Duration = Duration::from_secs(120);

/// How much of what git and the hooks print is kept.
const MAX_OUTPUT_BYTES: u64 = 64 * 1024;

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
    /// `destination`; [`ErrorKind::NoGitProgram`]; [`ErrorKind::TimedOut`] past [`PUSH_TIMEOUT`],
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
        let said = run(
            self.push_command(&destination, branch, tip, expected)?,
            PUSH_TIMEOUT,
        )?;
        if said.status.success() {
            return Ok(PushOutcome::Pushed);
        }
        match there.tip(branch)? {
            found if found != expected => Ok(PushOutcome::Moved { expected, found }),
            _ if said.is_refusal() => Ok(PushOutcome::Refused {
                reason: said.words(),
            }),
            _ => Err(Error::new(
                ErrorKind::Failed,
                format!("cannot push to {}: {}", destination.display(), said.words()),
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
            .arg(format!("{tip}:{name}"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Ok(command)
    }
}

/// What git printed, and how it ended.
#[derive(Debug)]
struct Said {
    status: ExitStatus,
    stdout: String,
    stderr: String,
}

impl Said {
    /// Whether git got as far as asking the destination: `--porcelain` has a line `!\t…` for a
    /// branch that was refused.
    fn is_refusal(&self) -> bool {
        self.stdout.lines().any(|line| line.starts_with("!\t"))
    }

    /// The hooks' lines and git's reason, without what every failed push says.
    fn words(&self) -> String {
        let hooks = self
            .stderr
            .lines()
            .filter_map(|line| line.strip_prefix("remote: "));
        let reasons = self
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
                self.stderr
                    .lines()
                    .map(str::trim)
                    .filter(|line| !line.is_empty()),
            );
        }
        lines.join("\n")
    }
}

fn run(mut command: Command, limit: Duration) -> Result<Said, Error> {
    let deadline = Instant::now() + limit;
    let mut child = command.spawn().map_err(|error| {
        let is_absent = error.kind() == std::io::ErrorKind::NotFound;
        let error = Error::io("cannot run the `git` program, which pushes", error);
        if is_absent {
            error.with_kind(ErrorKind::NoGitProgram).hint("install git")
        } else {
            error
        }
    })?;
    let stdout = collect(child.stdout.take());
    let stderr = collect(child.stderr.take());
    let (Ok(stdout), Ok(stderr)) = (until(&stdout, deadline), until(&stderr, deadline)) else {
        return Err(give_up(&mut child, limit));
    };
    let status = child
        .wait()
        .map_err(|error| Error::io("cannot wait for git", error))?;
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

fn give_up(child: &mut Child, limit: Duration) -> Error {
    let _ = child.kill();
    let _ = child.wait();
    Error::new(
        ErrorKind::TimedOut,
        format!("git push took longer than {} s", limit.as_secs()),
    )
    .hint("the destination's hooks; then look at its branch, which may have moved")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_never_ends_is_ended() {
        // Waits for a line on its standard input, which stays open and never gets one.
        let mut command = Command::new("git");
        command
            .args(["interpret-trailers", "--parse"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let error = run(command, Duration::ZERO).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error = run(Command::new("narae-no-such-program"), PUSH_TIMEOUT).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoGitProgram);
        assert!(error.to_string().contains("`git`"), "{error}");
    }
}
