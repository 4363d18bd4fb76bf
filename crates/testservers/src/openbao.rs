//! OpenBao on loopback: a development server, unsealed, with a root token and a KV engine at `secret`; with TLS beside
//! plain HTTP where asked; or a durable one, whose content outlives its process.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::connection::Answer;
use crate::process::{Process, free_port};
use crate::program::{is_missing, program};

/// A running server.
#[derive(Debug)]
pub struct OpenBao {
    /// `None` between [`kill`](Self::kill) and [`restart`](Self::restart).
    // INVARIANT: dropped before the folder it runs in.
    process: Option<Process>,
    port: u16,
    tls_port: u16,
    token: String,
    /// What unseals a durable one.
    unseal_key: Option<String>,
    folder: TempDir,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Tls,
    Durable,
}

impl OpenBao {
    /// A development server over plain HTTP; `None` where it is not installed.
    #[must_use]
    pub fn start(what: &str) -> Option<Self> {
        Self::start_as(Kind::Plain, &["bao"], what)
    }

    /// As [`start`](Self::start), listening with TLS as well. Clients may show a certificate: [`Self::path`] has `ca.pem`,
    /// and `client.pem` and `client.key` signed by it.
    #[must_use]
    pub fn start_tls(what: &str) -> Option<Self> {
        Self::start_as(Kind::Tls, &["bao", "openssl"], what)
    }

    /// One that can be killed and started again. Takes some ten seconds to initialise.
    #[must_use]
    pub fn start_durable(what: &str) -> Option<Self> {
        Self::start_as(Kind::Durable, &["bao"], what)
    }

    fn start_as(kind: Kind, programs: &[&str], what: &str) -> Option<Self> {
        if is_missing(programs, what) {
            return None;
        }
        // Another process may take a port between choosing and using it.
        for _ in 0..3 {
            let mut server = Self {
                process: None,
                port: free_port(),
                tls_port: free_port(),
                // Root tokens of a development server must not look like issued ones (`s.…`).
                token: "root-of-this-test".to_owned(),
                unseal_key: None,
                folder: tempfile::tempdir().unwrap(),
            };
            if kind == Kind::Tls {
                make_certificates(server.folder.path());
            }
            fs::write(server.path("bao.hcl"), server.configuration(kind)).unwrap();
            if kind == Kind::Durable {
                server.unseal_key = Some(String::new());
            }
            server.launch();
            if !server.listens() {
                continue;
            }
            if kind == Kind::Durable {
                server.initialise();
            } else {
                server.wait_until_active();
            }
            return Some(server);
        }
        panic!("OpenBao does not start");
    }

    /// `http://127.0.0.1:…`
    #[must_use]
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// `https://127.0.0.1:…`, of [`start_tls`](Self::start_tls).
    #[must_use]
    pub fn tls_address(&self) -> String {
        format!("https://127.0.0.1:{}", self.tls_port)
    }

