//! A folder of one test's own: a bare repository, keys, a store, perhaps a copy of the shop; and
//! the real program run in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

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

impl Sandbox {
    pub(crate) fn new() -> Self {
        let sandbox = Self {
            root: tempfile::tempdir().unwrap(),
        };
        sandbox.git(&[
            "init",
            "--quiet",
            "--bare",
            "--initial-branch=main",
            "gitops.git",
        ]);
        sandbox
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// The program with this sandbox's repository, store (made when missing) and keys, and nothing of the user's.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.bare_command(&["--repo", "gitops.git"]);
        command
            .args(["--store-file", "secrets.store", "--init-store"])
            .args(arguments);
        command
    }

    /// The program without any flag but those given.
    pub(crate) fn bare_command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_deliver"));
        command
            .args(arguments)
            .current_dir(self.root.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path("home"))
            .env("NARAE_HOME", self.path("keys"))
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn deliver(&self, arguments: &[&str]) -> Run {
        Run::of(&self.command(arguments).output().unwrap())
    }

    /// Delivers and expects success.
    pub(crate) fn delivered(&self, arguments: &[&str]) -> String {
        let run = self.deliver(arguments);
        assert_eq!(run.code, Some(0), "{run:#?}");
        run.stdout
    }

    /// Delivers with `--json`.
    pub(crate) fn json(&self, arguments: &[&str]) -> (Option<i32>, serde_json::Value) {
        let run = self.deliver(&[arguments, &["--json"]].concat());
        let value = serde_json::from_str(&run.stdout).unwrap_or_else(|e| panic!("{e}: {run:#?}"));
        (run.code, value)
    }

    /// git in this sandbox, hermetic; its output.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args(arguments)
            .current_dir(self.root.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .env("GIT_TERMINAL_PROMPT", "0")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "git {arguments:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// git on the bare repository.
    pub(crate) fn repository(&self, arguments: &[&str]) -> String {
        self.git(&[&["--git-dir", "gitops.git"], arguments].concat())
    }

    pub(crate) fn commits(&self) -> usize {
        let refs = self.repository(&["for-each-ref", "refs/heads/main"]);
        if refs.is_empty() {
            return 0;
        }
        self.repository(&["rev-list", "--count", "main"])
            .trim()
            .parse()
            .unwrap()
    }

    /// A delivered file of the tip of main.
    pub(crate) fn file(&self, path: &str) -> String {
        self.repository(&["show", &format!("main:{path}")])
    }

    /// A copy of the bundled application that the test may change; its path.
    pub(crate) fn shop(&self) -> PathBuf {
        let to = self.path("shop");
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("shop"), &to);
        to
    }

    /// Replaces text in a file of the copied shop.
    pub(crate) fn edit(&self, file: &str, from: &str, to: &str) {
        let file = self.path("shop").join(file);
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{} has no {from:?}", file.display());
        fs::write(&file, text.replacen(from, to, 1)).unwrap();
    }
}

impl Run {
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
}
