//! Objects kept between runs.

use std::fs;
use std::sync::{Arc, Mutex};
use std::thread;

use narae_gitops::remote::{Cache, Error, ErrorKind, Event, MAX_CACHED_PACKS, Remote, Snapshot};

use super::fixture::{Served, committed, remote, replace};
use crate::fixture::{commit, directory, fsck, path};

fn counting(served: &Served) -> (Remote, Arc<Mutex<usize>>) {
    let received = Arc::new(Mutex::new(0));
    let heard = Arc::clone(&received);
    let remote = remote(served.path().to_str().unwrap()).with_listener(move |event| {
        if let Event::Received { objects, .. } = event {
            *heard.lock().unwrap() += objects;
        }
    });
    (remote, received)
}

#[test]
fn the_next_run_finds_what_the_last_one_had() {
    let served = Served::new();
    let folder = directory();
    let (remote, received) = counting(&served);
    for (from, to) in [("1", "2"), ("2", "3")] {
        let cache = Cache::open(folder.path().join("new"), &remote).unwrap();
        let decide = replace("apps/shop/values.yaml", from, to);
        let landed = remote.land(cache.repository(), "main", 1, decide, |_| {});
        committed(&landed.unwrap());
    }
    assert_eq!(*received.lock().unwrap(), 5);
    // Another remote has another place.
    let other = Served::new();
    let other = Cache::open(folder.path().join("new"), &counting(&other).0).unwrap();
    let first = Cache::open(folder.path().join("new"), &remote).unwrap();
    assert_ne!(other.repository().path(), first.repository().path());
}

#[test]
fn many_at_once_share_it() {
    let served = Served::new();
    let folder = directory();
    thread::scope(|scope| {
        for writer in 0..8 {
            let (served, folder) = (&served, folder.path());
            scope.spawn(move || {
                let remote = counting(served).0;
                let cache = Cache::open(folder, &remote).unwrap();
                let name = format!("apps/app-{writer}/values.yaml");
                let decide = |_: &Snapshot<'_>| {
                    Ok::<_, Error>(vec![commit(&name, &[(&name, Some("tag: 1\n"))])])
                };
                let landed = remote.land(cache.repository(), "main", 100, decide, |_| {});
                committed(&landed.unwrap());
            });
        }
    });
    assert_eq!(served.commits(), 9);
    fsck(&served.path());
}

/// Set for a process that writes: the folder of the cache, the remote's address, its number.
const WRITER: &str = "NARAE_GITOPS_TEST_CACHE";

/// Lands a change, when this process was started for that; else there is nothing to do here.
#[test]
fn writer() {
    let Ok(told) = std::env::var(WRITER) else {
        return;
    };
    let [folder, address, writer] = told.split('\n').collect::<Vec<_>>().try_into().unwrap();
    let remote = Remote::new(address).unwrap();
    let cache = Cache::open(folder, &remote).unwrap();
    let name = format!("apps/app-{writer}/values.yaml");
    for content in ["tag: 1\n", "tag: 2\n"] {
        let decide =
            |_: &Snapshot<'_>| Ok::<_, Error>(vec![commit(&name, &[(&name, Some(content))])]);
        let landed = remote.land(cache.repository(), "main", 100, decide, |_| {});
        committed(&landed.unwrap());
    }
}

#[test]
fn several_processes_share_it() {
    let served = Served::new();
    let folder = directory();
    let (at, address) = (folder.path().display(), served.path());
    let children: Vec<_> = (0..6)
        .map(|writer| {
            std::process::Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "remote::cache::writer", "--nocapture"])
                .env(WRITER, format!("{at}\n{}\n{writer}", address.display()))
                .stdout(std::process::Stdio::piped())
                .stderr(std::process::Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    assert_eq!(served.commits(), 13);
    for writer in 0..6 {
        let name = format!("apps/app-{writer}/values.yaml");
        assert_eq!(served.file(&name), "tag: 2\n");
    }
    fsck(&served.path());
    // The next run has all of it.
    let (remote, received) = counting(&served);
    let cache = Cache::open(folder.path(), &remote).unwrap();
    let snapshot = remote.fetch(cache.repository(), "main").unwrap();
    assert!(
        snapshot
            .read(&path("apps/app-0/values.yaml"))
            .unwrap()
            .is_some()
    );
    assert_eq!(*received.lock().unwrap(), 0);
}

#[test]
fn it_may_be_deleted_in_the_middle_of_a_run() {
    let served = Served::new();
    let folder = directory();
    let (remote, _) = counting(&served);
    let cache = Cache::open(folder.path(), &remote).unwrap();
    let decide = |snapshot: &Snapshot<'_>| {
        snapshot.read(&path("apps/shop/values.yaml"))?;
        fs::remove_dir_all(folder.path()).unwrap();
        Ok::<_, Error>(vec![commit(
            "x",
            &[("apps/shop/values.yaml", Some("tag: 2\n"))],
        )])
    };
    let error = remote
        .land(cache.repository(), "main", 1, decide, |_| {})
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CacheLost, "{error}");
    let cache = Cache::open(folder.path(), &remote).unwrap();
    let decide = replace("apps/shop/values.yaml", "1", "2");
    let landed = remote.land(cache.repository(), "main", 1, decide, |_| {});
    committed(&landed.unwrap());
    assert_eq!(served.commits(), 2);
}

/// Somebody deletes it and is stopped halfway: what is left is no repository, and goes when nobody uses it.
#[test]
fn what_a_deletion_left_is_begun_anew() {
    let served = Served::new();
    let folder = directory();
    let (remote, _) = counting(&served);
    let open = || Cache::open(folder.path(), &remote);
    let decide = |from, to| replace("apps/shop/values.yaml", from, to);
    let cache = open().unwrap();
    let landed = remote.land(cache.repository(), "main", 1, decide("1", "2"), |_| {});
    committed(&landed.unwrap());
    let path = cache.repository().path().to_owned();
    fs::write(path.join("description"), "of another tool").unwrap();
    fs::remove_file(path.join("HEAD")).unwrap();
    assert!(open().is_err(), "it is in use");
    drop(cache);
    let cache = open().unwrap();
    let landed = remote.land(cache.repository(), "main", 1, decide("2", "3"), |_| {});
    committed(&landed.unwrap());
}

#[test]
fn it_is_begun_anew_when_it_is_full_and_nobody_uses_it() {
    let served = Served::new();
    let folder = directory();
    let (remote, _) = counting(&served);
    let used = Cache::open(folder.path(), &remote).unwrap();
    let packs = used.repository().path().join("objects/pack");
    for number in 0..=2 * MAX_CACHED_PACKS {
        fs::write(packs.join(format!("{number}.keep")), "").unwrap();
    }
    drop(Cache::open(folder.path(), &remote).unwrap());
    assert!(packs.join("0.keep").exists());
    drop(used);
    let fresh = Cache::open(folder.path(), &remote).unwrap();
    assert!(!packs.join("0.keep").exists());
    let decide = replace("apps/shop/values.yaml", "1", "2");
    let landed = remote.land(fresh.repository(), "main", 1, decide, |_| {});
    committed(&landed.unwrap());
    // Nothing of the old one is left.
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[cfg(unix)]
#[test]
fn it_is_for_this_user_only() {
    use std::os::unix::fs::PermissionsExt as _;

    let served = Served::new();
    let folder = directory();
    let (remote, _) = counting(&served);
    let inner = folder.path().join("a/b");
    drop(Cache::open(&inner, &remote).unwrap());
    let mode = fs::metadata(&inner).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}
