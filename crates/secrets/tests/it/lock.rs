//! The lock file: what was read is read again, what is newer is told, what is not a lock file is refused with its place.

use narae_secrets::lock::{Lock, LockErrorKind, LockedError, MAX_LOCK_BYTES};
use narae_secrets::reference::Reference;
use narae_secrets::resolve::{Request, Resolved, resolve};
use narae_secrets::store::memory::MemoryStore;
use narae_secrets::store::{Cas, Secret, SecretPath, Store, StoreError, Version};
use proptest::prelude::*;

use crate::material::values;

fn reference(text: &str) -> Reference {
    text.parse().unwrap()
}

fn read(store: &dyn Store, references: &[&str]) -> Resolved {
    let requests: Vec<Request> = references
        .iter()
        .map(|text| Request::new(reference(text), "a.yaml:1:1"))
        .collect();
    resolve(&requests, &[store]).unwrap()
}

fn store(paths: &[&str]) -> MemoryStore {
    let store = MemoryStore::new("main");
    for path in paths {
        let data = values([("k", "one"), ("u", "two")]);
        store
            .write(&path.parse().unwrap(), &data, Cas::Any)
            .unwrap();
    }
    store
}

fn version(number: u64) -> Version {
    Version::new(number).unwrap()
}

/// The same secrets, written another time.
struct Rewritten<'a>(&'a MemoryStore, &'static str);

impl Store for Rewritten<'_> {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn read(&self, path: &SecretPath, version: Option<Version>) -> Result<Secret, StoreError> {
        self.0
            .read(path, version)
            .map(|secret| secret.with_stamp(self.1))
    }
}

#[test]
fn changes_of_two_are_both_kept() {
    let lock = |lines: &str| Lock::read("x", &format!("# narae-secrets lock 1\n{lines}")).unwrap();
    let before = lock("main s/a version=1\nmain s/b version=1\n");
    let theirs = lock("main s/a version=1\nmain s/b version=2\nmain s/c version=1\n");
    let ours = lock("main s/a version=3\nmain s/b version=1\nmain s/d version=1\n");
    assert_eq!(
        theirs.clone().with_changes(&before, &ours),
        lock("main s/a version=3\nmain s/b version=2\nmain s/c version=1\nmain s/d version=1\n")
    );
    assert_eq!(theirs.clone().with_changes(&before, &before), theirs);
}

#[test]
fn what_was_read_is_read_again_and_newer_versions_are_told() {
    let store = store(&["s/a", "s/b c"]);
    let references = [
        "ref+vault://main/s/b%20c#/k",
        "ref+vault://main/s/a#/k",
        "ref+vault://main/s/a#/u",
    ];
    let lock = Lock::of(&read(&Rewritten(&store, "w1"), &references));
    let text =
        "# narae-secrets lock 1\nmain s/a version=1 stamp=w1\nmain s/b%20c version=1 stamp=w1\n";
    assert_eq!(lock.to_string(), text);
    assert_eq!(Lock::read("x", &text.replace('\n', "\r\n")).unwrap(), lock);
    assert_eq!(
        Lock::read("x", &format!("{text}\n# a remark\n")).unwrap(),
        lock
    );

    store
        .write(
            &"s/a".parse().unwrap(),
            &values([("k", "new"), ("u", "new")]),
            Cas::Any,
        )
        .unwrap();
    let pinned = lock.pin(&reference(references[1]));
    assert_eq!(pinned.to_string(), "ref+vault://main/s/a?version=1#/k");
    assert_eq!(
        read(&store, &[&pinned.to_string()])
            .get(&pinned)
            .unwrap()
            .value
            .expose(),
        b"one"
    );
    for unlocked in [
        "ref+vault://main/s/a?version=2#/k",
        "ref+vault://main/s/c#/k",
        "ref+vault://other/s/a#/k",
    ] {
        assert_eq!(lock.pin(&reference(unlocked)), reference(unlocked));
    }
    let outdated = lock.outdated(&[&store]).unwrap();
    let told: Vec<String> = outdated.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["main s/a: version 1 is locked, 2 is the newest"]);
    assert_eq!(lock.outdated(&[&MemoryStore::new("other")]).unwrap(), []);
    let missing = lock.outdated(&[&MemoryStore::new("main")]).unwrap_err();
    assert!(missing.to_string().contains("s/a"), "{missing}");
}

