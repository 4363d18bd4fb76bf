//! Many writers, one branch of one server.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Barrier;
use std::thread;

use narae_gitops::remote::{Error, Landed, Outcome, Remote, Snapshot, back_off};
use narae_gitops::repository::Repository;
use narae_testservers::GitDaemon;

use super::fixture::{Served, cache, committed, remote, replace};
use crate::fixture::{advance, commit, fsck, git, path};

const WRITERS: u32 = 20;
/// Each lost attempt means that some other writer landed, or held the lock for a moment.
const ATTEMPTS: u32 = 10 * WRITERS;

/// Waits the jittered time; the numbers differ by writer and attempt.
fn wait(writer: u32) -> impl FnMut(u32) {
    move |lost| {
        let random = u64::from(writer * 1_000 + lost).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        thread::sleep(back_off(lost, random));
    }
}

/// All writers at once, each with a cache of its own.
fn race(address: &str, decide: impl Fn(&Remote, &Repository, u32) -> Landed + Sync) -> Vec<Landed> {
    let start = Barrier::new(20);
    thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (start, decide) = (&start, &decide);
                scope.spawn(move || {
                    let (_directory, here) = cache();
                    let remote = remote(address);
                    start.wait();
                    decide(&remote, &here, writer)
                })
            })
            .collect();
        writers
            .into_iter()
            .map(|writer| writer.join().unwrap())
            .collect()
    })
}

fn all_landed(served: &Served, landed: &[Landed], commits: usize) {
    let ids: BTreeSet<_> = landed.iter().flat_map(committed).collect();
    assert_eq!(ids.len(), landed.len());
    assert_eq!(served.commits(), commits);
    assert_eq!(
        git(&served.path(), &["rev-list", "--count", "--merges", "main"]).trim(),
        "0"
    );
    fsck(&served.path());
}

fn lines(value: &str) -> String {
    let mut text = String::new();
    for writer in 0..WRITERS {
        writeln!(text, "app-{writer:02}: {value}").unwrap();
    }
    text
}

fn with_lines() -> Served {
    let served = Served::new();
    let theirs = Repository::open(served.path()).unwrap();
    advance(&theirs, &[("images.yaml", Some(&lines("old")))]);
    served
}

/// Sets this writer's line.
fn set_line(remote: &Remote, here: &Repository, writer: u32) -> Landed {
    let (from, to) = (
        format!("app-{writer:02}: old\n"),
        format!("app-{writer:02}: new\n"),
    );
    let decide = replace("images.yaml", &from, &to);
    remote
        .land(here, "main", ATTEMPTS, decide, wait(writer))
        .unwrap()
}

#[test]
fn writers_of_adjacent_lines_all_land() {
    let served = with_lines();
    let landed = race(served.path().to_str().unwrap(), set_line);
    all_landed(&served, &landed, 22);
    assert_eq!(served.file("images.yaml"), lines("new"));
}

#[test]
fn writers_of_adjacent_lines_all_land_over_tcp() {
    let served = with_lines();
    let log = served.folder().join("daemon.log");
    let Some(daemon) = GitDaemon::start(served.folder(), &log, "twenty writers over git://") else {
        return;
    };
    let landed = race(&daemon.address("gitops.git"), set_line);
    all_landed(&served, &landed, 22);
    assert_eq!(served.file("images.yaml"), lines("new"));
}

#[cfg(feature = "http")]
#[test]
fn writers_of_adjacent_lines_all_land_over_http() {
    let served = with_lines();
    let options = narae_testservers::GitHttpOptions::new();
    let Some(server) =
        narae_testservers::GitHttp::start(served.folder(), options, "twenty writers over HTTP")
    else {
        return;
    };
    let landed = race(&server.address("gitops.git"), set_line);
    all_landed(&served, &landed, 22);
    assert_eq!(served.file("images.yaml"), lines("new"));
}

