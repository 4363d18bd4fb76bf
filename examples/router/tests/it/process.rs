//! The router's process.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use crate::client::Client;

pub(crate) struct Router {
    pub(crate) address: SocketAddr,
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Router {
    /// Starts the router on a free port and waits for its ready line.
    pub(crate) fn start(backends: &[(&str, SocketAddr, u32)], more: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_router"));
        command.args(["--listen", "127.0.0.1:0"]).args(more);
        for (name, address, weight) in backends {
            command.args(["--backend", &format!("{name}=http://{address}@{weight}")]);
        }
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut ready = String::new();
        stdout.read_line(&mut ready).unwrap();
        let address = ready.trim_end().strip_prefix("router listening on http://");
        let address = address.unwrap_or_else(|| panic!("no ready line but {ready:?}"));
        Self {
            address: address.parse().unwrap(),
            child,
            stdout,
        }
    }

    pub(crate) fn client(&self) -> Client {
        Client::connect(self.address)
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([&format!("-{name}"), &id])
                .status()
                .unwrap()
                .success()
        );
    }

    pub(crate) fn log_line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line
    }

    /// Exit code, what is left of stdout, stderr.
    pub(crate) fn wait(mut self) -> (Option<i32>, String, String) {
        let (mut out, mut err) = (String::new(), String::new());
        self.stdout.read_to_string(&mut out).unwrap();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut err)
            .unwrap();
        (self.child.wait().unwrap().code(), out, err)
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the router to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_router"))
        .args(arguments)
        .output()
        .unwrap()
}
