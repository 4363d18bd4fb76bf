//! `git daemon` over TCP.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use narae_gitops::remote::{ErrorKind, Event};
use narae_gitops::repository::Repository;
use narae_testservers::GitDaemon;

use super::fixture::{Served, cache, committed, remote, replace, write};
use crate::fixture::{advance, fsck, git};

fn start(served: &Served) -> Option<GitDaemon> {
    GitDaemon::start(
        served.folder(),
        &served.folder().join("daemon.log"),
        "a remote over git://",
    )
}

#[test]
fn a_change_lands_over_tcp() {
    let served = Served::new();
    let Some(daemon) = start(&served) else { return };
    let (_directory, here) = cache();
    let remote = remote(&daemon.address("gitops.git"));
    let decide = replace("apps/shop/values.yaml", "1", "2");
    let landed = remote.land(&here, "main", 1, decide, |_| {}).unwrap();
    assert_eq!(committed(&landed), [served.tip()]);
    assert_eq!(served.file("apps/shop/values.yaml"), "tag: 2\n");
    fsck(&served.path());
}

#[test]
fn a_server_without_filters_sends_the_snapshot() {
    let served = Served::new();
    git(
        &served.path(),
        &["config", "--unset", "uploadpack.allowFilter"],
    );
    let Some(daemon) = start(&served) else { return };
    let (_directory, here) = cache();
    let received = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&received);
    let remote = remote(&daemon.address("gitops.git")).with_listener(move |event| {
        if let Event::Received { objects, .. } = event {
            count.fetch_add(*objects, Ordering::Relaxed);
        }
    });
    let mut counts = Vec::new();
    for (from, to) in [("1", "2"), ("2", "3")] {
        let decide = replace("apps/shop/values.yaml", from, to);
        committed(&remote.land(&here, "main", 1, decide, |_| {}).unwrap());
        advance(
            &Repository::open(served.path()).unwrap(),
            &[("apps/cart/values.yaml", Some(to))],
        );
        counts.push(received.swap(0, Ordering::Relaxed));
    }
    // All of it; then what the first change and another writer's made of it: two files in two directories,
    // the one above, the root and the commit.
    assert_eq!(counts, [9, 7]);
    assert_eq!(served.file("apps/shop/values.yaml"), "tag: 3\n");
    fsck(&served.path());
}

#[test]
fn what_the_daemon_refuses_is_told() {
    let served = Served::new();
    let Some(daemon) = start(&served) else { return };
    let (_directory, here) = cache();
    let error = remote(&daemon.address("none.git")).tip("main").unwrap_err();
    assert!(error.to_string().contains("no such repository"), "{error}");
    served.hook("pre-receive", "echo 'not on Fridays' >&2; exit 1");
    let error = remote(&daemon.address("gitops.git"))
        .land(&here, "main", 3, write("a", "x"), |_| {})
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    assert!(error.to_string().contains("not on Fridays"), "{error}");
}

#[test]
fn nobody_listening_is_told() {
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let error = remote(&format!("git://127.0.0.1:{port}/x"))
        .tip("main")
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
}