    /// A token that may do everything.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// A file in its folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A request as root: `GET`, `sys/health`, JSON.
    ///
    /// # Panics
    ///
    /// If it does not answer.
    #[must_use]
    pub fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        self.try_ask(method, path, body).unwrap()
    }

    /// As [`ask`](Self::ask); it must be done.
    ///
    /// # Panics
    ///
    /// If the status is not one of success.
    pub fn must(&self, method: &str, path: &str, body: &str) -> String {
        let answer = self.ask(method, path, body);
        assert!(
            (200..300).contains(&answer.status),
            "{method} {path}: {answer:?}"
        );
        answer.body
    }

    /// Mounts a KV engine of a version (1 or 2) and returns when it takes writes.
    ///
    /// # Panics
    ///
    /// If it cannot.
    pub fn mount_kv(&self, mount: &str, version: u8) {
        let body = format!(r#"{{"type":"kv","options":{{"version":"{version}"}}}}"#);
        self.must("POST", &format!("sys/mounts/{mount}"), &body);
        if version == 2 {
            // It upgrades itself in the background; until then it answers 400.
            self.until("the KV engine", || {
                let status = self
                    .ask("GET", &format!("{mount}/metadata/?list=true"), "")
                    .status;
                status == 404 || status == 200
            });
        }
    }

    /// Asks again and again until the answer is yes.
    ///
    /// # Panics
    ///
    /// If it is not within two minutes.
    pub fn until(&self, what: &str, yes: impl FnMut() -> bool) {
        until(what, yes);
    }

    /// Ends the process at once, as a crash would.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Starts a durable one again, at the same address with the same content, and unseals it.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn restart(&mut self) {
        self.launch();
        assert!(self.listens(), "OpenBao does not start again");
        self.unseal();
        self.wait_until_active();
    }

    fn try_ask(&self, method: &str, path: &str, body: &str) -> std::io::Result<Answer> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(120)))?;
        // HTTP/1.0: the answer ends with the connection, and never comes in chunks.
        let kind = match method {
            "PATCH" => "application/merge-patch+json",
            _ => "application/json",
        };
        write!(
            stream,
            "{method} /v1/{path} HTTP/1.0\r\nHost: localhost\r\nX-Vault-Token: {}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
            self.token,
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        Ok(Answer {
            status: status.unwrap_or(0),
            body: body.to_owned(),
        })
    }

    fn launch(&mut self) {
        let mut command = Command::new(program("bao").unwrap());
        command
            .arg("server")
            .arg(format!("-config={}", self.path("bao.hcl").display()));
        if self.unseal_key.is_none() {
            command
                .args(["-dev", "-dev-no-store-token"])
                .arg(format!("-dev-root-token-id={}", self.token))
                .arg(format!("-dev-listen-address=127.0.0.1:{}", self.port));
        }
        command
            .env("HOME", self.folder.path())
            .current_dir(self.folder.path());
        self.process = Some(Process::start(&mut command, &self.path("bao.log")));
    }

    /// Whether it answers at all, before it ends.
    fn listens(&mut self) -> bool {
        loop {
            if self
                .try_ask("GET", "sys/health", "")
                .is_ok_and(|answer| answer.status != 0)
            {
                return true;
            }
            if !self.process.as_mut().is_some_and(Process::is_running) {
                eprintln!(
                    "OpenBao did not start:\n{}",
                    fs::read_to_string(self.path("bao.log")).unwrap()
                );
                return false;
            }
            // Only the time between two looks.
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn wait_until_active(&self) {
        until("OpenBao to be active", || {
            self.try_ask("GET", "sys/health", "")
                .is_ok_and(|answer| answer.status == 200)
        });
    }

    fn initialise(&mut self) {
        let shares = r#"{"secret_shares":1,"secret_threshold":1}"#;
        let made = self.must("POST", "sys/init", shares);
        let text = |after: &str| {
            let (_, rest) = made.split_once(after).unwrap();
            rest.split('"').next().unwrap().to_owned()
        };
        self.unseal_key = Some(text(r#""keys":[""#));
        self.token = text(r#""root_token":""#);
        self.unseal();
        self.wait_until_active();
        self.mount_kv("secret", 2);
    }

    fn unseal(&self) {
        let key = self.unseal_key.as_deref().unwrap();
        self.must("POST", "sys/unseal", &format!(r#"{{"key":"{key}"}}"#));
    }

    fn configuration(&self, kind: Kind) -> String {
        let listener = |port: u16, rest: &str| {
            format!("listener \"tcp\" {{\n address = \"127.0.0.1:{port}\"\n{rest}\n}}\n")
        };
        let path = |name: &str| self.path(name).display().to_string();
        match kind {
            Kind::Plain => String::new(),
            Kind::Tls => listener(
                self.tls_port,
                &format!(
                    " tls_cert_file = \"{}\"\n tls_key_file = \"{}\"",
                    path("server.pem"),
                    path("server.key")
                ),
            ),
            Kind::Durable => format!(
                "storage \"raft\" {{\n path = \"{}\"\n node_id = \"one\"\n}}\n{}api_addr = \"{}\"\ncluster_addr = \"http://127.0.0.1:{}\"\n",
                self.folder.path().display(),
                listener(self.port, " tls_disable = true"),
                self.address(),
                self.tls_port
            ),
        }
    }
}

fn until(what: &str, mut yes: impl FnMut() -> bool) {
    let end = std::time::Instant::now() + Duration::from_secs(120);
    while !yes() {
        assert!(std::time::Instant::now() < end, "waited in vain for {what}");
        // Only the time between two looks.
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// An authority, a server for 127.0.0.1 and a client called `client.example`.
fn make_certificates(folder: &Path) {
    let openssl = |arguments: &str| {
        let made = Command::new("openssl")
            .args(arguments.split(' '))
            .current_dir(folder)
            .output()
            .unwrap();
        assert!(made.status.success(), "openssl {arguments}: {made:?}");
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    openssl(&format!(
        "req -x509 {key} -subj /CN=authority -days 2 -keyout ca.key -out ca.pem"
    ));
    for (name, host, extensions) in [
        (
            "server",
            "localhost",
            "subjectAltName=IP:127.0.0.1,DNS:localhost",
        ),
        (
            "client",
            "client.example",
            "subjectAltName=DNS:client.example\nextendedKeyUsage=clientAuth",
        ),
    ] {
        fs::write(folder.join(format!("{name}.ext")), extensions).unwrap();
        openssl(&format!(
            "req {key} -subj /CN={host} -keyout {name}.key -out {name}.csr"
        ));
        openssl(&format!(
            "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile {name}.ext -out {name}.pem"
        ));
    }
}
