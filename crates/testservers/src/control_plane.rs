//! etcd and kube-apiserver on loopback: the Kubernetes API as it is, without kubelets and controllers.
//!
//! Found as envtest finds them: `KUBEBUILDER_ASSETS`, then `PATH`. Ready in some three seconds. RBAC is
//! on; this side speaks as a member of `system:masters`.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::connection::Connection;
use crate::network::Network;
use crate::process::{Process, free_port};
use crate::program::{is_missing, program, skip};

/// Longest wait for a server that was started.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running API server with its etcd; both end with this value.
#[derive(Debug)]
pub struct ControlPlane {
    // INVARIANT: fields drop in this order, the API server before its etcd, the folder last.
    api: Process,
    _etcd: Process,
    network: Option<Network>,
    port: u16,
    /// Where etcd listens.
    store: String,
    folder: TempDir,
}

impl ControlPlane {
    /// The token of the administrator.
    pub const TOKEN: &str = "administrator-of-this-test";

    /// Starts both and waits until the API server is ready; `None` where they are not installed.
    #[must_use]
    pub fn start(what: &str) -> Option<Self> {
        Self::start_in(what, || Some(None))
    }

    /// As [`start`](Self::start), in a network of its own: its proxy reaches Services there, and only what
    /// [`command`](Self::command) runs reaches it.
    #[must_use]
    pub fn start_isolated(what: &str) -> Option<Self> {
        if is_missing(&["unshare", "nsenter", "ip"], what) {
            return None;
        }
        Self::start_in(what, || {
            let network = Network::start();
            if network.is_none() {
                skip("permission to make a network namespace", what);
            }
            network.map(Some)
        })
    }

    fn start_in(what: &str, network: impl Fn() -> Option<Option<Network>>) -> Option<Self> {
        if is_missing(&["etcd", "kube-apiserver", "kubectl", "openssl"], what) {
            return None;
        }
        // Another process may take a port between choosing and using it.
        for _ in 0..3 {
            let mut plane = Self::spawn(network()?);
            if plane.is_ready() {
                return Some(plane);
            }
            eprintln!("an API server did not start:\n{}", plane.api.output());
        }
        panic!("the API server does not start");
    }