#[test]
fn writers_of_different_applications_all_land() {
    let served = Served::new();
    let landed = race(served.path().to_str().unwrap(), |remote, here, writer| {
        let name = format!("apps/app-{writer:02}/values.yaml");
        let decide =
            |_: &Snapshot<'_>| Ok::<_, Error>(vec![commit(&name, &[(&name, Some("tag: 1\n"))])]);
        remote
            .land(here, "main", ATTEMPTS, decide, wait(writer))
            .unwrap()
    });
    all_landed(&served, &landed, 21);
    for writer in 0..WRITERS {
        let name = format!("apps/app-{writer:02}/values.yaml");
        assert_eq!(served.file(&name), "tag: 1\n");
    }
}

#[test]
fn of_writers_of_the_same_line_one_lands_and_the_others_see_its_value() {
    let served = with_lines();
    // Each wants `old` to become its own number, and nothing else: whoever finds another value gives up.
    #[derive(Debug, thiserror::Error)]
    enum Found {
        #[error("somebody else's value: {0}")]
        Conflict(String),
        #[error(transparent)]
        Remote(#[from] Error),
    }
    let winners = std::sync::Mutex::new(Vec::new());
    let start = Barrier::new(20);
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (start, winners, served) = (&start, &winners, &served);
            scope.spawn(move || {
                let (_directory, here) = cache();
                let remote = remote(served.path().to_str().unwrap());
                start.wait();
                let decide = |snapshot: &Snapshot<'_>| {
                    let bytes = snapshot.read(&path("images.yaml"))?.unwrap_or_default();
                    let text = String::from_utf8(bytes).unwrap();
                    let line = text.lines().next().unwrap();
                    if line != "app-00: old" {
                        return Err(Found::Conflict(line.to_owned()));
                    }
                    let text = text.replace(line, &format!("app-00: {writer}"));
                    Ok(vec![commit("same line", &[("images.yaml", Some(&text))])])
                };
                match remote.land(&here, "main", ATTEMPTS, decide, wait(writer)) {
                    Ok(landed) => {
                        assert!(
                            matches!(landed.outcome, Outcome::Committed(_)),
                            "{landed:?}"
                        );
                        winners.lock().unwrap().push(writer);
                    }
                    Err(Found::Conflict(line)) => assert!(line.starts_with("app-00: ")),
                    Err(Found::Remote(error)) => panic!("{error}"),
                }
            });
        }
    });
    let winners = winners.into_inner().unwrap();
    let [winner] = winners.as_slice() else {
        panic!("{winners:?}")
    };
    assert!(
        served
            .file("images.yaml")
            .starts_with(&format!("app-00: {winner}\n"))
    );
    assert_eq!(served.commits(), 3);
    fsck(&served.path());
}

#[test]
fn a_lost_race_is_decided_again_and_the_attempts_are_bounded() {
    let served = Served::new();
    let (_directory, here) = cache();
    let rival = Repository::open(served.path()).unwrap();
    let (mut seen, mut waits) = (Vec::new(), Vec::new());
    let landed = remote(served.path().to_str().unwrap())
        .land(
            &here,
            "main",
            3,
            |snapshot| {
                seen.push(snapshot.tip());
                advance(&rival, &[("rival", Some(&seen.len().to_string()))]);
                Ok::<_, Error>(vec![commit("ours", &[("ours", Some("x"))])])
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
    assert_eq!(served.commits(), 4);
}

#[test]
fn a_race_lost_while_the_hooks_run_is_decided_again() {
    let served = Served::new();
    let (_directory, here) = cache();
    let base = served.tip();
    let theirs = Repository::open(served.path()).unwrap();
    let rival = advance(&theirs, &[("rival", Some("x"))]);
    git(
        &served.path(),
        &["update-ref", "refs/heads/main", &base.to_string()],
    );
    served.hook(
        "pre-receive",
        &format!("test -e once || {{ touch once; unset GIT_QUARANTINE_PATH; git update-ref refs/heads/main {rival}; }}"),
    );
    let landed = remote(served.path().to_str().unwrap())
        .land(
            &here,
            "main",
            5,
            replace("apps/shop/values.yaml", "1", "2"),
            |_| {},
        )
        .unwrap();
    assert_eq!(landed.attempts, 2);
    assert_eq!(committed(&landed), [served.tip()]);
    assert_eq!(served.file("rival"), "x");
    assert_eq!(served.file("apps/shop/values.yaml"), "tag: 2\n");
    fsck(&served.path());
}
