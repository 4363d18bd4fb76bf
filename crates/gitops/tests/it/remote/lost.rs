//! Connections over HTTP that are lost: what was being pushed is on the branch once, or it is told that nobody knows.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use narae_gitops::remote::{Error, ErrorKind, Snapshot};
use narae_testservers::{Fault, GitHttpOptions, Seen};

use super::fixture::{Served, cache, committed, remote, write};
use super::http::{is_fetch, is_push, lands_once, start};
use crate::fixture::{commit, git};

/// Goes wrong at the first request for which `when` holds, and never again.
fn once(when: impl Fn(&Seen) -> bool + Send + Sync + 'static, fault: Fault) -> GitHttpOptions {
    let left = AtomicUsize::new(1);
    GitHttpOptions::new().with_faults(move |seen| {
        let hit = when(seen)
            && left
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                    left.checked_sub(1)
                })
                .is_ok();
        hit.then(|| fault.clone())
    })
}

#[test]
fn a_server_that_dies_in_a_fetch_is_asked_again() {
    for fault in [
        Fault::CloseBefore,
        Fault::CloseAfter,
        Fault::Truncate(0),
        Fault::Truncate(40),
    ] {
        let served = Served::new();
        let Some(server) = start(&served, once(is_fetch, fault)) else {
            return;
        };
        lands_once(&served, &remote(&server.address("gitops.git")), 2);
    }
}

#[test]
fn a_server_that_dies_before_the_push_is_asked_again() {
    let served = Served::new();
    let Some(server) = start(&served, once(is_push, Fault::CloseBefore)) else {
        return;
    };
    lands_once(&served, &remote(&server.address("gitops.git")), 2);
}

#[test]
fn a_push_whose_answer_is_lost_is_found_on_the_branch() {
    for fault in [
        Fault::CloseAfter,
        Fault::Truncate(0),
        Fault::Truncate(20),
        Fault::AnswerAfter("502 Bad Gateway"),
        Fault::AnswerAfter("504 Gateway Timeout"),
    ] {
        let served = Served::new();
        let Some(server) = start(&served, once(is_push, fault)) else {
            return;
        };
        lands_once(&served, &remote(&server.address("gitops.git")), 1);
    }
}

#[test]
fn all_attempts_together_meet_the_deadline() {
    let served = Served::new();
    let lost = |seen: &Seen| is_push(seen).then_some(Fault::CloseBefore);
    let Some(server) = start(&served, GitHttpOptions::new().with_faults(lost)) else {
        return;
    };
    let (_directory, here) = cache();
    let attempts = AtomicUsize::new(0);
    let error = remote(&server.address("gitops.git"))
        .with_deadline(Duration::from_secs(5))
        .land(&here, "main", u32::MAX, write("a", "x"), |_| {
            attempts.fetch_add(1, Ordering::SeqCst);
        })
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    assert!(attempts.load(Ordering::SeqCst) > 0);
    assert_eq!(served.commits(), 1);
}

#[test]
fn a_push_that_takes_too_long_is_not_said_to_have_failed() {
    let served = Served::new();
    let Some(server) = start(&served, once(is_push, Fault::Silence)) else {
        return;
    };
    let (_directory, here) = cache();
    let remote = remote(&server.address("gitops.git")).with_deadline(Duration::from_secs(8));
    let error = remote
        .land(&here, "main", 5, write("a", "x"), |_| {})
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    let said = error.to_string();
    assert!(said.contains("has arrived is not known"), "{said}");
}

#[test]
fn a_push_whose_answer_is_lost_is_found_below_later_commits() {
    let served = Served::new();
    // Somebody else lands on top of it before we can look.
    served.hook(
        "post-receive",
        "test -e once || { touch once; new=$(git commit-tree -p main -m rival main^{tree}); git update-ref refs/heads/main $new; }",
    );
    git(&served.path(), &["config", "user.name", "Rival"]);
    git(
        &served.path(),
        &["config", "user.email", "rival@example.com"],
    );
    let Some(server) = start(&served, once(is_push, Fault::CloseAfter)) else {
        return;
    };
    let (_directory, here) = cache();
    let landed = remote(&server.address("gitops.git"))
        .land(&here, "main", 5, write("a", "x"), |_| {})
        .unwrap();
    assert_eq!((landed.attempts, served.commits()), (1, 3));
    let ours = committed(&landed)[0].to_string();
    assert_eq!(git(&served.path(), &["rev-parse", "main^"]).trim(), ours);
}

/// The answer to the first push is lost; the next `count` questions are answered 503.
fn lost_and_then_away(count: usize) -> GitHttpOptions {
    let (pushed, left) = (AtomicBool::new(false), AtomicUsize::new(count));
    GitHttpOptions::new().with_faults(move |seen| {
        if is_push(seen) && !pushed.swap(true, Ordering::SeqCst) {
            return Some(Fault::CloseAfter);
        }
        let away = |left: usize| {
            left.checked_sub(1)
                .filter(|_| pushed.load(Ordering::SeqCst))
        };
        let (set, fetch) = (Ordering::SeqCst, Ordering::SeqCst);
        let is_away = left.fetch_update(set, fetch, away).is_ok();
        is_away.then(|| Fault::Answer("503 Service Unavailable", String::new(), ""))
    })
}

#[test]
fn a_push_whose_answer_is_lost_is_looked_for_until_the_server_is_back() {
    let served = Served::new();
    let Some(server) = start(&served, lost_and_then_away(3)) else {
        return;
    };
    let remote = remote(&server.address("gitops.git"));
    let ((_directory, here), mut decided) = (cache(), 0);
    // Decided again, it would find its own value and nothing to do.
    let decide = |_: &Snapshot<'_>| {
        decided += 1;
        Ok::<_, Error>(vec![commit("write", &[("a", Some("x"))])])
    };
    let landed = remote.land(&here, "main", 5, decide, |_| {}).unwrap();
    assert_eq!(committed(&landed), [served.tip()]);
    assert_eq!((landed.attempts, decided, served.commits()), (4, 1, 2));
}

#[test]
fn a_push_of_which_nothing_is_heard_is_told_as_not_known() {
    let served = Served::new();
    let Some(server) = start(&served, lost_and_then_away(9)) else {
        return;
    };
    let (_directory, here) = cache();
    let error = remote(&server.address("gitops.git"))
        .land(&here, "main", 3, write("a", "x"), |_| {})
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted, "{error}");
    let words = format!("whether {} has arrived is not known", served.tip());
    assert!(error.to_string().contains(&words), "{error}");
    assert!(error.to_string().contains("503"), "{error}");
}

#[test]
fn a_server_that_always_dies_is_given_up() {
    let served = Served::new();
    let options =
        GitHttpOptions::new().with_faults(|seen| is_push(seen).then_some(Fault::CloseBefore));
    let Some(server) = start(&served, options) else {
        return;
    };
    let (_directory, here) = cache();
    let mut waits = Vec::new();
    let error = remote(&server.address("gitops.git"))
        .land(&here, "main", 3, write("a", "x"), |lost| waits.push(lost))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted, "{error}");
    assert_eq!(waits, [1, 2]);
    assert_eq!(served.commits(), 1);
}
