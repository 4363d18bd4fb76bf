//! A repository on this machine as a remote: git's own programs at the other end of two pipes.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use narae_gitops::remote::{
    Cancel, Error, ErrorKind, Event, Outcome, Proposal, PushOutcome, Remote, Snapshot,
};
use narae_gitops::repository::{History, Repository};

use super::fixture::{Served, cache, committed, objects, remote, replace, write};
use crate::fixture::{advance, commit, directory, fsck, git, path};

fn local(served: &Served) -> Remote {
    remote(served.path().to_str().unwrap())
}

#[test]
fn a_change_lands_and_only_what_it_needs_was_fetched() {
    let served = Served::new();
    let (_directory, here) = cache();
    let before = served.tip();
    let landed = local(&served)
        .land(
            &here,
            "main",
            1,
            replace("apps/shop/values.yaml", "1", "2"),
            |_| {},
        )
        .unwrap();
    assert_eq!(landed.attempts, 1);
    assert_eq!(committed(&landed), [served.tip()]);
    assert_eq!(served.file("apps/shop/values.yaml"), "tag: 2\n");
    assert_eq!(
        git(
            &served.path(),
            &["diff", "--name-only", &before.to_string(), "main"]
        ),
        "apps/shop/values.yaml\n"
    );
    fsck(&served.path());
    // Fetched: commit, three directories, one file. Made: a commit, three directories, one file.
    assert_eq!(objects(here.path()), 10);
    // Nothing is checked out to make it, and its branches stay as they are.
    assert!(!here.path().join("index").exists());
    assert_eq!(here.tip("main").unwrap(), None);
}

#[test]
fn what_git_clones_is_what_landed() {
    let served = Served::new();
    let (_directory, here) = cache();
    let landed = local(&served).land(&here, "main", 1, write("new/file", "x\n"), |_| {});
    committed(&landed.unwrap());
    git(
        served.folder(),
        &["clone", "--quiet", "gitops.git", "clone"],
    );
    let clone = served.folder().join("clone");
    assert_eq!(std::fs::read(clone.join("new/file")).unwrap(), b"x\n");
    assert_eq!(git(&clone, &["log", "--format=%s"]), "write\nimport\n");
}

#[test]
fn the_second_change_fetches_only_what_is_new() {
    let served = Served::new();
    let (_directory, here) = cache();
    let received = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&received);
    let remote = local(&served).with_listener(move |event| {
        if let Event::Received { objects, .. } = event {
            heard.lock().unwrap().push(*objects);
        }
    });
    for (from, to) in [("1", "2"), ("2", "3")] {
        let decide = replace("apps/shop/values.yaml", from, to);
        committed(&remote.land(&here, "main", 1, decide, |_| {}).unwrap());
    }
    // The commit and the root, `apps`, `apps/shop`, the file; then nothing.
    assert_eq!(*received.lock().unwrap(), [2, 1, 1, 1]);
    // A tip that someone else made: its commit and root, and what differs.
    let theirs = Repository::open(served.path()).unwrap();
    advance(&theirs, &[("apps/cart/values.yaml", Some("tag: 9\n"))]);
    let decide = replace("apps/shop/values.yaml", "3", "4");
    committed(&remote.land(&here, "main", 1, decide, |_| {}).unwrap());
    assert_eq!(*received.lock().unwrap(), [2, 1, 1, 1, 2, 1]);
    fsck(&served.path());
}

#[test]
fn commits_stacked_in_one_push_stand_one_on_another() {
    let served = Served::new();
    let (_directory, here) = cache();
    let decide = |_: &Snapshot<'_>| {
        Ok::<_, Error>(vec![
            commit("shop", &[("apps/shop/values.yaml", Some("tag: 2\n"))]),
            commit("nothing", &[("apps/cart/values.yaml", Some("tag: 1\n"))]),
            commit("cart", &[("apps/cart/values.yaml", Some("tag: 2\n"))]),
            // Back to what the server has: an object that is not sent.
            commit("shop back", &[("apps/shop/values.yaml", Some("tag: 1\n"))]),
        ])
    };
    let landed = local(&served)
        .land(&here, "main", 1, decide, |_| {})
        .unwrap();
    assert_eq!(committed(&landed).len(), 3);
    assert_eq!(
        git(&served.path(), &["log", "--format=%s", "main"]),
        "shop back\ncart\nshop\nimport\n"
    );
    assert_eq!(served.file("apps/shop/values.yaml"), "tag: 1\n");
    fsck(&served.path());
}

