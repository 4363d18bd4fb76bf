//! Argo CD: Redis, repository server, application controller and API server, on a [`Cluster`] that it
//! deploys to, called `here`.
//!
//! It never looks at a repository by itself: only when it is asked to refresh, or told by a webhook. Users and
//! tokens are as in production; nothing is encrypted. All of it listens on loopback, but for the controller's
//! metrics, which cannot be told where to.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::cluster::Cluster;
use crate::connection::Answer;
use crate::control_plane::ControlPlane;
use crate::git_daemon::wait_for;
use crate::http;
use crate::process::{Process, free_port};
use crate::program::{is_missing, program, skip};

const SETTINGS: &str = include_str!("../data/argocd.yaml");
const PASSWORD: &str = "password-of-this-test";

/// A running Argo CD with two users: the administrator, and `ci`, who may look, and sync applications called `by-hand`.
#[derive(Debug)]
pub struct ArgoCd {
    // INVARIANT: dropped before what they talk to.
    server: Process,
    controller: Process,
    repositories: Process,
    _redis: Process,
    port: u16,
    token: String,
    _folder: TempDir,
    /// What it runs on and deploys to.
    pub cluster: Cluster,
}

impl ArgoCd {
    /// What webhooks that look like GitHub's, GitLab's or Gitea's prove themselves by.
    pub const WEBHOOK_SECRET: &str = "webhook-secret-of-this-test";

    /// Starts a cluster and Argo CD, and waits until it answers; `None` where something is not installed.
    #[must_use]
    pub fn start(what: &str) -> Option<Self> {
        if is_missing(&["argocd", "redis-server", "git"], what) {
            return None;
        }
        // Its custom resources, which the script that built it put beside it.
        let program = program("argocd")?.canonicalize().unwrap();
        let crds = program.with_file_name("crds");
        if !crds.is_dir() {
            skip("`crds` beside `argocd`", what);
            return None;
        }
        let cluster = Cluster::start(what)?;
        prepare(&cluster.plane, &program, &crds);
        let folder = tempfile::tempdir().unwrap();
        let roles = Roles::new(&program, folder.path(), &cluster.plane);
        let (redis, redis_port) = roles.redis();
        let (repositories, repositories_port) = roles.repositories(redis_port);
        let controller = roles.controller(redis_port, repositories_port);
        let (server, port) = roles.server(redis_port, repositories_port);
        let token = token_of_ci(port);
        Some(Self {
            server,
            controller,
            repositories,
            _redis: redis,
            port,
            token,
            _folder: folder,
            cluster,
        })
    }

    /// `http://127.0.0.1:…`
    #[must_use]
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The token of `ci`.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// A request to its API, as `ci`: `GET`, `applications/shop`.
    #[must_use]
    pub fn ask(&self, method: &str, path: &str) -> Answer {
        let path = format!("/api/v1/{path}");
        http::ask(self.port, method, &path, &bearer(&self.token), "")
    }

    /// What it printed so far, warnings only.
    #[must_use]
    pub fn output(&self) -> String {
        let parts = [&self.server, &self.controller, &self.repositories];
        parts.map(Process::output).concat()
    }
}

/// What has to be there before it starts.
fn prepare(plane: &ControlPlane, program: &Path, crds: &Path) {
    let apply = ["apply", "--server-side", "-f"];
    for crd in ["application", "appproject", "applicationset"] {
        let file = crds.join(format!("{crd}-crd.yaml"));
        plane.kubectl(&[&apply[..], &[file.to_str().unwrap()]].concat());
    }
    // It fails on one that has no conditions yet.
    let established = ["wait", "--for=condition=Established", "--timeout=60s"];
    let crds = ["applications", "appprojects", "applicationsets"]
        .map(|name| format!("customresourcedefinition/{name}.argoproj.io"));
    let crds: Vec<&str> = crds.iter().map(String::as_str).collect();
    plane.wait_for(&[&established[..], &crds].concat());

    let hash = Command::new(program)
        .args(["account", "bcrypt", "--password", PASSWORD])
        .output()
        .unwrap();
    assert!(hash.status.success(), "{hash:?}");
    let hash = String::from_utf8(hash.stdout).unwrap();
    let settings = SETTINGS
        .replace("PASSWORD_HASH", hash.trim())
        .replace("WEBHOOK_SECRET", ArgoCd::WEBHOOK_SECRET)
        .replace("API_PORT", &plane.port().to_string())
        .replace("API_TOKEN", ControlPlane::TOKEN);
    plane.kubectl_with(&[&apply[..], &["-"]].concat(), &settings);
}

