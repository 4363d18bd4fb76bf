//! `git daemon`, which serves every repository of a folder over TCP to whoever asks, pushes included.

use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::process::{Process, free_port};
use crate::program::skip;

/// A running `git daemon`.
#[derive(Debug)]
pub struct GitDaemon {
    process: Process,
    command: Command,
    log: PathBuf,
    port: u16,
}

impl GitDaemon {
    /// Serves the repositories in `folder`; its log goes to the file `log`. `None`, with a line on standard
    /// error, where git has no daemon.
    #[must_use]
    pub fn start(folder: &Path, log: &Path, skipped: &str) -> Option<Self> {
        // Not `git daemon`: that would stay between, and leave the daemon behind.
        let Some(program) = git_program("git-daemon") else {
            skip("git daemon", skipped);
            return None;
        };
        let port = free_port();
        let mut command = Command::new(program);
        command
            .args(["--export-all", "--enable=receive-pack", "--reuseaddr"])
            .args(["--informative-errors", "--listen=127.0.0.1"])
            .arg("--max-connections=200")
            .arg(format!("--port={port}"))
            .arg(format!("--base-path={}", folder.display()))
            .envs([
                ("GIT_CONFIG_GLOBAL", "/dev/null"),
                ("GIT_CONFIG_SYSTEM", "/dev/null"),
            ]);
        Some(Self {
            process: started(&mut command, log, port),
            command,
            log: log.to_owned(),
            port,
        })
    }

    /// The address of the repository `name` of the folder.
    #[must_use]
    pub fn address(&self, name: &str) -> String {
        self.address_at(self.port, name)
    }

    /// The same through what listens on another port.
    #[must_use]
    pub fn address_at(&self, port: u16, name: &str) -> String {
        format!("git://127.0.0.1:{port}/{name}")
    }

    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Kills it and starts it again on the same port. What it serves to somebody at that moment goes on.
    pub fn restart(&mut self) {
        self.process.end();
        self.process = started(&mut self.command, &self.log, self.port);
    }

    /// What it printed so far.
    #[must_use]
    pub fn output(&self) -> String {
        self.process.output()
    }
}

/// `command`, which listens on `port` when this returns.
pub(crate) fn started(command: &mut Command, log: &Path, port: u16) -> Process {
    let mut process = Process::start(command, log);
    wait_for(port, &mut process);
    process
}

/// A program in git's own folder.
pub(crate) fn git_program(name: &str) -> Option<PathBuf> {
    let output = Command::new("git").arg("--exec-path").output().ok()?;
    let folder = String::from_utf8(output.stdout).ok()?;
    let program = Path::new(folder.trim_end()).join(name);
    program.is_file().then_some(program)
}

/// Returns when something listens on `port`; fails when `process` ends before.
pub(crate) fn wait_for(port: u16, process: &mut Process) {
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        assert!(process.is_running(), "{}", process.output());
        // Only the time between two looks.
        std::thread::sleep(Duration::from_millis(10));
    }
}