#[test]
fn nothing_to_do_pushes_nothing() {
    let served = Served::new();
    let (_directory, here) = cache();
    let tip = served.tip();
    let decide = write("README.md", "read me\n");
    let landed = local(&served)
        .land(&here, "main", 1, decide, |_| {})
        .unwrap();
    assert_eq!(landed.outcome, Outcome::NothingToDo);
    let landed = local(&served).land(&here, "main", 1, |_| Ok::<_, Error>(Vec::new()), |_| {});
    assert_eq!(landed.unwrap().outcome, Outcome::NothingToDo);
    assert_eq!(served.tip(), tip);
}

#[test]
fn the_first_commit_makes_the_branch() {
    let served = Served::empty();
    let (_directory, here) = cache();
    let remote = local(&served);
    assert_eq!(remote.tip("main").unwrap(), None);
    let landed = remote
        .land(&here, "main", 1, write("a/b", "x"), |_| {})
        .unwrap();
    assert_eq!(committed(&landed), [served.tip()]);
    assert_eq!(remote.tip("main").unwrap(), Some(served.tip()));
    assert_eq!(remote.default_branch().unwrap().as_deref(), Some("main"));
    fsck(&served.path());
}

#[test]
fn a_branch_made_here_is_pushed_whole() {
    let served = Served::empty();
    let (_directory, here) = cache();
    let first = advance(&here, &[("a", Some("1")), ("d/e", Some("2"))]);
    let second = advance(&here, &[("a", Some("3"))]);
    let remote = local(&served);
    assert_eq!(
        remote.push(&here, "main", None, second).unwrap(),
        PushOutcome::Pushed
    );
    assert_eq!(
        remote.push(&here, "main", None, second).unwrap(),
        PushOutcome::AlreadyThere
    );
    assert_eq!(served.tip(), second);
    fsck(&served.path());
    assert_eq!(
        remote.push(&here, "main", Some(first), second).unwrap(),
        PushOutcome::AlreadyThere
    );
    let third = advance(&here, &[("a", Some("4"))]);
    assert_eq!(
        remote.push(&here, "main", Some(first), third).unwrap(),
        PushOutcome::Moved {
            expected: Some(first),
            found: Some(second)
        }
    );
    // Knowing the tip is not having decided on it.
    let (_other, other) = cache();
    let stranger = advance(&other, &[("b", Some("1"))]);
    let error = remote
        .push(&other, "main", Some(second), stranger)
        .unwrap_err();
    assert!(error.to_string().contains("does not descend"), "{error}");
    assert_eq!(served.tip(), second);
}

#[test]
fn a_refusal_is_an_error_with_the_words_of_the_hook() {
    for name in ["pre-receive", "update"] {
        let served = Served::new();
        let (_directory, here) = cache();
        served.hook(
            name,
            "echo 'branch is protected: ask the platform team' >&2; exit 1",
        );
        let tip = served.tip();
        let mut waits = 0;
        let error = local(&served)
            .land(&here, "main", 5, write("a", "x"), |_| waits += 1)
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
        let text = error.to_string();
        assert!(text.contains("ask the platform team"), "{name}: {text}");
        assert!(text.contains("hook declined"), "{name}: {text}");
        assert_eq!((served.tip(), waits), (tip, 0));
    }
}

#[test]
fn a_refusal_without_words_is_an_error_too() {
    let served = Served::new();
    let (_directory, here) = cache();
    git(&served.path(), &["config", "receive.maxInputSize", "20"]);
    let error = local(&served)
        .land(&here, "main", 1, write("a", "x"), |_| {})
        .unwrap_err();
    assert!(
        error.to_string().contains("maximum allowed size"),
        "{error}"
    );
    assert!(!matches!(error.kind(), ErrorKind::Protocol), "{error:?}");
}

