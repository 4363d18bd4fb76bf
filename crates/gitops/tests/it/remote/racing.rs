//! Twenty writers, one branch of one server: all land, or see the other's value.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use narae_gitops::remote::{Error, ErrorKind, Landed, Outcome, Remote, Snapshot, back_off};
use narae_gitops::repository::{Commit, Repository};

use super::fixture::{Served, cache, committed, remote, replace};
use super::site::{self, Site};
use crate::fixture::{advance, commit, fsck, git, path};

const WRITERS: u32 = 20;
/// Each lost attempt means that some other writer landed, or held the lock for a moment.
const ATTEMPTS: u32 = 10 * WRITERS;
/// Far more than twenty writers need on a machine that does much else.
const DEADLINE: Duration = Duration::from_secs(600);
const WHAT: &str = "twenty writers";

/// All writers at once, each with a cache and a remote of its own.
fn race<T: Send>(site: &Site, write: impl Fn(&Remote, &Repository, u32) -> T + Sync) -> Vec<T> {
    let start = Barrier::new(20);
    thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (start, write) = (&start, &write);
                scope.spawn(move || {
                    let (_directory, here) = cache();
                    let remote = site.remote().with_deadline(DEADLINE);
                    start.wait();
                    write(&remote, &here, writer)
                })
            })
            .collect();
        let join = |writer: thread::ScopedJoinHandle<'_, T>| writer.join().unwrap();
        writers.into_iter().map(join).collect()
    })
}

/// Nothing is lost, nothing is merged, nothing is broken; `before` commits were there.
fn holds(served: &Served, landed: &[Landed], before: usize) {
    let ids: BTreeSet<_> = landed.iter().flat_map(committed).collect();
    assert_eq!(ids.len(), landed.len());
    assert_eq!(served.commits(), landed.len() + before);
    let merges = ["rev-list", "--count", "--merges", "main"];
    assert_eq!(git(&served.path(), &merges).trim(), "0");
    fsck(&served.path());
}

/// Lands what `decide` says. Whoever is told no, by an error of one of the kinds `told`, finds that the change is not there,
/// and comes again.
fn lands(
    told: &[ErrorKind],
    (remote, here, writer): (&Remote, &Repository, u32),
    is_there: impl Fn() -> bool,
    mut decide: impl FnMut(&Snapshot<'_>) -> Result<Vec<Commit>, Found>,
) -> Result<Landed, Found> {
    let mut refusals = 0;
    loop {
        match remote.land(here, "main", ATTEMPTS, &mut decide, wait(writer)) {
            Err(Found::Remote(error)) if told.contains(&error.kind()) => {
                assert!(!is_there(), "{error}");
                refusals += 1;
                wait(writer)(refusals);
            }
            Err(Found::Remote(error)) => panic!("{error}"),
            ended => return ended,
        }
    }
}

/// Waits the jittered time; the numbers differ by writer and attempt.
fn wait(writer: u32) -> impl FnMut(u32) {
    move |lost| {
        let random = u64::from(writer * 1_000 + lost).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        thread::sleep(back_off(lost, random));
    }
}

pub(crate) fn different_applications(site: &Site, told: &[ErrorKind]) {
    let file = |writer| format!("apps/app-{writer:02}/values.yaml");
    let landed = race(site, |remote, here, writer| {
        let name = file(writer);
        let is_there = || git(&site.served.path(), &["ls-tree", "-r", "main"]).contains(&name);
        let decide = |_: &Snapshot<'_>| Ok(vec![commit(&name, &[(&name, Some("tag: 1\n"))])]);
        lands(told, (remote, here, writer), is_there, decide).unwrap()
    });
    holds(&site.served, &landed, 1);
    for writer in 0..WRITERS {
        assert_eq!(site.served.file(&file(writer)), "tag: 1\n");
    }
}

pub(crate) fn adjacent_lines(site: &Site, told: &[ErrorKind]) {
    prepare(site);
    let landed = race(site, |remote, here, writer| {
        let (from, to) = (line(writer, "old"), line(writer, "new"));
        let is_there = || site.served.file("images.yaml").contains(&to);
        let mut decide = replace("images.yaml", &from, &to);
        let decide = |snapshot: &Snapshot<'_>| Ok(decide(snapshot)?);
        lands(told, (remote, here, writer), is_there, decide).unwrap()
    });
    holds(&site.served, &landed, 2);
    assert_eq!(site.served.file("images.yaml"), lines("new"));
}

/// Each wants `old` to become its own value, and nothing else: whoever finds another's gives up.
pub(crate) fn the_same_line(site: &Site, told: &[ErrorKind]) {
    prepare(site);
    let ended = race(site, |remote, here, writer| {
        let mine = format!("app-00: {writer}");
        let is_there = || site.served.file("images.yaml").lines().next() == Some(&mine);
        let decide = |snapshot: &Snapshot<'_>| {
            let bytes = snapshot.read(&path("images.yaml"))?.unwrap_or_default();
            let text = String::from_utf8(bytes).unwrap();
            let found = text.lines().next().unwrap();
            if found != "app-00: old" {
                return Err(Found::Conflict(found.to_owned()));
            }
            let text = text.replace(found, &mine);
            Ok(vec![commit("mine", &[("images.yaml", Some(&text))])])
        };
        match lands(told, (remote, here, writer), is_there, decide) {
            Ok(landed) => Ok((writer, landed)),
            Err(Found::Conflict(line)) => Err(line),
            Err(Found::Remote(error)) => panic!("{error}"),
        }
    });
    let (won, lost): (Vec<_>, Vec<_>) = ended.into_iter().partition(Result::is_ok);
    let [Ok((winner, landed))] = won.as_slice() else {
        panic!("{won:?}")
    };
    let value = format!("app-00: {winner}");
    for line in lost {
        assert_eq!(line.unwrap_err(), value);
    }
    holds(&site.served, std::slice::from_ref(landed), 2);
    let file = site.served.file("images.yaml");
    assert!(file.starts_with(&format!("{value}\n")), "{file}");
}

/// `images.yaml`, with a line for each writer.
fn prepare(site: &Site) {
    let theirs = Repository::open(site.served.path()).unwrap();
    advance(&theirs, &[("images.yaml", Some(&lines("old")))]);
}

#[derive(Debug, thiserror::Error)]
enum Found {
    #[error("somebody else's value: {0}")]
    Conflict(String),
    #[error(transparent)]
    Remote(#[from] Error),
}

fn line(writer: u32, value: &str) -> String {
    format!("app-{writer:02}: {value}\n")
}

fn lines(value: &str) -> String {
    let mut text = String::new();
    for writer in 0..WRITERS {
        write!(text, "{}", line(writer, value)).unwrap();
    }
    text
}

macro_rules! twenty_writers {
    ($($server:ident)+) => {$(
        mod $server {
            use super::{WHAT, site};

            #[test]
            fn different_applications() {
                let Some(site) = site::$server(WHAT) else { return };
                super::different_applications(&site, &[]);
            }

            #[test]
            fn adjacent_lines() {
                let Some(site) = site::$server(WHAT) else { return };
                super::adjacent_lines(&site, &[]);
            }

            #[test]
            fn the_same_line() {
                let Some(site) = site::$server(WHAT) else { return };
                super::the_same_line(&site, &[]);
            }
        }
    )+};
}

twenty_writers!(on_this_machine over_tcp over_ssh);
#[cfg(feature = "http")]
twenty_writers!(over_tls_with_a_password);

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
