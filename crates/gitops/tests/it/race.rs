//! Many writers, one branch.

use std::collections::BTreeSet;
use std::sync::Barrier;
use std::thread;

use narae_gitops::change::{Change, ChangeSet};
use narae_gitops::message::Message;
use narae_gitops::repository::{Commit, CommitId, Error, ErrorKind, Landed, Outcome, Repository};

use crate::fixture::{advance, bare, commit, fsck, git, path, signature};

const WRITERS: u32 = 20;
/// Each lost attempt means that some other writer landed, so nobody can lose more often.
const ATTEMPTS: u32 = WRITERS;

/// Sets this writer's line of a file whose lines all stand next to each other.
fn decide(repository: &Repository, tip: Option<CommitId>, writer: u32) -> Result<Commit, Error> {
    let file = path("images.yaml");
    let before = match tip {
        Some(tip) => repository.read(tip, &file)?.unwrap_or_default(),
        None => Vec::new(),
    };
    let text = String::from_utf8(before).unwrap();
    let after = text.replace(
        &format!("app-{writer:02}: old\n"),
        &format!("app-{writer:02}: new\n"),
    );
    let changes: ChangeSet = [Change::write(file, after)].into_iter().collect();
    Ok(Commit::new(
        changes,
        Message::new(&format!("app-{writer:02}: new")).unwrap(),
        signature(),
    ))
}

#[test]
fn writers_of_adjacent_lines_all_land_in_one_line_of_commits() {
    let (_directory, repository) = bare();
    let old: String = (0..WRITERS)
        .map(|writer| format!("app-{writer:02}: old\n"))
        .collect();
    advance(&repository, &[("images.yaml", Some(&old))]);
    let start = Barrier::new(20);
    let landed: Vec<Landed> = thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (start, at) = (&start, repository.path());
                scope.spawn(move || {
                    // A handle each, as processes have.
                    let own = Repository::open(at).unwrap();
                    start.wait();
                    own.land(
                        "main",
                        ATTEMPTS,
                        |tip| decide(&own, tip, writer),
                        |_| thread::yield_now(),
                    )
                    .unwrap()
                })
            })
            .collect();
        writers
            .into_iter()
            .map(|writer| writer.join().unwrap())
            .collect()
    });

    let commits: BTreeSet<CommitId> = landed
        .iter()
        .map(|landed| match landed.outcome {
            Outcome::Committed(id) => id,
            other => panic!("lost: {other:?}"),
        })
        .collect();
    assert_eq!(commits.len(), landed.len());
    let at = repository.path();
    assert_eq!(
        git(at, &["rev-list", "--count", "main"]).trim(),
        (WRITERS + 1).to_string()
    );
    assert_eq!(
        git(at, &["rev-list", "--count", "--merges", "main"]).trim(),
        "0"
    );
    assert_eq!(
        git(at, &["show", "main:images.yaml"]),
        old.replace("old", "new")
    );
    fsck(at);
}

#[test]
fn one_handle_shared_by_threads_serves_them_all() {
    let (_directory, repository) = bare();
    thread::scope(|scope| {
        for writer in 0..5 {
            let repository = &repository;
            scope.spawn(move || {
                let name = format!("app-{writer}");
                let decide = |_| Ok::<_, Error>(commit("write", &[(&name, Some("x"))]));
                let landed = repository
                    .land("main", 5, decide, |_| thread::yield_now())
                    .unwrap();
                assert!(
                    matches!(landed.outcome, Outcome::Committed(_)),
                    "{landed:?}"
                );
            });
        }
    });
    let tip = repository.tip("main").unwrap().unwrap();
    assert_eq!(repository.list_all(tip).unwrap().len(), 5);
}

#[test]
fn a_lost_race_is_decided_again_and_the_attempts_are_bounded() {
    let (_directory, repository) = bare();
    let rival = Repository::open(repository.path()).unwrap();
    let mut seen = Vec::new();
    let mut waits = Vec::new();
    let landed: Landed = repository
        .land(
            "main",
            3,
            |tip| {
                seen.push(tip);
                advance(&rival, &[("rival", Some(&seen.len().to_string()))]);
                Ok::<_, Error>(commit("ours", &[("ours", Some("x"))]))
            },
            |lost| waits.push(lost),
        )
        .unwrap();
    assert_eq!(landed.attempts, 3);
    assert!(
        matches!(landed.outcome, Outcome::Moved { .. }),
        "{landed:?}"
    );
    assert_eq!(waits, [1, 2]);
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 3);
    assert_eq!(
        git(repository.path(), &["rev-list", "--count", "main"]).trim(),
        "3"
    );
}

#[test]
fn an_error_of_the_decision_ends_it() {
    let (_directory, repository) = bare();
    let landed = repository.land(
        "main",
        9,
        |_| Err::<Commit, _>(Box::<dyn std::error::Error>::from("no")),
        |_| {},
    );
    assert_eq!(landed.unwrap_err().to_string(), "no");
}

#[test]
fn a_branch_locked_by_git_is_told_and_tried_again() {
    let (_directory, repository) = bare();
    let tip = advance(&repository, &[("a", Some("1"))]);
    let lock = repository.path().join("refs/heads/main.lock");
    std::fs::write(&lock, "").unwrap();
    let change = commit("change", &[("a", Some("2"))]);
    let error = repository.commit("main", Some(tip), &change).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
    assert!(error.to_string().contains("main.lock"), "{error}");
    assert_eq!(repository.tip("main").unwrap(), Some(tip));

    let landed = repository
        .land(
            "main",
            2,
            |_| Ok::<_, Error>(change.clone()),
            |_| std::fs::remove_file(&lock).unwrap(),
        )
        .unwrap();
    assert!(
        matches!(
            landed,
            Landed {
                outcome: Outcome::Committed(_),
                attempts: 2,
                ..
            }
        ),
        "{landed:?}"
    );
}
