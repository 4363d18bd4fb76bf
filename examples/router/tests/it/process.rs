//! The router's process.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use serde_json::Value;

use crate::client::{Client, Message};

pub(crate) struct Router {
    pub(crate) address: SocketAddr,
    admin: Option<SocketAddr>,
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
        let address = address.parse().unwrap();
        Self {
            address,
            admin: None,
            child,
            stdout,
        }
    }

    /// Serves files, on these ports of their gateways and with an admin port; `address` is the first's.
    pub(crate) fn serving(config: &[&Path], ports: &[u16], more: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_router"));
        command.arg("--config").args(config);
        command.args(["--admin", "127.0.0.1:0"]).args(more);
        if !more.contains(&"--watch") {
            command.args(["--watch", "3600"]);
        }
        for port in ports {
            command.args(["--listen", &format!("{port}=127.0.0.1:0")]);
        }
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut addresses: Vec<SocketAddr> = Vec::new();
        for _ in 0..=ports.len() {
            let mut line = String::new();
            stdout.read_line(&mut line).unwrap();
            let (_, address) = line.trim_end().rsplit_once('/').unwrap_or_else(|| {
                let mut said = String::new();
                child
                    .stderr
                    .take()
                    .unwrap()
                    .read_to_string(&mut said)
                    .unwrap();
                panic!("no ready line but {line:?}: {said}")
            });
            addresses.push(address.parse().unwrap());
        }
        let admin = addresses.pop();
        Self {
            address: addresses[0],
            admin,
            child,
            stdout,
        }
    }

    /// Asks the admin port.
    pub(crate) fn admin(&self, method: &str, target: &str) -> Message {
        self.admin_client()
            .send(format!(
                "{method} {target} HTTP/1.1\r\nhost: localhost\r\nx-router-admin: test\r\n\r\n"
            ))
            .receive()
    }

    pub(crate) fn admin_address(&self) -> SocketAddr {
        self.admin.unwrap()
    }

    pub(crate) fn admin_client(&self) -> Client {
        Client::connect(self.admin.unwrap())
    }

    /// What the admin port says of the one service.
    pub(crate) fn state(&self) -> Value {
        let state: Value = serde_json::from_slice(&self.admin("GET", "/state").body).unwrap();
        state["services"][0].clone()
    }

    /// Reads stdout in a thread from here on, so that a busy router is not held up; nothing of it is kept.
    pub(crate) fn ignore_log(&mut self) {
        let empty = Command::new("true")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
            .stdout
            .unwrap();
        let mut stdout = std::mem::replace(&mut self.stdout, BufReader::new(empty));
        std::thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
    }

    pub(crate) fn client(&self) -> Client {
        Client::connect(self.address)
    }

    /// How much memory it holds, in bytes.
    pub(crate) fn memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = resident.unwrap().trim().strip_suffix(" kB").unwrap();
        kibibytes.parse::<usize>().unwrap() << 10
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
