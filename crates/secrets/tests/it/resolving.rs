//! Resolving: grouped reads, all failures at once, stores that are down.

use std::sync::atomic::{AtomicUsize, Ordering};

use narae_secrets::reference::Reference;
use narae_secrets::resolve::{FailureKind, Request, resolve};
use narae_secrets::store::memory::MemoryStore;
use narae_secrets::store::{Cas, Secret, SecretPath, Store, StoreError, StoreErrorKind, Version};

use crate::material::values;

/// Counts reads; `down` fails all of them.
pub(crate) struct Counting {
    pub(crate) inner: MemoryStore,
    reads: AtomicUsize,
    down: bool,
}

impl Counting {
    pub(crate) fn new(name: &str, down: bool) -> Self {
        Self {
            inner: MemoryStore::new(name),
            reads: AtomicUsize::new(0),
            down,
        }
    }

    pub(crate) fn reads(&self) -> usize {
        self.reads.load(Ordering::Relaxed)
    }
}

impl Store for Counting {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn read(&self, path: &SecretPath, version: Option<Version>) -> Result<Secret, StoreError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        if self.down {
            return Err(StoreError::new(
                StoreErrorKind::Sealed,
                self.name(),
                Some(path),
            ));
        }
        self.inner.read(path, version)
    }
}

fn reference(text: &str) -> Reference {
    text.parse().unwrap()
}

fn request(text: &str) -> Request {
    Request::new(reference(text), "secret.yaml:7:3")
}

#[test]
fn a_thousand_references_over_fifty_paths_are_fifty_reads() {
    let store = Counting::new("main", false);
    let data: narae_secrets::store::SecretData = (0..20)
        .map(|key| {
            (
                format!("k{key}"),
                crate::material::secret(&format!("value {key}")),
            )
        })
        .collect();
    let mut requests = Vec::new();
    for path in 0..50 {
        store
            .inner
            .write(&format!("s/p{path}").parse().unwrap(), &data, Cas::Any)
            .unwrap();
        requests.extend((0..20).map(|key| request(&format!("ref+vault://main/s/p{path}#/k{key}"))));
    }
    let resolved = resolve(&requests, &[&store]).unwrap();
    assert_eq!((resolved.len(), store.reads()), (1000, 50));
    let found = resolved
        .get(&reference("ref+vault://main/s/p49#/k7"))
        .unwrap();
    assert_eq!(found.value.expose(), b"value 7");
    assert_eq!(found.version, Some(Version::FIRST));
    assert!(
        resolved
            .get(&reference("ref+vault://main/s/p49#/k20"))
            .is_none()
    );
}

#[test]
fn versions_and_decoding_are_obeyed() {
    let store = MemoryStore::new("main");
    let path = "s/a".parse().unwrap();
    store
        .write(&path, &values([("k", "b25l\n"), ("u", "%")]), Cas::Any)
        .unwrap();
    store
        .write(&path, &values([("k", "dHdv")]), Cas::Any)
        .unwrap();
    let value = |text: &str| {
        let resolved = resolve(&[request(text)], &[&store]).unwrap();
        let found = resolved.get(&reference(text)).unwrap();
        (
            String::from_utf8(found.value.expose().to_vec()).unwrap(),
            found.version.unwrap().get(),
        )
    };
    assert_eq!(value("ref+vault://main/s/a#/k"), ("dHdv".to_owned(), 2));
    assert_eq!(
        value("ref+vault://main/s/a?decode=base64#/k"),
        ("two".to_owned(), 2)
    );
    assert_eq!(
        value("ref+vault://main/s/a?version=1&decode=base64#/k"),
        ("one".to_owned(), 1)
    );
    let broken = request("ref+vault://main/s/a?version=1&decode=base64#/u");
    let error = resolve(&[broken], &[&store]).unwrap_err();
    assert_eq!(error.failures()[0].kind, FailureKind::NotBase64);
}

#[test]
fn every_failure_is_reported_with_its_place() {
    let store = MemoryStore::new("main");
    store
        .write(
            &"s/a".parse().unwrap(),
            &values([("user", "x"), ("zone", "y")]),
            Cas::Any,
        )
        .unwrap();
    let requests = [
        request("ref+vault://main/s/a#/password"),
        request("ref+vault://main/s/b#/k"),
        request("ref+vault://prod/s/a#/k"),
        request("ref+vault://main/s/a?version=9#/user"),
        request("ref+vault://main/s/a#/user"),
    ];
    let error = resolve(&requests, &[&store]).unwrap_err();
    let text = error.to_string();
    let expected = "\
secret.yaml:7:3: ref+vault://main/s/a#/password: the secret has no key \"password\"; it has: user, zone
secret.yaml:7:3: ref+vault://main/s/b#/k: store `main`, s/b: there is no secret here; check the path; the first segment is the mount
secret.yaml:7:3: ref+vault://prod/s/a#/k: there is no store `prod`; configured: main
secret.yaml:7:3: ref+vault://main/s/a?version=9#/user: store `main`, s/a: there is no version 9; drop `version=` to read the newest";
    assert_eq!(text, expected);
}

#[test]
fn a_store_that_is_down_is_asked_once() {
    let store = Counting::new("main", true);
    let requests: Vec<Request> = (0..10)
        .map(|path| request(&format!("ref+vault://main/s/p{path}#/k")))
        .collect();
    let error = resolve(&requests, &[&store]).unwrap_err();
    assert_eq!((error.failures().len(), store.reads()), (10, 1));
}

#[test]
fn two_stores_of_one_name_are_refused() {
    let (one, two) = (MemoryStore::new("main"), MemoryStore::new("main"));
    let error = resolve(&[request("ref+vault://main/s/a#/k")], &[&one, &two]).unwrap_err();
    let ambiguous = FailureKind::AmbiguousStore {
        name: "main".to_owned(),
    };
    assert_eq!(error.failures()[0].kind, ambiguous);
}