#[test]
fn how_it_goes_is_told() {
    let served = Served::new();
    let (_directory, here) = cache();
    let events = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&events);
    let remote =
        local(&served).with_listener(move |event| heard.lock().unwrap().push(event.clone()));
    let theirs = Repository::open(served.path()).unwrap();
    let mut write = write("a", "x");
    let landed = remote.land(
        &here,
        "main",
        3,
        |tip: &Snapshot<'_>| {
            let commits = write(tip);
            if tip.tip() == theirs.tip("main").unwrap() && served.commits() == 1 {
                advance(&theirs, &[("rival", Some("x"))]);
            }
            commits
        },
        |_| {},
    );
    assert_eq!(landed.unwrap().attempts, 2);
    let events: Vec<String> = events
        .lock()
        .unwrap()
        .iter()
        .map(|event| format!("{event:?}"))
        .collect();
    let (fetch, push) = ("git-upload-pack", "git-receive-pack");
    let asking = |service| format!("Asking {{ service: \"{service}\" }}");
    let is = |begins: &'static str| move |event: &&String| event.starts_with(begins);
    assert_eq!(events[..2], [asking(fetch), asking(push)]);
    assert_eq!(
        events.iter().filter(is("Sending { objects: 3, ")).count(),
        2
    );
    assert_eq!(
        events.iter().filter(is("Received { objects: 2, ")).count(),
        2
    );
    assert_eq!(
        events.iter().filter(is("Lost")).collect::<Vec<_>>(),
        ["Lost { attempts: 1 }"]
    );
}

#[test]
fn what_a_server_cannot_do_is_told() {
    let served = Served::new();
    let (_directory, here) = cache();
    let error = local(&served)
        .with_push_options(["merge_request.create"])
        .land(&here, "main", 3, write("a", "x"), |_| {})
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(
        error.to_string().contains("advertisePushOptions"),
        "{error}"
    );
    assert_eq!(served.commits(), 1);

    let init = [
        "init",
        "--quiet",
        "--bare",
        "--object-format=sha256",
        "sha256.git",
    ];
    git(served.folder(), &init);
    let address = served.folder().join("sha256.git").display().to_string();
    let error = remote(&address).tip("main").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    let land = remote(&address).land(&here, "main", 3, write("a", "x"), |_| {});
    let error = land.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(
        error.to_string().contains("sha256, expected sha1"),
        "{error}"
    );
}

#[test]
fn hooks_after_the_push_are_heard_and_may_finish() {
    let served = Served::new();
    let (_directory, here) = cache();
    served.hook("post-receive", "echo deployed soon; touch finished");
    let said = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&said);
    let remote = local(&served).with_listener(move |event| {
        if let Event::Said(line) = event {
            heard.lock().unwrap().push(line.clone());
        }
    });
    committed(
        &remote
            .land(&here, "main", 1, write("a", "x"), |_| {})
            .unwrap(),
    );
    assert_eq!(*said.lock().unwrap(), ["deployed soon"]);
    assert!(served.path().join("finished").exists());
}

#[test]
fn push_options_reach_the_hooks() {
    let served = Served::new();
    let (_directory, here) = cache();
    let remote = local(&served).with_push_options(["ci.skip", "topic=a b"]);
    let error = remote
        .land(&here, "main", 1, write("a", "x"), |_| {})
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    git(
        &served.path(),
        &["config", "receive.advertisePushOptions", "true"],
    );
    served.hook(
        "pre-receive",
        "echo \"$GIT_PUSH_OPTION_COUNT:$GIT_PUSH_OPTION_0:$GIT_PUSH_OPTION_1\" >&2; exit 1",
    );
    let error = remote
        .land(&here, "main", 1, write("a", "x"), |_| {})
        .unwrap_err();
    assert!(error.to_string().contains("2:ci.skip:topic=a b"), "{error}");
}

#[test]
fn paths_are_read_listed_and_absent_as_they_are() {
    let served = Served::new();
    let (_directory, here) = cache();
    let remote = local(&served);
    let snapshot = remote.fetch(&here, "main").unwrap();
    assert_eq!(
        snapshot.read(&path("README.md")).unwrap().as_deref(),
        Some(b"read me\n".as_slice())
    );
    for absent in ["none", "apps/none/x", "README.md/x", "apps"] {
        assert_eq!(snapshot.read(&path(absent)).unwrap(), None, "{absent}");
    }
    let listed: Vec<String> = snapshot
        .list(&path("apps"))
        .unwrap()
        .iter()
        .map(|entry| entry.path().to_string())
        .collect();
    assert_eq!(
        listed,
        [
            "apps/cart/deployment.yaml",
            "apps/cart/values.yaml",
            "apps/shop/deployment.yaml",
            "apps/shop/values.yaml"
        ]
    );
    assert_eq!(snapshot.list(&path("none")).unwrap(), []);
    assert!(remote.fetch(&here, "none").unwrap().tip().is_none());
}