#[test]
fn another_writing_of_the_locked_version_is_refused() {
    let store = store(&["s/a"]);
    let references = ["ref+vault://main/s/a#/k"];
    let lock = Lock::of(&read(&Rewritten(&store, "w1"), &references));
    assert_eq!(
        lock.verify(&read(&Rewritten(&store, "w1"), &references)),
        Ok(())
    );
    let changed = lock
        .verify(&read(&Rewritten(&store, "w2"), &references))
        .unwrap_err();
    assert!(
        changed
            .to_string()
            .starts_with("ref+vault://main/s/a#/k: version 1 is locked"),
        "{changed}"
    );
    // Of a lock without stamps nothing can be told.
    let lock = Lock::of(&read(&Rewritten(&store, ""), &references));
    assert_eq!(
        lock.verify(&read(&Rewritten(&store, "w2"), &references)),
        Ok(())
    );
    assert!(!lock.is_empty() && lock.len() == 1);
}

#[test]
fn what_is_locked_is_read_whatever_is_newer() {
    let store = store(&["s/a", "s/b"]);
    let references = ["ref+vault://main/s/a#/k", "ref+vault://main/s/b#/k"];
    let lock = Lock::of(&read(&store, &references[..1]));
    let write = |path: &str| {
        let data = values([("k", "newer"), ("u", "two")]);
        store
            .write(&path.parse().unwrap(), &data, Cas::Any)
            .unwrap()
    };
    write("s/a");
    write("s/b");
    let requests = references.map(|text| Request::new(reference(text), "a.yaml:1:1"));
    let resolved = lock.resolve(&requests, &[&store]).unwrap();
    // By the reference as it was asked.
    let value = |text: &str| {
        resolved
            .get(&reference(text))
            .unwrap()
            .value
            .expose()
            .to_vec()
    };
    assert_eq!(value(references[0]), b"one");
    assert_eq!(value(references[1]), b"newer", "not locked");
    let text = lock.clone().with(&resolved).to_string();
    assert!(
        text.contains("s/a version=1") && text.contains("s/b version=2"),
        "{text}"
    );
    // What is locked besides stays, what was read anew is locked anew.
    let newest = lock.with(&read(&store, &references[..1])).to_string();
    assert!(newest.contains("s/a version=2"), "{newest}");

    let lock = Lock::of(&read(&Rewritten(&store, "w1"), &references));
    assert!(matches!(
        lock.resolve(&requests, &[&Rewritten(&store, "w2")]),
        Err(LockedError::Changed(_))
    ));
    store.destroy(&"s/a".parse().unwrap(), version(2)).unwrap();
    let gone = lock.resolve(&requests, &[&store]).unwrap_err();
    assert!(gone.to_string().contains("s/a?version=2#/k"), "{gone}");
}

#[test]
fn a_version_in_a_reference_is_not_locked_for_others() {
    let store = store(&["s/a", "s/a", "s/a"]);
    let resolved = read(
        &store,
        &[
            "ref+vault://main/s/a?version=3#/k",
            "ref+vault://main/s/a#/u",
        ],
    );
    let lock = Lock::of(&resolved);
    store
        .write(&"s/a".parse().unwrap(), &values([("u", "4")]), Cas::Any)
        .unwrap();
    assert!(lock.to_string().contains("version=3"));
    let older = Lock::read("x", "# narae-secrets lock 1\nmain s/a version=2\n").unwrap();
    let requests = [
        "ref+vault://main/s/a#/u",
        "ref+vault://main/s/a?version=3#/k",
    ];
    let requests = requests.map(|text| Request::new(reference(text), "a.yaml:1:1"));
    let resolved = older.resolve(&requests, &[&store]).unwrap();
    assert!(older.with(&resolved).to_string().contains("version=2"));
}

