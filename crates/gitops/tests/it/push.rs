//! Pushing from one repository on disk to another.

use std::fs;
use std::path::Path;

use narae_gitops::repository::{ErrorKind, PushOutcome, Repository};

use crate::fixture::{advance, bare, fsck, git};

fn hook(repository: &Path, name: &str, script: &str) {
    use std::os::unix::fs::PermissionsExt;

    let file = repository.join("hooks").join(name);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_branch_arrives_once() {
    let (_here, here) = bare();
    let (_there, there) = bare();
    let first = advance(&here, &[("a", Some("1"))]);
    assert_eq!(
        here.push(there.path(), "main", None).unwrap(),
        PushOutcome::Pushed
    );
    assert_eq!(there.tip("main").unwrap(), Some(first));
    assert_eq!(
        here.push(there.path(), "main", None).unwrap(),
        PushOutcome::AlreadyThere
    );
    let second = advance(&here, &[("a", Some("2"))]);
    assert_eq!(
        here.push(there.path(), "main", Some(first)).unwrap(),
        PushOutcome::Pushed
    );
    assert_eq!(there.tip("main").unwrap(), Some(second));
    fsck(there.path());
}

#[test]
fn a_destination_that_moved_is_told_and_left_alone() {
    let (_here, here) = bare();
    let (_there, there) = bare();
    let base = advance(&here, &[("a", Some("1"))]);
    assert_eq!(
        here.push(there.path(), "main", None).unwrap(),
        PushOutcome::Pushed
    );
    let theirs = advance(&there, &[("b", Some("theirs"))]);
    advance(&here, &[("b", Some("ours"))]);
    assert_eq!(
        here.push(there.path(), "main", Some(base)).unwrap(),
        PushOutcome::Moved {
            expected: Some(base),
            found: Some(theirs)
        }
    );
    // Knowing the tip is not having decided on it.
    let outcome = here.push(there.path(), "main", Some(theirs)).unwrap();
    assert!(
        matches!(&outcome, PushOutcome::Refused { reason } if reason.contains("does not descend")),
        "{outcome:?}"
    );
    assert_eq!(there.tip("main").unwrap(), Some(theirs));
}

#[test]
fn a_race_lost_while_the_hooks_run_is_a_moved_branch() {
    let (_here, here) = bare();
    let (_there, there) = bare();
    let base = advance(&here, &[("a", Some("1"))]);
    let rival = advance(&here, &[("a", Some("rival"))]);
    assert_eq!(
        here.push(there.path(), "main", None).unwrap(),
        PushOutcome::Pushed
    );
    git(
        there.path(),
        &["update-ref", "refs/heads/main", &base.to_string()],
    );
    git(
        here.path(),
        &["update-ref", "refs/heads/main", &base.to_string()],
    );
    advance(&here, &[("a", Some("ours"))]);
    let script = format!("unset GIT_QUARANTINE_PATH; git update-ref refs/heads/main {rival}");
    hook(there.path(), "pre-receive", &script);
    assert_eq!(
        here.push(there.path(), "main", Some(base)).unwrap(),
        PushOutcome::Moved {
            expected: Some(base),
            found: Some(rival)
        }
    );
}

#[test]
fn a_refusal_is_an_outcome_with_the_words_of_the_hook() {
    for name in ["pre-receive", "update"] {
        let (_here, here) = bare();
        let (_there, there) = bare();
        advance(&here, &[("a", Some("1"))]);
        hook(
            there.path(),
            name,
            "echo 'branch is protected: ask the platform team' >&2; exit 1",
        );
        let outcome = here.push(there.path(), "main", None).unwrap();
        let PushOutcome::Refused { reason } = outcome else {
            panic!("{name}: {outcome:?}")
        };
        assert!(reason.contains("ask the platform team"), "{name}: {reason}");
        assert!(reason.contains("declined"), "{name}: {reason}");
        assert_eq!(there.tip("main").unwrap(), None);
    }
}

#[test]
fn a_hook_that_never_stops_talking_does_not_fill_the_memory() {
    let (_here, here) = bare();
    let (_there, there) = bare();
    advance(&here, &[("a", Some("1"))]);
    hook(
        there.path(),
        "pre-receive",
        "head -c 3000000 /dev/zero | tr '\\0' 'x' >&2; exit 1",
    );
    let outcome = here.push(there.path(), "main", None).unwrap();
    let PushOutcome::Refused { reason } = outcome else {
        panic!("{outcome:?}")
    };
    assert!(reason.len() <= 130 * 1024, "{}", reason.len());
}

#[test]
fn a_checked_out_branch_of_the_destination_is_refused() {
    let (directory, here) = bare();
    advance(&here, &[("a", Some("1"))]);
    git(
        directory.path(),
        &["init", "--quiet", "--initial-branch=main", "work"],
    );
    let work = directory.path().join("work");
    let outcome = here.push(&work, "main", None).unwrap();
    assert!(
        matches!(&outcome, PushOutcome::Refused { reason } if reason.contains("checked out")),
        "{outcome:?}"
    );
    assert_eq!(Repository::open(&work).unwrap().tip("main").unwrap(), None);
}

#[test]
fn the_machines_configuration_does_not_reach_git() {
    let (_here, here) = bare();
    let (_there, there) = bare();
    advance(&here, &[("a", Some("1"))]);
    hook(
        there.path(),
        "pre-receive",
        "test -z \"$(git config --global --list)$(git config --system --list)\"",
    );
    assert_eq!(
        here.push(there.path(), "main", None).unwrap(),
        PushOutcome::Pushed
    );
}

#[test]
fn what_is_not_there_is_an_error() {
    let (directory, here) = bare();
    let error = here
        .push(directory.path().join("none"), "main", None)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    let (_there, there) = bare();
    let error = here.push(there.path(), "main", None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}
