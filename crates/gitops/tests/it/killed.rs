//! A writer killed at any moment.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs, hint};

use narae_gitops::repository::{ErrorKind, Outcome, Repository};

use crate::fixture::{advance, bare, commit, fsck, git};

/// Set for the process to be killed: the repository it writes to.
const VICTIM: &str = "NARAE_GITOPS_TEST_VICTIM";

/// Commits until killed, when this process was started for that; else there is nothing to do here.
#[test]
fn victim() {
    let Some(at) = env::var_os(VICTIM) else {
        return;
    };
    let repository = Repository::open(at).unwrap();
    for count in 0_u64.. {
        let content = format!("{}-{count}\n", std::process::id());
        advance(
            &repository,
            &[("a/b/counter", Some(&content)), ("other", Some(&content))],
        );
        println!("committed");
    }
}

/// Starts a victim, lets it commit once, spins and kills it.
fn kill_one(at: &Path, spins: u32) {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "killed::victim", "--nocapture"])
        .env(VICTIM, at)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(
        lines.any(|line| line.unwrap().contains("committed")),
        "the victim ended before it was killed"
    );
    (0..spins).for_each(|_| hint::spin_loop());
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn the_branch_is_whole_and_the_next_writer_just_works() {
    let (_directory, repository) = bare();
    // A fixed sequence that spreads the kills over the time one commit takes.
    let mut spins: u32 = 1;
    for round in 0..20 {
        spins = spins.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        kill_one(repository.path(), spins % 2_000_000);
        fsck(repository.path());
        advance(&repository, &[("next", Some(&round.to_string()))]);
        let main = git(
            repository.path(),
            &["show", "main:a/b/counter", "main:other"],
        );
        let halves: Vec<&str> = main.lines().collect();
        assert_eq!(halves[0], halves[1], "both files of a commit or none");
    }
    fsck(repository.path());
}

/// A killed writer's note and lock file; whether the next commit may go on.
fn check(note: impl Fn(&str, &str) -> String, lock: &str, goes_on: bool) {
    let (_directory, repository) = bare();
    let first = advance(&repository, &[("a", Some("1"))]);
    let tip = advance(&repository, &[("a", Some("2"))]);
    let noted = note(&first.to_string(), &tip.to_string());
    fs::write(repository.path().join("narae/lock"), &noted).unwrap();
    let lock_file = repository.path().join("refs/heads/main.lock");
    fs::write(
        &lock_file,
        lock.replace("FIRST", &first.to_string())
            .replace("TIP", &tip.to_string()),
    )
    .unwrap();
    match repository.commit("main", Some(tip), &commit("x", &[("a", Some("3"))])) {
        Ok(Outcome::Committed(_)) => assert!(goes_on, "{noted:?} {lock:?}"),
        Err(error) => {
            assert!(!goes_on, "{noted:?} {lock:?}: {error}");
            assert_eq!(error.kind(), ErrorKind::Locked);
            assert!(lock_file.exists());
        }
        Ok(other) => panic!("{other:?}"),
    }
}

#[test]
fn the_lock_of_a_dead_writer_is_removed_and_no_other() {
    let own = |first: &str, _: &str| format!("{first} refs/heads/main\n");
    check(own, "FIRST\n", true);
    check(own, "", true);
    check(own, "0123456789012345678901234567890123456789\n", false);
    // A first commit is linked into place before its lock file goes.
    check(|_, tip| format!("{tip} refs/heads/main\n"), "TIP\n", true);
    // The dead writer had moved the branch: this lock is somebody else's.
    check(|_, tip| format!("{tip} refs/heads/main\n"), "", false);
    check(|first, _| format!("{first} refs/heads/other\n"), "", false);
    // A note cut short says nothing.
    check(|first, _| format!("{first} refs/heads/mai"), "", false);
    check(
        |_, _| "\0\u{fffd} refs/heads/../../x\n".to_owned(),
        "",
        false,
    );
    check(|_, _| String::new(), "", false);
}
