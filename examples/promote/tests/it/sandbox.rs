//! A folder of one test's own: a bare repository with two sites and three environments, and the
//! program run in it.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

pub(crate) const CONFIG: &str = r#"# Who may go where.
sites: [idc, aws]
environments:
  dev: {directory: environments/dev}
  rc: {directory: environments/rc, from: dev}
  master: {directory: environments/master, from: rc, approval: manual}
applications:
  shop:
    repository: shop/web
    images:
    - {file: "{site}/shop/kustomization.yaml", select: "kustomize:web"}
    - {file: "{site}/shop/values.yaml", select: "marker:flux-system:shop"}
    values:
    - {file: "{site}/shop/kustomization.yaml", select: "replicas:web"}
  cart:
    images:
    - {file: "{site}/cart/values.yaml", select: "helm:image"}
"#;

pub(crate) const IMAGE: &str = "harbor.example.com/shop/web";

/// What dev runs goes to rc, and what rc runs to master.
pub(crate) const TO_RC: [&str; 6] = ["move", "shop", "--from", "dev", "--to", "rc"];
pub(crate) const TO_MASTER: [&str; 8] = [
    "move",
    "shop",
    "--from",
    "rc",
    "--to",
    "master",
    "--approved-by",
    "Grace",
];

pub(crate) struct Sandbox {
    root: TempDir,
}

