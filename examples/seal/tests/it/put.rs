//! `seal put`: a value into an embedded store, as a new version beside the others.

use std::thread;

use narae_secrets::store::file::{FileStore, KeyFile};
use narae_secrets::store::{SecretPath, Store as _};

use crate::program::{Program, Run};

/// A folder with an empty store.
struct Stored(tempfile::TempDir);

impl Stored {
    fn new() -> Self {
        let stored = Self(tempfile::tempdir().unwrap());
        let key = KeyFile::create(stored.at("store.key")).unwrap();
        FileStore::create("main", stored.at("main.store"), key).unwrap();
        stored
    }

    fn at(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn put(&self, arguments: &[&str], value: &str) -> Run {
        let (store, key) = (self.at("main.store"), self.at("store.key"));
        let flags = ["--store", &store, "--store-key", &key];
        Program::Seal.run(&[&["put"], arguments, &flags].concat(), value.as_bytes())
    }

    fn open(&self) -> FileStore {
        let key = KeyFile::read(self.at("store.key")).unwrap();
        FileStore::open("main", self.at("main.store"), key).unwrap()
    }
}

#[test]
fn a_value_is_a_new_version_and_the_others_stay() {
    let stored = Stored::new();
    let path: SecretPath = "kv/shop/dev/database".parse().unwrap();
    let first = stored.put(&["kv/shop/dev/database", "password"], "Zq7wXn2Lk9Rt");
    assert_eq!(first.code, Some(0), "{first:?}");
    assert!(
        first
            .stderr
            .contains("kv/shop/dev/database#/password is in version 1")
    );
    std::fs::write(stored.at("user"), "shop\n").unwrap();
    let file = stored.at("user");
    let second = stored.put(&["kv/shop/dev/database", "user", "--from-file", &file], "");
    assert_eq!(second.code, Some(0), "{second:?}");
    let data = stored.open().read(&path, None).unwrap().data;
    let values: Vec<(&str, &[u8])> = data.iter().map(|(k, v)| (k.as_str(), v.expose())).collect();
    assert_eq!(
        values,
        [("password", &b"Zq7wXn2Lk9Rt"[..]), ("user", b"shop\n")]
    );
    assert!(!format!("{first:?}{second:?}").contains("Zq7wXn2Lk9Rt"));

    // What was deleted does not come back.
    let store = stored.open();
    let newest = store.metadata(&path).unwrap().current;
    store.delete(&path, newest).unwrap();
    assert_eq!(
        stored.put(&["kv/shop/dev/database", "user"], "x").code,
        Some(0)
    );
    let secret = stored.open().read(&path, None).unwrap();
    assert_eq!(secret.data.keys().collect::<Vec<_>>(), ["user"]);
    assert_eq!(secret.version.unwrap().get(), 3);
}

#[test]
fn keys_that_are_put_at_once_are_all_there() {
    let stored = Stored::new();
    thread::scope(|scope| {
        for number in 0..8 {
            let stored = &stored;
            scope.spawn(move || {
                let run = stored.put(&["kv/shop", &format!("k{number}")], "v");
                assert_eq!(run.code, Some(0), "{run:?}");
            });
        }
    });
    let secret = stored
        .open()
        .read(&"kv/shop".parse().unwrap(), None)
        .unwrap();
    assert_eq!((secret.data.len(), secret.version.unwrap().get()), (8, 8));
}

#[test]
fn what_cannot_be_put_is_an_error() {
    let stored = Stored::new();
    assert_eq!(stored.put(&["../kv", "password"], "x").code, Some(2));
    assert_eq!(stored.put(&["kv/shop"], "x").code, Some(2), "no key");
    assert_eq!(stored.put(&["kv/shop", ""], "x").code, Some(1));
    let run = stored.put(&["kv/shop", "k", "--from-file", "/nonexistent"], "");
    assert_eq!(run.code, Some(1), "{run:?}");
    std::fs::remove_file(stored.at("main.store")).unwrap();
    let run = stored.put(&["kv/shop", "k"], "x");
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(!std::path::Path::new(&stored.at("main.store")).exists());
}
