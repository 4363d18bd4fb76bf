//! Gitea, a forge: its API, and git over HTTP and SSH, on an SQLite file of its own.
//!
//! Webhooks go to loopback only. Nothing it serves is looked at by people, so its web page is not built.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::connection::Answer;
use crate::git_daemon::wait_for;
use crate::http;
use crate::process::{Process, free_port};
use crate::program::{is_missing, program, skip};

/// A running Gitea with one user, who may do everything.
#[derive(Debug)]
pub struct Gitea {
    // INVARIANT: dropped before the folder it runs in.
    process: Process,
    program: PathBuf,
    port: u16,
    ssh_port: u16,
    token: String,
    folder: TempDir,
}

impl Gitea {
    /// The user's name.
    pub const USER: &str = "narae";
    /// The user's password.
    pub const PASSWORD: &str = "password-of-this-test";

    /// Makes a database and the user, and starts it; `None` where it is not installed.
    #[must_use]
    pub fn start(what: &str) -> Option<Self> {
        if is_missing(&["gitea", "git"], what) {
            return None;
        }
        let program = program("gitea")?.canonicalize().unwrap();
        // Its templates and texts, which the script that built it put beside it.
        let files = program.parent().unwrap();
        if !files.join("options").is_dir() {
            skip("`options` and `templates` beside `gitea`", what);
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let (port, ssh_port) = (free_port(), free_port());
        let work = folder.path();
        fs::create_dir_all(work.join("custom/conf")).unwrap();
        let configuration = configuration(work, files, port, ssh_port);
        fs::write(work.join("custom/conf/app.ini"), configuration).unwrap();
        run(&program, work, &["migrate"]);
        let user = [
            "admin",
            "user",
            "create",
            "--admin",
            "--username",
            Self::USER,
            "--password",
            Self::PASSWORD,
            "--email",
            "narae@example.com",
            "--must-change-password=false",
        ];
        run(&program, work, &user);
        let token = new_token(&program, work, "all");
        let mut process =
            Process::start(command(&program, work).arg("web"), &work.join("gitea.log"));
        wait_for(port, &mut process);
        wait_for(ssh_port, &mut process);
        Some(Self {
            process,
            program,
            port,
            ssh_port,
            token,
            folder,
        })
    }

    /// `http://127.0.0.1:…`
    #[must_use]
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The port its SSH server listens on, at 127.0.0.1; its user is the one of this process.
    #[must_use]
    pub fn ssh_port(&self) -> u16 {
        self.ssh_port
    }

    /// The user's access token.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Another of the user's access tokens, which may only do this: `read:repository`.
    #[must_use]
    pub fn new_token(&self, scope: &str) -> String {
        new_token(&self.program, self.folder.path(), scope)
    }

    /// A file in its folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What it printed so far.
    #[must_use]
    pub fn output(&self) -> String {
        self.process.output()
    }

    /// A request to its API, as the user: `POST`, `user/repos`, JSON.
    ///
    /// # Panics
    ///
    /// If it does not answer.
    #[must_use]
    pub fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        let authorization = format!("token {}", self.token);
        let path = format!("/api/v1/{path}");
        http::ask(self.port, method, &path, &authorization, body)
    }

    /// As [`ask`](Self::ask); it must be done.
    ///
    /// # Panics
    ///
    /// If the status is not one of success.
    pub fn must(&self, method: &str, path: &str, body: &str) -> String {
        let answer = self.ask(method, path, body);
        answer.must(&format!("{method} {path}"))
    }
}

fn configuration(work: &Path, files: &Path, port: u16, ssh_port: u16) -> String {
    // It refuses to run as root unless it is told.
    let user = Command::new("id").arg("-un").output().unwrap();
    let user = String::from_utf8(user.stdout).unwrap();
    format!(
        "RUN_USER = {user}
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = {port}
ROOT_URL = http://127.0.0.1:{port}/
STATIC_ROOT_PATH = {files}
OFFLINE_MODE = true
START_SSH_SERVER = true
SSH_LISTEN_HOST = 127.0.0.1
SSH_LISTEN_PORT = {ssh_port}
SSH_PORT = {ssh_port}
LFS_START_SERVER = false
[database]
DB_TYPE = sqlite3
PATH = {work}/gitea.db
[repository]
ROOT = {work}/repositories
DEFAULT_BRANCH = main
[security]
INSTALL_LOCK = true
SECRET_KEY = a-secret-of-this-test
PASSWORD_HASH_ALGO = pbkdf2$1000$16
[webhook]
ALLOWED_HOST_LIST = loopback
[mailer]
ENABLED = false
[cron]
ENABLED = false
[log]
LEVEL = error
MODE = console
",
        files = files.display(),
        work = work.display(),
    )
}

fn command(program: &Path, work: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env("GITEA_WORK_DIR", work)
        // git looks for its configuration there, and Gitea writes to it.
        .env("HOME", work)
        .current_dir(work);
    command
}

fn new_token(program: &Path, work: &Path, scope: &str) -> String {
    let arguments = ["admin", "user", "generate-access-token", "--raw"];
    let options = ["--username", Gitea::USER, "--token-name", scope];
    let said = run(
        program,
        work,
        &[&arguments[..], &options, &["--scopes", scope]].concat(),
    );
    // Its log may go to the same place.
    let is_token =
        |line: &&str| line.len() == 40 && line.bytes().all(|byte| byte.is_ascii_hexdigit());
    let token = said.lines().find(is_token);
    token.expect("gitea prints the token").to_owned()
}

fn run(program: &Path, work: &Path, arguments: &[&str]) -> String {
    let output = command(program, work).args(arguments).output().unwrap();
    assert!(output.status.success(), "gitea {arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}
