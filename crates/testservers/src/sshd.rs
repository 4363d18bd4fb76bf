//! `sshd` for this user alone, with keys of its own, on a free port of loopback.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::git_daemon::started;
use crate::process::{Process, free_port};
use crate::program::{is_missing, skip};

/// A running `sshd`.
#[derive(Debug)]
pub struct Sshd {
    // INVARIANT: dropped before the folder its files are in.
    process: Process,
    command: Command,
    port: u16,
    user: String,
    folder: TempDir,
}

impl Sshd {
    /// Starts it with further lines of configuration (`sshd_config(5)`). `None`, with a line on standard
    /// error, where there is no OpenSSH.
    #[must_use]
    pub fn start(configuration: &str, skipped: &str) -> Option<Self> {
        let program = Path::new("/usr/sbin/sshd");
        if !program.is_file() {
            skip("/usr/sbin/sshd", skipped);
            return None;
        }
        if is_missing(&["ssh", "ssh-keygen", "id"], skipped) {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        for name in ["host", "user", "stranger"] {
            keygen(&file(name));
        }
        let (port, id) = (free_port(), |flag| {
            let output = Command::new("id").arg(flag).output().unwrap();
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        });
        if id("-u") == "0" {
            // Where the server gives its rights away; Debian makes it when it boots.
            let _ = fs::create_dir_all("/run/sshd");
        }
        let user_key = fs::read_to_string(file("user.pub")).unwrap();
        fs::write(file("authorized"), user_key).unwrap();
        let host_key = fs::read_to_string(file("host.pub")).unwrap();
        fs::write(
            file("known_hosts"),
            format!("[127.0.0.1]:{port} {host_key}"),
        )
        .unwrap();
        let text = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\n\
             UsePAM no\nUseDNS no\nStrictModes no\nPasswordAuthentication no\nMaxStartups 100\nPrintMotd no\n\
             KexAlgorithms curve25519-sha256\n{configuration}",
            file("host").display(),
            file("authorized").display(),
        );
        fs::write(file("sshd_config"), text).unwrap();
        let mut command = Command::new(program);
        command.args(["-D", "-e", "-f"]).arg(file("sshd_config"));
        Some(Self {
            process: started(&mut command, &file("sshd.log"), port),
            command,
            port,
            user: id("-un"),
            folder,
        })
    }

    /// The address of a repository at an absolute path.
    #[must_use]
    pub fn address(&self, path: &Path) -> String {
        self.address_at(self.port, path)
    }

    /// The same through what listens on another port.
    #[must_use]
    pub fn address_at(&self, port: u16, path: &Path) -> String {
        format!("ssh://{}@127.0.0.1:{port}{}", self.user, path.display())
    }

    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The file with its host key.
    #[must_use]
    pub fn known_hosts(&self) -> PathBuf {
        self.folder.path().join("known_hosts")
    }

    /// A file that knows a host at `port` by the key in `key.pub` of its folder: `host`, or another's, `stranger`.
    #[must_use]
    pub fn known_hosts_at(&self, port: u16, key: &str) -> PathBuf {
        let file = self.folder.path().join(format!("known_hosts-{port}-{key}"));
        let key = fs::read_to_string(self.folder.path().join(format!("{key}.pub"))).unwrap();
        fs::write(&file, format!("[127.0.0.1]:{port} {key}")).unwrap();
        file
    }

    /// The private key it lets in.
    #[must_use]
    pub fn identity(&self) -> PathBuf {
        self.folder.path().join("user")
    }

    /// A private key it does not let in.
    #[must_use]
    pub fn stranger(&self) -> PathBuf {
        self.folder.path().join("stranger")
    }

    /// Kills it and starts it again on the same port. What it serves to somebody at that moment goes on.
    pub fn restart(&mut self) {
        self.process.end();
        let log = self.folder.path().join("sshd.log");
        self.process = started(&mut self.command, &log, self.port);
    }

    /// What it printed so far.
    #[must_use]
    pub fn output(&self) -> String {
        self.process.output()
    }
}

fn keygen(file: &Path) {
    let output = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "narae test", "-f"])
        .arg(file)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}
