//! Signatures that git itself verifies.

use std::fs;
use std::path::Path;
use std::process::Command;

use narae_gitops::repository::{ErrorKind, GpgKey, Outcome, Repository, Sign, SshKey};

use narae_testservers::is_missing;

use crate::fixture::{bare, commit, directory, fsck, git};

fn run(mut command: Command) {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn ssh_key(at: &Path, kind: &str, passphrase: &str) -> std::path::PathBuf {
    let file = at.join(format!("id_{kind}"));
    let mut command = Command::new("ssh-keygen");
    command
        .args([
            "-q",
            "-t",
            kind,
            "-C",
            "deliver@example.com",
            "-N",
            passphrase,
            "-f",
        ])
        .arg(&file);
    run(command);
    file
}

fn commit_signed(repository: Repository, signer: impl Sign + 'static) -> Repository {
    let repository = repository.signing(signer);
    let first = commit("signed", &[("a", Some("1"))]);
    assert!(matches!(
        repository.commit("main", None, &first).unwrap(),
        Outcome::Committed(_)
    ));
    repository
}

#[test]
fn a_commit_signed_with_an_ssh_key_is_verified_by_git() {
    if is_missing(&["ssh-keygen"], "signing with SSH keys") {
        return;
    }
    for kind in ["ed25519", "ecdsa"] {
        let keys = directory();
        let key = ssh_key(keys.path(), kind, "");
        let public = fs::read_to_string(key.with_extension("pub")).unwrap();
        let allowed = keys.path().join("allowed");
        fs::write(&allowed, format!("deliver@example.com {public}")).unwrap();
        let (_directory, repository) = bare();
        let repository = commit_signed(repository, SshKey::new(&key));
        let setting = format!("gpg.ssh.allowedSignersFile={}", allowed.display());
        let verify = [
            "-c",
            "gpg.format=ssh",
            "-c",
            &setting,
            "verify-commit",
            "main",
        ];
        git(repository.path(), &verify);
        assert_eq!(
            git(repository.path(), &["log", "-1", "--format=%s|%b", "main"]).trim(),
            "signed|"
        );
        // Another key is not trusted: verification can fail.
        fs::write(&allowed, "").unwrap();
        assert!(
            !crate::fixture::command(repository.path(), &verify)
                .output()
                .unwrap()
                .status
                .success()
        );
        fsck(repository.path());
    }
}

#[test]
fn a_commit_signed_with_an_openpgp_key_is_verified_by_git() {
    if is_missing(&["gpg", "gpgconf"], "signing with OpenPGP keys") {
        return;
    }
    let home = directory();
    let gpg = |arguments: &[&str]| {
        let mut command = Command::new("gpg");
        command
            .env("GNUPGHOME", home.path())
            .args(["--batch", "--quiet"])
            .args(arguments);
        run(command);
    };
    gpg(&[
        "--passphrase",
        "",
        "--quick-gen-key",
        "Deliver <deliver@example.com>",
        "ed25519",
        "sign",
        "never",
    ]);
    let (_directory, repository) = bare();
    let repository = commit_signed(
        repository,
        GpgKey::new("deliver@example.com").with_home(home.path()),
    );
    let mut verify = crate::fixture::command(repository.path(), &["verify-commit", "main"]);
    verify.env("GNUPGHOME", home.path());
    run(verify);
    fsck(repository.path());
    let mut end = Command::new("gpgconf");
    end.env("GNUPGHOME", home.path())
        .args(["--kill", "gpg-agent"]);
    run(end);
}

#[test]
fn a_commit_that_cannot_be_signed_is_not_made() {
    if is_missing(&["ssh-keygen"], "signing with SSH keys") {
        return;
    }
    let keys = directory();
    let locked = ssh_key(keys.path(), "ed25519", "a passphrase");
    for key in [locked, keys.path().join("none")] {
        let (_directory, repository) = bare();
        let repository = repository.signing(SshKey::new(key));
        let error = repository
            .commit("main", None, &commit("x", &[("a", Some("1"))]))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotSigned, "{error}");
        assert!(
            error.to_string().starts_with("cannot sign the commit: "),
            "{error}"
        );
        assert_eq!(repository.tip("main").unwrap(), None);
    }
}