#[test]
fn the_newest_of_several_versions_is_locked() {
    let store = store(&["s/a", "s/a", "s/a"]);
    let resolved = read(
        &store,
        &[
            "ref+vault://main/s/a?version=1#/k",
            "ref+vault://main/s/a?version=3#/k",
            "ref+vault://main/s/a?version=2#/k",
        ],
    );
    assert!(
        Lock::of(&resolved)
            .to_string()
            .contains("main s/a version=3 stamp=")
    );
}

#[test]
fn what_is_no_lock_file_is_refused_with_its_place() {
    for (lines, place, kind) in [
        ("main", "2:5", LockErrorKind::Path),
        ("ma/in s/a version=1", "2:1", LockErrorKind::Path),
        (" main s/a version=1", "2:1", LockErrorKind::Path),
        ("main s/../a version=1", "2:6", LockErrorKind::Path),
        ("main s/%2e%2e/a version=1", "2:6", LockErrorKind::Path),
        ("main  s/a version=1", "2:6", LockErrorKind::Path),
        ("main s/a", "2:9", LockErrorKind::Version),
        ("main s/a version=0", "2:10", LockErrorKind::Version),
        ("main s/a version=+1", "2:10", LockErrorKind::Version),
        (
            "main s/a version=99999999999999999999",
            "2:10",
            LockErrorKind::Version,
        ),
        ("main s/\u{e9} 1", "2:10", LockErrorKind::Version),
        ("main s/a version=1 ", "2:20", LockErrorKind::Stamp),
        ("main s/a version=1 stamp=", "2:20", LockErrorKind::Stamp),
        ("main s/a version=1 stamp=a b", "2:28", LockErrorKind::Stamp),
        (
            "main s/a version=1\n<<<<<<< HEAD",
            "3:1",
            LockErrorKind::Path,
        ),
        (
            "main s/a version=1\nmain s/a version=2",
            "3:1",
            LockErrorKind::Twice,
        ),
    ] {
        let error = Lock::read("n.lock", &format!("# narae-secrets lock 1\n{lines}")).unwrap_err();
        assert_eq!(error.kind, kind, "{lines}");
        assert!(
            error.to_string().starts_with(&format!("n.lock:{place}: ")),
            "{error}"
        );
    }
    for text in ["", "main s/a version=1\n", "# narae-secrets lock 2\n"] {
        assert_eq!(Lock::read("x", text).unwrap_err().kind, LockErrorKind::Head);
    }
    let long = "#".repeat(MAX_LOCK_BYTES + 1);
    assert_eq!(
        Lock::read("x", &long).unwrap_err().kind,
        LockErrorKind::TooLong
    );
}

proptest! {
    #[test]
    fn what_is_written_reads_the_same(
        pins in proptest::collection::btree_map("[a-z]{1,3}(/[^\u{0}-\u{1f}\u{7f}-\u{9f}/\\\\]{1,6}x){1,3}", (1..u64::MAX, proptest::option::of("[!-~]{1,20}")), 0..8)
    ) {
        let mut text = "# narae-secrets lock 1\n".to_owned();
        for (path, (version, stamp)) in &pins {
            let Ok(path) = path.parse::<SecretPath>() else { continue };
            let path = escaped(&path);
            let stamp = stamp.as_ref().map_or_else(String::new, |stamp| format!(" stamp={stamp}"));
            text.push_str(&format!("main {path} version={version}{stamp}\n"));
        }
        let lock = Lock::read("x", &text).unwrap();
        prop_assert_eq!(Lock::read("x", &lock.to_string()).unwrap(), lock);
    }
}

fn escaped(path: &SecretPath) -> String {
    path.as_str()
        .bytes()
        .map(|byte| match byte {
            b'/' => "/".to_owned(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}
