//! Several branches move as one, or none does: over each of git's servers, and what those say who refuse.

use std::sync::Arc;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use narae_gitops::remote::{
    Error, ErrorKind, Event, JointDecision, JointPushOutcome, LandedTogether, Move, Outcome,
    Remote, Snapshot, back_off,
};
use narae_gitops::repository::{self, Commit, CommitId, Repository};

use super::fixture::{Served, cache};
use super::site::{self, Site};
use crate::fixture::{commit, fsck, git, path};

const WHAT: &str = "several branches as one";
const BRANCHES: [&str; 2] = ["idc", "aws"];
const FILE: &str = "apps/shop/values.yaml";
const WRITERS: usize = 8;

/// The branches beside `main`, at its tip.
fn prepared(site: &Site) -> CommitId {
    for branch in BRANCHES {
        git(&site.served.path(), &["branch", branch, "main"]);
    }
    site.served.tip()
}

/// What each branch has in [`FILE`].
fn tags(served: &Served) -> [String; 2] {
    BRANCHES.map(|branch| git(&served.path(), &["show", &format!("{branch}:{FILE}")]))
}

fn tips(served: &Served) -> [CommitId; 2] {
    BRANCHES.map(|branch| tip(served, branch))
}

fn tip(served: &Served, branch: &str) -> CommitId {
    let id = git(&served.path(), &["rev-parse", branch]);
    id.trim().parse().unwrap()
}

/// Somebody else's commit on one of the branches.
fn rival(served: &Served, branch: &str) -> CommitId {
    let theirs = Repository::open(served.path()).unwrap();
    let tip = theirs.tip(branch).unwrap();
    let change = commit("rival", &[("rival", Some(&format!("{tip:?}")))]);
    match theirs.commit(branch, tip, &change).unwrap() {
        repository::Outcome::Committed(id) => id,
        other => panic!("expected a commit, found {other:?}"),
    }
}

/// Another line in [`FILE`], below what is there.
fn appended(tip: &Snapshot<'_>, line: &str) -> Result<Vec<Commit>, Error> {
    let before = tip.read(&path(FILE))?.unwrap_or_default();
    let text = String::from_utf8(before).unwrap() + line + "\n";
    Ok(vec![commit(line, &[(FILE, Some(&text))])])
}