#[test]
fn the_history_comes_without_its_files() {
    let served = Served::new();
    let (_directory, here) = cache();
    let theirs = Repository::open(served.path()).unwrap();
    for number in 0..5 {
        advance(&theirs, &[("n", Some(&number.to_string()))]);
    }
    let remote = local(&served);
    let snapshot = remote.fetch(&here, "main").unwrap();
    snapshot.need_history(3).unwrap();
    let tip = snapshot.tip().unwrap();
    git(
        here.path(),
        &["update-ref", "refs/heads/main", &tip.to_string()],
    );
    let records = here.history("main", &History::new()).unwrap();
    assert_eq!(records.len(), 3);
    // Three commits and the root directory of one.
    assert_eq!(objects(here.path()), 4);
}

#[test]
fn what_is_not_there_is_told() {
    let directory = directory();
    let (_directory, here) = cache();
    let remote = remote(directory.path().join("none").to_str().unwrap());
    let error = remote.tip("main").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert!(error.to_string().contains("none"), "{error}");
    let served = Served::new();
    let error = local(&served).fetch(&here, "-x").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidBranch, "{error}");
}

#[test]
fn deadlines_and_cancelling_end_it() {
    let served = Served::new();
    let (_directory, here) = cache();
    let error = local(&served)
        .with_deadline(Duration::ZERO)
        .tip("main")
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    let cancel = Cancel::new();
    let stop = cancel.clone();
    // Waits for a line that never comes, and is stopped in the middle of it.
    served.hook("pre-receive", "echo waiting >&2; exec sleep 600");
    let remote = local(&served)
        .with_cancel(cancel.clone())
        .with_listener(move |event| {
            if matches!(event, Event::Sending { .. }) {
                stop.cancel();
            }
        });
    let error = remote
        .land(&here, "main", 1, write("a", "x"), |_| {})
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
    assert!(cancel.is_cancelled());
}

#[test]
fn a_commit_is_proposed_beside_the_branch_it_was_decided_for() {
    let served = Served::new();
    let (_directory, here) = cache();
    let remote = local(&served);
    let before = served.tip();
    let propose = |to: Proposal<'_>, content: &str| {
        let tip = remote.fetch(&here, "main").unwrap();
        tip.need([&path("apps/shop/values.yaml")]).unwrap();
        let files = [("apps/shop/values.yaml", Some(content))];
        let new = here.write(tip.tip(), &commit("propose", &files)).unwrap();
        let new = new.unwrap();
        (new, remote.propose(&here, to, tip.tip(), new))
    };
    let served_at = |reference: &str| git(&served.path(), &["rev-parse", reference]);

    // The second is not on top of the first: it takes its place.
    for content in ["tag: 2\n", "tag: 3\n"] {
        let (new, outcome) = propose(Proposal::Branch("promote/shop"), content);
        assert_eq!(outcome.unwrap(), PushOutcome::Pushed);
        assert_eq!(served_at("promote/shop").trim(), new.to_string());
        let commits = git(&served.path(), &["rev-list", "main..promote/shop"]);
        assert_eq!(commits.trim(), new.to_string());
        let again = remote.propose(&here, Proposal::Branch("promote/shop"), Some(before), new);
        assert_eq!(again.unwrap(), PushOutcome::AlreadyThere);
    }
    // To git itself, what a forge takes for a question is a reference like others.
    for content in ["tag: 4\n", "tag: 5\n"] {
        let (new, outcome) = propose(Proposal::For("main"), content);
        assert_eq!(outcome.unwrap(), PushOutcome::Pushed);
        assert_eq!(served_at("refs/for/main").trim(), new.to_string());
    }

    let (_, outcome) = propose(Proposal::For("../main"), "tag: 6\n");
    assert!(outcome.is_err());
    served.hook("pre-receive", "echo 'ask somebody else' >&2; exit 1");
    let (_, outcome) = propose(Proposal::Branch("promote/shop"), "tag: 7\n");
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("ask somebody else"), "{error}");
    assert_eq!(served.tip(), before);
    fsck(&served.path());
}
