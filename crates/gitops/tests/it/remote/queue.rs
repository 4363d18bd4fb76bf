//! Several changes in one fetch and one push.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use narae_gitops::remote::{Decision, Error, Event, Outcome, Queue, Remote, Snapshot};
use narae_gitops::repository::{History, Repository};

use super::fixture::{Served, cache, committed, remote, replace};
use crate::fixture::{advance, fsck, git};

/// A remote that counts its pushes.
fn counting(served: &Served) -> (Remote, Arc<AtomicUsize>) {
    let pushes = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&pushes);
    let remote = remote(served.path().to_str().unwrap()).with_listener(move |event| {
        if matches!(event, Event::Sending { .. }) {
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    (remote, pushes)
}

#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("no")]
    No,
    #[error(transparent)]
    Remote(#[from] Error),
}

#[test]
fn each_decision_sees_what_those_before_it_made_and_one_that_fails_is_left_out() {
    let served = Served::new();
    let theirs = Repository::open(served.path()).unwrap();
    advance(&theirs, &[("images.yaml", Some("a: 1\nb: 1\nc: 1\n"))]);
    let (_directory, here) = cache();
    let (remote, pushes) = counting(&served);
    let mut a = replace("images.yaml", "a: 1", "a: 2");
    let mut b = replace("images.yaml", "a: 2\nb: 1", "a: 2\nb: 2");
    let mut nothing = replace("images.yaml", "z", "y");
    let mut a = |tip: &Snapshot<'_>| a(tip).map_err(Failed::from);
    let mut b = |tip: &Snapshot<'_>| b(tip).map_err(Failed::from);
    let mut nothing = |tip: &Snapshot<'_>| nothing(tip).map_err(Failed::from);
    let mut no = |_: &Snapshot<'_>| Err(Failed::No);
    let decisions: &mut [&mut Decision<'_, Failed>] = &mut [&mut a, &mut no, &mut b, &mut nothing];
    let landed = remote
        .land_all(&here, "main", 1, decisions, |_| {})
        .unwrap();
    let [
        Ok(Outcome::Committed(first)),
        Err(Failed::No),
        Ok(Outcome::Committed(third)),
        Ok(Outcome::NothingToDo),
    ] = landed.outcomes.as_slice()
    else {
        panic!("{landed:?}")
    };
    assert_eq!(
        (first.len(), third.as_slice()),
        (1, [served.tip()].as_slice())
    );
    assert_eq!(served.file("images.yaml"), "a: 2\nb: 2\nc: 1\n");
    assert_eq!(pushes.load(Ordering::SeqCst), 1);
    assert_eq!(
        git(&served.path(), &["rev-parse", "main^"]).trim(),
        first[0].to_string()
    );
    fsck(&served.path());
}

/// Of a decision's tip, which only this machine has, the history is that of the server's and what was made on it.
#[test]
fn a_later_decision_sees_the_history_before_the_first() {
    let served = Served::new();
    let theirs = Repository::open(served.path()).unwrap();
    let base = advance(&theirs, &[("apps/cart/values.yaml", Some("tag: 7\n"))]);
    let (_directory, here) = cache();
    let mut first = replace("apps/shop/values.yaml", "1", "2");
    let mut seen = Vec::new();
    let mut second = |tip: &Snapshot<'_>| {
        tip.need_history(10)?;
        let commits = here.history_from(tip.tip().unwrap(), &History::new());
        seen.extend(commits.unwrap().into_iter().map(|record| record.id));
        Ok(Vec::new())
    };
    let decisions: &mut [&mut Decision<'_, Error>] = &mut [&mut first, &mut second];
    let landed = remote(served.path().to_str().unwrap());
    let landed = landed
        .land_all(&here, "main", 1, decisions, |_| {})
        .unwrap();
    assert!(landed.outcomes.iter().all(Result::is_ok), "{landed:?}");
    assert_eq!(seen.first(), Some(&served.tip()));
    assert_eq!(seen.get(1), Some(&base));
    assert_eq!(seen.len(), 3);
}

#[cfg(feature = "http")]
#[test]
fn as_much_is_asked_for_three_as_for_one() {
    use super::http::start;
    use narae_testservers::GitHttpOptions;

    let asked = |count: usize| {
        let served = Served::new();
        let server = start(&served, GitHttpOptions::new())?;
        let (_directory, here) = cache();
        let mut changes: Vec<_> = ["1", "2", "3"]
            .windows(2)
            .cycle()
            .take(count)
            .map(|step| replace("apps/shop/values.yaml", step[0], step[1]))
            .collect();
        let mut decisions: Vec<&mut Decision<'_, Error>> = changes
            .iter_mut()
            .map(|change| change as &mut Decision<'_, Error>)
            .collect();
        let remote = remote(&server.address("gitops.git"));
        let landed = remote.land_all(&here, "main", 1, &mut decisions, |_| {});
        assert_eq!(landed.unwrap().outcomes.len(), count);
        Some(server.seen().len())
    };
    let (Some(one), Some(three)) = (asked(1), asked(3)) else {
        return;
    };
    assert_eq!(one, three);
}

#[test]
fn all_are_decided_again_when_the_race_is_lost() {
    let served = Served::new();
    let rival = Repository::open(served.path()).unwrap();
    let (_directory, here) = cache();
    let (remote, _) = counting(&served);
    let mut lost = false;
    let mut first = replace("apps/shop/values.yaml", "1", "2");
    let mut first = |tip: &Snapshot<'_>| {
        if !std::mem::replace(&mut lost, true) {
            advance(&rival, &[("apps/cart/values.yaml", Some("tag: 7\n"))]);
        }
        first(tip)
    };
    let mut second = replace("apps/cart/values.yaml", "7", "8");
    let decisions: &mut [&mut Decision<'_, Error>] = &mut [&mut first, &mut second];
    let landed = remote
        .land_all(&here, "main", 2, decisions, |_| {})
        .unwrap();
    assert_eq!(landed.attempts, 2);
    assert!(matches!(
        landed.outcomes.as_slice(),
        [Ok(Outcome::Committed(_)), Ok(Outcome::Committed(_))]
    ));
    assert_eq!(served.file("apps/cart/values.yaml"), "tag: 8\n");
    assert_eq!(served.commits(), 4);
}

#[test]
fn writers_in_a_queue_all_land_with_fewer_pushes() {
    let served = Served::new();
    let theirs = Repository::open(served.path()).unwrap();
    let lines: String = (0..20)
        .map(|writer| format!("app-{writer:02}: old\n"))
        .collect();
    advance(&theirs, &[("images.yaml", Some(&lines))]);
    let (_directory, here) = cache();
    let (remote, pushes) = counting(&served);
    // Whoever decides first waits until all have come; then nineteen are in the queue, or about to be.
    let (come, came) = mpsc::channel();
    let missing = Mutex::new((20, came));
    let queue: Queue<'_, Error> = Queue::new(&remote, &here, "main", 5, |_| {});
    thread::scope(|scope| {
        for writer in 0..20 {
            let (queue, missing, come) = (&queue, &missing, come.clone());
            scope.spawn(move || {
                let (from, to) = (
                    format!("app-{writer:02}: old\n"),
                    format!("app-{writer:02}: new\n"),
                );
                let mut change = replace("images.yaml", &from, &to);
                come.send(()).unwrap();
                let landed = queue.land(move |tip: &Snapshot<'_>| {
                    let (missing, came) = &mut *missing.lock().unwrap();
                    while *missing > 0 {
                        came.recv().unwrap();
                        *missing -= 1;
                    }
                    change(tip)
                });
                committed(&landed.unwrap());
            });
        }
    });
    assert_eq!(served.file("images.yaml"), lines.replace("old", "new"));
    assert_eq!(served.commits(), 22);
    // Nobody races with themselves, so no push is lost; and some went along with others.
    let pushes = pushes.load(Ordering::SeqCst);
    assert!((1..20).contains(&pushes), "{pushes}");
    fsck(&served.path());
}

#[test]
fn what_fails_for_a_push_is_told_to_all_of_its_writers() {
    let served = Served::new();
    served.hook("pre-receive", "echo 'not on Fridays' >&2; exit 1");
    let (_directory, here) = cache();
    let (remote, _) = counting(&served);
    let queue: Queue<'_, Error> = Queue::new(&remote, &here, "main", 5, |_| {});
    thread::scope(|scope| {
        for writer in 0..5 {
            let queue = &queue;
            scope.spawn(move || {
                let to = writer.to_string();
                let error = queue
                    .land(replace("apps/shop/values.yaml", "tag", &to))
                    .unwrap_err();
                assert!(error.to_string().contains("not on Fridays"), "{error}");
            });
        }
    });
}

#[test]
fn a_decision_that_panics_leaves_nobody_waiting() {
    let served = Served::new();
    let (_directory, here) = cache();
    let (remote, _) = counting(&served);
    let queue: Queue<'_, Error> = Queue::new(&remote, &here, "main", 5, |_| {});
    let panicked = thread::scope(|scope| {
        let writer = scope.spawn(|| queue.land(|_| panic!("a test's own panic")));
        writer.join().is_err()
    });
    assert!(panicked);
    committed(
        &queue
            .land(replace("apps/shop/values.yaml", "1", "2"))
            .unwrap(),
    );
}
