//! The system's `ssh` program: its keys, agents, configuration and known hosts, and nothing of them here.
//!
//! It never asks (`BatchMode`), and never takes a host it does not know (`StrictHostKeyChecking=yes`),
//! whatever the user's configuration says.

use std::path::PathBuf;
use std::process::Command;

use super::super::error::{Error, ErrorKind};
use super::super::watch::Watch;
use super::Service;
use super::program::Program;

/// How `ssh` is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshOptions {
    program: PathBuf,
    known_hosts: Option<PathBuf>,
    identity: Option<PathBuf>,
    configuration: Option<PathBuf>,
}

impl SshOptions {
    /// The `ssh` on `PATH`, with the user's configuration.
    #[must_use]
    pub fn new() -> Self {
        Self {
            program: "ssh".into(),
            known_hosts: None,
            identity: None,
            configuration: None,
        }
    }

    /// Another program that takes OpenSSH's options.
    #[must_use]
    pub fn with_program(self, program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            ..self
        }
    }

    /// The file of host keys, in place of the user's and the system's.
    #[must_use]
    pub fn with_known_hosts(self, file: impl Into<PathBuf>) -> Self {
        Self {
            known_hosts: Some(file.into()),
            ..self
        }
    }

    /// The only private key that is offered.
    #[must_use]
    pub fn with_identity(self, file: impl Into<PathBuf>) -> Self {
        Self {
            identity: Some(file.into()),
            ..self
        }
    }

    /// The configuration file, in place of the user's and the system's; `/dev/null` for none.
    #[must_use]
    pub fn with_configuration(self, file: impl Into<PathBuf>) -> Self {
        Self {
            configuration: Some(file.into()),
            ..self
        }
    }
}

impl Default for SshOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// Where to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target<'a> {
    pub(super) user: Option<&'a str>,
    pub(super) host: &'a str,
    pub(super) port: Option<u16>,
    pub(super) path: &'a str,
    /// Whether a shell runs the command there.
    pub(super) has_shell: bool,
}

pub(super) fn open(
    target: &Target<'_>,
    options: &SshOptions,
    service: Service,
    watch: &Watch,
) -> Result<Program, Error> {
    let mut command = Command::new(&options.program);
    // Past the deadline, which is told as such.
    let timeout = watch.remaining()?.as_secs().saturating_add(1);
    if let Some(file) = &options.configuration {
        command.arg("-F").arg(file);
    }
    for option in [
        "BatchMode=yes",
        "StrictHostKeyChecking=yes",
        "ForwardAgent=no",
        "ForwardX11=no",
        "ClearAllForwardings=yes",
        &format!("ConnectTimeout={timeout}"),
    ] {
        command.arg("-o").arg(option);
    }
    if let Some(file) = &options.known_hosts {
        let file = quoted_option(file);
        command.arg("-o").arg(format!("UserKnownHostsFile={file}"));
        command.arg("-o").arg("GlobalKnownHostsFile=/dev/null");
    }
    if let Some(file) = &options.identity {
        command.args(["-o", "IdentitiesOnly=yes", "-i"]).arg(file);
    }
    if let Some(port) = target.port {
        command.arg("-p").arg(port.to_string());
    }
    let host = target.host.trim_start_matches('[').trim_end_matches(']');
    let at = match target.user {
        Some(user) => format!("{user}@{host}"),
        None => host.to_owned(),
    };
    let mut remote = format!("{} {}", service.name(), quoted(target.path));
    if service == Service::UploadPack {
        // Forges take the variable; a plain sshd drops it, but has a shell that can set it.
        command
            .env("GIT_PROTOCOL", "version=2")
            .args(["-o", "SendEnv=GIT_PROTOCOL"]);
        if target.has_shell {
            remote = format!("GIT_PROTOCOL=version=2 {remote}");
        }
    }
    command.arg("--").arg(at).arg(remote);
    Ok(Program::start(&mut command, understand, watch)?.expendable())
}

/// One word to the shell at the other end.
fn quoted(path: &str) -> String {
    format!("'{}'", path.replace('\'', r"'\''").replace('!', r"'\!'"))
}

/// One word to ssh's option reader.
fn quoted_option(file: &std::path::Path) -> String {
    format!("\"{}\"", file.display())
}

/// What `ssh` and the far end's git say, which exit codes do not tell apart.
fn understand(words: &str, error: Error) -> Error {
    let has = |phrases: &[&str]| phrases.iter().any(|phrase| words.contains(phrase));
    if words.is_empty() {
        return error;
    }
    if let Some(changed) = changed(words) {
        return changed;
    }
    if has(&["Host key verification failed", "host key is known"]) {
        Error::new(ErrorKind::Untrusted, words)
            .hint("add the host's key to the known hosts, after comparing it with the one its operator publishes")
    } else if has(&["Permission denied", "Too many authentication failures"]) {
        Error::new(ErrorKind::Unauthorized, words)
    } else if has(&[
        "Could not resolve hostname",
        "Connection refused",
        "Connection timed out",
        "No route to host",
        "Network is unreachable",
    ]) {
        Error::new(ErrorKind::Unreachable, words)
    } else if has(&[
        "does not appear to be a git repository",
        "epository not found",
        "does not exist",
    ]) {
        Error::new(ErrorKind::NotFound, words)
    } else {
        Error::new(error.kind(), words)
    }
}

/// What is said of a host whose key is not the one that is known, without the banner.
fn changed(words: &str) -> Option<Error> {
    let _ = words.find("REMOTE HOST IDENTIFICATION HAS CHANGED")?;
    let shown = words.lines().find(|line| line.starts_with("SHA256:"))?;
    let known = words
        .lines()
        .find_map(|line| line.strip_prefix("Offending "))?;
    let shown = shown.trim_end_matches('.');
    let message =
        format!("the host shows another key than the known one: {shown}, and known is the {known}");
    let hint = "whether its operator publishes that key; somebody may stand between. If it does, put it in the known one's place";
    Some(Error::new(ErrorKind::Untrusted, message).hint(hint))
}
