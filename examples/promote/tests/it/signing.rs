//! `--sign-key` on every command, with a key of either kind, on branches and in merge requests.

use std::process::Command;

use narae_testservers::is_missing;

use crate::flags::{CASES, prepared};
use crate::sandbox::{Run, Sandbox};

/// A key for SSH at `id`, and how git is told whose it is.
fn ssh_key(sandbox: &Sandbox) -> String {
    let key = sandbox.path("id");
    let mut command = Command::new("ssh-keygen");
    command.args([
        "-q",
        "-t",
        "ed25519",
        "-C",
        "ada@example.com",
        "-N",
        "",
        "-f",
    ]);
    assert!(command.arg(&key).status().unwrap().success());
    let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
    let allowed = sandbox.path("allowed");
    std::fs::write(&allowed, format!("ada@example.com {public}")).unwrap();
    format!("gpg.ssh.allowedSignersFile={}", allowed.display())
}

fn verified_by_ssh(sandbox: &Sandbox, allowed: &str, branch: &str) {
    let settings = ["-c", "gpg.format=ssh", "-c", allowed];
    sandbox.repository(&[&settings[..], &["verify-commit", branch]].concat());
}

#[test]
fn an_ssh_key_signs_whatever_is_committed() {
    if is_missing(&["ssh-keygen"], "signing with SSH keys") {
        return;
    }
    for case in CASES {
        let sandbox = prepared();
        let allowed = ssh_key(&sandbox);
        let before = sandbox.branches();
        let run = sandbox.run(&case.with(&["--sign-key", "id"]));
        assert_eq!(run.code, Some(0), "{:?}: {run:#?}", case.arguments);
        assert_eq!(sandbox.branches() != before, case.commits);
        if case.commits {
            verified_by_ssh(&sandbox, &allowed, "main");
            sandbox.fsck();
        }
    }
    // The variable does the same, for a repository elsewhere.
    let sandbox = prepared();
    let allowed = ssh_key(&sandbox);
    for case in &CASES[..3] {
        let mut command = sandbox.command(&sandbox.url(), case.arguments);
        let run = Run::of(command.env("NARAE_SIGN_KEY", sandbox.path("id")));
        assert_eq!(run.code, Some(0), "{run:#?}");
        verified_by_ssh(&sandbox, &allowed, "main");
    }
}

/// gpg's folder with a key; its agent is ended with it.
struct Keyring<'a>(&'a Sandbox);

impl<'a> Keyring<'a> {
    const ID: &'static str = "ada@example.com";

    fn new(sandbox: &'a Sandbox) -> Self {
        let keyring = Self(sandbox);
        let home = keyring.home();
        std::fs::create_dir_all(&home).unwrap();
        let mut command = keyring.command("gpg");
        command.args(["--batch", "--quiet", "--passphrase", "", "--quick-gen-key"]);
        let made = command.args(["Ada <ada@example.com>", "ed25519", "sign", "never"]);
        assert!(made.output().unwrap().status.success());
        keyring
    }

    fn home(&self) -> std::path::PathBuf {
        self.0.path("keys")
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("GNUPGHOME", self.home());
        command
    }

    fn run(&self, arguments: &[&str]) -> Run {
        let mut command = self.0.command("gitops.git", arguments);
        Run::of(command.env("GNUPGHOME", self.home()))
    }

    fn verify(&self, branch: &str) {
        let mut command = self.command("git");
        let repository = self.0.path("gitops.git");
        let verify = command
            .arg("--git-dir")
            .arg(repository)
            .args(["verify-commit", branch]);
        let output = verify.output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
}

impl Drop for Keyring<'_> {
    fn drop(&mut self) {
        let _ = self
            .command("gpgconf")
            .args(["--kill", "gpg-agent"])
            .status();
    }
}

#[test]
fn a_gpg_key_signs_whatever_is_committed() {
    if is_missing(&["gpg", "gpgconf"], "signing with OpenPGP keys") {
        return;
    }
    for case in CASES {
        let sandbox = prepared();
        let keyring = Keyring::new(&sandbox);
        let before = sandbox.branches();
        let run = keyring.run(&case.with(&["--sign-key", Keyring::ID]));
        assert_eq!(run.code, Some(0), "{:?}: {run:#?}", case.arguments);
        assert_eq!(sandbox.branches() != before, case.commits);
        if case.commits {
            keyring.verify("main");
        }
    }
}

#[test]
fn what_is_proposed_is_signed() {
    if is_missing(&["ssh-keygen"], "signing with SSH keys") {
        return;
    }
    for by in ["gitlab-push", "agit"] {
        let sandbox = prepared();
        let allowed = ssh_key(&sandbox);
        sandbox.repository(&["config", "receive.advertisePushOptions", "true"]);
        let main = sandbox.repository(&["rev-parse", "main"]);
        for case in CASES.iter().filter(|case| case.commits) {
            let more = [
                "--merge-request",
                by,
                "--source-branch",
                "asked",
                "--sign-key",
                "id",
            ];
            let run = sandbox.run_on(&sandbox.url(), &case.with(&more));
            assert_eq!(run.code, Some(0), "{:?}: {run:#?}", case.arguments);
            assert!(run.stdout.contains("Proposed"), "{run:#?}");
            let at = match by {
                "agit" => "refs/for/main",
                _ => "refs/heads/asked",
            };
            verified_by_ssh(&sandbox, &allowed, at);
            assert_eq!(sandbox.repository(&["rev-parse", &format!("{at}^")]), main);
        }
        assert_eq!(sandbox.repository(&["rev-parse", "main"]), main);
    }
}

#[test]
fn what_cannot_be_signed_is_not_committed() {
    if is_missing(
        &["ssh-keygen", "gpg"],
        "signing with keys that are not there",
    ) {
        return;
    }
    let sandbox = prepared();
    std::fs::create_dir(sandbox.path("home")).unwrap();
    let before = sandbox.branches();
    for case in CASES.iter().filter(|case| case.commits) {
        for (key, words) in [
            ("./none", "none"),
            ("nobody@example.com", "nobody@example.com"),
        ] {
            let run = sandbox.run(&case.with(&["--sign-key", key]));
            assert_eq!(run.code, Some(1), "{:?}: {run:#?}", case.arguments);
            assert!(run.stderr.contains("cannot sign the commit: "), "{run:#?}");
            assert!(run.stderr.contains(words), "{run:#?}");
            assert_eq!(sandbox.branches(), before);
        }
    }
}