/// Appends a line on the first branch alone.
fn first(tips: &[Snapshot<'_>]) -> Result<Vec<Vec<Commit>>, Error> {
    tips.iter()
        .take(1)
        .map(|tip| appended(tip, "a: 1"))
        .collect()
}

/// Appends `line` on every branch; `meanwhile` happens between looking and pushing.
fn land(
    remote: &Remote,
    here: &Repository,
    line: &str,
    attempts: u32,
    mut meanwhile: impl FnMut(),
) -> Result<LandedTogether<Error>, Error> {
    let mut decide = |tips: &[Snapshot<'_>]| {
        let commits = tips.iter().map(|tip| appended(tip, line)).collect();
        meanwhile();
        commits
    };
    let decisions: &mut [&mut JointDecision<'_, Error>] = &mut [&mut decide];
    let mut wait = |lost| {
        let who = u64::try_from(line.len()).unwrap();
        let random = (u64::from(lost) * 1_000 + who).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        thread::sleep(back_off(lost, random));
    };
    remote.land_together(here, &BRANCHES, attempts, decisions, &mut wait)
}

fn they_move_as_one(site: &Site) {
    let before = prepared(site);
    let (_directory, here) = cache();
    let pushes = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&pushes);
    let remote = site.remote().with_listener(move |event| {
        if matches!(event, Event::Sending { .. }) {
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    // A branch that gets nothing, one that is there, and one that is made.
    let branches = ["main", "aws", "new"];
    let mut shop = |tips: &[Snapshot<'_>]| {
        let [_, aws, _] = tips else {
            panic!("{tips:?}")
        };
        let made = commit("start", &[(FILE, Some("tag: 1\n"))]);
        Ok::<_, Error>(vec![Vec::new(), appended(aws, "a: 1")?, vec![made]])
    };
    let mut again = |tips: &[Snapshot<'_>]| {
        let [_, aws, new] = tips else {
            panic!("{tips:?}")
        };
        Ok(vec![
            Vec::new(),
            appended(aws, "b: 1")?,
            appended(new, "b: 1")?,
        ])
    };
    let mut nothing = |_: &[Snapshot<'_>]| Ok(Vec::new());
    let decisions: &mut [&mut JointDecision<'_, Error>] =
        &mut [&mut shop, &mut again, &mut nothing];
    let landed = remote.land_together(&here, &branches, 1, decisions, |_| {});
    let landed = landed.unwrap();
    let nothing = Outcome::NothingToDo;
    let on = |branch| Outcome::Committed(vec![tip(&site.served, branch)]);
    let outcomes: Vec<_> = landed.outcomes.into_iter().map(Result::unwrap).collect();
    assert_eq!(
        outcomes,
        [
            vec![nothing.clone(), on("aws^"), on("new^")],
            vec![nothing.clone(), on("aws"), on("new")],
            vec![nothing; 3],
        ]
    );
    let served = &site.served;
    assert_eq!(
        (tip(served, "main"), tip(served, "aws^^")),
        (before, before)
    );
    let file = git(&served.path(), &["show", &format!("new:{FILE}")]);
    assert_eq!(file, "tag: 1\nb: 1\n");
    assert_eq!(pushes.load(Ordering::SeqCst), 1);
    fsck(&served.path());
}

fn a_hook_that_refuses_one_keeps_the_other_where_it_is(site: &Site) {
    let before = prepared(site);
    let refuse = "test $1 != refs/heads/aws || { echo 'aws is frozen' >&2; exit 1; }";
    site.served.hook("update", refuse);
    let (_directory, here) = cache();
    let error = land(&site.remote(), &here, "a: 1", 3, || {}).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    let text = error.to_string();
    assert!(text.contains("refuses to move `idc`, `aws`: "), "{text}");
    assert!(text.contains("aws is frozen"), "{text}");
    let [idc, aws] = error.refusals() else {
        panic!("{:?}", error.refusals())
    };
    assert_eq!((idc.branch.as_str(), aws.branch.as_str()), ("idc", "aws"));
    assert!(aws.reason.contains("hook declined"), "{aws:?}");
    assert!(idc.reason.contains("atomic"), "{idc:?}");
    assert_eq!(tips(&site.served), [before; 2]);
}

fn a_race_lost_on_one_is_decided_again_on_all(site: &Site) {
    let before = prepared(site);
    let (_directory, here) = cache();
    let mut is_first = true;
    let landed = land(&site.remote(), &here, "a: 1", 5, || {
        if std::mem::take(&mut is_first) {
            rival(&site.served, "aws");
        }
    });
    assert_eq!(landed.unwrap().attempts, 2);
    let served = &site.served;
    assert_eq!(tags(served), ["tag: 1\na: 1\n"; 2].map(str::to_owned));
    // Of the first attempt nothing is on either of them.
    assert_eq!(tip(served, "idc^"), before);
    assert_eq!(tip(served, "aws^^"), before);
    fsck(&served.path());
}

fn a_race_lost_while_the_hooks_run_moves_neither(site: &Site) {
    let before = prepared(site);
    let theirs = rival(&site.served, "aws");
    git(
        &site.served.path(),
        &["update-ref", "refs/heads/aws", &before.to_string()],
    );
    site.served.hook(
        "pre-receive",
        &format!("test -e once || {{ touch once; unset GIT_QUARANTINE_PATH; git update-ref refs/heads/aws {theirs}; }}"),
    );
    let (_directory, here) = cache();
    let mut seen = Vec::new();
    let landed = land(&site.remote(), &here, "a: 1", 5, || {
        seen.push(tips(&site.served));
    });
    assert_eq!(landed.unwrap().attempts, 2);
    assert_eq!(seen, [[before; 2], [before, theirs]]);
    assert_eq!(tags(&site.served), ["tag: 1\na: 1\n"; 2].map(str::to_owned));
    fsck(&site.served.path());
}

fn a_server_that_cannot_is_not_asked_to(site: &Site) {
    let before = prepared(site);
    let served = site.served.path();
    git(&served, &["config", "receive.advertiseAtomic", "false"]);
    let (_directory, here) = cache();
    let error = land(&site.remote(), &here, "a: 1", 3, || {}).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotAtomic, "{error}");
    assert_eq!(tips(&site.served), [before; 2]);
    // One of several is no more than one.
    let mut only = first;
    let decisions: &mut [&mut JointDecision<'_, Error>] = &mut [&mut only];
    let landed = site
        .remote()
        .land_together(&here, &BRANCHES, 1, decisions, |_| {});
    assert!(landed.unwrap().outcomes.iter().all(Result::is_ok));
    assert_eq!(tip(&site.served, "idc^"), before);
}

/// Whoever looks at both branches sees the same changes in the same order: no push was taken by halves.
fn writers_of_both_leave_the_same_history_on_each(site: &Site) {
    prepared(site);
    let start = Barrier::new(WRITERS);
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let start = &start;
            scope.spawn(move || {
                let (_directory, here) = cache();
                let remote = site.remote().with_deadline(Duration::from_secs(600));
                start.wait();
                let line = format!("{}: 1", "x".repeat(writer + 1));
                let landed = land(&remote, &here, &line, 200, || {}).unwrap();
                let [Ok(outcomes)] = landed.outcomes.as_slice() else {
                    panic!("{landed:?}")
                };
                for outcome in outcomes {
                    assert!(matches!(outcome, Outcome::Committed(_)), "{outcome:?}");
                }
            });
        }
    });
    let [idc, aws] = tags(&site.served);
    assert_eq!(idc, aws);
    assert_eq!(idc.lines().count(), WRITERS + 1);
    fsck(&site.served.path());
}

macro_rules! over {
    ($($server:ident)+) => {$(
        mod $server {
            use super::{WHAT, site};

            over!(@ $server:
                they_move_as_one
                a_hook_that_refuses_one_keeps_the_other_where_it_is
                a_race_lost_on_one_is_decided_again_on_all
                a_race_lost_while_the_hooks_run_moves_neither
                a_server_that_cannot_is_not_asked_to
                writers_of_both_leave_the_same_history_on_each
            );
        }
    )+};
    (@ $server:ident: $($test:ident)+) => {$(
        #[test]
        fn $test() {
            let Some(site) = site::$server(WHAT) else { return };
            super::$test(&site);
        }
    )+};
}

over!(on_this_machine over_tcp over_ssh);
#[cfg(feature = "http")]
over!(over_tls_with_a_password);

#[test]
fn the_attempts_are_bounded_and_what_stood_still_is_held_back() {
    let site = site::on_this_machine(WHAT).unwrap();
    let before = prepared(&site);
    let (_directory, here) = cache();
    let landed = land(&site.remote(), &here, "a: 1", 2, || {
        rival(&site.served, "aws");
    })
    .unwrap();
    assert_eq!(landed.attempts, 2);
    let [Ok(outcomes)] = landed.outcomes.as_slice() else {
        panic!("{landed:?}")
    };
    let moved = |expected, found| Outcome::Moved {
        expected: Some(expected),
        found: Some(found),
    };
    let aws = tip(&site.served, "aws");
    assert_eq!(
        *outcomes,
        [moved(before, before), moved(tip(&site.served, "aws^"), aws)]
    );
}

#[test]
fn a_decision_that_fails_is_left_out_on_all_of_its_branches() {
    let site = site::on_this_machine(WHAT).unwrap();
    let before = prepared(&site);
    let (_directory, here) = cache();
    let mut no = |tips: &[Snapshot<'_>]| {
        first(tips)?;
        Remote::new("").map(|_| Vec::new())
    };
    let mut yes = first;
    let decisions: &mut [&mut JointDecision<'_, Error>] = &mut [&mut no, &mut yes];
    let landed = site
        .remote()
        .land_together(&here, &BRANCHES, 1, decisions, |_| {});
    let outcomes = landed.unwrap().outcomes;
    assert!(outcomes[0].is_err() && outcomes[1].is_ok(), "{outcomes:?}");
    assert_eq!(tags(&site.served)[0], "tag: 1\na: 1\n");
    assert_eq!(tips(&site.served)[1], before);
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_sent() {
    let site = site::on_this_machine(WHAT).unwrap();
    prepared(&site);
    let (_directory, here) = cache();
    let kind = |branches: &[&str], many: usize| {
        let mut decide = |_: &[Snapshot<'_>]| Ok::<_, Error>(vec![Vec::new(); many]);
        let decisions: &mut [&mut JointDecision<'_, Error>] = &mut [&mut decide];
        let landed = site
            .remote()
            .land_together(&here, branches, 1, decisions, |_| {});
        landed.map(drop).map_err(|error| error.kind())
    };
    assert_eq!(kind(&["idc", "idc"], 0), Err(ErrorKind::InvalidBranch));
    assert_eq!(kind(&["idc", "-x"], 0), Err(ErrorKind::InvalidBranch));
    assert_eq!(kind(&BRANCHES, 3), Err(ErrorKind::InvalidBranch));
    assert_eq!(kind(&[], 0), Ok(()));
}

#[test]
fn a_push_of_several_says_where_they_are() {
    let site = site::on_this_machine(WHAT).unwrap();
    let before = prepared(&site);
    let theirs = Repository::open(site.served.path()).unwrap();
    let made = |parent, name| {
        theirs
            .write(parent, &commit("x", &[(name, Some("x"))]))
            .unwrap()
    };
    let (first, second) = (made(Some(before), "first"), made(Some(before), "second"));
    let (first, second) = (first.unwrap(), second.unwrap());
    let moves = [
        Move::new("idc", Some(before), first),
        Move::new("aws", Some(before), second),
        // Where the server has what it stands on already, as part of the same push.
        Move::new("release", None, first),
    ];
    let push = || site.remote().push_together(&theirs, &moves).unwrap();
    assert_eq!(push(), JointPushOutcome::Pushed);
    assert_eq!(tips(&site.served), [first, second]);
    assert_eq!(tip(&site.served, "release"), first);
    assert_eq!(push(), JointPushOutcome::AlreadyThere);
    let moved = rival(&site.served, "aws");
    let found = [first, moved, first].map(Some).to_vec();
    assert_eq!(push(), JointPushOutcome::Moved { found });
    assert_eq!(tips(&site.served), [first, moved]);
}