/// How its processes are started: one program, told by its name what it is.
struct Roles<'a> {
    program: &'a Path,
    folder: &'a Path,
    plane: &'a ControlPlane,
}

impl<'a> Roles<'a> {
    fn new(program: &'a Path, folder: &'a Path, plane: &'a ControlPlane) -> Self {
        // Where it looks for what people configure; empty, and not the machine's.
        for name in ["tls", "ssh", "tmp"] {
            fs::create_dir(folder.join(name)).unwrap();
        }
        Self {
            program,
            folder,
            plane,
        }
    }

    fn redis(&self) -> (Process, u16) {
        let port = free_port();
        let mut command = Command::new(program("redis-server").unwrap());
        command
            .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
            .args(["--save", "", "--dir"])
            .arg(self.folder);
        let mut process = Process::start(&mut command, &self.log("redis"));
        wait_for(port, &mut process);
        (process, port)
    }

    fn repositories(&self, redis: u16) -> (Process, u16) {
        let port = free_port();
        let mut command = self.command("argocd-repo-server", redis);
        listening(&mut command, port).arg("--disable-tls");
        let mut process = Process::start(&mut command, &self.log("repositories"));
        wait_for(port, &mut process);
        (process, port)
    }

    fn controller(&self, redis: u16, repositories: u16) -> Process {
        let mut command = self.command("argocd-application-controller", redis);
        // Only what it is told to look at.
        for flag in ["--app-resync", "--app-hard-resync", "--app-resync-jitter"] {
            command.args([flag, "0"]);
        }
        self.on_cluster(&mut command, repositories);
        Process::start(&mut command, &self.log("controller"))
    }

    fn server(&self, redis: u16, repositories: u16) -> (Process, u16) {
        let port = free_port();
        let mut command = self.command("argocd-server", redis);
        listening(&mut command, port).arg("--insecure");
        self.on_cluster(&mut command, repositories);
        let mut process = Process::start(&mut command, &self.log("server"));
        wait_for(port, &mut process);
        (process, port)
    }

    fn command(&self, role: &str, redis: u16) -> Command {
        let mut command = Command::new(self.program);
        command
            .arg0(role)
            .args(["--loglevel", "warn"])
            .args(["--redis", &format!("127.0.0.1:{redis}")])
            .args(["--metrics-port", &free_port().to_string()])
            .env("HOME", self.folder)
            // It keeps its clones there.
            .env("TMPDIR", self.folder.join("tmp"))
            .env("ARGOCD_ASK_PASS_SOCK", self.folder.join("askpass.sock"))
            .env("ARGOCD_TLS_DATA_PATH", self.folder.join("tls"))
            .env("ARGOCD_SSH_DATA_PATH", self.folder.join("ssh"))
            .env("ARGOCD_GPG_ENABLED", "false");
        command
    }

    fn on_cluster(&self, command: &mut Command, repositories: u16) {
        command
            .arg("--kubeconfig")
            .arg(self.plane.kubeconfig())
            .args(["--namespace", "argocd"])
            .arg("--repo-server-plaintext")
            .args(["--repo-server", &format!("127.0.0.1:{repositories}")]);
    }

    fn log(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.log"))
    }
}

fn listening(command: &mut Command, port: u16) -> &mut Command {
    command
        .args(["--address", "127.0.0.1", "--port", &port.to_string()])
        .args(["--metrics-address", "127.0.0.1"])
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// The administrator makes a token for `ci`, as people do.
fn token_of_ci(port: u16) -> String {
    let session = format!(r#"{{"username": "admin", "password": "{PASSWORD}"}}"#);
    let session = http::ask(port, "POST", "/api/v1/session", "", &session);
    let session = token(&session.must("a session"));
    let path = "/api/v1/account/ci/token";
    token(&http::ask(port, "POST", path, &bearer(&session), "{}").must("a token"))
}

/// Of `{"token":"…"}`; no character of a token is escaped in JSON.
fn token(json: &str) -> String {
    let token = json.split('"').nth(3);
    token.expect("an answer with a token").to_owned()
}
