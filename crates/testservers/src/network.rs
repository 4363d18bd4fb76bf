//! A network namespace with loopback and one more address, for servers that refuse to talk to loopback:
//! the API server's proxy does. Nothing outside can be reached from it, nor it from outside.
//!
//! Needs `unshare` and `nsenter` of util-linux and `ip` of iproute2, and a kernel that lets this user make
//! namespaces.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

/// Made by one process that waits for its standard input to end: it ends with this value, and with the
/// test's process however that ends.
#[derive(Debug)]
pub(crate) struct Network {
    holder: Child,
}

impl Network {
    /// An address of this network that is not loopback: TEST-NET-1 of RFC 5737.
    pub(crate) const ADDRESS: &str = "192.0.2.1";

    /// `None` where namespaces are not allowed.
    pub(crate) fn start() -> Option<Self> {
        let script = format!(
            "ip link set lo up && ip address add {}/32 dev lo && mount -t tmpfs tmpfs /run && echo ready && exec cat",
            Self::ADDRESS
        );
        let mut holder = Command::new("unshare")
            .args(["--map-root-user", "--mount", "--net", "sh", "-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let mut line = String::new();
        let _ = BufReader::new(holder.stdout.take()?).read_line(&mut line);
        let network = Self { holder };
        (line == "ready\n").then_some(network)
    }

    /// A command that runs in it. The process is the program itself.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--target={}", self.holder.id()))
            .args(["--user", "--mount", "--net", "--preserve-credentials", "--"])
            .arg(program);
        command
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