/// What a run printed and how it ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Sandbox {
    /// A repository without a commit.
    pub(crate) fn empty() -> Self {
        let sandbox = Self {
            root: tempfile::tempdir().unwrap(),
        };
        sandbox.git(
            &[
                "init",
                "--quiet",
                "--bare",
                "--initial-branch=main",
                "gitops.git",
            ],
            "",
        );
        sandbox.git(
            &[
                "--git-dir",
                "gitops.git",
                "config",
                "uploadpack.allowFilter",
                "true",
            ],
            "",
        );
        sandbox
    }

    /// Everything runs 0000aaa.
    pub(crate) fn new() -> Self {
        let sandbox = Self::empty();
        let mut files = vec![("narae.yaml".to_owned(), CONFIG.to_owned())];
        for environment in ["dev", "rc", "master"] {
            for site in ["idc", "aws"] {
                let base = format!("environments/{environment}/{site}");
                files.push((
                    format!("{base}/shop/kustomization.yaml"),
                    format!("# {environment}\nimages:\n- name: web\n  newName: {IMAGE}\n  newTag: 0000aaa   # by delivery\nreplicas:\n- {{name: web, count: 2}}\nnamespace: shop-{environment}\n"),
                ));
                files.push((
                    format!("{base}/shop/values.yaml"),
                    "web:\r\n  tag: '0000aaa' # {\"$imagepolicy\": \"flux-system:shop:tag\"}\r\n"
                        .to_owned(),
                ));
                files.push((
                    format!("{base}/cart/values.yaml"),
                    "image: {repository: shop/cart, tag: 0000aaa}\n".to_owned(),
                ));
            }
        }
        sandbox.import(&files);
        sandbox
    }

    /// One more commit on `main`, by somebody else.
    pub(crate) fn import(&self, files: &[(String, String)]) {
        self.import_into("gitops.git", files);
    }

    pub(crate) fn import_into(&self, repository: &str, files: &[(String, String)]) {
        self.import_on(repository, "main", files);
    }

    pub(crate) fn import_on(&self, repository: &str, branch: &str, files: &[(String, String)]) {
        let name = format!("refs/heads/{branch}");
        let mut stream = format!(
            "commit {name}\ncommitter Other <other@example.com> 1577836800 +0000\ndata 6\nimport\n"
        );
        if !self
            .git(&["--git-dir", repository, "for-each-ref", &name], "")
            .is_empty()
        {
            stream.push_str(&format!("from {name}^0\n"));
        }
        for (name, content) in files {
            stream.push_str(&format!(
                "M 100644 inline {name}\ndata {}\n{content}\n",
                content.len()
            ));
        }
        self.git(
            &["--git-dir", repository, "fast-import", "--quiet"],
            &stream,
        );
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// The repository as one elsewhere.
    pub(crate) fn url(&self) -> String {
        format!("file://{}", self.path("gitops.git").display())
    }

    /// Every branch, and where it stands.
    pub(crate) fn branches(&self) -> String {
        self.repository(&["for-each-ref"])
    }

    /// What the repository does at a push to it.
    pub(crate) fn hook(&self, name: &str, script: &str) {
        let hooks = self.path("gitops.git/hooks");
        std::fs::create_dir_all(&hooks).unwrap();
        self.program(&hooks.join(name), script);
    }

    pub(crate) fn program(&self, file: &Path, script: &str) {
        std::fs::write(file, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Another writer is faster than the next push: what `main` has gets these files in the middle of it.
    pub(crate) fn overtake(&self, files: &[(String, String)]) {
        let before = self.repository(&["rev-parse", "main"]);
        self.import(files);
        self.overtake_since(&before);
    }

    /// The same with what was done on `main` after the commit `before`.
    pub(crate) fn overtake_since(&self, before: &str) {
        self.repository(&["branch", "faster", "main"]);
        self.repository(&["update-ref", "refs/heads/main", before.trim()]);
        // What is pushed is in quarantine, and references are not to be touched meanwhile; the other writer is none of that.
        self.hook(
            "pre-receive",
            "[ -e overtaken ] && exit 0\ntouch overtaken\nunset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES\nexec git update-ref refs/heads/main refs/heads/faster",
        );
    }

    /// The program with this sandbox's repository, and nothing of the user's.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        self.run_on("gitops.git", arguments)
    }

    pub(crate) fn run_on(&self, repository: &str, arguments: &[&str]) -> Run {
        Run::of(&mut self.command(repository, arguments))
    }

    pub(crate) fn command(&self, repository: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_promote"));
        command
            .args(arguments)
            .current_dir(self.root.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path("home"))
            .env("NARAE_REPO", repository)
            .env("NARAE_AUTHOR", "Ada <ada@example.com>")
            .stdin(Stdio::null());
        command
    }

    /// As people do it: git's own helper knows the password.
    pub(crate) fn log_in_to_git(&self, user: &str, password: &str) {
        let home = self.path("home");
        std::fs::create_dir_all(&home).unwrap();
        let helper = format!(
            "[credential]\n\thelper = \"!f() {{ echo username={user}; echo password={password}; }}; f\"\n"
        );
        std::fs::write(home.join(".gitconfig"), helper).unwrap();
    }

    /// Runs it and expects success.
    pub(crate) fn done(&self, arguments: &[&str]) -> String {
        let run = self.run(arguments);
        assert_eq!(run.code, Some(0), "{run:#?}");
        run.stdout
    }

    /// Runs it with `--json`.
    pub(crate) fn json(&self, arguments: &[&str]) -> (Option<i32>, serde_json::Value) {
        let run = self.run(&[arguments, &["--json"]].concat());
        let value = serde_json::from_str(&run.stdout).unwrap_or_else(|e| panic!("{e}: {run:#?}"));
        (run.code, value)
    }

    /// git in this sandbox, hermetic; its output.
    pub(crate) fn git(&self, arguments: &[&str], input: &str) -> String {
        git(self.root.path(), arguments, input)
    }

    /// git on the bare repository.
    pub(crate) fn repository(&self, arguments: &[&str]) -> String {
        self.git(&[&["--git-dir", "gitops.git"], arguments].concat(), "")
    }

    pub(crate) fn commits(&self) -> usize {
        let refs = self.repository(&["for-each-ref", "refs/heads/main"]);
        if refs.is_empty() {
            return 0;
        }
        let count = self.repository(&["rev-list", "--count", "main"]);
        count.trim().parse().unwrap()
    }

    /// A file of an environment and site at the tip of main.
    pub(crate) fn file(&self, environment: &str, site: &str, name: &str) -> String {
        self.repository(&[
            "show",
            &format!("main:environments/{environment}/{site}/{name}"),
        ])
    }

    pub(crate) fn fsck(&self) {
        self.repository(&["fsck", "--strict", "--no-dangling", "--no-progress"]);
    }
}

/// A command line, as it is typed.
pub(crate) fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

fn git(directory: &Path, arguments: &[&str], input: &str) -> String {
    let mut child = Command::new("git")
        .args(arguments)
        .current_dir(directory)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