    /// A file in the folder of this control plane.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The port it listens on, at 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A kubeconfig for the administrator.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.path("kubeconfig")
    }

    /// The certificate to trust, PEM.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.path("certificates/apiserver.crt")
    }

    /// Ends the API server as a crash would. What it stored stays.
    pub fn stop(&mut self) {
        self.api.end();
    }

    /// Starts it again where it was, and waits until it is ready.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn restart(&mut self) {
        self.api.end();
        self.api = start_api(&self.network, self.folder.path(), self.port, &self.store);
        assert!(self.is_ready(), "{}", self.api.output());
    }

    /// A command that can reach the API server. The process is the program itself.
    #[must_use]
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        command_in(&self.network, program.as_ref())
    }

    /// Asks kubectl again and again until it succeeds.
    ///
    /// # Panics
    ///
    /// If it does not within two minutes.
    pub fn wait_for(&self, arguments: &[&str]) {
        self.until(&format!("kubectl {arguments:?}"), || {
            self.try_kubectl(arguments, "").status.success()
        });
    }

    /// Asks again and again until the answer is yes. Ask by kubectl: a process each time takes long enough
    /// for this not to be a busy loop.
    ///
    /// # Panics
    ///
    /// If it is not within two minutes.
    pub fn until(&self, what: &str, yes: impl Fn() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !yes() {
            assert!(Instant::now() < end, "waited in vain for {what}");
        }
    }

    /// Runs kubectl as the administrator and returns what it printed.
    ///
    /// # Panics
    ///
    /// If kubectl fails.
    pub fn kubectl(&self, arguments: &[&str]) -> String {
        self.kubectl_with(arguments, "")
    }

    /// As [`kubectl`](Self::kubectl), with `input` to read.
    ///
    /// # Panics
    ///
    /// If kubectl fails.
    pub fn kubectl_with(&self, arguments: &[&str], input: &str) -> String {
        let output = self.try_kubectl(arguments, input);
        assert!(
            output.status.success(),
            "kubectl {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs kubectl as the administrator, whatever comes of it.
    #[must_use]
    pub fn try_kubectl(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = self
            .command(program("kubectl").unwrap())
            .args(arguments)
            .env("KUBECONFIG", self.kubeconfig())
            // Discovery is cached below the home.
            .env("HOME", self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It may end without reading; what it says then is the answer.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// A connection for many requests, as the administrator. One at a time: it has one socket.
    ///
    /// # Panics
    ///
    /// If `kubectl proxy` does not start.
    #[must_use]
    pub fn connect(&self) -> Connection {
        let socket = self.path("proxy.socket");
        // That of an earlier one is in the way.
        let _ = fs::remove_file(&socket);
        let proxy = Process::start(
            self.command(program("kubectl").unwrap())
                .arg("proxy")
                .arg(format!("--unix-socket={}", socket.display()))
                .env("KUBECONFIG", self.kubeconfig()),
            &self.path("proxy.log"),
        );
        Connection::new(proxy, &socket)
    }

    fn spawn(network: Option<Network>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let (port, client, peer) = (free_port(), free_port(), free_port());
        let client = format!("http://127.0.0.1:{client}");
        let etcd = Process::start(
            command_in(&network, &program("etcd").unwrap())
                .arg("--data-dir")
                .arg(path("etcd"))
                .args(["--listen-client-urls", &client])
                .args(["--advertise-client-urls", &client])
                .args(["--listen-peer-urls", &format!("http://127.0.0.1:{peer}")])
                // Its content ends with the test.
                .arg("--unsafe-no-fsync"),
            &path("etcd.log"),
        );
        make_service_account_key(&path("sa.key"));
        fs::write(
            path("tokens.csv"),
            format!("{},admin,admin,system:masters\n", Self::TOKEN),
        )
        .unwrap();
        let api = start_api(&network, folder.path(), port, &client);
        let plane = Self {
            api,
            _etcd: etcd,
            network,
            port,
            store: client,
            folder,
        };
        fs::write(plane.kubeconfig(), plane.kubeconfig_text()).unwrap();
        plane
    }

    fn kubeconfig_text(&self) -> String {
        let mut text = String::from("apiVersion: v1\nkind: Config\ncurrent-context: test\n");
        let _ = write!(
            text,
            "clusters:\n- name: test\n  cluster:\n    server: https://127.0.0.1:{}\n    certificate-authority: {:?}\n",
            self.port,
            self.certificate()
        );
        let _ = write!(
            text,
            "users:\n- name: admin\n  user: {{token: {}}}\n",
            Self::TOKEN
        );
        text.push_str("contexts:\n- name: test\n  context: {cluster: test, user: admin}\n");
        text
    }

    fn is_ready(&mut self) -> bool {
        let until = Instant::now() + PATIENCE;
        while self.api.is_running() && Instant::now() < until {
            // The certificate is written before the port is opened. A kubectl takes long enough
            // for this not to be a busy loop.
            if self
                .try_kubectl(&["get", "--raw", "/readyz"], "")
                .status
                .success()
            {
                return true;
            }
        }
        false
    }
}

fn start_api(network: &Option<Network>, folder: &Path, port: u16, store: &str) -> Process {
    let path = |name: &str| folder.join(name);
    let flag = |name: &str, file: &Path| format!("--{name}={}", file.display());
    Process::start(
        command_in(network, &program("kube-apiserver").unwrap())
            .arg(format!("--etcd-servers={store}"))
            .args(["--bind-address=127.0.0.1", "--allow-privileged=true"])
            // Else it looks for a default route, which a sandbox may not have.
            .arg(format!("--advertise-address={}", Network::ADDRESS))
            .arg(format!("--secure-port={port}"))
            .arg(flag("cert-dir", &path("certificates")))
            .arg(flag("token-auth-file", &path("tokens.csv")))
            .arg(flag("service-account-key-file", &path("sa.key")))
            .arg(flag("service-account-signing-key-file", &path("sa.key")))
            .arg("--service-account-issuer=https://kubernetes.default.svc.cluster.local")
            .args([
                "--authorization-mode=RBAC",
                "--service-cluster-ip-range=10.0.0.0/24",
            ])
            // Nobody makes the default ServiceAccount that it would ask for.
            .arg("--disable-admission-plugins=ServiceAccount"),
        &path("kube-apiserver.log"),
    )
}

fn command_in(network: &Option<Network>, program: &Path) -> Command {
    match network {
        Some(network) => network.command(program),
        None => Command::new(program),
    }
}

fn make_service_account_key(file: &Path) {
    let made = Command::new("openssl")
        .args(["genrsa", "-out"])
        .arg(file)
        .arg("2048")
        .output()
        .unwrap();
    assert!(made.status.success(), "openssl genrsa: {made:?}");
}
